"""Input files of a batch: found, their headers matched to the vocabulary.

In: paths of CSV or Parquet files. Out: `Input`: what to read and which column is which fact.
Mistakes in a header are reported together, each at its column, with the nearest known name.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mianshen.program.program import Entity, Program
from mianshen.source import Diagnostic, RuleError, Span
from mianshen.workbench import batch_mistakes as mistakes


@dataclass(frozen=True, slots=True)
class Input:
    """One file of one entity. `columns`: fact name to (column as written, DuckDB type)."""

    entity: str
    path: Path
    columns: dict[str, tuple[str, str]]
    relation: str  # what stands after FROM

    @property
    def name(self) -> str:
        return self.path.name


def open_input(program: Program, entity: Entity, path: Path, connection: duckdb.DuckDBPyConnection) -> Input:
    """A file with its columns matched. Raises RuleError when it cannot be read or a column is wrong."""
    if not path.is_file():
        raise RuleError([mistakes.cannot_read(str(path), "there is no such file", "没有这个文件")])
    if path.suffix.lower() == ".parquet":
        relation = f"read_parquet({quoted(str(path))})"
        found = _described(relation, path, connection)
    else:
        header = _header(path)
        listed = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in header)
        relation = (
            f"read_csv({quoted(str(path))}, auto_detect=false, header=true, delim=',', quote='\"', escape='\"', "
            f"nullstr='', columns={{{listed}}})"
        )
        _refuse_doubled(path, header)
        found = [(name, "VARCHAR") for name in header]
    return Input(entity.name, path, _matched(program, entity, path, found), relation)


def quoted(text: str) -> str:
    """A SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _described(relation: str, path: Path, connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        raise RuleError([mistakes.cannot_read(str(path), _first_line(error), _first_line(error))]) from None
    return [(row[0], row[1]) for row in rows]


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), None)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RuleError([mistakes.cannot_read(str(path), str(error), str(error))]) from None
    if not header:
        raise RuleError([mistakes.cannot_read(str(path), "the file is empty", "文件是空的")])
    return header


def _refuse_doubled(path: Path, header: list[str]) -> None:
    found = [
        mistakes.doubled_column(Span(str(path), 1, _column_at(header, i)), name)
        for i, name in enumerate(header) if name in header[:i]
    ]  # fmt: skip
    if found:
        raise RuleError(found)


def _column_at(header: list[str], index: int) -> int:
    """The character at which a header cell begins, quotes aside."""
    return 1 + sum(len(name) + 1 for name in header[:index])


def _matched(
    program: Program, entity: Entity, path: Path, found: list[tuple[str, str]]
) -> dict[str, tuple[str, str]]:
    facts = {name: fact for (owner, name), fact in program.facts.items() if owner == entity.name}
    titles = {title: name for name, fact in facts.items() for title in (name, fact.title.zh, fact.title.en)}
    columns: dict[str, tuple[str, str]] = {}
    wrong: list[Diagnostic] = []
    names = [name for name, _ in found]
    for index, (written, type_) in enumerate(found):
        place = Span(str(path), 1, _column_at(names, index))
        name = titles.get(written.strip())
        if name is None:
            wrong.append(mistakes.unknown_column(place, written, titles))
        elif name in columns:
            wrong.append(mistakes.doubled_column(place, name))
        else:
            columns[name] = (written, type_)
    for name, fact in facts.items():
        if fact.required and name not in columns:
            wrong.append(mistakes.missing_column(Span(str(path), 1, 1), name))
    if wrong:
        raise RuleError(wrong)
    return columns


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
