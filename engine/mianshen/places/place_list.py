"""The list of places: `places.tsv` read once, and the canonical code of any written one."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

PLACE_LIST_VERSION: Final = "2025-12-31"  # the day the ministry's list is of
DISTRICTS_TOGETHER: Final = "01"  # in GB/T 2260, the districts of a city as a whole, where no county has it
DIRECT_COUNTIES: Final = "90"  # third and fourth digit of what groups counties directly under a province
PLACE_LIST_FILE: Final = "places.tsv"
CODE_SHAPE: Final = re.compile(r"[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}", re.ASCII)
REMEMBERED: Final = 50_000  # spellings of places, of which files have few
_LEVELS: Final = (2, 4, 6, 9, 12)
_COUNTY: Final = 6
_CITY_ITSELF: Final = "99"  # the last two digits by which a city or province is itself the insurer


class Place(NamedTuple):
    """A line of the list. `until`: the last year a dissolved code was listed. `now`: the code that stands for it."""

    code: str
    name: str
    until: int | None
    now: str


@cache
def listed_places() -> dict[str, Place]:
    """Every place of the list by its code of 2, 4 or 6 digits."""
    text = Path(__file__).with_name(PLACE_LIST_FILE).read_text("utf-8")
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return {
        code: Place(code, name, int(until) if until else None, now or code)
        for code, name, until, now in lines[1:]
    }


@cache
def _with_parts() -> frozenset[str]:
    """Codes of the places that have others below them today."""
    today = [place.code for place in listed_places().values() if place.now == place.code]
    return frozenset(code[:size] for code in today for size in (2, 4) if len(code) > size)


@cache
def direct_county_groups() -> tuple[str, ...]:
    """The codes of four digits that only group the counties directly under a province."""
    return tuple(code for code in listed_places() if len(code) == 4 and code.endswith(DIRECT_COUNTIES))


@lru_cache(maxsize=REMEMBERED)
def canonical_code(written: str) -> str | None:
    """The canonical code of a written one; None where it is no area code, or no list knows it.

    >>> [canonical_code(code) for code in ("371724000000", "371799", "310100", "4419", "37172")]
    ['371724', '3717', '31', '441900', None]
    """
    if not CODE_SHAPE.fullmatch(written):
        return None
    places, code = listed_places(), without_padding(written)
    if code[:2] in places and code[:2] not in _with_parts():
        code = code[:2]  # nothing below is listed
    place = places.get(code[:_COUNTY])
    if place is None and code[4:6] == "00" and code[:4] not in _with_parts():
        place = places.get(code[:4])  # a township directly under a prefecture
    if place is None and code[4:] == DISTRICTS_TOGETHER:
        code = code[:4]
        place = places.get(code)
    if place is None:
        return None
    if place.now != place.code:
        code = place.now
    return code if code in _with_parts() else code.ljust(_COUNTY, "0")


@lru_cache(maxsize=REMEMBERED)
def county_in(code: str, outside: tuple[str, ...] = ()) -> str:
    """The first county of today in a place and in none of those `outside`; the place itself where there is none.

    >>> county_in("37"), county_in("37", ("3701",))
    ('370102', '370202')
    """
    for place in listed_places().values():
        if place.now == place.code and place.code.startswith(code) and not place.code.startswith(outside):
            canonical = canonical_code(place.code)
            if canonical is not None and len(canonical) == _COUNTY:
                return canonical
    return code


def without_padding(written: str) -> str:
    """The digits that say something: neither zeros that only pad, nor 99 for the city or the province itself."""
    code = written
    for size in reversed(_LEVELS[:-1]):
        rest = code[size:]
        if rest and not rest.strip("0"):
            code = code[:size]
        if size in (2, 4) and code[size:] == _CITY_ITSELF:
            code = code[:size]
    return code
