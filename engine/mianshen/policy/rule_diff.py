"""What differs between two rulebooks, in the language of rules.

In: two programs. Out: `RuleChange`s: figures day by day with their clauses, provisions part by part, and what rests on
each. Invariant: only what can change an answer, or what an answer rests on, is told; titles are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from mianshen.casework.wording import BASIS, DELIVERY, Words
from mianshen.interpreter.formula import to_text
from mianshen.places import shown_place
from mianshen.policy.catalogue import Catalogue, Item
from mianshen.policy.descriptions import EVERYWHERE, LABELS, NO_WORDS, figure_words
from mianshen.program.program import (
    Accumulator,
    Benefit,
    Citation,
    CodeList,
    Dated,
    Decision,
    Entity,
    Fact,
    Parameter,
    Program,
    Provision,
)
from mianshen.source import Message, Span, listed
from mianshen.wording import wording

ChangeKind: TypeAlias = Literal[
    "figure", "provision", "decision", "accumulator", "benefit", "fact", "codes", "entity", "calendar"
]
Parts: TypeAlias = Mapping[str, Message]
PARTS: Final = wording.group("rule_diff.parts")
_STATUS: Final = wording.group("rule_diff.status")
_CALENDAR: Final = Message("工作日历", "working-day calendar")


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One thing changed: a part of `name`, before and after (empty: not there), each in words."""

    kind: ChangeKind
    name: str
    title: Message
    of: Message  # the part; empty: all of it
    was: Message
    now: Message
    clause: Citation
    span: Span
    resting: tuple[Item, ...]  # decisions and benefits that rest on it, directly or not, nearest first

    @property
    def part(self) -> str:
        return self.of.en

    @property
    def before(self) -> str:
        return self.was.en

    @property
    def after(self) -> str:
        return self.now.en

    @property
    def rests(self) -> tuple[str, ...]:
        """The names of what rests on it."""
        return tuple(map(str, self.resting))


def rule_changes(old: Program, new: Program) -> tuple[RuleChange, ...]:
    """Every difference, figures first."""
    return tuple(_Diff(old, new).all())


