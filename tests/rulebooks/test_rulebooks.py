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
from tests.support.agreement import differences
from tests.support.campaigns import few
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


def test_back_ends_agree_on_people_of_whom_much_is_unknown(program: Program) -> None:
    assert differences(program, homes(Random(5), program, few(25, 60))) == []
    if compiler() is None:
        pytest.skip("no C compiler")
    assert compiled_differences(program, homes(Random(5), program, few(80, 500))) == []


MOVING = """
decisions:
  claim:
    at_hospital: {type: money, title: a}
    of_episode: {type: money, title: b}
    of_day: {type: money, title: c}
    stays_here: {type: integer, title: d}
    net: {type: money, title: e}
    read: {type: money, title: f}
    monthly: {type: number, title: g}
    hours_so_far: {type: number, title: h}
accumulators:
  hours_paid: {title: j, sums: monthly, period: month}
  stays: {title: a, over: care = "inpatient", per: hospital}
  hospital_paid: {title: b, sums: at_hospital, per: hospital}
  episode_paid: {title: c, sums: of_episode, period: lifetime, per: [episode, level]}
  day_paid: {title: d, sums: of_day, period: day}
  net_of_month: {title: e, sums: net, period: month, per: level}
  recent: {title: f, days_before: 30, over: care = "outpatient"}
  recent_net: {title: g, days_before: 45, sums: net, per: level}
  claims_last_year: {title: h, period: last year}
  paid_last_month: {title: i, period: last month, sums: at_hospital, per: level}
defaults: {from: 2020-01-01, source: S, clause: x, basis: cited}
provisions:
  hospital: {decision: at_hospital, value: cost, annual_limit: {accumulator: hospital_paid, limit: 500 - wage_paid}}
  episode: {decision: of_episode, value: cost, annual_limit: {accumulator: episode_paid, limit: 700}}
  day: {decision: of_day, value: cost, annual_limit: {accumulator: day_paid, limit: 300}}
  stays: {decision: stays_here, value: year to date(stays) + year to date(recent) * 100 + year to date(claims_last_year) * 9999}
  hours: {decision: monthly, value: hours, annual_limit: {accumulator: hours_paid, limit: 40.123456}}
  hours_so_far: {decision: hours_so_far, value: year to date(hours_paid)}
  net: {decision: net, when: transferred, value: cost - wage_paid}
  read: {decision: read, value: year to date(net_of_month) + year to date(recent_net) + year to date(paid_last_month)}
"""


def test_the_script_says_totals_of_every_period_and_of_facts_of_the_row(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(MOVING, "utf-8")
    program = open_program((HERE / "people.yaml", tmp_path / "rules.yaml"))
    assert differences(program, homes(Random(3), program, 80)) == []
    if compiler() is not None:
        assert compiled_differences(program, homes(Random(3), program, 80)) == []


def test_the_mechanisms_are_short() -> None:
    lines = sum(
        len(path.read_text("utf-8").splitlines()) for path in HERE.glob("*.yaml") if "cases" not in path.name
    )
    assert lines <= MOST_LINES
