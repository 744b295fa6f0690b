"""A Spark session in this process, for all tests of this room; without pyspark or Java they are skipped."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mianshen.batch.spark import QUIET

collect_ignore = (
    [] if os.environ.get("MIANSHEN_DIGESTS") else ["test_digest_matrix.py"]
)  # a campaign of `make soak`


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Small and quick to start."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed: uv sync --extra spark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Java is not installed")
    warehouse = tmp_path_factory.mktemp("warehouse")
    quick = {
        "spark.driver.extraJavaOptions": f"-XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile={QUIET.as_uri()}",
        "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.driver.memory": "1g",
        "spark.sql.warehouse.dir": str(warehouse),
        "spark.sql.shuffle.partitions": "1", "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    }  # fmt: skip
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = sql.SparkSession.builder.master("local[2]")
    for name, value in quick.items():
        builder = builder.config(name, value)
    started = builder.getOrCreate()
    yield started
    started.stop()
