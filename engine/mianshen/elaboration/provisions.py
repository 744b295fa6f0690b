"""Every way each decision can be decided: provisions and tables, typed.

In: the document, the symbol table. Out: provisions by decision, planned ones apart.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.elaboration.provision_parts import Place
from mianshen.elaboration.tables import TableChecks
from mianshen.program import diagnostics
from mianshen.program.program import Citation, Key, Planned, Provision
from mianshen.source import TYPO, Message, nearest

if TYPE_CHECKING:
    from mianshen.document.model import Provision as ProvisionModel
    from mianshen.document.model import Table

    Model: TypeAlias = ProvisionModel | Table


@dataclass(frozen=True, slots=True)
class ProvisionSite:
    """A provision or table as written, and the decision it is for."""

    key: Key
    name: str
    model: Model
    place: Place

    @property
    def planned(self) -> bool:
        return self.model.status == "planned"


@dataclass(slots=True)
class ProvisionChecks(TableChecks):
    """Types every provision and table against one symbol table."""

    planned: list[Planned] = field(default_factory=list)

    def sites(self) -> list[ProvisionSite]:
        """Everything that gives a decision; what gives an unknown one is reported."""
        sites: list[ProvisionSite] = []
        owners: dict[str, list[str]] = defaultdict(list)
        for entity, name in self.names.decisions:
            owners[name].append(entity)
        for section, models in (("provisions", self.document.provisions), ("tables", self.document.tables)):
            for name, model in models.items():
                place: Place = (section, name)
                key = self._decision_of(model, place, owners[model.decision])
                if key is not None:
                    sites.append(ProvisionSite(key, name, model, place))
                    self._plan(sites[-1])
        for name in self.document.tables:
            if name in self.document.provisions:
                meaning = Message("条款的名称", "the name of a provision")
                self.diagnostics.append(
                    diagnostics.name_taken(self.document.span("tables", name), name, meaning)
                )
        return sites

    def _decision_of(self, model: Model, place: Place, entities: list[str]) -> Key | None:
        """The decision that a provision or table gives; `entities`: those that have a decision of its name."""
        name, decisions = model.decision, self.names.decisions
        owners = [entity for entity in entities if model.entity in (None, entity)]
        if len(owners) == 1:
            return owners[0], name
        if len(owners) > 1:
            span = self.document.span(*place, "decision")
            self.diagnostics.append(
                diagnostic(
                    "E327.ambiguous_decision",
                    span,
                    entities="、".join(owners),
                    name=name,
                    entities2=" and ".join(owners),
                )
            )
        elif model.entity is not None and model.entity not in self.names.entities:
            span = self.document.span(*place, "entity")
            self.vocabulary.unknown(span, "entities", model.entity, self.names.entities)
        else:
            span = self.document.span(*place, "decision")
            known = {n: (e, n) for e, n in decisions if model.entity in (None, e)}
            self.vocabulary.unknown(span, "decisions", name, known)
            meant = nearest(name, known, TYPO)  # its other mistakes are told too
            return None if meant is None else known[meant]
        return None

    def _plan(self, site: ProvisionSite) -> None:
        """Note what is planned: a whole provision or table, or single rows."""
        model, name = site.model, site.name
        if site.planned:
            self.planned.append(self._planned(name, site, model))
        elif site.place[0] == "tables":
            for row in self.document.tables[name].rows:
                if row.status == "planned":
                    self.planned.append(self._planned(f"{name}.{row.id}", site, model))

    def _planned(self, name: str, site: ProvisionSite, model: Model) -> Planned:
        return Planned(name, site.key[1], self.title(model, site.name), Citation(model.source, model.clause))

    def typed(self, site: ProvisionSite) -> list[Provision]:
        """The provisions a site stands for; none when it is wrong."""
        self.cited(site.model, site.place)
        self._exceptions(site)
        self.name_locals(*site.key, site.model, site.place)
        try:
            if site.place[0] == "tables":
                return self.table(site.key, site.name, self.document.tables[site.name], site.place)
            provision = self._provision(site, self.document.provisions[site.name])
            return [] if provision is None else [provision]
        finally:
            self.locals, self.let = {}, {}

    def _provision(self, site: ProvisionSite, model: ProvisionModel) -> Provision | None:
        key, place = site.key, site.place
        when = [] if model.when is None else self.condition(key[0], (*place, "when"))
        value = self.value(key, (*place, "value"))
        limits = self.limits(key, model.annual_limit, place)
        scope = self.scope(key[0], model, place)
        if when is None or value is None or scope is None or limits is None:
            return None
        return self.provision(
            key, site.name, model, place, (*scope, *when), value,
            limits=limits, fallback=model.fallback, texts=(model.when, model.value),
        )  # fmt: skip

    def _exceptions(self, site: ProvisionSite) -> None:
        """Each exception is to a provision it may meet."""
        document = self.document
        fallback = getattr(site.model, "fallback", False)
        for index, name in enumerate(site.model.exception_to):
            span = document.span(*site.place, "exception_to", index)
            other = self._named(name)
            if other is None:
                known = self._givers(site.key[1], site.name)
                section = "tables" if document.is_broken("tables", name) else "provisions"
                self.vocabulary.unknown(span, section, name, known)
            elif other.decision != site.key[1] or other.entity not in (None, site.key[0]):
                said = Message(
                    f"给出的是另一决定 {other.decision}", f"gives another decision, {other.decision}"
                )
                self.diagnostics.append(diagnostic("E335.bad_exception", span, name=name, problem=said))
            elif fallback != getattr(other, "fallback", False):
                said = Message(
                    "与它从不同时适用：其一是兜底条款", "never applies beside it: one of them is a fallback"
                )
                self.diagnostics.append(diagnostic("E335.bad_exception", span, name=name, problem=said))
            elif name == site.name:
                self.diagnostics.append(diagnostics.exceptions_in_circle(span, [name, name]))

    def _named(self, name: str) -> Model | None:
        """The provision or table of a name."""
        provision = self.document.provisions.get(name)
        return self.document.tables.get(name) if provision is None else provision

    def _givers(self, decision: str, apart_from: str) -> list[str]:
        """The provisions and tables of a decision."""
        provisions = [n for n, m in self.document.provisions.items() if m.decision == decision]
        tables = [n for n, m in self.document.tables.items() if m.decision == decision]
        return [name for name in (*provisions, *tables) if name != apart_from]
