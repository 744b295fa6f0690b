"""Surface tree to core: names resolved, types and precision computed, every mistake reported.

In: an expression with spans, the entity it stands at, the symbol table. Out: a core node, or None
when something was reported. Invariant: a quotient never leaves this room except inside `Round`.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias, assert_never

from mianshen.program import mistakes
from mianshen.program.calls import CallChecks
from mianshen.program.core import (
    AsOf,
    Boolean,
    Code,
    Const,
    Core,
    Date,
    DecisionRef,
    FactRef,
    If,
    InSet,
    IsKnown,
    Listing,
    Numeric,
    Op,
    Operator,
    ParameterRef,
    Span_,
    String,
    Type,
)
from mianshen.program.names import Names, describe
from mianshen.program.operators import ARITHMETIC, COMPARISONS, DATE_PARTS, either, negated
from mianshen.source import Diagnostic, Span
from mianshen.syntax import tree


@dataclass(frozen=True, slots=True)
class Quotient:
    """`top / bottom`, not yet rounded."""

    top: Core
    bottom: Core


@dataclass(frozen=True, slots=True)
class Months:
    """A constant duration."""

    count: int
    type: Span_


Partial: TypeAlias = Core | Quotient | Months
ORDERED = (Numeric, Date)


@dataclass(slots=True)
class Checker(CallChecks):
    """Checks one formula at one entity; `found` gathers what is wrong."""

    names: Names
    entity: str
    found: list[Diagnostic] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)  # loop variable: child entity

    # -- entry points ------------------------------------------------------------------------

    def value(self, node: tree.Expr, want: Type | None = None) -> Core | None:
        """A plain value; text is read as a code of `want` where that is a code list."""
        got = self.visit(node, want)
        match got:
            case Quotient():
                return self.report(mistakes.loose_quotient(node.span))
            case Months():
                return self.report(mistakes.misplaced(
                    node.span, ("a duration stands alone", "时长不能单独使用"),
                    ("Add it to or subtract it from a date", "请与日期相加减")))  # fmt: skip
            case _:
                return got

    def condition(self, node: tree.Expr) -> Core | None:
        got = self.value(node)
        if got is not None and not isinstance(got.type, Boolean):
            return self.wrong(node.span, Boolean(), got.type)
        return got

    def numeric(self, node: tree.Expr) -> Core | None:
        got = self.value(node)
        if got is not None and not isinstance(got.type, Numeric):
            return self.wrong(node.span, Numeric(0, Decimal(0), Decimal(0)), got.type)
        return got

    def rational(self, node: tree.Expr) -> tuple[Core, Core | None] | None:
        """Numerator and denominator (None: one) of a numeric expression."""
        got = self.visit(node, None)
        if got is None or isinstance(got, Months):
            return None if got is None else self.wrong(node.span, Numeric(0, Decimal(0), Decimal(0)), got.type)
        if isinstance(got, Quotient):
            return got.top, got.bottom
        if not isinstance(got.type, Numeric):
            return self.wrong(node.span, Numeric(0, Decimal(0), Decimal(0)), got.type)
        return got, None

    def report(self, mistake: Diagnostic) -> None:
        self.found.append(mistake)

    def wrong(self, span: Span, wanted: Type, got: Type) -> None:
        self.report(mistakes.wrong_type(span, describe(wanted), describe(got)))

    # -- nodes -------------------------------------------------------------------------------

    def visit(self, node: tree.Expr, want: Type | None) -> Partial | None:
        match node:
            case tree.Number(value=value):
                exponent = value.as_tuple().exponent
                assert isinstance(exponent, int)
                return Const(value, Numeric(max(0, -exponent), value, value))
            case tree.String():
                return self.text(node, want)
            case tree.Boolean(value=value):
                return Const(value, Boolean())
            case tree.Name():
                return self.name(node)
            case tree.Path():
                return self.path(node)
            case tree.Negate():
                return self.negate(node)
            case tree.Not(value=value):
                inner = self.condition(value)
                return None if inner is None else Op("not", (inner,), Boolean())
            case tree.Binary():
                return self.binary(node)
            case tree.Between():
                return self.between(node)
            case tree.In():
                return self.membership(node)
            case tree.IsKnown(value=value, negated=negated_):
                arg = self.value(value)
                if arg is None:
                    return None
                known = IsKnown(arg)
                return Op("not", (known,), Boolean()) if negated_ else known
            case tree.If():
                return self.conditional(node, want)
            case tree.Quantified():
                return self.quantified(node)
            case tree.Function():
                return self.call(node)
            case tree.Filter():
                return self.report(mistakes.unnamed_items(node.span, "[…]"))
            case tree.ListOf():
                return self.report(mistakes.misplaced(
                    node.span, ("a list stands alone", "列表不能单独使用"), ("Use it after 'in'", "请用在 in 之后")))  # fmt: skip
            case _:
                assert_never(node)

    def text(self, node: tree.String, want: Type | None) -> Core | None:
        if isinstance(want, Listing):
            want = want.item
        if isinstance(want, Code):
            codes = self.names.codes[want.codes]
            code = codes.spellings.get(node.value)
            if code is None:
                return self.report(mistakes.unknown_code(node.span, node.value, want.codes, codes.values))
            return Const(code, want)
        if isinstance(want, String) and want.area and not re.fullmatch(r"[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}", node.value):
            return self.report(mistakes.bad_literal(node.span, node.value, ("an area code of 2, 4, 6, 9 or 12 digits", "2、4、6、9 或 12 位行政区划代码")))
        return Const(node.value, want if isinstance(want, String) else String())

    def lookup(self, entity: str, name: str) -> Core | None:
        fact = self.names.facts.get((entity, name))
        if fact is not None:
            return FactRef(entity, name, fact.type)
        type_ = self.names.decisions.get((entity, name))
        return None if type_ is None else DecisionRef(entity, name, type_)

    def name(self, node: tree.Name) -> Core | None:
        name, names = node.value, self.names
        own = self.lookup(self.entity, name)
        if own is not None:
            return own
        if name == "as_of":
            return AsOf()
        parameter = names.parameters.get(name)
        if parameter is not None:
            if parameter.type is None:
                usage = f"marginal(x, {name})" if parameter.scale_rates else f"benefit year(d, {name})"
                return self.report(mistakes.wrong_arguments(node.span, name, usage))
            return ParameterRef(name, parameter.type)
        if name in names.broken:
            return None
        for ancestor in names.ancestors(self.entity):
            if self.lookup(ancestor, name) is not None:
                return self.report(mistakes.elsewhere(node.span, name, ancestor))
        if names.collection(self.entity, name) or name in self.variables:
            return self.report(mistakes.unnamed_items(node.span, name))
        return self.report(mistakes.unknown_name(node.span, name, names.known_at(self.entity)))

    def path(self, node: tree.Path) -> Core | None:
        names = self.names
        if isinstance(node.of, tree.Name):
            base = node.of.value
            owner = base if base == self.entity or base in names.ancestors(self.entity) else None
            if owner is None and self.variables.get(base) == self.entity:
                owner = self.entity
            if owner is not None:
                got = self.lookup(owner, node.name)
                if got is None and node.name not in names.broken:
                    self.report(mistakes.unknown_name(node.span, f"{base}.{node.name}", [f"{base}.{n}" for n in names.of(owner)]))
                return got
            if names.collection(self.entity, base):
                return self.report(mistakes.unnamed_items(node.span, base))
        if isinstance(node.of, tree.Filter):
            return self.report(mistakes.unnamed_items(node.span, "[…]"))
        of = self.value(node.of)
        if of is None:
            return None
        if not isinstance(of.type, Date):
            return self.wrong(node.of.span, Date(), of.type)
        part = DATE_PARTS.get(node.name)
        if part is None:
            return self.report(mistakes.unknown_name(node.span, node.name, DATE_PARTS))
        return Op(part[0], (of,), part[1])

    def negate(self, node: tree.Negate) -> Partial | None:
        got = self.rational(node.value)
        if got is None:
            return None
        top, bottom = got
        if isinstance(top, Const) and bottom is None and isinstance(top.value, Decimal):
            low = -top.value
            return Const(low, Numeric(scale_of(top), low, low))
        flipped = Op("neg", (top,), negated(numeric_type(top)))
        return flipped if bottom is None else Quotient(flipped, bottom)

    def binary(self, node: tree.Binary) -> Partial | None:
        match node.op:
            case "and" | "or":
                return self.logic(node)
            case "+" | "-" | "*" | "/":
                return self.arithmetic(node)
            case "**":
                return self.power(node)
            case _:
                return self.compare(node.span, COMPARISONS[node.op], node.left, node.right)

    def logic(self, node: tree.Binary) -> Core | None:
        parts: list[Core] = []
        sound = True
        for side in (node.left, node.right):
            got = self.condition(side)
            if got is None:
                sound = False
            elif isinstance(got, Op) and got.op == node.op and isinstance(side, tree.Binary):
                parts.extend(got.args)
            else:
                parts.append(got)
        op: Operator = "and" if node.op == "and" else "or"
        return Op(op, tuple(parts), Boolean()) if sound else None

    def arithmetic(self, node: tree.Binary) -> Partial | None:
        left, right = self.visit(node.left, None), self.visit(node.right, None)
        if left is None or right is None:
            return None
        if isinstance(right, Months) or (not isinstance(left, Quotient) and isinstance(left.type, Date)):
            return self.dates(node, left, right)
        for side, got in ((node.left, left), (node.right, right)):
            if not isinstance(got, Quotient) and not isinstance(got.type, Numeric):
                return self.wrong(side.span, Numeric(0, Decimal(0), Decimal(0)), got.type)
        top, bottom = fraction(left)
        other, under = fraction(right)
        match node.op:
            case "*":
                result = self.product(node.span, top, other), self.product(node.span, bottom, under)
            case "/":
                result = self.product(node.span, top, under), self.product(node.span, bottom, other)
            case _:
                one, two = self.product(node.span, top, under), self.product(node.span, other, bottom)
                assert one is not None and two is not None
                result = self.combine(node.span, "add" if node.op == "+" else "sub", one, two), self.product(node.span, bottom, under)
        if result[0] is None:
            return None
        return result[0] if result[1] is None else Quotient(result[0], result[1])

    def product(self, span: Span, a: Core | None, b: Core | None) -> Core | None:
        """The product, None standing for one."""
        if a is None or b is None:
            return a if b is None else b
        return self.combine(span, "mul", a, b)

    def combine(self, span: Span, op: Operator, a: Core, b: Core) -> Core | None:
        type_ = ARITHMETIC[op](numeric_type(a), numeric_type(b))
        if not type_.fits:
            return self.report(mistakes.too_precise(span, type_.precision))
        return Op(op, (a, b), type_)

    def power(self, node: tree.Binary) -> Core | None:
        base = self.numeric(node.left)
        if not isinstance(node.right, tree.Number) or node.right.value != int(node.right.value) or not 1 <= node.right.value <= 38:
            return self.report(mistakes.not_constant(node.right.span, ("an exponent (1 to 38)", "指数（1 至 38）")))
        result = base
        for _ in range(int(node.right.value) - 1):
            result = None if result is None or base is None else self.combine(node.span, "mul", result, base)
        return result

    def dates(self, node: tree.Binary, left: Partial, right: Partial) -> Core | None:
        if node.op in ("+", "-") and isinstance(right, Months) and not isinstance(left, Quotient | Months):
            if not isinstance(left.type, Date):
                return self.wrong(node.left.span, Date(), left.type)
            count = Decimal(right.count if node.op == "+" else -right.count)
            op: Operator = "add_months" if right.type.unit == "months" else "add_days"
            return Op(op, (left, Const(count, Numeric(0, count, count))), Date())
        if node.op == "-" and not isinstance(right, Quotient | Months) and isinstance(right.type, Date):
            return self.report(mistakes.misplaced(
                node.span, ("a date minus a date", "日期相减"), ("Write days between(earlier, later)", "请写作 days between(较早, 较晚)")))  # fmt: skip
        return self.report(mistakes.misplaced(
            node.span, ("dates take only + and - with a duration", "日期只能与时长相加减"),
            ('Write date + duration("P1M")', '请写作 日期 + duration("P1M")')))  # fmt: skip

    def compare(self, span: Span, op: Operator, left: tree.Expr, right: tree.Expr) -> Core | None:
        if isinstance(left, tree.String):
            b = self.value(right)
            a = self.value(left, None if b is None else b.type)
        else:
            a = self.value(left)
            b = self.value(right, None if a is None else a.type)
        return None if a is None or b is None else self.comparison(span, op, a, b)

    def comparison(self, span: Span, op: Operator, a: Core, b: Core) -> Core | None:
        alike = isinstance(b.type, type(a.type)) and not isinstance(a.type, Listing)
        if isinstance(a.type, Code) and isinstance(b.type, Code):
            alike = a.type.codes == b.type.codes
        if not alike or (op not in ("eq", "ne") and not isinstance(a.type, ORDERED)):
            return self.report(mistakes.not_comparable(span, describe(a.type), describe(b.type)))
        if op == "eq" and isinstance(b, Const) and isinstance(b.value, str):
            return InSet(a, (b.value,))
        return Op(op, (a, b), Boolean())

    def between(self, node: tree.Between) -> Core | None:
        low = self.compare(node.span, "ge", node.value, node.low)
        high = self.compare(node.span, "le", node.value, node.high)
        return None if low is None or high is None else Op("and", (low, high), Boolean())

    def membership(self, node: tree.In) -> Core | None:
        subject = self.value(node.value)
        return None if subject is None else self.tests(subject, node.tests, node.span)

    def tests(self, subject: Core, tests: tuple[tree.Test, ...], span: Span) -> Core | None:
        """The subject passes one of the tests."""
        parts = [self.test(subject, test) for test in tests]
        if not parts or any(part is None for part in parts):
            return None
        constants = [v for p in parts if isinstance(p, InSet) for v in p.values]
        others = [p for p in parts if p is not None and not isinstance(p, InSet)]
        if constants:
            others.insert(0, InSet(subject, tuple(dict.fromkeys(constants))))
        return others[0] if len(others) == 1 else Op("or", tuple(others), Boolean())

    def test(self, subject: Core, test: tree.Test) -> Core | None:
        match test:
            case tree.RangeTest():
                low, high = self.value(test.low), self.value(test.high)
                if low is None or high is None:
                    return None
                above = self.comparison(test.span, "ge" if test.low_closed else "gt", subject, low)
                below = self.comparison(test.span, "le" if test.high_closed else "lt", subject, high)
                return None if above is None or below is None else Op("and", (above, below), Boolean())
            case tree.CompareTest(op="=", value=tree.ListOf(items=items)):
                return self.tests(subject, tuple(tree.CompareTest("=", item, item.span) for item in items), test.span)
            case tree.CompareTest():
                value = self.value(test.value, subject.type)
                if value is not None and isinstance(value.type, Listing):
                    return self.contains(test.span, value, subject)
                return None if value is None else self.comparison(test.span, COMPARISONS[test.op], subject, value)

    def conditional(self, node: tree.If, want: Type | None) -> Core | None:
        condition = self.condition(node.condition)
        then, otherwise = self.value(node.then, want), self.value(node.otherwise, want)
        if condition is None or then is None or otherwise is None:
            return None
        type_ = joined(then.type, otherwise.type)
        if type_ is None:
            return self.report(mistakes.wrong_type(node.otherwise.span, describe(then.type), describe(otherwise.type)))
        return If(condition, then, otherwise, type_)

    def date_literal(self, node: tree.Function) -> Core | None:
        text = literal_text(node)
        try:
            return Const(dt.date.fromisoformat(text or ""), Date())
        except ValueError:
            return self.report(mistakes.bad_literal(node.span, text or "", ('a date as date("2026-01-31")', '日期，如 date("2026-01-31")')))

    def duration_literal(self, node: tree.Function) -> Months | None:
        text = literal_text(node) or ""
        months = re.fullmatch(r"P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?", text)
        if months and text != "P":
            return Months(int(months[1] or 0) * 12 + int(months[2] or 0), Span_("months"))
        days = re.fullmatch(r"P(\d{1,6})D", text)
        if days:
            return Months(int(days[1]), Span_("days"))
        return self.report(mistakes.bad_literal(node.span, text, ('a duration as duration("P12M") or duration("P5D")', '时长，如 duration("P12M") 或 duration("P5D")')))


def literal_text(node: tree.Function) -> str | None:
    """The one literal text argument of `date(…)` or `duration(…)`."""
    if len(node.arguments) == 1 and isinstance(node.arguments[0], tree.String):
        return node.arguments[0].value
    return None


def fraction(value: Partial) -> tuple[Core, Core | None]:
    assert not isinstance(value, Months)
    return (value.top, value.bottom) if isinstance(value, Quotient) else (value, None)


def numeric_type(node: Core) -> Numeric:
    assert isinstance(node.type, Numeric)
    return node.type


def scale_of(node: Core) -> int:
    return numeric_type(node).scale


def joined(a: Type, b: Type) -> Type | None:
    """The type that holds values of both, or None."""
    if isinstance(a, Numeric) and isinstance(b, Numeric):
        return either(a, b)
    if isinstance(a, String) and isinstance(b, String):
        return String(a.area and b.area)
    return a if a == b else None
