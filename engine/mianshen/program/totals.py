"""Decisions that read one another: through running totals, of earlier rows, which is no circle.

In: the keys that each decision reads. Out: the groups of those that rest on one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from mianshen.program.order import in_order
from mianshen.program.program import Key


def grouped(edges: Mapping[Key, AbstractSet[Key]]) -> dict[Key, frozenset[Key]]:
    """For each key that reads itself in a circle, all keys of its circle; others are left out.

    Kosaraju's algorithm, which takes each edge twice.
    """
    readers: dict[Key, list[Key]] = {key: [] for key in edges}
    for key, read in edges.items():
        for other in read & edges.keys():
            readers[other].append(key)
    groups: dict[Key, frozenset[Key]] = {}
    waiting: set[Key] = set(edges)
    for key in reversed(in_order(edges)[0]):
        if key in waiting:
            circle = _reading(key, readers, waiting)
            waiting -= circle
            if len(circle) > 1 or key in edges[key]:
                groups |= dict.fromkeys(circle, frozenset(circle))
    return groups


def _reading(key: Key, readers: Mapping[Key, list[Key]], among: AbstractSet[Key]) -> set[Key]:
    """The key and those among some keys that read it, directly or not."""
    reached: set[Key] = set()
    pending = [key]
    while pending:
        at = pending.pop()
        if at in among and at not in reached:
            reached.add(at)
            pending += readers[at]
    return reached
