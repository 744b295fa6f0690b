"""Core expressions as SQL: the same meaning as the interpreter's, a row at a time, without a loop.

In: a core node at an entity. Out: `Emitted`: its value (NULL: unknown or not modelled), whether it
is not modelled, whether evaluating it is an error. Aggregates and year-to-date are columns made
beforehand. Invariants: `void` and `error` are never NULL; nothing emitted can raise at run time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import Literal, assert_never

from sqlglot import exp

from mianshen.program import core
from mianshen.program.failing import fallible
from mianshen.program.lower import lowered
from mianshen.program.operators import either
from mianshen.program.place_tests import prefix_digits
from mianshen.values import add_months
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.days import beyond_calendar, full_years, outside_calendar
from mianshen.warehouse.expressions import FALSE, TRUE, Sql
from mianshen.warehouse.figures import blank_of, figure_of, opening_balance, parameter
from mianshen.warehouse.rounding import rounded_quotient, rounded_value
from mianshen.warehouse.scope import Emitted, Scope
from mianshen.warehouse.working_days import worked

COMPARE: dict[str, type[exp.Binary]] = {
    "eq": exp.EQ, "ne": exp.NEQ, "lt": exp.LT, "le": exp.LTE, "gt": exp.GT, "ge": exp.GTE,
}  # fmt: skip
ARITHMETIC: dict[str, type[exp.Binary]] = {"add": exp.Add, "sub": exp.Sub, "mul": exp.Mul}
PARTS: dict[str, type[exp.Func]] = {"year": exp.Year, "month": exp.Month, "day": exp.Day}


def emit(node: core.Core, scope: Scope) -> Emitted:
    """A node's value; what is large stands in a column of its own, lest what uses it twice write it twice."""
    return _leaf(node, scope) if isinstance(node, core.Leaf) else scope.named(_composite(node, scope))


def _composite(node: core.Inner | core.Derived, scope: Scope) -> Emitted:
    match node:
        case core.Op():
            return _operation(node, scope)
        case core.If():
            return _conditional(node, scope)
        case core.Round():
            return _rounding(node, scope)
        case core.IsKnown(arg=arg):
            inner = emit(arg, scope)
            return Emitted(terms.is_known(inner.value), FALSE, inner.error, nullable=False)
        case core.InForce():
            return _in_force(node, scope)
        case core.Aggregate() | core.Earlier():
            label = scope.aggregates[node]
            void = terms.column(f"{label}?void") if isinstance(node, core.Earlier) and node.body else FALSE
            return Emitted(
                terms.column(label), void, terms.column(f"{label}?error") if fallible(node) else FALSE
            )
        case _:
            return emit(lowered(node, scope.program.parameters), scope)


def _leaf(node: core.Leaf, scope: Scope) -> Emitted:
    match node:
        case core.Const(value=value, type=type_):
            scale = type_.scale if isinstance(type_, core.Numeric) else None
            return Emitted(terms.literal(value, scale), nullable=False)
        case core.FactRef(name=name, asking=True):
            return Emitted(terms.column(f"?this.{name}"))
        case core.FactRef(entity=owner, name=name):
            return Emitted(scope.column_of(owner, name))
        case core.DecisionRef(entity=owner, name=name):
            void = scope.void_of(owner, name) if (owner, name) in scope.voidable else FALSE
            return Emitted(scope.column_of(owner, name), void)
        case core.ParameterRef():
            return parameter(node.name, scope, blank_of(node.type), lambda dated: figure_of(dated, node.type))
        case core.AsOf():
            return Emitted(terms.literal(scope.as_of), nullable=False)
        case core.NoValue():
            return Emitted(blank_of(node.type), TRUE)
        case core.Fail():
            return Emitted(blank_of(node.type), FALSE, TRUE)
        case core.MissingFigure():
            return Emitted(blank_of(node.type))
        case core.YearToDate(accumulator=name):
            if any(name in p.feeds for d in scope.program.decisions for p in d.provisions):
                return Emitted(terms.column(f"{name}?before"))
            return Emitted(opening_balance(scope.program.accumulators[name], scope))
        case _:
            assert_never(node)


def _strict(value: Sql, args: list[Emitted], error: Sql = FALSE) -> Emitted:
    """NULL in, NULL out; not modelled when an operand is."""
    void = terms.disjoin(a.void for a in args)
    return Emitted(
        value, void, terms.disjoin([error, *(a.error for a in args)]), any(a.nullable for a in args)
    )


