"""Tables of databases as inputs: `duckdb:people.db?table=residents`, `sqlite:people.sqlite?table=main.claims`.

In: an address. Out: what to read. DuckDB's own files are attached, read only; a view there is read by a connection
that can open no other file. SQLite's tables are written out as text first, by Python's own reader: its columns
have no type, so a number stored as REAL is taken as the shortest decimal that it is the nearest to, which is the
decimal that was put in. PostgreSQL's (`postgres.py`) are written out as Parquet.
"""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet as pq

from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics
from mianshen.ingest.postgres import KINDS, connection_words, export_table
from mianshen.ingest.workbooks import workbook_named
from mianshen.mapping.text import identifier, quoted
from mianshen.source import Message, RuleError, Span, unlined

_ADDRESS: Final = re.compile(r"(duckdb|sqlite|postgres|postgresql):(.+)[?&]table=([^?&]+)", re.DOTALL)
_SLASHES: Final = re.compile(r"^(postgres(?:ql)?:)//")
_TWO: Final = "%2F%2F"
_MANY: Final = 10_000  # rows at a time


@dataclass(frozen=True, slots=True)
class TableAddress:
    """A table in a database file; `table` may name its schema first, `main.residents`."""

    kind: str
    file: Path
    table: str

    @property
    def shown(self) -> str:
        """The address without what a connection's words may hold, such as a password."""
        return f"{self.kind}:…?table={self.table}" if self.kind in KINDS else self.plain

    @property
    def rest(self) -> str:
        """What stands behind the kind, as it is written."""
        return unslashed(str(self.file))

    @property
    def plain(self) -> str:
        """The address as it is written."""
        return f"{self.kind}:{self.file}?table={self.table}"

    @property
    def relation(self) -> str:
        """The table's name as SQL has it."""
        return ".".join(map(identifier, self.table.split(".")))


def table_address(named: Path | str) -> TableAddress | None:
    """The table that is named, None where a file is."""
    match = _ADDRESS.fullmatch(str(named))
    return None if match is None else TableAddress(match[1], Path(match[2]), match[3])


def slashed(named: str | Path) -> Path:
    """A name as a path, which keeps the two slashes of an address."""
    return Path(_SLASHES.sub(rf"\1{_TWO}", named) if isinstance(named, str) else named)


def unslashed(rest: str) -> str:
    return rest.replace(_TWO, "//", 1) if rest.startswith(_TWO) else rest


def file_behind(named: Path) -> Path:
    """The file that a name leads to: itself, the database of a table, the workbook of a sheet."""
    address = table_address(named)
    return workbook_named(named)[0] if address is None else address.file


def check_readable(address: TableAddress) -> None:
    """Raises RuleError where the file is not there."""
    if address.kind not in KINDS and not address.file.is_file():
        raise RuleError(
            [diagnostics.cannot_read(unlined(str(address.file)), "there is no such file", "没有这个文件")]
        )


def attached(address: TableAddress, connection: duckdb.DuckDBPyConnection, target: Path) -> str:
    """A table of a DuckDB file, as it stands after FROM; a view is written to `target` first. Raises RuleError."""
    alias = f"?at:{address.file.resolve()}"
    quoted_alias = identifier(alias)
    try:
        connection.execute(f"ATTACH IF NOT EXISTS {quoted(str(address.file))} AS {quoted_alias} (READ_ONLY)")
        schema, _, name = address.table.rpartition(".")
        views = connection.execute(
            "SELECT count(*) FROM duckdb_views() WHERE database_name = ? AND view_name = ? AND schema_name = ?",
            [alias, name, schema or "main"],
        ).fetchone()
        if views is not None and views[0]:
            _write_view(address, target)
            return f"read_parquet({quoted(str(target))})"
        relation = f"{quoted_alias}.{address.relation}"
        connection.execute(f"DESCRIBE FROM {relation}")
    except duckdb.CatalogException:
        raise RuleError([diagnostics.no_table(address.plain, address.table)]) from None
    except duckdb.Error:
        raise RuleError([diagnostics.bad_database(address.plain)]) from None
    return relation


def _write_view(address: TableAddress, target: Path) -> None:
    """A view's rows, as a connection has them that opens no file but the database."""
    locked: dict[str, Any] = {"enable_external_access": "false", "lock_configuration": "true"}
    try:
        with closing(duckdb.connect(str(address.file), read_only=True, config=locked)) as database:
            reader = database.sql(f"FROM {address.relation}").to_arrow_reader(_MANY)
            with pq.ParquetWriter(target, reader.schema) as writer:
                for batch in reader:
                    writer.write_batch(batch)
    except duckdb.PermissionException:
        raise RuleError([diagnostic("E588.view_reads_files", unlined(address.plain))]) from None


def exported(address: TableAddress, target: Path) -> None:
    """A table written to a file: PostgreSQL's as Parquet, SQLite's as CSV, in the order of its rows. Raises RuleError."""
    if address.kind in KINDS:
        words = connection_words(address.rest)
        export_table(words, address.relation, address.shown, address.table, target)
        return
    place = f"{address.file.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(place, uri=True)) as database:
            known = "SELECT count(*) FROM pragma_table_info(?)"
            if not database.execute(known, [address.table.rpartition(".")[2]]).fetchone()[0]:
                raise RuleError([diagnostics.no_table(address.plain, address.table)])
            cursor = database.execute(f"SELECT * FROM {address.relation}")  # a quoted name
            names = [column[0] for column in cursor.description]
            with target.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(names)
                writer.writerows(
                    [_text(cell) for cell in _readable(row, address, names, line)]
                    for line, row in enumerate(_rows(cursor), 2)
                )
    except sqlite3.Error:
        raise RuleError([diagnostics.bad_database(address.plain)]) from None


def _rows(cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(_MANY):
        yield from rows


def _readable(
    row: tuple[Any, ...], address: TableAddress, names: Sequence[str], line: int
) -> tuple[Any, ...]:
    """A row, as it is. Raises RuleError where a cell holds bytes, which are no text."""
    for number, cell in enumerate(row):
        if isinstance(cell, bytes):
            place, wanted = Span(str(address.file), line, number + 1), Message("文本", "text")
            raise RuleError(
                [diagnostic("E505.wrong_column", place, name=names[number], found="BLOB", wanted=wanted)]
            )
    return row


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case float():
            return f"{Decimal(repr(cell)):f}"
        case _:
            return str(cell)
