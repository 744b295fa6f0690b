"""One question of an interview: what it asks, in which form, and how an answer to it reads.

In: a place in a story, the benefits it can change. Out: `Question`; an answer's value, or why it is none.
Invariants: an answer reads as the same fact in a record does; a choice may be given by its number, its label
or its code; what the vocabulary's checks forbid is refused at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mianshen.casework.answers import shown
from mianshen.casework.check import Plain
from mianshen.casework.interview.story import Place, Story
from mianshen.casework.interview.typed import as_written
from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import read_tree
from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.program.core import AsOf, Boolean, Code, Listing, Numeric
from mianshen.program.program import Entity, Fact, Program
from mianshen.records.facts import read_fact
from mianshen.source import NOWHERE, Diagnostic, Lang, Message, listed
from mianshen.values import Known, Unknown
from mianshen.wording import wording

MOST_ROWS: Final = 99
YES_NO: Final = {True: Message("是", "yes"), False: Message("否", "no")}
NOTHING: Final = ("无", "没有", "none")  # an empty list, where no choice is called so
SEPARATORS: Final = re.compile("[,，、;；]")
SHORT: Final = {"y": "true", "yes": "true", "n": "false", "no": "false"}
HOW_MANY: Final = Message("{title}有几笔（项）", "number of {title}s")
MOST_TITLES: Final = 4  # of benefits in one sentence


@dataclass(frozen=True, slots=True)
class Question:
    """`fact` is None where it asks how many rows of `counts` there are; `why`: the benefits it can change."""

    place: Place
    fact: Fact | None
    counts: Entity | None
    answer_as: str
    why: tuple[str, ...]

    @property
    def title(self) -> Message:
        if self.fact is not None:
            return self.fact.title
        assert self.counts is not None
        return HOW_MANY.filled(title=self.counts.title)

    @property
    def can_be_unknown(self) -> bool:
        """Whether "I do not know" is an answer."""
        return self.fact is not None and not self.fact.required

    @property
    def assumed(self) -> Known | AsOf | None:
        """What is taken when nobody says anything."""
        return None if self.fact is None else self.fact.when_absent

    def choices(self, program: Program) -> Mapping[str, Message]:
        """What may be chosen, by the text a record has for it; empty where anything may be written."""
        match self.fact and self.fact.type:
            case Code(codes=codes) | Listing(item=Code(codes=codes)):
                return program.codes[codes].values
            case Boolean():
                return {"true": YES_NO[True], "false": YES_NO[False]}
            case _:
                return {}

    def bounds(self) -> tuple[str, str] | None:
        """The lowest and the highest number there is; None for what is no number."""
        if self.fact is None:
            return "0", str(MOST_ROWS)
        type_ = self.fact.type
        if not isinstance(type_, Numeric):
            return None
        low = type_.low if self.fact.low is None else self.fact.low
        high = type_.high if self.fact.high is None else self.fact.high
        return _text(self.fact, low), _text(self.fact, high)

    def plain(self, program: Program) -> Plain:
        """The question as JSON has it."""
        fact, bounds = self.fact, self.bounds()
        return {
            "fact": self.place.name,
            "entity": self.place.row.entity,
            "key": self.place.row.key,
            "answer_as": self.answer_as,
            "title": self.title.plain,
            "type": "count" if fact is None else fact.written,
            "choices": [
                {"code": code, "zh": label.zh, "en": label.en}
                for code, label in self.choices(program).items()
            ],
            "range": None if bounds is None else {"low": bounds[0], "high": bounds[1]},
            "assumed": None if fact is None or fact.when_absent is None else _text(fact, fact.when_absent),
            "can_be_unknown": self.can_be_unknown,
            "why": list(self.why),
        }

    # -- answers -------------------------------------------------------------------------------

    def read(self, text: str, story: Story) -> Known | Diagnostic:
        """The value an answer gives; a Diagnostic where it gives none."""
        text = text.strip()
        labels = {
            label for message in self.choices(story.program).values() for label in (message.zh, message.en)
        }
        text = text if text in labels else as_written(text, self.fact)
        if self.fact is None:
            return Decimal(text) if _is_count(text, 0, MOST_ROWS) else _not_a_count(text, 0)
        fact = self.fact
        texts = [text]
        if isinstance(fact.type, Listing):
            nothing = text.lower() in NOTHING and text not in self.choices(story.program)
            texts = [] if nothing else [part.strip() for part in SEPARATORS.split(text)]
        chosen: list[str] = []
        for item in texts:
            one = self._chosen(item, story.program)
            if isinstance(one, Diagnostic):
                return one
            chosen.append(one)
        written: object = chosen if isinstance(fact.type, Listing) else chosen[0]
        node, wrong = read_tree(json.dumps(written, ensure_ascii=False), "")
        value = wrong[0] if node is None else read_fact(node, fact, story.program)
        if value is None:
            return diagnostic("E712.placeholder", NOWHERE, title=fact.title, text=text)
        return value if isinstance(value, Diagnostic) else self._checked(value, story)

    def _chosen(self, text: str, program: Program) -> str | Diagnostic:
        """What a record has for one choice, given by its number, label or code; any other text as it is."""
        choices = list(self.choices(program))
        if choices and text.isascii() and text.isdigit() and text not in choices:
            if not 1 <= int(text) <= len(choices):
                return diagnostic("E705.no_such_choice", NOWHERE, text=text, most=len(choices))
            return choices[int(text) - 1]
        fact = self.fact
        return SHORT.get(text.lower(), text) if fact is not None and isinstance(fact.type, Boolean) else text

    def _checked(self, value: Known, story: Story) -> Known | Diagnostic:
        """The value, unless a check of the vocabulary, the day or the rows there are forbid it."""
        row, name, program = self.place.row, self.place.name, story.program
        entity = program.entities[row.entity]
        day = story.case.as_of
        if name == entity.date and value > day:  # type: ignore[operator]  # a date
            return diagnostic("E708.after_day", NOWHERE, title=self.title, day=day.isoformat())
        for child in program.entities.values():
            if child.counted_by == name and child.parent == row.entity:
                there = sum(item.entity == child.name for item in row.children)
                if not there <= value <= MOST_ROWS:  # type: ignore[operator]  # a number
                    return _not_a_count(str(value), there)
        copy, rows = Scenario(program).copy(story.case, {(row, name): value})
        del copy
        compiler = Compiler(program, lambda _entity, _name: lambda _row: Unknown())
        for check in entity.checks:
            if compiler.compile(check.condition, entity.name)(rows[row]) is False:
                return diagnostic("E707.fails_check", NOWHERE, what=check.title, text=check.text)
        return value

    def hint(self, program: Program, lang: Lang) -> str:
        """How an answer is written, for a question without choices."""
        written = "count" if self.fact is None else self.fact.written
        form = _FORMS.get(written.split(" ")[0])
        chosen = self.choices(program) and written.split(" ")[0] != "list"
        return "" if form is None or chosen else form.in_(lang)


_FORMS: Final = wording.group("question.forms")


def _not_a_count(text: str, least: int) -> Diagnostic:
    return diagnostic("E706.not_a_count", NOWHERE, text=text, least=least, most=MOST_ROWS)


def _is_count(text: str, low: int, high: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 4 and low <= int(text) <= high


def _text(fact: Fact, value: Known | AsOf) -> str:
    return "as_of" if isinstance(value, AsOf) else shown(value, fact.written)


def titles_of(benefits: Sequence[str], program: Program) -> Message:
    """The titles of benefits; of many the first few, and how many there are."""
    titles = listed(program.benefits[name].title for name in benefits[:MOST_TITLES])
    if len(benefits) <= MOST_TITLES:
        return titles
    return wording("interview.first").filled(names=titles, count=len(benefits))
