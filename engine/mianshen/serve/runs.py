"""Past batches as pages show them: their summaries, rejects, lists by place, one person decided again.

In: the folder that holds runs' folders. Out: views, texts in one language.
Invariants: a run is named by a folder's name that is there, never by a path; counts are those of the run's own files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mianshen.batch.output_files import MANIFEST, REJECTS, SUMMARY, TIMINGS
from mianshen.batch.reject_summary import reject_groups
from mianshen.casework.wording import STATUS, named_place
from mianshen.ingest.inputs import identifier
from mianshen.past_runs.finished_run import FinishedRun, find_inputs, program_of, table_of_people
from mianshen.past_runs.replay import Replay, replay
from mianshen.past_runs.report.lists import Lists
from mianshen.past_runs.report.phrases import REASONS
from mianshen.program.program import Benefit, Program
from mianshen.serve.problems import Problem
from mianshen.source import Lang, Message, RuleError

MOST_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run among the others."""

    name: str
    day: str
    rulebook: str
    overlays: tuple[str, ...]
    people: int
    rejected: int


@dataclass(frozen=True, slots=True)
class BenefitLine:
    """How a benefit came out; `counts` in the order of `STATUSES`."""

    name: str
    title: str
    counts: tuple[int, ...]
    amount: str
    without_amount: int


@dataclass(frozen=True, slots=True)
class RunsView:
    """`unreadable`: folders that a batch wrote and of which a file is spoilt or gone, with what is wrong."""

    lines: tuple[RunLine, ...]
    unreadable: tuple[tuple[str, Message], ...]


@dataclass(frozen=True, slots=True)
class RejectLine:
    file: str
    field: str
    code: str
    reason: str
    rows: int
    hint: str


@dataclass(frozen=True, slots=True)
class RunView:
    line: RunLine
    records: tuple[tuple[str, int, int, int], ...]
    benefits: tuple[BenefitLine, ...]
    rejects: tuple[RejectLine, ...]


@dataclass(frozen=True, slots=True)
class ListView:
    """People due a benefit: how many in each place, and the first of one place."""

    title: str
    area: str
    areas: tuple[tuple[str, str, int], ...]
    rows: tuple[tuple[str, str, str], ...]


STATUSES: Final = ("eligible", "ineligible", "undetermined", "not_modelled")


def runs_in(folder: Path) -> RunsView:
    """The finished runs in a folder, the newest day first, and those that cannot be read."""
    lines: list[RunLine] = []
    unreadable: list[tuple[str, Message]] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            try:
                lines.append(_line(path.name, FinishedRun.of(path)))
            except RuleError as error:
                if any((path / name).exists() for name in (MANIFEST, SUMMARY, TIMINGS, REJECTS)):
                    unreadable.append((path.name, error.diagnostics[0].what))
    return RunsView(tuple(sorted(lines, key=lambda line: line.day, reverse=True)), tuple(unreadable))


def run_named(folder: Path, name: str) -> FinishedRun:
    """The run of that name. Raises a Problem where there is none."""
    if name not in {path.name for path in folder.iterdir() if path.is_dir()}:
        raise Problem("not_found")
    return FinishedRun.of(folder / name)


def _line(name: str, run: FinishedRun) -> RunLine:
    records: Mapping[str, Any] = run.summary["records"]
    rulebook = run.manifest["rulebook"]
    entry = rulebook.get("entry") or next(
        (entity for entity in ("resident", *records) if entity in records), ""
    )
    return RunLine(
        name, str(run.manifest["as_of"]), rulebook["name"], tuple(rulebook.get("overlays", ())),
        int(records.get(entry, {}).get("read", 0)), sum(int(part["rejected"]) for part in records.values()),
    )  # fmt: skip


def run_view(folder: Path, name: str, lang: Lang) -> RunView:
    """The summary of a run and its rejects by reason."""
    run = run_named(folder, name)
    program = program_of(run)
    records = tuple(
        (program.entities[entity].title.in_(lang), part["read"], part["decided"], part["rejected"])
        for entity, part in run.summary["records"].items()
        if entity in program.entities and part["read"]
    )
    benefits = tuple(
        _benefit_line(benefit, program.benefits[benefit].title.in_(lang), part)
        for benefit, part in run.summary["benefits"].items()
        if benefit in program.benefits
    )
    titles = _field_titles(run, program, lang)
    rejects = tuple(
        RejectLine(
            group.file, titles.get((group.file, group.field), group.field or ""), group.code,
            REASONS.get(group.reason, Message(group.reason, group.reason)).in_(lang), group.rows,
            "" if group.hint is None else group.hint.in_(lang),
        )
        for group in reject_groups(run.folder, {}, program)
    )  # fmt: skip
    return RunView(_line(name, run), records, benefits, rejects)


