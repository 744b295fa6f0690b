"""A batch: files of records in, decisions, rejects and a receipt out.

In: files of residents, claims, households; a program; a day. Out: a folder, whole or not at all.
Invariants: every record read is decided or rejected, and the manifest says how many of each; the
same inputs give the same bytes.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import glob
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb

from mianshen.batch import diagnostics
from mianshen.batch.engines import AUTO, COMPILED, Chosen, mebibytes, run_of, versions_of
from mianshen.batch.free_memory import free_memory
from mianshen.batch.lock import locked
from mianshen.batch.manifest import RECEIPT, TIMINGS, manifest, timings_file
from mianshen.batch.outputs import SUMMARY, Outputs, file_names
from mianshen.batch.reconciliation import refuse_unaccounted
from mianshen.batch.recorded_rules import RULES, Rules, record
from mianshen.batch.row_tables import RowTables
from mianshen.batch.settled import DIFFERENCES, REVERSALS, Settled
from mianshen.ingest.input_paths import Named, each_named
from mianshen.ingest.inputs import Input, open_inputs, parts_of, unchanged
from mianshen.ingest.mapping import COLUMNS, mapping_file
from mianshen.native.layout import Unsupported
from mianshen.program.program import Program
from mianshen.source import RuleError
from mianshen.warehouse.dialects import TooWide
from mianshen.warehouse.on_spark import SparkFailed
from mianshen.warehouse.place_columns import add_place_code
from mianshen.warehouse.plan import plan

if TYPE_CHECKING:
    from mianshen.batch.native_batch import CompiledBatch
    from mianshen.batch.partitions import SharedBatch
    from mianshen.warehouse.on_duckdb import Run

BESIDE: Final = (DIFFERENCES, REVERSALS)  # written where the input has their columns
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What a batch is asked. `inputs`: entity to files, folders or patterns, one or several."""

    inputs: Mapping[str, Named]
    as_of: dt.date
    out: Path
    threads: int | None = None
    memory: str | None = None  # such as 4GB
    encoding: str | None = None  # of CSV files; None: UTF-8 or GB18030, as found
    rules: Rules | None = None  # where the program was read from, to be kept with the results
    engine: str = AUTO
    master: str | None = None  # Spark's, such as spark://host:7077; None: in process
    mapping: Path | str | None = (
        None  # which columns of the files are which facts; a file, or a shipped one's name
    )
    shares: int | None = None  # how many parts to decide one after the other; None: as the memory asks for
    resume: bool = False  # go on from the shares that a killed run finished


LEAST: Final = 1 << 24  # bytes of memory below which no run in shares is begun
WORTH: Final = 20_000_000  # bytes of input from which compiling a program is worth it, if it is not yet


@dataclass(frozen=True, slots=True)
class Summary:
    """`content` is `summary.json`; `rejected` counts the records that were not decided."""

    content: dict[str, Any]
    rejected: int
    read: int


@dataclass(slots=True)
class Clock:
    """Seconds by stage."""

    report: Progress
    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def share(self, done: int, count: int) -> None:
        """Tell that a share is decided."""
        self.report(f"share {done}/{count}", 0)

    def stage(self, name: str, rows: int = 0) -> None:
        now = time.perf_counter()
        self.seconds[name] = now - self.started
        self.started = now
        self.report(name, rows)


def run_batch(program: Program, request: Request, report: Progress = lambda _name, _rows: None) -> Summary:
    """Decide every record of the request's files into its folder.

    Raises RuleError when the rulebook or a file does not do or the folder cannot be written; the folder
    then is as it was before.
    """
    out = request.out.resolve()
    _refuse_unfit(program, request)
    _refuse_foreign(out, program, request)
    made = _missing_above(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with locked(out, str(request.out)):
            summary = _run(out, program, request, Clock(report))
        made = None
    except OSError as error:
        raise RuleError([diagnostics.cannot_write(str(request.out), error.strerror or "")]) from None
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
    return summary


def _run(out: Path, program: Program, request: Request, clock: Clock) -> Summary:
    """The whole run, into a folder beside `out` that takes its place at the end."""
    _clear_up(out)
    part = _beside(out, "part")
    connection = _connect(request, part)
    try:
        part.mkdir()
        summary = _into(part, program, request, connection, clock)
        _publish(part, out)
        _let_go(_work(out), out)
    except (duckdb.OutOfMemoryException, MemoryError):
        raise RuleError([diagnostics.no_memory(str(request.out))]) from None
    except TooWide:
        raise RuleError([diagnostics.too_wide(request.engine)]) from None
    except SparkFailed as error:
        raise RuleError([diagnostics.spark_failed(error.table, error.why)]) from None
    except duckdb.IOException as error:
        raise RuleError([diagnostics.cannot_write(str(request.out), str(error).splitlines()[0])]) from None
    finally:
        connection.close()
        shutil.rmtree(part, ignore_errors=True)
    return summary


def _connect(request: Request, part: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"temp_directory": str(part / "spill")})
    connection.execute("SET enable_progress_bar = false")
    add_place_code(connection)
    connection.execute("SET arrow_output_version = '1.5'")  # decimals of 64 bits as such
    connection.execute("SET enable_external_file_cache = false")  # files are read once
    connection.execute("SET streaming_buffer_size = '64MB'")  # so that threads read ahead
    if request.threads is not None:
        connection.execute("SET threads = ?", [request.threads])
    if request.memory is not None:
        connection.execute("SET memory_limit = ?", [request.memory])
    return connection


