"""Rows over time and reversals in the row tables of a batch, as decision note 0010 has them.

In: row tables as they are read. Out: of each person one row with `?of` NULL, the one in force at `as_of`;
`?under` beside `?parent`: which row is read; `?pairs`: reversals and what they cancel, out of the table.
Invariants: without such columns nothing is made; nothing depends on the order of records; a made-up row
(the time before a person's first one) has a number below 0.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import duckdb

from mianshen.ingest.inputs import Input, identifier, quoted
from mianshen.program.program import Entity, Program

ALWAYS: Final = f"DATE '{dt.date.min}'"
Refuse = Callable[[Entity, str, str, str], None]  # field, reason, which rows


@dataclass(slots=True)
class BatchTimes:
    """Works on the row tables of one batch; `active`: the entity whose rows differ over time, if any do."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    as_of: dt.date
    inputs: Mapping[str, Input]
    refuse: Refuse
    active: Entity | None = None
    paired: set[str] = field(default_factory=set)  # entities with `?pairs` tables

    def given(self, entity: str, fact: str | None) -> bool:
        """Whether some file of the entity has a column for the fact."""
        source = self.inputs.get(entity)
        return source is not None and any(fact in part.columns for part in source.parts)

    # -- people ------------------------------------------------------------------------------

    def begin(self, entity: Entity) -> bool:
        """Tell a person's rows apart; false where no row says from when it holds."""
        if entity.valid_from is None or not self.given(entity.name, entity.valid_from):
            return False
        table, start = _table(entity), identifier(entity.valid_from)
        unread = f'coalesce("?unreadable" LIKE {quoted(f"%,{entity.valid_from},%")}, false)'
        if not self._one(f"SELECT count(*) FROM {table} WHERE {start} IS NOT NULL OR {unread}"):
            return False
        key = identifier(entity.key)
        self._make(
            "?times",
            f'SELECT "?row" AS row, {key} AS key, coalesce({start}, {ALWAYS}) AS start, '
            f"bool_or({unread}) OVER (PARTITION BY {key}) AS unplaced FROM {table} WHERE {key} IS NOT NULL",
        )
        begun = f"start <= DATE '{self.as_of}'"
        self._make(
            "?people",
            'SELECT key, bool_or(unplaced) AS unplaced, CASE WHEN bool_or(unplaced) THEN min("row") ELSE '
            f'coalesce((array_agg("row" ORDER BY start DESC, "row") FILTER ({begun}))[1], '
            '(array_agg("row" ORDER BY start, "row"))[1]) END AS current, '
            f'NOT bool_or(unplaced) AND count(*) FILTER ({begun}) = 0 AS early FROM "?times" GROUP BY key',
        )
        self._make("?blank", 'SELECT key, 0::BIGINT AS row FROM "?people" WHERE false')
        doubled = 'SELECT key, start FROM "?times" WHERE NOT unplaced GROUP BY ALL HAVING count(*) > 1'
        self.refuse(
            entity, entity.key, "duplicate",
            f'"?row" IN (SELECT "row" FROM "?times" SEMI JOIN ({doubled}) USING (key, start))',
        )  # fmt: skip
        self.refuse(entity, "", "history_unreadable", '"?row" IN (SELECT "row" FROM "?times" WHERE unplaced)')
        self._split(entity, table)
        self.active = entity
        return True

    def _split(self, entity: Entity, table: str) -> None:
        """`?of`: the person's row, of its other rows; a person of tomorrow has a row of unknown facts."""
        self._replace(
            table,
            'SELECT t.* EXCLUDE ("?parent"), '
            'CASE WHEN p.current IS NULL OR p.current = t."?row" THEN t."?parent" END AS "?parent", '
            'CASE WHEN p.current <> t."?row" THEN p.current END AS "?of", '
            'CASE WHEN p.current IS NULL THEN t."?parent" ELSE c."?parent" END AS "?under" '
            f'FROM {table} t LEFT JOIN "?people" p ON p.key = t.{identifier(entity.key)} '
            f'LEFT JOIN {table} c ON c."?row" = p.current',
        )
        facts = [n for e, n in self.program.facts if e == entity.name and n != entity.key]
        held = {row[0] for row in self.connection.execute(f"DESCRIBE {table}").fetchall()}
        unknown = ", ".join(f"{identifier(name)} = NULL" for name in facts if name in held)
        early = 'SELECT current FROM "?people" WHERE early'
        self.connection.execute(f'UPDATE {table} SET {unknown} WHERE NOT "?rejected" AND "?row" IN ({early})')

    def place(self, entity: Entity) -> None:
        """Which row of its parent a child reads: that of its date, of today where it has none."""
        person = self.active
        if person is None or entity.parent != person.name:
            return
        table, key = _table(entity), identifier(person.key)
        day = "NULL::DATE" if entity.date is None else f"c.{identifier(entity.date)}"
        starts = 'SELECT key, start, min("row") AS row FROM "?times" GROUP BY ALL'
        self._replace(
            table,
            'SELECT c.* EXCLUDE ("?parent"), coalesce(p.current, c."?parent") AS "?parent", p.key AS "?person", '
            f'CASE WHEN p.key IS NULL THEN c."?parent" WHEN {day} IS NULL OR p.unplaced THEN p.current '
            'ELSE coalesce(h."row", CASE WHEN p.early THEN p.current END) END AS "?under" '
            f'FROM {table} c LEFT JOIN "?people" p ON p.key = c.{key} '
            f"ASOF LEFT JOIN ({starts}) h ON h.key = c.{key} AND {day} >= h.start",
        )
        self._fill_in(person, table)
        self.connection.execute(f'ALTER TABLE {table} DROP COLUMN "?person"')

    def _fill_in(self, person: Entity, table: str) -> None:
        """Rows of unknown facts for children dated before their person's first row."""
        self.connection.execute(
            'INSERT INTO "?blank" SELECT key, -(SELECT count(*) FROM "?blank") - row_number() OVER (ORDER BY key) '
            f'FROM (SELECT DISTINCT "?person" AS key FROM {table} WHERE "?person" IS NOT NULL AND "?under" IS NULL) '
            'ANTI JOIN "?blank" USING (key)'
        )
        people, key = _table(person), identifier(person.key)
        self.connection.execute(
            f'INSERT INTO {people} BY NAME SELECT b."row" AS "?row", b.key AS {key}, false AS "?rejected", '
            f'p.current AS "?of", c."?under" AS "?under" FROM "?blank" b JOIN "?people" p USING (key) '
            f'JOIN {people} c ON c."?row" = p.current WHERE b."row" NOT IN (SELECT "?row" FROM {people})'
        )
        self.connection.execute(
            f'UPDATE {table} SET "?under" = b."row" FROM "?blank" b '
            f'WHERE b.key = "?person" AND "?person" IS NOT NULL AND "?under" IS NULL'
        )

    def refuse_children(self, entity: Entity) -> None:
        """Versions of a rejected person, children of a rejected version."""
        person = self.active
        if person is None:
            return
        wrong = f'(SELECT "?row" FROM {_table(person)} WHERE "?rejected")'
        if entity == person:
            self.refuse(entity, "", "parent_rejected", f'"?of" IN {wrong}')
        elif entity.parent == person.name:
            self.refuse(entity, "", "parent_rejected", f'"?under" IN {wrong}')

    def finish(self) -> None:
        """Versions that no child reads are let go, rejected ones aside."""
        person = self.active
        if person is None:
            return
        children = [e for e in self.program.entities.values() if e.parent == person.name]
        read = " UNION ALL ".join(
            f'SELECT "?under" FROM {_table(e)} WHERE "?under" IS NOT NULL' for e in children
        )
        unread = f' AND "?row" NOT IN ({read})' if read else ""
        self.connection.execute(
            f'DELETE FROM {_table(person)} WHERE "?of" IS NOT NULL AND NOT "?rejected"{unread}'
        )

    # -- reversals ---------------------------------------------------------------------------

    def take_out(self, entity: Entity) -> None:
        """Take reversals and what they cancel out of the table; refuse those that cancel nothing."""
        if entity.reverses is None or not self.given(entity.name, entity.reverses):
            return
        assert entity.parent is not None
        table, named = _table(entity), identifier(entity.reverses)
        key, owner = identifier(entity.key), identifier(self.program.entities[entity.parent].key)
        order = "" if entity.date is None else f"r.{identifier(entity.date)}, "
        once = f"SELECT {key} FROM {table} GROUP BY 1 HAVING count(*) = 1"
        self._make(
            "?reversals",
            f'SELECT r."?row" AS row, n."?row" AS named, r.{owner} AS owner, n.{key} AS cancelled, r.{key} AS reversal, '
            f'row_number() OVER (PARTITION BY n."?row" ORDER BY {order}r.{key}) AS turn '
            f"FROM {table} r LEFT JOIN (SELECT * FROM {table} SEMI JOIN ({once}) USING ({key})) n "
            f"ON n.{key} = r.{named} AND n.{owner} = r.{owner} AND n.{named} IS NULL "
            f'WHERE r.{named} IS NOT NULL AND NOT r."?rejected"',
        )
        for reason, which in (
            ("reverses_nothing", "named IS NULL"),
            ("already_reversed", "named IS NOT NULL AND turn > 1"),
        ):
            self.refuse(
                entity, entity.reverses, reason, f'"?row" IN (SELECT "row" FROM "?reversals" WHERE {which})'
            )
        pairs = f"?pairs_{entity.name}"
        self._make(pairs, 'SELECT * FROM "?reversals" WHERE named IS NOT NULL AND turn = 1')
        for column in ("row", "named"):
            self.connection.execute(
                f'DELETE FROM {table} WHERE "?row" IN (SELECT "{column}" FROM {identifier(pairs)})'
            )
        self.paired.add(entity.name)

    def reversed(self, entity: str) -> int:
        """How many records left as reversals and what they cancel."""
        return (
            2 * self._one(f"SELECT count(*) FROM {identifier(f'?pairs_{entity}')}")
            if entity in self.paired
            else 0
        )

    # -- tables ------------------------------------------------------------------------------

    def _make(self, name: str, query: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS {query}")

    def _replace(self, table: str, query: str) -> None:
        """The table made anew from a query over it."""
        self._make("?made", query)
        self.connection.execute(f"DROP TABLE {table}")
        self.connection.execute(f'ALTER TABLE "?made" RENAME TO {table}')

    def _one(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        return 0 if row is None else int(row[0])


def _table(entity: Entity) -> str:
    return identifier(f"rows_{entity.name}")
