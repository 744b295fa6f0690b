"""Names of places, in Chinese: 山东省菏泽市巨野县."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from mianshen.places.place_list import DIRECT_COUNTIES, REMEMBERED, Place, canonical_code, listed_places


def place_name(code: str) -> str:
    """The full name of a code's place, to the county; the digits themselves where no list knows them.

    >>> place_name("371724003"), place_name("310118"), place_name("419001"), place_name("441900")
    ('山东省菏泽市巨野县', '上海市青浦区', '河南省济源市', '广东省东莞市')
    """
    return "".join(place.name for place in name_parts(canonical_code(code) or code)) or code


def shown_place(code: str, lang: Literal["zh", "en"] = "zh") -> str:
    """The name with the code after it, as people are shown a place in a text of either language.

    >>> shown_place("371724"), shown_place("371724", "en")
    ('山东省菏泽市巨野县（371724）', '山东省菏泽市巨野县 (371724)')
    """
    name = place_name(code)
    if name == code:
        return code
    return f"{name}（{code}）" if lang == "zh" else f"{name} ({code})"


@lru_cache(maxsize=REMEMBERED)
def name_parts(code: str) -> tuple[Place, ...]:
    """The listed places a code lies in, from the province down, without those that only group others."""
    places = listed_places()
    above = (places.get(code[:size]) for size in (2, 4, 6) if len(code) >= size)
    return tuple(
        place
        for place in above
        if place is not None
        and (place.code == code or place.code[2:] != DIRECT_COUNTIES)
        and (place.code == code or len(place.code) != 4 or place.now == place.code)
    )
