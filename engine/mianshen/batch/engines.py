"""What decides a batch's rows: DuckDB in process, or Spark on the same rows.

In: the engine's name and what it may use. Out: a `Run` over the rows that were read and checked. Reading,
quarantine and writing are the same for each, and so is every row written, in the same order.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from mianshen.batch import diagnostics
from mianshen.program.program import Program
from mianshen.source import RuleError
from mianshen.warehouse.on_duckdb import Run

if TYPE_CHECKING:
    from mianshen.batch.outputs import Outputs

AUTO: Final = "auto"  # compiled where that can be and is worth it, else DuckDB
COMPILED: Final = "compiled"
DUCKDB: Final = "duckdb"
SPARK: Final = "spark"
_SIZE: Final = re.compile(r"([0-9.]+) ?([KMGT])(i?)B", re.IGNORECASE)
_POWER: Final = {"K": 1, "M": 2, "G": 3, "T": 4}


@dataclass(frozen=True, slots=True)
class Chosen:
    """`engine`: DUCKDB or SPARK. `work`: where Spark's tables may lie; with a master, where its workers see them."""

    engine: str
    master: str | None
    memory: str | None
    threads: int | None
    work: Path


def run_of(
    chosen: Chosen,
    program: Program,
    connection: duckdb.DuckDBPyConnection,
    rows: dict[str, str],
    as_of: dt.date,
    outputs: Outputs,
) -> Run:
    """The run that decides. Raises RuleError where the engine is not there."""
    asked = program, connection, rows, as_of, outputs.wanted, outputs.explained, outputs.carried
    if chosen.engine != SPARK:
        return Run(*asked)
    from mianshen.warehouse.on_spark import NoSpark, SparkRun, open_session

    memory = None if chosen.memory is None else mebibytes(chosen.memory)
    try:
        session = open_session(chosen.master, memory, chosen.threads)
    except NoSpark as error:
        raise RuleError([diagnostics.no_spark(error.why)]) from None
    return SparkRun(*asked, session=session, folder=chosen.work)


def versions_of(engine: str) -> dict[str, str]:
    """What the receipt says of the engine beside DuckDB."""
    return {"pyspark": version("pyspark")} if engine == SPARK else {}


def mebibytes(size: str) -> str:
    """A memory size such as 4GB as Spark writes it: `3814m`."""
    found = _SIZE.fullmatch(size)
    assert found is not None
    unit = 1024 if found[3] else 1000
    return f"{int(Decimal(found[1]) * unit ** _POWER[found[2].upper()]) >> 20}m"
