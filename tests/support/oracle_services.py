"""The benefits that are a service, or whose figure no source gives, and the deadlines, in plain Python.

In: a person's rows over time as facts, and the claims that take part. Out: by benefit its status and amount, and the days
shown beside it. Written from the policy alone; None is unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from tests.support.oracle import BenefitAnswer
from tests.support.oracle_benefits import (
    DELTA,
    Facts,
    active,
    answer,
    are_apart,
    at_least,
    covered,
    doubted,
    in_shandong,
    lies_in,
    scheme,
    where_told,
)
from tests.support.oracle_over_time import person_of, row_on
from tests.support.oracle_stack import both, either, is_one_of, opposite

NO_BIRTH_DATES: Final = (dt.date(1900, 1, 1), dt.date(1970, 1, 1))
SHANGHAI_PLAN: Final = dt.date(2021, 7, 5)
BAOSHAN_PLAN: Final = dt.date(2023, 2, 27)
END_OF_2020: Final = dt.date(2020, 12, 31)
HOURS_A_YEAR: Final = Decimal(8)
# The State Council's notices of 2025 and 2026: holidays, first and last day, and the weekends that are worked.
HOLIDAYS: Final = (
    ("2025-01-01", "2025-01-01"), ("2025-01-28", "2025-02-04"), ("2025-04-04", "2025-04-06"), ("2025-05-01", "2025-05-05"),
    ("2025-05-31", "2025-06-02"), ("2025-10-01", "2025-10-08"), ("2026-01-01", "2026-01-03"), ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"), ("2026-05-01", "2026-05-05"), ("2026-06-19", "2026-06-21"), ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
)  # fmt: skip
WORKED: Final = (
    "2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11", "2026-01-04", "2026-02-14", "2026-02-28",
    "2026-05-09", "2026-09-20", "2026-10-10",
)  # fmt: skip
LAST_YEAR_TOLD: Final = 2026


def is_worked(day: dt.date) -> bool:
    text = day.isoformat()
    return text in WORKED or (day.weekday() < 5 and not any(a <= text <= b for a, b in HOLIDAYS))


def working_day(after: dt.date, number: int) -> dt.date | None:
    """The number-th working day after a day; None where that leaves the calendar."""
    day = after
    while number:
        day += dt.timedelta(1)
        if day.year > LAST_YEAR_TOLD:
            return None
        number -= is_worked(day)
    return day


def deadlines(as_of: dt.date) -> dict[str, dt.date | None]:
    """The days of the month by which institutions apply, groups are pushed and costs settled."""
    before = as_of.replace(day=1) - dt.timedelta(1)
    names = {"settlement_application_by": 5, "settlement_grouping_by": 9, "settlement_paid_by": 15}
    return {name: working_day(before, number) for name, number in names.items()}


def birth(person: Facts) -> dt.date | None:
    day = person.get("birth_date")
    return None if day in NO_BIRTH_DATES else day


def age(person: Facts, on: dt.date) -> int | None:
    """Full years; a birthday on 29 February is reached on 1 March of a common year."""
    born = birth(person)
    return None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def newborn_enrolment(person: Facts, as_of: dt.date) -> BenefitAnswer:
    here = either(
        in_shandong(person, as_of), both(as_of >= SHANGHAI_PLAN, lies_in(person.get("insured_area"), "31"))
    )
    born = birth(person)
    young = None if born is None else (as_of - born).days <= 90
    return answer(here, both(young, scheme(person, "none")))


def chronic_disease(person: Facts, as_of: dt.date) -> BenefitAnswer:
    """Which five diseases these are, no source says: any of them is open."""
    diagnosed = opposite(is_one_of(person.get("diagnosed_chronic_disease"), "none"))
    return answer(in_shandong(person, as_of), both(covered(person), diagnosed, None))


def carer_training(person: Facts, as_of: dt.date) -> BenefitAnswer:
    hours = person.get("carer_training_hours")
    short = None if hours is None else hours < HOURS_A_YEAR
    return answer(in_shandong(person, as_of, "3714"), both(person.get("carer_of_ltc_recipient"), short))


def settlement_deadlines(person: Facts, as_of: dt.date) -> BenefitAnswer:
    """Open where a deadline leaves the calendar."""
    told = None if None in deadlines(as_of).values() else True
    return answer(in_shandong(person, as_of, "3715"), both(covered(person), told))


def centenarian(person: Facts, as_of: dt.date) -> BenefitAnswer:
    """Baoshan's streets help with it: its plan is for its own people."""
    paid = person.get("ltc_self_paid")
    due = both(covered(person), at_least(age(person, as_of), 100), None if paid is None else paid > 0)
    return answer(both(as_of >= BAOSHAN_PLAN, lies_in(person.get("insured_area"), "310113")), due)


