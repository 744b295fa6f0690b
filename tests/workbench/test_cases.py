"""Cases: read with every mistake at its place, run over every back end, compared with what they expect."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.campaigns import few

from mianshen.cases.changes import changes_of
from mianshen.cases.expectations import BENEFIT_PARTS, REJECT_PARTS
from mianshen.cases.read import CaseOf, Programs, case_files, read_case_files
from mianshen.cases.runs import BACK_ENDS, Difference, Outcome, run_cases
from mianshen.records.read import CASE_KEYS, DAY
from mianshen.records.schema import case_schema
from mianshen.rulebook import open_program
from mianshen.shipped import shipped_rulebook
from mianshen.source import RuleError

SHIPPED = shipped_rulebook().parent / "cases"
DEFAULTS = """\
defaults:
  as_of: 2026-06-30
  resident: {person_id: P1, insured_area: "310113", insurance_scheme: employee, coverage_status: active,
             employment_status: employed, assistance_category: none}
cases:
"""
STAY = "claims: [{claim_id: C1, service_date: 2026-03-02, care_type: inpatient, total_cost: 11500.00, out_of_scope_cost: 0.00}]"


def read(folder: Path, cases: str, programs: Programs | None = None) -> list[CaseOf]:
    file = folder / "cases.yaml"
    file.write_text(DEFAULTS + cases, "utf-8")
    return read_case_files([file], programs or Programs())


def refused(folder: Path, cases: str) -> list[str]:
    """The mistakes, as `line:column: code: what`."""
    with pytest.raises(RuleError) as caught:
        read(folder, cases)
    return [str(d).removeprefix(f"{folder / 'cases.yaml'}:") for d in caught.value.diagnostics]


def ran(folder: Path, cases: str) -> list[Outcome]:
    programs = Programs()
    return run_cases(read(folder, cases, programs), programs)


def ran_by_the_interpreter(folder: Path, cases: str) -> list[tuple[str, str, str, str]]:
    """What the interpreter's answers differ in; the soak runs the other back ends over them, too."""
    programs = Programs()
    back_ends = list(BACK_ENDS)[: few(1, len(BACK_ENDS))]
    outcomes = run_cases(read(folder, cases, programs), programs, back_ends)
    return [item for item in told(outcomes) if item[0] == "interpreter"]


def told(outcomes: list[Outcome]) -> list[tuple[str, str, str, str]]:
    results: list[Difference] = [difference for outcome in outcomes for difference in outcome.differences]
    return [(item.back_end, item.what, item.expected, item.got) for item in results]


# -- reading -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expect", "what"),
    [
        ("claims: {C1: {basic_paymnt: 1}}", "E451: there is no basic_paymnt in the decisions of a claim. Perhaps basic_payment"),
        ("claims: {C2: {basic_payment: 1}}", "E455: the case has no claim C2. Known are: C1."),
        ("claims: {C1: {status: decidet}}", "E457: there is no status decidet. Perhaps decided is meant."),
        ("claims: {C1: {basic_payment: unknwon}}", 'E456: "unknwon" is not an amount of yuan with at most two decimals'),
        ("claims: {C1: {basic_payment: 1.005}}", 'E456: "1.005" is not an amount of yuan with at most two decimals'),
        ("claims: {C1: {missing: [totl_cost]}}", "E458: no fact is named totl_cost. Perhaps total_cost is meant."),
        ("claims: {C1: {missing: total_cost}}", "E450: missing must be a list."),
        ("claims: {C1: {reason: shanghai_employe_basic}}", "E459: there is no provision shanghai_employe_basic. Perhaps"),
        ("claims: [C1]", "E450: claims must be a mapping"),
        ("claim: {C1: {}}", "E451: there is no claim in expect. Perhaps claims is meant."),
        ("benefits: {illness_poverty: {status: eligible}}", "E451: there is no illness_poverty in the benefits. Perhaps"),
        ("benefits: {poverty_watch: {status: due}}", "E457: there is no status due. Known are: eligible"),
        ("benefits: {poverty_watch: {amont: 1}}", "E451: there is no amont in what a benefit gives. Perhaps amount is meant."),
        ("rejects: [{key: C9}]", "E455: the case has no row C9. Known are: P1, C1."),
        ("rejects: [{key: C1, feild: total_cost}]", "E451: there is no feild in rejects. Perhaps field is meant."),
        ("rejects: [{key: C1, field: totalcost}]", "E458: no fact is named totalcost. Perhaps total_cost is meant."),
        ("resident: {coverd: true}", "E451: there is no coverd in the decisions of a resident. Perhaps covered is meant."),
    ],
)  # fmt: skip
def test_a_misspelt_expectation_is_refused_with_the_nearest_name(
    tmp_path: Path, expect: str, what: str
) -> None:
    (only,) = refused(tmp_path, f"  - name: one\n    {STAY}\n    expect: {{{expect}}}\n")
    place, _, said = only.partition(": ")
    assert said.startswith(what)
    assert place.startswith("8:")


