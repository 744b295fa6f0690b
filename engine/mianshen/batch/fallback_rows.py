"""Rows that the compiled program leaves, decided by the SQL room.

In: opened inputs, the numbers of rows. Out: their row tables, and a finished `Run` where there are any.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
from sqlglot import exp

from mianshen.batch.native_tables import arrow, left_inputs
from mianshen.batch.outputs import Outputs
from mianshen.batch.row_tables import RowTables
from mianshen.batch.settled import Settled
from mianshen.ingest.inputs import Input
from mianshen.native.deciding import Array
from mianshen.program.program import Entity, Program
from mianshen.warehouse.missing import Missing
from mianshen.warehouse.on_duckdb import Run
from mianshen.warehouse.plan import plan

RESIDENTS: Final = "residents.parquet"
Query = Callable[[Run, Missing], exp.Select]


def wanted(outputs: Outputs) -> list[tuple[Entity, Query, str]]:
    """The files with a row a record: whose records, the query of what the SQL room decided, the file's name."""
    found: list[tuple[Entity, Query, str]] = [
        (child, partial(outputs.children, child=child, numbered=True), file)
        for child, file in zip(outputs.below, outputs.below_files, strict=True)
    ]
    return [*found, (outputs.person, partial(outputs.residents, numbered=True), RESIDENTS)]


@dataclass(slots=True)
class LeftRows:
    """`rest` and `settled` are there after `decide`; `run` is None where nothing was left."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    as_of: dt.date
    outputs: Outputs
    rest: RowTables = field(init=False)
    settled: Settled = field(init=False)
    run: Run | None = field(init=False, default=None)
    missing: Missing | None = field(init=False, default=None)

    def decide(
        self, inputs: dict[str, Input], files: dict[str, list[tuple[str, int]]], left: dict[str, Array]
    ) -> None:
        """Decide the rows of these numbers, from 1."""
        cut = left_inputs(self.connection, inputs, files, left)
        facts = plan(self.program, (d.key for d in self.program.decisions)).facts
        self.rest = RowTables(self.program, self.connection, self.as_of, cut, facts, cut=True)
        self.rest.build()
        self.settled = Settled(self.program, self.connection, self.rest.times, self.outputs.child.name)
        outputs = self.outputs
        outputs.compared = self.settled.wanted
        if outputs.compared or any(len(rows) for rows in left.values()):
            self.run = Run(
                self.program, self.connection, self.rest.tables, self.as_of, outputs.wanted, outputs.explained,
                outputs.carried,
            )  # fmt: skip
            self.rest.tell(self.run.all())
            self.missing = Missing(self.run, outputs.asked)

    def rows(self, query: Query) -> pa.Table | None:
        """What was decided of one entity, each row with its number; None where nothing was left."""
        if self.run is None or self.missing is None:
            return None
        return arrow(self.connection, query(self.run, self.missing).sql(dialect="duckdb"))

    def summary(self, counts: dict[str, int]) -> dict[str, Any]:
        return self.outputs.summary(counts, self.rest.times, self.rest.counts)

    def write(self, folder: Path, files: dict[str, list[tuple[str, int]]]) -> dict[str, Any]:
        """Rejects, settled amounts and reversals; what the summary says of the latter."""
        self.outputs.write_rejects(folder, files)
        return self.settled.write(self.run, folder) if self.run is not None else {}
