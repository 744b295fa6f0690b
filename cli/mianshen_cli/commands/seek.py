"""`mianshen seek`: the value of a figure at which a goal is met, and who gains and loses by it.

In: a figure, the day it would hold from, a goal, files of records. Out: the value and every value tried; with `--out` the
comparison with the rules as they are. Exit status 0 found, 1 no value of the range meets the goal, 2 unusable.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_RANGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(%?)\.\.([0-9]+(?:\.[0-9]+)?)(%?)")
_BETWEEN = wording("seek.between")


@command
@argument("parameter", metavar="PARAMETER")
@option("--goal", required=True, metavar="AMOUNT")
@option("--from", "start", type=Day(), required=True)
@option("--between", metavar="LOW..HIGH")
@options.record_files()
@options.day
@option("--out", metavar="DIR", type=Path)
@options.reading
def seek(
    lang: Lang, parameter: str, goal: str, start: dt.date, between: str | None, records: dict[str, tuple[str, ...]],
    as_of: dt.date, out: Path | None, rules: tuple[Path, ...], overlay: tuple[str, ...], encoding: str | None,
    threads: int | None, yes: bool, form: str,
) -> Status:  # fmt: skip
    from mianshen.batch.request import Request
    from mianshen.impact.seeking import GoalResult, content_of, goal_of, quest_of, seeking
    from mianshen.rulebook import open_program

    if not records:
        raise Refused(wording("seek.files"))
    program = open_program(rules, overlay)
    options.check_record_files(records, program)
    quest = quest_of(program, parameter, start, _range(between), goal_of(goal))
    search = seeking(rules, overlay, quest)
    request = Request(records, as_of, out or Path(), threads, None, encoding, yes=yes)
    result: GoalResult = search.seek(request)
    if out is not None and result.value is not None:
        search.compare(result, request, lang)
    if form == "json":
        output.say(output.json_text(content_of(result)))
        return Status.FOUND if result.value is None else Status.DONE
    _say(lang, program.parameters[parameter], result)
    if result.value is None:
        return Status.FOUND
    if out is not None:
        output.say_folded(wording("seek.report").in_(lang, page=out / "report.html"))
    return Status.DONE


def _say(lang: Lang, figure: Any, result: Any) -> None:
    """The values tried, and the one that meets the goal."""
    quest, written = result.quest, figure.written
    words = {"low": _shown(quest.low, written), "high": _shown(quest.high, written), "goal": quest.goal}
    rows = [(_shown(value, written), f"{amount:,.2f}") for value, amount in sorted(result.tried)]
    output.say(output.table(wording.heads("seek.tried", lang), rows, right=[0, 1]) + "\n")
    if result.value is None:
        output.say_folded(wording("seek.none").in_(lang, **words))
        return
    if result.anything:
        output.say_folded(wording("seek.any").in_(lang, **words))
    value, count = _shown(result.value, written), len(result.tried)
    said = {
        "title": figure.title.in_(lang),
        "day": quest.start,
        "value": value,
        "goal": quest.goal,
        "count": count,
    }
    output.say_folded(wording("seek.found").in_(lang, amount=f"{result.amount:,.2f}", **said))


def _range(text: str | None) -> tuple[Decimal, Decimal] | None:
    if text is None:
        return None
    matched = _RANGE.fullmatch(text.replace(",", ""))
    if matched is None:
        raise Refused(_BETWEEN)
    low, high = (Decimal(matched[at]) / (100 if matched[at + 1] else 1) for at in (1, 3))
    if low >= high:
        raise Refused(_BETWEEN)
    return low, high


def _shown(value: Decimal, written: str) -> str:
    from mianshen.casework.wording import number

    return number(value, written)
