"""A decision with a min and max: a value outside rejects the row, on every back end."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random

from tests.support.compiled import compiled_differences
from tests.support.homes import AS_OF, Record, case_of, homes

from mianshen.interpreter import Interpreter
from mianshen.native.library import compiler
from mianshen.rulebook import open_program

PEOPLE = Path(__file__).parent / "people.yaml"
RULES = """
defaults: {from: 2020-01-01, source: S, clause: x, basis: cited}
decisions: {claim: {bounded: {type: money, title: b, min: 10, max: 500}}}
provisions: {b: {decision: bounded, value: cost}}
"""


def test_a_value_outside_its_range_rejects_the_row(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, "utf-8")
    program = open_program((PEOPLE, tmp_path / "rules.yaml"))
    costs = (Decimal("9.99"), Decimal(10), Decimal(500), Decimal("500.01"))
    claims = [
        Record("claim", f"C{at}", {"service_date": AS_OF, "cost": cost}) for at, cost in enumerate(costs)
    ]
    home = Record("household", "H", {}, children=[Record("resident", "P", {}, children=claims)])
    case = case_of(program, home, AS_OF)
    Interpreter(program).run(case)
    reasons = {row.key: row.rejection.reason for row in case.rows() if row.rejection is not None}
    assert reasons == {"C0": "overflow", "C3": "overflow"}
    if compiler() is not None:
        assert compiled_differences(program, [home, *homes(Random(2), program, 40)]) == []
