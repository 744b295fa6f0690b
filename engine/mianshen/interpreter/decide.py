"""One case decided: every decision of every row, claims in order, accumulators as they go.

In: a program, a case. Out: values in the rows. This is the reference the other back ends equal.
"""

from __future__ import annotations


from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any, Final

from mianshen.interpreter.evaluate import Compiler, Function, conjunction, stop
from mianshen.interpreter.rows import Case, Rejection, Row, RowError
from mianshen.program.core import Numeric
from mianshen.program.program import Accumulator, Decision, Limit, Program, Provision
from mianshen.source import Message
from mianshen.values import (
    EXACT,
    NOT_MODELLED,
    ZERO,
    Missing,
    NotModelled,
    Unknown,
    Value,
    benefit_year,
    unknown_of,
)

EVERY_YEAR: Final = "every year"


@dataclass(slots=True)
class Ruling:
    """A provision as functions."""

    provision: Provision
    condition: list[Function]
    value: Function
    limit: Function | None

    def applies(self, row: Row) -> Value:
        truth = conjunction(self.condition, row)
        return False if truth is NOT_MODELLED else truth


class Interpreter:
    """A program as functions; make one and use it for many cases."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._decided: dict[tuple[str, str], Function] = {}
        self.compiler = Compiler(program, self.decider)
        self.rulings: dict[tuple[str, str], list[Ruling]] = {}
        for decision in program.decisions:
            self.rulings[decision.key] = [self._ruling(p, decision.entity) for p in decision.provisions]
            self._decided[decision.key] = self._decide(decision)
        self.accumulators = [_Running(a, self) for a in self._by_dependency()]

    def decider(self, entity: str, name: str) -> Function:
        """The function that gives a decision at a row of its entity."""
        return self._decided[entity, name]

    def _by_dependency(self) -> list[Accumulator]:
        order = [d.key for d in self.program.decisions]
        return sorted(self.program.accumulators.values(), key=lambda a: order.index((a.entity, a.sums)))

    @cached_property
    def by_entity(self) -> dict[str, list[tuple[str, Function]]]:
        """The decisions of each entity, in dependency order."""
        found: dict[str, list[tuple[str, Function]]] = {name: [] for name in self.program.entities}
        for decision in self.program.decisions:
            found[decision.entity].append((decision.name, self._decided[decision.key]))
        return found

    def _ruling(self, provision: Provision, entity: str) -> Ruling:
        make = self.compiler.compile
        limit = None if provision.limit is None else make(provision.limit.limit, entity)
        return Ruling(provision, [make(c, entity) for c in provision.condition], make(provision.value, entity), limit)

    # -- one decision ------------------------------------------------------------------------

    def _decide(self, decision: Decision) -> Function:
        name = decision.name
        rulings = self.rulings[decision.key]
        main = [r for r in rulings if not r.provision.fallback]
        fallbacks = [r for r in rulings if r.provision.fallback]
        bound = decision.type if decision.may_overflow else None
        unrelated = not decision.clashes and not any(r.provision.exceptions for r in main)

        def evaluate(row: Row) -> Value:
            value = row.values.get(name)
            if value is None:
                value, chosen = decide(main, row, unrelated)
                if value is NOT_MODELLED and not chosen and fallbacks:
                    value, chosen = decide(fallbacks, row, False)
                if bound is not None:
                    _fits(value, bound, decision)
                row.values[name] = value
                row.chosen[name] = chosen
            return value

        return evaluate

    # -- a whole case ------------------------------------------------------------------------

    def run(self, case: Case) -> None:
        """Decide every row; a row that cannot be decided is rejected, and so are its children."""
        with localcontext(EXACT):
            for row in case.rows():
                row.as_of = case.as_of
            self._settle(case.top)

    def _settle(self, row: Row) -> None:
        """Children first where they belong to accumulators, so that sums over them find them done."""
        for child in row.children:
            if child.children or not self._accumulated(child.entity):
                self._settle(child)
        accumulated = [c for c in row.children if self._accumulated(c.entity)]
        if accumulated:
            self._in_turn(row, accumulated)
        self._decide_row(row)

    def _accumulated(self, entity: str) -> bool:
        return self.program.entities[entity].date is not None

    def _decide_row(self, row: Row) -> None:
        try:
            for _, function in self.by_entity[row.entity]:
                function(row)
        except RowError as error:
            reject(row, error.rejection)

    def _in_turn(self, parent: Row, rows: list[Row]) -> None:
        """Dated rows one by one: by date, then by key in code points."""
        date = self.program.entities[rows[0].entity].date
        assert date is not None
        states: list[dict[Any, Value]] = [{} for _ in self.accumulators]
        for row in sorted(rows, key=lambda r: (date in r.facts, r.facts.get(date), r.key)):
            for state, running in zip(states, self.accumulators, strict=True):
                row.before[running.name] = running.before(row, state, date)
            self._decide_row(row)
            for state, running in zip(states, self.accumulators, strict=True):
                running.add(row, state, date)


def reject(row: Row, rejection: Rejection) -> None:
    """Reject a row and everything below it."""
    if row.rejection is None:
        row.rejection = rejection
    below = Rejection("parent_rejected", "", Message(zh=f"所属的 {row.key} 已被拒绝", en=f"its {row.entity} {row.key} is rejected"))
    for child in row.children:
        reject(child, below)


def decide(rulings: list[Ruling], row: Row, unrelated: bool) -> tuple[Value, tuple[Provision, ...]]:
    """The value the provisions give, and the provision that gave it (or all that might)."""
    applied: list[Ruling] = []
    unsure: list[tuple[Ruling, Unknown]] = []
    for ruling in rulings:
        truth = ruling.applies(row)
        if truth is True:
            if unrelated:
                return paid(ruling, row), (ruling.provision,)
            applied.append(ruling)
        elif truth is not False:
            assert isinstance(truth, Unknown)
            unsure.append((ruling, truth))
    if not applied:
        if not unsure:
            return NOT_MODELLED, ()
        return _perhaps([u for _, u in unsure], [r for r, _ in unsure], row), tuple(r.provision for r, _ in unsure)
    names = {r.provision.name for r in applied}
    standing = [r for r in applied if not names & set(r.provision.exceptions)]
    if len(standing) > 1:
        both = ", ".join(r.provision.name for r in standing)
        raise stop("conflict", standing[0].provision.name, f"provisions apply at once: {both}", f"多个条款同时适用：{both}")
    (ruling,) = standing
    pending = [(r, u) for r, u in unsure if r.provision.name in ruling.provision.exceptions]
    value = paid(ruling, row)
    if not pending or (ruling.limit is None and all(_equal(r, value, row) for r, _ in pending)):
        return value, (ruling.provision,)
    candidates = [ruling, *(r for r, _ in pending)]
    return _perhaps([u for _, u in pending], candidates, row), tuple(r.provision for r in candidates)


def _equal(ruling: Ruling, value: Value, row: Row) -> bool:
    """Whether a provision would pay the same known value; one under a limit is not compared."""
    if ruling.limit is not None:
        return False
    other = paid(ruling, row)
    return not isinstance(other, Unknown | NotModelled) and other == value


def _perhaps(conditions: list[Unknown], rulings: list[Ruling], row: Row) -> Unknown:
    """Unknown, resting on the open conditions and on what the provisions behind them would need."""
    gathered: list[Value] = list(conditions)
    for ruling in rulings:
        try:
            gathered.append(paid(ruling, row))
        except RowError:
            continue
    return unknown_of(gathered)


def paid(ruling: Ruling, row: Row) -> Value:
    """A provision's value, as far as its annual limit allows."""
    raw = ruling.value(row)
    if ruling.limit is None:
        return raw
    limit: Limit | None = ruling.provision.limit
    assert limit is not None
    parts = [raw, ruling.limit(row), row.before[limit.accumulator]]
    if any(part is NOT_MODELLED for part in parts):
        return NOT_MODELLED
    if any(isinstance(part, Unknown) for part in parts):
        return unknown_of(parts)
    known: list[Any] = parts
    return max(ZERO, min(known[0], known[1] - known[2]))  # type: ignore[no-any-return]


