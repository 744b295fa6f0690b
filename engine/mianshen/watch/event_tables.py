"""Events in a table, CSV or Parquet, as the fields of records.

In: a file, the columns an event may have. Out: each row as a mapping of the cells that are not empty, each
with its place.
Invariants: headers are matched as those of a batch are, and a wrong one ends the reading; a cell's place in
a CSV file is its line and column, in Parquet its row and the number of its column.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import duckdb

from mianshen.document.yaml_source import YamlSource
from mianshen.document.yaml_tree import Mapping, Scalar
from mianshen.ingest.csv_files import CsvLayout
from mianshen.ingest.inputs import Part, explained, identifier, open_inputs
from mianshen.program.program import Entity, Fact, Program
from mianshen.source import Message, Span

EVENT = "event"


@dataclass(frozen=True, slots=True, eq=False)
class Cells(YamlSource):
    """One row as the source of its cells: their indexes are numbers of columns, from 0."""

    number: int = 1  # of the row, from 1
    text_of: Part | None = None

    def span(self, start: int, end: int) -> Span:
        line, column = self.number, start + 1
        if self.text_of is not None and self.text_of.layout is not None:
            line, starts = _written(self.text_of.layout, self.number)
            column = starts[start] if start < len(starts) else 1
        return Span(self.file, line, column, line, column)


def rows_of(path: Path, program: Program, columns: Sequence[Fact]) -> Iterator[Mapping]:
    """Each row of a table. Raises RuleError when it cannot be read or a column is no event's."""
    only = {fact.name: fact for fact in columns}
    entity = Entity(
        EVENT, Message("事件", "event"), columns[0].name, None, None, None, None, None, None, None
    )
    table = replace(
        program,
        entities={EVENT: entity},
        facts={(EVENT, name): fact for name, fact in only.items()},
        entry=EVENT,
    )
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        opened = open_inputs(table, {EVENT: path}, connection, Path(folder))
        for part in opened[EVENT].parts:
            yield from _rows(part, connection)


def _rows(part: Part, connection: duckdb.DuckDBPyConnection) -> Iterator[Mapping]:
    names = list(part.columns)
    places = _column_numbers(part, connection)
    cells = ", ".join(_as_text(*part.columns[name]) for name in names)
    order = ' ORDER BY "?row"' if part.numbered else ""
    number = 0
    try:
        rows = connection.execute(f"SELECT {cells} FROM {part.relation}{order}")
        while batch := rows.fetchmany(10_000):
            for row in batch:
                number += 1
                yield _mapping(part, number, names, row, places)
    except (duckdb.Error, UnicodeError) as error:
        raise explained(part, str(error)) from None


def _as_text(written: str, type_: str) -> str:
    column = identifier(written)
    return f"array_to_string({column}, ';')" if type_.endswith("[]") else f"CAST({column} AS VARCHAR)"


def _column_numbers(part: Part, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The number of each fact's column in the file, from 0."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {part.relation}").fetchall()
    numbers = {row[0]: number for number, row in enumerate(row for row in described if row[0] != "?row")}
    return {name: numbers[written] for name, (written, _) in part.columns.items()}


def _mapping(
    part: Part, number: int, names: Sequence[str], row: Sequence[str | None], places: dict[str, int]
) -> Mapping:
    source = Cells(str(part.path), "", (0,), number, part)
    entries = tuple(
        (
            Scalar(name, '"', source, places[name], places[name]),
            Scalar(text, '"', source, places[name], places[name]),
        )
        for name, text in zip(names, row, strict=True)
        if text is not None and text.strip()
    )
    return Mapping(entries, source, 0, 0)


def _written(layout: CsvLayout, number: int) -> tuple[int, list[int]]:
    """The line on which a row of a CSV file begins, and the column of each of its cells."""
    with layout.text.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=layout.separator)
        at, begins = 0, 1
        for cells in reader:
            if cells and at == number:
                starts = accumulate((len(cell) + 1 for cell in cells), initial=1)
                return begins, list(starts)
            at += bool(cells)
            begins = reader.line_num + 1
    return number + 1, []
