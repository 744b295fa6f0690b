"""The batch on nasty populations: equal to the oracle, equal to checking one person at a time."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.batch import batches
from tests.support.campaigns import SOAK
from tests.support.oracle import LAYERS, decide, reading_of
from tests.support.populations import Population, nasty, records, spoil, write_csv

from mianshen.batch.run import Request, run_batch
from mianshen.interpreter import Interpreter, result_of
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program
from mianshen.values import Missing, NotModelled, Unknown

READINGS: list[tuple[str, ...]] = [
    (),
    ("limit_counts_costs",),
    ("employee_limit_2021_2025",),
    ("employee_limit_2021_2025", "limit_counts_costs"),
]
BENEFITS = ("poverty_warning", "poverty_watch")
AID = "illness_poverty_aid"  # of the household


def batch(population: Population, folder: Path, overlays: tuple[str, ...], seed: int = 0) -> Path:
    """The population written as CSV, shuffled by the seed, and decided."""
    folder.mkdir()
    files = write_csv(population, folder, seed, chinese=bool(seed % 2))
    inputs = {"resident": files["residents"], "household": files["households"], "claim": files["claims"]}
    request = Request(inputs, population.as_of, folder / "out", engine="interpreter")
    run_batch(open_program(overlays=overlays), request)
    return folder / "out"


def rows(file: Path, key: str) -> dict[str, dict[str, Any]]:
    return {str(row[key]): row for row in batches.rows(file)}


@pytest.mark.parametrize(
    ("seed", "overlays"),
    [(seed, overlays) for seed in (2, 3) for overlays in (READINGS if seed == 2 or SOAK else READINGS[::3])],
)
def test_equals_the_oracle(tmp_path: Path, seed: int, overlays: tuple[str, ...]) -> None:
    population = nasty(seed, 600 if SOAK else 300, unknown=0.05)
    if seed == 3:
        population = spoil(population, seed)
    wanted = decide(
        population.residents, population.households, population.claims, population.as_of,
        rejected=population.rejected, reading=reading_of(overlays),
    )  # fmt: skip
    out = batch(population, tmp_path / "run", overlays, seed)
    actual = rows(out / "claims.parquet", "claim_id")
    assert actual.keys() == wanted.claims.keys()
    for claim, answer in wanted.claims.items():
        shown = {name: actual[claim][name] for name in (*LAYERS, "status")}
        values = answer.decisions
        expected = {
            **{n: v if isinstance(v, Decimal) else None for n, v in values.items()},
            "status": answer.status,
        }
        assert shown == expected, claim
    people = rows(out / "residents.parquet", "person_id")
    assert people.keys() == wanted.benefits.keys()
    for person, benefits in wanted.benefits.items():
        for name in BENEFITS:
            assert people[person][f"{name}_status"] == benefits[name].status, (person, name)
            assert people[person][f"{name}_amount"] == benefits[name].amount, (person, name)
    homes = rows(out / "households.parquet", "household_id")
    for resident in population.residents:
        home = homes.get(str(resident.get("household_id")))
        if home is not None:
            aid = wanted.benefits[str(resident["person_id"])][AID]
            assert (home[f"{AID}_status"], home[f"{AID}_amount"]) == (aid.status, aid.amount), resident


@pytest.mark.parametrize("seed", [11, 12])
def test_equals_checking_one_by_one(tmp_path: Path, seed: int) -> None:
    population = nasty(seed, 300 if SOAK else 100, unknown=0.08)
    if seed == 12:
        population = spoil(population, seed)
    out = batch(population, tmp_path / "run", (), seed)
    program = open_program()
    interpreter = Interpreter(program)
    file = tmp_path / "people.json"
    file.write_text(json.dumps(records(population), ensure_ascii=False), encoding="utf-8")
    claims, people = rows(out / "claims.parquet", "claim_id"), rows(out / "residents.parquet", "person_id")
    cases = [read.case for read in read_cases(file, program)]
    assert len(cases) == len(population.residents)
    for case in cases:
        interpreter.run(case)
        result = result_of(program, case)
        for row in result.rows:
            shown = {n: None if isinstance(v, Unknown | NotModelled) else v for n, v in row.values.items()}
            actual = claims[row.row.key]
            assert {n: actual[n] for n in shown} == shown, row.row.key
            assert (actual["status"], actual["reason"]) == (row.status, row.reason)
            assert set((actual["missing"] or "").split(",")) - {""} == names(row.missing), row.row.key
        for name, benefit in result.benefits.items():
            if benefit.benefit.entity != case.person.entity:
                continue
            actual = people[result.key]
            assert (actual[f"{name}_status"], actual[f"{name}_amount"]) == (benefit.status, benefit.amount)
            lacking = names(benefit.missing)
            reason = benefit.reason if not lacking else f"missing_facts: {','.join(sorted(lacking))}"
            assert actual[f"{name}_reason"] == reason, (result.key, name)


def names(missing: frozenset[Missing]) -> set[str]:
    return {fact.name for fact in missing}


def test_the_order_of_rows_changes_nothing_and_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    population = spoil(nasty(22, 200, unknown=0.05), 22)
    one, two, other = (
        batch(population, tmp_path / name, (), seed) for name, seed in zip("abc", (2, 2, 4), strict=True)
    )
    for file, key in (("claims.parquet", "claim_id"), ("residents.parquet", "person_id")):
        assert rows(one / file, key) == rows(other / file, key)
    for file in ("claims.parquet", "residents.parquet", "rejects.parquet", "summary.json", "manifest.json"):
        assert (one / file).read_bytes() == (two / file).read_bytes(), file
