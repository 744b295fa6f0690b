"""A small rulebook with a rate, a line and a scale of help, for tests that decide many times."""

from __future__ import annotations

from pathlib import Path
from typing import Final

RULES: Final = """\
rulebook: {name: small, title: {zh: 小, en: Small}}
entities:
  resident: {title: 参保人, key: person_id}
  claim: {title: 费用, key: claim_id, parent: resident, children: claims, date: service_date, outcome: patient_pays,
          explained_by: payment}
facts:
  resident:
    person_id: {type: text, title: 编号, required: true}
    income: {type: money, title: 收入, min: 0.00, max: 1000000.00}
    birth_date: {type: date, title: 出生日期}
  claim:
    claim_id: {type: text, title: 编号, required: true}
    person_id: {type: text, title: 编号, required: true}
    service_date: {type: date, title: 日期, required: true}
    total_cost: {type: money, title: 费用, min: 0.00, max: 1000000.00}
    settled_payment: {type: money, title: 已付, settles: payment}
decisions:
  resident:
    poor: {type: boolean, title: 困难}
    help: {type: money, title: 补助}
  claim:
    payment: {type: money, title: {zh: 支付, en: payment}, output: true, paid: true}
    patient_pays: {type: money, title: {zh: 个人负担, en: patient pays}, output: true}
sources: {S: {title: 文件}}
parameters:
  rate:
    type: rate
    title: {zh: 比例, en: rate}
    source: S
    clause: 一
    basis: cited
    values: [{from: 2020-01-01, value: 80%}, {from: 2026-01-01, value: 85%}]
  floor:
    type: money
    title: {zh: 起付线, en: floor}
    source: S
    clause: 二
    basis: cited
    values: [{from: 2020-01-01, value: 100.00}]
  line:
    type: money
    title: {zh: 收入线, en: income line}
    source: S
    clause: 三
    basis: cited
    values: [{from: 2020-01-01, value: 20000.00}]
  help_amount:
    type: money
    title: {zh: 补助额, en: help}
    source: S
    clause: 四
    basis: cited
    values: [{from: 2020-01-01, value: 600.00}]
  old_age:
    type: integer
    title: {zh: 老年, en: old age}
    source: S
    clause: 五
    basis: cited
    values: [{from: 2020-01-01, value: 80}]
provisions:
  pays: {decision: payment, title: 按比例支付, value: 'max(total_cost - floor, 0.00) * rate', source: S, clause: 一}
  rest: {decision: patient_pays, title: 个人负担, value: total_cost - payment, source: S, clause: 一}
  is_poor: {decision: poor, title: 困难, value: 'income <= line or age on(birth_date, as_of) >= old_age', source: S, clause: 三}
  helped: {decision: help, title: 补助, value: help_amount, source: S, clause: 四}
benefits:
  help: {title: {zh: 困难补助, en: help}, eligible: poor, amount: help, delivery: automatic, source: S, clause: 四}
"""


def write_small(folder: Path) -> Path:
    """The rulebook in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "small.yaml").write_text(RULES, encoding="utf-8")
    return folder


def reform(folder: Path, text: str) -> Path:
    path = folder / "reform.yaml"
    path.write_text(f"overlay: {{name: reform, title: x}}\n{text}\n", encoding="utf-8")
    return path
