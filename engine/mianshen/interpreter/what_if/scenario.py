"""A case told otherwise: a copy with some facts changed or not yet told, and decided for any day.

In: a case, facts by row and name. Out: an undecided copy; the case itself is left as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from mianshen.interpreter.rows import Case, Row
from mianshen.program.program import Program
from mianshen.values import Known

Place: TypeAlias = tuple[Row, str]  # a fact of a row


class Reads(dict[str, Known]):
    """The facts of a row, which notes those that are looked up."""

    __slots__ = ("read",)

    def __init__(self, facts: Mapping[str, Known]) -> None:
        super().__init__(facts)
        self.read: dict[str, None] = {}

    def get(self, name: str, otherwise: Known | None = None) -> Known | None:  # type: ignore[override]
        self.read[name] = None
        return super().get(name, otherwise)

    def __contains__(self, name: object) -> bool:
        self.read[str(name)] = None
        return super().__contains__(name)


class Scenario:
    """Makes copies of cases of one program."""

    def __init__(self, program: Program) -> None:
        names: dict[str, set[str]] = {entity: set() for entity in program.entities}
        for entity, name in program.facts:
            names[entity].add(name)
        for child in program.entities.values():
            if child.parent is not None:
                names[child.parent].add(child.children or child.name)
        self.names = {entity: frozenset(part) for entity, part in names.items()}

    def copy(
        self,
        case: Case,
        added: Mapping[Place, Known] | None = None,
        unanswered: Iterable[Place] = (),
        as_of: dt.date | None = None,
        noting: bool = False,
    ) -> tuple[Case, dict[Row, Row]]:
        """The case with the facts `added` set and those `untold` open; and each row's copy.

        With `noting`, the copies' facts are `Reads`.
        """
        day = as_of or case.as_of
        open_: dict[Row, set[str]] = {}
        for row, name in unanswered:
            open_.setdefault(row, set()).add(name)
        rows = {row: self._copied(row, day, open_, noting) for row in case.rows()}
        for row, copied in rows.items():
            copied.parent = None if row.parent is None else rows[row.parent]
            copied.version_of = None if row.version_of is None else rows[row.version_of]
            copied.children = [rows[child] for child in row.children]
            copied.versions = [rows[version] for version in row.versions]
        for (row, name), value in (added or {}).items():
            rows[row].facts[name] = value
            rows[row].assumed -= {name}
        return Case(day, rows[case.top], rows[case.person]), rows

    def _copied(self, row: Row, day: dt.date, open_: Mapping[Row, set[str]], noting: bool) -> Row:
        """A row by itself, without the facts of it that are open."""
        own = open_.get(row, set())
        facts = {name: value for name, value in row.facts.items() if name not in own}
        answered = row.told
        if open_:
            answered = (self.names[row.entity] if row.told is None else row.told) - own
        return Row(
            row.entity,
            row.key,
            Reads(facts) if noting else facts,
            assumed=row.assumed - own,
            rejection=row.rejection,
            unreadable=row.unreadable,
            told=answered,
            as_of=day,
            blank=row.blank,
        )
