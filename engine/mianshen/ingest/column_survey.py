"""How each column of a file would be read, before any run.

In: a file, the entity that it is given for or none. Out: `FileSurvey`: for each column the fact it is, how its cells
look, how many are empty, what would be refused and what is likely meant.
Invariant: of a personal fact, and of a column that is no fact, no cell is shown, nor what one looks like.
"""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics
from mianshen.ingest.headers import Header, folded, unfit
from mianshen.ingest.inputs import Opened, Part, file_opened, open_inputs
from mianshen.ingest.part_columns import spans_of
from mianshen.ingest.total_rows import labelled, total_row
from mianshen.ingest.typed_columns import ColumnReader, Refusal, is_text
from mianshen.program.program import Entity, Fact, Program
from mianshen.source import Diagnostic, RuleError, Span, nearest

_UNNAMED: Final = (
    "E503",
    "E516",
)  # two columns of one name, or one of none: no cell is read before that is mended
SAMPLE: Final = 1 << 12  # cells whose look is taken
_SHAPES: Final = (
    (re.compile("[0-9]"), "9"), (re.compile("[a-z]"), "a"), (re.compile("[A-Z]"), "A"),
    (re.compile("[\u4e00-\u9fff]"), "字"),
)  # fmt: skip
_RUN: Final = re.compile(r"(.)\1{4,}")


@dataclass(slots=True)
class ColumnSurvey:
    """One column. `type`: its type in the file; `shape`: how most cells look, `sample`: one of them, both None where withheld.

    `refused`: what would be refused, with how many cells; `problem`: why the column cannot be read at all.
    """

    written: str
    type: str
    fact: Fact | None = None
    cells: int = 0
    empty: int = 0
    shape: str | None = None
    sample: str | None = None
    refused: list[tuple[Refusal, int]] = field(default_factory=list)
    problem: Diagnostic | None = None


@dataclass(slots=True)
class FileSurvey:
    entity: Entity
    rows: int
    columns: list[ColumnSurvey]
    missing: tuple[Fact, ...]  # facts that every row needs and that have no column
    encoding: str
    doubts: tuple[Diagnostic, ...]


