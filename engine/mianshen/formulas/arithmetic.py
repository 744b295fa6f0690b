"""Numbers in formulas: sums, products, quotients, powers, rounding.

In: surface nodes. Out: core nodes, a `Quotient` or a duration; a quotient of quotients is one quotient.
"""

from __future__ import annotations

from decimal import Decimal, Inexact

from mianshen.formulas.dates import DateChecks, minus
from mianshen.formulas.formula import ANY_NUMBER, Months, Partial, Quotient, fraction, number
from mianshen.formulas.written import WrittenChecks
from mianshen.program import diagnostics
from mianshen.program.core import Const, Core, Date, Numeric, Op, Operator, String
from mianshen.program.nodes import constant
from mianshen.program.operators import ROUNDINGS, negated
from mianshen.source import Message, Span
from mianshen.syntax import tree
from mianshen.values import EXACT

MOST_DIGITS = 12  # decimals one may round to
MOST_POWER = 38


class ArithmeticChecks(DateChecks, WrittenChecks):
    """The part of the checker that computes."""

    __slots__ = ()

    def negate(self, node: tree.Negate) -> Partial | None:
        value = self.visit(node.value, None)
        if isinstance(value, Months):
            return Months(minus(value.count), value.type)
        rational = None if value is None else self.as_rational(node.value, value)
        if rational is None:
            return None
        top, bottom = rational
        if isinstance(top, Const) and bottom is None and isinstance(top.value, Decimal):
            return Const(-top.value, negated(number(top)))
        flipped = Op("neg", (top,), negated(number(top)))
        return flipped if bottom is None else Quotient(flipped, bottom)

    def arithmetic(self, node: tree.Binary) -> Partial | None:
        left, right = self.visit(node.left, None), self.visit(node.right, None)
        if left is None or right is None:
            return None
        if isinstance(left, Months) or isinstance(right, Months) or _is_date(left) or _is_date(right):
            return self.dates(node, left, right)
        if node.op == "+" and (joined := _joined_texts(left, right)) is not None:
            return joined
        for side, part in ((node.left, left), (node.right, right)):
            if not isinstance(part, Quotient) and not isinstance(part.type, Numeric):
                self.wrong(side.span, ANY_NUMBER, part.type)
                return None
        return self._fractions(node, fraction(left), fraction(right))

    def _fractions(
        self, node: tree.Binary, left: tuple[Core, Core | None], right: tuple[Core, Core | None]
    ) -> Partial | None:
        """`left op right`, each a numerator and a denominator; the result as few digits as it takes."""
        (top, bottom), (other, under) = left, right
        match node.op:
            case "*":
                fractions = self._product(node.span, top, other), bottom, under
            case "/":
                fractions = self._product(node.span, top, under), bottom, other
            case _:
                one = self._product(node.span, top, under)
                two = self._product(node.span, other, bottom)
                if one is None or two is None:
                    return None
                op: Operator = "add" if node.op == "+" else "sub"
                fractions = self.combine(node.span, op, one, two), bottom, under
        numerator, *divisors = fractions
        if numerator is None:
            return None
        parts = [part for part in divisors if part is not None]
        if not parts:
            return numerator
        denominator = parts[0] if len(parts) == 1 else self._product(node.span, *parts)
        if denominator is None:
            return None
        return _exact(numerator, denominator) or Quotient(numerator, denominator)

    def _product(self, span: Span, a: Core, b: Core | None) -> Core | None:
        """The product, None standing for one."""
        return a if b is None else self.combine(span, "mul", a, b)

    def power(self, node: tree.Binary) -> Partial | None:
        """A whole number of equal factors; of a negative one the reciprocal."""
        base, exponent = self.numeric(node.left), self._exponent(node.right)
        if base is None or exponent is None:
            return None
        one = Const(Decimal(1), Numeric(0, Decimal(1), Decimal(1)))
        result: Core | None = one if exponent == 0 else base
        for _ in range(abs(exponent) - 1):
            result = None if result is None else self.combine(node.span, "mul", result, base)
        if result is None or exponent >= 0:
            return result
        return self._reciprocal(result) or Quotient(one, result)

    def _exponent(self, node: tree.Expr) -> int | None:
        written = self.written_value(node)
        if isinstance(written, Decimal) and abs(written) in range(MOST_POWER + 1):
            return int(written)
        said = Message(
            f"指数（绝对值不超过 {MOST_POWER} 的整数）", f"an exponent (a whole number up to {MOST_POWER})"
        )
        self.report(diagnostics.not_constant(node.span, said))
        return None

    def _reciprocal(self, node: Core) -> Core | None:
        """One by a power of ten, exactly."""
        value = node.value if isinstance(node, Const) else _constant_product(node)
        if not isinstance(value, Decimal) or value <= 0 or value.normalize().as_tuple().digits != (1,):
            return None
        inverse = Decimal(1).scaleb(-value.adjusted())
        return Const(inverse, Numeric(max(0, value.adjusted()), inverse, inverse))

    # -- rounding ----------------------------------------------------------------------------

    def rounding(self, node: tree.Function) -> Core | None:
        args, whole = node.arguments, node.name in ("floor", "ceiling") and len(node.arguments) == 1
        if len(args) != (1 if whole else 2):
            usage = f"{node.name}(x)" if whole else f"{node.name}(x, 2)"
            self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
            return None
        digits = 0 if whole else self._digits(args[1])
        rational = self.rational(args[0])
        if rational is None or digits is None:
            return None
        if digits < 0:
            return self._to_tens(node, -digits, *rational)
        return self.round_to(node.span, ROUNDINGS[node.name], digits, *rational)

    def _to_tens(self, node: tree.Function, zeros: int, top: Core, bottom: Core | None) -> Core | None:
        """A number rounded to tens, hundreds and so on."""
        size = constant(Decimal(10**zeros), number(top))
        divisor = size if bottom is None else self.combine(node.span, "mul", bottom, size)
        times = None if divisor is None else self.round_to(node.span, ROUNDINGS[node.name], 0, top, divisor)
        return None if times is None else self.combine(node.span, "mul", times, size)

    def _digits(self, node: tree.Expr) -> int | None:
        written = self.written_value(node)
        if isinstance(written, Decimal) and abs(written) in range(MOST_DIGITS + 1):
            return int(written)
        said = Message(
            f"小数位数（{-MOST_DIGITS} 至 {MOST_DIGITS}）",
            f"the number of decimals ({-MOST_DIGITS} to {MOST_DIGITS})",
        )
        self.report(diagnostics.not_constant(node.span, said))
        return None


def _joined_texts(left: Partial, right: Partial) -> Core | None:
    """Two texts that are written out, one after the other."""
    match left, right:
        case Const(value=str() as one, type=String(area=False)), Const(
            value=str() as two, type=String(area=False)
        ):
            return Const(one + two, String())
        case _:
            return None


def _is_date(value: Partial) -> bool:
    return not isinstance(value, Quotient) and isinstance(value.type, Date)


def _exact(top: Core, bottom: Core) -> Core | None:
    """The quotient of two constants where it has an end."""
    if not isinstance(top, Const) or not isinstance(bottom, Const):
        return None
    if not isinstance(top.value, Decimal) or not isinstance(bottom.value, Decimal) or not bottom.value:
        return None
    try:
        return constant(EXACT.divide(top.value, bottom.value), top.type)
    except Inexact:
        return None


def _constant_product(node: Core) -> Decimal | None:
    """The product of constants."""
    match node:
        case Const(value=Decimal() as value):
            return value
        case Op(op="mul", args=(left, right)):
            one, two = _constant_product(left), _constant_product(right)
            return None if one is None or two is None else one * two
        case _:
            return None
