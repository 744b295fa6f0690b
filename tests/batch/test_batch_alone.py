"""Residents who name no household, beside others who do or with no households file: as checked one by one.

Every benefit, with its reason and the names of what is missing, of which those of the household are some.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

import pytest
from tests.batch.batches import rows
from tests.support.histories import over_time, records_over_time
from tests.support.populations import Population, nasty, records, write_csv

from mianshen.batch.request import Engine
from mianshen.batch.run import Request, run_batch
from mianshen.interpreter import Case, Interpreter, result_of
from mianshen.native.library import compiler
from mianshen.program.program import Program
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program

ENGINES: Final[tuple[Engine, ...]] = ("interpreter", "native") if compiler() else ("interpreter",)


def some_alone(population: Population, share: float, seed: int) -> Population:
    """The population with a share of its residents in no household."""
    rng = Random(seed)
    residents = tuple(
        {**one, "household_id": None} if rng.random() < share else one for one in population.residents
    )
    return replace(population, residents=residents)


@pytest.mark.parametrize("timed", [False, True], ids=["as_they_are", "over_time"])
@pytest.mark.parametrize("share", [0.4, 1.0], ids=["beside_households", "no_households_file"])
def test_those_without_a_household_get_what_check_answers(tmp_path: Path, share: float, timed: bool) -> None:
    population = some_alone(nasty(41, 90, unknown=0.04), share, 41)
    told = records_over_time(population := over_time(population, 41)) if timed else records(population)
    files = write_csv(population, tmp_path, 41)
    inputs = {"resident": files["residents"], "claim": files["claims"]}
    if share < 1:
        inputs["household"] = files["households"]
    program = open_program()
    (tmp_path / "people.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    interpreter, cases = Interpreter(program), [r.case for r in read_cases(tmp_path / "people.json", program)]
    for case in cases:
        interpreter.run(case)
    for engine in ENGINES:
        run_batch(program, Request(inputs, population.as_of, tmp_path / engine, engine=engine))
        assert compared(program, cases, tmp_path / engine) > 10


def compared(program: Program, cases: list[Case], out: Path) -> int:
    """Every benefit is the batch's; how many lack a fact of a household that nobody named."""
    people = {row["person_id"]: row for row in rows(out / "residents.parquet")}
    of_household = 0
    for case in cases:
        result = result_of(program, case)
        for name, benefit in result.benefits.items():
            if f"{name}_status" not in people[result.key]:
                continue  # of the household
            lacking = ",".join(sorted({fact.name for fact in benefit.missing}))
            reason = f"missing_facts: {lacking}" if lacking else benefit.reason
            actual = tuple(people[result.key][f"{name}_{part}"] for part in ("status", "amount", "reason"))
            assert actual == (benefit.status, benefit.amount, reason), (result.key, name)
            of_household += not case.top.key and "annual_income" in lacking
    return of_household
