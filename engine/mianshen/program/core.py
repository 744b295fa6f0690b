"""The core: typed expressions, nothing left to parse.

A program is written in `Core`. Back ends evaluate `Primitive` nodes; each `Derived` node they replace by what
`lower.lowered` makes of it, so that what it means is written once.
Invariants: frozen nodes, closed unions (`match` with `assert_never` names every back end that must
follow a new node); every node has a type; a node is evaluated at a row of one entity, and a
reference names the entity it reads, which is that row's own or one of its ancestors'.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias, assert_never

from mianshen.closed_sets import AggregateKind, ChoicePolicy, PlaceLevel, RoundingMode
from mianshen.values import MAX_DIGITS


@dataclass(frozen=True, slots=True)
class Numeric:
    """An exact decimal with `scale` decimals, from `low` to `high` inclusive."""

    scale: int
    low: Decimal
    high: Decimal

    @property
    def precision(self) -> int:
        """Digits needed to hold any value of the type."""
        top = max(abs(self.low), abs(self.high))
        return max(len(str(int(top))) if top >= 1 else 0, 0) + self.scale or 1

    @property
    def fits(self) -> bool:
        return self.precision <= MAX_DIGITS


@dataclass(frozen=True, slots=True)
class Boolean:
    pass


@dataclass(frozen=True, slots=True)
class Date:
    pass


@dataclass(frozen=True, slots=True)
class String:
    """Text, or an area code (`area` true)."""

    area: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    codes: str


@dataclass(frozen=True, slots=True)
class Listing:
    item: Code | String


@dataclass(frozen=True, slots=True)
class Duration:
    """A constant duration of whole months or whole days."""

    unit: Literal["months", "days"]


Type: TypeAlias = Numeric | Boolean | Date | String | Code | Listing | Duration
Constant: TypeAlias = Decimal | bool | str | dt.date


@dataclass(frozen=True, slots=True)
class Const:
    value: Constant
    type: Type


@dataclass(frozen=True, slots=True)
class FactRef:
    """`asking`: a fact not of the row at hand or above it but of the row that asks, inside `Aggregate` or `Earlier`."""

    entity: str
    name: str
    type: Type
    asking: bool = False


@dataclass(frozen=True, slots=True)
class DecisionRef:
    entity: str
    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class ParameterRef:
    """Looked up by the reference date of the row the expression is evaluated at."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class AsOf:
    type: Date = Date()