def _benefit_line(name: str, title: str, part: Mapping[str, Mapping[str, Any]]) -> BenefitLine:
    def count(status: str) -> int:
        return next(
            (int(v) for k, v in part.get(status, {}).items() if k not in ("amount", "without_amount")), 0
        )

    due = part.get("eligible", {})
    amount = due.get("amount")
    text = "" if amount is None else f"{Decimal(amount):,.2f}"
    return BenefitLine(name, title, tuple(map(count, STATUSES)), text, int(due.get("without_amount", 0)))


def _field_titles(run: FinishedRun, program: Program, lang: Lang) -> dict[tuple[str, str | None], str]:
    """What facts are called, by file and name: entities have facts of one name and different titles."""
    return {
        (part["file"], fact.name): fact.title.in_(lang)
        for entity, parts in run.manifest["inputs"].items()
        for part in parts
        for fact in program.facts.values()
        if fact.entity == entity
    }


def rejects_of(folder: Path, name: str, code: str, lang: Lang) -> list[tuple[str, str, str, str]]:
    """The first rejected rows with a reason: file, row, key, title of the field."""
    run = run_named(folder, name)
    titles = _field_titles(run, program_of(run), lang)
    table = pq.read_table(run.folder / REJECTS)
    rows = table.filter(pc.equal(table["code"], code)).slice(0, MOST_ROWS).to_pylist()
    return [
        (
            row["file"],
            str(row["row"]),
            row["key"] or "",
            titles.get((row["file"], row["field"]), row["field"] or ""),
        )
        for row in rows
    ]


def due_list(folder: Path, name: str, benefit: str, area: str | None, lang: Lang) -> ListView:
    """Who is due a benefit, by place. Raises RuleError where an input is not as it was."""
    run = run_named(folder, name)
    program = program_of(run)
    if benefit not in program.benefits:
        raise Problem("not_found")
    described = program.benefits[benefit]
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as connection:
        inputs = find_inputs(run, {}, program, connection, Path(scratch))
        people = table_of_people(run, program, inputs, connection)
        lists = Lists(program, run, connection, people, Path(scratch), lang)
        counts, first_rows = _placed(lists, described, area)
        places = tuple((code, _place(code, lang), count) for code, count in counts)
        return ListView(described.title.in_(lang), area or "", places, tuple(_rows(lists, first_rows)))


def _placed(lists: Lists, benefit: Benefit, area: str | None) -> tuple[list[Any], list[Any]]:
    """How many are due a benefit in each place; the first of them, of one place or of all."""
    rows = lists.rows(lists.run, lists.program.entities[benefit.entity])
    status, amount, reason = (identifier(f"{benefit.name}_{part}") for part in ("status", "amount", "reason"))
    due = f"SELECT person, owner, {amount} AS amount, {reason} AS reason FROM {rows} WHERE {status} = 'eligible'"
    placed = lists.placed(due, "owner")
    counts = lists.connection.execute(
        f"SELECT area, count(*) FROM ({placed}) GROUP BY area ORDER BY area"
    ).fetchall()
    first = f"SELECT * FROM ({placed}) WHERE ?::VARCHAR IS NULL OR area = ? LIMIT {MOST_ROWS}"
    return counts, lists.connection.execute(first, [area, area]).fetchall()


def _rows(lists: Lists, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, str, str]]:
    for _, _, person, owner, amount, reason in rows:
        provision = lists.words.provisions.get(reason)
        ground = "" if provision is None else provision.title.in_(lists.lang)
        yield (person or owner, "" if amount is None else f"{amount:,.2f}", ground)


def _place(code: str, lang: Lang) -> str:
    return named_place(code).in_(lang) if code else STATUS["undetermined"].in_(lang)


def replayed(folder: Path, name: str, person: str) -> Replay:
    """One person of a run decided again. Raises RuleError where nobody has that number."""
    return replay(run_named(folder, name), person, {})
