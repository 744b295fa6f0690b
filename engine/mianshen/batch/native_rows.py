"""The rows of a block as tables of the compiled program.

In: `EntityRows`, a layout. Out: `Table`s. Texts and lists are numbered alike on both sides, for a run's numbering begins
with those that formulas name.
"""

from __future__ import annotations

import pyarrow as pa

from mianshen.ingest.entity_rows import Distinct, EntityRows
from mianshen.native.deciding import Table
from mianshen.native.layout import Column, Layout

_WORDS = {1: pa.bool_(), 8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64(), 128: pa.decimal128(38)}


def numbering(layout: Layout | None) -> Distinct:
    """The numbering of texts and lists that a run begins with."""
    if layout is None:
        return Distinct()
    texts, lists = layout.texts, layout.lists
    return Distinct({text: n for n, text in enumerate(texts)}, {items: n for n, items in enumerate(lists)})


def native_table(rows: EntityRows, layout: Layout) -> Table:
    """The rows as the compiled program reads them."""
    facts = {c.name: _column(c, rows) for c in layout.facts[rows.entity.name]}
    return Table(
        rows.key, rows.parent, facts, rows.rejects.marked(rows.count), rows.has_input,
        rows.rejects.unreadable(), rows.reverses, rows.rejects.voiding(), rows.rejects.doubled(), rows.unkeyed,
    )  # fmt: skip


def _column(column: Column, rows: EntityRows) -> pa.Array:
    cells = rows.facts.get(column.fact.name)
    if cells is None:  # no file has a column for it, and no rule reads it
        return pa.nulls(rows.count, _WORDS[column.bits])
    return cells
