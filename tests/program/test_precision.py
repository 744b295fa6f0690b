"""Ranges: what a formula can be is never outside what the program says it can be."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.program.small import mistakes_of, program_of

from mianshen.program.core import Numeric
from mianshen.program.operators import ARITHMETIC, absolute, either, negated, rounded, totalled
from mianshen.values import EXACT, round_quotient

CUBED = "  payment: {decision: payment, value: cost * share * share * share}\n"
NUMBERS = st.decimals(-1000, 1000, places=2)


def spread(numbers: list[Decimal]) -> Numeric:
    return Numeric(2, min(numbers), max(numbers))


def holds(type_: Numeric, value: Decimal) -> bool:
    return type_.low <= value <= type_.high and Fraction(value) * 10**type_.scale % 1 == 0


@given(left=st.lists(NUMBERS, min_size=1, max_size=3), right=st.lists(NUMBERS, min_size=1, max_size=3))
def test_arithmetic_stays_in_its_range(left: list[Decimal], right: list[Decimal]) -> None:
    plain: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "min": min,
        "max": max,
    }
    assert plain.keys() == ARITHMETIC.keys()
    for op, rule in ARITHMETIC.items():
        type_ = rule(spread(left), spread(right))
        assert all(holds(type_, plain[op](a, b)) for a in left for b in right)
    assert all(holds(negated(spread(left)), -a) and holds(absolute(spread(left)), abs(a)) for a in left)
    assert all(holds(either(spread(left), spread(right)), a) for a in (*left, *right))


@given(items=st.lists(NUMBERS, min_size=1, max_size=5))
def test_a_sum_of_some_of_them_stays_in_its_range(items: list[Decimal]) -> None:
    type_ = totalled(spread(items), len(items))
    assert all(holds(type_, sum(items[:count], Decimal(0))) for count in range(len(items) + 1))


@given(top=NUMBERS, bottom=NUMBERS.filter(bool), digits=st.integers(0, 4))
def test_a_rounded_quotient_stays_in_its_range(top: Decimal, bottom: Decimal, digits: int) -> None:
    type_ = rounded(spread([top]), spread([bottom]), digits)
    with localcontext(EXACT):
        for mode in ("half_up", "up", "down", "floor", "ceiling"):
            assert holds(type_, round_quotient(top, bottom, digits, mode))


@pytest.mark.parametrize(
    ("low", "high", "scale", "precision"),
    [("0", "0", 0, 1), ("0", "9", 0, 1), ("-10", "9", 0, 2), ("0", "0.5", 2, 2), ("0", "99.99", 2, 4)],
)
def test_precision_counts_the_digits_of_the_widest_value(
    low: str, high: str, scale: int, precision: int
) -> None:
    assert Numeric(scale, Decimal(low), Decimal(high)).precision == precision


def test_a_decision_is_as_wide_as_its_formula_not_as_its_declared_type(tmp_path: Path) -> None:
    rules = f"provisions:\n  share: {{decision: share, value: SHARE}}\n{CUBED}"
    assert mistakes_of(tmp_path, rules.replace("SHARE", "0.9999")) == ()
    program_of(tmp_path, rules.replace("SHARE", "0.9999"))
    wide = mistakes_of(tmp_path, rules.replace("SHARE", "0.999999 * days * 99999"))
    assert [d.code for d in wide] == ["E306"]


def test_a_decision_whose_provisions_are_all_wrong_makes_no_other_too_precise(tmp_path: Path) -> None:
    rules = f"provisions:\n  share: {{decision: share, value: shares}}\n{CUBED}"
    assert [d.code for d in mistakes_of(tmp_path, rules)] == ["E301"]