Operator: TypeAlias = Literal[
    "neg", "add", "sub", "mul", "abs", "min", "max",
    "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not",
    "age", "year", "month", "day", "days_between", "add_months", "add_days",
    "working_day", "add_working_days", "working_day_of_month", "working_days_between",
    "list_count", "list_distinct", "list_contains", "holds", "place_prefix",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Op:
    """`and`, `or`, `min`, `max` take two or more arguments; the rest what `operators.py` says.

    `holds` takes a condition: one that is not modelled does not hold, any other is what it is. `place_prefix` takes
    a place and a constant: the place of so many digits it lies in, unknown where its code has fewer.
    """

    op: Operator
    args: tuple[Core, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class MissingFigure:
    """A figure that is not published yet: unknown, naming `parameter <name>`."""

    parameter: str
    type: Type


@dataclass(frozen=True, slots=True)
class InForce:
    """The case of that value of a series which is in force on the row's reference date.

    One case for each value, in the order of the series. An error in a gap or past a review; on an unknown
    date unknown, naming the date and what the cases name.
    """

    parameter: str
    cases: tuple[Core, ...]
    type: Type


@dataclass(frozen=True, slots=True)
class NoValue:
    """Not modelled."""

    type: Type


@dataclass(frozen=True, slots=True)
class Fail:
    """An error: the rows of a table give different values."""

    type: Type


@dataclass(frozen=True, slots=True)
class InSet:
    """The argument equals one of the constants."""

    arg: Core
    values: tuple[Constant, ...]
    type: Boolean = Boolean()


@dataclass(frozen=True, slots=True)
class Within:
    """A place lies in one of those named; unknown where its code is too coarse to tell."""

    arg: Core
    prefixes: tuple[str, ...]
    type: Boolean = Boolean()


@dataclass(frozen=True, slots=True)
class SamePlace:
    """Two places are one at the level; unknown where a code is too coarse to tell."""

    one: Core
    other: Core
    level: PlaceLevel
    type: Boolean = Boolean()


@dataclass(frozen=True, slots=True)
class If:
    condition: Core
    then: Core
    otherwise: Core
    type: Type


@dataclass(frozen=True, slots=True)
class Round:
    """`numerator / denominator` (None: one) rounded as one operation on the exact rational."""

    mode: RoundingMode
    digits: int
    numerator: Core
    denominator: Core | None
    type: Numeric


@dataclass(frozen=True, slots=True)
class IsKnown:
    arg: Core
    type: Boolean = Boolean()


@dataclass(frozen=True, slots=True)
class FigureAt:
    """A figure as it is on `date`, not on the row's reference date; an error in a gap or past a review."""

    parameter: str
    date: Core
    type: Type


@dataclass(frozen=True, slots=True)
class Marginal:
    """Each part of `base` above a bracket's floor at that bracket's rate; the scale is dated.

    `start`: where the first bracket begins instead, `points`: added to every rate, `date`: the day of the scale's
    value instead of the row's. `inverse`: the least base, rounded to the fen, of which the scale gives `base`.
    """

    base: Core
    scale: str
    type: Numeric
    start: Core | None = None
    points: Core | None = None
    date: Core | None = None
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class BenefitYear:
    """The year in which the benefit year that holds the date began."""

    date: Core
    start: tuple[int, int]
    type: Numeric


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision table's body under a hit policy; evaluated only where some row matches."""

    policy: ChoicePolicy
    rows: tuple[tuple[Core, Core], ...]
    type: Type


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Over the child rows for which `where` holds; `body` and `where` are evaluated at the child.

    `first`: whether `body` holds of the first of them by key (code points); false where there is none. Rows that may be
    missing count only while no row given is known to be one of them.
    `levels`: instead of the row's own children those below a row above it, through the entities named, the child last.
    `same`: what is equal at the child and at the row.
    """

    kind: AggregateKind
    child: str
    where: Core | None
    body: Core | None
    type: Type
    levels: tuple[str, ...] = ()
    same: tuple[tuple[Core, Core], ...] = ()


@dataclass(frozen=True, slots=True)
class YearToDate:
    """What the accumulator holds before this row: its opening balance and the earlier rows."""

    accumulator: str
    type: Numeric


@dataclass(frozen=True, slots=True)
class Earlier:
    """The rows of the same parent before this one in turn for which `where` holds.

    The `body` of the last of them, not modelled where there is none; or, without a `body`, how many there are. `same`:
    the row's own facts that such a row shares. All are of facts alone, `where` and `body` at the earlier row.
    """

    entity: str
    where: Core | None
    same: tuple[FactRef, ...]
    body: Core | None
    type: Type


Leaf: TypeAlias = (  # with no parts
    Const | FactRef | DecisionRef | ParameterRef | AsOf | YearToDate | MissingFigure | NoValue | Fail
)
Inner: TypeAlias = Op | If | Round | IsKnown | Aggregate | Earlier | InForce  # with parts
Primitive: TypeAlias = Leaf | Inner
Derived: TypeAlias = InSet | Within | SamePlace | Marginal | FigureAt | BenefitYear | Choice
Core: TypeAlias = Primitive | Derived


def children(node: Core) -> tuple[Core, ...]:
    """The direct parts of a node, in reading order."""
    if isinstance(node, Leaf):
        return ()
    match node:
        case Op(args=args):
            return args
        case InSet(arg=arg) | Within(arg=arg) | IsKnown(arg=arg):
            return (arg,)
        case SamePlace(one=one, other=other):
            return one, other
        case If(condition=condition, then=then, otherwise=otherwise):
            return condition, then, otherwise
        case Round(numerator=top, denominator=bottom):
            return (top,) if bottom is None else (top, bottom)
        case Marginal(base=base, start=start, points=points, date=day):
            return (base, *(part for part in (start, points, day) if part is not None))
        case BenefitYear(date=date) | FigureAt(date=date):
            return (date,)
        case Choice(rows=rows):
            return tuple(part for row in rows for part in row)
        case Aggregate(where=where, body=body, same=same):
            equal = (part for pair in same for part in pair)
            return tuple(part for part in (*equal, where, body) if part is not None)
        case Earlier(where=where, same=same, body=body):
            return tuple(part for part in (where, *same, body) if part is not None)
        case InForce(cases=cases):
            return cases
        case _:
            assert_never(node)


def walk(node: Core) -> list[Core]:
    """The node and everything below it, parents first."""
    nodes, pending = [], [node]
    while pending:
        at = pending.pop()
        nodes.append(at)
        pending.extend(reversed(children(at)))
    return nodes


def asked_of(node: Core) -> list[FactRef]:
    """The facts of the row that asks which are read at the rows that a node ranges over, as that row reads them."""
    refs = (part for part in walk(node) if isinstance(part, FactRef) and part.asking)
    return list(dict.fromkeys(FactRef(ref.entity, ref.name, ref.type) for ref in refs))


def beside(node: Core) -> Iterator[Core]:
    """The node and what stands below it at the same row."""
    yield node
    if not isinstance(node, Aggregate | Earlier):
        for part in children(node):
            yield from beside(part)
