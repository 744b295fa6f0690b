"""The interview: it decides what `check` decides, asks less than `check` reads, and asks nothing idle.

`MIANSHEN_INTERVIEWS=30` interviews as many people.
"""

from __future__ import annotations

import datetime as dt
import os
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from tests.support.interviews import facts_read, interviewed, people
from tests.support.pensions import pensions

from mianshen.casework.interview import Interview, Story
from mianshen.casework.interview.answer import answered, give, record
from mianshen.casework.interview.story import begun, read_story
from mianshen.interpreter import BenefitResult, Case, Interpreter, result_of
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.program.program import Program
from mianshen.program.slicing import benefit_keys, part_of
from mianshen.rulebook import open_program
from mianshen.source import RuleError

PEOPLE = int(os.environ.get("MIANSHEN_INTERVIEWS", "2"))
PROGRAM = open_program()
BENEFITS = [benefit.name for benefit in PROGRAM.benefits.values() if benefit.entity == PROGRAM.entry]
DAY = dt.date(2026, 11, 21)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """People of whom everything is known; those with few claims, for the test's sake."""
    cases = people(tmp_path_factory.mktemp("people"), PROGRAM, 40 * PEOPLE, 5)
    return [case for case in cases if 3 <= len(case.rows()) <= 9][:PEOPLE]


def decided(program: Program, case: Case) -> dict[str, BenefitResult]:
    copy = Scenario(program).copy(case)[0]
    Interpreter(program).run(copy)
    return result_of(program, copy).benefits


def test_it_decides_as_check_does_and_asks_at_most_six_tenths_of_what_check_reads(full: list[Case]) -> None:
    """Benefit by benefit, against what deciding that benefit alone reads."""
    shares = []
    checked = [decided(PROGRAM, case) for case in full]
    for name in BENEFITS:
        interview, part = Interview(PROGRAM, [name]), part_of(PROGRAM, benefit_keys(PROGRAM.benefits[name]))
        for case, benefits in zip(full, checked, strict=True):
            held = interviewed(interview, case)
            (actual,), wanted = held.results.values(), benefits[name]
            assert (actual.status, actual.amount) == (wanted.status, wanted.amount), (case.person.key, name)
            read = set(facts_read(part, case))
            if read:
                shares.append(Fraction(len(held.asked), len(read)))
    assert len(shares) >= 10 * len(full)
    assert sum(shares) <= Fraction(6, 10) * len(shares)


def test_all_benefits_at_once_are_decided_as_check_does(full: list[Case]) -> None:
    for case in full[:3]:
        held = interviewed(Interview(PROGRAM, BENEFITS), case)
        assert {n: (r.status, r.amount) for n, r in held.results.items()} == {
            n: (r.status, r.amount) for n, r in decided(PROGRAM, case).items() if n in BENEFITS
        }
        assert len(held.asked) < len(set(facts_read(PROGRAM, case)))
        asked = [(place.row.entity, place.row.key, place.name) for place in held.asked]
        assert len(set(asked)) == len(asked)


# A small rulebook, question by question


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return pensions(tmp_path_factory.mktemp("rules"))


def told(program: Program, interview: Interview, *answers: str) -> Story:
    story = begun(program, DAY)
    for answer in answers:
        give(story, interview, answer)
    return story


def asked_next(program: Program, benefit: str, *answers: str) -> str | None:
    interview = Interview(program, [benefit])
    question = interview.next(told(program, interview, *answers))
    return None if question is None else question.answer_as


def test_it_stops_as_soon_as_one_answer_decides(program: Program) -> None:
    assert asked_next(program, "relief", "income=5") is None
    assert asked_next(program, "pension", "place=11") is None
    assert asked_next(program, "pension", "place=31", "kind=worker", "frozen=true") is None


def test_it_asks_first_what_settles_most(program: Program) -> None:
    assert asked_next(program, "pension") == "place"  # outside two areas nothing is modelled
    assert asked_next(program, "pension", "place=31", "kind=worker") in ("frozen", "months", "born")


def test_an_amount_is_asked_about_only_once_the_benefit_is_due(program: Program) -> None:
    due = ["place=31", "kind=worker", "frozen=false", "born=1950-01-01"]
    assert asked_next(program, "pension", *due) == "months"  # of which both depend
    assert asked_next(program, "pension", *due, "months=200") is None


def test_what_is_not_known_is_not_asked_again_and_nothing_idle_after_it(program: Program) -> None:
    assert asked_next(program, "relief", "income=?") is None
    assert (
        asked_next(program, "pension", "place=31", "kind=?") is None
    )  # whatever else, nothing may be modelled
    assert (
        asked_next(program, "pension", "place=31", "kind=worker", "frozen=?") is not None
    )  # it may be refused
    interview = Interview(program, ["pension"])
    story = told(program, interview, "place=31", "kind=worker", "frozen=?", "born=?", "months=10")
    assert interview.next(story) is None
    assert answered(interview, story)[1].result.benefits["pension"].status == "ineligible"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("income=a lot", "E420"),
        ("kind=knight", "E424"),
        ("kind=7", "E705"),
        ("income", "E703"),
        ("incom=5", "E702"),
        ("person_id=?", "E704"),
        ("income=-1", "E422"),
        ("born=2020/13/1", "E423"),
    ],
)
def test_an_answer_that_is_none_is_refused(program: Program, answer: str, code: str) -> None:
    with pytest.raises(RuleError) as refused:
        told(program, Interview(program, ["pension"]), answer)
    assert [finding.code for finding in refused.value.diagnostics] == [code]


