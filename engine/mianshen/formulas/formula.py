"""What checking a formula rests on: the symbols, the row it stands at, precision, reports.

In: parts of a surface tree. Out: core nodes, or None when something was reported.
Invariants: a quotient never leaves this room except inside `Round`; without `exact` no value is
found too precise, so that a first pass can see what reads what.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias, TypeVar

from mianshen.catalogue import diagnostic
from mianshen.closed_sets import RoundingMode
from mianshen.formulas.symbol_table import SymbolTable, describe
from mianshen.program import diagnostics
from mianshen.program.core import Boolean, Core, Duration, Numeric, Op, Operator, Round, String, Type
from mianshen.program.operators import ARITHMETIC, clamped, either, rounded
from mianshen.source import Diagnostic, Message, Span
from mianshen.syntax import tree
from mianshen.values import MAX_DIGITS

ANY_NUMBER = Numeric(0, Decimal(0), Decimal(0))
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Quotient:
    """`top / bottom`, not yet rounded."""

    top: Core
    bottom: Core


@dataclass(frozen=True, slots=True)
class Months:
    """A duration: so many months or days, a whole number."""

    count: Core
    type: Duration


Partial: TypeAlias = Core | Quotient | Months


@dataclass(frozen=True, slots=True)
class Local:
    """A name of one provision or function: what it stands for at rows of an entity; None: it is wrong."""

    entity: str
    value: Partial | None


@dataclass(slots=True)
class FormulaChecks(ABC):
    """Checks one formula at one entity; `diagnostics` gathers what is wrong."""

    names: SymbolTable
    entity: str
    exact: bool = True
    diagnostics: list[Diagnostic] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)  # loop variable: child entity
    asking: tuple[str, bool] | None = (
        None  # the entity of the row that asks, and whether other rows than those below it
    )
    locals: Mapping[str, Local] = field(default_factory=dict)
    deciding: str = ""  # the decision that the formula is for
    calling: tuple[str, ...] = ()  # the functions whose formula this is, outermost first; it reads no facts

    @abstractmethod
    def visit(self, node: tree.Expr, want: Type | None) -> Partial | None:
        """Any node; text is read as a code of `want` where that is a code list."""

    def value(self, node: tree.Expr, want: Type | None = None) -> Core | None:
        """A plain value: no quotient, no duration."""
        return self.plain(node, self.visit(node, want))

    def plain(self, node: tree.Expr, value: Partial | None) -> Core | None:
        """What was visited, if it is a plain value."""
        match value:
            case Quotient():
                self.report(diagnostics.loose_quotient(node.span))
                return None
            case Months():
                self.report(diagnostic("E332.loose_duration", node.span))
                return None
            case _:
                return value

    def condition(self, node: tree.Expr) -> Core | None:
        value = self.value(node)
        if value is not None and not isinstance(value.type, Boolean):
            self.wrong(node.span, Boolean(), value.type)
            return None
        return value

    def numeric(self, node: tree.Expr) -> Core | None:
        value = self.value(node)
        if value is not None and not isinstance(value.type, Numeric):
            self.wrong(node.span, ANY_NUMBER, value.type)
            return None
        return value

    def whole(self, node: tree.Expr) -> Core | None:
        """A number without decimals."""
        value = self.numeric(node)
        if value is not None and number(value).scale:
            wanted, actual = Message("整数", "a whole number"), Message("小数", "one with decimals")
            self.report(diagnostics.wrong_type(node.span, wanted, actual))
            return None
        return value

    def rational(self, node: tree.Expr) -> tuple[Core, Core | None] | None:
        """Numerator and denominator (None: one) of a numeric expression."""
        value = self.visit(node, None)
        return None if value is None else self.as_rational(node, value)

    def as_rational(self, node: tree.Expr, value: Partial) -> tuple[Core, Core | None] | None:
        """A value as numerator and denominator."""
        if isinstance(value, Quotient):
            return value.top, value.bottom
        if isinstance(value, Months) or not isinstance(value.type, Numeric):
            self.wrong(node.span, ANY_NUMBER, value.type)
            return None
        return value, None

    def report(self, finding: Diagnostic) -> None:
        self.diagnostics.append(finding)

    def wrong(self, span: Span, wanted: Type, actual: Type) -> None:
        self.report(diagnostics.wrong_type(span, describe(wanted), describe(actual)))

    def inside(
        self, child: str, check: Callable[[], T], variable: str | None = None, beside: bool = False
    ) -> T:
        """Run a check with the child as the row; `beside`: it need not stand below the row that asks."""
        outer, outer_variables, asking = self.entity, self.variables, self.asking
        self.entity = child
        self.asking = (outer, beside) if asking is None else ("", beside)  # of two levels neither is meant
        self.variables = {**outer_variables, **({variable: child} if variable else {})}
        try:
            return check()
        finally:
            self.entity, self.variables, self.asking = outer, outer_variables, asking

    # -- precision ---------------------------------------------------------------------------

    def fitting(self, span: Span, type_: Numeric, digits: int = 0) -> Numeric | None:
        """The type if its values, and `digits` on the way there, stay within 38 digits."""
        needed = max(type_.precision, digits)
        if needed <= MAX_DIGITS:
            return type_
        if not self.exact:
            return clamped(type_)
        self.report(diagnostic("E306.too_precise", span, precision=needed))
        return None

    def combine(self, span: Span, op: Operator, a: Core, b: Core) -> Core | None:
        """`a op b`, if it can be exact."""
        type_ = self.fitting(span, ARITHMETIC[op](number(a), number(b)))
        return None if type_ is None else Op(op, (a, b), type_)

    def round_to(
        self, span: Span, mode: RoundingMode, digits: int, top: Core, bottom: Core | None
    ) -> Core | None:
        """A `Round`, checked to be exact within 38 digits as one integer division."""
        if bottom is None and number(top).scale <= digits:
            return top
        under = None if bottom is None else number(bottom)
        needed = 0 if under is None else quotient_digits(number(top), under, digits)
        type_ = self.fitting(span, rounded(number(top), under, digits), needed)
        return None if type_ is None else Round(mode, digits, top, bottom, type_)


def same_unit(values: Sequence[Partial | None]) -> list[Months] | None:
    """The values where all are durations of one unit."""
    durations = [value for value in values if isinstance(value, Months)]
    alike = len(durations) == len(values) and len({duration.type for duration in durations}) == 1
    return durations if alike else None


def number(node: Core) -> Numeric:
    """The type of a node known to be numeric."""
    assert isinstance(node.type, Numeric)
    return node.type


def fraction(value: Partial) -> tuple[Core, Core | None]:
    """Numerator and denominator of what is no duration."""
    assert not isinstance(value, Months)
    return (value.top, value.bottom) if isinstance(value, Quotient) else (value, None)


def quotient_digits(top: Numeric, bottom: Numeric, digits: int) -> int:
    """Digits of the integers in `(2 * top * 10^k + bottom) // (2 * bottom)`."""
    shift = max(top.scale, bottom.scale)
    numerator = top.precision + (shift - top.scale) + digits
    denominator = bottom.precision + (shift - bottom.scale)
    return max(numerator, denominator) + 1


def joined(a: Type, b: Type) -> Type | None:
    """The type that holds values of both, or None."""
    if isinstance(a, Numeric) and isinstance(b, Numeric):
        return either(a, b)
    if isinstance(a, String) and isinstance(b, String):
        return String(a.area and b.area)
    return a if a == b else None
