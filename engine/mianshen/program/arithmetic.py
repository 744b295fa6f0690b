"""Numbers and dates in formulas: sums, products, quotients, powers, durations, rounding.

In: surface nodes. Out: core nodes, a `Quotient` or a duration; a quotient of quotients is one quotient.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from mianshen.program import diagnostics
from mianshen.program.core import Const, Core, Date, Duration, Numeric, Op, Operator
from mianshen.program.formula import ANY_NUMBER, FormulaChecks, Months, Partial, Quotient, fraction, number
from mianshen.program.operators import ROUNDINGS, negated
from mianshen.source import Message, Span
from mianshen.syntax import tree

MOST_DIGITS = 12  # decimals one may round to
MOST_POWER = 38


class ArithmeticChecks(FormulaChecks):
    """The part of the checker that computes."""

    __slots__ = ()

    def negate(self, node: tree.Negate) -> Partial | None:
        rational = self.rational(node.value)
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
            return self._dates(node, left, right)
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

    # -- dates -------------------------------------------------------------------------------

    def _dates(self, node: tree.Binary, left: Partial, right: Partial) -> Core | None:
        """A date and a duration; nothing else goes together."""
        if node.op in ("+", "-") and isinstance(right, Months) and not isinstance(left, Quotient | Months):
            if not isinstance(left.type, Date):
                self.wrong(node.left.span, Date(), left.type)
                return None
            count = Decimal(right.count if node.op == "+" else -right.count)
            op: Operator = "add_months" if right.type.unit == "months" else "add_days"
            return Op(op, (left, Const(count, Numeric(0, count, count))), Date())
        if node.op == "-" and _is_date(left) and _is_date(right):
            self.report(diagnostics.dates_subtracted(node.span))
        else:
            self.report(diagnostics.date_arithmetic(node.span))
        return None

    def date_literal(self, node: tree.Function) -> Core | None:
        text = _only_text(node)
        if text is not None and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
            try:
                return Const(dt.date.fromisoformat(text), Date())
            except ValueError:
                pass
        wanted = Message('日期，如 date("2026-01-31")', 'a date such as date("2026-01-31")')
        self.report(diagnostics.bad_literal(node.span, text or "…", wanted))
        return None

    def duration_literal(self, node: tree.Function) -> Months | None:
        text = _only_text(node) or ""
        months = re.fullmatch(r"P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?", text, re.ASCII)
        if months and text != "P":
            return Months(int(months[1] or 0) * 12 + int(months[2] or 0), Duration("months"))
        days = re.fullmatch(r"P(\d{1,6})D", text, re.ASCII)
        if days:
            return Months(int(days[1]), Duration("days"))
        usage = 'duration("P12M") or duration("P5D")'
        wanted = Message(f"时长，如 {usage.replace('or', '或')}", f"a duration as {usage}")
        self.report(diagnostics.bad_literal(node.span, text or "…", wanted))
        return None

    # -- rounding ----------------------------------------------------------------------------

    def rounding(self, node: tree.Function) -> Core | None:
        args, whole = node.arguments, node.name in ("floor", "ceiling")
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


def _only_text(node: tree.Function) -> str | None:
    """The one literal text argument of `date(…)` or `duration(…)`."""
    if len(node.arguments) == 1 and isinstance(node.arguments[0], tree.String):
        return node.arguments[0].value
    return None
