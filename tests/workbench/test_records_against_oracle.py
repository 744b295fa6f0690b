"""Whole records (rows over time, settled amounts, reversals, other payers) give what the policy's oracle gives."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from tests.support.campaigns import few
from tests.support.drawn_records import drawn_claims, drawn_rows
from tests.support.oracle_over_time import Person
from tests.support.oracle_stack import NOT_MODELLED

from mianshen.casework.check import Checker
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program

CHECKER: Final = Checker(open_program())
PEOPLE: Final = few(50, 300)


def _read(row: dict[str, Any], name: str) -> object:
    if name in row["not_modelled"]:
        return NOT_MODELLED
    return None if row[name] is None else Decimal(row[name])


@pytest.mark.parametrize("as_of", ["2025-06-30", "2026-06-30", "2026-12-31"])
@pytest.mark.parametrize("unknown", [0.0, 0.05, 0.25])
def test_every_layer_of_a_record_equals_the_oracle(unknown: float, as_of: str, tmp_path: Path) -> None:
    day, rng = dt.date.fromisoformat(as_of), Random(f"{as_of} {unknown}")
    people = [(drawn_rows(rng, day, unknown), drawn_claims(rng, day, unknown)) for _ in range(PEOPLE)]
    records = [
        {"as_of": day, "resident": {"person_id": "P", **rows[0]}, "history": rows[1:], "claims": claims}
        for rows, claims in people
    ]
    file = tmp_path / "people.json"
    file.write_text(json.dumps(records, default=str), encoding="utf-8")
    compared = 0
    for (rows, claims), read in zip(people, read_cases(file, CHECKER.program), strict=True):
        answer: Any = CHECKER.answer(CHECKER.check(read.case), "en")
        if answer["rejects"]:  # a contradiction drawn by chance
            continue
        shown = {claim["claim_id"]: claim for claim in answer["claims"]}
        for key, expected in Person(rows, day).decide(claims).items():
            actual = {name: _read(shown[key], name) for name in expected}
            assert actual == expected, json.dumps(records[people.index((rows, claims))], default=str)
            compared += 1
    assert compared > PEOPLE
