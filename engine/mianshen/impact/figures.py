"""A program with a figure of another value.

In: a program, the name of a figure, a value, days. Out: the program.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Final

from mianshen.program.program import Citation, Dated, Program

DAY: Final = dt.timedelta(days=1)


def with_series(program: Program, name: str, series: tuple[Dated, ...]) -> Program:
    """The program with other dated values of a figure."""
    figure = replace(program.parameters[name], series=series)
    return replace(program, parameters={**program.parameters, name: figure})


def set_value(first: dt.date, last: dt.date | None, value: Decimal) -> Dated:
    """A value from one day to another (None: without end) that no clause gives."""
    return Dated(first, last, value, "provisional", Citation(None, None), None)


def with_value(program: Program, name: str, value: Decimal, first: dt.date, last: dt.date | None) -> Program:
    """The program with another value of a figure from one day to another; None: without end."""
    series = [set_value(first, last, value)]
    for dated in program.parameters[name].series:
        if dated.start < first:
            ends_before = dated.end is not None and dated.end < first
            series.append(dated if ends_before else replace(dated, end=first - DAY))
        if last is not None and (dated.end is None or dated.end > last):
            series.append(replace(dated, start=max(dated.start, last + DAY)))
    return with_series(program, name, tuple(sorted(series, key=lambda dated: dated.start)))


def until_next(program: Program, name: str, start: dt.date) -> dt.date | None:
    """The last day before the next value of a figure that begins after a day; None where there is none."""
    later = [dated.start for dated in program.parameters[name].series if dated.start > start]
    return min(later) - DAY if later else None