def _into(
    part: Path, program: Program, request: Request, connection: duckdb.DuckDBPyConnection, clock: Clock
) -> Summary:
    inputs = open_inputs(
        program, request.inputs, connection, part / "text", request.encoding, request.mapping, request.as_of
    )
    rows = {e: f"rows_{e}" for e in program.entities}
    outputs = Outputs(program, connection, rows, request.as_of, given=frozenset(inputs))
    room = _room(program, request, connection, inputs, outputs, part, clock)
    room.read()
    records = sum(room.counts.values())
    clock.stage("read", records)
    room.decide()
    clock.stage("decide", records)
    beside = room.write(part)
    clock.stage("write", records)
    content = {**room.summary(), **_mapped(inputs), **outputs.totals(part), **beside}
    refuse_unaccounted(program, connection, content["records"], part, str(request.out))
    _json(part / SUMMARY, content)
    if request.rules is not None:
        record(request.rules, program, part / RULES)
    if request.mapping is not None:
        shutil.copyfile(mapping_file(request.mapping), part / COLUMNS)
    versions, written = versions_of(request.engine), [*file_names(program), *BESIDE, RULES, COLUMNS]
    receipt = manifest(program, request.as_of, inputs, part, written, content["records"], versions)
    _json(part / RECEIPT, receipt | ({} if request.encoding is None else {"encoding": request.encoding}))
    _refuse_changed(inputs)
    clock.stage("seal")
    _json(part / TIMINGS, timings_file(clock.seconds, room.counts, inputs))
    for ours in ("spill", "text", "spark"):
        shutil.rmtree(part / ours, ignore_errors=True)
    rejected = sum(each["rejected"] for each in content["records"].values())
    return Summary(content, rejected, records)


def _room(
    program: Program,
    request: Request,
    connection: duckdb.DuckDBPyConnection,
    inputs: dict[str, Input],
    outputs: Outputs,
    part: Path,
    clock: Clock,
) -> CompiledBatch | SharedBatch | InTables:
    """What decides: the compiled program where it can and is worth it, else a database alone."""
    threads = request.threads or os.cpu_count() or 1
    if request.engine in (AUTO, COMPILED):
        try:
            from mianshen.batch.native_batch import CompiledBatch, compiled_unit

            size = sum(each.path.stat().st_size for each in parts_of(inputs))
            eager = request.engine == COMPILED or size >= WORTH
            found = compiled_unit(program, outputs, inputs, eager)
            if found is not None:
                batch = CompiledBatch(program, connection, inputs, request.as_of, found, threads, outputs)
                return _in_shares(batch, request, clock)
        except Unsupported as why:
            if request.engine == COMPILED:
                raise RuleError([diagnostics.not_compiled(str(why))]) from None
    chosen = Chosen(request.engine, request.master, request.memory, request.threads, part / "spark")
    return InTables(program, connection, inputs, request.as_of, outputs, chosen)


def _in_shares(batch: CompiledBatch, request: Request, clock: Clock) -> CompiledBatch | SharedBatch:
    """The batch in as many shares as its memory asks for; as it is where one will do."""
    from mianshen.batch.partitions import SharedBatch, shares_for

    work = _work(request.out.resolve())
    if request.memory and _bytes(request.memory) < LEAST:
        raise MemoryError
    if request.memory:  # half for DuckDB, half for the rows of a share
        request = replace(request, memory=f"{_bytes(request.memory) >> 20}MiB")
        batch.connection.execute("SET memory_limit = ?", [request.memory])
    memory = 2 * _bytes(request.memory) if request.memory else free_memory() * 3 // 4
    count = request.shares or shares_for(batch, memory)
    if count == 1 and not (request.resume and work.exists()) and request.shares is None:
        return batch
    asked = request.shares is not None
    return SharedBatch(batch, count, work, partial(_connect, request), request.resume, asked, clock.share)


def _bytes(size: str) -> int:
    """A size such as 4GB, of which half is for the rows of a share."""
    return int(mebibytes(size)[:-1]) * (1 << 20) // 2


