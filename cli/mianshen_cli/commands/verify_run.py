"""`mianshen verify-run`: whether a finished batch still is what its receipt says.

In: the folder of a batch's results. Out: a line, or a table of the files that differ.
Exit status 0 all is as it was, 1 something is not, 2 the folder holds no run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import command
from mianshen_cli.output import Status
from mianshen_cli.wording import wording

if TYPE_CHECKING:
    from mianshen.past_runs.verify import Finding

_KINDS = wording.group("verify_run.kinds")
_OUTCOMES = wording.group("verify_run.outcomes")
_GOOD = wording("verify_run.good")
_MOVED = wording("verify_run.moved")
_SHOWN = len("sha256:") + 16  # of a digest, in a table


@command
@options.results
@options.form
def verify_run(lang: Lang, folder: Path, form: str) -> Status:
    from mianshen.past_runs.finished_run import FinishedRun
    from mianshen.past_runs.verify import verify

    findings = verify(FinishedRun.recorded(folder))
    wrong = [finding for finding in findings if finding.wrong]
    if form == "json":
        output.say(output.json_text([_plain(finding) for finding in findings]))
    else:
        _show(lang, findings, wrong)
    return Status.FOUND if wrong else Status.DONE


def _show(lang: Lang, findings: list[Finding], wrong: list[Finding]) -> None:
    if wrong:
        rows = [
            (_KINDS[finding.kind].in_(lang), finding.name, _OUTCOMES[finding.outcome].in_(lang),
             finding.recorded[:_SHOWN], finding.actual[:_SHOWN])
            for finding in wrong
        ]  # fmt: skip
        output.say(output.table(wording.heads("verify_run.heads", lang), rows))
    output.say(_GOOD.in_(lang, same=sum(finding.outcome == "same" for finding in findings)))
    moved = sum(finding.outcome == "moved" for finding in findings)
    if moved:
        output.say(_MOVED.in_(lang, moved=moved))


def _plain(finding: Finding) -> dict[str, str]:
    return {
        "kind": finding.kind,
        "file": finding.name,
        "outcome": finding.outcome,
        "recorded": finding.recorded,
        "found": finding.actual,
    }
