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
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow.parquet as pq
import pytest
from tests.support.drawn_records import drawn_claims, drawn_rows, drawn_visits, with_more
from tests.support.oracle import BenefitAnswer
from tests.support.oracle_family import Expected, Family, expected
from tests.support.oracle_over_time import OTHER_PAYERS
from tests.support.oracle_services import PLANNED, deadlines
from tests.support.oracle_shown import Shown
from tests.support.oracle_stack import status_of

from mianshen.batch.run import Request, run_batch
from mianshen.casework.check import Checker
from mianshen.program.program import Program
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program

PERSONS: Final = int(os.environ.get("MIANSHEN_ORACLE", "400"))
DAYS: Final = ("2024-03-01", "2025-06-30", "2026-06-30", "2026-12-31", "2027-01-04")
PAID: Final = (*OTHER_PAYERS, "self_pay_before")
OPENINGS: Final = tuple(
    f"opening_{n}"
    for n in ("basic_paid", "deductible_used", "assistance_inpatient_paid", "assistance_outpatient_paid")
)
AID: Final = "illness_poverty_aid"
MONEY: Final = re.compile(r"-?\d+\.\d\d")


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
        family.visits[person] = [
            {"visit_id": f"{person}-V{index}", **visit}
            for index, visit in enumerate(drawn_visits(chance, as_of))
        ]
    if chance.random() < 0.3:
        contradict(chance, family, as_of)
    return family


def contradict(chance: Random, family: Family, as_of: dt.date) -> None:
    """Make one or two rows of the family say what cannot be."""
    for kind in chance.sample(("income", "count", "days", "birth", "claim", "claim"), chance.choice((1, 2))):
        person = chance.choice(list(family.people))
        rows, claims = family.people[person], family.claims[person]
        if kind == "income":
            family.facts["annual_income"] = Decimal("-0.01")
        elif kind == "count" and len(family.people) > 1:
            family.facts["member_count"] = len(family.people) - 1
        elif kind == "days":
            chance.choice(rows)["institution_days"] = -1
        elif kind == "birth":
            for row in rows:
                row["birth_date"] = as_of + dt.timedelta(1)
        elif kind == "claim" and claims:
            claim = chance.choice(claims)
            total = claim.get("total_cost") or Decimal("1.00")
            claim |= chance.choice(
                (
                    {"basic_paid": total + 1}, {"out_of_scope_cost": total + 1}, {"admission_date": as_of + dt.timedelta(1)},
                    {"service_date": as_of + dt.timedelta(1)}, {"other_fund_payment": total + 1},
                )
            )  # fmt: skip


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


def batch(families: Sequence[Family], as_of: dt.date, folder: Path, program: Program | None = None) -> Path:
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
        {"person_id": person, **visit, "optional_items": ";".join(visit["optional_items"])}
        for family in families for person, listed in family.visits.items() for visit in listed
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
    run_batch(program or open_program(), Request(dict(inputs), as_of, folder / "out"))
    return folder / "out"


def read(file: Path, key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in pq.read_table(file).to_pylist()}


@dataclass(frozen=True, slots=True)
class Written:
    """What the product wrote: rows by key, and the keys of what it rejected."""

    claims: Mapping[str, Any]
    people: Mapping[str, Any]
    homes: Mapping[str, Any]
    rejected: frozenset[str]

    @staticmethod
    def of(out: Path) -> Written:
        rejects = pq.read_table(out / "rejects.parquet").to_pylist()
        return Written(
            read(out / "claims.parquet", "claim_id"),
            read(out / "residents.parquet", "person_id"),
            read(out / "households.parquet", "household_id"),
            frozenset(str(row["key"]) for row in rejects),
        )

    def keys(self) -> set[str]:
        return {*self.claims, *self.people, *self.homes, *self.rejected}


def compared(due: Expected, written: Written, keys: set[str]) -> Iterator[str]:
    """What differs; an empty text for each value that does not. `keys`: every key of the family."""
    for key in keys & (written.rejected ^ due.rejected):
        yield f"{key}: {'rejected' if key in written.rejected else 'not rejected'}, the policy says otherwise"
    for key, values in due.layers.items():
        row = written.claims.get(key, {})
        for name, value in values.items():
            told = row.get(name, "no row")
            yield (
                ""
                if told == (value if isinstance(value, Decimal) else None)
                else f"{key} {name}: {told}, the policy gives {value}"
            )
        status = status_of(values["patient_pays"])
        yield "" if row.get("status") == status else f"{key}: {row.get('status')}, the policy gives {status}"
    for person, benefits in due.benefits.items():
        yield from answered(person, benefits, written.people.get(person, {}))
    home = next(iter(keys & {*written.homes}), None)
    if due.aid is not None and home is not None:
        yield from answered(home, {AID: due.aid}, written.homes[home])
    elif (due.aid is None) != (home is None):
        yield f"aid: {home}, the policy gives {due.aid}"


def answered(key: str, due: Mapping[str, BenefitAnswer], row: Mapping[str, Any]) -> Iterator[str]:
    for name, benefit in due.items():
        told = row.get(f"{name}_status"), row.get(f"{name}_amount")
        yield (
            ""
            if told == (benefit.status, benefit.amount)
            else f"{key} {name}: {told}, the policy gives {benefit}"
        )


def beside(due: Mapping[str, Shown], answer: Mapping[str, Any]) -> Iterator[str]:
    """What differs of what is shown beside benefits and of the person; an empty text for each value that does not."""
    told = dict(answer["decisions"])
    for benefit in answer["benefits"].values():
        told |= benefit.get("shows", {})
    for name, value in due.items():
        text = told[name]
        if isinstance(value, Decimal):
            same = text is not None and Decimal(text) == value
        else:
            same = text == (None if value is None else value.isoformat())
        yield "" if same else f"{name}: {text}, the policy gives {value}"


