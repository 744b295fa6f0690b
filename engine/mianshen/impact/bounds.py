"""What unknown facts leave open of a difference: the least and the most that a row may add to it.

In: one household as a case of either program, the amounts of which not both sides are known. Out: bounds in yuan; where
they are so far apart that they bound nothing, the facts that may be any amount.
Invariants: whatever valid values the unknown facts take, what the row adds lies within; a row of which an amount stays
unknown, for a record is rejected or a figure not published, adds nothing. Facts that are codes or truths are tried
one by one while they are few, so that bounds are as narrow as may be; everything else is bounded by what is possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from functools import cached_property
from itertools import product
from math import prod
from typing import Final, TypeAlias

from mianshen.impact.possible import Functions, Possibilities
from mianshen.impact.ranges import Possible, range_of
from mianshen.interpreter import Interpreter
from mianshen.interpreter.rows import Case, Row
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.program.core import Numeric
from mianshen.program.program import Benefit, Fact, Key, Program
from mianshen.program.slicing import part_of
from mianshen.values import EXACT, ZERO, Known, Missing, Unknown

MOST_TRIED: Final = 48  # combinations of values of unknown codes and truths of one household
FAR: Final = Decimal(10) ** 9  # yuan that no row comes to
RowName: TypeAlias = tuple[str, str]  # entity, key
Amount: TypeAlias = "tuple[RowName, Benefit | str]"  # of a row: a benefit's amount, or a decision
Pair: TypeAlias = tuple[Decimal, Decimal]


@dataclass
class Bounds:
    """Bounds of differences between two programs."""

    programs: tuple[Program, Program]
    keys: frozenset[Key] | None = None  # the decisions that amounts are of; None: any
    interpreters: list[Interpreter] = field(init=False)
    scenarios: list[Scenario] = field(init=False)
    functions: list[Functions] = field(init=False)

    def __post_init__(self) -> None:
        parts = [program if self.keys is None else _part(program, self.keys) for program in self.programs]
        self.interpreters = [Interpreter(program) for program in parts]
        self.scenarios = [Scenario(program) for program in parts]
        self.functions = [Functions(interpreter) for interpreter in self.interpreters]

    def of(
        self, cases: tuple[Case, Case], amounts: Sequence[Amount], tried: int = MOST_TRIED
    ) -> list[Pair | frozenset[str]]:
        """For each amount the least and the most that it may add to the difference; `cases` are not decided yet.

        Where nothing bounds it, the facts that do not.
        `tried`: how many combinations of unknown codes and truths are tried one by one.
        """
        with localcontext(EXACT):
            return self._of(cases, amounts, tried)

    def _of(
        self, cases: tuple[Case, Case], amounts: Sequence[Amount], tried: int
    ) -> list[Pair | frozenset[str]]:
        for interpreter, case in zip(self.interpreters, cases, strict=True):
            interpreter.run(case)
        unknown = sorted({missing for case in cases for missing in self._missing(case, amounts)})
        bounds: list[Pair | None] = [(ZERO, ZERO)] * len(amounts)
        for filling in self._tried(unknown, tried):
            open_ = [number for number, bound in enumerate(bounds) if bound is not None]
            if not open_:
                break
            sides = (
                [self._told(at, case, filling) for at, case in enumerate(cases)] if filling else list(cases)
            )
            possible = [Possibilities(functions) for functions in self.functions]
            rows = [
                {(row.entity, row.key): row for row in case.rows() if row.version_of is None}
                for case in sides
            ]
            for number in open_:
                name, subject = amounts[number]
                parts = [
                    _amount(p, by_name.get(name), subject) for p, by_name in zip(possible, rows, strict=True)
                ]
                bounds[number] = _wider(bounds[number], _difference(*parts))
        return [
            self._unbounding(cases, amount) if bound is None else bound
            for amount, bound in zip(amounts, bounds, strict=True)
        ]

    def _unbounding(self, cases: tuple[Case, Case], amount: Amount) -> frozenset[str]:
        """What is missing that may be any amount; where none of it is an amount, all of it."""
        missing = {(m.entity, m.name) for case in cases for m in self._missing(case, [amount])}
        facts = {
            key: program.facts[key] for program in self.programs for key in missing & program.facts.keys()
        }
        wide = {key for key, fact in facts.items() if _is_wide(fact)}
        return frozenset(".".join(filter(None, key)) for key in wide or missing)

    def _missing(self, case: Case, amounts: Sequence[Amount]) -> Iterator[Missing]:
        """The facts that may still change the amounts."""
        rows = {(row.entity, row.key): row for row in case.rows() if row.version_of is None}
        for name, subject in amounts:
            row = rows.get(name)
            names = (subject.eligible, subject.amount) if isinstance(subject, Benefit) else (subject,)
            for decision in names if row is not None else ():
                value = row.values.get(decision or "") if row is not None else None
                yield from value.missing if isinstance(value, Unknown) else ()

    def _tried(self, unknown: Sequence[Missing], most: int) -> Iterator[dict[Missing, Known]]:
        """Every way to fill in the unknown codes and truths, as far as they are few; else none of them."""
        choices: list[tuple[Missing, list[Known]]] = []
        for missing in unknown:
            values = self._values.get((missing.entity, missing.name))
            if values and prod(len(v) for _, v in choices) * len(values) <= most:
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


def _is_wide(fact: Fact) -> bool:
    """Whether a fact may be any amount."""
    if not isinstance(fact.type, Numeric):
        return False
    low, high = (
        ours if own is None else own for own, ours in ((fact.low, fact.type.low), (fact.high, fact.type.high))
    )
    return high - low > FAR


def _part(program: Program, keys: Iterable[Key]) -> Program:
    """A program cut down to what some decisions rest on."""
    known = {decision.key for decision in program.decisions}
    return part_of(program, [key for key in keys if key in known])


def _wider(bound: Pair | None, other: Pair) -> Pair | None:
    """What holds both; None where that is beyond what any row comes to."""
    if bound is None:
        return None
    low, high = min(bound[0], other[0]), max(bound[1], other[1])
    return None if max(-low, high) > FAR else (low, high)


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
