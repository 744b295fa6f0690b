"""A finished run: its manifest and summary read, its files as relations, its inputs and rulebook found again.

In: the folder of a batch. Out: `FinishedRun`, and a table of the few facts that lists need of its inputs.
Invariants: an input is used only when its digest is the one in the manifest.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from mianshen.batch import diagnostics as batch_diagnostics
from mianshen.batch.manifest import digest_of_file
from mianshen.batch.output_files import MANIFEST, REJECTS, SUMMARY, TIMINGS, EntityFile, entity_files
from mianshen.batch.recorded_rules import RULES, recorded_program
from mianshen.catalogue import diagnostic
from mianshen.ingest.databases import file_behind
from mianshen.ingest.entity_rows import RowReader
from mianshen.ingest.input_paths import Named, paths_of
from mianshen.ingest.inputs import Input, Part, identifier, open_inputs, pattern
from mianshen.mapping.model import COLUMNS
from mianshen.past_runs import diagnostics
from mianshen.program.program import Entity, Program
from mianshen.rulebook import open_program
from mianshen.source import Diagnostic, RuleError, unlined


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A batch's folder. `summary` and `timings` are empty where they are not there."""

    folder: Path
    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]
    timings: Mapping[str, Any]

    @staticmethod
    def of(folder: Path) -> FinishedRun:
        """The run in a folder, with results to read. Raises RuleError where a file of it is not there or damaged."""
        contents = {name: _content(folder / name) for name in (MANIFEST, SUMMARY, TIMINGS)}
        manifest = contents[MANIFEST] or {}
        whole = {
            REJECTS: (folder / REJECTS).exists(),
            MANIFEST: _is_manifest(manifest),
            SUMMARY: _is_summary(contents[SUMMARY] or {}),
            TIMINGS: contents[TIMINGS] is not None,
        }
        if whole[MANIFEST]:
            tables = (name for name in manifest["outputs"] if name.endswith(".parquet"))
            whole |= {name: _is_table(folder / name) for name in tables}
        for name in (name for name, is_whole in whole.items() if not is_whole):
            raise RuleError([diagnostic("E570.no_run", unlined(str(folder)), name=name)])
        return FinishedRun(folder, *(contents[name] or {} for name in (MANIFEST, SUMMARY, TIMINGS)))

    @staticmethod
    def recorded(folder: Path) -> FinishedRun:
        """What the manifest in a folder says of its run, whatever else is there. Raises RuleError without a manifest."""
        manifest = _content(folder / MANIFEST) or {}
        if not _is_manifest(manifest):
            raise RuleError([batch_diagnostics.bad_record(str(folder / MANIFEST))])
        return FinishedRun(
            folder, manifest, _content(folder / SUMMARY) or {}, _content(folder / TIMINGS) or {}
        )

    @property
    def as_of(self) -> dt.date:
        return dt.date.fromisoformat(self.manifest["as_of"])

    @property
    def paths(self) -> dict[str, list[Path]]:
        """Where its inputs lay, by entity."""
        recorded = self.timings.get("inputs", {})
        return {entity: [Path(path) for path in listed] for entity, listed in recorded.items()}

    def files(self, program: Program) -> list[EntityFile]:
        """The files of decided rows that the run wrote, the person's first, those above it last."""
        return [f for f in entity_files(program, program.entities) if (self.folder / f.name).exists()]

    def people(self, program: Program) -> str:
        """The rows of the people, as `rows` has them; RuleError where the run has none."""
        name = EntityFile(program, program.entities[program.entry]).name
        if not (self.folder / name).exists():
            raise RuleError([diagnostic("E570.no_run", unlined(str(self.folder)), name=name)])
        return self.rows(name)

    def rows(self, name: str) -> str:
        """What stands after FROM to read a file of the run, be it one file or a folder of parts."""
        path = self.folder / name
        if path.is_dir():
            files = ", ".join(pattern(part) for part in sorted(path.glob("*.parquet")))
            return f"read_parquet([{files}], hive_partitioning=false)"
        return f"read_parquet({pattern(path)}, hive_partitioning=false)"

    @property
    def mapping(self) -> Path | None:
        """The mapping that the run read its inputs by."""
        return self.folder / COLUMNS if COLUMNS in self.manifest["outputs"] else None

    def decided_by(self, program: Program) -> bool:
        """Whether this program decided the run."""
        return bool(self.manifest["rulebook"]["digest"] == f"sha256:{program.digest}")

    def check_decided_by(self, program: Program) -> None:
        """RuleError unless this program decided the run."""
        if not self.decided_by(program):
            rulebook = self.manifest["rulebook"]
            overlays = tuple(rulebook.get("overlays", ()))
            raise RuleError([diagnostics.other_rulebook(str(self.folder), rulebook["name"], overlays)])


def program_of(run: FinishedRun) -> Program:
    """The program that decided a run: the shipped one where it is that, else the one kept with the run.

    Raises RuleError when the run keeps none and was decided by another than the shipped.
    """
    shipped = open_program()
    if run.decided_by(shipped) or not (run.folder / RULES).exists():
        run.check_decided_by(shipped)
        return shipped
    with TemporaryDirectory() as scratch:
        program = recorded_program(run.folder / RULES, Path(scratch))
    run.check_decided_by(program)
    return program


def _is_manifest(content: Mapping[str, Any]) -> bool:
    parts = ("inputs", "outputs", "rulebook", "records")
    if not all(isinstance(content.get(part), dict) for part in parts):
        return False
    try:
        dt.date.fromisoformat(content["as_of"])
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _is_summary(content: Mapping[str, Any]) -> bool:
    parts = [content.get(name) for name in ("records", "benefits")]
    return all(
        isinstance(part, dict) and all(isinstance(counts, dict) for counts in part.values()) for part in parts
    )


