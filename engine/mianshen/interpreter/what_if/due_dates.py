"""The day from which a benefit is due if nothing but time changes.

In: a program, a benefit, a case. Out: `DueDate`.
Invariants: the day found is due and the day before it is not; nothing is looked up in a figure past its
review: where one stops the search, its last day is told. Days are taken from what makes days differ (the
days of the record, birthdays, terms, starts and ends of figures and provisions), with a net of weeks over
the first two years.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mianshen.interpreter.decide import Interpreter
from mianshen.interpreter.result import benefit_result
from mianshen.interpreter.rows import Case, Rejection
from mianshen.interpreter.what_if.candidate_values import bisected
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.program.core import Const, Core, FactRef, Op, walk
from mianshen.program.program import Benefit, Program
from mianshen.program.slicing import benefit_keys, part_of
from mianshen.program.stages import nodes_of
from mianshen.values import add_months

DAY: Final = dt.timedelta(days=1)
LONGEST: Final = 110  # years
NEAR: Final = 732  # days covered by the net of weeks
FEW: Final = 62  # days looked at one by one


@dataclass(frozen=True, slots=True)
class DueDate:
    """`day`: the first on which the benefit is due (None: none found).

    `known_until`: the last day that can be told, where figures end or are to be reviewed, with `stopped`
    as what stops it. `whole`: on `day` every other decision can be made too.
    """

    day: dt.date | None
    known_until: dt.date | None = None
    stopped: Rejection | None = None
    whole: bool = True


class DueDateSearch:
    """Looks for that day."""

    def __init__(self, program: Program, benefit: Benefit, whole: Interpreter) -> None:
        self.benefit = benefit
        self.whole = whole
        self.part = part_of(program, benefit_keys(benefit)[:1])
        self.interpreter = Interpreter(self.part)
        self.scenario = Scenario(program)
        self.roots = [root for decision in self.part.decisions for root in nodes_of(decision)]
        self.roots += [a.over for a in self.part.accumulators.values() if a.over is not None]
        self.nodes = [node for root in self.roots for node in walk(root)]

    def later(self, case: Case) -> DueDate:
        """The first day after the case's own on which the benefit is due."""
        before = case.as_of
        for day in sorted(set(self._days(case))):
            due = self._due(case, day)
            if isinstance(due, Rejection):
                stopped = _first(before, day, lambda at: isinstance(self._due(case, at), Rejection))
                return DueDate(None, stopped - DAY, self._stopper(case, stopped))
            if due:
                first = _first(before, day, lambda at: self._due(case, at) is True)
                return DueDate(first, whole=self._whole(case, first))
            before = day
        return DueDate(None)

    def _due(self, case: Case, day: dt.date) -> bool | Rejection:
        copy, _ = self.scenario.copy(case, as_of=day)
        self.interpreter.run(copy)
        if copy.person.rejection is not None:
            causes = [row.rejection for row in copy.rows() if row.rejection is not None]
            return next((cause for cause in causes if cause.reason != "parent_rejected"), causes[0])
        row = copy.of(self.benefit.entity)
        return row is not None and row.values[self.benefit.eligible] is True

    def _stopper(self, case: Case, day: dt.date) -> Rejection | None:
        due = self._due(case, day)
        return due if isinstance(due, Rejection) else None

    def _whole(self, case: Case, day: dt.date) -> bool:
        copy, _ = self.scenario.copy(case, as_of=day)
        self.whole.run(copy)
        row = copy.of(self.benefit.entity)
        if copy.person.rejection is not None or row is None or row.rejection is not None:
            return False
        return benefit_result(self.benefit, row).status == "eligible"

    # -- days worth a look -----------------------------------------------------------------------

    def _days(self, case: Case) -> Iterator[dt.date]:
        end = _moved(case.as_of, 12 * LONGEST)
        for day in self._all_days(case, end):
            if case.as_of < day <= end:
                yield day

    def _all_days(self, case: Case, end: dt.date) -> Iterator[dt.date]:
        start = case.as_of
        yield from (start + dt.timedelta(days=n) for n in range(1, FEW))
        yield from (start + dt.timedelta(days=n) for n in range(FEW, NEAR, 7))
        for constant in self._constants():
            yield from (constant, constant + DAY)
        months = sorted(
            {1, *(m for a in self.part.accumulators.values() for m in a.year_start[:1])}
            if not any(_is(n, "month") or _is(n, "day") for n in self.nodes)
            else range(1, 13)
        )
        for year in range(start.year, end.year + 1):
            yield from (dt.date(year, month, 1) for month in months)
        aged = {ref.name for n in self.nodes if _is(n, "age") for ref in walk(n) if isinstance(ref, FactRef)}
        for row in case.rows():
            for name, moment in row.facts.items():
                if isinstance(moment, dt.date):
                    yield from self._after(moment)
                    yield from _birthdays(moment, start, end) if name in aged else ()

    def _after(self, moment: dt.date) -> Iterator[dt.date]:
        """Days that lie a term of the rules after a day of the record."""
        for node in self.nodes:
            match node:
                case Op(op="add_months", args=(_, term)):
                    for count in _counts(term):
                        yield from _around(_moved(moment, count))
                case Op(op="add_days", args=(_, term)):
                    for count in _counts(term):
                        yield from _around(moment + DAY * count)
                case Op(op="days_between"):
                    yield from (moment + DAY * n for n in self._whole_numbers())
                case _:
                    pass

    def _whole_numbers(self) -> Iterator[int]:
        for node in self.nodes:
            if isinstance(node, Const) and isinstance(node.value, Decimal) and 0 < node.value < 40_000:
                yield from (int(node.value), int(node.value) + 1)

    def _constants(self) -> Iterator[dt.date]:
        """Days that stand in the rules, and those on which a figure changes."""
        for node in self.nodes:
            if isinstance(node, Const) and isinstance(node.value, dt.date):
                yield node.value
        for parameter in self.part.parameters.values():
            for dated in parameter.series:
                yield dated.start
                yield from (part for part in (dated.end, dated.review_by) if part is not None)


def _first(before: dt.date, day: dt.date, holds: Callable[[dt.date], bool]) -> dt.date:
    """The first day on which something holds, of those after `before`, on which it does not, up to `day`."""
    number = bisected(before.toordinal(), day.toordinal(), lambda n: holds(dt.date.fromordinal(n)))
    return dt.date.fromordinal(number)


def _moved(day: dt.date, months: int) -> dt.date:
    """The day so many months later, or the last day there is."""
    try:
        return add_months(day, months)
    except OverflowError:
        return dt.date.max - DAY


def _is(node: Core, op: str) -> bool:
    return isinstance(node, Op) and node.op == op


def _counts(term: Core) -> Iterator[int]:
    """The months or days of a term, whichever way it is taken."""
    yield from (
        abs(int(n.value)) for n in walk(term) if isinstance(n, Const) and isinstance(n.value, Decimal)
    )


def _birthdays(moment: dt.date, start: dt.date, end: dt.date) -> Iterator[dt.date]:
    for year in range(max(start.year, moment.year), end.year + 1):
        birthday = _moved(moment, 12 * (year - moment.year))
        yield from (birthday, birthday + DAY)


def _around(day: dt.date) -> Iterator[dt.date]:
    """The day and its neighbours: months differ in length."""
    yield from (day + DAY * n for n in range(-3, 5))
