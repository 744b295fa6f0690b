"""The lists a township works through: CSV files, a folder for each area of insurance.

In: a finished run, its residents' areas. Out: `lists/<area>/<list>.csv`, and how many rows each holds.
Invariants: a list names only people of its area; rows come by area, then person, then benefit; only one
file is open at a time and only a part of the rows is held, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from mianshen.batch.output_files import EntityFile, above
from mianshen.casework.wording import DELIVERY, Words, named_place
from mianshen.ingest.inputs import identifier, quoted
from mianshen.interpreter.result import MISSING_FACTS
from mianshen.past_runs.report.cells import CsvFile
from mianshen.past_runs.report.run import FinishedRun
from mianshen.past_runs.report.tables import lacking, split_names
from mianshen.program.calendar import MISSING as CALENDAR
from mianshen.program.program import Benefit, Entity, Program
from mianshen.source import Lang, Message
from mianshen.values import as_money

FOLDER: Final = "lists"
NOWHERE: Final = "unknown"  # the folder of people whose area is not known
_BATCH: Final = 50_000  # rows held at a time

UNDETERMINED: Final = Message("待补事实", "undetermined, by missing fact")
_OWNER: Final = "?owner"  # stands for the household in a title
CHANGES: Final = Message("与上次相比的变化", "changes since the earlier run")
KINDS: Final = {
    "newly_due": Message("新符合", "newly due"),
    "no_longer_due": Message("不再符合", "no longer due"),
    "amount_changed": Message("金额变化", "amount changed"),
}
_CHANGE, _BEFORE, _NOW = (
    Message("变化", "change"),
    Message("上次金额（元）", "amount before (yuan)"),
    Message("本次金额（元）", "amount now (yuan)"),
)
_BENEFIT, _AMOUNT = Message("待遇", "benefit"), Message("金额（元）", "amount (yuan)")
_GROUND, _CLAUSE = Message("依据", "provision"), Message("出处", "source and clause")
_LACKING, _NAME, _WAITING = (
    Message("缺少的事实", "missing fact"),
    Message("字段", "field"),
    Message("等待核定的事项", "waiting for it"),
)
_CALENDAR = Message("{year} 年工作日历", "working days of {year}")
_OPEN = Message("待定", "cannot be told yet")


@dataclass(frozen=True, slots=True)
class Written:
    """A list written: its area, its name, how many rows."""

    area: str
    name: str
    path: str  # from the report's folder
    rows: int


@dataclass(slots=True)
class Lists:
    """Writes the lists of one run. `people` is a table of its residents' areas."""

    program: Program
    run: FinishedRun
    connection: duckdb.DuckDBPyConnection
    people: str
    area: str | None
    folder: Path
    lang: Lang
    words: Words = field(init=False)
    written: list[Written] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.words = Words(self.program)

    @property
    def person(self) -> Entity:
        return self.program.entities[self.program.entry]

    def write(self) -> None:
        """Every list: by delivery, those benefits that have one of their own, and what is missing."""
        benefits = [benefit for file in self.run.files(self.program) for benefit in file.benefits]
        benefits = [b for b in benefits if b.entity in (self.person.name, *above(self.program))]
        for delivery in DELIVERY:
            self._due(delivery, [b for b in benefits if b.delivery == delivery and not b.work_list])
        for benefit in benefits:
            if benefit.work_list:
                self._due(benefit.name, [benefit])
        self._undetermined(benefits)

    def title(self, name: str) -> str:
        """What a list is called."""
        known = {**DELIVERY, "undetermined": UNDETERMINED, "changes": CHANGES}
        title = known.get(name) or self.program.benefits[name].title
        return title.in_(self.lang)

    # -- people due something ------------------------------------------------------------------

    def _due(self, name: str, benefits: list[Benefit]) -> None:
        if not benefits:
            return

        def rows(benefit: Benefit) -> str:
            return self.rows(self.run, self.program.entities[benefit.entity])

        parts = [
            f"SELECT person, owner, {number} AS benefit, {identifier(f'{benefit.name}_amount')} AS amount, "
            f"{identifier(f'{benefit.name}_reason')} AS reason FROM {rows(benefit)} "
            f"WHERE {identifier(f'{benefit.name}_status')} = 'eligible'"
            for number, benefit in enumerate(benefits)
        ]
        query = self.placed(" UNION ALL ".join(parts), "benefit, owner")

        def line(area: str, row: Sequence[Any]) -> list[str]:
            person, owner, number, amount, reason = row
            benefit = benefits[number]
            amount_ = self._money(amount, reason)
            return [person, area, self._title(benefit, owner), amount_, *self._grounds(benefit, reason)]

        self.files(name, query, [*self.heads(), *map(self._say, (_BENEFIT, _AMOUNT, _GROUND, _CLAUSE))], line)

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

    def _title(self, benefit: Benefit, owner: str) -> str:
        """A benefit's title; one of a household with the household, for it is paid once."""
        title = self._say(benefit.title)
        if benefit.entity == self.person.name:
            return title
        whose = f"{self._say(self.program.entities[benefit.entity].title)} {owner}".rstrip()
        return f"{title}（{whose}）" if self.lang == "zh" else f"{title} ({whose})"

    def _money(self, amount: Decimal | None, reason: str) -> str:
        if amount is not None:
            return as_money(amount)
        return self._say(_OPEN) if reason.startswith(MISSING_FACTS) else ""

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
            reason, title = identifier(f"{benefit.name}_reason"), quoted(self._title(benefit, _OWNER))
            rows = self.rows(self.run, self.program.entities[benefit.entity])
            parts.append(
                f"SELECT person, '' AS record, {lacking(self.program, reason)} AS fact, replace({title}, "
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
        query = self.placed(grouped, "fact, record", first="fact")

        def line(area: str, row: Sequence[Any]) -> list[str]:
            person, fact, record, waits = row
            return [self.fact(fact), fact, person, record, area, waits]

        heads, child = self.heads(), self.program.child_of(self.person.name)
        record = "" if child is None else self._say(self.program.facts[child.name, child.key].title)
        self.files(
            "undetermined", query, [self._say(_LACKING), self._say(_NAME), heads[0], record, heads[1], self._say(_WAITING)], line,
        )  # fmt: skip

    # -- what changed --------------------------------------------------------------------------

    def changes(self, table: str) -> None:
        """What changed since an earlier run, from the table of changes."""
        rows = f"SELECT person, owner, benefit, change, amount_before, amount, reason FROM {table}"

        def line(area: str, row: Sequence[Any]) -> list[str]:
            person, owner, benefit, change, before, now, reason = row
            known = self.program.benefits.get(benefit)
            title = benefit if known is None else self._title(known, owner)
            provision = self.words.provisions.get(reason or "")
            ground = "" if provision is None else self._say(provision.title)
            return [person, area, title, self._say(KINDS[change]), _yuan(before), _yuan(now), ground]

        heads = [*self.heads(), *map(self._say, (_BENEFIT, _CHANGE, _BEFORE, _NOW, _GROUND))]
        self.files("changes", self.placed(rows, "benefit, owner"), heads, line)

    def fact(self, name: str) -> str:
        """The title of a missing fact or figure; a rejected record by its kind alone."""
        if name.startswith("parameter "):
            parameter = self.program.parameters.get(name.removeprefix("parameter "))
            return name if parameter is None else self._say(parameter.title)
        if name.startswith(CALENDAR):
            return self._say(_CALENDAR).format(year=name.removeprefix(CALENDAR))
        result = [self._say(fact.title) for (_, part), fact in self.program.facts.items() if part == name]
        return result[0] if result else ""

    # -- files by area -------------------------------------------------------------------------

    def heads(self) -> list[str]:
        """The columns every list has: person and area."""
        area = "" if self.area is None else self._say(self.program.facts[self.person.name, self.area].title)
        return [self._say(self.program.facts[self.person.name, self.person.key].title), area]

    def placed(self, rows: str, then: str, first: str = "person") -> str:
        """Rows with a `person` beside the person's area, by area."""
        area = "''" if self.area is None else f"coalesce(people.{identifier(self.area)}, '')"
        key = identifier(self.person.key)
        return (
            f"SELECT {area} AS area, made.* FROM ({rows}) AS made LEFT JOIN {self.people} AS people "
            f"ON people.{key} = made.person ORDER BY area, made.{first}, made.person, {then}"
        )

    def files(
        self, name: str, query: str, header: list[str], line: Callable[[str, Sequence[Any]], list[str]]
    ) -> None:
        """A file of the list for each area that the query's rows come by."""
        file: CsvFile | None = None
        at: str | None = None
        for area, *row in self._fetched(query):
            if file is None or area != at:
                self._close(file, at, name)
                at = area
                file = CsvFile(self.folder / self._path(area, name), header)
            file.write(line(self._say(named_place(area)) if area else "", row))
        self._close(file, at, name)

    def _fetched(self, query: str) -> Iterator[tuple[Any, ...]]:
        result = self.connection.execute(query)
        while rows := result.fetchmany(_BATCH):
            yield from rows

    def _path(self, area: str, name: str) -> str:
        return f"{FOLDER}/{folder_of(area)}/{name}.csv"

    def _close(self, file: CsvFile | None, area: str | None, name: str) -> None:
        if file is not None and area is not None:
            file.close()
            self.written.append(Written(area, name, self._path(area, name), file.rows))

    def _say(self, message: Message) -> str:
        return message.in_(self.lang)


def folder_of(area: str) -> str:
    """The folder of an area: its digits, or that of the unknown; never a path."""
    return area if area.isascii() and area.isdigit() else NOWHERE


def _yuan(amount: Decimal | None) -> str:
    return "" if amount is None else as_money(amount)
