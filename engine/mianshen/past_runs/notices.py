"""Many notices in one run: of everybody due something in a finished batch, or of every record of a file.

In: a run's folder or checked records, which answers to tell. Out: a folder with a notice for each person and benefit
and an index, or one page or PDF to print; whole or not at all.
Invariants: a notice about a run's person is decided anew by the run's own rulebook and inputs, and refused where that is not
what the run wrote; the same order gives the same bytes; numbers of persons stand in names of files only where they are plain.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import duckdb
import pyarrow as pa

from mianshen.batch.lock import locked
from mianshen.batch.result_folder import beside, clear_up, missing_above, publish, remove_empty
from mianshen.casework.check import Checked, Checker
from mianshen.casework.notice import (
    Notice,
    Subject,
    letterhead,
    notice_of,
    to_html,
    to_pdf,
    verification_file,
)
from mianshen.casework.notice.office import OfficeFile
from mianshen.casework.notice.offline import PAGE, offline_page
from mianshen.casework.notice.paper import for_pdf, joined_pages, joined_pdf
from mianshen.casework.wording import STATUS, named_place
from mianshen.catalogue import diagnostic
from mianshen.ingest.entity_rows import RowReader
from mianshen.ingest.household_rows import HouseholdRows
from mianshen.ingest.input_paths import Named
from mianshen.ingest.inputs import identifier, quoted
from mianshen.past_runs.finished_run import FinishedRun, find_inputs, program_of, table_of_people
from mianshen.past_runs.report.cells import Cell, CsvFile
from mianshen.past_runs.report.lists import Lists
from mianshen.program.program import Program
from mianshen.program.titles import area_title, key_title
from mianshen.source import Lang, Message, RuleError, unlined

Progress: TypeAlias = Callable[[int, int], None]  # notices written, of how many
INDEX: Final = "index.csv"
_PLAIN: Final = re.compile(r"[0-9A-Za-z_-]{1,40}")
_OURS: Final = re.compile(r"index\.csv|verify\.html|[0-9]{6}[0-9A-Za-z_-]*\.(html|pdf|verification\.json)")
_HEADS: Final = (
    Message("序号", "number"),
    Message("文件", "file"),
    Message("文号", "number on the notice"),
    Message("核定事项", "subject"),
    Message("结论", "answer"),
    Message("金额", "amount"),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How notices are written. `first`: the serial number of the first; `pages`: .html or .pdf files."""

    out: Path
    lang: Lang
    issued: dt.date
    office: OfficeFile | None = None
    first: int = 1
    pages: Literal[".html", ".pdf"] = ".html"
    verification: bool = False


@dataclass(frozen=True, slots=True)
class Notification:
    """A decision to tell: of whom, about what; `place`: its turn among all."""

    place: int
    checker: Checker
    checked: Checked
    subject: Subject


@dataclass(frozen=True, slots=True)
class RunOrder:
    """Which answers of a run are notification. No benefits: every one; `moved`: where inputs are now, by entity."""

    run: Path
    benefits: Collection[str] = ()
    statuses: Collection[str] = ("eligible",)
    moved: Mapping[str, Named] = field(default_factory=dict)


# -- writing -----------------------------------------------------------------------------------


