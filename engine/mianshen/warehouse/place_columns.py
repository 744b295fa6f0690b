"""Columns of places: every spelling as its canonical code, each distinct one read once.

In: texts as files have them. Out: canonical codes, null where a text names no place or more than one. A connection
that reads area facts (`read_columns`) has the function `place_code` by `add_place_code`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import duckdb
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from mianshen.places import REMEMBERED, read_place

PLACE_CODE: Final = "PLACE_CODE"
_read_once = lru_cache(maxsize=REMEMBERED)(read_place)  # files have few distinct places


def canonical_places(written: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The canonical codes of a text column, row by row; null for null and for what names no one place."""
    if isinstance(written, pa.ChunkedArray):
        written = written.combine_chunks()
    distinct = written.dictionary_encode()
    codes = [None if text is None else _read_once(text) for text in distinct.dictionary.to_pylist()]
    return pa.array(codes, pa.string()).take(distinct.indices)


def add_place_code(connection: duckdb.DuckDBPyConnection) -> None:
    """Gives a connection the function that `read_columns` reads areas by."""
    connection.create_function(
        PLACE_CODE.lower(),
        canonical_places,
        ["VARCHAR"],
        "VARCHAR",
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
    )
