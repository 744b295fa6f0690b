"""Unique tables against a brute-force oracle: the row whose cells all pass gives the value."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.program.small import mistakes_of, program_of
from tests.support.campaigns import few

from mianshen.interpreter import Interpreter, Row

CARE: dict[str, Callable[[str], bool]] = {
    "-": lambda _: True,
    '"inpatient"': lambda care: care == "inpatient",
    '"inpatient", "delivery"': lambda care: care in ("inpatient", "delivery"),
    'not("inpatient")': lambda care: care != "inpatient",
    'not("inpatient", "outpatient")': lambda care: care == "delivery",
}
DAYS: dict[str, Callable[[int], bool]] = {
    "-": lambda _: True,
    "2": lambda days: days == 2,
    "1, 3": lambda days: days in (1, 3),
    "< 2": lambda days: days < 2,
    ">= 2": lambda days: days >= 2,
    "[1..3)": lambda days: 1 <= days < 3,
    "(1..3]": lambda days: 1 < days <= 3,
    "not([1..2])": lambda days: not 1 <= days <= 2,
}
Rules = list[tuple[str, str]]
TABLES = st.lists(
    st.tuples(st.sampled_from(sorted(CARE)), st.sampled_from(sorted(DAYS))), min_size=1, max_size=4
)
POINTS = [(care, days) for care in ("inpatient", "outpatient", "delivery") for days in range(5)]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def written(rules: Rules, policy: str) -> str:
    rows = "\n".join(
        f"      - {{id: r{number}, cells: ['{care}', '{days}'], value: {number + 1}}}"
        for number, (care, days) in enumerate(rules)
    )
    return f"tables:\n  t:\n    decision: level\n    hit_policy: {policy}\n    inputs: [care_type, days]\n    rows:\n{rows}\n"


def matching(rules: Rules, care: str, days: int) -> list[int]:
    return [number + 1 for number, (a, b) in enumerate(rules) if CARE[a](care) and DAYS[b](days)]


@settings(max_examples=few(30, 800))
@given(rules=TABLES)
def test_a_unique_table_is_refused_when_two_rows_match_and_right_otherwise(
    folder: Path, rules: Rules
) -> None:
    several = any(len(matching(rules, *point)) > 1 for point in POINTS)
    findings = mistakes_of(folder, written(rules, "unique"))
    if several:
        assert {d.code for d in findings} == {"E317"}
    elif not findings:  # the prover may not see that two rows never meet, but it never misses that they do
        decide = Interpreter(program_of(folder, written(rules, "unique"))).decider("claim", "level")
        for care, days in POINTS:
            value = decide(Row("claim", "C", {"care_type": care, "days": Decimal(days)}))
            found_here = matching(rules, care, days)
            assert ([value] == found_here) if found_here else repr(value) == "NOT_MODELLED"


@settings(max_examples=few(15, 400))
@given(
    rules=TABLES,
    policy=st.sampled_from(["first", "collect sum", "collect min", "collect max", "collect count"]),
)
def test_other_tables_put_together_what_matches(folder: Path, rules: Rules, policy: str) -> None:
    decide = Interpreter(program_of(folder, written(rules, policy))).decider("claim", "level")
    together: dict[str, Callable[[list[int]], int]] = {
        "first": lambda results: results[0], "collect sum": sum, "collect min": min, "collect max": max, "collect count": len,
    }  # fmt: skip
    for care, days in POINTS:
        matches = matching(rules, care, days)
        value = decide(Row("claim", "C", {"care_type": care, "days": Decimal(days)}))
        assert (value == together[policy](matches)) if matches else repr(value) == "NOT_MODELLED"
