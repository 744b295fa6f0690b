"""Batches of people who change over time, with settled amounts and reversals: equal to checking one by one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.batch.batches import rows
from tests.support.histories import over_time, records_over_time
from tests.support.populations import nasty, write_csv

from mianshen.interpreter import Interpreter, result_of
from mianshen.values import NotModelled, Unknown
from mianshen.workbench.batch import Request, run_batch
from mianshen.workbench.records import read_cases
from mianshen.workbench.rulebook import open_program


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
        for row in result.rows:
            shown = {n: None if isinstance(v, Unknown | NotModelled) else v for n, v in row.values.items()}
            got = claims.pop(row.row.key)
            assert {n: got[n] for n in shown} == shown, row.row.key
            assert (got["status"], got["reason"]) == (row.status, row.reason), row.row.key
            assert set((got["missing"] or "").split(",")) - {""} == {m.name for m in row.missing}
            seen += row.row.parent is not case.person
        for name, benefit in result.benefits.items():
            got = people[result.key]
            assert (got[f"{name}_status"], got[f"{name}_amount"]) == (benefit.status, benefit.amount), (
                result.key,
                name,
            )
        decided += case.person.rejection is None
    assert decided == len(people)
    assert cancelled == pairs
    assert not claims
    assert not refused
    assert seen > 20
