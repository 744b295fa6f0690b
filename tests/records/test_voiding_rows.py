"""Rows that void another: what they need, and what becomes of what they would void when they are rejected."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from mianshen.document.yaml_tree import Node, read_tree
from mianshen.interpreter import CaseResult, Interpreter, result_of
from mianshen.program.program import Program
from mianshen.records.read import read_record
from mianshen.rulebook import open_program
from mianshen.values import Unknown


@pytest.fixture(scope="module")
def shipped() -> Program:
    return open_program()


def _node(text: str) -> Node:
    node, findings = read_tree(text, "record")
    assert node is not None, findings
    return node


VOIDING = """\
as_of: 2026-11-21
resident: {person_id: P1, insured_area: "310113", insurance_scheme: employee, coverage_status: active,
  employment_status: employed, assistance_category: none}
household: {annual_income: 1000.00, member_count: 1}
claims:
  - {claim_id: A, service_date: 2026-01-10, care_type: inpatient, hospital_level: tertiary,
     total_cost: 10000.00, out_of_scope_cost: 0.00}
  - {claim_id: B, service_date: 2026-02-10, care_type: inpatient, hospital_level: tertiary,
     total_cost: 10000.00, out_of_scope_cost: 0.00}
  - {claim_id: D, service_date: 2026-02-11, care_type: outpatient, total_cost: 100.00, out_of_scope_cost: 0.00}
"""


def _voided(shipped: Program, *rows: str) -> tuple[CaseResult, list[str]]:
    text = VOIDING + "".join(f"  - {row}\n" for row in rows)
    case, findings = read_record(_node(text), shipped)
    assert case is not None
    Interpreter(shipped).run(case)
    return result_of(shipped, case), [finding.code for finding in findings]


def test_a_rejected_reversal_leaves_what_it_would_cancel_undetermined_and_names_it(shipped: Program) -> None:
    result, codes = _voided(shipped, "{claim_id: R, person_id: P9, reverses: A}")
    assert codes == ["E430"]
    first, later, other = result.rows
    assert (first.row.key, first.status, {m.name for m in first.missing}) == (
        "A",
        "undetermined",
        {"claim R"},
    )
    assert all(isinstance(value, Unknown) for value in first.values.values())
    assert (later.status, {m.name for m in later.missing}) == ("undetermined", {"claim R"})
    assert other.values["in_scope_cost"] == 100
    assert {m.name for m in result.benefits["poverty_warning"].missing} == {"claim R"}
    assert [rejected.key for rejected in result.rejected] == ["R"]


def test_two_reversals_of_one_number_leave_it_undetermined_unless_another_cancels_it(
    shipped: Program,
) -> None:
    doubled = ["{claim_id: R, reverses: A}", "{claim_id: R, reverses: A}"]
    result, codes = _voided(shipped, *doubled)
    assert codes == ["E429", "E429"]
    assert result.rows[0].status == "undetermined"
    result, _ = _voided(shipped, *doubled, "{claim_id: S, reverses: A}")
    assert [(by.key, row.key) for by, row in result.reversed] == [("S", "A")]
    assert result.rows[0].values["deductible"] == 1500


def test_a_rejected_reversal_takes_no_part_itself(shipped: Program) -> None:
    """It voids the later claim: the earlier one, and what is summed before it, stay known."""
    result, _ = _voided(
        shipped, "{claim_id: R, person_id: P9, service_date: 2026-01-01, care_type: inpatient, reverses: B}"
    )
    first, later, _ = result.rows
    assert (first.values["basic_payment"], later.status) == (Decimal("7225.00"), "undetermined")


def test_an_amount_below_zero_asks_for_what_it_cancels(shipped: Program) -> None:
    text = (
        VOIDING + "  - {claim_id: R, service_date: 2026-01-12, care_type: inpatient, total_cost: -300.00}\n"
    )
    _, [finding] = read_record(_node(text), shipped)
    assert "E422: total_cost is -300.00, which is out of range" in finding.show("en")
    assert finding.show("en").endswith("leaves it out, and needs no amounts.")


@pytest.mark.parametrize(
    ("day", "amounts", "open_"),
    [
        ("2026-01-12", "total_cost: -300.00", ["A"]),
        ("2026-01-12", "total_cost: (300.00)", ["A"]),
        ("2026-01-12", "total_cost: −300.00", ["A"]),
        ("2026-02-12", "total_cost: -300.00, out_of_scope_cost: 0.00", ["A", "B", "D"]),
        ("2026-02-12", "total_cost: -300.00, out_of_scope_cost: 1.00", []),
    ],
)
def test_what_a_bare_refund_may_touch_is_undetermined(
    shipped: Program, day: str, amounts: str, open_: list[str]
) -> None:
    row = f"{{claim_id: R, service_date: {day}, care_type: inpatient, {amounts}}}"
    result, codes = _voided(shipped, row)
    assert codes == ["E422" if "-300" in amounts else "E420"]
    unknown = [row.row.key for row in result.rows if isinstance(row.values["in_scope_cost"], Unknown)]
    assert unknown == open_


def test_a_rejected_reversal_is_not_looked_for_among_the_rows_before_it(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        """\
overlay: {name: earlier, title: earlier}
decisions: {claim: {claims_before: {type: integer, output: true, title: claims before}}}
provisions:
  claims_before: {decision: claims_before, title: claims before, value: count(previous(claims)), source: OWN, clause: 1}
""",
        "utf-8",
    )
    program = open_program(overlays=[overlay])
    result, _ = _voided(program, "{claim_id: R, person_id: P9, service_date: 2026-03-01, reverses: A}")
    counted = {row.row.key: row.values.get("claims_before") for row in result.rows}
    assert isinstance(counted["A"], Unknown)  # R may cancel it
    assert isinstance(counted["B"], Unknown)
