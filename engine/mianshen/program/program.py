"""The program: a linked rulebook, the only thing a back end sees. A Program that exists is right.

Invariants: decisions stand in dependency order; every name resolves; every expression is typed;
exceptions are transitive and acyclic; a dated series is sorted and does not overlap.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from mianshen.closed_sets import Basis, Delivery, Period, ProvisionStatus, TextFormat
from mianshen.program.calendar import Calendar
from mianshen.program.core import AsOf, Core, Type
from mianshen.program.periods import SPANS, PeriodSpan
from mianshen.source import Message, Span
from mianshen.values import Known

Key: TypeAlias = tuple[str, str]  # (entity, name)
Brackets: TypeAlias = tuple[tuple[Decimal, Decimal], ...]  # (over, rate), by rising `over`


@dataclass(frozen=True, slots=True)
class Citation:
    source: str | None
    clause: str | None

    def __str__(self) -> str:
        """Source and clause as one text; empty where neither is named."""
        return " ".join(filter(None, (self.source, self.clause)))

    @property
    def plain(self) -> dict[str, str | None]:
        """Source and clause as data."""
        return {"source": self.source, "clause": self.clause}


@dataclass(frozen=True, slots=True)
class Fact:
    entity: str
    name: str
    type: Type
    written: str  # the type as the vocabulary has it: money, `code insurance_scheme`, …
    title: Message
    required: bool = False
    when_absent: Decimal | bool | str | dt.date | AsOf | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    immutable: bool = False
    personal: bool = False
    settles: str | None = None  # the decision of which this is the amount really paid
    format: TextFormat | None = None
    placeholders: tuple[Decimal | bool | str | dt.date, ...] = ()  # values that mean unknown
    proposed: bool = True  # false: no change of it is proposed to a person
    asked: bool = True  # false: an interview takes it as unknown where nobody states it
    overrides: str | None = None  # the decision that, where this is given, is what it says
    instead_of: Key | None = None  # the fact of a row above that is what this says where given

    def assumed_on(self, day: dt.date) -> Decimal | bool | str | dt.date | None:
        """What is taken, in a case decided for `day`, where nobody says anything; None: it is unknown."""
        return day if isinstance(self.when_absent, AsOf) else self.when_absent


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that no record of the entity may fail."""

    name: str
    field: str
    condition: Core
    title: Message
    text: str


@dataclass(frozen=True, slots=True)
class Entity:
    name: str
    title: Message
    key: str
    parent: str | None
    children: str | None
    counted_by: str | None
    date: str | None
    area: str | None
    outcome: str | None
    explained_by: str | None
    checks: tuple[Check, ...] = ()
    valid_from: str | None = None  # the fact that says from when a row holds; only of the entry entity
    reverses: str | None = None  # the fact that names the row of the same parent which this one cancels
    ends: str | None = None  # the fact that says on which day the person died
    begins: str | None = None  # the fact that says on which day the person was born


def ancestors(entities: Mapping[str, Entity], name: str) -> list[str]:
    """An entity's parent, grandparent and so on, the nearest first."""
    above: list[str] = []
    at = entities[name].parent
    while at is not None:
        above.append(at)
        at = entities[at].parent
    return above


@dataclass(frozen=True, slots=True)
class CodeList:
    name: str
    title: Message
    values: Mapping[str, Message]
    spellings: Mapping[str, str]  # every accepted spelling, code or label, to its code
    unproposed: frozenset[str] = frozenset()  # codes that no person is advised to come under


@dataclass(frozen=True, slots=True)
class Dated:
    """One value of a series, from `start` to `end` (its last day, None: no end)."""

    start: dt.date
    end: dt.date | None
    value: Known | Brackets | None
    basis: Basis
    citation: Citation
    review_by: dt.date | None
    note: str | None = None

    def holds_on(self, day: dt.date) -> bool:
        """Whether the day is one of the value's."""
        return self.start <= day and (self.end is None or day <= self.end)

    @property
    def known(self) -> Known | None:
        """The value; None where there is none, or it is a scale's."""
        return None if self.brackets else self.value  # type: ignore[return-value]  # not brackets

    @property
    def brackets(self) -> Brackets | None:
        """The brackets of a scale."""
        value = self.value
        scaled = isinstance(value, tuple) and bool(value) and isinstance(value[0], tuple)
        return value if scaled else None  # type: ignore[return-value]  # a list holds texts


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: Type
    written: str
    title: Message
    series: tuple[Dated, ...]
    span: Span = field(compare=False, repr=False)

    def on(self, day: dt.date) -> Dated | None:
        """The value of a day; None where there is none."""
        return next((dated for dated in self.series if dated.holds_on(day)), None)

    @property
    def turns(self) -> set[dt.date]:
        """The days from which another value holds, or none."""
        return {d.start for d in self.series} | {d.end + dt.timedelta(days=1) for d in self.series if d.end}


