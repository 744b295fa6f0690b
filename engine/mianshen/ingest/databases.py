"""Tables of databases as inputs: `duckdb:people.db?table=residents`, `sqlite:people.sqlite?table=main.claims`.

In: an address. Out: what to read. DuckDB's own files are attached, read only. SQLite's are written out as
text first, by Python's own reader: its columns have no type, so a number stored as REAL is taken as the
shortest decimal that it is the nearest to, which is the decimal that was put in. PostgreSQL needs an
extension of DuckDB that no package registry carries for the release in use: an error says so.
"""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from mianshen.ingest import diagnostics
from mianshen.source import RuleError, Span

_ADDRESS: Final = re.compile(r"(duckdb|sqlite|postgres|postgresql):(.+)\?table=([^?&]+)", re.DOTALL)
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
        return f"{self.kind}:…?table={self.table}" if self.kind.startswith("postgres") else self.plain

    @property
    def plain(self) -> str:
        """The address as it is written."""
        return f"{self.kind}:{self.file}?table={self.table}"

    @property
    def relation(self) -> str:
        """The table's name as SQL has it."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in self.table.split("."))


def table_address(named: Path | str) -> TableAddress | None:
    """The table that is named, None where a file is."""
    found = _ADDRESS.fullmatch(str(named))
    return None if found is None else TableAddress(found[1], Path(found[2]), found[3])


def file_behind(named: Path) -> Path:
    """The file that a name leads to: itself, or the database of a table."""
    address = table_address(named)
    return named if address is None else address.file


def refuse_unreadable(address: TableAddress) -> None:
    """Raises RuleError where the kind of database cannot be read here, or the file is not there."""
    if address.kind.startswith("postgres"):
        raise RuleError([diagnostics.no_scanner(address.shown, "postgres_scanner", duckdb.__version__)])
    if not address.file.is_file():
        raise RuleError(
            [diagnostics.cannot_read(Span(str(address.file), 1, 1), "there is no such file", "没有这个文件")]
        )


def attached(address: TableAddress, connection: duckdb.DuckDBPyConnection) -> str:
    """A table of a DuckDB file, as it stands after FROM. Raises RuleError."""
    alias = f"?at:{address.file.resolve()}"
    quoted = '"' + alias.replace('"', '""') + '"'
    file = "'" + str(address.file).replace("'", "''") + "'"
    try:
        connection.execute(f"ATTACH IF NOT EXISTS {file} AS {quoted} (READ_ONLY)")
        relation = f"{quoted}.{address.relation}"
        connection.execute(f"DESCRIBE FROM {relation}")
    except duckdb.CatalogException:
        raise RuleError([diagnostics.no_table(address.plain, address.table)]) from None
    except duckdb.Error:
        raise RuleError([diagnostics.bad_database(address.plain)]) from None
    return relation


def exported(address: TableAddress, target: Path) -> None:
    """A table of a SQLite file written as CSV, in the order of its rows. Raises RuleError."""
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
                writer.writerows([_text(cell, address) for cell in row] for row in _rows(cursor))
    except sqlite3.Error:
        raise RuleError([diagnostics.bad_database(address.plain)]) from None


def _rows(cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(_MANY):
        yield from rows


def _text(cell: object, address: TableAddress) -> str:
    match cell:
        case None:
            return ""
        case float():
            return f"{Decimal(repr(cell)):f}"
        case bytes():
            raise RuleError([diagnostics.bad_database(address.plain)])
        case _:
            return str(cell)
