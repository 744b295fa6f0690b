"""What a run came to, counted: by benefit, jurisdiction and status, by layer, by reason.

In: a finished run, the facts of its inputs as tables. Out: `Tables`, plain numbers.
Invariants: one pass over the residents, one over the claims, whatever the number of benefits; nothing
here names a person: a missing fact that names a rejected record is counted by the kind of record.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb

from mianshen.ingest.inputs import identifier, quoted
from mianshen.interpreter.result import MISSING_FACTS
from mianshen.past_runs.report.run import CLAIMS, REJECTS, RESIDENTS, FinishedRun
from mianshen.program.program import Entity, Program

STATUSES: Final = ("eligible", "ineligible", "undetermined", "not_modelled")
PREFECTURE: Final = 4  # digits of an area that name the prefecture; two name the province


@dataclass(frozen=True, slots=True)
class Counted:
    """How many residents have each answer about a benefit, and the amounts due."""

    statuses: dict[str, int]
    amount: Decimal | None  # None: nobody is due an amount

    def __add__(self, other: Counted) -> Counted:
        amounts = [each for each in (self.amount, other.amount) if each is not None]
        return Counted(
            {status: self.statuses[status] + other.statuses[status] for status in STATUSES},
            sum(amounts, Decimal(0)) if amounts else None,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A prefecture (or less, where an area says less; empty: unknown): its residents and answers."""

    area: str
    residents: int
    due: int  # residents due at least one benefit
    benefits: dict[str, Counted]
    claims: dict[str, int]  # by status
    layers: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Lack:
    """A missing fact: how many answers about a benefit (or claims, `benefit` empty) wait for it."""

    name: str
    benefit: str
    count: int


@dataclass(frozen=True, slots=True)
class Refusal:
    file: str
    field: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Tables:
    places: tuple[Place, ...]
    benefits: dict[str, Counted]
    claims: dict[str, int]
    layers: dict[str, Decimal]
    lacks: tuple[Lack, ...]
    refusals: tuple[Refusal, ...]

    @property
    def residents(self) -> int:
        return sum(place.residents for place in self.places)

    @property
    def due(self) -> int:
        return sum(place.due for place in self.places)


def benefits_of(program: Program) -> list[str]:
    """The benefits a run tells of, in the rulebook's order."""
    return [name for name, benefit in program.benefits.items() if benefit.entity == program.entry]


