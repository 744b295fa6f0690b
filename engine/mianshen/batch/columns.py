"""Columns of results being made: numbers from the compiled program, cells of rows that the interpreter decided.

In: arrays of integers with a state a row. Out: Arrow columns. Invariant: a column depends on its cells alone, so
its bytes are the same whoever decided them: texts stand in their declared order, others sorted behind them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Array: TypeAlias = "np.ndarray[Any, Any]"
Cell: TypeAlias = "Decimal | bool | str | dt.date | tuple[str, ...] | None"


@dataclass(slots=True)
class Texts:
    """A column of texts: the place of each row's text in `declared`, then in `others`, then in `more`; -1 for none."""

    places: Array
    declared: Sequence[str]
    others: pa.StringArray = field(default_factory=lambda: pa.array([], pa.string()))
    more: list[str] = field(default_factory=list)

    def put(self, rows: Sequence[int], cells: Sequence[Cell]) -> None:
        """Replace the cells of rows."""
        count = len(self.declared) + len(self.others)
        known = {text: at for at, text in enumerate(self.declared)}
        known |= {text: count + at for at, text in enumerate(self.more)}
        for row, cell in zip(rows, cells, strict=True):
            if cell is not None and cell not in known:
                known[str(cell)] = count + len(self.more)
                self.more.append(str(cell))
            self.places[row] = -1 if cell is None else known[str(cell)]

    def array(self) -> pa.Array:
        """A dictionary of the declared texts and of the others that some row has, sorted."""
        places, texts = self.places.astype(np.int32, copy=False), pa.array(list(self.declared), pa.string())
        if len(self.others) or self.more:
            places, texts = self._ranked(places, texts)
        known = None if places.min(initial=0) >= 0 else places >= 0
        return pa.DictionaryArray.from_arrays(integers(places, pa.int32(), known), texts)

    def _ranked(self, places: Array, declared: pa.StringArray) -> tuple[Array, pa.StringArray]:
        """The places of rows among the declared texts and those of the others that are in use, sorted."""
        count = len(declared)
        others = pa.concat_arrays([self.others, pa.array(self.more, pa.string())])
        used = np.zeros(len(others) + 1, bool)
        used[np.maximum(places - count + 1, 0)] = True
        at = np.flatnonzero(used[1:])
        texts = others.take(pa.array(at))
        distinct = pc.unique(texts)
        distinct = distinct.filter(pc.invert(pc.is_in(distinct, value_set=declared)))
        final = pa.concat_arrays([declared, distinct.take(pc.sort_indices(distinct))])
        moved = np.arange(-1, count + len(others), dtype=np.int32)
        moved[at + count + 1] = np.asarray(pc.index_in(texts, value_set=final))
        return moved[places + 1], final


@dataclass(slots=True)
class Numbers:
    """A column of numbers, days or truth values: integers as Arrow holds them, and 1 where there is one."""

    values: Array
    known: Array
    type: pa.DataType

    def put(self, rows: Sequence[int], cells: Sequence[Cell]) -> None:
        """Replace the cells of rows."""
        for row, cell in zip(rows, cells, strict=True):
            self.known[row] = cell is not None
            self.values[row] = 0 if cell is None else self._number(cell)

    def _number(self, cell: Cell) -> int:
        match cell:
            case Decimal():
                return int(cell.scaleb(self.type.scale))
            case bool():
                return int(cell)
            case dt.date():
                return (cell - dt.date(1970, 1, 1)).days
            case _:
                raise TypeError(type(cell))

    def array(self) -> pa.Array:
        """The column."""
        if pa.types.is_boolean(self.type):
            return pa.array(self.values.astype(bool), mask=self.known == 0)
        if pa.types.is_date32(self.type):
            return integers(self.values.astype(np.int32), self.type, self.known)
        if pa.types.is_decimal128(self.type):
            wide = self.values if self.values.ndim > 1 else np.stack([self.values, self.values >> 63], axis=1)
            return integers(wide, self.type, self.known)
        return integers(self.values, self.type, self.known)


@dataclass(slots=True)
class Lists:
    """A column that few rulebooks have: cells as they are."""

    cells: list[Cell]
    type: pa.DataType

    def put(self, rows: Sequence[int], cells: Sequence[Cell]) -> None:
        """Replace the cells of rows."""
        for row, cell in zip(rows, cells, strict=True):
            self.cells[row] = cell

    def array(self) -> pa.Array:
        """The column."""
        return pa.array(
            [None if c is None else (list(c) if isinstance(c, tuple) else c) for c in self.cells], self.type
        )


ResultColumn: TypeAlias = Texts | Numbers | Lists


def integers(values: Array, type_: pa.DataType, known: Array | None) -> pa.Array:
    """An Arrow array over the bytes of `values`; null where `known` is 0."""
    nulls = 0 if known is None else len(known) - int(np.count_nonzero(known))
    mask = pa.py_buffer(np.packbits(np.asarray(known, bool), bitorder="little")) if nulls else None
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(type_, len(values), [mask, pa.py_buffer(values)], null_count=nulls)
