"""The rejected rows of a block, as the batch's files of rejects hold them.

In: by entity, the rows that are rejected and why, where each row stands in its files. Out: a table, and its CSV text.
Invariants: rows stand by file, then entity, then number; no Python object is made a row; no cell of the CSV
is taken for a formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.batch.columns import Array, Texts
from mianshen.batch.csv_export import SIGNS
from mianshen.batch.output_files import REJECT_SCHEMA
from mianshen.ingest.entity_rows import FileRows
from mianshen.records.diagnostics import CODES


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rejected rows of one entity, in order: their places among its rows, keys, the place of (field, reason) in `whys`."""

    numbers: Array
    keys: pa.StringArray
    why: Array
    whys: Sequence[tuple[str, str]]


def reject_table(rejected: Mapping[str, Rejected], files: Mapping[str, Sequence[FileRows]]) -> pa.Table:
    """The rejects of all entities."""
    pieces: list[tuple[str, int, pa.Table]] = []
    for number, (entity, rows) in enumerate(rejected.items()):
        if len(rows.numbers):
            for name, table in _by_file(rows, files[entity]):
                pieces.append((name, number, table))
    pieces.sort(key=lambda piece: piece[:2])
    table = pa.concat_tables([REJECT_SCHEMA.empty_table(), *(piece for *_, piece in pieces)])
    coded = {name: _coded(table[name]) for name in ("file", "field", "code", "reason")}
    return pa.table({name: coded.get(name, table[name]) for name in REJECT_SCHEMA.names})


def _by_file(rows: Rejected, files: Sequence[FileRows]) -> Iterator[tuple[str, pa.Table]]:
    why = pa.array(rows.why)
    columns = {
        "key": rows.keys,
        "field": pa.array([name or None for name, _ in rows.whys], pa.string()).take(why),
        "code": pa.array([CODES[reason] for _, reason in rows.whys], pa.string()).take(why),
        "reason": pa.array([reason for _, reason in rows.whys], pa.string()).take(why),
    }
    for file in files:
        low, high = np.searchsorted(rows.numbers, [file.first, file.first + file.count])
        if low < high:
            row = pa.array(file.numbers(rows.numbers[low:high]), pa.int64())
            name = pa.array([file.name], pa.string()).take(pa.array(np.zeros(high - low, np.int32)))
            here = {column: cells.slice(low, high - low) for column, cells in columns.items()}
            yield file.name, pa.table({"file": name, "row": row, **here})


def _coded(column: pa.ChunkedArray) -> pa.Array:
    """A text column with its different texts sorted."""
    coded = column.combine_chunks().dictionary_encode()
    places = np.asarray(pc.fill_null(coded.indices, -1)).astype(np.int32)
    return Texts(places, (), coded.dictionary).array()


def csv_lines(table: pa.Table) -> bytes:
    """Rejects as CSV without a header. A text that a spreadsheet would evaluate has an apostrophe in front."""
    if not len(table):
        return b""
    columns = [_csv_cells(column.combine_chunks()) for column in table.columns]
    lines = pc.binary_join_element_wise(*columns, ",")
    ended = pc.binary_join_element_wise(lines, pa.scalar(""), "\n")
    _, offsets, data = ended.buffers()
    ends = np.frombuffer(offsets, np.int32)[: len(ended) + 1]
    return bytes(data[int(ends[0]) : int(ends[-1])])


def _csv_cells(column: pa.Array) -> pa.StringArray:
    """Numbers as they are, texts in quotes, nothing for null."""
    if pa.types.is_dictionary(column.type):  # each text once
        return _csv_cells(column.dictionary).take(column.indices).fill_null("")
    if not pa.types.is_string(column.type):
        return column.cast(pa.string()).fill_null("")
    safe = pc.replace_substring_regex(column, f"^{SIGNS}", r"'\0")
    doubled = pc.replace_substring(safe, '"', '""')
    return pc.binary_join_element_wise('"', doubled, '"', "").fill_null("")
