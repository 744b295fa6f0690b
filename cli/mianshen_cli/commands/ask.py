"""`mianshen ask`: an interview about benefits, on a terminal or question by question for another program.

In: benefits, perhaps a record of what is known, answers. Out: questions, then the answer as `check` gives it;
with `--save` the record. Exit status 0 answered or left, 1 a row of the record is rejected, 2 a record or an
answer that cannot be read.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from mianshen.casework.check import Checked
from mianshen.casework.interview import Interview, Question, Story, askable_benefits
from mianshen.casework.interview.answer import answered, give, kept, next_step
from mianshen.casework.interview.story import begun, read_story
from mianshen.catalogue import diagnostic
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.source import NOWHERE, Diagnostic, Lang, Message, RuleError, reason_of
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option, today
from mianshen_cli.output import Status
from mianshen_cli.render.interview import AskView
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_RECORDS = (".yaml", ".yml", ".json")
ALL = "all"


@command
@argument("names", nargs=-1, required=True, metavar="BENEFIT... [FILE]")
@options.rules_changed
@options.record_day
@option("--save", metavar="FILE", type=Path)
@option("--next", "once", is_flag=True)
@option("--answer", "answers", metavar="NAME=VALUE", multiple=True)
@option("--again", is_flag=True)
def ask(
    lang: Lang,
    names: tuple[str, ...],
    rules: tuple[Path, ...],
    overlays: tuple[str, ...],
    as_of: dt.date | None,
    save: Path | None,
    once: bool,
    answers: tuple[str, ...],
    again: bool,
) -> Status:
    files = [name for name in names if name.endswith(_RECORDS)]
    file = Path(files[-1]) if files else None
    wanted = [name for name in names if name not in files[-1:]]
    if not wanted:
        raise Refused(wording("ask.no_benefit"))
    program = open_program(rules, overlays)
    day = today()
    story = begun(program, as_of or day) if file is None else read_story(file, program, as_of, day)
    if again:
        story.ask_again()
    interview = _ready(program, list(askable_benefits(program)) if ALL in wanted else wanted, story, answers)
    view = AskView(interview, lang)
    stopped = False
    if not once:
        story, stopped = _talk(interview, story, view)
        if stopped and save is None:
            save = view.where_to_save()
        _save(interview, story, view, save)
    elif save is not None:
        kept(interview, story, save)
    if stopped:
        raise click.Abort
    return _finish(interview, story, view, once)


def _ready(program: Program, names: list[str], story: Story, answers: tuple[str, ...]) -> Interview:
    """The interview, with the answers on the command line taken in."""
    try:
        interview = Interview(program, names)
        for text in answers:
            give(story, interview, text)
    except RuleError as error:
        (finding,) = error.diagnostics
        raise Refused(Message(finding.sentences("zh"), finding.sentences("en"))) from None
    return interview


def _save(interview: Interview, story: Story, view: AskView, file: Path | None) -> None:
    """Write what was told; where a file cannot be written, another is asked for, so that nothing told is lost."""
    while file is not None:
        try:
            kept(interview, story, file)
        except OSError as error:
            output.complain(wording("ask.not_saved").in_(view.lang, file=file, reason=reason_of(error)))
            file = view.where_to_save()
        else:
            output.say(view.saved(story, file))
            return


def _finish(interview: Interview, story: Story, view: AskView, once: bool) -> Status:
    checked: Checked | None
    if once:
        step, checked = next_step(interview, story, view.lang)
        output.say(output.json_text(step))
    else:
        checker, checked = answered(interview, story)
        output.say(view.answer(checker, checked))
    return Status.FOUND if checked is not None and checked.result.rejected else Status.DONE


def _talk(interview: Interview, story: Story, view: AskView) -> tuple[Story, bool]:
    """The dialogue: what has been told when it is over, and whether it was interrupted."""
    output.say(view.opening())
    past: list[Story] = []
    try:
        while True:
            question = interview.next(story)
            if question is None:
                if not past or not view.goes_back(story, answered(interview, story)[1]):
                    return story, False
                story = past.pop()
                continue
            output.say(view.question(question, len(past) + 1, story))
            answer = _answer(question, story, view)
            if isinstance(answer, Story):
                past.append(story)
                story = answer
            elif answer == "back":
                story = past.pop() if past else story
            elif answer == "end" or view.leaves():
                return story, False
    except KeyboardInterrupt:
        return story, True


def _answer(question: Question, story: Story, view: AskView) -> Story | str:
    """The story with one answer more; "back", "quit", or "end" where no more is typed."""
    while True:
        line = output.hear(view.prompt(question))
        word = None if line is None else view.command(line, question)
        if line is None or word in ("back", "quit"):
            return word or "end"
        if word == "help":
            output.say(view.help(question))
            continue
        answer = story.copy()
        place = story.same(question.place, answer)
        if word == "skip" or (not line.strip() and question.assumed is None):
            if not question.can_be_unknown:
                output.complain(diagnostic("E704.needed", NOWHERE, title=question.title).sentences(view.lang))
                continue
            answer.tell(place, None)
        elif not line.strip():
            answer.assume(place)
        else:
            value = question.read(line, story)
            if isinstance(value, Diagnostic):
                output.complain(value.sentences(view.lang))
                continue
            answer.tell(place, value)
            if taken := view.taken(question, line, value):
                output.say(taken)
        return answer
