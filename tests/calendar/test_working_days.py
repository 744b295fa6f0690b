"""The working-day calendar: counted one by one, in Python, in C and in DuckDB, all the same."""

from __future__ import annotations

import datetime as dt
import json
import random
from decimal import Decimal
from pathlib import Path

import pytest
from chinese_calendar import is_workday
from hypothesis import given
from hypothesis import strategies as st
from tests.support.agreement import by_interpreter, differences, rows_of
from tests.support.campaigns import few, seeds
from tests.support.compiled import compiled_differences
from tests.support.formulas import CODES
from tests.support.homes import AS_OF, Record
from tests.support.rulebooks import FACTS, TITLE, entities, years

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.native.library import compiler
from mianshen.program.calendar import (
    Calendar,
    add_working_days,
    working_day,
    working_day_of_month,
    working_days_between,
)
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.values import Known, Missing, Unknown

ONE = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def shipped() -> Calendar:
    calendar = open_program().calendar
    assert calendar is not None
    return calendar


def beyond(name: str) -> Unknown:
    return Unknown(frozenset((Missing(name),)))


# What the definitions say, walking from day to day.


def walked(calendar: Calendar, day: dt.date, count: int) -> dt.date | Unknown:
    if not calendar.covers(day):
        return beyond(calendar.before if day < calendar.first else calendar.after)
    step = ONE if count > 0 else -ONE
    while count:
        day += step
        if not calendar.covers(day):
            return beyond(calendar.after if count > 0 else calendar.before)
        if calendar.is_worked(day):
            count -= 1 if count > 0 else -1
    return day


def nth_of_month(calendar: Calendar, day: dt.date, count: int) -> dt.date | Unknown:
    if not calendar.covers(day):
        return beyond(calendar.before if day < calendar.first else calendar.after)
    at, left = day.replace(day=1), count
    while count > 0:
        if not calendar.covers(at):
            return beyond(calendar.after)
        left -= calendar.is_worked(at)
        if not left:
            return at
        at += ONE
    before = day.replace(day=1)
    left = 1 - count
    while left:
        before -= ONE
        if not calendar.covers(before):
            return beyond(calendar.before)
        left -= calendar.is_worked(before)
    return before


def counted_between(calendar: Calendar, start: dt.date, end: dt.date) -> Decimal | Unknown:
    sides = (calendar.unlisted(day) for day in (start, end))
    names = {name for name in sides if name is not None}
    if names:
        return Unknown(frozenset(map(Missing, names)))
    low, high = min(start, end), max(start, end)
    days = (low + ONE * at for at in range(1, (high - low).days + 1))
    size = sum(calendar.is_worked(day) for day in days)
    return Decimal(size if end >= start else -size)


@given(st.dates(dt.date(2003, 11, 1), dt.date(2027, 2, 28)), st.integers(-300, 300))
def test_a_day_moved_by_working_days_is_the_one_found_by_walking(
    shipped: Calendar, day: dt.date, count: int
) -> None:
    assert add_working_days(shipped, day, Decimal(count)) == walked(shipped, day, count)


@given(st.dates(dt.date(2003, 12, 1), dt.date(2027, 1, 31)), st.integers(-30, 40))
def test_the_nth_working_day_of_a_month_is_the_one_found_by_walking(
    shipped: Calendar, day: dt.date, count: int
) -> None:
    assert working_day_of_month(shipped, day, Decimal(count)) == nth_of_month(shipped, day, count)


@given(*2 * [st.dates(dt.date(2003, 12, 1), dt.date(2027, 1, 31))])
def test_the_working_days_between_two_days_are_those_counted_one_by_one(
    shipped: Calendar, start: dt.date, end: dt.date
) -> None:
    assert working_days_between(shipped, start, end) == counted_between(shipped, start, end)


def test_the_shipped_calendar_says_of_every_day_what_its_library_says(shipped: Calendar) -> None:
    day = shipped.first
    while day <= shipped.last:
        assert working_day(shipped, day) is is_workday(day), day
        day += ONE


