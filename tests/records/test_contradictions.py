"""A household that contradicts itself or what stands below it is rejected alone."""

from __future__ import annotations

import pytest

from mianshen.document.yaml_tree import read_tree
from mianshen.interpreter import Interpreter, result_of
from mianshen.records.read import read_record
from mianshen.rulebook import open_program

RECORD = """\
as_of: 2026-06-30
resident: {person_id: A, insured_area: "310113", insurance_scheme: resident, coverage_status: active,
  assistance_category: none, employment_status: none}
household: {household_id: H1, annual_income: INCOME, member_count: COUNT}
members: [{person_id: B}]
claims:
  - {claim_id: C1, service_date: 2026-03-02, care_type: inpatient, hospital_level: tertiary,
     total_cost: 60300.00, out_of_scope_cost: 0.00, critical_illness: true}
"""


@pytest.mark.parametrize(
    ("income", "count", "code", "words"),
    [
        ("-5000.00", "2", "E432", "(annual_income) cannot be negative"),
        ("10000.00", "1", "E432", "member_count"),
    ],
)  # fmt: skip
def test_only_the_household_is_rejected(income: str, count: str, code: str, words: str) -> None:
    program = open_program()
    node, _ = read_tree(RECORD.replace("INCOME", income).replace("COUNT", count), "record")
    assert node is not None
    case, [finding] = read_record(node, program)
    assert case is not None
    assert finding.code == code
    assert words in finding.show("en")
    Interpreter(program).run(case)
    result = result_of(program, case)
    assert [(rejected.entity, rejected.key) for rejected in result.rejected] == [("household", "H1")]
    assert result.rows[0].status == "decided"
    warning = result.benefits["poverty_warning"]
    assert (warning.status, {m.name for m in warning.missing}) == (
        "undetermined",
        {"annual_income", "member_count"},
    )


def test_a_household_of_as_many_as_are_given_is_decided() -> None:
    program = open_program()
    node, _ = read_tree(RECORD.replace("INCOME", "10000.00").replace("COUNT", "2"), "record")
    assert node is not None
    assert read_record(node, program)[1] == []
