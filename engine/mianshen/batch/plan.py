"""What a batch would do, without doing it: its files read and doubted, how long and how large it would be.

In: a program, a request. Out: a `Plan`; nothing is written but for what reading needs, which is removed.
Invariants: the doubts are those for which the run itself would stop; estimates rest on how long the reading took here.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mianshen.batch.engines import expected_engine
from mianshen.batch.output_files import MANIFEST, REJECTS, REJECTS_CSV, SUMMARY, TIMINGS, entity_files
from mianshen.batch.recorded_rules import RULES
from mianshen.batch.request import Request
from mianshen.batch.row_batches import EntityInfo
from mianshen.batch.run import Progress, check_entities, connected, partitions_of
from mianshen.ingest.entity_rows import RowReader
from mianshen.ingest.inputs import Input, Part, open_inputs
from mianshen.ingest.plausibility import ColumnCells, Plausibility
from mianshen.program.program import Program
from mianshen.program.stages import parents_first
from mianshen.source import Diagnostic

_READING: Final = 0.45  # of a compiled run's time
_INTERPRETED: Final = 0.0015  # seconds a row of input takes the interpreter, on one core
_ROW: Final = 30  # bytes of results a row of input comes to, about
_MANIFEST_BYTES: Final = 300_000  # of the rulebook, summary and manifest


@dataclass(frozen=True, slots=True)
class FilePlan:
    """A file and the columns of it that are read as facts: the header as written there, the fact's name."""

    entity: str
    name: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """`rows`: by entity. `seconds`, `size` (bytes): estimates. `outputs`: names of files. `cells`: what would be refused."""

    files: tuple[FilePlan, ...]
    rows: Mapping[str, int]
    engine: str
    partitions: int
    seconds: float
    size: int
    outputs: tuple[str, ...]
    doubts: Sequence[Diagnostic]
    cells: Mapping[tuple[str, str], ColumnCells]
    findings: Mapping[str, Any]
    mapping: Mapping[str, Any]


def plan_batch(program: Program, request: Request, report: Progress = lambda _name, _rows: None) -> Plan:
    """Read every file of a request and say what its run would do. Raises RuleError as the run would, OSError."""
    check_entities(program, request.inputs)
    with tempfile.TemporaryDirectory() as scratch:
        connection = connected(request, Path(scratch))
        try:
            inputs = open_inputs(
                program, request.inputs, connection, Path(scratch) / "text", request.encoding, request.mapping,
                request.as_of,
            )  # fmt: skip
            started = time.perf_counter()
            looked = Plausibility(program, connection, request.as_of)
            threads = request.threads or os.cpu_count() or 1
            reader = RowReader(program, connection, request.as_of, threads=threads, plausibility=looked)
            infos = {
                name: EntityInfo(program.entities[name], frozenset(), True)
                for name in parents_first(program)
                if name in inputs
            }
            for name, info in infos.items():
                for chunk in reader.chunks(info.entity, inputs[name]):
                    info.add(chunk)
            seconds = time.perf_counter() - started
            report("read", sum(info.count for info in infos.values()))
            return _plan(program, request, inputs, infos, seconds, looked)
        finally:
            connection.close()


def _plan(
    program: Program, request: Request, inputs: Mapping[str, Input], infos: Mapping[str, EntityInfo], reading: float,
    looked: Plausibility,
) -> Plan:  # fmt: skip
    rows = {name: info.count for name, info in infos.items()}
    total = sum(rows.values())
    parts = [(name, part) for name, source in inputs.items() for part in source.parts]
    files = entity_files(program, inputs)
    engine = expected_engine(program, files, request.engine, total)
    partitions = partitions_of(request, inputs, total)
    interpreted = total * _INTERPRETED / (request.threads or os.cpu_count() or 1)
    seconds = reading + interpreted if engine == "interpreter" else reading / _READING
    written = (*(file.name for file in files), REJECTS, REJECTS_CSV, SUMMARY, RULES, MANIFEST, TIMINGS)
    mapping = {name: source.report.to_dict() for name, source in inputs.items() if source.report is not None}
    return Plan(
        tuple(_file(name, part) for name, part in parts), rows, engine, partitions, seconds,
        total * _ROW + _MANIFEST_BYTES, written, looked.doubts(inputs),
        looked.cells, looked.findings({name: info.files for name, info in infos.items()}), mapping,
    )  # fmt: skip


def _file(entity: str, part: Part) -> FilePlan:
    columns = (
        (", ".join(part.sources.get(fact, (written,))), fact) for fact, (written, _) in part.columns.items()
    )
    return FilePlan(entity, part.name, tuple(columns))
