"""Records that proofs speak of: read as people's are, decided by the interpreter, cut down, made up.

In: a record as plain values. Out: the case decided, or None where a row is rejected; the smallest record that still
shows something; records at random whose facts lie on either side of what rules compare them with.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, localcontext
from functools import partial
from random import Random
from typing import Any, Final, TypeAlias

from mianshen.document.yaml_tree import read_tree
from mianshen.interpreter import Case, Interpreter, Row, RowError
from mianshen.interpreter.what_if.candidate_values import CandidateValues
from mianshen.program.core import Core, Numeric
from mianshen.program.program import Key, Program
from mianshen.records.read import CASE_KEYS, read_record
from mianshen.source import Diagnostic
from mianshen.values import EXACT, ZERO, Known, Value

Record: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str, int | None]  # a part of a record, or one row of a list
MOST_MENDED: Final = 8
ROUND: Final = ("0.00", "1.00", "100.00", "1000.00", "10000.00", "100000.00")


class Records:
    """Reads and decides records of one program."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.program: Program = interpreter.program

    def decided(self, record: Record) -> Case | None:
        """The record decided; None where it cannot be read or a row is rejected before or while it is decided."""
        case = self.read(record)
        if case is None:
            return None
        self.interpreter.run(case)
        return None if any(row.rejection is not None for row in case.rows()) else case

    def read(self, record: Record) -> Case | None:
        """The record as a case; None where it cannot be read, or a row is rejected."""
        case, wrong = self._read(record)
        return None if wrong else case

    def _read(self, record: Record) -> tuple[Case | None, Sequence[Diagnostic]]:
        root, findings = read_tree(json.dumps(record, ensure_ascii=False), "record")
        if root is None or findings:
            return None, findings
        return read_record(root, self.program, None, CASE_KEYS)

    def mended(self, record: Record) -> Record | None:
        """The record without the facts for which rows of it would be rejected; None where that does not help."""
        for _ in range(MOST_MENDED):
            case, _ = self._read(record)
            if case is None:
                return None
            wrong = [row for row in case.rows() if row.rejection is not None]
            if not wrong:
                return record
            left_out = [self._without(record, row) for row in wrong]
            if not any(left_out):
                return None
        return None

    def _without(self, record: Record, row: Row) -> bool:
        """Leave out the fact for which a row is rejected; whether there was one."""
        assert row.rejection is not None
        entity = self.program.entities[row.entity]
        parts = (
            [record[row.entity]] if row.entity in record else record.get(entity.children or row.entity, [])
        )
        mine = [part for part in parts if part.get(entity.key) == row.key]
        return any(part.pop(row.rejection.field, None) is not None for part in mine)

    def row(self, case: Case, entity: str) -> Row | None:
        """The row of an entity that a proof is about: the person's, one above, or the first below."""
        above = case.of(entity)
        if above is not None:
            return above
        return next((row for row in case.rows() if row.entity == entity), None)

    def value(self, node: Core, row: Row) -> Value | None:
        """A formula at a decided row; None where it fails."""
        try:
            with localcontext(EXACT):
                return self.interpreter.compiler.written(node, row.entity)(row)
        except RowError:
            return None

    def smallest(self, record: Record, shows: Callable[[Record], bool]) -> Record:
        """The record with every row and fact left out, and every amount made round, that `shows` does not need."""
        for change in self._cuts(record):
            record = self._tried(record, change, shows)
        return record

    def _tried(
        self, record: Record, change: Callable[[Record], None], shows: Callable[[Record], bool]
    ) -> Record:
        smaller: Record = json.loads(json.dumps(record))
        try:
            change(smaller)
        except (KeyError, IndexError):
            return record
        return smaller if smaller != record and shows(smaller) else record

    def _cuts(self, record: Record) -> Iterator[Callable[[Record], None]]:
        entry = self.program.entry
        for name, part in record.items():
            if isinstance(part, list) and part:
                yield partial(_put, place=(name, None), fact=None, value=[])
            elif isinstance(part, dict) and name != entry:
                yield partial(_put, place=(name, None), fact=None, value=None)
        for name, part in record.items():
            places: list[Place] = [(name, None)] if isinstance(part, dict) else []
            places += [(name, number) for number in range(len(part))] if isinstance(part, list) else []
            for place in places:
                for fact, value in _at(record, place).items():
                    yield partial(_put, place=place, fact=fact, value=None)
                    if isinstance(value, str) and _is_amount(value):
                        yield from (partial(_put, place=place, fact=fact, value=amount) for amount in ROUND)


def _put(record: Record, place: Place, fact: str | None, value: Any) -> None:
    """A fact, or a whole part, given another value; None: left out. Raises KeyError where it is out already."""
    part, name = (record, place[0]) if fact is None else (_at(record, place), fact)
    if value is None:
        del part[name]
    else:
        part[name] = value


