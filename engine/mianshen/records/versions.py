"""A person's rows over time in a single record, and claims that cancel one another (decision note 0010).

In: the rows of one record, read. Out: which row is the person at `as_of`, its versions, which version
each dated child reads; the pairs that take no part.
Invariants: the order of rows makes no difference; a row that no child reads decides nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from mianshen.interpreter.rows import Case, Rejection, Row
from mianshen.program.program import Entity, Program
from mianshen.source import Message
from mianshen.values import Known

FIELD_UNREAD = Message(
    "生效日期无法读取，不知各行何时有效", "a valid_from cannot be read, so nobody knows when the rows hold"
)
HISTORY = "history"  # beside a person's children: the rows that follow the first

Refuse: TypeAlias = Callable[[Row, str, "Row | None"], None]  # row, reason, the other row


@dataclass(frozen=True, slots=True)
class Times:
    """Puts the rows of one person in their times. `refuse` rejects a row that doubles another."""

    program: Program
    as_of: dt.date
    refuse: Refuse

    def in_force(self, entity: Entity, rows: list[Row]) -> Row:
        """The row in force at `as_of`, the others as its versions; one of unknown facts before the first."""
        assert entity.valid_from is not None
        name = entity.valid_from
        if any(name in row.unreadable for row in rows):
            return self._unplaced(rows)
        for one, two in _doubled(rows, name):
            one.doubled = True
            self.refuse(one, name, two)
        begun = [row for row in rows if _start(row, name) <= self.as_of]
        current = max(begun, key=lambda row: _start(row, name), default=None)
        if current is None:  # nothing is known of the person yet
            first = min(rows, key=lambda row: _start(row, name))
            current = first if first.rejection is not None else _blank(entity, first)
        for row in rows:
            if row is not current:
                _put_under(current, row, f"{current.key}@{row.facts.get(name, '')}")
        return current

    def _unplaced(self, rows: list[Row]) -> Row:
        """A row says nothing readable about when it holds: the person is rejected with all rows."""
        current, *others = rows
        for number, row in enumerate(others, 2):
            _put_under(current, row, f"{current.key}@{number}")
        for row in rows:
            if row.rejection is None or row.rejection.reason == "failed_check":  # which is told last
                row.rejection = Rejection("history_unreadable", "", FIELD_UNREAD)
        return current

    def place(self, case: Case) -> None:
        """Each dated child under the row it reads."""
        for person, entity in self._people(case):
            self._place(person, entity)

    def let_go(self, case: Case) -> None:
        """Versions that no child reads take no part, unless they are rejected."""
        for person, _ in self._people(case):
            read = {id(child.parent) for child in person.children if not child.idle}
            person.versions[:] = [v for v in person.versions if id(v) in read or v.rejection is not None]

    def _people(self, case: Case) -> list[tuple[Row, Entity]]:
        over_time = {e.name: e for e in self.program.entities.values() if e.valid_from is not None}
        rows = case.rows() if over_time else []
        return [(r, over_time[r.entity]) for r in rows if r.entity in over_time and r.version_of is None]

    def _place(self, person: Row, entity: Entity) -> None:
        assert entity.valid_from is not None
        name = entity.valid_from
        rows = [person, *person.versions]
        if len(rows) == 1 and name not in person.facts:
            return
        blank = None
        for child in person.children:
            date = self.program.entities[child.entity].date
            day = None if date is None else child.facts.get(date)
            if not isinstance(day, dt.date) or any(name in row.unreadable for row in rows):
                continue
            later = person.blank  # nothing is known of the person yet: the day is after the decision date
            begun = [] if later else [row for row in rows if _start(row, name) <= day]
            place = max(begun, key=lambda row: _start(row, name), default=None)
            if place is None and (later or not _begun(person, name, self.as_of)):
                place = person
            if place is None:
                place = blank = blank or _blank(entity, person)
            child.parent = place
        if blank is not None:
            first = min(_start(row, name) for row in rows if not row.blank)
            _put_under(person, blank, f"{person.key}@before {first}")
        for version in person.versions:
            version.parent, version.children = person.parent, person.children


def _begun(row: Row, name: str, day: dt.date) -> bool:
    return _start(row, name) <= day


def _start(row: Row, name: str) -> dt.date:
    """From when a row holds; one that does not say holds from always."""
    day = row.facts.get(name)
    return day if isinstance(day, dt.date) else dt.date.min


def _put_under(current: Row, row: Row, key: str) -> None:
    row.version_of, row.key = current, key
    current.versions.append(row)


def _blank(entity: Entity, like: Row) -> Row:
    """What is known of a person before the first row: the key."""
    facts: dict[str, Known] = {entity.key: like.facts[entity.key]} if entity.key in like.facts else {}
    return Row(entity.name, like.key, facts, like.parent, as_of=like.as_of, blank=True)


def _doubled(rows: list[Row], name: str) -> Iterator[tuple[Row, Row]]:
    """Rows of one start, each with another."""
    for row in rows:
        other = next((r for r in rows if r is not row and _start(r, name) == _start(row, name)), None)
        if other is not None:
            yield row, other


# -- rows that cancel one another --------------------------------------------------------------------


def take_out(case: Case, program: Program, refuse: Refuse) -> None:
    """Take voiding rows and what they void out of the case; refuse those that void nothing.

    A rejected one takes no part, and what it would void is in doubt.
    """
    rows = case.rows()
    parents = [row for row in rows if row.children and row.version_of is None]
    for parent in parents:
        for entity in {child.entity for child in parent.children}:
            described = program.entities[entity]
            if described.reverses is not None:
                mine = [row for row in parent.children if row.entity == entity]
                pairs = list(_pairs(mine, described, refuse))
                case.reversed += pairs
                taken = {id(row) for pair in pairs for row in pair}
                _doubt_earlier([row for row in mine if id(row) not in taken], described)
    gone = {id(row) for pair in case.reversed for row in pair}
    for parent in parents if gone else ():
        parent.children[:] = [child for child in parent.children if id(child) not in gone]


def _pairs(rows: list[Row], entity: Entity, refuse: Refuse) -> Iterator[tuple[Row, Row]]:
    """Each reversal that holds with what it cancels; a key that two rows have names neither."""
    assert entity.reverses is not None
    name = entity.reverses
    by_key = {row.key: row for row in rows if not row.doubled}
    taken: dict[int, Row] = {}
    voiding = [row for row in rows if name in row.facts]
    rejected = []
    for row in sorted(voiding, key=lambda r: (str(r.facts.get(entity.date or "", "")), r.key)):
        target = by_key.get(str(row.facts[name]))
        target = None if target is None or name in target.facts else target
        if row.rejection is not None:
            rejected += [(row, target)] if target is not None else []
        elif target is None:
            refuse(row, "reverses_nothing", None)
        elif id(target) in taken:
            refuse(row, "already_reversed", taken[id(target)])
        else:
            taken[id(target)] = row
            yield row, target
    for row, target in rejected:
        row.idle = True
        if id(target) not in taken and target.voider is None:
            target.voider = row


def _doubt_earlier(rows: list[Row], entity: Entity) -> None:
    """The rows of a person that a rejected row may void are in doubt: those dated no later."""
    date = entity.date or ""
    voiding = [row for row in rows if row.voids_some]
    for row in sorted(voiding, key=lambda r: (str(r.facts.get(date, "")), r.key)):
        day = row.facts.get(date)
        for target in rows:
            if target.voids_some or entity.reverses in target.facts or target.voider is not None:
                continue
            other = target.facts.get(date)
            if not (isinstance(day, dt.date) and isinstance(other, dt.date) and other > day):
                target.voider = row
