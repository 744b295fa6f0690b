"""What would make a benefit due: the smallest changes of facts, and the day on which it comes by itself.

In: a program, a benefit, a case. Out: `Prospects`.
Invariants: every change shown was decided by the whole program, with the benefit due and no row rejected
that was not before; one fact is tried before two, and of two neither alone would do; what cannot change
(`immutable`, once known) or nobody should be advised to change (`proposed: false`) is never proposed, nor a change that
brings an amount of nothing. Facts that make no difference even when unknown are not tried:
by Kleene's logic no value of theirs can.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from mianshen.interpreter.decide import Interpreter
from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.operations import Function
from mianshen.interpreter.result import BenefitResult, benefit_result
from mianshen.interpreter.rows import Case, Row
from mianshen.interpreter.what_if.candidate_values import CandidateValues, Conditions, Works, closest, lines
from mianshen.interpreter.what_if.scenario import Place, Reads, Scenario
from mianshen.program.core import Code, Date, Numeric
from mianshen.program.program import Benefit, Fact, Program
from mianshen.program.slicing import benefit_keys, part_of
from mianshen.values import Known, Unknown

MOST_TRIALS: Final = 2_000  # cases decided in search of pairs
MOST_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class FactChange:
    """A fact of a row, what it is (None: unknown), and what it would have to be."""

    row: Row
    fact: Fact
    before: Known | None
    after: Known


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Changes which together make the benefit due, and what it then comes to."""

    changes: tuple[FactChange, ...]
    result: BenefitResult


@dataclass(frozen=True, slots=True)
class Fixed:
    """A fact that the answer hangs on and that cannot change."""

    row: Row
    fact: Fact
    value: Known


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """`complete`: every pair within the values tried was looked at."""

    flips: tuple[Counterfactual, ...]
    fixed: tuple[Fixed, ...]
    complete: bool


