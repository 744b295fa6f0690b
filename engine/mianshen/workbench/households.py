"""Households of a batch's files as rows for the interpreter, some at a time.

In: files of residents, households, claims; a program; keys of people. Out: for each household of those
people its top row, with everybody in it and all that hangs below.
Invariants: rows are read, checked and rejected as the batch does it; a person whose household is in no file
is one alone in a household of which nothing but its key is known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from mianshen.interpreter import Rejection, Row, make_row
from mianshen.interpreter.rows import reject
from mianshen.program.program import Entity, Program
from mianshen.source import Message
from mianshen.values import Known
from mianshen.workbench.batch_rows import RowTables
from mianshen.workbench.inputs import Input, identifier, open_inputs
from mianshen.workbench.sources import Named

AT_ONCE: Final = 2_000  # households in memory at a time
_Place = tuple[str, int]  # entity, `?row`


@dataclass(frozen=True, slots=True)
class Household:
    """`people`: the keys of those of its members that were asked for."""

    top: Row
    people: tuple[str, ...]


class Households:
    """The files as tables, from which households are made. The connection is the caller's."""

    def __init__(
        self,
        program: Program,
        files: Mapping[str, Named],
        as_of: dt.date,
        connection: duckdb.DuckDBPyConnection,
        scratch: Path,
    ) -> None:
        self.program = program
        self.connection = connection
        self.inputs = open_inputs(program, files, connection, scratch)
        tables = RowTables(program, connection, as_of, self.inputs)
        self.tables = tables.build()
        self.assumed = {name: self._assumed(name, self.inputs.get(name)) for name in program.entities}

    def _assumed(self, entity: str, source: Input | None) -> frozenset[str]:
        """The facts for which there is no column, and an assumption instead."""
        given = set().union(*(part.columns for part in source.parts)) if source is not None else set()
        return frozenset(
            name
            for (owner, name), fact in self.program.facts.items()
            if owner == entity and fact.when_absent is not None and name not in given
        )

    def of(self, people: Collection[str]) -> Iterator[Household]:
        """The households of some people, in the order of the people's keys; unknown keys give none."""
        entry = self.program.entities[self.program.entry]
        key, table = identifier(entry.key), identifier(self.tables[entry.name])
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE wanted AS SELECT unnest(?) AS key", [sorted(people)]
        )
        found = self.connection.execute(
            f'SELECT {key}, "?row", "?parent" FROM {table} WHERE {key} IN (SELECT key FROM wanted)'
        ).fetchall()
        of_top: dict[_Place, list[str]] = {}
        for person, row, parent in sorted(found):
            of_top.setdefault(self._top(entry, row, parent), []).append(person)
        tops = list(of_top)
        for start in range(0, len(tops), AT_ONCE):
            some = tops[start : start + AT_ONCE]
            for top, row in zip(some, self._made(some), strict=True):
                yield Household(row, tuple(dict.fromkeys(of_top[top])))

    def _top(self, entity: Entity, row: int, parent: int | None) -> _Place:
        """The topmost row above a row that is in a file."""
        while parent is not None and entity.parent is not None:
            entity, row = self.program.entities[entity.parent], parent
            above = (
                self.connection.execute(
                    f'SELECT "?parent" FROM {identifier(self.tables[entity.name])} WHERE "?row" = ?',
                    [row],
                ).fetchone()
                if entity.parent is not None
                else None
            )
            parent = None if above is None else above[0]
        return entity.name, row

    def _made(self, tops: Sequence[_Place]) -> list[Row]:
        """The rows of some tops, with everything below and what is above."""
        made: dict[_Place, Row] = {}
        for entity in self._parents_first():
            wanted = [row for name, row in tops if name == entity.name]
            above = (
                [] if entity.parent is None else [number for name, number in made if name == entity.parent]
            )
            for number, parent, row in self._fetched(entity, wanted, above):
                made[entity.name, number] = row
                owner = None if entity.parent is None or parent is None else made.get((entity.parent, parent))
                if owner is not None:
                    row.parent = owner
                    owner.children.append(row)
        for row in made.values():
            if row.rejection is not None:
                reject(row, row.rejection)
        return [self._whole(made[top]) for top in tops]

    def _parents_first(self) -> list[Entity]:
        def depth(entity: Entity) -> int:
            return 0 if entity.parent is None else 1 + depth(self.program.entities[entity.parent])

        return sorted(self.program.entities.values(), key=depth)

    def _fetched(
        self, entity: Entity, rows: Sequence[int], parents: Sequence[int]
    ) -> Iterator[tuple[int, int | None, Row]]:
        """Rows of an entity by their own numbers or their parents', in the order of their keys."""
        if not rows and not parents:
            return
        names = [name for owner, name in self.program.facts if owner == entity.name]
        columns = ", ".join(map(identifier, names))
        found = self.connection.execute(
            f'SELECT "?row", "?parent", "?refusal", "?unreadable", {columns} '
            f"FROM {identifier(self.tables[entity.name])} "
            'WHERE "?row" IN (SELECT unnest(?::BIGINT[])) OR "?parent" IN (SELECT unnest(?::BIGINT[])) '
            f'ORDER BY {identifier(entity.key)}, "?row"',
            [list(rows), list(parents)],
        ).fetchall()
        for row, parent, refusal, unreadable, *values in found:
            yield row, parent, self._row(entity, dict(zip(names, values, strict=True)), refusal, unreadable)

    def _row(
        self, entity: Entity, values: dict[str, Any], refusal: str | None, unreadable: str | None
    ) -> Row:
        absent = self.assumed[entity.name]
        facts: dict[str, Known] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if value is not None and name not in absent
        }
        row = make_row(self.program, entity.name, str(facts.get(entity.key, "")), facts, absent)
        if refusal is not None:
            name, reason, *_ = refusal.split("|")
            row.rejection = Rejection(reason, name, Message(f"{name} {reason}", f"{name} {reason}"))
            row.unreadable = frozenset(filter(None, (unreadable or "").split(",")))
        return row

    def _whole(self, top: Row) -> Row:
        """A row with the rows above it, of which no file tells; the topmost of them."""
        parent = self.program.entities[top.entity].parent
        if parent is None:
            return top
        entity = self.program.entities[parent]
        key = top.facts.get(entity.key)
        facts: dict[str, Known] = {} if key is None else {entity.key: key}
        absent = frozenset(
            name for owner, name in self.program.facts if owner == parent and name != entity.key
        )
        above = make_row(self.program, parent, str(key or ""), facts, absent)
        top.parent, above.children = above, [top]
        return self._whole(above)
