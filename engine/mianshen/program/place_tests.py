"""Tests of places lowered to one operation, so that every back end tells alike what a code is too coarse for.

In: `Within`, `SamePlace`. Out: logic over `place_prefix`: the place of so many digits that a
place lies in, unknown (naming the fact) where its code has fewer. Kleene's logic over the levels does the rest: places
that differ at a level both know are different, whatever is unknown below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, assert_never

from mianshen.places import MUNICIPAL, direct_county_groups
from mianshen.program import core
from mianshen.program.program import Program

AREA: Final = core.String(area=True)
LEVELS: Final = (2, 4, 6)  # digits of a province, a prefecture, a county
BELOW: Final = (9, 12)  # of a township, a village
_DIGITS: Final = core.Numeric(0, Decimal(2), Decimal(12))


def lowered_place_test(test: core.Within | core.SamePlace) -> core.Core:
    """The test as logic over prefixes."""
    match test:
        case core.Within(arg=arg, prefixes=prefixes):
            return _within(arg, prefixes)
        case core.SamePlace(one=one, other=other, level=level):
            match level:
                case "county":
                    return _all([_equal(one, other, digits) for digits in LEVELS])
                case "pooling area":
                    return _same_pooling_area(one, other)
                case "named":
                    return _all([_named(one, other, digits) for digits in (*LEVELS, *BELOW)])
                case _:
                    assert_never(level)
        case _:
            assert_never(test)


def _same_pooling_area(one: core.Core, other: core.Core) -> core.Core:
    """One municipality, or one prefecture; counties directly under a province are each their own."""
    grouped = core.InSet(prefix(one, 4), direct_county_groups())
    county = core.Op("or", (_not(grouped), _equal(one, other, 6)), core.Boolean())
    below = _all([_equal(one, other, 4), county])
    return _all(
        [_equal(one, other, 2), core.Op("or", (core.InSet(prefix(one, 2), MUNICIPAL), below), core.Boolean())]
    )


def pooling_area_of(place: core.Core) -> core.Core:
    """The pooling area that a place lies in: the municipality, a county directly under a province, or the city."""
    county = core.If(
        core.InSet(prefix(place, 4), direct_county_groups()), prefix(place, 6), prefix(place, 4), AREA
    )
    return core.If(core.InSet(prefix(place, 2), MUNICIPAL), prefix(place, 2), county, AREA)


def same_to(one: core.Core, other: core.Core, digits: int) -> core.Core:
    """Two places are one to so many digits."""
    return _equal(one, other, digits)


def same_city(one: core.Core, other: core.Core) -> core.Core:
    """One municipality or one prefecture."""
    below = core.Op("or", (core.InSet(prefix(one, 2), MUNICIPAL), _equal(one, other, 4)), core.Boolean())
    return _all([_equal(one, other, 2), below])


def _within(arg: core.Core, codes: Iterable[str]) -> core.Core:
    """The place lies in one of those named: those of one length are asked about level by level."""
    by_length: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_length[len(code)].append(code)
    parts = [
        _all([
            core.InSet(prefix(arg, digits), tuple(dict.fromkeys(code[:digits] for code in together)))
            for digits in (*(level for level in LEVELS if level < length), length)
        ])
        for length, together in by_length.items()
    ]  # fmt: skip
    return parts[0] if len(parts) == 1 else core.Op("or", tuple(parts), core.Boolean())


def prefix(arg: core.Core, digits: int) -> core.Op:
    """The place of so many digits that a place lies in."""
    return core.Op("place_prefix", (arg, core.Const(Decimal(digits), _DIGITS)), AREA)


def prefix_digits(node: core.Op) -> int:
    """How many digits a `place_prefix` asks for."""
    count = node.args[1]
    assert isinstance(count, core.Const)
    return int(str(count.value))


def area_facts(node: core.Core, program: Program) -> tuple[core.FactRef, ...]:
    """The facts of which a place may be the value: those to name where it is too coarse."""
    match node:
        case core.FactRef():
            return (node,)
        case core.DecisionRef(entity=entity, name=name):
            values: tuple[core.Core, ...] = tuple(p.value for p in program.decision(entity, name).provisions)
        case core.If(then=then, otherwise=otherwise):
            values = (then, otherwise)
        case core.Choice(rows=rows):
            values = tuple(value for _, value in rows)
        case core.Op(op="place_prefix", args=(place, _)):
            values = (place,)
        case _:
            return ()
    return tuple(dict.fromkeys(fact for value in values for fact in area_facts(value, program)))


def _equal(one: core.Core, other: core.Core, digits: int) -> core.Core:
    return core.Op("eq", (prefix(one, digits), prefix(other, digits)), core.Boolean())


def _named(place: core.Core, outer: core.Core, digits: int) -> core.Core:
    """The place begins as the outer one does, as far as that goes; every place has a province."""
    if digits == LEVELS[0]:
        return _equal(place, outer, digits)
    return core.Op(
        "or", (_not(core.IsKnown(prefix(outer, digits))), _equal(place, outer, digits)), core.Boolean()
    )


def _not(node: core.Core) -> core.Core:
    return core.Op("not", (node,), core.Boolean())


def _all(parts: list[core.Core]) -> core.Core:
    return parts[0] if len(parts) == 1 else core.Op("and", tuple(parts), core.Boolean())
