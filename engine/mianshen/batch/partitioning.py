"""A batch's rows dealt out to shares of households, in one pass over its files.

In: a program compiled, opened inputs, a folder. Out: an Arrow file a share of every entity's rows, each with its
number; the numbers of the rows that stand apart: those whose key is doubled, or whose parent is in no file, and all
around them. What stands apart is found only when all is read, so it may be in the shares' files, too.
Invariants: a household is in one share; shares and their rows are in the order of the files.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from mianshen.batch.native_batch import CompiledBatch
from mianshen.batch.native_tables import CompiledTables
from mianshen.batch.row_tables import RowTables
from mianshen.ingest.inputs import ROW, Part
from mianshen.native.deciding import Array, Deciding, Table, whole
from mianshen.native.placing import DUPLICATE, Placing, ascending
from mianshen.program.program import Entity

BATCH: Final = 1 << 17  # rows read at a time
AHEAD: Final = 3  # of them that may wait to be dealt
PIECE: Final = 1 << 24

Find = Callable[[pa.StringArray], Array]


@dataclass(slots=True)
class Keys:
    """What is kept of an entity's keys while its rows go by: all of them where others name them."""

    kept: list[pa.StringArray] | None
    last: str = ""
    ascending: bool = True

    def take(self, keys: pa.StringArray, placing: Placing) -> None:
        """Keep these keys; or see whether each is greater than the one before."""
        if self.kept is not None:
            self.kept.append(pa.concat_arrays([keys, keys.slice(0, 0)]))  # a copy: what was read can go
        elif self.ascending and len(keys):
            self.ascending = ascending(placing.library, keys) and self.last < keys[0].as_py()
            self.last = keys[-1].as_py() or ""


@dataclass(slots=True)
class Dealing:
    """One dealing out to `count` shares. `counts`: records by entity; `files`: as in `RowTables`."""

    run: CompiledBatch
    count: int
    work: Path
    counts: dict[str, int] = field(default_factory=dict)
    files: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)  # of entities that others name: their keys
    parent: dict[str, Array] = field(default_factory=dict)
    share: dict[str, Array] = field(default_factory=dict)  # of entities that others name
    bad: dict[str, Array] = field(default_factory=dict)

    def deal(self) -> dict[str, Array]:
        """Write the shares' files; the numbers, from 1, of the rows that stand apart. Raises RuleError."""
        find: dict[str, Find] = {}
        with ExitStack() as open_:
            for entity in self.run.compiled.unit.order:
                above = not self.run.compiled.unit.rows.is_packed(entity)
                keys = Keys([] if above else None)
                self._entity(entity, keys, find)
                if above:
                    self.tables[entity.name] = self._table(entity, keys.kept or [])
                    placing = self.placing({entity.name: self.tables[entity.name]})
                    find[entity.name] = open_.enter_context(placing.finder(entity))
                    self.bad[entity.name] = (placing.places.status[entity.name] == DUPLICATE).astype(np.uint8)
                else:
                    self.bad[entity.name] = self._doubled(entity, keys)
                if entity.parent in self.run.inputs:
                    self.bad[entity.name][self.parent[entity.name] == -1] = 1
        return self._apart()

    def placing(self, tables: dict[str, Table]) -> Placing:
        return Deciding(self.run.compiled, tables, self.run.as_of, self.run.threads).placing()

    # -- one entity --------------------------------------------------------------------------

    def _entity(self, entity: Entity, keys: Keys, find: dict[str, Find]) -> None:
        """Read an entity's files once; while rows are read, those before them are dealt."""
        reading = reading_of(self.run)
        spread = Spread(self, entity, max(1, rows_of(self.run, entity)), keys, find.get(str(entity.parent)))
        given = entity.name in self.run.inputs
        files: list[tuple[str, int]] = []
        waiting: list[Future[None]] = []
        done = 0
        with spread.open, ThreadPoolExecutor(1) as pool:
            for part in parts_of(self.run, entity):
                if part is not None:
                    files.append((part.name, done))
                with reading.guarded(part):
                    rows = stream(self.run, reading.query(entity, part))
                    spread.begin(rows.schema)
                    for batch in rows:
                        waiting.append(pool.submit(spread.take, batch, done))
                        done += len(batch)
                        if len(waiting) > AHEAD:
                            waiting.pop(0).result()
            for each in waiting:
                each.result()
        self.counts[entity.name] = done
        if given:
            self.files[entity.name] = files
        if entity.parent is not None:
            self.parent[entity.name] = joined(spread.parents, np.int32)
        self.share[entity.name] = joined(spread.shares, np.uint16)

    def _table(self, entity: Entity, kept: list[pa.StringArray]) -> Table:
        keys = whole(pa.chunked_array(kept, pa.string()))
        return Table(keys, None, {}, np.zeros(len(keys), np.uint8), entity.name in self.run.inputs)

    def _doubled(self, entity: Entity, keys: Keys) -> Array:
        """Rows whose key another row has, marked; keys that were not in order are read once more."""
        if keys.ascending:
            return np.zeros(self.counts[entity.name], np.uint8)
        found: list[pa.StringArray] = []
        reading = reading_of(self.run)
        for part in parts_of(self.run, entity):
            with reading.guarded(part):
                query = f'SELECT "{entity.key}" FROM ({reading.query(entity, part)})'
                found += [whole(pa.chunked_array([batch.column(0)])) for batch in stream(self.run, query)]
        table = self._table(entity, found)
        placing = self.placing({entity.name: table})
        with placing.finder(entity):
            marks: Array = (placing.places.status[entity.name] == DUPLICATE).astype(np.uint8)
        return marks

    # -- what stands apart -------------------------------------------------------------------

    def _apart(self) -> dict[str, Array]:
        """Rows that are marked, and every row of a household that has one."""
        order, entry = self.run.compiled.unit.order, self.run.program.entry
        apart = {name: marks.astype(bool) for name, marks in self.bad.items()}
        for entity in reversed(order):
            if entity.parent is not None:
                if entity.name != entry:
                    apart[entity.name] |= self.parent[entity.name] < 0
                above = self.parent[entity.name][apart[entity.name]]
                apart[entity.parent][above[above >= 0]] = True
        for entity in order:
            if entity.parent is not None and apart[entity.parent].any():
                up = self.parent[entity.name]
                apart[entity.name] |= apart[entity.parent][np.maximum(up, 0)] & (up >= 0)
        return {name: np.flatnonzero(marks) + 1 for name, marks in apart.items()}