def _fits(value: Value, type_: Any, decision: Decision) -> None:
    if isinstance(value, Decimal) and isinstance(type_, Numeric) and not type_.low <= value <= type_.high:
        raise stop("overflow", decision.name, f"{decision.name} is too large", f"{decision.name} 的数值过大")


class _Running:
    """One accumulator for one parent row: a running total for each benefit year."""

    def __init__(self, accumulator: Accumulator, interpreter: Interpreter) -> None:
        self.accumulator = accumulator
        self.name = accumulator.name
        compile_ = interpreter.compiler.compile
        self.over = None if accumulator.over is None else compile_(accumulator.over, accumulator.entity)

    def key(self, row: Row, date: str) -> Any:
        parent = row.parent
        assert parent is not None
        split = tuple(parent.facts.get(name) for _, name in self.accumulator.per)
        return benefit_year(row.facts[date], self.accumulator.year_start), split  # type: ignore[arg-type]

    def before(self, row: Row, state: dict[Any, Value], date: str) -> Value:
        """What the accumulator holds before this row."""
        if date not in row.facts:
            return row.unknown(date)
        poison = state.get(EVERY_YEAR)
        if poison is not None:
            return poison
        held = state.get(self.key(row, date))
        return self.opening(row, date) if held is None else held

    def opening(self, row: Row, date: str) -> Value:
        """The opening balance: the parent's fact in the benefit year of `as_of`, zero in any other."""
        fact, parent = self.accumulator.opening, row.parent
        assert parent is not None
        start = self.accumulator.year_start
        if fact is None or benefit_year(row.facts[date], start) != benefit_year(row.as_of, start):  # type: ignore[arg-type]
            return ZERO
        value = parent.facts.get(fact[1])
        return parent.unknown(fact[1]) if value is None else value

    def add(self, row: Row, state: dict[Any, Value], date: str) -> None:
        """Take in what this row was paid; what cannot be told makes the rest of the year unknown."""
        brought = self.contribution(row)
        if brought is None:
            return
        if date not in row.facts:
            state[EVERY_YEAR] = unknown_of([brought, state.get(EVERY_YEAR)])
            return
        held = row.before[self.name]
        if isinstance(held, Unknown) or isinstance(brought, Unknown):
            state[self.key(row, date)] = unknown_of([held, brought])
        else:
            state[self.key(row, date)] = held + brought  # type: ignore[operator]  # both are amounts

    def contribution(self, row: Row) -> Value | None:
        """What the row brings: nothing (None), an amount, or an unknown."""
        truth: Value = True
        if self.over is not None:
            try:
                truth = self.over(row)
            except RowError:
                truth = Unknown()
        if truth is False or truth is NOT_MODELLED:
            return None
        sums = self.accumulator.sums
        chosen = row.chosen.get(sums)
        named = chosen is None or any(p.limit is not None and p.limit.accumulator == self.name for p in chosen)
        value = row.values.get(sums)
        if not named or value is NOT_MODELLED:
            return None
        if row.rejection is not None:
            return Unknown(frozenset((Missing(f"{row.entity} {row.key}", row.entity, row.key),)))
        if truth is True and value is not None:
            return value
        return unknown_of([truth, value])


