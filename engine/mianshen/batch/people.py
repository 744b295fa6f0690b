"""Of rows that share a key and hold at different times, which one says where they all belong.

In: numbers that stand for keys, from when each row holds. Out: for each row the one in force at `as_of` (decision
note 0010), or the first where nobody knows when the rows hold.
"""

from __future__ import annotations

import numpy as np

from mianshen.batch.blocks import Array

ALWAYS = np.iinfo(np.int32).min  # the start of a row that does not say from when it holds


def rows_in_force(groups: Array, starts: Array, unplaced: Array, as_of: int) -> Array:
    """For each group, from 0, the place of its row in force, in the arrays given.

    `groups`: the group of each row; `starts`: days since 1970-01-01, ALWAYS for none; `unplaced`: 1 where the start
    cannot be read.
    """
    places = np.arange(len(groups))
    begun = starts <= as_of
    lost = np.zeros(int(groups.max(initial=-1)) + 1, bool)
    lost[groups[unplaced != 0]] = True
    # the best row of a group comes first: begun before not, then the latest start, or the earliest to come
    when = np.where(begun, -starts.astype(np.int64), starts.astype(np.int64))
    placed = lost[groups]
    order = np.lexsort((places, np.where(placed, 0, when), np.where(placed, 0, ~begun), groups))
    _, first = np.unique(groups[order], return_index=True)
    return order[first]
