"""What accumulators hold as dated rows are taken one by one, in order.

In: an accumulator, the rows of one parent in order. Out: the balance before each row. This is the
definition that running sums in SQL must equal.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final

from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.rows import Candidates, Row, RowError, rejected
from mianshen.program.program import Accumulator, Provision
from mianshen.values import NOT_MODELLED, ZERO, Unknown, Value, benefit_year, unknown_of

EVERY_YEAR: Final = "every year"


def in_order(rows: list[Row], date: str) -> list[Row]:
    """Rows by date, then by key in code points; those without a date first, for they may touch any year."""
    return sorted(rows, key=lambda r: (date in r.facts, r.facts.get(date), r.key))


class AccumulatorState:
    """One accumulator for one parent row: a running total for each benefit year."""

    def __init__(self, accumulator: Accumulator, compiler: Compiler) -> None:
        self.accumulator = accumulator
        self.name = accumulator.name
        self.sums = accumulator.sums
        self.start = accumulator.year_start
        self.settled = compiler.program.settling(accumulator.entity).get(accumulator.sums)
        self.per = tuple(name for _, name in accumulator.per)
        over = accumulator.over
        self.feeding = {  # the provisions that name it, by identity
            id(p)
            for d in compiler.program.decisions
            for p in d.provisions
            if p.limit is not None and p.limit.accumulator == self.name
        }
        self.over = None if over is None else compiler.compile(over, accumulator.entity)

    def key(self, row: Row, day: dt.date) -> Any:
        facts = row.parent.current.facts  # type: ignore[union-attr]  # rows of an accumulator have a parent
        return benefit_year(day, self.start), *[facts.get(name) for name in self.per]

    def before(self, row: Row, state: dict[Any, Value], date: str) -> Value:
        """What the accumulator holds before this row."""
        day = row.facts.get(date)
        if day is None:
            return row.unknown(date)
        if not state:
            return self.opening(row, day)  # type: ignore[arg-type]  # a reference date is a date
        held = state.get(self.key(row, day))  # type: ignore[arg-type]
        if held is None:
            held = self.opening(row, day)  # type: ignore[arg-type]
        poison = state.get(EVERY_YEAR)
        return held if poison is None else unknown_of([poison, held])

    def opening(self, row: Row, day: dt.date) -> Value:
        """The opening balance: the parent's fact in the benefit year of `as_of`, zero in any other."""
        assert row.parent is not None
        fact, parent = self.accumulator.opening, row.parent.current
        if fact is None or benefit_year(day, self.start) != benefit_year(row.as_of, self.start):
            return ZERO
        value = parent.facts.get(fact[1])
        return parent.unknown(fact[1]) if value is None else value

    def add(self, row: Row, state: dict[Any, Value], date: str) -> None:
        """Take in what this row was paid; what cannot be told makes the rest of the year unknown."""
        brought = self.contribution(row)
        if brought is None:
            return
        day = row.facts.get(date)
        if day is None:
            undated = row.unknown(date) if row.rejection is None else None
            state[EVERY_YEAR] = unknown_of([brought, undated, state.get(EVERY_YEAR)])
            return
        held = row.before[self.name]
        key = self.key(row, day)  # type: ignore[arg-type]
        if isinstance(held, Decimal) and isinstance(brought, Decimal):
            state[key] = held + brought
        else:
            state[key] = unknown_of([held, brought])

    def contribution(self, row: Row) -> Value | None:
        """What the row brings: nothing (None), an amount, or an unknown.

        A payment counts where a provision that names the accumulator makes it. One whose amount or
        membership is not known makes the rest of the year unknown, and so does one of which it is not
        known who makes it; one that no rule covers brings nothing. A settled amount counts in place of
        what the rules pay. What other accumulators hold is not missing here: what is paid through them
        does not count.
        """
        if not self.feeding:
            return None
        value, chosen = row.values.get(self.sums), row.chosen.get(self.sums)
        if value is NOT_MODELLED or (chosen is not None and not self.may_feed(chosen)):
            return None
        truth: Value = True
        if self.over is not None:
            try:
                truth = self.over(row)
            except RowError:
                if row.rejection is None:
                    raise
                truth = Unknown()
        if truth is False or truth is NOT_MODELLED:
            return None
        if row.rejection is not None:
            return rejected(row)
        lacking = chosen.apart if isinstance(chosen, Candidates) else value
        if self.settled is not None and self.settled in row.facts:
            if isinstance(truth, Unknown) or isinstance(chosen, Candidates):
                return unknown_of([truth, lacking])
            return row.facts[self.settled]
        if value is None or isinstance(truth, Unknown) or isinstance(value, Unknown):
            return unknown_of([truth, lacking])
        return value

    def may_feed(self, chosen: tuple[Provision, ...]) -> bool:
        """Whether what decided names the accumulator; of what might decide nobody knows."""
        if isinstance(chosen, Candidates):
            return True
        return not self.feeding.isdisjoint(map(id, chosen))
