"""A mapping applied to the files of one entity: each becomes a Parquet file of facts, in a folder of ours.

In: relations over the files, with their columns. Out: for each file its columns as facts and the relation that
reads them; `MappingReport`: how many rows were read, left out and why, what a person's rows disagree in.
Invariants: rows left out are neither records nor rejects, but counted; keys are held for doubles after that; a
row keeps its number in its file (`?file_row`); nothing depends on the order of files or rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from mianshen.catalogue import diagnostic
from mianshen.mapping.model import EntityMapping, Operand, PersonRows, Restricted, facts_of
from mianshen.mapping.persons import UNLISTED, RowsOfPersons
from mianshen.mapping.sql import (
    FILE_ROW,
    Columns,
    Inexact,
    fact_named,
    mapped_name,
)
from mianshen.mapping.text import identifier, quoted
from mianshen.program.program import Program
from mianshen.source import Message, RuleError, is_key

_KEPT: Final = "?kept:"  # how the columns begin, while they are staged, that the mapping does not name
_CODE: Final = "[0-9A-Za-z.-]{1,8}"  # a code that may be repeated: too short for anybody's number
_MOST_CODES: Final = 5
BLANK: Final = Message("空行", "blank rows")
REVERSAL: Final = Message("冲销记录", "reversing rows")
REVERSED: Final = Message("被冲销的记录", "rows that they reverse")


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it is read: `relation` stands after FROM and has `?row`, a row's number; `columns` are (name, DuckDB type)."""

    relation: str
    columns: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class MappedFile:
    """`relation` gives the file's rows with their number and, as FILE_ROW, that of the record; `columns`: fact to (column, type).

    `sources`: fact to the file's own columns behind it; `unnamed`: the places of columns that the mapping does not name,
    which `relation` gives as they are.
    """

    relation: str
    columns: dict[str, tuple[str, str]]
    sources: dict[str, list[str]]
    unnamed: tuple[int, ...]


@dataclass(slots=True)
class MappingReport:
    """What a mapping made of an entity's files. Counts of rows; `disagreements`: of persons, by fact."""

    rows: int = 0
    title_lines: int = 0  # skipped in each file
    left_out: list[tuple[Message, int]] = field(default_factory=list)
    merged: int = 0
    unlisted: dict[str, int] = field(default_factory=dict)
    unlisted_values: dict[str, list[str]] = field(default_factory=dict)  # the codes, the most frequent first
    disagreements: dict[str, int] = field(default_factory=dict)
    columns_ignored: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """For `summary.json`."""
        content = {
            "rows": self.rows,
            "title_lines": self.title_lines,
            "left_out": [{"zh": r.zh, "en": r.en, "rows": count} for r, count in self.left_out],
            "merged": self.merged,
            "unlisted_codes": self.unlisted,
            "unlisted_values": self.unlisted_values,
            "disagreements": self.disagreements,
            "columns_ignored": self.columns_ignored,
        }
        return {name: value for name, value in content.items() if value or name == "rows"}


