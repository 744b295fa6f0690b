"""Comparisons and tests: what stands around `=`, `<`, `between`, `in`, and in the cells of tables.

In: surface nodes. Out: conditions as core nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt

from mianshen.catalogue import diagnostic
from mianshen.formulas.formula import Months, Partial, Quotient, number
from mianshen.formulas.symbol_table import describe
from mianshen.formulas.written import WrittenChecks
from mianshen.program import diagnostics
from mianshen.program.core import (
    Boolean,
    Code,
    Const,
    Core,
    Date,
    Fail,
    If,
    InSet,
    Listing,
    Numeric,
    Op,
    Operator,
    ParameterRef,
    SamePlace,
    String,
    Type,
    Within,
)
from mianshen.program.operators import COMPARISONS
from mianshen.source import Message, Span
from mianshen.syntax import tree
from mianshen.values import ZERO

ORDERED = (Numeric, Date)
AREA = String(area=True)
_TURNED: Mapping[Operator, Operator] = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
TEXT_ORDER: Mapping[Operator, Callable[[str, str], bool]] = {"lt": lt, "le": le, "gt": gt, "ge": ge}
DURATIONS = ("days", "months", "years", "duration", "years and months duration", "abs", "min", "max")


class ComparisonChecks(WrittenChecks):
    """The part of the checker that compares."""

    __slots__ = ()

    def compare(self, span: Span, op: Operator, left: tree.Expr, right: tree.Expr) -> Core | None:
        """A comparison as written; a text on either side is read as the other side's type."""
        left, right = self._as_list(left), self._as_list(right)
        if isinstance(left, tree.RangeTest | tree.ListOf) or isinstance(right, tree.RangeTest | tree.ListOf):
            return self._alike(span, op, left, right)
        if isinstance(left, tree.String):
            b = self.visit(right, None)
            a = self.visit(left, _wanted(b))
        else:
            a = self.visit(left, None)
            b = self.visit(right, _wanted(a))
        if a is None or b is None:
            return None
        if isinstance(a, Months) or isinstance(b, Months):
            return self._compare_durations(span, op, a, b)
        if isinstance(a, Quotient) or isinstance(b, Quotient):
            return self._compare_ratios(span, op, (left, a), (right, b))
        return self.comparison(span, op, a, b)

    def _as_list(self, node: tree.Expr) -> tree.Expr:
        """A list that is made of lists written out, as it comes out."""
        items = None if isinstance(node, tree.RangeTest | tree.ListOf) else self.listed(node)
        return node if items is None else tree.ListOf(items, node.span)

    def _compare_ratios(
        self, span: Span, op: Operator, left: tuple[tree.Expr, Partial], right: tuple[tree.Expr, Partial]
    ) -> Core | None:
        """Two numbers, of which one is a quotient or both are, compared exactly; a division by zero is an error."""
        one, two = self.as_rational(*left), self.as_rational(*right)
        if one is None or two is None:
            return None
        (top, bottom), (other, under) = one, two
        divisors = [part for part in (bottom, under) if part is not None]
        mine = top if under is None else self.combine(span, "mul", top, under)
        yours = other if bottom is None else self.combine(span, "mul", other, bottom)
        if mine is None or yours is None:
            return None
        result: Core = Op(op, (mine, yours), Boolean())
        zero = Const(ZERO, Numeric(0, ZERO, ZERO))
        for divisor in divisors:
            if number(divisor).low > 0:
                continue
            if op not in ("eq", "ne") and sum(number(part).low <= 0 for part in divisors) > 1:
                self.report(diagnostics.loose_quotient(span))
                return None
            turned = Op(_TURNED.get(op, op), (mine, yours), Boolean())
            nonzero = Op("gt", (divisor, zero), Boolean())
            below = If(Op("lt", (divisor, zero), Boolean()), turned, Fail(Boolean()), Boolean())
            result = If(nonzero, result, below, Boolean())
        return result

    def _alike(self, span: Span, op: Operator, left: tree.Expr, right: tree.Expr) -> Core | None:
        """Two ranges, or two lists that are written out, the same or not."""
        parts: list[tuple[tree.Expr, tree.Expr]] = []
        match left, right:
            case tree.RangeTest(), tree.RangeTest() if op in ("eq", "ne"):
                same = (left.low_closed, left.high_closed) == (right.low_closed, right.high_closed)
                parts = [(left.low, right.low), (left.high, right.high)]
            case tree.ListOf(), tree.ListOf() if op in ("eq", "ne"):
                same = len(left.items) == len(right.items)
                parts = list(zip(left.items, right.items, strict=False))
            case _:
                self.report(diagnostics.not_comparable(span, *(_in_words(part) for part in (left, right))))
                return None
        pairs = [self.compare(span, "eq", one, two) for one, two in parts]
        known = [pair for pair in pairs if pair is not None]
        if len(known) < len(pairs):
            return None
        whole = Op("and", (Const(same, Boolean()), *known), Boolean()) if known else Const(same, Boolean())
        return whole if op == "eq" else Op("not", (whole,), Boolean())

    def _duration(self, node: tree.Expr) -> Months | None:
        """The value where it is a duration; nothing is reported."""
        if not self._may_be_duration(node):
            return None
        outer, self.diagnostics = self.diagnostics, []
        try:
            value = self.visit(node, None)
        finally:
            self.diagnostics = outer
        return value if isinstance(value, Months) else None

    def _may_be_duration(self, node: tree.Expr) -> bool:
        match node:
            case tree.Function(name=name):
                return name in DURATIONS or name in self.names.functions
            case tree.Binary(op="+" | "-" | "*" | "/", left=left, right=right):
                dates = (
                    node.op == "-"
                    and not isinstance(left, tree.Number)
                    and not isinstance(right, tree.Number)
                )
                return dates or self._may_be_duration(left) or self._may_be_duration(right)
            case tree.Negate(value=value) | tree.If(then=value):
                return self._may_be_duration(value)
            case tree.Name(value=name):
                return name in self.locals
            case _:
                return False

    def _compare_durations(self, span: Span, op: Operator, one: Partial, two: Partial) -> Core | None:
        """Two durations of one unit compared."""
        if isinstance(one, Months) and isinstance(two, Months) and one.type == two.type:
            return Op(op, (one.count, two.count), Boolean())
        types = [
            describe(Numeric(0, ZERO, ZERO) if isinstance(part, Quotient) else part.type)
            for part in (one, two)
        ]
        self.report(diagnostics.not_comparable(span, *types))
        return None

    def comparison(self, span: Span, op: Operator, a: Core, b: Core) -> Core | None:
        alike = isinstance(b.type, type(a.type)) and not isinstance(a.type, Listing)
        if isinstance(a.type, Code) and isinstance(b.type, Code):
            alike = a.type.codes == b.type.codes
        if not alike:
            self.report(diagnostics.not_comparable(span, describe(a.type), describe(b.type)))
            return None
        if (
            op in TEXT_ORDER
            and isinstance(a, Const)
            and isinstance(b, Const)
            and a.type == b.type == String()
        ):
            return Const(TEXT_ORDER[op](str(a.value), str(b.value)), Boolean())
        if op not in ("eq", "ne") and not isinstance(a.type, ORDERED):
            self.report(diagnostic("E304.not_ordered", span, kind=describe(a.type)))
            return None
        if AREA in (a.type, b.type):
            return self._places(span, op, a, b)
        if op == "eq" and isinstance(b, Const) and isinstance(b.value, str):
            return InSet(a, (b.value,))
        return Op(op, (a, b), Boolean())

    def _places(self, span: Span, op: Operator, a: Core, b: Core) -> Core | None:
        """Places compared: a constant or a figure is the place it names and all that lies in it."""
        if isinstance(a, Const | ParameterRef):
            a, b = b, a
        if a.type != b.type:
            self.report(diagnostics.not_comparable(span, describe(a.type), describe(b.type)))
            return None
        same = self.lies_in(a, b) if isinstance(b, Const | ParameterRef) else SamePlace(a, b, "county")
        return same if op == "eq" else Op("not", (same,), Boolean())

    def lies_in(self, place: Core, outer: Const | ParameterRef) -> Core:
        """A place lies in the one that a constant or a figure names."""
        if isinstance(outer, Const) and isinstance(outer.value, str):
            return Within(place, (outer.value,))
        return SamePlace(place, outer, "named")

    def between(self, node: tree.Between) -> Core | None:
        if self._duration(node.value) is not None:
            low = self.compare(node.span, "ge", node.value, node.low)
            high = self.compare(node.span, "le", node.value, node.high)
            return None if low is None or high is None else Op("and", (low, high), Boolean())
        subject = self.value(node.value)
        low, high = self._like(subject, node.low), self._like(subject, node.high)
        if subject is None or low is None or high is None:
            return None
        return self._range(node.span, "ge", "le", (subject, low, high))

    def _like(self, subject: Core | None, node: tree.Expr) -> Core | None:
        return self.value(node, None if subject is None else subject.type)

    def _range(
        self, span: Span, above: Operator, below: Operator, parts: tuple[Core, Core, Core]
    ) -> Core | None:
        subject, low, high = parts
        one = self.comparison(span, above, subject, low)
        two = None if one is None else self.comparison(span, below, subject, high)
        return None if one is None or two is None else Op("and", (one, two), Boolean())

    def membership(self, node: tree.In) -> Core | None:
        if self._duration(node.value) is not None:
            return self._durations_in(node)
        subject = self.value(node.value)
        return None if subject is None else self.tests(subject, node.tests, node.span)

    def _durations_in(self, node: tree.In) -> Core | None:
        """A duration passes one of the tests."""
        parts: list[Core | None] = []
        for test in node.tests:
            match test:
                case tree.RangeTest():
                    low = self.compare(test.span, "ge" if test.low_closed else "gt", node.value, test.low)
                    high = self.compare(test.span, "le" if test.high_closed else "lt", node.value, test.high)
                    parts.append(None if low is None or high is None else Op("and", (low, high), Boolean()))
                case tree.CompareTest(op="=", value=tree.ListOf(items=items)):
                    parts += [self.compare(test.span, "eq", node.value, item) for item in items]
                case tree.CompareTest():
                    parts.append(self.compare(test.span, COMPARISONS[test.op], node.value, test.value))
        known = [part for part in parts if part is not None]
        if not known or len(known) < len(parts):
            return None
        return known[0] if len(known) == 1 else Op("or", tuple(known), Boolean())

    def tests(self, subject: Core, tests: tuple[tree.Test, ...], span: Span) -> Core | None:
        """The subject passes one of the tests."""
        parts = [self._test(subject, test) for test in tests]
        sound = [part for part in parts if part is not None]
        if not sound or len(sound) < len(parts):
            return None
        return self.any_of(subject, sound)

    def any_of(self, subject: Core, parts: list[Core]) -> Core:
        """One of the conditions holds; what is asked of the subject alone is asked at once."""
        others = [part for part in parts if not (isinstance(part, InSet | Within) and part.arg == subject)]
        constants = [v for p in parts if isinstance(p, InSet) and p.arg == subject for v in p.values]
        if constants:
            others.insert(0, InSet(subject, tuple(dict.fromkeys(constants))))
        places = [v for p in parts if isinstance(p, Within) and p.arg == subject for v in p.prefixes]
        if places:
            others.insert(0, Within(subject, tuple(dict.fromkeys(places))))
        return others[0] if len(others) == 1 else Op("or", tuple(others), Boolean())

    def _test(self, subject: Core, test: tree.Test) -> Core | None:
        match test:
            case tree.RangeTest():
                low, high = self._like(subject, test.low), self._like(subject, test.high)
                if low is None or high is None:
                    return None
                above: Operator = "ge" if test.low_closed else "gt"
                return self._range(test.span, above, "le" if test.high_closed else "lt", (subject, low, high))
            case tree.CompareTest(op="=", value=tree.ListOf(items=items)):
                inner = (
                    item if isinstance(item, tree.RangeTest) else tree.CompareTest("=", item, item.span)
                    for item in items
                )  # fmt: skip
                return self.tests(subject, tuple(inner), test.span)
            case tree.CompareTest(op="=") if isinstance(as_list := self._as_list(test.value), tree.ListOf):
                return self._test(subject, tree.CompareTest("=", as_list, test.span))
            case tree.CompareTest():
                value = self.value(test.value, subject.type)
                if value is None:
                    return None
                if isinstance(value.type, Listing) and test.op == "=":
                    return self.contains(test.span, value, subject)
                return self.comparison(test.span, COMPARISONS[test.op], subject, value)

    def contains(self, span: Span, listing: Core, item: Core) -> Core | None:
        """A list holds an item."""
        if not isinstance(listing.type, Listing):
            self.wrong(span, Listing(String()), listing.type)
            return None
        wanted = listing.type.item
        alike = isinstance(item.type, type(wanted)) and item.type != AREA
        if isinstance(item.type, Code) and isinstance(wanted, Code):
            alike = item.type.codes == wanted.codes
        if not alike:
            self.report(diagnostics.not_comparable(span, describe(item.type), describe(listing.type)))
            return None
        return Op("list_contains", (listing, item), Boolean())


def _wanted(part: Partial | None) -> Type | None:
    """The type that a text on the other side is read as."""
    return None if isinstance(part, Quotient | Months | None) else part.type


def _in_words(node: tree.Expr) -> Message:
    """What kind of value is written."""
    match node:
        case tree.RangeTest():
            return Message("区间", "a range")
        case tree.ListOf():
            return Message("列表", "a list")
        case _:
            return Message("单个值", "a single value")
