"""Where and when a row stands, as far as provisions ask for that before anything else.

In: the conditions of an entity's provisions, a row. Out: its specialisation: which of the tests that conditions
begin with hold there. Most provisions begin with an area and a day, so that what these decide is worked out
once for all rows of a place and time.
Invariants: the tests read where the row is and its reference date alone, and none of them can fail; one that
is unknown is in no specialisation, and stays with the provisions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final, Generic, TypeAlias, TypeVar

from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.function_builder import distance
from mianshen.interpreter.rows import Row
from mianshen.program.core import AsOf, Const, Core, FactRef, If, InSet, IsKnown, Op, SamePlace, Within, walk
from mianshen.program.program import Key, Program

Specialisation: TypeAlias = Mapping[Core, bool]
Made = TypeVar("Made")

COMPARING: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not"})
MOST_PLACES: Final = 20_000  # pairs of area and day that are remembered


class Specialisations(Generic[Made]):
    """What `make` makes of each specialisation that rows of one entity have, once for each."""

    def __init__(
        self,
        compiler: Compiler,
        entity: str,
        conditions: Iterable[Sequence[Core]],
        make: Callable[[Specialisation], Made],
    ) -> None:
        program = compiler.program
        self._make = make
        self._date = program.entities[entity].date
        tests = dict.fromkeys(test for parts in conditions for test in leading(program, entity, parts))
        self._tests = {test: compiler.compile(test, entity) for test in tests}
        read = {(n.entity, n.name) for test in tests for n in walk(test) if isinstance(n, FactRef)}
        self._areas = [
            (distance(program, entity, owner), name)
            for owner, name in areas_of(program, entity)
            if (owner, name) in read
        ]
        self._made: dict[tuple[bool | None, ...], Made] = {}
        self._known: dict[tuple[Any, ...], Made] = {}

    def of(self, row: Row) -> Made:
        """What was made of the row's specialisation."""
        place: tuple[Any, ...] = (row.as_of if self._date is None else row.facts.get(self._date),)
        for steps, name in self._areas:
            at = row
            for _ in range(steps):
                at = at.parent  # type: ignore[assignment]  # a row of this entity has one
            place += (at.facts.get(name),)
        known = self._known.get(place)
        return self._first_met(place, row) if known is None else known

    def _first_met(self, place: tuple[Any, ...], row: Row) -> Made:
        values = [test(row) for test in self._tests.values()]
        truths = tuple([value if isinstance(value, bool) else None for value in values])
        if truths not in self._made:
            known = {t: truth for t, truth in zip(self._tests, truths, strict=True) if truth is not None}
            self._made[truths] = self._make(known)
        if len(self._known) >= MOST_PLACES:
            self._known.clear()
        self._known[place] = self._made[truths]
        return self._made[truths]


class Changed(Generic[Made]):
    """What was made of specialisations, each changed when it is first asked for."""

    def __init__(self, before: Specialisations[Made] | Changed[Made], change: Callable[[Made], Made]) -> None:
        self._of = before.of
        self._change = change
        self._changed: dict[int, Made] = {}

    def of(self, row: Row) -> Made:
        """What was made of the row's specialisation, changed."""
        plan = self._of(row)
        if id(plan) not in self._changed:
            self._changed[id(plan)] = self._change(plan)
        return self._changed[id(plan)]


def leading(program: Program, entity: str, parts: Iterable[Core]) -> list[Core]:
    """The parts with which a condition begins that rest on area and reference date alone."""
    date = program.entities[entity].date
    place_and_day = {*areas_of(program, entity), (entity, date)}

    def rests(node: Core) -> bool:
        match node:
            case Const():
                return True
            case FactRef(entity=owner, name=name):
                return (owner, name) in place_and_day
            case AsOf():
                return date is None
            case Within(arg=arg) | InSet(arg=arg) | IsKnown(arg=arg):
                return rests(arg)
            case If(condition=condition, then=then, otherwise=otherwise):
                return rests(condition) and rests(then) and rests(otherwise)
            case SamePlace(one=one, other=other):
                return rests(one) and rests(other)
            case Op(op=op, args=args):
                return op in COMPARING and all(rests(arg) for arg in args)
            case _:
                return False  # stays with the provision, which tests it as any other

    return list(takewhile(rests, parts))


def areas_of(program: Program, entity: str) -> list[Key]:
    """The facts that say in which area a row is: its own, or the nearest ancestor's and those that stand for it."""
    line = [entity, *program.ancestors(entity)]
    owner = next((name for name in line if program.entities[name].area is not None), None)
    if owner is None:
        return []
    area, between = (owner, program.entities[owner].area), line[: line.index(owner) + 1]
    return [
        key
        for key, fact in program.facts.items()
        if key == area or (key[0] in between and fact.instead_of == area)
    ]
