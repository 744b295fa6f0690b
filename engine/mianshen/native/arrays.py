"""Arrow arrays and numpy arrays as addresses that compiled code reads.

In: arrays. Out: addresses; whoever passes them on keeps the arrays alive.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

Array: TypeAlias = np.ndarray[Any, Any]


class Texts(ctypes.Structure):
    """An Arrow array of strings, of 32-bit offsets or, `large`, of 64-bit ones."""

    _fields_ = (
        ("offset", ctypes.c_void_p), ("data", ctypes.c_void_p), ("valid", ctypes.c_void_p), ("large", ctypes.c_int64),
    )  # fmt: skip


def address(array: Array) -> int:
    return int(array.ctypes.data)


def pointers(addresses: Sequence[int | None]) -> Any:
    """An array of addresses."""
    return (ctypes.c_void_p * max(1, len(addresses)))(*addresses)


def buffer_of(array: pa.Array) -> int:
    """Where an array's values are. Its offset is 0 (see `whole`)."""
    assert array.offset == 0
    buffer = array.buffers()[-1]
    return 0 if buffer is None else int(buffer.address)


def valid_of(array: pa.Array) -> int | None:
    """Where its bitmap of known values is; None where all are known."""
    buffer = array.buffers()[0] if array.null_count else None
    return None if buffer is None else int(buffer.address)


def texts_of(array: pa.StringArray | pa.LargeStringArray) -> Texts:
    assert array.offset == 0
    _, offset, data = array.buffers()
    return Texts(
        None if offset is None else offset.address,
        None if data is None else data.address,
        valid_of(array),
        int(pa.types.is_large_string(array.type)),
    )


def repeated(one: pa.Array, count: int) -> pa.Array:
    """The only value of `one`, `count` times."""
    if one.null_count:
        return pa.nulls(count, one.type)
    return one.take(pa.array(np.zeros(count, np.int8)))


def whole(column: pa.ChunkedArray) -> pa.Array:
    """One array of a column, its offset 0. Raises MemoryError where its texts are more than 2 GiB together."""
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(array, pa.ChunkedArray):
        if array.num_chunks > 1:
            raise MemoryError
        array = array.chunk(0) if array.num_chunks else pa.array([], column.type)
    return array if array.offset == 0 else pa.concat_arrays([array])
