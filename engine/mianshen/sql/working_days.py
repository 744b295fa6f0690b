"""The working-day calendar in SQL: what `program.calendar` defines, for columns.

In: an operation on the calendar, its operands emitted. Out: `Emitted`, and the names of what it lacks
where it leaves the calendar. A lookup is a piece of one text of fixed width, which every database has and
none is slow at: for each day the working days before it, for each working day its date.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from sqlglot import exp

from mianshen.program.calendar import Calendar, counts
from mianshen.program.core import Op
from mianshen.sql import terms
from mianshen.sql.figures import blank_of
from mianshen.sql.scope import Emitted, Scope
from mianshen.sql.terms import Sql

_DIGITS: Final = 5  # of a number of working days
_DAY: Final = 10  # signs of a date


@lru_cache(maxsize=8)
def _numbers(calendar: Calendar) -> str:
    return "".join(f"{count:0{_DIGITS}}" for count in counts(calendar))


@lru_cache(maxsize=8)
def _days(calendar: Calendar) -> str:
    days = (calendar.nth(position) for position in range(1, counts(calendar)[-1] + 1))
    return "".join(str(day) for day in days)


def worked(node: Op, args: list[Emitted], scope: Scope) -> Emitted:
    """The value of an operation on the calendar; NULL where it leaves it."""
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
        case _:
            value = _named(calendar, _position(node, calendar, day, others[0]))
            if node.op == "add_working_days":
                value = terms.case([(_is_zero(others[0]), day)], value)
    return Emitted(
        terms.case([(covered, value)], blank_of(node.type)),
        terms.disjoin(a.void for a in args),
        terms.disjoin(a.error for a in args),
    )


def lacking(node: Op, args: list[Emitted], scope: Scope) -> list[tuple[Sql, str]]:
    """Where all operands are known and the calendar does not reach: the test, and the name of the year."""
    calendar = _calendar(scope)
    values = [arg.value for arg in args]
    known = [terms.is_known(value) for value in values]
    first, last = terms.literal(calendar.first), terms.literal(calendar.last)
    found: list[tuple[Sql, str]] = []
    for value in _dates(node, values):
        found.append((exp.LT(this=terms.paren(value), expression=first), calendar.before))
        found.append((exp.GT(this=terms.paren(value), expression=last), calendar.after))
    if node.op in ("add_working_days", "working_day_of_month"):
        covered = _covers(calendar, values[0])
        moved = terms.TRUE if node.op == "working_day_of_month" else terms.negate(_is_zero(values[1]))
        position = _position(node, calendar, *values)
        early = exp.LT(this=position, expression=terms.literal(1))
        late = exp.GT(this=position, expression=terms.literal(counts(calendar)[-1]))
        found.append((terms.conjoin([covered, moved, early]), calendar.before))
        found.append((terms.conjoin([covered, moved, late]), calendar.after))
    return [(terms.conjoin([*known, test]), name) for test, name in found]


def _once(value: Sql, scope: Scope) -> Sql:
    """The value as something that is cheap to write several times."""
    plain = isinstance(value, exp.Column | exp.Literal) or isinstance(value.this, exp.Literal)
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
    start = exp.Add(
        this=exp.Mul(this=terms.paren(at), expression=terms.literal(_DIGITS)),
        expression=terms.literal(_DIGITS * more + 1),
    )
    return _piece(_numbers(calendar), start, _DIGITS, "BIGINT")


def _position(node: Op, calendar: Calendar, day: Sql, count: Sql) -> Sql:
    """The position of the working day asked for, the calendar's first being 1."""
    at = _offset(calendar, day)
    if node.op == "working_day_of_month":
        begins = exp.Add(this=exp.Sub(this=at, expression=exp.Day(this=day)), expression=terms.literal(1))
        passed = _before(calendar, begins)
    else:
        backwards = exp.LT(this=terms.paren(count), expression=terms.literal(0))
        passed = terms.case(
            [(backwards, exp.Add(this=_before(calendar, at), expression=terms.literal(1)))],
            _before(calendar, at, 1),
        )
    return exp.Paren(this=exp.Add(this=passed, expression=terms.paren(count)))


def _named(calendar: Calendar, position: Sql) -> Sql:
    """The date of a working day's position; NULL where there is none."""
    start = terms.cast(
        exp.Add(
            this=exp.Mul(
                this=exp.Paren(this=exp.Sub(this=position, expression=terms.literal(1))),
                expression=terms.literal(_DAY),
            ),
            expression=terms.literal(1),
        ),
        "BIGINT",
    )
    there = exp.Between(this=position, low=terms.literal(1), high=terms.literal(counts(calendar)[-1]))
    return terms.case([(there, _piece(_days(calendar), start, _DAY, "DATE"))])


def _piece(text: str, start: Sql, length: int, type_: str) -> Sql:
    """A value cut from a text; NULL where the text has none."""
    cut = exp.Substring(this=terms.literal(text), start=start, length=terms.literal(length))
    return terms.try_cast(cut, type_)


def _is_zero(count: Sql) -> Sql:
    return exp.EQ(this=terms.paren(count), expression=terms.literal(0))
