"""`mianshen watch`: life events become a work list.

In: a file of events, files of records. Out: the work list, the events refused beside it, the journal.
Exit status 0 done, 1 an event was refused or a
record of its household is rejected, 2 a file cannot be read or durable-rules is not there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from mianshen.source import Diagnostic, Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, command, option
from mianshen_cli.output import Status
from mianshen_cli.wording import wording

_TOLD = 20  # refusals on the screen; the file beside the work list has them all
_JOURNAL = ".journal"

_KINDS = wording.group("watch.kinds")


@command
@option("--events", required=True, metavar="FILE", type=Path)
@options.record_files()
@option("--as-of", type=Day())
@option("--out", required=True, metavar="FILE", type=Path)
@option("--journal", metavar="FILE", type=Path)
@options.one_rules
def watch(
    lang: Lang, events: Path, records: dict[str, tuple[str, ...]], as_of: dt.date | None, out: Path, journal: Path | None,
    rules: tuple[Path, ...], overlay: tuple[str, ...],
) -> Status:  # fmt: skip
    from mianshen.rulebook import open_program
    from mianshen.watch.run import Request, Watched, run_watch
    from mianshen.watch.work_list import rejects_beside

    program = open_program(rules, overlay)
    options.check_record_files(records, program)
    journal = journal or Path(f"{out}{_JOURNAL}")
    watched: Watched = run_watch(program, Request(events, records, out, journal, as_of))
    output.complain_of(watched.doubts, lang)
    _complain(lang, watched.rejected, wording("watch.more_rejected"))
    _complain(
        lang,
        [refusal.diagnostic for refusal in watched.refused],
        wording("watch.more"),
        file=rejects_beside(out),
    )
    rows = [(words.in_(lang), f"{watched.items[kind]:,}") for kind, words in _KINDS.items()]
    output.say(output.table(wording.heads("watch.heads", lang), rows, right={1}))
    counts = watched.counts
    output.say(
        wording("watch.events").in_(
            lang, taken=counts.taken, repeated=counts.repeated, refused=len(watched.refused)
        )
    )
    if watched.blank:
        output.say(wording("watch.blank").in_(lang, blank=watched.blank))
    if counts.late:
        output.say(wording("watch.late").in_(lang, late=counts.late))
    output.say(wording("watch.done").in_(lang, out=out))
    return Status.FOUND if watched.refused or watched.rejected else Status.DONE


def _complain(lang: Lang, warnings: Sequence[Diagnostic], more: Message, **values: object) -> None:
    """The first of some diagnostics, and how many more there are."""
    output.complain_of(warnings[:_TOLD], lang)
    if len(warnings) > _TOLD:
        output.complain(more.in_(lang, more=len(warnings) - _TOLD, **values))
