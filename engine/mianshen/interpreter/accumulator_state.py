"""What accumulators hold as dated rows are taken one by one, in order.

In: an accumulator, the rows of one parent in order. Out: the balance before each row. This is the
definition that running sums in SQL must equal.

Each accumulator keeps two balances for a benefit year. The *ruled* one adds what is shown, the *committed*
one the larger of what was settled and what is shown. A row with a settled amount is decided on the ruled
balance, any other on the committed one; so what is shown never exceeds a limit, whatever was settled.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias, assert_never

from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.rows import Candidates, Row, RowError, doubt
from mianshen.program.program import Accumulator, Provision
from mianshen.values import NOT_MODELLED, ZERO, Known, Unknown, Value, benefit_year, unknown_of

EVERY_YEAR: Final = "every year"
ANY: Final = "any facts"
MONTHS: Final = 12
Years: TypeAlias = dict[Hashable, Value]


@dataclass(frozen=True, slots=True)
class Balances:
    """One accumulator's balances for one parent, by benefit year and the facts it is kept per."""

    ruled: Years
    committed: Years


class BalancesByHolder:
    """The balances of accumulators, by the row that holds them, as rows of an entity are taken in turn."""

    def __init__(self, states: Iterable[AccumulatorState]) -> None:
        self._states = tuple(states)
        self._held: dict[tuple[str, int], Balances] = {}

    def of(self, row: Row) -> list[tuple[AccumulatorState, Balances]]:
        """Each accumulator with the balances that a row goes to."""
        return [(state, self._of(state, row)) for state in self._states]

    def _of(self, state: AccumulatorState, row: Row) -> Balances:
        key = state.name, id(row.above(state.accumulator.holder))
        if key not in self._held:
            self._held[key] = state.empty()
        return self._held[key]


class Contribution(NamedTuple):
    """What a row adds to the two balances: amounts, or unknown."""

    ruled: Value
    committed: Value


