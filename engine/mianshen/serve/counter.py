"""The counter: one interview as a page shows it.

In: what the page's form carried (the record so far as text, the benefits, an action). Out: `CounterView`.
Invariants: the record stands in the form and nowhere else; an answer reads as on the command line; what is shown as the
answer is `check`'s on what is told so far.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from mianshen.casework.check import Checked, Checker
from mianshen.casework.interview import Interview, Place, Question, Story
from mianshen.casework.interview.answer import about
from mianshen.casework.interview.answer import record as record_text
from mianshen.casework.interview.question import titles_of
from mianshen.casework.interview.story import begun, story_of
from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import read_tree
from mianshen.interpreter.rows import Row
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.program.core import Listing
from mianshen.records.read import named
from mianshen.serve.answers import AnswerTexts, BenefitView, RowView
from mianshen.serve.office import Office, shipped
from mianshen.serve.words import texts
from mianshen.source import NOWHERE, Diagnostic, Lang, RuleError
from mianshen.values import as_text

RECORD: Final = "record"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form carried: `action` is a verb, or one with its object (`edit:insured_area`)."""

    record: str = ""
    benefits: tuple[str, ...] = ()
    action: str = ""
    place: str = ""
    answers: tuple[str, ...] = ()
    as_of: dt.date | None = None
    person: str = ""
    label: str = ""
    case: int | None = None  # the kept case that the record comes from

    @property
    def verb(self) -> str:
        return self.action.partition(":")[0]

    @property
    def object(self) -> str:
        return self.action.partition(":")[2]


@dataclass(frozen=True, slots=True)
class ChoiceView:
    code: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class QuestionView:
    """`kind`: one, several, date, number or text; `value`: what was answered before or just now."""

    place: str
    title: str
    about: str
    kind: str
    choices: tuple[ChoiceView, ...]
    hint: str
    value: str
    assumed: str
    can_be_unknown: bool


@dataclass(frozen=True, slots=True)
class FactView:
    place: str
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class GroupView:
    """The facts of one row. `removable`: its key, where the row may be taken out."""

    title: str
    facts: tuple[FactView, ...]
    removable: str


@dataclass(frozen=True, slots=True)
class CounterView:
    """The whole page. `problems`: why an answer was not taken."""

    record: str
    benefits: tuple[str, ...]
    number: int
    question: QuestionView | None
    problems: tuple[str, ...]
    groups: tuple[GroupView, ...]
    lists: tuple[tuple[str, str], ...]
    due: tuple[BenefitView, ...]
    open: tuple[BenefitView, ...]
    not_due: tuple[BenefitView, ...]
    unruled: tuple[str, ...]
    rows: tuple[RowView, ...]
    rejects: tuple[str, ...]
    notes: tuple[str, ...]
    day: str
    person: str
    label: str
    case: int | None


