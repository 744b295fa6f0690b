"""DuckDB and Spark decide the same rows alike: values, statuses, missing facts, rejects, to the fen."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.backends.test_generated import program_of
from tests.batch.batches import small
from tests.support.agreement import differences
from tests.support.homes import homes

from mianshen.policy.scripts import Wish, compiled
from mianshen.warehouse.on_spark import SparkRun

pytestmark = pytest.mark.xdist_group("spark")

ENTITIES = {"residents": "resident", "households": "household", "claims": "claim"}


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
