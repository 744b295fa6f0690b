"""Derived nodes lowered to primitive ones: what they mean, written once for every back end.

In: a derived node. Out: a node that gives the same value, misses the same facts and fails on the same rows. The
program keeps the derived nodes, for texts, traces and proofs speak of what was written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import reduce
from math import ceil, floor
from typing import Final, assert_never

from mianshen.closed_sets import ChoicePolicy
from mianshen.program import core
from mianshen.program.nodes import added, any_of, arithmetic, comparison, constant
from mianshen.program.operators import ARITHMETIC, either
from mianshen.program.place_tests import lowered_place_test
from mianshen.program.program import Parameter
from mianshen.program.scales import figure, lowered_scale, on_date
from mianshen.values import ZERO

FIRST_YEAR: Final = 4  # a leap year: it has a 29 February for a benefit year to begin on
FEW_ROWS: Final = 4  # of a table are tried one after the other; more are halved, so that no tree is deep


def lowered(node: core.Derived, parameters: Mapping[str, Parameter]) -> core.Core:
    """What a derived node is made of, one step down: it may hold further derived nodes."""
    match node:
        case core.InSet(arg=arg, values=values):
            return any_of([comparison("eq", arg, constant(value, arg.type)) for value in values])
        case core.Within() | core.SamePlace():
            return lowered_place_test(node)
        case core.BenefitYear():
            return _benefit_year(node)
        case core.Marginal():
            return lowered_scale(node, parameters[node.scale].series)
        case core.FigureAt(parameter=name, date=date, type=type_):
            cases = [figure(dated.known, name, type_) for dated in parameters[name].series]
            return on_date(parameters[name].series, date, cases, type_)
        case core.Choice():
            return _choice(node)
        case _:
            assert_never(node)


# -- dates -----------------------------------------------------------------------------------------


def _benefit_year(node: core.BenefitYear) -> core.Core:
    """Full years since the day on which a benefit year of the first years began."""
    if node.start == (1, 1):
        return core.Op("year", (node.date,), node.type)
    began = core.Const(dt.date(FIRST_YEAR, *node.start), core.Date())
    since = core.Op(
        "age", (began, node.date), core.Numeric(0, node.type.low - FIRST_YEAR, node.type.high - FIRST_YEAR)
    )
    return arithmetic("add", since, constant(Decimal(FIRST_YEAR), node.type))


# -- tables ------------------------------------------------------------------------------------------


def _choice(node: core.Choice) -> core.Core:
    """A table under its hit policy; unknown where it is unknown whether a row matches that may count."""
    rows = [(_holds(condition), value) for condition, value in node.rows]
    if node.policy == "first":
        return _first(rows, node.type)
    matching = added([core.If(holds, _whole(1), _whole(0), _BIT) for holds, _ in rows])
    value = _collected(node.policy, rows, matching, node.type)
    return core.If(comparison("eq", matching, _whole(0)), core.NoValue(node.type), value, node.type)


def _collected(
    policy: ChoicePolicy, rows: Sequence[tuple[core.Core, core.Core]], matching: core.Core, type_: core.Type
) -> core.Core:
    """The value of a table of which some row matches."""
    match policy:
        case "first":
            return _first(rows, type_)
        case "any":
            return core.If(any_of(_disagreements(rows)), core.Fail(type_), _first(rows, type_), type_)
        case "collect count":
            return matching
        case "collect sum":
            return added([_where(holds, value, ZERO) for holds, value in rows])
        case "collect min" | "collect max":
            assert isinstance(type_, core.Numeric)
            least = policy == "collect min"
            parts = [_where(holds, value, _beyond(type_, above=least)) for holds, value in rows]
            return _extreme("min" if least else "max", parts)
        case _:
            assert_never(policy)


def _first(rows: Sequence[tuple[core.Core, core.Core]], type_: core.Type) -> core.Core:
    """The value of the first row that matches, not modelled where none does."""
    if len(rows) > FEW_ROWS:
        half = len(rows) // 2
        early, late = rows[:half], rows[half:]
        return core.If(
            any_of([holds for holds, _ in early]), _first(early, type_), _first(late, type_), type_
        )
    value: core.Core = core.NoValue(type_)
    for holds, result in reversed(rows):
        value = core.If(holds, result, value, type_)
    return value


def _disagreements(rows: Sequence[tuple[core.Core, core.Core]]) -> list[core.Core]:
    """Where two rows match and give different values."""
    numbers = all(isinstance(value.type, core.Numeric) for _, value in rows)
    if numbers:
        types = [value.type for _, value in rows if isinstance(value.type, core.Numeric)]
        shared = reduce(either, types)
        least = _extreme("min", [_where(holds, value, _beyond(shared, above=True)) for holds, value in rows])
        greatest = _extreme(
            "max", [_where(holds, value, _beyond(shared, above=False)) for holds, value in rows]
        )
        return [comparison("ne", least, greatest)]
    return [
        core.Op("and", (one, two, comparison("ne", value, other)), core.Boolean())
        for index, (one, value) in enumerate(rows)
        for two, other in rows[index + 1 :]
    ] or [core.Const(False, core.Boolean())]  # a value


# -- parts -------------------------------------------------------------------------------------------

_BIT: Final = core.Numeric(0, ZERO, Decimal(1))


def _whole(number: int) -> core.Const:
    return constant(Decimal(number), _BIT)


def _holds(condition: core.Core) -> core.Core:
    return core.Op("holds", (condition,), core.Boolean())


def _where(holds: core.Core, value: core.Core, otherwise: Decimal) -> core.Core:
    """A row's number where the row matches, else one that makes no difference."""
    instead = constant(otherwise, value.type)
    assert isinstance(value.type, core.Numeric)
    assert isinstance(instead.type, core.Numeric)
    return core.If(holds, value, instead, either(value.type, instead.type))


def _beyond(type_: core.Numeric, above: bool) -> Decimal:
    """A whole number that no value of the type is above, or below."""
    return Decimal(ceil(type_.high) if above else floor(type_.low))


def _extreme(op: core.Operator, parts: Sequence[core.Core]) -> core.Core:
    """The least or the greatest."""
    types = [part.type for part in parts if isinstance(part.type, core.Numeric)]
    return parts[0] if len(parts) == 1 else core.Op(op, tuple(parts), reduce(ARITHMETIC[op], types))
