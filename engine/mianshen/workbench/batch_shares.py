"""A batch in shares: households dealt out so that one share at a time fits the memory, each finished on its own.

In: a program compiled, opened inputs, a folder beside the results. Out: the batch's files, put together from
those of the shares; a run that was killed goes on from the shares it finished.
Invariants: a household is in one share, and so is whatever concerns it; rows whose key is doubled, or whose
parent is in no file, are in the last share with everything around them, so that no share misses what
another one would have told it. Shares keep the order of the files. What a share writes depends on its rows alone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from mianshen.kernel.deciding import Array, Deciding, Table, whole
from mianshen.program.program import Entity
from mianshen.source import RuleError
from mianshen.values import as_money
from mianshen.workbench import batch_mistakes as mistakes
from mianshen.workbench.batch_compiled import CompiledBatch, join_parquet
from mianshen.workbench.batch_outputs import FIRST, Outputs
from mianshen.workbench.batch_rows import RowTables
from mianshen.workbench.compiled_tables import CompiledTables
from mianshen.workbench.inputs import ROW, parts_of, pattern, quoted

PLAN: Final = "shares.json"
RESULT: Final = "result.json"
BATCH: Final = 1 << 17  # rows read at a time
KEYS: Final = 64  # bytes that the keys of a row take, and finding them
LINE: Final = 40  # bytes of a line of CSV, at least

Connect = Callable[[Path], duckdb.DuckDBPyConnection]


@dataclass(slots=True)
class SharedBatch:
    """One run in `count` shares and one more for rows that do not fit together; `work` outlives a killed run."""

    whole: CompiledBatch
    count: int
    work: Path
    connect: Connect
    resume: bool
    report: Callable[[int, int], None] = lambda _done, _all: None
    counts: dict[str, int] = field(default_factory=dict)
    files: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> None:
        """Deal out the rows, unless an earlier run did. Raises RuleError where that run read something else."""
        plan = self.work / PLAN
        if self.resume and plan.exists():
            kept = json.loads(plan.read_text("utf-8"))
            if kept["of"] != self._fingerprint():
                raise RuleError([mistakes.not_resumable(str(self.work))])
            self.counts, self.files = (
                kept["counts"],
                {e: [(n, b) for n, b in f] for e, f in kept["files"].items()},
            )
            return
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        shares = self._dealt()
        reading = self._reading()
        for name in self.whole.compiled.unit.layout.entities:
            self._deal(reading, self.whole.program.entities[name], shares[name])
        content = {"of": self._fingerprint(), "counts": self.counts, "files": self.files}
        part = plan.with_suffix(".part")
        part.write_text(json.dumps(content), "utf-8")
        part.rename(plan)

    def _fingerprint(self) -> str:
        """What a share's results rest on."""
        run, made = self.whole, sha256()
        for part in parts_of(run.inputs):
            made.update(f"{part.path.resolve()};{part.stamp};{part.columns};".encode())
        made.update(f"{run.program.digest};{run.as_of};{self.count};".encode())
        made.update(run.compiled.unit.text().encode())
        return made.hexdigest()

    def _reading(self) -> CompiledTables:
        run = self.whole
        every = RowTables(run.program, run.connection, run.as_of, run.inputs)
        return CompiledTables(every, run.compiled.unit.layout)

    # -- dealing -----------------------------------------------------------------------------

    def _dealt(self) -> dict[str, Array]:
        """The share of every row, by entity; of claims and visits only who they belong to is held."""
        run = self.whole
        order = run.compiled.unit.order
        above = [e for e in order if not run.compiled.unit.is_packed(e)]
        tables = {e.name: self._keys(e) for e in above}
        parent: dict[str, Array] = {}
        bad: dict[str, Array] = {}
        deciding = Deciding(run.compiled, tables, run.as_of, run.threads)
        with ExitStack() as open_:
            find = {e.name: open_.enter_context(deciding.finder(e.name)) for e in above}
            for entity in order:
                if entity.name not in tables:
                    parent[entity.name] = self._owners(entity, find[str(entity.parent)])
                    bad[entity.name] = self._doubled(entity, len(parent[entity.name]))
                    continue
                bad[entity.name] = tables[entity.name].bad
                asked = tables[entity.name].parent
                if entity.parent is not None and asked is not None:
                    parent[entity.name] = find[entity.parent](asked)
        for name, found in parent.items():
            if run.program.entities[name].parent in run.inputs:
                bad[name][found == -1] = 1
        self.counts = {name: len(marks) for name, marks in bad.items()}
        return self._by_household(parent, {name: marks.astype(bool) for name, marks in bad.items()})

    def _by_household(self, parent: dict[str, Array], apart: dict[str, Array]) -> dict[str, Array]:
        """Households in their order, dealt out evenly; with a row that is apart, in the last share."""
        order = self.whole.compiled.unit.order
        for entity in reversed(order):
            if entity.parent is not None:
                above = parent[entity.name][apart[entity.name]]
                apart[entity.parent][above[above >= 0]] = True
        shares: dict[str, Array] = {}
        for entity in order:
            rows = len(apart[entity.name])
            own = (np.arange(rows, dtype=np.int64) * self.count // max(1, rows)).astype(np.uint16)
            own[apart[entity.name]] = self.count
            if entity.parent is not None:
                up = parent[entity.name]
                placed = up >= 0
                own[placed] = shares[entity.parent][up[placed]]
                if entity.name != self.whole.program.entry:
                    own[~placed] = self.count
            shares[entity.name] = own
        return shares

    def _owners(self, entity: Entity, find: Callable[[pa.StringArray], Array]) -> Array:
        """Which row each of an entity's rows belongs to."""
        key = self.whole.program.entities[str(entity.parent)].key
        return np.concatenate([find(batch) for batch in self._column(entity, key)] or [np.empty(0, np.int32)])

    def _doubled(self, entity: Entity, rows: int) -> Array:
        """Rows whose key another row has, marked; keys in order are looked at one after the other."""
        bad, last = np.zeros(rows, np.uint8), ""
        deciding = Deciding(self.whole.compiled, {}, self.whole.as_of, self.whole.threads)
        for keys in self._column(entity, entity.key):
            if len(keys) and not (deciding.ascending(keys) and last < keys[0].as_py()):
                break
            last = keys[-1].as_py() if len(keys) else last
        else:
            return bad
        table = self._keys(entity)
        deciding.tables[entity.name] = table
        with deciding.finder(entity.name):
            return table.bad

    def _column(self, entity: Entity, name: str) -> Iterator[pa.StringArray]:
        """One column of all of an entity's files, some rows at a time."""
        reading = self._reading()
        for part in self._parts(entity):
            with reading.guarded(part):
                for batch in self._stream(f'SELECT "{name}" FROM ({reading.query(entity, part)})'):
                    yield whole(pa.chunked_array([batch.column(0)]))

    def _keys(self, entity: Entity) -> Table:
        """An entity's rows as far as their keys."""
        above = None if entity.parent is None else self.whole.program.entities[entity.parent].key
        keys, owners = (
            None if name is None else whole(pa.chunked_array(list(self._column(entity, name)), pa.string()))
            for name in (entity.key, above)
        )
        assert keys is not None
        return Table(keys, owners, {}, np.zeros(len(keys), np.uint8), entity.name in self.whole.inputs)

    def _parts(self, entity: Entity) -> tuple[Any, ...]:
        source = self.whole.inputs.get(entity.name)
        return (None,) if source is None else source.parts

    def _arrow(self, query: str) -> pa.Table:
        return self._stream(query).read_all()

    def _stream(self, query: str) -> pa.RecordBatchReader:
        connection = self.whole.connection
        connection.execute("SELECT 1").fetchall()  # ends what an earlier query left unread
        return connection.sql(query).to_arrow_reader(BATCH)

    def _deal(self, reading: CompiledTables, entity: Entity, shares: Array) -> None:
        """Write the rows of an entity into a file a share, numbered as they are in all of its files."""
        writers: dict[int, pa.ipc.RecordBatchFileWriter] = {}
        if entity.name in self.whole.inputs:
            self.files[entity.name] = []
        done = 0
        try:
            for part in self._parts(entity):
                if part is not None:
                    self.files[entity.name].append((part.name, done))
                with reading.guarded(part):
                    for batch in self._stream(reading.query(entity, part)):
                        self._split(entity, batch, shares[done : done + len(batch)], done, writers)
                        done += len(batch)
        finally:
            for writer in writers.values():
                writer.close()

    def _split(
        self, entity: Entity, batch: pa.RecordBatch, shares: Array, before: int, writers: dict[int, Any]
    ) -> None:
        numbered = batch.append_column(ROW, pa.array(np.arange(len(batch)) + before + 1, pa.int64()))
        for share in np.unique(shares):
            if share not in writers:
                writers[share] = pa.ipc.new_file(str(self._rows(entity.name, share)), numbered.schema)
            writers[share].write_batch(numbered.filter(pa.array(shares == share)))

    def _rows(self, entity: str, share: int) -> Path:
        return self.work / f"{entity}.{share}.arrow"

    # -- deciding ----------------------------------------------------------------------------

    def decide(self) -> None:
        """Decide every share that is not finished yet, into a folder of its own."""
        for share in range(self.count + 1):
            done = self.work / f"share-{share}"
            if not done.exists():
                part = self.work / "unfinished"
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir()
                result = self._share(share, part)
                (part / RESULT).write_text(json.dumps(result), "utf-8")
                part.rename(done)
            self.results.append(json.loads((done / RESULT).read_text("utf-8")))
            self.report(share + 1, self.count + 1)

    def _share(self, share: int, folder: Path) -> dict[str, Any]:
        run = self.whole
        connection = self.connect(folder)
        try:
            rows = {e: f"rows_{e}" for e in run.program.entities}
            outputs = Outputs(run.program, connection, rows, run.as_of, given=frozenset(run.inputs))
            batch = CompiledBatch(
                run.program,
                connection,
                run.inputs,
                run.as_of,
                run.compiled,
                run.threads,
                outputs,
                files=self.files,
            )
            reading = self._reading()
            for name in run.compiled.unit.layout.entities:
                entity = run.program.entities[name]
                table = self._share_of(entity, share)
                batch.tables[name] = reading.made_of(entity, table, name in run.inputs)
                batch.numbers[name] = (
                    np.asarray(table[ROW].combine_chunks()) if len(table) else np.empty(0, np.int64)
                )
                batch.counts[name] = len(table)
            batch.decide()
            beside = batch.write(folder)
            return {"records": batch.summary()["records"], "beside": beside}
        finally:
            connection.close()
            shutil.rmtree(folder / "spill", ignore_errors=True)

    def _share_of(self, entity: Entity, share: int) -> pa.Table:
        path = self._rows(entity.name, share)
        if path.exists():
            with pa.memory_map(str(path)) as file:
                return pa.ipc.open_file(file).read_all()
        part = self._parts(entity)[0]
        empty = self._arrow(f"SELECT * FROM ({self._reading().query(entity, part)}) LIMIT 0")
        return empty.append_column(ROW, pa.array([], pa.int64()))

    # -- putting together --------------------------------------------------------------------

    def write(self, folder: Path) -> dict[str, Any]:
        """The files of all shares one after the other; what the summary says of settled amounts and reversals."""
        names = sorted({path.name for path in self.work.glob("share-*/*.parquet")})
        with ThreadPoolExecutor(max(1, self.whole.threads)) as pool:
            list(pool.map(lambda name: self._joined(name, folder / name), names))
        return self._beside()

    def _joined(self, name: str, to: Path) -> None:
        """One file of all shares' files of that name; rejects in the order that they have in a single run."""
        paths = [path for n in range(self.count + 1) if (path := self.work / f"share-{n}" / name).exists()]
        if name in (f"{FIRST}.parquet", "residents.parquet"):
            join_parquet(paths, to)
            return
        listed = ", ".join(pattern(path) for path in paths)
        order = ' ORDER BY file, "row", key' if name == "rejects.parquet" else ""
        self.whole.connection.cursor().execute(
            f"COPY (SELECT * FROM read_parquet([{listed}]){order}) TO {quoted(str(to))} (FORMAT parquet)"
        )

    def _beside(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for result in self.results:
            for what, value in result["beside"].items():
                found[what] = value if what not in found else _added(found[what], value)
        return found

    def summary(self) -> dict[str, Any]:
        records: dict[str, dict[str, int]] = {}
        for result in self.results:
            for entity, counts in result["records"].items():
                so_far = records.setdefault(entity, {})
                for name, number in counts.items():
                    so_far[name] = so_far.get(name, 0) + number
        return {**self.whole.outputs.heading(), "records": records}


def _added(one: Any, other: Any) -> Any:
    """Numbers, and amounts written as text, added up; in dictionaries each for itself."""
    match one, other:
        case dict(), dict():
            return {key: _added(one.get(key), other.get(key)) for key in {**one, **other}}
        case (None, value) | (value, None):
            return value
        case str(), str():
            return as_money(Decimal(one) + Decimal(other))
        case _:
            return one + other


def shares_for(batch: CompiledBatch, memory: int) -> int:
    """How many shares keep one within so many bytes of memory."""
    unit = batch.compiled.unit
    total = 0
    for entity in unit.order:
        read = sum(max(8, column.bits) // 8 for column in unit.layout.facts[entity.name])
        written = sum(each.bytes for each in unit.written if each.entity == entity.name)
        total += _rows_of(batch, entity) * (KEYS + read + read // 4 + 2 * written)
    return max(1, -(-total // memory))


def _rows_of(batch: CompiledBatch, entity: Entity) -> int:
    """About how many rows there are of an entity; of a CSV file its size tells."""
    rows = 0
    source = batch.inputs.get(entity.name)
    for part in () if source is None else source.parts:
        if part.numbered:
            found = batch.connection.execute(f"SELECT count(*) FROM {part.relation}").fetchall()
            rows += int(found[0][0])
        else:
            rows += part.text.path.stat().st_size // LINE
    return rows
