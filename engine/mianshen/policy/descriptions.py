"""What a rulebook says of one thing, as labelled lines: what `show` prints and the docs lay out.

In: a catalogue, an item. Out: `Line`s.
Invariant: a line that names other things holds them as items, so that a page can lead to them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mianshen.casework.wording import DELIVERY, Words, number
from mianshen.interpreter.formula import to_text
from mianshen.places import shown_place
from mianshen.policy.catalogue import Catalogue, Item
from mianshen.program.program import Citation, Dated, Limit, Parameter, Provision
from mianshen.source import Message, listed
from mianshen.wording import wording

NO_WORDS: Final = Message("", "")
PERIODS: Final = wording.group("periods")
LABELS: Final = wording.group("described")
EVERYWHERE: Final = Message("全国", "everywhere")


@dataclass(frozen=True, slots=True)
class Line:
    """A label, and what stands behind it: words, a formula, or names of other things; a mark has none of them.

    `citation`: the clause that the words name.
    """

    label: str  # in LABELS
    words: Message = NO_WORDS
    formula: str = ""
    items: tuple[Item, ...] = ()
    citation: Citation | None = None


class Descriptions:
    """Describes the things of one program."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.program = catalogue.program
        self.words = Words(self.program)

    def of(self, item: Item) -> Iterator[Line]:
        """The lines of an item; of a decision its type alone, for its provisions have lines of their own."""
        program, name = self.program, item.name
        match item.kind:
            case "decision":
                yield _plain("type", program.decision(item.entity, name).written)
            case "provision":
                decision, provision = self.catalogue.provisions[name]
                yield Line("decides", items=(Item("decision", decision.name, decision.entity),))
                yield from self.provision(provision)
            case "planned":
                planned = next(item for item in program.planned if item.name == name)
                keys = (decision.key for decision in program.decisions if decision.name == planned.decision)
                yield Line("decides", items=tuple(Item("decision", name, entity) for entity, name in keys))
                yield from self._clause(planned.citation)
            case "parameter":
                yield _plain("type", program.parameters[name].written)
                yield _plain("place", str(program.parameters[name].span))
            case "accumulator":
                yield from self._accumulator(name)
            case "fact":
                yield from self._fact(item)
            case "benefit":
                yield from self._benefit(name)
            case "codes":
                return
            case "entity":
                yield from self._entity(name)
            case "function":
                yield Line("call", formula=program.functions[name].call)
                yield Line("value", formula=program.functions[name].text)
            case "source":
                source = program.sources[name]
                for label, value in (
                    ("number", source.number),
                    ("issued", source.issued),
                    ("file", source.file),
                ):
                    if value is not None:
                        yield _plain(label, str(value))

    def reads(self, item: Item) -> tuple[Item, ...]:
        """What an item reads, each once; a decision reads what its provisions read."""
        if item.kind != "decision":
            return self.catalogue.reads.get(item, ())
        provisions = self.program.decision(item.entity, item.name).provisions
        read = (other for p in provisions for other in self.catalogue.reads[Item("provision", p.name)])
        return tuple(dict.fromkeys(read))

    def readers(self, item: Item) -> tuple[Item, ...]:
        """What reads an item, each once."""
        return tuple(dict.fromkeys(self.catalogue.readers.get(item, ())))

    def provision(self, provision: Provision) -> Iterator[Line]:
        """Where, when and under what condition it holds, what it gives, on what ground."""
        places = [Message(shown_place(code), shown_place(code, "en")) for code in provision.areas]
        yield Line("where", listed(places) if places else EVERYWHERE)
        if provision.start or provision.end:
            yield _plain("holds", f"{provision.start or '…'} .. {provision.end or '…'}")
        if provision.status == "pilot":
            yield Line("pilot")
        if provision.fallback:
            yield Line("fallback")
        if provision.when_text:
            yield Line("when", formula=provision.when_text)
        yield Line("value", formula=provision.value_text)
        for limit in provision.limits:
            yield self._limit(limit)
        if provision.exceptions:
            yield Line("exceptions", items=tuple(Item("provision", name) for name in provision.exceptions))
        yield from self._clause(provision.citation)
        if provision.note:
            yield _plain("note", provision.note)
        yield _plain("place", str(provision.span))

    def _limit(self, limit: Limit) -> Line:
        return Line("limit", formula=limit.text, items=(Item("accumulator", limit.accumulator),))

    def _accumulator(self, name: str) -> Iterator[Line]:
        accumulator = self.program.accumulators[name]
        parts = (a for a in self.program.accumulators.values() if a.part_of == name and a.read_by is None)
        sums = dict.fromkeys(a.sums for a in (accumulator, *parts))
        yield Line("sums", items=tuple(Item("decision", summed, accumulator.entity) for summed in sums))
        if accumulator.per:
            yield Line("per", items=tuple(Item("fact", fact, entity) for entity, fact in accumulator.per))
        if accumulator.opening is not None:
            entity, fact = accumulator.opening
            yield Line("opening", items=(Item("fact", fact, entity),))
        if accumulator.over is not None:
            yield Line("over", formula=to_text(accumulator.over, accumulator.entity))
        if accumulator.days is not None:
            yield Line("period", Message(f"此前 {accumulator.days} 天", f"{accumulator.days} days before"))
        elif accumulator.period != "year":
            yield Line("period", PERIODS[accumulator.period])
        for label, dated_by in (("counted_by", accumulator.counted_by), ("read_by", accumulator.read_by)):
            if dated_by is not None:
                yield Line(label, items=(Item("fact", dated_by, accumulator.entity),))
        if accumulator.holder and accumulator.holder != self.program.entities[accumulator.entity].parent:
            yield Line("holder", items=(Item("entity", accumulator.holder),))
        yield _plain("year", "{:02}-{:02}".format(*accumulator.year_start))

    def _fact(self, item: Item) -> Iterator[Line]:
        fact = self.program.facts[item.entity, item.name]
        yield _plain("type", fact.written)
        if fact.required:
            yield Line("required")
        for label, value in (("least", fact.low), ("most", fact.high), ("absent", fact.when_absent)):
            if value is not None:
                yield Line(label, self.words.value(value, fact.written, fact.type))

    def _benefit(self, name: str) -> Iterator[Line]:
        benefit = self.program.benefits[name]
        yield Line("eligible", items=(Item("decision", benefit.eligible, benefit.entity),))
        if benefit.amount is not None:
            yield Line("amount", items=(Item("decision", benefit.amount, benefit.entity),))
        if benefit.shows:
            yield Line("shows", items=tuple(Item("decision", name, benefit.entity) for name in benefit.shows))
        yield Line("delivery", DELIVERY[benefit.delivery])
        if benefit.triggers:
            titles = {name: benefit.title for name, benefit in self.program.benefits.items()}
            titles |= {name: event.title for name, event in self.program.events.items()}
            yield Line("triggers", listed(titles[name] for name in benefit.triggers))
        if benefit.paid_to is not None:
            yield Line("paid_to", benefit.paid_to)
        yield from self._clause(benefit.citation)

    def _entity(self, name: str) -> Iterator[Line]:
        entity = self.program.entities[name]
        yield _plain("key", entity.key)
        if entity.parent is not None:
            yield Line("parent", items=(Item("entity", entity.parent),))
        for label, fact in (("date", entity.date), ("where", entity.area)):
            if fact is not None:
                yield Line(label, items=(Item("fact", fact, name),))
        for check in entity.checks:
            yield Line("check", check.title, check.text)

    def _clause(self, citation: Citation) -> Iterator[Line]:
        words = self.words.citation(citation)
        if words.zh:
            yield Line("clause", words, citation=citation)


def latest_by(parameter: Parameter, day: dt.date) -> Dated:
    """The value that began last by a day; before the first, the first."""
    return next((dated for dated in reversed(parameter.series) if dated.start <= day), parameter.series[0])


def figure_words(words: Words, parameter: Parameter, dated: Dated) -> Message:
    """A value of a series as people read it, a scale bracket by bracket; empty where it is not published."""
    if dated.brackets is not None:
        parts = (f"> {number(over, 'money')}: {number(rate, 'rate')}" for over, rate in dated.brackets)
        return Message(*["; ".join(parts)] * 2)
    if dated.known is None:
        return NO_WORDS
    return words.value(dated.known, parameter.written, parameter.type)


def _plain(label: str, text: str) -> Line:
    return Line(label, Message(text, text))
