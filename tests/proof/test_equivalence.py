"""What is proved equivalent is: what the solver is not told of is any value, but the same of the same operands alone."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.impact.small import write_small

from mianshen.program.program import Program
from mianshen.rulebook import open_program

pytest.importorskip("z3")

from mianshen.proof.equivalence import Equivalence  # after z3 is known to be there

TERM = """
overlay: {name: term, title: x}
calendar: {"2026": {source: S, clause: x, days_off: [01-01], worked: []}}
parameters:
  term: {type: integer, title: x, source: S, clause: x, basis: cited, values: [{from: 2020-01-01, value: 5}]}
  unread: {type: integer, title: x, source: S, clause: x, basis: cited, values: [{from: 2020-01-01, value: 5}]}
decisions: {claim: {due: {type: date, title: x}}}
provisions:
  is_due: {decision: due, title: x, value: 'add working days(service_date, term)', source: S, clause: x}
"""


def with_figure(program: Program, name: str, value: int) -> Program:
    figure = program.parameters[name]
    series = tuple(replace(dated, value=Decimal(value)) for dated in figure.series)
    return replace(program, parameters={**program.parameters, name: replace(figure, series=series)})


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("term")
    overlay = folder / "term.yaml"
    overlay.write_text(TERM, encoding="utf-8")
    return open_program([write_small(folder / "rules")], [overlay])


@pytest.mark.parametrize(
    ("name", "value", "same"), [("term", 6, False), ("term", 5, True), ("unread", 6, True)]
)
def test_a_term_in_working_days_is_not_the_same_as_another(
    program: Program, name: str, value: int, same: bool
) -> None:
    assert Equivalence(program).of_figure(name, with_figure(program, name, value)) is same
