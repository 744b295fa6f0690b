"""Payments that only taking rows in turn decides: several limits, totals without one, totals of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from mianshen.cases.read import Programs, read_case_files
from mianshen.cases.runs import run_cases

PEOPLE = Path("tests/rulebooks/people.yaml").resolve()
HEAD = """
defaults: {from: 2020-01-01, source: S, clause: x, basis: cited}
parameters:
  own: {type: money, title: own, values: [{from: 2020-01-01, value: 100}]}
  all_of_them: {type: money, title: all, values: [{from: 2020-01-01, value: 120}, {from: 2026-07-01, value: 200}]}
"""
TWO_LIMITS = """
decisions: {claim: {pay: {type: money, title: b, output: true}}}
accumulators:
  one: {title: one, sums: pay}
  other: {title: other, sums: pay}
  both: {title: both, sums: pay}
tables:
  t:
    decision: pay
    title: t
    inputs: [care]
    rows:
      - {id: d, cells: ['"outpatient"'], value: cost,
         annual_limit: [{accumulator: one, limit: own}, {accumulator: both, limit: all_of_them}]}
      - {id: h, cells: ['"chronic"'], value: cost,
         annual_limit: [{accumulator: other, limit: own}, {accumulator: both, limit: all_of_them}]}
"""
COUNTED = """
decisions: {claim: {calls: {type: money, title: v}, pay: {type: money, title: p, output: true}}}
accumulators: {visits: {title: visits, sums: calls}}
provisions:
  v: {decision: calls, title: v, value: 1.00}
  p: {decision: pay, title: p, value: if year to date(visits) = 0 then cost else 0.00}
"""
OWN_TOTAL = """
decisions: {claim: {pay: {type: money, title: a, output: true}}}
accumulators: {paid: {title: a, sums: pay}}
provisions:
  p: {decision: pay, title: p, value: 'if year to date(paid) >= 1000 then cost * 80% else cost * 60%'}
"""
THROUGH_ANOTHER = """
decisions: {claim: {due: {type: money, title: a}, pay: {type: money, title: b, output: true}}}
accumulators: {paid: {title: a, sums: pay}}
provisions:
  d: {decision: due, title: p, value: "max(0.00, min(cost, 1000 - year to date(paid)))"}
  p: {decision: pay, title: p, value: due}
"""


@pytest.mark.parametrize(
    ("rules", "claims", "paid"),
    [
        # 80 of the first's 100; 40 left of 120 for both; from July 200 for both, of its own 100 sixty left
        (TWO_LIMITS, [("03-02", "outpatient", 80), ("04-02", "chronic", 100),
                      ("08-02", "chronic", 100)], ["80.00", "40.00", "60.00"]),
        (COUNTED, [("03-02", "outpatient", 100), ("04-02", "outpatient", 100)], ["100.00", "0.00"]),
        (OWN_TOTAL, [("03-02", "outpatient", 2000), ("04-02", "outpatient", 1000)], ["1200.00", "800.00"]),
        (THROUGH_ANOTHER, [("03-02", "outpatient", 700), ("04-02", "outpatient", 700)], ["700.00", "300.00"]),
    ],
    ids=["two limits", "counted", "own total", "through another"],
)  # fmt: skip
def test_rows_are_taken_in_turn(
    rules: str, claims: list[tuple[str, str, int]], paid: list[str], tmp_path: Path
) -> None:
    (tmp_path / "turn.yaml").write_text(HEAD + rules, "utf-8")
    programs = Programs((PEOPLE, tmp_path / "turn.yaml"))
    rows = "\n".join(
        f"      - {{claim_id: C{n}, service_date: 2026-{day}, care: {care}, cost: {cost}.00}}"
        for n, (day, care, cost) in enumerate(claims)
    )
    expected = ", ".join(f"C{n}: {{pay: {amount}}}" for n, amount in enumerate(paid))
    file = tmp_path / "turn.cases.yaml"
    file.write_text(
        "cases:\n  - name: turn\n    title: turn\n    as_of: 2026-11-21\n    resident: {person_id: P1}\n"
        f"    claims:\n{rows}\n    expect: {{claims: {{{expected}}}}}\n",
        "utf-8",
    )
    (outcome,) = run_cases(read_case_files([file], programs), programs)
    assert outcome.differences == ()
    assert set(outcome.answers) == {"interpreter", "native", "duckdb"}
