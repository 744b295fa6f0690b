"""Batches of people who change over time, with settled amounts and reversals: equal to checking one by one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.batch.batches import AS_OF, GOOD, STAY, batch, rows, write
from tests.batch.batches import CLAIMS as CLAIMS_OF
from tests.support.histories import over_time, records_over_time
from tests.support.populations import nasty, write_csv

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.interpreter import Interpreter, result_of
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.past_runs.replay import replay
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program
from mianshen.values import NotModelled, Unknown


@pytest.mark.parametrize(("seed", "overlays"), [(31, ()), (32, ("limit_counts_costs",))])
def test_a_batch_over_time_equals_checking_one_by_one(
    tmp_path: Path, seed: int, overlays: tuple[str, ...]
) -> None:
    population = over_time(nasty(seed, 120, unknown=0.03), seed)
    files = write_csv(population, tmp_path, seed)
    inputs = {"resident": files["residents"], "household": files["households"], "claim": files["claims"]}
    program = open_program(overlays=overlays)
    run_batch(program, Request(inputs, population.as_of, tmp_path / "out"))
    out = tmp_path / "out"
    claims = {row["claim_id"]: row for row in rows(out / "claims.parquet")}
    people = {row["person_id"]: row for row in rows(out / "residents.parquet")}
    homes = {row["household_id"]: row for row in rows(out / "households.parquet")}
    compared = 0
    pairs = {(row["reversed_by"], row["claim_id"]) for row in rows(out / "reversals.parquet")}
    refused = Counter(row["key"] for row in rows(out / "rejects.parquet"))
    (tmp_path / "people.json").write_text(
        json.dumps(records_over_time(population), ensure_ascii=False), encoding="utf-8"
    )
    interpreter = Interpreter(program)
    seen = decided = 0
    cancelled: set[tuple[str, str]] = set()
    for read in read_cases(tmp_path / "people.json", program):
        case = read.case
        interpreter.run(case)
        result = result_of(program, case)
        cancelled |= {(a.key, b.key) for a, b in case.reversed}
        refused -= Counter(
            row.key.partition("@")[0] for row in [case.person, *case.person.versions, *case.person.children]
            if row.rejection is not None and not row.blank
        )  # fmt: skip
        home = case.of("household")
        if home is not None and home.rejection is not None and not home.blank:
            refused.pop(home.key, None)  # a household is seen with each of its members
        for row in result.rows:
            shown = {n: None if isinstance(v, Unknown | NotModelled) else v for n, v in row.values.items()}
            actual = claims.pop(row.row.key)
            assert {n: actual[n] for n in shown} == shown, row.row.key
            assert (actual["status"], actual["reason"]) == (row.status, row.reason), row.row.key
            assert set((actual["missing"] or "").split(",")) - {""} == {m.name for m in row.missing}
            seen += row.row.parent is not case.person
        for name, benefit in result.benefits.items():
            if benefit.benefit.entity == "household":
                if home is None or home.key not in homes:
                    continue
                actual = homes[home.key]
                compared += 1
            else:
                actual = people[result.key]
            lacking = ",".join(sorted({fact.name for fact in benefit.missing}))
            reason = f"missing_facts: {lacking}" if lacking else benefit.reason
            told = tuple(actual[f"{name}_{part}"] for part in ("status", "amount", "reason"))
            assert told == (benefit.status, benefit.amount, reason), (result.key, name)
        decided += case.person.rejection is None
    assert decided == len(people)
    assert cancelled == pairs
    assert not claims
    assert not refused
    assert seen > 20
    assert compared > 20


PEOPLE = """\
person_id,valid_from,insured_area,insurance_scheme,coverage_status,employment_status,assistance_category
P1,,310113,employee,active,employed,none
P1,2026-03-01,310113,employee,active,retired,none
P2,2026-03-01,310113,employee,active,employed,none
P3,2026-03-01,310113,employee,active,retired,none
P3,,310113,employee,active,employed,none
P4,,310113,employee,active,employed,none
"""
CLAIMS = """\
claim_id,person_id,service_date,care_type,hospital_level,total_cost,out_of_scope_cost,settled_basic_payment,reverses
C1,P1,2026-02-10,inpatient,tertiary,10000.00,0.00,5000,
C2,P1,2026-04-10,inpatient,tertiary,10000.00,0.00,9200,
C3,P1,2026-03-10,inpatient,tertiary,900000.00,0.00,,
R3,P1,2026-03-11,,,,,,C3
C4,P2,2026-02-10,inpatient,tertiary,10000.00,0.00,6000,
C5,P3,2026-02-10,inpatient,tertiary,10000.00,0.00,,
C6,P4,2026-02-10,inpatient,tertiary,10000.00,0.00,,C9
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("over_time")
    files = write(folder, {"residents.csv": PEOPLE, "claims.csv": CLAIMS})
    run_batch(open_program(), Request(files, AS_OF, folder / "out", rules=Rules()))
    return folder / "out"


def test_every_record_is_decided_rejected_of_another_time_or_cancelled(run: Path) -> None:
    records = json.loads((run / "summary.json").read_text("utf-8"))["records"]
    assert records["resident"] == {"read": 6, "decided": 4, "rejected": 0, "history": 2}
    assert records["claim"] == {"read": 7, "decided": 4, "rejected": 1, "reversed": 2}
    assert json.loads((run / "manifest.json").read_text("utf-8"))["records"] == records


def test_settled_amounts_that_differ_are_a_file_and_the_summary_adds_them_up(run: Path) -> None:
    results = [tuple(map(str, row.values())) for row in rows(run / "differences.parquet")]
    assert results == [
        ("C1", "P1", "basic_payment", "5000.00", "7225.00", "-2225.00"),
    ]
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    assert summary["settled"]["basic_payment"] == {
        "rows": 3,
        "settled": "20200.00",
        "ruled": "16425.00",
        "difference": "-2225.00",
        "not_ruled": 1,
    }


def test_pairs_that_cancel_one_another_are_a_file_and_the_receipt_covers_both(run: Path) -> None:
    assert rows(run / "reversals.parquet") == [{"person_id": "P1", "claim_id": "C3", "reversed_by": "R3"}]
    outputs = json.loads((run / "manifest.json").read_text("utf-8"))["outputs"]
    assert {"differences.parquet", "reversals.parquet"} <= outputs.keys()


@pytest.mark.parametrize("person", ["P1", "P2", "P3", "P4"])
def test_a_past_run_over_time_is_replayed(run: Path, person: str) -> None:
    again = replay(FinishedRun.recorded(run), person, {})
    assert again.compared > 0
    assert again.differences == ()


def test_without_such_columns_nothing_is_written_or_counted(tmp_path: Path) -> None:
    out = batch(tmp_path, {"residents.csv": GOOD, "claims.csv": CLAIMS_OF + STAY})
    records = json.loads((out / "summary.json").read_text("utf-8"))["records"]
    assert all("history" not in counts and "reversed" not in counts for counts in records.values())
    assert not (out / "differences.parquet").exists()
    assert not (out / "reversals.parquet").exists()
