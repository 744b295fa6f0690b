"""Two rulebooks held against each other: what comes out the same for everybody, and who is paid less.

In: the programs before and after, a budget. Out: `Finding`s: "same" for each decision that results show, "not less" for
what is paid of each kind of record, of everybody or of those of a category; a refutation is a person whom both decide.
Invariants: as of every proof, of a household of one person with at most one row of each kind below. What neither reads
otherwise is the same without a solver. Where one side rejects what the other decides, they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeAlias

from mianshen.interpreter import Interpreter, Row
from mianshen.program.core import Boolean, Code
from mianshen.program.order import parameters_read
from mianshen.program.program import Citation, Decision, Key, Program
from mianshen.program.slicing import benefit_keys, part_of
from mianshen.program.stages import nodes_of
from mianshen.proof import symbols
from mianshen.proof.equivalence import differ
from mianshen.proof.lowering import Lowering
from mianshen.proof.prover import BECAUSE, UNCITED, Finding, Posed, Prover, Question
from mianshen.proof.records import Record, Records
from mianshen.proof.world import World, places_of
from mianshen.source import Message
from mianshen.values import ZERO, Unknown, Value

Category: TypeAlias = tuple[Key, str]  # a fact and its value
SAME: Final = Message("对任何人结果相同", "It comes out the same for everybody")
UNCHANGED: Final = Message("它和它所依据的规定都没有变化", "neither it nor anything it rests on is changed")


@dataclass
class Against:
    """The program of `prover`, which is the one after, held against the one before."""

    prover: Prover
    before: Program
    records: Records = field(init=False)

    def __post_init__(self) -> None:
        self.records = Records(Interpreter(self.before))

    @property
    def after(self) -> Program:
        return self.prover.program

    def findings(self, categories: Sequence[Category]) -> Iterator[Finding]:
        """Decisions come out the same; with categories, nobody of each is paid less."""
        if not categories:
            for key in self._shown():
                name = f"same: {key[1]}"
                if self.prover.asked(name):
                    yield self._same(name, key)
        for category in categories or (None,):
            for entity in self.after.entities:
                if any(owner == entity for owner, _ in self._paid()):
                    name = f"not_less: {entity}" + ("" if category is None else f", {category[1]}")
                    if self.prover.asked(name):
                        yield self.prover.answer(self._not_less(name, entity, category))

    # -- the same --------------------------------------------------------------------------------

    def _shown(self) -> list[Key]:
        """The decisions that results show on either side."""
        keys: dict[Key, None] = {}
        for program in (self.before, self.after):
            for entity, names in program.shown.items():
                keys |= dict.fromkeys((entity, name) for name in names)
            for benefit in program.benefits.values():
                keys |= dict.fromkeys(benefit_keys(benefit))
        return list(keys)

    def _same(self, name: str, key: Key) -> Finding:
        parts = [self._part(program, key) for program in (self.before, self.after)]
        citation = self._citation(key)
        if parts[0] is not None and parts[0] == parts[1]:
            return Finding(name, SAME, "proved", UNCHANGED, clause=citation)

        def pose() -> Posed:
            sides = self._sides(key[0])
            values = [self._value(lowering, key) for _, lowering in sides]
            failing = [symbols.any_of(*(f.when for f in lowering.failures)) for _, lowering in sides]
            return Posed(sides, differ(values[0], values[1], *failing))

        return self.prover.answer(Question(name, SAME, citation, pose, self._shows_other(key), failing=True))

    def _part(self, program: Program, key: Key) -> object:
        """All that a decision rests on; None where the program does not have it."""
        if not _has(program, key):
            return None
        part = part_of(program, [key])
        figures = parameters_read([node for d in part.decisions for node in nodes_of(d)])
        series = {
            name: [(d.start, d.end, d.value, d.review_by) for d in program.parameters[name].series]
            for name in figures
        }
        return [_bare(d) for d in part.decisions], series, part.accumulators, program.calendar

    def _citation(self, key: Key) -> Citation:
        for program in (self.after, self.before):
            if _has(program, key) and program.decision(*key).provisions:
                return program.decision(*key).provisions[0].citation
        return UNCITED

    def _shows_other(self, key: Key) -> Callable[[Record, Record | None], Message | None]:
        def shows(record: Record, _: Record | None) -> Message | None:
            rows = self._rows(record, key[0])
            if rows is None:
                return None
            was, now = (_written(row, key[1]) for row in rows)
            if was == now:
                return None
            return Message(f"{key[1]} 原为 {was}，改后为 {now}", f"{key[1]} was {was} and is {now}")

        return shows

    # -- not less --------------------------------------------------------------------------------

    def _paid(self) -> list[Key]:
        """What is paid on either side, by decision; of benefits the amounts."""
        keys = {key: None for program in (self.before, self.after) for key in sorted(program.paid)}
        for program in (self.before, self.after):
            keys |= {(b.entity, b.amount): None for b in program.benefits.values() if b.amount is not None}
        return list(keys)

    def _not_less(self, name: str, entity: str, category: Category | None) -> Question:
        title = Message("改后支付不减少", "What is paid is no less than before")

        def pose() -> Posed:
            sides = self._sides(entity)
            totals = [self._total(lowering, entity) for _, lowering in sides]
            (was, now), _ = symbols.aligned(totals)
            among = True if category is None else self._among(sides[0][0], category)
            return Posed(sides, symbols.all_of(among, totals[0].known, totals[1].known, was > now))

        def shows(record: Record, _: Record | None) -> Message | None:
            rows = self._rows(record, entity)
            if rows is None or not (category is None or _is_among(rows[0], category)):
                return None
            old, new = (
                self._paid_to(row, program)
                for row, program in zip(rows, (self.before, self.after), strict=True)
            )
            if old is None or new is None or old <= new:
                return None
            return BECAUSE["paid_less"].filled(old=old, new=new, less=old - new)

        return Question(name, title, UNCITED, pose, shows)

    def _among(self, world: World, category: Category) -> symbols.Term:
        (entity, name), value = category
        fact = self.after.facts[entity, name]
        sym = world.fact((entity, name))
        if isinstance(fact.type, Boolean):
            return symbols.all_of(sym.known, sym.value if value == "true" else symbols.no(sym.value))
        assert isinstance(fact.type, Code)
        return symbols.all_of(sym.known, sym.value == world.constant(value, fact.type).value)

    def _total(self, lowering: Lowering, entity: str) -> symbols.Sym:
        """What is paid of a row in all; what is not modelled is nothing."""
        parts = [symbols.Sym(0, scale=2)]
        for key in self._paid():
            if key[0] == entity and _has(lowering.program, key):
                value = self._value(lowering, key)
                due = self._due(lowering, key)
                counted = symbols.all_of(value.modelled, due.true)
                known = symbols.any_of(
                    due.false,
                    symbols.no(due.modelled),
                    symbols.all_of(due.known, symbols.any_of(value.known, symbols.no(value.modelled))),
                )
                parts.append(symbols.Sym(symbols.choose(counted, value.value, 0), known, True, value.scale))
        values, scale = symbols.aligned(parts)
        return symbols.Sym(sum(values), symbols.all_of(*(part.known for part in parts)), True, scale)

    def _due(self, lowering: Lowering, key: Key) -> symbols.Sym:
        """Whether an amount is due at all: that of a benefit where it is eligible."""
        for benefit in lowering.program.benefits.values():
            if (benefit.entity, benefit.amount) == key:
                return self._value(lowering, (benefit.entity, benefit.eligible))
        return symbols.Sym(True)

    def _paid_to(self, row: Row, program: Program) -> Decimal | None:
        """What is paid of a decided row; None where it is not known."""
        total = ZERO
        for key in self._paid():
            if key[0] != row.entity or not _has(program, key):
                continue
            due = [b.eligible for b in program.benefits.values() if (b.entity, b.amount) == key]
            eligible = row.values.get(due[0]) if due else True
            if isinstance(eligible, Unknown):
                return None
            value = row.values.get(key[1]) if eligible is True else None
            if isinstance(value, Unknown):
                return None
            total += value if isinstance(value, Decimal) else ZERO
        return total

    # -- both ------------------------------------------------------------------------------------

    def _sides(self, entity: str) -> list[tuple[World, Lowering]]:
        """The same household under either program."""
        first = World(self.before, entity)
        second = World(self.after, entity, first.variables)
        places = places_of((self.before, self.after))
        for world in (first, second):
            world.places = places
        if self.before.calendar != self.after.calendar:
            second.label = "after"
        return [(first, Lowering(first)), (second, Lowering(second))]

    @staticmethod
    def _value(lowering: Lowering, key: Key) -> symbols.Sym:
        return lowering.decision(key, lowering.world.row) if _has(lowering.program, key) else symbols.NO_VALUE

    def _rows(self, record: Record, entity: str) -> tuple[Row, Row] | None:
        """The row of a record that both programs decide; None where it cannot be read."""
        rows = []
        for records in (self.records, self.prover.records):
            case = records.read(record)
            if case is None:
                return None
            records.interpreter.run(case)
            row = records.row(case, entity)
            if row is None:
                return None
            rows.append(row)
        return rows[0], rows[1]


def _has(program: Program, key: Key) -> bool:
    return any(d.key == key for d in program.decisions)


def _bare(decision: Decision) -> tuple[object, ...]:
    """What decides, without wordings and clauses."""
    return (
        decision.key, decision.type, decision.conflicts,
        [(p.condition, p.value, p.limits, p.exceptions, p.fallback, p.feeds) for p in decision.provisions],
    )  # fmt: skip


def _written(row: Row, name: str) -> Value | str | None:
    if row.rejection is not None:
        return f"rejected ({row.rejection.reason})"
    value = row.values.get(name)
    return "unknown" if isinstance(value, Unknown) else str(value) if value is not None else "not_modelled"


def _is_among(row: Row, category: Category) -> bool:
    (entity, name), value = category
    own = row if row.entity == entity else row.above(entity)
    known = own.facts.get(name)
    return (str(known).lower() if isinstance(known, bool) else known) == value
