"""A core expression as text, to show which part of a condition failed.

In: a core node. Out: text in the language of rules, names as the rulebook has them.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final, assert_never

from mianshen.closed_sets import PlaceLevel
from mianshen.program import core
from mianshen.program.operators import FUNCTIONS

INFIX: Final = {
    "add": "+", "sub": "-", "mul": "*", "eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "and": "and", "or": "or", "add_months": "+", "add_days": "+",
}  # fmt: skip
FUNCTION_NAMES: Final = {op: name for name, (op, _, _) in FUNCTIONS.items()}


def to_text(node: core.Core, home: str) -> str:
    """The node as a formula at entity `home`: its own names bare, others' through their entity."""
    if isinstance(node, core.Leaf):
        return _leaf(node, home)
    match node:
        case core.Op():
            return _operation(node, home)
        case core.InSet(arg=arg, values=(value,)):
            return f"{to_text(arg, home)} = {constant(value)}"
        case core.InSet(arg=arg, values=values):
            return f"{to_text(arg, home)} in ({', '.join(map(constant, values))})"
        case core.Within(arg=arg, prefixes=prefixes):
            return f"within({', '.join([to_text(arg, home), *map(constant, prefixes)])})"
        case core.SamePlace(one=one, other=other, level=level):
            return _compared_places(one, other, level, home)
        case core.If(condition=condition, then=then, otherwise=otherwise):
            parts = (to_text(part, home) for part in (condition, then, otherwise))
            return "if {} then {} else {}".format(*parts)
        case core.Round(numerator=top, denominator=bottom):
            return to_text(top, home) if bottom is None else f"{_inner(top, home)} / {_inner(bottom, home)}"
        case core.IsKnown(arg=arg):
            return f"{to_text(arg, home)} is known"
        case core.FigureAt(parameter=name, date=date):
            return f"{name} at {_inner(date, home)}"
        case core.Marginal():
            return _scale(node, home)
        case core.BenefitYear(date=date):
            return f"benefit year({to_text(date, home)})"
        case core.Choice(policy=policy):
            return f"table ({policy})"
        case core.Earlier():
            return _earlier(node)
        case core.Aggregate():
            return _aggregate(node)
        case core.InForce(parameter=name):
            return name
        case _:
            assert_never(node)


def _leaf(node: core.Leaf, home: str) -> str:
    match node:
        case core.Const(value=value):
            return constant(value)
        case core.FactRef(name=name, asking=True):
            return f"this.{name}"
        case core.FactRef(entity=owner, name=name) | core.DecisionRef(entity=owner, name=name):
            return name if owner == home else f"{owner}.{name}"
        case core.ParameterRef(name=name) | core.MissingFigure(parameter=name):
            return name
        case core.AsOf():
            return "as_of"
        case core.YearToDate(accumulator=name):
            return f"year to date({name})"
        case core.NoValue():
            return "not modelled"
        case core.Fail():
            return "conflict"
        case _:
            assert_never(node)


def _compared_places(one: core.Core, other: core.Core, level: PlaceLevel, home: str) -> str:
    match level:
        case "county":
            return f"{_inner(one, home)} = {_inner(other, home)}"
        case "pooling area":
            return f"same pooling area({to_text(one, home)}, {to_text(other, home)})"
        case "named":
            return f"within({to_text(one, home)}, {to_text(other, home)})"
        case _:
            assert_never(level)


def constant(value: core.Constant) -> str:
    """A literal as a rule writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case dt.date():
            return f'date("{value}")'
        case str():
            return f'"{value}"'


def _operation(node: core.Op, home: str) -> str:
    match node.op:
        case "add" | "sub" | "mul" | "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "and" | "or":
            return _between(INFIX[node.op], node, home)
        case "add_months" | "add_days":
            return _between("+", node, home)
        case "neg":
            return f"-{_inner(node.args[0], home)}"
        case "year" | "month" | "day":
            return f"{_inner(node.args[0], home)}.{node.op}"
        case "place_prefix":
            return _call("place prefix", node, home)
        case "not" | "holds" | "abs" | "min" | "max":
            return _call(node.op, node, home)
        case "list_count":
            return _call("count", node, home)
        case "list_distinct":
            return _call("distinct count", node, home)
        case "list_contains":
            return _call("contains", node, home)
        case (
            "age" | "days_between" | "working_day" | "add_working_days"
            | "working_day_of_month" | "working_days_between"
        ):  # fmt: skip
            return _call(FUNCTION_NAMES[node.op], node, home)
        case _:
            assert_never(node.op)


def _scale(node: core.Marginal, home: str) -> str:
    """A scale with what is different from its own."""
    scale = node.scale if node.date is None else f"{node.scale} at {_inner(node.date, home)}"
    if node.inverse:
        return f"inverse marginal({to_text(node.base, home)}, {scale})"
    options = [("from", node.start), ("points", node.points)]
    more = [f"{name}: {to_text(part, home)}" for name, part in options if part is not None]
    if more:
        return f"marginal({', '.join([f'base: {to_text(node.base, home)}', f'scale: {scale}', *more])})"
    return f"marginal({to_text(node.base, home)}, {scale})"


def _between(sign: str, node: core.Op, home: str) -> str:
    return f" {sign} ".join(_inner(arg, home) for arg in node.args)


def _call(name: str, node: core.Op, home: str) -> str:
    return f"{name}({', '.join(to_text(arg, home) for arg in node.args)})"


def _inner(node: core.Core, home: str) -> str:
    text = to_text(node, home)
    compound = isinstance(node, core.If | core.InSet | core.SamePlace) or (
        isinstance(node, core.Op) and node.op in INFIX
    )
    return f"({text})" if compound else text


def _earlier(node: core.Earlier) -> str:
    """Earlier rows as a formula asks about them."""
    where = "" if node.where is None else f"[{to_text(node.where, node.entity)}]"
    same = "".join(f", {fact.name}" for fact in node.same)
    previous = f"previous({node.entity}{where}{same})"
    return f"count({previous})" if node.body is None else f"{previous}.{to_text(node.body, node.entity)}"


def _aggregate(node: core.Aggregate) -> str:
    where = "" if node.where is None else f"[{to_text(node.where, node.child)}]"
    body = "" if node.body is None else f".{_inner(node.body, node.child)}"
    rows = f"{node.child}{where}"
    if node.same:
        rows = f"sharing({rows}, {', '.join(to_text(theirs, node.child) for theirs, _ in node.same)})"
    if node.kind == "first":
        return f"some(first({rows}){body})"
    return f"{node.kind}({rows}{body})"
