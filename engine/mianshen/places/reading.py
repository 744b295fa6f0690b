"""What people write for a place: digits of any length, or a name; and the nearest to what no list knows."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache
from heapq import nsmallest
from itertools import islice, takewhile
from typing import Final

from mianshen.places.comparing import COUNTY_DIGITS
from mianshen.places.names import name_parts
from mianshen.places.place_list import CODE_SHAPE, REMEMBERED, canonical_code, listed_places, without_padding

MOST_SUGGESTED: Final = 3
MOST_LOOKED_AT: Final = 50  # names that go on from what was written
LONGEST_NAME: Final = 40  # characters; what is longer is no name of a place
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


@lru_cache(maxsize=REMEMBERED)
def nearest_places(written: str) -> tuple[str, ...]:
    """Canonical codes of at most three listed places that may be meant by what names none, the nearest first."""
    plain = unicodedata.normalize("NFKC", written).strip()
    if plain != written and (meant := read_place(plain)) is not None:
        return (meant,)
    if CODE_SHAPE.fullmatch(written):
        return _nearest_codes(without_padding(written))
    name = _plain(written)
    if not name or len(name) > LONGEST_NAME:
        return ()
    if name in _by_name():
        return _codes_named(name)[:MOST_SUGGESTED]
    near = _begun_by(name) or sorted(
        {near for spelling in _shortened(name) for near in _by_shortened().get(spelling, ())},
        key=lambda near: (abs(len(near) - len(name)), near),
    )
    return tuple(dict.fromkeys(code for other in near for code in _codes_named(other)))[:MOST_SUGGESTED]


def _nearest_codes(code: str) -> tuple[str, ...]:
    """Today's codes of the same level in the same prefecture, else province, that differ in the fewest digits."""
    wanted = code[:COUNTY_DIGITS]
    for size in (4, 2, 0):
        siblings = _siblings().get((wanted[:size], len(wanted)), ()) if size < len(wanted) else ()
        if siblings:
            near = nsmallest(
                MOST_SUGGESTED,
                siblings,
                key=lambda other: (_digits_apart(other, wanted), abs(int(other) - int(wanted))),
            )
            return tuple(filter(None, map(canonical_code, near)))
    return ()


@cache
def _siblings() -> dict[tuple[str, int], tuple[str, ...]]:
    """Today's codes by what they begin with, of 0, 2 or 4 digits, and their length."""
    siblings: dict[tuple[str, int], list[str]] = defaultdict(list)
    for code, place in listed_places().items():
        for size in (4, 2, 0):
            if place.now == code and size < len(code) and (size or len(code) == 2):
                siblings[code[:size], len(code)].append(code)
    return {key: tuple(codes) for key, codes in siblings.items()}


def _digits_apart(one: str, other: str) -> int:
    """How many digits differ; two that changed places count once."""
    differing = sum(a != b for a, b in zip(one, other, strict=True))
    return differing - (differing > 1 and sorted(one) == sorted(other))


def _begun_by(name: str) -> list[str]:
    """The names that go on from what was written, the shortest first."""
    names = _sorted_names()
    start = bisect_left(names, name)
    begun = takewhile(lambda other: other.startswith(name), islice(names, start, None))
    return sorted(islice(begun, MOST_LOOKED_AT), key=len)


def _shortened(name: str) -> Iterator[str]:
    """The name, and the name with one character left out, each."""
    yield name
    yield from (name[:at] + name[at + 1 :] for at in range(len(name)))


@cache
def _sorted_names() -> list[str]:
    return sorted(_by_name())


@cache
def _by_shortened() -> dict[str, list[str]]:
    """Names by each of their shortened spellings: two that share one differ in one character, or nearly so."""
    names: dict[str, list[str]] = defaultdict(list)
    for name in _by_name():
        for spelling in _shortened(name):
            names[spelling].append(name)
    return names


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
