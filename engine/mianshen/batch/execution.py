"""How a batch's blocks are decided: all in memory, or partition by partition from files, by threads or by Spark's tasks.

In: opened inputs, a program, compiled or not. Out: the files of results in a folder.
Invariants: blocks are written in their order, whichever is decided first; a partition's results appear at once, so that
a killed run goes on from those that are there.
"""

from __future__ import annotations

import json
import os
import pickle
import secrets
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol, TypeAlias, TypeVar

import duckdb
import pyarrow as pa

from mianshen.batch import diagnostics
from mianshen.batch.block_decider import BlockDecider
from mianshen.batch.block_store import Blocks, BlockTables, PartitionFiles, partition_blocks
from mianshen.batch.fallback import Fallback
from mianshen.batch.intake import Intake, Taking
from mianshen.batch.native_rows import numbering
from mianshen.batch.output_files import EntityFile
from mianshen.batch.request import Request
from mianshen.batch.result_files import ResultFiles, schemas_of
from mianshen.ingest.entity_rows import RowReader
from mianshen.ingest.inputs import Input, parts_of
from mianshen.ingest.plausibility import Plausibility
from mianshen.native.library import Compiled
from mianshen.program.program import Key, Program
from mianshen.source import RuleError

PLAN: Final = "plan.json"
READ: Final = "read.pickle"  # in a folder of our own, which only this user may write to

BlockOutcome = TypeVar("BlockOutcome", covariant=True)  # noqa: PLC0105


class Decider(Protocol[BlockOutcome]):
    """Decides the rows of a block; called by several threads at once."""

    def decide(self, tables: BlockTables) -> BlockOutcome: ...


Report: TypeAlias = Callable[[int, int], None]  # partitions decided, of how many
DecidePartitions: TypeAlias = "Callable[[Partitioned, list[int]], None]"
Within: TypeAlias = Callable[[str, int, int], None]  # a stage, how much of it is done, of how much


def unreported(_stage: str, _done: int, _of: int) -> None:
    """Progress within a stage is not reported."""


@dataclass(slots=True)
class Execution:
    """A run's inputs and program. `facts`: those that rules read; `blocks`: into how many blocks the rows go."""

    program: Program
    request: Request
    connection: duckdb.DuckDBPyConnection
    inputs: dict[str, Input]
    files: list[EntityFile]
    compiled: Compiled | None
    threads: int
    blocks: int
    facts: frozenset[Key]
    rows: int  # of all inputs, about
    within: Within = unreported

    def intake(self, store: Blocks | PartitionFiles) -> Intake:
        """Read every file into a store. Raises RuleError, OSError, MemoryError."""
        layout = None if self.compiled is None else self.compiled.unit.layout
        as_of = self.request.as_of
        reader = RowReader(self.program, self.connection, as_of, self.facts, self.threads, numbering(layout))
        looked = reader.plausibility = Plausibility(self.program, self.connection, as_of)
        library = None if self.compiled is None else self.compiled.library
        taking = Taking(self.program, self.inputs, reader, store, self.blocks, library, as_of, self._read)
        intake = taking.take()
        doubts = looked.doubts(self.inputs)
        if doubts and not self.request.yes:
            raise RuleError(doubts)
        intake.doubts, intake.cells = doubts, looked.cells
        intake.findings = looked.findings({name: info.files for name, info in intake.infos.items()})
        return intake

    def _read(self, rows: int) -> None:
        self.within("read", rows, self.rows)

    def decider(self, intake: Intake) -> BlockDecider:
        """What decides a block of the rows that were read."""
        fallback = Fallback(self.program, {f.entity.name: f for f in self.files}, self.threads)
        return BlockDecider(self.program, self.request.as_of, self.files, intake, self.compiled, fallback)


def schemas(run: Execution, intake: Intake) -> dict[str, pa.Schema]:
    """The Parquet files of the run."""
    return schemas_of(run.files, {name: info.supplied for name, info in intake.infos.items()})


@dataclass(slots=True)
class InMemory:
    """A run with all rows in memory at once."""

    run: Execution
    store: Blocks = field(init=False)
    intake: Intake = field(init=False)

    def read(self) -> Intake:
        """Read and deal the rows."""
        self.store = Blocks(self.run.blocks)
        self.intake = self.run.intake(self.store)
        return self.intake

    def decide(self, folder: Path) -> ResultFiles:
        """Decide all blocks into the files of a folder."""
        decider = self.run.decider(self.intake)
        with closing(decider.fallback), ResultFiles(folder, schemas(self.run, self.intake)) as results:
            for done, result in enumerate(in_order(self.store, decider, self.run.threads), 1):
                results.add(result)
                self.run.within("decide", done, self.run.blocks)
        return results


