"""Families with everything that real records have, decided in a batch, against an oracle written from the policy.

`MIANSHEN_ORACLE` says how many persons (20,000 in `make soak`). Rows over time, Shanghai's year from 1 July, settled amounts,
reversals, other payers, gaps, places; the family's aid of the year before, the warnings, subsidies of premiums, patients left
without aid. A part of them is checked one by one.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow.parquet as pq
import pytest
from tests.support.drawn_records import drawn_claims, drawn_rows, drawn_visits, with_more
from tests.support.oracle import (
    BenefitAnswer,
    burden_of,
    illness_poverty_aid,
    in_shanghai,
    poverty_warning,
    poverty_watch,
)
from tests.support.oracle_benefits import answer, benefits, premium_amount
from tests.support.oracle_over_time import OTHER_PAYERS, Person, row_on
from tests.support.oracle_stack import (
    ZERO,
    Amount,
    Facts,
    both,
    difference,
    is_one_of,
    is_within,
    status_of,
)

from mianshen.batch.run import Request, run_batch
from mianshen.casework.check import Checker
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program

PERSONS: Final = int(os.environ.get("MIANSHEN_ORACLE", "400"))
DAYS: Final = ("2024-03-01", "2025-06-30", "2026-06-30", "2026-12-31")
PAID: Final = (*OTHER_PAYERS, "self_pay_before")
OPENINGS: Final = tuple(
    f"opening_{n}"
    for n in ("basic_paid", "deductible_used", "assistance_inpatient_paid", "assistance_outpatient_paid")
)
LAYERS: Final = ("basic_payment", "supplementary_payment", "critical_illness_payment", "assistance_payment")

AID: Final = "illness_poverty_aid"


@dataclass(frozen=True, slots=True)
class Family:
    """A household's facts, and by person number its rows over time and its claims."""

    facts: dict[str, Any]
    people: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    claims: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    visits: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def drawn(chance: Random, number: int, as_of: dt.date, unknown: float) -> Family:
    """A family of one to three, whose number may be said wrongly or not at all."""
    size = chance.choice((1, 1, 2, 3))
    income = chance.choice((None, Decimal("0.00"), Decimal(chance.randrange(1, 20_000_000)).scaleb(-2)))
    count = chance.choice((size, size, size, size, size + 1, None))
    family = Family({"household_id": f"H{number}", "annual_income": income, "member_count": count})
    for member in range(size):
        person = f"P{number}-{member}"
        family.people[person] = drawn_rows(chance, as_of, unknown)
        family.claims[person] = [
            claim | {"claim_id": f"{person}-{claim['claim_id']}"}
            | ({"reverses": f"{person}-{claim['reverses']}"} if "reverses" in claim else {})
            for claim in drawn_claims(chance, as_of, unknown)
        ]  # fmt: skip
        with_more(chance, family.people[person], family.claims[person], as_of, unknown)
        family.visits[person] = drawn_visits(chance, as_of)
    return family


# -- the policy ------------------------------------------------------------------------------------


def personal_cost(claim: Facts, layers: Mapping[str, Amount]) -> Amount:
    """What a claim left to the person in scope: what was really paid counts where it is told."""
    paid = [
        layers[layer] if claim.get(f"settled_{layer}") is None else claim[f"settled_{layer}"]
        for layer in LAYERS
    ]
    others = [claim.get(name, ZERO) for name in OTHER_PAYERS]
    return difference(layers["in_scope_cost"], *paid, *others)  # type: ignore[arg-type]


def premium_subsidy(person: Facts, as_of: dt.date) -> BenefitAnswer:
    """Areas 37 (since 2025) and 31 (since the plan was issued), resident scheme, active coverage, a category paid for."""
    places = ("31", "37") if as_of.year >= 2025 else ("31",)
    here = is_within(person.get("insured_area"), *places)
    if here is False:
        return BenefitAnswer("not_modelled")
    poor = is_one_of(
        person.get("assistance_category"), "destitute", "subsistence", "low_income", "returned_to_poverty"
    )
    due = both(
        here,
        poor,
        is_one_of(person.get("insurance_scheme"), "resident"),
        is_one_of(person.get("coverage_status"), "active"),
    )
    return answer(here, due, premium_amount(person))