@dataclass(slots=True)
class MappedEntity:
    """Applies the mapping of one entity to its files."""

    program: Program
    entity: str
    mapping: EntityMapping
    connection: duckdb.DuckDBPyConnection
    scratch: Callable[[], Path]
    as_of: dt.date | None
    report: MappingReport = field(default_factory=MappingReport)
    staged: list[tuple[Path, Columns, dict[str, Operand]]] = field(default_factory=list)

    def stage(self, source: Source) -> None:
        """Read one file. Raises RuleError where a column cannot be converted exactly; duckdb.Error."""
        columns = Columns(source.columns, self.as_of, self.mapping.blank)
        facts = {name: part for name, part in self.mapping.facts.items() if columns.has(part)}
        path = self.scratch().with_suffix(".parquet")
        try:
            query = self._staged(source, columns, facts)
        except Inexact as error:
            raise RuleError(
                [diagnostic("E559.inexact", error.cell.span, column=error.written, found=error.type)]
            ) from None
        with self._as_written():
            self._copy(query, path)
        self.staged.append((path, columns, facts))

    def finish(self) -> list[MappedFile]:
        """Every file that was staged, mapped."""
        paths = self._taking_part([path for path, _, _ in self.staged]) if self.staged else []
        mapped = []
        for path, (_, columns, facts) in zip(paths, self.staged, strict=True):
            types = {row[0]: row[1] for row in self._rows(f"DESCRIBE FROM read_parquet({quoted(str(path))})")}
            present = {
                name: (mapped_name(name), types[mapped_name(name)])
                for name in facts
                if mapped_name(name) in types
            }
            behind = {name: columns.sources(part) for name, part in facts.items()}
            unnamed = self._unnamed(columns)
            selected = [identifier(name) for name, _ in present.values()]
            selected += [
                f"{identifier(_KEPT + columns.columns[n][0])} AS {identifier(columns.columns[n][0])}"
                for n in unnamed
            ]
            scanned = f"read_parquet({quoted(str(path))}, file_row_number=true)"
            selected.append(identifier(FILE_ROW))
            relation = f'(SELECT file_row_number + 1 AS "?row", {", ".join(selected)} FROM {scanned})'
            mapped.append(MappedFile(relation, present, behind, unnamed))
        return mapped

    def _unnamed(self, columns: Columns) -> tuple[int, ...]:
        """The columns that the mapping does not name."""
        used = {
            column[0] for names, _ in self.mapping.named() if (column := columns.column(names)) is not None
        }
        numbers = [number for number, (name, _) in enumerate(columns.columns) if name not in used]
        if not self.mapping.others_ignored:
            return tuple(numbers)
        known = {name for names, _ in self.mapping.named() for name in names}
        for number in numbers:
            written = columns.columns[number][0].strip()
            name = written if is_key(written, known) else f"#{number + 1}"  # it may be somebody's data
            if name not in self.report.columns_ignored:
                self.report.columns_ignored.append(name)
        return ()

    # -- a file's rows -----------------------------------------------------------------------

    def _staged(self, source: Source, columns: Columns, facts: dict[str, Operand]) -> str:
        """The file's rows as facts, with what decides whether a row counts. Raises Inexact."""
        query = f"SELECT {identifier('?row')} AS {identifier(FILE_ROW)}, * FROM {source.relation}"
        waiting = dict(facts)
        while waiting:
            ready = [name for name, part in waiting.items() if not set(facts_of(part)) & set(waiting)]
            for name in ready:
                columns.define(name, waiting.pop(name))
        selected = self._selected(columns, facts)
        return f"SELECT {', '.join(selected)} FROM ({columns.layered(query)})"

    def _selected(self, columns: Columns, facts: dict[str, Operand]) -> list[str]:
        """The facts, the columns not named, and what decides which rows are kept."""
        selected = [identifier(FILE_ROW), *(identifier(mapped_name(name)) for name in facts)]
        unnamed = [columns.columns[number][0] for number in self._unnamed(columns)]
        selected += [f"{identifier(name)} AS {identifier(_KEPT + name)}" for name in unnamed]
        tests = [
            columns.blank_row(),
            *(columns.holds(left_out.condition) for left_out in self.mapping.left_out),
        ]
        cases = " ".join(f"WHEN {test} THEN {number}" for number, test in enumerate(tests))
        out = f"CASE {cases} END" if cases else "CAST(NULL AS INTEGER)"
        selected.append(f'{out} AS "?out"')
        if (reversals := self.mapping.reversals) is not None:
            for name, cell in (("?names", reversals.names), ("?key", reversals.key)):
                has = columns.column(cell.columns) is not None
                value = columns.value(cell) if has else "CAST(NULL AS VARCHAR)"
                if has and name == "?names" and reversals.nothing:
                    value = _but(value, reversals.nothing)
                selected.append(f"{value} AS {identifier(name)}")
        if (person := self.mapping.person_rows) is not None:
            ordered = [columns.value(part) if columns.has(part) else "NULL" for part in person.order]
            selected += [f"{text} AS {identifier(f'?order{number}')}" for number, text in enumerate(ordered)]
        for name, part in facts.items():
            if isinstance(part, Restricted) and part.as_before is not None:
                selected.append(f"{columns.holds(part.as_before)} AS {identifier(f'?before:{name}')}")
            if (unlisted := columns.unlisted(part)) is not None:
                selected.append(f"{unlisted} AS {identifier(UNLISTED + name)}")
        return selected

    # -- all rows together -------------------------------------------------------------------

    def _taking_part(self, paths: Sequence[Path]) -> list[Path]:
        """The files with only the rows that take part, and of a person only those that are kept."""
        listed = ", ".join(quoted(str(path)) for path in paths)
        files = " ".join(f"WHEN {quoted(str(path))} THEN {number}" for number, path in enumerate(paths))
        every = (
            f'(SELECT * EXCLUDE (filename), CASE filename {files} END AS "?part" '
            f"FROM read_parquet([{listed}], union_by_name=true, filename=true))"
        )
        self.report.title_lines = self.mapping.title_lines
        self.report.rows = self._count(f"SELECT count(*) FROM {every}")
        every = self._out(every)
        self._count_unlisted(every)
        taking_part = f'SELECT * EXCLUDE ("?out") FROM {every} WHERE "?out" IS NULL'
        if self.mapping.person_rows is not None:
            return self._of_persons(taking_part, self.mapping.person_rows, len(paths))
        if not (self.mapping.left_out or self.mapping.reversals or self.report.left_out):
            return list(paths)
        return self._written(taking_part, len(paths))

    def _written(self, relation: str, count: int) -> list[Path]:
        if count == 1:
            path = self.scratch().with_suffix(".parquet")
            self._copy(f'SELECT * EXCLUDE ("?part") FROM ({relation}) ORDER BY {identifier(FILE_ROW)}', path)
            return [path]
        table = identifier(f"?mapped_{self.entity}")
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {relation}")
        written = []
        for number in range(count):
            path = self.scratch().with_suffix(".parquet")
            self._copy(
                f'SELECT * EXCLUDE ("?part") FROM {table} WHERE "?part" = {number} ORDER BY {identifier(FILE_ROW)}', path,
            )  # fmt: skip
            written.append(path)
        self.connection.execute(f"DROP TABLE {table}")
        return written

    def _out(self, every: str) -> str:
        """The rows with why they are left out; the mapping's reasons first, then reversals and what they name."""
        reasons = [BLANK, *(left_out.reason for left_out in self.mapping.left_out)]
        if self.mapping.reversals is not None:
            first = len(reasons)
            reasons += [REVERSAL, REVERSED]
            named = f'(SELECT DISTINCT "?names" AS named FROM {every} WHERE "?names" IS NOT NULL)'
            every = (
                f'(SELECT e.* REPLACE (CASE WHEN e."?out" IS NOT NULL THEN e."?out" WHEN e."?names" IS NOT NULL '
                f'THEN {first} WHEN n.named IS NOT NULL THEN {first + 1} END AS "?out") '
                f'FROM {every} e LEFT JOIN {named} n ON e."?key" = n.named)'
            )
        if reasons:
            counts = dict(
                self._rows(f'SELECT "?out", count(*) FROM {every} WHERE "?out" IS NOT NULL GROUP BY 1')
            )
            self.report.left_out = [(reason, counts[n]) for n, reason in enumerate(reasons) if n in counts]
        return every

    def _count_unlisted(self, every: str) -> None:
        """Count the rows that a code in no list leaves unknown, and name the codes of which none can be somebody's data."""
        names = [name for name, *_ in self._rows(f"DESCRIBE FROM {every}") if name.startswith(UNLISTED)]
        if not names:
            return
        sums = ", ".join(f"count({identifier(name)})" for name in names)
        counts = self._rows(f'SELECT {sums} FROM {every} WHERE "?out" IS NULL')[0]
        for name, count in zip(names, counts, strict=True):
            if count:
                fact, code = name.removeprefix(UNLISTED), identifier(name)
                self.report.unlisted[fact] = count
                codes = self._rows(
                    f'SELECT {code} FROM {every} WHERE "?out" IS NULL AND regexp_full_match({code}, {quoted(_CODE)}) '
                    f"GROUP BY {code} ORDER BY count(*) DESC, {code} LIMIT {_MOST_CODES}"
                )
                if codes:
                    self.report.unlisted_values[fact] = [text for (text,) in codes]

    def _of_persons(self, relation: str, person: PersonRows, count: int) -> list[Path]:
        """The files with the rows of persons that are kept; the report says how many are not, and who disagrees."""
        table = identifier("?person_rows")
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {relation}")
        immutable = [
            n for (entity, n), f in self.program.facts.items() if entity == self.entity and f.immutable
        ]
        rows = RowsOfPersons(self.connection, table, person, [mapped_name(name) for name in immutable])
        self.report.disagreements = {fact_named(n): people for n, people in rows.disagreements().items()}
        paths = self._written(rows.query(), count)
        remaining = sum(self._count(f"SELECT count(*) FROM {_file(path)}") for path in paths)
        self.report.merged = self._count(f"SELECT count(*) FROM {table}") - remaining
        self.connection.execute(f"DROP TABLE {table}")
        return paths

    # -- queries -----------------------------------------------------------------------------

    def _copy(self, query: str, path: Path) -> None:
        self.connection.execute(f"COPY ({query}) TO {quoted(str(path))} (FORMAT parquet)")

    @contextmanager
    def _as_written(self) -> Iterator[None]:
        """Queries run as they are written: of a mapping's many expressions DuckDB's optimizer saves less than it takes."""
        self.connection.execute("PRAGMA disable_optimizer")
        try:
            yield
        finally:
            self.connection.execute("PRAGMA enable_optimizer")

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def _count(self, query: str) -> int:
        return int(self._rows(query)[0][0])


def _but(text: str, nothing: Sequence[str]) -> str:
    """A text, NULL where it is one of those that name nothing."""
    return f"CASE WHEN {text} NOT IN ({', '.join(map(quoted, nothing))}) THEN {text} END"


def _file(path: Path) -> str:
    return f"read_parquet({quoted(str(path))})"
