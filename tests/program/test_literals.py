"""Literals are read exactly or not at all."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mianshen.program.core import Boolean, Code, Date, Listing, Numeric, String, Type
from mianshen.program.literals import read, read_number
from mianshen.program.program import CodeList
from mianshen.source import Message
from mianshen.values import Known

WIDE = Decimal(10) ** 15
MONEY, RATE, WHOLE = (Numeric(scale, -WIDE, WIDE) for scale in (2, 6, 0))
TITLE = Message("甲", "a")
CODES = {"x": CodeList("x", TITLE, {"a": TITLE}, {"a": "a", "甲": "a"})}


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("12", MONEY, Decimal("12.00")), ("12.5", MONEY, Decimal("12.50")), ("12.500", MONEY, Decimal("12.50")),
        ("-.5", MONEY, Decimal("-0.50")), ("+7.", MONEY, Decimal("7.00")), ("12.505", MONEY, None), ("1,000", MONEY, None),
        ("1e3", MONEY, None), ("１２", MONEY, None), ("", MONEY, None),
        ("NaN", MONEY, None), ("Infinity", MONEY, None),
        ("999999999999999.99", MONEY, Decimal("999999999999999.99")), ("1000000000000000", MONEY, None),
        ("75%", RATE, Decimal("0.750000")), ("33.3333%", RATE, Decimal("0.333333")), ("0.0001%", RATE, Decimal("0.000001")),
        ("0.00001%", RATE, None), ("123456789012345.99999999999999999999%", RATE, None), ("5%%", RATE, None),
        ("3.0", WHOLE, Decimal(3)), ("3.5", WHOLE, None),
        ("true", Boolean(), True), ("False", Boolean(), False), ("是", Boolean(), True), ("yes", Boolean(), None),
        ("1", Boolean(), None),
        ("2024-02-29", Date(), dt.date(2024, 2, 29)), ("2026-02-29", Date(), None), ("2026-2-1", Date(), None),
        ("0000-01-01", Date(), None),
        ("a", Code("x"), "a"), ("甲", Code("x"), "a"), ("b", Code("x"), None),
        ("31", String(area=True), "31"), ("310113", String(area=True), "310113"), ("313", String(area=True), None),
        ("31a", String(area=True), None),
        ("anything", String(), "anything"),
        ("a; 甲", Listing(Code("x")), ("a", "a")), ("", Listing(Code("x")), ()), ("a; b", Listing(Code("x")), None),
    ],
)  # fmt: skip
def test_a_text_is_the_value_it_spells_or_none(text: str, type_: Type, value: Known | None) -> None:
    assert read(text, type_, CODES) == value


@given(value=st.decimals(-(10**14), 10**14, places=2))
def test_money_read_is_the_number_written(value: Decimal) -> None:
    assert read(f"{value:f}", MONEY) == value


@given(text=st.text(max_size=12))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    for type_ in (MONEY, RATE, WHOLE, Boolean(), Date(), Code("x"), String(area=True), Listing(Code("x"))):
        read(text, type_, CODES)
    assert read_number(text, percent=True) is None or set(text) <= set("+-.%0123456789")
