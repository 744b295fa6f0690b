"""Provisions of one decision put in order: exceptions first, fallbacks last, clashes known.

In: typed provisions. Out: the order back ends try them in, the pairs they must watch for a
conflict, and which accumulators running sums can serve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from mianshen.program import core, diagnostics, program
from mianshen.program.overlap import Prover, together
from mianshen.program.references import Reference, reference
from mianshen.source import Diagnostic
from mianshen.values import benefit_year

if TYPE_CHECKING:
    from mianshen.document import Document


def linked(
    provisions: list[program.Provision], document: Document, findings: list[Diagnostic]
) -> tuple[program.Provision, ...]:
    """Provisions of one decision, their exceptions (transitively) named.

    Each stands after its exceptions, fallbacks last.
    """
    members = {p.name: p for p in provisions}
    excepts = {name: _excepted(name, members, document) for name in members}
    closed = {name: _reach(name, excepts) for name in members}
    circular = sorted(name for name in members if name in closed[name])
    if circular:
        findings.append(diagnostics.exceptions_in_circle(members[circular[0]].span, [*circular, circular[0]]))
        return tuple(provisions)
    over: dict[str, list[str]] = {name: [] for name in members}
    for name in sorted(members):
        for excepted in closed[name]:
            over[excepted].append(name)
    ranked = sorted(provisions, key=lambda p: (p.fallback, len(over[p.name])))
    return tuple(replace(p, exceptions=tuple(over[p.name])) for p in ranked)


def _excepted(name: str, members: Mapping[str, program.Provision], document: Document) -> set[str]:
    """What a provision is declared an exception to; naming a table names all its rows."""
    table = name.partition(".")[0]
    model = document.provisions.get(name) or document.tables.get(table)
    named = () if model is None else model.exception_to
    if not named:
        return set()
    return {other for other in members if other != name and other.partition(".")[0] in named}


def _reach(name: str, edges: Mapping[str, set[str]]) -> set[str]:
    names: set[str] = set()
    pending = list(edges[name])
    while pending:
        at = pending.pop()
        if at not in names:
            names.add(at)
            pending.extend(edges.get(at, ()))
    return names


def conflicts(
    provisions: tuple[program.Provision, ...],
    codes: Mapping[str, program.CodeList],
    findings: list[Diagnostic],
) -> tuple[tuple[int, int], ...]:
    """Pairs not proved disjoint and not related by exception; two rows of a unique table must not be one."""
    pairs = []
    for i, j in together(Prover(codes), [provision.condition for provision in provisions]):
        one, two = provisions[i], provisions[j]
        related = one.name in two.exceptions or two.name in one.exceptions
        if related or one.fallback != two.fallback:
            continue
        if "." in one.name and two.name.partition(".")[0] == one.name.partition(".")[0]:
            first, second = sorted((one, two), key=lambda p: (p.span.line, p.span.column))
            findings.append(diagnostics.overlap(second.span, second.name, first.name, first.span))
        pairs.append((i, j))
    return tuple(pairs)


def foldless(
    accumulators: Mapping[str, program.Accumulator], decisions: tuple[program.Decision, ...],
    parameters: Mapping[str, program.Parameter], codes: Mapping[str, program.CodeList],
) -> dict[str, program.Accumulator]:  # fmt: skip
    """Mark the accumulators for which running sums equal taking rows one by one."""
    return {
        name: replace(a, foldless=_steady(a, decisions, parameters, codes))
        for name, a in accumulators.items()
    }


def _steady(
    accumulator: program.Accumulator,
    decisions: tuple[program.Decision, ...],
    parameters: Mapping[str, program.Parameter],
    codes: Mapping[str, program.CodeList],
) -> bool:
    if accumulator.split or accumulator.counts:
        return False
    known = {d.key: d for d in decisions}
    users = [
        p for d in decisions if (d.entity, d.name) == (accumulator.entity, accumulator.sums)
        for p in d.provisions if accumulator.name in p.feeds
    ]  # fmt: skip
    if any(len(p.limits) != 1 or p.limits[0].accumulator != accumulator.name for p in users):
        return False
    limits = [p.limits[0].limit for p in users]
    if not all(_never_falls(limit, accumulator, parameters, known) for limit in limits):
        return False
    above = Prover(codes, lambda subject: _of_parent(subject, accumulator.entity))
    return all(
        limits[i] == limits[j] or above.disjoint(users[i].condition, users[j].condition)
        for i in range(len(users))
        for j in range(i + 1, len(users))
    )


def _of_parent(subject: core.Core, entity: str) -> bool:
    return isinstance(subject, core.FactRef | core.DecisionRef) and subject.entity != entity


def _never_falls(
    limit: core.Core,
    accumulator: program.Accumulator,
    parameters: Mapping[str, program.Parameter],
    decisions: Mapping[program.Key, program.Decision],
) -> bool:
    """Whether a limit is surely no less on a later row of a parent's benefit year than on an earlier one."""
    match limit:
        case core.DecisionRef(entity=entity, name=name):
            if entity != accumulator.entity:
                return True
            provisions = decisions[entity, name].provisions
            conditions = [set(p.condition) for p in provisions]
            shared = set.intersection(*conditions) if conditions else set()
            return all(
                not p.limits and _never_falls(p.value, accumulator, parameters, decisions)
                and all(c in shared or all(_settled(n, entity) for n in core.walk(c)) for c in p.condition)
                for p in provisions
            )  # fmt: skip
        case core.Const():
            return True
        case core.FactRef(entity=entity):
            return entity != accumulator.entity
        case core.ParameterRef(name=name):
            return _series_never_falls(parameters[name], accumulator)
        case core.If(condition=condition, then=then, otherwise=otherwise):
            settled = all(_settled(node, accumulator.entity) for node in core.walk(condition))
            return settled and all(
                _never_falls(part, accumulator, parameters, decisions) for part in (then, otherwise)
            )
        case _:
            return False  # taking rows one by one is right of any limit


def _series_never_falls(parameter: program.Parameter, accumulator: program.Accumulator) -> bool:
    known = [dated for dated in parameter.series if dated.value is not None]
    return all(
        later.value >= earlier.value  # type: ignore[operator]  # one numeric type per parameter
        or _in_later_year(earlier, later, accumulator)
        for earlier, later in pairwise(known)
    )


def _in_later_year(earlier: program.Dated, later: program.Dated, accumulator: program.Accumulator) -> bool:
    """Whether no benefit year sees both values, what is missing between them left aside."""
    assert earlier.end is not None  # the later one ends it
    start = accumulator.year_start
    return benefit_year(earlier.end, start) < benefit_year(later.start, start)


def _settled(node: core.Core, entity: str) -> bool:
    """Whether a node has one value for all the rows of a parent."""
    read = reference(node)
    match read:
        case None:
            return True
        case Reference(kind="fact" | "decision"):
            return read.entity != entity
        case Reference(kind="rows"):
            return isinstance(node, core.Aggregate) and not node.same
        case _:
            return False  # figures and balances differ from day to day
