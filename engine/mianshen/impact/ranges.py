"""Ranges of values: bounds of numbers and days, sets of answers, and operations on them.

In: what operands may be. Out: what the result may be. Invariant: a range holds every value that the operation can give;
it may hold more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, TypeAlias

from mianshen.program.core import Boolean, Code, Date, Numeric, Type
from mianshen.program.program import Program
from mianshen.values import ZERO

Ordered: TypeAlias = "Decimal | dt.date"
TRUTHS: Final = frozenset((True, False))


@dataclass(frozen=True, slots=True)
class Possible:
    """Numbers and days from `low` to `high`, or one of `values`, or (neither given) anything; `absent`: or not modelled.

    Nothing at all is possible where `values` is empty and it is not absent: every filling is an error then.
    """

    low: Ordered | None = None
    high: Ordered | None = None
    values: frozenset[object] | None = None
    absent: bool = False

    @property
    def bounds(self) -> tuple[Ordered, Ordered] | None:
        """The bounds, of something that has them."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def impossible(self) -> bool:
        """Whether it has no value."""
        return self.low is None and self.values is not None and not self.values


NONE: Final = Possible(values=frozenset())
ABSENT: Final = Possible(values=frozenset(), absent=True)
ANYTHING: Final = Possible()
EITHER: Final = Possible(values=TRUTHS)


def exactly(value: object) -> Possible:
    """One value."""
    if isinstance(value, Decimal | dt.date):
        return Possible(value, value)
    return Possible(values=frozenset((value,)))


def hull(parts: Iterable[Possible]) -> Possible:
    """What may be any of several."""
    listed = list(parts)
    absent = any(part.absent for part in listed)
    there = [part for part in listed if not part.impossible]
    if not there:
        return replace(NONE, absent=absent)
    bounds = [part.bounds for part in there]
    if all(pair is not None for pair in bounds):
        pairs = [pair for pair in bounds if pair is not None]
        return Possible(min(p[0] for p in pairs), max(p[1] for p in pairs), None, absent)
    if all(part.values is not None for part in there):
        values = frozenset(value for part in there for value in part.values or ())
        return Possible(values=values, absent=absent)
    return replace(ANYTHING, absent=absent)


def range_of(type_: Type, program: Program) -> Possible:
    """Everything that a type holds."""
    match type_:
        case Numeric(low=low, high=high):
            return Possible(low, high)
        case Boolean():
            return EITHER
        case Code(codes=codes):
            return Possible(values=frozenset(program.codes[codes].values))
        case Date():
            return Possible(dt.date.min, dt.date.max)
        case _:
            return ANYTHING


def within(part: Possible, whole: Possible) -> Possible:
    """What lies in a type's range; what leaves it is an error."""
    if part.bounds is None or whole.bounds is None:
        return part
    (a, b), (low, high) = part.bounds, whole.bounds
    return replace(part, low=max(a, low), high=min(b, high))


def compared(op: str, one: Possible, other: Possible) -> Possible:
    """Which answers a comparison may have."""
    if one.bounds is not None and other.bounds is not None:
        (a, b), (c, d) = one.bounds, other.bounds
        below, above = b < c, a > d  # type: ignore[operator]  # both are numbers, or both days
        touching = (b <= c, a >= d)  # type: ignore[operator]
        match op:
            case "eq" | "ne":
                if below or above:
                    return exactly(op == "ne")
                return exactly(op == "eq") if a == b == c == d else EITHER
            case "lt":
                return exactly(True) if below else exactly(False) if touching[1] else EITHER
            case "le":
                return exactly(True) if touching[0] else exactly(False) if above else EITHER
            case "gt":
                return exactly(True) if above else exactly(False) if touching[0] else EITHER
            case _:
                return exactly(True) if touching[1] else exactly(False) if below else EITHER
    if one.values is not None and other.values is not None and op in ("eq", "ne"):
        if not one.values & other.values:
            return exactly(op == "ne")
        if len(one.values) == len(other.values) == 1:
            return exactly(op == "eq")
    return EITHER


def arithmetic(op: str, bounds: Sequence[tuple[Decimal, Decimal]]) -> Possible:
    (a, b), *more = bounds
    match op:
        case "neg":
            return Possible(-b, -a)
        case "abs":
            return Possible(ZERO if a <= 0 <= b else min(abs(a), abs(b)), max(abs(a), abs(b)))
        case "min" | "max":
            pick = min if op == "min" else max
            return Possible(pick(low for low, _ in bounds), pick(high for _, high in bounds))
        case "add":
            return Possible(a + more[0][0], b + more[0][1])
        case "sub":
            return Possible(a - more[0][1], b - more[0][0])
        case _:
            products = [x * y for x in (a, b) for y in more[0]]
            return Possible(min(products), max(products))


def numbers(bounds: tuple[Ordered, Ordered]) -> tuple[Decimal, Decimal]:
    low, high = bounds
    assert isinstance(low, Decimal)
    assert isinstance(high, Decimal)
    return low, high
