"""What a proposed change does to cases: which expectations it changes, and through which rule or figure.

In: cases, the programs without and with the change. Out: `Change`s, each with its `Cause`s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mianshen.cases.expectations import Expectation
from mianshen.cases.read import CaseOf, Programs
from mianshen.cases.runs import compared
from mianshen.casework.answers import Answers, answers_of
from mianshen.casework.causes import Cause, Causes, Side, side_of
from mianshen.casework.wording import NO, STATUS, UNKNOWN, YES, Words
from mianshen.interpreter import Interpreter
from mianshen.interpreter.trace.explain import Explainer
from mianshen.program.core import Code
from mianshen.program.program import Program
from mianshen.source import Message, RuleError, listed

PARTS_OF_ANSWERS: Final = {
    "status": Message("结论", "answer"), "amount": Message("金额", "amount"), "missing": Message("缺少", "missing"),
    "reason": Message("理由", "reason"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """An expectation that the change moves: what it says, what comes out without and with the change."""

    case: CaseOf
    what: str
    expected: str
    before: str
    after: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What was found; `left_out`: cases whose own overlays cannot stand beside the proposed ones."""

    changes: tuple[Change, ...]
    left_out: tuple[CaseOf, ...]


def moved_words(change: Change, words: Words) -> Message:
    """What moves by its title: `C1 basic payment`, `Premium subsidy: status`; its name where it has no other title."""
    program = words.program
    first, _, last = change.what.rpartition(".")
    titles = {decision.name: decision.title for decision in program.decisions}
    benefit, title = program.benefits.get(first), titles.get(last)
    subject = Message(first, first) if benefit is None else benefit.title
    if last in PARTS_OF_ANSWERS:
        part = PARTS_OF_ANSWERS[last]
        return Message(f"{subject.zh}：{part.zh}", f"{subject.en}: {part.en}")
    if title is None or title.en == last:
        return Message(change.what, change.what)
    return Message(f"{first} {title.zh}", f"{first} {title.en}")


def outcome_words(change: Change, text: str, words: Words) -> Message:
    """What comes out, of an answer of a row or benefit, a truth or a code in words; a number as it is."""
    known = {**STATUS, "unknown": UNKNOWN, "true": YES, "false": NO}
    if text in known:
        return known[text]
    name = change.what.rpartition(".")[2]
    type_ = next((decision.type for decision in words.program.decisions if decision.name == name), None)
    if isinstance(type_, Code):
        return words.value(text, "", type_)
    if text.startswith("[") and text.endswith("]"):
        titles = {name: fact.title for (_, name), fact in words.program.facts.items()}
        return listed(titles.get(part, Message(part, part)) for part in text[1:-1].split(", "))
    return Message(text, text)


def changes_of(cases: Sequence[CaseOf], programs: Programs, proposed: Programs) -> Changes:
    """What `proposed` changes in what the cases expect, against `programs`.

    Raises RuleError when the proposed change is wrong by itself.
    """
    proposed.under(())
    explainers: dict[int, Explainer] = {}
    changes: list[Change] = []
    left_out: list[CaseOf] = []
    for case in cases:
        try:
            program = proposed.under(case.overlays)
        except RuleError:
            left_out.append(case)
            continue
        before = _decided(case, programs.under(case.overlays), explainers)
        changes += _changed(case, before, _decided(case, program, explainers))
    return Changes(tuple(changes), tuple(left_out))


def _decided(case: CaseOf, program: Program, explainers: dict[int, Explainer]) -> Side:
    explainer = explainers.get(id(program))
    if explainer is None:
        explainer = explainers[id(program)] = Explainer(Interpreter(program))
    return side_of(explainer, case.record(program))


def _changed(case: CaseOf, before: Side, after: Side) -> Iterator[Change]:
    """The expectations that come out differently."""
    one, two = answers_of(before.case), answers_of(after.case)
    for expectation in case.expectations:
        was = _got(case, before, expectation, one)
        now = _got(case, after, expectation, two)
        for what in dict.fromkeys((*was, *now)):
            old, new = was.get(what), now.get(what)
            if old != new:
                expected = (new or old or ("", ""))[0]
                causes = tuple(dict.fromkeys(_causes(before, after, expectation)))
                changed = expected if old is None else old[1]
                yield Change(case, what, expected, changed, expected if new is None else new[1], causes)


def _got(case: CaseOf, side: Side, expectation: Expectation, answers: Answers) -> dict[str, tuple[str, str]]:
    """For what is not as expected: (expected, got)."""
    differences = compared(case, side.explainer.program, expectation, answers, "interpreter")
    return {difference.what: (difference.expected, difference.got) for difference in differences}


def _causes(before: Side, after: Side, expectation: Expectation) -> Iterator[Cause]:
    """What is responsible for an expectation coming out differently."""
    program = after.explainer.program
    benefit = program.benefits.get(expectation.name)
    names: list[str | None]
    if expectation.what == "value":
        names = [expectation.name]
    elif benefit is not None:
        names = [benefit.eligible, benefit.amount]
    else:
        entity = program.entities[expectation.row[0]]
        names = [entity.outcome, entity.explained_by]
    walk = Causes(before, after)
    for name in names:
        if name is not None:
            yield from walk.causes(expectation.row, name)
