"""Dates in SQL: full years, benefit years, the ends of the calendar. What `values` defines, for columns."""

from __future__ import annotations

import datetime as dt

from sqlglot import exp

from mianshen.values import add_months
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql


def full_years(born: Sql, on: Sql) -> Sql:
    """Age in full years."""

    def within_year(day: Sql) -> Sql:
        return exp.Add(
            this=exp.Mul(this=exp.Month(this=day.copy()), expression=terms.literal(100)),
            expression=exp.Day(this=day.copy()),
        )

    years = exp.Sub(this=exp.Year(this=on.copy()), expression=exp.Year(this=born.copy()))
    before = exp.LT(this=exp.Paren(this=within_year(on)), expression=exp.Paren(this=within_year(born)))
    return exp.Sub(
        this=years, expression=terms.paren(terms.case([(before, terms.literal(1))], terms.literal(0)))
    )


def benefit_year(day: Sql, start: tuple[int, int]) -> Sql:
    """The year in which the benefit year that holds the day began."""
    year = exp.Year(this=day.copy())
    if start == (1, 1):
        return year
    position = exp.Add(
        this=exp.Mul(this=exp.Month(this=day.copy()), expression=terms.literal(100)),
        expression=exp.Day(this=day.copy()),
    )
    early = exp.LT(this=exp.Paren(this=position), expression=terms.literal(start[0] * 100 + start[1]))
    return exp.Sub(
        this=year, expression=terms.paren(terms.case([(early, terms.literal(1))], terms.literal(0)))
    )


def beyond_calendar(day: Sql, steps: Sql, months: bool) -> Sql:
    """Moving the day so many days or months, as a column says, leaves the calendar."""
    if months:
        year = exp.Mul(this=exp.Year(this=day.copy()), expression=terms.literal(12))
        number: Sql = exp.Add(this=year, expression=exp.Month(this=day.copy()))
        first, last = 13, 9999 * 12 + 12
    else:
        start = terms.literal(dt.date.min)
        number = exp.DateDiff(this=day.copy(), expression=start, unit=exp.var("DAY"))
        first, last = 0, (dt.date.max - dt.date.min).days
    reached = exp.Add(this=terms.paren(number), expression=terms.paren(steps.copy()))
    early = exp.LT(this=terms.paren(reached), expression=terms.literal(first))
    late = exp.GT(this=terms.paren(reached.copy()), expression=terms.literal(last))
    return terms.surely(terms.disjoin([early, late]))


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
    return terms.surely(kind(this=terms.paren(day.copy()), expression=terms.literal(bound)))
