"""Literals as people write them, read exactly: numbers, money, rates, dates, codes, areas.

In: the text of one value and its type. Out: the value, or None when the text is no such value.
The same grammar serves the rulebook, cases and records; the batch room states it again in SQL and a
test compares the two on generated text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Final

from mianshen.places import read_place
from mianshen.program.core import Boolean, Code, Date, Duration, Listing, Numeric, String, Type
from mianshen.program.program import CodeList
from mianshen.values import EXACT, Known

MONEY: Final = Numeric(2, Decimal("-9999999999999999.99"), Decimal("9999999999999999.99"))
MONEY_FACT: Final = Numeric(2, Decimal("-99999999999999.99"), Decimal("99999999999999.99"))
WRITTEN: Final[dict[str, Type]] = {
    "text": String(),
    "boolean": Boolean(),
    "integer": Numeric(0, Decimal(-(10**15)), Decimal(10**15)),
    "number": Numeric(6, Decimal(-(10**18)), Decimal(10**18)),
    "money": MONEY,
    "rate": Numeric(6, Decimal(-(10**6)), Decimal(10**6)),
    "date": Date(),
    "area": String(area=True),
}
NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})", re.ASCII)
DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
LARGEST: Final = Decimal(10) ** 15  # what no number may reach
_SETTLING: Final = Context(prec=60)  # more digits than NUMBER lets in
TRUTH: Final = {"true": True, "false": False, "是": True, "否": False}


def read_number(text: str, percent: bool = False) -> Decimal | None:
    """An exact decimal; with `percent`, `75%` is 0.75."""
    if percent and text.endswith("%"):
        whole = read_number(text[:-1])
        return None if whole is None else whole.scaleb(-2, EXACT)
    return Decimal(text) if NUMBER.fullmatch(text) else None


def read_date(text: str) -> dt.date | None:
    """An ISO date, `2026-01-31`."""
    match = DAY.fullmatch(text)
    if match is None:
        return None
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def read(
    text: str, type_: Type, codes: Mapping[str, CodeList] | None = None, scale: int | None = None
) -> Known | None:
    """The value `text` spells; numbers keep at most the type's decimals (trailing zeros aside)."""
    match type_:
        case Numeric():
            number = read_number(text, percent=True)
            return None if number is None else settle(number, type_.scale if scale is None else scale)
        case Boolean():
            return TRUTH.get(text.lower())
        case Date():
            return read_date(text)
        case Code(codes=name):
            return (codes or {})[name].spellings.get(text)
        case String(area=True):
            return read_place(text)
        case String():
            return text
        case Duration():
            return None
        case Listing(item=item):
            parts = [read(part.strip(), item, codes) for part in text.split(";") if part.strip()]
            return None if any(part is None for part in parts) else tuple(str(part) for part in parts)


def settle(number: Decimal, scale: int) -> Decimal | None:
    """The number with exactly `scale` decimals; None when it has more, zeros aside, or is too large."""
    if abs(number) >= LARGEST:
        return None
    fixed = number.quantize(Decimal(1).scaleb(-scale), context=_SETTLING)
    if fixed != number:
        return None
    return fixed or fixed.copy_abs()  # -0 is 0
