"""Events taken one by one: what happened, what it makes due, what is to be done.

In: households as rows, the events of their people. Out: items in the journal; diagnostics of the events
that were refused.
Invariants: an event is taken once, and what it makes due is granted once; each is decided for its own
day, or for the day of the whole watch, on the record as it stands after every event taken so far.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mianshen.catalogue import diagnostic
from mianshen.events.deciding import Answer, Decider, below
from mianshen.events.happening import Event, Placing, Scene, people_of, scene_after
from mianshen.events.items import BenefitState, Item, Matter, Place, period_of
from mianshen.events.journal import Journal, digest_of
from mianshen.events.network import Network
from mianshen.interpreter.rows import Row
from mianshen.program.program import Program
from mianshen.source import Diagnostic, Message

Explain = Callable[[Answer], Message]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that is not taken, and why; `event` and `field` are empty where they cannot be told."""

    event: str
    field: str
    diagnostic: Diagnostic


@dataclass(slots=True)
class Counts:
    """`taken`: new events; `repeated`: known before; `late`: dated before one taken of that household."""

    taken: int = 0
    repeated: int = 0
    late: int = 0


class Watcher:
    """Takes events by one program into one journal. `as_of`: the day of the watch, if it has one."""

    def __init__(
        self,
        decider: Decider,
        journal: Journal,
        explain: Explain,
        place: Placing,
        as_of: dt.date | None = None,
    ) -> None:
        program = self.program = decider.program
        self.journal = journal
        self.explain = explain
        self.place = place
        self.as_of = as_of
        self.network = Network(program)
        self.decider = decider
        self.below_entry = _below_entry(program)
        self.provisions = program.provisions
        self.counts = Counts()
        self.refused: list[Refusal] = []

    def take(self, top: Row, events: Iterable[Event]) -> None:
        """The events of one household, given as its top row, whose people they name."""
        household = _Household(self, top)
        for event in sorted(events, key=lambda item: item.order):
            self._one(household, event)

    def refuse(self, event: Event, field_: str, wrong: Diagnostic) -> None:
        """Note why an event is not taken, and at which of its fields that shows."""
        self.refused.append(Refusal(event.id, field_, wrong))

    def _one(self, household: _Household, event: Event) -> None:
        known = self.journal.digest(event.id)
        if known is not None:
            if known == digest_of(event):
                self.counts.repeated += 1
            else:
                self.refuse(event, "event_id", diagnostic("E615.number_taken", event.place))
            return
        day = self.as_of or event.date
        if event.date > day:
            wrong = diagnostic("E618.after_day", event.place, date=event.date, day=day)
            self.refuse(event, "date", wrong)
            return
        items = household.items(event, day)
        if isinstance(items, Diagnostic):
            self.refuse(event, "", items)
            return
        self.journal.add(event, items)
        self.counts.taken += 1
        self.counts.late += household.taken(event, items)