def expected(
    family: Family, as_of: dt.date
) -> tuple[dict[str, dict[str, Amount]], dict[str, dict[str, BenefitAnswer]], BenefitAnswer]:
    """By claim its layers, by person the benefits, and the family's aid."""
    layers: dict[str, dict[str, Amount]] = {}
    borne: dict[str, list[tuple[Facts, Amount]]] = {}
    costs: dict[str, list[tuple[Facts, Amount]]] = {}
    for person, rows in family.people.items():
        decided = Person(rows, as_of).decide(family.claims[person])
        layers |= decided
        part = [claim for claim in family.claims[person] if claim["claim_id"] in decided]
        left = [(claim, personal_cost(claim, decided[claim["claim_id"]])) for claim in part]
        costs[person] = list(left)
        borne[person] = [
            (
                claim,
                cost
                if not isinstance(cost, Decimal)
                else difference(cost, -claim.get("self_pay_before", ZERO)),
            )
            for claim, cost in left
        ]
    current = {person: {**row_on(rows, as_of), "person_id": person} for person, rows in family.people.items()}
    burden = burden_of(family.facts, [(current[p], costs[p]) for p in current], as_of)
    statuses = {
        person: {
            "poverty_warning": in_shanghai(facts, as_of, poverty_warning(family.facts, burden)),
            "poverty_watch": in_shanghai(facts, as_of, poverty_watch(family.facts, burden)),
            "premium_subsidy": premium_subsidy(facts, as_of),
            **benefits(
                family.people[person],
                [claim for claim in family.claims[person] if claim["claim_id"] in layers],
                family.visits[person],
                layers,
                as_of,
            ),
        }
        for person, facts in current.items()
    }
    return (
        layers,
        statuses,
        illness_poverty_aid(family.facts, [(current[p], borne[p]) for p in current], as_of),
    )


# -- the product -----------------------------------------------------------------------------------


def write(folder: Path, name: str, rows: Sequence[Mapping[str, Any]], told: Sequence[str] = ()) -> Path:
    """Rows as CSV; of the facts in `told` one that a row is not told of is 0.00, an unknown one is empty."""
    header = list(dict.fromkeys(column for row in rows for column in row))
    path = folder / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for row in rows:
            cells = (row.get(column, "0.00" if column in told else None) for column in header)
            writer.writerow(
                "" if cell is None else str(cell).lower() if isinstance(cell, bool) else cell
                for cell in cells
            )
    return path


def batch(families: Sequence[Family], as_of: dt.date, folder: Path) -> Path:
    """The families as files, decided."""
    people = [
        {"person_id": person, "household_id": family.facts["household_id"], **row}
        for family in families for person, rows in family.people.items() for row in rows
    ]  # fmt: skip
    claims = [
        {"person_id": person, **claim}
        for family in families for person, listed in family.claims.items() for claim in listed
    ]  # fmt: skip
    visits = [
        {"visit_id": f"{person}-V{number}", "person_id": person, **visit, "optional_items": ";".join(visit["optional_items"])}
        for family in families for person, listed in family.visits.items() for number, visit in enumerate(listed)
    ]  # fmt: skip
    chance = Random(len(people))
    chance.shuffle(people)
    chance.shuffle(claims)
    inputs = {
        "resident": write(folder, "residents", people, OPENINGS),
        "household": write(folder, "households", [family.facts for family in families]),
        "claim": write(folder, "claims", claims, PAID),
        "visit": write(folder, "visits", visits),
    }
    run_batch(open_program(), Request(dict(inputs), as_of, folder / "out"))
    return folder / "out"


def read(file: Path, key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in pq.read_table(file).to_pylist()}


def untouched(families: Sequence[Family], rejected: set[str]) -> Iterator[Family]:
    """The families without a contradiction drawn by chance."""
    for family in families:
        keys = {
            family.facts["household_id"],
            *family.people,
            *(c["claim_id"] for listed in family.claims.values() for c in listed),
        }
        if not keys & rejected:
            yield family


