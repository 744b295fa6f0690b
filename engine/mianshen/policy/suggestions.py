"""Cases written from the rules: for each mutant that no case notices, and each place no case goes through, a record.

In: the mutants that survive, the points uncovered, a program. Out: `Suggestion`s: a minimal record, what it is for, and
what the rules give for it today, which is to be confirmed against the source.
Invariants: the record is decided by the interpreter, and shows what it is for; a fact it does without is left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, TypeAlias

from mianshen.interpreter import Case, Interpreter
from mianshen.policy.case_coverage import Uncovered, points_of
from mianshen.policy.exercised import Exerciser
from mianshen.policy.mutation.mutants import Mutant, Refused
from mianshen.policy.mutation.reached import Place, Reach, places_of
from mianshen.policy.mutation.runs import changed
from mianshen.program.program import Citation, Program
from mianshen.proof.records import Record, Records, Sampler, plain
from mianshen.source import Span
from mianshen.values import NOT_MODELLED, Known, Unknown, Value

SAMPLE: Final = 1500  # people made up, among whom a record is sought
Values: TypeAlias = dict[
    tuple[str, str, str], object
]  # (entity, key, decision) to a value, or the reason of a reject


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A record, what it would try, and what is expected of it: by list of rows, row and decision."""

    reason: str
    clause: Citation
    span: Span
    record: Record
    expect: dict[str, Any]

    def case(self, name: str) -> dict[str, Any]:
        """The suggestion as an entry of a case file."""
        return {"name": name, **self.record, "expect": self.expect}


@dataclass(slots=True)
class _Person:
    record: Record
    values: Values
    reached: frozenset[Place]
    points: frozenset[Uncovered]


