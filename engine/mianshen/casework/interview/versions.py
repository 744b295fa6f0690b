"""People's rows over time in an interview (decision note 0010): which there are, and where they are written.

In: the rows of a story. Out: a person's rows; each dated row under the row it reads; the row that a record
states and those of its `history`.
"""

from __future__ import annotations

import datetime as dt

from mianshen.interpreter.rows import Case, Row
from mianshen.program.program import Entity, Program
from mianshen.records.versions import Times


def same_person(row: Row) -> list[Row]:
    """The other rows of the person whose row this is, those before the first row aside."""
    return [item for item in (row.current, *row.current.versions) if item is not row and not item.blank]


def put_in_place(program: Program, case: Case) -> None:
    """Each dated row under the row it reads, now that its date may be known."""
    for row in case.rows():
        blank = [version for version in row.versions if version.blank]
        for child in row.children if blank else ():
            child.parent = row if child.parent in blank else child.parent
        row.versions[:] = [version for version in row.versions if not version.blank]
    Times(program, case.as_of, _doubled).place(case)


def _doubled(row: Row, reason: str, other: Row | None) -> None:
    raise AssertionError(row.key, reason, other)  # rows that double each other are refused when read


def written_rows(entity: Entity, person: Row) -> tuple[Row, list[Row]]:
    """The row a record states, and the further ones in order: nothing is known before the first."""
    rows = [row for row in (person, *person.versions) if not row.blank]
    stated = person if not person.blank else min(rows, key=lambda row: _start(entity, row))
    return stated, sorted((row for row in rows if row is not stated), key=lambda row: _start(entity, row))


def _start(entity: Entity, row: Row) -> dt.date:
    begun = row.facts.get(entity.valid_from or "")
    return begun if isinstance(begun, dt.date) else dt.date.min
