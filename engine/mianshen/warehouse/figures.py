"""Dated figures in SQL: a constant where one value serves every day until `as_of`, else chosen by date.

In: a parameter's name, the scope of a row. Out: `Emitted`; a gap or a value past its review is an error.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final, assert_never

from sqlglot import exp

from mianshen.program.core import Numeric, Type
from mianshen.program.program import Accumulator, Dated, Decision, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.days import benefit_year
from mianshen.warehouse.expressions import FALSE, Sql
from mianshen.warehouse.scope import Emitted, Scope

MONTHS: Final = 12
EPOCH: Final = dt.date(2000, 1, 1)


def figure_of(dated: Dated, type_: Type) -> Sql | None:
    """The value as a constant; None where it is not published yet."""
    scale = type_.scale if isinstance(type_, Numeric) else None
    return None if dated.value is None else terms.literal(dated.value, scale)


def blank_of(type_: Type) -> Sql:
    """NULL, of a type that operations can be found for."""
    return terms.cast(terms.NULL, terms.sql_type(type_))


def parameter(name: str, scope: Scope, blank: Sql, sql_of: Callable[[Dated], Sql | None]) -> Emitted:
    """A dated figure: a constant when one value serves every day until `as_of`, else by the row's date."""
    series = scope.program.parameters[name].series
    day = scope.day
    if day is None:
        return _on(series, scope.as_of, blank, sql_of)
    first, last = scope.from_date or dt.date.min, scope.as_of
    within = [d for d in series if d.start <= last and (d.end is None or d.end >= first)]
    if len(within) == 1 and _covers(within[0], first, last):
        value = sql_of(within[0])
        if value is None:
            return Emitted(blank)
        return (
            Emitted(terms.case([(terms.is_known(day), value)]))
            if scope.undated
            else Emitted(value, nullable=False)
        )
    branches: list[tuple[Sql, Sql]] = []
    valid = []
    for dated in within:
        ends = [d for d in (dated.end, dated.review_by) if d is not None]
        test = terms.conjoin([
            exp.GTE(this=day, expression=terms.literal(dated.start)),
            *(exp.LTE(this=day, expression=terms.literal(min(ends))) for _ in ends[:1]),
        ])  # fmt: skip
        valid.append(test)
        branches.append((test, sql_of(dated) or blank))
    if not valid:  # no figure for any day: only a row whose day is not known is no error
        return Emitted(blank, FALSE, terms.is_known(day))
    error = terms.negate(terms.possibly(terms.disjoin(valid)))
    return Emitted(terms.case(branches), FALSE, error)


def _on(
    series: tuple[Dated, ...], day: dt.date, blank: Sql, sql_of: Callable[[Dated], Sql | None]
) -> Emitted:
    for dated in series:
        if dated.start <= day and (dated.end is None or day <= dated.end):
            if dated.review_by is not None and day > dated.review_by:
                break
            value = sql_of(dated)
            return Emitted(blank if value is None else value, nullable=value is None)
    return Emitted(blank, FALSE, terms.TRUE)


def _covers(dated: Dated, first: dt.date, last: dt.date) -> bool:
    ends = [d for d in (dated.end, dated.review_by) if d is not None]
    return dated.start <= first and all(last <= end for end in ends)


def unlimited(program: Program, accumulator: Accumulator) -> bool:
    """Whether no payment is cut to what the accumulator leaves: it only adds up."""
    key = accumulator.entity, accumulator.sums
    provisions = (p for decision in program.decisions if decision.key == key for p in decision.provisions)
    return not any(limit.accumulator == accumulator.name for p in provisions for limit in p.limits)


def period_of(accumulator: Accumulator, day: Sql) -> Sql:
    """The period that holds a day, as a number."""
    span = accumulator.span
    match span.unit:
        case "benefit year":
            return benefit_year(day, accumulator.year_start)
        case "months":
            periods = MONTHS // span.months
            year = exp.Mul(this=exp.Year(this=day), expression=terms.literal(periods))
            return exp.Add(this=year, expression=_part_of_year(day, span.months))
        case "day":
            return exp.DateDiff(this=day, expression=terms.literal(EPOCH), unit=exp.var("DAY"))
        case "lifetime":
            return terms.literal(0)
        case _ as unreachable:
            assert_never(unreachable)


def _part_of_year(day: Sql, months: int) -> Sql:
    """The how manieth period of so many months of its year a day lies in, from 1; no division, which dialects round apart."""
    month = exp.Month(this=day)
    if months == 1:
        return month
    cases = exp.Case()
    for number, last in enumerate(range(months, MONTHS, months), 1):
        cases = cases.when(exp.LTE(this=month, expression=terms.literal(last)), terms.literal(number))
    return cases.else_(terms.literal(MONTHS // months))


def decimals(decision: Decision) -> int:
    """How many decimals the sums of a decision have."""
    return max(2, decision.type.scale) if isinstance(decision.type, Numeric) else 2


def opening_balance(accumulator: Accumulator, scope: Scope) -> Sql:
    """The opening balance: the holder's fact in the period of `as_of`, zero in any other."""
    key = accumulator.entity, accumulator.sums
    scale = max((decimals(d) for d in scope.program.decisions if d.key == key), default=2)
    nothing = terms.cast(terms.literal(0), terms.decimal_type(16 + scale, scale))
    day = scope.day if accumulator.read_by is None else terms.column(accumulator.read_by)
    assert day is not None
    if accumulator.opening is None:
        return terms.case([(terms.is_known(day), nothing)]) if scope.undated else nothing
    now = terms.literal(scope.as_of)
    same = terms.equal(terms.paren(period_of(accumulator, day)), period_of(accumulator, now))
    fact = scope.column_of(*accumulator.opening)
    opening = terms.case([(same, fact)], nothing)
    undated = scope.undated or accumulator.read_by is not None
    return terms.case([(terms.is_known(day), opening)]) if undated else opening