def test_a_choice_may_be_given_by_number_label_or_code(program: Program) -> None:
    for answer in ("kind=2", "kind=农民", "kind=farmer"):
        assert told(program, Interview(program, ["pension"]), answer).case.person.facts["kind"] == "farmer"


# Claims and households


def shipped(*answers: str, names: tuple[str, ...] = ("poverty_warning",)) -> tuple[Interview, Story]:
    interview = Interview(PROGRAM, names)
    return interview, told(PROGRAM, interview, *answers)


def test_the_number_of_claims_makes_rows_to_be_asked_about() -> None:
    _, story = shipped("claims=12")
    assert [row.key for row in story.case.person.children] == [f"C{n:02}" for n in range(1, 13)]
    assert [row.key for row in story.case.person.children] == sorted(
        r.key for r in story.case.person.children
    )


def test_how_many_claims_there_are_is_told_once() -> None:
    with pytest.raises(RuleError) as refused:
        shipped("claims=1", "claims=2")
    assert [finding.code for finding in refused.value.diagnostics] == ["E711"]


def test_members_of_the_household_are_made_and_asked_about_in_turn() -> None:
    _, story = shipped("member_count=3", "M1.claims=1", "M1-C1.total_cost=100")
    assert story.case.person.parent is not None
    assert [row.key for row in story.case.person.parent.children] == ["P1", "M1", "M2"]
    assert "M2.insured_area" in dict(story.places())


def test_claims_nobody_spoke_of_leave_a_sum_unknown_and_are_asked_about() -> None:
    interview, story = shipped(
        "member_count=1",
        "insured_area=310113",
        "assistance_category=因病致贫",
        names=("illness_poverty_aid",),
    )
    assert "claims: null" in story.text()
    result = answered(interview, story)[1].result.benefits["illness_poverty_aid"]
    assert (result.status, {missing.name for missing in result.missing}) == ("eligible", {"claims"})
    give(story, interview, "claims=0")
    assert interview.next(story) is None
    assert answered(interview, story)[1].result.benefits["illness_poverty_aid"].amount == Decimal("0.00")


def test_the_record_that_is_kept_reads_as_the_story_that_was_told(tmp_path: Path) -> None:
    interview, story = shipped(
        "member_count=2", "annual_income=30000", "insured_area=310113", "insurance_scheme=居民医保",
        "coverage_status=?", "claims=1", "C1.service_date=2026-03-02", "C1.total_cost=?", "M1.claims=0",
    )  # fmt: skip
    file = tmp_path / "record.yaml"
    file.write_text(record(interview, story), "utf-8")
    again = read_story(file, PROGRAM, None, dt.date(2000, 1, 1))
    assert again.text() == story.text()
    assert [(r.facts, r.told) for r in again.case.rows()] == [(r.facts, r.told) for r in story.case.rows()]


def test_a_cost_outside_the_policy_above_the_total_is_refused_at_once() -> None:
    with pytest.raises(RuleError) as refused:
        shipped("claims=1", "C1.total_cost=5", "C1.out_of_scope_cost=6")
    assert [finding.code for finding in refused.value.diagnostics] == ["E707"]


def test_a_date_after_the_day_decided_for_is_refused() -> None:
    with pytest.raises(RuleError) as refused:
        shipped("claims=1", "C1.service_date=2026-11-22")
    assert [finding.code for finding in refused.value.diagnostics] == ["E708"]


# Lists


def visited(*answers: str) -> tuple[Interview, Story]:
    told = (
        "insured_area=371402",
        "insurance_scheme=resident",
        "coverage_status=active",
        "disability_level=4",
    )
    return shipped(*told, "visits=1", "V1.service_date=2026-03-02", *answers, names=("ltc_home_package",))


def test_a_list_is_chosen_from_its_codes() -> None:
    interview, story = visited()
    question = interview.next(story)
    assert question is not None
    assert question.answer_as == "V1.optional_items"
    assert list(question.choices(PROGRAM)) == [f"item_{n}" for n in range(1, 52)]
    assert "commas" in question.hint(PROGRAM, "en")


