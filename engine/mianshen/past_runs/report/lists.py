"""The lists a township works through: CSV files, a folder for each area of insurance.

In: a finished run, its residents' areas and households, what benefits show. Out: `lists/<area>/<list>.csv`, perhaps a
workbook of each area's lists, and how many rows each holds.
Invariants: a list names only people of its area; what matters most comes first: the largest amount of a benefit, the
first value that a benefit with a list of its own shows (the earliest day), the fact that most wait for. Only one file is
open at a time and only a part of the rows is held, however many there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import duckdb

from mianshen.batch.output_files import EntityFile
from mianshen.casework.wording import DELIVERY, NO, STATUS, YES, Words, named_place
from mianshen.ingest.inputs import identifier, quoted
from mianshen.interpreter.result import MISSING_FACTS
from mianshen.past_runs.finished_run import FinishedRun, household_fact
from mianshen.past_runs.report.cells import Cell, CsvFile
from mianshen.past_runs.report.changes import TABLE
from mianshen.past_runs.report.tables import missing_names, split_names
from mianshen.past_runs.report.workbooks import Kind, write_workbook
from mianshen.program.calendar import MISSING as CALENDAR
from mianshen.program.core import Boolean, Date, Numeric
from mianshen.program.program import Benefit, Decision, Entity, Program
from mianshen.source import Lang, Message
from mianshen.wording import wording

FOLDER: Final = "lists"
NOWHERE: Final = "unknown"  # the folder of people whose area is not known
_BATCH: Final = 50_000  # rows held at a time

_OWNER: Final = "?owner"  # stands for the household in a title
KINDS: Final = wording.group("lists.kinds")
_COLUMNS: Final = wording.group("lists.columns")


@dataclass(frozen=True, slots=True)
class Written:
    """A list written: its area, its name, how many rows."""

    area: str
    name: str
    path: str  # from the report's folder
    rows: int
    kinds: tuple[Kind, ...]  # of its columns


@dataclass(slots=True)
class Lists:
    """Writes the lists of one run.

    `people`: a table of its residents' areas and households (`table_of_people`). `shown`: by entity the file of what
    benefits show. `since`: whether an earlier run was compared with, so that there is a table of changes.
    """

    program: Program
    run: FinishedRun
    connection: duckdb.DuckDBPyConnection
    people: str
    folder: Path
    lang: Lang
    shown: Mapping[str, Path] = field(default_factory=dict)
    since: bool = False
    words: Words = field(init=False)
    written: list[Written] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.words = Words(self.program)

    @property
    def person(self) -> Entity:
        return self.program.entities[self.program.entry]

    @property
    def area(self) -> str | None:
        """The fact that says where people are insured."""
        return self.person.area

    @property
    def household(self) -> str | None:
        return household_fact(self.program)

    def write(self) -> None:
        """Every list: by delivery, those benefits that have one of their own, and what is missing."""
        benefits = [benefit for file in self.run.files(self.program) for benefit in file.benefits]
        benefits = [
            b for b in benefits if b.entity in (self.person.name, *self.program.ancestors(self.person.name))
        ]
        for delivery in DELIVERY:
            self._due(delivery, [b for b in benefits if b.delivery == delivery and not b.work_list])
        for benefit in benefits:
            if benefit.work_list:
                self._due(benefit.name, [benefit])
        self._undetermined(benefits)

    def title(self, name: str) -> str:
        """What a list is called."""
        known = DELIVERY | {
            "undetermined": wording("lists.undetermined"),
            "changes": wording("lists.changes"),
        }
        title = known.get(name) or self.program.benefits[name].title
        return title.in_(self.lang)

    # -- people due something ------------------------------------------------------------------

    def _due(self, name: str, benefits: list[Benefit]) -> None:
        if not benefits:
            return

        own = benefits[0].work_list
        own_columns = (
            [self._decision(benefits[0], name) for name in benefits[0].shows] if own and self.shown else []
        )
        parts = " UNION ALL ".join(self._due_rows(number, benefit) for number, benefit in enumerate(benefits))
        query = self.placed(parts, "benefit, weight DESC NULLS LAST, made.person, owner", first=None)
        amounts = not own or benefits[0].amount is not None
        details = bool(self.shown) and not own and any(benefit.shows for benefit in benefits)

        def line(area: str, row: Sequence[Any]) -> list[Cell]:
            household, person, owner, number, amount, reason, change, values, _ = row
            benefit = benefits[number]
            cells = [
                self._shown(self._decision(benefit, name), value)
                for name, value in zip(benefit.shows, values or (), strict=bool(values))
            ]
            also = cells if own else [self._details(benefit, cells)] if details else []
            paid = [self._money(amount, reason)] if amounts else []
            return [
                *self.whose(person, owner or household, area), self.benefit_title(benefit, owner), self._status(change),
                *paid, *(also or [""] * len(own_columns)), *self._grounds(benefit, reason),
            ]  # fmt: skip

        columns: list[tuple[str, Kind]] = [self._column("benefit"), self._column("status")]
        columns += [self._column("amount", "amount")] if amounts else []
        columns += [(self._say(decision.title), _kind(decision)) for decision in own_columns]
        columns += [self._column("details")] if details else []
        columns += [self._column("ground"), self._column("clause")]
        self.files(name, query, [*self.heads(), *columns], line)

    def _due_rows(self, number: int, benefit: Benefit) -> str:
        """The rows due a benefit: whose, amount, reason, what changed, what it shows as texts, its weight in the order."""
        entity = self.program.entities[benefit.entity]
        amount, reason, status = (
            identifier(f"{benefit.name}_{part}") for part in ("amount", "reason", "status")
        )
        rows, change, values, weight = (
            f"{self.rows(self.run, entity)} AS made",
            "NULL",
            "NULL::VARCHAR[]",
            f"{amount}::DECIMAL(38, 6)",
        )
        if self.since:
            same = f"c.benefit = {quoted(benefit.name)} AND c.person = made.person AND c.owner = made.owner"
            rows += f" LEFT JOIN {TABLE} AS c ON {same}"
            change = "coalesce(c.change, 'as_before')"
        if benefit.shows and entity.name in self.shown:
            key = identifier(entity.key)
            rows += f" LEFT JOIN {_file(self.shown[entity.name])} AS also ON also.{key} = made.{key}"
            values = f"[{', '.join(f'also.{identifier(name)}::VARCHAR' for name in benefit.shows)}]"
            weight = _weight(self._decision(benefit, benefit.shows[0])) if benefit.work_list else weight
        return (
            f"SELECT made.person, made.owner, {number} AS benefit, {amount} AS amount, {reason} AS reason, "
            f"{change} AS change, {values} AS shown, {weight} AS weight FROM {rows} WHERE {status} = 'eligible'"
        )

    def _decision(self, benefit: Benefit, name: str) -> Decision:
        return self.words.decisions[benefit.entity, name]

    def _shown(self, decision: Decision, value: str | None) -> Cell:
        """What a benefit shows, read from the text of a result's cell; nothing where it is not known."""
        match decision.type:
            case _ if value is None:
                return ""
            case Numeric():
                return Decimal(value)
            case Date():
                return dt.date.fromisoformat(value)
            case Boolean():
                return self._say(YES if value == "true" else NO)
            case type_:
                return self._say(self.words.value(value, decision.written, type_))

    def _details(self, benefit: Benefit, cells: Sequence[Cell]) -> str:
        """What a benefit shows in one cell: `title value; title value`."""
        parts = []
        for name, cell in zip(benefit.shows, cells, strict=bool(cells)):
            decision = self._decision(benefit, name)
            value = cell if isinstance(cell, str) else self._say(self.words.value(cell, decision.written))
            parts += [f"{self._say(decision.title)} {value}"] if value else []
        return ("；" if self.lang == "zh" else "; ").join(parts)

    def _status(self, change: str | None) -> str:
        if change is None:
            return self._say(STATUS["eligible"])
        return self._say(KINDS.get(change, wording("lists.as_before")))

    def rows(self, run: FinishedRun, entity: Entity) -> str:
        """The rows that benefits of an entity are decided at, with `person` and `owner`.

        Of a household `person` is its first member by number and `owner` the household; of a person `owner` is empty.
        """
        key, own = identifier(self.person.key), identifier(entity.key)
        if entity.name == self.person.name:
            return f"(SELECT *, {key} AS person, '' AS owner FROM {run.people(self.program)})"
        rows = run.rows(EntityFile(self.program, entity).name)
        if entity.name != self.person.parent or (self.person.name, entity.key) not in self.program.facts:
            return f"(SELECT *, '' AS person, {own} AS owner FROM {rows})"
        members = f"SELECT {own}, min({key}) AS person FROM {self.people} GROUP BY {own}"
        columns = f"made.*, coalesce(person, '') AS person, made.{own} AS owner"
        return f"(SELECT {columns} FROM {rows} AS made LEFT JOIN ({members}) USING ({own}))"

    def benefit_title(self, benefit: Benefit, owner: str = "") -> str:
        """A benefit's title; one of a household with the household, for it is paid once."""
        title = self._say(benefit.title)
        if benefit.entity == self.person.name:
            return title
        whose = f"{self._say(self.program.entities[benefit.entity].title)} {owner}".rstrip()
        return f"{title}（{whose}）" if self.lang == "zh" else f"{title} ({whose})"

    def _money(self, amount: Decimal | None, reason: str) -> Cell:
        if amount is not None:
            return amount
        return self._say(wording("lists.open")) if reason.startswith(MISSING_FACTS) else ""

    def _grounds(self, benefit: Benefit, reason: str) -> tuple[str, str]:
        """The provision that decided and its clause; of an open amount the benefit's own clause."""
        provision = self.words.provisions.get(reason)
        if provision is None:
            return "", self._say(self.words.citation(benefit.citation))
        return self._say(provision.title), self._say(self.words.citation(provision.citation))

    # -- what is missing -----------------------------------------------------------------------

    def _undetermined(self, benefits: list[Benefit]) -> None:
        """One row for each person (or row below) and missing fact, with what waits for it."""
        parts = []
        for benefit in benefits:
            reason, title = identifier(f"{benefit.name}_reason"), quoted(self.benefit_title(benefit, _OWNER))
            rows = self.rows(self.run, self.program.entities[benefit.entity])
            parts.append(
                f"SELECT person, '' AS record, {missing_names(self.program, reason)} AS fact, replace({title}, "
                f"{quoted(_OWNER)}, owner) AS waits FROM {rows} WHERE starts_with({reason}, {quoted(MISSING_FACTS)})"
            )
        key = identifier(self.person.key)
        files = [f for f in self.run.files(self.program) if f.entity.parent == self.person.name]
        parts += [
            f"SELECT {key} AS person, {identifier(file.entity.key)} AS record, {split_names('missing')} AS fact, "
            f"{quoted(self._say(file.entity.title))} AS waits FROM {self.run.rows(file.name)} WHERE missing IS NOT NULL"
            for file in files
            if file.entity.outcome is not None
        ]
        if not parts:
            return
        grouped = (
            "SELECT person, fact, record, string_agg(DISTINCT waits, '; ' ORDER BY waits) "
            f"AS waits FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL"
        )
        counted = f"SELECT *, count(*) OVER (PARTITION BY fact) AS waiting FROM ({grouped})"
        query = self.placed(counted, "waiting DESC, fact, made.person, record", first=None)

        def line(area: str, row: Sequence[Any]) -> list[Cell]:
            household, person, fact, record, waits, _ = row
            return [self.fact(fact), fact, *self.whose(person, household, area), record, waits]

        child = self.program.child_of(self.person.name)
        record = "" if child is None else self._say(self.program.facts[child.name, child.key].title)
        before: list[tuple[str, Kind]] = [self._column("missing"), self._column("name")]
        self.files(
            "undetermined",
            query,
            [*before, *self.heads(), (record, "text"), self._column("waiting")],
            line,
        )

    # -- what changed --------------------------------------------------------------------------

    def changes(self, table: str, causes: Sequence[Mapping[str, Any]] | None = None) -> None:
        """What changed since an earlier run, from the table of changes; `causes`: of the rules, where they changed."""
        cause = "NULL" if causes is None else "cause"
        titles = {cause["name"]: cause["title"][self.lang] for cause in causes or ()}
        rows = f"SELECT person, owner, benefit, change, amount_before, amount, reason, {cause} AS cause FROM {table}"

        def line(area: str, row: Sequence[Any]) -> list[Cell]:
            household, person, owner, benefit, change, before, now, reason, cause = row
            known = self.program.benefits.get(benefit)
            title = benefit if known is None else self.benefit_title(known, owner)
            provision = self.words.provisions.get(reason or "")
            ground = "" if provision is None else self._say(provision.title)
            amounts: list[Cell] = ["" if amount is None else amount for amount in (before, now)]
            whose = self.whose(person, owner or household, area)
            behind = [] if causes is None else [titles.get(cause, self._say(wording("lists.records")))]
            return [*whose, title, self._say(KINDS[change]), *amounts, ground, *behind]

        columns = [
            self._column("benefit"),
            self._column("change"),
            self._column("before", "amount"),
            self._column("now", "amount"),
            self._column("ground"),
        ]
        if causes is not None:
            columns.append(self._column("cause"))
        self.files("changes", self.placed(rows, "benefit, owner"), [*self.heads(), *columns], line)

    def fact(self, name: str) -> str:
        """The title of a missing fact or figure; a rejected record by its kind alone."""
        if name.startswith("parameter "):
            parameter = self.program.parameters.get(name.removeprefix("parameter "))
            return name if parameter is None else self._say(parameter.title)
        if name.startswith(CALENDAR):
            return self._say(wording("lists.calendar")).format(year=name.removeprefix(CALENDAR))
        result = [self._say(fact.title) for (_, part), fact in self.program.facts.items() if part == name]
        return result[0] if result else ""

    # -- files by area -------------------------------------------------------------------------

    def heads(self) -> list[tuple[str, Kind]]:
        """The columns every list has: person, household where people have one, area."""
        entity = self.person.name
        facts = [name for name in (self.person.key, self.household) if name is not None]
        titles = [self._say(self.program.facts[entity, name].title) for name in facts]
        area = "" if self.area is None else self._say(self.program.facts[entity, self.area].title)
        return [(title, "text") for title in (*titles, area)]

    def whose(self, person: str, household: str, area: str) -> list[Cell]:
        """The cells below `heads`."""
        return [person, area] if self.household is None else [person, household, area]

    def placed(self, rows: str, then: str, first: str | None = "person") -> str:
        """Rows with a `person` beside the person's area and household, by area."""
        area, household = (
            "''" if name is None else f"coalesce(people.{identifier(name)}, '')"
            for name in (self.area, self.household)
        )
        key = identifier(self.person.key)
        order = then if first is None else f"made.{first}, made.person, {then}"
        return (
            f"SELECT {area} AS area, {household} AS household, made.* FROM ({rows}) AS made LEFT JOIN {self.people} "
            f"AS people ON people.{key} = made.person ORDER BY area, {order}"
        )

    def files(
        self,
        name: str,
        query: str,
        heads: list[tuple[str, Kind]],
        line: Callable[[str, Sequence[Any]], list[Cell]],
    ) -> None:
        """A file of the list for each area that the query's rows come by."""
        header, kinds = [title for title, _ in heads], tuple(kind for _, kind in heads)
        for area, rows in groupby(self._fetched(query), key=itemgetter(0)):
            path, place = (
                f"{FOLDER}/{folder_of(area)}/{name}.csv",
                self._say(named_place(area)) if area else "",
            )
            with closing(CsvFile(self.folder / path, header)) as file:
                for _, *row in rows:
                    file.write(line(place, row))
            self.written.append(Written(area, name, path, file.rows, kinds))

    def _fetched(self, query: str) -> Iterator[tuple[Any, ...]]:
        result = self.connection.execute(query)
        while rows := result.fetchmany(_BATCH):
            yield from rows

    def workbooks(self) -> None:
        """A workbook for each area, of the lists written so far. Raises OSError."""
        by_area: dict[str, list[Written]] = {}
        for item in self.written:
            by_area.setdefault(item.area, []).append(item)
        for area, items in by_area.items():
            folder = folder_of(area)
            sheets = ((self.title(item.name), self.folder / item.path, item.kinds) for item in items)
            write_workbook(self.folder / FOLDER / folder / f"{folder}.xlsx", sheets)

    def _column(self, name: str, kind: Kind = "text") -> tuple[str, Kind]:
        return self._say(_COLUMNS[name]), kind

    def _say(self, message: Message) -> str:
        return message.in_(self.lang)


def folder_of(area: str) -> str:
    """The folder of an area: its digits, or that of the unknown; never a path."""
    return area if area.isascii() and area.isdigit() else NOWHERE


def _file(path: Path) -> str:
    return f"read_parquet({quoted(str(path))})"


def _kind(decision: Decision) -> Kind:
    """How a workbook shows a decision's column."""
    match decision.type:
        case Numeric() if decision.written == "money":
            return "amount"
        case Date():
            return "date"
        case _:
            return "text"


def _weight(decision: Decision) -> str:
    """What orders rows by a shown decision: the largest number first, the earliest day first."""
    column = f"also.{identifier(decision.name)}"
    match decision.type:
        case Numeric():
            return f"try_cast({column} AS DECIMAL(38, 6))"
        case Date():
            return f"-epoch_us({column})::DECIMAL(38, 6)"
        case _:
            return "NULL::DECIMAL(38, 6)"
