"""Input files of a batch: found, their headers matched to the vocabulary.

In: what the operator names: CSV or Parquet files, folders, patterns. Out: `Input`: for each file what to
read and which column is which fact. Mistakes in the headers of all files are reported together, each at
its column, with the nearest known name. Invariants: the file named is the file read, whatever characters
its path holds; no message repeats what a record says.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import duckdb

from mianshen.ingest import diagnostics, plausibility_diagnostics
from mianshen.ingest import mapping_diagnostics as diagnostics_of_mapping
from mianshen.ingest.databases import TableAddress, attached, exported, refuse_unreadable, table_address
from mianshen.ingest.encodings import UTF_8, Plain, head_of, plain
from mianshen.ingest.input_paths import Named, files, names
from mianshen.ingest.mapped_files import MappedEntity, MappedFile, MappingReport, Source
from mianshen.ingest.mapping import EntityMapping, mapping_file
from mianshen.ingest.mapping_reader import read_mapping
from mianshen.ingest.mapping_sql import Columns
from mianshen.ingest.mapping_sql import identifier as identifier  # noqa: PLC0414
from mianshen.ingest.mapping_sql import quoted as quoted  # noqa: PLC0414
from mianshen.program.program import Entity, Fact, Program
from mianshen.source import Diagnostic, Message, RuleError, Span, nearest
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.read_columns import WrongColumn, read_column

ROW: Final = "?row"  # the record's number in its file, from 1
_TELLING: Final = 3  # columns from which a header tells what a file is
_MOSTLY: Final = 0.6  # of them are one entity's
_HEAD: Final = 1 << 20  # bytes a header may fill
_PARQUET: Final = b"PAR1"
_PACKED: Final = {
    b"PK\x03\x04": "zip, xlsx",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xd0\xcf\x11\xe0": "xls",
}
_SEPARATORS: Final = (";", "\t", "|", "，", "；")
_LINE: Final = re.compile(r"CSV Error on Line: (\d+)")
_COUNTS: Final = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of one entity. `columns`: fact name to (column as written, DuckDB type).

    `relation` is what stands after FROM: the file's columns and, if `numbered`, `?row`; if not, the rows
    come in the order of the file as long as nothing joins them. `text` is what is read of a CSV file.
    `stamp` changes when the file does.
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


@dataclass(frozen=True, slots=True)
class Input:
    """The files of one entity, in order; their records are numbered through. `report`: what a mapping made of them."""

    entity: str
    parts: tuple[Part, ...]
    report: MappingReport | None = None


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

    `folder`: where the text of files goes that are not UTF-8; `encoding` of CSV files, None: found out;
    `mapping`: a file, or a shipped one's name, that says which of their columns are which facts; `as_of`: the day on
    which identities that it dates are held against.
    """
    found: dict[str, list[Path]] = {}
    wrong: list[Diagnostic] = []
    for entity, each in named.items():
        try:
            found[entity] = files(each)
        except RuleError as error:
            wrong += error.diagnostics
    mappings = {} if mapping is None else read_mapping(mapping_file(mapping), program).entities
    opening = _Opening(program, connection, Scratch(folder), encoding, as_of)
    called = names(path for paths in found.values() for path in paths)
    inputs: dict[str, Input] = {}
    for entity, paths in found.items():
        opened: list[_Opened] = []
        for path in paths:
            try:
                opened.append(
                    opening.file(path, called[path], mappings.get(entity, EntityMapping()).title_lines)
                )
            except RuleError as error:
                wrong += error.diagnostics
        try:
            inputs[entity] = opening.input(program.entities[entity], opened, mappings.get(entity))
        except RuleError as error:
            wrong += error.diagnostics
    if wrong:
        raise RuleError(wrong)
    return inputs


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file whose columns are not matched yet. `places`: where in its first line each column begins."""

    part: Part
    found: list[tuple[str, str]]
    places: list[int]


@dataclass(frozen=True, slots=True)
class _Opening:
    program: Program
    connection: duckdb.DuckDBPyConnection
    scratch: Scratch
    encoding: str | None
    as_of: dt.date | None

    def file(self, path: Path, name: str, title_lines: int) -> _Opened:
        """A file or a table of a database. Raises RuleError when it cannot be read."""
        address = table_address(path)
        if address is not None:
            return self.table(address, name)
        head = _head(path)
        status = path.stat()
        numbered = head.startswith(_PARQUET) or path.suffix.lower() == ".parquet"
        text = Plain(path, UTF_8)
        if numbered:
            scanned = f"read_parquet({pattern(path)}, file_row_number=true, hive_partitioning=false)"
            relation = f'(SELECT file_row_number + 1 AS "{ROW}", * FROM {scanned})'
            found = _described(path, self.connection)
            places = list(range(1, len(found) + 1))
        else:
            _refuse_packed(path, head)
            text = plain(path, self.scratch, self.encoding)
            found, places, relation = _as_csv(path, text, title_lines)
        stamp = (status.st_size, status.st_mtime_ns)
        return _Opened(Part(path, name, {}, relation, numbered, text, stamp), found, places)

    def table(self, address: TableAddress, name: str) -> _Opened:
        refuse_unreadable(address)
        status = address.file.stat()
        text = Plain(address.file, UTF_8)
        if address.kind == "duckdb":
            relation = attached(address, self.connection)
            described = self.connection.execute(f"DESCRIBE FROM {relation}").fetchall()
            found = [(row[0], row[1]) for row in described]
            places = list(range(1, len(found) + 1))
        else:
            text = Plain(self.scratch(), UTF_8)
            exported(address, text.path)
            found, places, relation = _as_csv(address.file, text)
        named = f"{address.kind}:{address.file.absolute()}?table={address.table}"
        stamp = (status.st_size, status.st_mtime_ns)
        return _Opened(Part(address.file, name, {}, relation, False, text, stamp, named), found, places)

    def input(self, entity: Entity, opened: Sequence[_Opened], mapping: EntityMapping | None) -> Input:
        """An entity's files with their columns matched, mapped before where there is a mapping. Raises RuleError."""
        parts: list[Part] = []
        wrong: list[Diagnostic] = []
        files_, report = (None, None) if mapping is None else self.mapped(entity, opened, mapping)
        for number, file in enumerate(opened):
            part, found, places = file.part, file.found, file.places
            if files_ is not None:
                mapped = files_[number]
                part = replace(
                    part,
                    columns=mapped.columns,
                    relation=mapped.relation,
                    numbered=True,
                    sources=mapped.sources,
                )
                found, places = [found[n] for n in mapped.left], [places[n] for n in mapped.left]
            try:
                columns = _matched(self.program, entity, part.path, found, places, part.columns)
                parts.append(replace(part, columns=columns))
            except RuleError as error:
                wrong += error.diagnostics
        if wrong:
            raise RuleError(wrong)
        return Input(entity.name, tuple(parts), report)

    def mapped(
        self, entity: Entity, opened: Sequence[_Opened], mapping: EntityMapping
    ) -> tuple[list[MappedFile], MappingReport]:
        """The files as the mapping has them. Raises RuleError where it names columns that no file has."""
        if opened and (absent := _absent(mapping, opened)):
            raise RuleError(absent)
        mapper = MappedEntity(self.program, entity.name, mapping, self.connection, self.scratch, self.as_of)
        for file in opened:
            try:
                mapper.stage(Source(file.part.relation, file.found, file.part.numbered))
            except (duckdb.Error, UnicodeError) as error:
                if isinstance(error, duckdb.OutOfMemoryException):
                    raise
                raise explained(file.part, str(error)) from None
        return mapper.finish(), mapper.report


