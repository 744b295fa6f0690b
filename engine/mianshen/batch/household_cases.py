"""Households out of a batch's row tables, as cases: what the interpreter would have been given.

In: a connection with row tables (`batch_rows`), numbers of rows. Out: `Household`s, whole: every row of
theirs, whatever was rejected. Invariants: rejections that came of deciding are left out, for deciding finds
them again; rows of one parent stand in the order of their numbers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from mianshen.ingest.inputs import Input, identifier
from mianshen.interpreter.rows import Case, Rejection, Row, make_row
from mianshen.program.program import Entity, Program
from mianshen.source import Message

DECIDING: Final = ("undecidable", "parent_rejected")  # reasons that deciding finds again
_MANY: Final = 2_000  # households at a time


@dataclass(slots=True)
class Household:
    """A tree of rows; `numbers` gives the `?row` of each by its identity, the made-up top row aside."""

    top: Row
    numbers: dict[Row, int] = field(default_factory=dict)

    def case(self, as_of: dt.date, person: Row | None = None) -> Case:
        """The household as a case of one of its people; which of them makes no difference to deciding."""
        return Case(as_of, self.top, self.top if person is None else person)


@dataclass(frozen=True, slots=True)
class Households:
    """Reads households; `tables` maps an entity to its row table."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    tables: Mapping[str, str]
    assumed: Mapping[str, frozenset[str]] = field(default_factory=dict)  # facts nobody gave, by entity

    def around(self, entity: str, rows: Iterable[int]) -> Iterator[Household]:
        """The households that hold the rows of an entity, each once, some at a time."""
        for at, tops in self._tops(entity, sorted(set(rows))):
            for start in range(0, len(tops), _MANY):
                yield from self._read(at, tops[start : start + _MANY])

    def _tops(self, entity: str, rows: list[int]) -> Iterator[tuple[Entity, list[int]]]:
        """The highest rows above, by entity: the household, or whoever has none."""
        described = self.program.entities[entity]
        if described.parent is None:
            yield described, rows
            return
        row, parent = '"?row"', '"?parent"'
        if "?of" in self._columns(entity):  # a row of another time stands beside its person's
            row, parent = 'coalesce("?of", "?row")', 'coalesce("?parent", "?under")'
        query = f"SELECT DISTINCT {row}, {parent} FROM {self._table(entity)} "
        pairs = self._query(f'{query} WHERE "?row" IN (SELECT unnest(?)) ORDER BY 1', rows)
        alone = [row for row, parent in pairs if parent is None]
        if alone:
            yield described, alone
        above = sorted({parent for _, parent in pairs if parent is not None})
        if above:
            yield from self._tops(described.parent, above)

    def _read(self, entity: Entity, tops: Sequence[int]) -> list[Household]:
        rows = self._rows(entity, tops, "?row")
        households = []
        found: dict[str, dict[int, tuple[Household, Row]]] = {entity.name: {}}
        for number, row, _ in rows:
            household = Household(self._under(row))
            household.numbers[row] = number
            households.append(household)
            found[entity.name][number] = (household, row)
        self._add_versions(entity, found[entity.name])
        self._add_children(entity.name, found)
        return households

    def _add_children(self, entity: str, found: dict[str, dict[int, tuple[Household, Row]]]) -> None:
        for child in self.program.entities.values():
            if child.parent != entity or not found[entity]:
                continue
            found[child.name] = {}
            for number, row, parent in self._rows(child, list(found[entity]), "?parent"):
                household, above = found[entity][parent]
                row.parent = above
                above.current.children.append(row)
                household.numbers[row] = number
                found[child.name][number] = (household, row)
            self._add_versions(child, found[child.name])
            self._add_children(child.name, found)

    def _add_versions(self, entity: Entity, found: dict[int, tuple[Household, Row]]) -> None:
        """People's rows of other times beside them."""
        if not found or "?of" not in self._columns(entity.name):
            return
        for number, row, of in self._rows(entity, list(found), "?of"):
            household, current = found[of]
            row.key = f"{row.key}@{row.facts.get(entity.valid_from or '', '')}"
            row.version_of, row.parent, row.children = current, current.parent, current.children
            row.blank = number < 0
            current.versions.append(row)
            household.numbers[row] = number
            found[number] = (household, row)

    def _under(self, row: Row) -> Row:
        """The row below made-up parents of unknown facts, as far as it has none; gives the topmost."""
        parent = self.program.entities[row.entity].parent
        if parent is None:
            return row
        facts = frozenset(name for owner, name in self.program.facts if owner == parent)
        above = make_row(self.program, parent, "", {}, facts)
        row.parent, above.children = above, [row]
        return self._under(above)

    def _rows(self, entity: Entity, numbers: Sequence[int], by: str) -> list[tuple[int, Row, int]]:
        columns = self._columns(entity.name)
        facts = [name for name in columns if not name.startswith("?")]
        link = "?under" if by == "?parent" and "?under" in columns else by
        parent = identifier(link) if link in columns else "NULL"
        listed = ", ".join(identifier(name) for name in facts)
        query = (
            f'SELECT "?row", {parent}, "?refusal", "?unreadable", {listed} FROM {self._table(entity.name)} '
            f'WHERE {identifier(by)} IN (SELECT unnest(?)) ORDER BY "?row"'
        )
        return [self._row(entity, facts, values) for values in self._query(query, numbers)]

    def _row(self, entity: Entity, facts: list[str], values: tuple[Any, ...]) -> tuple[int, Row, int]:
        number, parent, refusal, unreadable, *cells = values
        known = {
            name: tuple(cell) if isinstance(cell, list) else cell
            for name, cell in zip(facts, cells, strict=True)
            if cell is not None
        }
        row = Row(entity.name, str(known.get(entity.key, "")), known)
        row.assumed = self.assumed.get(entity.name, frozenset())
        at_fault, _, reason = (refusal or "").partition("|")
        reason = reason.rstrip("|")
        if reason and reason not in DECIDING:
            row.rejection = Rejection(
                reason, at_fault, Message(f"{at_fault}：{reason}", f"{at_fault}: {reason}")
            )
        row.unreadable = frozenset(name for name in (unreadable or "").split(",") if name)
        return number, row, parent

    def _columns(self, entity: str) -> list[str]:
        return [row[0] for row in self.connection.execute(f"DESCRIBE {self._table(entity)}").fetchall()]

    def _table(self, entity: str) -> str:
        return identifier(self.tables[entity])

    def _query(self, query: str, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, [list(numbers)]).fetchall()


def assumed_facts(program: Program, inputs: Mapping[str, Input]) -> dict[str, frozenset[str]]:
    """Facts, by entity, that none of its files has a column for, taken as the vocabulary says."""
    found = {}
    for entity, source in inputs.items():
        given = {name for part in source.parts for name in part.columns}
        facts = (fact for (owner, _), fact in program.facts.items() if owner == entity)
        found[entity] = frozenset(f.name for f in facts if f.when_absent is not None and f.name not in given)
    return found