class AccumulatorState:
    """One accumulator: what it holds before each row, and what each row adds to it."""

    def __init__(self, accumulator: Accumulator, compiler: Compiler) -> None:
        self.accumulator = accumulator
        self.name = accumulator.name
        self.sums = accumulator.sums
        self.start = accumulator.year_start
        settled_facts = compiler.program.settled_facts(accumulator.entity)
        self.settled, self.read_settled = (
            settled_facts.get(accumulator.sums),
            settled_facts.get(accumulator.reader),
        )
        over = accumulator.over
        self.feeding = {  # the provisions whose payments count in it, by identity
            id(p) for d in compiler.program.decisions for p in d.provisions if self.name in p.feeds
        }
        self.over = None if over is None else compiler.compile(over, accumulator.entity)

    def empty(self) -> Balances:
        """The balances before any row; where nothing can be settled both are one."""
        committed: Years = {}
        return Balances(committed if self.settled is None else {}, committed)

    def key(self, row: Row, day: dt.date) -> Hashable:  # what holds the balances holds them apart
        """The balance that the row goes to: of one benefit year, for the facts it is kept per are the holder's."""
        return benefit_year(day, self.start)

    def before(self, row: Row, balances: Balances, date: str) -> Value:
        """The balance that a row is decided on."""
        settled = self.read_settled is not None and self.read_settled in row.facts
        date = self.accumulator.read_by or date
        return self._balance(row, balances.ruled if settled else balances.committed, date)

    def _balance(self, row: Row, years: Years, date: str) -> Value:
        day = row.facts.get(date)
        if day is None:
            return row.unknown(date)
        key = self.key(row, day)  # type: ignore[arg-type]  # a reference date is a date
        balance = years.get(key)
        if balance is None:
            balance = years[key] = self.opening(row, day)  # type: ignore[arg-type]
        all_years = years.get(EVERY_YEAR)
        return balance if all_years is None else unknown_of([all_years, balance])

    def opening(self, row: Row, day: dt.date) -> Value:
        """The opening balance: the parent's fact in the benefit year of `as_of`, zero in any other."""
        fact, parent = self.accumulator.opening, row.above(self.accumulator.holder)
        if fact is None or benefit_year(day, self.start) != benefit_year(row.as_of, self.start):
            return ZERO
        value = parent.facts.get(fact[1])
        return parent.unknown(fact[1]) if value is None else value

    def add(self, row: Row, balances: Balances, date: str) -> None:
        """Take in a row once it is decided; an unknown contribution makes the rest of the year unknown."""
        contribution = self.contribution(row)
        if contribution is None:
            return
        date = self.accumulator.counted_by or date
        self._add(row, balances.committed, contribution.committed, date)
        if balances.ruled is not balances.committed:
            self._add(row, balances.ruled, contribution.ruled, date)

    def _add(self, row: Row, years: Years, amount: Value, date: str) -> None:
        day = row.facts.get(date)
        if day is None:
            undated = row.unknown(date) if row.rejection is None else None
            years[EVERY_YEAR] = unknown_of([amount, undated, years.get(EVERY_YEAR)])
            return
        if amount != ZERO:
            years[self.key(row, day)] = _sum(self._balance(row, years, date), amount)  # type: ignore[arg-type]

    def contribution(self, row: Row) -> Contribution | None:
        """What the row adds; None: nothing.

        A payment counts where a provision that names the accumulator makes it; one that no rule covers adds
        nothing. A row is unknown to both balances where its membership is, where it is rejected or perhaps void, or
        where it is not known who makes the payment. Where only the amount shown is unknown and the settled one is told,
        the committed balance stays known. What other accumulators hold is not missing here: what is paid
        through them does not count. Of a payment outside the accumulator what was settled above it is committed.
        """
        if not self.feeding or row.idle:
            return None
        value, chosen = row.values.get(self.sums), row.chosen.get(self.sums)
        if value is NOT_MODELLED:
            return None
        if chosen is not None and not self.may_feed(chosen):
            return self._overpaid(row, value)
        member = self._member(row)
        if member is False or member is NOT_MODELLED:
            return None
        in_doubt = doubt(row)
        if in_doubt is not None:
            return Contribution(in_doubt, in_doubt)
        settled = row.facts.get(self.settled) if self.settled is not None else None
        if isinstance(chosen, Candidates):
            undecided = unknown_of([member, chosen.apart])
            return Contribution(undecided, undecided)
        if isinstance(member, Unknown):
            unknown = unknown_of([member, value])
            return Contribution(unknown, unknown if settled is None else member)
        amount: Any = unknown_of([value]) if value is None or isinstance(value, Unknown) else value
        if settled is None:
            return Contribution(amount, amount)
        return Contribution(amount, settled if isinstance(amount, Unknown) else max(settled, amount))

    def _overpaid(self, row: Row, ruled: Value | None) -> Contribution | None:
        """What was settled above a payment that does not count in the accumulator: it uses up the limit all the same."""
        settled = None if self.settled is None else row.facts.get(self.settled)
        if not (isinstance(settled, Decimal) and isinstance(ruled, Decimal) and settled > ruled):
            return None
        member = self._member(row)
        if member is False or member is NOT_MODELLED:
            return None
        in_doubt = doubt(row)
        if in_doubt is not None:
            return Contribution(ZERO, in_doubt)
        return Contribution(ZERO, member if isinstance(member, Unknown) else settled - ruled)

    def _member(self, row: Row) -> Value:
        """Whether the accumulator is over the row; of a rejected row, what fails is unknown."""
        if self.over is None:
            return True
        try:
            return self.over(row)
        except RowError:
            if row.rejection is None:
                raise
            return Unknown()

    def may_feed(self, chosen: tuple[Provision, ...]) -> bool:
        """Whether what decided names the accumulator, or something of what might.

        Where one provision stands and only an exception to it is open, every accumulator may be fed.
        """
        if isinstance(chosen, Candidates) and (chosen.overridden or not chosen):
            return True
        if len(chosen) == 1:
            return id(chosen[0]) in self.feeding
        return any(id(provision) in self.feeding for provision in chosen)