@dataclass(slots=True)
class InTables:
    """A batch that the SQL room decides alone, on DuckDB or Spark."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    inputs: dict[str, Input]
    as_of: dt.date
    outputs: Outputs
    chosen: Chosen
    counts: dict[str, int] = field(default_factory=dict)
    tables: RowTables = field(init=False)
    settled: Settled = field(init=False)
    run: Run = field(init=False)

    def read(self) -> None:
        """Raises RuleError where a file cannot be read."""
        facts = plan(self.program, (d.key for d in self.program.decisions)).facts
        self.tables = RowTables(self.program, self.connection, self.as_of, self.inputs, facts)
        self.tables.build()
        self.counts = self.tables.counts

    def decide(self) -> None:
        self.settled = Settled(self.program, self.connection, self.tables.times, self.outputs.child.name)
        self.outputs.compared = self.settled.wanted
        self.run = run_of(
            self.chosen, self.program, self.connection, self.tables.tables, self.as_of, self.outputs
        )
        self.tables.tell(self.run.all())

    def write(self, folder: Path) -> dict[str, Any]:
        """Every Parquet file of the contract; what the summary says of settled amounts and reversals."""
        self.outputs.write(self.run, folder, self.tables.files)
        return self.settled.write(self.run, folder)

    def summary(self) -> dict[str, Any]:
        return self.outputs.summary(self.counts, self.tables.times)


def _mapped(inputs: Mapping[str, Input]) -> dict[str, Any]:
    """What a mapping made of the files, by entity."""
    reports = {
        entity: source.report.to_dict() for entity, source in inputs.items() if source.report is not None
    }
    return {"mapping": reports} if reports else {}


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=2, sort_keys=False) + "\n", encoding="utf-8"
    )


def _refuse_unfit(program: Program, request: Request) -> None:
    """The rulebook must know the records, and what the outcome of those below a person is."""
    found = [diagnostics.no_such_entity(program.name, e) for e in request.inputs if e not in program.entities]
    child = program.child_of(program.entry)
    if child is None or child.outcome is None:
        found.append(diagnostics.no_outcome(program.name))
    if found:
        raise RuleError(found)


def _refuse_foreign(out: Path, program: Program, request: Request) -> None:
    """Only an empty folder or an earlier batch's is replaced, and never one that an input lies in."""
    for path in (path for named in request.inputs.values() for path in each_named(named)):
        if path.resolve().is_relative_to(out):
            raise RuleError([diagnostics.inputs_inside(str(request.out), path.name)])
    if out.exists() and (not out.is_dir() or not _is_ours(out, program)):
        raise RuleError([diagnostics.foreign_folder(str(request.out))])


def _is_ours(out: Path, program: Program) -> bool:
    names = {each.name for each in out.iterdir()}
    ours = {*file_names(program), *BESIDE, RULES, COLUMNS, RECEIPT, TIMINGS}
    return not names or (RECEIPT in names and names <= ours)


def _refuse_changed(inputs: dict[str, Input]) -> None:
    """The receipt must not vouch for bytes that were not read."""
    found = [diagnostics.changed(str(each.path)) for each in parts_of(inputs) if not unchanged(each)]
    if found:
        raise RuleError(found)


def _beside(out: Path, what: str) -> Path:
    """A hidden name of its own in the folder's folder."""
    return out.with_name(f".{out.name}.{what}-{secrets.token_hex(4)}")


def _work(out: Path) -> Path:
    """Where a run in shares keeps what it finished, until its results are in place."""
    return out.with_name(f".{out.name}.work")


def _clear_up(out: Path) -> None:
    """Remove what runs that were killed left behind; the lock tells that none of them lives."""
    for left in (
        *out.parent.glob(f".{glob.escape(out.name)}.part-*"),
        *out.parent.glob(f".{glob.escape(out.name)}.old-*"),
    ):
        shutil.rmtree(left, ignore_errors=True)


def _let_go(work: Path, out: Path) -> None:
    """Remove a folder that none may go on from, not even while it is being removed."""
    if work.exists():
        old = _beside(out, "old")
        work.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def _missing_above(out: Path) -> Path | None:
    """The topmost folder above that is not there yet."""
    missing = [folder for folder in out.parents if not folder.exists()]
    return missing[-1] if missing else None


def _publish(part: Path, out: Path) -> None:
    """Put the finished folder in its place, in one step; an earlier run's stays until then."""
    if not out.exists():
        part.rename(out)
        return
    if _exchanged(part, out):
        return  # the earlier one is now where the finished one was, and goes with it
    old = _beside(out, "old")
    out.rename(old)
    try:
        part.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Swap two folders' names at once, where the system can."""
    here, at_once = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return bool(swap(here, os.fsencode(one), here, os.fsencode(other), at_once) == 0)
