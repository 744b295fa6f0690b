"""One person of a past run, decided again by the rules and records of that run, and held against its results.

In: a run's folder, a person's number. Out: the case with its explanation, and every difference between what
the interpreter says now and what the run wrote. Invariants: the rulebook is the one kept with the run, the
inputs are those whose digests it recorded; anything else is an error, never another answer.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import duckdb
import numpy as np
import pyarrow as pa

from mianshen.batch import diagnostics
from mianshen.batch.output_files import EntityFile, entity_files
from mianshen.batch.recorded_rules import RULES, recorded_program
from mianshen.casework.check import Checked, Checker
from mianshen.catalogue import diagnostic
from mianshen.ingest.entity_cases import Numbers
from mianshen.ingest.entity_rows import RowReader
from mianshen.ingest.household_rows import HouseholdRows
from mianshen.ingest.input_paths import Named
from mianshen.ingest.inputs import identifier, pattern
from mianshen.interpreter.result import CaseResult, RowResult, names_of, result_of
from mianshen.interpreter.rows import Case, Row
from mianshen.past_runs.finished_run import FinishedRun, find_inputs
from mianshen.program.program import Program
from mianshen.records.diagnostics import CODES
from mianshen.source import RuleError, unlined
from mianshen.values import NotModelled, Unknown, Value

Cells: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell of the results: what the run wrote, and what comes out now."""

    entity: str
    key: str
    column: str
    written: str
    now: str


@dataclass(frozen=True, slots=True)
class Replay:
    """`compared`: how many cells were held against each other."""

    checker: Checker
    checked: Checked
    compared: int
    differences: tuple[Difference, ...]


def replay(run: FinishedRun, person: str, moved: Mapping[str, Named]) -> Replay:
    """Decide one person of a run again. `moved`: where inputs are now, by entity.

    Raises RuleError when the rulebook or an input is not there as it was, or nobody has that number.
    """
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        if RULES not in run.manifest["outputs"]:
            raise RuleError([diagnostics.bad_record(str(run.folder / RULES))])
        program = recorded_program(run.folder / RULES, Path(scratch) / "rules")
        if not run.decided_by(program):
            raise RuleError([diagnostics.bad_record(str(run.folder / RULES))])
        inputs = find_inputs(run, moved, program, connection, Path(scratch) / "text")
        rows = HouseholdRows(RowReader(program, connection, run.as_of, threads=os.cpu_count() or 1), inputs)
        rows.read(pa.array([person], pa.string()))
        household = _household(run, rows, person)
        checker = Checker(program)
        checked = checker.check(household.case)
        written = _Written(run.folder, program, connection)
        return Replay(checker, checked, *written.compared(result_of(program, checked.case), household))


@dataclass(frozen=True, slots=True)
class _Household:
    """The person's case; `places`: of each row what its file was called in the run, and its record's number there."""

    case: Case
    places: dict[Row, tuple[str, int]]


def _household(run: FinishedRun, rows: HouseholdRows, person: str) -> _Household:
    """The household of a person, with the person's row in force. Raises RuleError where nobody has that number."""
    entry = rows.reader.program.entry
    for case, numbers in rows.cases():
        of = next((row for row in numbers if row.entity == entry and row.current.key == person), None)
        if of is not None:
            return _Household(replace(case, person=of.current), _places(run, rows, numbers))
    raise RuleError([diagnostic("E534.no_such_person", unlined(str(run.folder)))])


def _places(run: FinishedRun, rows: HouseholdRows, numbers: Numbers) -> dict[Row, tuple[str, int]]:
    places = {}
    for row, number in numbers.items():
        (which,), (record,) = rows.rows[row.entity].places(np.array([number]))
        places[row] = (run.manifest["inputs"][row.entity][which]["file"], int(record))
    return places


