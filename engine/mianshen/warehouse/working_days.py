"""The working-day calendar in SQL: what `program.calendar` defines, for columns.

In: an operation on the calendar, its operands emitted. Out: `Emitted`, NULL where it leaves the calendar. A lookup is
a piece of one text of fixed width, which every database has and none is slow at: how far a count is from growing
evenly, so that the text is short. What rests on constants alone, such as a deadline of the month of `as_of`, is a
constant.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from sqlglot import exp

from mianshen.program.calendar import Calendar, counts, offsets
from mianshen.program.core import Op
from mianshen.program.operators import CALENDAR
from mianshen.values import Known, Unknown
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.figures import blank_of
from mianshen.warehouse.scope import Emitted, Scope


@dataclass(frozen=True, slots=True)
class _Series:
    """Whole numbers that grow about evenly: the i-th is i * rise // run + least + a piece of `text`."""

    rise: int
    run: int
    least: int
    digits: int
    text: str

    def at(self, index: Sql) -> Sql:
        """The number at an index counted from 0; NULL far beyond the last."""
        even = exp.IntDiv(
            this=exp.Paren(this=exp.Mul(this=terms.paren(index), expression=terms.literal(self.rise))),
            expression=terms.literal(self.run),
        )
        start = exp.Add(
            this=exp.Mul(this=terms.paren(index), expression=terms.literal(self.digits)),
            expression=terms.literal(1),
        )
        cut = exp.Substring(
            this=terms.literal(self.text), start=terms.cast(start, "INT"), length=terms.literal(self.digits)
        )
        piece = terms.cast(exp.Nullif(this=cut, expression=terms.literal("")), "BIGINT")
        return exp.Paren(
            this=exp.Add(this=exp.Add(this=even, expression=terms.literal(self.least)), expression=piece)
        )


def _series(numbers: Sequence[int], rise: int, run: int) -> _Series:
    off = [number - index * rise // run for index, number in enumerate(numbers)]
    digits = len(str(max(off) - min(off)))
    return _Series(rise, run, min(off), digits, "".join(f"{part - min(off):0{digits}}" for part in off))


@lru_cache(maxsize=8)
def _before_days(calendar: Calendar) -> _Series:
    """For each day of the calendar, and the one after its last, the working days before it."""
    return _series(counts(calendar), counts(calendar)[-1], len(calendar.worked))


@lru_cache(maxsize=8)
def _offsets(calendar: Calendar) -> _Series:
    """For each working day, the days since the calendar's first."""
    days = offsets(calendar)
    return _series(days, len(calendar.worked), max(len(days), 1))


def worked(node: Op, args: list[Emitted], scope: Scope) -> Emitted:
    """The value of an operation on the calendar; NULL where it leaves it."""
    known = [_constant(arg.value) for arg in args]
    if None not in known:
        value = CALENDAR[node.op](_calendar(scope), *known)
        if isinstance(value, Unknown):
            return Emitted(blank_of(node.type))
        return Emitted(_literal(value), nullable=False)
    return _looked_up(node, args, scope)


def _constant(value: Sql) -> dt.date | Decimal | None:
    """The value of a literal; None of anything else."""
    match value:
        case exp.Cast(this=exp.Literal(this=str(text), is_string=True)) if value.to.is_type("DATE"):
            return dt.date.fromisoformat(text)
        case exp.Literal(is_string=False):
            return Decimal(value.name)
        case exp.Neg(this=exp.Literal(is_string=False)):
            return -Decimal(value.name)
        case _:
            return None


def _literal(value: Known) -> Sql:
    return terms.literal(value, 0 if isinstance(value, Decimal) else None)


def _looked_up(node: Op, args: list[Emitted], scope: Scope) -> Emitted:
    calendar = _calendar(scope)
    values = [_once(arg.value, scope) for arg in args]
    day, *others = values
    covered = terms.conjoin(_covers(calendar, value) for value in _dates(node, values))
    match node.op:
        case "working_day":
            at = _offset(calendar, day)
            value: Sql = exp.GT(this=_before(calendar, at, 1), expression=_before(calendar, at))
        case "working_days_between":
            until, since = (_before(calendar, _offset(calendar, end), 1) for end in (others[0], day))
            value = exp.Sub(this=until, expression=since)
        case "add_working_days" | "working_day_of_month":
            value = _named(calendar, _once(_position(node, calendar, day, others[0]), scope))
            if node.op == "add_working_days" and _constant(others[0]) in (None, 0):
                value = terms.case([(_is_zero(others[0]), day)], value)
        case _:
            raise AssertionError(node.op)
    return Emitted(
        terms.case([(covered, value)], blank_of(node.type)),
        terms.disjoin(a.void for a in args),
        terms.disjoin(a.error for a in args),
    )


def _once(value: Sql, scope: Scope) -> Sql:
    """The value as something that is cheap to write several times."""
    plain = isinstance(value, exp.Column | exp.Literal) or isinstance(value.args.get("this"), exp.Literal)
    return value if plain else scope.let(value)


def _calendar(scope: Scope) -> Calendar:
    calendar = scope.program.calendar
    assert calendar is not None  # a program that asks for it has one
    return calendar


def _dates(node: Op, values: list[Sql]) -> list[Sql]:
    return values if node.op == "working_days_between" else values[:1]


def _covers(calendar: Calendar, day: Sql) -> Sql:
    return exp.Between(
        this=terms.paren(day), low=terms.literal(calendar.first), high=terms.literal(calendar.last)
    )


def _offset(calendar: Calendar, day: Sql) -> Sql:
    """Days since the calendar's first."""
    return exp.DateDiff(this=day, expression=terms.literal(calendar.first), unit=exp.var("DAY"))


def _before(calendar: Calendar, at: Sql, more: int = 0) -> Sql:
    """The working days before the day `more` days after the one at `at`."""
    index = exp.Paren(this=exp.Add(this=terms.paren(at), expression=terms.literal(more))) if more else at
    return _before_days(calendar).at(index)


def _position(node: Op, calendar: Calendar, day: Sql, count: Sql) -> Sql:
    """The position of the working day asked for, the calendar's first being 1."""
    at = _offset(calendar, day)
    if node.op == "working_day_of_month":
        begins = exp.Add(this=exp.Sub(this=at, expression=exp.Day(this=day)), expression=terms.literal(1))
        passed = _before(calendar, begins)
    else:
        constant = _constant(count)
        backwards = exp.LT(this=terms.paren(count), expression=terms.literal(0))
        back = exp.Add(this=_before(calendar, at), expression=terms.literal(1))
        passed = _before(calendar, at, 1)
        if not isinstance(constant, Decimal):
            passed = terms.case([(backwards, back)], passed)
        elif constant < 0:
            passed = back
    return exp.Paren(this=exp.Add(this=passed, expression=terms.paren(count)))


def _named(calendar: Calendar, position: Sql) -> Sql:
    """The date of a working day's position; NULL where there is none."""
    there = exp.Between(this=position, low=terms.literal(1), high=terms.literal(counts(calendar)[-1]))
    within = terms.case([(there, terms.cast(position, "BIGINT"))])  # no number too large for the type
    index = exp.Sub(this=within, expression=terms.literal(1))
    days = terms.cast(_offsets(calendar).at(index), "INT")
    first = terms.literal(calendar.first)
    return terms.cast(exp.DateAdd(this=first, expression=days, unit=exp.var("DAY")), "DATE")


def _is_zero(count: Sql) -> Sql:
    return terms.equal(terms.paren(count), terms.literal(0))