def _absent(mapping: EntityMapping, opened: Sequence[_Opened]) -> list[Diagnostic]:
    """Columns of a mapping that no file has, unless it allows for that."""
    columns = [Columns(file.found) for file in opened]
    known = list(dict.fromkeys(name.strip() for file in opened for name, _ in file.found))
    shown = ", ".join(file.part.name for file in opened)
    return [
        diagnostics_of_mapping.no_such_column(span, names_[0], shown, known)
        for names_, span in dict(mapping.named()).items()
        if not mapping.missing_allowed and not any(each.column(names_) for each in columns)
    ]


def parts_of(inputs: Mapping[str, Input]) -> Iterator[Part]:
    """Every file of every entity."""
    return (part for source in inputs.values() for part in source.parts)


def unchanged(part: Part) -> bool:
    """Whether the file still is as it was when it was opened."""
    status = part.path.stat()
    return part.stamp == (status.st_size, status.st_mtime_ns)


def pattern(path: Path) -> str:
    """A path as a SQL text literal that DuckDB takes for this file alone, not for a pattern of names."""
    return quoted(re.sub(r"([*?\[])", r"[\1]", str(path)))


# -- what a file is --------------------------------------------------------------------------


def _refuse(*found: Diagnostic) -> RuleError:
    return RuleError(found)


