"""A second entity below the resident, end to end: home-care visits beside claims, in files and in single records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.batch.batches import AS_OF, OUTPUTS, rows
from tests.support.campaigns import few, seeds

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.interpreter import Interpreter, result_of
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.past_runs.replay import replay
from mianshen.population.sample import write_population
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program
from mianshen.values import NotModelled, Unknown

pytestmark = pytest.mark.xdist_group("visits")

RESIDENTS = """person_id,insured_area,insurance_scheme,coverage_status,disability_level
P1,371402,resident,active,3
P2,371402,resident,active,5
"""
VISITS = """visit_id,person_id,service_date,optional_items
V1,P1,2026-03-02,1; 2; 3
V2,P1,2026-03-09,
V3,P2,2026-03-02,item_1; 自选项目1
V4,P2,2026-03-02,item_1
V5,P9,2026-03-02,item_1
V6,P2,2026-11-22,item_1
V1x,P2,2025-12-31,1; 2; 3; 4; 5; 6; 7
"""
LISTS = {"resident": "residents", "household": "households", "claim": "claims", "visit": "visits"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("visits")
    files = {"resident": folder / "residents.csv", "visit": folder / "visits.csv"}
    files["resident"].write_text(RESIDENTS, "utf-8")
    files["visit"].write_text(VISITS, "utf-8")
    run_batch(open_program(), Request(files, AS_OF, folder / "out"))
    return folder / "out"


def test_visits_have_a_file_of_their_decisions(out: Path) -> None:
    assert {path.name for path in out.iterdir()} == OUTPUTS | {"households.parquet", "visits.parquet"}
    told = ("visit_id", "person_id", "status", "reason", "missing")
    assert [tuple(row[name] for name in told) for row in rows(out / "visits.parquet")] == [
        ("V1", "P1", "decided", "dezhou_home_package.two_or_three", None),
        ("V2", "P1", "undetermined", "missing_facts", "optional_items"),
        ("V4", "P2", "decided", "dezhou_home_package.one_item", None),
        ("V1x", "P2", "decided", "dezhou_home_package.seven_items", None),
    ]
    paid = [row["package_payment"] for row in rows(out / "visits.parquet")]
    assert [amount and str(amount) for amount in paid] == ["120.00", None, "100.00", "180.00"]


def test_visits_that_break_a_check_or_have_no_one_are_rejected(out: Path) -> None:
    assert [(row["key"], row["field"], row["reason"]) for row in rows(out / "rejects.parquet")] == [
        ("V3", "optional_items", "failed_check"),
        ("V5", "person_id", "unknown_parent"),
        ("V6", "service_date", "after_as_of"),
    ]


def test_what_cannot_be_told_of_a_visit_cannot_be_told_of_the_year(out: Path) -> None:
    name = "ltc_home_package"
    assert [(row[f"{name}_status"], row[f"{name}_amount"]) for row in rows(out / "residents.parquet")] == [
        ("eligible", None),
        ("eligible", None),
    ]


def test_the_summary_and_the_receipt_tell_of_visits(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["records"]["visit"] == {"read": 7, "decided": 4, "rejected": 3}
    assert summary["visits"] == {
        "status": {"decided": 3, "undetermined": 1},
        "amounts": {"package_payment": "400.00"},
        "totals": {"package_payment": {"amount": "400.00", "rows": 3, "undetermined": 1, "not_modelled": 0}},
    }
    assert "visits.parquet" in json.loads((out / "manifest.json").read_text("utf-8"))["outputs"]


def test_a_run_with_visits_replays_and_gives_way_to_the_next(tmp_path: Path) -> None:
    files = {"resident": tmp_path / "residents.csv", "visit": tmp_path / "visits.csv"}
    files["resident"].write_text(RESIDENTS, "utf-8")
    files["visit"].write_text(VISITS, "utf-8")
    run_batch(open_program(), Request(files, AS_OF, tmp_path / "out", rules=Rules((), ())))
    for person in ("P1", "P2"):
        again = replay(FinishedRun.recorded(tmp_path / "out"), person, {})
        assert again.differences == ()
        assert {row.row.entity for row in again.checked.result.rows} == {"visit"}
    del files["visit"]
    run_batch(open_program(), Request(files, AS_OF, tmp_path / "out"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == OUTPUTS | {"households.parquet"}


@pytest.mark.parametrize("seed", seeds(3, few=1, many=2))
def test_every_benefit_of_a_batch_is_what_check_answers(tmp_path: Path, seed: int) -> None:
    write_population(tmp_path, few(150, 400), seed, "parquet", AS_OF, unknowns=True)
    files = {entity: tmp_path / f"{name}.parquet" for entity, name in LISTS.items()}
    program = open_program()
    run_batch(program, Request(files, AS_OF, tmp_path / "out"))
    results = {
        name: {row[key]: row for row in rows(tmp_path / "out" / f"{name}.parquet")}
        for name, key in (
            ("residents", "person_id"),
            ("households", "household_id"),
            ("claims", "claim_id"),
            ("visits", "visit_id"),
        )
    }
    homes = 0
    people = tmp_path / "people.json"
    people.write_text(json.dumps(_records(files), default=str), "utf-8")
    interpreter = Interpreter(program)
    for record in read_cases(people, program):
        interpreter.run(record.case)
        result = result_of(program, record.case)
        for below in result.rows:
            actual = results[LISTS[below.row.entity]][below.row.key]
            shown = {n: None if isinstance(v, Unknown | NotModelled) else v for n, v in below.values.items()}
            assert {name: actual[name] for name in shown} == shown
            assert (actual["status"], actual["reason"]) == (below.status, below.reason)
            assert set((actual["missing"] or "").split(",")) - {""} == {fact.name for fact in below.missing}
        for name, benefit in result.benefits.items():
            entity = benefit.benefit.entity
            if entity == "household" and not benefit.row.key:  # a person of no household
                continue
            actual = results[LISTS[entity]][benefit.row.key]
            homes += entity == "household"
            lacking = ",".join(sorted({fact.name for fact in benefit.missing}))
            reason = f"missing_facts: {lacking}" if lacking else benefit.reason
            told = tuple(actual[f"{name}_{part}"] for part in ("status", "amount", "reason"))
            assert told == (benefit.status, benefit.amount, reason), (result.key, name)
    assert homes > 20


def _records(files: dict[str, Path]) -> list[dict[str, Any]]:
    """One record a resident, with the household, its other members and what is below each."""
    read = {entity: rows(file) for entity, file in files.items()}
    homes = {home["household_id"]: home for home in read["household"]}

    def with_rows(person: dict[str, Any]) -> dict[str, Any]:
        mine = {
            LISTS[entity]: [row for row in read[entity] if row["person_id"] == person["person_id"]]
            for entity in ("claim", "visit")
        }
        return {**person, **mine}

    parts = []
    for person in read["resident"]:
        home = person["household_id"]
        others = [p for p in read["resident"] if home and p["household_id"] == home and p is not person]
        whole = with_rows(person)
        parts.append(
            {
                "as_of": str(AS_OF),
                "resident": person,
                **({"household": homes[home]} if home else {}),
                "members": [with_rows(other) for other in others],
                "claims": whole["claims"],
                "visits": whole["visits"],
            }
        )
    return parts
