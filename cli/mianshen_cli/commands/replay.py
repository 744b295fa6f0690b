"""`mianshen replay`: one person of a past batch decided again, explained, and held against what was written.

In: the folder of a batch's results, a person's number. Out: the answer as `check` shows it; differences.
Exit status 0 it comes out as written, 1 it does not, 2 the run's rulebook or inputs are not there as they were.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import command, option
from mianshen_cli.output import Status
from mianshen_cli.wording import wording

if TYPE_CHECKING:
    from mianshen.past_runs.replay import Replay

_SAME = wording("replay.same")


@command
@options.results
@option("--person", required=True, metavar="ID")
@options.record_files(moved=True)
@options.explain
@options.form
def replay(
    lang: Lang, folder: Path, person: str, records: dict[str, tuple[str, ...]], explain: bool, form: str
) -> Status:  # fmt: skip
    from mianshen.past_runs import replay as past
    from mianshen.past_runs.finished_run import FinishedRun

    replay = past.replay(FinishedRun.recorded(folder), person, records)
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
        output.say(_SAME.in_(lang, count=replayed.compared))
        return
    entities = replayed.checker.program.entities
    rows = [
        (entities[d.entity].title.in_(lang), d.key, d.column, d.written, d.now) for d in replayed.differences
    ]
    output.say(output.table(wording.heads("replay.heads", lang), rows))


def _plain(replayed: Replay, lang: Lang, explain: bool) -> output.Plain:
    return {
        "answer": replayed.checker.answer(replayed.checked, lang, explain),
        "compared": replayed.compared,
        "differences": [asdict(difference) for difference in replayed.differences],
    }
