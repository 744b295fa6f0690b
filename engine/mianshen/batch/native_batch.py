"""A batch decided by the compiled program; what that leaves, by the SQL room; both in one set of files.

In: a program, opened inputs, a folder. Out: the batch's Parquet files, and what was counted.
Invariants: what is written equals what the SQL room alone would write, row for row; the bytes do not
depend on threads.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mianshen.batch.fallback_rows import LeftRows, wanted
from mianshen.batch.native_tables import Cells, CompiledTables, filtered, refuse_columns, refuse_encoded
from mianshen.batch.outputs import Outputs
from mianshen.batch.parquet_join import join_parquet
from mianshen.batch.row_tables import RowTables
from mianshen.cache import cache_folder
from mianshen.ingest.inputs import ROW, Input
from mianshen.interpreter.result import MISSING_FACTS, NO_PROVISION
from mianshen.native.arrays import Array, address
from mianshen.native.deciding import Decided, Deciding, Table
from mianshen.native.layout import Layout, Unsupported
from mianshen.native.library import Compiled, compiled, is_kept
from mianshen.native.translation_unit import Unit
from mianshen.program.core import Numeric
from mianshen.program.program import Benefit, Entity, Program

ROW_STATUS: Final = ("decided", "undetermined", "not_modelled")
BENEFIT_STATUS: Final = ("eligible", "ineligible", "undetermined", "not_modelled")
ROWS: Final = 1 << 17  # of a row group
STRETCH: Final = 2 * ROWS  # rows that are coded by one thread


def unit_of(program: Program, outputs: Outputs) -> Unit:
    """What of the program a batch writes. Raises Unsupported where a shown decision has no column here."""
    shown = tuple((e.name, name) for e in outputs.below for name in program.shown.get(e.name, ()))
    for entity, name in shown:
        decision = program.decision(entity, name)
        if not isinstance(decision.type, Numeric) or decision.written != "money":
            raise Unsupported(f"{name}: {decision.written}")
    layout = Layout(program, outputs.wanted)
    for column in (c for columns in layout.facts.values() for c in columns):
        if column.bits == 128:
            raise Unsupported(f"facts of type {column.fact.written}")
    return Unit(layout, shown, tuple(outputs.benefits))


def compiled_unit(
    program: Program, outputs: Outputs, inputs: dict[str, Input], eager: bool
) -> Compiled | None:
    """The program compiled; None where it is not yet and `eager` is false. Raises Unsupported."""
    unit = unit_of(program, outputs)
    refuse_encoded(program)
    for source in inputs.values():
        for part in source.parts:
            refuse_columns(program, source.entity, part)
    folder = cache_folder()
    return compiled(unit, folder) if eager or is_kept(unit, folder) else None


def left_rows(unit: Unit, decided: Decided) -> dict[str, Array]:
    """Every row of a household in which some row is not decided, and every row that is in none."""
    flagged = {e.name: (decided.status[e.name] != 0) | (decided.fallback[e.name] == 1) for e in unit.order}
    top: dict[str, Array] = {}
    households = 0
    for entity in unit.order:
        count = len(flagged[entity.name])
        own = np.arange(count) + households if entity.name in unit.rows.path else np.full(count, -1)
        households += count
        if entity.parent is None:
            top[entity.name] = own
            continue
        parent = decided.places.origin.get(entity.name, decided.places.parent[entity.name])
        top[entity.name] = (
            np.where(parent >= 0, top[entity.parent][parent], own) if len(top[entity.parent]) else own
        )
        times = decided.places.over_time
        if times is not None and entity.name == unit.layout.program.entry:
            top[entity.name] = top[entity.name][times.person]
    wrong = np.zeros(households + 1, np.bool_)
    for name, rows in top.items():
        wrong[rows[flagged[name]]] = True
    return {name: (flagged[name] | (rows < 0) | wrong[rows]).astype(np.uint8) for name, rows in top.items()}


@dataclass(slots=True)
class CompiledBatch:
    """One run. `tables` and `counts` are there after `read`, `room` (the SQL room) after `decide`."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    inputs: dict[str, Input]
    as_of: dt.date
    compiled: Compiled
    threads: int
    outputs: Outputs
    counts: dict[str, int] = field(default_factory=dict)
    files: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    numbers: dict[str, Array] = field(default_factory=dict)  # of a share of the rows: their numbers, from 1
    lists: tuple[tuple[str, ...], ...] = ()
    decided: Decided = field(init=False)
    left_rows: dict[str, Array] = field(init=False)
    room: LeftRows | None = field(init=False, default=None)  # none: what is left is left to somebody else
    nothing: Cells | None = field(init=False, default=None)  # the amounts of benefits that have none

    def read(self) -> None:
        """Raises RuleError where a file cannot be read, Unsupported where it is not for this room."""
        every = RowTables(self.program, self.connection, self.as_of, self.inputs)
        reading = CompiledTables(every, self.compiled.unit.layout)
        self.tables = reading.all()
        self.counts, self.files, self.lists = reading.counts, reading.files, tuple(reading.lists)

    def decide(self) -> None:
        """Decide all; what is left goes to the SQL room."""
        self.decide_compiled()
        self.decide_left(self.connection, self.outputs)

    def decide_compiled(self) -> None:
        self.decided = Deciding(self.compiled, self.tables, self.as_of, self.threads, self.lists).decide()
        self.left_rows = left_rows(self.compiled.unit, self.decided)

    def decide_left(self, connection: duckdb.DuckDBPyConnection, outputs: Outputs) -> None:
        self.room = LeftRows(self.program, connection, self.as_of, outputs)
        self.room.decide(self.inputs, self.files, self.left())

    def left(self) -> dict[str, Array]:
        """The numbers, from 1, of rows that the compiled program leaves, by entity with a file."""
        return {e: self._numbered(e, rows) for e, rows in self.left_rows.items() if e in self.inputs}

    def summary(self) -> dict[str, Any]:
        assert self.room is not None
        return self.room.summary(self.counts)

    def write(self, folder: Path) -> dict[str, Any]:
        """Every Parquet file of the contract; what the summary says of settled amounts and reversals.

        Without a SQL room, the files with a row a record, of those that were decided.
        """
        made: list[tuple[pa.Table, Path]] = []
        for entity, query, name in wanted(self.outputs):
            is_person = entity.name == self.program.entry
            columns = self._benefit_cells() if is_person else self._row_cells(entity)
            dropped = self.left_rows[entity.name].copy()
            found = None if self.room is None else self.room.rows(query)
            if found is not None:
                rows = self._places(entity.name, found)
                for column, cells in columns.items():
                    cells.place(rows, found[column].combine_chunks())
                dropped[rows] = 0
            made.append((filtered(self._table(entity, columns), dropped), folder / name))
        write_parquet(made, self.threads)
        return {} if self.room is None else self.room.write(folder, self.files)

    def _numbered(self, entity: str, left: Array) -> Array:
        """The numbers, from 1, of rows that are marked."""
        rows = np.flatnonzero(left)
        return rows + 1 if entity not in self.numbers else self.numbers[entity][rows]

    def _places(self, entity: str, found: pa.Table) -> Array:
        """Where the rows of a result of the SQL room are among ours."""
        rows = np.asarray(found[ROW].combine_chunks()) if len(found) else np.empty(0, np.int64)
        return rows - 1 if entity not in self.numbers else np.searchsorted(self.numbers[entity], rows)

    def _table(self, entity: Entity, columns: dict[str, Cells]) -> pa.Table:
        """Keys as they were read, then the cells."""
        table = self.tables[entity.name]
        keys = {entity.key: table.key}
        if entity.name != self.program.entry:
            assert table.parent is not None
            keys[self.outputs.person.key] = table.parent
        return pa.table({**keys, **{name: cells.array(self._packed) for name, cells in columns.items()}})

    def _packed(self, known: Array) -> tuple[Array, int]:
        bits = np.zeros((len(known) + 7) // 8, np.uint8)
        zeros = self.compiled.library.pack_bits(address(known), len(known), address(bits))
        return bits, int(zeros)

    # -- cells -------------------------------------------------------------------------------

    def _column(self, entity: str, name: str, part: str) -> Array:
        return next(
            v for w, v in self.decided.columns.items() if (w.entity, w.name, w.part) == (entity, name, part)
        )

    def _row_cells(self, entity: Entity) -> dict[str, Cells]:
        """The shown decisions of an entity's rows, their status, reason and missing names."""
        program, cells = self.program, {}
        for name in program.shown.get(entity.name, ()):
            known = (self._column(entity.name, name, "state") == 0).astype(np.uint8)
            cells[name] = Cells(self._column(entity.name, name, "value"), known, MONEY)
        status = self._column(entity.name, "", "status")
        reason = self._column(entity.name, "", "reason")
        missing = self._column(entity.name, "", "missing")
        cells["status"] = Cells(status, None, pa.string(), list(ROW_STATUS))
        explained = entity.explained_by
        names = (
            [] if explained is None else [p.name for p in program.decision(entity.name, explained).provisions]
        )
        texts = [*names, NO_PROVISION, MISSING_FACTS]
        reason[reason < 0] = len(names)
        reason[status == 1] = len(names) + 1
        cells["reason"] = Cells(reason, None, pa.string(), texts)
        known = (missing >= 0).astype(np.uint8)
        found, places = self._set_texts(missing[missing >= 0], "")
        missing[missing >= 0] = places
        missing[known == 0] = 0
        cells["missing"] = Cells(missing, known, pa.string(), found or [""])
        return cells

    def _set_texts(self, numbers: Array, before: str) -> tuple[list[str], Array]:
        """The texts of sets of names, sorted, and where each of `numbers` is among them."""
        used = np.unique(numbers)
        texts = {int(n): before + ",".join(self.decided.sets[int(n)].as_py()) for n in used}
        order = sorted(used, key=lambda n: texts[int(n)])
        place = np.zeros(len(self.decided.sets) + 1, np.int32)
        for at, number in enumerate(order):
            place[number] = at
        return [texts[int(n)] for n in order], place[numbers]

    def _benefit_cells(self) -> dict[str, Cells]:
        """Three columns a benefit."""
        cells: dict[str, Cells] = {}
        for benefit in self.outputs.benefits:
            status = self._column(benefit.entity, benefit.name, "status")
            cells[f"{benefit.name}_status"] = Cells(status, None, pa.string(), list(BENEFIT_STATUS))
            cells[f"{benefit.name}_amount"] = self._amount(benefit, len(status))
            reason = self._column(benefit.entity, benefit.name, "reason")
            names = [p.name for p in self.program.decision(benefit.entity, benefit.eligible).provisions]
            asked = reason <= -2
            texts, places = self._set_texts(-2 - reason[asked], f"{MISSING_FACTS}: ")
            texts = [MISSING_FACTS if t == f"{MISSING_FACTS}: " else t for t in texts]
            reason[reason == -1] = len(names)
            reason[asked] = places + len(names) + 1
            cells[f"{benefit.name}_reason"] = Cells(reason, None, pa.string(), [*names, NO_PROVISION, *texts])
        return cells

    def _amount(self, benefit: Benefit, count: int) -> Cells:
        if benefit.amount is None:
            if self.nothing is None:
                self.nothing = Cells(np.zeros(count, np.int64), np.zeros(count, np.uint8), MONEY)
            return self.nothing
        return Cells(
            self._column(benefit.entity, benefit.name, "value"),
            self._column(benefit.entity, benefit.name, "known"),
            MONEY,
        )


MONEY: Final = pa.decimal64(18, 2)


def write_parquet(tables: Sequence[tuple[pa.Table, Path]], threads: int) -> None:
    """Tables as Parquet that any reader takes for plain texts and decimals; the bytes do not depend on threads."""
    with ThreadPoolExecutor(max(1, threads)) as pool:
        coded = [
            [pool.submit(_coded, table.slice(low, STRETCH)) for low in range(0, max(1, len(table)), STRETCH)]
            for table, _ in tables
        ]
        for (_, path), parts in zip(tables, coded, strict=True):
            join_parquet([part.result() for part in parts], path)


def _coded(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    coded = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    with pq.ParquetWriter(
        sink,
        table.schema,
        use_dictionary=coded,
        store_schema=False,
        store_decimal_as_integer=True,
        compression="snappy",
    ) as writer:
        writer.write_table(table, row_group_size=ROWS)
    return sink.getvalue()
