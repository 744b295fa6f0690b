"""Every clause of the sources is answered, and everything the rulebook rests on is in the list."""

from __future__ import annotations

import pytest

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.elaboration.coverage import Covered, coverage
from mianshen.program.program import Citation, Program
from mianshen.shipped import shipped_rulebook

SOURCES = ("S0", "S1", "S2", "S3", "S4")

# What the sources say that reaches a person: where it stands, and what must answer it.
DIGEST = [
    ("S2", "一（三）5", "employee_annual_payment_limit"),
    ("S2", "一（三）5", "resident_inpatient_rate"),
    ("S2", "一（三）5", "critical_illness_rate"),
    ("S2", "一（三）5", "employer_contribution"),
    ("S2", "一（三）5（个人账户结余）", "commercial_insurance_from_account"),
    ("S3", "德州（机构护理补助）", "ltc_institution_allowance"),
    ("S3", "德州（居家护理套餐）", "ltc_home_package"),
    ("S3", "德州（居家护理套餐）", "dezhou_fixed_items"),
    ("S3", "德州（居家护理套餐）", "dezhou_optional_items"),
    ("S3", "德州（家属照护培训）", "carer_training"),
    ("S3", "菏泽（生育异地直接结算）", "maternity_direct_settlement"),
    ("S3", "菏泽（免申即享）", "heze_insurance_transfer"),
    ("S3", "菏泽（免申即享）", "heze_premium_subsidy"),
    ("S3", "菏泽（免申即享）", "retiree_benefits"),
    ("S3", "菏泽（免申即享）", "heze_prenatal_check_fee_due"),
    ("S3", "菏泽（免申即享）", "heze_maternity_allowance_due"),
    ("S3", "菏泽（免申即享）", "heze_chronic_disease_recognition"),
    ("S3", "菏泽（免申即享）", "shandong_automatic_chronic_disease_count"),
    ("S3", "聊城（即时结算）", "settlement_deadlines"),
    ("S3", "未救助患者段", "unassisted_patient"),
    ("S3", "资助参保全覆盖段", "shandong_premium_subsidy"),
    ("S2", "三（三）指标表第18项", "inpatient_ratio_target_employee"),
    ("S2", "三（三）指标表第19项", "inpatient_ratio_target_resident"),
    ("S2", "四（二）11", "outbreak_waiver"),
    ("S2", "四（二）11（先救治后收费）", "outbreak_treated_first"),
    ("S1", "四（一）1", "outbreak_treated_first"),
    ("S0", "新冠救治费用保障段", "outbreak_treated_first"),
    ("S0", "异地结算一码通办段", "remote_direct_settlement"),
    ("S1", "四（五）2", "shanghai_outpatient_settled_nationwide"),
    ("S1", "四（五）2（示范区）", "demonstration_zone_settled"),
    ("S2", "一（二）1", "remote_direct_settlement"),
    ("S0", "因病致贫预警段", "poverty_warning"),
    ("S1", "四（一）4（预警线）", "poverty_warning"),
    ("S1", "四（一）4（资助参保）", "premium_subsidy"),
    ("S1", "四（一）3", "shanghai_maternity_allowance_due"),
    ("S1", "四（二）2", "centenarian_subsidy"),
    ("S1", "四（一）5", "commercial_insurance_from_account"),
    ("S0", "门诊共济段", "outpatient_pooling"),
    ("S4", "六（二）10", "elderly_subsidy"),
    ("S4", "六（二）12", "disabled_child_subsidy"),
    ("S2", "四（四）19", "family_planning_support"),
    ("S4", "十七（二）1", "blood_donor_fees"),
    ("BJ-2022-37", "六（二）1–3", "beijing_assistance_limit_inpatient"),
    ("BJ-2022-37", "六（三）", "beijing_illness_poverty_limit"),
    ("BJ-2022-37", "十（二）", "identity_of_the_treatment"),
    ("BJ-2023-9", "二（二）", "borne_of_the_year_before"),
    ("BJ-2023-9", "三", "illness_poverty_aid"),
    ("GBF-2021-42", "四（五）基本救助水平", "assistance_rate_floor"),
    ("WHO-CHE", "自付卫生支出占可支配能力40%", "poverty_warning_share"),
    ("GWY-619", "第八条", "shandong_maternity_allowance_amount"),
    ("SH-2025-7", "七（一）–（四）", "employee_year_starts"),
    ("SH-2025-7", "三（四）", "shanghai_flexible_wait"),
]
LEFT_OUT = [
    ("S0", "三个目录统一段"),
    ("S0", "急救车结算段"),
    ("S0", "重点对象免申即享段"),
    ("S0", "个人账户使用范围段"),
    ("S1", "四（一）2（互助帮困计划）"),
    ("S2", "四（三）15"),
    ("S2", "四（十）48（互助基金）"),
    ("S2", "四（十）50"),
    ("S1", "四（四）4"),
    ("S3", "一站式救助、尽享快享段"),
    ("S4", "十六（二）2-3"),
]
# Passages of several sentences: how many of them say something of a person, each with its own answer or reason.
SENTENCES = {
    ("S1", "四（一）2"): 2,  # the resident scheme; the mutual-aid plan
    ("S1", "四（一）4"): 5,  # who handles; the warning; the premium; assistance and its limit; links and data
    ("S1", "四（二）2"): 2,  # the subsidy; what streets manage
    ("S1", "四（五）2"): 2,  # the whole country; the zone
    ("S2", "一（三）1"): 2,  # paying and claiming; birth
    ("S2", "一（三）5"): 4,  # the figures; who belongs; the account; long-term care
    ("S2", "四（二）11"): 3,  # treated first; the waiver; whose money
    ("S2", "四（四）19"): 2,
    ("S2", "四（七）36"): 2,
    ("S2", "四（十）48"): 6,  # the list; the account; three layers; mutual funds; rare diseases; assistance
    ("S2", "四（十）52"): 2,  # one bill; the service
    ("S2", "四（十）53"): 2,  # the account; the industry
    ("S4", "六（二）10"): 2,
    ("S4", "六（二）12"): 2,
}
SHARED_REASONS = 10  # reasons that several passages may share: they say what kind of passage it is


