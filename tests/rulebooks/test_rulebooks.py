"""Mechanisms of medical insurance as small rulebooks, each against an oracle in plain Python.

A mechanism is `NAME.yaml` over the vocabulary of `people.yaml`; its hand-computed cases, `NAME.cases.yaml`, run on the
interpreter and the compiled program; people of whom everything is known get what the oracle says; of people of whom
much is unknown the back ends say the same.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from tests.rulebooks import oracles
from tests.rulebooks.made_up import household
from tests.support.compiled import compiled_differences
from tests.support.homes import AS_OF, case_of, homes

from mianshen.cases.read import Programs, read_case_files
from mianshen.cases.runs import run_cases
from mianshen.interpreter import Interpreter
from mianshen.native.library import compiler
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.values import NOT_MODELLED

HERE = Path(__file__).parent
MECHANISMS = sorted(
    path.stem for path in HERE.glob("*.yaml") if path.stem != "people" and not path.stem.endswith(".cases")
)
MOST_LINES = 500


def files(mechanism: str) -> tuple[Path, ...]:
    return HERE / "people.yaml", HERE / f"{mechanism}.yaml"


@pytest.fixture(scope="module", params=MECHANISMS)
def mechanism(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def program(mechanism: str) -> Program:
    return open_program(files(mechanism))


def test_the_cases_come_out_as_computed_by_hand(mechanism: str) -> None:
    programs = Programs(files(mechanism))
    cases = read_case_files([HERE / f"{mechanism}.cases.yaml"], programs)
    assert [outcome.differences for outcome in run_cases(cases, programs) if outcome.differences] == []


def test_people_get_what_the_oracle_says(mechanism: str, program: Program) -> None:
    rng, interpreter = Random(13), Interpreter(program)
    diseases = tuple(program.codes["disease"].values) if "disease" in program.codes else ()
    for number in range(150):
        home = household(rng, number, diseases)
        case = case_of(program, home, AS_OF)
        interpreter.run(case)
        given = {
            (row.key, name): None if value is NOT_MODELLED else value
            for row in case.rows()
            for name, value in row.values.items()
            if row.rejection is None
        }
        expected = getattr(oracles, mechanism)(home)
        assert {key: given.get(key, "absent") for key in expected} == expected


def test_both_back_ends_agree_on_people_of_whom_much_is_unknown(program: Program) -> None:
    if compiler() is None:
        pytest.skip("no C compiler")
    assert compiled_differences(program, homes(Random(5), program, 150)) == []


def test_the_mechanisms_are_short() -> None:
    lines = sum(
        len(path.read_text("utf-8").splitlines()) for path in HERE.glob("*.yaml") if "cases" not in path.name
    )
    assert lines <= MOST_LINES
