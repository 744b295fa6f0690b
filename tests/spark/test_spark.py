"""DuckDB and Spark decide the same rows alike: values, statuses, missing facts, rejects, to the fen."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.backends.test_generated import program_of
from tests.batch.batches import rows
from tests.support.agreement import differences
from tests.support.homes import homes
from tests.support.populations import nasty, spoil, write_csv

from mianshen.sql.on_spark import SparkRun
from mianshen.workbench.batch import Request, run_batch
from mianshen.workbench.rulebook import open_program

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
