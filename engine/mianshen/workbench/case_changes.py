"""What a proposed change does to cases: which expectations it changes, and through which rule or figure.

In: cases, the programs without and with the change. Out: `Change`s.
Invariant: a cause is a provision that is new, gone, worded otherwise or chosen otherwise, or a figure of
another value, met on the way from the changed answer back to the facts; nothing else is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from mianshen.interpreter import Interpreter
from mianshen.interpreter.explain import Explainer, Input, Step, Used
from mianshen.interpreter.rows import Case, Row
from mianshen.program.program import Program, Provision
from mianshen.source import RuleError
from mianshen.workbench.answers import Answers, RowKey, answers_of, plain
from mianshen.workbench.case_runs import compared, shown
from mianshen.workbench.cases import CaseOf, Programs
from mianshen.workbench.expectations import Expectation
from mianshen.workbench.words import number

CauseKind: TypeAlias = Literal["provision", "figure"]


@dataclass(frozen=True, slots=True)
class Cause:
    """A provision or figure responsible: what it was and what it is; empty for what is not there."""

    kind: CauseKind
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """An expectation that the change moves: what it says, what comes out without and with the change."""

    case: CaseOf
    what: str
    expected: str
    before: str
    after: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What was found; `left_out`: cases whose own overlays cannot stand beside the proposed ones."""

    found: tuple[Change, ...]
    left_out: tuple[CaseOf, ...]


def changes_of(cases: Sequence[CaseOf], programs: Programs, proposed: Programs) -> Changes:
    """What `proposed` changes in what the cases expect, against `programs`.

    Raises RuleError when the proposed change is wrong by itself.
    """
    proposed.under(())
    desks: dict[int, _Desk] = {}
    found: list[Change] = []
    left_out: list[CaseOf] = []
    for case in cases:
        try:
            program = proposed.under(case.overlays)
        except RuleError:
            left_out.append(case)
            continue
        before = _decided(case, programs.under(case.overlays), desks)
        found += _changed(case, before, _decided(case, program, desks))
    return Changes(tuple(found), tuple(left_out))


