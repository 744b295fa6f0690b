"""Compute alone: the claim stack in memory, by our rooms, by hand in two table engines, by three rules engines.

What is compared: Shanghai's inpatient layers (employee and resident scheme, critical illness, assistance) over
one table of claims, 15 columns a claim: number, day, area, six codes, a mark, two costs, and what the year has
used before the claim (deductible, payment limit, assistance limit), so that no side needs accumulators. The rules
are claim_stack/rules.yaml. Every side starts from its own form of the claims in memory and is timed until all seven
amounts are there. Ours also finds reasons, missing names, and figures by date. Each test times the kernel and
its side in turn; rows a second are compared, so sizes differ by side.

`MIANSHEN_BENCH_CLAIMS` (default 1,000,000) is the size of the fast sides, `MIANSHEN_BENCH_SLOW_CLAIMS` (20,000) of
those that take a claim at a time, `MIANSHEN_BENCH_ROUNDS` (5) how often each is timed, `MIANSHEN_BENCH_THREADS` (1)
on how many processors. The table is written to build/rivals.txt. Rivals are in requirements.txt.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest
from tabulate import tabulate
from tests.benchmarks.stack_claims import NONE, OUTPUTS, Array, Running, Side, claims, differing, without_cost
from tests.benchmarks.stack_engines import DurableRules, OpenFisca, ZenBatch, ZenLoop
from tests.benchmarks.stack_ours import Kernel, OurInterpreter, WholeRulebook
from tests.benchmarks.stack_tables import HandSql, Polars

from mianshen.native.library import compiler

CLAIMS: Final = int(os.environ.get("MIANSHEN_BENCH_CLAIMS", "1000000"))
SLOW: Final = int(os.environ.get("MIANSHEN_BENCH_SLOW_CLAIMS", "20000"))
ROUNDS: Final = int(os.environ.get("MIANSHEN_BENCH_ROUNDS", "5"))
THREADS: Final = int(os.environ.get("MIANSHEN_BENCH_THREADS", "1"))
TABLE: Final = Path("build/rivals.txt")
HEADERS: Final = (
    "side", "numbers", "claims", "claims/s", "kernel is faster", "by processor time", "against the kernel",
    "patient_pays without a cost",
)  # fmt: skip

SIDES: Final = (
    Side("our interpreter", OurInterpreter, SLOW, "decimal"),
    Side("DuckDB SQL by hand", partial(HandSql, threads=THREADS), CLAIMS, "decimal"),
    Side("polars by hand", partial(Polars, threads=THREADS), CLAIMS, "whole fen", ("polars",)),
    Side("openfisca-core", partial(OpenFisca, taught=True), CLAIMS, "32-bit float", ("openfisca_core",)),
    Side(
        "openfisca-core, figures in formulas",
        partial(OpenFisca, taught=False),
        CLAIMS,
        "32-bit float",
        ("openfisca_core",),
    ),
    Side("zen-engine, evaluate_batch", ZenBatch, SLOW, "decimal, given as float", ("zen",)),
    Side("zen-engine, loop node", ZenLoop, SLOW, "decimal, given as float", ("zen",)),
    Side("durable-rules", DurableRules, min(SLOW, 10_000), "64-bit float", ("durable",)),
)

pytestmark = [
    pytest.mark.skipif(compiler() is None, reason="needs a C compiler"),
    pytest.mark.filterwarnings("default"),  # what rivals warn of is theirs
]


@dataclass(slots=True)
class Timed:
    """Seconds of each run of a side: by the clock, and of processors."""

    running: Running
    wall: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    def __call__(self) -> Any:
        wall, busy = time.perf_counter(), time.process_time()
        result = self.running.run()
        self.busy.append(time.process_time() - busy)
        self.wall.append(time.perf_counter() - wall)
        return result


@pytest.fixture(scope="module", autouse=True)
def processors() -> Iterator[None]:
    """Every side on the same number of processors, whatever it takes for itself."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-THREADS:])
    yield
    os.sched_setaffinity(0, before)


@pytest.fixture(scope="module")
def given() -> pa.Table:
    return claims(CLAIMS)


