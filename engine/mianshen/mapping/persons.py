"""Rows of which several describe one person: the newest kept, or one a day on which something changed.

In: a table of mapped rows, how a mapping orders them. Out: the query of the rows kept; how many were merged into
others; how many persons have rows that disagree. Invariant: the outcome does not depend on the order of the rows in
a file, as long as the mapping's order tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import duckdb

from mianshen.mapping.model import PersonRows
from mianshen.mapping.sql import fact_named, mapped_name
from mianshen.mapping.text import identifier

HELPERS: Final = ("?file_row", "?part", "?names", "?key", "?day")
UNLISTED: Final = "?unlisted:"  # how the columns begin that hold the code which left a fact unknown
_OWN: Final = ("?order", "?before:", UNLISTED)


@dataclass(slots=True)
class RowsOfPersons:
    """`table` holds the rows that take part; `immutable`: columns of what cannot change about a person."""

    connection: duckdb.DuckDBPyConnection
    table: str
    person: PersonRows
    immutable: Sequence[str]
    names: list[str] = field(init=False)

    def __post_init__(self) -> None:
        described = self.connection.execute(f"DESCRIBE {self.table}").fetchall()
        self.names = [row[0] for row in described]
        told_apart = mapped_name(self.person.per) in self.names
        for name in [name for name in self.names if name.startswith("?before:") and told_apart]:
            self._make(_as_before(self.table, name, f"PARTITION BY {self._key} ORDER BY {self._order()}"))

    @property
    def _key(self) -> str:
        return identifier(mapped_name(self.person.per))

    @property
    def _day_column(self) -> str | None:
        name = None if self.person.day is None else mapped_name(self.person.day)
        return name if name in self.names else None

    @property
    def _day(self) -> str:
        return (
            "CAST(NULL AS DATE)"
            if self._day_column is None
            else f"TRY_CAST({identifier(self._day_column)} AS DATE)"
        )

    @property
    def _said(self) -> list[str]:
        """The columns that say something of the person."""
        aside = (*HELPERS, mapped_name(self.person.per), self._day_column)
        return [name for name in self.names if name not in aside and not name.startswith(_OWN)]

    def _order(self, way: str = "") -> str:
        """The order of a person's rows, the newest last; `way` DESC: first."""
        last = [identifier("?part"), identifier("?file_row")]
        by = [self._day, *(identifier(name) for name in self.names if name.startswith("?order")), *last]
        return ", ".join(f"{column} {way} NULLS {'LAST' if way else 'FIRST'}" for column in by)

    def query(self) -> str:
        """The rows kept. A row that names nobody is kept, for its reader to refuse."""
        one = f"row_number() OVER (PARTITION BY {self._key} ORDER BY {self._order('DESC')}) = 1 OR {self._key} IS NULL"
        if mapped_name(self.person.per) not in self.names:
            return f"SELECT * FROM {self.table}"  # nobody is named: the reader of the rows says so
        if self.person.keep == "history" and self._day_column is not None:
            return self._history()
        result = f"SELECT * FROM {self.table} QUALIFY {one}"
        return (
            result
            if self._day_column is None
            else f"SELECT * EXCLUDE ({identifier(self._day_column)}) FROM ({result})"
        )

    def _history(self) -> str:
        """The last row of each day, without those that say what the row before them says.

        A row without a readable day says nothing of a person who has others. What a code in no list leaves unknown in any
        row of a day is unknown on that day: a row below which says nothing itself must not take it from another row.
        """
        key, day = self._key, self._day
        unread = "".join(
            f"CASE WHEN count({identifier(UNLISTED + fact_named(name))}) OVER (PARTITION BY {key}, {day}) = 0 "
            f"THEN {identifier(name)} END AS {identifier(name)}, "
            for name in self._said
            if name not in self.immutable and UNLISTED + fact_named(name) in self.names
        )
        columns = f"* REPLACE ({unread.removesuffix(', ')})" if unread else "*"
        daily = (
            f"SELECT {columns} FROM {self.table} QUALIFY {key} IS NULL "
            f"OR (row_number() OVER (PARTITION BY {key}, {day} ORDER BY {self._order('DESC')}) = 1 "
            f"AND ({day} IS NOT NULL OR count({day}) OVER (PARTITION BY {key}) = 0))"
        )
        columns = ", ".join(f"f{number} := {identifier(name)}" for number, name in enumerate(self._said))
        whole = f"struct_pack({columns})"
        changed = f"lag({whole}) OVER (PARTITION BY {key} ORDER BY {self._order()}) IS DISTINCT FROM {whole}"
        history = f"SELECT * FROM ({daily}) QUALIFY {key} IS NULL OR {changed}" if self._said else daily
        return f"SELECT * REPLACE (CAST({day} AS VARCHAR) AS {identifier(self._day_column or '')}) FROM ({history})"

    def disagreements(self) -> dict[str, int]:
        """How many persons have rows that differ, by column.

        Where one row is kept, in anything; in a history, in what cannot change, or on one day.
        """
        if mapped_name(self.person.per) not in self.names:
            return {}
        newest = self.person.keep == "newest" or self._day_column is None
        lasting = [name for name in self._said if newest or name in self.immutable]
        daily = [name for name in self._said if name not in lasting]
        return self._differing(lasting, self._key) | self._differing(daily, f"{self._key}, {self._day}")

    def _differing(self, names: Sequence[str], group: str) -> dict[str, int]:
        if not names:
            return {}
        key = self._key
        tests = ", ".join(
            f"min({identifier(name)}) <> max({identifier(name)}) AS f{n}" for n, name in enumerate(names)
        )
        rows = f"SELECT {key} AS key, {tests} FROM {self.table} WHERE {key} IS NOT NULL GROUP BY {group}"
        sums = ", ".join(f"count(DISTINCT key) FILTER (f{number})" for number in range(len(names)))
        counts = self.connection.execute(f"SELECT {sums} FROM ({rows})").fetchone() or ()
        return {name: count for name, count in zip(names, counts, strict=True) if count}

    def _make(self, query: str) -> None:
        """The table made anew from a query over it."""
        self.connection.execute(f'CREATE OR REPLACE TEMP TABLE "?made" AS {query}')
        self.connection.execute(f"DROP TABLE {self.table}")
        self.connection.execute(f'ALTER TABLE "?made" RENAME TO {self.table}')


def _as_before(table: str, marked: str, window: str) -> str:
    """Marked rows with the value of the person's last unmarked row before them, else of the next one, else their own."""
    name = identifier(mapped_name(marked.removeprefix("?before:")))
    unmarked = f"CASE WHEN NOT {identifier(marked)} THEN {{'v': {name}}} END"
    before = f"last_value({unmarked} IGNORE NULLS) OVER ({window} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    after = f"first_value({unmarked} IGNORE NULLS) OVER ({window} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)"
    value = f"CASE WHEN {identifier(marked)} THEN coalesce({before}, {after}, {{'v': {name}}})['v'] ELSE {name} END"
    return f"SELECT * REPLACE ({value} AS {name}) FROM {table}"
