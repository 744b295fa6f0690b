"""Functions, aggregates and quantifiers in formulas.

In: surface nodes. Out: core nodes.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

from mianshen.program import diagnostics
from mianshen.program.arithmetic import ArithmeticChecks
from mianshen.program.comparing import ComparisonChecks
from mianshen.program.core import (
    Aggregate,
    BenefitYear,
    Boolean,
    Const,
    Core,
    Date,
    Listing,
    Marginal,
    Numeric,
    Op,
    Operator,
    ParameterRef,
    Round,
    SamePlace,
    String,
    YearToDate,
)
from mianshen.program.formula import Months, number
from mianshen.program.operators import (
    AGGREGATES,
    ALL_FUNCTIONS,
    ARITHMETIC,
    CALENDAR,
    DATE_PARTS,
    FUNCTIONS,
    INTEGER,
    ROUNDINGS,
    absolute,
    totalled,
)
from mianshen.program.symbol_table import ParameterName, describe
from mianshen.source import Message, Span
from mianshen.syntax import tree
from mianshen.values import Unknown

MONEY_SUM: Final = Numeric(2, Decimal(-(10**20)), Decimal(10**20))


class CallChecks(ArithmeticChecks, ComparisonChecks):
    """The part of the checker that reads calls."""

    __slots__ = ()

    def call(self, node: tree.Function) -> Core | Months | None:
        name, args = node.name, node.arguments
        if name in ROUNDINGS:
            return self.rounding(node)
        if name in FUNCTIONS:
            return self._plain(node)
        if name in AGGREGATES and len(args) == 1:
            return self._aggregate(node)
        match name, len(args):
            case "min" | "max", count if count >= 2:
                return self._extreme(node)
            case "abs", 1:
                arg = self.numeric(args[0])
                return None if arg is None else Op("abs", (arg,), absolute(number(arg)))
            case "not", 1:
                inner = self.condition(args[0])
                return None if inner is None else Op("not", (inner,), Boolean())
            case "date", _:
                return self.date_literal(node)
            case "duration", _:
                return self.duration_literal(node)
            case _:
                return self._special(node)

    def _special(self, node: tree.Function) -> Core | None:
        """Functions of the field: scales, areas, benefit years, accumulators, lists."""
        name = node.name
        match name, len(node.arguments):
            case "marginal", 2:
                return self._marginal(node)
            case "within", count if count >= 2:
                return self._within(node)
            case "same pooling area", 2:
                return self._same_pooling_area(*node.arguments)
            case "benefit year", 1 | 2:
                return self._benefit_year(node)
            case "year to date", 1:
                return self._year_to_date(node)
            case "contains", 2:
                return self._contains(node)
            case "distinct count", 1:
                return self._list_size(node, "list_distinct")
            case _ if name in ALL_FUNCTIONS:
                self.report(diagnostics.wrong_arguments(node.span, name, USAGE[name]))
            case _:
                self.report(diagnostics.unknown_function(node.span, name, ALL_FUNCTIONS))
        return None

    def _plain(self, node: tree.Function) -> Core | None:
        """A function of dates."""
        op, kinds, type_ = FUNCTIONS[node.name]
        if len(node.arguments) != len(kinds):
            self.report(diagnostics.wrong_arguments(node.span, node.name, USAGE[node.name]))
            return None
        args = [
            self._date(arg) if kind == "date" else self._whole(arg)
            for arg, kind in zip(node.arguments, kinds, strict=True)
        ]
        sound = [arg for arg in args if arg is not None]
        if len(sound) < len(args) or (op in CALENDAR and not self._in_calendar(node, op, sound)):
            return None
        return Op(op, tuple(sound), type_)

    def _whole(self, node: tree.Expr) -> Core | None:
        whole = self.numeric(node)
        if whole is not None and number(whole).scale:
            wanted = Message("整数", "a whole number")
            self.report(diagnostics.wrong_type(node.span, wanted, describe(whole.type)))
            return None
        return whole

    def _in_calendar(self, node: tree.Function, op: Operator, args: list[Core]) -> bool:
        """Whether there is a calendar, and constants stay within it."""
        calendar = self.names.calendar
        if calendar is None:
            if not self.names.calendar_broken:
                self.report(diagnostics.no_calendar(node.span, node.name))
            return False
        outside = [
            written.span
            for written, arg in zip(node.arguments, args, strict=True)
            if isinstance(arg, Const) and isinstance(arg.value, dt.date) and not calendar.covers(arg.value)
        ]
        constants = [arg.value for arg in args if isinstance(arg, Const)]
        if not outside and len(constants) == len(args):
            outside = [node.span] * isinstance(CALENDAR[op](calendar, *constants), Unknown)
        for span in () if self.names.calendar_broken else outside:
            self.report(diagnostics.outside_calendar(span, str(calendar.first), str(calendar.last)))
        return not outside

    def _date(self, node: tree.Expr) -> Core | None:
        date = self.value(node)
        if date is not None and not isinstance(date.type, Date):
            self.wrong(node.span, Date(), date.type)
            return None
        return date

    def _extreme(self, node: tree.Function) -> Core | None:
        args = [self.numeric(arg) for arg in node.arguments]
        known = [arg for arg in args if arg is not None]
        if len(known) < len(args):
            return None
        op: Operator = "min" if node.name == "min" else "max"
        type_ = number(known[0])
        for arg in known[1:]:
            type_ = ARITHMETIC[op](type_, number(arg))
        fitting = self.fitting(node.span, type_)
        return None if fitting is None else Op(op, tuple(known), fitting)

    # -- children ----------------------------------------------------------------------------

    def items(self, node: tree.Expr) -> tuple[str, Core | None] | None:
        """The child entity and the filter of `claims` or `claims[…]`; None when something is wrong."""
        if isinstance(node, tree.Filter):
            inner = self.items(node.of)
            if inner is None:
                return None
            child, first = inner
            where = self.inside(child, lambda: self.condition(node.condition))
            if where is None:
                return None
            return child, where if first is None else Op("and", (first, where), Boolean())
        collection = self.names.collection(self.entity, node.value) if isinstance(node, tree.Name) else None
        return None if collection is None else (collection, None)

    def is_collection(self, node: tree.Expr) -> bool:
        while isinstance(node, tree.Filter):
            node = node.of
        return isinstance(node, tree.Name) and self.names.collection(self.entity, node.value) is not None

    def _aggregate(self, node: tree.Function) -> Core | None:
        (arg,) = node.arguments
        if node.name == "count":
            if not self.is_collection(arg):
                return self._list_size(node, "list_count")
            aggregate = self.items(arg)
            return (
                None if aggregate is None else Aggregate("count", aggregate[0], aggregate[1], None, INTEGER)
            )
        if not isinstance(arg, tree.Path) or not self.is_collection(arg.of):
            collections = self.names.collections(self.entity)
            usage = f"{node.name}({collections[0] if collections else 'claims'}.x)"
            self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
            return None
        aggregate = self.items(arg.of)
        body = self._item_value(arg)
        if aggregate is None or body is None:
            return None
        return self._total(node, aggregate, body)

    def _item_value(self, arg: tree.Path) -> Core | None:
        """What is added up: the item's own number. Its place is the name after the dot."""
        of = arg.of
        while isinstance(of, tree.Filter):
            of = of.of
        assert isinstance(of, tree.Name)
        child = self.names.collection(self.entity, of.value)
        assert child is not None
        return self.inside(child, lambda: self.numeric(tree.Name(arg.name, _name_after_dot(arg))))

    def _total(self, node: tree.Function, items: tuple[str, Core | None], body: Core) -> Core | None:
        child, where = items
        type_ = self.fitting(node.span, totalled(number(body)) if node.name == "sum" else number(body))
        if type_ is None:
            return None
        match node.name:
            case "sum":
                return Aggregate("sum", child, where, body, type_)
            case "min":
                return Aggregate("min", child, where, body, type_)
            case _:
                return Aggregate("max", child, where, body, type_)

    def quantified(self, node: tree.Quantified) -> Core | None:
        if not self.is_collection(node.items):
            usage = f"{node.kind} c in claims satisfies c.x > 0"
            self.report(diagnostics.wrong_arguments(node.items.span, node.kind, usage))
            return None
        quantified = self.items(node.items)
        if quantified is None:
            return None
        child, where = quantified
        body = self.inside(child, lambda: self.condition(node.condition), node.variable)
        return None if body is None else Aggregate(node.kind, child, where, body, Boolean())

    # -- special functions -------------------------------------------------------------------

    def _named(self, node: tree.Expr, function: str) -> tuple[str, ParameterName] | None:
        """The parameter a special function takes, by name."""
        name = node.value if isinstance(node, tree.Name) else None
        parameter = self.names.parameters.get(name or "")
        if name is not None and parameter is not None:
            return name, parameter
        if name is not None:
            known = [n for n, p in self.names.parameters.items() if p.type is None]
            if not self.names.excused(name, known):
                self.report(
                    diagnostics.unknown_reference(node.span, Message("参数", "parameter"), name, known)
                )
            return None
        self.report(diagnostics.wrong_arguments(node.span, function, USAGE[function]))
        return None

    def _marginal(self, node: tree.Function) -> Core | None:
        base = self.numeric(node.arguments[0])
        named = self._named(node.arguments[1], "marginal")
        if named is None:
            return None
        name, parameter = named
        rates = parameter.scale_rates
        if rates is None:
            self.report(diagnostics.wrong_arguments(node.arguments[1].span, "marginal", USAGE["marginal"]))
            return None
        if base is None:
            return None
        top = max(Decimal(0), number(base).high)
        low, high = top * min(Decimal(0), rates.low), top * max(Decimal(0), rates.high)
        scale = max(number(base).scale, 2) + rates.scale
        type_ = self.fitting(node.span, Numeric(scale, low, high))
        return None if type_ is None else Marginal(base, name, type_)

    def _area(self, node: tree.Expr) -> Core | None:
        area = self.value(node, String(area=True))
        if area is None or area.type == String(area=True):
            return area
        self.wrong(node.span, String(area=True), area.type)
        return None

    def _same_pooling_area(self, one: tree.Expr, other: tree.Expr) -> Core | None:
        mine, yours = self._area(one), self._area(other)
        return None if mine is None or yours is None else SamePlace(mine, yours, "pooling area")

    def _within(self, node: tree.Function) -> Core | None:
        first, *others = node.arguments
        area, tests = self._area(first), list[Core]()
        if area is None:
            return None
        for other in others:
            outer = self._area(other)
            if outer is None:
                return None
            if not isinstance(outer, Const | ParameterRef):
                self.report(diagnostics.not_constant(other.span, Message("地区", "an area")))
                return None
            tests.append(self.lies_in(area, outer))
        return self.any_of(area, tests)

    def _benefit_year(self, node: tree.Function) -> Core | None:
        date = self._date(node.arguments[0])
        start: tuple[int, int] | None = (1, 1)
        if len(node.arguments) == 2:
            named = self._named(node.arguments[1], "benefit year")
            if named is None:
                return None
            start = named[1].month_day
            if start is None:
                span = node.arguments[1].span
                self.report(diagnostics.wrong_arguments(span, "benefit year", USAGE["benefit year"]))
        if date is None or start is None:
            return None
        return BenefitYear(date, start, DATE_PARTS["year"][1])

    def _year_to_date(self, node: tree.Function) -> Core | None:
        (arg,) = node.arguments
        if not isinstance(arg, tree.Name):
            self.report(diagnostics.wrong_arguments(node.span, node.name, USAGE[node.name]))
            return None
        name = arg.value
        accumulators = self.names.accumulators
        accumulator = accumulators.get(name)
        if accumulator is not None and accumulator.entity == self.entity:
            total = YearToDate(name, Numeric(accumulator.scale, MONEY_SUM.low, MONEY_SUM.high))
            return Round("down", 0, total, None, INTEGER) if accumulator.counts else total
        known = [other for other, named in accumulators.items() if named.entity == self.entity]
        if accumulator is not None:
            self.report(diagnostics.accumulator_elsewhere(arg.span, name, accumulator.entity, self.entity))
        elif not self.names.excused(name, known):
            self.report(diagnostics.unknown_reference(arg.span, Message("累计", "accumulator"), name, known))
        return None

    def _list_size(self, node: tree.Function, op: Operator) -> Core | None:
        arg = self.value(node.arguments[0])
        if arg is not None and not isinstance(arg.type, Listing):
            self.wrong(node.arguments[0].span, Listing(String()), arg.type)
            return None
        return None if arg is None else Op(op, (arg,), INTEGER)

    def _contains(self, node: tree.Function) -> Core | None:
        listing = self.value(node.arguments[0])
        item = self.value(node.arguments[1], None if listing is None else listing.type)
        return None if listing is None or item is None else self.contains(node.span, listing, item)