def _operation(node: core.Op, scope: Scope) -> Emitted:
    args = [emit(a, scope) for a in node.args]
    values = [a.value for a in args]
    match node.op:
        case "and":
            return _kleene(terms.conjoin(values), args, False)
        case "or":
            return _kleene(terms.disjoin(values), args, True)
        case "holds":
            (condition,) = args
            if condition.void == FALSE:
                return condition
            case = terms.case([(condition.void, FALSE)], condition.value)
            return Emitted(case, FALSE, condition.error, condition.nullable)
        case "not":
            return _strict(terms.negate(values[0]), args)
        case "add" | "sub" | "mul":
            return _strict(_arithmetic(node, args), args)
        case "neg":
            return _strict(exp.Neg(this=terms.paren(values[0])), args)
        case "abs":
            return _strict(exp.Abs(this=values[0]), args)
        case "min" | "max":
            kind = exp.Least if node.op == "min" else exp.Greatest
            return _strict(terms.extreme(kind, aligned(node.args, values), [a.nullable for a in args]), args)
        case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
            return _strict(terms.binary(COMPARE[node.op], *aligned(node.args, values)), args)
        case "age" | "year" | "month" | "day" | "days_between":
            return _strict(_of_days(node.op, values), args)
        case "add_months" | "add_days":
            return _shifted(node, args, scope)
        case "working_day" | "add_working_days" | "working_day_of_month" | "working_days_between":
            return worked(node, args, scope)
        case "place_prefix":
            return _place_prefix(node, args[0])
        case "list_count" | "list_distinct" | "list_contains":
            return _strict(_of_list(node.op, values), args)
        case _:
            assert_never(node.op)


def _of_days(op: Literal["age", "year", "month", "day", "days_between"], values: list[Sql]) -> Sql:
    match op:
        case "age":
            return full_years(values[0], values[1])
        case "year" | "month" | "day":
            return PARTS[op](this=values[0])
        case "days_between":
            return exp.DateDiff(this=values[1], expression=values[0], unit=exp.var("DAY"))
        case _:
            assert_never(op)


def _of_list(op: Literal["list_count", "list_distinct", "list_contains"], values: list[Sql]) -> Sql:
    match op:
        case "list_count":
            return terms.function("LEN", values[0])
        case "list_distinct":
            return terms.function("LEN", terms.function("LIST_DISTINCT", values[0]))
        case "list_contains":
            return terms.function("LIST_CONTAINS", *values)
        case _:
            assert_never(op)


def _place_prefix(node: core.Op, place: Emitted) -> Emitted:
    """The beginning of a code; NULL where the code is shorter."""
    digits = terms.literal(prefix_digits(node))
    long_enough = exp.GTE(this=exp.Length(this=place.value), expression=digits)
    start = exp.Left(this=place.value, expression=digits)
    return replace(_strict(terms.case([(long_enough, start)]), [place]), nullable=True)


def _arithmetic(node: core.Op, args: list[Emitted]) -> Sql:
    """Sum, difference or product.

    The database computes in as many digits as the operands' types ask for, up to 18 in one machine word:
    each is given the digits it needs, and more where the result does.
    """
    assert isinstance(node.type, core.Numeric)
    operands: list[Sql] = []
    for operand, arg in zip(node.args, args, strict=True):
        type_ = operand.type
        assert isinstance(type_, core.Numeric)
        whole = type_.scale == 0 and not isinstance(
            operand, core.FactRef | core.DecisionRef
        )  # may be a machine integer
        arithmetic = node.op == "mul" and isinstance(
            operand, core.Op | core.Round | core.If | core.DecisionRef | core.Aggregate
        )
        wide = node.type.precision > 18 and not operands
        least = 19 if wide else 1
        plain = not (whole or arithmetic or wide)
        operands.append(
            arg.value
            if plain
            else terms.cast(arg.value, terms.decimal_type(max(least, type_.precision), type_.scale))
        )
    return terms.binary(ARITHMETIC[node.op], operands[0], operands[1])


def aligned(cores: Sequence[core.Core], values: Sequence[Sql]) -> list[Sql]:
    """Values to compare or choose from.

    Those of more digits than fit a machine word are given one type first: the database's own common type
    may drop decimals.
    """
    types = [c.type for c in cores]
    numbers = [t for t in types if isinstance(t, core.Numeric)]
    if len(numbers) < len(types):
        return list(values)
    common = reduce(either, numbers)
    wide = any(t.precision > 18 for t in numbers) or any(
        isinstance(n, core.Aggregate | core.YearToDate) for c in cores for n in core.walk(c)
    )
    if not wide or not common.fits:
        return list(values)
    return [terms.cast(v, terms.decimal_type(common.precision, common.scale)) for v in values]


def _kleene(value: Sql, args: list[Emitted], decisive: bool) -> Emitted:
    """Three-valued and/or; not modelled where NULL comes from a not-modelled operand and no unknown one."""
    error = _in_turn(args, decisive)
    nullable = any(a.nullable for a in args)
    voids = [a for a in args if a.void != FALSE]
    if not voids:
        return Emitted(value, FALSE, error, nullable)
    unknown = terms.disjoin(
        terms.conjoin([terms.is_null(a.value), terms.negate(a.void)]) for a in args if a.nullable
    )
    void = terms.conjoin([terms.is_null(value), terms.negate(unknown)])
    return Emitted(value, void, error, nullable)


