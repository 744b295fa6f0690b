"""Populations whose residents change over time, whose claims are settled and cancelled.

In: a population, a seed. Out: the same with further rows of residents, settled amounts and reversals, as
rows for files and as single records.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from random import Random

from tests.support.populations import (
    AREAS,
    CATEGORIES,
    COVERAGE,
    DATES,
    EDGES,
    EMPLOYMENT,
    SCHEMES,
    Population,
    records,
)

Row = Mapping[str, object]
CHANGES = {
    "employment_status": EMPLOYMENT, "insurance_scheme": SCHEMES, "coverage_status": COVERAGE,
    "assistance_category": CATEGORIES, "insured_area": AREAS,
}  # fmt: skip
SETTLED = ("settled_deductible", "settled_basic_payment", "settled_assistance_payment")


def over_time(population: Population, seed: int) -> Population:
    """Every second resident has rows of other times; some claims are settled, some cancelled."""
    rng = Random(seed)
    residents: list[Row] = []
    for resident in population.residents:
        starts: list[dt.date | None] = [None]
        if rng.random() < 0.5:
            pool = [None, dt.date(2027, 1, 1), *dict.fromkeys(DATES)]
            starts = rng.sample(pool, rng.choice((1, 2, 2, 3)))
        if rng.random() < 0.05:
            starts.append(starts[0])
        for start in starts:
            changed = {n: rng.choice(v) for n, v in CHANGES.items() if n in resident and rng.random() < 0.4}
            row = {**resident, **(changed if start is not starts[0] else {}), "valid_from": start}
            residents.append(row)
    claims = [_settled(rng, claim) for claim in population.claims]
    return replace(population, residents=tuple(residents), claims=(*claims, *_reversals(rng, claims)))


def _settled(rng: Random, claim: Row) -> Row:
    amounts = {name: rng.choice(EDGES) if rng.random() < 0.25 else None for name in SETTLED}
    if isinstance(claim.get("total_cost"), Decimal) and rng.random() < 0.2:
        amounts["settled_basic_payment"] = claim["total_cost"]  # type: ignore[assignment]
    return {**claim, **amounts, "reverses": None}


def _reversals(rng: Random, claims: list[Row]) -> list[Row]:
    """Most cancel a claim of their person; some another's, none, themselves, or one cancelled already."""
    parts: list[Row] = []
    for claim in claims:
        if rng.random() < 0.15:
            key = f"R{len(parts)}-{claim['claim_id']}"
            other = rng.choice(
                (claims[0]["claim_id"], "no such claim", key, parts[0]["claim_id"] if parts else key)
            )
            named = claim["claim_id"] if rng.random() < 0.8 else other
            parts += [
                {**dict.fromkeys(claim), "claim_id": f"{key}{n}", "person_id": claim["person_id"],
                 "service_date": rng.choice(DATES), "reverses": named}
                for n in range(rng.choice((1, 1, 1, 2)))
            ]  # fmt: skip
    return parts


def records_over_time(population: Population) -> list[dict[str, object]]:
    """One record a resident; the first of a resident's rows is `resident`, the others its history."""
    first: dict[object, Row] = {}
    later: dict[object, list[Row]] = {}
    for row in population.residents:
        if first.setdefault(row["person_id"], row) is not row:
            later.setdefault(row["person_id"], []).append(row)
    once = replace(population, residents=tuple(first.values()))
    result = records(once)
    for record in result:
        resident, members = record["resident"], record["members"]
        assert isinstance(resident, dict)
        assert isinstance(members, list)
        record["history"] = _history(later.get(resident["person_id"], []))
        for member in members:
            member["history"] = _history(later.get(member["person_id"], []))
    return result


def _history(rows: list[Row]) -> list[dict[str, object]]:
    return [{name: None if value is None else str(value) for name, value in row.items()} for row in rows]
