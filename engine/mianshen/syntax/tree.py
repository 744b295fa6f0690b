"""The surface tree: an expression as written, with the place of every part.

Invariants: frozen nodes, a closed union; spans are neither compared nor printed, so two trees
are equal when they read the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from mianshen.source import NOWHERE, Span

BinaryOp: TypeAlias = Literal["+", "-", "*", "/", "**", "=", "!=", "<", "<=", ">", ">=", "and", "or"]
CompareOp: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class String:
    value: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Boolean:
    value: bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name: a fact, decision, parameter, accumulator, loop variable."""

    value: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Path:
    """`of.name`: `resident.birth_date`, `claims[…].total_cost`, `service_date.year`."""

    of: Expr
    name: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    @property
    def name_span(self) -> Span:
        """Where the last name stands."""
        span = self.span
        if span.end_line != span.line or not span.end_column:
            return span
        return Span(
            span.file, span.end_line, span.end_column - len(self.name), span.end_line, span.end_column
        )


@dataclass(frozen=True, slots=True)
class Filter:
    """`of[condition]`; inside it bare names are the items' own."""

    of: Expr
    condition: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negate:
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    op: BinaryOp
    left: Expr
    right: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Between:
    value: Expr
    low: Expr
    high: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class In:
    """`value in test` or `value in (test, test, …)`."""

    value: Expr
    tests: tuple[Test, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IsKnown:
    """`value is known`; `negated` for `value is unknown`."""

    value: Expr
    negated: bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class If:
    condition: Expr
    then: Expr
    otherwise: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Quantified:
    """`some x in items satisfies condition` or `every …`; inside it `x.total_cost`."""

    kind: Literal["some", "every"]
    variable: str
    items: Expr
    condition: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class For:
    """`for x in items return value`: a value for each item, to be added up."""

    variable: str
    items: Expr
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class OnDate:
    """`figure at date`: a figure on another date than the row's."""

    figure: Expr
    date: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Function:
    """A call; `name` has single spaces inside: `round half up`, `age on`.

    `names` are those of the arguments, where they are given by name; empty otherwise.
    """

    name: str
    arguments: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list: `[a, b, c]`."""

    items: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


# Tests: what stands after `in` and in the cells of a decision table.


@dataclass(frozen=True, slots=True)
class RangeTest:
    """`[low..high)`; an end is closed when its bracket is square."""

    low: Expr
    high: Expr
    low_closed: bool
    high_closed: bool
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CompareTest:
    """`< 5`, `>= date("2026-01-01")`; a bare expression is an `=` test."""

    op: CompareOp
    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a decision table: any of `tests` (none of them when `negated`); `-` has no tests."""

    tests: tuple[Test, ...]
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Test: TypeAlias = RangeTest | CompareTest
Expr: TypeAlias = (
    Number
    | String
    | Boolean
    | Name
    | Path
    | Filter
    | Negate
    | Not
    | Binary
    | Between
    | In
    | IsKnown
    | If
    | Quantified
    | For
    | OnDate
    | Function
    | ListOf
    | RangeTest
)
