"""Decisions stand after what they read, exceptions before what they except, fallbacks last."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.program.small import mistakes_of, program_of

from mianshen.program.order import in_order
from mianshen.program.program import Key

NAMES = [("claim", name) for name in "abcdefg"]
GRAPHS = st.dictionaries(
    st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), max_size=3), min_size=1, max_size=7
)


@given(edges=GRAPHS)
def test_an_order_has_every_key_once_and_after_what_it_reads(edges: dict[Key, set[Key]]) -> None:
    order, circles = in_order(edges)
    assert sorted(order) == sorted(edges)
    if not circles:
        place = {key: index for index, key in enumerate(order)}
        assert all(
            place[read] < place[key] for key, reads in edges.items() for read in reads if read in edges
        )


@given(edges=GRAPHS)
def test_a_circle_is_one(edges: dict[Key, set[Key]]) -> None:
    for circle in in_order(edges)[1]:
        assert circle[0] == circle[-1]
        assert all(after in edges[before] for before, after in pairwise(circle))


def test_decisions_stand_after_what_they_read_through_sums_and_limits_too(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
accumulators:
  paid: {title: paid, sums: payment, over: flag}
provisions:
  total: {decision: total, value: sum(claims.payment)}
  payment: {decision: payment, value: cost, annual_limit: {accumulator: paid, limit: level}}
  level: {decision: level, value: days}
  flag: {decision: flag, value: share > 0}
  share: {decision: share, value: 0.5}
""",
    )
    order = [decision.name for decision in program.decisions]
    assert (
        order.index("total") > order.index("payment") > max(order.index(name) for name in ("level", "flag"))
    )
    assert order.index("flag") > order.index("share")


def test_exceptions_stand_first_through_other_exceptions_and_fallbacks_last(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
provisions:
  last: {decision: payment, value: 0, fallback: true}
  rule: {decision: payment, value: 1}
  exception: {decision: payment, value: 2, when: urgent, exception_to: rule}
  exception_to_that: {decision: payment, value: 3, when: urgent and days > 5, exception_to: exception}
""",
    )
    provisions = program.decision("claim", "payment").provisions
    assert [p.name for p in provisions] == ["exception_to_that", "exception", "rule", "last"]
    assert provisions[2].exceptions == ("exception", "exception_to_that")
    assert program.decision("claim", "payment").conflicts == ()


def test_an_exception_to_a_table_is_one_to_each_of_its_rows(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
tables:
  rates: {decision: payment, inputs: [days], rows: [{id: low, cells: ['< 5'], value: 1}, {id: high, cells: ['>= 5'], value: 2}]}
provisions:
  urgent: {decision: payment, value: 3, when: urgent, exception_to: rates}
""",
    )
    provisions = {p.name: p for p in program.decision("claim", "payment").provisions}
    assert provisions["rates.low"].exceptions == provisions["rates.high"].exceptions == ("urgent",)


def test_a_planned_row_or_provision_decides_nothing_and_is_checked(tmp_path: Path) -> None:
    rules = """
tables:
  rates:
    decision: payment
    inputs: [days]
    rows: [{id: now, cells: ['< 5'], value: 1}, {id: soon, cells: ['-'], value: VALUE, status: planned}]
provisions:
  later: {decision: level, value: 1, status: planned}
"""
    program = program_of(tmp_path, rules.replace("VALUE", "2"))
    assert [p.name for p in program.decision("claim", "payment").provisions] == ["rates.now"]
    assert program.decision("claim", "level").provisions == ()
    assert sorted(p.name for p in program.planned) == ["later", "rates.soon"]
    assert [d.code for d in mistakes_of(tmp_path, rules.replace("VALUE", "costs"))] == ["E301"]


@pytest.mark.parametrize("wide", ["cost * cost * cost", "cost ** 38"])
def test_a_formula_too_precise_is_reported_once_and_does_not_upset_the_order(
    tmp_path: Path, wide: str
) -> None:
    rules = f"""
provisions:
  payment: {{decision: payment, value: {wide} * level}}
  level: {{decision: level, value: days}}
"""
    assert [d.code for d in mistakes_of(tmp_path, rules)] == ["E306"]
