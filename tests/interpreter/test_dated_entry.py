"""A case whose own row has a date: a bill that is decided by the figures of its day, on both back ends."""

from pathlib import Path

from mianshen.cases.read import Programs, read_case_files
from mianshen.cases.runs import run_cases

RULES = """
rulebook: {name: bills, title: {zh: 账单, en: Bills}, entry: bill}
entities:
  bill: {title: {zh: 账单, en: bill}, key: bill_id, date: day}
  item: {title: {zh: 项目, en: item}, key: item_id, parent: bill, children: items, date: seen}
facts:
  bill:
    bill_id: {type: text, required: true, title: {zh: 编号, en: number}}
    day: {type: date, title: {zh: 日期, en: day}}
    cost: {type: money, min: 0, max: 9999.99, title: {zh: 费用, en: cost}}
  item:
    item_id: {type: text, required: true, title: {zh: 编号, en: number}}
    bill_id: {type: text, required: true, title: {zh: 账单编号, en: number of the bill}}
    seen: {type: date, title: {zh: 日期, en: day}}
    price: {type: money, min: 0, max: 9999.99, title: {zh: 价格, en: price}}
decisions:
  bill:
    paid: {type: money, output: true, title: {zh: 支付, en: paid}}
    due: {type: boolean, title: {zh: 应付, en: due}}
  item:
    part: {type: money, output: true, title: {zh: 部分, en: part}}
sources: {S: {title: {zh: 例, en: Example}}}
parameters:
  share:
    {type: rate, title: {zh: 比例, en: share}, source: S, clause: 一, basis: cited,
     values: [{from: 2026-01-01, value: 50%}, {from: 2026-07-01, value: 80%}]}
accumulators:
  spent: {entity: item, title: {zh: 已付, en: spent}, sums: part}
provisions:
  paid: {decision: paid, title: {zh: 支付, en: Paid}, value: cost * share + sum(items.part), source: S, clause: 一}
  due: {decision: due, title: {zh: 应付, en: Due}, value: paid > 100, source: S, clause: 一}
  part:
    {decision: part, title: {zh: 部分, en: Part}, value: price, annual_limit: {accumulator: spent, limit: 30},
     source: S, clause: 一}
benefits:
  refund:
    {title: {zh: 退款, en: Refund}, entity: bill, eligible: due, amount: paid, delivery: automatic, source: S, clause: 一}
"""
CASES = """
defaults: {as_of: 2026-11-21}
cases:
  - name: later_share_and_items_under_one_limit
    title: The figure of the bill's own day; the items below share a limit of their own
    bill: {bill_id: B1, day: 2026-08-01, cost: 100.00}
    items: [{item_id: I2, seen: 2026-08-04, price: 20.00}, {item_id: I1, seen: 2026-08-03, price: 20.00}]
    expect:
      items: {I1: {part: 20.00}, I2: {part: 10.00}}
      benefits: {refund: {status: eligible, amount: 110.00}}
  - name: earlier_share
    title: The figure of an earlier day
    bill: {bill_id: B1, day: 2026-06-30, cost: 100.00}
    expect: {benefits: {refund: {status: ineligible}}}
  - name: day_unknown
    title: Without its day no figure can be looked up
    bill: {bill_id: B1, cost: 300.00}
    expect: {benefits: {refund: {status: undetermined, missing: [day]}}}
  - name: before_the_figures
    title: A day that no figure covers rejects the bill and what is below it
    bill: {bill_id: B1, day: 2025-12-31, cost: 300.00}
    items: [{item_id: I1, seen: 2026-08-03, price: 20.00}]
    expect: {rejects: [{key: B1, reason: no_figure}, {key: I1, reason: parent_rejected}]}
"""


def test_a_dated_row_without_parent_is_decided_and_rejected_as_in_a_batch(tmp_path: Path) -> None:
    (tmp_path / "bills.yaml").write_text(RULES, "utf-8")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "bills.yaml").write_text(CASES, "utf-8")
    programs = Programs((tmp_path / "bills.yaml",))
    outcomes = run_cases(read_case_files([tmp_path / "cases" / "bills.yaml"], programs), programs)
    results = [(d.back_end, d.what, d.expected, d.got) for outcome in outcomes for d in outcome.differences]
    assert results == []
    assert len(outcomes) == 4
