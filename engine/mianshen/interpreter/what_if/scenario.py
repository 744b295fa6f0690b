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
        told: Mapping[Place, Known] | None = None,
        untold: Iterable[Place] = (),
        as_of: dt.date | None = None,
        noting: bool = False,
    ) -> tuple[Case, dict[Row, Row]]:
        """The case with the facts `told` set and those `untold` open; and each row's copy.

        With `noting`, the copies' facts are `Reads`.
        """
        open_: dict[Row, set[str]] = {}
        for row, name in untold:
            open_.setdefault(row, set()).add(name)
        rows: dict[Row, Row] = {}
        for row in case.rows():
            facts = dict(row.facts)
            for name in open_.get(row, ()):
                facts.pop(name, None)
            result = row.told
            if open_:
                result = (self.names[row.entity] if row.told is None else row.told) - open_.get(row, set())
            outcome = Row(
                row.entity, row.key, Reads(facts) if noting else facts, told=result, as_of=as_of or case.as_of
            )
            outcome.assumed = row.assumed - open_[row] if row in open_ else row.assumed
            outcome.rejection, outcome.unreadable, outcome.blank = row.rejection, row.unreadable, row.blank
            rows[row] = outcome
        for row, outcome in rows.items():
            outcome.parent = None if row.parent is None else rows[row.parent]
            outcome.version_of = None if row.version_of is None else rows[row.version_of]
            outcome.children = [rows[child] for child in row.children]
            outcome.versions = [rows[version] for version in row.versions]
        for (row, name), value in (told or {}).items():
            rows[row].facts[name] = value
            rows[row].assumed -= {name}
        return Case(as_of or case.as_of, rows[case.top], rows[case.person]), rows
