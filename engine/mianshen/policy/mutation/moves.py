"""What a mutant would move among people made up: so that of many survivors the weighty ones are seen first.

In: a program, mutants. Out: for each, how many people are decided otherwise, and by how much what they are paid differs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mianshen.interpreter import Case, Interpreter
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.policy.mutation.mutants import Mutant, Refused
from mianshen.policy.mutation.reached import Place, Reach, places_of
from mianshen.policy.mutation.runs import changed
from mianshen.program.program import Program
from mianshen.proof.records import Records, Sampler
from mianshen.values import ZERO, Value

PEOPLE: Final = 300


@dataclass(frozen=True, slots=True)
class Moves:
    """How many of the made-up people are decided otherwise, and by how many yuan paid decisions differ in all."""

    people: int
    of: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class _Person:
    undecided: Case
    decided: Case
    reached: frozenset[Place]


def moves_of(program: Program, mutants: Iterable[Mutant]) -> list[Moves]:
    """What each mutant moves; one that the checker refuses moves nobody."""
    interpreter = Interpreter(program)
    records, sampler, reach, scenario = (
        Records(interpreter),
        Sampler(program),
        Reach(interpreter),
        Scenario(program),
    )
    persons: list[_Person] = []
    for _ in range(PEOPLE):
        case = records.read(sampler.person(records))
        if case is not None:
            decided = scenario.copy(case)[0]
            interpreter.run(decided)
            failed = any(row.rejection is not None for row in decided.rows())
            persons.append(_Person(case, decided, reach.of(decided, failed)))
    return [_moved(mutant, interpreter, persons, scenario) for mutant in mutants]


def _moved(mutant: Mutant, interpreter: Interpreter, people: list[_Person], scenario: Scenario) -> Moves:
    places, count, amount = places_of(mutant, interpreter.program), 0, ZERO
    try:
        with changed(interpreter, mutant) as otherwise:
            for person in people:
                if places.isdisjoint(person.reached):
                    continue
                case = scenario.copy(person.undecided)[0]
                otherwise.run(case)
                differs, more = _difference(interpreter.program, person.decided, case)
                count, amount = count + differs, amount + more
    except Refused:
        return Moves(0, len(people), ZERO)
    return Moves(count, len(people), amount)


def _difference(program: Program, one: Case, other: Case) -> tuple[bool, Decimal]:
    """Whether anything is decided otherwise, and by how much what is paid differs where both are known."""
    differs, amount = False, ZERO
    for row, changed_row in zip(one.rows(), other.rows(), strict=True):
        differs |= (row.rejection is None) != (changed_row.rejection is None)
        for name, value in row.values.items():
            now: Value | None = changed_row.values.get(name)
            if now == value:
                continue
            differs = True
            paid = (row.entity, name) in program.paid
            if paid and isinstance(value, Decimal) and isinstance(now, Decimal):
                amount += abs(value - now)
    return differs, amount
