"""A script of any rulebook makes the tables of its batch: the same columns, the same cells."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from mianshen.batch.output_files import entity_files
from mianshen.batch.run import Request, run_batch
from mianshen.policy.scripts import Wish, compiled
from mianshen.population.any_rulebook import write_any
from mianshen.rulebook import open_program

AS_OF = dt.date(2017, 12, 31)
RULEBOOKS = Path(__file__).parents[1] / "rulebooks"


@pytest.mark.parametrize("name", ["country/rules", "taxes/rules"])
def test_a_script_makes_the_tables_of_a_batch(name: str, tmp_path: Path) -> None:
    program = open_program([RULEBOOKS / name])
    write_any(tmp_path, program, 60, 3, "parquet", AS_OF)
    files = {
        name: tmp_path / f"{entity.children or name}.parquet" for name, entity in program.entities.items()
    }
    run_batch(program, Request(files, AS_OF, tmp_path / "out", yes=True))
    script = compiled(program, "duckdb", AS_OF, Wish())
    with duckdb.connect() as database:
        for entity, types in script.reads.items():
            there = pq.read_schema(files[entity]).names
            columns = [n if n in there else f"NULL::{type_} AS {n}" for n, type_ in types.items()]
            database.execute(f"CREATE VIEW {entity} AS SELECT {', '.join(columns)} FROM '{files[entity]}'")
        for statement in script.statements:
            database.execute(statement)
        for file in entity_files(program, files):
            batch = pq.read_table(tmp_path / "out" / file.name)
            columns = [c for c in batch.column_names if c not in ("missing", "reason")]
            assert batch.num_rows
            built = database.sql(
                f"SELECT {', '.join(columns)} FROM mianshen_{file.stem} ORDER BY 1"
            ).fetchall()
            cells = batch.select(columns).sort_by(columns[0]).to_pylist()
            assert built == [tuple(row.values()) for row in cells]
