"""Decisions that read one another: through running totals, of earlier rows, which is no circle.

In: the keys that each decision reads. Out: the groups of those that rest on one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from mianshen.program.program import Key


def grouped(edges: Mapping[Key, AbstractSet[Key]]) -> dict[Key, frozenset[Key]]:
    """For each key that reads itself in a circle, all keys of its circle; others are left out."""
    reached = {key: _reached(key, edges) for key in edges}
    return {
        key: frozenset(other for other in reach if key in reached.get(other, ()))
        for key, reach in reached.items()
        if key in reach
    }


def _reached(key: Key, edges: Mapping[Key, AbstractSet[Key]]) -> set[Key]:
    reached: set[Key] = set()
    pending = list(edges.get(key, ()))
    while pending:
        at = pending.pop()
        if at not in reached:
            reached.add(at)
            pending += edges.get(at, ())
    return reached
