"""A document becomes a program: typed, linked, ordered. The driver reads as a table of contents.

In: a `Document` and what reading it found. Out: a `Program` and its warnings, or `RuleError` with
every mistake of every file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import missing_key
from mianshen.elaboration.accumulators import (
    AccumulatorChecks,
    accumulator_names,
    counters,
    counting,
    of_nobody,
    with_entities,
    with_parts,
)
from mianshen.elaboration.benefits import benefits, clauses, out_of_scope, sources
from mianshen.elaboration.checks import RecordChecks
from mianshen.elaboration.coverage import gaps
from mianshen.elaboration.data_tables import with_data
from mianshen.elaboration.events import event_types
from mianshen.elaboration.functions import check_functions, own_functions, written_functions
from mianshen.elaboration.link import conflicts, foldless, linked
from mianshen.elaboration.overriding import overridden, overriding, overriding_facts
from mianshen.elaboration.parameters import Figures
from mianshen.elaboration.properties import check_properties, stated
from mianshen.elaboration.provision_parts import Parses
from mianshen.elaboration.provisions import ProvisionChecks, ProvisionSite
from mianshen.elaboration.reserved_names import reserved
from mianshen.elaboration.vocabulary import Vocabulary, message
from mianshen.elaboration.years import calendar
from mianshen.formulas.symbol_table import SymbolTable
from mianshen.program import diagnostics
from mianshen.program.core import Numeric, Type
from mianshen.program.literals import MONEY
from mianshen.program.order import accumulator_reads, counted_by, in_order, reads, summed_earlier
from mianshen.program.program import Accumulator, Decision, Key, Program, Provision
from mianshen.program.totals import grouped
from mianshen.program.warnings import audit
from mianshen.source import Diagnostic, Message, RuleError
from mianshen.values import ZERO

if TYPE_CHECKING:
    from mianshen.document import Document
    from mianshen.document.model import Header

_NAMING: Final = (
    "entities",
    "codes",
    "facts",
    "decisions",
    "parameters",
    "accumulators",
    "functions",
    "provisions",
    "tables",
)


NOTHING: Final[Mapping[str, Sequence[Decimal]]] = {}


def build(
    document: Document, findings: Iterable[Diagnostic] = (), spread: Mapping[str, Sequence[Decimal]] = NOTHING
) -> tuple[Program, tuple[Diagnostic, ...]]:
    """The program and its warnings; `spread`: values that figures may take besides those that are written.

    Raises RuleError with every mistake, those already met while reading (`mistakes`) included.
    """
    findings = list(findings)
    builder = ProgramBuilder(document, spread)
    program = builder.program()
    findings += dict.fromkeys(builder.diagnostics)
    errors = [d for d in findings if d.severity == "error"]
    if program is None or errors:
        raise RuleError(errors)
    return program, (*findings, *audit(program), *gaps(program, document))


def narrowed(declared: Type, provisions: list[Provision]) -> Type:
    """The range a decision's values really have, within the declared one."""
    ranges = [
        p.value.type if not p.limits else Numeric(p.value.type.scale, ZERO, max(ZERO, p.value.type.high))
        for p in provisions
        if isinstance(p.value.type, Numeric)
    ]
    if not isinstance(declared, Numeric) or not ranges:
        return declared
    low, high = min(r.low for r in ranges), max(r.high for r in ranges)
    low = min(max(low, declared.low), declared.high)
    scale = (
        min(declared.scale, max(r.scale for r in ranges)) if declared.scale != MONEY.scale else declared.scale
    )
    return Numeric(scale, low, max(min(high, declared.high), low))