def _name_after_dot(path: tree.Path) -> Span:
    """Where the last name of a path stands."""
    span = path.span
    if span.end_line != span.line or not span.end_column:
        return span
    return Span(span.file, span.end_line, span.end_column - len(path.name), span.end_line, span.end_column)


USAGE: Final = {
    "min": "min(a, b)",
    "max": "max(a, b)",
    "sum": "sum(claims.x)",
    "count": "count(claims)",
    "marginal": "marginal(x, a_scale_parameter)",
    "within": 'within(insured_area, "31")',
    "same pooling area": "same pooling area(insured_area, hospital_area)",
    "benefit year": "benefit year(service_date) or benefit year(service_date, a_month_day_parameter)",
    "year to date": "year to date(an_accumulator)",
    "contains": 'contains(a_list_fact, "code")',
    "distinct count": "distinct count(a_list_fact)",
    "age on": "age on(birth_date, as_of)",
    "days between": "days between(earlier, later)",
    "working day": "working day(service_date)",
    "add working days": "add working days(service_date, 5)",
    "working day of month": "working day of month(service_date, 5)",
    "working days between": "working days between(earlier, later)",
    "abs": "abs(x)",
    "not": "not(condition)",
    "date": 'date("2026-01-31")',
    "duration": 'duration("P12M") or duration("P5D")',
    "floor": "floor(x)",
    "ceiling": "ceiling(x)",
    **{name: f"{name}(x, 2)" for name in ROUNDINGS if name.startswith("round")},
}