def commercial_insurance(person: Facts, as_of: dt.date) -> BenefitAnswer:
    here = both(as_of >= END_OF_2020, lies_in(person.get("insured_area"), "31"))
    balance = person.get("personal_account_balance")
    left = None if balance is None else balance > 0
    return answer(here, both(scheme(person, "employee"), active(person), left))


def services(rows: Sequence[Facts], as_of: dt.date) -> dict[str, BenefitAnswer]:
    """Every benefit of this file that is in force by name; those that are planned are not modelled."""
    person = row_on(rows, as_of)
    return {
        "newborn_enrolment": newborn_enrolment(person, as_of),
        "chronic_disease_recognition": chronic_disease(person, as_of),
        "carer_training": carer_training(person, as_of),
        "settlement_deadlines": settlement_deadlines(person, as_of),
        "centenarian_subsidy": centenarian(person, as_of),
        "commercial_insurance_from_account": commercial_insurance(person, as_of),
        **dict.fromkeys(PLANNED, BenefitAnswer("not_modelled")),
    }


# What the plans intend, where an overlay switches it on.

PLANNED: Final = (
    "outbreak_treated_first", "outbreak_waiver", "outpatient_pooling", "elderly_subsidy", "disabled_child_subsidy",
    "family_planning_support", "blood_donor_fees",
)  # fmt: skip


def planned_support(
    rows: Sequence[Facts], claims: Sequence[Facts], as_of: dt.date
) -> dict[str, BenefitAnswer]:
    person: Facts = row_on(rows, as_of)
    here = lies_in(person.get("insured_area"), "31")
    poor = opposite(is_one_of(person.get("assistance_category"), "none"))
    years = age(person, as_of)
    child = None if years is None else years < 18
    return {
        "outpatient_pooling": answer(here, both(scheme(person, "employee"), active(person))),
        "elderly_subsidy": answer(here, both(poor, at_least(years, 60))),
        "disabled_child_subsidy": answer(here, both(child, person.get("disability_certificate"))),
        "family_planning_support": answer(
            here, is_one_of(person.get("family_planning_category"), "rewarded", "bereaved")
        ),
        "blood_donor_fees": blood_donor_fees(rows, claims, as_of),
    }


def blood_donor_fees(rows: Sequence[Facts], claims: Sequence[Facts], as_of: dt.date) -> BenefitAnswer:
    """Clinical blood of donors away from home in the Yangtze delta, both ways."""
    ways = []
    for claim in claims:
        home, there = person_of(claim, rows).get("insured_area"), claim.get("hospital_area")
        cost = claim.get("blood_cost")
        away = both(lies_in(home, *DELTA), lies_in(there, *DELTA), are_apart(home, there))
        ways.append(doubted(claim, where_told(home, both(None if cost is None else cost > 0, away))))
    person: Facts = row_on(rows, as_of)
    here = lies_in(person.get("insured_area"), *DELTA)
    return answer(here, both(person.get("blood_donor"), either(*ways)))


# The made-up outbreak of the overlay: its days, its disease, its groups.
OUTBREAK: Final = (dt.date(2026, 2, 1), dt.date(2026, 5, 31))
GROUPS: Final = ("destitute", "subsistence", "low_income")


def outbreak(rows: Sequence[Facts], claims: Sequence[Facts], as_of: dt.date) -> dict[str, BenefitAnswer]:
    """Everyone is treated first; the disease, or people of the groups, are freed of limits."""
    first, last = OUTBREAK
    treated, waived = [], []
    for claim in claims:
        person: Facts = person_of(claim, rows)
        then = first <= claim["service_date"] <= last
        poor = is_one_of(person.get("assistance_category"), *GROUPS)
        here = both(lies_in(person.get("insured_area"), "31"), claim["service_date"] >= SHANGHAI_PLAN)
        ill = is_one_of(claim.get("epidemic_disease"), "covid_19")
        freed = both(then, either(ill, poor))
        treated.append(doubted(claim, then))
        waived.append(None if here is None else doubted(claim, both(here, freed)))
    person = row_on(rows, as_of)
    here = both(lies_in(person.get("insured_area"), "31"), as_of >= SHANGHAI_PLAN)
    return {
        "outbreak_treated_first": answer(here, either(*treated)),
        "outbreak_waiver": answer(here, both(covered(person), either(*waived))),
    }
