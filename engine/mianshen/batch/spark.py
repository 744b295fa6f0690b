"""Partitions of a batch decided by Spark's tasks, each with the program that decides on one machine.

In: the partitions' files, on storage that every worker sees. Out: the results of each partition beside them.
Invariants: what decides a partition, and so every byte, is what decides it here; the rulebook and the compiled program
travel as a file beside the rows, compiled anew where a worker's machine is of another kind; a task that Spark runs
twice leaves one result.
"""

from __future__ import annotations

import os
import pickle
import platform
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mianshen import version
from mianshen.batch import diagnostics
from mianshen.batch.block_decider import BlockDecider
from mianshen.batch.execution import Partition, Partitioned, decide_partition
from mianshen.batch.fallback import Fallback
from mianshen.batch.intake import Intake
from mianshen.batch.output_files import EntityFile
from mianshen.cache import cache_folder
from mianshen.catalogue import diagnostic
from mianshen.native.layout import Unsupported
from mianshen.native.library import Compiled, compiled, content_of, loaded
from mianshen.native.translation_unit import Unit
from mianshen.program.program import Program
from mianshen.source import RuleError, unlined

if TYPE_CHECKING:
    import datetime as dt

    from pyspark.sql import SparkSession

QUIET: Final = Path(__file__).with_name("spark_log.properties")
SHIPPED: Final = "decider.pickle"  # in the folder of partitions, which only this user may write to
PACKAGE: Final = "mianshen.zip"


class NoSpark(Exception):
    """Spark cannot be started: `why` names what is missing."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def check_installed() -> None:
    """Raises NoSpark without pyspark or Java."""
    if find_spec("pyspark") is None:
        raise NoSpark("pyspark")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise NoSpark("java")


def open_session(master: str | None, threads: int | None = None) -> SparkSession:
    """A session; in this process, on so many threads, unless a master is named.

    Raises NoSpark without pyspark or Java, and where the master does not answer.
    """
    check_installed()
    from pyspark.sql import SparkSession

    settings = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    if master is None or master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        settings["spark.driver.extraJavaOptions"] = f"-Dlog4j2.configurationFile={QUIET.as_uri()}"
    builder = SparkSession.builder.appName("mianshen").master(master or f"local[{threads or '*'}]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # noqa: BLE001 - py4j and pyspark raise several kinds, none of them ours
        raise NoSpark(str(error).strip().splitlines()[0]) from None


@dataclass(frozen=True, slots=True)
class Shipped:
    """What decides blocks, as it travels to workers. `library`: of the kind of machine that `machine` names."""

    program: Program
    as_of: dt.date
    files: Sequence[EntityFile]
    intake: Intake
    unit: Unit | None
    library: bytes | None
    machine: tuple[str, ...]

    def decider(self) -> BlockDecider:
        """What decides blocks here."""
        fallback = Fallback(self.program, {f.entity.name: f for f in self.files}, 1)
        return BlockDecider(self.program, self.as_of, self.files, self.intake, self._compiled(), fallback)

    def _compiled(self) -> Compiled | None:
        """The compiled program; none where this machine cannot have it, for the interpreter decides alike."""
        if self.unit is None:
            return None
        try:
            if self.library is not None and self.machine == machine():
                return loaded(self.unit, self.library)
            return compiled(self.unit, cache_folder())
        except Unsupported:
            return None


def machine() -> tuple[str, ...]:
    """The kind of machine that a compiled program is for."""
    return platform.system(), platform.machine(), *platform.libc_ver()


def on_spark(master: str | None, threads: int | None) -> Callable[[Partitioned, list[int]], None]:
    """What decides partitions by Spark, which starts while the rows are read. Raises RuleError where it is not there."""
    try:
        check_installed()
    except NoSpark as error:
        raise RuleError([diagnostics.no_spark(error.why)]) from None
    starting = ThreadPoolExecutor(1).submit(open_session, master, threads)
    return lambda run, numbers: _decide(starting, run, numbers)


def _decide(starting: Future[SparkSession], run: Partitioned, numbers: list[int]) -> None:
    """Decide partitions, a task each. Raises RuleError where Spark does not start, or gives up."""
    try:
        session = starting.result()
    except NoSpark as error:
        raise RuleError([diagnostics.no_spark(error.why)]) from None
    shipped = run.work / SHIPPED
    _ship(run, shipped)
    context = session.sparkContext
    if not str(context.master).startswith("local"):
        context.addPyFile(str(_package(run.work)))
    tasks = [(str(shipped), run.partition(number)) for number in numbers]
    try:
        context.parallelize(tasks, max(1, len(tasks))).foreach(_task)
    except Exception as error:  # noqa: BLE001 - as above
        raise RuleError(
            [
                diagnostic(
                    "E591.spark_failed",
                    unlined("--engine"),
                    table=f"partition {numbers[0]}",
                    why=_kind(error),
                )
            ]
        ) from None


def _ship(run: Partitioned, to: Path) -> None:
    ship = run.run.compiled
    content = None if ship is None else content_of(ship)
    unit = None if ship is None else ship.unit
    request, program = run.run.request, run.run.program
    shipped = Shipped(program, request.as_of, run.run.files, run.intake, unit, content, machine())
    to.write_bytes(pickle.dumps(shipped))


def _package(folder: Path) -> Path:
    """The engine itself, as a file that Spark sends to its workers."""
    target, root = folder / PACKAGE, Path(version.__file__).parent
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, Path("mianshen") / file.relative_to(root))
    return target


def _task(task: tuple[str, Partition]) -> None:
    shipped, partition = task
    decide_partition(partition, _decider(shipped), 1, keep=True)


@lru_cache(maxsize=1)
def _decider(shipped: str) -> BlockDecider:
    """Read once a process."""
    content: Any = pickle.loads(Path(shipped).read_bytes())  # noqa: S301  (our own, see SHIPPED)
    decider: BlockDecider = content.decider()
    return decider


def _kind(error: Exception) -> str:
    """The name of an error's kind, without what it says: its message may quote a record."""
    condition = getattr(error, "getCondition", lambda: None)()
    return str(condition or type(error).__name__)