class ProgramBuilder:
    """One build: the passes in order, their mistakes in `diagnostics`."""

    def __init__(self, document: Document, spread: Mapping[str, Sequence[Decimal]]) -> None:
        findings: list[Diagnostic] = []
        document = with_data(with_parts(with_entities(document)), findings)
        self.document = document
        self.vocabulary = Vocabulary(document)
        self.diagnostics = self.vocabulary.diagnostics
        self.diagnostics += findings
        self.figures = Figures(self.vocabulary, spread)
        self.parses = Parses(document, self.diagnostics)
        self.calendar = calendar(self.vocabulary)
        self.names = self._names()

    def program(self) -> Program | None:
        """The program, or None when something was found."""
        self._misnamed()
        self.diagnostics += reserved(self.vocabulary)
        check_functions(self.vocabulary, self.names)
        first = self._checks(self.names, exact=False)
        sites = first.sites()
        drafts = {site.place: first.typed(site) for site in sites}
        accumulators = AccumulatorChecks(first).all()
        order = self._order(sites, drafts, accumulators)
        decisions = self._decisions(sites, order, accumulators)
        entities = RecordChecks(self._checks(self.names)).all()
        made_benefits = benefits(self.vocabulary)
        check_properties(self.vocabulary, self.figures.parameters)
        properties = stated(self._checks(self.names))
        scope, listed = out_of_scope(self.vocabulary), clauses(self.vocabulary)
        header = self._header()
        events = event_types(self.vocabulary)
        if header is None or any(d.severity == "error" for d in self.diagnostics):
            return None
        document, codes, parameters = self.document, self.vocabulary.codes, self.figures.parameters
        return Program(
            name=header.name, title=message(header.title), digest=document.digest, entry=header.entry,
            entities=entities, codes=codes, facts=self.vocabulary.facts, decisions=decisions, parameters=parameters,
            accumulators=foldless(accumulators, decisions, parameters, codes), benefits=made_benefits,
            sources=sources(document), out_of_scope=scope, clauses=listed, planned=tuple(first.planned),
            shown={e: tuple(n for n, d in ds.items() if d.output) for e, ds in document.decisions.items()},
            paid=self.names.paid, functions=written_functions(document),
            overlays=tuple(overlay.name for overlay in document.overlays), events=events, calendar=self.calendar,
            properties=properties,
            notice=None if header.notice is None else message(header.notice),
            office=None if header.office is None else message(header.office),
        )  # fmt: skip

    def _checks(self, names: SymbolTable, exact: bool = True) -> ProvisionChecks:
        return ProvisionChecks(self.vocabulary, names, self.parses, exact, self.diagnostics)

    # -- names -------------------------------------------------------------------------------

    def _names(self) -> SymbolTable:
        vocabulary, document = self.vocabulary, self.document
        return SymbolTable(
            vocabulary.entities, vocabulary.codes, vocabulary.facts, {**vocabulary.decisions, **counters(vocabulary)},
            self.figures.names, accumulator_names(vocabulary),
            frozenset(
                vocabulary.failed.union(of_nobody(document), *(document.broken(section) for section in _NAMING))
            ),
            any(document.is_broken(section) for section in _NAMING),
            self.calendar, bool(document.broken("calendar")) or document.is_broken("calendar"),
            own_functions(vocabulary, self.parses),
            frozenset((e, n) for e, ds in document.decisions.items() for n, d in ds.items() if d.paid),
        )  # fmt: skip

    def _misnamed(self) -> None:
        """Report names that mean two things where a formula stands."""
        names = self.names
        for entity, name in names.decisions:
            if (entity, name) in names.facts:
                meaning = Message(f"{entity} 的事实", f"a fact of the {entity}")
                self._taken(("decisions", entity, name), name, meaning)
        owners = {name: entity for entity, name in reversed((*names.facts, *names.decisions))}
        for name in (*names.parameters, *names.entities):
            section = "parameters" if name in names.parameters else "entities"
            owner = owners.get(name)
            if owner is not None:
                self._taken((section, name), name, Message(f"{owner} 的名称", f"a name of the {owner}"))
        for name in names.parameters.keys() & names.entities.keys():
            self._taken(("parameters", name), name, Message("实体", "an entity"))

    def _taken(self, path: tuple[str, ...], name: str, meaning: Message) -> None:
        self.diagnostics.append(diagnostics.name_taken(self.document.span(*path), name, meaning))

    def _header(self) -> Header | None:
        """The rulebook's name and the entity a check begins at."""
        header, entities = self.document.header, self.vocabulary.entities
        if header is None:
            if self.document.files and not self.document.is_broken("rulebook"):
                self.diagnostics.append(diagnostic("E323.no_header", self.document.span()))
            return None
        if header.entry not in entities:
            if "entry" not in header.model_fields_set:
                self.diagnostics.append(
                    missing_key(self.document.span("header"), "entry", next(iter(entities), ""))
                )
                return header
            span = self.document.span("header", "entry")
            self.vocabulary.unknown(span, "entities", header.entry, entities)
        return header

    # -- provisions --------------------------------------------------------------------------

    def _order(
        self,
        sites: list[ProvisionSite],
        drafts: dict[tuple[str | int, ...], list[Provision]],
        accumulators: dict[str, Accumulator],
    ) -> list[Key]:
        """Decisions with what each reads first; circles are reported."""
        counts = counted_by(self.names.entities)
        edges: dict[Key, set[Key]] = {key: set() for key in self.names.decisions}
        earlier: dict[Key, set[Key]] = {key: set() for key in self.names.decisions}
        direct: dict[Key, set[Key]] = {key: set() for key in self.names.decisions}
        for site in sites:
            for provision in () if site.planned else drafts[site.place]:
                nodes = provision.roots
                for name in provision.feeds:
                    fed = accumulators.get(name)
                    if fed is not None:
                        edges[site.key] |= accumulator_reads(fed, counts)[0]
                edges[site.key] |= reads(nodes, accumulators, counts)[0]
                earlier[site.key] |= summed_earlier(nodes, accumulators, site.key[0])
                direct[site.key] |= reads(nodes, {}, counts)[0]
        for accumulator in accumulators.values():
            if accumulator.counts:
                edges[accumulator.entity, accumulator.sums] |= accumulator_reads(accumulator, counts)[0]
        for key, group in grouped(edges).items():
            edges[key] -= (earlier[key] - direct[key]) & group  # of earlier rows only: no circle
        order, circles = in_order(edges)
        for circle in circles:
            span = next(p.span for s in sites if s.key == circle[0] for p in drafts[s.place])
            self.diagnostics.append(diagnostics.cycle(span, [name for _, name in circle]))
        return order

    def _decisions(
        self, sites: list[ProvisionSite], order: list[Key], accumulators: dict[str, Accumulator]
    ) -> tuple[Decision, ...]:
        """Every decision, its provisions typed anew with the ranges that values really have.

        So precision is judged on what can happen.
        """
        types = dict(self.names.decisions)
        checks = self._checks(replace(self.names, decisions=types))
        decisions: list[Decision] = []
        counted = {(a.entity, a.sums): a for a in accumulators.values() if a.counts}
        overriding_by = overriding_facts(self.vocabulary.facts.values())
        by_decision: dict[Key, list[ProvisionSite]] = defaultdict(list)
        for site in sites:
            if not site.planned:
                by_decision[site.key].append(site)
        for key in order:
            if key in counted:
                span = self.document.span("accumulators", counted[key].name)
                decisions.append(counting(counted[key], span))
            if key[1] not in self.document.decisions.get(key[0], {}):
                continue  # of an accumulator that counts rows, or of one that is wrong
            mine = by_decision[key]
            provisions = [provision for site in mine for provision in checks.typed(site)]
            from_facts = overriding_by.get(key, [])
            provisions = [*overriding(key, from_facts, accumulators), *provisions]
            if mine and not provisions and isinstance(types[key], Numeric):
                types[key] = Numeric(0, ZERO, ZERO)  # all its provisions are wrong: add no mistakes to theirs
            else:
                types[key] = narrowed(types[key], provisions)
            ranked = overridden(linked(provisions, self.document, self.diagnostics), from_facts)
            decisions.append(self._decision(key, ranked))
        for site in sites:
            if site.planned:
                checks.typed(site)  # checked like any other, and then set aside
        return tuple(decisions)

    def _decision(self, key: Key, provisions: tuple[Provision, ...]) -> Decision:
        model = self.document.decisions[key[0]][key[1]]
        declared = self.names.decisions[key]
        overflow = isinstance(declared, Numeric) and any(
            isinstance(p.value.type, Numeric)
            and (p.value.type.low < declared.low or p.value.type.high > declared.high)
            for p in provisions
        )
        pairs = conflicts(provisions, self.vocabulary.codes, self.diagnostics)
        return Decision(
            key[0], key[1], declared, model.type, message(model.title), provisions, pairs, overflow
        )