def _unreadable(path: Path, en: str, zh: str, line: int = 1) -> RuleError:
    return _refuse(diagnostics.cannot_read(Span(str(path), line, 1), en, zh))


def _head(path: Path) -> bytes:
    """The first bytes of a regular file."""
    if path.is_dir():
        raise _unreadable(path, "it is a folder", "这是一个文件夹")
    if not path.exists():
        raise _unreadable(path, "there is no such file", "没有这个文件")
    if not path.is_file():
        raise _unreadable(path, "it is not a regular file", "不是普通文件")
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise _unreadable(path, error.strerror or "", error.strerror or "") from None


def _described(path: Path, connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    try:
        rows = connection.execute(
            f"DESCRIBE SELECT * FROM read_parquet({pattern(path)}, hive_partitioning=false)"
        ).fetchall()
    except (duckdb.Error, UnicodeError):
        raise _refuse(diagnostics.bad_parquet(Span(str(path), 1, 1))) from None
    return [(row[0], row[1]) for row in rows]


def _refuse_packed(path: Path, head: bytes) -> None:
    for magic, kind in _PACKED.items():
        if head.startswith(magic):
            raise _refuse(diagnostics.packed(Span(str(path), 1, 1), kind))


def _as_csv(path: Path, text: Plain, title_lines: int = 0) -> tuple[list[tuple[str, str]], list[int], str]:
    """The columns of a CSV file with their types, where each begins, and how to read it."""
    names, places = _header(path, text, title_lines)
    listed = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
    relation = (
        f"read_csv({pattern(text.path)}, auto_detect=false, header=true, delim=',', quote='\"', escape='\"', "
        f"skip={title_lines}, nullstr='', compression='none', hive_partitioning=false, columns={{{listed}}})"
    )
    return [(name, "VARCHAR") for name in names], places, relation


def _header(path: Path, text: Plain, title_lines: int) -> tuple[list[str], list[int]]:
    """The names in the first line of a CSV file after its title, and the character at which each begins."""
    head = head_of(text, _HEAD)
    for _ in range(title_lines):
        head = head.partition("\n")[2]
    if not head.strip():
        raise _unreadable(path, "the file is empty", "文件是空的")
    names, places = _cells(head)
    if not "".join(names).strip():
        raise _unreadable(path, "its first line names no column", "首行没有列名")
    separator = next((s for s in _SEPARATORS if len(names) == 1 and s in names[0]), None)
    if separator is not None:
        raise _refuse(
            diagnostics.other_separator(Span(str(path), 1, names[0].index(separator) + 1), separator)
        )
    return names, places


def _cells(text: str) -> tuple[list[str], list[int]]:
    """The cells of the first line, and the character at which each begins."""
    cells, places, start, inside = [], [], 0, False
    for at, character in enumerate(text):
        if character == '"':
            inside = not inside
        elif not inside and character in ",\r\n":
            cells.append(text[start:at])
            places.append(start + 1)
            start = at + 1
            if character != ",":
                break
    else:
        cells.append(text[start:])
        places.append(start + 1)
    return [_unquoted(cell) for cell in cells], places


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


# -- what went wrong while reading -----------------------------------------------------------


def explained(part: Part, words: str) -> RuleError:
    """The mistake behind what DuckDB said while it read the file; its own words may quote a record."""
    path = part.path
    if part.numbered:
        return _refuse(diagnostics.bad_parquet(Span(str(path), 1, 1)))
    told, counts = _LINE.search(words), _COUNTS.search(words)
    place = Span(str(path), int(told[1]) if told else 1, 1)
    if counts is not None:
        return _refuse(diagnostics.ragged(place, int(counts[1]), int(counts[2])))
    if "unterminated quote" in words:
        return _refuse(diagnostics.bad_quotes(place))
    if (mixed := _other_ending(part.text.path)) is not None:
        return _refuse(diagnostics.mixed_endings(Span(str(path), mixed, 1)))
    return _refuse(diagnostics.bad_csv(place))


def _other_ending(path: Path) -> int | None:
    """The first line that ends otherwise than the first one."""
    first = None
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            ending = b"\r\n" if line.endswith(b"\r\n") else b"\n" if line.endswith(b"\n") else first
            first = ending if first is None else first
            if ending != first or b"\r" in line.removesuffix(b"\r\n"):
                return number
    return None


# -- which column is which fact --------------------------------------------------------------


def _matched(
    program: Program,
    entity: Entity,
    path: Path,
    found: list[tuple[str, str]],
    places: list[int],
    given: Mapping[str, tuple[str, str]],
) -> dict[str, tuple[str, str]]:
    """The facts of a file's columns; `given` are those a mapping has named."""
    facts = {name: fact for (owner, name), fact in program.facts.items() if owner == entity.name}
    names = _names(facts)
    if (other := _other_entity(program, entity, [written.strip() for written, _ in found])) is not None:
        raise _refuse(plausibility_diagnostics.looks_like(Span(str(path), 1, 1), entity.title, other.title))
    header = bool(given) or any(written.strip() in names for written, _ in found)
    if not header and not any(nearest(written, names) for written, _ in found):
        raise _refuse(diagnostics.no_header(Span(str(path), 1, 1), entity.key))
    columns: dict[str, tuple[str, str]] = dict(given)
    meant: set[str] = set()  # what misspelt columns seem to be
    wrong: list[Diagnostic] = []
    for number, ((written, type_), at) in enumerate(zip(found, places, strict=True), 1):
        place = Span(str(path), 1, at)
        name = names.get(written.strip())
        if not written.strip():
            wrong.append(diagnostics.nameless_column(place, number))
        elif name is None:
            near = nearest(written, names)
            meant.add(names[near] if near else "")
            # a first line in which nothing is a column's name may be a record: what may be a person's is not repeated
            plain = header or near or (written.isascii() and written.isidentifier())
            wrong.append(diagnostics.unknown_column(place, written if plain else None, number, near))
        elif name in columns:
            wrong.append(diagnostics.doubled_column(place, name))
        else:
            columns[name] = (written, type_)
            if (why := _unfit(program, facts[name], type_)) is not None:
                wrong.append(diagnostics.wrong_column(place, name, type_, why))
    for name, (_, type_) in given.items():
        if (why := _unfit(program, facts[name], type_)) is not None:
            wrong.append(diagnostics.wrong_column(Span(str(path), 1, 1), name, type_, why))
    for name, fact in facts.items():
        if fact.required and name not in columns and name not in meant:
            wrong.append(diagnostics.missing_column(Span(str(path), 1, 1), name))
    if wrong:
        raise RuleError(wrong)
    return columns


def _other_entity(program: Program, entity: Entity, written: Sequence[str]) -> Entity | None:
    """The entity that a header is plainly of, where it is not the one that the file is given for."""

    def share(of: Entity) -> float:
        names = _names({name: fact for (owner, name), fact in program.facts.items() if owner == of.name})
        return sum(name in names for name in written) / max(len(written), 1)

    best = max(program.entities.values(), key=share)
    plain = len(written) >= _TELLING and share(best) >= _MOSTLY and share(entity) <= 1 - _MOSTLY
    return best if plain and best.key in written else None


def _names(facts: dict[str, Fact]) -> dict[str, str]:
    """Names and titles to facts; a title that several facts share, or that is another's name, is none."""
    titles: dict[str, set[str]] = {}
    for name, fact in facts.items():
        for title in (fact.title.zh, fact.title.en):
            titles.setdefault(title, set()).add(name)
    return {
        **{title: min(owners) for title, owners in titles.items() if len(owners) == 1},
        **{name: name for name in facts},
    }


def _unfit(program: Program, fact: Fact, type_: str) -> Message | None:
    """What a column should be instead of a type that cannot give the fact exactly."""
    try:
        read_column(fact, terms.column("x"), type_, dict(program.codes), lambda _, value: value)
    except WrongColumn as wrong:
        return wrong.wanted
    return None
