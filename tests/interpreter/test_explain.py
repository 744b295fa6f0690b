"""Traces: why a case came out as it did, and what its results rest on."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from mianshen.cases.read import Programs, case_files, read_case_files
from mianshen.document.yaml_tree import read_tree
from mianshen.interpreter import Case, Interpreter, Row
from mianshen.interpreter.formula import to_text
from mianshen.interpreter.result import result_of
from mianshen.interpreter.trace.explain import Explainer, Step, Trace
from mianshen.records.read import read_record
from mianshen.rulebook import open_program

PROGRAM = open_program()
INTERPRETER = Interpreter(PROGRAM)
EXPLAINER = Explainer(INTERPRETER)
DAY = dt.date(2026, 6, 30)
EMPLOYEE = (
    "resident: {person_id: P1, insured_area: 310113, insurance_scheme: employee, coverage_status: active, "
    "employment_status: employed, assistance_category: none%s}\n"
)
STAY = "{claim_id: %s, service_date: %s, care_type: inpatient, total_cost: %s, out_of_scope_cost: 0.00}"


def _decided(text: str) -> Case:
    node, _ = read_tree(text)
    assert node is not None
    case, diagnostics = read_record(node, PROGRAM, DAY)
    assert case is not None, diagnostics
    INTERPRETER.run(case)
    return case


def _employee(*claims: tuple[str, str, str], more: str = "") -> Case:
    listed = ", ".join(STAY % claim for claim in claims)
    return _decided(EMPLOYEE % more + f"claims: [{listed}]")


def _step(trace: Trace, row: Row, name: str) -> Step:
    return next(step for step in trace.steps if step.row is row and step.decision.name == name)


def test_every_step_stands_after_the_decisions_it_read() -> None:
    trace = EXPLAINER.trace(_employee(("C2", "2026-05-02", "900.00"), ("C1", "2026-03-02", "11500.00")))
    seen: set[tuple[Row, str]] = set()
    for step in trace.steps:
        for used in step.used:
            for given in (*used.inputs, *used.tested):
                if given.name.kind == "decision":
                    assert (given.row, given.name.name) in seen
        seen.add((step.row, step.decision.name))
    assert len(seen) == len(trace.steps)


def test_a_step_names_provision_formula_values_and_the_limit_at_work() -> None:
    case = _employee(
        ("C1", "2026-03-02", "60000.00"),
        more=", opening_basic_paid: 520000.00, opening_deductible_used: 1500.00",
    )
    step = _step(EXPLAINER.trace(case), case.person.children[0], "basic_payment")
    (used,) = step.used
    assert used.provision.name == "shanghai_employee_basic"
    assert used.provision.value_text == "employee_basic_before_limit"
    assert [(entry.name.name, entry.value) for entry in used.inputs] == [
        ("employee_basic_before_limit", Decimal("51000.00"))
    ]
    limited = used.limited
    assert limited is not None
    assert (limited.raw, limited.limit, limited.before, limited.paid, limited.withheld) == (
        Decimal("51000.00"),
        Decimal("550000.00"),
        Decimal("520000.00"),
        Decimal("30000.00"),
        Decimal("21000.00"),
    )
    (figure,) = limited.inputs
    assert figure.dated is not None
    assert (figure.dated.basis, figure.dated.citation.source, figure.dated.start) == (
        "provisional",
        "S2",
        dt.date(2021, 7, 1),
    )


def test_what_lost_says_the_first_part_of_its_condition_that_failed() -> None:
    case = _employee(("C1", "2026-03-02", "11500.00"))
    step = _step(EXPLAINER.trace(case), case.person.children[0], "basic_payment")
    lost = {
        condition.provision.name: (
            condition.why,
            condition.part and to_text(condition.part, "claim"),
            condition.by,
        )
        for condition in step.lost
    }
    assert lost == {
        "shanghai_uncovered_basic": ("failed", "not(entitled)", None),
        "shanghai_resident_basic": ("failed", 'scheme = "resident"', None),
        "basic_paid_elsewhere": ("not_needed", None, "shanghai_employee_basic"),
    }


def test_an_open_decision_shows_all_that_may_apply() -> None:
    case = _decided(
        EMPLOYEE % ""
        + "claims: [{claim_id: C1, service_date: 2026-03-02, total_cost: 9.00, out_of_scope_cost: 0}]"
    )
    step = _step(EXPLAINER.trace(case), case.person.children[0], "basic_payment")
    assert [used.provision.name for used in step.used] == ["shanghai_employee_basic"]
    assert all(lost.why == "failed" for lost in step.lost if lost.why != "not_needed")


def test_a_decision_nothing_covers_has_no_provision() -> None:
    case = _decided(
        "resident: {person_id: P1}\nclaims: [{claim_id: C1, service_date: 2019-03-02, care_type: prenatal}]"
    )
    step = _step(EXPLAINER.trace(case), case.person.children[0], "basic_payment")
    assert step.used == ()


def test_a_result_rests_on_the_provisional_figures_of_its_own_branches_only() -> None:
    case = _employee(("C1", "2026-03-02", "11500.00"))
    row = case.person.children[0]
    footing = EXPLAINER.rests_on(case, row, "patient_pays")
    assert footing.provisional == (
        "employee_annual_payment_limit",
        "employee_deductible_working",
        "employee_rate_above_limit",
        "employee_rate_working",
        "shanghai_assistance.no_assistance",
    )
    assert {"opening_basic_paid", "opening_deductible_used", "hospital_share"} <= set(footing.assumed)
    assert EXPLAINER.rests_on(case, row, "in_scope_cost").provisional == ()


def test_an_opening_balance_is_assumed_only_in_the_year_of_the_day() -> None:
    case = _employee(("C1", "2025-03-02", "11500.00"), ("C2", "2026-03-02", "11500.00"))
    last, this = case.person.children
    assert EXPLAINER.rests_on(case, last, "deductible").assumed == ()
    assert EXPLAINER.rests_on(case, this, "deductible").assumed == ("opening_deductible_used",)


def test_thousands_of_claims_of_one_year_are_explained_without_recursion() -> None:
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=number % 180) for number in range(2000)]
    case = _employee(*((f"C{number}", day.isoformat(), "10.00") for number, day in enumerate(days)))
    last = max(case.person.children, key=lambda row: (str(row.facts["service_date"]), row.key))
    assert "employee_rate_working" in EXPLAINER.rests_on(case, last, "patient_pays").provisional
    assert len(EXPLAINER.trace(case).steps) > 2000


def _uncited(case: Case, row: Row, *decisions: str) -> set[str]:
    """The provisions and figures without a source in the steps of decisions."""
    uncited: set[str] = set()
    for name in decisions:
        for step in EXPLAINER.steps(case, row, name):
            for used in step.used:
                if used.provision.basis not in (None, "cited"):
                    uncited.add(used.provision.name)
                read = (*used.inputs, *used.tested, *(used.limited.inputs if used.limited else ()))
                dated = [(item.name.name, item.dated) for item in read if item.dated is not None]
                uncited |= {figure for figure, value in dated if value.basis != "cited"}
    return uncited


def test_what_a_benefit_rests_on_is_what_its_steps_show(monkeypatch: pytest.MonkeyPatch) -> None:
    exhaustive = Explainer(INTERPRETER)  # walks decisions that cannot be uncertain too
    every = frozenset(decision.key for decision in PROGRAM.decisions)
    monkeypatch.setattr(exhaustive._uncertain_decisions, "keys", lambda _: every)
    programs, results = Programs(), 0
    for case_of in read_case_files(case_files([Path("cases")]), programs)[::9]:
        if case_of.overlays:
            continue
        case = case_of.record(PROGRAM)
        INTERPRETER.run(case)
        for result in result_of(PROGRAM, case).benefits.values():
            names = [result.benefit.eligible, *result.benefit.shows]
            caveats = EXPLAINER.rests_on(case, result.row, *names)
            assert caveats == exhaustive.rests_on(case, result.row, *names)
            assert {*caveats.provisional, *caveats.missing} == _uncited(case, result.row, *names)
            results += 1
    assert results > 2000


TWO_YEARS = """
resident: {person_id: P1, household_id: H1, area: "371724", enrolled_on: 2023-07-31}
household: {household_id: H1, member_count: 1}
claims:
  - {claim_id: C1, admission_date: 2024-12-20, service_date: 2025-01-05, cost: 9000.00}
  - {claim_id: C2, admission_date: 2025-12-29, service_date: 2026-01-05, cost: 10000.00}
  - {claim_id: C3, admission_date: 2025-12-29, service_date: 2026-01-07, cost: 10000.00}
"""


def test_the_row_that_fed_a_balance_is_of_the_period_that_the_balance_is_read_of() -> None:
    """A stay over New Year is paid of two years, of which each has its own rows before it."""
    folder = Path("tests/rulebooks")
    program = open_program([folder / "people.yaml", folder / "dates.yaml"])
    interpreter = Interpreter(program)
    node, _ = read_tree(TWO_YEARS)
    assert node is not None
    case, _ = read_record(node, program, dt.date(2026, 11, 21))
    assert case is not None
    interpreter.run(case)
    explainer, (_, second, third) = Explainer(interpreter), case.person.children

    def steps(row: Row, decision: str) -> list[tuple[str, str]]:
        return [(step.row.key, step.decision.name) for step in explainer.steps(case, row, decision)]

    assert steps(second, "before_turn") == [("C1", "after_turn"), ("C2", "before_turn")]
    assert steps(second, "after_turn") == [("C2", "after_turn")]
    assert steps(third, "before_turn") == [
        ("C1", "after_turn"),
        ("C2", "before_turn"),
        ("C3", "before_turn"),
    ]
    assert steps(third, "after_turn") == [("C2", "after_turn"), ("C3", "after_turn")]
