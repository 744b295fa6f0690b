"""A small rulebook in which every kind of condition keeps a benefit from being due.

In: nothing. Out: its program: a pension by age, months and area, with a planned start, a figure to be
reviewed, and an amount on a scale under a cap.
"""

from __future__ import annotations

from pathlib import Path

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.program.program import Program

RULES = """
rulebook: {name: pensions, title: {zh: 养老, en: Pensions}, entry: person}
entities:
  person: {title: {zh: 人, en: person}, key: person_id, area: place}
codes:
  kind:
    title: {zh: 类别, en: kind}
    values: {worker: {zh: 职工, en: worker}, farmer: {zh: 农民, en: farmer}, other: {zh: 其他, en: other}}
facts:
  person:
    person_id: {type: text, required: true, immutable: true, title: {zh: 编号, en: number}}
    place: {type: area, title: {zh: 地区, en: area}}
    kind: {type: code kind, title: {zh: 类别, en: kind}}
    born: {type: date, immutable: true, title: {zh: 出生日期, en: date of birth}}
    joined: {type: date, title: {zh: 参保日期, en: joined on}}
    months: {type: integer, min: 0, max: 1200, title: {zh: 月数, en: months}}
    income: {type: money, min: 0.00, max: 9999999999.99, title: {zh: 收入, en: income}}
    frozen: {type: boolean, title: {zh: 冻结, en: frozen}}
decisions:
  person:
    old_enough: {type: boolean, title: {zh: 到龄, en: old enough}}
    due: {type: boolean, title: {zh: 符合, en: due}}
    pension: {type: money, title: {zh: 养老金, en: pension}}
    poor: {type: boolean, title: {zh: 低收入, en: poor}}
    settled: {type: boolean, title: {zh: 满期, en: settled}}
sources: {S: {title: {zh: 例, en: Example}}}
parameters:
  least_years:
    {type: integer, title: {zh: 年数, en: years}, source: S, clause: 一, basis: cited,
     values: [{from: 2000-01-01, value: 15}]}
  poverty_line:
    {type: money, title: {zh: 线, en: line}, source: S, clause: 二, basis: cited,
     values: [{from: 2000-01-01, value: 12000.00}, {from: 2027-07-01, value: 13000.50, review_by: 2028-06-30}]}
  steps:
    {type: scale, title: {zh: 分段, en: steps}, source: S, clause: 三, basis: cited,
     values: [{from: 2000-01-01, value: [{over: 0.00, rate: 10%}, {over: 100.00, rate: 20%}]}]}
  most:
    {type: money, title: {zh: 上限, en: most}, source: S, clause: 四, basis: cited,
     values: [{from: 2000-01-01, value: 50.00}]}
provisions:
  age: {decision: old_enough, title: {zh: 年龄, en: By age}, value: 'age on(born, as_of) >= 60', source: S, clause: 一}
  pension_due:
    decision: due
    title: {zh: 符合, en: Due}
    area: ["31", "3201"]
    when: kind in ("worker", "farmer")
    value: old_enough and floor(months / 12) >= least_years and not(frozen)
    source: S
    clause: 一
  pension_amount:
    {decision: pension, title: {zh: 金额, en: Amount}, value: 'min(most, marginal(months, steps))', source: S, clause: 二}
  poor_people:
    {decision: poor, title: {zh: 低收入, en: Poor}, value: income < poverty_line, source: S, clause: 三}
  settled_people:
    {decision: settled, title: {zh: 满期, en: Settled}, from: 2026-12-24, source: S, clause: 四,
     value: 'joined <= as_of - duration("P6M")'}
benefits:
  pension:
    {title: {zh: 养老金, en: Pension}, entity: person, eligible: due, amount: pension, delivery: automatic,
     source: S, clause: 一}
  relief: {title: {zh: 救济, en: Relief}, entity: person, eligible: poor, delivery: application, source: S, clause: 三}
  bonus: {title: {zh: 奖励, en: Bonus}, entity: person, eligible: settled, delivery: automatic, source: S, clause: 四}
"""


def pensions(folder: Path) -> Program:
    """The program, its file written into `folder`."""
    file = folder / "pensions.yaml"
    file.write_text(RULES, encoding="utf-8")
    return build(*read([file]))[0]
