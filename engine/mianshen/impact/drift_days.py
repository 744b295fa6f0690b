"""What a variant of the rules makes right and wrong, day by day, and the stretch of days over which it does best.

In: settled amounts beside what the rules, and a variant of them, give. Out: `ByDay`, added up over blocks; a stretch.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from mianshen.batch.blocks import Array
from mianshen.impact.settled_ledger import Compared

Stretch: TypeAlias = tuple[int, int, int]  # how many more are right, the first day, the last


@dataclass(slots=True)
class ByDay:
    """By day since 1970: how many more amounts the variant makes right, and how many right ones it makes wrong."""

    gain: Counter[int] = field(default_factory=Counter)
    spoilt: Counter[int] = field(default_factory=Counter)

    def add(self, other: ByDay) -> None:
        """Take in those of another block."""
        self.gain.update(other.gain)
        self.spoilt.update(other.spoilt)

    def best(self) -> Stretch | None:
        """The stretch over which the variant makes most right; None where it makes nothing right."""
        best, running, start, stretch = 0, 0, 0, None
        for day in sorted(self.gain):
            if running <= 0:
                running, start = 0, day
            running += self.gain[day]
            if running > best:
                best, stretch = running, (running, start, day)
        return stretch

    def last_spoilt_before(self, day: int) -> int | None:
        """The last day before another on which the variant spoils an amount."""
        return max((d for d in self.spoilt if d < day), default=None)

    def spoils_after(self, day: int) -> bool:
        """Whether the variant spoils an amount after a day."""
        return any(d > day for d in self.spoilt)


def by_day(before: Compared, after: Compared) -> ByDay:
    """What a variant makes of the amounts of some rows."""
    gain = (after.right.astype(np.int64) - before.right) * before.decided
    return ByDay(_counted(before.day, gain), _counted(before.day, before.right & ~after.right))


def _counted(days: Array, amounts: Array) -> Counter[int]:
    """Amounts added up by day; days on which nothing changes are left out."""
    at = np.flatnonzero(amounts)
    distinct, number = np.unique(days[at], return_inverse=True)
    sums = np.bincount(number, amounts[at].astype(np.int64), len(distinct)).astype(np.int64)
    return Counter(dict(zip(distinct.tolist(), sums.tolist(), strict=True)))
