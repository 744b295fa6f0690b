"""The plan run on Spark: the steps' tables made by Spark SQL, from rows that DuckDB has read and checked.

In: what `on_duckdb.Run` takes, a session, a folder that every worker sees. Out: the same tables, each
written as Parquet and named both in Spark and in DuckDB. Every table is written before the next reads it,
so that no plan grows beyond one statement and a lost worker costs one. ANSI mode and full scale are what
makes decimals exact or an error: without them Spark gives NULL, which here would mean unknown.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from mianshen.warehouse.dialects import text_of
from mianshen.warehouse.on_duckdb import Failure, Run

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EXACT: Final = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.cteRecursionLevelLimit": "-1",  # the rows of one year, taken in turn
    "spark.sql.cteRecursionRowLimit": "-1",
}
LOCAL: Final = "local[*]"
QUIET: Final = Path(__file__).with_name("spark_log.properties")


class NoSpark(Exception):
    """Spark cannot be started: `why` names what is missing."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class SparkFailed(Exception):
    """Spark gave up on a statement. `why` names the kind of error: its message may quote a record."""

    def __init__(self, table: str, why: str) -> None:
        super().__init__(f"{table}: {why}")
        self.table = table
        self.why = why


def open_session(master: str | None, memory: str | None = None, threads: int | None = None) -> SparkSession:
    """A session of its own with the settings of `EXACT`; in process unless a master is named.

    Raises NoSpark without pyspark or Java, and where the master does not answer.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise NoSpark("pyspark") from None
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise NoSpark("java")
    local = LOCAL if threads is None else f"local[{threads}]"
    builder = SparkSession.builder.appName("mianshen").master(master or local)
    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    settings["spark.driver.memory"] = memory or "2g"
    if master is None:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        settings["spark.driver.extraJavaOptions"] = f"-Dlog4j2.configurationFile={QUIET.as_uri()}"
        settings["spark.sql.shuffle.partitions"] = "32"
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate().newSession()
    except Exception as error:  # noqa: BLE001 - py4j and pyspark raise several kinds, none of them ours
        raise NoSpark(str(error).strip().splitlines()[0]) from None
    for name, value in EXACT.items():
        session.conf.set(name, value)
    return session


@dataclass(slots=True)
class SparkRun(Run):
    """A run whose tables Spark makes. `folder` is empty or not there yet, and all of it may be removed after."""

    session: SparkSession = field(kw_only=True)
    folder: Path = field(kw_only=True)
    number: list[int] = field(default_factory=lambda: [0])  # of tables written so far, shared with who asks

    def once(self) -> list[Failure]:
        """Rows as they stand now, then every step."""
        if not self.missing:
            for table in self.rows.values():
                self._ship(table)
        return Run.once(self)

    def create(self, table: str, query: exp.Query, lazily: bool = False) -> None:
        text = text_of(query, "spark")
        self.statements.append(text)
        path = self._path(table)
        try:
            made = self.session.sql(text)
            made.write.parquet(str(path))
            self.session.read.schema(made.schema).parquet(str(path)).createOrReplaceTempView(f"`{table}`")
        except Exception as error:
            raise SparkFailed(table, _kind(error)) from error
        self.drop(table)
        files = str(path / "*.parquet").replace("'", "''")
        self.connection.execute(f"CREATE TEMP VIEW \"{table}\" AS FROM read_parquet('{files}')")

    def _ship(self, table: str) -> None:
        """Rows that DuckDB holds, where Spark can read them."""
        path = self._path(table)
        path.mkdir(parents=True)
        file = str(path / "rows.parquet").replace("'", "''")
        columns = [row[0] for row in self.connection.execute(f'DESCRIBE "{table}"').fetchall()]
        shown = ", ".join(f'"{name}"' for name in columns if name != "?refusal")
        self.connection.execute(f"COPY (SELECT {shown} FROM \"{table}\") TO '{file}' (FORMAT parquet)")
        self.session.read.parquet(str(path)).createOrReplaceTempView(f"`{table}`")

    def _path(self, table: str) -> Path:
        """A folder of its own: what is read is never written over."""
        self.number[0] += 1
        return self.folder / f"{self.number[0]:04}_{table}"


def _kind(error: Exception) -> str:
    """The name of an error's kind, without what it says."""
    condition = getattr(error, "getCondition", lambda: None)()
    return str(condition or type(error).__name__)
