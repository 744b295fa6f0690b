"""`mianshen notice`: one answer about one person as a printable notice, or everybody's of a batch or of a file.

In: a record and what is asked about; a batch's folder or several records. Out: an HTML page or a PDF; a folder of them with an
index, or one page or PDF. Exit status 0 written, whatever the answer; 2 a file cannot be read or the record has no such thing.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from mianshen.catalogue import diagnostic
from mianshen.program.titles import name_of
from mianshen.source import Lang, RuleError, unlined
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.render.progress import Progress
from mianshen_cli.session import FileRecord, Session, check_replaces_no_input, rule_files
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

if TYPE_CHECKING:
    from mianshen.casework.notice.office import OfficeFile
    from mianshen.past_runs.notices import Layout, RunOrder
    from mianshen.program.program import Program

_SERIAL = re.compile(r"[0-9]{1,6}")
_STAGES = wording.group("notice.stages")


@command
@argument("file", metavar="FILE|RUN_DIR")
@option("--benefit", "benefits", multiple=True, metavar="B")
@option("--claim", metavar="ID")
@option("--case", metavar="NAME")
@option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(["eligible", "ineligible", "undetermined", "not_modelled"]),
)
@options.record_day
@options.rules_changed
@options.record_files(moved=True)
@option("--out", required=True, metavar="F.html|F.pdf|DIR")
@option("--pdf", is_flag=True)
@option("--office", metavar="F.yaml")
@option("--number", "serial", default="", metavar="N")
@option("--verification", is_flag=True)
def notice(
    lang: Lang, file: str, benefits: tuple[str, ...], claim: str | None, case: str | None, statuses: tuple[str, ...],
    as_of: dt.date | None, rules: tuple[Path, ...], overlays: tuple[str, ...], records: dict[str, tuple[str, ...]],
    out: str, pdf: bool, office: str | None, serial: str, verification: bool,
) -> Status:  # fmt: skip
    from mianshen.casework.notice import read_office
    from mianshen.casework.notice.paper import refuse_unfit

    to, source = Path(out), Path(file)
    many = source.is_dir() or not to.suffix
    inputs = [*([] if source.is_dir() else [source]), *([Path(office)] if office else [])]
    check_replaces_no_input(to, [*inputs, *rule_files(rules, overlays)])
    refuse_unfit(to if to.suffix else Path(f"{out}.pdf" if pdf else f"{out}.html"))
    issuer = None if office is None else read_office(Path(office))
    session = Session(rules, overlays, as_of)
    read = [] if source.is_dir() else session.read([source], case)
    if not many and (len(read) == 1 or claim is not None):
        return _one(lang, session, read, file, benefits, claim, to, issuer, serial, verification)
    layout = _layout(to, lang, session.today, issuer, serial, pdf, verification)
    if source.is_dir():
        return _of_run(source, benefits, statuses, records, layout)
    from mianshen.past_runs.notices import RunOrder

    return _of_records(session, read, RunOrder(source, benefits, statuses or ("eligible",)), layout)


def _one(
    lang: Lang, session: Session, read: list[FileRecord], file: str, benefits: tuple[str, ...], claim: str | None, out: Path,
    office: OfficeFile | None, serial: str, verification: bool,
) -> Status:  # fmt: skip
    """One notice about the one record of a file. Raises RuleError."""
    from mianshen.casework.notice import (
        Subject,
        letterhead,
        notice_of,
        verification_file,
        write_notice,
    )

    if len(benefits) > 1:
        raise Refused(wording("notice.one_benefit"))
    if len(read) > 1:
        raise RuleError([diagnostic("E746.several_records", unlined(file), count=len(read))])
    answer = session.check(read[0])
    output.complain_of(read[0].record.rejects, lang)
    program, person = answer.checker.program, answer.checked.case.person
    head = None
    if office is not None:
        head = letterhead(office, program, person, serial, session.today, lang)
    named = name_of(benefits[0], program.benefits) if benefits else None
    subject = Subject(named, claim, file)
    notice = notice_of(answer.checker, answer.checked, subject, lang, head)
    write_notice(notice, out)
    if verification:
        beside = out.with_suffix(".verification.json")
        beside.write_text(verification_file(answer.checker, answer.checked, subject), "utf-8")
        output.say(wording("notice.verification").in_(lang, out=beside))
    output.say(wording("notice.done").in_(lang, out=out))
    return Status.FOUND if read[0].record.rejects else Status.DONE


# -- many --------------------------------------------------------------------------------------


def _layout(
    out: Path, lang: Lang, issued: dt.date, office: OfficeFile | None, serial: str, pdf: bool, verification: bool
) -> Layout:  # fmt: skip
    from mianshen.past_runs.notices import Layout

    if serial and not _SERIAL.fullmatch(serial):
        raise Refused(wording("notice.no_serial"))
    pages: Literal[".pdf", ".html"] = ".pdf" if pdf or out.suffix.lower() == ".pdf" else ".html"
    return Layout(out, lang, issued, office, int(serial or 1), pages, verification)


def _of_run(
    run: Path, benefits: tuple[str, ...], statuses: tuple[str, ...], records: dict[str, tuple[str, ...]], layout: Layout
) -> Status:  # fmt: skip
    """A notice for everybody of a batch whose answer is asked for. Raises RuleError."""
    from mianshen.past_runs.notices import RunOrder, write_run_notices
    from mianshen.past_runs.report import FinishedRun, program_of

    program = program_of(FinishedRun.of(run))
    order = RunOrder(run, _named(benefits, program, str(run)), statuses or ("eligible",), records)
    with Progress(layout.lang, _STAGES) as progress:
        count = write_run_notices(order, layout, lambda done, all_: progress(f"decide {done}/{all_}", 0))
    return _told(layout, count)


def _of_records(session: Session, read: list[FileRecord], order: RunOrder, layout: Layout) -> Status:
    """A notice for every record of a file whose answer is asked for. Raises RuleError."""
    from mianshen.past_runs.notices import notifications_of_records, write_notices

    rejects = [diagnostic for record in read for diagnostic in record.record.rejects]
    output.complain_of(rejects, layout.lang)
    answers = [session.check(record) for record in read if record.record.case.person.rejection is None]
    benefits = _named(tuple(order.benefits), session.checker().program, str(order.run))
    order = replace(order, benefits=benefits)
    notices = notifications_of_records([(answer.checker, answer.checked) for answer in answers], order)
    count = write_notices(notices, len(notices), layout)
    return Status.FOUND if rejects else _told(layout, count)


def _named(benefits: tuple[str, ...], program: Program, file: str) -> tuple[str, ...]:
    """Benefits by their names, given by name or title. Raises RuleError where one is none."""
    from mianshen.casework.notice import unknown_benefit

    names = tuple(name_of(benefit, program.benefits) for benefit in benefits)
    wrong = [unknown_benefit(file, n, program.benefits) for n in names if n not in program.benefits]
    if wrong:
        raise RuleError(wrong)
    return names


def _told(layout: Layout, count: int) -> Status:
    output.say(
        (wording("notice.many") if count else wording("notice.nobody")).in_(
            layout.lang, count=count, out=layout.out
        )
    )
    return Status.DONE
