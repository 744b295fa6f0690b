"""What the periods of accumulators are to every back end.

In: a period as a rulebook names it. Out: its unit, how many calendar months it has, and how many periods before a row's
own the balance is that the row reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mianshen.closed_sets import Period, PeriodUnit


@dataclass(frozen=True, slots=True)
class PeriodSpan:
    """`months` of one period, where the unit is months; `back`: 0 the row's own period, 1 the one before."""

    unit: PeriodUnit
    months: int = 1
    back: int = 0


SPANS: Final[dict[Period, PeriodSpan]] = {
    "year": PeriodSpan("benefit year"),
    "half year": PeriodSpan("months", 6),
    "quarter": PeriodSpan("months", 3),
    "month": PeriodSpan("months", 1),
    "day": PeriodSpan("day"),
    "lifetime": PeriodSpan("lifetime"),
    "last year": PeriodSpan("benefit year", back=1),
    "last half year": PeriodSpan("months", 6, back=1),
    "last quarter": PeriodSpan("months", 3, back=1),
    "last month": PeriodSpan("months", 1, back=1),
}
