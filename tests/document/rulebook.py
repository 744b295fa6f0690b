"""A small valid rulebook for the tests of this room, and how to write and read one."""

from __future__ import annotations

from pathlib import Path

from mianshen.document import Document, read

VOCABULARY = """\
rulebook: {name: demo, title: {zh: 示例, en: Demo}}
entities:
  resident: {title: 参保人, key: person_id, area: insured_area}
  claim: {title: 费用, key: claim_id, parent: resident, children: claims, date: service_date,
          checks: [{name: not_negative, condition: total_cost >= 0, field: total_cost, title: 费用不为负}]}
codes:
  care_type:
    title: 就医类型
    values: {inpatient: {zh: 住院, en: Inpatient}, outpatient: 门诊, delivery: {zh: 生育, en: Delivery, also: [分娩]}}
facts:
  resident:
    person_id: {type: text, title: 编号, required: true, personal: true}
    opening_basic_paid: {type: money, title: 年内已付, when_absent: 0.00, min: 0}
  claim:
    total_cost: {type: money, title: 总费用, min: 0.00}
    care_type: {type: code care_type, title: 就医类型}
decisions:
  claim:
    basic_payment: {type: money, title: {zh: 基本医保支付, en: Basic payment}, output: true}
    deductible: {type: money, title: 起付标准}
sources:
  S2: {title: 沪府规〔2019〕1号, number: 2019-1, issued: 2019-12-01}
out_of_scope:
  - {source: S2, clause: 9, subject: 门诊, reason: 另有规定}
"""

RULES = """\
defaults: {area: "31", from: 2020-01-01, source: S2, clause: 一（三）5, basis: cited, review_by: 2027-12-31}
parameters:
  employee_rate:
    type: rate
    title: 支付比例
    clause: 二（一）
    values: [{value: 75%}, {from: 2022-01-01, value: 0.80, clause: 3}, {from: 2027-01-01, basis: missing}]
  scale:
    type: scale
    title: 分段
    values:
      - value: [{over: 0, rate: 60%}, {over: 50000.00, rate: 70%}]
accumulators:
  basic_paid: {title: 年度, sums: basic_payment, over: 'care_type = "inpatient"', per: insurance_scheme}
provisions:
  shanghai_employee_basic:
    decision: basic_payment
    title: {zh: 职工住院, en: Employee inpatient}
    when: |
      resident.covered
        and care_type = "inpatient"
    value: (total_cost - deductible) * employee_rate
    annual_limit: {accumulator: basic_paid, limit: 550000}
  everywhere: {decision: basic_payment, area: null, when: true, value: 0, fallback: true}
  later: {decision: basic_payment, value: 1, status: planned}
tables:
  deductibles:
    decision: deductible
    inputs: [care_type, hospital_level]
    hit_policy: first
    rows:
      - {id: tertiary, cells: ['"inpatient"', '"tertiary"'], value: 1500}
      - {id: other, cells: [-, -], value: 0}
benefits:
  aid: {title: 救助, eligible: aid_due, amount: aid, delivery: automatic, source: S2, clause: 1}
"""


def write_rulebook(folder: Path, **files: str) -> Path:
    """Write `name.yaml` for each name (`__` for a slash), on top of the valid rulebook."""
    texts = {"vocabulary": VOCABULARY, "shanghai__rules": RULES, **files}
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def read_valid(folder: Path, *overlays: Path) -> Document:
    document, findings = read([folder], overlays)
    assert [finding for finding in findings if finding.severity == "error"] == []
    return document