class CounterfactualSearch:
    """Looks for changes to one benefit of one program; `whole` has the last word on each."""

    def __init__(self, program: Program, benefit: Benefit, whole: Interpreter) -> None:
        self.program = program
        self.benefit = benefit
        self.whole = whole
        part = part_of(program, benefit_keys(benefit)[:1])  # eligibility alone
        self.part = Interpreter(part)
        self.candidates = CandidateValues(part)
        self.conditions = Conditions(part, self.part.compiler)
        self.scenario = Scenario(program)
        compiler = Compiler(program, lambda _entity, _name: lambda _row: Unknown())
        self.checks: dict[str, list[Function]] = {
            name: [compiler.compile(check.condition, name) for check in entity.checks]
            for name, entity in program.entities.items()
        }
        self.spent = 0

    # -- deciding ------------------------------------------------------------------------------

    def status(self, case: Case) -> object:
        """True, False, unknown or not modelled; None where the person's row fails."""
        self.spent += 1
        self.part.run(case)
        row = case.of(self.benefit.entity)
        if case.person.rejection is not None or row is None or row.rejection is not None:
            return None
        return row.values[self.benefit.eligible]

    def due_with(self, case: Case, changes: dict[Place, Known]) -> bool:
        """Whether the benefit is due with these facts."""
        return self.status(self.scenario.copy(case, changes)[0]) is True

    def confirmed(self, case: Case, changes: dict[Place, Known]) -> BenefitResult | None:
        """What the whole program says with these facts, where it says that the benefit is due."""
        copy, rows = self.scenario.copy(case, changes)
        if any(check(rows[row]) is False for row, _ in changes for check in self.checks[row.entity]):
            return None
        self.whole.run(copy)
        if any(rows[row].rejection is not None and row.rejection is None for row in case.rows()):
            return None
        row = copy.of(self.benefit.entity)
        assert row is not None  # the benefit is one of the case
        result = benefit_result(self.benefit, row)
        return result if result.status == "eligible" and result.amount != 0 else None

    # -- facts ---------------------------------------------------------------------------------

    def facts_read(self, case: Case, unanswered: Sequence[Place] = ()) -> list[tuple[Row, Fact]]:
        """The facts that eligibility reads, whatever those `untold` may be; keys aside."""
        self.spent += 1
        copy, rows = self.scenario.copy(case, unanswered=unanswered, noting=True)
        self.part.run(copy)
        read = []
        for row in case.rows():
            noted = rows[row].facts
            assert isinstance(noted, Reads)
            keys = {self.program.entities[row.entity].key}
            keys |= set() if row.parent is None else {self.program.entities[row.parent.entity].key}
            names = [n for (entity, n) in self.program.facts if entity == row.entity and n in noted.read]
            read += [(row, self.program.facts[row.entity, n]) for n in names if n not in keys]
        return [part for part in read if part[0].rejection is None]

    def may_matter(self, case: Case, places: Sequence[Place], now: object) -> bool:
        """Whether any values of these facts could give another answer than `now`."""
        if isinstance(now, Unknown):
            return all((name, row.entity, row.key) in now.missing for row, name in places)
        return self.status(self.scenario.copy(case, unanswered=places)[0]) != now

    # -- changes -------------------------------------------------------------------------------

    def changes(self, case: Case) -> Counterfactuals:
        """The smallest changes that make the benefit due; none where it is, or the row fails."""
        self.spent = 0
        now = self.status(self.scenario.copy(case)[0])
        if now is True or now is None:
            return Counterfactuals((), (), True)
        read = self.facts_read(case)
        free = [part for part in read if _changeable(*part)]
        fixed = [
            Fixed(row, fact, row.facts[fact.name])
            for row, fact in read
            if not _changeable(row, fact)
            and fact.name in row.facts
            and self.may_matter(case, [(row, fact.name)], now)
        ]
        flips: list[Counterfactual] = []
        for row, fact in free:
            if self.may_matter(case, [(row, fact.name)], now):
                flips += self._by_one(case, row, fact)
        pairs = [] if flips else list(self._by_two(case, free, now))
        complete = self.spent <= MOST_TRIALS
        return Counterfactuals(tuple([*flips, *pairs][:MOST_SHOWN]), tuple(fixed), complete)

    def _by_one(self, case: Case, row: Row, fact: Fact) -> Iterator[Counterfactual]:
        """The values of one fact that do; of numbers and dates the nearest below and above."""
        before = row.facts.get(fact.name)

        def works(value: Known) -> bool:
            return self.due_with(case, {(row, fact.name): value})

        tried = self._tried(case, {}, row, fact)
        for value in _smallest(fact, before, tried, works):
            result = self.confirmed(case, {(row, fact.name): value})
            if result is not None:
                yield Counterfactual((FactChange(row, fact, before, value),), result)

    def _by_two(self, case: Case, free: Sequence[tuple[Row, Fact]], now: object) -> Iterator[Counterfactual]:
        count = 0
        for (row1, fact1), (row2, fact2) in self._pairs(case, free):
            if count >= MOST_SHOWN or self.spent > MOST_TRIALS:
                return
            if self.may_matter(case, [(row1, fact1.name), (row2, fact2.name)], now):
                pair = list(self._pair(case, row1, fact1, row2, fact2))
                pair = pair or list(self._pair(case, row2, fact2, row1, fact1))
                count += len(pair)
                yield from pair

    def _pairs(
        self, case: Case, free: Sequence[tuple[Row, Fact]]
    ) -> Iterator[tuple[tuple[Row, Fact], tuple[Row, Fact]]]:
        """Facts of which one is read, and the other read or read once the first is another."""
        seen: set[frozenset[Place]] = set()
        for row1, fact1 in free:
            for row2, fact2 in self.facts_read(case, [(row1, fact1.name)]):
                both = frozenset({(row1, fact1.name), (row2, fact2.name)})
                if len(both) == 2 and both not in seen and _changeable(row2, fact2):
                    seen.add(both)
                    yield (row1, fact1), (row2, fact2)

    def _pair(self, case: Case, row1: Row, fact1: Fact, row2: Row, fact2: Fact) -> Iterator[Counterfactual]:
        """Values of two facts that do together; where the first is a number or a day, one such pair."""
        one, two = row1.facts.get(fact1.name), row2.facts.get(fact2.name)
        for first in _nearest_first(self._values(fact1, case.as_of, one), one):

            def works(value: Known, first: Known = first) -> bool:
                return self.due_with(case, {(row1, fact1.name): first, (row2, fact2.name): value})

            if self.spent > MOST_TRIALS or not self._helps(case, row1, fact1, first, row2, fact2):
                continue
            tried = self._tried(case, {(row1, fact1.name): first}, row2, fact2)
            for second in _smallest(fact2, two, tried, works):

                def suits(value: Known, second: Known = second) -> bool:
                    return self.due_with(case, {(row1, fact1.name): value, (row2, fact2.name): second})

                nearest = first if one is None else closest(fact1, one, first, suits)
                result = self.confirmed(case, {(row1, fact1.name): nearest, (row2, fact2.name): second})
                if result is not None:
                    yield Counterfactual(
                        (FactChange(row1, fact1, one, nearest), FactChange(row2, fact2, two, second)), result
                    )
                    if isinstance(fact1.type, Numeric | Date):
                        return

    def _tried(self, case: Case, changes: dict[Place, Known], row: Row, fact: Fact) -> dict[Known, bool]:
        """The values tried for a fact, and whether each makes the benefit due.

        Of numbers and days, those on either side of every line between two values tried are among them.
        """
        seen: dict[Known, tuple[object, ...]] = {}

        def look(value: Known) -> tuple[object, ...]:
            if value not in seen:
                seen[value] = self._picture(case, {**changes, (row, fact.name): value})
            return seen[value]

        values = self._values(fact, case.as_of, row.facts.get(fact.name))
        for value in values:
            look(value)
        if isinstance(fact.type, Numeric | Date):
            known = row.facts.get(fact.name)
            ordered: list[Any] = sorted({*values, *(() if known is None else (known,))})
            for low, high in pairwise(ordered):
                lines(fact, low, high, look)
            seen.pop(known, None)  # type: ignore[arg-type]  # None is no key
        return {value: picture[0] is True for value, picture in seen.items()}

    def _values(self, fact: Fact, as_of: dt.date, known: Known | None) -> tuple[Known, ...]:
        """The values worth trying that somebody may be advised of."""
        values = self.candidates.of(fact, as_of, known)
        unproposed = self.program.codes[fact.type.codes].unproposed if isinstance(fact.type, Code) else ()
        return tuple(value for value in values if value not in unproposed)

    def _picture(self, case: Case, changes: dict[Place, Known]) -> tuple[object, ...]:
        """The answer, and which way each condition behind it goes."""
        copy, _ = self.scenario.copy(case, changes)
        answer = self.status(copy)
        return answer, *self.conditions.truths(copy)

    def _helps(self, case: Case, row1: Row, fact1: Fact, first: Known, row2: Row, fact2: Fact) -> bool:
        """Whether, the first fact being so, any value of the second could do."""
        copy, rows = self.scenario.copy(case, {(row1, fact1.name): first})
        status = self.status(self.scenario.copy(copy, unanswered=[(rows[row2], fact2.name)])[0])
        return status is True or isinstance(status, Unknown)


