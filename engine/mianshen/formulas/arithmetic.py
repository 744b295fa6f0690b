"""Numbers in formulas: sums, products, quotients, powers, rounding.

In: surface nodes. Out: core nodes, a `Quotient` or a duration; a quotient of quotients is one quotient.
"""

from __future__ import annotations

from decimal import Decimal

from mianshen.formulas.dates import DateChecks, minus
from mianshen.formulas.formula import ANY_NUMBER, Months, Partial, Quotient, fraction, number
from mianshen.program import diagnostics
from mianshen.program.core import Const, Core, Date, Numeric, Op, Operator
from mianshen.program.operators import ROUNDINGS, negated
from mianshen.source import Message, Span
from mianshen.syntax import tree

MOST_DIGITS = 12  # decimals one may round to
MOST_POWER = 38


class ArithmeticChecks(DateChecks):
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
        return None if denominator is None else Quotient(numerator, denominator)

    def _product(self, span: Span, a: Core, b: Core | None) -> Core | None:
        """The product, None standing for one."""
        return a if b is None else self.combine(span, "mul", a, b)

    def power(self, node: tree.Binary) -> Core | None:
        base, exponent = self.numeric(node.left), node.right
        whole = isinstance(exponent, tree.Number) and exponent.value in range(1, MOST_POWER + 1)
        if not isinstance(exponent, tree.Number) or not whole:
            said = Message(
                f"指数（1 至 {MOST_POWER} 的整数）", f"an exponent (a whole number from 1 to {MOST_POWER})"
            )
            self.report(diagnostics.not_constant(exponent.span, said))
            return None
        result = base
        for _ in range(int(exponent.value) - 1):
            if result is None or base is None:
                return None
            result = self.combine(node.span, "mul", result, base)
        return result

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
        return self.round_to(node.span, ROUNDINGS[node.name], digits, *rational)

    def _digits(self, node: tree.Expr) -> int | None:
        if isinstance(node, tree.Number) and node.value in range(MOST_DIGITS + 1):
            return int(node.value)
        said = Message(f"小数位数（0 至 {MOST_DIGITS}）", f"the number of decimals (0 to {MOST_DIGITS})")
        self.report(diagnostics.not_constant(node.span, said))
        return None


def _is_date(value: Partial) -> bool:
    return not isinstance(value, Quotient) and isinstance(value.type, Date)
