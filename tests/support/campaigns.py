"""How large a campaign of tests is: few of its seeds in `make test`, many in `make soak`."""

from __future__ import annotations

import os
from typing import Final

SOAK: Final = bool(os.environ.get("MIANSHEN_SOAK"))


def few(count: int, many: int) -> int:
    """How many of something: few in `make test`, many in `make soak`."""
    return many if SOAK else count


def seeds(first: int, few: int, many: int) -> range:
    """The seeds of a campaign from the first on."""
    return range(first, first + (many if SOAK else few))
