"""What people write for a place: digits of any length, or a name; and the nearest to what no list knows."""

from __future__ import annotations

import re
from collections import defaultdict
from difflib import get_close_matches
from functools import cache
from typing import Final

from mianshen.places.comparing import COUNTY_DIGITS
from mianshen.places.names import name_parts
from mianshen.places.place_list import CODE_SHAPE, canonical_code, listed_places, without_padding

MOST_SUGGESTED: Final = 3
_BLANKS: Final = re.compile(r"[\s\u3000]+")
_GROUPS: Final = re.compile("(?:市辖区|(?:省|自治区)直辖县级行政区划)(?=.)")


def read_place(written: str) -> str | None:
    """The canonical code of what was written; None where it names no place, or more than one.

    >>> [read_place(text) for text in ("371724000000", "山东省菏泽市巨野县", "巨野县", "朝阳区")]
    ['371724', '371724', '371724', None]
    """
    code = canonical_code(written)
    if code is not None or written.isascii():
        return code
    return next(iter(codes), None) if len(codes := _codes_named(_plain(written))) == 1 else None


def place_in_rules(written: str) -> str | None:
    """The canonical code of a place that a rule names; None where there is none today, or it would name more.

    >>> [place_in_rules(code) for code in ("371700", "1101", "110228", "310119")]
    ['3717', '11', '110118', None]
    """
    code = read_place(written)
    if code is None or not written.isascii():
        return code
    said = without_padding(written)
    return code if len(code) >= len(said) or said[2:] == "01" else None


def nearest_places(written: str) -> tuple[str, ...]:
    """Canonical codes of at most three listed places that may be meant by what names none, the nearest first."""
    if CODE_SHAPE.fullmatch(written):
        return _nearest_codes(without_padding(written))
    name = _plain(written)
    if name in _by_name():
        return _codes_named(name)[:MOST_SUGGESTED]
    return tuple(
        dict.fromkeys(code for near in get_close_matches(name, _by_name(), cutoff=0.6) for code in _by_name()[near])
    )[:MOST_SUGGESTED]  # fmt: skip


def _nearest_codes(code: str) -> tuple[str, ...]:
    """Today's codes of the same level in the same prefecture, else province, that differ in the fewest digits."""
    wanted = code[:COUNTY_DIGITS]
    today = [c for c, place in listed_places().items() if place.now == c and len(c) == len(wanted)]
    for size in (4, 2, 0):
        siblings = [other for other in today if other[:size] == wanted[:size]]
        if siblings and size < len(wanted):
            siblings.sort(key=lambda other: (_digits_apart(other, wanted), abs(int(other) - int(wanted))))
            return tuple(filter(None, map(canonical_code, siblings[:MOST_SUGGESTED])))
    return ()


def _digits_apart(one: str, other: str) -> int:
    """How many digits differ; two that changed places count once."""
    differing = sum(a != b for a, b in zip(one, other, strict=True))
    return differing - (differing > 1 and sorted(one) == sorted(other))


def _plain(written: str) -> str:
    """A name without blanks, and without the words that only group the counties named after them."""
    return _GROUPS.sub("", _BLANKS.sub("", written))


def _codes_named(name: str) -> tuple[str, ...]:
    return _by_name().get(name, ())


@cache
def _by_name() -> dict[str, tuple[str, ...]]:
    """Canonical codes by every name of today's places: alone, and after any of the places it lies in."""
    named: dict[str, dict[str, None]] = defaultdict(dict)
    for code, place in listed_places().items():
        canonical = canonical_code(code)
        if place.now != code or canonical is None:
            continue
        *above, own = (part.name for part in name_parts(code))
        for choice in range(2 ** len(above)):
            before = "".join(name for at, name in enumerate(above) if choice >> at & 1)
            named[before + own][canonical] = None
    return {name: tuple(codes) for name, codes in named.items()}
