"""DuckDB and Spark decide the same rows alike: values, statuses, missing facts, rejects, to the fen."""

from __future__ import annotations

import datetime as dt
import json
import random
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.backends.test_generated import program_of
from tests.batch.batches import rows, small
from tests.batch.test_quarantine import run_of
from tests.support.agreement import differences
from tests.support.homes import homes
from tests.support.populations import nasty, spoil, write_csv

from mianshen.batch.run import Request, run_batch
from mianshen.policy.scripts import Wish, compiled
from mianshen.rulebook import open_program
from mianshen.warehouse.on_spark import SparkRun

pytestmark = pytest.mark.xdist_group("spark")

ENTITIES = {"residents": "resident", "households": "household", "claims": "claim"}


@pytest.mark.usefixtures("spark")
def test_a_batch_on_spark_writes_what_duckdb_writes(tmp_path: Path) -> None:
    """Every fact is unknown somewhere, a tenth of the claims is broken, and the order of rows is that of the file."""
    population = spoil(nasty(91, 120, unknown=0.05, missing_columns=False), 92)
    files = {ENTITIES[table]: path for table, path in write_csv(population, tmp_path, 93).items()}
    asked = Request(files, population.as_of, tmp_path / "duckdb")
    by_duckdb = run_batch(open_program(), asked)
    by_spark = run_batch(open_program(), replace(asked, out=tmp_path / "spark", engine="spark"))
    for name in ("residents", "claims", "rejects"):
        file = f"{name}.parquet"
        assert rows(tmp_path / "spark" / file) == rows(tmp_path / "duckdb" / file)
    assert by_spark == by_duckdb
    receipts = [json.loads((tmp_path / e / "manifest.json").read_text("utf-8")) for e in ("duckdb", "spark")]
    assert receipts[0]["records"] == receipts[1]["records"]
    assert "pyspark" in receipts[1]["versions"]
    assert {each.name for each in (tmp_path / "spark").iterdir()} == {
        each.name for each in (tmp_path / "duckdb").iterdir()
    }


@pytest.mark.usefixtures("spark")
def test_every_kind_of_bad_row_is_rejected_on_spark_as_on_duckdb(tmp_path: Path) -> None:
    for engine in ("duckdb", "spark"):
        (tmp_path / engine).mkdir()
    ours, theirs = (run_of(tmp_path / engine, engine).out for engine in ("duckdb", "spark"))
    for name in ("residents", "claims", "visits", "rejects"):
        assert rows(theirs / f"{name}.parquet") == rows(ours / f"{name}.parquet"), name


@pytest.mark.parametrize("seed", [7009])
def test_a_generated_rulebook_means_the_same_on_spark(
    spark: Any, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Provisions, limits that fall, tables, lists, quotients; against the interpreter, decision by decision."""
    program = program_of(seed, tmp_path)
    assert program is not None

    def on_spark(*args: Any, **more: Any) -> SparkRun:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        return SparkRun(*args, session=spark, folder=folder, **more)

    monkeypatch.setattr("tests.support.agreement.Run", on_spark)
    assert differences(program, homes(random.Random(seed), program, 12)) == []
    shutil.rmtree(tmp_path)


def test_a_script_for_spark_decides(spark: Any, tmp_path: Path) -> None:
    """Statement by statement, as a warehouse runs it; the tables it makes are dropped after."""
    program = small(tmp_path / "rules")
    made = compiled(program, "spark", dt.date(2026, 11, 21), Wish())
    people = (
        "SELECT 'P1' AS person_id, array('stay') AS tags, 0.5BD AS share UNION ALL SELECT 'P2', NULL, 1BD"
    )
    bills = "SELECT 'C1' AS claim_id, 'P1' AS person_id, DATE'2026-01-01' AS day, 10.01BD AS cost UNION ALL "
    bills += "SELECT 'C2', 'P2', DATE'2026-01-02', NULL"
    for entity, query in (("resident", people), ("claim", bills)):
        columns = ", ".join(f"CAST({n} AS {t}) AS {n}" for n, t in made.reads[entity].items())
        spark.sql(f"SELECT {columns} FROM ({query})").createOrReplaceTempView(entity)
    try:
        for statement in made.statements:
            spark.sql(statement)
        asked = (
            "SELECT person_id, grant_status, grant_amount, grant_reason FROM mianshen_residents ORDER BY 1"
        )
        assert [tuple(row) for row in spark.sql(asked).collect()] == [
            ("P1", "eligible", Decimal("5.01"), "stays"),
            ("P2", "undetermined", None, "missing_facts"),
        ]
        assert spark.sql("SELECT * FROM mianshen_refused").collect() == []
    finally:
        for table in {s.split("`")[1] for s in made.statements if s.startswith("DROP TABLE")}:
            spark.sql(f"DROP TABLE IF EXISTS `{table}`")