def test_every_mistake_of_a_case_file_is_told_at_its_place(tmp_path: Path) -> None:
    refusals = refused(
        tmp_path,
        f"""  - {{name: One, {STAY}, expect: {{}}}}
  - {{name: two, {STAY}}}
  - {{name: two, {STAY}, expect: {{}}}}
  - {{name: four, {STAY}, expect: {{}}, overlays: [limit_counts_cost]}}
  - {{name: five, {STAY}, expect: {{}}, overlays: [../nowhere.yaml]}}
  - {{name: six, as_of: null, claims: [], expect: {{}}}}
  - {{name: seven, calims: [], expect: {{}}}}
  - eight
""",
    )
    assert [line.split(": ")[1] for line in refusals] == [
        "E452", "E454", "E453", "E460", "E461", "E406", "E403", "E450",
    ]  # fmt: skip
    assert [line.split(":")[0] for line in refusals] == ["6", "7", "8", "9", "10", "11", "12", "13"]


def test_the_schema_for_editors_names_what_the_reader_accepts() -> None:
    case = case_schema(open_program())["properties"]["cases"]["items"]["properties"]
    assert {*CASE_KEYS, DAY} <= set(case)
    benefits = case["expect"]["properties"]["benefits"]["properties"]
    assert set(benefits["premium_subsidy"]["properties"]) == set(BENEFIT_PARTS)
    assert set(case["expect"]["properties"]["rejects"]["items"]["properties"]) == set(REJECT_PARTS)


@pytest.mark.parametrize("text", ["", "cases: []\n", "- {name: one}\n", "cases: {a: b}\n"])
def test_a_file_without_cases_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "none.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(RuleError, match="E462"):
        read_case_files([file], Programs())


