"""A life event, and what it does to the record of the person it happens to.

In: a program, a household as rows, events. Out: the rows as they stand after the events.
Invariants: what an event type sets, changes and brings is what the rulebook declares; the rows given
are never changed, only copies; the order in which events come makes no difference, their dates do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mianshen.interpreter.rows import Case, Row, make_row
from mianshen.program.program import EventType, Key, Program
from mianshen.source import NOWHERE, Span
from mianshen.values import Known

Placing: TypeAlias = Callable[[Row, dt.date], None]  # a household's top row, the day


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a person on a day; `facts` are the event's own, by name."""

    id: str
    person: str
    type: str
    date: dt.date
    facts: Mapping[str, Known] = field(default_factory=dict)
    place: Span = field(default=NOWHERE, compare=False, repr=False)

    @property
    def order(self) -> tuple[dt.date, str]:
        """Events are taken by date, then by number in code-point order."""
        return self.date, self.id


@dataclass(slots=True, eq=False)
class Scene:
    """A household as it stands on a day: its top row, everybody in it by key, the row an event brought."""

    top: Row
    people: dict[str, Row]
    brought: Row | None = None

    def case(self, person: Row, day: dt.date) -> Case:
        """The scene as a case of one of its people."""
        return Case(day, self.top, person)


def scene_after(
    program: Program, top: Row, events: Iterable[Event], day: dt.date, last: Event, place: Placing
) -> Scene:
    """A copy of a household after `events` and `last` happened to its people, as it stands on a day.

    Rows dated after the day are not there; `place` puts people's rows over time in their places. `brought`
    is the row that the event `last` brought; it need not be the latest.
    """
    copied = _copy(program, top, None, day)
    scene = Scene(copied, {row.key: row for row in people_of(program, copied)})
    for event in sorted([*events, last], key=lambda item: item.order):
        if event.person not in scene.people:
            continue  # has left the household since
        brought = happen(program, scene.people[event.person], event)
        if event is last:
            scene.brought = brought
    place(copied, day)
    scene.people = {row.key: row for row in people_of(program, copied)}
    if scene.brought is not None and scene.brought not in scene.people[last.person].children:
        scene.brought = None  # it has cancelled another, and takes no part
    return scene


def happen(program: Program, person: Row, event: Event) -> Row | None:
    """Change a person's row as an event says; the row it brings, if it brings one.

    Of a person with rows over time it is the row from the event's day on; what is dated earlier reads those
    before it.
    """
    type_ = program.events[event.type]
    person, whole = _from(program, person, event.date), person
    brought = _brought(program, whole, event, type_.adds) if type_.adds and brings(type_, event) else None
    values: dict[Key, Known | None] = {
        key: value
        for key, other in type_.keeps.items()
        if (owner := _owner(person, brought, other[0])) is not None
        for value in (owner.facts.get(other[1]),)
    }
    values |= {} if type_.dated is None else {type_.dated: event.date}
    values |= dict.fromkeys(type_.changes)
    values |= type_.sets
    values |= {type_.own[name]: value for name, value in event.facts.items()}
    for (entity, name), value in values.items():
        owner = _owner(person, brought, entity)
        if owner is not None:
            _set(owner, name, value)
    return brought


def _from(program: Program, person: Row, day: dt.date) -> Row:
    """The person's row from a day on; another version of the person where the rows differ over time."""
    name = program.entities[person.entity].valid_from
    if name is None or not (person.versions or name in person.facts):
        return person

    def start(row: Row) -> dt.date:
        begun = row.facts.get(name)
        return begun if isinstance(begun, dt.date) else dt.date.min

    rows = [row for row in (person, *person.versions) if not row.blank]
    result = max((row for row in rows if start(row) <= day), key=start, default=None)
    if result is not None and start(result) == day:
        return result
    key = program.entities[person.entity].key
    facts = dict(result.facts) if result is not None else {k: v for k, v in person.facts.items() if k == key}
    outcome = Row(
        person.entity, person.key, {**facts, name: day}, person.parent, person.children, as_of=person.as_of
    )
    outcome.assumed = frozenset() if result is None else result.assumed
    person.versions.append(outcome)
    return outcome


def brings(type_: EventType, event: Event) -> bool:
    """Whether an event brings a row: always, or where it gives facts of one."""
    return type_.always or any(type_.own[name][0] == type_.adds for name in event.facts)


def key_of_brought(program: Program, type_: EventType, event: Event) -> str:
    """The key of the row an event brings: the one it gives, else the event's own number."""
    assert type_.adds is not None
    return str(event.facts.get(program.entities[type_.adds].key, event.id))


def _brought(program: Program, person: Row, event: Event, entity: str) -> Row:
    """The row an event gives facts of: one that is there already, or a new one dated like the event."""
    declared = program.entities[entity]
    key = key_of_brought(program, program.events[event.type], event)
    for child in person.children:
        if (child.entity, child.key) == (entity, key):
            return child
    owner = program.entities[person.entity].key
    facts: dict[str, Known] = {declared.key: key}
    if (entity, owner) in program.facts:
        facts[owner] = person.key
    if declared.date is not None:
        facts[declared.date] = event.date
    absent = frozenset(name for entity_of, name in program.facts if entity_of == entity) - facts.keys()
    row = make_row(program, entity, key, facts, absent, person.as_of)
    row.parent = person
    row.as_of = person.as_of
    person.children.append(row)
    return row


def _owner(person: Row, brought: Row | None, entity: str) -> Row | None:
    """The row of that entity, if the event touches one."""
    return person if person.entity == entity else brought


def _set(row: Row, name: str, value: Known | None) -> None:
    """Give a fact a value, or make it unknown."""
    row.assumed -= {name}
    if value is None:
        row.facts.pop(name, None)
    else:
        row.facts[name] = value


def _copy(program: Program, row: Row, parent: Row | None, day: dt.date) -> Row:
    """The row with its rows of other times, and what stands below; each child reads the row it read."""
    alone = _alone(row, parent, day)
    alone.versions = [_alone(version, parent, day) for version in row.versions]
    copies = {id(row): alone}
    for version, copied in zip(row.versions, alone.versions, strict=True):
        copied.version_of, copied.children = alone, alone.children
        copies[id(version)] = copied
    for child in row.children:
        if _there(program, child, day):
            alone.children.append(_copy(program, child, copies.get(id(child.parent), alone), day))
    return alone


def _alone(row: Row, parent: Row | None, day: dt.date) -> Row:
    return Row(
        row.entity, row.key, dict(row.facts), parent, assumed=row.assumed, rejection=row.rejection,
        unreadable=row.unreadable, told=row.told, as_of=day, blank=row.blank,
    )  # fmt: skip


def _there(program: Program, row: Row, day: dt.date) -> bool:
    name = program.entities[row.entity].date
    date = None if name is None else row.facts.get(name)
    return not isinstance(date, dt.date) or date <= day


def people_of(program: Program, top: Row) -> list[Row]:
    """The rows of the program's entry at or below a row, in the order of the records."""
    if top.entity == program.entry:
        return [top]
    return [person for child in top.children for person in people_of(program, child)]
