"""A batch's files read once: every row typed, checked, and put into its block, parents before children.

In: opened inputs, a store for the rows. Out: `Intake`: what is known of each entity, refusals, doubled keys.
Invariants: while rows are put into blocks the next ones are read; of the rows of a person over time all stand in the
block of the one in force.
"""

from __future__ import annotations

import ctypes
import datetime as dt
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from mianshen.batch.assigner import BlockAssigner, EntityAssigner
from mianshen.batch.block_store import Blocks, PartitionFiles, WaitingFile
from mianshen.batch.blocks import Array
from mianshen.batch.people import ALWAYS, rows_in_force
from mianshen.batch.row_batches import EntityInfo, Refusals, to_batch
from mianshen.ingest.entity_rows import Distinct, EntityRows, RowReader
from mianshen.ingest.inputs import Input, Part
from mianshen.ingest.plausibility import ColumnCells
from mianshen.native.layout import EPOCH
from mianshen.program.program import Entity, Program
from mianshen.program.stages import parents_first
from mianshen.source import Diagnostic

AHEAD: Final = 2  # chunks that may wait to be put into blocks
PIECE: Final = 1 << 24


@dataclass(slots=True)
class Intake:
    """What was read. `absent`: of each entity without a file one row of which nothing is known."""

    infos: dict[str, EntityInfo] = field(default_factory=dict)
    refusals: Refusals = field(default_factory=Refusals)
    doubled: dict[str, Array] = field(default_factory=dict)
    absent: dict[str, EntityRows] = field(default_factory=dict)
    distinct: Distinct = field(default_factory=Distinct)
    doubts: list[Diagnostic] = field(default_factory=list)  # with which the run goes on all the same
    findings: dict[str, Any] = field(default_factory=dict)  # for the summary
    cells: dict[tuple[str, str], ColumnCells] = field(default_factory=dict)  # refused ones, by file and fact

    @property
    def counts(self) -> dict[str, int]:
        """Records by entity with an input."""
        return {name: info.count for name, info in self.infos.items() if info.has_input}


