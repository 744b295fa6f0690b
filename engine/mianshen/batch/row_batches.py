"""Rows on their way from files to blocks: `EntityRows` as batches of columns that can be kept in files, and back.

In: chunks of an entity's rows. Out: Arrow batches; from those of a block, `BlockRows`.
Invariant: what is read back equals what was put in, refusals of rows included; numbers of refusals and texts are a run's.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from mianshen.batch.blocks import Array
from mianshen.ingest.entity_rows import Distinct, EntityRows, FileRows, with_files
from mianshen.ingest.rejects import Rejects
from mianshen.ingest.typed_columns import Refusal
from mianshen.native.arrays import repeated, whole
from mianshen.program.program import Entity, Program

NUMBER: Final = "?number"  # the row's place among its entity's, from 0
KEY, PARENT, REVERSES, REFUSED = "?key", "?parent", "?reverses", "?refused"
_KINDS: Final = pa.list_(pa.int32())


@dataclass(slots=True)
class Refusals:
    """The different refusals of a run; rows refer to them by number."""

    listed: list[Refusal] = field(default_factory=list)
    numbers: dict[Refusal, int] = field(default_factory=dict)

    def number(self, refusal: Refusal) -> int:
        """The number of a refusal, a new one for a new refusal."""
        if refusal not in self.numbers:
            self.numbers[refusal] = len(self.listed)
            self.listed.append(refusal)
        return self.numbers[refusal]


@dataclass(slots=True)
class EntityInfo:
    """What is known of an entity's rows besides the rows. `files` and `count` are whole once all rows are read.

    `constants`: facts without a column in any file, one row each; batches leave them out.
    """

    entity: Entity
    supplied: frozenset[str]
    has_input: bool
    constants: Mapping[str, pa.Array] = field(default_factory=dict)
    files: list[FileRows] = field(default_factory=list)
    count: int = 0

    _repeated: dict[str, pa.Array] = field(default_factory=dict)

    def constant_columns(self, count: int) -> dict[str, pa.Array]:
        """The constants as columns of `count` rows; shorter ones are slices of the longest."""
        columns = {}
        for name, one in self.constants.items():
            longest = self._repeated.get(name)
            if longest is None or len(longest) < count:
                longest = self._repeated[name] = repeated(one, count)
            columns[name] = longest.slice(0, count)
        return columns

    def add(self, chunk: EntityRows) -> None:
        """Take note of the files of the next rows; a file in several chunks stands once."""
        self.files = with_files(self.files, chunk.files)
        self.count += chunk.count


@dataclass(slots=True)
class BlockRows:
    """The rows of an entity in a block; `numbers`: their places among all of the entity's, from 0, -1 for one made up."""

    rows: EntityRows
    numbers: Array


def to_batch(
    chunk: EntityRows, first: int, refusals: Refusals, constants: Container[str] = ()
) -> pa.RecordBatch:
    """A chunk of which the first row is the entity's `first`, without the facts in `constants`."""
    columns: dict[str, pa.Array] = {NUMBER: pa.array(np.arange(first, first + chunk.count)), KEY: chunk.key}
    if chunk.parent is not None:
        columns[PARENT] = chunk.parent
    if chunk.reverses is not None:
        columns[REVERSES] = chunk.reverses
    columns[REFUSED] = _refused(chunk, refusals)
    facts = {name: column for name, column in chunk.facts.items() if name not in constants}
    return pa.record_batch({**columns, **facts})


def _refused(chunk: EntityRows, refusals: Refusals) -> pa.ListArray:
    """The refusals of each row, null where there are none."""
    rejects = chunk.rejects
    if not len(rejects.rows):
        return pa.nulls(chunk.count, _KINDS)
    kinds = np.array([refusals.number(refusal) for refusal in rejects.refusals], np.int32)[rejects.kinds]
    ends = np.searchsorted(rejects.rows, np.arange(chunk.count + 1)).astype(np.int32)
    none = pa.array(ends[1:] == ends[:-1])
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(kinds), type=_KINDS, mask=none)


def from_table(
    table: pa.Table,
    info: EntityInfo,
    program: Program,
    refusals: Sequence[Refusal],
    distinct: Distinct,
    doubled: Array,
) -> BlockRows:
    """The rows of a block; `doubled`: the numbers of rows whose key another row of the entity has, in order."""
    columns = {name: whole(table[name]) for name in table.column_names}
    refused = columns.pop(REFUSED)
    lengths = np.diff(np.asarray(refused.offsets)) if len(refused) else np.empty(0, np.int64)
    rows = np.repeat(np.arange(len(refused)), lengths)
    rejects = Rejects(rows, np.asarray(refused.flatten()).astype(np.int32), list(refusals))
    numbers = np.asarray(columns.pop(NUMBER))
    twice = np.flatnonzero(np.isin(numbers, doubled, assume_unique=True)) if len(doubled) else doubled
    rejects = rejects.with_more([(twice, Refusal(info.entity.key, "duplicate"))]) if len(twice) else rejects
    rows_of_block = EntityRows(
        info.entity, program, columns.pop(KEY), columns.pop(PARENT, None), {}, rejects, info.files, distinct,
        info.supplied, columns.pop(REVERSES, None),
    )  # fmt: skip
    rows_of_block.facts = columns | info.constant_columns(len(numbers))
    rows_of_block.name_unkeyed(numbers)
    return BlockRows(rows_of_block, numbers)
