"""`mianshen batch`: every resident of a file decided.

In: files of residents, claims and households, a day. Out: a folder with decisions, rejects and a
receipt, written whole or not at all, and its summary as tables.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import Whole, command, option
from mianshen_cli.output import Status
from mianshen_cli.render.progress import Progress
from mianshen_cli.run_file import dated, take_run_file
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_ALLOWED = re.compile(r"([0-9]{1,18})|([0-9]{1,3}(?:\.[0-9]{1,9})?)%")

_STAGES = wording.group("batch.stages")


@command
@option("--run-file", metavar="F", is_eager=True, callback=take_run_file)
@options.record_files()
@options.day
@options.out
@options.one_rules
@options.encoding
@option("--mapping", metavar="F|NAME")
@options.threads
@options.memory
@option("--engine", type=click.Choice(["auto", "native", "interpreter", "spark"]), default="auto")
@option("--master", metavar="URL")
@option("--into", metavar="ADDRESS")
@option("--csv", "sheets", metavar="DIR")
@option("--partitions", type=Whole(1, 4096))
@options.yes
@option("--resume", is_flag=True)
@option("--max-rejects", default="0", metavar="N|N%")
@option("--report", "report_to", metavar="DIR")
@option("--since", metavar="DIR")
@options.workbooks
@option("--dry-run", is_flag=True)
@option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def batch(
    lang: Lang, records: dict[str, tuple[str, ...]], as_of: dt.date, out: Path, rules: tuple[Path, ...],
    overlay: tuple[str, ...], encoding: str | None, threads: int | None, mapping: str | None, memory: str | None,
    engine: Any, master: str | None, into: str | None, sheets: str | None, partitions: int | None, yes: bool,
    resume: bool, max_rejects: str, report_to: str | None, since: str | None, xlsx: bool, form: str,
    run_file: str | None, dry_run: bool,
) -> Status:  # fmt: skip
    from mianshen.batch.recorded_rules import Rules
    from mianshen.batch.run import Request
    from mianshen.rulebook import open_program

    if run_file is not None:
        records = {entity: tuple(dated(file, as_of) for file in files) for entity, files in records.items()}
        places = (place and dated(place, as_of) for place in (into, sheets, report_to, since))
        out, (into, sheets, report_to, since) = Path(dated(str(out), as_of)), places
    _check_together(engine, master, report_to, since, xlsx)
    allowed = _allowance(max_rejects)
    limit = options.memory_limit(memory)
    read = Rules(rules, overlay)
    program = open_program(read.paths, read.overlays)
    options.check_record_files(records, program)
    request = Request(records, as_of, out, threads, limit, encoding, read, engine, master, mapping,
                      partitions, resume, yes)  # fmt: skip
    database = _targets(into, sheets, request, program)
    alone = _alone(lang, program, since)
    if dry_run:
        return _plan(lang, program, request, form, [*filter(None, (into, sheets, report_to))])
    summary = _run(lang, program, request)
    output.complain_of(summary.doubts, lang)
    _elsewhere(out, database, sheets)
    if form == "json":
        output.say(output.json_text(summary.content))
    else:
        _say(lang, program, summary, out)
    if report_to is not None:
        _report(lang, program, request, Path(report_to), None if since is None else Path(since), xlsx, alone)
    return Status.FOUND if _too_many(summary, *allowed) else Status.DONE


def _alone(lang: Lang, program: Any, since: str | None) -> Any:
    """What compares the rules with those of an earlier run, where they differ; tells so before anything is decided."""
    if since is None:
        return None
    from mianshen.impact.since import rules_since

    alone, doubts = rules_since(program, Path(since))
    output.complain_of(doubts, lang)
    return alone


def _check_together(
    engine: str, master: str | None, report_to: str | None, since: str | None, xlsx: bool
) -> None:
    """Refuses options that mean nothing without another."""
    if master is not None and engine != "spark":
        raise Refused(wording("batch.no_master"))
    if report_to is None and (since is not None or xlsx):
        raise Refused(wording("batch.without") if since is not None else wording("batch.no_lists"))


def _too_many(summary: Any, number: Any, unit: str) -> bool:
    """Whether more records are rejected than are allowed."""
    too_many: bool = (
        summary.rejected > number if unit == "records" else summary.rejected * 100 > summary.read * number
    )
    return too_many


def _plan(lang: Lang, program: Any, request: Any, form: str, elsewhere: list[str]) -> Status:
    """What the run would do; nothing is written. Status FOUND where it would stop for doubts."""
    from mianshen.batch.plan import plan_batch
    from mianshen_cli.render.batch_plan import plain_plan, show_plan

    with Progress(lang, _STAGES) as progress:
        plan = plan_batch(program, request, progress)
    if form == "json":
        output.say(output.json_text(plain_plan(lang, plan)))
    else:
        show_plan(lang, program, plan, [str(request.out), *elsewhere])
    output.complain_of(plan.doubts, lang)
    return Status.FOUND if plan.doubts and not request.yes else Status.DONE


def _say(lang: Lang, program: Any, summary: Any, out: Path) -> None:
    from mianshen_cli.render.batch_summary import show_summary

    show_summary(lang, program, summary, out)
    output.say(wording("batch.done").in_(lang, folder=out))


def _run(lang: Lang, program: Any, request: Any) -> Any:
    """The batch's summary; one that is stopped says what it leaves."""
    from mianshen.batch.result_folder import work_folder
    from mianshen.batch.run import run_batch

    try:
        with Progress(lang, _STAGES) as progress:
            return run_batch(program, request, progress)
    except KeyboardInterrupt:
        parts = work_folder(request.out.resolve()).exists()
        output.complain(
            (wording("batch.stopped_in_parts") if parts else wording("batch.stopped")).in_(
                lang, folder=request.out
            )
        )
        raise


def _report(
    lang: Lang, program: Any, request: Any, to: Path, since: Path | None, xlsx: bool, alone: Any
) -> None:  # fmt: skip
    """The report on a run that has just ended, from the same inputs."""
    from mianshen.past_runs.report import Order, make_report

    order = Order(
        request.out, to, lang, since, request.inputs, request.encoding, request.threads, request.memory, xlsx, alone
    )  # fmt: skip
    make_report(program, order)
    output.complain(wording("batch.report").in_(lang, page=to / "report.html"))


def _targets(into: str | None, sheets: str | None, request: Any, program: Any) -> Any:
    """The database that results go into; what cannot take them is refused before a run and not after it."""
    from mianshen.batch.csv_export import check_own_sheets
    from mianshen.batch.database_export import check_replaces_no_input, target

    if sheets is not None:
        check_own_sheets(Path(sheets), sheets, program, request.out, request.inputs)
    if into is None:
        return None
    database = target(into)
    check_replaces_no_input(database, request.inputs)
    return database


def _elsewhere(out: Path, database: Any, sheets: str | None) -> None:
    """The finished results put where they are wanted too."""
    from mianshen.batch.csv_export import write_sheets
    from mianshen.batch.database_export import put_into

    if database is not None:
        put_into(database, out)
    if sheets is not None:
        write_sheets(out, Path(sheets))


def _allowance(text: str) -> tuple[Decimal, str]:
    """How many rejects are allowed: a number of records, or per cent of them."""
    match = _ALLOWED.fullmatch(text)
    if match is None or (match[2] and Decimal(match[2]) > 100):
        raise Refused(wording("batch.no_allowance"))
    return (Decimal(match[1]), "records") if match[1] else (Decimal(match[2]), "percent")
