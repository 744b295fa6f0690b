"""One expression changed in one place.

In: a core node. Out: each node that differs from it in one place, with what was changed into what.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import partial
from typing import Final, Literal, TypeAlias

from mianshen.closed_sets import AggregateKind, ChoicePolicy, PlaceLevel, RoundingMode
from mianshen.interpreter.formula import to_text
from mianshen.program import core
from mianshen.program.program import CodeList
from mianshen.values import EXACT, ZERO

Kind: TypeAlias = Literal[
    "figure", "comparison", "condition", "date", "rounding", "operation", "limit", "provision"
]
DAY: Final = dt.timedelta(days=1)
COMPARED: Final[dict[core.Operator, core.Operator]] = {
    "lt": "le", "le": "lt", "gt": "ge", "ge": "gt", "eq": "ne", "ne": "eq",
}  # fmt: skip
SWAPPED: Final[dict[core.Operator, core.Operator]] = {
    "and": "or", "or": "and", "add": "sub", "sub": "add", "min": "max", "max": "min",
}  # fmt: skip
ROUNDED: Final[dict[RoundingMode, tuple[RoundingMode, ...]]] = {
    "half_up": ("half_down", "down"), "half_down": ("half_up",), "half_even": ("half_up",), "up": ("down",),
    "down": ("up",), "floor": ("ceiling",), "ceiling": ("floor",),
}  # fmt: skip
AGGREGATED: Final[dict[AggregateKind, AggregateKind]] = {
    "sum": "max", "count": "sum", "min": "max", "max": "min", "some": "every", "every": "some",
    "first": "some",
}  # fmt: skip
CHOSEN: Final[dict[ChoicePolicy, ChoicePolicy]] = {
    "any": "first", "first": "any", "collect sum": "collect max", "collect max": "collect min",
    "collect min": "collect max", "collect count": "first",
}  # fmt: skip
LEVELS: Final[dict[PlaceLevel, PlaceLevel]] = {
    "county": "pooling area", "pooling area": "county", "named": "county",
}  # fmt: skip
MOST_VALUES: Final = 8  # of a set that are left out one at a time; of a longer one the first and the last


@dataclass(frozen=True, slots=True)
class Changed:
    """A node in place of another: `part` says which part, before and after."""

    node: core.Core
    kind: Kind
    before: str
    after: str


class Changes:
    """Every single change of expressions, over one program's code lists."""

    def __init__(self, codes: dict[str, CodeList]) -> None:
        self.codes = codes

    def of(self, node: core.Core, home: str) -> Iterator[Changed]:
        """The node changed in one place, itself or below."""
        for here, kind in self._here(node):
            before, after = to_text(node, home), to_text(here, home)
            if isinstance(node, core.Round) and isinstance(here, core.Round):
                before, after = f"{node.mode} ({before})", here.mode
            yield Changed(here, kind, before, after)
        yield from self._below(node, home)

    def _here(self, node: core.Core) -> Iterator[tuple[core.Core, Kind]]:
        match node:
            case core.Const():
                yield from self._constants(node)
            case core.Op():
                yield from self._operations(node)
            case core.InSet():
                yield from self._sets(node)
            case core.Within(arg=arg, prefixes=prefixes):
                for subset in _without_one(prefixes):
                    if subset:
                        yield core.Within(arg, subset), "condition"
            case core.SamePlace(level=level):
                yield replace(node, level=LEVELS[level]), "condition"
            case core.If(then=then, otherwise=otherwise):
                yield replace(node, then=otherwise, otherwise=then), "condition"
            case core.Round(mode=mode, numerator=top, denominator=bottom, digits=digits):
                exact = bottom is None and isinstance(top.type, core.Numeric) and top.type.scale <= digits
                if not exact:
                    yield from ((replace(node, mode=other), "rounding") for other in ROUNDED[mode])
            case core.IsKnown():
                yield core.Op("not", (node,), core.Boolean()), "condition"
            case core.Choice(policy=policy, rows=rows):
                if CHOSEN[policy] != "first" or policy == "any":
                    yield replace(node, policy=CHOSEN[policy]), "operation"
                if len(rows) > 1:
                    for number in range(len(rows)):
                        yield replace(node, rows=rows[:number] + rows[number + 1 :]), "condition"
            case core.Aggregate(kind=kind, where=where):
                if AGGREGATED[kind] != "sum":
                    yield replace(node, kind=AGGREGATED[kind]), "operation"
                if where is not None:
                    yield replace(node, where=None), "condition"
            case core.BenefitYear(date=date, start=(month, day)):
                later = dt.date(2000, month, day) + DAY
                yield core.BenefitYear(date, (later.month, later.day), node.type), "date"
            case core.YearToDate():
                yield core.Const(ZERO, core.Numeric(0, ZERO, ZERO)), "operation"
            case _:
                return

    def _sets(self, node: core.InSet) -> Iterator[tuple[core.Core, Kind]]:
        for subset in _without_one(node.values):
            yield (core.InSet(node.arg, subset) if subset else _FALSE), "condition"
        if isinstance(node.arg.type, core.Code):
            codes = self.codes[node.arg.type.codes].values
            other = next((code for code in codes if code not in node.values), None)
            if other is not None:
                yield core.InSet(node.arg, (*node.values, other)), "condition"

    def _constants(self, node: core.Const) -> Iterator[tuple[core.Core, Kind]]:
        match node.value:
            case bool():
                yield replace(node, value=not node.value), "condition"
            case Decimal() as number:
                for other in nearest_numbers(number):
                    yield core.Const(other, _of(other)), "figure"
            case dt.date() as day:
                yield core.Const(day + DAY, node.type), "date"
                yield core.Const(day - DAY, node.type), "date"
            case _:
                return

    def _operations(self, node: core.Op) -> Iterator[tuple[core.Core, Kind]]:
        if node.op in COMPARED:
            yield replace(node, op=COMPARED[node.op]), "comparison"
        elif node.op in SWAPPED:
            kind: Kind = "condition" if node.op in ("and", "or") else "operation"
            yield replace(node, op=SWAPPED[node.op]), kind
        match node:
            case core.Op(op="and" | "or", args=args) if len(args) > 1:
                for rest in _without_one(args):
                    yield (core.Op(node.op, rest, core.Boolean()) if len(rest) > 1 else rest[0]), "condition"
            case core.Op(op="not" | "neg" | "abs", args=(arg,)):
                yield arg, "condition" if node.op == "not" else "operation"
            case core.Op(op="mul", args=(left, _)):
                yield left, "operation"
            case _:
                return

    # -- below -------------------------------------------------------------------------------

    def _below(self, node: core.Core, home: str) -> Iterator[Changed]:
        """Each part of the node changed in turn, put back in its place."""
        if isinstance(node, core.Op) and node.op == "place_prefix":
            return
        match node:
            case core.Aggregate(child=row) | core.Earlier(entity=row):
                pass
            case _:
                row = home
        for name in (field.name for field in fields(node) if field.name not in ("same", "levels")):
            for part, put in _parts(getattr(node, name)):
                for changed in self.of(part, row):
                    yield replace(changed, node=replace(node, **{name: put(changed.node)}))  # type: ignore[arg-type]  # the field of that name


