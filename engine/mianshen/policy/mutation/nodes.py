"""One expression changed in one place.

In: a core node. Out: each node that differs from it in one place, with what was changed into what.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from mianshen.closed_sets import AggregateKind, ChoicePolicy, PlaceLevel, RoundingMode
from mianshen.interpreter.formula import to_text
from mianshen.program.core import (
    Aggregate,
    BenefitYear,
    Boolean,
    Choice,
    Code,
    Const,
    Core,
    Earlier,
    FigureAt,
    If,
    InForce,
    InSet,
    IsKnown,
    Marginal,
    Numeric,
    Op,
    Operator,
    Round,
    SamePlace,
    Within,
    YearToDate,
)
from mianshen.program.program import CodeList
from mianshen.values import EXACT, ZERO

Kind: TypeAlias = Literal[
    "figure", "comparison", "condition", "date", "rounding", "operation", "limit", "provision"
]
DAY: Final = dt.timedelta(days=1)
COMPARED: Final[dict[Operator, Operator]] = {
    "lt": "le", "le": "lt", "gt": "ge", "ge": "gt", "eq": "ne", "ne": "eq",
}  # fmt: skip
SWAPPED: Final[dict[Operator, Operator]] = {
    "and": "or", "or": "and", "add": "sub", "sub": "add", "min": "max", "max": "min",
}  # fmt: skip
ROUNDED: Final[dict[RoundingMode, tuple[RoundingMode, ...]]] = {
    "half_up": ("half_down", "down"), "half_down": ("half_up",), "half_even": ("half_up",), "up": ("down",),
    "down": ("up",), "floor": ("ceiling",), "ceiling": ("floor",),
}  # fmt: skip
AGGREGATED: Final[dict[AggregateKind, AggregateKind]] = {
    "sum": "max", "count": "sum", "min": "max", "max": "min", "some": "every", "every": "some",
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

    node: Core
    kind: Kind
    before: str
    after: str


class Changes:
    """Every single change of expressions, over one program's code lists."""

    def __init__(self, codes: dict[str, CodeList]) -> None:
        self.codes = codes

    def of(self, node: Core, home: str) -> Iterator[Changed]:
        """The node changed in one place, itself or below."""
        for here, kind in self._here(node):
            before, after = to_text(node, home), to_text(here, home)
            if isinstance(node, Round) and isinstance(here, Round):
                before, after = f"{node.mode} ({before})", here.mode
            yield Changed(here, kind, before, after)
        yield from self._below(node, home)

    def _here(self, node: Core) -> Iterator[tuple[Core, Kind]]:
        match node:
            case Const():
                yield from self._constants(node)
            case Op():
                yield from self._operations(node)
            case InSet(arg=arg, values=values):
                for subset in _without_one(values):
                    yield (InSet(arg, subset) if subset else _FALSE), "condition"
                if isinstance(arg.type, Code):
                    other = next((c for c in self.codes[arg.type.codes].values if c not in values), None)
                    if other is not None:
                        yield InSet(arg, (*values, other)), "condition"
            case Within(arg=arg, prefixes=prefixes):
                for subset in _without_one(prefixes):
                    if subset:
                        yield Within(arg, subset), "condition"
            case SamePlace(level=level):
                yield replace(node, level=LEVELS[level]), "condition"
            case If(then=then, otherwise=otherwise):
                yield replace(node, then=otherwise, otherwise=then), "condition"
            case Round(mode=mode, numerator=top, denominator=bottom, digits=digits):
                exact = bottom is None and isinstance(top.type, Numeric) and top.type.scale <= digits
                if not exact:
                    yield from ((replace(node, mode=other), "rounding") for other in ROUNDED[mode])
            case IsKnown():
                yield Op("not", (node,), Boolean()), "condition"
            case Choice(policy=policy, rows=rows):
                if CHOSEN[policy] != "first" or policy == "any":
                    yield replace(node, policy=CHOSEN[policy]), "operation"
                if len(rows) > 1:
                    for number in range(len(rows)):
                        yield replace(node, rows=rows[:number] + rows[number + 1 :]), "condition"
            case Aggregate(kind=kind, where=where):
                if AGGREGATED[kind] != "sum":
                    yield replace(node, kind=AGGREGATED[kind]), "operation"
                if where is not None:
                    yield replace(node, where=None), "condition"
            case BenefitYear(date=date, start=(month, day)):
                later = dt.date(2000, month, day) + DAY
                yield BenefitYear(date, (later.month, later.day), node.type), "date"
            case YearToDate():
                yield Const(ZERO, Numeric(0, ZERO, ZERO)), "operation"
            case _:
                return

    def _constants(self, node: Const) -> Iterator[tuple[Core, Kind]]:
        match node.value:
            case bool():
                yield replace(node, value=not node.value), "condition"
            case Decimal() as number:
                for other in nearest_numbers(number):
                    yield Const(other, _of(other)), "figure"
            case dt.date() as day:
                yield Const(day + DAY, node.type), "date"
                yield Const(day - DAY, node.type), "date"
            case _:
                return

    def _operations(self, node: Op) -> Iterator[tuple[Core, Kind]]:
        if node.op in COMPARED:
            yield replace(node, op=COMPARED[node.op]), "comparison"
        elif node.op in SWAPPED:
            kind: Kind = "condition" if node.op in ("and", "or") else "operation"
            yield replace(node, op=SWAPPED[node.op]), kind
        match node:
            case Op(op="and" | "or", args=args) if len(args) > 1:
                for rest in _without_one(args):
                    yield (Op(node.op, rest, Boolean()) if len(rest) > 1 else rest[0]), "condition"
            case Op(op="not" | "neg" | "abs", args=(arg,)):
                yield arg, "condition" if node.op == "not" else "operation"
            case Op(op="mul", args=(left, _)):
                yield left, "operation"
            case _:
                return

    # -- below -------------------------------------------------------------------------------

    def _below(self, node: Core, home: str) -> Iterator[Changed]:
        """Each part of the node changed in turn, put back in its place."""
        match node:
            case Op(op="place_prefix"):
                return
            case Op(args=args):
                for number, arg in enumerate(args):
                    yield from self._put(
                        arg, home, lambda new, n=number: replace(node, args=_with(node.args, n, new))
                    )
            case InSet(arg=arg) | Within(arg=arg) | IsKnown(arg=arg):
                yield from self._put(arg, home, lambda new: replace(node, arg=new))
            case If(condition=condition, then=then, otherwise=otherwise):
                yield from self._put(condition, home, lambda new: replace(node, condition=new))
                yield from self._put(then, home, lambda new: replace(node, then=new))
                yield from self._put(otherwise, home, lambda new: replace(node, otherwise=new))
            case Round(numerator=top, denominator=bottom):
                yield from self._put(top, home, lambda new: replace(node, numerator=new))
                if bottom is not None:
                    yield from self._put(bottom, home, lambda new: replace(node, denominator=new))
            case Marginal(base=base):
                yield from self._put(base, home, lambda new: replace(node, base=new))
                for part in ("start", "points", "date"):
                    if (inner := getattr(node, part)) is not None:
                        yield from self._put(inner, home, lambda new, p=part: replace(node, **{p: new}))
            case BenefitYear(date=date) | FigureAt(date=date):
                yield from self._put(date, home, lambda new: replace(node, date=new))
            case Choice(rows=rows):
                for number, (condition, value) in enumerate(rows):
                    yield from self._put(
                        condition, home,
                        lambda new, n=number, v=value: replace(node, rows=_with(node.rows, n, (new, v))),
                    )  # fmt: skip
                    yield from self._put(
                        value, home,
                        lambda new, n=number, c=condition: replace(node, rows=_with(node.rows, n, (c, new))),
                    )  # fmt: skip
            case Aggregate(child=child, where=where, body=body):
                if where is not None:
                    yield from self._put(where, child, lambda new: replace(node, where=new))
                if body is not None:
                    yield from self._put(body, child, lambda new: replace(node, body=new))
            case Earlier(entity=entity, where=where, body=body):
                if where is not None:
                    yield from self._put(where, entity, lambda new: replace(node, where=new))
                if body is not None:
                    yield from self._put(body, entity, lambda new: replace(node, body=new))
            case InForce(cases=cases):
                for number, case in enumerate(cases):
                    yield from self._put(
                        case, home, lambda new, n=number: replace(node, cases=_with(node.cases, n, new))
                    )
            case _:
                return

    def _put(self, part: Core, home: str, back: object) -> Iterator[Changed]:
        for changed in self.of(part, home):
            yield replace(changed, node=back(changed.node))  # type: ignore[operator]  # a function


_FALSE: Final = Const(False, Boolean())


def nearest_numbers(number: Decimal) -> tuple[Decimal, Decimal]:
    """The numbers next above and below, by one in the last written decimal."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    step = Decimal(1).scaleb(min(0, exponent))
    return EXACT.add(number, step), EXACT.subtract(number, step)


def _of(number: Decimal) -> Numeric:
    exponent = number.as_tuple().exponent
    return Numeric(max(0, -exponent) if isinstance(exponent, int) else 0, number, number)


def _without_one(values: tuple[Core, ...] | tuple[object, ...]) -> Iterator[tuple]:  # type: ignore[type-arg]
    numbers = range(len(values)) if len(values) <= MOST_VALUES else (0, len(values) - 1)
    for number in numbers:
        yield values[:number] + values[number + 1 :]


def _with(items: tuple, number: int, new: object) -> tuple:  # type: ignore[type-arg]
    return (*items[:number], new, *items[number + 1 :])