class Counter:
    """One step of an interview: the form taken in, the page made."""

    def __init__(self, office: Office, sent: Sent, lang: Lang) -> None:
        self.office = office
        self.sent = sent
        self.lang: Lang = lang
        self.overlays, self.story = self._story()
        self.checker: Checker = office.checker(self.overlays)
        self.program = self.checker.program
        self.words = self.checker.words
        self.say = AnswerTexts(self.checker, lang)
        self.interview: Interview = office.interview(sent.benefits or ("all",), self.overlays)
        self.edited: Question | None = None
        self.problems: list[Diagnostic] = []
        self._act()

    def _story(self) -> tuple[tuple[str, ...], Story]:
        """The story that the form carries, and the overlays it is decided under. Raises RuleError."""
        today = self.office.today()
        if not self.sent.record.strip():
            story = begun(self.office.program, self.sent.as_of or today)
            if self.sent.person.strip():
                key = story.entry.key
                story.tell(Place(story.case.person, key), self.sent.person.strip())
            return (), story
        root, findings = read_tree(self.sent.record, RECORD)
        if root is None or findings:
            raise RuleError(findings)
        overlays = shipped(named(root)[1])
        return overlays, story_of(root, self.office.checker(overlays).program, None, today)

    # -- taking in -----------------------------------------------------------------------------

    def _act(self) -> None:
        match self.sent.verb:
            case "answer" | "unknown" | "assume":
                self._answer()
            case "edit":
                self.edited = self._question_at(self.sent.object)
            case "forget":
                place = self._places().get(self.sent.object)
                if place is not None:
                    self.story.forget(place)
            case "add":
                self._add_row(self.sent.object)
            case "remove":
                self._remove_row(self.sent.object)
            case _:
                pass

    def _places(self) -> dict[str, Place]:
        return dict(self.story.places())

    def _question_at(self, name: str) -> Question | None:
        """The question about a place, whether it was answered or not."""
        place = self._places().get(name)
        if place is None:
            return None
        fact = self.program.facts.get((place.row.entity, place.name))
        return Question(place, fact, self.story.open_list(place), name, ())

    def _answer(self) -> None:
        question = self._question_at(self.sent.place)
        if question is None or (question.fact is None and question.counts is None):
            return
        place = question.place
        if self.sent.verb == "unknown" and question.can_be_unknown:
            self.story.forget(place)
            self.story.tell(place, None)
            return
        if self.sent.verb == "assume" and question.fact is not None:
            self.story.tell(place, question.fact.assumed_on(self.story.case.as_of))
            return
        text = ",".join(answer.strip() for answer in self.sent.answers if answer.strip())
        if not text and isinstance(question.fact and question.fact.type, Listing):
            text = "none"
        value = (
            question.read(text, self.story)
            if text
            else diagnostic("E704.needed", NOWHERE, title=question.title)
        )
        if isinstance(value, Diagnostic):
            self.problems.append(value)
            self.edited = question
        else:
            self.story.tell(place, value)

    def _add_row(self, name: str) -> None:
        person = self.story.case.person
        if name in self.story.lists(person.entity):
            self.story.tell(Place(person, name), Decimal(1))

    def _remove_row(self, key: str) -> None:
        rows = [row for row in self.story.case.person.children if row.key == key]
        self.story = self.story.without(rows)

    # -- what the page shows -----------------------------------------------------------------------

    def record(self) -> str:
        """The record for the person's own file: what was not asked about is left out."""
        return self._under() + record_text(self.interview, self.story)

    def _under(self) -> str:
        return f"overlays: [{', '.join(self.overlays)}]\n" if self.overlays else ""

    def checked(self) -> Checked:
        """The answers so far, decided; facts not answered yet are unknown."""
        case = Scenario(self.program).copy(self.story.case)[0]
        return about(self.interview, self.checker.check(case))

    def view(self) -> CounterView:
        question = self.edited or self.interview.next(self.story)
        checked = self.checked()
        why = self.sent.object if self.sent.verb == "why" else ""
        benefits = [
            self.say.benefit(checked, result, name == why) for name, result in checked.result.benefits.items()
        ]
        groups = tuple(self._groups())
        return CounterView(
            record=self._under() + self.story.text(),
            benefits=self.sent.benefits,
            number=sum(len(group.facts) for group in groups) + 1,
            question=None if question is None else self._question(question),
            problems=tuple(problem.sentences(self.lang) for problem in self.problems),
            groups=groups,
            lists=tuple(self._lists()),
            due=tuple(item for item in benefits if item.status == "eligible"),
            open=tuple(item for item in benefits if item.status == "undetermined"),
            not_due=tuple(item for item in benefits if item.status == "ineligible"),
            unruled=tuple(item.title for item in benefits if item.status == "not_modelled"),
            rows=tuple(map(self.say.row, checked.result.rows)),
            rejects=tuple(self.say.say(item.rejection.message) for item in checked.result.rejected),
            notes=tuple(self.say.say(note) for note in checked.notes),
            day=self.story.case.as_of.isoformat(),
            person=self.story.case.person.key,
            label=self.sent.label,
            case=self.sent.case,
        )

    def _question(self, question: Question) -> QuestionView:
        fact, row = question.fact, question.place.row
        choices = question.choices(self.program)
        value = row.facts.get(question.place.name)
        sent = self.sent.answers if self.problems else ()
        answered = () if value is None else value if isinstance(value, tuple) else (as_text(value),)
        written = sent or answered
        several = isinstance(fact and fact.type, Listing)
        kind = ("several" if several else "one") if choices else _kind(question)
        assumed = None if fact is None else fact.when_absent
        return QuestionView(
            place=question.answer_as,
            title=self.say.whose(row, self.story.case.person) + self.say.say(question.title),
            about=self.say.say(titles_of(question.why, self.program)),
            kind=kind,
            choices=tuple(
                ChoiceView(code, self.say.say(label), code in written) for code, label in choices.items()
            ),
            hint=question.hint(self.program, self.lang),
            value=", ".join(written),
            assumed="" if assumed is None or fact is None
            else self.say.say(self.words.value(assumed, fact.written, fact.type)),
            can_be_unknown=question.can_be_unknown,
        )  # fmt: skip

    def _groups(self) -> Iterable[GroupView]:
        """What was told, row by row."""
        for row in self.story.case.rows():
            facts = tuple(self._facts(row))
            own = row is self.story.case.person
            below = row.parent is self.story.case.person
            if facts or below:
                title = self.say.say(self.program.entities[row.entity].title)
                label = title if own or row.parent is None else f"{title} {row.key}"
                yield GroupView(label, facts, row.key if below else "")

    def _facts(self, row: Row) -> Iterable[FactView]:
        entity = self.program.entities[row.entity]
        above = None if row.parent is None else self.program.entities[row.parent.entity].key
        unknown = self.story.told_unknown(row)
        for (owner, name), fact in self.program.facts.items():
            if owner != row.entity or name in (entity.key, above) or name in row.assumed:
                continue
            place = self.story.answer_as(Place(row, name))
            if name in row.facts:
                value = self.say.say(self.words.value(row.facts[name], fact.written, fact.type))
                yield FactView(place, self.say.say(fact.title), value)
            elif name in unknown:
                yield FactView(place, self.say.say(fact.title), texts(self.lang).unknown)

    def _lists(self) -> Iterable[tuple[str, str]]:
        """The lists of the person that were spoken of, to which a row may be added."""
        person = self.story.case.person
        for name, entity in self.story.lists(person.entity).items():
            if not entity.counted_by and not person.may_yet_tell(name):
                yield name, self.say.say(entity.title)


_KINDS: Final = {
    "date": "date",
    "money": "number",
    "integer": "number",
    "number": "number",
    "count": "number",
}


def _kind(question: Question) -> str:
    written = "count" if question.fact is None else question.fact.written.split(" ")[0]
    return _KINDS.get(written, "text")
