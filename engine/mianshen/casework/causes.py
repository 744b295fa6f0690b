"""What is responsible for an answer that changed: from the answer back to what it rests on.

In: one record decided twice (`Side`s): under two programs, on two days, with and without a row. Out: `Cause`s.
Invariant: a cause is a provision that is new, gone, worded otherwise or chosen otherwise, a figure or fact of
another value, a row that only one side has, or the day, met on the way; nothing else is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias, assert_never

from mianshen.casework.answers import RowKey, plain, shown
from mianshen.casework.wording import Words, number
from mianshen.interpreter.rows import Case, Row
from mianshen.interpreter.trace.explain import Explainer, Step, Used
from mianshen.interpreter.trace.walk import Input
from mianshen.program.core import Code
from mianshen.program.program import Program, Provision
from mianshen.source import Message
from mianshen.values import Unknown

CauseKind: TypeAlias = Literal["provision", "figure", "fact", "row", "day"]


@dataclass(frozen=True, slots=True)
class Cause:
    """What is responsible: what it was and what it is; empty for what is not there.

    `name`: a provision, figure, fact (`employment_status`, of a dated row `total_cost of C1`), a row's key. `entity`:
    whose fact it is.
    """

    kind: CauseKind
    name: str
    before: str
    after: str
    entity: str = ""


def cause_name(cause: Cause, words: Words, earlier: Words) -> Message:
    """What is responsible, in Chinese by its title: names of the rulebook are English."""
    name, _, key = cause.name.partition(" of ")
    title: Message | None = None
    match cause.kind:
        case "provision":
            provision = words.provisions.get(name) or earlier.provisions.get(name)
            title = None if provision is None else provision.title
        case "figure":
            parameter = words.program.parameters.get(name) or earlier.program.parameters.get(name)
            title = None if parameter is None else parameter.title
        case "fact":
            fact = words.program.facts.get((cause.entity, name))
            title = None if fact is None else fact.title
        case "row" | "day":
            pass
        case _:
            assert_never(cause.kind)
    return Message(cause.name if title is None else " ".join(filter(None, (key, title.zh))), cause.name)


def cause_value(cause: Cause, text: str, program: Program) -> Message:
    """A value of what is responsible; in Chinese that of a fact that is a code by its label."""
    fact = (
        program.facts.get((cause.entity, cause.name.partition(" of ")[0])) if cause.kind == "fact" else None
    )
    if fact is None or not isinstance(fact.type, Code):
        return Message(text, text)
    label = program.codes[fact.type.codes].values.get(text)
    return Message(text if label is None else label.zh, text)


@dataclass(frozen=True, slots=True)
class Side:
    """One case decided under one program."""

    explainer: Explainer
    case: Case
    rows: dict[RowKey, Row] = field(default_factory=dict)

    def at(self, row: Row, decision: str) -> Step | None:
        """One decision of a row explained; None when the row is rejected or has no such decision."""
        if row.rejection is not None or decision not in row.values:
            return None
        return self.explainer.step(self.case, row, decision)


def side_of(explainer: Explainer, case: Case) -> Side:
    """The case decided; rows that cancel one another are not in it."""
    explainer.interpreter.run(case)
    return Side(explainer, case, {(row.entity, row.key): row for row in case.rows()})


@dataclass(slots=True)
class Causes:
    """From a changed decision back to what changed it, each decision once."""

    before: Side
    after: Side
    seen: set[tuple[Row | None, Row | None, str]] = field(default_factory=set)

    def causes(self, row: RowKey, decision: str) -> Iterator[Cause]:
        """What is responsible for a decision of a row coming out differently."""
        yield from self._of(self.before.rows.get(row), self.after.rows.get(row), decision)

    def _of(self, old: Row | None, new: Row | None, decision: str) -> Iterator[Cause]:
        if (old, new, decision) in self.seen:
            return
        self.seen.add((old, new, decision))
        if old is None or new is None:
            there = old or new
            if there is not None:
                yield Cause("row", there.key, "" if old is None else old.key, "" if new is None else new.key)
            return
        one, two = self.before.at(old, decision), self.after.at(new, decision)
        if one is None or two is None:
            yield from _given(one, two)
            return
        if plain(one.value) == plain(two.value) and _names(one) == _names(two):
            return
        yield from _provisions(one, two)
        yield from _figures(one, two, self.after.explainer.program)
        yield from _facts(one, two)
        for name, at, now in self._read(one, two):
            yield from self._of(at, now, name)
        for at, now in self._earlier(one, two):
            yield from _settled(at, now, self.after.explainer.program, decision)
            yield from self._of(at, now, decision)

    def _read(self, one: Step, two: Step) -> list[tuple[str, Row | None, Row | None]]:
        """The decisions either side read, each with its row on both; a person's rows of all times are one."""
        sides: list[dict[tuple[str, RowKey], Row]] = [{}, {}]
        for side, step in zip(sides, (one, two), strict=True):
            for value_read in _inputs(step):
                if value_read.name.kind == "decision":
                    side[value_read.name.name, (value_read.row.entity, value_read.row.current.key)] = (
                        value_read.row
                    )
        return [
            (name, self._there(self.before, sides[0].get((name, key)), key),
             self._there(self.after, sides[1].get((name, key)), key))
            for name, key in dict.fromkeys((*sides[0], *sides[1]))
        ]  # fmt: skip

    @staticmethod
    def _there(side: Side, row: Row | None, key: RowKey) -> Row | None:
        """The row read, or, where the other side alone read it, the row of that key."""
        return side.rows.get(key) if row is None else row

    def _earlier(self, one: Step, two: Step) -> list[tuple[Row | None, Row | None]]:
        """The rows beside it, when an accumulator held something else before it."""
        if _held(one) == _held(two) or one.row.parent is None or two.row.parent is None:
            return []
        rows = [
            {row.key: row for row in step.row.parent.current.children if row.entity == step.row.entity}
            for step in (one, two) if step.row.parent is not None
        ]  # fmt: skip
        keys = [key for key in dict.fromkeys((*rows[0], *rows[1])) if key != two.row.key]
        return [(rows[0].get(key), rows[1].get(key)) for key in keys]


