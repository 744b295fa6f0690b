"""What a run came to, counted: by benefit, jurisdiction and status, by layer, by reason.

In: a finished run, the facts of its inputs as tables. Out: `Tables`, plain numbers.
Invariants: one pass over the people, one over each kind of rows, whatever the number of benefits; a sum says how
many rows it leaves out; nothing here names a person: a missing fact that names a rejected record is counted by the
kind of record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb

from mianshen.batch.output_files import REJECTS, EntityFile
from mianshen.ingest.inputs import identifier, quoted
from mianshen.interpreter.result import MISSING_FACTS
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.program.program import Entity, Program

STATUSES: Final = ("eligible", "ineligible", "undetermined", "not_modelled")
PREFECTURE: Final = 4  # digits of an area that name the prefecture; two name the province


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows have each answer about a benefit, and the amounts due.

    `open`: how many rows the sum leaves out, for it is not known whether they are due, or what.
    """

    statuses: dict[str, int]
    amount: Decimal | None  # None: nobody is due an amount
    open: int = 0

    def __add__(self, other: Counted) -> Counted:
        amounts = [amount for amount in (self.amount, other.amount) if amount is not None]
        return Counted(
            {status: self.statuses[status] + other.statuses[status] for status in STATUSES},
            sum(amounts, Decimal(0)) if amounts else None,
            self.open + other.open,
        )


@dataclass(frozen=True, slots=True)
class Layer:
    """The sum of a decision over rows; `open`: how many of them are undetermined and left out."""

    amount: Decimal = Decimal(0)
    open: int = 0

    def __add__(self, other: Layer) -> Layer:
        return Layer(self.amount + other.amount, self.open + other.open)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one kind below the people: how many of each status, the sum of each layer."""

    statuses: dict[str, int]
    layers: dict[str, Layer]

    def __add__(self, other: Rows) -> Rows:
        names = dict.fromkeys((*self.statuses, *other.statuses))
        statuses = {name: self.statuses.get(name, 0) + other.statuses.get(name, 0) for name in names}
        return Rows(statuses, {name: layer + other.layers[name] for name, layer in self.layers.items()})


@dataclass(frozen=True, slots=True)
class Place:
    """A prefecture (or less, where an area says less; empty: unknown): its people and answers."""

    area: str
    people: int
    due: int  # people due at least one benefit
    benefits: dict[str, Counted]
    rows: dict[str, Rows]  # by what rows of the kind are called together


@dataclass(frozen=True, slots=True)
class MissingFact:
    """A missing fact: how many answers about a benefit (or rows below, `benefit` empty) wait for it."""

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
    """`above`: benefits of what stands above people, counted by household and not by place."""

    places: tuple[Place, ...]
    benefits: dict[str, Counted]
    above: dict[str, Counted]
    rows: dict[str, Rows]
    missing: tuple[MissingFact, ...]
    refusals: tuple[Refusal, ...]

    @property
    def people(self) -> int:
        return sum(place.people for place in self.places)

    @property
    def due(self) -> int:
        return sum(place.due for place in self.places)


def benefits_of(program: Program) -> list[str]:
    """The benefits of people, in the rulebook's order."""
    return [name for name, benefit in program.benefits.items() if benefit.entity == program.entry]