_FALSE: Final = core.Const(False, core.Boolean())


def nearest_numbers(number: Decimal) -> tuple[Decimal, Decimal]:
    """The numbers next above and below, by one in the last written decimal."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    step = Decimal(1).scaleb(min(0, exponent))
    return EXACT.add(number, step), EXACT.subtract(number, step)


def _of(number: Decimal) -> core.Numeric:
    exponent = number.as_tuple().exponent
    return core.Numeric(max(0, -exponent) if isinstance(exponent, int) else 0, number, number)


def _without_one(values: tuple[core.Core, ...] | tuple[object, ...]) -> Iterator[tuple]:  # type: ignore[type-arg]
    numbers = range(len(values)) if len(values) <= MOST_VALUES else (0, len(values) - 1)
    for number in numbers:
        yield values[:number] + values[number + 1 :]


def _parts(value: object) -> Iterator[tuple[core.Core, Callable[[core.Core], object]]]:
    """The nodes in a field of a node, each with what makes the field anew with another in its place."""
    if isinstance(value, core.Core):
        yield value, lambda new: new
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            for part, put in _parts(item):
                yield part, partial(_with, value, number, put)


def _with(
    items: tuple[object, ...], number: int, put: Callable[[core.Core], object], new: core.Core
) -> object:
    return (*items[:number], put(new), *items[number + 1 :])
