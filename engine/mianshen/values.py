"""What rules compute with: exact decimals, dates, unknown and not modelled. No I/O.

Invariants: no float; `Unknown` says which facts are missing; `NOT_MODELLED` says that no rule
covers the case; rounding happens here and nowhere else in Python (the SQL room states the same
definitions for its dialects, and a test holds the two together).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Final, NamedTuple, TypeAlias

from mianshen.closed_sets import RoundingMode

MAX_DIGITS: Final = 38
EXACT: Final = Context(prec=120, traps=[Inexact, InvalidOperation, Overflow])
ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


class Missing(NamedTuple):
    """A fact that is not known (`name`) on one row, or a parameter without a value (`parameter X`)."""

    name: str
    entity: str = ""
    key: str = ""


@dataclass(slots=True, unsafe_hash=True)
class Unknown:
    """A value that cannot be told, and the facts that would tell it.

    Never changed once made; not `frozen`, for that doubles what making one costs, and a check makes dozens.
    """

    missing: frozenset[Missing] = field(default=frozenset())

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false")


NOTHING_MISSING: Final = Unknown()  # of which no fact would tell more


class NotModelled:
    """No rule covers the case. One instance: `NOT_MODELLED`."""

    __slots__ = ()

    def __bool__(self) -> bool:
        raise TypeError("a value that no rule gives is neither true nor false")

    def __repr__(self) -> str:
        return "NOT_MODELLED"

    def __reduce__(self) -> str:
        return "NOT_MODELLED"


NOT_MODELLED: Final = NotModelled()

Known: TypeAlias = Decimal | bool | str | dt.date | tuple[str, ...]
Value: TypeAlias = Known | Unknown | NotModelled


def unknown_of(values: Iterable[object]) -> Unknown:
    """The unknown that rests on every unknown among `values`."""
    first: Unknown | None = None
    others: list[Unknown] = []
    for value in values:
        if value.__class__ is Unknown and value is not first:
            unknown: Unknown = value
            if first is None:
                first = unknown
            else:
                others.append(unknown)
    if first is None:
        return NOTHING_MISSING
    return Unknown(first.missing.union(*[other.missing for other in others])) if others else first


def round_decimal(value: Decimal, digits: int, mode: RoundingMode) -> Decimal:
    """`value` to `digits` decimals.

    >>> round_decimal(Decimal("2842.605"), 2, "half_up")
    Decimal('2842.61')
    >>> round_decimal(Decimal("-0.5"), 0, "half_up")
    Decimal('-1')
    """
    return round_quotient(value, ONE, digits, mode)


_DECIMAL_MODE: Final = {
    "half_up": "ROUND_HALF_UP",
    "half_down": "ROUND_HALF_DOWN",
    "half_even": "ROUND_HALF_EVEN",
    "up": "ROUND_UP",
    "down": "ROUND_DOWN",
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
}
_QUANTA: Final = tuple(Decimal(1).scaleb(-n) for n in range(MAX_DIGITS + 1))
_ROUNDING: Final = Context(prec=120, traps=[InvalidOperation, Overflow])


def round_quotient(numerator: Decimal, denominator: Decimal, digits: int, mode: RoundingMode) -> Decimal:
    """`numerator / denominator` to `digits` decimals, as one operation on the exact rational.

    Raises ZeroDivisionError when the denominator is zero.

    >>> round_quotient(Decimal("9876.54") * 158, Decimal(30), 2, "half_up")
    Decimal('52016.44')
    >>> round_quotient(Decimal(-7), Decimal(2), 0, "floor")
    Decimal('-4')
    """
    if denominator == 1:
        return numerator.quantize(_QUANTA[digits], _DECIMAL_MODE[mode], _ROUNDING)
    if not denominator:
        raise ZeroDivisionError
    if not numerator:
        return _QUANTA[digits] * 0
    scale = max(_scale(numerator), _scale(denominator))
    top = int(numerator.scaleb(scale + digits, EXACT))
    bottom = int(denominator.scaleb(scale, EXACT))
    return Decimal(_integer_quotient(top, bottom, mode)).scaleb(-digits, EXACT)


def _integer_quotient(top: int, bottom: int, mode: RoundingMode) -> int:
    sign = -1 if (top < 0) != (bottom < 0) else 1
    whole, rest = divmod(abs(top), abs(bottom))
    twice, size = 2 * rest, abs(bottom)
    match mode:
        case "half_up":
            away = twice >= size
        case "half_down":
            away = twice > size
        case "half_even":
            away = twice > size or (twice == size and whole % 2 == 1)
        case "up":
            away = rest > 0
        case "down":
            away = False
        case "floor":
            away = rest > 0 and sign < 0
        case "ceiling":
            away = rest > 0 and sign > 0
    return sign * (whole + away)


def _scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)  # finite decimals only
    return max(0, -exponent)


def fits(value: Decimal) -> bool:
    """Whether a number has at most `MAX_DIGITS` digits, before and after the point together."""
    return max(value.adjusted() + 1, 0) + _scale(value) <= MAX_DIGITS


def full_years(born: dt.date, on: dt.date) -> int:
    """Age in full years; one born on 29 February has a birthday on 1 March of a common year.

    >>> full_years(dt.date(2004, 2, 29), dt.date(2026, 2, 28))
    21
    >>> full_years(dt.date(2004, 2, 29), dt.date(2026, 3, 1))
    22
    """
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day `months` later, or the last day of a shorter month.

    Raises OverflowError outside the years 1 to 9999.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("a date outside the years 1 to 9999")
    return dt.date(year, month + 1, min(day.day, days_in_month(year, month + 1)))


def days_in_month(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def benefit_year(day: dt.date, start: tuple[int, int]) -> int:
    """The calendar year in which the benefit year that holds `day` began; `start` is (month, day).

    >>> benefit_year(dt.date(2026, 6, 30), (7, 1))
    2025
    """
    return day.year - ((day.month, day.day) < start)


def as_text(value: Known, between: str = ", ") -> str:
    """A value as data has it; the parts of a list with `between` between them.

    >>> as_text(True), as_text(Decimal("1.50")), as_text(dt.date(2026, 1, 31)), as_text(("a", "b"))
    ('true', '1.50', '2026-01-31', 'a, b')
    """
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case dt.date():
            return value.isoformat()
        case tuple():
            return between.join(map(str, value))
        case str():
            return value


def as_money(value: Decimal) -> str:
    """Two decimals, as contracts want it.

    >>> as_money(Decimal("380"))
    '380.00'
    """
    return f"{value:.2f}"