@dataclass(slots=True)
class Counting:
    """Counts one run. `people` and `records` are tables of facts of its residents and claims."""

    program: Program
    run: FinishedRun
    connection: duckdb.DuckDBPyConnection
    people: str
    area: str | None

    @property
    def person(self) -> Entity:
        return self.program.entities[self.program.entry]

    @property
    def child(self) -> Entity:
        found = self.program.child_of(self.program.entry)
        assert found is not None
        return found

    @property
    def layers(self) -> list[str]:
        """The money decisions of a claim that the run wrote."""
        names = self.program.shown.get(self.child.name, ())
        return [name for name in names if self.program.decision(self.child.name, name).written == "money"]

    def tables(self) -> Tables:
        places = self._places()
        names = benefits_of(self.program)
        nothing = Counted(dict.fromkeys(STATUSES, 0), None)
        benefits = {name: sum((place.benefits[name] for place in places), start=nothing) for name in names}
        claims: dict[str, int] = {}
        layers: dict[str, Decimal] = dict.fromkeys(self.layers, Decimal(0))
        for place in places:
            for status, count in place.claims.items():
                claims[status] = claims.get(status, 0) + count
            for name, total in place.layers.items():
                layers[name] += total
        return Tables(
            tuple(places), benefits, claims, layers, tuple(self._lacks(names)), tuple(self._refusals())
        )

    # -- by place ------------------------------------------------------------------------------

    def _place(self) -> str:
        """The prefecture of a row joined with `people`; empty where it is not known."""
        if self.area is None:
            return "''"
        return f"coalesce(left(people.{identifier(self.area)}, {PREFECTURE}), '')"

    def _joined(self, file: str) -> str:
        key = identifier(self.person.key)
        return f"{self.run.rows(file)} AS made LEFT JOIN {self.people} AS people ON people.{key} = made.{key}"

    def _places(self) -> list[Place]:
        names = benefits_of(self.program)
        columns = [f"{self._place()} AS place", "count(*)", self._due(names)]
        for name in names:
            status, amount = (identifier(f"{name}_{part}") for part in ("status", "amount"))
            columns += [f"count(*) FILTER (made.{status} = {quoted(each)})" for each in STATUSES]
            columns.append(f"sum(made.{amount}) FILTER (made.{status} = 'eligible')")
        query = f"SELECT {', '.join(columns)} FROM {self._joined(RESIDENTS)} GROUP BY place"
        found = {row[0]: row[1:] for row in self.connection.execute(query).fetchall()}
        claims = self._claims()
        places = []
        for area in sorted({*found, *claims}, key=lambda each: (each == "", each)):
            row = found.get(area, (0, 0, *([0, 0, 0, 0, None] * len(names))))
            benefits = {}
            for index, name in enumerate(names):
                at = 2 + index * (len(STATUSES) + 1)
                counts = dict(zip(STATUSES, row[at : at + len(STATUSES)], strict=True))
                benefits[name] = Counted(counts, row[at + len(STATUSES)])
            statuses, layers = claims.get(area, ({}, {}))
            places.append(Place(area, row[0], row[1], benefits, statuses, layers))
        return places

    def _due(self, names: list[str]) -> str:
        tests = " OR ".join(f"made.{identifier(f'{name}_status')} = 'eligible'" for name in names)
        return f"count(*) FILTER ({tests or 'false'})"

    def _claims(self) -> dict[str, tuple[dict[str, int], dict[str, Decimal]]]:
        """Claims by place: how many of each status, and the sum of each layer."""
        sums = [f"sum(made.{identifier(name)})" for name in self.layers]
        columns = ", ".join([f"{self._place()} AS place", "made.status", "count(*)", *sums])
        query = f"SELECT {columns} FROM {self._joined(CLAIMS)} GROUP BY place, made.status ORDER BY ALL"
        found: dict[str, tuple[dict[str, int], dict[str, Decimal]]] = {}
        for place, status, count, *totals in self.connection.execute(query).fetchall():
            statuses, layers = found.setdefault(place, ({}, dict.fromkeys(self.layers, Decimal(0))))
            statuses[status] = count
            for name, total in zip(self.layers, totals, strict=True):
                layers[name] += total or Decimal(0)
        return found

    # -- what is missing, what is rejected -----------------------------------------------------

    def _lacks(self, names: list[str]) -> list[Lack]:
        """Missing facts by name: answers about benefits, then claims, that wait for each."""
        found: list[Lack] = []
        for name in names:
            reason = identifier(f"{name}_reason")
            names_of = f"SELECT {lacking(self.program, reason)} AS name FROM {self.run.rows(RESIDENTS)}"
            waiting = f"{names_of} WHERE starts_with({reason}, {quoted(MISSING_FACTS)})"
            found += [Lack(fact, name, count) for fact, count in self._kinds(waiting)]
        waiting = (
            f"SELECT unnest(string_split(missing, ',')) AS name FROM {self.run.rows(CLAIMS)} "
            "WHERE missing IS NOT NULL"
        )
        found += [Lack(fact, "", count) for fact, count in self._kinds(waiting)]
        return found

    def _kinds(self, query: str) -> list[tuple[str, int]]:
        """How often each name comes; of a rejected record only what kind of record it is."""
        kinds = quoted(f"^({'|'.join(self.program.entities)}) .*$")
        name = f"regexp_replace(name, {kinds}, 'rejected \\1', 's')"
        return self._rows(f"SELECT {name} AS kind, count(*) FROM ({query}) GROUP BY kind ORDER BY ALL")

    def _refusals(self) -> list[Refusal]:
        query = (
            f"SELECT file, coalesce(field, ''), reason, count(*) FROM {self.run.rows(REJECTS)} "
            "GROUP BY ALL ORDER BY 4 DESC, 1, 2, 3"
        )
        return [Refusal(*row) for row in self._rows(query)]

    def _rows(self, query: str) -> list[Any]:
        return self.connection.execute(query).fetchall()


def lacking(program: Program, reason: str) -> str:
    """The names after `missing_facts: `, a row each, as SQL.

    Where none is named, what is missing stands in a record that the person belongs to and that is not
    there: then it is the number of that record.
    """
    above = program.entities[program.entry].parent
    number = quoted("" if above is None else program.entities[above].key)
    named = f"nullif(ltrim(substr({reason}, {len(MISSING_FACTS) + 2})), '')"
    return f"unnest(string_split(coalesce({named}, {number}), ','))"
