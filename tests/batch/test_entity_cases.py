"""Households out of files are the cases that the same people would be as single records."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import duckdb

from mianshen.ingest.entity_cases import cases_of
from mianshen.ingest.entity_rows import RowReader
from mianshen.ingest.inputs import open_inputs
from mianshen.interpreter.rows import Case, Row
from mianshen.program.program import Program
from mianshen.rulebook import open_program

DAY = dt.date(2026, 6, 30)
RESIDENTS = """person_id,household_id,valid_from,insurance_scheme
P1,H1,2025-01-01,employee
P1,H1,2026-02-01,resident
P2,H1,2027-01-01,resident
P3,,,resident
P4,H9,,resident
P5,H2,x,resident
P5,H2,2026-01-01,resident
"""
CLAIMS = """claim_id,person_id,service_date,total_cost,reverses
C1,P1,2026-01-15,10.00,
C2,P1,2026-03-15,20.00,
C3,P1,2026-03-16,30.00,
R3,P1,2026-03-17,-30.00,C3
R9,P1,2026-03-17,-30.00,C9
C4,P2,2026-03-15,20.00,
C5,P8,2026-03-15,20.00,
C6,P3,2026-03-15,20.00,
C6,P3,2026-03-15,20.00,
C7,P5,2026-03-15,20.00,
"""
HOUSEHOLDS = "household_id,annual_income,member_count\nH1,60000,2\nH2,1,1\n"


@cache
def program() -> Program:
    return open_program()


def cases(folder: Path, **texts: str) -> list[tuple[Case, dict[Row, int]]]:
    named = {}
    for entity, text in texts.items():
        named[entity] = folder / f"{entity}s.csv"
        named[entity].write_text(text, encoding="utf-8")
    with duckdb.connect() as connection:
        inputs = open_inputs(program(), named, connection, folder / "text")
        reader = RowReader(program(), connection, DAY)
        rows = {name: reader.read(entity, inputs.get(name)) for name, entity in program().entities.items()}
        return list(cases_of(program(), rows, DAY))


def by_place(results: list[tuple[Case, dict[Row, int]]], entity: str) -> dict[int, Row]:
    return {number: row for _, numbers in results for row, number in numbers.items() if row.entity == entity}


def reason(row: Row) -> str | None:
    return None if row.rejection is None else row.rejection.reason


def test_every_row_of_a_file_is_in_one_case_with_its_place(tmp_path: Path) -> None:
    households = cases(tmp_path, resident=RESIDENTS, claim=CLAIMS, household=HOUSEHOLDS)
    assert sorted(by_place(households, "claim")) == list(range(10))
    assert sorted(by_place(households, "resident")) == list(range(7))
    assert sum(len(numbers) for _, numbers in households) == 10 + 7 + 2


def test_what_only_shows_among_rows_is_found(tmp_path: Path) -> None:
    households = cases(tmp_path, resident=RESIDENTS, claim=CLAIMS, household=HOUSEHOLDS)
    claims, residents = by_place(households, "claim"), by_place(households, "resident")
    assert [reason(claims[at]) for at in range(10)] == [
        None, None, None, None, "reverses_nothing", None, "unknown_parent", "duplicate", "duplicate", "parent_rejected",
    ]  # fmt: skip
    assert [reason(residents[at]) for at in (0, 1, 2, 3, 4)] == [None, None, None, None, "unknown_parent"]
    assert reason(residents[5]) == "bad_date"
    assert reason(residents[6]) == "history_unreadable"
    reversed_ = [(one.key, other.key) for case, _ in households for one, other in case.reversed]
    assert reversed_ == [("R3", "C3")]


def test_a_claim_reads_the_row_in_force_on_its_date(tmp_path: Path) -> None:
    claims = by_place(cases(tmp_path, resident=RESIDENTS, claim=CLAIMS, household=HOUSEHOLDS), "claim")
    schemes = [claims[at].parent.facts.get("insurance_scheme") for at in (0, 1)]  # type: ignore[union-attr]
    assert schemes == ["employee", "resident"]
    tomorrow = claims[5].parent
    assert tomorrow is not None
    assert tomorrow.blank
    assert "insurance_scheme" not in tomorrow.facts


def test_parents_that_nobody_describes_are_made_up_once_a_key(tmp_path: Path) -> None:
    residents = "person_id,household_id,insurance_scheme\nP1,H1,resident\nP2,H1,resident\nP3,,resident\n"
    households = cases(tmp_path, resident=residents)
    assert [sorted(row.key for row in case.rows()) for case, _ in households] == [
        ["H1", "P1", "P2"],
        ["", "P3"],
    ]
    claims = "claim_id,person_id,service_date\nC1,P1,2026-01-01\nC2,P1,2026-01-02\n"
    (tmp_path / "more").mkdir()
    ((case, _),) = cases(tmp_path / "more", claim=claims)
    assert [row.key for row in case.rows()] == ["", "P1", "C1", "C2"]
    assert {reason(row) for row in case.rows()} == {None}
