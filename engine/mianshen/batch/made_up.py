"""Parents that no file describes, made up in a block for the rows that name them.

In: the rows of a block, one absent row of each entity without an input. Out: the rows with made-up parents.
Invariants: rows that name the same parent share it; nothing is known of it but its key and what the vocabulary assumes;
an entity with an input has none, for there a parent that is missing is an error.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.batch.row_batches import BlockRows
from mianshen.ingest.entity_rows import EntityRows
from mianshen.native.arrays import whole
from mianshen.program.program import Program

MADE_UP = -1  # the number of a row that stands in no file


def with_made_up(
    rows: Mapping[str, BlockRows], absent: Mapping[str, EntityRows], program: Program
) -> dict[str, BlockRows]:
    """The rows of a block and the parents that they name."""
    complete = dict(rows)
    for name, one in absent.items():
        named = [
            complete[child.name].rows.parent for child in program.children_of(name) if child.name in complete
        ]
        keys = _distinct([parents for parents in named if parents is not None and len(parents)])
        if len(keys):
            complete[name] = _rows(one, keys)
    return complete


def _distinct(named: list[pa.StringArray]) -> pa.StringArray:
    """The keys in the order in which rows name them."""
    if not named:
        return pa.array([], pa.string())
    return pc.drop_null(pc.unique(whole(pa.chunked_array(named))))


def _rows(one: EntityRows, keys: pa.StringArray) -> BlockRows:
    rows = one.taken(np.zeros(len(keys), np.int64))
    rows.key = keys
    return BlockRows(rows, np.full(len(keys), MADE_UP, np.int64))
