"""Life events as the rulebook declares them, and what benefits say of them.

In: the document's models. Out: an `EventType` for each code of the list `event_type`; mistakes in the
vocabulary's `diagnostics`.
"""

from __future__ import annotations

from typing import Final

from mianshen.document.model import Event
from mianshen.elaboration.vocabulary import Vocabulary
from mianshen.formulas.symbol_table import describe
from mianshen.program import diagnostics
from mianshen.program.core import Date
from mianshen.program.program import EventType, Key
from mianshen.source import Message
from mianshen.values import Known

EVENT_TYPES: Final = "event_type"  # the code list of life events
PERIODS: Final = ("year", "month", "event", "life")

_EVENT: Final = Message("生活事件", "life event")
_TRIGGER: Final = Message("生活事件或待遇", "life event or benefit")
_CHILD: Final = Message("人员之下的实体", "entity below the person")
_PERIOD: Final = Message("发放周期或事实", "period or fact")


def event_types(vocabulary: Vocabulary) -> dict[str, EventType]:
    """Every life event there is; one without an entry under `events:` says only that it happened."""
    declared = vocabulary.document.events
    known = _known(vocabulary)
    for name in declared:
        if name not in known:
            span = vocabulary.document.span("events", name)
            vocabulary.unknown(span, "codes", name, known, _EVENT)
    return {name: _Reading(vocabulary, name).event_type(title) for name, title in known.items()}


def triggers(benefit: str, vocabulary: Vocabulary) -> None:
    """What makes a benefit due is a life event or another benefit."""
    document = vocabulary.document
    known = [*_known(vocabulary), *(name for name in document.benefits if name != benefit)]
    for index, name in enumerate(document.benefits[benefit].triggers):
        hidden = name in document.broken("benefits") or EVENT_TYPES in document.broken("codes")
        if name not in known and not hidden:
            span = document.span("benefits", benefit, "triggers", index)
            vocabulary.unknown(span, "benefits", name, known, _TRIGGER)


def occasion(benefit: str, vocabulary: Vocabulary) -> None:
    """`once_per` is a period or a fact of the benefit's entity."""
    model = vocabulary.document.benefits[benefit]
    owner = vocabulary.benefit_entity(benefit)
    known = [*PERIODS, *(name for entity, name in vocabulary.facts if entity == owner)]
    if model.once_per not in known:
        span = vocabulary.document.span("benefits", benefit, "once_per")
        vocabulary.unknown(span, "facts", model.once_per, known, _PERIOD)


def _known(vocabulary: Vocabulary) -> dict[str, Message]:
    codes = vocabulary.codes.get(EVENT_TYPES)
    return {} if codes is None else dict(codes.values)


class _Reading:
    """One entry of `events:`."""

    def __init__(self, vocabulary: Vocabulary, name: str) -> None:
        self.vocabulary = vocabulary
        self.name = name
        self.model = vocabulary.document.events.get(name) or Event()
        header = vocabulary.document.header
        self.entry = "" if header is None else header.entry
        self.adds = self._added("adds", self.model.adds) or self._added("may_add", self.model.may_add)

    def event_type(self, title: Message) -> EventType:
        sets = self._sets()
        changes = self._facts("changes", self.model.changes)
        carries = self._facts("carries", self.model.carries)
        own = {name: key for name, key in self._of_added().items() if key not in sets}
        keeps, dated = self._keeps(), self._dated()
        own |= {key[1]: key for key in (*changes, *carries, *keeps, *([] if dated is None else [dated]))}
        always = self.model.adds is not None
        return EventType(self.name, title, self.adds, own, sets, changes, keeps, dated, always)

    def _added(self, part: str, named: str | None) -> str | None:
        """The entity of the row it brings: a child of the person."""
        below = {e.name for e in self.vocabulary.entities.values() if e.parent == self.entry}
        if named is not None and named not in below:
            span = self.vocabulary.document.span("events", self.name, part)
            self.vocabulary.unknown(span, "entities", named, below, _CHILD)
            return None
        return named

    def _of_added(self) -> dict[str, Key]:
        """All facts of the row it brings, but not whose it is."""
        entry = self.vocabulary.entities.get(self.entry)
        owner = "" if entry is None else entry.key
        return {
            name: (entity, name)
            for entity, name in self.vocabulary.facts
            if entity == self.adds and name != owner
        }

    def _sets(self) -> dict[Key, Known]:
        sets: dict[Key, Known] = {}
        for name, text in self.model.sets.items():
            path = ("events", self.name, "sets", name)
            key = self._fact(name, path)
            if key is not None:
                fact = self.vocabulary.facts[key]
                value = self.vocabulary.literal(text, fact.type, fact.written, path)
                if value is not None:
                    sets[key] = value
        return sets

    def _keeps(self) -> dict[Key, Key]:
        """Which fact takes the earlier value of which; of one type."""
        keeps: dict[Key, Key] = {}
        facts = self.vocabulary.facts
        for name, other in self.model.keeps.items():
            path = ("events", self.name, "keeps", name)
            key, source = self._fact(name, path), self._fact(other, path)
            if key is None or source is None:
                continue
            if facts[key].type != facts[source].type:
                wanted, actual = describe(facts[key].type), describe(facts[source].type)
                self.vocabulary.diagnostics.append(
                    diagnostics.wrong_type(self.vocabulary.document.span(*path), wanted, actual)
                )
            keeps[key] = source
        return keeps

    def _dated(self) -> Key | None:
        """The fact that takes the event's date; a date."""
        if self.model.dated is None:
            return None
        path = ("events", self.name, "dated")
        key = self._fact(self.model.dated, path)
        if key is not None and self.vocabulary.facts[key].type != Date():
            dated = describe(self.vocabulary.facts[key].type)
            span = self.vocabulary.document.span(*path)
            self.vocabulary.diagnostics.append(diagnostics.wrong_type(span, describe(Date()), dated))
        return key

    def _facts(self, part: str, names: tuple[str, ...]) -> tuple[Key, ...]:
        facts = (self._fact(name, ("events", self.name, part, i)) for i, name in enumerate(names))
        return tuple(key for key in facts if key is not None)

    def _fact(self, name: str, path: tuple[str | int, ...]) -> Key | None:
        """A fact of the row it brings, else of the person; neither's key."""
        facts, entities = self.vocabulary.facts, self.vocabulary.entities
        owners = [entity for entity in (self.adds, self.entry) if entity in entities]
        keys = {entities[entity].key for entity in owners if entity is not None}
        for entity in owners:
            if entity is not None and (entity, name) in facts and name not in keys:
                return entity, name
        known = [fact for entity, fact in facts if entity in owners and fact not in keys]
        self.vocabulary.unknown(self.vocabulary.document.span(*path), "facts", name, known)
        return None
