"""Functions, aggregates and quantifiers in formulas.

In: surface nodes. Out: core nodes.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import reduce
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.formulas.arithmetic import ArithmeticChecks
from mianshen.formulas.dates import extreme
from mianshen.formulas.figure_reads import USAGE_OF_SCALES, FigureChecks
from mianshen.formulas.formula import Months, Partial, Quotient, number, same_unit
from mianshen.formulas.intervals import LIES, IntervalChecks
from mianshen.formulas.repeated import RepeatedChecks
from mianshen.formulas.symbol_table import describe
from mianshen.formulas.texts import TEXTS
from mianshen.formulas.usage import ARGUMENTS, DAY_NAMES, USAGE
from mianshen.formulas.written import OF_LISTS
from mianshen.program import core, diagnostics
from mianshen.program.nodes import added, as_far_as_modelled, comparison
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
)
from mianshen.program.place_tests import pooling_area_of, same_city, same_to
from mianshen.source import Message, suggestion
from mianshen.syntax import tree
from mianshen.values import Unknown

MONEY_SUM: Final = core.Numeric(2, Decimal(-(10**20)), Decimal(10**20))
KINDS: Final[dict[str, object]] = {  # what `instance of` may name: the type of a value, or a duration's unit
    "number": core.Numeric,
    "string": core.String,
    "boolean": core.Boolean,
    "date": core.Date,
    "years and months duration": core.Duration("months"),
    "days and time duration": core.Duration("days"),
}


class CallChecks(ArithmeticChecks, FigureChecks, RepeatedChecks, IntervalChecks):
    """The part of the checker that reads calls."""

    __slots__ = ()

    def call(self, node: tree.Function) -> Partial | None:
        name, args = node.name, node.arguments
        if name in self.names.functions:
            return self.own_function(node)
        if name in self.names.parameters:
            return self.by_keys(node)
        if name in USAGE_OF_SCALES:
            return self.marginal(node)
        if name in OF_LISTS:
            return self.of_list(node)
        if (name in TEXTS and name != "contains") or _of_texts(node):
            return self.of_text(node)
        if name in DAY_NAMES:
            return self.name_of_day(node)
        if node.names:
            return self._by_name(node)
        if name in ROUNDINGS:
            return self.rounding(node)
        if name in FUNCTIONS:
            return self._plain(node)
        if name in LIES and len(args) == 2:
            return self.lies(node)
        if name in AGGREGATES and args:
            return self._aggregate(node)
        return self._named(node)

    def _aggregate(self, node: tree.Function) -> Partial | None:
        """A sum, a count, the least or greatest: of values, of a list that is written out, or of rows."""
        name, args = node.name, node.arguments
        listed = self.listed(args[0]) if len(args) == 1 else args
        plain = len(args) == 1 and isinstance(args[0], tree.Number)
        if name == "count" and len(args) == 1 and listed is not None:
            return self._count_written(listed)
        if name != "count" and (listed or plain):
            return self._of_values(node, listed or args)
        return self.aggregate(node) if len(args) == 1 and listed is None else self._named(node)

    def _named(self, node: tree.Function) -> Partial | None:
        """A function that is written by its name alone."""
        name, args = node.name, node.arguments
        match name, len(args):
            case "instance of", 2:
                return self._instance(node)
            case "is", 2:
                return self.compare(node.span, "eq", *args)
            case "modulo", 2:
                return self._modulo(node)
            case "odd" | "even", 1:
                return self._odd(node)
            case "abs", 1:
                return self._abs(args[0])
            case "not", 1:
                inner = self.condition(args[0])
                return None if inner is None else core.Op("not", (inner,), core.Boolean())
            case "date", 1 | 3:
                return self.date_of(node)
            case "days" | "months" | "years", 1:
                return self.duration_of(node)
            case "months between" | "years and months duration", 2:
                return self._months(node)
            case "days of overlap", 4:
                return self.overlap(node)
            case "years between", 2:
                return self._plain(tree.Function("age on", node.arguments, node.span))
            case "duration", _:
                return self.duration_literal(node)
            case _:
                return self._special(node)

    def _odd(self, node: tree.Function) -> core.Core | None:
        """Whether half a number leaves one, or nothing."""
        two = tree.Number(Decimal(2), node.span)
        rest = self._modulo(tree.Function("modulo", (*node.arguments, two), node.span))
        wanted = Decimal(node.name == "odd")
        one = core.Const(wanted, core.Numeric(0, wanted, wanted))
        return None if rest is None else core.Op("eq", (rest, one), core.Boolean())

    def _abs(self, size: tree.Expr) -> Partial | None:
        value = self.visit(size, None)
        if isinstance(value, Months):
            return Months(core.Op("abs", (value.count,), absolute(number(value.count))), value.type)
        arg = None if value is None else self.numeric(size)
        return None if arg is None else core.Op("abs", (arg,), absolute(number(arg)))

    def _months(self, node: tree.Function) -> core.Core | Months | None:
        months = self.months_between(node)
        as_duration = months is not None and node.name != "months between"
        return Months(months, core.Duration("months")) if as_duration and months is not None else months

    def _by_name(self, node: tree.Function) -> Partial | None:
        """A function of the language with its arguments given by name."""
        order = ARGUMENTS.get(node.name, ())
        names = next((names for names in order if set(names) == set(node.names)), None)
        if names is None:
            known = [name for names in order for name in names]
            wrong = next((name for name in node.names if name not in known), node.names[0])
            self.report(diagnostics.unknown_argument(node.span, node.name, wrong, known))
            return None
        arguments = self.in_order(node, list(names))
        return None if arguments is None else self.call(tree.Function(node.name, arguments, node.span))

    def _special(self, node: tree.Function) -> core.Core | None:
        """Functions of the field: scales, areas, benefit years, accumulators, lists."""
        name = node.name
        match name, len(node.arguments):
            case "within", count if count >= 2:
                return self._within(node)
            case "same pooling area" | "same city" | "same province", 2:
                return self._same_area(node)
            case "pooling area", 1:
                area = self._area(node.arguments[0])
                return None if area is None else pooling_area_of(area)
            case "paid layers", 1:
                return self._paid_layers(node)
            case "benefit year", 1 | 2:
                return self._benefit_year(node)
            case "year to date", 1:
                return self._year_to_date(node)
            case "contains", 2:
                return self._contains(node)
            case "distinct count", 1:
                return self.list_size(node, "list_distinct")
            case _ if name in ALL_FUNCTIONS:
                self.report(diagnostics.wrong_arguments(node.span, name, USAGE[name]))
            case _:
                known = [*self.names.functions, *ALL_FUNCTIONS]
                if not self.names.excused(name, known):
                    self.report(
                        diagnostic(
                            "E309.unknown_function",
                            node.span,
                            fix=suggestion(name, known, most=12),
                            name=name,
                        )
                    )
        return None

    def _plain(self, node: tree.Function) -> core.Core | None:
        """A function of dates."""
        op, kinds, type_ = FUNCTIONS[node.name]
        if len(node.arguments) != len(kinds):
            self.report(diagnostics.wrong_arguments(node.span, node.name, USAGE[node.name]))
            return None
        args = [
            self.date_value(arg) if kind == "date" else self.whole(arg)
            for arg, kind in zip(node.arguments, kinds, strict=True)
        ]
        sound = [arg for arg in args if arg is not None]
        if len(sound) < len(args) or (op in CALENDAR and not self._in_calendar(node, op, sound)):
            return None
        return core.Op(op, tuple(sound), type_)

    def _in_calendar(self, node: tree.Function, op: core.Operator, args: list[core.Core]) -> bool:
        """Whether there is a calendar, and constants stay within it."""
        calendar = self.names.calendar
        if calendar is None:
            if not self.names.calendar_broken:
                self.report(diagnostic("E346.no_calendar", node.span, function=node.name))
            return False
        outside = [
            written.span
            for written, arg in zip(node.arguments, args, strict=True)
            if isinstance(arg, core.Const)
            and isinstance(arg.value, dt.date)
            and not calendar.covers(arg.value)
        ]
        constants = [arg.value for arg in args if isinstance(arg, core.Const)]
        if not outside and len(constants) == len(args):
            outside = [node.span] * isinstance(CALENDAR[op](calendar, *constants), Unknown)
        for span in () if self.names.calendar_broken else outside:
            self.report(
                diagnostic("E347.outside_calendar", span, first=str(calendar.first), last=str(calendar.last))
            )
        return not outside

    def _instance(self, node: tree.Function) -> core.Core | None:
        """Whether a value is of a kind, which its type says; unknown of one that is unknown."""
        subject, kind = node.arguments
        value = self.visit(subject, None)
        if value is None or not isinstance(kind, tree.String) or kind.value not in KINDS:
            if value is not None:
                self.report(diagnostics.wrong_arguments(node.span, node.name, USAGE[node.name]))
            return None
        wanted = KINDS[kind.value]
        if isinstance(value, Months):
            return core.Const(value.type == wanted, core.Boolean())
        type_ = core.Numeric if isinstance(value, Quotient) else type(value.type)
        right = type_ is wanted
        if isinstance(value, Quotient | core.Const):
            return core.Const(right, core.Boolean())
        known = comparison("eq", value, value)
        return known if right else core.Op("not", (known,), core.Boolean())

    def _count_written(self, items: tuple[tree.Expr, ...]) -> core.Core:
        """How many items a list has that is written out."""
        count = Decimal(len(items))
        for item in items:
            self.visit(item, None)
        return core.Const(count, core.Numeric(0, count, count))

    def _of_values(self, node: tree.Function, values: tuple[tree.Expr, ...]) -> Partial | None:
        """The sum, least or greatest of values that are written out."""
        if node.name != "sum":
            return self._extreme(tree.Function(node.name, values, node.span))
        total = self.numeric(values[0])
        for value in values[1:]:
            more = self.numeric(value)
            total = None if total is None or more is None else self.combine(node.span, "add", total, more)
        return total

    def _modulo(self, node: tree.Function) -> core.Core | None:
        """What is left of the dividend after whole times the divisor, with the divisor's sign."""
        top, bottom = (self.numeric(argument) for argument in node.arguments)
        if top is None or bottom is None:
            return None
        times = self.round_to(node.span, "floor", 0, top, bottom)
        taken = None if times is None else self.combine(node.span, "mul", times, bottom)
        return None if taken is None else self.combine(node.span, "sub", top, taken)

    def _extreme(self, node: tree.Function) -> Partial | None:
        """The least or greatest of numbers, of dates, of durations of one unit, or of texts written out."""
        visited = [self.visit(arg, None) for arg in node.arguments]
        op: core.Operator = "min" if node.name == "min" else "max"
        durations = same_unit(visited)
        if durations is not None:
            counts = [duration.count for duration in durations]
            type_ = reduce(ARITHMETIC[op], (number(count) for count in counts))
            return Months(
                counts[0] if len(counts) == 1 else core.Op(op, tuple(counts), type_), durations[0].type
            )
        args = [self.plain(arg, value) for arg, value in zip(node.arguments, visited, strict=True)]
        if len(args) == 1:
            return args[0]
        known = [arg for arg in args if arg is not None]
        if len(known) < len(args):
            return None
        if all(isinstance(arg.type, core.Date) for arg in known):
            return extreme(node.name, known)
        texts = [arg.value for arg in known if isinstance(arg, core.Const) and isinstance(arg.value, str)]
        if len(texts) == len(known):
            return core.Const(min(texts) if node.name == "min" else max(texts), core.String())
        for arg, written in zip(known, node.arguments, strict=True):
            if not isinstance(arg.type, core.Numeric):
                wanted = Message("数值（或都是日期）", "a number (or dates throughout)")
                self.report(diagnostics.wrong_type(written.span, wanted, describe(arg.type)))
                return None
        fitting = self.fitting(node.span, reduce(ARITHMETIC[op], (number(arg) for arg in known)))
        return None if fitting is None else core.Op(op, tuple(known), fitting)

    # -- special functions -------------------------------------------------------------------

    def _area(self, node: tree.Expr) -> core.Core | None:
        area = self.value(node, core.String(area=True))
        if area is None or area.type == core.String(area=True):
            return area
        self.wrong(node.span, core.String(area=True), area.type)
        return None

    def _same_area(self, node: tree.Function) -> core.Core | None:
        mine, yours = (self._area(argument) for argument in node.arguments)
        if mine is None or yours is None:
            return None
        match node.name:
            case "same province":
                return same_to(mine, yours, 2)
            case "same city":
                return same_city(mine, yours)
            case _:
                return core.SamePlace(mine, yours, "pooling area")

    def _within(self, node: tree.Function) -> core.Core | None:
        first, *others = node.arguments
        area, tests = self._area(first), list[core.Core]()
        for other in others:
            outer = self._area(other)
            if area is None or outer is None:
                return None
            if isinstance(outer, core.Const | core.ParameterRef):
                tests.append(self.lies_in(area, outer))
            else:
                tests.append(core.SamePlace(area, outer, "named"))
        return None if area is None else self.any_of(area, tests)

    def _paid_layers(self, node: tree.Function) -> core.Core | None:
        """The sum of what is paid on the row: of every decision that says so, but the one being decided."""
        (argument,) = node.arguments
        if not isinstance(argument, tree.Name) or argument.value != self.entity or self.calling:
            self.report(diagnostics.wrong_arguments(node.span, node.name, f"{node.name}({self.entity})"))
            return None
        decisions = self.names.decisions
        paid = (name for owner, name in self.names.paid if owner == self.entity and name != self.deciding)
        names = sorted(name for name in paid if isinstance(decisions.get((self.entity, name)), core.Numeric))
        if not names:
            self.report(diagnostic("E366.no_layers", node.span, entity=self.entity))
            return None
        layers = [
            as_far_as_modelled(core.DecisionRef(self.entity, name, decisions[self.entity, name]))
            for name in names
        ]
        total: core.Core | None = layers[0]
        for layer in layers[1:]:
            total = None if total is None else self.combine(node.span, "add", total, layer)
        return total

    def _benefit_year(self, node: tree.Function) -> core.Core | None:
        date = self.date_value(node.arguments[0])
        start: tuple[int, int] | None = (1, 1)
        if len(node.arguments) == 2:
            start = self._month_day(node.arguments[1])
        if date is None or start is None:
            return None
        return core.BenefitYear(date, start, DATE_PARTS["year"][1])

    def _month_day(self, node: tree.Expr) -> tuple[int, int] | None:
        """The day a benefit year begins on, a figure."""
        named = self.figure_named(node)
        if named is not None and named[1].month_day is not None:
            return named[1].month_day
        known = [name for name, parameter in self.names.parameters.items() if parameter.month_day]
        if named is not None or not isinstance(node, tree.Name):
            self.report(diagnostics.wrong_arguments(node.span, "benefit year", USAGE["benefit year"]))
        elif not self.names.excused(node.value, known):
            kind = Message("参数", "parameter")
            self.report(diagnostics.unknown_reference(node.span, kind, node.value, known))
        return None

    def _year_to_date(self, node: tree.Function) -> core.Core | None:
        (arg,) = node.arguments
        if not isinstance(arg, tree.Name):
            self.report(diagnostics.wrong_arguments(node.span, node.name, USAGE[node.name]))
            return None
        name = arg.value
        accumulators = self.names.accumulators
        accumulator = accumulators.get(name)
        if accumulator is not None and accumulator.entity == self.entity:
            type_ = core.Numeric(accumulator.scale, MONEY_SUM.low, MONEY_SUM.high)
            own = (p for p in accumulator.parts if p.read_by is None and p.settled_with is None)
            parts = [part.name for part in own] or [name]
            total = added([core.YearToDate(part, type_) for part in parts])
            return core.Round("down", 0, total, None, INTEGER) if accumulator.counts else total
        known = [other for other, named in accumulators.items() if named.entity == self.entity]
        if accumulator is not None:
            self.report(
                diagnostic(
                    "E302.accumulator_elsewhere",
                    arg.span,
                    name=name,
                    owner=accumulator.entity,
                    entity=self.entity,
                )
            )
        elif not self.names.excused(name, known):
            self.report(diagnostics.unknown_reference(arg.span, Message("累计", "accumulator"), name, known))
        return None

    def _contains(self, node: tree.Function) -> core.Core | None:
        listing = self.value(node.arguments[0])
        item = self.value(node.arguments[1], None if listing is None else listing.type)
        return None if listing is None or item is None else self.contains(node.span, listing, item)


def _of_texts(node: tree.Function) -> bool:
    """Whether `contains` is asked of a text that is written out, not of a list."""
    return node.name == "contains" and (
        "string" in node.names or any(isinstance(arg, tree.String) for arg in node.arguments[:1])
    )
