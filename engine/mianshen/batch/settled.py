"""What was really paid beside what the rules give, and the pairs of reversals, of an entity's rows in a block.

In: results, the rows as they were read. Out: tables of differences and reversals, counts for the summary.
A row stands in the differences for every settled amount that is known, as the ruled one is, and differs from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.batch.columns import Array, Numbers, Texts
from mianshen.batch.output_files import MONEY, EntityFile
from mianshen.batch.results import Results
from mianshen.batch.totals import Counts, exact_sum
from mianshen.ingest.entity_rows import EntityRows


def differences(results: Results, rows: EntityRows, decided: Array) -> tuple[pa.Table, Counts]:
    """The differences of the decided rows, in their order, and what they add up to by decision."""
    file = results.file
    places, parts, amounts = [], [], []
    totals: Counts = {}
    settled_facts = [(name, fact) for name, fact in file.settled_facts.items() if fact in rows.supplied]
    for part, (name, fact) in enumerate(settled_facts):
        paid, settled = amounts_of(rows.facts[fact])
        ruled = results.ruled[name]
        known = ruled.known.astype(bool)
        compared = settled & decided
        off = compared & known & (paid != ruled.values)
        totals[name] = {
            "rows": int(compared.sum()), "settled": exact_sum(paid[compared]),
            "ruled": exact_sum(ruled.values[compared & known]),
            "difference": exact_sum((paid - ruled.values)[compared & known]),
            "not_ruled": int((compared & ~known).sum()),
        }  # fmt: skip
        at = np.flatnonzero(off)
        places.append(at)
        parts.append(np.full(len(at), part, np.int32))
        amounts.append((paid[at], ruled.values[at], known[at]))
    return _table(file, rows, [name for name, _ in settled_facts], places, parts, amounts), totals


def _table(
    file: EntityFile, rows: EntityRows, names: Sequence[str], places: list[Array], parts: list[Array],
    amounts: list[tuple[Array, Array, Array]],
) -> pa.Table:  # fmt: skip
    if not places:
        return file.difference_schema.empty_table()
    row, part = np.concatenate(places), np.concatenate(parts)
    paid, ruled, known = (np.concatenate([columns[at] for columns in amounts]) for at in range(3))
    order = np.lexsort((part, row))
    row, paid, ruled, known = row[order], paid[order], ruled[order], known[order]
    keys = keys_of(file, rows)
    columns: Mapping[str, pa.Array] = {
        **{name: column.take(pa.array(row)) for name, column in keys.items()},
        "decision": Texts(part[order], list(names)).array(),
        "settled": Numbers(paid, np.ones(len(row), bool), MONEY).array(),
        "ruled": Numbers(ruled, known, MONEY).array(),
        "difference": Numbers(paid - ruled, known, MONEY).array(),
    }
    return pa.table(columns)


def reversals(file: EntityFile, rows: EntityRows, pairs: Array) -> pa.Table:
    """The rows that were cancelled with those that cancelled them. `pairs`: voiding row, cancelled row."""
    own, owner = keys_of(file, rows).values() if len(file.keys) > 1 else (rows.key, None)
    order = np.lexsort((pairs[:, 0], pairs[:, 1]))
    voiding, cancelled = pa.array(pairs[order, 0]), pa.array(pairs[order, 1])
    columns = [] if owner is None else [owner.take(voiding)]
    columns += [own.take(cancelled), own.take(voiding)]
    return pa.Table.from_arrays(columns, schema=file.reversal_schema)


def reversed_pairs(rows: EntityRows, marked: Array) -> Array:
    """Of rows marked as voiding or voided, each voiding row with the row that it voids."""
    assert rows.reverses is not None
    at = np.flatnonzero(marked)
    voids = np.asarray(rows.reverses.is_valid())[at]
    voiding, targets = at[voids], at[~voids]
    named = rows.reverses.take(pa.array(voiding))
    place = pc.index_in(named, value_set=rows.key.take(pa.array(targets)))
    return (
        np.stack([voiding, targets[np.asarray(place)]], axis=1)
        if len(voiding)
        else np.empty((0, 2), np.int64)
    )


def keys_of(file: EntityFile, rows: EntityRows) -> dict[str, pa.Array]:
    """The key columns of the file."""
    columns = {file.entity.key: rows.key}
    if len(file.keys) > 1:
        assert rows.parent is not None
        columns[file.keys[1]] = rows.parent
    return columns


def amounts_of(column: pa.Array) -> tuple[Array, Array]:
    """Amounts in fen, and where there is one."""
    raw = column.buffers()[-1]
    if raw is None or column.null_count == len(column):
        return np.zeros(len(column), np.int64), np.zeros(len(column), bool)
    words = np.frombuffer(raw, np.int64)[column.offset : column.offset + len(column)]
    known = np.asarray(column.is_valid())
    return np.where(known, words, 0), known
