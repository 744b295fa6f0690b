"""`mianshen thresholds`: the lines in the rules, who stands near them, and what a step across gives or costs.

In: files of records, a day. Out: lines and crossings as tables; with `--out` as `thresholds.json`, with `--lists` the rows
too, in `thresholds.csv`. Exit status 0 nobody stands near a line, 1 somebody does, 2 unusable.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import command, option
from mianshen_cli.output import Status
from mianshen_cli.wording import wording

MOST = 15
_UNITS = wording.group("thresholds.unit")
_MORE = wording("thresholds.more")
_DONE = wording("thresholds.done")


@command
@options.record_files()
@options.day
@option("--out", metavar="DIR", type=Path)
@option("--lists", is_flag=True)
@options.reading
def thresholds(
    lang: Lang, records: dict[str, tuple[str, ...]], as_of: dt.date, out: Path | None, lists: bool, rules: tuple[Path, ...],
    overlay: tuple[str, ...], encoding: str | None, threads: int | None, yes: bool, form: str,
) -> Status:  # fmt: skip
    from mianshen.batch.request import Request
    from mianshen.impact.thresholds import atlas, write_atlas
    from mianshen.rulebook import open_program

    program = open_program(rules, overlay)
    options.check_record_files(records, program)
    request = Request(records, as_of, out or Path(), threads, None, encoding, yes=yes)
    result = atlas(program, request, listed=lists and out is not None)
    content = result.content()
    if out is not None:
        write_atlas(out, result)
    if form == "json":
        output.say(output.json_text(content))
    else:
        output.say(_lines(lang, content["lines"]) + "\n\n" + _crossings(lang, content["crossings"]))
        if out is not None:
            output.say_folded(_DONE.in_(lang, folder=out))
    return Status.FOUND if content["crossings"] else Status.DONE


def _lines(lang: Lang, lines: list[dict[str, Any]]) -> str:
    near = [line for line in lines if line["below"] or line["above"]]
    rows = [
        (
            line["title"][lang],
            _measure(lang, line["line"]),
            f"{line['below']:,}",
            f"{line['above']:,}",
            line["clause"],
        )
        for line in sorted(near, key=lambda line: -line["below"] - line["above"])
    ]
    return _table(lang, wording.heads("thresholds.lines", lang), rows, [1, 2, 3])


def _crossings(lang: Lang, crossings: list[dict[str, Any]]) -> str:
    rows = [
        (
            c["title"][lang],
            _measure(lang, c["step"]),
            c["benefit_title"][lang],
            f"{c['gained']:,}",
            f"{c['lost']:,}",
            output.grouped(c["difference"]),
            output.grouped(c["notch"]),
        )
        for c in crossings
    ]
    return _table(lang, wording.heads("thresholds.crossings", lang), rows, [1, 3, 4, 5, 6])


def _measure(lang: Lang, text: str) -> str:
    """A line or a step; years and days, which data has as `60 a` and `+30 d`, in words."""
    number, _, unit = text.partition(" ")
    return _UNITS[unit].in_(lang, number=number) if unit in _UNITS else text


def _table(lang: Lang, heads: list[str], rows: Sequence[Sequence[str]], right: list[int]) -> str:
    text = output.table(heads, rows[:MOST], right=right)
    return text if len(rows) <= MOST else text + "\n" + _MORE.in_(lang, count=len(rows) - MOST)