class Suggesting:
    """Seeks records for one program; `advance` hears of each person made up and each place looked at."""

    def __init__(
        self, program: Program, sample: int = SAMPLE, advance: Callable[[int], None] = lambda _: None
    ) -> None:
        self.program = program
        self.advance = advance
        self.interpreter = Interpreter(program)
        self.records = Records(self.interpreter)
        self.people: list[_Person] = []
        reach, sampler = Reach(self.interpreter), Sampler(program)
        for _ in range(sample):
            record = sampler.person(self.records)
            self._add(record, reach)
            advance(1)

    def _add(self, record: Record, reach: Reach) -> None:
        case = self.records.read(record)
        if case is None:
            return
        self.interpreter.run(case)
        failed = any(row.rejection is not None for row in case.rows())
        exerciser = Exerciser(self.interpreter)
        exerciser.go_through(case)
        points = frozenset(point for point, covered in points_of(self.program, exerciser.seen) if covered)
        self.people.append(_Person(record, values_of(case), reach.of(case, failed), points))

    # -- mutants -----------------------------------------------------------------------------

    def for_mutants(self, mutants: Iterable[Mutant]) -> Iterator[Suggestion]:
        """A record for each mutant that none before it would notice."""
        written: list[tuple[Record, Values]] = []
        for mutant in mutants:
            self.advance(1)
            try:
                with changed(self.interpreter, mutant) as otherwise:
                    if any(self._differ(otherwise, record, values) for record, values in written):
                        continue
                    record = self._noticing(mutant, otherwise)
            except Refused:
                continue
            if record is None:
                continue
            now = self._values(record)
            with changed(self.interpreter, mutant) as otherwise:
                then = self._values(record, otherwise)
            moved = {place: value for place, value in now.items() if then.get(place) != value}
            gone = [place for place in then if place not in now]
            written.append((record, moved or now))
            expect = self.expected(record, moved or {place: now.get(place) for place in gone} or now)
            reason = f"{mutant.name}: {mutant.before} -> {mutant.after}"
            yield Suggestion(reason, mutant.clause, mutant.span, record, expect)

    def _differ(self, otherwise: Interpreter, record: Record, values: Values) -> bool:
        """Whether what a case would expect comes out otherwise."""
        then = self._values(record, otherwise)
        return any(then.get(place) != value for place, value in values.items())

    def _noticing(self, mutant: Mutant, otherwise: Interpreter) -> Record | None:
        """The smallest record that the mutant decides otherwise; only people who reach its place are tried."""
        places = places_of(mutant, self.program)
        for person in self.people:
            if places.isdisjoint(person.reached) or self._values(person.record, otherwise) == person.values:
                continue
            return self.records.smallest(person.record, lambda record: self._told_apart(record, mutant))
        return None

    def _told_apart(self, record: Record, mutant: Mutant) -> bool:
        """Whether both decide a record, differently."""
        now = self._values(record, self._apart)
        if not now:
            return False
        with changed(self._apart, mutant) as otherwise:
            return now != self._values(record, otherwise)

    @cached_property
    def _apart(self) -> Interpreter:
        """Another interpreter, for what is asked while the first one decides as a mutant."""
        return Interpreter(self.program)

    def _values(self, record: Record, interpreter: Interpreter | None = None) -> Values:
        """What an interpreter gives for a record; empty where it cannot be read."""
        case = self.records.read(record)
        if case is None:
            return {}
        (interpreter or self.interpreter).run(case)
        return values_of(case)

    # -- uncovered points --------------------------------------------------------------------

    def for_points(self, points: Sequence[Uncovered]) -> Iterator[Suggestion]:
        """A record for each place that no case goes through, and none before it does."""
        done: set[Uncovered] = set()
        for point in points:
            self.advance(1)
            if point in done:
                continue
            person = next((person for person in self.people if point in person.points), None)
            if person is None:
                continue
            record = self.records.smallest(person.record, lambda record, p=point: p in self._points(record))  # type: ignore[misc]
            done |= self._points(record)
            values = {
                place: value for place, value in self._values(record).items() if self._speaks(point, place)
            }
            expect = self.expected(record, values)
            yield Suggestion(f"{point.name} {point.what}".strip(), point.clause, point.span, record, expect)

    def _points(self, record: Record) -> frozenset[Uncovered]:
        case = self.records.decided(record)
        if case is None:
            return frozenset()
        exerciser = Exerciser(self.interpreter)
        exerciser.go_through(case)
        return frozenset(point for point, covered in points_of(self.program, exerciser.seen) if covered)

    def _speaks(self, point: Uncovered, place: tuple[str, str, str]) -> bool:
        """Whether a decision is the one that a point's provision gives."""
        decisions = {
            d.name for d in self.program.decisions if any(p.name == point.name for p in d.provisions)
        }
        return place[2] in decisions or not decisions

    # -- expectations ------------------------------------------------------------------------

    def expected(self, record: Record, values: Values) -> dict[str, Any]:
        """Values as a case expects them."""
        entry = self.program.entities[self.program.entry]
        expect: dict[str, Any] = {}
        for (entity, key, decision), value in values.items():
            if not decision:
                expect.setdefault("rejects", []).append({"key": key, "reason": str(value)})
                continue
            own = self.program.entities[entity]
            if entity == entry.name or self.program.above_entry(entity):
                row = expect.setdefault(entity, {})
            else:
                row = expect.setdefault(own.children or entity, {}).setdefault(key, {})
            row[decision] = written(value)
        return expect


def values_of(case: Case) -> Values:
    """Every decision of every row, and why rows are rejected."""
    values: Values = {}
    for row in case.rows():
        if row.rejection is not None:
            if row.rejection.reason != "parent_rejected":
                values[row.entity, row.key, ""] = row.rejection.reason
        elif row.version_of is None:
            values |= {(row.entity, row.key, name): _comparable(value) for name, value in row.values.items()}
    return values


def _comparable(value: Value) -> object:
    return "unknown" if isinstance(value, Unknown) else value


def written(value: object) -> Any:
    """A value as a case file has it."""
    if value is NOT_MODELLED:
        return "not_modelled"
    if isinstance(value, Decimal | bool | str | dt.date | tuple):
        known: Known = value
        return plain(known)
    return str(value)