@pytest.mark.parametrize(
    "answer", ["1,5,22", "1， 5、22", "item_1; 自选项目5；22", "optional item 1,item_5,22", " 1 ,5,22"]
)
def test_a_list_is_answered_by_numbers_labels_or_codes_with_commas(answer: str) -> None:
    interview, story = visited(f"V1.optional_items={answer}")
    (visit,) = story.case.person.children
    assert visit.facts["optional_items"] == ("item_1", "item_5", "item_22")
    amount = answered(interview, story)[1].result.benefits["ltc_home_package"].amount
    assert amount == Decimal("120.00")


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ("1,52", "E705", "choice 52"),
        ("1,,2", "E427", "empty"),
        ("1,bath", "E424", "bath"),
        ("1,1", "E707", "twice"),
        ("1,2,3,4,5,6,7,8", "E707", "one to seven"),
        ("none", "E707", "one to seven"),
    ],
)
def test_a_list_that_cannot_be_is_refused_for_what_is_wrong_with_it(
    answer: str, code: str, words: str
) -> None:
    with pytest.raises(RuleError) as refused:
        visited(f"V1.optional_items={answer}")
    (finding,) = refused.value.diagnostics
    assert finding.code == code
    assert words in finding.show("en")


# Rows over time

OVER_TIME = """
as_of: 2026-11-21
household: {household_id: H1, member_count: 1}
resident: {person_id: P1, insured_area: '310113', insurance_scheme: employee, coverage_status: active,
           assistance_category: illness_poverty, valid_from: 2025-03-01, sex: null,
           opening_basic_paid: 0.00, opening_deductible_used: 0.00 %s}
history:
  - {valid_from: null, employment_status: employed}
  - {valid_from: 2025-08-01, employment_status: retired}
claims:
  - {claim_id: C1, service_date: 2025-02-10, care_type: inpatient, total_cost: 20000.00, out_of_scope_cost: 0.00}
  - {claim_id: C2, service_date: 2025-04-10, care_type: inpatient, total_cost: 30000.00, out_of_scope_cost: 0.00}
  - {claim_id: C3, %s care_type: inpatient, total_cost: 10000.00, out_of_scope_cost: 0.00}
"""


def over_time(
    folder: Path, more: str = "", dated: str = "service_date: 2025-09-10,"
) -> tuple[Interview, Story]:
    file = folder / "record.yaml"
    file.write_text(OVER_TIME % (more, dated), "utf-8")
    interview = Interview(PROGRAM, ("illness_poverty_aid",))
    return interview, read_story(file, PROGRAM, None, dt.date(2000, 1, 1))


def aid(interview: Interview, story: Story) -> Decimal | None:
    return answered(interview, story)[1].result.benefits["illness_poverty_aid"].amount


def asked_for(interview: Interview, story: Story) -> str | None:
    question = interview.next(story)
    return None if question is None else question.answer_as


def test_what_a_row_of_another_time_lacks_is_asked_about_for_that_row(tmp_path: Path) -> None:
    """In force is the row from August; that from March on says nothing of the employment."""
    interview, story = over_time(tmp_path)
    assert [row.key for row in story.case.rows() if row.entity == "resident"] == [
        "P1",
        "P1@2025-03-01",
        "P1@",
    ]
    assert asked_for(interview, story) == "P1@2025-03-01.employment_status"
    give(story, interview, "P1@2025-03-01.employment_status=employed")
    assert interview.next(story) is None
    _, whole = over_time(tmp_path, ", employment_status: employed")
    assert aid(interview, story) == aid(interview, whole) is not None


def test_the_record_that_is_kept_holds_every_row(tmp_path: Path) -> None:
    interview, story = over_time(tmp_path)
    give(story, interview, "P1@2025-03-01.employment_status=?")
    file = tmp_path / "again.yaml"
    file.write_text(record(interview, story), "utf-8")
    again = read_story(file, PROGRAM, None, dt.date(2000, 1, 1))
    assert again.text() == story.text()
    rows = [(row.key, row.facts) for row in story.case.rows()]
    again_rows = [(row.key, row.facts | {"household_id": "H1"}) for row in again.case.rows()]
    assert again_rows == [(key, facts | {"household_id": "H1"}) for key, facts in rows]
    result = answered(interview, story)[1].result.benefits["illness_poverty_aid"]
    assert {missing.name for missing in result.missing} == {"employment_status"}


def test_a_date_that_is_told_puts_a_claim_under_the_row_of_its_time(tmp_path: Path) -> None:
    interview, story = over_time(tmp_path, ", employment_status: employed", dated="")
    give(story, interview, "C3.service_date=2025-09-10")
    _, whole = over_time(tmp_path, ", employment_status: employed")
    assert aid(interview, story) == aid(interview, whole)
    give(story, interview, "C3.service_date=2025-02-01")
    _, other = over_time(tmp_path, ", employment_status: employed", dated="service_date: 2025-02-01,")
    assert aid(interview, story) == aid(interview, other) != aid(interview, whole)


def test_what_never_changes_is_asked_once_for_all_rows(tmp_path: Path) -> None:
    interview, story = over_time(tmp_path)
    give(story, interview, "P1@2025-03-01.birth_date=1960-05-05")
    assert {row.facts["birth_date"] for row in story.case.rows() if row.entity == "resident"} == {
        dt.date(1960, 5, 5)
    }
    give(story, interview, "disability_level=2")
    assert [row.facts.get("disability_level") for row in story.case.rows() if row.entity == "resident"] == [
        Decimal(2)
    ] * 3
