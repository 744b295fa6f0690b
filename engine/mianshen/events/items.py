"""Items of the work list: what somebody, or the system itself, is to do because of an event.

In: what is due because of an event, what stands from earlier events. Out: an `Item`, or nothing to do.
Invariants: within one period a benefit is granted once, however many events make it due; it comes up
again only when its amount becomes known, or when it changes, and that a person is to confirm. A grant whose
ground is gone is withdrawn once, and that too a person is to confirm. What needs facts is asked once, until
other facts are needed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, TypeAlias, assert_never, get_args

from mianshen.closed_sets import Delivery
from mianshen.events.deciding import Answer
from mianshen.events.happening import Event
from mianshen.interpreter.result import BenefitResult
from mianshen.program.program import Benefit, Citation
from mianshen.source import Message
from mianshen.values import Missing

Kind: TypeAlias = Literal["automatic", "confirm", "needs_facts", "answered", "withdrawn"]
Listed: TypeAlias = Literal["automatic", "confirm", "needs_facts"]  # what a work list shows
Place: TypeAlias = tuple[str, str, str, str]  # person, benefit, key of the row, period
Matter: TypeAlias = tuple[str, str, str]  # a place in any period

KINDS: Final[tuple[Listed, ...]] = get_args(Listed)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do. `before`: the amount granted earlier in the period, where it changes or is withdrawn.

    An item `answered` is not listed: what needed facts before is not due. One that is `withdrawn` is listed for
    a person to confirm: the ground of an earlier grant is gone.
    """

    event: str
    date: dt.date
    type: str
    person: str
    benefit: str
    row: str
    period: str
    kind: Kind
    amount: Decimal | None
    before: Decimal | None
    by: str  # the event's type, or the benefit that made it due
    reason: Message
    provision: str | None
    citation: Citation
    missing: tuple[Missing, ...]  # in order; a journal of before it told rows apart has names alone

    @property
    def listed(self) -> Listed | None:
        """The kind that a work list shows; None where it does not show the item."""
        match self.kind:
            case "answered":
                return None
            case "withdrawn":
                return "confirm"
            case "automatic" | "confirm" | "needs_facts":
                return self.kind
            case _:
                assert_never(self.kind)

    @property
    def place(self) -> Place:
        return self.person, self.benefit, self.row, self.period

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is missing, each once, in order."""
        return tuple(sorted({fact.name for fact in self.missing}))

    @property
    def matter(self) -> Matter:
        return self.person, self.benefit, self.row


@dataclass(slots=True)
class BenefitState:
    """What earlier events have left: what is granted, by place, and which facts are asked for."""

    granted: dict[Place, Decimal | None] = field(default_factory=dict)
    since: dict[Place, dt.date] = field(default_factory=dict)  # the day of the event that granted it
    withdrawn: set[Place] = field(default_factory=set)
    asked: dict[Matter, tuple[str, ...]] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Take an item into account; items come in the order in which they were given."""
        match item.kind:
            case "needs_facts":
                self.asked[item.matter] = item.names
                return
            case "automatic" | "confirm":
                self.granted[item.place], self.since[item.place] = item.amount, item.date
            case "withdrawn":
                self.granted.pop(item.place, None)
                self.withdrawn.add(item.place)
            case "answered":
                pass
            case _:
                assert_never(item.kind)
        self.asked.pop(item.matter, None)

    def kind_of(self, result: BenefitResult, place: Place, day: dt.date) -> Kind | None:
        """What is to be done about an answer for a day; None: nothing that has not been listed."""
        missing, kind = missing_names(result), self.asked.get(place[:3])
        match result.status:
            case "undetermined":
                return None if kind == missing else "needs_facts"
            case "ineligible" | "not_modelled":
                if place in self.granted and self.since[place] <= day:
                    return "withdrawn"
                return None if kind is None else "answered"
            case "eligible":
                pass
        before = self.granted.get(place)
        if place not in self.granted or (before is None and result.amount is not None):
            return "confirm" if place in self.withdrawn else _listed_as(result.benefit.delivery)
        if result.amount == before:
            return None if kind is None else "answered"
        if result.amount is None:  # granted, and what has happened since leaves the amount open
            return None if kind == missing or not missing else "needs_facts"
        return "confirm"


def missing_names(result: BenefitResult) -> tuple[str, ...]:
    """The facts and figures an answer lacks, each once, in order."""
    return tuple(sorted({fact.name for fact in result.missing}))


def period_of(benefit: Benefit, answer: Answer, event: Event, day: dt.date) -> str:
    """The stretch of time, or the occasion, in which a benefit is granted once."""
    match benefit.once_per:
        case "year":
            return f"{day.year:04}"
        case "month":
            return f"{day.year:04}-{day.month:02}"
        case "event":
            return event.id
        case "life":
            return ""
        case fact:
            value = None if fact in answer.row.assumed else answer.row.facts.get(fact)
            return "?" if value is None else str(value)


def _listed_as(delivery: Delivery) -> Kind:
    """As what a benefit that is due stands in a work list."""
    match delivery:
        case "automatic":
            return "automatic"
        case "confirm" | "application":
            return "confirm"
        case _:
            assert_never(delivery)
