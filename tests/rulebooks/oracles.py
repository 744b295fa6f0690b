"""What the mechanisms give, in plain Python that knows nothing of the engine.

In: a household of which every fact is known. Out: values by (row's key, decision); None: no rule covers it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias

from tests.support.homes import Record

Answers: TypeAlias = dict[tuple[str, str], Any]
Totals: TypeAlias = defaultdict[Any, Decimal]
ZERO = Decimal(0)


def fen(amount: Decimal) -> Decimal:
    """Rounded half up to the fen."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def within(amount: Decimal, limit: Decimal, before: Decimal) -> Decimal:
    """What a limit leaves of an amount after what was paid before."""
    return max(ZERO, min(fen(amount), limit - before))


def told(row: Record) -> dict[str, Any]:
    """The facts of a row, of whatever types they are."""
    return dict(row.facts)


def in_turn(rows: Iterator[Record] | list[Record]) -> list[Record]:
    return sorted(rows, key=lambda row: (told(row)["service_date"], row.key))


def accumulators(home: Record) -> Answers:
    """What running totals are kept of."""
    answers: Answers = {}
    family = told(home)["family_opening"]
    family_visits: defaultdict[tuple[int, int], int] = defaultdict(int)
    for claim in in_turn([claim for member in home.children for claim in member.children]):
        day = told(claim)["service_date"]
        answers[claim.key, "family"] = paid = within(told(claim)["cost"] * 3 / 10, Decimal(900), family)
        answers[claim.key, "family_visits"] = family_visits[day.year, day.month]
        family += paid
        family_visits[day.year, day.month] += 1
    for member in home.children:
        answers |= _of_person(member)
    return answers


def _of_person(member: Record) -> Answers:
    answers: Answers = {}
    pooled, hours, hospital, episode, days = (Totals(Decimal) for _ in range(5))
    stays: defaultdict[int, int] = defaultdict(int)
    visits: list[dt.date] = []
    for claim in in_turn(member.children):
        facts, key = told(claim), claim.key
        day, cost = facts["service_date"], facts["cost"]
        limit = 1000 + max(ZERO, 1000 - pooled[day.year - 1])
        inpatient, number = facts["care"] == "inpatient", stays[day.year]
        answers |= {
            (key, "carried"): limit,
            (key, "pooled"): within(cost / 2, limit, pooled[day.year]),
            (key, "stay"): number + 1 if inpatient else None,
            (key, "threshold"): (800, 400, 0)[min(number, 2)] if inpatient else None,
            (key, "monthly"): max(ZERO, min(facts["hours"], Decimal("40.5") - hours[day.year, day.month])),
            (key, "at_hospital"): within(cost, Decimal(500), hospital[day.year, facts["hospital"]]),
            (key, "recent"): sum(visit >= day - dt.timedelta(30) for visit in visits),
            (key, "of_episode"): within(cost, Decimal(700), episode[facts["episode"]]),
            (key, "of_day"): within(cost, Decimal(300), days[day]),
        }
        pooled[day.year] += answers[key, "pooled"]
        hours[day.year, day.month] += answers[key, "monthly"]
        hospital[day.year, facts["hospital"]] += answers[key, "at_hospital"]
        episode[facts["episode"]] += answers[key, "of_episode"]
        days[day] += answers[key, "of_day"]
        stays[day.year] += inpatient
        visits += [day] if facts["care"] == "outpatient" else []
    return answers
