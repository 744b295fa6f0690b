"""Conditions proved disjoint never hold together, whatever a row holds or leaves unknown."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.program.small import program_of
from tests.support.campaigns import few

from mianshen.interpreter import Interpreter, Row
from mianshen.program.program import Program
from mianshen.values import Known

AREAS = ("11", "1101", "31", "310101")
VALUES: dict[str, tuple[Known | None, ...]] = {
    "care_type": ("inpatient", "outpatient", "delivery", None),
    "days": (Decimal(1), Decimal(2), Decimal(3), None),
    "limit": (Decimal(1), Decimal(2), None),
    "urgent": (True, False, None),
    "service_date": (dt.date(2026, 1, 1), dt.date(2026, 7, 1), None),
}
ATOMS = st.sampled_from(
    [
        "urgent", "urgent = false", "not(urgent)", 'care_type = "inpatient"', 'care_type != "inpatient"',
        'care_type in ("inpatient", "outpatient")', 'not(care_type in ("inpatient"))', "care_type is known",
        "care_type is unknown", "days < 2", "days <= 2", "days > 2", "2 < days", "days = 2", "days != 2", "days in [1..2)",
        "days between 2 and 3", "days < limit", "days >= limit", "limit > days", "limit = days", "days is unknown",
        'within(resident.insured_area, "31")', 'not(within(resident.insured_area, "31"))',
        'within(resident.insured_area, "3101", "11")', 'resident.insured_area = "310101"',
        'service_date < date("2026-07-01")', 'service_date >= date("2026-07-01")', "true", "false", "days * 2 > 4",
        "days * 2 <= 4",
    ]
)  # fmt: skip
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) and ({two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) or ({two[1]})"),
        inner.map(lambda one: f"not({one})"),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def rows() -> Iterator[Row]:
    """Every row there is over the values above."""
    names = list(VALUES)
    for area in (*AREAS, None):
        for values in product(*VALUES.values()):
            facts = {name: value for name, value in zip(names, values, strict=True) if value is not None}
            resident = Row("resident", "P", {} if area is None else {"insured_area": area})
            row = Row("claim", "C", facts, parent=resident)
            row.as_of = resident.as_of = dt.date(2026, 12, 31)
            yield row


ROWS = list(rows())


def both_hold(program: Program) -> list[Row]:
    """The rows on which both provisions of `payment` apply."""
    one, two = Interpreter(program).branches["claim", "payment"]
    return [row for row in ROWS if one.applies(row) is True and two.applies(row) is True]


def program_with(folder: Path, one: str, two: str) -> Program:
    rules = "".join(
        f"  {name}: {{decision: payment, value: 1, when: '{when}'}}\n"
        for name, when in (("one", one), ("two", two))
    )
    return program_of(folder, f"provisions:\n{rules}")


@settings(max_examples=few(50, 2000))
@given(one=CONDITIONS, two=CONDITIONS)
def test_what_is_proved_disjoint_never_holds_together(folder: Path, one: str, two: str) -> None:
    program = program_with(folder, one, two)
    if not program.decision("claim", "payment").conflicts:
        assert both_hold(program) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("urgent", "not(urgent)"),
        ('care_type = "inpatient"', 'not(care_type in ("inpatient", "delivery"))'),
        ('care_type in ("inpatient", "outpatient")', 'care_type = "delivery"'),
        ("days < 2", "days >= 2"),
        ("days <= 2", "2 < days"),
        ("days < limit", "limit <= days"),
        ("days in [1..2)", "days between 2 and 3"),
        ("days = 2", "days in (1, 3)"),
        ("days = 2", "days != 2"),
        ("days in (1, 3)", "not(days in (1, 2, 3))"),
        ("days is unknown", "days = 2"),
        ('within(resident.insured_area, "31")', 'within(resident.insured_area, "11", "12")'),
        ('within(resident.insured_area, "31")', 'not(within(resident.insured_area, "31", "11"))'),
        ('resident.insured_area = "310101"', 'within(resident.insured_area, "11")'),
        ('service_date < date("2026-07-01")', 'service_date >= date("2026-07-01")'),
        ('urgent and (days < 2 or care_type = "delivery")', 'days > 2 and care_type = "inpatient"'),
        ("days * 2 <= 4", "days * 2 > 4"),
    ],
)
def test_what_rulebooks_write_is_proved_disjoint(folder: Path, one: str, two: str) -> None:
    assert program_with(folder, one, two).decision("claim", "payment").conflicts == ()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("urgent", "days < 2"),
        ("days <= 2", "days >= 2"),
        ("days != 2", "days > 1"),
        ("days < limit", "days < 3"),
    ],
)
def test_what_can_hold_together_is_watched(folder: Path, one: str, two: str) -> None:
    program = program_with(folder, one, two)
    assert program.decision("claim", "payment").conflicts == ((0, 1),)
    assert both_hold(program)
