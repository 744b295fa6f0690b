"""Scales and figures of other dates lowered to arithmetic over constants.

In: a `Marginal`, or a date with the values of a series; the series. Out: nodes that give the same value, miss the same
facts and fail on the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from mianshen.program import core
from mianshen.program.nodes import added, arithmetic, comparison, constant
from mianshen.program.program import Brackets, Dated
from mianshen.values import EXACT, ZERO, Known

FEN = 2  # decimals


def lowered_scale(node: core.Marginal, series: Sequence[Dated]) -> core.Core:
    """The scale's value in force, or that of another date."""
    cases = [_case(node, dated.brackets) for dated in series]
    if node.date is not None:
        return on_date(series, node.date, cases, node.type)
    return core.InForce(node.scale, tuple(cases), node.type)


def figure(value: Known | None, name: str, type_: core.Type) -> core.Core:
    """A value of a series as a node."""
    if value is None:
        return core.MissingFigure(name, type_)
    assert not isinstance(value, tuple)
    return constant(value, type_)


def on_date(
    series: Sequence[Dated], date: core.Core, cases: Sequence[core.Core], type_: core.Type
) -> core.Core:
    """The case of the value in force on a date; an error in a gap or past a review."""
    result: core.Core = core.Fail(type_)
    for dated, case in zip(reversed(series), reversed(cases), strict=True):
        if dated.review_by is not None:
            reviewed = comparison("gt", date, core.Const(dated.review_by, core.Date()))
            case = core.If(reviewed, core.Fail(type_), case, type_)
        bounds = [comparison("ge", date, core.Const(dated.start, core.Date()))]
        if dated.end is not None:
            bounds.append(comparison("le", date, core.Const(dated.end, core.Date())))
        within = bounds[0] if len(bounds) == 1 else core.Op("and", tuple(bounds), core.Boolean())
        result = core.If(within, case, result, type_)
    return result


def _case(node: core.Marginal, brackets: Brackets | None) -> core.Core:
    if brackets is None:
        missing = arithmetic("mul", node.base, core.MissingFigure(node.scale, core.Numeric(0, ZERO, ZERO)))
        return core.Round("half_up", FEN, missing, None, node.type) if node.inverse else missing
    return _inverse(node, brackets) if node.inverse else _bracketed(node, brackets)


def _bracketed(node: core.Marginal, brackets: Brackets) -> core.Core:
    """Each part of the base above a bracket's floor, at that bracket's rate."""
    parts: list[core.Core] = []
    for index, (over, rate) in enumerate(brackets):
        below = node.base
        if index + 1 < len(brackets):
            below = arithmetic("min", node.base, constant(brackets[index + 1][0], node.type))
        floor: core.Core = constant(over, node.type)
        if node.start is not None:
            floor = node.start if index == 0 else arithmetic("max", node.start, floor)
        share: core.Core = constant(rate, node.type)
        if node.points is not None:
            share = arithmetic("add", share, node.points)
        part = arithmetic("max", arithmetic("sub", below, floor), constant(ZERO, node.type))
        parts.append(arithmetic("mul", part, share))
    return added(parts)


def _inverse(node: core.Marginal, brackets: Brackets) -> core.Core:
    """The least base of which the scale gives `node.base`: none where it never gives as much."""
    result: core.Core = core.NoValue(node.type)
    paid = [ZERO]
    for (over, rate), (following, _) in pairwise(brackets):
        paid.append(EXACT.add(paid[-1], EXACT.multiply(rate, EXACT.subtract(following, over))))
    for index in reversed(range(len(brackets))):
        over, rate = brackets[index]
        if rate <= 0:
            continue
        more = arithmetic("sub", node.base, constant(paid[index], node.type))
        before = constant(EXACT.multiply(over, rate), node.type)
        reached = core.Round(
            "half_up", FEN, arithmetic("add", more, before), constant(rate, node.type), node.type
        )
        if index + 1 == len(brackets):
            result = reached
        else:
            limit = comparison("le", node.base, constant(paid[index + 1], node.type))
            result = core.If(limit, reached, result, node.type)
    return core.If(
        comparison("le", node.base, constant(ZERO, node.type)), constant(ZERO, node.type), result, node.type
    )


def least_rate(series: Sequence[Dated]) -> Decimal | None:
    """The least rate above zero of a scale; None: it has none."""
    rates = [rate for dated in series for _, rate in dated.brackets or () if rate > 0]
    return min(rates, default=None)
