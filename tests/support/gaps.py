"""What a missing fact is worth: residents with gaps, and the gaps filled.

In: a program, a seed. Out: households of valid records with unknown facts; copies of a case with facts
filled in. A filling is valid when each value is one of its type, the checks of the vocabulary hold, and a
number of rows is at most that of the rows the record holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from random import Random
from typing import TypeAlias

from tests.support.homes import DAYS, Chances, Record, case_of, homes, record, value

from mianshen.interpreter import Case, Row
from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.operations import Function
from mianshen.interpreter.what_if.candidate_values import CandidateValues
from mianshen.places import county_in
from mianshen.program.core import IsKnown, String, walk
from mianshen.program.program import Fact, Program
from mianshen.program.stages import nodes_of
from mianshen.values import Known, Missing, Unknown

Filling: TypeAlias = Mapping[Missing, Known]


class Gaps:
    """Cases with gaps of one program, and their fillings."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.trials = CandidateValues(program)
        compiler = Compiler(program, lambda _entity, _name: lambda _row: Unknown())
        self.checks: dict[str, list[tuple[str, Function]]] = {
            name: [(check.field, compiler.compile(check.condition, name)) for check in entity.checks]
            for name, entity in program.entities.items()
        }
        self.counts = {
            (e.parent or "", e.counted_by): e.name for e in program.entities.values() if e.counted_by
        }

    def cases(self, seed: int, count: int) -> Iterator[Case]:
        """`count` households, each decided for its first resident; from few to many unknown facts."""
        rng = Random(seed)
        while count > 0:
            chances = Chances(rng.choice((0.02, 0.08, 0.3, 0.6)), 0.0)
            for home in homes(rng, self.program, 1, chances, (0, 1, 1, 2, 3)):
                for person in home.children:
                    person.children += self._others(rng, person, chances)
                case = case_of(self.program, home)
                for row in case.rows():
                    self._redrawn(rng, row, case.as_of)
                if all(self.valid(row) for row in case.rows()):
                    count -= 1
                    yield case

    def _others(self, rng: Random, person: Record, chances: Chances) -> list[Record]:
        """Rows below a person that are no claims, such as visits."""
        kinds = [
            e.name for e in self.program.entities.values() if e.parent == person.entity and e.name != "claim"
        ]
        return [
            record(rng, self.program, kind, f"{kind}{number}-{person.key}", chances)
            for kind in kinds
            for number in range(rng.choice((0, 0, 1, 2)))
        ]

    def _redrawn(self, rng: Random, row: Row, day: dt.date) -> None:
        """Half of a row's facts drawn anew, so that provisions of every area and age come into play."""
        for name in row.facts:
            fact, described = self.program.facts[row.entity, name], self.program.entities[row.entity]
            keys = {described.key, described.date, *(name for _, name in self.counts)}
            if name not in keys and not fact.required and rng.random() < 0.5:
                row.facts[name] = self.value(rng, fact, day)

    def valid(self, row: Row) -> bool:
        """No check of the vocabulary fails on the row."""
        return not any(check(row) is False for _, check in self.checks[row.entity])

    def unknown(self, case: Case) -> list[Missing]:
        """Every fact of every row that is not known."""
        return [
            Missing(name, row.entity, row.key)
            for row in case.rows()
            for entity, name in self.program.facts
            if entity == row.entity and name not in row.facts
        ]

    def is_fact(self, missing: Missing) -> bool:
        return (missing.entity, missing.name) in self.program.facts

    def filling(self, rng: Random, case: Case, gaps: Iterable[Missing]) -> Filling | None:
        """A valid value for each gap, at random; None when twenty draws gave none."""
        gaps = sorted(gaps)
        for _ in range(20):
            results = {gap: self.drawn(rng, case, gap) for gap in gaps}
            if all(self.valid(row) for row in filled(case, results).rows()):
                return results
        return None

    def drawn(self, rng: Random, case: Case, gap: Missing) -> Known:
        counted = self.counts.get((gap.entity, gap.name))
        if counted is not None:
            row = next(r for r in case.rows() if (r.entity, r.key) == (gap.entity, gap.key))
            return Decimal(rng.randint(1, max(1, sum(child.entity == counted for child in row.children))))
        if self.program.entities[gap.entity].date == gap.name:
            return rng.choice(DAYS)
        return self.value(rng, self.program.facts[gap.entity, gap.name], case.as_of)

    def value(self, rng: Random, fact: Fact, day: dt.date) -> Known:
        """One that provisions tell apart, or any."""
        if rng.random() < 0.5:
            return rng.choice(self.trials.of(fact, day) or (value(rng, self.program, fact.type),))
        drawn = value(rng, self.program, fact.type)
        return county_in(str(drawn)) if fact.type == String(area=True) else drawn  # nothing is left to tell


def filled(case: Case, filling: Filling) -> Case:
    """A copy of the case, undecided, with the facts filled in."""
    rows: dict[Row, Row] = {}
    for row in case.rows():
        facts = dict(row.facts)
        for gap, known in filling.items():
            if (gap.entity, gap.key) == (row.entity, row.key):
                facts[gap.name] = known
        copy = Row(row.entity, row.key, facts, assumed=row.assumed, told=row.told)
        rows[row] = copy
        if row.parent is not None:
            copy.parent = rows[row.parent]
            copy.parent.children.append(copy)
    return Case(case.as_of, rows[case.top], rows[case.person])


def asked_whether_known(program: Program) -> frozenset[str]:
    """The facts of which a rule asks whether they are known; telling those may change anything."""
    return frozenset(
        ref.name
        for decision in program.decisions
        for root in nodes_of(decision)
        for node in walk(root)
        if isinstance(node, IsKnown)
        for ref in walk(node.arg)
        if hasattr(ref, "name")
    )
