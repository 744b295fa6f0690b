"""Cells of two results beside one another: which differ, as which texts, and by how much in all.

In: columns of a block's results, a side each. Out: masks, texts, sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.batch.blocks import Array
from mianshen.batch.columns import Lists, Numbers, ResultColumn, Texts
from mianshen.batch.results import BENEFIT_STATUS, KNOWN, NOT_MODELLED, Results, empty_results
from mianshen.batch.totals import exact_sum
from mianshen.program.program import Key, Program

NOT_MODELLED_TEXT: Final = "not_modelled"
REJECTED_TEXT: Final = "rejected"


def completed(results: Results, other: Results, count: int) -> Results:
    """A side's results with what the other side alone shows: not modelled."""
    missing = other.columns.keys() - results.columns.keys()
    if not missing:
        return results
    blank = empty_results(other.file, count)
    columns, states = dict(results.columns), dict(results.states)
    for name in missing:
        column = blank.columns[name]
        if isinstance(column, Texts) and name.endswith("_status"):
            column = Texts(np.full(count, BENEFIT_STATUS.index("not_modelled"), np.int32), BENEFIT_STATUS)
        columns[name] = column
        if name in blank.states:
            states[name] = np.full(count, NOT_MODELLED, np.uint8)
    return Results(results.file, columns, states, results.ruled)


def difference(one: ResultColumn, other: ResultColumn, was: Array, now: Array) -> int:
    """What the amounts that count come to more on the second side, in the last decimal; 0 of what is no number."""
    if (
        not isinstance(one, Numbers)
        or not isinstance(other, Numbers)
        or one.values.ndim > 1
        or other.values.ndim > 1
    ):
        return 0
    return exact_sum(other.values[now]) - exact_sum(one.values[was])


def decision_is_money(key: Key, programs: Sequence[Program]) -> bool:
    """Whether a decision is an amount of money on either side."""
    return any(d.key == key and d.written == "money" for program in programs for d in program.decisions)


def unequal(one: ResultColumn, other: ResultColumn) -> Array:
    """Where two columns hold different cells, whether known or not."""
    numbers = isinstance(one, Numbers) and isinstance(other, Numbers)
    if numbers and one.type == other.type and one.values.shape == other.values.shape:  # type: ignore[union-attr]
        unequal: Array = np.asarray(one.values != other.values)  # type: ignore[union-attr]
        return unequal if unequal.ndim == 1 else np.asarray(unequal.any(axis=1))
    differs: Array = np.asarray(pc.fill_null(pc.not_equal(_plain(one), _plain(other)), fill_value=True))
    return differs


def _plain(column: ResultColumn) -> pa.Array:
    """A column as texts."""
    if isinstance(column, Lists):
        return pa.array([None if c is None else str(c) for c in column.cells], pa.string())
    array = column.array()
    return array.dictionary_decode() if isinstance(column, Texts) else array.cast(pa.string())


def texts_of(column: ResultColumn, rows: Array, decided: Array, state: Array) -> pa.StringArray:
    """The cells of some rows as texts; null is unknown."""
    if isinstance(column, Numbers):
        part: ResultColumn = Numbers(column.values[rows], column.known[rows], column.type)
    elif isinstance(column, Texts):
        part = Texts(column.places[rows], column.declared, column.others, column.more)
    else:
        part = Lists([column.cells[row] for row in rows.tolist()], column.type)
    texts = _plain(part)
    texts = pc.if_else(pa.array(state == KNOWN), texts, pa.scalar(None, pa.string()))
    texts = pc.if_else(pa.array(decided & (state == NOT_MODELLED)), pa.scalar(NOT_MODELLED_TEXT), texts)
    return pc.if_else(pa.array(~decided), pa.scalar(REJECTED_TEXT), texts)