@dataclass(slots=True)
class Taking:
    """One pass over the inputs into `store`."""

    program: Program
    inputs: Mapping[str, Input]
    reader: RowReader
    store: Blocks | PartitionFiles
    blocks: int
    library: ctypes.CDLL | None
    as_of: dt.date
    report: Callable[[int], None]  # called with how many rows are read so far
    rows: int = 0
    intake: Intake = field(default_factory=Intake)

    def take(self) -> Intake:
        """Read everything. Raises RuleError where a file cannot be read, OSError where none can be written."""
        assigner = BlockAssigner(self.program, self.blocks, frozenset(self.inputs), self.library)
        for name in parents_first(self.program):
            entity = self.program.entities[name]
            source = self.inputs.get(name)
            if source is None:
                self._without_file(entity)
            else:
                self._entity(assigner, entity, source)
        self.intake.doubled |= assigner.doubled
        self.intake.distinct = self.reader.distinct
        return self.intake

    def _without_file(self, entity: Entity) -> None:
        nothing = self.reader.read(entity, None)
        self.intake.absent[entity.name] = self.reader.absent(entity)
        self.intake.infos[entity.name] = EntityInfo(entity, nothing.supplied, False)
        self.intake.doubled[entity.name] = np.empty(0, np.int64)
        self.store.begin(entity.name, to_batch(nothing, 0, self.intake.refusals).schema)

    def _entity(self, assigner: BlockAssigner, entity: Entity, source: Input) -> None:
        assigned = assigner.entity(entity)
        supplied = frozenset(name for part in source.parts for name in part.columns)
        constants = self.reader.constants(entity, supplied)
        info = self.intake.infos[entity.name] = EntityInfo(entity, supplied, True, constants)
        people = None
        if entity.valid_from in supplied:
            people = People(entity.valid_from, self.store.waiting(entity.name))
        waiting: list[Future[None]] = []
        with ThreadPoolExecutor(1) as pool:
            for chunk in self.reader.chunks(entity, source):
                waiting.append(pool.submit(self._put, assigned, people, chunk, info.count))
                info.add(chunk)
                self.rows += chunk.count
                self.report(self.rows)
                if len(waiting) > AHEAD:
                    waiting.pop(0).result()
            for future in waiting:
                future.result()
        if entity.name not in self.store.schemas:
            nothing = self.reader.read(entity, source)
            self.store.begin(entity.name, to_batch(nothing, 0, self.intake.refusals, constants).schema)
        if people is not None:
            self._put_people(assigned, people)
        assigner.finish(assigned)

    def _put(self, assigned: EntityAssigner, people: People | None, chunk: EntityRows, first: int) -> None:
        """Put a chunk's rows into their blocks; those of people over time wait until all are there."""
        constants = self.intake.infos[assigned.entity.name].constants
        batch = to_batch(chunk, first, self.intake.refusals, constants)
        blocks = assigned.assign(chunk.key, chunk.parent)
        if assigned.entity.name not in self.store.schemas:
            self.store.begin(assigned.entity.name, batch.schema)
        if people is None:
            self.store.add(assigned.entity.name, batch, blocks)
        else:
            people.take(chunk, batch)

    def _put_people(self, assigned: EntityAssigner, people: People) -> None:
        """Put the rows of people over time into the blocks of the rows in force."""
        blocks = np.concatenate([*assigned.blocks, np.empty(0, np.uint32)])
        starts, unplaced = people.starts(), people.unplaced()
        if unplaced.any() or (starts != ALWAYS).any():
            rows = assigned.keys.doubled()
            if len(rows):
                groups, day = assigned.keys.groups(rows), (self.as_of - EPOCH).days
                current = rows_in_force(groups, starts[rows], unplaced[rows], day)
                blocks[rows] = blocks[rows[current]][groups]
                assigned.blocks = [blocks]
            assigned.keys.ascending = (
                True  # rows that share a key are a person's, told apart when they are decided
            )
        before = 0
        for batch in people.batches:
            self.store.add(assigned.entity.name, batch, blocks[before : before + len(batch)])
            before += len(batch)


@dataclass(slots=True)
class People:
    """The rows of people over time, until all of them are there."""

    valid_from: str
    batches: list[pa.RecordBatch] | WaitingFile
    days: list[Array] = field(default_factory=list)
    wrong: list[Array] = field(default_factory=list)

    def take(self, chunk: EntityRows, batch: pa.RecordBatch) -> None:
        """Keep a chunk."""
        self.batches.append(batch)
        start = chunk.facts[self.valid_from].cast(pa.int32())
        self.days.append(np.asarray(start.fill_null(ALWAYS)))
        wrong = np.zeros(chunk.count, np.uint8)
        wrong[chunk.rejects.unreadable().get(self.valid_from, [])] = 1
        self.wrong.append(wrong)

    def starts(self) -> Array:
        return np.concatenate([*self.days, np.empty(0, np.int32)])

    def unplaced(self) -> Array:
        return np.concatenate([*self.wrong, np.empty(0, np.uint8)])


def rows_about(inputs: Mapping[str, Input], connection: duckdb.DuckDBPyConnection) -> int:
    """How many rows all inputs have; of CSV files how many lines, which does not depend on how they are read."""
    return sum(_rows_of(part, connection) for source in inputs.values() for part in source.parts)


def _rows_of(part: Part, connection: duckdb.DuckDBPyConnection) -> int:
    if part.numbered or part.named.startswith("duckdb:"):
        row = connection.execute(f"SELECT count(*) FROM {part.relation}").fetchone()
        return int(row[0]) if row else 0
    return _lines_of(part.text.path)


def _lines_of(path: Path) -> int:
    """How many lines a file has, whatever ends them."""
    feeds, returns = 0, 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            feeds += piece.count(b"\n")
            returns += piece.count(b"\r")
    return max(feeds, returns)
