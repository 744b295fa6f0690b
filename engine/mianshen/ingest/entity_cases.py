"""Households out of the rows of files, as cases: what the interpreter would have been given.

In: rows of every entity, whole households of them. Out: `Case`s, with the place of each row among its entity's.
Invariants: a row keeps what it was rejected for in reading; what only shows among rows (parents that are missing, doubled
keys, rows over time, reversals) is found as `records` finds it in a single record; rows of one parent stand in the
order of their files; parents that nobody describes are made up, one for each key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mianshen.ingest.entity_rows import EntityRows
from mianshen.ingest.rejects import LAST
from mianshen.interpreter.rows import Case, Rejection, Row, make_row, reject
from mianshen.program.program import Entity, Program
from mianshen.program.stages import parents_first
from mianshen.records.rows import too_few_said
from mianshen.records.versions import Times, take_out
from mianshen.source import Message
from mianshen.values import Known
from mianshen.wording import wording

Numbers: TypeAlias = dict[
    Row, int
]  # the place of each row of a case among its entity's; a row that is made up has none


def cases_of(
    program: Program, rows: Mapping[str, EntityRows], as_of: dt.date
) -> Iterator[tuple[Case, Numbers]]:
    """Each household once. `rows`: by entity, one without rows for an entity of which there are none."""
    return _Families(program, rows, as_of).cases()


@dataclass(slots=True)
class _Families:
    program: Program
    tables: Mapping[str, EntityRows]
    as_of: dt.date
    rows: dict[str, list[Row]] = field(default_factory=dict)
    current: dict[str, dict[str, Row]] = field(
        default_factory=dict
    )  # by entity and key, the row that children stand under
    numbers: Numbers = field(default_factory=dict)
    tops: list[Row] = field(default_factory=list)

    def cases(self) -> Iterator[tuple[Case, Numbers]]:
        for name in parents_first(self.program):
            self._entity(self.program.entities[name])
        times = Times(self.program, self.as_of, self._refuse)
        for top in self.tops:
            case = Case(self.as_of, top, self._person(top))
            rows = case.rows()
            for row in rows:
                for name, _, _ in too_few_said(self.program, row):
                    self._reject(row, LAST, name)
            times.place(case)
            for row in case.rows():
                if row.rejection is not None:
                    reject(row, row.rejection, self.program)
            take_out(case, self.program, self._refuse)
            times.let_go(case)
            yield case, {row: self.numbers[row] for row in rows if row in self.numbers}

    def _person(self, top: Row) -> Row:
        """A row of the entry entity; which of a household's makes no difference to deciding."""
        row, path = top, {self.program.entry, *self.program.ancestors(self.program.entry)}
        while row.entity != self.program.entry:
            below = next((child for child in row.children if child.entity in path), None)
            if below is None:
                break
            row = below
        return row

    # -- rows ------------------------------------------------------------------------------------

    def _entity(self, entity: Entity) -> None:
        """The entity's rows, put under their parents."""
        table = self.tables[entity.name]
        rows = self.rows[entity.name] = rows_of(table, self.as_of)
        self.numbers.update({row: number for number, row in enumerate(rows)})
        same: dict[str, list[Row]] = {}
        for row in rows:
            if row.key:
                same.setdefault(row.key, []).append(row)
        current = self.current[entity.name] = {key: shared[0] for key, shared in same.items()}
        alone = [row for row in rows if not row.key]
        if entity.valid_from is not None and entity.valid_from in table.supplied:
            times = Times(self.program, self.as_of, self._refuse)
            current.update({key: times.in_force(entity, shared) for key, shared in same.items()})
            people = [*current.values(), *alone]
        else:
            people = rows
            for shared in same.values():
                for row in shared if len(shared) > 1 else ():
                    row.doubled = True
                    self._refuse(row, "duplicate", shared[0])
        for row in people:
            self._put(entity, row)

    def _put(self, entity: Entity, row: Row) -> None:
        """The row under its parent; at the top where it has none."""
        if entity.parent is None:
            self.tops.append(row)
            return
        above = self.program.entities[entity.parent]
        written = self._first(entity, row) if row.blank else row
        key = str(written.facts.get(above.key, ""))
        parent = self.current[above.name].get(key) if key else None
        if parent is None:
            has_input = self.tables[above.name].has_input
            alone = entity.name == self.program.entry or self.program.above_entry(entity.name)
            if not row.blank and (has_input if key else not alone):
                self._reject(row, "unknown_parent", above.key)
            parent = self._made_up(above, "" if has_input else key)
        row.parent = parent
        parent.children.append(row)

    def _first(self, entity: Entity, person: Row) -> Row:
        """The first row of a person of whom nothing is known yet, which gives the person its place and its number."""
        starts = {version: version.facts.get(str(entity.valid_from)) for version in person.versions}
        first = min(starts, key=lambda version: str(starts[version]))
        if first in self.numbers:
            self.numbers[person] = self.numbers.pop(first)
        return first

    def _made_up(self, entity: Entity, key: str) -> Row:
        """A row of unknown facts, under one of its own."""
        facts: dict[str, Known] = {entity.key: key} if key else {}
        absent = frozenset(
            name for owner, name in self.program.facts if owner == entity.name and name not in facts
        )
        row = make_row(self.program, entity.name, key, facts, absent, self.as_of)
        row.as_of = self.as_of
        if key:
            self.current[entity.name][key] = row
        if entity.parent is None:
            self.tops.append(row)
        else:
            row.parent = self._made_up(self.program.entities[entity.parent], "")
            row.parent.children.append(row)
        return row

    # -- rejecting -------------------------------------------------------------------------------

    def _refuse(self, row: Row, reason: str, other: Row | None) -> None:
        """Reject a row for what stands beside it."""
        entity = self.program.entities[row.entity]
        if reason in (entity.valid_from, "duplicate"):
            self._reject(row, "duplicate", entity.key)
        else:
            self._reject(row, reason, entity.reverses or "")

    def _reject(self, row: Row, reason: str, name: str) -> None:
        if row.rejection is None or (row.rejection.reason == LAST and reason != LAST):
            row.rejection = rejection(self.program, row.entity, reason, name)