def amount(row: Mapping[str, Any], name: str) -> Amount:
    """A layer as written; where it is null the status of the row tells no more than that."""
    value = row[name]
    assert value is None or isinstance(value, Decimal)
    return value


@pytest.mark.parametrize("as_of", DAYS)
def test_a_batch_of_families_equals_the_oracle(as_of: str, tmp_path: Path) -> None:
    day, chance = dt.date.fromisoformat(as_of), Random(f"families {as_of}")
    families: list[Family] = []
    while sum(len(family.people) for family in families) < PERSONS // len(DAYS):
        families.append(drawn(chance, len(families), day, chance.choice((0.0, 0.0, 0.05, 0.25))))
    out = batch(families, day, tmp_path)
    rejects = {str(row["key"]) for row in pq.read_table(out / "rejects.parquet").to_pylist()}
    claims, people = read(out / "claims.parquet", "claim_id"), read(out / "residents.parquet", "person_id")
    homes = read(out / "households.parquet", "household_id")
    wrong: list[str] = []
    compared = 0
    for family in untouched(families, rejects):
        layers, answers, aid = expected(family, day)
        for key, values in layers.items():
            for name, value in values.items():
                compared += 1
                if amount(claims[key], name) != (value if isinstance(value, Decimal) else None):
                    wrong.append(f"{key} {name}: {claims[key][name]}, the policy gives {value}")
            status = status_of(values["patient_pays"])
            if claims[key]["status"] != status:
                wrong.append(f"{key}: {claims[key]['status']}, the policy gives {status}")
        for person, due in answers.items():
            compared += len(due)
            written = {
                name: (people[person][f"{name}_status"], people[person][f"{name}_amount"]) for name in due
            }
            wrong += [
                f"{person} {name}: {written[name]}, the policy gives {benefit}"
                for name, benefit in due.items()
                if written[name] != (benefit.status, benefit.amount)
            ]
        home = homes[family.facts["household_id"]]
        if (home[f"{AID}_status"], home[f"{AID}_amount"]) != (aid.status, aid.amount):
            wrong.append(
                f"{home['household_id']} aid: {home[f'{AID}_status']} {home[f'{AID}_amount']}, the policy gives {aid}"
            )
    assert not wrong, "\n".join(wrong[:20])
    assert compared > PERSONS // len(DAYS) * 5
    checked(families[:: max(1, len(families) // max(20, PERSONS // 50))], day, claims, people, tmp_path)


def checked(
    families: Sequence[Family],
    day: dt.date,
    claims: Mapping[str, Any],
    people: Mapping[str, Any],
    folder: Path,
) -> None:
    """A person of each family checked alone gives what the batch gave, but for what rests on the family."""
    checker = Checker(open_program())
    records = []
    for family in families:
        person = next(iter(family.people))
        rows = family.people[person]
        records.append(
            {
                "as_of": day,
                "resident": {"person_id": person, **rows[0]},
                "history": rows[1:],
                "claims": family.claims[person],
                "visits": [
                    {"visit_id": f"V{number}", **visit} for number, visit in enumerate(family.visits[person])
                ],
            }
        )
    file = folder / "some.json"
    file.write_text(json.dumps(records, default=str), "utf-8")
    for record in read_cases(file, checker.program):
        answer: Any = checker.answer(checker.check(record.case), "en")
        for claim in answer["claims"]:
            if claim["claim_id"] in claims and not answer["rejects"]:
                cell = claims[claim["claim_id"]]["patient_pays"]
                assert claim["patient_pays"] == (None if cell is None else str(cell)), claim["claim_id"]
        person = answer["person_id"]
        for name, benefit in answer["benefits"].items() if person in people and not answer["rejects"] else ():
            if name in (AID, "poverty_warning", "poverty_watch"):
                continue
            status, cell = (people[person][f"{name}_{part}"] for part in ("status", "amount"))
            assert benefit["status"] == status, (person, name)
            assert benefit["amount"] == (None if cell is None else str(cell)), (person, name)