class _Diff:
    def __init__(self, old: Program, new: Program) -> None:
        self.old, self.new = old, new
        self.catalogues = Catalogue(old), Catalogue(new)
        self.words = Words(old), Words(new)

    def all(self) -> Iterator[RuleChange]:
        old, new = self.old, self.new
        for name, one, two in _paired(old.parameters, new.parameters):
            yield from self._figures(name, one, two)
        kinds: tuple[
            tuple[ChangeKind, Mapping[str, Any], Mapping[str, Any], Callable[[Any, Words], Parts]], ...
        ] = (
            ("provision", old.provisions, new.provisions, _provision),
            ("decision", {d.name: d for d in old.decisions}, {d.name: d for d in new.decisions}, _decision),
            ("accumulator", old.accumulators, new.accumulators, _accumulator),
            ("benefit", old.benefits, new.benefits, _benefit),
            ("fact", _facts(old), _facts(new), _fact),
            ("codes", old.codes, new.codes, _codes),
            ("entity", old.entities, new.entities, _entity),
        )
        for kind, before, after, parts in kinds:
            for name, left, right in _paired(before, after):
                one = {} if left is None else parts(left, self.words[0])
                two = {} if right is None else parts(right, self.words[1])
                yield from self._parts(kind, name, one, two, right or left)
        yield from self._calendar()

    def _figures(self, name: str, one: Parameter | None, two: Parameter | None) -> Iterator[RuleChange]:
        """The days from which another value is in force, with the values of both sides."""
        some = two or one
        assert some is not None
        for day in sorted({day for side in (one, two) if side is not None for day in side.turns}):
            was, now = (None if side is None else side.on(day) for side in (one, two))
            if _stands_on(was) != _stands_on(now):
                before, after = self._value(some, was), self._value(some, now)
                if before == after and was is not None and now is not None:
                    before, after = self._grounds(was, before), self._grounds(now, after)
                clause = (now or was).citation  # type: ignore[union-attr]  # one of them is there
                yield self._change("figure", name, some, Message(f"{day}", f"{day}"), before, after, clause)

    def _value(self, parameter: Parameter, dated: Dated | None) -> Message:
        """A value with its last day and basis."""
        if dated is None:
            return NO_WORDS
        value = figure_words(self.words[1], parameter, dated)
        zh, en = (value.zh, value.en) if dated.value is not None else ("尚未公布", "missing")
        if dated.end is not None:
            zh, en = f"{zh}，至 {dated.end}", f"{en} until {dated.end}"
        return (
            Message(f"{zh}（{BASIS[dated.basis].zh}）", f"{en} ({dated.basis})")
            if dated.value is not None
            else Message(zh, en)
        )

    def _grounds(self, dated: Dated, value: Message) -> Message:
        """A value with its clause and by when it is reviewed, where nothing else differs."""
        clause, review = self.words[1].citation(dated.citation), dated.review_by or "—"
        return Message(
            f"{value.zh}，{clause.zh}，复核期限 {review}", f"{value.en}, {clause.en}, review by {review}"
        )

    def _parts(
        self, kind: ChangeKind, name: str, before: Parts, after: Parts, some: Any
    ) -> Iterator[RuleChange]:
        clause = getattr(some, "citation", Citation(None, None))
        if not before or not after:
            yield self._change(kind, name, some, NO_WORDS, _whole(before), _whole(after), clause)
            return
        for part in dict.fromkeys((*before, *after)):
            was, now = before.get(part, NO_WORDS), after.get(part, NO_WORDS)
            if was != now:
                yield self._change(kind, name, some, PARTS[part], was, now, clause)

    def _change(
        self,
        kind: ChangeKind,
        name: str,
        some: Any,
        part: Message,
        before: Message,
        after: Message,
        clause: Citation,
    ) -> RuleChange:
        item_kind = "parameter" if kind == "figure" else kind
        resting = dict.fromkeys(
            i for catalogue in self.catalogues for i in _resting(catalogue, item_kind, name)
        )
        span = getattr(some, "span", Span("", 0, 0))
        return RuleChange(kind, name, some.title, part, before, after, clause, span, tuple(resting))

    def _calendar(self) -> Iterator[RuleChange]:
        """The working days, where they are not the same."""
        old, new = self.old.calendar, self.new.calendar
        if (old and (old.first, old.worked)) != (new and (new.first, new.worked)):
            was, now = (
                NO_WORDS if c is None else Message(*[f"{c.first}: {len(c.worked)}"] * 2) for c in (old, new)
            )
            none, nowhere = Citation(None, None), Span("", 0, 0)
            yield RuleChange(
                "calendar", "calendar", _CALENDAR, PARTS["worked days"], was, now, none, nowhere, ()
            )


def _stands_on(dated: Dated | None) -> object:
    return None if dated is None else (dated.value, dated.basis, dated.review_by, dated.citation)


