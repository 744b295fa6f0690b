"""Operations on values, and what becomes of them where values are unknown or not modelled.

In: values. Out: a value. Kleene logic, strict arithmetic: a not-modelled operand makes arithmetic not
modelled, for no fact can change that; an unknown one makes it unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from mianshen.closed_sets import RoundingMode
from mianshen.interpreter.rows import Rejection, Row, RowError
from mianshen.program.core import Core, Op
from mianshen.source import Message
from mianshen.values import (
    NOT_MODELLED,
    Missing,
    NotModelled,
    Unknown,
    Value,
    add_months,
    full_years,
    round_quotient,
    unknown_of,
)

Function: TypeAlias = Callable[[Row], Value]

INFIX: Final[dict[str, str]] = {
    "mul": "*", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
}  # fmt: skip
CALLED: Final[dict[str, Callable[..., Any]]] = {
    "abs": abs, "min": min, "max": max,
    "age": lambda born, on: Decimal(full_years(born, on)),
    "days_between": lambda a, b: Decimal((b - a).days),
    "add_months": lambda d, n: _shifted(lambda: add_months(d, int(n))),
    "add_days": lambda d, n: _shifted(lambda: d + dt.timedelta(days=int(n))),
    "list_count": lambda items: Decimal(len(items)),
    "list_distinct": lambda items: Decimal(len(set(items))),
    "list_contains": lambda items, item: item in items,
}  # fmt: skip
OPEN: Final = frozenset((Unknown, NotModelled))  # the classes of what is not known


def strict(values: Sequence[Value]) -> Value | None:
    """What strict operations give when not every operand is known; None when all are."""
    unsure = False
    for value in values:
        if value is NOT_MODELLED:
            return NOT_MODELLED
        if value.__class__ is Unknown:
            unsure = True
    return unknown_of(values) if unsure else None


def missing_figure(name: str) -> Unknown:
    """The unknown that a figure without a value is."""
    return Unknown(frozenset((Missing(f"parameter {name}"),)))


def stop(reason: str, field: str, en: str, zh: str) -> RowError:
    return RowError(Rejection(reason, field, Message(zh=zh, en=en)))


def conjoined(values: Iterable[Value]) -> Value:
    """Kleene's and of values none of which is false."""
    open_ = [value for value in values if value is not True]
    unsure = [value for value in open_ if value is not NOT_MODELLED]
    return unknown_of(unsure) if unsure else NOT_MODELLED if open_ else True


def disjoined(values: Iterable[Value]) -> Value:
    """Kleene's or of values none of which is true."""
    open_ = [value for value in values if value is not False]
    unsure = [value for value in open_ if value is not NOT_MODELLED]
    return unknown_of(unsure) if unsure else NOT_MODELLED if open_ else False


def undecided(truth: Value, branches: Any, row: Row) -> Value:
    """The value when a condition is not known: unknown, resting on it and on what may follow."""
    if truth is NOT_MODELLED:
        return NOT_MODELLED
    gathered: list[Value] = [truth]
    for branch in branches:
        try:
            gathered.append(branch(row))
        except RowError:
            continue
    return unknown_of(gathered)


def quotient(top: Decimal, bottom: Decimal, digits: int, mode: RoundingMode) -> Decimal:
    """The quotient, rounded as one operation on the exact rational."""
    if not bottom:
        raise stop("division_by_zero", "", "division by zero", "除数为零")
    return round_quotient(top, bottom, digits, mode)


def _shifted(shift: Callable[[], dt.date]) -> dt.date:
    try:
        return shift()
    except OverflowError:
        raise stop("overflow", "", "a date outside the years 1 to 9999", "日期超出 1 至 9999 年") from None


def terms_of(node: Core) -> tuple[list[Core], list[Core]]:
    """What a sum adds and what it takes away, sums within it taken apart."""
    match node:
        case Op(op="add" | "sub", args=(one, other)):
            added, taken = terms_of(one)
            more, less = terms_of(other)
            return (added + more, taken + less) if node.op == "add" else (added + less, taken + more)
        case _:
            return [node], []
