"""Comparisons of canonical codes. Each is true, false, or None: a code is too coarse to tell.

Every back end states these again over its own representation; a test compares them.
"""

from __future__ import annotations

from typing import Final

from mianshen.places.place_list import DIRECT_COUNTIES

COUNTY_DIGITS: Final = 6
MUNICIPAL: Final = ("11", "12", "31", "50", "71", "81", "82")  # pooled as a whole


def is_within(code: str, outer: str) -> bool | None:
    """Whether a place lies in another.

    >>> is_within("371724", "37"), is_within("3101", "37"), is_within("37", "371724")
    (True, False, None)
    """
    if code.startswith(outer):
        return True
    return None if outer.startswith(code) else False


def same_place(one: str, other: str) -> bool | None:
    """Whether two codes name one county; what lies below it does not count.

    >>> same_place("310118", "310118003"), same_place("310118", "310113"), same_place("3717", "3717")
    (True, False, None)
    """
    return _same(one, other, one[:COUNTY_DIGITS], other[:COUNTY_DIGITS], COUNTY_DIGITS, COUNTY_DIGITS)


def same_pooling_area(one: str, other: str) -> bool | None:
    """Whether two places lie in one pooling area.

    >>> same_pooling_area("371724", "3717"), same_pooling_area("371724", "3701"), same_pooling_area("37", "3717")
    (True, False, None)
    """
    mine, yours = _pooling_digits(one), _pooling_digits(other)
    return _same(one, other, one[:mine], other[:yours], mine, yours)


def pooling_area(code: str) -> str | None:
    """The pooling area a place lies in; None where the code is too coarse to tell.

    That is its prefecture, its municipality under the central government, or itself where it is a county directly
    under a province.

    >>> pooling_area("310118003"), pooling_area("371724"), pooling_area("419001"), pooling_area("37")
    ('31', '3717', '419001', None)
    """
    digits = _pooling_digits(code)
    return code[:digits] if len(code) >= digits else None


def _pooling_digits(code: str) -> int:
    """How many digits name the pooling area of a place."""
    if code[:2] in MUNICIPAL:
        return 2
    return COUNTY_DIGITS if code[2:4] == DIRECT_COUNTIES else 4


def _same(one: str, other: str, mine: str, yours: str, wanted: int, wanted_there: int) -> bool | None:
    """Whether two units are one, each known where it has all the digits it wants."""
    if len(mine) == wanted and len(yours) == wanted_there:
        return mine == yours
    return None if one.startswith(other) or other.startswith(one) else False