def survey(
    program: Program,
    path: str,
    entity: str | None,
    encoding: str | None,
    mapping: Path | str | None,
    as_of: dt.date,
) -> FileSurvey:
    """Raises RuleError where the file cannot be opened, or is not known to hold rows of some entity."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        if mapping is None:
            opened = file_opened(program, path, connection, Path(folder), encoding, entity)
            if opened.ragged is not None:
                raise RuleError([opened.ragged])
            owner = _entity(program, opened, entity)
            columns = _columns(_header(program, owner, opened))
            part = opened.with_columns({fact.name: (c.written, c.type) for c, fact in _read(columns)})
        else:
            owner = program.entities[entity or program.entry]
            named = {owner.name: path}
            inputs = open_inputs(program, named, connection, Path(folder), encoding, mapping, as_of)
            part = inputs[owner.name].parts[0]
            columns = _mapped_columns(program, owner, part)
        rows = _count(program, columns, part, connection)
    names = {c.fact.name for c in columns if c.fact is not None}
    needed = (f for (e, _), f in program.facts.items() if e == owner.name and f.required)
    doubts = () if part.text.doubt is None else (part.text.doubt,)
    missing = tuple(fact for fact in needed if fact.name not in names)
    return FileSurvey(owner, rows, columns, missing, part.text.encoding, doubts)


def _read(columns: Sequence[ColumnSurvey]) -> list[tuple[ColumnSurvey, Fact]]:
    """The columns whose cells can be read, each with its fact."""
    return [(c, c.fact) for c in columns if c.fact is not None and c.problem is None]


def _count(
    program: Program, columns: Sequence[ColumnSurvey], part: Part, connection: duckdb.DuckDBPyConnection
) -> int:
    """How many rows there are; the columns take note of their cells."""
    if any(c.problem is not None and c.problem.code in _UNNAMED for c in columns):
        return 0
    rows = 0
    readers = [(column, ColumnReader(fact, program)) for column, fact in _read(columns)]
    for span in spans_of(part, connection, ()):
        rows += span.count
        for column, reader in readers:
            for chunk in span.column(reader.fact.name):
                _look(column, reader, chunk)
    return rows


def _header(program: Program, entity: Entity, opened: Opened) -> Header:
    return opened.header(program, entity)


def _entity(program: Program, opened: Opened, named: str | None) -> Entity:
    """The entity that is named, else the one of which the header has most names. Raises RuleError."""
    if named is not None:
        return program.entities[named]

    def known(entity: Entity) -> tuple[bool, int]:
        names = _header(program, entity, opened).names
        written = [names.get(folded(name)) for name, _ in opened.columns]
        return entity.key in written, sum(name is not None for name in written)

    best = max(program.entities.values(), key=known)
    if not known(best)[1]:
        place = Span(str(opened.part.shown), opened.line, 1)
        raise RuleError([diagnostics.no_header(place, program.entities[program.entry].key)])
    return best


def _columns(header: Header) -> list[ColumnSurvey]:
    """The columns with the facts that they are; a name that is none says what it is near to."""
    columns: list[ColumnSurvey] = []
    taken: set[str] = set()
    seen: set[str] = set()
    for number, ((written, type_), at) in enumerate(zip(header.columns, header.places, strict=True), 1):
        place = Span(str(header.path), header.line, at)
        name = header.names.get(folded(written))
        echo = written if header.is_name(written, header.known) else None
        column = ColumnSurvey(written if name is not None or echo else "…", type_)
        if not folded(written):
            column.problem = header.without_name(written, number, at)
        elif folded(written) in seen:
            column.problem = diagnostics.doubled_column(place, echo)
        elif name is None:
            column.problem = diagnostics.unknown_column(place, echo, number, nearest(written, header.names))
        elif name in taken:
            column.problem = diagnostics.doubled_column(place, name)
        else:
            column.fact = header.facts[name]
            why = unfit(column.fact, type_)
            column.problem = (
                None
                if why is None
                else diagnostic("E505.wrong_column", place, name=name, found=type_, wanted=why)
            )
            taken.add(name)
        seen.add(folded(written))
        columns.append(column)
    return columns


def _mapped_columns(program: Program, entity: Entity, part: Part) -> list[ColumnSurvey]:
    """The facts that a mapping makes, each with the file's columns behind it."""
    return [
        ColumnSurvey(
            ", ".join(part.sources.get(name, ())) or written, type_, program.facts[entity.name, name]
        )
        for name, (written, type_) in part.columns.items()
    ]


def _look(column: ColumnSurvey, reader: ColumnReader, cells: pa.Array) -> None:
    """Take a further stretch of a column's cells into its survey."""
    typed = reader.read(cells)
    counts = Counter(dict(column.refused))
    totals = labelled(cells, np.arange(len(cells))) if is_text(cells.type) else np.zeros(len(cells), bool)
    for rows, refusal in typed.refused:
        counts[refusal] += int((~totals[rows]).sum())
    if column.fact is not None and totals.any():
        counts[total_row(column.fact)] += int(totals.sum())
    counts = +counts
    column.refused = counts.most_common()
    column.cells += len(cells)
    refused = sum(len(rows) for rows, _ in typed.refused)
    column.empty += typed.values.null_count - refused
    if column.fact is None or column.fact.personal or column.shape is not None or not is_text(cells.type):
        return
    texts = [text for text in cells.slice(0, SAMPLE).to_pylist() if text]
    if texts:
        (column.shape, _), *_ = Counter(map(shape_of, texts)).most_common(1)
        column.sample = next(text for text in texts if shape_of(text) == column.shape)


def shape_of(text: str) -> str:
    """How a cell looks: `9999-99-99` of a date; runs of five and more are counted, `9{18}`."""
    for pattern, sign in _SHAPES:
        text = pattern.sub(sign, text)
    return _RUN.sub(lambda run: f"{run[1]}{{{len(run[0])}}}", text)
