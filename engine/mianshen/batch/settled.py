"""What was really paid beside what the rules give, and the pairs of reversals, as files of a batch.

In: a finished run, the times of its rows. Out: `differences.parquet` (a row for every settled amount that
is not the ruled one, or whose ruled one is not known), `reversals.parquet`, and sums for the summary.
Each is written where its columns are in the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

from mianshen.batch.row_versions import BatchTimes
from mianshen.ingest.inputs import identifier, quoted
from mianshen.program.program import Key, Program
from mianshen.values import as_money
from mianshen.warehouse.on_duckdb import Run

DIFFERENCES: Final = "differences.parquet"
REVERSALS: Final = "reversals.parquet"


@dataclass(frozen=True, slots=True)
class Settled:
    """Settled amounts and reversals of one entity: the person's child that a batch writes."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    times: BatchTimes
    entity: str

    @property
    def facts(self) -> dict[str, str]:
        """Decision to the fact that settles it, of those with a column in the input."""
        settling = self.program.settling(self.entity)
        return {name: fact for name, fact in settling.items() if self.times.given(self.entity, fact)}

    @property
    def wanted(self) -> frozenset[Key]:
        """The decisions that settled amounts are compared with."""
        return frozenset((self.entity, name) for name in self.facts)

    def write(self, run: Run, folder: Path) -> dict[str, Any]:
        """Both files; what the summary says of them."""
        summary: dict[str, Any] = {}
        if self.facts:
            summary["settled"] = self._differences(run, folder / DIFFERENCES)
        if self.entity in self.times.paired:
            summary["reversals"] = self._reversals(folder / REVERSALS)
        return summary

    def _differences(self, run: Run, file: Path) -> dict[str, Any]:
        described = self.program.entities[self.entity]
        assert described.parent is not None
        keys = [described.key, self.program.entities[described.parent].key]
        shown = ", ".join(f"r.{identifier(key)}" for key in keys)
        parts = [
            f'SELECT r."?row" AS row, {number} AS part, {shown}, {quoted(name)} AS decision, '
            f"r.{identifier(fact)}::DECIMAL(18, 2) AS settled, d.{identifier(name)}::DECIMAL(18, 2) AS ruled, "
            f"(r.{identifier(fact)} - d.{identifier(name)})::DECIMAL(18, 2) AS difference "
            f"FROM {identifier(run.rows[self.entity])} r "
            f'JOIN {identifier(run.shelf.made[self.entity, name])} d ON d."?row" = r."?row" '
            f'WHERE r.{identifier(fact)} IS NOT NULL AND NOT r."?rejected"'
            for number, (name, fact) in enumerate(self.facts.items())
        ]
        self.connection.execute(f'CREATE OR REPLACE TEMP TABLE "?settled" AS {" UNION ALL ".join(parts)}')
        query = (
            'SELECT * EXCLUDE ("row", part) FROM "?settled" '
            'WHERE difference IS DISTINCT FROM 0 ORDER BY "row", part'
        )
        self.connection.execute(f"COPY ({query}) TO {quoted(str(file))} (FORMAT parquet)")
        totals = self.connection.execute(
            "SELECT decision, count(*), sum(settled), sum(ruled), sum(difference), count(*) - count(ruled) "
            'FROM "?settled" GROUP BY decision, part ORDER BY part'
        ).fetchall()
        return {
            name: {
                "rows": rows, "settled": _amount(paid), "ruled": _amount(ruled), "difference": _amount(difference),
                "not_ruled": unknown,
            }
            for name, rows, paid, ruled, difference, unknown in totals
        }  # fmt: skip

    def _reversals(self, file: Path) -> int:
        described = self.program.entities[self.entity]
        assert described.parent is not None
        owner = identifier(self.program.entities[described.parent].key)
        pairs = identifier(f"?pairs_{self.entity}")
        query = (
            f"SELECT owner AS {owner}, cancelled AS {identifier(described.key)}, reversal AS reversed_by "
            f'FROM {pairs} ORDER BY named, "row"'
        )
        self.connection.execute(f"COPY ({query}) TO {quoted(str(file))} (FORMAT parquet)")
        return self.times.reversed(self.entity) // 2


def _amount(total: Decimal | None) -> str | None:
    return None if total is None else as_money(total)
