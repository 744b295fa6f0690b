"""Spark's tasks decide what one machine decides, byte for byte; a script for Spark runs statement by statement."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.batch.batches import small
from tests.batch.test_same_bytes import AS_OF, Inputs, clean, content, lived, spoilt
from tests.support.campaigns import SOAK

from mianshen.batch import spark as batch_spark
from mianshen.batch.run import Request, run_batch
from mianshen.native.library import compiler
from mianshen.policy.scripts import Wish, compiled
from mianshen.population.sample import write_population
from mianshen.rulebook import open_program
from mianshen.source import RuleError

pytestmark = pytest.mark.xdist_group("spark")


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("people", [clean, spoilt, lived], ids=["clean", "spoilt", "lived"])
def test_spark_writes_what_one_machine_writes(
    people: Callable[[Path], Inputs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mianshen.batch.blocks.BLOCK_ROWS", 40)
    (tmp_path / "in").mkdir()
    inputs, program = people(tmp_path / "in"), open_program()
    engine: Any = "native" if compiler() else "interpreter"
    run_batch(program, Request(inputs, AS_OF, tmp_path / "here", 1, engine=engine))
    for tasks in (None, 2) if SOAK else (None,) if people is clean else (2,):
        out = tmp_path / f"spark{tasks}"
        run_batch(program, Request(inputs, AS_OF, out, 2, engine="spark", shares=tasks))
        assert content(out) == content(tmp_path / "here")
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_without_pyspark_or_java_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    request = Request(clean(tmp_path / "in"), AS_OF, tmp_path / "out", engine="spark")
    for missing, words in (("pyspark", "Install mianshen"), ("java", "Install Java 17")):
        monkeypatch.setattr(
            batch_spark, "find_spec", lambda _name, missing=missing: None if missing == "pyspark" else 1
        )
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setattr("shutil.which", lambda _name: None)
        with pytest.raises(RuleError, match=f"E590.*{words}"):
            run_batch(open_program(), request)
    assert not (tmp_path / "out").exists()


def test_a_script_for_spark_decides(spark: Any, tmp_path: Path) -> None:
    """Statement by statement, as a warehouse runs it; the tables it makes are dropped after."""
    program = small(tmp_path / "rules")
    script = compiled(program, "spark", dt.date(2026, 11, 21), Wish())
    people = (
        "SELECT 'P1' AS person_id, array('stay') AS tags, 0.5BD AS share UNION ALL SELECT 'P2', NULL, 1BD"
    )
    bills = "SELECT 'C1' AS claim_id, 'P1' AS person_id, DATE'2026-01-01' AS day, 10.01BD AS cost UNION ALL "
    bills += "SELECT 'C2', 'P2', DATE'2026-01-02', NULL"
    for entity, query in (("resident", people), ("claim", bills)):
        columns = ", ".join(f"CAST({n} AS {t}) AS {n}" for n, t in script.reads[entity].items())
        spark.sql(f"SELECT {columns} FROM ({query})").createOrReplaceTempView(entity)
    try:
        for statement in script.statements:
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
        for table in {s.split("`")[1] for s in script.statements if s.startswith("DROP TABLE")}:
            spark.sql(f"DROP TABLE IF EXISTS `{table}`")


def test_a_local_master_that_is_named_finds_this_python(tmp_path: Path) -> None:
    """As a user starts it: no variable says which Python Spark's workers run."""
    pytest.importorskip("pyspark", reason="pyspark is not installed: uv sync --extra spark")
    write_population(tmp_path, 60, 3, "parquet", AS_OF)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYSPARK")}
    words = [sys.executable, "-m", "mianshen_cli", "batch", "--as-of", AS_OF.isoformat()]
    for name in ("residents", "claims"):
        words += [f"--{name}", str(tmp_path / f"{name}.parquet")]
    master = ["--engine", "spark", "--master", "local[2]", "--out", str(tmp_path / "spark")]
    subprocess.run([*words, *master], env=environment, check=True, capture_output=True)
    subprocess.run(
        [*words, "--out", str(tmp_path / "here")], env=environment, check=True, capture_output=True
    )
    for name in ("residents", "claims"):
        files = [tmp_path / folder / f"{name}.parquet" for folder in ("spark", "here")]
        assert files[0].read_bytes() == files[1].read_bytes()