class _Desk:
    """A program with what it takes to run and explain cases."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.interpreter = Interpreter(program)
        self.explainer = Explainer(self.interpreter)


@dataclass(frozen=True, slots=True)
class _Side:
    """One case decided under one program."""

    desk: _Desk
    case: Case
    rows: dict[RowKey, Row] = field(default_factory=dict)

    def step(self, row: RowKey, decision: str) -> Step | None:
        """One decision explained; None when the row or decision is not there."""
        found = self.rows.get(row)
        if found is None or found.rejection is not None or decision not in found.values:
            return None
        return self.desk.explainer.step(self.case, found, decision)


def _decided(case: CaseOf, program: Program, desks: dict[int, _Desk]) -> _Side:
    desk = desks.get(id(program))
    if desk is None:
        desk = desks[id(program)] = _Desk(program)
    record = case.record(program)
    desk.interpreter.run(record)
    return _Side(desk, record, {(row.entity, row.key): row for row in record.rows()})


def _changed(case: CaseOf, before: _Side, after: _Side) -> Iterator[Change]:
    """The expectations that come out differently."""
    one, two = answers_of(before.case), answers_of(after.case)
    for expectation in case.expectations:
        was = _got(case, before, expectation, one)
        now = _got(case, after, expectation, two)
        for what in dict.fromkeys((*was, *now)):
            old, new = was.get(what), now.get(what)
            if old != new:
                expected = (new or old or ("", ""))[0]
                causes = tuple(dict.fromkeys(_causes(before, after, expectation)))
                held = expected if old is None else old[1]
                yield Change(case, what, expected, held, expected if new is None else new[1], causes)


def _got(case: CaseOf, side: _Side, expectation: Expectation, answers: Answers) -> dict[str, tuple[str, str]]:
    """For what is not as expected: (expected, got)."""
    differences = compared(case, side.desk.program, expectation, answers, "interpreter")
    return {each.what: (each.expected, each.got) for each in differences}


# -- causes ------------------------------------------------------------------------------------------


def _causes(before: _Side, after: _Side, expectation: Expectation) -> Iterator[Cause]:
    """What is responsible for an expectation coming out differently."""
    program = after.desk.program
    benefit = program.benefits.get(expectation.name)
    names: list[str | None]
    if expectation.what == "value":
        names = [expectation.name]
    elif benefit is not None:
        names = [benefit.eligible, benefit.amount]
    else:
        entity = program.entities[expectation.row[0]]
        names = [entity.outcome, entity.explained_by]
    walk = _Walk(before, after)
    for name in names:
        if name is not None:
            yield from walk.causes(expectation.row, name)


@dataclass(slots=True)
class _Walk:
    """From a changed decision back to what changed it, each decision once."""

    before: _Side
    after: _Side
    seen: set[tuple[RowKey, str]] = field(default_factory=set)

    def causes(self, row: RowKey, decision: str) -> Iterator[Cause]:
        if (row, decision) in self.seen:
            return
        self.seen.add((row, decision))
        one, two = self.before.step(row, decision), self.after.step(row, decision)
        if one is None or two is None:
            yield from _given(one, two)
            return
        if plain(one.value) == plain(two.value) and _names(one) == _names(two):
            return
        yield from _provisions(one, two)
        yield from _figures(one, two, self.after.desk.program)
        for name, at in self._read(one, two):
            yield from self.causes(at, name)
        for earlier in self._earlier(one, two):
            yield from self.causes(earlier, decision)

    def _read(self, one: Step, two: Step) -> list[tuple[str, RowKey]]:
        """The decisions either side read."""
        found: dict[tuple[str, RowKey], None] = {}
        for step in (one, two):
            for given in _inputs(step):
                if given.name.kind == "decision":
                    found[given.name.name, (given.row.entity, given.row.key)] = None
        return list(found)

    def _earlier(self, one: Step, two: Step) -> list[RowKey]:
        """The rows beside it, when an accumulator held something else before it."""
        held = [
            {u.limited.accumulator.name: plain(u.limited.before) for u in s.used if u.limited}
            for s in (one, two)
        ]
        if held[0] == held[1] or two.row.parent is None:
            return []
        return [
            (row.entity, row.key)
            for row in two.row.parent.children
            if row is not two.row and row.entity == two.row.entity
        ]


def _given(one: Step | None, two: Step | None) -> Iterator[Cause]:
    """A decision only one side has."""
    for name in _names(one) if one else ():
        yield Cause("provision", name, name, "")
    for name in _names(two) if two else ():
        yield Cause("provision", name, "", name)


def _names(step: Step) -> tuple[str, ...]:
    return tuple(used.provision.name for used in step.used)


def _provisions(one: Step, two: Step) -> Iterator[Cause]:
    """Provisions chosen otherwise, or worded otherwise."""
    old, new = ({u.provision.name: u.provision for u in step.used} for step in (one, two))
    for name in dict.fromkeys((*old, *new)):
        was, now = _wording(old.get(name)), _wording(new.get(name))
        if was != now:
            yield Cause("provision", name, was, now)


def _wording(provision: Provision | None) -> str:
    """What a provision says, as written."""
    if provision is None:
        return ""
    limit = "" if provision.limit is None else f"<= {provision.limit.text} ({provision.limit.accumulator})"
    scope = " ".join(map(str, (*provision.areas, provision.start or "", provision.end or "")))
    return " | ".join(filter(None, (scope.strip(), provision.when_text, provision.value_text, limit)))


def _figures(one: Step, two: Step, program: Program) -> Iterator[Cause]:
    """Figures of another value; one that a reworded provision no longer reads is no cause."""
    old, new = ({g.name.name: g for g in _inputs(step) if g.name.kind == "parameter"} for step in (one, two))
    for name in dict.fromkeys((*old, *new)):
        if name in old and name in new:
            was, now = (_figure(side[name], program.parameters[name].written) for side in (old, new))
            if was != now:
                yield Cause("figure", name, was, now)


def _figure(given: Input, written: str) -> str:
    """A figure as text; a scale bracket by bracket."""
    if given.dated is not None and given.dated.brackets is not None:
        return "; ".join(
            f"> {number(over, 'money')}: {number(rate, 'rate')}" for over, rate in given.dated.brackets
        )
    if isinstance(given.value, Decimal):
        return number(given.value, written)
    return "" if given.value is None else shown(plain(given.value))


def _inputs(step: Step) -> Iterator[Input]:
    """Everything a step read: conditions, values, limits."""
    for used in step.used:
        yield from _of(used)


def _of(used: Used) -> tuple[Input, ...]:
    limit = () if used.limited is None else used.limited.inputs
    return (*used.inputs, *used.tested, *limit)
