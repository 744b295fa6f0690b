"""Made-up households of the shared vocabulary, every fact known.

In: a source of chance. Out: `Record`s, households with residents with claims.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any, Final

from tests.support.homes import Record

FIRST: Final = dt.date(2024, 11, 1)
AREAS: Final = ("310101", "310115", "371724", "370102", "110101", "440305")
LEVELS: Final = ("primary", "secondary", "tertiary")
CARES: Final = ("inpatient", "inpatient", "outpatient", "chronic", "maternity", "home")
CATEGORIES: Final = ("none", "none", "low_income", "subsistence", "destitute")


def household(rng: Random, number: int, diseases: tuple[str, ...] = ()) -> Record:
    """A household of one to three residents with up to nine claims each, some on the same day."""
    members = [resident(rng, f"{number}-{at}", diseases) for at in range(rng.randint(1, 3))]
    facts: dict[str, Any] = {
        "member_count": Decimal(len(members)),
        "family_opening": Decimal(rng.choice((0, 100, 850))),
    }
    return Record("household", f"H{number}", facts, children=members)


def resident(rng: Random, number: str, diseases: tuple[str, ...]) -> Record:
    facts: dict[str, Any] = {
        "birth_date": dt.date(rng.randint(1930, 2024), rng.randint(1, 12), rng.randint(1, 28)),
        "area": rng.choice(AREAS),
        "category": rng.choice(CATEGORIES),
        "work": rng.choice(("working", "retired")),
        "enrolled_on": FIRST + dt.timedelta(rng.randint(-400, 500)),
        "continuous_years": Decimal(rng.randint(0, 30)),
        "care_level": Decimal(rng.randint(0, 5)),
    }
    if diseases:
        facts["diseases"] = tuple(rng.sample(diseases[:4], rng.randint(1, 3)))
    claims = [claim(rng, f"{number}-{at}", diseases) for at in range(rng.randint(0, 9))]
    return Record("resident", f"P{number}", facts, children=claims)


def claim(rng: Random, number: str, diseases: tuple[str, ...]) -> Record:
    day = FIRST + dt.timedelta(rng.randint(0, 60) * 12)
    facts: dict[str, Any] = {
        "service_date": day,
        "admission_date": day - dt.timedelta(rng.randint(0, 40)),
        "care": rng.choice(CARES),
        "level": rng.choice(LEVELS),
        "hospital_area": rng.choice(AREAS),
        "hospital": rng.choice(("one", "two")),
        "episode": rng.choice(("e1", "e2", "e3")),
        "cost": Decimal(rng.choice((rng.randint(0, 3000_00), rng.randint(0, 200000_00)))).scaleb(-2),
        "wage_paid": Decimal(rng.randint(0, 9000_00)).scaleb(-2),
        "hours": Decimal(rng.randint(0, 60)) / 2,
        "transferred": rng.random() < 0.3,
        "filed": rng.random() < 0.5,
        "applied": rng.random() < 0.5,
    }
    if diseases:
        facts["disease"] = rng.choice(diseases[:4])
    return Record("claim", f"C{number}", facts)
