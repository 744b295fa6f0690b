"""Ranges as values: how a point or a range lies to another.

In: surface nodes, of which a range is written out, `[a..b)`. Out: conditions as core nodes. Ends are numbers or dates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from mianshen.formulas.formula import FormulaChecks
from mianshen.formulas.symbol_table import describe
from mianshen.program import diagnostics
from mianshen.program.core import Boolean, Const, Core, Op, Operator
from mianshen.syntax import tree


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a range begins and ends, and whether its ends belong to it; a point begins where it ends."""

    low: Core
    low_closed: bool
    high: Core
    high_closed: bool
    point: bool = False


Lie: TypeAlias = Callable[[Interval, Interval], Core]


class IntervalChecks(FormulaChecks):
    """The part of the checker that reads ranges."""

    __slots__ = ()

    def lies(self, node: tree.Function) -> Core | None:
        """`before(a, b)`, `includes([a..b], c)` and their like."""
        ends = [self._interval(argument) for argument in node.arguments]
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            return None
        one, two = known
        lie, points = LIES[node.name]
        if (one.point, two.point) not in points:
            usage = INTERVAL_USAGE[node.name]
            self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
            return None
        types = {type(end.type) for part in known for end in (part.low, part.high)}
        if len(types) > 1:
            left, right = describe(one.low.type), describe(two.high.type)
            self.report(diagnostics.not_comparable(node.span, left, right))
            return None
        return lie(one, two)

    def _interval(self, node: tree.Expr) -> Interval | None:
        if isinstance(node, tree.RangeTest):
            low, high = self.value(node.low), self.value(node.high)
            return (
                None
                if low is None or high is None
                else Interval(low, node.low_closed, high, node.high_closed)
            )
        point = self.value(node)
        return None if point is None else Interval(point, True, point, True, point=True)


def _is(op: Operator, one: Core, two: Core) -> Core:
    return Op(op, (one, two), Boolean())


def _and(*parts: Core) -> Core:
    return Op("and", parts, Boolean())


def _or(*parts: Core) -> Core:
    return Op("or", parts, Boolean())


def _when(truth: bool) -> Core:
    return Const(truth, Boolean())


def _before(one: Interval, two: Interval) -> Core:
    apart = not (one.high_closed and two.low_closed)
    return _or(_is("lt", one.high, two.low), _and(_when(apart), _is("eq", one.high, two.low)))


def _meets(one: Interval, two: Interval) -> Core:
    return _and(_when(one.high_closed and two.low_closed), _is("eq", one.high, two.low))


def _reaches(one: Interval, two: Interval) -> Core:
    """The first ends no earlier than the second begins."""
    touching = _and(_when(one.high_closed and two.low_closed), _is("eq", one.high, two.low))
    return _or(_is("gt", one.high, two.low), touching)


def _overlaps(one: Interval, two: Interval) -> Core:
    return _and(_reaches(one, two), _reaches(two, one))


def _overlaps_before(one: Interval, two: Interval) -> Core:
    earlier = _and(_when(one.low_closed and not two.low_closed), _is("eq", one.low, two.low))
    return _and(_or(_is("lt", one.low, two.low), earlier), _reaches(one, two), _ends_within(one, two))


def _ends_within(one: Interval, two: Interval) -> Core:
    same = _and(_when(not one.high_closed or two.high_closed), _is("eq", one.high, two.high))
    return _or(_is("lt", one.high, two.high), same)


def _begins_within(one: Interval, two: Interval) -> Core:
    same = _and(_when(not one.low_closed or two.low_closed), _is("eq", one.low, two.low))
    return _or(_is("gt", one.low, two.low), same)


def _during(one: Interval, two: Interval) -> Core:
    return _and(_begins_within(one, two), _ends_within(one, two))


def _finishes(one: Interval, two: Interval) -> Core:
    same = _and(_when(one.high_closed == two.high_closed), _is("eq", one.high, two.high))
    return same if one.point else _and(same, _begins_within(one, two))


def _starts(one: Interval, two: Interval) -> Core:
    same = _and(_when(one.low_closed == two.low_closed), _is("eq", one.low, two.low))
    return same if one.point else _and(same, _ends_within(one, two))


def _coincides(one: Interval, two: Interval) -> Core:
    closed = (one.low_closed, one.high_closed) == (two.low_closed, two.high_closed)
    return _and(_when(closed), _is("eq", one.low, two.low), _is("eq", one.high, two.high))


def _turned(lie: Lie) -> Lie:
    return lambda one, two: lie(two, one)


_ANY: Final = ((True, True), (True, False), (False, True), (False, False))
_RANGES: Final = ((False, False),)
_FIRST: Final = ((True, False), (False, False))  # the first may be a point
_SECOND: Final = ((False, True), (False, False))
# Each relation, and which of its two may be points.
LIES: Final[Mapping[str, tuple[Lie, tuple[tuple[bool, bool], ...]]]] = {
    "before": (_before, _ANY),
    "after": (_turned(_before), _ANY),
    "meets": (_meets, _RANGES),
    "met by": (_turned(_meets), _RANGES),
    "overlaps": (_overlaps, _RANGES),
    "overlaps before": (_overlaps_before, _RANGES),
    "overlaps after": (_turned(_overlaps_before), _RANGES),
    "finishes": (_finishes, _FIRST),
    "finished by": (_turned(_finishes), _SECOND),
    "includes": (_turned(_during), _SECOND),
    "during": (_during, _FIRST),
    "starts": (_starts, _FIRST),
    "started by": (_turned(_starts), _SECOND),
    "coincides": (_coincides, ((True, True), (False, False))),
}
INTERVAL_USAGE: Final = {name: f"{name}([a..b], [c..d])" for name in LIES}
