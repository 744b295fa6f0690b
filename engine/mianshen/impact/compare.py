"""Two programs compared over files of records: a folder with `compare.json`, `changes.parquet` and `report.html`.

In: programs before and after, a request. Out: `Comparison`, and the folder, whole or not at all.
Invariants: rows are read once; blocks are written in their order, so that the same inputs give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import duckdb
import pyarrow.parquet as pq

from mianshen.batch import diagnostics as batch_diagnostics
from mianshen.batch.input_digests import InputDigests
from mianshen.batch.request import Request
from mianshen.batch.whole_folder import whole_folder
from mianshen.catalogue import diagnostic
from mianshen.impact.comparing import CHANGES, Comparing
from mianshen.impact.comparison import Comparison
from mianshen.impact.groups import dimensions
from mianshen.impact.page import Page
from mianshen.impact.resettling import NOTICES, PARQUET, SHEET, write_resettlement
from mianshen.impact.resettling import ROWS as RESETTLED
from mianshen.impact.rule_changes import RuleChanges
from mianshen.impact.sides import Sides, read_once
from mianshen.program.program import Program
from mianshen.source import Lang, RuleError, reason_of, unlined

PAGE, DATA, ROWS = "report.html", "compare.json", "changes.parquet"
GOAL: Final = "goal.json"
WRITTEN: Final = frozenset(
    {PAGE, DATA, ROWS, PARQUET, SHEET, NOTICES, GOAL, "thresholds.json", "thresholds.csv"}
)
Resettle: TypeAlias = Literal["lists", "notices"]
Progress = Callable[[str, int], None]


def compare(
    before: Program,
    after: Program,
    request: Request,
    report: Progress = lambda _name, _rows: None,
    lang: Lang = "zh",
    resettle: Resettle | None = None,
    also: Mapping[str, str] | None = None,
    sample_of: int | None = None,
    digests: bool = False,
    weights: str | None = None,
) -> Comparison:
    """Compare two programs over the request's files, into its folder.

    `resettle`: with files of what each person is due; `also`: further files by name, and their texts; `sample_of`:
    how many people the records are a random sample of; `digests`: those of the files are told;
    `weights`: the column that says how many people each person stands for.

    Raises RuleError where a file or a rulebook does not do or the folder cannot be written; it is then as it was.
    """
    changes = RuleChanges(before, after)
    with (
        comparison_folder(request.out) as part,
        read_once(before, after, request, changes, weights=weights) as sides,
    ):
        report("read", sum(sides.intake.counts.values()))
        comparison = _begun(sides, changes, request.as_of, sample_of, digests)
        comparing = Comparing(
            sides, changes, comparison.dimensions, request.as_of,
            resettle=resettle is not None, sampled=weights is not None or sample_of is not None,
        )  # fmt: skip
        rows = part / "resettled_rows.parquet"
        _decide(sides, comparing, comparison, part / ROWS, rows)
        comparison.resettled = _resettled(part, rows, changes, lang, resettle)
        report("decide", sum(sides.intake.counts.values()))
        write(part, comparison, lang)
        for name, text in (also or {}).items():
            (part / name).write_text(text, "utf-8")
    return comparison


def _resettled(
    part: Path, rows: Path, changes: RuleChanges, lang: Lang, resettle: Resettle | None
) -> dict[str, Any]:
    """What each person is due, in files, and what that comes to; the rows it is made from are gone after."""
    try:
        if resettle is None:
            return {}
        return write_resettlement(part, rows, changes, lang, notices=resettle == "notices")
    finally:
        rows.unlink()


def _begun(
    sides: Sides, changes: RuleChanges, as_of: date, sample_of: int | None, digests: bool
) -> Comparison:
    """A comparison of which only the records are known."""
    comparison = Comparison(changes, as_of, dimensions(changes.after))
    comparison.records, comparison.sample_of = dict(sides.intake.counts), sample_of
    comparison.mapping = {
        name: source.report.to_dict() for name, source in sides.inputs.items() if source.report is not None
    }
    if digests:
        comparison.inputs = _digests(sides)
    return comparison


def _digests(sides: Sides) -> dict[str, str]:
    """The digest of each file that was read, by its name. Raises RuleError where one changed since."""
    taken = InputDigests(sides.inputs)
    try:
        taken.begin()
        return {path.name: digest for path, digest in sorted(taken.finish().items())}
    finally:
        taken.close()


def _decide(sides: Sides, comparing: Comparing, comparison: Comparison, cells: Path, rows: Path) -> None:
    """Decide and compare every block, its changed cells and resettled rows written as they come."""
    with (
        pq.ParquetWriter(cells, CHANGES, compression="zstd") as writer,
        pq.ParquetWriter(rows, RESETTLED, compression="zstd") as resettled,
    ):
        for block in sides.outcomes(comparing):
            writer.write_table(block.changes)
            comparison.add(block)
            for table in block.resettled:
                resettled.write_table(table)


def write(part: Path, comparison: Comparison, lang: Lang = "zh") -> None:
    """Write what is told of a comparison; `lang`: which language its page shows first. Raises OSError."""
    content = comparison.content()
    (part / PAGE).write_text(Page(comparison.program, content, lang).html(), "utf-8")
    text = json.dumps(content, ensure_ascii=False, indent=2)
    (part / DATA).write_text(text + "\n", "utf-8")


@contextmanager
def comparison_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, which takes the place of `folder` at the end; only a comparison's is replaced."""
    named = str(folder)

    def refuse(out: Path) -> None:
        if out.exists() and (not out.is_dir() or not {p.name for p in out.iterdir()} <= WRITTEN):
            raise RuleError([diagnostic("E823.foreign_folder", unlined(named))])

    try:
        with whole_folder(folder, refuse) as part:
            yield part
    except (duckdb.OutOfMemoryException, MemoryError):
        raise RuleError([batch_diagnostics.no_memory(named)]) from None
    except (OSError, duckdb.IOException) as error:
        raise RuleError([diagnostic("E824.cannot_write", unlined(named), why=reason_of(error))]) from None