@dataclass(slots=True)
class Spread:
    """The rows of one entity on their way into the files of the shares."""

    dealing: Dealing
    entity: Entity
    rows: int  # about how many there are
    keys: Keys
    find: Find | None
    parents: list[Array] = field(default_factory=list)
    shares: list[Array] = field(default_factory=list)
    writers: list[Any] = field(default_factory=list)
    open: ExitStack = field(default_factory=ExitStack)

    def begin(self, schema: pa.Schema) -> None:
        """Open a file a share, once; a share without rows has one too."""
        for share in range(len(self.writers), self.dealing.count):
            path = rows_file(self.dealing.work, self.entity.name, share)
            made = pa.ipc.new_file(str(path), schema.append(pa.field(ROW, pa.int64())))
            self.writers.append(self.open.enter_context(made))

    def take(self, batch: pa.RecordBatch, before: int) -> None:
        """Deal rows of which so many come `before`."""
        if not len(batch):
            return
        dealing, entity = self.dealing, self.entity
        self.keys.take(whole(pa.chunked_array([batch.column(0)])), dealing.placing({}))
        count = dealing.count
        shares = ((np.arange(len(batch), dtype=np.int64) + before) * count // self.rows).astype(np.uint16)
        np.minimum(shares, count - 1, out=shares)
        if self.find is not None:
            up = self.find(whole(pa.chunked_array([batch.column(1)])))
            placed = up >= 0
            above = dealing.share[str(entity.parent)]
            if entity.name != dealing.run.program.entry:
                shares[:] = count
            if len(above):
                shares = np.where(placed, above[np.maximum(up, 0)], shares)
            self.parents.append(up)
        if not dealing.run.compiled.unit.rows.is_packed(entity):
            self.shares.append(shares)
        self._split(batch, shares, before)

    def _split(self, batch: pa.RecordBatch, shares: Array, before: int) -> None:
        """Rows that belong to nobody, of share `count`, are written nowhere: they stand apart."""
        numbered = batch.append_column(ROW, pa.array(np.arange(len(batch)) + before + 1, pa.int64()))
        order = np.argsort(shares, kind="stable")
        if shares.min() != shares.max():
            numbered = numbered.take(pa.array(order))
        starts = np.searchsorted(shares, np.arange(self.dealing.count + 1), sorter=order)
        for share, (low, high) in enumerate(pairwise(starts)):
            if low < high:
                self.writers[share].write_batch(numbered.slice(low, high - low))


# -- reading ---------------------------------------------------------------------------------


def reading_of(run: CompiledBatch) -> CompiledTables:
    return CompiledTables(
        RowTables(run.program, run.connection, run.as_of, run.inputs), run.compiled.unit.layout
    )


def parts_of(run: CompiledBatch, entity: Entity) -> tuple[Part | None, ...]:
    source = run.inputs.get(entity.name)
    return (None,) if source is None else source.parts


def stream(run: CompiledBatch, query: str) -> pa.RecordBatchReader:
    """A query's rows, in order, some at a time."""
    run.connection.execute("SELECT 1").fetchall()  # ends what an earlier query left unread
    return run.connection.sql(query).to_arrow_reader(BATCH)


def rows_file(work: Path, entity: str, share: int) -> Path:
    """Where the rows of an entity that belong to a share are."""
    return work / f"{entity}.{share}.arrow"


def rows_of(run: CompiledBatch, entity: Entity) -> int:
    """How many rows there are of an entity; of a CSV file at most, for its lines are counted."""
    rows = 0
    for part in parts_of(run, entity):
        if part is None:
            continue
        if part.numbered or part.named.startswith("duckdb:"):
            found = run.connection.execute(f"SELECT count(*) FROM {part.relation}").fetchall()
            rows += int(found[0][0])
        else:
            rows += lines_of(part.text.path)
    return rows


def lines_of(path: Path) -> int:
    """About how many lines a file has, whatever ends them."""
    new, returned = 0, 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            new += piece.count(b"\n")
            returned += piece.count(b"\r")
    return max(new, returned) + 1


def joined(arrays: list[Array], kind: Any) -> Array:
    return np.concatenate(arrays) if arrays else np.empty(0, kind)


def dealt(work: Path, entity: str, share: int) -> pa.Table:
    """The rows of an entity that belong to a share. Raises OSError."""
    with pa.memory_map(str(rows_file(work, entity, share))) as source:
        return pa.ipc.open_file(source).read_all()