def test_case_files_are_those_of_a_folder_but_not_its_overlays(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/x.json", "overlays/change.yaml", ".hidden/y.yaml", "empty/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    assert case_files([tmp_path]) == [tmp_path / "a/x.json", tmp_path / "b.yaml"]
    (tmp_path / "overlays/cases.yaml").write_text("defaults: {}\ncases: []\n", "utf-8")  # no overlay
    assert tmp_path / "overlays/cases.yaml" in case_files([tmp_path])
    with pytest.raises(RuleError, match="E463"):
        case_files([tmp_path / "empty"])


# -- running -----------------------------------------------------------------------------------------


def test_what_is_expected_is_compared_on_every_back_end(tmp_path: Path) -> None:
    case = f"""  - name: one
    {STAY}
    expect:
      claims:
        C1: {{basic_payment: 8500, deductible: 1500.01, status: undetermined, missing: [], reason: basic_paid_elsewhere}}
      benefits: {{illness_poverty_aid: {{status: eligible}}}}
      resident: {{covered: true}}
"""
    both = [
        ("C1.deductible", "1500.01", "1500.00"),
        ("C1.status", "undetermined", "decided"),
        ("C1.reason", "basic_paid_elsewhere", "shanghai_employee_basic"),
        ("illness_poverty_aid.status", "eligible", "undetermined"),  # nothing is said of the household
    ]
    expected = [(back_end, *pair) for back_end in ("interpreter", "native", "duckdb") for pair in both]
    outcomes = ran(tmp_path, case)
    assert told(outcomes) == expected
    assert {
        difference.by for difference in outcomes[0].differences if difference.what == "C1.deductible"
    } == {"shanghai_employee_deductible"}


def test_unknown_and_not_modelled_are_told_apart(tmp_path: Path) -> None:
    claims = "claims: [{claim_id: C1, service_date: 2026-03-02, care_type: %s, %sout_of_scope_cost: 0.00}]"
    cases = f"""  - name: unknown_cost
    {claims % ("inpatient", "")}
    expect: {{claims: {{C1: {{in_scope_cost: not_modelled, missing: [care_type]}}}}}}
  - name: outpatient
    {claims % ("outpatient", "total_cost: 5.00, ")}
    expect: {{claims: {{C1: {{basic_payment: unknown}}}}}}
"""
    assert ran_by_the_interpreter(tmp_path, cases) == [
        ("interpreter", "C1.in_scope_cost", "not_modelled", "unknown"),
        ("interpreter", "C1.missing", "[care_type]", "[total_cost]"),
        ("interpreter", "C1.basic_payment", "unknown", "not_modelled"),
    ]


def test_a_row_rejected_unexpectedly_is_a_difference_and_so_is_one_that_is_not(tmp_path: Path) -> None:
    bad = STAY.replace("11500.00", "-1.00")
    cases = f"""  - {{name: one, {bad}, expect: {{}}}}
  - {{name: two, {STAY}, expect: {{rejects: [{{key: C1, field: total_cost}}]}}}}
  - {{name: three, {bad}, expect: {{rejects: [{{key: C1, field: care_type}}]}}}}
  - {{name: four, {bad}, expect: {{rejects: [{{key: C1, field: total_cost, reason: out_of_range}}]}}}}
  - {{name: five, {bad}, expect: {{rejects: [{{key: C1}}], claims: {{C1: {{status: decided}}}}}}}}
"""
    assert ran_by_the_interpreter(tmp_path, cases) == [
        ("interpreter", "C1.rejected", "", "total_cost out_of_range"),
        ("interpreter", "C1.rejected", "total_cost", ""),
        ("interpreter", "C1.rejected", "care_type", "total_cost out_of_range"),
        ("interpreter", "C1.status", "decided", "rejected"),
    ]


def test_cases_of_one_key_do_not_meet_in_the_database(tmp_path: Path) -> None:
    cases = "".join(
        f"  - {{name: case{number}, {STAY}, resident: {{opening_deductible_used: {number}}}, "
        f"expect: {{claims: {{C1: {{deductible: {1500 - number}}}}}}}}}\n"
        for number in range(5)
    )
    assert told(ran(tmp_path, cases)) == []


@pytest.mark.parametrize(
    "file", sorted((SHIPPED / "shanghai").glob("employee.yaml")), ids=lambda file: file.stem
)
def test_shipped_cases_pass(file: Path) -> None:
    programs = Programs()
    assert told(run_cases(read_case_files([file], programs), programs)) == []


# -- a change on top ---------------------------------------------------------------------------------


def test_a_change_of_a_figure_is_told_with_the_expectations_it_moves(tmp_path: Path) -> None:
    programs = Programs()
    cases = read(
        tmp_path,
        f"  - {{name: one, {STAY}, expect: {{claims: {{C1: {{deductible: 1500.00, basic_payment: 8500.00}}}}}}}}\n",
        programs,
    )
    proposed = Programs(proposed=(SHIPPED / "overlays" / "ninety_percent.yaml",))
    (change,) = changes_of(cases, programs, proposed).changes
    assert (change.what, change.expected, change.before, change.after) == (
        "C1.basic_payment",
        "8500.00",
        "8500.00",
        "9000.00",
    )
    assert [(c.kind, c.name, c.before, c.after) for c in change.causes] == [
        ("figure", "employee_rate_working", "85%", "90%")
    ]


def test_a_change_of_a_rule_names_the_provisions(tmp_path: Path) -> None:
    programs = Programs()
    resident = "resident: {opening_basic_paid: 549000.00}"
    cases = read(
        tmp_path,
        f"  - {{name: one, {resident}, {STAY}, expect: {{claims: {{C1: {{basic_payment: 1000.00}}}}}}}}\n",
        programs,
    )
    (change,) = changes_of(cases, programs, Programs(proposed=("limit_counts_costs",))).changes
    assert change.after == "8500.00"
    assert [c.name for c in change.causes] == ["shanghai_employee_basic", "shanghai_employee_covered_cost"]


def test_a_case_whose_own_overlay_is_the_proposed_one_does_not_change(tmp_path: Path) -> None:
    programs = Programs()
    cases = read(
        tmp_path,
        f"  - {{name: one, overlays: [limit_counts_costs], {STAY}, expect: {{claims: {{C1: {{basic_payment: 1}}}}}}}}\n",
        programs,
    )
    changes = changes_of(cases, programs, Programs(proposed=("limit_counts_costs",)))
    assert (changes.changes, changes.left_out) == ((), ())


def test_a_proposed_change_that_is_wrong_is_refused(tmp_path: Path) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text("overlay: {name: draft, title: draft}\nremove: {provisions: [no_such_thing]}\n", "utf-8")
    programs = Programs()
    cases = read(tmp_path, f"  - {{name: one, {STAY}, expect: {{}}}}\n", programs)
    with pytest.raises(RuleError, match="no_such_thing"):
        changes_of(cases, programs, Programs(proposed=(draft,)))


def test_a_case_says_how_many_claims_there_are(tmp_path: Path) -> None:
    (finding,) = refused(
        tmp_path,
        "  - {name: a, claims: null, expect: {benefits: {poverty_warning: {status: undetermined}}}}\n",
    )
    assert "E464" in finding
    assert "a list of the case a is null" in finding
