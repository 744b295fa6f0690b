"""The working-day calendar as written becomes a `Calendar`.

In: the document's years, each saying where it differs from Monday to Friday. Out: the calendar over all of
them, None without any. Invariant: years stand one after the other, each day at most once.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mianshen.catalogue import diagnostic
from mianshen.elaboration.vocabulary import Vocabulary
from mianshen.program import diagnostics
from mianshen.program.calendar import Calendar

if TYPE_CHECKING:
    from mianshen.document.model import CalendarYear

_WEEKEND: Final = (5, 6)
_YEAR: Final = re.compile(r"(19|20|21)[0-9]{2}", re.ASCII)
_MONTH_DAY: Final = re.compile(r"([0-9]{2})-([0-9]{2})", re.ASCII)


def calendar(vocabulary: Vocabulary) -> Calendar | None:
    """The calendar of a rulebook that has one; mistakes go where the vocabulary's go."""
    document, diagnostics_ = vocabulary.document, vocabulary.diagnostics
    years: dict[int, bytes] = {}
    for name, model in document.calendar.items():
        vocabulary.source(model.source, "calendar", name, "source")
        if _YEAR.fullmatch(name):
            years[int(name)] = _worked(int(name), model, vocabulary)
        else:
            diagnostics_.append(diagnostic("E343.bad_year", document.span("calendar", name), name=name))
    ordered = sorted(years)
    for earlier, later in pairwise(ordered):
        between = (str(year) for year in range(earlier + 1, later))
        if later != earlier + 1 and not all(document.is_broken("calendar", year) for year in between):
            diagnostics_.append(
                diagnostic(
                    "E344.years_apart", document.span("calendar", str(later)), earlier=earlier, later=later
                )
            )
    if not ordered:
        return None
    whole = range(
        ordered[0], ordered[-1] + 1
    )  # a year with a mistake is reported, and reckoned with as plain
    worked = b"".join(years.get(year) or bytes(_plain(year)) for year in whole)
    return Calendar(whole[0], whole[-1], worked, document.span("calendar", str(whole[-1])))


def _worked(year: int, model: CalendarYear, vocabulary: Vocabulary) -> bytes:
    """A byte for each day of the year."""
    days, first = _plain(year), dt.date(year, 1, 1)
    for key, written, worked in (("days_off", model.days_off, False), ("worked", model.worked, True)):
        for index, text in enumerate(written):
            day = _day(year, text)
            at = None if day is None else (day - first).days
            if at is None or bool(days[at]) is worked:
                span = vocabulary.document.span("calendar", str(year), key, index)
                vocabulary.diagnostics.append(
                    diagnostics.bad_calendar_day(span, text, year, at is not None, worked)
                )
            else:
                days[at] = worked
    return bytes(days)


def _plain(year: int) -> bytearray:
    """The year without any difference from Monday to Friday."""
    first = dt.date(year, 1, 1)
    length = (dt.date(year + 1, 1, 1) - first).days
    return bytearray((first + dt.timedelta(at)).weekday() not in _WEEKEND for at in range(length))


def _day(year: int, text: str) -> dt.date | None:
    match = _MONTH_DAY.fullmatch(text)
    try:
        return None if match is None else dt.date(year, int(match[1]), int(match[2]))
    except ValueError:
        return None
