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
from mianshen.casework.interview import Interview, Question, Story, askable_benefits, diagnostics
from mianshen.casework.interview.answer import answered, give, kept, next_step
from mianshen.casework.interview.story import begun, read_story
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.source import Diagnostic, Lang, Message, RuleError
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option, today
from mianshen_cli.output import Status
from mianshen_cli.render.interview import AskView
from mianshen_cli.usage_errors import Refused

_RECORDS = (".yaml", ".yml", ".json")
_NO_BENEFIT = Message("请写至少一项待遇的名称，或 all", "name at least one benefit, or all")
ALL = "all"


@command(
    Message(
        "逐题询问，只问仍会改变结论的事实，一旦能核定即停。\n例：mianshen ask premium_subsidy --save 核定材料.yaml",
        "Ask, one question at a time, only what can still change the answer; stop as soon as it is decided.\n"
        "Try: mianshen ask premium_subsidy --save record.yaml",
    )
)
@argument(
    "names",
    nargs=-1,
    required=True,
    metavar="BENEFIT... [FILE]",
    words=Message(
        "待遇名称（all 为全部）；最后可写已有的核定材料文件",
        "benefits (all: every one); last, a record of what is known",
    ),
)
@options.rulebook
@options.change
@options.record_day
@option(
    "--save",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    words=Message(
        "把核定材料写到此文件，可供 check 核定", "write the record to this file, for check to read"
    ),
)
@option(
    "--next",
    "once",
    is_flag=True,
    words=Message(
        "不对话，只以 JSON 给出下一个问题，或结论", "no dialogue: the next question as JSON, or the answer"
    ),
)
@option(
    "--answer",
    "answers",
    metavar="NAME=VALUE",
    multiple=True,
    words=Message(
        "先给出的回答，如 insured_area=310113、claims=2、C1.total_cost=500；不知道则写 ?（可重复）",
        "an answer given beforehand: insured_area=310113, claims=2, C1.total_cost=500; ? for unknown; may be repeated",
    ),
)
@option(
    "--again",
    is_flag=True,
    words=Message("已有材料中记为不知道的，再问一次", "ask again what the record tells to be unknown"),
)
def ask(
    lang: Lang,
    names: tuple[str, ...],
    rules: tuple[str, ...],
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
        raise Refused(_NO_BENEFIT)
    program = open_program(tuple(map(Path, rules)), overlays)
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
    if save is not None:
        kept(interview, story, save)
        if not once:
            output.say(view.saved(story, save))
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
        (mistake,) = error.diagnostics
        raise Refused(Message(_one_line(mistake, "zh"), _one_line(mistake, "en"))) from None
    return interview


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
                output.complain(_one_line(diagnostics.needed(question.title), view.lang))
                continue
            answer.tell(place, None)
        elif not line.strip():
            answer.assume(place)
        else:
            value = question.read(line, story)
            if isinstance(value, Diagnostic):
                output.complain(_one_line(value, view.lang))
                continue
            answer.tell(place, value)
            if taken := view.taken(question, line, value):
                output.say(taken)
        return answer


def _one_line(mistake: Diagnostic, lang: Lang) -> str:
    what, fix = mistake.what.in_(lang).rstrip("。."), mistake.fix.in_(lang).rstrip("。.")
    stop = "" if fix.endswith(("?", "？")) else ("。" if lang == "zh" else ".")
    return f"{what}。{fix}{stop}" if lang == "zh" else f"{what}. {fix}{stop}"
