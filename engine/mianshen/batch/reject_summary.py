"""The rejects of a finished batch by file, fact and reason, with what to do about each.

In: the table of rejects, what was refused in the columns of the files. Out: `RejectGroup`s, the most frequent first.
Nothing of a record but its file and fact is repeated, save the value that a refused cell seems to mean (a date).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from mianshen.ingest.plausibility import ColumnCells
from mianshen.ingest.rejects import LAST
from mianshen.program.program import Program
from mianshen.records.diagnostics import total_row
from mianshen.source import NOWHERE, Message

OF_ROWS: Final = {"total_row": total_row(NOWHERE, "").fix}  # what to do about whole rows


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """Rejected rows of one file with one reason. `columns`: what the file calls the fact, where otherwise.

    `whole`: hardly a cell of the column is anything else.
    """

    file: str
    field: str | None
    columns: tuple[str, ...]
    code: str
    reason: str
    rows: int
    whole: bool
    hint: Message | None


def reject_groups(
    folder: Path, cells: Mapping[tuple[str, str], ColumnCells], program: Program
) -> list[RejectGroup]:
    """The rejects in a batch's folder, grouped."""
    table = pq.read_table(folder / "rejects.parquet", columns=["file", "field", "code", "reason"])
    keys = ["file", "field", "code", "reason"]
    counted = table.append_column("one", pc.cast(pc.is_valid(table["reason"]), "int64"))
    groups = []
    for row in counted.group_by(keys).aggregate([("one", "sum")]).to_pylist():
        column = cells.get((row["file"], row["field"]), ColumnCells(()))
        hint = _of_checks(program, row["field"]) if row["reason"] == LAST else OF_ROWS.get(row["reason"])
        groups.append(
            RejectGroup(
                row["file"], row["field"], column.names, row["code"], row["reason"], row["one_sum"],
                column.whole(row["reason"]), column.hints.get(row["reason"]) or hint,
            )
        )  # fmt: skip
    return sorted(groups, key=lambda group: (-group.rows, group.file, group.field or "", group.reason))


def _of_checks(program: Program, field: str | None) -> Message | None:
    """What the vocabulary asks of a fact; None where it asks nothing."""
    titles = [
        check.title for entity in program.entities.values() for check in entity.checks if check.field == field
    ]
    if not titles:
        return None
    return Message("；".join(title.zh for title in titles), "; ".join(title.en for title in titles))
