"""Operations on values that may be unknown or not modelled: Kleene logic, strict arithmetic.

In: functions of a row. Out: functions of a row. A not-modelled operand makes arithmetic not modelled,
for no fact can change that; an unknown one makes it unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from operator import add, eq, ge, gt, le, lt, mul, ne, sub
from typing import Any, Final, TypeAlias

from mianshen.interpreter.rows import Rejection, Row, RowError
from mianshen.program.core import Core, Op
from mianshen.source import Message
from mianshen.values import (
    NOT_MODELLED,
    ZERO,
    NotModelled,
    Unknown,
    Value,
    add_months,
    full_years,
    unknown_of,
)

Function: TypeAlias = Callable[[Row], Value]

PLAIN: Final[dict[str, Callable[..., Any]]] = {
    "neg": lambda a: -a, "abs": abs, "add": add, "sub": sub, "mul": mul,
    "eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge,
    "min": min, "max": max,
    "age": lambda born, on: Decimal(full_years(born, on)),
    "year": lambda d: Decimal(d.year), "month": lambda d: Decimal(d.month), "day": lambda d: Decimal(d.day),
    "days_between": lambda a, b: Decimal((b - a).days),
    "list_count": lambda items: Decimal(len(items)),
    "list_distinct": lambda items: Decimal(len(set(items))),
    "list_contains": lambda items, item: item in items,
}  # fmt: skip
DATED: Final[dict[str, Callable[..., dt.date]]] = {
    "add_months": lambda d, n: add_months(d, int(n)),
    "add_days": lambda d, n: d + dt.timedelta(days=int(n)),
}
OPEN: Final = frozenset((Unknown, NotModelled))  # the classes of what is not known


def strict(values: list[Value]) -> Value | None:
    """What strict operations give when not every operand is known; None when all are."""
    unsure = False
    for value in values:
        if value is NOT_MODELLED:
            return NOT_MODELLED
        if value.__class__ is Unknown:
            unsure = True
    return unknown_of(values) if unsure else None


def stop(reason: str, field: str, en: str, zh: str) -> RowError:
    return RowError(Rejection(reason, field, Message(zh=zh, en=en)))


def conjunction(parts: list[Function], row: Row) -> Value:
    """Kleene's and, left to right; not modelled where only that keeps it from being true."""
    unsure: list[Value] = []
    uncovered = False
    for part in parts:
        value = part(row)
        if value is False:
            return False
        if value is NOT_MODELLED:
            uncovered = True
        elif value is not True:
            unsure.append(value)
    if unsure:
        return unknown_of(unsure)
    return NOT_MODELLED if uncovered else True


def disjunction(parts: list[Function], row: Row) -> Value:
    """Kleene's or, left to right."""
    unsure: list[Value] = []
    uncovered = False
    for part in parts:
        value = part(row)
        if value is True:
            return True
        if value is NOT_MODELLED:
            uncovered = True
        elif value is not False:
            unsure.append(value)
    if unsure:
        return unknown_of(unsure)
    return NOT_MODELLED if uncovered else False


def apply(function: Callable[..., Any], args: list[Function]) -> Function:
    """A strict operation."""
    if len(args) == 1:
        (one,) = args

        def unary(row: Row) -> Value:
            a = one(row)
            return a if a.__class__ in OPEN else function(a)

        return unary
    if len(args) == 2:
        first, second = args

        def binary(row: Row) -> Value:
            a, b = first(row), second(row)
            if a.__class__ in OPEN or b.__class__ in OPEN:
                return strict([a, b])  # type: ignore[return-value]  # one of them is not known
            return function(a, b)  # type: ignore[no-any-return]

        return binary

    def many(row: Row) -> Value:
        values = [arg(row) for arg in args]
        blocked = strict(values)
        return function(*values) if blocked is None else blocked

    return many


def with_constant(function: Callable[..., Any], arg: Function, constant: Any) -> Function:
    """A strict operation whose second operand is a literal."""

    def evaluate(row: Row) -> Value:
        value = arg(row)
        return value if value.__class__ in OPEN else function(value, constant)

    return evaluate


def shift(function: Callable[..., dt.date], args: list[Function]) -> Function:
    def guarded(day: dt.date, count: Decimal) -> dt.date:
        try:
            return function(day, count)
        except OverflowError:
            raise stop(
                "overflow", "", "a date outside the years 1 to 9999", "日期超出 1 至 9999 年"
            ) from None

    return apply(guarded, args)


def in_set(arg: Function, values: frozenset[Any]) -> Function:
    def evaluate(row: Row) -> Value:
        value = arg(row)
        return value if value.__class__ in OPEN else value in values

    return evaluate


def within(arg: Function, prefixes: tuple[str, ...]) -> Function:
    def evaluate(row: Row) -> Value:
        value = arg(row)
        return value if value.__class__ in OPEN else value.startswith(prefixes)  # type: ignore[union-attr]

    return evaluate


def negation(value: Value) -> Value:
    return value if value.__class__ in OPEN else not value


def terms_of(node: Core) -> tuple[list[Core], list[Core]]:
    """What a sum adds and what it takes away, sums within it taken apart."""
    match node:
        case Op(op="add" | "sub", args=(left, right)):
            added, taken = terms_of(left)
            more, less = terms_of(right)
            return (added + more, taken + less) if node.op == "add" else (added + less, taken + more)
        case _:
            return [node], []


def balance(added: list[Function], taken: list[Function]) -> Function:
    """What is added less what is taken away; exact, so that the order makes no difference."""

    def evaluate(row: Row) -> Value:
        total: Any = ZERO
        for index, term in enumerate(added):
            value = term(row)
            if value.__class__ in OPEN:
                return rest(value, [*added[index + 1 :], *taken], row)
            total += value
        for index, term in enumerate(taken):
            value = term(row)
            if value.__class__ in OPEN:
                return rest(value, taken[index + 1 :], row)
            total -= value
        return total  # type: ignore[no-any-return]

    def rest(value: Value, left: list[Function], row: Row) -> Value:
        return strict([value, *(term(row) for term in left)])  # type: ignore[return-value]  # one is not known

    return evaluate