def rejection(program: Program, entity: str, reason: str, name: str) -> Rejection:
    """Why a row takes no part, as its reason's code and the fact alone have it."""
    fact = program.facts.get((entity, name))
    title = Message(name, name) if fact is None else fact.title
    words = wording.group("report.reasons").get(reason, Message(reason, reason))
    parts = [(part.zh, part.en) for part in (title, words) if part.en]
    return Rejection(
        reason, name, Message("：".join(zh for zh, _ in parts), ": ".join(en for _, en in parts))
    )


def rows_of(table: EntityRows, as_of: dt.date) -> list[Row]:
    """The rows as the interpreter reads them, without parents and children."""
    entity = table.entity
    owner = None if entity.parent is None else table.program.entities[entity.parent].key
    columns: dict[str, list[Known | None]] = {name: table.values(name) for name in table.facts}
    columns[entity.key] = table.key.to_pylist()
    if owner is not None and table.parent is not None:
        columns[owner] = table.parent.to_pylist()
    if entity.reverses is not None and table.reverses is not None:
        columns[entity.reverses] = table.reverses.to_pylist()
    rows = []
    names, assumed = list(columns), table.assumed
    for cells in zip(*columns.values(), strict=True):
        facts = {name: cell for name, cell in zip(names, cells, strict=True) if cell is not None}
        rows.append(Row(entity.name, str(facts.get(entity.key, "")), facts, assumed=assumed, as_of=as_of))
    for number, label in table.unkeyed.items():
        rows[number].label = label
    for number, kind in zip(*(array.tolist() for array in table.rejects.first()), strict=True):
        refusal = table.rejects.refusals[kind]
        rows[number].rejection = rejection(table.program, entity.name, refusal.reason, refusal.field)
    for number in table.rejects.voiding().tolist():
        rows[number].voids_some = True
    for number in table.rejects.doubled().tolist():
        rows[number].doubled = True
    for name, numbers in table.rejects.unreadable().items():
        for number in numbers.tolist():
            rows[number].unreadable |= {name}
            rows[number].facts.pop(name, None)
    return rows
