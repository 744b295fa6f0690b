"""Households after events, with people's rows over time put in their places for a day (decision note 0010).

In: the top row of a household, a day. Out: the same rows: of each person the row in force on the day, the
others as its versions; each dated child under the row it reads; reversals and what they cancel taken out.
"""

from __future__ import annotations

import datetime as dt

from mianshen.events import people_of
from mianshen.events.happening import Placing
from mianshen.interpreter.rows import Case, Rejection, Row
from mianshen.program.program import Entity, Program
from mianshen.records.versions import Times, take_out
from mianshen.source import Message


def placing(program: Program) -> Placing:
    """What puts the rows of a household in their places."""

    def place(top: Row, day: dt.date) -> None:
        entity = program.entities[program.entry]
        times = Times(program, day, _refuse)
        for person in people_of(program, top) if entity.valid_from is not None else ():
            if person.versions or entity.valid_from in person.facts:
                _in_force(times, entity, person)
        case = Case(day, top, top)
        take_out(case, program, _refuse)
        times.place(case)
        times.let_go(case)

    return place


def _in_force(times: Times, entity: Entity, person: Row) -> None:
    """Let the row in force stand where the person's row stood."""
    rows = [row for row in (person, *person.versions) if not row.blank]
    children, parent = person.children, person.parent
    for row in rows:
        row.key, row.version_of, row.versions = person.key, None, []
    current = times.in_force(entity, rows)
    current.parent, current.children = parent, children
    for child in children:
        child.parent = current
    if parent is not None:
        parent.children[parent.children.index(person)] = current


def _refuse(row: Row, reason: str, _: Row | None) -> None:
    row.rejection = row.rejection or Rejection(reason, "", Message(reason, reason))
