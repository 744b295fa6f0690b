"""One table of operators and functions: what each takes and gives. `tests/backends/test_total.py` holds all to it.

In: argument types. Out: the result's type, its range computed so that precision is known before
anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Final, TypeAlias

from mianshen.closed_sets import RoundingMode
from mianshen.program import calendar
from mianshen.program.core import Boolean, Date, Numeric, Operator, Type
from mianshen.values import EXACT, Known, Unknown

Rule: TypeAlias = Callable[[Numeric, Numeric], Numeric]

INTEGER: Final = Numeric(0, Decimal(0), Decimal(10**9))
COUNT_LIMIT: Final = 10**6  # children one row may have: a person's claims, a household's members


def _corners(left: Numeric, right: Numeric) -> list[Decimal]:
    return [EXACT.multiply(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]


def _add(a: Numeric, b: Numeric) -> Numeric:
    return Numeric(max(a.scale, b.scale), EXACT.add(a.low, b.low), EXACT.add(a.high, b.high))


def _sub(a: Numeric, b: Numeric) -> Numeric:
    return Numeric(max(a.scale, b.scale), EXACT.subtract(a.low, b.high), EXACT.subtract(a.high, b.low))


def _mul(a: Numeric, b: Numeric) -> Numeric:
    corners = _corners(a, b)
    return Numeric(a.scale + b.scale, min(corners), max(corners))


def _min(a: Numeric, b: Numeric) -> Numeric:
    return Numeric(max(a.scale, b.scale), min(a.low, b.low), min(a.high, b.high))


def _max(a: Numeric, b: Numeric) -> Numeric:
    return Numeric(max(a.scale, b.scale), max(a.low, b.low), max(a.high, b.high))


def either(a: Numeric, b: Numeric) -> Numeric:
    """The type that holds the values of both."""
    return Numeric(max(a.scale, b.scale), min(a.low, b.low), max(a.high, b.high))


ARITHMETIC: Final[Mapping[Operator, Rule]] = {
    "add": _add, "sub": _sub, "mul": _mul, "min": _min, "max": _max,
}  # fmt: skip

COMPARISONS: Final[Mapping[str, Operator]] = {
    "=": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
}

ROUNDINGS: Final[Mapping[str, RoundingMode]] = {
    "round half up": "half_up",
    "round half down": "half_down",
    "round half even": "half_even",
    "round up": "up",
    "round down": "down",
    "decimal": "half_even",
    "floor": "floor",
    "ceiling": "ceiling",
}

# Functions of fixed parameters: name to (operator, parameter kinds, result type).
FUNCTIONS: Final[Mapping[str, tuple[Operator, tuple[str, ...], Type]]] = {
    "age on": ("age", ("date", "date"), Numeric(0, Decimal(-9999), Decimal(9999))),
    "days between": ("days_between", ("date", "date"), Numeric(0, Decimal(-3660000), Decimal(3660000))),
    "working day": ("working_day", ("date",), Boolean()),
    "add working days": ("add_working_days", ("date", "integer"), Date()),
    "working day of month": ("working_day_of_month", ("date", "integer"), Date()),
    "working days between": (
        "working_days_between",
        ("date", "date"),
        Numeric(0, Decimal(-99999), Decimal(99999)),
    ),
}
# Those that ask the working-day calendar, and what each means; what leaves it is unknown.
CALENDAR: Final[Mapping[Operator, Callable[..., Known | Unknown]]] = {
    "working_day": calendar.working_day,
    "add_working_days": calendar.add_working_days,
    "working_day_of_month": calendar.working_day_of_month,
    "working_days_between": calendar.working_days_between,
}
DATE_PARTS: Final[Mapping[str, tuple[Operator, Numeric]]] = {
    "year": ("year", Numeric(0, Decimal(1), Decimal(9999))),
    "month": ("month", Numeric(0, Decimal(1), Decimal(12))),
    "day": ("day", Numeric(0, Decimal(1), Decimal(31))),
}
AGGREGATES: Final = ("sum", "count", "min", "max")
ALL_FUNCTIONS: Final = (
    *AGGREGATES, "abs", *ROUNDINGS, *FUNCTIONS, "marginal", "inverse marginal", "within",
    "same pooling area", "same city", "same province", "pooling area", "paid layers", "previous", "sharing", "days", "months",
    "first", "years", "months between", "years between", "years and months duration", "days of overlap", "benefit year",
    "year to date",
    "contains", "distinct count", "not", "date", "duration", "is", "modulo", "odd", "even", "before", "after", "meets", "met by",
    "overlaps", "overlaps before", "overlaps after", "finishes", "finished by", "includes", "during", "starts", "started by",
    "coincides", "append", "concatenate", "union", "distinct values", "reverse", "flatten", "sublist", "insert before",
    "remove", "index of", "split", "mean", "median", "product", "all", "any", "list contains", "string join", "string length",
    "upper case", "lower case", "substring", "substring before", "substring after", "starts with", "ends with", "string",
    "number", "day of week", "month of year", "day of year", "instance of",
)  # fmt: skip

_WIDE: Final = Context(prec=120)
_CLAMP: Final = Decimal(10**15)
BOOLEAN: Final = Boolean()
DATE: Final = Date()


def negated(a: Numeric) -> Numeric:
    return Numeric(a.scale, -a.high, -a.low)


def absolute(a: Numeric) -> Numeric:
    low = Decimal(0) if a.low <= 0 <= a.high else min(abs(a.low), abs(a.high))
    return Numeric(a.scale, low, max(abs(a.low), abs(a.high)))


def rounded(top: Numeric, bottom: Numeric | None, digits: int) -> Numeric:
    """The type of a rounded quotient; a divisor is at least its own last decimal away from zero."""
    size = max(abs(top.low), abs(top.high))
    nonnegative = top.low >= 0
    if bottom is not None:
        least = bottom.low if bottom.low > 0 else Decimal(1).scaleb(-bottom.scale)
        size = _WIDE.divide(size, least)
        nonnegative = nonnegative and bottom.low >= 0
    size = Decimal(int(size) + 1)
    exact = bottom is None and top.scale <= digits
    if exact:
        return Numeric(top.scale, top.low, top.high)
    return Numeric(digits, Decimal(0) if nonnegative else -size, size)


def totalled(item: Numeric, most: int = COUNT_LIMIT) -> Numeric:
    """The type of a sum of up to `most` values."""
    low, high = EXACT.multiply(item.low, most), EXACT.multiply(item.high, most)
    return Numeric(item.scale, min(Decimal(0), low), max(Decimal(0), high))


def clamped(wide: Numeric) -> Numeric:
    """A type too wide to reckon with, cut so that it can be: for finding the order only."""
    low = min(max(wide.low, -_CLAMP), Decimal(0))
    return Numeric(min(wide.scale, 6), low, max(min(wide.high, _CLAMP), Decimal(0)))