@dataclass(slots=True)
class _Household:
    """One household and what has become of it so far."""

    watcher: Watcher
    top: Row
    before: list[Event] = field(init=False)
    standing: BenefitState = field(init=False)

    def __post_init__(self) -> None:
        program, of_all = self.watcher.program, self.watcher.decider.of_all
        members = people_of(program, self.top)
        people = [row.key for row in members]
        self.before = self.watcher.journal.events_of(people)
        self.standing = BenefitState()
        above = {row.entity: row.key for row in (members[0].lineage() if members else ())}
        shared = {name: above.get(program.benefits[name].entity, "") for name in of_all}
        for item in self.watcher.journal.items_of(people, [pair for pair in shared.items() if pair[1]]):
            self.standing.add(item)

    @property
    def holders(self) -> dict[str, str]:
        """Under whose name benefits of the household stand: a member's of then, who may have left it since."""
        of_all = self.watcher.decider.of_all
        matters = [*self.standing.asked, *self.standing.granted, *self.standing.withdrawn]
        return {matter[1]: matter[0] for matter in matters if matter[1] in of_all}

    def items(self, event: Event, day: dt.date) -> list[Item] | Diagnostic:
        """What an event makes to be done on a day, or why it cannot be taken."""
        watcher = self.watcher
        earlier = [item for item in self.before if item.date <= day]
        scene = scene_after(watcher.program, self.top, earlier, day, event, watcher.place)
        outcome, granted = self._asked(event), self._granted(event, day)
        reached = watcher.network.reach(event.type, {matter[1] for matter in outcome})
        reached |= {place[1] for place in granted}
        wanted = [name for name in watcher.program.benefits if name in reached]
        rows, holders = {place[2] for place in granted}, self.holders
        answers = watcher.decider.answers(scene, event, day, wanted, rows, holders)
        if isinstance(answers, Diagnostic):
            return answers
        said = {result: answer for answer in answers if (result := answer.said) is not None}
        due = watcher.network.due(event.type, said, {matter[:2] for matter in outcome})
        closed = [answer for answer in answers if answer.said is None]
        brought_up = [(said[item.said], item.by) for item in due] + [(item, event.type) for item in closed]
        items = [self._item(event, day, answer, by) for answer, by in brought_up]
        items += [self._gone(event, place) for place in granted if self._is_void(scene, place)]
        return [item for item in items if item is not None]

    def _asked(self, event: Event) -> list[Matter]:
        """What still needs facts, and may now have them: the person's own, and what rests on all."""
        shared = self.watcher.decider.shared
        return [item for item in self.standing.asked if item[0] == event.person or item[1] in shared]

    def _granted(self, event: Event, day: dt.date) -> list[Place]:
        """What was granted by a day and may lose its ground: the person's own, and what rests on all."""
        shared, since = self.watcher.decider.shared, self.standing.since
        concerned = [p for p in self.standing.granted if p[0] == event.person or p[1] in shared]
        return [p for p in concerned if since[p] <= day and p[1] in self.watcher.program.benefits]

    def _is_void(self, scene: Scene, place: Place) -> bool:
        """Whether a grant is one of a row below its person that takes part no more."""
        person = scene.people.get(place[0])
        entity = self.watcher.program.benefits[place[1]].entity
        if person is None or not place[2] or entity not in self.watcher.below_entry:
            return False
        return all(row.entity != entity or row.key != place[2] for row in below(person))

    def _gone(self, event: Event, place: Place) -> Item:
        """The withdrawal of a grant whose row is void now."""
        _, name, row, _ = place
        benefit = self.watcher.program.benefits[name]
        title = self.watcher.program.entities[benefit.entity].title
        reason = _withdrawn(Message(f"{title.zh} {row} 不再有效", f"{title.en} {row} counts no more"))
        return Item(
            event.id, event.date, event.type, *place, "withdrawn", None, self.standing.granted[place], event.type,
            reason, None, benefit.citation, (),
        )  # fmt: skip

    def _item(self, event: Event, day: dt.date, answer: Answer, by: str) -> Item | None:
        watcher, result = self.watcher, answer.result
        benefit = result.benefit
        row = "" if answer.row is answer.person else answer.row.key
        person = self.holders.get(benefit.name, answer.person.key)
        place = person, benefit.name, row, period_of(benefit, answer, event, day)
        kind = self.standing.kind_of(result, place, day)
        if kind is None:
            return None
        reason = watcher.explain(answer)
        reason = _withdrawn(reason) if kind == "withdrawn" else reason
        before = None if kind == "answered" else self.standing.granted.get(place)
        provision = watcher.provisions.get(result.reason)
        return Item(
            event.id, event.date, event.type, *place, kind, result.amount, before, by, reason,
            None if provision is None else provision.name,
            benefit.citation if provision is None else provision.citation, tuple(sorted(result.missing)),
        )  # fmt: skip

    def taken(self, event: Event, items: Iterable[Item]) -> bool:
        """Remember an event and its items; whether it was late."""
        late = any(item.order > event.order for item in self.before)
        self.before.append(event)
        for item in items:
            self.standing.add(item)
        return late


def _withdrawn(reason: Message) -> Message:
    return Message(f"待撤销：{reason.zh}", f"To be withdrawn: {reason.en}")


def _below_entry(program: Program) -> frozenset[str]:
    """The entities whose rows stand below a person."""
    pending, entities = [program.entry], set()
    while pending:
        children = [child.name for child in program.children_of(pending.pop())]
        entities.update(children)
        pending += children
    return frozenset(entities)