def period(accumulator: Accumulator, day: dt.date) -> int:
    """The period that holds a day, as a number; a day each where a balance is of the days before a row."""
    span = accumulator.span
    match span.unit:
        case "benefit year":
            return benefit_year(day, accumulator.year_start)
        case "months":
            return (day.year * MONTHS + day.month - 1) // span.months
        case "day":
            return day.toordinal()
        case "lifetime":
            return 0
        case _ as unreachable:
            assert_never(unreachable)


def split_facts(accumulator: Accumulator, row: Row) -> tuple[Known | None, ...] | Unknown:
    """The facts of the row that say to which of the balances of a period it goes; unknown where one is missing."""
    values: list[Known | None] = []
    missing: list[Unknown] = []
    for entity, name in accumulator.varying:
        at = row if entity == row.entity else row.above(entity)
        values.append(at.facts.get(name))
        if values[-1] is None:
            missing.append(at.unknown(name))
    return unknown_of(missing) if missing else tuple(values)


class SplitState(AccumulatorState):
    """An accumulator of several balances: kept per facts of its rows, or over another period than a benefit year.

    Balances are by period and facts. A row of which a fact it is kept per is missing may go to any balance of
    its period, unless it adds 0.
    """

    def __init__(self, accumulator: Accumulator, compiler: Compiler) -> None:
        super().__init__(accumulator, compiler)
        self.days, self.back = accumulator.days, accumulator.span.back

    def _balance(self, row: Row, years: Years, date: str) -> Value:
        day = row.facts.get(date)
        if day is None:
            return row.unknown(date)
        facts, last = split_facts(self.accumulator, row), period(self.accumulator, day)  # type: ignore[arg-type]  # a date
        if isinstance(facts, Unknown):
            return facts
        last -= self.back
        first = last if self.days is None else last - self.days
        parts: list[Value] = [
            value
            for key, value in years.items()
            if key == EVERY_YEAR or (first <= key[0] <= last and key[1] in (facts, ANY))  # type: ignore[index]
        ]
        parts.append(self.opening_of(row, last))
        blocked = [part for part in parts if isinstance(part, Unknown)]
        if blocked:
            return unknown_of(blocked)
        return sum((part for part in parts if isinstance(part, Decimal)), ZERO)

    def opening_of(self, row: Row, read: int) -> Value:
        """What a period begins with: the holder's fact in the period read on `as_of`, zero in any other."""
        fact, holder = self.accumulator.opening, row.above(self.accumulator.holder)
        if fact is None or read != period(self.accumulator, row.as_of) - self.back:
            return ZERO
        value = holder.facts.get(fact[1])
        return holder.unknown(fact[1]) if value is None else value

    def _add(self, row: Row, years: Years, amount: Value, date: str) -> None:
        if amount == ZERO and self.accumulator.counted_by is not None:
            return
        day = row.facts.get(date)
        if day is None:
            undated = row.unknown(date) if row.rejection is None else None
            years[EVERY_YEAR] = unknown_of([amount, undated, years.get(EVERY_YEAR)])
            return
        if amount == ZERO:
            return
        facts, when = split_facts(self.accumulator, row), period(self.accumulator, day)  # type: ignore[arg-type]
        if isinstance(facts, Unknown):
            whose = facts if row.rejection is None else None
            years[when, ANY] = unknown_of([amount, whose, years.get((when, ANY))])
            return
        years[when, facts] = _sum(years.get((when, facts), ZERO), amount)


def _sum(balance: Value, amount: Value) -> Value:
    """A balance with an amount more; unknown where one of the two is."""
    if isinstance(balance, Decimal) and isinstance(amount, Decimal):
        return balance + amount
    return unknown_of([balance, amount])


def state_of(accumulator: Accumulator, compiler: Compiler) -> AccumulatorState:
    """The state of an accumulator of either kind."""
    return (SplitState if accumulator.split else AccumulatorState)(accumulator, compiler)