def _changeable(row: Row, fact: Fact) -> bool:
    """An unknown fact may be told even where it could not change, but for those that nobody is advised of."""
    return fact.proposed and not (fact.immutable and fact.name in row.facts)


def _nearest_first(values: Sequence[Any], to: Any) -> Sequence[Any]:
    """Numbers and days by how far they are from one; others as they come."""
    return sorted(values, key=lambda value: abs(value - to)) if isinstance(to, Decimal | dt.date) else values


def _smallest(fact: Fact, before: Known | None, tried: Mapping[Known, bool], works: Works) -> list[Known]:
    """The values worth showing among those that do: all codes; the nearest numbers and dates either way.

    Of one that is not known, the ends of the ranges that do, as far as what was tried tells them apart.
    """
    good = [value for value, does in tried.items() if does]
    if not good or isinstance(good[0], bool | str | tuple):
        return good
    ordered: list[Any] = sorted(tried)
    if before is None:
        return list(dict.fromkeys(_ends(fact, ordered, tried, works))) or ordered[:1]
    below = [value for value in ordered if value < before and tried[value]]
    above = [value for value in ordered if value > before and tried[value]]
    return [closest(fact, before, value, works) for value in (*below[-1:], *above[:1])]


def _ends(fact: Fact, ordered: list[Any], tried: Mapping[Known, bool], works: Works) -> Iterator[Known]:
    """Where values begin to do, and where they cease to."""
    for index, value in enumerate(ordered):
        if tried[value]:
            before, after = ordered[index - 1 : index], ordered[index + 1 : index + 2]
            if before and not tried[before[0]]:
                yield closest(fact, before[0], value, works)
            if after and not tried[after[0]]:
                yield closest(fact, after[0], value, works)