# -- what was written ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Written:
    folder: Path
    program: Program
    connection: duckdb.DuckDBPyConnection

    def compared(self, result: CaseResult, household: _Household) -> tuple[int, tuple[Difference, ...]]:
        """How many cells were compared, and those that differ; rows without a key cannot be found again."""
        person = household.case.person
        files = {f.entity.name: f for f in entity_files(self.program, self.program.entities)}
        people = [(row, cells) for row, cells in _people(result, person, files).items() if row.key and cells]
        rows = [(row.row, _row(row)) for row in result.rows if row.row.key and row.row.entity in files]
        now = [
            (row.entity, row.key, files[row.entity].name, _with_columns(cells, files[row.entity]))
            for row, cells in [*people, *rows]
        ]
        differences: list[Difference] = []
        count = 0
        for entity, key, file, cells in now:
            written = self._read(file, self.program.entities[entity].key, key)
            count += len(cells)
            differences += _differing(entity, key, cells, written)
        rejected = list(self._rejects(household))
        count += len(rejected) * 3
        for entity, key, cells, written in rejected:
            differences += _differing(entity, key, cells, written)
        for child in self.program.children_of(person.entity):
            if child.name in files:
                keys = {row.key for row, _ in rows if row.entity == child.name}
                differences += self._beyond(person, child.name, files[child.name].name, keys)
        return count, tuple(differences)

    def _read(self, file: str, key_column: str, key: str) -> Cells:
        """The one row of a key, as text; empty when there is none."""
        query = (
            f"SELECT * FROM read_parquet({pattern(self.folder / file)}) WHERE {identifier(key_column)} = ?"
        )
        return self._one(query, [key])

    def _one(self, query: str, values: list[object]) -> Cells:
        rows = self.connection.execute(query, values)
        names = [column[0] for column in rows.description]
        row = rows.fetchone()
        return {} if row is None else dict(zip(names, row, strict=True))

    def _rejects(self, household: _Household) -> Iterator[tuple[str, str, Cells, Cells]]:
        """The person's rejected rows, by the place in their file: for keys of rejected rows may be doubled."""
        person = household.case.person
        mine = [
            row
            for row in household.places
            if row.current is person or (row.parent is not None and row.parent.current is person)
        ]
        for row in mine:
            name, number = household.places[row]
            where = (
                f"FROM read_parquet({pattern(self.folder / 'rejects.parquet')}) WHERE file = ? AND row = ?"
            )
            written = self._one(f"SELECT field, code, reason {where}", [name, number])
            why = row.rejection
            if why is None and not written:
                continue
            cells: Cells = {}
            if why is not None:
                cells = {"field": why.field or None, "code": CODES[why.reason], "reason": why.reason}
            yield row.entity, row.key, cells, written

    def _beyond(self, person: Row, entity: str, file: str, keys: set[str]) -> Iterator[Difference]:
        """Rows that were written for this person and do not come out now."""
        if person.rejection is not None or not (self.folder / file).exists():
            return
        own, key_column = self.program.entities[person.entity].key, self.program.entities[entity].key
        query = (
            f"SELECT {identifier(key_column)} FROM read_parquet({pattern(self.folder / file)}) "
            f"WHERE {identifier(own)} = ? AND {identifier(key_column)} IS NOT NULL ORDER BY 1"
        )
        for (key,) in self.connection.execute(query, [person.key]).fetchall():
            if key not in keys:
                yield Difference(entity, str(key), key_column, str(key), "")


def _differing(entity: str, key: str, now: Cells, written: Cells) -> Iterator[Difference]:
    for name in dict.fromkeys([*now, *(written if not now else ())]):
        if now.get(name) != written.get(name):
            yield Difference(entity, key, name, _text(written.get(name)), _text(now.get(name)))


def _with_columns(cells: Cells, file: EntityFile) -> Cells:
    """Those cells of a row for which its file has a column."""
    return {name: cell for name, cell in cells.items() if name in file.schema.names}


def _people(result: CaseResult, person: Row, files: Mapping[str, EntityFile]) -> dict[Row, Cells]:
    """Shown decisions and benefits as results hold them, by the row they are decided at: the person's, or one above it."""
    above = [row for row in person.lineage() if row.rejection is None and row.entity in files]
    cells: dict[Row, Cells] = {
        row: {decision.name: _known(row.values[decision.name]) for decision in files[row.entity].shown}
        for row in (above if person.rejection is None else ())
    }
    for name, benefit in result.benefits.items():
        missing = names_of(benefit.missing)
        cells.setdefault(benefit.row, {}).update(
            {
                f"{name}_status": benefit.status,
                f"{name}_amount": benefit.amount,
                f"{name}_reason": f"missing_facts: {missing}" if missing else benefit.reason,
            }
        )
    return cells


def _row(row: RowResult) -> Cells:
    cells: Cells = {name: _known(value) for name, value in row.values.items()}
    missing = names_of(row.missing)
    return cells | {"status": row.status, "reason": row.reason, "missing": missing or None}


def _known(value: Value) -> object:
    """The value as the results hold it: nothing where it is unknown or not modelled."""
    if isinstance(value, Unknown | NotModelled):
        return None
    return list(value) if isinstance(value, tuple) else value


def _text(cell: object) -> str:
    if not isinstance(cell, Decimal):
        return "" if cell is None else str(cell)
    whole, point, part = f"{cell:f}".partition(".")
    return f"{whole}.{part.rstrip('0'):0<2}" if point else whole  # two decimals, as money is written, or more
