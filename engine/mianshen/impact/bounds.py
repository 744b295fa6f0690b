"""What unknown facts leave open of a difference: the least and the most that a row may add to it.

In: one household as a case of either program, the amounts of which not both sides are known. Out: bounds in yuan.
Invariants: whatever valid values the unknown facts take, what the row adds lies within; a row of which an amount stays
unknown, for a record is rejected or a figure not published, adds nothing. Facts that are codes or truths are tried
one by one while they are few, so that bounds are as narrow as may be; everything else is bounded by what is possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import cached_property
from itertools import product
from math import prod
from typing import Final, TypeAlias

from mianshen.impact.possible import Possibilities
from mianshen.impact.ranges import Possible, range_of
from mianshen.interpreter import Interpreter
from mianshen.interpreter.rows import Case, Row
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.program.program import Benefit, Program
from mianshen.values import EXACT, ZERO, Known, Missing, Unknown

MOST_TRIED: Final = 48  # combinations of values of unknown codes and truths of one household
RowName: TypeAlias = tuple[str, str]  # entity, key
Amount: TypeAlias = "tuple[RowName, Benefit | str]"  # of a row: a benefit's amount, or a decision
Pair: TypeAlias = tuple[Decimal, Decimal]


@dataclass
class Bounds:
    """Bounds of differences between two programs."""

    programs: tuple[Program, Program]
    interpreters: list[Interpreter] = field(init=False)
    scenarios: list[Scenario] = field(init=False)

    def __post_init__(self) -> None:
        self.interpreters = [Interpreter(program) for program in self.programs]
        self.scenarios = [Scenario(program) for program in self.programs]

    def of(self, cases: tuple[Case, Case], amounts: Sequence[Amount]) -> list[Pair]:
        """For each amount the least and the most that it may add to the difference; `cases` are not decided yet."""
        with localcontext(EXACT):
            return self._of(cases, amounts)

    def _of(self, cases: tuple[Case, Case], amounts: Sequence[Amount]) -> list[Pair]:
        for interpreter, case in zip(self.interpreters, cases, strict=True):
            interpreter.run(case)
        unknown = sorted({missing for case in cases for missing in self._missing(case, amounts)})
        bounds: list[Pair] = [(ZERO, ZERO)] * len(amounts)
        for filling in self._tried(unknown):
            sides = (
                [self._told(at, case, filling) for at, case in enumerate(cases)] if filling else list(cases)
            )
            possible = [Possibilities(i) for i in self.interpreters]
            rows = [
                {(row.entity, row.key): row for row in case.rows() if row.version_of is None}
                for case in sides
            ]
            for number, (name, subject) in enumerate(amounts):
                parts = [
                    _amount(p, by_name.get(name), subject) for p, by_name in zip(possible, rows, strict=True)
                ]
                low, high = _difference(*parts)
                bounds[number] = min(bounds[number][0], low), max(bounds[number][1], high)
        return bounds

    def _missing(self, case: Case, amounts: Sequence[Amount]) -> Iterator[Missing]:
        """The facts that may still change the amounts."""
        rows = {(row.entity, row.key): row for row in case.rows() if row.version_of is None}
        for name, subject in amounts:
            row = rows.get(name)
            names = (subject.eligible, subject.amount) if isinstance(subject, Benefit) else (subject,)
            for decision in names if row is not None else ():
                value = row.values.get(decision or "") if row is not None else None
                yield from value.missing if isinstance(value, Unknown) else ()

    def _tried(self, unknown: Sequence[Missing]) -> Iterator[dict[Missing, Known]]:
        """Every way to fill in the unknown codes and truths, as far as they are few; else none of them."""
        choices: list[tuple[Missing, list[Known]]] = []
        for missing in unknown:
            values = self._values.get((missing.entity, missing.name))
            if values and prod(len(v) for _, v in choices) * len(values) <= MOST_TRIED:
                choices.append((missing, values))
        for combination in product(*(values for _, values in choices)):
            yield dict(zip((missing for missing, _ in choices), combination, strict=True))

    @cached_property
    def _values(self) -> dict[tuple[str, str], list[Known]]:
        """The values of every fact that has few."""
        values: dict[tuple[str, str], list[Known]] = {}
        for program in self.programs:
            for key, fact in program.facts.items():
                whole = range_of(fact.type, program).values
                if whole is not None:
                    values[key] = sorted(whole, key=str)  # type: ignore[arg-type]  # texts, or truths
        return values

    def _told(self, at: int, case: Case, filling: dict[Missing, Known]) -> Case:
        """A copy of the case with facts told, decided."""
        rows = {(row.entity, row.key): row for row in case.rows() if row.version_of is None}
        known = {
            (row, missing.name): value
            for missing, value in filling.items()
            if (row := rows.get((missing.entity, missing.key))) is not None
            and (missing.entity, missing.name) in self.programs[at].facts
        }
        copy, _ = self.scenarios[at].copy(case, known)
        self.interpreters[at].run(copy)
        return copy


def _amount(possible: Possibilities, row: Row | None, subject: Benefit | str) -> Possible | None:
    """What an amount may be; None where the row has none."""
    if row is None or row.rejection is not None:
        return None
    if isinstance(subject, str):
        return possible.decision(row, subject)
    due = possible.decision(row, subject.eligible)
    truths = (True, False) if due.values is None else due.values
    if True not in truths or subject.amount is None:
        return Possible(ZERO, ZERO)
    amount = possible.decision(row, subject.amount)
    if (False in truths or due.absent or amount.absent) and amount.bounds is not None:
        low, high = amount.bounds
        assert isinstance(low, Decimal)
        assert isinstance(high, Decimal)
        return Possible(min(low, ZERO), max(high, ZERO))
    return amount


def _difference(one: Possible | None, other: Possible | None) -> Pair:
    """The least and the most that the second side may be above the first; what is not modelled adds nothing."""
    sides = []
    for part in (one, other):
        if part is None or part.bounds is None:
            sides.append((ZERO, ZERO))
            continue
        low, high = part.bounds
        assert isinstance(low, Decimal)
        assert isinstance(high, Decimal)
        sides.append((min(low, ZERO), max(high, ZERO)) if part.absent else (low, high))
    (a, b), (c, d) = sides
    return c - b, d - a
