"""The journal of a watch: which events have been taken, and what they made due.

In: events with their items. Out: the same, after any end of the process.
Invariants: an event and its items are written in one transaction, so that either all of them are there or
none; an event is there once; one process at a time holds a journal. SQLite, one file.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from mianshen.catalogue import diagnostic
from mianshen.events.happening import Event
from mianshen.events.items import Item
from mianshen.program.literals import read
from mianshen.program.program import Citation, Program
from mianshen.source import Message, RuleError, reason_of, unlined
from mianshen.values import Known, Missing, as_text

_OURS: Final = 0x4D53454A  # application_id: MSEJ
_VERSION: Final = 1
_FOREIGN: Final = "file is not a database of ours"
_TABLES: Final = """
CREATE TABLE event (
  id TEXT PRIMARY KEY, person TEXT NOT NULL, type TEXT NOT NULL, date TEXT NOT NULL, facts TEXT NOT NULL,
  digest TEXT NOT NULL, rulebook TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX event_of_person ON event (person);
CREATE TABLE item (
  number INTEGER PRIMARY KEY, event TEXT NOT NULL REFERENCES event, person TEXT NOT NULL, benefit TEXT NOT NULL,
  row TEXT NOT NULL, period TEXT NOT NULL, kind TEXT NOT NULL, amount TEXT, before TEXT, by TEXT NOT NULL,
  zh TEXT NOT NULL, en TEXT NOT NULL, provision TEXT, source TEXT, clause TEXT, missing TEXT NOT NULL
);
CREATE INDEX item_of_person ON item (person);
"""
_ITEM: Final = """
SELECT item.event, event.date, event.type, item.person, benefit, row, period, kind, amount, before, by, zh, en,
       provision, source, clause, missing{more}
FROM item JOIN event ON event.id = item.event
"""


class Journal:
    """An open journal; `opened` makes one."""

    def __init__(self, connection: sqlite3.Connection, program: Program) -> None:
        self.connection = connection
        self.program = program

    def digest(self, event: str) -> str | None:
        """The digest of the event of that number, if it has been taken."""
        row = self.connection.execute("SELECT digest FROM event WHERE id = ?", (event,)).fetchone()
        return None if row is None else str(row[0])

    def events_of(self, people: Iterable[str]) -> list[Event]:
        """The events taken of some people."""
        events: list[Event] = []
        for person in people:
            rows = self.connection.execute(
                "SELECT id, person, type, date, facts FROM event WHERE person = ? ORDER BY date, id",
                (person,),
            )
            events += (self._event(*row) for row in rows)
        return events

    def items_of(self, people: Collection[str], rows: Iterable[tuple[str, str]] = ()) -> list[Item]:
        """The items of some people, each one's in the order in which they were given.

        `rows`: benefits with the keys of rows, of which those that stand under others' names are given, too.
        """
        items: list[Item] = []
        own = [("item.person = ?", (person,)) for person in people]
        for where, values in [*own, *(("benefit = ? AND row = ?", row) for row in rows)]:
            stored = map(
                _item,
                self.connection.execute(f"{_ITEM.format(more='')} WHERE {where} ORDER BY number", values),
            )
            items += (item for item in stored if len(values) == 1 or item.person not in people)
        return items

    def items(self) -> Iterator[tuple[Item, str | None]]:
        """Every item, by date and number of its event, then as given.

        With the event that brought up the same benefit next.
        """
        next_ = "lead(item.event) OVER (PARTITION BY item.person, benefit, row ORDER BY number)"
        rows = self.connection.execute(
            f"{_ITEM.format(more=f', {next_}')} ORDER BY event.date, event.id, number"
        )
        yield from ((_item(row[:-1]), row[-1]) for row in rows)

    def add(self, event: Event, items: Iterable[Item]) -> None:
        """Write an event and its items, to last from the next `commit` on."""
        facts = json.dumps(
            {name: as_text(value, ";") for name, value in event.facts.items()}, ensure_ascii=False
        )
        self.connection.execute(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                event.id,
                event.person,
                event.type,
                event.date.isoformat(),
                facts,
                digest_of(event),
                self.program.digest,
            ),
        )
        self.connection.executemany(
            "INSERT INTO item VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    i.event, i.person, i.benefit, i.row, i.period, i.kind, _amount(i.amount), _amount(i.before), i.by,
                    i.reason.zh, i.reason.en, i.provision, i.citation.source, i.citation.clause, json.dumps(i.missing),
                )
                for i in items
            ],
        )  # fmt: skip

    def commit(self) -> None:
        """Make what was added last, whatever happens to the process or the machine."""
        self.connection.commit()

    def _event(self, id_: str, person: str, type_: str, date: str, facts: str) -> Event:
        """An event as taken; facts that the vocabulary no longer knows are left out."""
        declared = self.program.events.get(type_)
        known: dict[str, Known] = {}
        for name, text in json.loads(facts).items():
            if declared is not None and name in declared.own:
                value = read(text, self.program.facts[declared.own[name]].type, self.program.codes)
                if value is not None:
                    known[name] = value
        return Event(id_, person, type_, dt.date.fromisoformat(date), known)


@contextmanager
def opened(path: Path, program: Program) -> Iterator[Journal]:
    """A journal, made if need be, held by this process alone. Raises RuleError where that cannot be."""
    try:
        connection = _connected(path)
    except (sqlite3.Error, OSError) as error:
        raise _explained(path, error) from None
    try:
        yield Journal(connection, program)
    except sqlite3.Error as error:
        raise _explained(path, error) from None
    finally:
        connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))  # it holds what residents' records hold
    connection = sqlite3.connect(path, timeout=0, isolation_level="DEFERRED")
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Hold the file and see that it is a journal, or make it one where it is empty."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN EXCLUSIVE")
    (ours,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and not ours:
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_OURS}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    elif (ours, version) != (_OURS, _VERSION):
        raise sqlite3.DatabaseError(_FOREIGN)
    connection.execute("CREATE INDEX IF NOT EXISTS item_of_row ON item (row)")
    connection.commit()


def _explained(path: Path, error: sqlite3.Error | OSError) -> RuleError:
    match error:
        case sqlite3.OperationalError() if "locked" in str(error):
            return RuleError([diagnostic("E602.journal_in_use", unlined(str(path)))])
        case sqlite3.DatabaseError() if "file is not a database" in str(error):
            return RuleError([diagnostic("E603.not_a_journal", unlined(str(path)))])
        case _:
            return RuleError([diagnostic("E604.journal_unusable", unlined(str(path)), why=reason_of(error))])


def digest_of(event: Event) -> str:
    """What tells whether two events of one number are the same."""
    facts = {name: as_text(value, ";") for name, value in sorted(event.facts.items())}
    content = [event.person, event.type, event.date.isoformat(), facts]
    return sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def _amount(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _item(row: tuple[Any, ...]) -> Item:
    event, date, type_, person, benefit, key, period, kind, amount, before, by, zh, en, *rest = row
    provision, source, clause, missing = rest
    return Item(
        event, dt.date.fromisoformat(date), type_, person, benefit, key, period, kind,
        None if amount is None else Decimal(amount), None if before is None else Decimal(before), by,
        Message(zh, en), provision, Citation(source, clause), tuple(map(_missing, json.loads(missing))),
    )  # fmt: skip


def _missing(part: str | list[str]) -> Missing:
    """What an item lacks; a journal of before has its name alone."""
    return Missing(part) if isinstance(part, str) else Missing(*part)