@pytest.fixture(scope="module")
def kernel(given: pa.Table) -> Kernel:
    return Kernel(given, THREADS)


@pytest.fixture(scope="module")
def decided(kernel: Kernel) -> dict[str, Array]:
    return kernel.fen(kernel.run())


@pytest.fixture(scope="module")
def table() -> Iterator[list[list[Any]]]:
    """The lines of all tests, written at the end."""
    lines: list[list[Any]] = []
    yield lines
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(tabulate(lines, HEADERS, disable_numparse=True) + "\n", encoding="utf-8")


def named(side: Side) -> str:
    """The side with the version of what it needs."""
    results = {"openfisca_core": "openfisca-core", "zen": "zen-engine", "durable": "durable-rules"}
    return " ".join([side.name, *(version(results.get(name, name)) for name in side.needs)])


def said(amounts: dict[str, Array]) -> str:
    """What a side gives for `patient_pays` of claims whose cost nobody told."""
    result = sorted({int(fen) for fen in amounts[OUTPUTS[-1]]})
    told = [f"{fen / 100:.2f}" for fen in result if fen != NONE]
    return ", ".join([*(["none"] if NONE in result else []), *told[:2], *(["…"] if len(told) > 2 else [])])


@pytest.mark.parametrize("side", SIDES, ids=lambda side: side.name)
def test_side(
    benchmark: Any,
    side: Side,
    given: pa.Table,
    kernel: Kernel,
    decided: dict[str, Array],
    table: list[list[Any]],
) -> None:
    """`extra_info`: a line of the table; ratios are of the fastest rounds, the kernel run before each."""
    for module in side.needs:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed: tests/benchmarks/requirements.txt")
    few = given.slice(0, side.claims)
    ours, theirs = Timed(kernel), Timed(side.start(few))
    result = benchmark.pedantic(theirs, setup=lambda: ours() and None, rounds=ROUNDS, warmup_rounds=1)
    seconds, base = min(theirs.wall), min(ours.wall)
    wrong = differing(decided, theirs.running.fen(result))
    modelled = few.slice(0, 1000).filter(pa.array(decided["basic_payment"][: min(1000, len(few))] != NONE))
    unknown = side.start(without_cost(modelled))
    line = [
        named(side), side.numbers, f"{len(few):,}", f"{len(few) / seconds:,.0f}",
        f"{seconds / len(few) / (base / CLAIMS):.2f} times",
        f"{min(theirs.busy) / len(few) / (min(ours.busy) / CLAIMS):.2f} times",
        "exact" if not wrong else f"{wrong:,} rows differ ({wrong / len(few):.1%})", said(unknown.fen(unknown.run())),
    ]  # fmt: skip
    benchmark.extra_info |= dict(zip(HEADERS, line, strict=True))
    table.append(line)
    print(benchmark.extra_info)
    if side.name.startswith("our"):
        assert not wrong


def test_kernel(benchmark: Any, kernel: Kernel, table: list[list[Any]]) -> None:
    """The line that all others are measured against."""
    ours = Timed(kernel)
    benchmark.pedantic(ours, rounds=ROUNDS, warmup_rounds=1)
    line = ["our kernel", "whole fen", f"{CLAIMS:,}", f"{CLAIMS / min(ours.wall):,.0f}", "1", "1", "", "none"]
    benchmark.extra_info |= dict(zip(HEADERS, line, strict=True))
    table.append(line)


def test_whole_rulebook(benchmark: Any, table: list[list[Any]]) -> None:
    """The kernel with all decisions that a batch writes; claims a second, their residents decided too."""
    whole = WholeRulebook(max(1000, CLAIMS // 10), THREADS)
    seconds: list[float] = []

    def run() -> None:
        started = time.perf_counter()
        whole.run()
        seconds.append(time.perf_counter() - started)

    benchmark.pedantic(run, rounds=ROUNDS, warmup_rounds=1)
    rate = f"{whole.claims / min(seconds):,.0f}"
    table.append(["our kernel, the whole rulebook", "whole fen", f"{whole.claims:,}", rate, "", "", "", ""])
    benchmark.extra_info |= {"residents": whole.residents, "claims/s": rate}
    print(benchmark.extra_info)
