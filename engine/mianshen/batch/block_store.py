"""Rows put into their blocks, in memory or in files of partitions: runs of whole blocks that are decided together.

In: batches of an entity's rows with the block of each. Out: the tables of each block, by entity.
Invariant: the rows of a block keep the order in which they came, wherever they were kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.batch.blocks import Array

BLOCK: Final = "?block"

BlockTables: TypeAlias = "dict[str, pa.Table]"  # by entity


@dataclass(slots=True)
class Blocks:
    """Rows in memory, by block."""

    count: int = 1
    first: int = 0
    schemas: dict[str, pa.Schema] = field(default_factory=dict)
    rows: dict[tuple[str, int], list[pa.RecordBatch]] = field(default_factory=dict)
    again: bool = False  # whether a block's rows are kept when they are taken, to be taken again

    def begin(self, entity: str, schema: pa.Schema) -> None:
        """Make ready for rows of an entity."""
        self.schemas[entity] = schema

    def add(self, entity: str, batch: pa.RecordBatch, blocks: Array) -> None:
        """Take in rows."""
        for block, rows in split(batch, blocks - self.first, self.count):
            self.rows.setdefault((entity, self.first + block), []).append(rows)

    def take(self, block: int) -> BlockTables:
        """The rows of a block, which are kept no longer but where they are wanted again."""
        tables = {
            entity: pa.Table.from_batches(self.rows.pop((entity, block), []), schema).combine_chunks()
            for entity, schema in self.schemas.items()
        }
        if self.again:
            self.rows |= {(entity, block): table.to_batches() for entity, table in tables.items()}
        return tables

    def runs(self) -> Iterator[Blocks]:
        """The blocks by runs that are in memory together: all of them."""
        yield self

    def waiting(self, _entity: str) -> list[pa.RecordBatch]:
        """Keeps rows of an entity until it is known which blocks they belong to."""
        return []


@dataclass(slots=True)
class PartitionFiles:
    """Rows in files, one an entity and partition; `count`: blocks, dealt to `partitions`."""

    folder: Path
    count: int
    partitions: int
    schemas: dict[str, pa.Schema] = field(default_factory=dict)
    _writers: dict[str, list[Any]] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)

    @property
    def bounds(self) -> Array:
        """The first block of each partition, then how many blocks there are."""
        return np.array([-(-p * self.count // self.partitions) for p in range(self.partitions + 1)])

    def begin(self, entity: str, schema: pa.Schema) -> None:
        """Open a file a partition; a partition without rows has one too. Raises OSError."""
        self.schemas[entity] = schema
        begin = schema.append(pa.field(BLOCK, pa.uint32()))
        paths = [self.path(entity, partition) for partition in range(self.partitions)]
        self._writers[entity] = [
            self._open.enter_context(pa.ipc.new_file(str(path), begin)) for path in paths
        ]

    def add(self, entity: str, batch: pa.RecordBatch, blocks: Array) -> None:
        """Take in rows. Raises OSError."""
        append_column = batch.append_column(BLOCK, pa.array(blocks, pa.uint32()))
        partitions = np.searchsorted(self.bounds, blocks, side="right") - 1
        for partition, rows in split(append_column, partitions, self.partitions):
            self._writers[entity][partition].write_batch(rows)

    def close(self) -> None:
        """Finish every file. Raises OSError."""
        self._open.close()

    def waiting(self, entity: str) -> WaitingFile:
        """Keeps rows of an entity until it is known which blocks they belong to."""
        return WaitingFile(self.folder / f"{entity}.waiting.arrow", self._open)

    def path(self, entity: str, partition: int) -> Path:
        return self.folder / f"{entity}.{partition}.arrow"

    def runs(self) -> Iterator[Blocks]:
        """The blocks by runs that are in memory together, read from the files, as often as they are wanted."""
        for number, (first, after) in enumerate(pairwise(self.bounds.tolist())):
            files = {entity: self.path(entity, number) for entity in self.schemas}
            yield partition_blocks(files, first, after - first)


@dataclass(slots=True)
class WaitingFile:
    """Batches in a file, in the order in which they came; it is removed once they are taken."""

    path: Path
    open: ExitStack
    _writer: Any = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Keep a batch. Raises OSError."""
        if self._writer is None:
            self._writer = self.open.enter_context(pa.ipc.new_file(str(self.path), batch.schema))
        self._writer.write_batch(batch)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self._writer is None:
            return
        self._writer.close()
        with pa.OSFile(str(self.path)) as source:
            batches = pa.ipc.open_file(source)
            yield from (batches.get_batch(number) for number in range(batches.num_record_batches))
        self.path.unlink()


def partition_blocks(files: dict[str, Path], first: int, count: int) -> Blocks:
    """The rows of a partition, read from its files. Raises OSError."""
    tables: BlockTables = {}
    for entity, path in files.items():
        with pa.memory_map(str(path)) as source:
            tables[entity] = pa.ipc.open_file(source).read_all()
    blocks = Blocks(count, first, {e: t.drop_columns([BLOCK]).schema for e, t in tables.items()})
    for entity, table in tables.items():
        for batch in table.to_batches():
            blocks.add(entity, batch.drop_columns([BLOCK]), np.asarray(batch[BLOCK]))
    return blocks


def split(batch: pa.RecordBatch, parts: Array, count: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of each part that has some, in order; `parts`: the part of each row, below `count`."""
    if not len(parts):
        return
    if count == 1:
        yield 0, batch
        return
    narrow = parts.astype(np.uint16)  # few enough to be sorted by counting
    order = np.argsort(narrow, kind="stable")
    sorted_batch = _taken(batch, pa.array(order.astype(np.uint32)))
    ends = np.cumsum(np.bincount(narrow, minlength=count)).tolist()
    for number, (low, high) in enumerate(pairwise([0, *ends])):
        if low < high:
            yield number, sorted_batch.slice(low, high - low)


def _taken(batch: pa.RecordBatch, order: pa.Array) -> pa.RecordBatch:
    """The rows in an order, each once; columns of nothing are in every order alike."""
    columns = [c if c.null_count == len(c) else pc.take(c, order, boundscheck=False) for c in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
