"""Every clause of the sources is answered, and everything the rulebook rests on is in the list."""

from __future__ import annotations

import pytest

from mianshen.document import read
from mianshen.program.build import build
from mianshen.program.coverage import Covered, coverage
from mianshen.program.program import Citation, Program
from mianshen.shipped import shipped_rulebook

SOURCES = ("S0", "S1", "S2", "S3", "S4")

# What the sources say that reaches a person: where it stands, and what must answer it.
DIGEST = [
    ("S2", "一（三）5", "employee_annual_payment_limit"),
    ("S2", "一（三）5", "resident_inpatient_rate"),
    ("S2", "一（三）5", "critical_illness_rate"),
    ("S2", "一（三）5", "employer_contribution"),
    ("S2", "一（三）5", "commercial_insurance_from_account"),
    ("S3", "德州（机构护理补助）", "ltc_institution_allowance"),
    ("S3", "德州（居家护理套餐）", "ltc_home_package"),
    ("S3", "德州（家属照护培训）", "carer_training"),
    ("S3", "菏泽（生育异地直接结算）", "maternity_direct_settlement"),
    ("S3", "菏泽（免申即享）", "insurance_transfer"),
    ("S3", "菏泽（免申即享）", "premium_subsidy"),
    ("S3", "菏泽（免申即享）", "retiree_benefits"),
    ("S3", "菏泽（免申即享）", "prenatal_check_fee"),
    ("S3", "菏泽（免申即享）", "maternity_allowance"),
    ("S3", "菏泽（免申即享）", "chronic_disease_recognition"),
    ("S3", "聊城（即时结算）", "settlement_deadlines"),
    ("S3", "聊城（未救助患者）", "unassisted_patient"),
    ("S2", "三（三）指标表第18项", "inpatient_ratio_target_employee"),
    ("S2", "三（三）指标表第19项", "inpatient_ratio_target_resident"),
    ("S2", "四（二）11", "outbreak_waiver"),
    ("S1", "四（一）1", "outbreak_waiver"),
    ("S0", "异地结算一码通办段", "remote_direct_settlement"),
    ("S1", "四（五）2", "remote_direct_settlement"),
    ("S2", "一（二）1", "remote_direct_settlement"),
    ("S0", "因病致贫预警、免申即享段", "poverty_warning"),
    ("S1", "四（一）4", "poverty_warning"),
    ("S1", "四（二）2", "centenarian_subsidy"),
    ("S0", "门诊共济、个人账户段", "commercial_insurance_from_account"),
    ("S1", "四（一）5", "commercial_insurance_from_account"),
    ("S0", "门诊共济、个人账户段", "outpatient_pooling"),
    ("S4", "六（二）10", "elderly_subsidy"),
    ("S4", "六（二）12", "disabled_child_subsidy"),
    ("S2", "四（四）19", "family_planning_support"),
    ("S4", "十七（二）1", "blood_donor_fees"),
    ("S2", "四（三）15", "family_doctor_priority"),
    ("BJ-2022-37", "救助标准（条号待核）", "beijing_assistance"),
    ("BJ-2022-37", "因病致贫救助（条号待核）", "illness_poverty_aid"),
    ("GBF-2021-42", "四（五）基本救助水平", "assistance_rate_floor"),
    ("WHO-CHE", "自付卫生支出占可支配能力40%", "poverty_warning_share"),
    ("GWY-619", "第八条", "shandong_maternity_allowance_amount"),
]
LEFT_OUT = [
    ("S0", "三个目录统一段"),
    ("S0", "电子票据、急救车结算段"),
    ("S2", "四（十）50"),
    ("S1", "四（四）4"),
]


@pytest.fixture(scope="module")
def program() -> Program:
    return build(*read([shipped_rulebook()]))[0]


@pytest.fixture(scope="module")
def covered(program: Program) -> dict[Citation, Covered]:
    return {each.clause.citation: each for each in coverage(program)}


def test_every_clause_is_answered_and_every_citation_listed() -> None:
    document, found = read([shipped_rulebook()])
    _, warnings = build(document, found)
    assert [str(each) for each in warnings if each.code in ("E350", "E351")] == []


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
    found = covered[Citation(source, clause)]
    assert not found.answers
    assert all(each.reason.zh and each.reason.en != each.reason.zh for each in found.left_out)
    assert found.left_out


def test_a_clause_is_not_both_answered_and_left_out(covered: dict[Citation, Covered]) -> None:
    assert [c for c, each in covered.items() if each.answers and each.left_out] == []
