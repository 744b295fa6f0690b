"""A report made: the run read, counted, listed, compared, laid out; a folder, whole or not at all.

In: the folder of a finished run, its program, perhaps an earlier run. Out: a folder with `report.html`,
`report.json`, `lists/`, with an earlier run `changes.parquet`, and where other rules decided that one `rules/`.
Invariants: the run's own folder is only read; numbers of persons stand in the lists and in the changes
and nowhere else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import duckdb

from mianshen.batch.whole_folder import whole_folder
from mianshen.catalogue import diagnostic
from mianshen.ingest.input_paths import Named
from mianshen.ingest.inputs import quoted
from mianshen.past_runs.finished_run import (
    FinishedRun,
    find_inputs,
    named_inputs,
    table_of_facts,
    table_of_people,
)
from mianshen.past_runs.report.changes import TABLE, Change, add_causes, compare
from mianshen.past_runs.report.lists import FOLDER, Lists
from mianshen.past_runs.report.page import Page
from mianshen.past_runs.report.ratios import Ratio, ratios
from mianshen.past_runs.report.shown import decide_shown
from mianshen.past_runs.report.tables import Counting, Tables
from mianshen.program.program import Entity, Program
from mianshen.source import Lang, RuleError, unlined

PAGE, DATA, CHANGES, RULES = "report.html", "report.json", "changes.parquet", "rules"
WRITTEN: Final = frozenset({PAGE, DATA, CHANGES, FOLDER, RULES})
# compares the rules of two runs over the records of one: the run, its files, the order, where to
RulesCompared: TypeAlias = "Callable[[FinishedRun, Mapping[str, Named], Order, Path], dict[str, Any]]"


@dataclass(frozen=True, slots=True)
class Order:
    """A report to make: the run's folder, where to, in which language, since which earlier run.

    `inputs`: entity to files, where they are not where the run read them.
    """

    run: Path
    out: Path
    lang: Lang
    since: Path | None = None
    inputs: Mapping[str, Named] = field(default_factory=dict)
    encoding: str | None = None  # of CSV inputs; None: as the run read them
    threads: int | None = None
    memory: str | None = None  # such as 4GB
    workbooks: bool = False  # a workbook for each area, too
    rules: RulesCompared | None = None  # tells what the rules alone change since the earlier run


@dataclass(frozen=True, slots=True)
class Counts:
    """What a page says of a run, counted."""

    tables: Tables
    ratios: tuple[Ratio, ...]
    changes: tuple[Change, ...]
    lists: Lists
    rules: Mapping[str, Any] | None  # a comparison's content


def make_report(program: Program, order: Order) -> dict[str, Any]:
    """Report on a run into the order's folder; gives the content of `report.json`.

    Raises RuleError when there is no such run, another program decided it, an input is not as it was,
    or the folder holds what no report wrote; the folder then is as it was before.
    """
    run = FinishedRun.of(order.run)
    earlier = None if order.since is None else FinishedRun.of(order.since)
    run.check_decided_by(program)
    try:
        with whole_folder(order.out, lambda out: _check_own(out, order)) as part:
            return _written(program, order, run, earlier, part)
    except duckdb.OutOfMemoryException:
        raise RuleError([diagnostic("E577.no_memory", unlined(str(order.out)))]) from None
    except duckdb.IOException as error:
        raise RuleError(
            [diagnostic("E576.cannot_write", unlined(str(order.out)), why=str(error).splitlines()[0])]
        ) from None
    except OSError as error:
        raise RuleError(
            [diagnostic("E576.cannot_write", unlined(str(order.out)), why=error.strerror or "")]
        ) from None


def _written(
    program: Program, order: Order, run: FinishedRun, earlier: FinishedRun | None, part: Path
) -> dict[str, Any]:
    """Write the report into its folder; gives the content of `report.json`."""
    with _connect(order, part) as connection:
        counts = _counted(program, order, run, earlier, connection, part)
        page = Page(
            program, run, earlier, counts.tables, counts.ratios, counts.changes, counts.lists, counts.rules, order.lang
        )  # fmt: skip
        content = page.content()
        (part / DATA).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
        (part / PAGE).write_text(page.html(), "utf-8")
    for ours in ("spill", "text", "shown"):
        shutil.rmtree(part / ours, ignore_errors=True)
    return content


def _connect(order: Order, part: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"temp_directory": str(part / "spill")})
    connection.execute("SET enable_progress_bar = false")
    if order.threads is not None:
        connection.execute("SET threads = ?", [order.threads])
    if order.memory is not None:
        connection.execute("SET memory_limit = ?", [order.memory])
    return connection


def _counted(
    program: Program,
    order: Order,
    run: FinishedRun,
    earlier: FinishedRun | None,
    connection: duckdb.DuckDBPyConnection,
    part: Path,
) -> Counts:
    inputs = find_inputs(run, order.inputs, program, connection, part / "text", order.encoding)
    people = table_of_people(run, program, inputs, connection, Ratio.facts(program, program.entry))
    records = [
        table_of_facts(program, child, inputs.get(child.name), care, connection, run.as_of)
        for child in program.children_of(program.entry)
        if (care := Ratio.facts(program, child.name))
    ]
    tables = Counting(program, run, connection, people).tables()
    shares = ratios(program, run, connection, people, records[-1]) if records else ()
    beside_amounts = decide_shown(
        program, named_inputs(run, order.inputs), run.as_of, part / "shown", run.mapping,
        order.encoding or run.manifest.get("encoding"), order.threads, order.memory,
    )  # fmt: skip
    lists = Lists(program, run, connection, people, part, order.lang, beside_amounts, earlier is not None)
    changes, rules = (
        ([], None) if earlier is None else _since(program, order, run, earlier, connection, part, lists)
    )
    lists.write()
    if earlier is not None:
        lists.changes(TABLE, None if rules is None else rules["causes"])
    if order.workbooks:
        lists.workbooks()
    return Counts(tables, tuple(shares), tuple(changes), lists, rules)


def _since(
    program: Program,
    order: Order,
    run: FinishedRun,
    earlier: FinishedRun,
    connection: duckdb.DuckDBPyConnection,
    part: Path,
    lists: Lists,
) -> tuple[list[Change], dict[str, Any] | None]:
    """What changed since an earlier run, written down too; what the rules alone change where they differ."""
    changes = compare(program, (run, earlier), _compared(program, run, earlier), lists.rows, connection)
    rules = None
    if order.rules is not None:
        rules = order.rules(run, named_inputs(run, order.inputs), order, part / RULES)
        add_causes(part / RULES / CHANGES, connection)
    connection.execute(f"COPY {TABLE} TO {quoted(str(part / CHANGES))} (FORMAT parquet)")
    return changes, rules


def _compared(program: Program, run: FinishedRun, earlier: FinishedRun) -> list[Entity]:
    """The entities whose benefits both runs decided."""
    files = {file.name: file.entity for file in run.files(program) if file.benefits}
    return [
        entity
        for name, entity in files.items()
        if entity.name == program.entry or (earlier.folder / name).exists()
    ]


def _check_own(out: Path, order: Order) -> None:
    """Only an empty folder or an earlier report's is replaced, and never a run's."""
    for folder in (order.run, *([] if order.since is None else [order.since])):
        run = folder.resolve()
        if out.is_relative_to(run) or run.is_relative_to(out):
            raise RuleError([diagnostic("E575.inside_run", unlined(str(order.out)))])
    if out.exists() and (not out.is_dir() or not _is_ours(out)):
        raise RuleError([diagnostic("E574.foreign_folder", unlined(str(order.out)))])


def _is_ours(out: Path) -> bool:
    names = {item.name for item in out.iterdir()}
    return not names or (DATA in names and names <= WRITTEN)
