"""A document becomes a program: typed, linked, ordered. The driver reads as a table of contents.

In: a `Document` and what reading it found. Out: a `Program` and its warnings, or `RuleError` with
every mistake of every file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mianshen.program import mistakes
from mianshen.program.audit import audit
from mianshen.program.core import Boolean, Numeric, Type
from mianshen.program.link import clashes, counted_by, foldless, linked
from mianshen.program.names import Names, ParameterName, describe
from mianshen.program.order import accumulator_reads, in_order, reads
from mianshen.program.program import (
    Accumulator,
    Benefit,
    Check,
    Citation,
    Decision,
    Entity,
    Fact,
    Key,
    OutOfScope,
    Parameter,
    Planned,
    Program,
    Provision,
    SourceDocument,
)
from mianshen.program.provisions import Parses, ProvisionChecks, conjunction
from mianshen.program.vocabulary import MONEY, Vocabulary, message
from mianshen.source import Diagnostic, RuleError
from mianshen.values import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mianshen.document import Document

TOO_PRECISE = "E306"


def build(document: Document, found: Iterable[Diagnostic] = ()) -> tuple[Program, tuple[Diagnostic, ...]]:
    """The program and its warnings.

    Raises RuleError with every mistake, those already `found` while reading included.
    """
    errors = [d for d in found if d.severity == "error"]
    warnings = [d for d in found if d.severity != "error"]
    drafted = Draft(document)
    program = drafted.program()
    errors += drafted.found
    if program is None or errors:
        raise RuleError(_once(errors))
    warnings += audit(program, document)
    return program, tuple(warnings)


def narrowed(declared: Type, provisions: list[Provision]) -> Type:
    """The range a decision's values really have, within the declared one."""
    ranges = [
        p.value.type if p.limit is None else Numeric(p.value.type.scale, ZERO, max(ZERO, p.value.type.high))
        for p in provisions
        if isinstance(p.value.type, Numeric)
    ]
    if not isinstance(declared, Numeric) or not ranges:
        return declared
    low, high = min(r.low for r in ranges), max(r.high for r in ranges)
    return Numeric(declared.scale, max(low, declared.low), min(high, declared.high))


def _once(errors: list[Diagnostic]) -> list[Diagnostic]:
    return list({(d.code, d.span, d.what.en): d for d in errors}.values())