def _in_turn(args: list[Emitted], decisive: bool) -> Sql:
    """An operand's error counts only when no earlier operand has settled the matter."""
    if all(a.error == FALSE for a in args):
        return FALSE
    parts = []
    for index, arg in enumerate(args):
        settled = [terms.is_true(a.value) if decisive else terms.is_false(a.value) for a in args[:index]]
        parts.append(terms.conjoin([*(terms.negate(s) for s in settled), arg.error]))
    return terms.disjoin(p for p, a in zip(parts, args, strict=True) if a.error != FALSE)


def _conditional(node: core.If, scope: Scope) -> Emitted:
    condition, then, otherwise = (emit(n, scope) for n in (node.condition, node.then, node.otherwise))
    yes_value, no_value = aligned([node.then, node.otherwise], [then.value, otherwise.value])
    if not condition.nullable:
        value = terms.case([(condition.value, yes_value)], no_value)
    else:
        value = terms.case([(condition.value, yes_value), (terms.negate(condition.value), no_value)])
    yes, no = terms.is_true(condition.value), terms.is_false(condition.value)

    def chosen(of_condition: Sql, of_then: Sql, of_otherwise: Sql) -> Sql:
        parts = [(TRUE, of_condition), (yes, of_then), (no, of_otherwise)]
        return terms.disjoin(terms.conjoin([when, part]) for when, part in parts if part != FALSE)

    void = chosen(condition.void, then.void, otherwise.void)
    error = chosen(condition.error, then.error, otherwise.error)
    return Emitted(value, void, error, condition.nullable or then.nullable or otherwise.nullable)


def _rounding(node: core.Round, scope: Scope) -> Emitted:
    top = emit(node.numerator, scope)
    top_type = node.numerator.type
    assert isinstance(top_type, core.Numeric)
    if node.denominator is None:
        return _strict(rounded_value(top.value, top_type, node.digits, node.mode, node.type), [top])
    bottom = emit(node.denominator, scope)
    bottom_type = node.denominator.type
    assert isinstance(bottom_type, core.Numeric)
    value = rounded_quotient(
        top.value, top_type, bottom.value, bottom_type, node.digits, node.mode, node.type, scope.let
    )
    may_be_zero = bottom_type.low <= 0 <= bottom_type.high
    zero = terms.conjoin(
        [
            terms.is_true(terms.equal(terms.paren(bottom.value), terms.literal(0))),
            terms.is_known(top.value),
        ]
    )
    return _strict(value, [top, bottom], zero if may_be_zero else FALSE)


def _shifted(node: core.Op, args: list[Emitted], scope: Scope) -> Emitted:
    """A date moved; an error outside the years 1 to 9999."""
    count = node.args[1]
    months, unit = node.op == "add_months", exp.var("MONTH" if node.op == "add_months" else "DAY")
    if not isinstance(count, core.Const):
        days_on = terms.cast(args[1].value, "INT")
        one = exp.Interval(this=exp.Literal.string("1"), unit=unit)
        by = exp.Mul(this=terms.paren(days_on), expression=one)
        moved = terms.cast(exp.Add(this=terms.paren(args[0].value), expression=by), "DATE")
        outside = beyond_calendar(args[0].value, days_on, months)
        return _strict(terms.case([(terms.negate(outside), moved)]), args, outside)
    assert isinstance(count.value, Decimal)
    steps = int(count.value)
    if isinstance(node.args[0], core.AsOf):
        try:
            day = (
                add_months(scope.as_of, steps)
                if node.op == "add_months"
                else scope.as_of + dt.timedelta(days=steps)
            )
        except OverflowError:
            return Emitted(blank_of(node.type), FALSE, TRUE)
        return Emitted(terms.literal(day), nullable=False)
    interval = exp.Interval(this=exp.Literal.string(str(steps)), unit=unit)
    moved = terms.cast(exp.Add(this=terms.paren(args[0].value), expression=interval), "DATE")
    outside = outside_calendar(args[0].value, steps, months)
    return _strict(terms.case([(terms.negate(outside), moved)]), [args[0]], outside)


def _in_force(node: core.InForce, scope: Scope) -> Emitted:
    """The case of the value in force; not modelled and failing where that case is, and failing in a gap."""
    series = scope.program.parameters[node.parameter].series
    cases = {id(dated): emit(case, scope) for dated, case in zip(series, node.cases, strict=True)}

    def part(of: Callable[[Emitted], Sql], blank: Sql) -> Emitted:
        return parameter(node.parameter, scope, blank, lambda dated: of(cases[id(dated)]))

    def where(of: Callable[[Emitted], Sql]) -> Sql:
        """A test on the case in force; where no figure is, none holds."""
        if all(of(case) == FALSE for case in cases.values()):
            return FALSE
        return terms.is_true(part(of, FALSE).value)

    value = part(lambda case: case.value, blank_of(node.type))
    nullable = value.nullable or any(case.nullable for case in cases.values())
    error = terms.disjoin([value.error, where(lambda case: case.error)])
    return Emitted(value.value, where(lambda case: case.void), error, nullable)