@pytest.mark.parametrize(("count", "expected"), [(5, "2025-07-07"), (9, "2025-07-11"), (15, "2025-07-21")])
def test_the_working_days_of_july_2025(shipped: Calendar, count: int, expected: str) -> None:
    entry = working_day_of_month(shipped, dt.date(2025, 7, 23), Decimal(count))
    assert entry == dt.date.fromisoformat(expected)


def test_five_working_days_over_the_national_day_of_2025(shipped: Calendar) -> None:
    assert add_working_days(shipped, dt.date(2025, 9, 29), Decimal(5)) == dt.date(2025, 10, 13)


# Both back ends.

FORMULAS = {
    "worked": ("boolean", "working day(day)"),
    "moved": ("date", "add working days(day, days)"),
    "moved_back": ("date", "add working days(seen, 0 - days)"),
    "nth": ("date", "working day of month(day, days)"),
    "last_before": ("date", "working day of month(seen, 0)"),
    "apart": ("integer", "working days between(day, seen)"),
    "known": ("boolean", "add working days(day, 15) is known and working days between(seen, as_of) > 5"),
    "chosen": ("date", "if working day(day) then day else add working days(day, 1)"),
}


def program_over(days: dict[str, object], folder: Path) -> Program:
    title = {"title": TITLE}
    doc = {
        "rulebook": {"name": "small", **title},
        "defaults": {"source": "S", "clause": "1"},
        "sources": {"S": title},
        "entities": entities(random.Random(1)),
        "codes": {
            name: {**title, "values": {v: {"zh": f"{v}_zh", "en": v} for v in values}}
            for name, values in CODES.items()
        },
        "facts": FACTS,
        "calendar": days,
        "decisions": {"claim": {name: {"type": type_, **title} for name, (type_, _) in FORMULAS.items()}},
        "provisions": {
            f"of_{name}": {"decision": name, "value": formula, **title}
            for name, (_, formula) in FORMULAS.items()
        },
    }
    file = folder / "rules.yaml"
    file.write_text(json.dumps(doc, ensure_ascii=False), encoding="utf-8")
    return build(*read([file]))[0]


@pytest.mark.parametrize("seed", seeds(1, few=1, many=4))
def test_back_ends_count_working_days_as_the_interpreter_and_one_by_one(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    program = program_over(years(rng), tmp_path)
    calendar = program.calendar
    assert calendar is not None
    start, end = calendar.first - 40 * ONE, calendar.last + 40 * ONE
    edges = [start + ONE * at for at in range(0, 80, 3)] + [end - ONE * at for at in range(0, 80, 3)]

    def day() -> dt.date:
        anywhere = start + ONE * rng.randrange((end - start).days)
        return min(rng.choice((anywhere, rng.choice(edges))), AS_OF)

    claims = []
    for number in range(few(120, 300)):
        facts: dict[str, Known] = {
            "claim_id": f"C{number}",
            "day": day(),
            "seen": day(),
            "days": Decimal(rng.randrange(0, 300)),
        }
        for name in ("seen", "days"):
            if rng.random() < 0.1:
                del facts[name]
        claims.append(Record("claim", f"C{number}", facts))
    at = calendar.first + 200 * ONE
    worked = sum(calendar.is_worked(at - ONE * back) for back in range(201))
    for count in (worked - 1, worked, worked + 1):  # back to the first day that is worked, and one further
        ends: dict[str, Known] = {"claim_id": f"E{count}", "day": at, "seen": at, "days": Decimal(count)}
        claims.append(Record("claim", f"E{count}", ends))
    person = Record("resident", "P", {"person_id": "P"}, children=claims)
    home = Record("household", "H", {"home_id": "H"}, children=[person])

    assert differences(program, [home]) == []
    assert compiler() is None or compiled_differences(program, [home]) == []
    answers = by_interpreter(
        program, [row for row in rows_of(program, [home], AS_OF) if row.parent is None], AS_OF
    )
    for claim in claims:
        given, actual = claim.facts, answers["claim", claim.key]
        if "days" in given:
            expected = nth_of_month(calendar, given["day"], int(given["days"]))  # type: ignore[arg-type]
            assert actual["nth"] == ("unknown" if isinstance(expected, Unknown) else expected)
