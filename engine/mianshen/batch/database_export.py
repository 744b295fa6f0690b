"""A finished batch's tables put into a database: `duckdb:results.db`, `sqlite:results.sqlite`, `postgresql://host/db`.

In: the folder of a finished run, an address. Out: tables `mianshen_residents`, `mianshen_claims`,
`mianshen_rejects` and what else the run wrote, all replaced in one transaction; those of an
earlier run go. Money goes into SQLite as text, for SQLite has no decimals.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from mianshen.batch import diagnostics
from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics as input_diagnostics
from mianshen.ingest.databases import table_address
from mianshen.ingest.input_paths import Named, paths_of
from mianshen.ingest.inputs import identifier, pattern, quoted
from mianshen.ingest.postgres import KINDS, connection_words, put_tables
from mianshen.source import RuleError, unlined

PREFIX: Final = "mianshen_"
_ADDRESS: Final = re.compile(r"(duckdb|sqlite|postgres|postgresql):(.+)", re.DOTALL)
_MANY: Final = 10_000  # rows at a time


@dataclass(frozen=True, slots=True)
class Target:
    """A database that takes results: a file, or PostgreSQL by the words that connect to it."""

    kind: str
    file: Path
    words: str | None = None

    @property
    def shown(self) -> str:
        """The address without what the words may hold, such as a password."""
        return f"{self.kind}:…" if self.words is not None else f"{self.kind}:{self.file}"


def target(named: str) -> Target:
    """The database that an address names. Raises RuleError where there is none or it cannot be written here."""
    match = _ADDRESS.fullmatch(named)
    if match is None:
        raise RuleError([diagnostic("E538.bad_target", unlined(named))])
    if match[1] in KINDS:
        return Target(match[1], Path(), connection_words(match[2]))
    return Target(match[1], Path(match[2]))


def check_replaces_no_input(to: Target, inputs: Mapping[str, Named]) -> None:
    """No table that the run reads may be one that results replace. Raises RuleError."""
    for path in paths_of(inputs):
        address = table_address(path)
        if address is None or to.words is not None or not address.table.startswith(PREFIX):
            continue
        if address.file.resolve() == to.file.resolve():
            raise RuleError([diagnostics.inputs_inside(to.shown, address.table)])


def put_into(to: Target, folder: Path) -> list[str]:
    """Put the run's tables into the database; their names. Raises RuleError, the database then is as it was."""
    files = sorted(folder.glob("*.parquet"))
    is_new = to.words is None and not to.file.exists()
    try:
        if to.words is not None:
            put_tables(to.words, to.shown, [(f"{PREFIX}{file.stem}", file) for file in files])
        elif to.kind == "duckdb":
            _into_duckdb(to.file, files)
        else:
            _into_sqlite(to.file, files)
    except (duckdb.Error, sqlite3.Error):
        if is_new:
            to.file.unlink(missing_ok=True)
        raise RuleError([input_diagnostics.bad_database(to.shown)]) from None
    except OSError as error:
        raise RuleError([diagnostics.cannot_write(str(to.file), error.strerror or "")]) from None
    return [f"{PREFIX}{file.stem}" for file in files]


def _into_duckdb(file: Path, files: list[Path]) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {quoted(str(file))} AS results")
        connection.execute("BEGIN")
        earlier = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'results' AND starts_with(table_name, ?)",
            [PREFIX],
        ).fetchall()
        for (name,) in earlier:
            connection.execute(f"DROP TABLE results.{identifier(name)}")
        for path in files:
            name = identifier(f"{PREFIX}{path.stem}")
            connection.execute(f"CREATE TABLE results.{name} AS FROM read_parquet({pattern(path)})")
        connection.execute("COMMIT")


def _into_sqlite(file: Path, files: list[Path]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database, duckdb.connect() as connection:
        database.execute("BEGIN IMMEDIATE")
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            if name.startswith(PREFIX):
                database.execute(f"DROP TABLE {identifier(name)}")
        for path in files:
            name = identifier(f"{PREFIX}{path.stem}")
            rows = connection.execute(f"FROM read_parquet({pattern(path)})")
            columns = [identifier(column[0]) for column in rows.description]
            database.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            places = ", ".join("?" for _ in columns)
            database.executemany(f"INSERT INTO {name} VALUES ({places})", _rows(rows))
        database.execute("COMMIT")


def _rows(relation: duckdb.DuckDBPyConnection) -> Iterator[list[Any]]:
    while rows := relation.fetchmany(_MANY):
        for row in rows:
            yield [_plain(cell) for cell in row]


def _plain(cell: object) -> object:
    """A cell as SQLite can hold it exactly."""
    if cell is None or isinstance(cell, int | str):
        return cell
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)
