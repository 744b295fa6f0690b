"""A batch: files of records in, decisions, rejects and a receipt out.

In: files of residents, claims, households; a program; a day. Out: a folder, whole or not at all.
Invariants: every record read is decided or rejected, and the manifest says how many of each; the
same inputs give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from mianshen.program.program import Key, Program
from mianshen.source import RuleError
from mianshen.sql.on_duckdb import Failure, Run
from mianshen.sql.plan import plan
from mianshen.workbench import batch_mistakes as mistakes
from mianshen.workbench.batch_outputs import OUTPUTS, Outputs
from mianshen.workbench.batch_rows import RowTables
from mianshen.workbench.inputs import Input, open_input
from mianshen.workbench.receipt import manifest, timings_file

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What a batch is asked. `inputs`: entity to file."""

    inputs: dict[str, Path]
    as_of: dt.date
    out: Path
    threads: int | None = None
    memory: str | None = None  # such as 4GB


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

    def stage(self, name: str, rows: int = 0) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(now - self.started, 4)
        self.started = now
        self.report(name, rows)


def run_batch(program: Program, request: Request, report: Progress = lambda _name, _rows: None) -> Summary:
    """Decide every record of the request's files into its folder.

    Raises RuleError when a file cannot be read or the folder cannot be written.
    """
    _refuse_foreign(request.out)
    clock = Clock(report)
    part = request.out.with_name(f".{request.out.name}.part-{os.getpid()}")
    connection = _connect(request, part)
    try:
        part.mkdir(parents=True)
        summary = _into(part, program, request, connection, clock)
        _publish(part, request.out)
    except (OSError, duckdb.IOException) as error:
        raise RuleError([mistakes.cannot_write(str(request.out), str(error), str(error))]) from None
    finally:
        connection.close()
        shutil.rmtree(part, ignore_errors=True)
    return summary


def _connect(request: Request, part: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"temp_directory": str(part / "spill")})
    connection.execute("SET enable_progress_bar = false")
    if request.threads is not None:
        connection.execute("SET threads = ?", [request.threads])
    if request.memory is not None:
        connection.execute("SET memory_limit = ?", [request.memory])
    return connection


def _into(
    part: Path, program: Program, request: Request, connection: duckdb.DuckDBPyConnection, clock: Clock
) -> Summary:
    inputs = {
        e: open_input(program, program.entities[e], path, connection) for e, path in request.inputs.items()
    }
    outputs = Outputs(program, connection, {e: f"rows_{e}" for e in program.entities}, request.as_of)
    tables = _rows(program, request, connection, inputs, plan(program, outputs.wanted).facts)
    clock.stage("read", sum(tables.counts.values()))
    run = Run(
        program, connection, tables.tables, request.as_of, outputs.wanted, outputs.explained, outputs.carried,
        held={e: f"{t}?held" for e, t in tables.tables.items()},
    )  # fmt: skip
    failures: list[Failure] = run.all()
    clock.stage("decide", sum(tables.counts.values()))
    outputs.write(run, part, {e: i.name for e, i in inputs.items()})
    clock.stage("write", sum(tables.counts.values()))
    content = {**outputs.summary(tables.counts), **outputs.totals(part)}
    _json(part / "summary.json", content)
    _json(part / "manifest.json", manifest(program, request.as_of, inputs, part, OUTPUTS, content["records"]))
    clock.stage("seal")
    _json(part / "timings.json", timings_file(clock.seconds, tables.counts))
    del failures
    shutil.rmtree(part / "spill", ignore_errors=True)
    rejected = sum(each["rejected"] for each in content["records"].values())
    return Summary(content, rejected, sum(tables.counts.values()))


def _rows(
    program: Program,
    request: Request,
    connection: duckdb.DuckDBPyConnection,
    inputs: dict[str, Input],
    read: frozenset[Key],
) -> RowTables:
    tables = RowTables(program, connection, request.as_of, inputs, read)
    try:
        tables.build()
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        line = str(error).splitlines()[0]
        names = ", ".join(str(i.path) for i in inputs.values())
        raise RuleError([mistakes.cannot_read(names, line, line)]) from None
    return tables


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=2, sort_keys=False) + "\n", encoding="utf-8"
    )


def _refuse_foreign(out: Path) -> None:
    """Only an empty folder or an earlier batch's is replaced."""
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "manifest.json").is_file())):
        raise RuleError([mistakes.foreign_folder(str(out))])


def _publish(part: Path, out: Path) -> None:
    """Put the finished folder in its place; an earlier run's stays until then."""
    old = out.with_name(f".{out.name}.old-{os.getpid()}")
    if out.exists():
        out.rename(old)
    part.rename(out)
    shutil.rmtree(old, ignore_errors=True)
