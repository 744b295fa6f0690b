"""Input files of a batch: found, their headers matched to the vocabulary.

In: what the operator names: CSV or Parquet files, folders, patterns. Out: `Input`: for each file what to
read and which column is which fact. Mistakes in the headers of all files are reported together, each at
its column, with the nearest known name. Invariants: the file named is the file read, whatever characters
its path holds; no message repeats what a record says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import duckdb

from mianshen import catalogue
from mianshen.ingest import diagnostics
from mianshen.ingest.csv_files import (
    CsvLayout,
    csv_table,
    explained_csv,
    fill_blank_lines,
    first_cells,
    ragged_line,
)
from mianshen.ingest.csv_files import pattern as pattern  # noqa: PLC0414
from mianshen.ingest.databases import TableAddress, attached, check_readable, exported, table_address
from mianshen.ingest.encodings import UTF_8, Plain, encodings_of, plain
from mianshen.ingest.headers import Header, Typed, check_names_differ, folded
from mianshen.ingest.input_paths import Named, files, first_bytes, names
from mianshen.ingest.json_lines import LINES, write_json_lines
from mianshen.ingest.parquet_files import ARROW, as_parquet, parquet_columns
from mianshen.ingest.postgres import KINDS
from mianshen.ingest.workbooks import WORKBOOKS, sheet_named, workbook_named, write_workbook
from mianshen.mapping import diagnostics as diagnostics_of_mapping
from mianshen.mapping.files import MappedEntity, MappedFile, MappingReport, Source
from mianshen.mapping.model import EntityMapping, mapping_file
from mianshen.mapping.reading import likely_mapping, read_mapping
from mianshen.mapping.sql import Columns
from mianshen.mapping.text import identifier as identifier  # noqa: PLC0414
from mianshen.mapping.text import quoted as quoted  # noqa: PLC0414
from mianshen.program.program import Entity, Program
from mianshen.records.facts import INVISIBLE
from mianshen.source import Diagnostic, RuleError, Span, unlined

ROW: Final = "?row"  # the record's number in its file, from 1
_PARQUET: Final = b"PAR1"
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_PACKED: Final = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"Rar!": "rar",
    b"7z\xbc\xaf": "7z",
}
_TITLES: Final = 5  # lines below the first that are looked at for a header


@dataclass(frozen=True, slots=True)
class Part:
    """One file of one entity. `columns`: fact name to (column as written, DuckDB type).

    `relation` is what stands after FROM: the file's columns and, if `numbered`, `?row`; if not, the rows
    come in the order of the file as long as nothing joins them. `text` is what is read of a CSV file, `layout` how that
    is laid out. `parquet`: the file is read as it is, column by column. `stamp` changes when the file does.
    """

    path: Path
    name: str
    columns: dict[str, tuple[str, str]]
    relation: str
    numbered: bool
    text: Plain
    stamp: tuple[int, int]
    named: str = ""  # how a table of a database is named; a file by its path
    sources: Mapping[str, Sequence[str]] = field(
        default_factory=dict
    )  # of a mapped file: a fact's columns there
    layout: CsvLayout | None = None
    parquet: bool = False
    mapped: bool = False
    sheet: str | None = None  # of a workbook, where it was named

    @property
    def address(self) -> str:
        """By what a later run finds it again."""
        return self.named or str(sheet_named(self.path.absolute(), self.sheet))

    @property
    def shown(self) -> Path:
        """What messages call it: its path, for a table of a server its address, for its rows are in a file of ours."""
        return Path(self.named) if self.named.startswith(KINDS) else sheet_named(self.path, self.sheet)


@dataclass(frozen=True, slots=True)
class Input:
    """The files of one entity, in order; their records are numbered through. `report`: what a mapping made of them.

    `doubts`: what is likely wrong with a file that can be read all the same.
    """

    entity: str
    parts: tuple[Part, ...]
    report: MappingReport | None = None
    doubts: tuple[Diagnostic, ...] = ()


@dataclass(slots=True)
class Scratch:
    """Files of our own, in a folder that the run removes."""

    folder: Path
    count: int = 0

    def __call__(self) -> Path:
        self.count += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{self.count}.csv"


def open_inputs(
    program: Program,
    named: Mapping[str, Named],
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    encoding: str | None = None,
    mapping: Path | str | None = None,
    as_of: dt.date | None = None,
) -> dict[str, Input]:
    """Every file with its columns matched, by entity. Raises RuleError with the mistakes of all of them.

    `folder`: where the text of files goes that are not UTF-8; `encoding` of CSV files (`encodings_of`), None: found out;
    `mapping`: a file, or a shipped one's name, that says which of their columns are which facts; `as_of`: the day on
    which identities that it dates are held against.
    """
    paths: dict[str, list[Path]] = {}
    wrong: list[Diagnostic] = []
    for entity, part in named.items():
        try:
            paths[entity] = files(part)
        except RuleError as error:
            wrong += error.diagnostics
    mappings = {} if mapping is None else read_mapping(mapping_file(mapping), program).entities
    encodings = encodings_of(encoding, program.entities)
    opening = _Opening(program, connection, Scratch(folder), as_of)
    called = names(path for listed in paths.values() for path in listed)
    inputs: dict[str, Input] = {}
    for entity, listed in paths.items():
        own = mappings.get(entity)
        opened, unreadable = opening.files({path: called[path] for path in listed}, encodings[entity], own)
        wrong += unreadable
        try:
            inputs[entity] = opening.input(program.entities[entity], opened, own)
        except RuleError as error:
            wrong += error.diagnostics
    if wrong:
        raise RuleError(dict.fromkeys(wrong))
    return inputs


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose columns are not matched yet. `places`: where in its first line each column begins.

    `nameless`: of the columns without a name, the first cell that says something.
    """

    part: Part
    columns: list[Typed]
    places: list[int]
    ragged: Diagnostic | None = None
    nameless: Mapping[str, Span] = field(default_factory=dict)

    def with_columns(self, columns: dict[str, Typed]) -> Part:
        """The file with its columns matched."""
        return replace(self.part, columns=columns)

    def header(self, program: Program, entity: Entity) -> Header:
        """What matches the columns with the facts of an entity."""
        return Header(program, entity, self.part.shown, self.columns, self.places, self.line, self.nameless)

    @property
    def line(self) -> int:
        """The line of the header."""
        return 1 if self.part.layout is None else self.part.layout.line


