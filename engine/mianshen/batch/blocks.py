"""The canonical order of a batch: rows belong to blocks of whole households, in the order of the files within one.

In: the keys of rows, and how many rows all inputs have. Out: the block of each row.
Invariants: a block is a function of the household's key (of its own key for a row without one) and of the number of
input rows, so threads, memory, partitions and the engine change no row's place; a household is in one block.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa

Array: TypeAlias = "np.ndarray[Any, Any]"

BLOCK_ROWS = 200_000  # input rows of a block, of all entities, on average
_SEEDS: Final = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)
_MIX: Final = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
_WORD: Final = 8  # bytes
_AT_ONCE: Final = 1 << 14  # keys whose numbers stay in the processor's cache


def block_count(rows: int) -> int:
    """How many blocks so many input rows have; one where they are few."""
    return max(1, -(-rows // BLOCK_ROWS))


def blocks_of(keys: pa.StringArray, count: int) -> Array:
    """The block of each key, from 0; of a null key the first."""
    if count == 1:
        return np.zeros(len(keys), np.uint32)
    return (((hashes(keys) >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32)).astype(np.uint32)


def hashes(keys: pa.StringArray, seed: int = 0) -> Array:
    """A 64-bit number for each text, the same on every machine; 0 for a null. `seed`: 0 or 1, for another number."""
    parts = [_hashes(keys.slice(low, _AT_ONCE), seed) for low in range(0, len(keys), _AT_ONCE)]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def _hashes(keys: pa.StringArray, seed: int) -> Array:
    offsets, data = _texts(keys)
    begin, size = offsets[:-1].astype(np.int64), np.diff(offsets)
    mixed = np.uint64(_SEEDS[seed]) ^ size.astype(np.uint64)
    for at in range(0, int(size.max(initial=0)), _WORD):
        rest = np.clip(size - at, 0, _WORD)
        word = data[np.minimum(begin + at, len(data) - 1)] & _MASKS[rest]
        mixed = np.where(rest > 0, _mixed(mixed ^ word), mixed)
    mixed = _mixed(mixed)
    if keys.null_count:
        mixed[np.asarray(keys.is_null())] = 0
    return mixed


_MASKS: Final = np.array([(1 << 8 * n) - 1 for n in range(_WORD + 1)], np.uint64)


def _mixed(numbers: Array) -> Array:
    numbers = numbers * np.uint64(_MIX[0])
    numbers ^= numbers >> np.uint64(33)
    numbers *= np.uint64(_MIX[1])
    numbers ^= numbers >> np.uint64(29)
    return numbers


def _texts(keys: pa.StringArray) -> tuple[Array, Array]:
    """Where each text begins, and the eight bytes from each byte on as one number, the lowest first."""
    _, where, data = keys.buffers()
    offsets = (
        np.zeros(1, np.int32)
        if where is None or not len(keys)
        else np.frombuffer(where, np.int32)[keys.offset : keys.offset + len(keys) + 1]
    )
    low, high = int(offsets[0]), int(offsets[-1])
    text = np.zeros(high - low + 2 * _WORD, np.uint8)
    if data is not None:
        text[: high - low] = np.frombuffer(data, np.uint8)[low:high]
    words = np.ndarray((high - low + _WORD,), "<u8", text.data, strides=(1,))
    return offsets - low, words
