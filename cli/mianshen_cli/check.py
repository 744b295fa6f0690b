"""`mianshen check`: who is due what, from one file of records.

In: record files. Out: tables or JSON on standard output, what is wrong with rows on standard error.
Exit status 0 answered, 1 a record or a part of it was rejected, 2 a file cannot be read.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import click

from mianshen.source import Diagnostic, Lang, Message, RuleError
from mianshen.workbench.check import Checked, Checker
from mianshen.workbench.records import Record, read_cases
from mianshen.workbench.rulebook import open_program
from mianshen_cli import output
from mianshen_cli.answer_view import AnswerView
from mianshen_cli.frame import Day, argument, command, option, today
from mianshen_cli.output import Status
from mianshen_cli.usage import Refused

_TODAY = Message(
    "没有给出核定日，按今天 {day} 核定；可在档案里写 as_of，或用 --as-of",
    "no day is given, so today, {day}, is taken; as_of in the record or --as-of sets one",
)
_INSTEAD = Message(
    "按 --as-of 给出的 {day} 核定，不用档案里的日期",
    "decided for {day} as --as-of says, whatever day the record gives",
)
_NO_CASE = Message(
    "没有名为 {name} 的案例。请看文件里的 name", "there is no case {name}. See the names in the file"
)


@command(
    Message(
        "核定一人或多人：可享受哪些待遇、每笔费用如何支付、依据哪一条、缺少什么。\n例：mianshen check 档案.yaml --explain",
        "Check one person or several: benefits, payments on each claim, the clause, and what is missing.\n"
        "Try: mianshen check record.yaml --explain",
    )
)
@argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    words=Message(
        "档案文件（YAML 或 JSON，一份或多份档案）", "record files: YAML or JSON, one record or many"
    ),
)
@option(
    "--rules",
    metavar="PATH",
    multiple=True,
    words=Message(
        "规则库的文件夹或文件（默认随附的规则库）", "rulebook folder or file (default: the shipped one)"
    ),
)
@option(
    "--overlay",
    "overlays",
    metavar="F",
    multiple=True,
    words=Message(
        "叠加的改动：文件，或随附改动的名称", "a change to apply: a file, or the name of a shipped one"
    ),
)
@option(
    "--as-of",
    type=Day(),
    words=Message(
        "核定日（默认用档案里的，否则今天）", "day to decide for (default: the record's, else today)"
    ),
)
@option("--case", metavar="NAME", words=Message("只核定案例文件中的这一例", "only the case of that name"))
@option("--explain", is_flag=True, words=Message("逐步说明依据", "show every step with its grounds"))
@option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    words=Message("输出格式（默认 table）", "output format (default table)"),
)
def check(
    lang: Lang,
    files: tuple[str, ...],
    rules: tuple[str, ...],
    overlays: tuple[str, ...],
    as_of: dt.date | None,
    case: str | None,
    explain: bool,
    form: str,
) -> Status:
    desk = _Desk(tuple(map(Path, rules)), overlays, as_of)
    given = desk.read([Path(file) for file in files], case)
    answers = [desk.answer(each) for each in given]
    if form == "json":
        made = [answer.checker.answer(answer.checked, lang, explain) for answer in answers]
        alone = len(made) == 1 and (given[0].record.alone or case is not None)
        output.say(output.json_text(made[0] if alone else made))
    else:
        views = (AnswerView(answer.checker, lang).text(answer.checked, explain) for answer in answers)
        output.say("\n\n".join(views))
    return _complain(answers, lang)


@dataclass(frozen=True, slots=True)
class _Given:
    """A record and the overlays its file wants it decided under."""

    file: Path
    record: Record
    overlays: tuple[str | Path, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    given: _Given
    checker: Checker
    checked: Checked


class _Desk:
    """Opens rulebooks and reads records, as the options say."""

    def __init__(self, rules: tuple[Path, ...], overlays: tuple[str, ...], as_of: dt.date | None) -> None:
        self.rules = rules
        self.overlays = overlays
        self.as_of = as_of
        self.today = today()
        self.checkers: dict[tuple[str | Path, ...], Checker] = {}

    def checker(self, overlays: tuple[str | Path, ...] = ()) -> Checker:
        """The rulebook with a record's overlays, then those asked for."""
        if overlays not in self.checkers:
            self.checkers[overlays] = Checker(open_program(self.rules, [*overlays, *self.overlays]))
        return self.checkers[overlays]

    def read(self, files: list[Path], name: str | None) -> list[_Given]:
        """Every record of every file, or the one of that name; RuleError with the mistakes of all files."""
        program = self.checker().program
        found: list[_Given] = []
        wrong: list[Diagnostic] = []
        for file in files:
            try:
                records = read_cases(file, program, self.as_of, self.today)
            except RuleError as error:
                wrong += error.diagnostics
                continue
            found += [_Given(file, each, tuple(_overlay(file, o) for o in each.overlays)) for each in records]
        if wrong:
            raise RuleError(wrong)
        if name is None:
            return found
        named = [each for each in found if each.record.name == name]
        if not named:
            raise Refused(Message(_NO_CASE.zh.format(name=name), _NO_CASE.en.format(name=name)))
        return named

    def answer(self, given: _Given) -> _Answer:
        checker = self.checker(given.overlays)
        notes = []
        if self.as_of is not None and given.record.dated:
            notes.append(_with_day(_INSTEAD, self.as_of))
        elif self.as_of is None and not given.record.dated:
            notes.append(_with_day(_TODAY, self.today))
        return _Answer(given, checker, checker.check(given.record.case, notes))


def _overlay(file: Path, overlay: str) -> str | Path:
    """An overlay as a case file names it: a shipped one, or a path from that file."""
    return file.parent / overlay if overlay.endswith((".yaml", ".yml")) else overlay


def _with_day(words: Message, day: dt.date) -> Message:
    return Message(words.zh.format(day=day), words.en.format(day=day))


def _complain(answers: list[_Answer], lang: Lang) -> Status:
    """Says what was rejected, each row with its place where it is known."""
    status = Status.DONE
    for answer in answers:
        for diagnostic in answer.given.record.rejects:
            output.complain(diagnostic.show(lang))
        told = {diagnostic.what for diagnostic in answer.given.record.rejects}
        for each in answer.checked.result.rejected:
            status = Status.FOUND
            if each.rejection.message not in told and each.rejection.reason != "parent_rejected":
                title = answer.checker.program.entities[each.entity].title.in_(lang)
                words = each.rejection.message.in_(lang)
                output.complain(f"{answer.given.file}: {title} {each.key}: {each.rejection.reason}: {words}")
    return status