@dataclass(frozen=True, slots=True)
class Accumulator:
    """Sums what the provisions naming it pay, over rows its filter admits, per holder and period.

    `per` are facts of the row or above it, `opening` one of the holder, the row's parent or an entity above.
    `days`: instead of a period the days before each row. `foldless`: for one parent no limit falls within
    a year, so that running sums give what taking the rows one by one would.
    """

    name: str
    title: Message
    entity: str
    sums: str
    over: Core | None
    per: tuple[Key, ...]
    opening: Key | None
    year_start: tuple[int, int]
    foldless: bool = False
    period: Period = "year"
    days: int | None = None
    holder: str = ""
    counts: bool = False
    varying: tuple[Key, ...] = ()  # those of `per` that may differ between the rows of a holder
    counted_by: str | None = (
        None  # the fact whose date says to which period a row counts, if not the row's own
    )
    read_by: str | None = None  # the one whose date says of which period a row reads the balance
    part_of: str | None = (
        None  # the accumulator of several decisions, or of several dates, of which it is one part
    )
    settled_with: str | None = None  # the decision that reads it, if not the one it sums: see `reader`

    @property
    def reader(self) -> str:
        """The decision that, where it was settled on a row, is decided on the ruled balance, else on the committed one."""
        return self.settled_with or self.sums

    @property
    def facts(self) -> tuple[Key, ...]:
        """The facts that split it, date it or open it."""
        dates = ((self.entity, name) for name in (self.counted_by, self.read_by) if name is not None)
        return (*self.per, *dates, *(() if self.opening is None else (self.opening,)))

    @property
    def span(self) -> PeriodSpan:
        """What its periods are; a day each where it holds what was paid in the days before a row."""
        return SPANS["day" if self.days is not None else self.period]

    @property
    def split(self) -> bool:
        """Whether a holder's rows in turn may go to and from several balances: not to one a benefit year."""
        elsewhere = self.counted_by is not None or self.read_by is not None
        return bool(self.varying) or self.days is not None or self.period != "year" or elsewhere


@dataclass(frozen=True, slots=True)
class Limit:
    """`whole`: the limit as written, where others share it; `limit` is then what they leave of it."""

    accumulator: str
    limit: Core
    text: str
    whole: Core | None = None


@dataclass(frozen=True, slots=True)
class StandIn:
    """Another place's rule, used until the local one is entered."""

    of: Message
    authority: Message  # the local one, to be asked


@dataclass(frozen=True, slots=True)
class Provision:
    """`condition` is jurisdiction, dates and `when` together; None: always."""

    name: str
    title: Message
    areas: tuple[str, ...]
    start: dt.date | None
    end: dt.date | None
    condition: tuple[Core, ...]  # all must hold, tested in this order
    value: Core
    limits: tuple[Limit, ...]  # the one that leaves least decides what is paid
    feeds: tuple[str, ...]  # the accumulators that what it pays counts in
    fallback: bool
    exceptions: tuple[str, ...]  # provisions of the same decision that come before this one
    status: ProvisionStatus
    citation: Citation
    basis: Basis | None
    when_text: str | None
    value_text: str
    note: str | None = None
    stand_in: StandIn | None = None
    span: Span = field(default=Span("", 0, 0), compare=False, repr=False)

    @property
    def roots(self) -> tuple[Core, ...]:
        """Its expressions: the condition's parts, the value, the limits."""
        return (*self.condition, self.value, *(limit.limit for limit in self.limits))


@dataclass(frozen=True, slots=True)
class Decision:
    """`provisions`: exceptions before what they except, fallbacks last."""

    entity: str
    name: str
    type: Type
    written: str
    title: Message
    provisions: tuple[Provision, ...]
    conflicts: tuple[tuple[int, int], ...]  # pairs of provisions not proved never to apply together
    may_overflow: bool  # the value may leave the declared type's range

    @property
    def key(self) -> Key:
        return self.entity, self.name


@dataclass(frozen=True, slots=True)
class Benefit:
    name: str
    title: Message
    entity: str
    eligible: str
    amount: str | None
    shows: tuple[str, ...]
    delivery: Delivery
    paid_to: Message | None
    triggers: tuple[str, ...]  # names in `Program.events` or `Program.benefits`
    citation: Citation
    once_per: str = "year"  # year, month, event, life, or a fact of the entity
    work_list: bool = False


@dataclass(frozen=True, slots=True)
class EventType:
    """A life event, and what it does to the record of the person it happens to.

    `own`: the facts an event of this type may give, by name. `sets`: those whose value its type alone
    tells. `changes`: those that are unknown from then on where it does not give them; `keeps`: those that
    then take what another fact was before; `dated`: the one that then takes its date. With `adds` it brings
    a row of that entity, a child of the person; unless `always`, only where it gives facts of one.
    """

    name: str
    title: Message
    adds: str | None
    own: Mapping[str, Key]
    sets: Mapping[Key, Known]
    changes: tuple[Key, ...]
    keeps: Mapping[Key, Key] = field(default_factory=dict)
    dated: Key | None = None
    always: bool = True


@dataclass(frozen=True, slots=True)
class Holds:
    """A condition that no row fails; one that is unknown or not modelled fails nothing."""

    condition: Core
    text: str


