"""Dates in SQL: full years, benefit years, the ends of the calendar. What `values` defines, for columns."""

from __future__ import annotations

import datetime as dt

from sqlglot import exp

from mianshen.values import add_months
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql


def full_years(born: Sql, on: Sql) -> Sql:
    """Age in full years."""
    years = exp.Sub(this=exp.Year(this=on), expression=exp.Year(this=born))
    return _one_less(years, exp.LT(this=_month_and_day(on), expression=_month_and_day(born)))


def benefit_year(day: Sql, start: tuple[int, int]) -> Sql:
    """The year in which the benefit year that holds the day began."""
    year = exp.Year(this=day)
    if start == (1, 1):
        return year
    month, first = start
    return _one_less(year, exp.LT(this=_month_and_day(day), expression=terms.literal(month * 100 + first)))


def _month_and_day(day: Sql) -> Sql:
    """A number that grows within a year: 1231 on 31 December."""
    months = exp.Mul(this=exp.Month(this=day), expression=terms.literal(100))
    return exp.Paren(this=exp.Add(this=months, expression=exp.Day(this=day)))


def _one_less(years: Sql, condition: Sql) -> Sql:
    """The number, less 1 where the condition holds."""
    less = terms.case([(condition, terms.literal(1))], terms.literal(0))
    return exp.Sub(this=years, expression=terms.paren(less))


def beyond_calendar(day: Sql, steps: Sql, months: bool) -> Sql:
    """Moving the day so many days or months, as a column says, leaves the calendar."""
    if months:
        year = exp.Mul(this=exp.Year(this=day), expression=terms.literal(12))
        number: Sql = exp.Add(this=year, expression=exp.Month(this=day))
        first, last = 13, 9999 * 12 + 12
    else:
        start = terms.literal(dt.date.min)
        number = exp.DateDiff(this=day, expression=start, unit=exp.var("DAY"))
        first, last = 0, (dt.date.max - dt.date.min).days
    reached = exp.Add(this=terms.paren(number), expression=terms.paren(steps))
    early = exp.LT(this=terms.paren(reached), expression=terms.literal(first))
    late = exp.GT(this=terms.paren(reached), expression=terms.literal(last))
    return terms.is_true(terms.disjoin([early, late]))


def outside_calendar(day: Sql, steps: int, months: bool) -> Sql:
    """The day is so early or late that moving it leaves the calendar."""
    try:
        if not months:
            bound = (dt.date.max if steps >= 0 else dt.date.min) - dt.timedelta(days=steps)
        elif steps >= 0:
            bound = add_months(dt.date(9999, 12, 31), -steps)  # the last day of that month
        else:
            bound = add_months(dt.date(1, 1, 1), -steps)
    except OverflowError:
        return terms.is_known(day)
    kind = exp.GT if steps >= 0 else exp.LT
    return terms.is_true(kind(this=terms.paren(day), expression=terms.literal(bound)))