def write_notices(
    notifications: Iterable[Notification],
    count: int,
    layout: Layout,
    progress: Progress = lambda _d, _c: None,
) -> int:
    """Write notices into a folder with an index, or into one page; gives how many. Raises RuleError."""
    out, named = layout.out.resolve(), str(layout.out)
    single = bool(layout.out.suffix)
    missing = missing_above(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with locked(out, named):
            clear_up(out)
            if out.exists() and not single and not _is_ours(out):
                raise RuleError([diagnostic("E750.foreign_folder", unlined(named))])
            part = beside(out, "part")
            try:
                part.mkdir()
                written = _write_all(notifications, count, layout, part, progress)
                if single:
                    join = joined_pdf if layout.pages == ".pdf" else joined_pages
                    join([part / name for name in sorted(written)], part / "all", layout.lang)
                    (part / "all").replace(out)
                else:
                    publish(part, out)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise RuleError([diagnostic("E751.cannot_write", unlined(named), why=error.strerror or "")]) from None
    finally:
        remove_empty(missing)
    return len(written)


def _is_ours(out: Path) -> bool:
    """Whether a folder is empty or holds what an earlier run of notices wrote, and nothing else."""
    names = {path.name for path in out.iterdir()} if out.is_dir() else {""}
    return not names or (INDEX in names and all(map(_OURS.fullmatch, names)))


def _write_all(
    notifications: Iterable[Notification], count: int, layout: Layout, part: Path, progress: Progress
) -> list[str]:
    lines: dict[int, list[Cell]] = {}
    names = []
    heads = [*_HEADS]
    for done, decision in enumerate(notifications, 1):
        serial = f"{layout.first + decision.place:06}"
        notice = _notice(decision, layout, serial)
        stem = f"{serial}-{notice.person}" if _PLAIN.fullmatch(notice.person) else serial
        name = f"{stem}{layout.pages}"
        (part / name).write_bytes(_content(notice, layout))
        if layout.verification:
            text = verification_file(decision.checker, decision.checked, decision.subject)
            (part / f"{stem}.verification.json").write_text(text, "utf-8")
            if done == 1:
                (part / PAGE).write_text(offline_page(decision.checker.program)[0], "utf-8")
        names.append(name)
        heads = _heads(decision.checker.program)
        lines[decision.place] = [serial.lstrip("0"), name, *_line(decision, notice, layout.lang)]
        progress(done, count)
    with closing(CsvFile(part / INDEX, [head.in_(layout.lang) for head in heads])) as index:
        for place in sorted(lines):
            index.write(lines[place])
    return names


def _heads(program: Program) -> list[Message]:
    """The index's columns: number and area are called what the rulebook calls them."""
    people = key_title(program, program.entry), area_title(program) or Message("地区", "area")
    return [*_HEADS[:3], *people, *_HEADS[3:]]


def _content(notice: Notice, layout: Layout) -> bytes:
    """A notice's file; for one PDF of all, what that is typeset from."""
    if layout.pages == ".html":
        return to_html(notice).encode()
    return for_pdf(notice).encode() if layout.out.suffix else to_pdf(notice)


def _notice(notification: Notification, layout: Layout, serial: str) -> Notice:
    head = None
    if layout.office is not None:
        person = notification.checked.case.person
        head = letterhead(
            layout.office,
            notification.checker.program,
            person,
            serial.lstrip("0"),
            layout.issued,
            layout.lang,
        )
    return notice_of(notification.checker, notification.checked, notification.subject, layout.lang, head)


def _line(notification: Notification, notice: Notice, lang: Lang) -> list[Cell]:
    program, person = notification.checker.program, notification.checked.case.person
    area = person.facts.get(program.entities[person.entity].area or "")
    number = "" if notice.letterhead is None else notice.letterhead.number
    place = named_place(area).in_(lang) if isinstance(area, str) else ""
    return [number, notice.person, place, notice.subject, STATUS[notice.status].in_(lang), notice.amount]


# -- of records --------------------------------------------------------------------------------


def notifications_of_records(
    records: Iterable[tuple[Checker, Checked]], order: RunOrder
) -> list[Notification]:
    """The decisions to tell of checked records, in their order."""
    decisions: list[Notification] = []
    for checker, checked in records:
        for name, benefit in checked.result.benefits.items():
            if benefit.status in order.statuses and (not order.benefits or name in order.benefits):
                decisions.append(
                    Notification(len(decisions), checker, checked, Subject(name, None, str(order.run)))
                )
    return decisions


# -- of a run ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Due:
    """An answer as the run wrote it."""

    place: int
    benefit: str
    status: str
    amount: Decimal | None


def write_run_notices(order: RunOrder, layout: Layout, progress: Progress = lambda _d, _c: None) -> int:
    """Write a notice for every answer of a run that is asked for; gives how many.

    Raises RuleError where the run is none, its inputs are not as they were, or it says otherwise than its rules.
    """
    run = FinishedRun.of(order.run)
    program = program_of(run)
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        inputs = find_inputs(run, order.moved, program, connection, Path(scratch) / "text")
        people = table_of_people(run, program, inputs, connection)
        due = _due(Lists(program, run, connection, people, Path(scratch), layout.lang), order)
        rows = HouseholdRows(RowReader(program, connection, run.as_of, threads=os.cpu_count() or 1), inputs)
        rows.read(pa.array(list(due), pa.string()))
        count = sum(map(len, due.values()))
        return write_notices(_notifications(program, rows, due, order), count, layout, progress)


def _due(lists: Lists, order: RunOrder) -> dict[str, list[_Due]]:
    """By person the answers to tell, in the order of places, people and benefits."""
    program = lists.program
    statuses = ", ".join(map(quoted, order.statuses))
    parts = []
    for benefit in (benefit for file in lists.run.files(program) for benefit in file.benefits):
        if not order.benefits or benefit.name in order.benefits:
            status, amount = (identifier(f"{benefit.name}_{part}") for part in ("status", "amount"))
            rows = lists.rows(lists.run, program.entities[benefit.entity])
            parts.append(
                f"SELECT person, owner, {quoted(benefit.name)} AS benefit, {status} AS status, {amount} AS amount "
                f"FROM {rows} WHERE {status} IN ({statuses}) AND person <> ''"
            )
    due: dict[str, list[_Due]] = {}
    if parts:
        rows_due: list[tuple[Any, ...]] = lists.connection.execute(
            lists.placed(" UNION ALL ".join(parts), "benefit")
        ).fetchall()
        for place, (_, _, person, _, benefit_name, status, amount) in enumerate(rows_due):
            due.setdefault(person, []).append(_Due(place, benefit_name, status, amount))
    return due


def _notifications(
    program: Program, rows: HouseholdRows, due: Mapping[str, list[_Due]], order: RunOrder
) -> Iterator[Notification]:
    checker = Checker(program)
    for case, numbers in rows.cases():
        for key in dict.fromkeys(row.current.key for row in numbers if row.entity == program.entry):
            if key not in due:
                continue
            person = next(
                row.current for row in numbers if row.entity == program.entry and row.current.key == key
            )
            checked = checker.check(replace(case, person=person))
            for answer in due[key]:
                result = checked.result.benefits[answer.benefit]
                if (result.status, result.amount) != (answer.status, answer.amount):
                    raise RuleError(
                        [diagnostic("E752.other_answer", unlined(str(order.run)), benefit=answer.benefit)]
                    )
                yield Notification(
                    answer.place, checker, checked, Subject(answer.benefit, None, str(order.run))
                )
