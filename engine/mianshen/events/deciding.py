"""What the program answers after an event: benefit by benefit, for everybody it can concern.

In: a program, a household as it stands after the event. Out: `Answer`s, the interpreter's.
Invariant: an answer is what `check` and the batch give for the same rows on the same day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import localcontext
from types import MappingProxyType

from mianshen.catalogue import diagnostic
from mianshen.events.happening import Event, Scene
from mianshen.events.network import Said
from mianshen.interpreter import Case, Interpreter, Rejection, Row
from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.operations import Function
from mianshen.interpreter.result import BenefitResult, benefit_result
from mianshen.program.core import Aggregate, Core, DecisionRef, YearToDate, walk
from mianshen.program.program import Benefit, Check, Entity, Key, Program, Provision
from mianshen.source import Diagnostic, Message
from mianshen.values import EXACT, Unknown
from mianshen.wording import wording


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A benefit decided at a row, for a person."""

    case: Case
    person: Row
    row: Row
    result: BenefitResult

    @property
    def said(self) -> Said | None:
        """The answer as the network takes it; None where nothing can become due."""
        if self.result.status not in ("eligible", "undetermined"):
            return None
        return Said(
            self.person.key, self.result.benefit.name, self.row.key, self.result.status, self.result.amount
        )


class Decider:
    """Decides scenes by one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.interpreter = Interpreter(program)
        self.of_all = frozenset(b.name for b in program.benefits.values() if program.above_entry(b.entity))
        self.shared = self.of_all | {b.name for b in program.benefits.values() if reads_others(program, b)}
        self._checks = {name: self._compiled(entity) for name, entity in program.entities.items()}

    def answers(
        self, scene: Scene, event: Event, day: dt.date, benefits: Iterable[str], granted: Collection[str] = (),
        holders: Mapping[str, str] = MappingProxyType({}),
    ) -> list[Answer] | Diagnostic:  # fmt: skip
        """The answers to `benefits` on a day, or why the event cannot stand.

        `granted`: keys of rows to look at too; `holders`: under whose name benefits of the household stand already.
        """
        own = scene.people[event.person]
        wrong = self._wrong(own, scene, event, day)
        if wrong is not None:
            return wrong
        self.interpreter.run(scene.case(own, day))
        for row in (own, scene.brought):
            if row is not None and row.rejection is not None:
                return diagnostic("E619.undecidable", event.place, why=self._why(row, row.rejection))
        return [
            Answer(scene.case(person, day), person, row, benefit_result(benefit, row))
            for benefit in (self.program.benefits[name] for name in benefits)
            for person in self._concerned(benefit, scene, own, holders)
            for row in self._rows(benefit, person, scene.brought, granted)
            if row.rejection is None
        ]

    def _concerned(
        self, benefit: Benefit, scene: Scene, own: Row, holders: Mapping[str, str]
    ) -> Iterable[Row]:
        """Whose answers an event can change.

        A benefit of the household is one member's, for it is paid once: whose it was before, else the first's.
        """
        if benefit.name in self.of_all:
            holder = scene.people.get(holders.get(benefit.name, ""))
            return (holder or min(scene.people.values(), key=lambda person: person.key),)
        return scene.people.values() if benefit.name in self.shared else (own,)

    def _rows(
        self, benefit: Benefit, person: Row, brought: Row | None, granted: Collection[str]
    ) -> Iterator[Row]:
        """Where a benefit of a person is decided: at the person, above, or at each row below.

        Of the rows below, the one that the event brought, if it brought one, and those with a grant.
        """
        own = next((row for row in person.lineage() if row.entity == benefit.entity), None)
        if own is not None:
            yield own
            return
        rows = [row for row in below(person) if row.entity == benefit.entity]
        alone = brought is not None and brought in rows
        yield from (row for row in rows if not alone or row is brought or row.key in granted)

    # -- what cannot stand -------------------------------------------------------------------

    def _wrong(self, own: Row, scene: Scene, event: Event, day: dt.date) -> Diagnostic | None:
        """What is wrong with the rows that an event touches."""
        if own.rejection is not None:
            return diagnostic("E617.person_rejected", event.place, where=self._why(own, own.rejection))
        brought = scene.brought
        if brought is not None:
            entity = self.program.entities[brought.entity]
            if brought.rejection is not None:
                return diagnostic("E619.undecidable", event.place, why=self._why(brought, brought.rejection))
            date = brought.facts.get(entity.date or "")
            if isinstance(date, dt.date) and date > day:
                return diagnostic("E618.after_day", event.place, date=date, day=day)
        with localcontext(EXACT):
            for row in (own, brought):
                for check, holds in () if row is None else self._checks[row.entity]:
                    if row is not None and holds(row) is False:
                        return diagnostic("E619.undecidable", event.place, why=check.title)
        return None

    def _why(self, row: Row, rejection: Rejection) -> Message:
        """Why a row is rejected; one of the batch's tables, which keep a field and a code, says it by these."""
        code = rejection.reason
        if rejection.message.en not in ("", code):
            return rejection.message
        fact = self.program.facts.get((row.entity, rejection.field))
        title = Message(rejection.field, rejection.field) if fact is None else fact.title
        words = wording.group("report.reasons").get(code, Message(code, code))
        return Message(f"{title.zh} {words.zh}".strip(), f"{title.en} {words.en}".strip())

    def _compiled(self, entity: Entity) -> list[tuple[Check, Function]]:
        compiler = Compiler(self.program, lambda _entity, _name: lambda _row: Unknown())
        return [(check, compiler.compile(check.condition, entity.name)) for check in entity.checks]


def below(row: Row) -> Iterator[Row]:
    """Every row below a row, in the order of the records."""
    for child in row.children:
        yield child
        yield from below(child)


def reads_others(program: Program, benefit: Benefit) -> bool:
    """Whether what happens to one member of a household can make the benefit due to another.

    It can where the answer rests on an aggregate over people.
    """
    seen: set[Key] = set()
    pending = [(benefit.entity, name) for name in (benefit.eligible, benefit.amount) if name is not None]
    decisions = {decision.key: decision for decision in program.decisions}
    while pending:
        key = pending.pop()
        if key in seen:
            continue
        seen.add(key)
        for node in _nodes(decisions[key].provisions):
            match node:
                case Aggregate(child=child, levels=levels) if child == program.entry or levels:
                    return True
                case DecisionRef(entity=entity, name=name):
                    pending.append((entity, name))
                case YearToDate(accumulator=name):
                    accumulator = program.accumulators[name]
                    pending.append((accumulator.entity, accumulator.sums))
                case _:
                    pass
    return False


def _nodes(provisions: Iterable[Provision]) -> Iterator[Core]:
    for provision in provisions:
        for root in provision.roots:
            yield from walk(root)
