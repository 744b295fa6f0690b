"""A batch: files of records in, decisions, rejects and a manifest out.

In: files by entity; a program; a day. Out: a folder, whole or not at all.
Invariants: every record read is decided or rejected, and the manifest says how many of each; the same inputs give the
same bytes, whatever the threads, memory, partitions, cache and engine.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from mianshen.batch import diagnostics
from mianshen.batch.blocks import block_count
from mianshen.batch.engines import compiled_for
from mianshen.batch.execution import Execution, InMemory, Partitioned, partitions_for
from mianshen.batch.free_memory import free_memory
from mianshen.batch.input_digests import InputDigests
from mianshen.batch.intake import rows_about
from mianshen.batch.lock import locked
from mianshen.batch.manifest import digest_of_file, manifest, timings_file
from mianshen.batch.output_files import MANIFEST, SUMMARY, TIMINGS, EntityFile, entity_files
from mianshen.batch.reconciliation import check_all_accounted
from mianshen.batch.recorded_rules import RULES, record
from mianshen.batch.request import Request, Summary, bytes_of
from mianshen.batch.result_files import ResultFiles
from mianshen.batch.result_folder import (
    beside,
    check_own_folder,
    clear_up,
    let_go,
    missing_above,
    publish,
    remove_empty,
    work_folder,
)
from mianshen.batch.reused_memory import reused_memory
from mianshen.batch.totals import summary_of
from mianshen.ingest.inputs import Input, open_inputs
from mianshen.mapping.model import COLUMNS, mapping_file
from mianshen.program.program import Program
from mianshen.program.stages import reads_of
from mianshen.source import RuleError

__all__ = ["Request", "Summary", "run_batch"]

Progress = Callable[[str, int], None]
LEAST: Final = 1 << 25  # bytes of memory below which no run is begun


@dataclass(slots=True)
class Clock:
    """Seconds by stage."""

    report: Progress
    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def partition(self, done: int, count: int) -> None:
        """Tell that a partition is decided."""
        self.report(f"share {done}/{count}", 0)

    def within(self, stage: str, done: int, count: int) -> None:
        """Tell how far a stage is; `done` of `count` rows or blocks."""
        self.report(f"{stage} {min(done, count)}/{count}", 0)

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
    out, named = request.out.resolve(), str(request.out)
    check_entities(program, request.inputs)
    check_own_folder(out, named, program, request.inputs)
    missing = missing_above(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with locked(out, named), reused_memory():
            summary = _run(out, program, request, Clock(report))
    except OSError as error:
        raise RuleError([diagnostics.cannot_write(named, error.strerror or "")]) from None
    finally:
        remove_empty(missing)
    return summary


def check_entities(program: Program, entities: Iterable[str]) -> None:
    """Raises RuleError where files are named for an entity that the program does not have."""
    unknown = [entity for entity in entities if entity not in program.entities]
    if unknown:
        raise RuleError([diagnostics.no_such_entity(program.name, entity) for entity in unknown])


def _run(out: Path, program: Program, request: Request, clock: Clock) -> Summary:
    """The whole run, into a folder beside `out` that takes its place at the end."""
    clear_up(out)
    part = beside(out, "part")
    connection = connected(request, part)
    try:
        part.mkdir()
        summary = _into(part, program, request, connection, clock)
        publish(part, out)
        let_go(work_folder(out), out)
    except (duckdb.OutOfMemoryException, MemoryError):
        raise RuleError([diagnostics.no_memory(str(request.out))]) from None
    except duckdb.IOException as error:
        raise RuleError([diagnostics.cannot_write(str(request.out), str(error).splitlines()[0])]) from None
    finally:
        connection.close()
        shutil.rmtree(part, ignore_errors=True)
    return summary


def connected(request: Request, part: Path) -> duckdb.DuckDBPyConnection:
    """A connection that reads files as the request says, with room in a folder for what does not fit memory."""
    connection = duckdb.connect(config={"temp_directory": str(part / "spill")})
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET arrow_output_version = '1.5'")  # decimals of 64 bits as such
    connection.execute("SET enable_external_file_cache = false")  # files are read once
    connection.execute("SET streaming_buffer_size = '64MB'")  # so that threads read ahead
    if request.threads is not None:
        connection.execute("SET threads = ?", [request.threads])
    if request.memory is not None:  # half for DuckDB, half for the rows
        connection.execute("SET memory_limit = ?", [f"{bytes_of(request.memory) >> 21}MiB"])
    return connection


def _into(
    part: Path, program: Program, request: Request, connection: duckdb.DuckDBPyConnection, clock: Clock
) -> Summary:
    if request.memory is not None and bytes_of(request.memory) < LEAST:
        raise MemoryError
    inputs = open_inputs(
        program, request.inputs, connection, part / "text", request.encoding, request.mapping, request.as_of
    )
    digests = InputDigests(inputs)
    digests.begin()
    try:
        files = entity_files(program, inputs)
        run = _arranged(program, request, connection, inputs, files, clock)
        intake = run.read()
        read = sum(intake.counts.values())
        clock.stage("read", read)
        results = run.decide(part)
        clock.stage("decide", read)
        content = summary_of(program, request.as_of, files, results.counts) | _mapped(inputs)
        content |= {"findings": intake.findings} if intake.findings else {}
        check_all_accounted(results, intake.infos, files, str(request.out))
        _seal(part, program, request, inputs, results, content, digests)
    finally:
        digests.close()
    clock.stage("seal")
    _json(part / TIMINGS, timings_file(clock.seconds, intake.counts, inputs))
    for ours in ("spill", "text"):
        shutil.rmtree(part / ours, ignore_errors=True)
    rejected = sum(counts["rejected"] for counts in content["records"].values())
    return Summary(content, rejected, read, intake.doubts, intake.cells)


def _arranged(
    program: Program, request: Request, connection: duckdb.DuckDBPyConnection, inputs: dict[str, Input],
    files: list[EntityFile], clock: Clock,
) -> InMemory | Partitioned:  # fmt: skip
    """In memory where the rows fit it, else in as many partitions as they need."""
    rows = rows_about(inputs, connection)
    compiled = compiled_for(program, files, request.engine, rows)
    facts = (fact for decision in program.decisions for fact in reads_of(decision, program)[1])
    threads = request.threads or os.cpu_count() or 1
    run = Execution(
        program, request, connection, inputs, files, compiled, threads, block_count(rows), frozenset(facts), rows,
        clock.within,
    )  # fmt: skip
    work = work_folder(request.out.resolve())
    partitions = partitions_of(request, inputs, rows)
    requested = request.shares is not None
    if request.engine == "spark":
        from mianshen.batch.spark import on_spark

        tasks = on_spark(request.master, threads)
        count = min(request.shares or max(partitions, 2 * threads), run.blocks)
        return Partitioned(run, count, work, request.resume, requested, clock.partition, tasks)
    if partitions == 1 and not requested and not (request.resume and work.exists()):
        return InMemory(run)
    return Partitioned(run, min(partitions, run.blocks), work, request.resume, requested, clock.partition)


def partitions_of(request: Request, inputs: Mapping[str, Input], rows: int) -> int:
    """In how many partitions rows are decided, so that they fit memory; 1: all are in memory at once."""
    memory = bytes_of(request.memory) // 2 if request.memory else free_memory() * 3 // 4
    columns = max(len(part.columns) for source in inputs.values() for part in source.parts)
    return request.shares or partitions_for(rows, columns, memory)


def _seal(
    part: Path, program: Program, request: Request, inputs: dict[str, Input], results: ResultFiles,
    content: dict[str, Any], digests: InputDigests,
) -> None:  # fmt: skip
    """The summary, what the run was decided by, and the manifest of all of it."""
    _json(part / SUMMARY, content)
    if request.rules is not None:
        record(request.rules, program, part / RULES)
    if request.mapping is not None:
        shutil.copyfile(mapping_file(request.mapping), part / COLUMNS)
    outputs = results.digests | {
        name: digest_of_file(part / name) for name in (SUMMARY, RULES, COLUMNS) if (part / name).exists()
    }
    receipt = manifest(program, request.as_of, inputs, digests.finish(), outputs, content["records"])
    encoding = {} if request.encoding is None else {"encoding": request.encoding}
    _json(part / MANIFEST, receipt | encoding)


def _mapped(inputs: dict[str, Input]) -> dict[str, Any]:
    """What a mapping made of the files, by entity."""
    reports = {
        entity: source.report.to_dict() for entity, source in inputs.items() if source.report is not None
    }
    return {"mapping": reports} if reports else {}


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=2, sort_keys=False) + "\n", encoding="utf-8"
    )
