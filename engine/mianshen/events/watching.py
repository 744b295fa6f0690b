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

from mianshen.events import mistakes
from mianshen.events.deciding import Answer, Decider
from mianshen.events.happening import Event, people_of, scene_after
from mianshen.events.items import Item, Kind, Place, Standing, kind_of, missing_names, period_of, standings
from mianshen.events.journal import Journal, digest_of
from mianshen.events.network import Due, Network
from mianshen.interpreter.rows import Row
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
        self, decider: Decider, journal: Journal, explain: Explain, as_of: dt.date | None = None
    ) -> None:
        program = self.program = decider.program
        self.journal = journal
        self.explain = explain
        self.as_of = as_of
        self.network = Network(program)
        self.decider = decider
        self.provisions = {p.name: p for decision in program.decisions for p in decision.provisions}
        self.counts = Counts()
        self.refused: list[Refusal] = []

    def take(self, top: Row, events: Iterable[Event]) -> None:
        """The events of one household, given as its top row, whose people they name."""
        household = _Household(self, top)
        for event in sorted(events, key=lambda each: each.order):
            self._one(household, event)

    def refuse(self, event: Event, field_: str, diagnostic: Diagnostic) -> None:
        """Note why an event is not taken, and at which of its fields that shows."""
        self.refused.append(Refusal(event.id, field_, diagnostic))

    def _one(self, household: _Household, event: Event) -> None:
        known = self.journal.digest(event.id)
        if known is not None:
            if known == digest_of(event):
                self.counts.repeated += 1
            else:
                self.refuse(event, "event_id", mistakes.number_taken(event.place, None))
            return
        day = self.as_of or event.date
        if event.date > day:
            self.refuse(event, "date", mistakes.after_day(event.place, event.date, day))
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
    standing: dict[Place, Standing] = field(init=False)

    def __post_init__(self) -> None:
        people = [row.key for row in people_of(self.watcher.program, self.top)]
        self.before = self.watcher.journal.events_of(people)
        self.standing = standings(self.watcher.journal.items_of(people))

    def items(self, event: Event, day: dt.date) -> list[Item] | Diagnostic:
        """What an event makes to be done on a day, or why it cannot be taken."""
        watcher = self.watcher
        earlier = [each for each in self.before if each.date <= day]
        scene = scene_after(watcher.program, self.top, earlier, day, event)
        reached = watcher.network.reached[event.type]
        wanted = [name for name in watcher.program.benefits if name in reached]
        answers = watcher.decider.answers(scene, event, day, wanted)
        if isinstance(answers, Diagnostic):
            return answers
        said = {each: answer for answer in answers if (each := answer.said) is not None}
        due = watcher.network.due(event.type, said)
        found = (self._item(event, day, said[each.said], each) for each in due)
        items = [item for item in found if item is not None]
        return items + self._settled(event, day, answers)

    def _item(self, event: Event, day: dt.date, answer: Answer, due: Due) -> Item | None:
        standing = self._standing(event, day, answer)
        kind = kind_of(answer.result, standing)
        return None if kind is None else self._made(event, day, answer, kind, due.by)

    def _settled(self, event: Event, day: dt.date, answers: Iterable[Answer]) -> list[Item]:
        """What needed facts before and, now that they are there, is not due."""
        closed = (answer for answer in answers if answer.said is None)
        return [
            self._made(event, day, answer, "answered", event.type)
            for answer in closed
            if kind_of(answer.result, self._standing(event, day, answer)) == "answered"
        ]

    def _standing(self, event: Event, day: dt.date, answer: Answer) -> Standing:
        return self.standing.get(self._place(event, day, answer), Standing())

    def _place(self, event: Event, day: dt.date, answer: Answer) -> Place:
        benefit = answer.result.benefit
        row = "" if answer.row is answer.person else answer.row.key
        return answer.person.key, benefit.name, row, period_of(benefit, answer, event, day)

    def _made(self, event: Event, day: dt.date, answer: Answer, kind: Kind, by: str) -> Item:
        watcher, result = self.watcher, answer.result
        person, benefit, row, period = self._place(event, day, answer)
        standing = self._standing(event, day, answer)
        provision = watcher.provisions.get(result.reason)
        return Item(
            event.id, event.date, event.type, person, benefit, row, period, kind, result.amount,
            standing.amount if standing.granted and kind != "answered" else None, by, watcher.explain(answer),
            None if provision is None else provision.name,
            result.benefit.citation if provision is None else provision.citation, missing_names(result),
        )  # fmt: skip

    def taken(self, event: Event, items: Iterable[Item]) -> bool:
        """Remember an event and its items; whether it was late."""
        late = any(each.order > event.order for each in self.before)
        self.before.append(event)
        for item in items:
            self.standing.setdefault(item.place, Standing()).add(item)
        return late