def _paired(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _facts(program: Program) -> dict[str, Fact]:
    return {".".join(key): fact for key, fact in program.facts.items()}


def _whole(parts: Parts) -> Message:
    """Every part of something that is new or gone."""
    known = [(PARTS[part], text) for part, text in parts.items() if text != NO_WORDS and part != "clause"]
    return Message(
        "；".join(f"{label.zh}：{text.zh}" for label, text in known),
        "; ".join(f"{label.en}: {text.en}" for label, text in known),
    )


# -- what is compared --------------------------------------------------------------------------------


def _plain(**parts: object) -> dict[str, Message]:
    """Parts that read alike in both languages; `_` stands for a blank, nothing for None, False and an empty text."""
    texts = {
        name.removesuffix("_").replace("_", " "): "" if value in (None, False, "") else str(value)
        for name, value in parts.items()
    }
    return {name: Message(text, text) for name, text in texts.items()}


def _provision(provision: Provision, words: Words) -> Parts:
    places = [Message(shown_place(code), shown_place(code, "en")) for code in provision.areas]
    stand_in = NO_WORDS if provision.stand_in is None else provision.stand_in.of
    limits = "; ".join(f"{limit.accumulator} <= {limit.text}" for limit in provision.limits)
    return {
        "area": listed(places) if places else EVERYWHERE,
        **_plain(
            from_=provision.start,
            until=provision.end,
            when=provision.when_text,
            value=provision.value_text,
            limit=limits,
        ),
        "fallback": LABELS["fallback"] if provision.fallback else NO_WORDS,
        "exceptions": _named(provision.exceptions, words),
        "status": _STATUS[provision.status],
        "basis": NO_WORDS if provision.basis is None else BASIS[provision.basis],
        "stand-in": stand_in,
        "clause": words.citation(provision.citation),
    }


def _named(names: Sequence[str], words: Words) -> Message:
    """Provisions by their titles, in English by their names alone, as other programs read them."""
    titles = [
        f"{words.provisions[name].title.zh}（{name}）" if name in words.provisions else name for name in names
    ]
    return Message("、".join(titles), ", ".join(names))


def _decision(decision: Decision, words: Words) -> Parts:  # noqa: ARG001  # as the others
    return _plain(type=decision.written)


def _accumulator(accumulator: Accumulator, words: Words) -> Parts:  # noqa: ARG001  # as the others
    opening = accumulator.opening
    return _plain(
        sums=accumulator.sums, over=None if accumulator.over is None else to_text(accumulator.over, accumulator.entity),
        per=", ".join(name for _, name in accumulator.per), opening=None if opening is None else opening[1],
        period=accumulator.period, days=accumulator.days, shared_by=accumulator.holder, counted_by=accumulator.counted_by,
        read_by=accumulator.read_by, year_starts="{:02}-{:02}".format(*accumulator.year_start),
    )  # fmt: skip


def _benefit(benefit: Benefit, words: Words) -> Parts:
    once = _plain(
        once_per=benefit.once_per, triggers=", ".join(benefit.triggers), shows=", ".join(benefit.shows)
    )
    return {
        **_plain(eligible=benefit.eligible, amount=benefit.amount),
        "delivery": DELIVERY[benefit.delivery],
        **once,
        "paid to": benefit.paid_to or NO_WORDS,
        "clause": words.citation(benefit.citation),
    }


def _fact(fact: Fact, words: Words) -> Parts:
    values = [
        words.value(value, fact.written, fact.type) for value in (fact.low, fact.high, fact.when_absent)
    ]
    limits = [NO_WORDS if value.zh == "—" else value for value in values]
    return {
        **_plain(type=fact.written), "least": limits[0], "most": limits[1], "when absent": limits[2],
        **_plain(required=fact.required, settles=fact.settles, placeholders=", ".join(map(str, fact.placeholders))),
    }  # fmt: skip


def _codes(codes: CodeList, words: Words) -> Parts:  # noqa: ARG001  # as the others
    return _plain(values=", ".join(codes.values))


def _entity(entity: Entity, words: Words) -> Parts:  # noqa: ARG001  # as the others
    checks = "; ".join(check.text for check in entity.checks)
    return _plain(valid_from=entity.valid_from, reverses=entity.reverses, checks=checks)


def _resting(catalogue: Catalogue, kind: str, name: str) -> Iterator[Item]:
    """The decisions and benefits that rest on something, nearest first."""
    pending = [item for item in catalogue.named(name) if item.kind == kind]
    seen: set[Item] = set(pending)
    while pending:
        item = pending.pop(0)
        if item.kind in ("decision", "benefit") and item.name != name:
            yield item
        above = list(catalogue.readers.get(item, ()))
        if item.kind == "provision":
            decision, _ = catalogue.provisions[item.name]
            above.append(Item("decision", decision.name, decision.entity))
        pending += [one for one in above if one not in seen]
        seen.update(above)
