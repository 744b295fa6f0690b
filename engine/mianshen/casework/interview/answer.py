"""Answers given by name, and what an interview comes to in the end.

In: a story, texts such as `C1.total_cost=500`. Out: the story told on; the record in a file; the answer as
`check` gives it on that record.
Invariant: the answer is `check`'s own, on the record as it would be saved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from mianshen.casework.check import Checked, Checker, Plain
from mianshen.casework.interview.interview import Interview
from mianshen.casework.interview.question import Question
from mianshen.casework.interview.story import Story
from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import read_tree
from mianshen.records.read import read_record
from mianshen.source import NOWHERE, Diagnostic, Lang, Message, RuleError, nearest
from mianshen.whole_file import whole_file

UNKNOWN: Final = "?"


def give(story: Story, interview: Interview, text: str) -> None:
    """Take in one answer, `NAME=VALUE`; raises RuleError where it cannot be used."""
    name, equals, value = text.partition("=")
    if not equals:
        raise RuleError([diagnostic("E703.no_equals", NOWHERE, text=text)])
    places = dict(story.places())
    place = places.get(name.strip())
    if place is None:
        raise RuleError([_no_such_place(name.strip(), places)])
    fact = interview.program.facts.get((place.row.entity, place.name))
    counts = None if fact is not None else story.lists(place.row.entity)[place.name]
    if counts is not None and not story.is_open(place):
        raise RuleError([diagnostic("E711.already_told", NOWHERE, name=name.strip())])
    question = Question(place, fact, counts, name, ())
    if value.strip() in (UNKNOWN, ""):
        if not question.can_be_unknown:
            raise RuleError([diagnostic("E704.needed", NOWHERE, title=question.title)])
        story.tell(place, None)
        return
    read = question.read(value, story)
    if isinstance(read, Diagnostic):
        raise RuleError([read])
    story.tell(place, read)


def _no_such_place(name: str, known: Iterable[str]) -> Diagnostic:
    close = nearest(name, known)
    fix = Message("写成 事实=值 或 编号.事实=值", "Write FACT=VALUE, or KEY.FACT=VALUE")
    if close is not None:
        fix = Message(f"是不是 {close}？", f"Did you mean {close}?")
    return diagnostic("E702.no_such_place", NOWHERE, fix=fix, name=name)


def record(interview: Interview, story: Story) -> str:
    """The record as text; rows that were not asked about, for nothing of theirs matters, are left out."""
    rows = [place.row for place in story.incomplete()]
    unanswered = {
        missing for benefit_state in interview.benefit_states(story) for missing in benefit_state.unanswered
    }
    return (story.without(rows) if rows and interview.may_leave_out(story) else story).text(unanswered)


def kept(interview: Interview, story: Story, file: Path) -> None:
    """Write the record; the file appears whole or not at all. Raises OSError."""
    with whole_file(file) as part:
        part.write_text(record(interview, story), encoding="utf-8")


def next_step(interview: Interview, story: Story, lang: Lang) -> tuple[dict[str, Plain], Checked | None]:
    """The next question as data, or the answer and the case it was decided on once nothing is left to ask."""
    question = interview.next(story)
    if question is not None:
        return {"question": question.plain(interview.program)}, None
    checker, checked = answered(interview, story)
    return {"answer": checker.answer(checked, lang)}, checked


def answered(interview: Interview, story: Story) -> tuple[Checker, Checked]:
    """What `check` says to the record, about the benefits of the interview."""
    checker = Checker(interview.program)
    node, wrong = read_tree(record(interview, story), "")
    case, answered = (None, wrong) if node is None else read_record(node, interview.program)
    if case is None:
        raise RuleError(answered)
    return checker, about(interview, checker.check(case))


def about(interview: Interview, checked: Checked) -> Checked:
    """A checked case with the benefits of the interview alone."""
    names = {benefit.name for benefit in interview.benefits}
    benefits = {name: part for name, part in checked.result.benefits.items() if name in names}
    return replace(checked, result=replace(checked.result, benefits=benefits))