def _at(record: Record, place: Place) -> dict[str, Any]:
    part: Any = record[place[0]]
    return part if place[1] is None else part[place[1]]  # type: ignore[no-any-return]


def _is_amount(text: str) -> bool:
    whole, dot, cents = text.lstrip("-").partition(".")
    return bool(dot) and whole.isdigit() and cents.isdigit() and text not in ROUND


# -- made up -----------------------------------------------------------------------------------------


class Sampler:
    """People at random: each fact one of the values that rules tell apart, or, that often, unknown.

    `counts`: how many rows of each entity below a person may have.
    """

    def __init__(
        self, program: Program, seed: int = 1, unknown: float = 0.1, counts: tuple[int, ...] = (0, 1, 1, 2)
    ) -> None:
        self.program = program
        self.unknown = unknown
        self.counts = counts
        self.chance = Random(seed)  # noqa: S311  # a sample, no secret
        self.candidates = CandidateValues(program)
        self.days = sorted(_days(program))
        self._values: dict[tuple[Key, dt.date], tuple[Known, ...]] = {}

    def person(self, records: Records) -> Record:
        """A record of which no row is rejected when it is read."""
        while True:
            record = records.mended(self.record())
            if record is not None:
                return record

    def record(self) -> Record:
        """One person with rows of each entity below."""
        day = self._day()
        record: Record = {"as_of": day.isoformat()}
        entry = self.program.entities[self.program.entry]
        record[entry.name] = self._facts(entry.name, "P1", day)
        for above in self.program.ancestors(entry.name):
            record[above] = self._facts(above, "H1", day)
            for child in self.program.children_of(above):
                if child.counted_by in record[above]:
                    record[above][child.counted_by] = 1
        for child in self.program.children_of(entry.name):
            count = self.chance.choice(self.counts)
            rows = [self._facts(child.name, f"{child.name[0].upper()}{n}", day) for n in range(1, count + 1)]
            record[child.children or child.name] = rows
        return record

    def beside(self, record: Record, key: Key) -> list[Any]:
        """Other values of one fact of a record: a little more and much more of a number, any other of a code."""
        part = record.get(key[0]) or (record.get(self.program.entities[key[0]].children or key[0]) or [{}])[0]
        value, fact = part.get(key[1]), self.program.facts[key]
        if isinstance(fact.type, Numeric):
            number = ZERO if value is None else Decimal(value)
            step = Decimal(1).scaleb(-fact.type.scale)
            return [f"{number + more:f}" for more in (step, 2 * step, Decimal(1), Decimal(1000), number)]
        day = dt.date.fromisoformat(record["as_of"])
        return [plain(other) for other in self._of(key, day) if plain(other) != value]

    def _day(self) -> dt.date:
        day = self.chance.choice(self.days) + dt.timedelta(days=self.chance.choice((-1, 0, 0, 1, 100, 200)))
        return max(day, dt.date(2000, 1, 2))

    def _facts(self, entity: str, key: str, day: dt.date) -> dict[str, Any]:
        own = self.program.entities[entity]
        facts: dict[str, Any] = {own.key: key}
        for (owner, name), fact in self.program.facts.items():
            if (
                owner != entity
                or name in (own.key, own.reverses, own.valid_from)
                or fact.personal
                or fact.format
            ):
                continue
            if own.date == name:
                facts[name] = (day - dt.timedelta(days=self.chance.choice((0, 0, 1, 30, 200)))).isoformat()
                continue
            parent = own.parent is not None and name == self.program.entities[own.parent].key
            rare = fact.when_absent is not None or fact.settles is not None
            if parent or self.chance.random() < (0.8 if rare else self.unknown):
                continue
            values = self._of((owner, name), day)
            if values:
                facts[name] = plain(self.chance.choice(values))
        return facts

    def _of(self, key: Key, day: dt.date) -> tuple[Known, ...]:
        place = key, day
        if place not in self._values:
            self._values[place] = self.candidates.of(self.program.facts[key], day)
        return self._values[place]


def plain(value: Known) -> Any:
    """A value as JSON has it; numbers as text."""
    match value:
        case bool() | str():
            return value
        case Decimal():
            return f"{value:f}"
        case dt.date():
            return value.isoformat()
        case tuple():
            return list(value)


def _days(program: Program) -> set[dt.date]:
    """The days on which something begins."""
    days = {dated.start for p in program.parameters.values() for dated in p.series}
    days |= {p.start for d in program.decisions for p in d.provisions if p.start is not None}
    return {day for day in days if day.year >= 2000} | {dt.date(2026, 6, 30)}
