"""Records drawn by chance, with everything that real ones have: rows over time, settled amounts, reversals, other payers.

Out: a person's rows and claims as facts; a fact that is None is unknown, one that is missing is not told of.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any, Final

from tests.support.oracle_over_time import OTHER_PAYERS, months_later
from tests.support.oracle_stack import fen

PERSON: Final = {
    "insured_area": ("310113", "310118", "310000", "31", "110101", "371402", "37", "440305", "310113001000"),
    "insurance_scheme": ("employee", "employee", "resident", "resident", "special", "mutual_aid", "none"),
    "coverage_status": ("active", "active", "active", "active", "suspended", "ended"),
    "employment_status": ("employed", "retired", "unemployed", "none", "flexible"),
    "assistance_category": (
        "none", "none", "destitute", "subsistence", "low_income", "hardship_allowance", "retrenched_worker",
        "returned_youth", "illness_poverty", "returned_to_poverty",
    ),
}  # fmt: skip
CHANGES: Final = {
    "employment_status": ("employed", "retired", "flexible"),
    "assistance_category": ("none", "subsistence", "destitute", "low_income"),
    "coverage_status": ("active", "suspended"),
    "insurance_scheme": ("employee", "resident"),
    "insured_area": ("310113", "110101", "371402"),
}
CARE: Final = (
    *["inpatient"] * 5,
    "outpatient",
    "outpatient",
    "chronic_outpatient",
    "delivery",
    "prenatal",
    "pharmacy",
)
SETTLED_AS: Final = (
    "subsistence",
    "destitute",
    "none",
    "none",
    "illness_poverty",
    "returned_to_poverty",
    "low_income",
)
OPENINGS: Final = {
    "opening_deductible_used": ("0.00", "700.00", "1500.00"),
    "opening_basic_paid": ("0.00", "540000.00", "549999.99"),
    "opening_assistance_inpatient_paid": ("0.00", "159000.00"),
    "opening_assistance_outpatient_paid": ("0.00", "7500.00"),
}


AREAS: Final = (
    "371724", "371702", "371402", "370102", "310118", "310113", "110101", "440305", "320509", "371502", "371402",
    "371724001", "371402103002", "310113001", "371499", "371599", "3714", "3715", "310199",
)  # fmt: skip
MORE_OF_PERSON: Final[dict[str, tuple[Any, ...]]] = {
    "sex": ("female", "female", "male"),
    "contribution_base": (Decimal("0.00"), Decimal("10000.05"), Decimal("7384.33")),
    "contribution_months": (0, 179, 180, 299, 300, 359, 360, 480),
    "annual_premium": (Decimal("380.00"), Decimal("0.00")),
    "disability_level": (0, 2, 3, 4, 5),
    "previous_insured_area": (*AREAS, "3717", "371402000000", "37"),
    "children_born": (0, 0, 1, 2, 3),
    "difficult_delivery": (False, False, True),
    "employer_average_wage": (Decimal("9876.54"), Decimal("0.01"), Decimal("12345.67")),
    "institution_days": (0, 1, 19, 30, 31),
    "diagnosed_chronic_disease": ("none", "none", "hypertension", "cancer", "other"),
    "carer_of_ltc_recipient": (True, False),
    "carer_training_hours": (Decimal(0), Decimal("7.99"), Decimal(8), Decimal(9)),
    "ltc_self_paid": (Decimal("0.00"), Decimal("0.01"), Decimal("350.00")),
    "personal_account_balance": (Decimal("0.00"), Decimal("0.01")),
    "disability_certificate": (True, False),
    "family_planning_category": ("rewarded", "bereaved", "none"),
    "blood_donor": (True, True, False),
}
YEARS: Final = (18, 60, 100, 18, 60, 100, 120)
NO_BIRTH_DATES: Final = (dt.date(1900, 1, 1), dt.date(1970, 1, 1))
MORE_OF_CLAIM: Final[dict[str, tuple[Any, ...]]] = {
    "hospital_area": (*AREAS, "330421", "3717", "31", "37", "4403"),
    "networked": (True, True, False),
    "maternity_networked": (True, True, False),
    "filed_for_remote_care": (True, False),
    "epidemic_disease": ("covid_19", "influenza", "none", "none"),
    "blood_cost": (Decimal("0.00"), Decimal("0.01"), Decimal("900.00")),
}
EDGES: Final = (
    dt.date(2022, 12, 31), dt.date(2023, 1, 1), dt.date(2024, 12, 31), dt.date(2025, 6, 30), dt.date(2025, 6, 30),
    dt.date(2026, 1, 31), dt.date(2026, 2, 1), dt.date(2026, 5, 31), dt.date(2026, 6, 1),
)  # fmt: skip
PADDED: Final = (2, 4, 6, 9, 12)


def spelled(rng: Random, place: str) -> str:
    """The place, at times padded with zeros to a longer code."""
    longer = [size for size in PADDED if size > len(place)]
    return place.ljust(rng.choice(longer), "0") if longer and rng.random() < 0.3 else place


def born(rng: Random, as_of: dt.date) -> dt.date:
    """A birth within a day of every age that a rule knows, of ninety days, or on 29 February; at times no birth date at all."""
    if rng.random() < 0.1:
        return rng.choice(NO_BIRTH_DATES)
    around = dt.timedelta(rng.choice((-1, 0, 1)))
    years = rng.choice(YEARS)
    leap = dt.date(as_of.year - years - (as_of.year - years) % 4, 2, 29)
    last = 28 if (as_of.month, as_of.day) == (2, 29) else as_of.day
    return rng.choice(
        (
            as_of.replace(year=as_of.year - years, day=last) + around, leap, as_of - dt.timedelta(91) - around,
            as_of - dt.timedelta(90), as_of, dt.date(1985, 5, 17),
        )
    )  # fmt: skip


def joined(rng: Random, claims: Sequence[dict[str, Any]], as_of: dt.date) -> dt.date:
    """When a flexible employee joined: often six months before a claim, a day more or less."""
    claim = rng.choice(claims)["service_date"] if claims else as_of
    return months_later(claim, -6) + dt.timedelta(rng.choice((-1, 0, 1, -900)))


def with_more(
    rng: Random, rows: list[dict[str, Any]], claims: list[dict[str, Any]], as_of: dt.date, unknown: float
) -> None:
    """Add the facts that the other benefits read, some of them unknown."""
    for row in rows:
        if rng.random() < 0.5 and row["insured_area"] is not None:
            row["insured_area"] = spelled(rng, rng.choice(AREAS))
    days = (
        as_of - dt.timedelta(365),
        as_of - dt.timedelta(366),
        as_of,
        as_of - dt.timedelta(rng.randrange(500)),
    )
    facts = {name: rng.choice(values) for name, values in MORE_OF_PERSON.items()} | {
        "delivery_date": rng.choice(days),
        "birth_date": born(rng, as_of),
        "flexible_enrolled_on": joined(rng, claims, as_of),
        "unassisted_list_received": as_of - dt.timedelta(rng.choice((0, 5, 40))),
    }
    if facts["children_born"] == 0 and any(claim.get("care_type") == "delivery" for claim in claims):
        facts["children_born"] = 1
    facts |= dict.fromkeys(name for name in facts if rng.random() < unknown)
    for row in rows:
        row |= facts
    for claim in claims:
        if "reverses" not in claim:
            more = {name: rng.choice(values) for name, values in MORE_OF_CLAIM.items()}
            more["hospital_area"] = spelled(rng, more["hospital_area"])
            claim |= more | dict.fromkeys(name for name in more if rng.random() < unknown)


def drawn_visits(rng: Random, as_of: dt.date) -> list[dict[str, Any]]:
    items = [f"item_{number}" for number in range(1, 52)]
    return [
        {
            "service_date": as_of.replace(day=rng.randint(1, as_of.day)),
            "optional_items": rng.sample(items, rng.randint(1, 7)),
        }
        for _ in range(rng.choice((0, 0, 1, 2, 4)))
    ]


def drawn_rows(rng: Random, as_of: dt.date, unknown: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{name: rng.choice(values) for name, values in PERSON.items()}]
    if rng.random() < 0.5:
        for age in sorted(rng.sample(range(700), rng.randint(1, 2)), reverse=True):
            changed = {name: rng.choice(values) for name, values in CHANGES.items() if rng.random() < 0.3}
            rows.append(rows[-1] | changed | {"valid_from": as_of - dt.timedelta(age)})
        rows = rows[1:] if rng.random() < 0.3 else rows
    openings = {
        name: None if rng.random() < unknown / 2 else Decimal(rng.choice(values))
        for name, values in OPENINGS.items()
        if rng.random() < 0.5
    }
    gaps = [[name for name in PERSON if rng.random() < unknown] for _ in rows]
    return [row | openings | dict.fromkeys(lost) for row, lost in zip(rows, gaps, strict=True)]


def _claim(rng: Random, number: int, as_of: dt.date, unknown: float) -> dict[str, Any]:
    total = Decimal(rng.choice((200000, rng.randrange(1, 9_000_000), rng.randrange(1, 90_000_000)))).scaleb(
        -2
    )
    outside = rng.choice((Decimal("0.00"), fen(total * rng.randrange(50) / 100)))
    inside = total - outside
    days = (as_of, rng.choice(EDGES), dt.date(2025, 7, 1), as_of - dt.timedelta(rng.randrange(1300)))
    claim: dict[str, Any] = {
        "claim_id": f"C{rng.randrange(1000)}-{number}", "service_date": min(as_of, rng.choice(days)),
        "care_type": rng.choice(CARE),
        "hospital_level": rng.choice(("primary", "secondary", "tertiary")), "total_cost": total,
        "out_of_scope_cost": outside, "critical_illness": rng.random() < 0.4,
    }  # fmt: skip

    def part(most: int) -> Decimal:
        return fen(inside * rng.randrange(most) / 100)

    more: dict[str, tuple[float, Callable[[], Any]]] = {
        "in_scope_cost_given": (0.2, lambda: inside),
        "basic_paid": (0.3, lambda: part(50)),
        "supplementary_paid": (0.15, lambda: part(20)),
        "critical_illness_paid": (0.15, lambda: part(20)),
        "insured_area": (0.1, lambda: rng.choice(AREAS)),
        "coverage_status": (0.1, lambda: rng.choice(("active", "suspended"))),
        "insurance_scheme": (
            0.15,
            lambda: rng.choice(("employee", "employee", "resident", "special", "none")),
        ),
        "employment_status": (0.1, lambda: rng.choice(("employed", "retired", "flexible"))),
        "assistance_category": (0.1, lambda: rng.choice(SETTLED_AS)),
        "category_on_admission": (0.1, lambda: rng.choice(SETTLED_AS)),
        **{name: (0.1, lambda: part(15)) for name in OTHER_PAYERS},
        **{
            f"settled_{layer}": (0.25, lambda: rng.choice((Decimal("0.00"), Decimal("1500.00"), part(100))))
            for layer in (
                "deductible",
                "basic_payment",
                "supplementary_payment",
                "critical_illness_payment",
                "assistance_payment",
            )
        },
    }
    claim |= {name: value() for name, (chance, value) in more.items() if rng.random() < chance}
    open_ = (
        "care_type",
        "hospital_level",
        "total_cost",
        "out_of_scope_cost",
        "critical_illness",
        *OTHER_PAYERS,
    )
    return claim | dict.fromkeys(name for name in open_ if name in claim and rng.random() < unknown)


def drawn_claims(rng: Random, as_of: dt.date, unknown: float) -> list[dict[str, Any]]:
    claims = [_claim(rng, number, as_of, unknown) for number in range(rng.randrange(7))]
    voided = [claim for claim in claims if rng.random() < 0.08]
    return claims + [
        {"claim_id": f"R{c['claim_id']}", "service_date": c["service_date"], "reverses": c["claim_id"]}
        for c in voided
    ]