def in_order(blocks: Blocks, decider: Decider[BlockOutcome], threads: int) -> Iterator[BlockOutcome]:
    """The results of all blocks in their order; while one is taken the next are decided."""
    numbers = iter(range(blocks.first, blocks.first + blocks.count))
    if threads == 1 or blocks.count == 1:
        yield from (decider.decide(blocks.take(number)) for number in numbers)
        return
    waiting: deque[Future[BlockOutcome]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for number in numbers:
            waiting.append(pool.submit(lambda block: decider.decide(blocks.take(block)), number))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


# -- partitions --------------------------------------------------------------------------------


@dataclass(slots=True)
class Partitioned:
    """A run with the rows in files of `partitions` in `work`, which outlives a killed run."""

    run: Execution
    partitions: int
    work: Path
    resume: bool
    requested: bool  # whether the operator said how many partitions
    report: Report = lambda _done, _all: None
    decide_partitions: DecidePartitions | None = None  # None: by threads of this process
    intake: Intake = field(init=False)

    def read(self) -> Intake:
        """Deal the rows out, unless an earlier run did. Raises RuleError where that run read something else."""
        plan = self.work / PLAN
        if self.resume and plan.exists():
            earlier = json.loads(plan.read_text("utf-8"))
            same = earlier["of"] == self._fingerprint()
            if not same or (self.requested and earlier["partitions"] != self.partitions):
                raise RuleError([diagnostics.not_resumable(str(self.work))])
            self.partitions = earlier["partitions"]
            if not _is_own(self.work):
                raise RuleError([diagnostics.not_resumable(str(self.work))])
            self.intake = pickle.loads((self.work / READ).read_bytes())  # noqa: S301  (our own, as was seen)
            return self.intake
        plan.unlink(missing_ok=True)  # first, for none may go on from what is being removed
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True, mode=0o700)
        try:
            self._deal()
        except BaseException:
            shutil.rmtree(self.work, ignore_errors=True)  # nothing to go on from
            raise
        part = plan.with_suffix(".part")
        part.write_text(json.dumps({"of": self._fingerprint(), "partitions": self.partitions}), "utf-8")
        part.rename(plan)
        return self.intake

    def _deal(self) -> None:
        store = PartitionFiles(self.work, self.run.blocks, self.partitions)
        try:
            self.intake = self.run.intake(store)
        finally:
            store.close()
        (self.work / READ).write_bytes(pickle.dumps(self.intake))

    def _fingerprint(self) -> str:
        """What a partition's results rest on."""
        digest = sha256()
        for part in parts_of(self.run.inputs):
            digest.update(f"{part.path.resolve()};{part.stamp};{part.columns};".encode())
        digest.update(f"{self.run.program.digest};{self.run.request.as_of};{self.run.blocks};".encode())
        digest.update(b"" if self.run.compiled is None else self.run.compiled.unit.text.encode())
        return digest.hexdigest()

    def decide(self, folder: Path) -> ResultFiles:
        """Decide the partitions that are not finished yet; then the files of all, one after the other."""
        for leftover in self.work.glob("unfinished-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished = [n for n in range(self.partitions) if not self.finished(n).exists()]
        if self.decide_partitions is None:
            decider = self.run.decider(self.intake)
            with closing(decider.fallback):
                for done, number in enumerate(unfinished, self.partitions - len(unfinished) + 1):
                    decide_partition(self.partition(number), decider, self.run.threads)
                    self.report(done, self.partitions)
        else:
            self.decide_partitions(self, unfinished)
        with ResultFiles(folder, schemas(self.run, self.intake)) as results:
            for number in range(self.partitions):
                results.add_partition(self.finished(number))
        return results

    def finished(self, number: int) -> Path:
        return self.work / f"finished-{number}"

    def partition(self, number: int) -> Partition:
        """What a partition is decided from."""
        bounds = PartitionFiles(self.work, self.run.blocks, self.partitions).bounds
        rows = {name: self.work / f"{name}.{number}.arrow" for name in self.intake.infos}
        return Partition(
            rows, int(bounds[number]), int(bounds[number + 1] - bounds[number]), self.finished(number),
            schemas(self.run, self.intake),
        )  # fmt: skip


def _is_own(folder: Path) -> bool:
    """Whether a folder is this user's, and nobody else may write into it."""
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


@dataclass(frozen=True, slots=True)
class Partition:
    """A run of blocks: the files of its rows by entity, where its results go."""

    rows: dict[str, Path]
    first: int
    count: int
    to: Path
    schemas: dict[str, pa.Schema]


def decide_partition(partition: Partition, decider: BlockDecider, threads: int, keep: bool = False) -> None:
    """A partition's results appear at once; `keep`: its rows stay. Raises OSError, MemoryError."""
    part = partition.to.with_name(
        f"un{partition.to.name}-{secrets.token_hex(4)}"
    )  # another may be at work on it
    try:
        part.mkdir()
        blocks = partition_blocks(partition.rows, partition.first, partition.count)
        with ResultFiles(part, partition.schemas, whole=False) as results:
            for result in in_order(blocks, decider, threads):
                results.add(result)
        results.save()
        _put(part, partition.to)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    for path in () if keep else partition.rows.values():
        path.unlink(missing_ok=True)


def _put(part: Path, to: Path) -> None:
    """Rename a finished folder; where another has finished it, that one's is as good. Raises OSError."""
    try:
        part.rename(to)
    except OSError:
        if not to.exists():
            raise
        shutil.rmtree(part, ignore_errors=True)


# -- sizes -------------------------------------------------------------------------------------

KEYS: Final = 64  # bytes that the keys of a row take, and finding them
LARGEST: Final = 1 << 30  # bytes of a partition, beyond which larger ones only cost memory
SMALLEST: Final = 1 << 24  # bytes of a partition, below which smaller ones save nothing
MOST: Final = 512  # partitions, for each has a file open while rows are dealt


def partitions_for(rows: int, columns: int, memory: int) -> int:
    """How many partitions keep so many rows, of at most so many columns, within memory; 1: no need of any."""
    size = rows * (KEYS + 6 * columns)
    if size <= memory:
        return 1
    return min(MOST, -(-size // max(SMALLEST, min(memory // 2, LARGEST))))
