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

from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused

_RANGE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(%?)\.\.([0-9]+(?:\.[0-9]+)?)(%?)")
_BETWEEN = Message(
    "--between 应写成 80%..95% 或 1000..3000", "--between takes a range, such as 80%..95% or 1000..3000"
)
_FILES = Message("请用 --residents（或 --input）给出人群", "name the population: --residents (or --input)")
_FOUND = Message(
    "{title}自 {day} 起为 {value} 时，{goal} 达到：{amount} 元（试算 {count} 次）",
    "{title} at {value} from {day} meets {goal}: {amount} yuan ({count} values tried)",
)
_NONE = Message("{low} 到 {high} 之间没有值能达到 {goal}", "no value from {low} to {high} meets {goal}")
_ANY = Message("{low} 到 {high} 之间的值都能达到目标", "every value from {low} to {high} meets the goal")
_TRIED = (Message("试过的值", "value tried"), Message("合计（元）", "amount (yuan)"))
_REPORT = Message("谁受益、谁受损见 {page}", "Who gains and who loses is in {page}")


@command(
    Message(
        "求参数取何值才能达到目标：一次读取，逐值试算，不重新编译。\n"
        "例：mianshen seek employee_rate_working --goal 'fund<=3200000000' --from 2026-01-01 --residents r.parquet "
        "--claims c.parquet --as-of 2026-06-30 --out 测算",
        "The value of a figure at which a goal is met: read once, decided value by value, compiled once.\n"
        "Try: mianshen seek employee_rate_working --goal 'fund<=3200000000' --from 2026-01-01 --residents r.parquet "
        "--claims c.parquet --as-of 2026-06-30 --out goal",
    )
)
@argument("parameter", metavar="PARAMETER", words=Message("参数名称", "name of the figure"))
@option(
    "--goal",
    required=True,
    metavar="AMOUNT",
    words=Message(
        "目标，如 fund<=3200000000；fund 为付给个人或为个人支付的合计，也可写决定或待遇的名称（必填）",
        "the goal, such as fund<=3200000000: fund is all that is paid to or for people; a decision's or benefit's name "
        "may stand there too (required)",
    ),
)
@option(
    "--from",
    "start",
    type=Day(),
    required=True,
    words=Message("自哪天起（必填）", "from which day (required)"),
)
@option(
    "--between",
    metavar="LOW..HIGH",
    words=Message("在什么范围内求（比例默认 0%..100%）", "the range (default of a rate: 0%..100%)"),
)
@options.record_files()
@options.day
@option("--out", metavar="DIR", words=Message("再写出比较结果的文件夹", "folder for the comparison, too"))
@options.one_rulebook
@options.overlay
@options.encoding
@options.threads
@options.yes
@options.form
def seek(
    lang: Lang, parameter: str, goal: str, start: dt.date, between: str | None, records: dict[str, tuple[str, ...]],
    as_of: dt.date, out: str | None, rules: str | None, overlay: tuple[str, ...], encoding: str | None,
    threads: int | None, yes: bool, form: str,
) -> Status:  # fmt: skip
    from mianshen.batch.request import Request
    from mianshen.impact.seeking import GoalResult, content_of, goal_of, quest_of, seeking
    from mianshen.rulebook import open_program

    if not records:
        raise Refused(_FILES)
    paths = [Path(rules)] if rules else []
    program = open_program(paths, overlay)
    options.refuse_unfit_records(records, program)
    quest = quest_of(program, parameter, start, _range(between), goal_of(goal))
    search = seeking(paths, overlay, quest)
    request = Request(records, as_of, Path(out or "."), threads, None, encoding, yes=yes)
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
        output.say_folded(_REPORT.in_(lang).format(page=Path(out) / "report.html"))
    return Status.DONE


def _say(lang: Lang, figure: Any, result: Any) -> None:
    """The values tried, and the one that meets the goal."""
    quest, written = result.quest, figure.written
    words = {"low": _shown(quest.low, written), "high": _shown(quest.high, written), "goal": quest.goal}
    rows = [(_shown(value, written), f"{amount:,.2f}") for value, amount in sorted(result.tried)]
    output.say(output.table([head.in_(lang) for head in _TRIED], rows, right=[0, 1]) + "\n")
    if result.value is None:
        output.say_folded(_NONE.in_(lang).format(**words))
        return
    if result.anything:
        output.say_folded(_ANY.in_(lang).format(**words))
    value, count = _shown(result.value, written), len(result.tried)
    said = {
        "title": figure.title.in_(lang),
        "day": quest.start,
        "value": value,
        "goal": quest.goal,
        "count": count,
    }
    output.say_folded(_FOUND.in_(lang).format(amount=f"{result.amount:,.2f}", **said))


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