@dataclass(slots=True)
class Counting:
    """Counts one run. `people` is a table of facts of the run's people."""

    program: Program
    run: FinishedRun
    connection: duckdb.DuckDBPyConnection
    people: str

    @property
    def person(self) -> Entity:
        return self.program.entities[self.program.entry]

    def tables(self) -> Tables:
        places = self._places()
        nothing = Counted(dict.fromkeys(STATUSES, 0), None)
        benefits = {
            name: sum((place.benefits[name] for place in places), start=nothing)
            for name in benefits_of(self.program)
        }
        rows = {file.stem: self._no_rows(file) for file in self._below()}
        for place in places:
            for stem, of_place in place.rows.items():
                rows[stem] = rows[stem] + of_place
        return Tables(
            tuple(places), benefits, self._above(), rows, tuple(self._missing()), tuple(self._refusals())
        )

    def _below(self) -> list[EntityFile]:
        """The files of rows below people that have a status."""
        upper = {self.person.name, *self.program.ancestors(self.person.name)}
        files = self.run.files(self.program)
        return [f for f in files if f.entity.name not in upper and f.entity.outcome is not None]

    # -- by place ------------------------------------------------------------------------------

    def _place(self) -> str:
        """The prefecture of a row joined with `people`; empty where it is not known."""
        if self.person.area is None:
            return "''"
        return f"coalesce(left(people.{identifier(self.person.area)}, {PREFECTURE}), '')"

    def _joined(self, rows: str) -> str:
        key = identifier(self.person.key)
        return f"{rows} AS made LEFT JOIN {self.people} AS people ON people.{key} = made.{key}"

    def _places(self) -> list[Place]:
        names = benefits_of(self.program)
        answers, width = self._answers(names), len(STATUSES) + 2
        columns = [f"{self._place()} AS place", "count(*)", self._due(names), *answers]
        query = (
            f"SELECT {', '.join(columns)} FROM {self._joined(self.run.people(self.program))} GROUP BY place"
        )
        of_people = {row[0]: row[1:] for row in self.connection.execute(query).fetchall()}
        below = {file.stem: self._rows_by_place(file) for file in self._below()}
        areas = {*of_people, *(area for places in below.values() for area in places)}
        places = []
        for area in sorted(areas, key=lambda area: (area == "", area)):
            people, due, *cells = of_people.get(area, (0, 0, *([0] * len(STATUSES) + [None, 0]) * len(names)))
            benefits = {
                name: _counted(cells[width * index : width * (index + 1)]) for index, name in enumerate(names)
            }
            rows = {stem: of[area] for stem, of in below.items() if area in of}
            places.append(Place(area, people, due, benefits, rows))
        return places

    def _answers(self, names: list[str]) -> list[str]:
        """Per benefit: how many rows have each answer, what is due, how many rows that leaves out."""
        columns = []
        for name in names:
            status, amount = (f"made.{identifier(f'{name}_{part}')}" for part in ("status", "amount"))
            columns += [f"count(*) FILTER ({status} = {quoted(answer)})" for answer in STATUSES]
            columns.append(f"sum({amount}) FILTER ({status} = 'eligible')")
            paid = "false" if self.program.benefits[name].amount is None else f"{amount} IS NULL"
            columns.append(f"count(*) FILTER ({paid} AND {status} IN ('eligible', 'undetermined'))")
        return columns

    def _due(self, names: list[str]) -> str:
        tests = " OR ".join(f"made.{identifier(f'{name}_status')} = 'eligible'" for name in names)
        return f"count(*) FILTER ({tests or 'false'})"

    def _rows_by_place(self, file: EntityFile) -> dict[str, Rows]:
        """Rows of one kind by place: how many of each status, and the sum of each layer."""
        layers = layers_of(file)
        sums = [f"sum(made.{identifier(name)}), count(*) - count(made.{identifier(name)})" for name in layers]
        columns = ", ".join([f"{self._place()} AS place", "made.status", "count(*)", *sums])
        if self.person.key not in file.keys:  # rows further below name another parent
            columns = columns.replace(self._place(), "''", 1)
            source = f"{self.run.rows(file.name)} AS made"
        else:
            source = self._joined(self.run.rows(file.name))
        places: dict[str, Rows] = {}
        query = f"SELECT {columns} FROM {source} GROUP BY place, made.status ORDER BY ALL"
        for place, status, count, *cells in self.connection.execute(query).fetchall():
            rows = places.setdefault(place, self._no_rows(file))
            rows.statuses[status] = count
            for index, name in enumerate(layers):
                total, missing = cells[2 * index : 2 * index + 2]
                open_ = missing if status == "undetermined" else 0
                rows.layers[name] += Layer(total or Decimal(0), open_)
        return places

    @staticmethod
    def _no_rows(file: EntityFile) -> Rows:
        return Rows({}, dict.fromkeys(layers_of(file), Layer()))

    def _above(self) -> dict[str, Counted]:
        """Benefits of what stands above people, each once."""
        counted: dict[str, Counted] = {}
        for file in self.run.files(self.program):
            names = [benefit.name for benefit in file.benefits]
            if not self.program.above_entry(file.entity.name) or not names:
                continue
            query = f"SELECT {', '.join(self._answers(names))} FROM {self.run.rows(file.name)} AS made"
            row, width = self.connection.execute(query).fetchall()[0], len(STATUSES) + 2
            counted |= {name: _counted(row[width * i : width * (i + 1)]) for i, name in enumerate(names)}
        return counted

    # -- what is missing, what is rejected -----------------------------------------------------

    def _missing(self) -> list[MissingFact]:
        """Missing facts by name: answers about benefits, then rows below people, that wait for each."""
        missing: list[MissingFact] = []
        for file in self.run.files(self.program):
            for benefit in file.benefits:
                reason = identifier(f"{benefit.name}_reason")
                names = (
                    f"SELECT {missing_names(self.program, reason)} AS name FROM {self.run.rows(file.name)}"
                )
                waiting = f"{names} WHERE starts_with({reason}, {quoted(MISSING_FACTS)})"
                missing += [MissingFact(fact, benefit.name, count) for fact, count in self._kinds(waiting)]
        for file in self._below():
            waiting = f"SELECT {split_names('missing')} AS name FROM {self.run.rows(file.name)} WHERE missing IS NOT NULL"
            missing += [MissingFact(fact, "", count) for fact, count in self._kinds(waiting)]
        return missing

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


def missing_names(program: Program, reason: str) -> str:
    """The names after `missing_facts: `, a row each, as SQL.

    Where none is named, what is missing stands in a record that the person belongs to and that is not
    there: then it is the number of that record.
    """
    above = program.entities[program.entry].parent
    number = quoted("" if above is None else program.entities[above].key)
    named = f"nullif(ltrim(substr({reason}, {len(MISSING_FACTS) + 2})), '')"
    return split_names(f"coalesce({named}, {number})")


def split_names(text: str) -> str:
    """The names in a text as `names_of` writes them, a row each, as SQL."""
    parts = f"""unnest(regexp_extract_all({text}, '"(?:[^"]|"")*"|[^,]+'))"""
    return f"""replace(regexp_replace({parts}, '^"(.*)"$', '\\1', 's'), '""', '"')"""


def layers_of(file: EntityFile) -> list[str]:
    """The money decisions of a kind of rows that the run wrote."""
    return [decision.name for decision in file.shown if decision.written == "money"]


def _counted(cells: Sequence[Any]) -> Counted:
    """The columns of `_answers` of one benefit."""
    *counts, amount, open_ = cells
    return Counted(dict(zip(STATUSES, counts, strict=True)), amount, open_)