class Draft:
    """One build: the passes in order, their mistakes in `found`."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.vocabulary = Vocabulary(document)
        self.found = self.vocabulary.found
        self.parses = Parses(document, self.found)
        self.failed: set[str] = set()  # names whose own definition is wrong and already reported

    def program(self) -> Program | None:
        document = self.document
        facts = self.facts()
        parameters, shown = self.parameters()
        entities = self.entities(facts)
        declared = self.decisions()
        names = Names(entities, self.vocabulary.codes, facts, declared, shown, self.accumulator_homes(), self.broken())
        self.found.extend(self.misnamed(names))
        provisions, accumulators, planned, order = self.typed(names)
        checked = {name: replace(e, checks=self.checks(name, names)) for name, e in entities.items()}
        benefits = self.benefits(declared)
        if document.header is None:
            self.found.append(mistakes.no_header(document.span()))
            return None
        if any(d.severity == "error" for d in self.found):
            return None
        decisions = tuple(self.decision(key, provisions.get(key, ()), names) for key in order)
        return Program(
            name=document.header.name, title=message(document.header.title), digest=document.digest,
            entry=document.header.entry, entities=checked, codes=self.vocabulary.codes, facts=facts,
            decisions=decisions, parameters=parameters, accumulators=foldless(accumulators, decisions, parameters, self.vocabulary.codes),
            benefits=benefits, sources=self.sources(), out_of_scope=self.out_of_scope(), planned=tuple(planned),
            shown={e: tuple(n for n, d in ds.items() if d.output) for e, ds in document.decisions.items()},
            overlays=tuple(o.name for o in document.overlays),
        )  # fmt: skip

    # -- names -------------------------------------------------------------------------------

    def facts(self) -> dict[Key, Fact]:
        found: dict[Key, Fact] = {}
        for entity, models in self.document.facts.items():
            for name, model in models.items():
                fact = self.vocabulary.fact(entity, name, model)
                if fact is None:
                    self.failed.add(name)
                else:
                    found[entity, name] = fact
        return found

    def parameters(self) -> tuple[dict[str, Parameter], dict[str, ParameterName]]:
        made = {name: self.vocabulary.parameter(name, model) for name, model in self.document.parameters.items()}
        sound = {name: pair for name, pair in made.items() if pair is not None}
        self.failed |= made.keys() - sound.keys()
        return {n: p for n, (p, _) in sound.items()}, {n: s for n, (_, s) in sound.items()}

    def decisions(self) -> dict[Key, Type]:
        found: dict[Key, Type] = {}
        for entity, models in self.document.decisions.items():
            for name, model in models.items():
                type_ = self.vocabulary.type_of(model.type, self.document.span("decisions", entity, name, "type"))
                if type_ is None:
                    self.failed.add(name)
                else:
                    found[entity, name] = type_
        return found

    def broken(self) -> frozenset[str]:
        """Names that were written but whose own definition is wrong and already reported."""
        document = self.document
        sections = ("facts", "decisions", "parameters", "accumulators", "provisions", "tables")
        return frozenset(self.failed.union(*(document.broken(section) for section in sections)))

    def misnamed(self, names: Names) -> list[Diagnostic]:
        """Names that mean two things at one entity."""
        found = []
        for entity, name in names.decisions:
            if (entity, name) in names.facts:
                found.append(mistakes.misplaced(
                    self.document.span("decisions", entity, name), (f"{name!r} is already a fact of the {entity}", f"{name} 已是 {entity} 的事实"),
                    ("Give the decision another name", "请为决定另取名称")))  # fmt: skip
        for name in names.parameters:
            owners = [e for e, n in (*names.facts, *names.decisions) if n == name]
            if owners:
                found.append(mistakes.misplaced(
                    self.document.span("parameters", name), (f"{name!r} is already a name of the {owners[0]}", f"{name} 已是 {owners[0]} 的名称"),
                    ("Give the parameter another name", "请为参数另取名称")))  # fmt: skip
        return found

    def entities(self, facts: dict[Key, Fact]) -> dict[str, Entity]:
        return {
            name: Entity(name, message(m.title), m.key, m.parent, m.children, m.counted_by, m.date, m.area, m.outcome, m.explained_by)
            for name, m in self.document.entities.items()
            if self.entity_sound(name, facts)
        }

    def entity_sound(self, name: str, facts: dict[Key, Fact]) -> bool:
        model = self.document.entities[name]
        sound = True
        if model.parent is not None and model.parent not in self.document.entities:
            span = self.document.span("entities", name, "parent")
            self.found.append(mistakes.unknown_reference(span, ("entity", "实体"), model.parent, self.document.entities))
            sound = False
        for part, owner, fact in (("key", name, model.key), ("date", name, model.date), ("area", name, model.area),
                                  ("counted_by", model.parent, model.counted_by)):  # fmt: skip
            if fact is not None and owner is not None and (owner, fact) not in facts and fact not in self.document.broken("facts"):
                known = [n for e, n in facts if e == owner]
                span = self.document.span("entities", name, part)
                self.found.append(mistakes.unknown_reference(span, ("fact", "事实"), fact, known))
        decisions = self.document.decisions.get(name, {})
        for part, decision in (("outcome", model.outcome), ("explained_by", model.explained_by)):
            if decision is not None and decision not in decisions:
                span = self.document.span("entities", name, part)
                self.found.append(mistakes.unknown_reference(span, ("decision", "决定"), decision, decisions))
        return sound

    def checks(self, entity: str, names: Names) -> tuple[Check, ...]:
        provisions = ProvisionChecks(self.document, names, self.parses, self.found)
        made = []
        for index, model in enumerate(self.document.entities[entity].checks):
            condition = provisions.condition(entity, ("entities", entity, "checks", index, "condition"))
            if condition is not None:
                made.append(Check(model.name, model.field, conjunction(condition), message(model.title), model.condition))
        return tuple(made)

    def accumulator_homes(self) -> dict[str, str]:
        return {name: model.entity for name, model in self.document.accumulators.items()}

    # -- provisions --------------------------------------------------------------------------

    def typed(self, names: Names) -> tuple[dict[Key, tuple[Provision, ...]], dict[str, Accumulator], list[Planned], list[Key]]:
        """Provisions typed twice: with the declared ranges to find the order, then in that order with
        the ranges the values really have, so that precision is judged on what can happen."""
        first = ProvisionChecks(self.document, names, self.parses)
        drafts = first.all()
        accumulators = self.accumulators(names, first)
        order = self.order(names, drafts, accumulators)
        if any(d.code != TOO_PRECISE for d in first.found) or order is None or self.found:
            self.found.extend(first.found)
            return {}, {}, [], []
        types = dict(names.decisions)
        names = replace(names, decisions=types)
        final = ProvisionChecks(self.document, names, self.parses, self.found)
        provisions: dict[Key, tuple[Provision, ...]] = {}
        for key in order:
            made = [p for site in first.sites.get(key, ()) for p in final.typed(key, *site)]
            types[key] = narrowed(types[key], made)
            provisions[key] = linked(key, made, self.found, self.document)
        return provisions, self.accumulators(names, final), first.planned, order

    def accumulators(self, names: Names, checks: ProvisionChecks) -> dict[str, Accumulator]:
        made: dict[str, Accumulator] = {}
        for name, model in self.document.accumulators.items():
            path = ("accumulators", name)
            parent = self.document.entities[model.entity].parent if model.entity in self.document.entities else None
            over = None
            if model.over is not None:
                parts = checks.condition(model.entity, (*path, "over")) if parent else None
                if parts is None:
                    continue
                over = conjunction(parts)
            if parent is None:
                checks.found.append(mistakes.unknown_reference(self.document.span(*path, "entity"), ("entity with a parent", "有上级的实体"), model.entity, []))
                continue
            self.accumulator_names(name, parent, names, checks)
            start = (1, 1) if model.year_starts is None else self.year_start(model.year_starts, names, path, checks)
            made[name] = Accumulator(
                name, message(model.title), model.entity, model.sums, over, tuple((parent, p) for p in model.per),
                None if model.opening is None else (parent, model.opening), start,
            )  # fmt: skip
        return made

    def accumulator_names(self, name: str, parent: str, names: Names, checks: ProvisionChecks) -> None:
        model, path = self.document.accumulators[name], ("accumulators", name)
        known = [n for e, n in names.facts if e == parent]
        for part, fact in (*(("per", p) for p in model.per), ("opening", model.opening)):
            if fact is not None and fact not in known and fact not in names.broken:
                checks.found.append(mistakes.unknown_reference(self.document.span(*path, part), ("fact", "事实"), fact, known))
        if (model.entity, model.sums) not in names.decisions and model.sums not in names.broken:
            decisions = [n for e, n in names.decisions if e == model.entity]
            checks.found.append(mistakes.unknown_reference(self.document.span(*path, "sums"), ("decision", "决定"), model.sums, decisions))

    def year_start(self, name: str, names: Names, path: tuple[str, ...], checks: ProvisionChecks) -> tuple[int, int]:
        parameter = names.parameters.get(name)
        if parameter is not None and parameter.month_day is not None:
            return parameter.month_day
        if name not in names.broken:
            known = [n for n, p in names.parameters.items() if p.month_day]
            checks.found.append(mistakes.unknown_reference(self.document.span(*path, "year_starts"), ("month_day parameter", "月-日参数"), name, known))
        return 1, 1

    def order(self, names: Names, drafts: dict[Key, list[Provision]], accumulators: dict[str, Accumulator]) -> list[Key] | None:
        counts = counted_by(names.entities)
        edges: dict[Key, set[Key]] = {key: set() for key in names.decisions}
        for key, made in drafts.items():
            for provision in made:
                nodes = [*provision.condition, provision.value]
                if provision.limit is not None:
                    nodes.append(provision.limit.limit)
                    if provision.limit.accumulator in accumulators:
                        edges[key] |= accumulator_reads(accumulators[provision.limit.accumulator], counts)[0]
                edges[key] |= reads(nodes, accumulators, key[0], counts)[0]
        order, circles = in_order(edges)
        for circle in circles:
            made = drafts[circle[0]]
            self.found.append(mistakes.cycle(made[0].span, [name for _, name in circle]))
        return None if circles else order

    def decision(self, key: Key, provisions: tuple[Provision, ...], names: Names) -> Decision:
        model = self.document.decisions[key[0]][key[1]]
        declared = names.decisions[key]
        overflow = isinstance(declared, Numeric) and any(
            isinstance(p.value.type, Numeric) and (p.value.type.low < declared.low or p.value.type.high > declared.high) for p in provisions
        )
        pairs = clashes(provisions, self.vocabulary.codes, self.found, self.document)
        return Decision(key[0], key[1], declared, model.type, message(model.title), provisions, pairs, overflow)

    # -- the rest ----------------------------------------------------------------------------

    def benefits(self, declared: dict[Key, Type]) -> dict[str, Benefit]:
        made: dict[str, Benefit] = {}
        for name, model in self.document.benefits.items():
            path = ("benefits", name)
            for part, decision, wanted in (("eligible", model.eligible, Boolean), ("amount", model.amount, Numeric)):
                if decision is None:
                    continue
                type_ = declared.get((model.entity, decision))
                if type_ is None and not self.document.is_broken("decisions", decision):
                    known = [n for (e, n), t in declared.items() if e == model.entity and isinstance(t, wanted)]
                    span = self.document.span(*path, part)
                    self.found.append(mistakes.unknown_reference(span, ("decision", "决定"), decision, known))
                elif type_ is not None and not isinstance(type_, wanted):
                    self.found.append(mistakes.wrong_type(self.document.span(*path, part), describe(wanted() if wanted is Boolean else MONEY), describe(type_)))
            self.known_source(model.source, (*path, "source"))
            paid_to = None if model.paid_to is None else message(model.paid_to)
            made[name] = Benefit(
                name, message(model.title), model.entity, model.eligible, model.amount, model.shows, model.delivery,
                paid_to, model.triggers, Citation(model.source, model.clause),
            )  # fmt: skip
        return made

    def known_source(self, source: str, path: tuple[str | int, ...]) -> None:
        if source not in self.document.sources and not self.document.is_broken("sources", source):
            self.found.append(mistakes.unknown_reference(self.document.span(*path), ("source", "来源"), source, self.document.sources))

    def sources(self) -> dict[str, SourceDocument]:
        return {
            name: SourceDocument(name, message(m.title), m.number, m.issued, m.file)
            for name, m in self.document.sources.items()
        }  # fmt: skip

    def out_of_scope(self) -> tuple[OutOfScope, ...]:
        made = []
        for index, model in enumerate(self.document.out_of_scope):
            self.known_source(model.source, ("out_of_scope", index, "source"))
            made.append(OutOfScope(Citation(model.source, model.clause), message(model.subject), message(model.reason)))
        return tuple(made)

