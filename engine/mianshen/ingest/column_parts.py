"""Columns made of parts: stretches of a file one after the other, without some rows, as numbers.

In: Arrow arrays of one column. Out: one Arrow array.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from mianshen.ingest.typed_columns import Array, TypedColumn, arrow_type
from mianshen.program.core import Type


def numbered(values: pa.Array, number: Any, type_: pa.DataType) -> pa.Array:
    """Each value as its number, asked for once for each different one."""
    if pa.types.is_null(values.type) or values.null_count == len(values):
        return pa.nulls(len(values), type_)
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    distinct = [None if value is None else number(value) for value in coded.dictionary.to_pylist()]
    return pa.array(distinct, type_).take(coded.indices)


def filtered(column: TypedColumn, blank: Array, count: int) -> TypedColumn:
    """A column without the blank rows."""
    ones = np.ones(count, bool)
    ones[blank] = False
    places = np.cumsum(ones) - 1
    refused = [(places[rows[ones[rows]]], why) for rows, why in column.refused]
    written = None if column.written is None else column.written.filter(pa.array(ones))
    return TypedColumn(column.values.filter(pa.array(ones)), refused, column.placeholders, written)


def whole(columns: list[pa.Array], type_: Type) -> pa.Array:
    """Arrays of one column as one, of whatever dictionaries."""
    if len(columns) == 1 and columns[0].offset == 0:
        return columns[0]
    if not columns:
        return pa.nulls(0, arrow_type(type_))
    coded = [pa.types.is_dictionary(column.type) for column in columns]
    if all(coded):
        return unified(columns)
    columns = [c.dictionary_decode() if is_coded else c for c, is_coded in zip(columns, coded, strict=True)]
    return concatenated(columns)


def unified(columns: list[pa.DictionaryArray]) -> pa.DictionaryArray:
    """Dictionary arrays one after the other, over one dictionary without null."""
    places: dict[Any, int] = {}
    indices = []
    for column in columns:
        values = [tuple(v) if isinstance(v, list) else v for v in column.dictionary.to_pylist()]
        renumbered = [None if value is None else places.setdefault(value, len(places)) for value in values]
        indices.append(pa.array(renumbered, pa.int32()).take(column.indices))
    distinct = pa.array([list(v) if isinstance(v, tuple) else v for v in places], columns[0].type.value_type)
    return pa.DictionaryArray.from_arrays(concatenated(indices), distinct)


def concatenated(columns: Iterable[pa.Array | None]) -> pa.Array:
    """Raises MemoryError where the texts are more than 2 GiB together."""
    try:
        return pa.concat_arrays([column for column in columns if column is not None])
    except pa.ArrowInvalid:
        raise MemoryError from None