@dataclass(frozen=True, slots=True)
class _Opening:
    program: Program
    connection: duckdb.DuckDBPyConnection
    scratch: Scratch
    as_of: dt.date | None
    parsed: dict[str, str] = field(
        default_factory=dict
    )  # of a text file that a mapping reads, its cells as a relation

    def files(
        self, called: Mapping[Path, str], encoding: str | None, mapping: EntityMapping | None
    ) -> tuple[list[Opened], list[Diagnostic]]:
        """The files of an entity that can be read, and why others cannot."""
        opened: list[Opened] = []
        wrong: list[Diagnostic] = []
        for path, name in called.items():
            try:
                opened.append(self.file(path, name, encoding, 0 if mapping is None else mapping.title_lines))
            except RuleError as error:
                wrong += error.diagnostics
        return opened, wrong

    def file(self, path: Path, name: str, encoding: str | None, title_lines: int) -> Opened:
        """A file or a table of a database. Raises RuleError when it cannot be read."""
        address = table_address(path)
        if address is not None:
            return self.table(address, name)
        path, sheet = workbook_named(path)
        head = first_bytes(path)
        if head.startswith(_PARQUET) or path.suffix.lower() == ".parquet":
            return self.parquet(path, name)
        if head.startswith(ARROW):
            return self.arrow(path, name)
        status = path.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        text = self.text(path, head, encoding, sheet)
        named = sheet_named(path, sheet)
        table = csv_table(named, text, title_lines)
        if table.uneven and fill_blank_lines(table.layout, target := self.scratch()):
            filled = plain(target, self.scratch, UTF_8)
            text = replace(text, path=filled.path, shape=filled.shape)
            table = csv_table(named, text, title_lines)
        part = Part(path, name, {}, table.relation, False, text, stamp, layout=table.layout, sheet=sheet)
        ragged = ragged_line(table.layout) if table.uneven else None
        return self.without_empty(Opened(part, table.columns, table.places, ragged), table.layout)

    def without_empty(self, opened: Opened, layout: CsvLayout) -> Opened:
        """The file without its columns that have neither a name nor a cell that says something.

        Spreadsheets and databases write them behind the last one, and beside deleted ones. Raises RuleError.
        """
        nameless = [number for number, (name, _) in enumerate(opened.columns) if not folded(name)]
        if not nameless or opened.ragged is not None:
            return opened
        places = first_cells(layout, self.filled(opened.part, layout, nameless))
        remaining = [n for n in range(len(opened.columns)) if n in places or n not in nameless]
        return replace(
            opened,
            columns=[opened.columns[n] for n in remaining],
            places=[opened.places[n] for n in remaining],
            nameless={opened.columns[n][0]: place for n, place in places.items()},
        )

    def filled(self, part: Part, layout: CsvLayout, numbers: Sequence[int]) -> list[int]:
        """Those of some columns in which a cell says something. Raises RuleError when the file cannot be read."""
        counts = ", ".join(f"count(nullif(trim({identifier(str(n))}, $invisible), ''))" for n in numbers)
        relation = layout.relation(map(str, range(layout.width)))
        try:
            query = self.connection.execute(f"SELECT {counts} FROM {relation}", {"invisible": INVISIBLE})
            return [n for n, count in zip(numbers, query.fetchone() or (), strict=True) if count]
        except (duckdb.Error, UnicodeError) as error:
            if isinstance(error, duckdb.OutOfMemoryException):
                raise
            raise explained(part, str(error)) from None

    def text(self, path: Path, head: bytes, encoding: str | None, sheet: str | None) -> Plain:
        """A file as CSV text in UTF-8. Raises RuleError."""
        kind = next((kind for magic, kind in _PACKED.items() if head.startswith(magic)), None)
        if head.startswith((_ZIP, _OLE)) or path.suffix.lower() in WORKBOOKS:
            target = self.scratch()
            doubt = write_workbook(path, target, sheet)
            return replace(plain(target, self.scratch, UTF_8), doubt=doubt)
        if kind is not None:
            raise RuleError([catalogue.diagnostic("E514.packed", unlined(str(path)), kind=kind)])
        text = plain(path, self.scratch, encoding)
        if path.name.lower().removesuffix(".gz").endswith(LINES):
            target = self.scratch()
            write_json_lines(text.path, path, target)
            return replace(plain(target, self.scratch, UTF_8), encoding=text.encoding, doubt=text.doubt)
        return text

    def table(self, address: TableAddress, name: str) -> Opened:
        """A table of a database. Raises RuleError when it cannot be read."""
        check_readable(address)
        target = self.scratch()
        if address.kind in KINDS:
            exported(address, target)
            return self.parquet(target, name, address.shown)
        status = address.file.stat()
        named = f"{address.kind}:{address.file.absolute()}?table={address.table}"
        stamp = (status.st_size, status.st_mtime_ns)
        if address.kind == "duckdb":
            relation = attached(address, self.connection, target)
            described = self.connection.execute(f"DESCRIBE FROM {relation}").fetchall()
            columns = [(row[0], self._type(relation, row[0], row[1])) for row in described]
            part = Part(address.file, name, {}, relation, False, Plain(address.file, UTF_8), stamp, named)
            return Opened(part, columns, list(range(1, len(columns) + 1)))
        exported(address, target)
        text = plain(target, self.scratch, UTF_8)
        table = csv_table(address.file, text)
        part = Part(address.file, name, {}, table.relation, False, text, stamp, named, layout=table.layout)
        return Opened(part, table.columns, table.places)

    def _type(self, relation: str, column: str, type_: str) -> str:
        """The type of a table's column; of floating numbers none where nothing stands in it."""
        if type_ not in ("DOUBLE", "FLOAT"):
            return type_
        (count,) = self.connection.execute(
            f"SELECT count({identifier(column)}) FROM {relation}"
        ).fetchone() or (1,)
        return type_ if count else '"NULL"'

    def parquet(self, path: Path, name: str, named: str = "") -> Opened:
        """A Parquet file, or the table of that name written as one. Raises RuleError when it cannot be read."""
        status = path.stat()
        described = parquet_columns(path, self.connection, Path(named) if named else path)
        scanned = f"read_parquet({pattern(path)}, file_row_number=true, hive_partitioning=false)"
        relation = f'(SELECT file_row_number + 1 AS "{ROW}", * FROM {scanned})'
        stamp = (status.st_size, status.st_mtime_ns)
        part = Part(path, name, {}, relation, True, Plain(path, UTF_8), stamp, named, parquet=True)
        return Opened(part, described, list(range(1, len(described) + 1)))

    def arrow(self, path: Path, name: str) -> Opened:
        """An Arrow (Feather) file, read as the Parquet file it is written as. Raises RuleError when it cannot be read."""
        target = self.scratch().with_suffix(".parquet")
        as_parquet(path, target)
        opened = self.parquet(target, name, str(path))
        status = path.stat()
        part = replace(
            opened.part, path=path, named="", parquet=False, text=Plain(path, UTF_8),
            stamp=(status.st_size, status.st_mtime_ns),
        )  # fmt: skip
        return replace(opened, part=part)

    def input(self, entity: Entity, opened: Sequence[Opened], mapping: EntityMapping | None) -> Input:
        """An entity's files with their columns matched, mapped before where there is a mapping. Raises RuleError."""
        parts: list[Part] = []
        wrong: list[Diagnostic] = []
        if mapping is not None:
            _check_cell_counts(opened)
        files_, report = (None, None) if mapping is None else self.mapped(entity, opened, mapping)
        for number, file in enumerate(opened):
            part, unmatched, places = file.part, file.columns, file.places
            if files_ is not None:
                mapped = files_[number]
                part = replace(
                    part,
                    columns=mapped.columns,
                    relation=mapped.relation,
                    numbered=True,
                    sources=mapped.sources,
                    parquet=False,
                    mapped=True,
                )
                unmatched, places = (
                    [unmatched[n] for n in mapped.unnamed],
                    [places[n] for n in mapped.unnamed],
                )
            header = replace(file, columns=unmatched, places=places).header(self.program, entity)
            try:
                columns = header.matched(part.columns)
                parts.append(replace(part, columns=columns))
            except RuleError as error:
                wrong += self._with_title(entity, file, error)
        if wrong:
            raise RuleError(wrong)
        _check_cell_counts(opened)
        doubts = tuple(part.text.doubt for part in parts if part.text.doubt is not None)
        return Input(entity.name, tuple(parts), report, doubts)

    def _with_title(self, entity: Entity, file: Opened, error: RuleError) -> Sequence[Diagnostic]:
        """What is wrong with a header: it may be one that a shipped mapping reads, or a title before the header."""
        unknown = any(part.code in ("E502", "E542") for part in error.diagnostics)
        if unknown and (name := likely_mapping(file.columns, self.program, entity.name)) is not None:
            place = Span(str(file.part.shown), file.line, 1)
            return [diagnostics.no_header(place, entity.key, mapping=name)]
        layout = file.part.layout
        if layout is None or all(diagnostic.code != "E542" for diagnostic in error.diagnostics):
            return error.diagnostics
        for lines in range(layout.title_lines + 1, layout.title_lines + _TITLES):
            try:
                table = csv_table(file.part.shown, file.part.text, lines)
            except RuleError:
                continue
            if Header(self.program, entity, file.part.path, table.columns, table.places).known:
                return [
                    diagnostics.no_header(Span(str(file.part.shown), layout.line, 1), entity.key, lines + 1)
                ]
        part = file.part
        if part.sheet is None and part.path.name.lower().endswith(WORKBOOKS):
            place = Span(str(part.path), layout.line, 1)
            return [diagnostics.no_header(place, entity.key, workbook=part.path.name)]
        return error.diagnostics

    def mapped(
        self, entity: Entity, opened: Sequence[Opened], mapping: EntityMapping
    ) -> tuple[list[MappedFile], MappingReport]:
        """The files as the mapping has them. Raises RuleError where it names columns that no file has."""
        if opened and (absent := _absent(self.program, entity, mapping, opened)):
            raise RuleError(absent)
        mapper = MappedEntity(self.program, entity.name, mapping, self.connection, self.scratch, self.as_of)
        for file in opened:
            try:
                relation = file.part.relation if file.part.numbered else self.cells(file.part.relation)
                mapper.stage(Source(relation, file.columns))
            except (duckdb.Error, UnicodeError) as error:
                if isinstance(error, duckdb.OutOfMemoryException):
                    raise
                raise explained(file.part, str(error)) from None
        return mapper.finish(), mapper.report

    def cells(self, relation: str) -> str:
        """A text file's cells with the numbers of their rows, parsed once for all entities that are in it.

        A query that numbers rows as they are parsed would keep to one thread. Raises duckdb.Error.
        """
        if relation not in self.parsed:
            path = self.scratch().with_suffix(".parquet")
            self.connection.execute(f"COPY (FROM {relation}) TO {quoted(str(path))} (FORMAT parquet)")
            scanned = f"read_parquet({pattern(path)}, file_row_number=true)"
            self.parsed[relation] = (
                f'(SELECT file_row_number + 1 AS "{ROW}", * EXCLUDE (file_row_number) FROM {scanned})'
            )
        return self.parsed[relation]


