"""Records as people write them: what is read, what is refused, and where it says so."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mianshen.document.yaml_tree import read_tree
from mianshen.interpreter import Case
from mianshen.program.program import Program
from mianshen.records import diagnostics
from mianshen.records.read import read_cases, read_record
from mianshen.rulebook import open_program
from mianshen.source import Diagnostic, RuleError

PROGRAM: Program = open_program()
DAY = dt.date(2026, 11, 21)


def _read(text: str, as_of: dt.date | None = None) -> tuple[Case | None, list[Diagnostic]]:
    node, problems = read_tree(text, "r.yaml")
    assert node is not None, problems
    return read_record(node, PROGRAM, as_of)


def _good(text: str) -> Case:
    case, problems = _read(text, DAY)
    assert problems == []
    assert case is not None
    return case


def _claim(facts: str) -> str:
    return f"resident: {{person_id: P1}}\nclaims:\n  - {{claim_id: C1, service_date: 2026-03-02, {facts}}}"


def _only(text: str) -> str:
    """The one mistake of a record that is read with a row rejected."""
    case, problems = _read(text, DAY)
    assert case is not None, problems
    assert len(problems) == 1, problems
    return str(problems[0])


# What is read


def test_values_are_read_from_their_literal_text() -> None:
    case = _good(
        _claim("total_cost: 1000000000000.07, out_of_scope_cost: '0.1', care_type: 住院, networked: 是")
    )
    facts = case.person.children[0].facts
    assert facts["total_cost"] == Decimal("1000000000000.07")
    assert str(facts["out_of_scope_cost"]) == "0.10"
    assert facts["care_type"] == "inpatient"
    assert facts["networked"] is True


def test_unquoted_digits_are_text_area_and_code_alike() -> None:
    person = _good("resident: {person_id: 0012, insured_area: 310113, disability_level: '3'}").person
    assert (person.key, person.facts["insured_area"], person.facts["disability_level"]) == (
        "0012",
        "310113",
        3,
    )


def test_an_absent_opening_is_assumed_and_a_null_one_unknown() -> None:
    person = _good("resident: {person_id: P1, opening_basic_paid: null}").person
    assert "opening_basic_paid" not in person.facts
    assert "opening_basic_paid" not in person.assumed
    assert person.facts["opening_covered_cost"] == Decimal("0.00")
    assert "opening_covered_cost" in person.assumed


def test_a_record_without_household_gets_one_of_unknown_facts() -> None:
    case = _good("resident: {person_id: P1}")
    assert (case.top.entity, case.top.key, case.top.facts) == ("household", "", {})
    assert case.top.children == [case.person]


def test_the_parent_s_key_may_be_left_out_on_both_sides() -> None:
    case = _good(
        "resident: {person_id: P1, household_id: H1}\nhousehold: {annual_income: 1}\n"
        "members: [{person_id: P2, claims: [{claim_id: C9, service_date: 2026-01-01}]}]\n"
        "claims: [{claim_id: C1, service_date: 2026-03-02, person_id: P1}]"
    )
    assert case.top.key == case.top.facts["household_id"] == "H1"
    member = case.top.children[1]
    assert (member.key, member.facts["household_id"]) == ("P2", "H1")
    assert member.children[0].facts["person_id"] == "P2"


def test_the_day_given_comes_before_the_record_s_own() -> None:
    assert _good("as_of: 2026-01-01\nresident: {person_id: P1}").as_of == DAY
    case, _ = _read("as_of: 2026-01-01\nresident: {person_id: P1}")
    assert case is not None
    assert case.as_of == dt.date(2026, 1, 1)


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("resident: {person_id: P1}", ["P1"]),
        ("- resident: {person_id: P1}\n- resident: {person_id: P2}", ["P1", "P2"]),
        ('{"cases": [{"name": "a", "resident": {"person_id": "P1"}}]}', ["P1"]),
        (
            "defaults: {as_of: 2026-01-01, resident: {person_id: P9}}\ncases: [{name: a, resident: {sex: 女}}]",
            ["P9"],
        ),
    ],
)
def test_one_record_a_list_or_cases_are_all_read(text: str, people: list[str], tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(text, encoding="utf-8")
    assert [case.case.person.key for case in read_cases(file, PROGRAM, None, DAY)] == people


# A bad value rejects its row

BAD_VALUES = [
    ("total_cost: -0.01", "E422: total_cost is -0.01, which is out of range. It lies from 0.00"),
    ("total_cost: 100000000000000.00", "E422: total_cost is 100000000000000.00, which is out of range."),
    (
        "total_cost: 12.345",
        "E421: total_cost is 12.345, which has too many decimals. Write at most 2 decimals.",
    ),
    (
        "total_cost: '1,000.00'",
        "E420: total_cost is 1,000.00, which is not a number. Perhaps 1000.00 is meant.",
    ),
    (
        "admission_date: 46083.5",
        "E423: admission_date is 46083.5, which is not a date. Perhaps 2026-03-02 is meant.",
    ),
    ("total_cost: １２", "E420: total_cost is １２, which is not a number. Perhaps 12 is meant."),
    ("total_cost: 1e3", "E420: total_cost is 1e3, which is not a number. Write it like 1234.50"),
    ("total_cost: 75%", "E420: total_cost is 75%, which is not a number."),
    ("total_cost: .nan", "E420"),
    ("total_cost: ''", "E427: total_cost is an empty text. Write null when it is unknown."),
    (
        "care_type: inpatien",
        "E424: care_type is inpatien, which is not one of its codes. Perhaps inpatient is meant.",
    ),
    (
        "care_type: INPATIENT",
        "E424: care_type is INPATIENT, which is not one of its codes. Perhaps inpatient is meant.",
    ),
    ("hospital_level: 三级医院", "Perhaps 三级 (tertiary) is meant."),
    ("hospital_level: 9", "It takes: primary, secondary, tertiary."),
    ("hospital_area: 3101x3", "E425: hospital_area is 3101x3, which names no area."),
    ("critical_illness: yes", "E426: critical_illness is yes, which is neither true nor false."),
]


@pytest.mark.parametrize(("written", "expected"), BAD_VALUES)
def test_a_bad_value_is_reported_at_its_place_and_rejects_its_row(written: str, expected: str) -> None:
    shown = _only(_claim(written))
    assert shown.startswith("r.yaml:3:")
    assert expected in shown
    case, _ = _read(_claim(written), DAY)
    assert case is not None
    row = case.person.children[0]
    assert row.rejection is not None
    assert row.rejection.field == written.partition(":")[0]
    assert row.rejection.field not in row.facts
    assert row.rejection.field in row.unreadable
    assert case.person.rejection is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [("2026/3/2", "2026-03-02"), ("20260302", "2026-03-02"), ("２０２６年３月２日", "2026-03-02")],
)
def test_a_date_in_another_form_is_rejected_with_the_form_meant(written: str, meant: str) -> None:
    shown = _only(f"resident: {{person_id: P1, birth_date: {written}}}")
    assert f"E423: birth_date is {written}, which is not a date. Perhaps {meant} is meant." in shown


def test_a_rejected_resident_takes_the_claims_along() -> None:
    case, problems = _read(
        "resident: {person_id: P1, sex: m}\nclaims: [{claim_id: C1, service_date: 2026-03-02}]", DAY
    )
    assert case is not None
    assert [diagnostic.code for diagnostic in problems] == ["E424"]
    assert case.person.children[0].rejection is not None
    assert case.person.children[0].rejection.reason == "parent_rejected"
    assert case.top.rejection is None


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("claims: [{claim_id: C1, service_date: 2026-11-22}]", ["after_as_of"]),
        ("claims: [{claim_id: C1}]", ["required"]),
        ("claims: [{service_date: 2026-11-20}]", ["required"]),
        ("claims: [{claim_id: C1, service_date: 2026-11-20, person_id: P2}]", ["other_parent"]),
        (
            "claims: [{claim_id: C1, service_date: 2026-11-20, total_cost: 1, out_of_scope_cost: 1.01}]",
            ["failed_check"],
        ),
        ("claims: [&a {claim_id: C1, service_date: 2026-11-20}, *a]", ["duplicate", "duplicate"]),
        ("members: [{person_id: P1}]", ["duplicate", "duplicate"]),
        ("household: {household_id: H1}\nmembers: [{person_id: P2, household_id: H2}]", ["other_parent"]),
    ],
)
def test_rows_that_cannot_stand_are_rejected(text: str, reasons: list[str]) -> None:
    case, problems = _read(f"resident: {{person_id: P1}}\n{text}", DAY)
    assert case is not None
    rejected = [row.rejection.reason for row in case.rows() if row.rejection is not None]
    assert rejected == reasons
    assert [diagnostics.REASONS[diagnostic.code] for diagnostic in problems] == reasons


def test_a_claim_after_the_day_keeps_its_date() -> None:
    case, _ = _read("resident: {person_id: P1}\nclaims: [{claim_id: C1, service_date: 2026-11-22}]", DAY)
    assert case is not None
    assert case.person.children[0].facts["service_date"] == dt.date(2026, 11, 22)


# What makes a record unreadable

UNREADABLE = [
    (
        "resident: {person_id: P1, insured_aera: 31}",
        "r.yaml:1:27: E403: there is no insured_aera in resident. Perhaps insured_area is meant.",
    ),
    ("resident: {person_id: P1}\nclaim: []", "r.yaml:2:1: E403: there is no claim in a record. Perhaps claims is meant."),
    ("resident: {person_id: P1}\nsex: 女", "r.yaml:2:1: E404: sex does not belong in the record. Move it to resident."),
    ("resident: {person_id: P1, claims: []}", "r.yaml:1:27: E404: claims does not belong in resident. Move it to the record."),
    ("claims: []", "E405: resident is missing."),
    ("resident: [1]", "r.yaml:1:11: E402: resident must be a mapping of facts."),
    ("resident: {person_id: P1}\nclaims: 3", "r.yaml:2:9: E402: claims must be a list of rows."),
    ("resident: {person_id: P1}\nclaims: [3]", "r.yaml:2:10: E402: claim must be a mapping of facts."),
    ("resident: {person_id: {a: 1}}", "r.yaml:1:23: E402: person_id must be a single value."),
    ("text", "r.yaml:1:1: E402: a record must be a mapping of keys to values."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), UNREADABLE)
def test_a_mistake_of_shape_or_key_makes_the_record_unreadable(text: str, expected: str) -> None:
    case, problems = _read(text, DAY)
    assert case is None
    assert str(problems[0]).startswith(expected) or expected in str(problems[0])


@pytest.mark.parametrize(
    ("text", "code"),
    [("resident: {person_id: P1}", "E406"), ("as_of: soon\nresident: {person_id: P1}", "E407")],
)
def test_a_case_needs_a_day(text: str, code: str) -> None:
    case, problems = _read(text)
    assert case is None
    assert [diagnostic.code for diagnostic in problems] == [code]


@pytest.mark.parametrize("text", ["", "null", "[]", "cases: []", "# nothing"])
def test_a_file_without_records_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RuleError) as caught:
        read_cases(file, PROGRAM, DAY)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E401"]


def test_every_mistake_of_every_record_is_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(
        "- resident: {person: P1}\n- {resident: {person_id: P1}, claim: 1}\n- 3\n", encoding="utf-8"
    )
    with pytest.raises(RuleError) as caught:
        read_cases(file, PROGRAM, DAY)
    places = [(diagnostic.span.line, diagnostic.code) for diagnostic in caught.value.diagnostics]
    assert places == [(1, "E428"), (1, "E403"), (2, "E403"), (3, "E402")]


def test_the_value_of_a_personal_fact_is_never_repeated() -> None:
    from dataclasses import replace

    facts = {
        key: replace(fact, personal=True)
        if key[1] in ("person_id", "birth_date", "annual_premium", "sex")
        else fact
        for key, fact in PROGRAM.facts.items()
    }
    program = replace(PROGRAM, facts=facts)
    node, _ = read_tree(
        "resident: {person_id: P777, birth_date: 1949/09/03, annual_premium: '1,949', sex: 1949}\n"
        "members: [{person_id: P777}]"
    )
    assert node is not None
    _, problems = read_record(node, program, DAY)
    assert len(problems) == 5
    shown = "\n".join(diagnostic.show(lang) for diagnostic in problems for lang in ("zh", "en"))
    assert "1949" not in shown
    assert "1,949" not in shown
    assert "P777" not in shown


@pytest.mark.parametrize("code", diagnostics.REASONS)
def test_every_reason_belongs_to_a_mistake_of_a_row(code: str) -> None:
    assert "E420" <= code <= "E449"


# Whatever is written

FACTS = sorted({name for _, name in PROGRAM.facts})
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=6), st.sampled_from(["2026-03-02", "inpatient", "1.005"]),
    st.floats(allow_nan=False),
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ROW = st.dictionaries(st.sampled_from([*FACTS, "claims", "x"]), ANYTHING, max_size=6)
RECORDS = st.fixed_dictionaries(
    {"resident": st.one_of(ROW, ANYTHING)},
    optional={
        "as_of": SCALARS,
        "household": st.one_of(ROW, ANYTHING),
        "members": st.one_of(st.lists(ROW, max_size=2), ANYTHING),
        "claims": st.one_of(st.lists(ROW, max_size=3), ANYTHING),
        "cases": ANYTHING,
    },
)


@given(record=RECORDS)
def test_whatever_a_record_holds_the_answer_is_a_case_or_mistakes(record: dict[str, Any]) -> None:
    node, problems = read_tree(json.dumps(record))
    assert node is not None, problems
    case, wrong = read_record(node, PROGRAM, DAY)
    if case is None:
        assert any(diagnostic.code not in diagnostics.REASONS for diagnostic in wrong)
    else:
        assert all(diagnostic.code in diagnostics.REASONS for diagnostic in wrong)
        assert bool(wrong) == any(row.rejection is not None for row in case.rows())