def keys_of(family: Family) -> set[str]:
    claims = (claim["claim_id"] for listed in family.claims.values() for claim in listed)
    visits = (visit["visit_id"] for listed in family.visits.values() for visit in listed)
    return {family.facts["household_id"], *family.people, *claims, *visits}


def families_of(as_of: dt.date, persons: int) -> list[Family]:
    chance = Random(f"families {as_of}")
    families: list[Family] = []
    count = 0
    while count < persons:
        families.append(drawn(chance, len(families), as_of, chance.choice((0.0, 0.0, 0.05, 0.25))))
        count += len(families[-1].people)
    return families


@pytest.mark.parametrize("as_of", DAYS)
def test_a_batch_of_families_equals_the_oracle(as_of: str, tmp_path: Path) -> None:
    day = dt.date.fromisoformat(as_of)
    families = families_of(day, PERSONS // len(DAYS))
    written = Written.of(batch(families, day, tmp_path))
    results = [line for f in families for line in compared(expected(f, day), written, keys_of(f))]
    wrong = [line for line in results if line]
    assert not wrong, f"{len(wrong)} of {len(results)}:\n" + "\n".join(wrong[:40])
    assert len(results) > PERSONS // len(DAYS) * 25


@pytest.mark.parametrize("as_of", DAYS)
def test_families_checked_one_by_one_equal_the_oracle(as_of: str, tmp_path: Path) -> None:
    day = dt.date.fromisoformat(as_of)
    families = families_of(day, max(40, PERSONS // 20))
    checker = Checker(open_program())
    file = tmp_path / "families.json"
    file.write_text(json.dumps([record_of(family, day) for family in families], default=str), "utf-8")
    wrong: list[str] = []
    results: list[str] = []
    for family, record in zip(families, read_cases(file, checker.program), strict=True):
        answer: Any = checker.answer(checker.check(record.case), "en")
        due = expected(family, day)
        first = next(iter(family.people))
        mine = {claim["claim_id"] for claim in family.claims[first]}
        benefits = {first: due.benefits[first]} if first in due.benefits else {}
        layers = {key: values for key, values in due.layers.items() if key in mine}
        told = Written(
            {c["claim_id"]: {n: in_fen(v) for n, v in c.items()} for c in answer["claims"]},
            {first: flat(answer["benefits"])},
            {family.facts["household_id"]: flat(answer["benefits"])} if due.aid and benefits else {},
            frozenset(reject["key"].split("@")[0] for reject in answer["rejects"]),
        )
        aid = due.aid if benefits else None
        wrong += filter(None, compared(Expected(layers, benefits, aid, due.rejected), told, keys_of(family)))
        if first in due.shown:
            results += [f"{first} {line}" if line else "" for line in beside(due.shown[first], answer)]
    wrong += filter(None, results)
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:40])
    assert len(results) > len(families) * 2


@pytest.mark.parametrize("as_of", DAYS)
def test_what_is_planned_equals_the_oracle_where_overlays_switch_it_on(as_of: str, tmp_path: Path) -> None:
    day = dt.date.fromisoformat(as_of)
    families = families_of(day, PERSONS // len(DAYS))
    program = open_program(overlays=("planned_support", "outbreak_waiver"))
    people = read(batch(families, day, tmp_path, program) / "residents.parquet", "person_id")
    results = [
        line
        for family in families
        for person, benefits in expected(family, day, overlays=True).benefits.items()
        for line in answered(person, {name: benefits[name] for name in PLANNED}, people[person])
    ]
    wrong = [line for line in results if line]
    assert not wrong, f"{len(wrong)} of {len(results)}:\n" + "\n".join(wrong[:40])
    assert len(results) > PERSONS // len(DAYS) * 5


@pytest.mark.parametrize(
    "as_of", [dt.date(2025, 7, 1), dt.date(2026, 2, 28), dt.date(2026, 10, 1), dt.date(2026, 12, 31)]
)
def test_the_days_of_a_month_by_which_costs_are_settled_are_the_calendars(
    as_of: dt.date, tmp_path: Path
) -> None:
    file = tmp_path / "one.json"
    person = {
        "person_id": "P",
        "insured_area": "371502",
        "insurance_scheme": "resident",
        "coverage_status": "active",
    }
    file.write_text(json.dumps({"as_of": as_of, "resident": person}, default=str), "utf-8")
    checker = Checker(open_program())
    (record,) = read_cases(file, checker.program)
    answer: Any = checker.answer(checker.check(record.case), "en")
    told = answer["benefits"]["settlement_deadlines"]["shows"]
    assert told == {name: None if day is None else day.isoformat() for name, day in deadlines(as_of).items()}


def in_fen(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) and MONEY.fullmatch(value) else value


def flat(benefits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Benefits of an answer as a row of a file has them."""
    parts = ("status", "amount")
    return {f"{name}_{part}": in_fen(told[part]) for name, told in benefits.items() for part in parts}


def record_of(family: Family, as_of: dt.date) -> dict[str, Any]:
    """The family as one record, of its first person."""
    people = [
        {
            "person_id": person, **rows[0], "history": rows[1:], "claims": family.claims[person],
            "visits": family.visits[person],
        }
        for person, rows in family.people.items()
    ]  # fmt: skip
    below = ("history", "claims", "visits")
    return {
        "as_of": as_of,
        "resident": {name: value for name, value in people[0].items() if name not in below},
        **{name: people[0][name] for name in below},
        "household": family.facts,
        "members": people[1:],
    }
