"""Figures in formulas: with keys, on another date, scales; and the functions of the rulebook.

In: surface nodes. Out: core nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import reduce

from mianshen.catalogue import diagnostic
from mianshen.formulas.comparing import ComparisonChecks
from mianshen.formulas.formula import Local, Months, Partial, Quotient, fraction, joined, number
from mianshen.formulas.symbol_table import FunctionName, Keyed, KeyedValues, KeyTest, ParameterName
from mianshen.program import diagnostics
from mianshen.program.core import (
    Boolean,
    Choice,
    Code,
    Const,
    Core,
    Date,
    FigureAt,
    InSet,
    Listing,
    Marginal,
    Numeric,
    Op,
    ParameterRef,
    Type,
    Within,
    children,
)
from mianshen.program.literals import WRITTEN
from mianshen.program.operators import either
from mianshen.source import Message
from mianshen.syntax import tree

MOST_PARTS = 20_000  # of one formula, written out
OPTIONS = ("from", "points")  # what `marginal` takes by name beside the scale
WIDEST = Decimal(10**9)  # what brackets may add to the base of an inverse scale
USAGE_OF_SCALES = {
    "marginal": "marginal(x, a_scale_parameter)",
    "inverse marginal": "inverse marginal(y, a_scale_parameter)",
}


class FigureChecks(ComparisonChecks):
    """The part of the checker that reads figures and calls functions."""

    __slots__ = ()

    # -- figures -----------------------------------------------------------------------------

    def figure_named(self, node: tree.Expr) -> tuple[str, ParameterName, tuple[tree.Expr, ...]] | None:
        """A parameter written bare or with its keys; None: it is none."""
        match node:
            case tree.Name(value=name) if name in self.names.parameters:
                return name, self.names.parameters[name], ()
            case tree.Function(name=name, arguments=arguments) if name in self.names.parameters:
                return name, self.names.parameters[name], arguments
            case _:
                return None

    def by_keys(self, node: tree.Function) -> Core | None:
        """`rate(hospital_level, area)`: a figure looked up by its keys."""
        name, parameter = node.name, self.names.parameters[node.name]
        if parameter.type is None:
            usage = f"marginal(x, {name})"
            self.report(diagnostic("E341.special_parameter", node.span, name=name, usage=usage))
            return None
        return self._leaf(node, ParameterRef)

    def on_date(self, node: tree.OnDate) -> Core | None:
        """`rate at admission_date`."""
        named, date = self.figure_named(node.figure), self.value(node.date)
        if named is None or named[1].type is None or isinstance(named[1].type, Listing):
            self.report(diagnostic("E364.no_figure", node.figure.span))
            return None
        if date is None:
            return None
        if not isinstance(date.type, Date):
            self.wrong(node.date.span, Date(), date.type)
            return None
        return self._leaf(node.figure, lambda leaf, type_: FigureAt(leaf, date, type_))

    def _leaf(self, node: tree.Expr, read: Callable[[str, Type], Core]) -> Core | None:
        """What is read of the one figure that is meant, or of each of those of its keys."""
        named = self.figure_named(node)
        assert named is not None
        name, parameter, arguments = named
        if parameter.keyed is None:
            if arguments or isinstance(node, tree.Function):
                self.report(diagnostics.wrong_arguments(node.span, name, name))
                return None
            assert parameter.type is not None
            return read(name, parameter.type)

        def leaf(leaf_name: str) -> Core:
            type_ = self.names.parameters[leaf_name].type
            assert type_ is not None
            return read(leaf_name, type_)

        return self.looked_up(node, parameter.keyed, leaf)

    def looked_up(self, node: tree.Expr, keyed: Keyed, leaf: Callable[[str], Core]) -> Core | None:
        """What the leaf gives that the keys of a call lead to."""
        named = self.figure_named(node)
        assert named is not None
        arguments = named[2] if isinstance(node, tree.Function) else ()
        if isinstance(node, tree.Function) and node.names:
            ordered = self.in_order(node, list(keyed.keys))
            if ordered is None:
                return None
            arguments = ordered
        if len(arguments) != len(keyed.keys):
            self.report(diagnostics.wrong_arguments(node.span, named[0], keyed.usage(named[0])))
            return None
        subjects: list[Core] = []
        for argument, type_ in zip(arguments, keyed.keys.values(), strict=True):
            subject = self.value(argument, type_)
            if subject is None:
                return None
            alike = type_ == subject.type or (
                isinstance(type_, Numeric) and isinstance(subject.type, Numeric)
            )
            if not alike:
                self.wrong(argument.span, type_, subject.type)
                return None
            subjects.append(subject)
        return self._chosen(keyed.values, subjects, leaf)

    def _chosen(self, values: KeyedValues, subjects: list[Core], leaf: Callable[[str], Core]) -> Core:
        subject, *rest = subjects
        rows: list[tuple[Core, Core]] = []
        for test, below in _possible(values, subject):
            value = leaf(below) if isinstance(below, str) else self._chosen(below, rest, leaf)
            if test is None and not rows:
                return value
            rows.append((self._key_holds(test, subject), value))
        type_ = reduce(_shared, (value.type for _, value in rows))
        return Choice("first", tuple(rows), type_)

    def _key_holds(self, test: KeyTest | None, subject: Core) -> Core:
        if test is None:
            return Const(True, Boolean())
        if test.cell is not None:
            holds = self.tests(subject, test.cell.tests, test.cell.span)
            assert holds is not None
            return holds
        if test.places:
            return Within(subject, test.places)
        if test.truth is not None:
            return subject if test.truth else Op("not", (subject,), Boolean())
        return InSet(subject, test.values)

    # -- scales ------------------------------------------------------------------------------

    def marginal(self, node: tree.Function) -> Core | None:
        """What a scale gives, perhaps from another deductible or with points on its rates, or its inverse."""
        inverse = node.name != "marginal"
        count = len(node.arguments) - sum(name in OPTIONS for name in node.names)
        options = dict(zip(node.names, node.arguments, strict=True)) if node.names else {}
        misnamed = node.names and (inverse or not set(node.names) <= {"base", "scale", *OPTIONS})
        if misnamed or count != 2:
            self.report(diagnostics.wrong_arguments(node.span, node.name, USAGE_OF_SCALES[node.name]))
            return None
        base = self.numeric(options.get("base", node.arguments[0]))
        written = options.get("scale", node.arguments[1])
        figure, date = written, None
        if isinstance(written, tree.OnDate):
            figure, date = written.figure, self.value(written.date)
        start, points = (self.numeric(options[o]) if o in options else None for o in OPTIONS)
        named = self._scale(figure, node)
        parts = [(start, "from"), (points, "points")]
        if base is None or named is None or any(part is None and o in options for part, o in parts):
            return None
        if isinstance(written, tree.OnDate) and (date is None or not isinstance(date.type, Date)):
            if date is not None:
                self.wrong(written.date.span, Date(), date.type)
            return None

        def scale(name: str) -> Core | None:
            return self._marginal_of(node, base, name, start, points, date, inverse)

        name, parameter = named
        if parameter.keyed is None:
            return scale(name)
        failed: list[str] = []

        def leaf(leaf_name: str) -> Core:
            value = scale(leaf_name)
            if value is None:
                failed.append(leaf_name)
            return Const(Decimal(0), Numeric(0, Decimal(0), Decimal(0))) if value is None else value

        chosen = self.looked_up(figure, parameter.keyed, leaf)
        return None if failed else chosen

    def _scale(self, figure: tree.Expr, node: tree.Function) -> tuple[str, ParameterName] | None:
        """The scale that is named."""
        named = self.figure_named(figure)
        if named is None:
            name = figure.value if isinstance(figure, tree.Name) else None
            known = [n for n, p in self.names.parameters.items() if p.scale_rates]
            if name is None:
                self.report(diagnostics.wrong_arguments(figure.span, node.name, USAGE_OF_SCALES[node.name]))
            elif not self.names.excused(name, known):
                kind = Message("参数", "parameter")
                self.report(diagnostics.unknown_reference(figure.span, kind, name, known))
            return None
        name, parameter, arguments = named
        if parameter.scale_rates is None or (arguments and parameter.keyed is None):
            self.report(diagnostics.wrong_arguments(figure.span, node.name, USAGE_OF_SCALES[node.name]))
            return None
        return name, parameter

    def _marginal_of(
        self, node: tree.Function, base: Core, name: str, start: Core | None, points: Core | None, date: Core | None,
        inverse: bool,
    ) -> Core | None:  # fmt: skip
        parameter = self.names.parameters[name]
        rates = parameter.scale_rates
        assert rates is not None
        if inverse:
            least = parameter.least_rate or Decimal(1)
            high = Decimal(int((max(Decimal(0), number(base).high) + WIDEST) / least) + 1)
            fitting = self.fitting(
                node.span, Numeric(2, Decimal(0), high), number(base).precision + rates.scale + 4
            )
            return None if fitting is None else Marginal(base, name, fitting, None, None, date, inverse=True)
        top = max(Decimal(0), number(base).high)
        if start is not None:
            top -= min(Decimal(0), number(start).low)
        if points is not None:
            added = number(points)
            rates = Numeric(max(rates.scale, added.scale), rates.low + added.low, rates.high + added.high)
        low, high = top * min(Decimal(0), rates.low), top * max(Decimal(0), rates.high)
        decimals = max(number(base).scale, 2, 0 if start is None else number(start).scale)
        type_ = self.fitting(node.span, Numeric(decimals + rates.scale, low, high))
        return None if type_ is None else Marginal(base, name, type_, start, points, date)

    # -- functions of the rulebook -----------------------------------------------------------

    def in_order(self, node: tree.Function, names: list[str]) -> tuple[tree.Expr, ...] | None:
        """The arguments of a call in the order of their names."""
        by_name = dict(zip(node.names, node.arguments, strict=True))
        for name in node.names:
            if name not in names:
                self.report(diagnostics.unknown_argument(node.span, node.name, name, names))
                return None
        if len(by_name) < len(names) or len(node.names) > len(by_name):
            self.report(diagnostics.wrong_arguments(node.span, node.name, f"{node.name}({', '.join(names)})"))
            return None
        return tuple(by_name[name] for name in names)

    def own_function(self, node: tree.Function) -> Partial | None:
        """A function of the rulebook: its formula with the arguments in their places."""
        function = self.names.functions[node.name]
        if node.name in self.calling:
            self.report(
                diagnostic(
                    "E363.functions_in_circle", node.span, chain=" -> ".join([*self.calling, node.name])
                )
            )
            return None
        arguments = self.in_order(node, list(function.takes)) if node.names else node.arguments
        if arguments is None:
            return None
        if len(arguments) != len(function.takes):
            usage = f"{node.name}({', '.join(function.takes)})"
            self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
            return None
        values: dict[str, Local] = {}
        for argument, (name, type_) in zip(arguments, function.takes.items(), strict=True):
            value = self.visit(argument, type_)
            if value is None or not self._takes(argument, value, type_):
                return None
            values[name] = Local(self.entity, value)
        return self.called(node.name, function, values)

    def _takes(self, node: tree.Expr, value: Partial, type_: Type) -> bool:
        """Whether a value is of the type that an argument has."""
        if isinstance(value, Quotient):
            return isinstance(type_, Numeric)
        if not isinstance(value, Months) and joined(value.type, type_) is not None:
            return True
        self.wrong(node.span, type_, value.type)
        return False

    def called(self, name: str, function: FunctionName, values: dict[str, Local]) -> Partial | None:
        """The value of a function's formula for some arguments."""
        inner = replace(self, locals=values, calling=(*self.calling, name), variables={})
        declared = None if function.gives is None else WRITTEN.get(function.gives)
        value = inner.visit(function.body, declared)
        if value is None or isinstance(value, Months):
            return value
        if function.gives == "money":
            top, bottom = fraction(value)
            if not isinstance(top.type, Numeric):
                self.wrong(function.body.span, WRITTEN["money"], top.type)
                return None
            value = inner.round_to(function.body.span, "half_up", 2, top, bottom)
        if isinstance(value, Quotient | None):
            return value
        if declared is not None and joined(value.type, declared) is None:
            self.wrong(function.body.span, declared, value.type)
            return None
        return self.of_size(name, function.body, value)

    def of_size(self, name: str, node: tree.Expr, value: Core) -> Core | None:
        """The value, unless written out it has too many parts."""
        count, pending = 0, [value]
        while pending and count <= MOST_PARTS:
            count += 1
            pending.extend(children(pending.pop()))
        if count <= MOST_PARTS:
            return value
        self.report(diagnostic("E363.too_large", node.span, name=name, most=MOST_PARTS))
        return None


def _possible(values: KeyedValues, subject: Core) -> tuple[tuple[KeyTest | None, KeyedValues | str], ...]:
    """The tests that a key may pass: of a code that is written out, the one that takes it."""
    if not isinstance(subject, Const) or not isinstance(subject.type, Code):
        return values.tests
    below = next(below for test, below in values.tests if test is None or subject.value in test.values)
    return ((None, below),)


def _shared(one: Type, other: Type) -> Type:
    """The type of the values of two leaves."""
    if isinstance(one, Numeric) and isinstance(other, Numeric):
        return either(one, other)
    return one