@dataclass(frozen=True, slots=True)
class AlwaysModelled:
    """Some provision gives each of the decisions."""

    decisions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NeverFalls:
    """No decision is less, by more than `up_to`, where the fact is more, all else being equal."""

    decisions: tuple[str, ...]
    fact: Key
    up_to: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class NeverLess:
    """No decision is less where the fact is one of `values` than where it is one of `than`, all else being equal."""

    decisions: tuple[str, ...]
    fact: Key
    values: tuple[str, ...]
    than: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FiguresWithin:
    """Bounds of figures, which the program keeps by being built."""

    figures: tuple[str, ...]


Claim: TypeAlias = Holds | AlwaysModelled | NeverFalls | NeverLess | FiguresWithin


@dataclass(frozen=True, slots=True)
class Property:
    """What every row of an entity for which `when` holds satisfies."""

    name: str
    title: Message
    entity: str
    when: tuple[Core, ...]
    claims: tuple[Claim, ...]
    citation: Citation
    span: Span = field(default=Span("", 0, 0), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SourceDocument:
    name: str
    title: Message
    number: str | None
    issued: dt.date | None
    file: str | None


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a source; `answered_by`: what answers it besides what cites it."""

    citation: Citation
    subject: Message
    answered_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutOfScope:
    citation: Citation
    subject: Message
    reason: Message


@dataclass(frozen=True, slots=True)
class Planned:
    """A provision that an overlay may switch on; it decides nothing until then."""

    name: str
    decision: str
    title: Message
    citation: Citation


@dataclass(frozen=True, slots=True)
class OwnFunction:
    """A function of the rulebook as written: formulas hold it written out."""

    name: str
    title: Message
    call: str  # `tax_on(income: money): money`
    text: str


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    title: Message
    digest: str
    entry: str
    entities: Mapping[str, Entity]
    codes: Mapping[str, CodeList]
    facts: Mapping[Key, Fact]
    decisions: tuple[Decision, ...]
    parameters: Mapping[str, Parameter]
    accumulators: Mapping[str, Accumulator]
    benefits: Mapping[str, Benefit]
    sources: Mapping[str, SourceDocument]
    out_of_scope: tuple[OutOfScope, ...]
    planned: tuple[Planned, ...]
    shown: Mapping[str, tuple[str, ...]]  # entity: the decisions results show, as declared
    overlays: tuple[str, ...] = ()
    events: Mapping[str, EventType] = field(default_factory=dict)
    calendar: Calendar | None = None
    clauses: tuple[Clause, ...] = ()
    properties: tuple[Property, ...] = ()
    paid: frozenset[Key] = frozenset()  # the money decisions that are paid to or for the person
    functions: Mapping[str, OwnFunction] = field(default_factory=dict)
    notice: Message | None = None  # what a notice of a decision is called
    office: Message | None = None  # whom it names for questions
    _by_key: dict[Key, Decision] = field(init=False, repr=False, compare=False, default_factory=dict)
    _shown: dict[str, tuple[Decision, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _settling: dict[str, dict[str, str]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def decision(self, entity: str, name: str) -> Decision:
        """The decision of that name; KeyError when there is none."""
        if not self._by_key:
            self._by_key.update((decision.key, decision) for decision in self.decisions)
        return self._by_key[entity, name]

    @property
    def provisions(self) -> dict[str, Provision]:
        """Every provision by its name."""
        return {provision.name: provision for d in self.decisions for provision in d.provisions}

    def is_planned(self, benefit: Benefit) -> bool:
        """Whether nothing in force decides who is due it, and something planned would."""
        undecided = not self.decision(benefit.entity, benefit.eligible).provisions
        return undecided and any(planned.decision == benefit.eligible for planned in self.planned)

    def child_of(self, entity: str) -> Entity | None:
        """The entity whose parent this is; of several, the one declared first."""
        return next(iter(self.children_of(entity)), None)

    def children_of(self, entity: str) -> tuple[Entity, ...]:
        """Every entity whose parent this is, as declared."""
        return tuple(e for e in self.entities.values() if e.parent == entity)

    def above_entry(self, entity: str) -> bool:
        """Whether the entity is an ancestor of the entry."""
        return entity in self.ancestors(self.entry)

    def ancestors(self, entity: str) -> list[str]:
        """The entities above one, nearest first."""
        return ancestors(self.entities, entity)

    def settled_facts(self, entity: str) -> dict[str, str]:
        """Decision to the fact that holds what was really paid of it."""
        if entity not in self._settling:
            facts = [f for f in self.facts.values() if f.entity == entity]
            self._settling[entity] = {f.settles: f.name for f in facts if f.settles is not None}
        return self._settling[entity]

    def outputs(self, entity: str) -> tuple[Decision, ...]:
        """The decisions of an entity that results show, in the order the vocabulary declares them."""
        if entity not in self._shown:
            names = self.shown.get(entity, ())
            self._shown[entity] = tuple(self.decision(entity, name) for name in names)
        return self._shown[entity]