def _check_cell_counts(opened: Sequence[Opened]) -> None:
    """Raises RuleError where lines have more or fewer cells than their header, or two columns one name."""
    for file in opened:
        check_names_differ(file.part.shown, file.columns, file.places, file.line)
    if ragged := [file.ragged for file in opened if file.ragged is not None]:
        raise RuleError(ragged)


def _absent(
    program: Program, entity: Entity, mapping: EntityMapping, opened: Sequence[Opened]
) -> list[Diagnostic]:
    """Columns of a mapping that no file has, unless it allows for that.

    A first line of which no cell is a name may be somebody's record, and is not repeated.
    """
    columns = [Columns(file.columns) for file in opened]
    is_header = any(part.column(names_) is not None for names_, _ in mapping.named() for part in columns)
    is_header |= any(Header(program, entity, f.part.path, f.columns, f.places).known for f in opened)
    known = dict.fromkeys(name.strip() for file in opened for name, _ in file.columns) if is_header else {}
    listed = ", ".join(file.part.name for file in opened)
    return [
        diagnostics_of_mapping.no_such_column(span, names_[0], listed, known)
        for names_, span in dict(mapping.named(needed=True)).items()
        if not mapping.missing_allowed and not any(column.column(names_) for column in columns)
    ]


def file_opened(
    program: Program, path: Path | str, connection: duckdb.DuckDBPyConnection, folder: Path, encoding: str | None,
    entity: str | None,
) -> Opened:  # fmt: skip
    """One file whose columns nobody has matched yet. Raises RuleError."""
    (file_opened,) = files(path)
    written = encodings_of(encoding, program.entities)[entity or program.entry]
    return _Opening(program, connection, Scratch(folder), None).file(
        file_opened, file_opened.name, written, 0
    )


def parts_of(inputs: Mapping[str, Input]) -> Iterator[Part]:
    """Every file of every entity."""
    return (part for source in inputs.values() for part in source.parts)


def unchanged(part: Part) -> bool:
    """Whether the file still is as it was when it was opened."""
    status = part.path.stat()
    return part.stamp == (status.st_size, status.st_mtime_ns)


# -- what a file is --------------------------------------------------------------------------


def explained(part: Part, words: str) -> RuleError:
    """The mistake behind what DuckDB said while it read the file; its own words may quote a record."""
    if part.named:
        return RuleError([diagnostics.bad_database(part.named)])
    if part.layout is None:
        return RuleError([diagnostics.bad_parquet(unlined(str(part.path)))])
    return explained_csv(part.layout, words)
