"""A batch in shares: households dealt out so that one share at a time fits the memory, each finished on its own.

In: a program compiled, opened inputs, a folder beside the results. Out: the batch's files, put together from
those of the shares; a run that was killed goes on from the shares it finished.
Invariants: a household is in one share, and so is whatever concerns it; rows that stand apart (see `shares_dealt`),
and those that shares leave to the SQL room, are in the last one, which is that room's alone and sees them together.
Shares keep the order of the files. What a share writes depends on its rows alone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mianshen.batch import diagnostics
from mianshen.batch.fallback_rows import RESIDENTS, LeftRows, wanted
from mianshen.batch.native_batch import CompiledBatch, write_parquet
from mianshen.batch.outputs import Outputs
from mianshen.batch.parquet_join import join_parquet
from mianshen.batch.partitioning import Dealing, dealt, reading_of, rows_file, rows_of
from mianshen.ingest.inputs import ROW, parts_of, pattern, quoted
from mianshen.native.deciding import Array
from mianshen.program.program import Entity
from mianshen.source import RuleError
from mianshen.values import as_money

PLAN: Final = "shares.json"
RESULT: Final = "result.json"
APART: Final = "apart.npz"  # the numbers of rows that stand apart
LEFT: Final = "left.npz"  # the numbers of rows that a share leaves to the last one
FEW: Final = 8  # a share of which more than one in so many rows is left has a SQL room of its own
KEYS: Final = 64  # bytes that the keys of a row take, and finding them
SHARE: Final = 1 << 30  # bytes of a share, beyond which larger ones only cost memory
LEAST: Final = 1 << 24  # bytes of a share, below which smaller ones save nothing
MOST: Final = 512  # shares, for each has a file open while rows are dealt

Connect = Callable[[Path], duckdb.DuckDBPyConnection]


@dataclass(slots=True)
class SharedBatch:
    """One run in `count` shares and the last one; `work` outlives a killed run."""

    whole: CompiledBatch
    count: int
    work: Path
    connect: Connect
    resume: bool
    asked: bool  # whether the operator said how many shares
    report: Callable[[int, int], None] = lambda _done, _all: None
    counts: dict[str, int] = field(default_factory=dict)
    files: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    room: Lock = field(default_factory=Lock)  # of the one SQL room at a time

    def read(self) -> None:
        """Deal out the rows, unless an earlier run did. Raises RuleError where that run read something else."""
        plan = self.work / PLAN
        if self.resume and plan.exists():
            kept = json.loads(plan.read_text("utf-8"))
            if kept["of"] != self._fingerprint() or (self.asked and kept["count"] != self.count):
                raise RuleError([diagnostics.not_resumable(str(self.work))])
            self.count, self.counts = kept["count"], kept["counts"]
            self.files = {e: [(n, b) for n, b in f] for e, f in kept["files"].items()}
            return
        plan.unlink(missing_ok=True)  # first, for none may go on from what is being removed
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        dealing = Dealing(self.whole, self.count, self.work)
        try:
            keep_numbers(self.work / APART, dealing.deal())
        except BaseException:
            shutil.rmtree(self.work, ignore_errors=True)  # nothing to go on from
            raise
        self.counts, self.files = dealing.counts, dealing.files
        kept = {"of": self._fingerprint(), "count": self.count, "counts": self.counts, "files": self.files}
        part = plan.with_suffix(".part")
        part.write_text(json.dumps(kept), "utf-8")
        part.rename(plan)

    def _fingerprint(self) -> str:
        """What a share's results rest on."""
        run, made = self.whole, sha256()
        for part in parts_of(run.inputs):
            made.update(f"{part.path.resolve()};{part.stamp};{part.columns};".encode())
        made.update(f"{run.program.digest};{run.as_of};".encode())
        made.update(run.compiled.unit.text().encode())
        return made.hexdigest()

    # -- deciding ----------------------------------------------------------------------------

    def decide(self) -> None:
        """Decide every share that is not finished yet, into a folder of its own; as many at once as there are threads."""
        left = [n for n in range(self.count) if not self._done(n).exists()]
        done = self.count - len(left)
        pool = ThreadPoolExecutor(max(1, self.whole.threads))
        try:
            for each in as_completed([pool.submit(self._finish, n, self._share) for n in left]):
                each.result()
                done += 1
                self.report(done, self.count + 1)
        finally:
            pool.shutdown(cancel_futures=True)
        if not self._done(self.count).exists():
            self._finish(self.count, self._last)
        self.report(self.count + 1, self.count + 1)
        for share in range(self.count + 1):
            self.results.append(json.loads((self._done(share) / RESULT).read_text("utf-8")))

    def _done(self, share: int) -> Path:
        return self.work / f"share-{share}"

    def _finish(self, share: int, decide: Callable[[int, Path], dict[str, Any]]) -> None:
        """A share's files appear at once; its rows are not needed from then on."""
        part = self.work / f"unfinished-{share}"
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir()
            result = decide(share, part)
            (part / RESULT).write_text(json.dumps(result), "utf-8")
            part.rename(self._done(share))
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        for entity in self.counts:
            rows_file(self.work, entity, share).unlink(missing_ok=True)

    def _share(self, share: int, folder: Path) -> dict[str, Any]:
        run = self.whole
        threads = max(1, run.threads // self.count)
        batch = CompiledBatch(
            run.program, run.connection, run.inputs, run.as_of, run.compiled, threads, run.outputs,
            files=self.files,
        )  # fmt: skip
        apart, reading = kept_numbers(self.work / APART), reading_of(run)
        for name in run.compiled.unit.layout.entities:
            entity = run.program.entities[name]
            table = self._rows(entity, share, apart[name])
            batch.tables[name] = reading.made_of(entity, table, name in run.inputs)
            batch.numbers[name] = (
                np.asarray(table[ROW].combine_chunks()) if len(table) else np.empty(0, np.int64)
            )
            batch.counts[name] = len(table)
        batch.lists = tuple(reading.lists)
        batch.decide_compiled()
        left = batch.left()
        if FEW * sum(map(len, left.values())) > sum(batch.counts.values()):
            return self._with_room(batch, folder)
        keep_numbers(folder / LEFT, left)
        batch.write(folder)
        decided = {e: n - len(left.get(e, ())) for e, n in batch.counts.items()}
        records = {e: {"read": n, "decided": n, "rejected": 0} for e, n in decided.items()}
        return {"records": records, "beside": {}}

    def _with_room(self, batch: CompiledBatch, folder: Path) -> dict[str, Any]:
        """A share of which much is left, finished by a SQL room of its own."""
        with self.room:
            connection = self.connect(folder)
            try:
                batch.decide_left(connection, self._outputs(connection))
                beside = batch.write(folder)
                return {"records": batch.summary()["records"], "beside": beside}
            finally:
                connection.close()
                shutil.rmtree(folder / "spill", ignore_errors=True)

    def _outputs(self, connection: duckdb.DuckDBPyConnection) -> Outputs:
        run = self.whole
        rows = {e: f"rows_{e}" for e in run.program.entities}
        return Outputs(run.program, connection, rows, run.as_of, given=frozenset(run.inputs))

    def _rows(self, entity: Entity, share: int, apart: Array) -> pa.Table:
        """A share's rows but those that stand apart."""
        table = dealt(self.work, entity.name, share)
        if not len(apart) or not len(table):
            return table
        return table.filter(pa.array(~np.isin(table[ROW], apart, assume_unique=True)))

    def _last(self, share: int, folder: Path) -> dict[str, Any]:
        """What stands apart and what shares left, decided by the SQL room."""
        run = self.whole
        kept = [self.work / APART, *(self._done(n) / LEFT for n in range(share))]
        found = [kept_numbers(file) for file in kept if file.exists()]
        left = {
            e: np.sort(np.concatenate([n[e] for n in found if e in n])).astype(np.int64) for e in run.inputs
        }
        connection = self.connect(folder)
        try:
            room = LeftRows(run.program, connection, run.as_of, self._outputs(connection))
            room.decide(run.inputs, self.files, left)
            made = []
            for _, query, name in wanted(room.outputs):
                schema = pq.read_schema(self._done(0) / name)
                rows = room.rows(query)
                table = schema.empty_table() if rows is None else rows.select(schema.names).cast(schema)
                made.append((table, folder / name))
            write_parquet(made, run.threads)
            beside = room.write(folder, self.files)
            counts = {e: len(left.get(e, ())) for e in self.counts}
            return {"records": room.summary(counts)["records"], "beside": beside}
        finally:
            connection.close()
            shutil.rmtree(folder / "spill", ignore_errors=True)

    # -- putting together --------------------------------------------------------------------

    def write(self, folder: Path) -> dict[str, Any]:
        """The files of all shares one after the other; what the summary says of settled amounts and reversals."""
        names = sorted({path.name for path in self.work.glob("share-*/*.parquet")})
        with ThreadPoolExecutor(max(1, self.whole.threads)) as pool:
            list(pool.map(lambda name: self._joined(name, folder / name), names))
        return self._beside()

    def _joined(self, name: str, to: Path) -> None:
        """One file of all shares' files of that name; rejects in the order that they have in a single run."""
        paths = [path for n in range(self.count + 1) if (path := self._done(n) / name).exists()]
        if name in (RESIDENTS, *self.whole.outputs.below_files):
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


def keep_numbers(file: Path, numbers: dict[str, Array]) -> None:
    """Write the numbers of rows, by entity."""
    write: Any = np.savez  # whose types leave out that an array may have any name
    write(file, **numbers)


def kept_numbers(file: Path) -> dict[str, Array]:
    with np.load(file) as found:
        return dict(found)


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


def size_of(batch: CompiledBatch) -> int:
    """About how many bytes of memory all rows take while they are decided."""
    unit = batch.compiled.unit
    total = 0
    for entity in unit.order:
        read = sum(max(8, column.bits) // 8 for column in unit.layout.facts[entity.name])
        written = sum(each.bytes for each in unit.written if each.entity == entity.name)
        total += rows_of(batch, entity) * (KEYS + read + read // 4 + 2 * written)
    return total


def shares_for(batch: CompiledBatch, memory: int) -> int:
    """How many shares keep those that are decided at once within so many bytes of memory; 1: no need of any."""
    size = size_of(batch)
    if size <= memory:
        return 1
    share = min(memory // max(1, batch.threads), SHARE)
    return min(MOST, -(-size // max(LEAST, share)))
