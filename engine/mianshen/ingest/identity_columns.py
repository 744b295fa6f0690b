"""Identity numbers of a column, checked all at once.

In: a column of texts. Out: which of them can be identity numbers, as `records.identity_numbers` has it.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.records.identity_numbers import CHECK_DIGITS, WEIGHTS, in_full, is_identity_number

Array: TypeAlias = np.ndarray[Any, Any]
LENGTH: Final = 18
_CHECKED: Final = np.frombuffer(CHECK_DIGITS.encode(), np.uint8)


def sound_identity_numbers(column: pa.StringArray) -> Array:
    """True for each text that is an identity number, and for each null."""
    sound = np.asarray(column.is_null())
    rows, digits = _long_ones(column)
    last = digits[:, LENGTH - 1]
    last = np.where(last == ord("x"), ord("X"), last)
    numbers = digits[:, : LENGTH - 1].astype(np.int64) - ord("0")
    plain = ((numbers >= 0) & (numbers <= 9)).all(axis=1) & (numbers[:, 0] > 0)
    right = _CHECKED[(numbers @ np.array(WEIGHTS)) % len(CHECK_DIGITS)] == last
    sound[rows] = plain & right & _are_days(numbers[:, 6:14])
    others = np.setdiff1d(np.flatnonzero(~np.asarray(column.is_null())), rows, assume_unique=True)
    sound[others] = [is_identity_number(text) for text in column.take(pa.array(others)).to_pylist()]
    return sound


def identity_numbers_in_full(column: pa.StringArray) -> pa.StringArray:
    """The numbers in capitals, those of before 1999 as they are written since, so that one person's are one text."""
    column = pc.utf8_upper(column)
    short = pc.fill_null(pc.equal(pc.binary_length(column), 15), fill_value=False)
    if not pc.any(short).as_py():
        return column
    return pc.replace_with_mask(
        column, short, pa.array([in_full(text) for text in column.filter(short).to_pylist()], pa.string())
    )


def _long_ones(column: pa.StringArray) -> tuple[Array, Array]:
    """The rows of texts of 18 bytes, and their bytes, a row each."""
    _, offsets, data = column.buffers()
    if offsets is None or data is None or not len(column):
        return np.empty(0, np.int64), np.empty((0, LENGTH), np.uint8)
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    rows = np.flatnonzero((np.diff(ends) == LENGTH) & np.asarray(column.is_valid()))
    return rows, np.frombuffer(data, np.uint8)[ends[rows][:, None] + np.arange(LENGTH)]


def _are_days(digits: Array) -> Array:
    """Whether eight digits are a day from 1800 on."""
    year = digits[:, :4] @ np.array([1000, 100, 10, 1])
    month, day = digits[:, 4] * 10 + digits[:, 5], digits[:, 6] * 10 + digits[:, 7]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    longest = lengths[np.clip(month, 0, 12)] + ((month == 2) & leap)
    sound: Array = (year >= 1800) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= longest)
    return sound
