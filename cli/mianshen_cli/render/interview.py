"""An interview as it reads on a terminal.

In: questions, what a person types. Out: lines of text in one language; which command a line is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mianshen.casework.check import Checked, Checker
from mianshen.casework.interview import Interview, Question, Story
from mianshen.casework.interview.question import titles_of
from mianshen.casework.interview.typed import as_written
from mianshen.casework.wording import Words
from mianshen.program.core import Boolean, Code, String
from mianshen.source import Lang, listed
from mianshen.values import Known
from mianshen_cli import output
from mianshen_cli.render.answer import AnswerView
from mianshen_cli.wording import wording

_YES_TO_GO_ON = ("n", "no", "否", "不", "继续")
COMMANDS: Final = {
    "back": ("b", "back", "返回", "上一题"),
    "skip": ("?", "？", "skip", "不知道", "跳过"),
    "quit": ("q", "quit", "退出", "结束"),
    "help": ("h", "help", "帮助"),
}


class AskView:
    """Puts an interview into one language."""

    def __init__(self, interview: Interview, lang: Lang) -> None:
        self.interview = interview
        self.program = interview.program
        self.words = Words(interview.program)
        self.lang: Lang = lang

    def opening(self) -> str:
        names = titles_of([benefit.name for benefit in self.interview.benefits], self.program)
        return wording("interview.opening").in_(self.lang, names=names)

    def question(self, question: Question, number: int, story: Story) -> str:
        """The question with its choices, and the benefits it matters for."""
        row = question.place.row
        whose = ""
        if row is not story.case.person and row.parent is not None:
            title = self.program.entities[row.entity].title.in_(self.lang)
            whose = wording("interview.of").in_(self.lang, title=title, key=output.printable(row.key))
        about = wording("interview.about").in_(self.lang, names=titles_of(question.why, self.program))
        lines = [
            "",
            f"[{number}] {whose}{question.title.in_(self.lang)} ({question.place.name})",
            f"    {about}",
        ]
        choices = question.choices(self.program)
        lines += [
            f"    {index} {label.in_(self.lang)} ({code})"
            for index, (code, label) in enumerate(choices.items(), 1)
        ]
        hints = [question.hint(self.program, self.lang), self._enter(question)]
        lines += [f"    {hint}" for hint in hints if hint]
        return "\n".join(lines)

    def _enter(self, question: Question) -> str:
        if question.assumed is not None and question.fact is not None:
            value = self.words.value(question.assumed, question.fact.written, question.fact.type)
            return wording("interview.assumed").in_(self.lang, value=value.in_(self.lang))
        return wording("interview.skip").in_(self.lang) if question.can_be_unknown else ""

    def prompt(self, question: Question) -> str:
        del question
        return wording("interview.prompt").in_(self.lang)

    def leaves(self) -> bool:
        """Whether somebody who wants to leave means it; the end of what is typed does."""
        line = output.hear(wording("interview.leave").in_(self.lang))
        return line is None or line.strip().lower() not in _YES_TO_GO_ON

    def goes_back(self, story: Story, checked: Checked) -> bool:
        """Whether the last answer is to be changed, now that nothing is left to ask."""
        open_ = any(
            checked.result.benefits[b.name].status == "undetermined"
            for b in self.interview.benefits
            if b.name in checked.result.benefits
        )
        facts = [self.program.facts.get((row.entity, name)) for row, name in story.unknown_places()]
        names = listed(fact.title for fact in facts if fact is not None).in_(self.lang)
        if open_ and names:
            output.say("\n" + wording("interview.not_told").in_(self.lang, names=names))
        line = output.hear("\n" + wording("interview.over").in_(self.lang))
        return line is not None and line.strip().lower() in COMMANDS["back"]

    def taken(self, question: Question, line: str, value: Known) -> str:
        """What an answer was taken for, where it was typed otherwise; else empty."""
        fact = question.fact
        value_text = self.words.value(
            value, "" if fact is None else fact.written, None if fact is None else fact.type
        )
        plain = as_written(line.strip(), fact)
        return (
            ""
            if plain == line.strip()
            else wording("interview.taken").in_(self.lang, value=value_text.in_(self.lang))
        )

    def saved(self, story: Story, file: Path) -> str:
        """What was saved, and how to go on from it."""
        unknown = len(story.unknown_places())
        again = wording("interview.again").in_(self.lang) if unknown else ""
        return "\n" + wording("interview.saved").in_(
            self.lang, file=file, told=story.facts_told(), unknown=unknown, again=again
        )

    def where_to_save(self) -> Path | None:
        """A file that somebody who stops names; None where there is none."""
        line = output.hear("\n" + wording("interview.where").in_(self.lang))
        return Path(line.strip()) if line and line.strip() else None

    def command(self, line: str, question: Question) -> str | None:
        """Which command a line is; where a text is asked for, one that begins with a colon."""
        word = line.strip().lower()
        free = (
            question.fact is not None
            and isinstance(question.fact.type, String)
            and not question.fact.type.area
        )
        if free:
            if not word.startswith(":"):
                return "skip" if word in ("?", "？") else None
            word = word[1:]
        choices = question.choices(self.program)
        kind = None if question.fact is None else question.fact.type
        if isinstance(kind, Code | Boolean) and line.strip() in choices:
            return None
        return next((name for name, words in COMMANDS.items() if word in words), None)

    def help(self, question: Question) -> str:
        return wording("interview.help").in_(self.lang, name=question.answer_as)

    def answer(self, checker: Checker, checked: Checked) -> str:
        """What `check` says, under the benefits asked about."""
        return "\n" + AnswerView(checker, self.lang).text(checked, None)
