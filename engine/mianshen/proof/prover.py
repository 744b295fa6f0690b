"""What a rulebook states of itself, proved or refuted.

In: a program, a budget. Out: `Finding`s: each property with its verdict, a person who refutes it, and the reason.
Invariants: a refutation is shown by a record that the interpreter decides so; a model it does not confirm is no
refutation. What cannot be told to the solver, or takes longer than the budget, is unknown, with the reason, and then
sought among people made up. A proof is of a household of one person with at most one row of each kind below, whose
facts are known, decided for one of the years that the figures hold; balances before the row are any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any, Final, Literal, TypeAlias, assert_never

import z3

from mianshen.interpreter import Interpreter, Row
from mianshen.program.core import Core
from mianshen.program.program import (
    AlwaysModelled,
    Citation,
    FiguresWithin,
    Holds,
    Key,
    NeverFalls,
    NeverLess,
    Program,
    Property,
)
from mianshen.proof.lowering import Lowering
from mianshen.proof.records import Record, Records, Sampler, plain
from mianshen.proof.symbols import NotLowered, Sym, Term, aligned, all_of, any_of, holds, no, number
from mianshen.proof.world import World, dated_fact
from mianshen.source import Message
from mianshen.values import NOT_MODELLED, ZERO, Known
from mianshen.wording import wording

Verdict: TypeAlias = Literal["proved", "refuted", "unknown"]
BUDGET: Final = 10_000  # milliseconds for one question
SAMPLE: Final = 500  # people made up where the solver cannot tell
# Ways of z3 (its arithmetic, whether step by step): which one is quick differs from question to question.
WAYS: Final = ((2, False), (6, True), (2, True), (6, False))
BECAUSE: Final = wording.group("because")
QUICK: Final = WAYS[1:3]
STEPS: Final = 3000  # of the solver in a millisecond of the budget: counted in steps, a verdict is the same on any machine
PATIENCE: Final = 10  # times the budget, after which a way is given up whatever its steps
MODELS: Final = 4  # tried where the interpreter does not confirm the first
FIRST_ASKED: Final = (2024, 2026)  # years in which a person is sought first


UNCITED: Final = Citation(None, None)


@dataclass(frozen=True, slots=True)
class Finding:
    """A property and what became of it; `record`: the person, `other`: the same person with one fact changed."""

    property: str
    title: Message
    verdict: Verdict
    because: Message
    record: Record | None = None
    other: Record | None = None
    clause: Citation = UNCITED


@dataclass(slots=True)
class Posed:
    """A question as the solver is asked it: `broken` in the worlds, which are one, or two that differ in one fact."""

    worlds: list[tuple[World, Lowering]]
    broken: Term


@dataclass(slots=True)
class Question:
    """When a household breaks a property, and whether a decided record shows it.

    `pose`: how the solver is asked; it raises NotLowered where it cannot be, and then only `shows` is of use.
    """

    name: str
    title: Message
    clause: Citation
    pose: Callable[[], Posed]
    shows: Callable[[Record, Record | None], Message | None]
    failing: bool = False  # whether a row that fails is what is sought
    changed: Key | None = None


class Prover:
    """Answers questions about one program."""

    def __init__(
        self, program: Program, budget: int = BUDGET, sample: int = SAMPLE, named: tuple[str, ...] = ()
    ) -> None:
        self.program = program
        self.named = named  # beginnings of the names of what is asked; none: everything
        self.budget = budget
        self.sample = sample
        self.records = Records(Interpreter(program))

    def stated(self) -> Iterator[Finding]:
        """The properties the rulebook states."""
        for prop in self.program.properties:
            for claim in prop.claims:
                if isinstance(claim, FiguresWithin):
                    if self.asked(prop.name):
                        yield _held(prop, claim)
                    continue
                for label, question in self._questions(prop, claim):
                    question.name = f"{prop.name}: {label}" if label else prop.name
                    if self.asked(question.name):
                        yield self.answer(question)

    def _questions(
        self, prop: Property, claim: Holds | AlwaysModelled | NeverFalls | NeverLess
    ) -> Iterator[tuple[str, Question]]:
        """What a claim comes to, each with its label."""
        match claim:
            case Holds():
                yield "", self._holds(prop, claim)
            case AlwaysModelled(decisions=names):
                yield from ((name, self._modelled(prop, name)) for name in names)
            case NeverFalls(decisions=names, fact=fact, up_to=up_to):
                yield from ((name, self._pair(prop, fact, name, None, up_to)) for name in names)
            case NeverLess(decisions=names, fact=fact, values=values, than=than):
                for name, value, other in product(names, values, than):
                    yield f"{name}, {value} / {other}", self._pair(prop, fact, name, (value, other))
            case _:
                assert_never(claim)

    def asked(self, name: str) -> bool:
        """Whether a property of this name is asked for."""
        return not self.named or name.startswith(self.named)

    def asked_of(self, kind: str) -> bool:
        """Whether a property whose name begins so may be asked for."""
        return self.asked(kind) or any(name.startswith(kind) for name in self.named)

    # -- questions ---------------------------------------------------------------------------

    def lowered(
        self, entity: str, variables: Any = None, changed: dict[Key, Sym] | None = None
    ) -> tuple[World, Lowering]:
        world = World(self.program, entity, variables)
        world.changed.update(changed or {})
        return world, Lowering(world)

    def _when(self, lowering: Lowering, when: Sequence[Core]) -> Term:
        return all_of(*(lowering.node(part, lowering.world.row).true for part in when))

    def _holds(self, prop: Property, claim: Holds) -> Question:
        def pose() -> Posed:
            world, lowering = self.lowered(prop.entity)
            broken = all_of(self._when(lowering, prop.when), lowering.node(claim.condition, world.row).false)
            return Posed([(world, lowering)], broken)

        def shows(record: Record, _: Record | None) -> Message | None:
            row = self._row(record, prop)
            if row is None or self.records.value(claim.condition, row) is not False:
                return None
            return BECAUSE["broken"].filled(claim=claim.text)

        return Question(prop.name, prop.title, prop.citation, pose, shows)

    def _modelled(self, prop: Property, name: str) -> Question:
        def pose() -> Posed:
            world, lowering = self.lowered(prop.entity)
            value = lowering.decision((prop.entity, name), world.row)
            return Posed([(world, lowering)], all_of(self._when(lowering, prop.when), no(value.modelled)))

        def shows(record: Record, _: Record | None) -> Message | None:
            row = self._row(record, prop)
            if row is None or row.values.get(name) is not NOT_MODELLED:
                return None
            return BECAUSE["not_modelled"].filled(name=name)

        return Question(prop.name, prop.title, prop.citation, pose, shows)

    def _pair(
        self, prop: Property, fact: Key, name: str, values: tuple[str, str] | None, up_to: Decimal = ZERO
    ) -> Question:
        """Two households that differ in one fact, of which the second gets less and should not."""

        def pose() -> Posed:
            world, lowering = self.lowered(prop.entity)
            mine = world.fact(fact)
            theirs = world.variable(self.program.facts[fact], f"other {'.'.join(fact)}")
            world2, lowering2 = self.lowered(prop.entity, world.variables, {fact: theirs})
            key = prop.entity, name
            one, two = lowering.decision(key, world.row), lowering2.decision(key, world2.row)
            (first, second, most), _ = aligned([one, two, number(up_to)])
            (low, high), _ = aligned([mine, theirs])
            apart = low < high if values is None else all_of(*self._are(fact, (low, high), values))
            broken = all_of(
                self._when(lowering, prop.when), self._when(lowering2, prop.when), one.there, two.there,
                apart, mine.known, theirs.known, first - second > most,
            )  # fmt: skip
            return Posed([(world, lowering), (world2, lowering2)], broken)

        def shows(record: Record, changed: Record | None) -> Message | None:
            row, row2 = self._row(record, prop), None if changed is None else self._row(changed, prop)
            if row is None or row2 is None:
                return None
            before, after = row.values.get(name), row2.values.get(name)
            was, now = _fact(row, fact), _fact(row2, fact)
            if not (isinstance(before, Decimal) and isinstance(after, Decimal)) or was is None or now is None:
                return None
            grown = was < now if values is None else (was, now) == (values[1], values[0])  # type: ignore[operator]
            if not (before - after > up_to and grown):
                return None
            words = {"fact": fact[1], "was": plain(was), "now": plain(now), "less": before - after}
            return BECAUSE["less"].filled(name=name, before=before, after=after, **words)

        return Question(prop.name, prop.title, prop.citation, pose, shows, changed=fact)

    def _are(self, fact: Key, terms: tuple[Term, Term], values: tuple[str, str]) -> tuple[Term, Term]:
        """The first household has the second code of two, and the second the first."""
        codes = list(self.program.codes[self.program.facts[fact].type.codes].values)  # type: ignore[union-attr]
        return terms[0] == codes.index(values[1]), terms[1] == codes.index(values[0])

    def _row(self, record: Record, prop: Property) -> Row | None:
        """The row a property is about, of a record that is decided; None where `when` does not hold of it."""
        case = self.records.decided(record)
        row = None if case is None else self.records.row(case, prop.entity)
        if row is None or any(self.records.value(part, row) is not True for part in prop.when):
            return None
        return row

    # -- answers -----------------------------------------------------------------------------

    def answer(self, question: Question) -> Finding:
        """The verdict on a question."""
        try:
            posed = question.pose()
            assertions = list(self._assertions(posed, failing=question.failing))
        except NotLowered as error:
            return self._searched(question, BECAUSE["not_lowered"].filled(error=error))
        outcome, unconfirmed = z3.unknown, False
        for narrow in (True, False):
            more = self._narrow(posed) if narrow else []
            for _ in range(MODELS):
                outcome, model = self._checked([*assertions, *more], QUICK if narrow else WAYS)
                if model is None:
                    break
                finding, unconfirmed = self._replayed(question, posed, model), True
                if finding is not None:
                    return finding
                more.append(_another_day(posed, model))
        if outcome == z3.unsat and not unconfirmed:
            return Finding(question.name, question.title, "proved", BECAUSE["domain"], clause=question.clause)
        why = BECAUSE["unconfirmed" if unconfirmed else "undecided"]
        return self._searched(question, why.filled(steps=f"{self.budget * STEPS:,}"))

    def _checked(
        self, assertions: Sequence[z3.BoolRef], ways: Sequence[tuple[int, bool]]
    ) -> tuple[z3.CheckSatResult, z3.ModelRef | None]:
        """Whether all of it can be, and a model; the ways of the solver share the budget."""
        outcome = z3.unknown
        for arithmetic, stepwise in ways:
            solver = z3.Solver()
            solver.set("rlimit", self.budget * STEPS)
            solver.set("timeout", self.budget * PATIENCE)
            solver.set("arith.solver", arithmetic)
            if stepwise:
                solver.push()
            solver.add(*assertions)
            outcome = solver.check()
            if outcome != z3.unknown:
                return outcome, solver.model() if outcome == z3.sat else None
        return outcome, None

    def _assertions(self, posed: Posed, *, failing: bool) -> Iterator[z3.BoolRef]:
        """What the solver is asked to satisfy; `failing`: by rows that fail, too."""
        for world, lowering in posed.worlds:
            yield from self._records_read(world, lowering)
            if not failing:
                yield holds(no(any_of(*(failure.when for failure in lowering.failures))))
        yield holds(posed.broken)
        for world, _ in posed.worlds:
            yield from world.variables.domain

    def _records_read(self, world: World, lowering: Lowering) -> Iterator[z3.BoolRef]:
        """What every record satisfies: its rows' checks, days that have come, a household's size."""
        with lowering.errors.unlisted():
            for row in world.rows.values():
                entity = self.program.entities[row.entity]
                for check in entity.checks:
                    yield holds(any_of(no(row.exists), no(lowering.node(check.condition, row).false)))
                date = dated_fact(self.program, row.entity)
                if date is not None:
                    yield holds(world.fact(date).value <= world.as_of.value)
                if entity.counted_by is not None and entity.parent in world.rows:
                    yield holds(world.fact((entity.parent, entity.counted_by)).value == 1)

    def _narrow(self, posed: Posed) -> list[z3.BoolRef]:
        """A recent year, in which nothing is past its review."""
        world = posed.worlds[0][0]
        days = [
            world.as_of,
            *(world.fact(d) for e in world.rows if (d := dated_fact(self.program, e)) is not None),
        ]
        parts = [world.parts(day.value) for day in days]
        return [z3.And(part.year >= FIRST_ASKED[0], part.year <= FIRST_ASKED[1]) for part in parts]

    def _replayed(self, question: Question, posed: Posed, model: z3.ModelRef) -> Finding | None:
        """The person a model stands for, if the interpreter confirms what is sought."""
        record = posed.worlds[0][0].record(model)
        other = None if question.changed is None else posed.worlds[1][0].record(model)
        return None if question.shows(record, other) is None else self._refuted(question, record, other)

    def _refuted(self, question: Question, record: Record, other: Record | None) -> Finding:
        """The smallest person who shows what a record shows."""

        def shown(smaller: Record) -> bool:
            return question.shows(smaller, self._other(smaller, other, question.changed)) is not None

        record = self.records.smallest(record, shown)
        other = self._other(record, other, question.changed)
        because = question.shows(record, other)
        assert because is not None
        return Finding(question.name, question.title, "refuted", because, record, other, question.clause)

    def _other(self, record: Record, other: Record | None, changed: Key | None) -> Record | None:
        """The record with the one fact changed as in the other."""
        if other is None or changed is None:
            return None
        return with_fact(self.program, record, changed, fact_of(self.program, other, changed))

    # -- where the solver cannot tell --------------------------------------------------------

    def _searched(self, question: Question, why: Message) -> Finding:
        """People made up are tried one after the other."""
        for record, other in self._made_up(Sampler(self.program), question):
            if question.shows(record, other) is not None:
                return self._refuted(question, record, other)
        because = BECAUSE["searched"].filled(why=why, sample=self.sample)
        return Finding(question.name, question.title, "unknown", because, clause=question.clause)

    def _made_up(self, sampler: Sampler, question: Question) -> Iterator[tuple[Record, Record | None]]:
        """People made up; where two are compared, each with the fact changed in a few ways."""
        for _ in range(self.sample):
            record = sampler.person(self.records)
            if question.changed is None:
                yield record, None
                continue
            for value in sampler.beside(record, question.changed):
                other = with_fact(self.program, record, question.changed, value)
                if other is not None:
                    yield record, other


def _held(prop: Property, claim: FiguresWithin) -> Finding:
    """Bounds of figures: a program that breaks them is not built."""
    because = BECAUSE["figures"].filled(count=len(claim.figures))
    return Finding(prop.name, prop.title, "proved", because, clause=prop.citation)


def _fact(row: Row, key: Key) -> Known | None:
    """A fact of the row, or of one above it."""
    return (row if row.entity == key[0] else row.above(key[0])).facts.get(key[1])


def _another_day(posed: Posed, model: z3.ModelRef) -> z3.BoolRef:
    """Another decision date, for what failed may have rested on it."""
    day = posed.worlds[0][0].as_of.value
    return day != model.eval(day, model_completion=True)


def fact_of(program: Program, record: Record, key: Key) -> Any:
    """A fact of the row of an entity in a record."""
    part = record.get(key[0])
    if part is None:
        part = record[program.entities[key[0]].children or key[0]][0]
    return part.get(key[1])


def with_fact(program: Program, record: Record, key: Key, value: Any) -> Record | None:
    """A copy with one fact of the row of an entity changed; None where there is no such row."""
    copy: Record = json.loads(json.dumps(record))
    part = copy.get(key[0])
    if part is None:
        rows = copy.get(program.entities[key[0]].children or key[0]) or []
        if not rows:
            return None
        part = rows[0]
    part[key[1]] = value
    return copy
