"""`mianshen verify-notice`: a notice held against the record, decided again.

In: a notice's page or the text of its QR code; a record file, or a batch's folder and a person. Out: whether record, rulebook
and answer are those of the notice. Exit status 0 they are, 1 one is not, 2 a file cannot be read or holds no code.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mianshen.catalogue import diagnostic
from mianshen.source import Lang, RuleError, unlined
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.session import Session, check_replaces_no_input, rule_files
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

if TYPE_CHECKING:
    from mianshen.casework.check import Checked, Checker
    from mianshen.casework.notice import Comparison, Digests

_SAME, _DIFFERS = wording("verify_notice.same"), wording("verify_notice.differs")
_SHOWN = 19  # characters of a digest


@command
@argument("files", nargs=-1, metavar="[NOTICE] RECORD")  # fmt: skip
@option("--code", metavar="TEXT")
@option("--case", metavar="NAME")
@option("--person", metavar="ID")
@options.rules_changed
@option("--page", metavar="F.html")
def verify_notice(
    lang: Lang, files: tuple[str, ...], code: str | None, case: str | None, person: str | None,
    rules: tuple[Path, ...], overlays: tuple[str, ...], page: str | None,
) -> Status:  # fmt: skip
    from mianshen.casework.notice import compared

    if page is not None:
        _write_page(lang, Path(page), rules, overlays)
        if not files:
            return Status.DONE
    if len(files) != (2 if code is None else 1):
        raise Refused(wording("verify_notice.nothing"))
    digests = _digests(files[0] if code is None else None, code)
    record = Path(files[-1])
    if record.is_dir():
        checker, checked = _of_run(record, person)
    else:
        checker, checked = _of_record(record, case, digests, rules, overlays)
    comparison = compared(checker, checked, digests)
    _show(lang, comparison)
    return Status.DONE if comparison.same else Status.FOUND


def _digests(notice: str | None, code: str | None) -> Digests:
    """The digests on a notice, or in a scanned text. Raises RuleError where there is none, OSError."""
    from mianshen.casework.notice import digests_in

    if code is None:
        code = sys.stdin.read() if notice == "-" else Path(notice or "").read_text("utf-8", "replace")
    digests = digests_in(" ".join(code.split()))
    if digests is None:
        raise RuleError([diagnostic("E753.no_code", unlined(notice or "--code"))])
    return digests


def _of_run(folder: Path, person: str | None) -> tuple[Checker, Checked]:
    from mianshen.past_runs.finished_run import FinishedRun
    from mianshen.past_runs.replay import replay

    if person is None:
        raise Refused(wording("verify_notice.no_person"))
    replayed = replay(FinishedRun.recorded(folder), person, {})
    return replayed.checker, replayed.checked


def _of_record(
    file: Path, case: str | None, digests: Digests, rules: tuple[Path, ...], overlays: tuple[str, ...]
) -> tuple[Checker, Checked]:
    session = Session(rules, overlays, dt.date.fromisoformat(digests.day))
    records = session.read([file], case)
    if len(records) != 1:
        raise RuleError([diagnostic("E746.several_records", unlined(str(file)), count=len(records))])
    answer = session.check(records[0])
    return answer.checker, answer.checked


def _show(lang: Lang, comparison: Comparison) -> None:
    notice = comparison.on_notice
    answer_now = notice.answer if comparison.subject is not None else ""
    pairs = [
        (notice.record, comparison.record),
        (notice.rulebook, comparison.rulebook),
        (notice.answer, answer_now),
    ]
    rows = [
        (item, (_SAME if before == now else _DIFFERS).in_(lang), before[:_SHOWN], now[:_SHOWN])
        for item, (before, now) in zip(wording.heads("verify_notice.items", lang), pairs, strict=True)
    ]
    output.say(output.table(wording.heads("verify_notice.heads", lang), rows))
    subject = comparison.subject
    if comparison.same and subject is not None:
        output.say(
            "\n"
            + output.folded(
                wording("verify_notice.good").in_(lang, subject=subject.in_(lang)), output.columns()
            )
        )
    else:
        output.say("\n" + wording("verify_notice.bad").in_(lang))


def _write_page(lang: Lang, out: Path, rules: tuple[Path, ...], overlays: tuple[str, ...]) -> None:
    from mianshen.casework.notice.offline import offline_page

    check_replaces_no_input(out, rule_files(rules, overlays))
    session = Session(rules, overlays, None)
    content, decides = offline_page(session.checker().program)
    out.write_text(content, "utf-8")
    output.say(wording("verify_notice.page").in_(lang, out=out))
    if not decides:
        output.say(wording("verify_notice.compares").in_(lang))
