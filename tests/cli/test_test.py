"""`mianshen test`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mianshen.shipped import shipped_rulebook

Run = Callable[..., tuple[int, str, str]]
CASES = shipped_rulebook().parent / "cases"
CASE = """\
cases:
  - name: one
    as_of: 2026-11-21
    resident: {person_id: P1, insured_area: "31", insurance_scheme: employee, coverage_status: active,
               employment_status: retired, assistance_category: none}
    claims: [{claim_id: C1, service_date: 2026-03-02, care_type: inpatient, total_cost: 11200.00, out_of_scope_cost: 0.00}]
    expect: {claims: {C1: {basic_payment: PAID}}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.yaml"
    path.write_text(CASE.replace("PAID", "9200.00"), "utf-8")
    return path


def test_cases_as_expected_exit_with_0(run: Run, file: Path) -> None:
    status, out, err = run("test", str(file), "--backend", "interpreter")
    assert (status, err) == (0, "")
    assert str(file) in out
    assert out.endswith("1 case, 0 failed\n")


def test_a_difference_is_shown_as_a_table_and_exits_with_1(run: Run, file: Path) -> None:
    file.write_text(CASE.replace("PAID", "9000.00"), "utf-8")
    status, out, _ = run("test", str(file))
    assert status == 1
    assert out.count("one.one") == 2  # one line for each back end
    for word in (
        "C1.basic_payment",
        "9000.00",
        "9200.00",
        "interpreter",
        "native",
        "shanghai_employee_basic",
    ):
        assert word in out
    assert run("test", str(file), "--backend", "interpreter", "--lang", "zh")[1].endswith(
        "1 个案例，1 个不符\n"
    )


def test_a_misspelt_expectation_is_told_at_its_place_and_exits_with_2(run: Run, file: Path) -> None:
    file.write_text(CASE.replace("basic_payment: PAID", "basic_paymnt: 1"), "utf-8")
    status, out, err = run("test", str(file))
    assert (status, out) == (2, "")
    assert err.startswith(f"{file}:7:28: E451: there is no basic_paymnt")


def test_a_proposed_change_is_shown_with_what_it_moves_and_why(run: Run, file: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "draft.yaml"
    text = (CASES / "overlays" / "ninety_percent.yaml").read_text("utf-8")
    overlay.write_text(
        text.replace("employee_rate_working", "employee_rate_retired").replace("90%", "95%"), "utf-8"
    )
    status, out, _ = run("test", str(file), "--overlay", str(overlay))
    assert status == 1
    assert "employee_rate_retired: 92% -> 95%" in out
    assert "9500.00" in out
    assert "the change moves 1 expectation in 1 of them" in out
    assert run("test", str(file), "--overlay", "limit_counts_costs")[0] == 0


def test_what_is_not_there_exits_with_2(run: Run, tmp_path: Path) -> None:
    assert run("test", str(tmp_path / "none.yaml"))[0] == 2
    assert run("test", str(tmp_path))[0] == 2
