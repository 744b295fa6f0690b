"""The working-day calendar: which days are worked, and counting them.

In: a calendar and dates. Out: whether a day is worked, the day a deadline falls on, the days between.
A calendar covers whole years, one after the other. What leaves it is unknown, and names the year that is
not there: `calendar 2027`.
"""

from __future__ import annotations

import datetime as dt
from array import array
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Final

from mianshen.source import NOWHERE, Span
from mianshen.values import Missing, Unknown

MISSING: Final = "calendar "  # and the year


@dataclass(frozen=True, slots=True)
class Calendar:
    """`worked`: a byte for each day from 1 January of `first_year` on, 1 where it is worked."""

    first_year: int
    last_year: int
    worked: bytes = field(repr=False)
    span: Span = field(default=NOWHERE, compare=False, repr=False)  # where its last year is written

    @property
    def first(self) -> dt.date:
        return dt.date(self.first_year, 1, 1)

    @property
    def last(self) -> dt.date:
        return dt.date(self.last_year, 12, 31)

    @property
    def before(self) -> str:
        """What is missing of a day before the calendar."""
        return f"{MISSING}{self.first_year - 1}"

    @property
    def after(self) -> str:
        """What is missing of a day after the calendar: its next year."""
        return f"{MISSING}{self.last_year + 1}"

    def covers(self, day: dt.date) -> bool:
        return self.first_year <= day.year <= self.last_year

    def unlisted(self, day: dt.date) -> str | None:
        """What the calendar lacks for a day: None where it has it."""
        if self.covers(day):
            return None
        return self.before if day < self.first else self.after

    def offset(self, day: dt.date) -> int:
        """Days since the calendar's first."""
        return day.toordinal() - self.first.toordinal()

    def is_worked(self, day: dt.date) -> bool:
        """Whether a day that the calendar covers is worked."""
        return self.worked[self.offset(day)] == 1

    def counted(self, day: dt.date) -> int:
        """The working days from the calendar's first up to and including a day that it covers."""
        return counts(self)[self.offset(day) + 1]

    def nth(self, position: int) -> dt.date | str:
        """The working day of a position, the calendar's first being 1; or what is missing."""
        days = offsets(self)
        if position < 1:
            return self.before
        return self.first + dt.timedelta(days[position - 1]) if position <= len(days) else self.after


@lru_cache(maxsize=8)
def counts(calendar: Calendar) -> array[int]:
    """For each day, the working days before it; and in the end the number of all."""
    counts = array("i", [0])
    for worked in calendar.worked:
        counts.append(counts[-1] + worked)
    return counts


@lru_cache(maxsize=8)
def offsets(calendar: Calendar) -> array[int]:
    """The working days in order, as days since the calendar's first."""
    return array("i", (at for at, worked in enumerate(calendar.worked) if worked))


# -- the functions of the language -------------------------------------------------------------------


def working_day(calendar: Calendar, day: dt.date) -> bool | Unknown:
    """Whether a day is worked."""
    unknown = unlisted(calendar, day)
    return calendar.is_worked(day) if unknown is None else unknown


def add_working_days(calendar: Calendar, day: dt.date, count: Decimal) -> dt.date | Unknown:
    """The `count`-th working day after a day, or before it where `count` is negative; 0: the day itself."""
    if (unknown := unlisted(calendar, day)) is not None:
        return unknown
    if not count:
        return day
    passed = calendar.counted(day) if count > 0 else calendar.counted(day) - calendar.is_worked(day) + 1
    return _known(calendar.nth(passed + int(count)))


def working_day_of_month(calendar: Calendar, day: dt.date, count: Decimal) -> dt.date | Unknown:
    """The `count`-th working day from the first of the day's month on; 0: the one before the month."""
    if (unknown := unlisted(calendar, day)) is not None:
        return unknown
    first = day.replace(day=1)
    return _known(calendar.nth(calendar.counted(first) - calendar.is_worked(first) + int(count)))


def working_days_between(calendar: Calendar, start: dt.date, end: dt.date) -> Decimal | Unknown:
    """The working days after `start` up to and including `end`; counted negative where `end` is earlier."""
    unknown = unlisted(calendar, start, end)
    return Decimal(calendar.counted(end) - calendar.counted(start)) if unknown is None else unknown


def unlisted(calendar: Calendar, *days: dt.date) -> Unknown | None:
    """What the calendar lacks for the days; None where it covers all."""
    names = {name for day in days if (name := calendar.unlisted(day)) is not None}
    return Unknown(frozenset(map(Missing, names))) if names else None


def _known(day: dt.date | str) -> dt.date | Unknown:
    return Unknown(frozenset((Missing(day),))) if isinstance(day, str) else day
