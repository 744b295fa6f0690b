"""Places of China: what an area code stands for, its name, and whether two codes name one place.

In: what a record or a rule says of a place: 2, 4, 6, 9 or 12 digits (trailing zeros are padding), or its name. Out:
its canonical code, a text of 2 digits (a province), 4 (a prefecture), 6 (a county, or what has no county below it),
9 (a township) or 12 (a village).
Invariants: the list goes down to the county; what lies below one is taken as said. Canonical codes form a tree by
their beginnings, so every comparison is one of digits. A comparison is true, false, or None: a code is too coarse to
tell. Imports nothing of the product.
"""

from mianshen.places.comparing import (
    COUNTY_DIGITS,
    MUNICIPAL,
    is_within,
    pooling_area,
    same_place,
    same_pooling_area,
)
from mianshen.places.names import place_name, shown_place
from mianshen.places.place_list import (
    CODE_SHAPE,
    PLACE_LIST_VERSION,
    REMEMBERED,
    Place,
    canonical_code,
    county_in,
    direct_county_groups,
    listed_places,
)
from mianshen.places.reading import nearest_places, place_in_rules, read_place

__all__ = [
    "CODE_SHAPE",
    "COUNTY_DIGITS",
    "MUNICIPAL",
    "PLACE_LIST_VERSION",
    "REMEMBERED",
    "Place",
    "canonical_code",
    "county_in",
    "direct_county_groups",
    "is_within",
    "listed_places",
    "nearest_places",
    "place_in_rules",
    "place_name",
    "pooling_area",
    "read_place",
    "same_place",
    "same_pooling_area",
    "shown_place",
]