def _is_table(path: Path) -> bool:
    """Whether a file of results, or each part in a folder of them, is there and begins and ends as Parquet does."""
    try:
        for file in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
            pq.read_metadata(file)
    except (OSError, pa.ArrowException):
        return False
    return True


def _content(file: Path) -> dict[str, Any] | None:
    """The object in a JSON file; empty where there is no file, None where it cannot be read."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


# -- inputs ----------------------------------------------------------------------------------


def find_inputs(
    run: FinishedRun,
    moved: Mapping[str, Named],
    program: Program,
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    encoding: str | None = None,
) -> dict[str, Input]:
    """The run's inputs, where they were or where `moved` says they are now, opened as the run opened them.

    Each stands in its place among the others, for rejects name records by both; `encoding` None: the run's. Raises
    RuleError when one is not there or is not the file the run read.
    """
    named = named_inputs(run, moved)
    encoding = encoding or run.manifest.get("encoding")
    inputs = open_inputs(program, named, connection, scratch, encoding, run.mapping, run.as_of)
    wrong: list[Diagnostic] = []
    for entity, source in inputs.items():
        recorded = [item["digest"] for item in run.manifest["inputs"][entity]]
        parts: list[Part | None] = [None] * len(recorded)
        for part in source.parts:
            digest = digest_of_file(part.path)
            at = next((n for n, d in enumerate(recorded) if d == digest and parts[n] is None), None)
            if at is None:
                wrong.append(diagnostic("E572.input_changed", unlined(str(part.shown))))
            else:
                parts[at] = part
        there = [part for part in parts if part is not None]
        if len(there) < len(parts) and len(source.parts) < len(parts):
            files = (
                item["file"]
                for item, part in zip(run.manifest["inputs"][entity], parts, strict=True)
                if part is None
            )
            wrong += [diagnostics.input_moved(file, entity) for file in files]
        inputs[entity] = replace(source, parts=tuple(there))
    if wrong:
        raise RuleError(wrong)
    return inputs


def named_inputs(run: FinishedRun, moved: Mapping[str, Named]) -> dict[str, Named]:
    """Where the run's inputs are, by entity. Raises RuleError when one is not there."""
    named: dict[str, Named] = {}
    gone: list[Diagnostic] = []
    for entity, files in run.manifest["inputs"].items():
        places = run.paths.get(entity) or [Path(file["file"]) for file in files]
        named[entity] = moved.get(entity, places)
        if entity not in moved:
            gone += [
                diagnostics.input_moved(str(place), entity)
                for place in places
                if not file_behind(place).is_file()
            ]
    if gone:
        raise RuleError(gone)
    return named


def unchanged_inputs(run: FinishedRun) -> dict[str, Named]:
    """Where the run's inputs were. Raises RuleError when one is not there, or is not the file the run read."""
    named = named_inputs(run, {})
    wrong = [
        diagnostic("E572.input_changed", unlined(str(place)))
        for entity, files in run.manifest["inputs"].items()
        for file, place in zip(files, paths_of({entity: named[entity]}), strict=True)
        if digest_of_file(file_behind(place)) != file["digest"]
    ]
    if wrong:
        raise RuleError(wrong)
    return named


def table_of_facts(
    program: Program,
    entity: Entity,
    source: Input | None,
    names: tuple[str, ...],
    connection: duckdb.DuckDBPyConnection,
    as_of: dt.date,
) -> str:
    """A table of an entity's key and the facts named, read as the batch reads them; NULL is unknown.

    A record with a wrong value has NULL there: it is among the rejects. Of several rows of one key it is
    the one in force at `as_of`.
    """
    table, key = identifier(f"facts_{entity.name}"), identifier(entity.key)
    selected = ", ".join(identifier(name) for name in (entity.key, *names))
    reader = RowReader(
        program,
        connection,
        as_of,
        frozenset((entity.name, name) for name in names),
        os.cpu_count() or 1,
    )
    rows = reader.read(entity, source)
    columns = {name: rows.column(name) for name in names} | {entity.key: rows.key}
    since = "NULL"
    if entity.valid_from in rows.supplied:
        columns[entity.valid_from] = rows.column(entity.valid_from)
        since = identifier(entity.valid_from)
    connection.register(
        f"read_{entity.name}", pa.table({"?row": pa.array(range(rows.count), pa.int64()), **columns})
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {selected} FROM {identifier(f'read_{entity.name}')} "
        f"WHERE {key} IS NOT NULL AND coalesce({since} <= DATE '{as_of}', true) "
        f'QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {since} DESC NULLS LAST, "?row") = 1'
    )
    connection.unregister(f"read_{entity.name}")
    return table


def household_fact(program: Program) -> str | None:
    """The fact by which people name what stands above them; None where there is no such fact."""
    person = program.entities[program.entry]
    key = None if person.parent is None else program.entities[person.parent].key
    return key if key is not None and (person.name, key) in program.facts else None


def table_of_people(
    run: FinishedRun, program: Program, inputs: Mapping[str, Input], connection: duckdb.DuckDBPyConnection,
    more: Iterable[str] = (),
) -> str:  # fmt: skip
    """A table of the people's keys, areas and households, and `more` facts of them, as `table_of_facts` has them."""
    person = program.entities[program.entry]
    names = dict.fromkeys(filter(None, (person.area, household_fact(program), *more)))
    return table_of_facts(program, person, inputs.get(person.name), tuple(names), connection, run.as_of)
