"""Cases kept on the server: a record's versions, who kept them, found by number or words.

In: the file that `--store` names (SQLite). Out: cases with their history.
Invariants: a version is there whole or not at all, and stays when the process is killed the moment after; versions are
never changed; a case that is deleted is gone with all of them.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.source import RuleError, Span

MOST_SHOWN: Final = 100
MOST_NUMBER: Final = 2**63 - 1  # that the database holds
MOST_WORDS: Final = 200  # characters of a search
_KIND: Final = 0x4D534331  # marks the file as ours
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS cases (id INTEGER PRIMARY KEY AUTOINCREMENT, person TEXT NOT NULL, label TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, case_id INTEGER NOT NULL REFERENCES cases ON DELETE CASCADE,
    kept_at TEXT NOT NULL, kept_by TEXT NOT NULL, benefits TEXT NOT NULL, record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS versions_of_case ON versions (case_id, id);
"""


@dataclass(frozen=True, slots=True)
class Version:
    """A record as it was kept."""

    number: int
    kept_at: str
    kept_by: str
    benefits: tuple[str, ...]
    record: str


@dataclass(frozen=True, slots=True)
class StoredCase:
    """A case: `versions` newest first; in a list of cases only the newest."""

    number: int
    person: str
    label: str
    versions: tuple[Version, ...]


class Store:
    """The database of one server; a connection for each use, for processes and threads share the file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            fresh = not file.exists()
            if fresh:
                os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
            with self._open() as database:
                if not fresh and database.execute("PRAGMA application_id").fetchone()[0] != _KIND:
                    raise RuleError([diagnostic("E891.not_a_store", Span(str(file), 0, 0))])
                database.execute("PRAGMA journal_mode=WAL")
                database.execute(f"PRAGMA application_id={_KIND}")
                database.executescript(_TABLES)
        except (sqlite3.Error, OSError):
            raise RuleError([diagnostic("E891.not_a_store", Span(str(file), 0, 0))]) from None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.file, isolation_level=None, timeout=30)
        try:
            database.execute("PRAGMA synchronous=FULL")
            database.execute("PRAGMA foreign_keys=ON")
            database.execute("PRAGMA secure_delete=ON")
            yield database
        finally:
            database.close()

    def keep(
        self,
        person: str,
        label: str,
        record: str,
        benefits: tuple[str, ...],
        by: str,
        case: int | None = None,
    ) -> int:
        """Keep a version, of a case or of a new one; returns the case's number. KeyError where there is none."""
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            number = _case(database, person, label, case)
            now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            database.execute(
                "INSERT INTO versions (case_id, kept_at, kept_by, benefits, record) VALUES (?, ?, ?, ?, ?)",
                (number, now, by, ",".join(benefits), record),
            )
            database.execute("COMMIT")  # what is not committed when the connection closes is undone
        return number

    def search(self, words: str = "") -> tuple[StoredCase, ...]:
        """The cases whose number of the person, or label, holds some words; newest first, each with its last version."""
        like = (
            "%"
            + words.strip()[:MOST_WORDS].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            + "%"
        )
        with self._open() as database:
            rows = database.execute(
                "SELECT c.id, c.person, c.label, v.id, v.kept_at, v.kept_by, v.benefits, v.record FROM cases c "
                "JOIN versions v ON v.id = (SELECT max(id) FROM versions WHERE case_id = c.id) "
                "WHERE c.person LIKE ? ESCAPE '\\' OR c.label LIKE ? ESCAPE '\\' ORDER BY v.id DESC LIMIT ?",
                (like, like, MOST_SHOWN),
            ).fetchall()
        return tuple(StoredCase(row[0], row[1], row[2], (_version(row[3:]),)) for row in rows)

    def case(self, number: int) -> StoredCase:
        """A case with all its versions. KeyError where there is none."""
        if not 0 < number <= MOST_NUMBER:
            raise KeyError(number)
        with self._open() as database:
            row = database.execute("SELECT id, person, label FROM cases WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise KeyError(number)
            versions = database.execute(
                "SELECT id, kept_at, kept_by, benefits, record FROM versions WHERE case_id = ? ORDER BY id DESC",
                (number,),
            ).fetchall()
        return StoredCase(row[0], row[1], row[2], tuple(map(_version, versions)))

    def delete(self, number: int) -> None:
        """Delete a case with all its versions."""
        with self._open() as database:
            database.execute("DELETE FROM cases WHERE id = ?", (number,))


def _case(database: sqlite3.Connection, person: str, label: str, case: int | None) -> int:
    """The number of a case that is there, or of a new one. KeyError where there is none."""
    if case is None:
        return (
            database.execute("INSERT INTO cases (person, label) VALUES (?, ?)", (person, label)).lastrowid
            or 0
        )
    if (
        not 0 < case <= MOST_NUMBER
        or not database.execute(
            "UPDATE cases SET person = ?, label = ? WHERE id = ?", (person, label, case)
        ).rowcount
    ):
        raise KeyError(case)
    return case


def _version(row: tuple[int, str, str, str, str]) -> Version:
    number, kept_at, kept_by, benefits, record = row
    return Version(number, kept_at, kept_by, tuple(filter(None, benefits.split(","))), record)
