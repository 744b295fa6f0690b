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
from mianshen.program.core import (
    Boolean,
    Choice,
    Const,
    Core,
    DecisionRef,
    FactRef,
    If,
    InSet,
    IsKnown,
    Numeric,
    Op,
    SamePlace,
    String,
    Within,
)
from mianshen.program.program import Program

AREA: Final = String(area=True)
LEVELS: Final = (2, 4, 6)  # digits of a province, a prefecture, a county
BELOW: Final = (9, 12)  # of a township, a village
_DIGITS: Final = Numeric(0, Decimal(2), Decimal(12))


def lowered_place_test(test: Within | SamePlace) -> Core:
    """The test as logic over prefixes."""
    match test:
        case Within(arg=arg, prefixes=prefixes):
            return _within(arg, prefixes)
        case SamePlace(one=one, other=other, level=level):
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


def _same_pooling_area(one: Core, other: Core) -> Core:
    """One municipality, or one prefecture; counties directly under a province are each their own."""
    grouped = InSet(prefix(one, 4), direct_county_groups())
    county = Op("or", (_not(grouped), _equal(one, other, 6)), Boolean())
    below = _all([_equal(one, other, 4), county])
    return _all([_equal(one, other, 2), Op("or", (InSet(prefix(one, 2), MUNICIPAL), below), Boolean())])


def pooling_area_of(place: Core) -> Core:
    """The pooling area that a place lies in: the municipality, a county directly under a province, or the city."""
    county = If(InSet(prefix(place, 4), direct_county_groups()), prefix(place, 6), prefix(place, 4), AREA)
    return If(InSet(prefix(place, 2), MUNICIPAL), prefix(place, 2), county, AREA)


def same_to(one: Core, other: Core, digits: int) -> Core:
    """Two places are one to so many digits."""
    return _equal(one, other, digits)


def same_city(one: Core, other: Core) -> Core:
    """One municipality or one prefecture."""
    below = Op("or", (InSet(prefix(one, 2), MUNICIPAL), _equal(one, other, 4)), Boolean())
    return _all([_equal(one, other, 2), below])


def _within(arg: Core, codes: Iterable[str]) -> Core:
    """The place lies in one of those named: those of one length are asked about level by level."""
    by_length: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_length[len(code)].append(code)
    parts = [
        _all([
            InSet(prefix(arg, digits), tuple(dict.fromkeys(code[:digits] for code in together)))
            for digits in (*(level for level in LEVELS if level < length), length)
        ])
        for length, together in by_length.items()
    ]  # fmt: skip
    return parts[0] if len(parts) == 1 else Op("or", tuple(parts), Boolean())


def prefix(arg: Core, digits: int) -> Op:
    """The place of so many digits that a place lies in."""
    return Op("place_prefix", (arg, Const(Decimal(digits), _DIGITS)), AREA)


def prefix_digits(node: Op) -> int:
    """How many digits a `place_prefix` asks for."""
    count = node.args[1]
    assert isinstance(count, Const)
    return int(str(count.value))


def area_facts(node: Core, program: Program) -> tuple[FactRef, ...]:
    """The facts of which a place may be the value: those to name where it is too coarse."""
    match node:
        case FactRef():
            return (node,)
        case DecisionRef(entity=entity, name=name):
            values: tuple[Core, ...] = tuple(p.value for p in program.decision(entity, name).provisions)
        case If(then=then, otherwise=otherwise):
            values = (then, otherwise)
        case Choice(rows=rows):
            values = tuple(value for _, value in rows)
        case Op(op="place_prefix", args=(place, _)):
            values = (place,)
        case _:
            return ()
    return tuple(dict.fromkeys(fact for value in values for fact in area_facts(value, program)))


def _equal(one: Core, other: Core, digits: int) -> Core:
    return Op("eq", (prefix(one, digits), prefix(other, digits)), Boolean())


def _named(place: Core, outer: Core, digits: int) -> Core:
    """The place begins as the outer one does, as far as that goes; every place has a province."""
    if digits == LEVELS[0]:
        return _equal(place, outer, digits)
    return Op("or", (_not(IsKnown(prefix(outer, digits))), _equal(place, outer, digits)), Boolean())


def _not(node: Core) -> Core:
    return Op("not", (node,), Boolean())


def _all(parts: list[Core]) -> Core:
    return parts[0] if len(parts) == 1 else Op("and", tuple(parts), Boolean())
