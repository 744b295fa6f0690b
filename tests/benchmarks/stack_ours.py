"""Our sides of bench_rivals.py: the compiled program, the interpreter; all of claim_stack/.

Also the whole shipped rulebook, compiled, over a made-up population.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tests.benchmarks.stack_claims import NONE, OUTPUTS, Array

from mianshen.batch.engines import MANY, unit_of
from mianshen.batch.native_rows import native_table, numbering
from mianshen.batch.output_files import entity_files
from mianshen.ingest.entity_rows import RowReader
from mianshen.ingest.inputs import Input, open_inputs
from mianshen.interpreter import Interpreter, Row, make_row
from mianshen.interpreter.operations import Function
from mianshen.native.deciding import Decided, Deciding, Table
from mianshen.native.layout import Layout
from mianshen.native.library import Compiled, compiled
from mianshen.native.translation_unit import Unit
from mianshen.population.sample import write_population
from mianshen.program.program import Key, Program
from mianshen.rulebook import open_program
from mianshen.values import EXACT, Known, Value

AS_OF: Final = dt.date(2026, 6, 30)
STACK: Final = Path(__file__).parent / "claim_stack"
WANTED: Final[frozenset[Key]] = frozenset(("claim", name) for name in OUTPUTS)


def stack_program() -> Program:
    return open_program([STACK])


@contextmanager
def opened(
    program: Program, files: dict[str, Path], threads: int
) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, Input]]]:
    """A database and the files' columns matched, as a batch opens them."""
    with TemporaryDirectory() as scratch, duckdb.connect() as connection:
        connection.execute("SET arrow_output_version = '1.5'")
        connection.execute("SET threads = ?", [threads])
        yield connection, open_inputs(program, files, connection, Path(scratch))


def tables_of(
    native: Compiled, connection: duckdb.DuckDBPyConnection, inputs: dict[str, Input], threads: int
) -> dict[str, Table]:
    """The rows of all entities as the compiled program reads them."""
    layout = native.unit.layout
    reader = RowReader(layout.program, connection, AS_OF, None, threads, numbering(layout))
    rows = {entity.name: reader.read(entity, inputs.get(entity.name)) for entity in native.unit.order}
    return {name: native_table(table, layout) for name, table in rows.items()}


@dataclass(slots=True)
class Kernel:
    """Tables as the batch has read them, then one call that decides every row."""

    claims: pa.Table
    threads: int
    compiled: Compiled = field(init=False)
    tables: dict[str, Table] = field(init=False)

    def __post_init__(self) -> None:
        program = stack_program()
        self.compiled = compiled(Unit(Layout(program), tuple(("claim", name) for name in OUTPUTS), ()), None)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "claims.parquet"
            pq.write_table(self.claims, file)
            with opened(program, {"claim": file}, self.threads) as (connection, inputs):
                self.tables = tables_of(self.compiled, connection, inputs, self.threads)

    def run(self) -> Decided:
        return Deciding(self.compiled, self.tables, AS_OF, self.threads).decide()

    def fen(self, result: Decided) -> dict[str, Array]:
        assert not result.fallback["claim"].any()
        results = {(w.name, w.part): column for w, column in result.columns.items()}
        return {n: np.where(results[n, "state"] == 0, results[n, "value"], NONE) for n in OUTPUTS}


@dataclass(slots=True)
class OurInterpreter:
    """The functions of the reference, a row at a time."""

    claims: pa.Table
    program: Program = field(default_factory=stack_program)
    facts: list[dict[str, Known]] = field(init=False)
    deciders: list[Function] = field(init=False)

    def __post_init__(self) -> None:
        rows = self.claims.to_pylist()
        self.facts = [{name: value for name, value in row.items() if value is not None} for row in rows]
        interpreter = Interpreter(self.program)
        self.deciders = [interpreter.decider("claim", name) for name in OUTPUTS]

    def run(self) -> list[tuple[Value, ...]]:
        with localcontext(EXACT):
            return [tuple(decide(row) for decide in self.deciders) for row in self._rows()]

    def _rows(self) -> Iterator[Row]:
        for facts in self.facts:
            row = make_row(self.program, "claim", str(facts["claim_id"]), facts)
            row.as_of = AS_OF
            yield row

    def fen(self, result: list[tuple[Value, ...]]) -> dict[str, Array]:
        def cell(value: Value) -> int:
            return int(value * 100) if isinstance(value, Decimal) else NONE

        rows = np.array([[cell(value) for value in item] for item in result], np.int64)
        return {name: rows[:, at] for at, name in enumerate(OUTPUTS)}


@dataclass(slots=True)
class WholeRulebook:
    """Every decision of the shipped rulebook that a batch writes: residents, households, three claims each."""

    residents: int
    threads: int
    compiled: Compiled = field(init=False)
    tables: dict[str, Table] = field(init=False)

    def __post_init__(self) -> None:
        program = open_program()
        with TemporaryDirectory() as folder:
            people = Path(folder)
            write_population(people, self.residents, 7, "parquet", AS_OF)
            named = {"resident": "residents", "claim": "claims", "household": "households"}
            files = {entity: people / f"{name}.parquet" for entity, name in named.items()}
            with opened(program, files, self.threads) as (connection, inputs):
                self.compiled = compiled(unit_of(program, entity_files(program, inputs), MANY), None)
                self.tables = tables_of(self.compiled, connection, inputs, self.threads)

    @property
    def claims(self) -> int:
        return self.tables["claim"].count

    def run(self) -> Any:
        return Deciding(self.compiled, self.tables, AS_OF, self.threads).decide()