@pytest.fixture(scope="module")
def program() -> Program:
    return build(*read([shipped_rulebook()]))[0]


@pytest.fixture(scope="module")
def covered(program: Program) -> dict[Citation, Covered]:
    return {finding.clause.citation: finding for finding in coverage(program)}


def test_every_clause_is_answered_and_every_citation_listed() -> None:
    document, diagnostics = read([shipped_rulebook()])
    _, warnings = build(document, diagnostics)
    assert [str(diagnostic) for diagnostic in warnings if diagnostic.code in ("E350", "E351")] == []


def test_every_source_has_its_clauses(covered: dict[Citation, Covered], program: Program) -> None:
    assert {citation.source for citation in covered} >= {*SOURCES}
    assert {citation.source for citation in covered} <= program.sources.keys()


@pytest.mark.parametrize(("source", "clause", "name"), DIGEST)
def test_what_reaches_a_person_is_answered_by_its_rule(
    covered: dict[Citation, Covered], source: str, clause: str, name: str
) -> None:
    assert name in {answer.name for answer in covered[Citation(source, clause)].answers}


@pytest.mark.parametrize(("source", "clause"), LEFT_OUT)
def test_what_reaches_nobody_has_a_reason_in_both_languages(
    covered: dict[Citation, Covered], source: str, clause: str
) -> None:
    result = covered[Citation(source, clause)]
    assert not result.answers
    assert all(item.reason.zh and item.reason.en != item.reason.zh for item in result.left_out)
    assert result.left_out


def test_a_clause_is_not_both_answered_and_left_out(covered: dict[Citation, Covered]) -> None:
    assert [c for c, item in covered.items() if item.answers and item.left_out] == []


def is_part(clause: str, passage: str) -> bool:
    """Whether a clause is the passage itself or a named part of it."""
    return clause.startswith(passage) and clause[len(passage) : len(passage) + 1] in ("", "（")


@pytest.mark.parametrize(("passage", "count"), SENTENCES.items(), ids=str)
def test_every_sentence_that_decides_something_has_its_answer_or_reason(
    covered: dict[Citation, Covered], passage: tuple[str, str], count: int
) -> None:
    source, name = passage
    parts = {
        citation.clause: entry
        for citation, entry in covered.items()
        if citation.source == source and is_part(citation.clause or "", name)
    }
    assert len(parts) == count, sorted(map(str, parts))
    reasons = [reason.reason.zh for entry in parts.values() for reason in entry.left_out]
    assert len(set(reasons)) == len(reasons)


def test_few_reasons_are_shared(program: Program) -> None:
    reasons = [entry.reason.zh for entry in program.out_of_scope]
    shared = {reason for reason in reasons if reasons.count(reason) > 2}
    assert len(shared) <= SHARED_REASONS


def test_no_figure_is_cited_without_its_clause(program: Program) -> None:
    """条号待核 marks an article that is not known: what stands there is provisional."""
    unchecked = [
        (name, dated.start)
        for name, parameter in program.parameters.items()
        for dated in parameter.series
        if dated.basis == "cited" and (dated.citation.clause is None or "待核" in dated.citation.clause)
    ]
    assert unchecked == []