def _held(step: Step) -> dict[str, object]:
    """What accumulators held before the row."""
    plains: dict[str, object] = {
        u.limited.accumulator.name: plain(u.limited.before) for u in step.used if u.limited
    }
    for value_read in _inputs(step):
        if value_read.name.kind == "year_to_date" and value_read.value is not None:
            plains[value_read.name.name] = plain(value_read.value)
    return plains


def _settled(old: Row | None, new: Row | None, program: Program, decision: str) -> Iterator[Cause]:
    """An amount settled otherwise."""
    if old is None or new is None:
        return
    fact = program.settled_facts(new.entity).get(decision)
    if fact is not None and old.facts.get(fact) != new.facts.get(fact):
        was, now = _value(old.facts.get(fact)), _value(new.facts.get(fact))
        yield Cause("fact", f"{fact} of {new.key}", was, now, new.entity)


def _facts(one: Step, two: Step) -> Iterator[Cause]:
    """Facts of another value, and the day."""
    sides: list[dict[tuple[str, str], Input]] = [{}, {}]
    for side, step in zip(sides, (one, two), strict=True):
        for value_read in _inputs(step):
            if value_read.name.kind in ("fact", "as_of"):
                side[
                    value_read.name.name, value_read.row.current.key if value_read.name.kind == "fact" else ""
                ] = value_read
    for (name, key), was in sides[0].items():
        now = sides[1].get((name, key))
        if now is not None and now.value != was.value and not _both_unknown(was, now):
            if was.name.kind == "as_of":
                yield Cause("day", name, _value(was.value), _value(now.value))
            else:
                dated = (
                    f"{name} of {key}"
                    if key and was.row.version_of is None and was.row.children == []
                    else name
                )
                yield Cause("fact", dated, _value(was.value), _value(now.value), was.row.entity)


def _both_unknown(one: Input, two: Input) -> bool:
    return isinstance(one.value, Unknown) and isinstance(two.value, Unknown)


def _value(value: object) -> str:
    return "" if value is None else shown(plain(value))  # type: ignore[arg-type]  # a value of a fact


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
    limit = "; ".join(f"<= {limit.text} ({limit.accumulator})" for limit in provision.limits)
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


def _figure(input_: Input, written: str) -> str:
    """A figure as text; a scale bracket by bracket."""
    if input_.dated is not None and input_.dated.brackets is not None:
        return "; ".join(
            f"> {number(over, 'money')}: {number(rate, 'rate')}" for over, rate in input_.dated.brackets
        )
    if isinstance(input_.value, Decimal):
        return number(input_.value, written)
    return "" if input_.value is None else shown(plain(input_.value))


def _inputs(step: Step) -> Iterator[Input]:
    """Everything a step read: conditions, values, limits."""
    for used in step.used:
        yield from _of(used)


def _of(used: Used) -> tuple[Input, ...]:
    limit = () if used.limited is None else used.limited.inputs
    return (*used.inputs, *used.tested, *limit)
