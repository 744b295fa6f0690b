"""`mianshen replay`: one person of a past batch decided again, explained, and held against what was written.

In: the folder of a batch's results, a person's number. Out: the answer as `check` shows it; differences.
Exit status 0 it comes out as written, 1 it does not, 2 the run's rulebook or inputs are not there as they were.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import command, option
from mianshen_cli.output import Status

if TYPE_CHECKING:
    from mianshen.past_runs.replay import Difference, Replay

_SAME = Message(
    "逐项核对 {count} 个单元格，与当时写出的结果完全一致",
    "{count} cells compared: everything comes out as it was written",
)
_HEAD = (
    Message("记录", "record"),
    Message("编号", "key"),
    Message("列", "column"),
    Message("当时写出", "written"),
    Message("现在得出", "now"),
)


@command(
    Message(
        "用当时的规则库和输入，重新核定一次批处理中的一个人，说明全部依据，并与写出的结果核对。\n"
        "例：mianshen replay out/ --person P1 --explain",
        "Decide one person of a past batch again, by its own rulebook and inputs, with all reasons, and hold the\n"
        "answer against what was written. Try: mianshen replay out/ --person P1 --explain",
    )
)
@options.results
@option(
    "--person",
    required=True,
    metavar="ID",
    words=Message("人员编号（必填）", "number of the person (required)"),
)
@options.record_files(moved=True)
@options.explain
@options.form
def replay(
    lang: Lang, folder: str, person: str, records: dict[str, tuple[str, ...]], explain: bool, form: str
) -> Status:  # fmt: skip
    from mianshen.past_runs import replay as past
    from mianshen.past_runs.verify import past_run

    replay = past.replay(past_run(Path(folder)), person, records)
    if form == "json":
        output.say(output.json_text(_plain(replay, lang, explain)))
    else:
        _show(replay, lang, explain)
    return Status.FOUND if replay.differences else Status.DONE


def _show(replayed: Replay, lang: Lang, explain: bool) -> None:
    from mianshen_cli.render.answer import AnswerView

    trace = replayed.checker.explainer.trace(replayed.checked.case) if explain else None
    output.say(AnswerView(replayed.checker, lang).text(replayed.checked, trace) + "\n")
    if not replayed.differences:
        output.say(_SAME.in_(lang).format(count=replayed.compared))
        return
    entities = replayed.checker.program.entities
    rows = [
        (entities[d.entity].title.in_(lang), d.key, d.column, d.written, d.now) for d in replayed.differences
    ]
    output.say(output.table([head.in_(lang) for head in _HEAD], rows))


def _plain(replayed: Replay, lang: Lang, explain: bool) -> output.Plain:
    def difference(entry: Difference) -> output.Plain:
        return {
            "entity": entry.entity,
            "key": entry.key,
            "column": entry.column,
            "written": entry.written,
            "now": entry.now,
        }

    return {
        "answer": replayed.checker.answer(replayed.checked, lang, explain),
        "compared": replayed.compared,
        "differences": [difference(item) for item in replayed.differences],
    }
