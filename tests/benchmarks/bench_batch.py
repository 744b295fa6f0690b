"""The batch against its floor: DuckDB reading the columns the rules read and copying the same outputs.

`MIANSHEN_BENCH_RESIDENTS` sets the size (default 1,000,000 residents, three claims each). Both sides run
in one process tree, alternately, with the same threads and codec; `extra_info` holds the ratio.
"""

from __future__ import annotations

import datetime as dt
import os
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.benchmarks.own_process import cost_of

from mianshen.batch.outputs import Outputs
from mianshen.batch.run import Request, run_batch
from mianshen.population.sample import write_population
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.warehouse.plan import plan

RESIDENTS = int(os.environ.get("MIANSHEN_BENCH_RESIDENTS", "1000000"))
AS_OF = dt.date(2026, 6, 30)
THREADS = 2
FILES = {"resident": "residents", "claim": "claims", "household": "households"}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_population(folder, RESIDENTS, 7, "parquet", AS_OF)
    return folder


def request_of(people: Path, out: Path) -> Request:
    return Request(
        {e: people / f"{n}.parquet" for e, n in FILES.items()}, AS_OF, out, THREADS, engine="compiled"
    )


def columns_read(program: Program) -> dict[str, list[str]]:
    """The columns the rules read, keys included, by entity."""
    with duckdb.connect() as connection:
        wanted = Outputs(program, connection, {}, AS_OF).wanted
    found: dict[str, list[str]] = {}
    for entity in program.entities.values():
        keys = [
            entity.key,
            *([program.entities[entity.parent].key] if entity.parent else []),
            *([entity.date] if entity.date else []),
        ]
        facts = [name for owner, name in plan(program, wanted).facts if owner == entity.name]
        found[entity.name] = list(dict.fromkeys([*keys, *sorted(facts)]))
    return found


def floor(people: Path, out: Path, columns: dict[str, list[str]]) -> float:
    """Seconds DuckDB takes to read the columns and to copy an earlier run's outputs."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = ?", [THREADS])
        started = time.perf_counter()
        for entity, name in FILES.items():
            held = connection.execute(f"DESCRIBE FROM read_parquet('{people / name}.parquet')").fetchall()
            listed = ", ".join(f'"{c}"' for c in columns[entity] if c in {row[0] for row in held})
            connection.execute(
                f"CREATE TEMP TABLE floor_{name} AS SELECT {listed} FROM read_parquet('{people / name}.parquet')"
            )
        for name in ("residents", "claims", "rejects"):
            connection.execute(
                f"COPY (FROM read_parquet('{out / name}.parquet')) TO '{out}/../copied_{name}.parquet' (FORMAT parquet)"
            )
        return time.perf_counter() - started


def test_batch_against_the_floor(benchmark: Any, people: Path, tmp_path: Path) -> None:
    """`extra_info`: seconds of both sides, their ratio, the batch's peak memory."""
    program = open_program()
    out = tmp_path / "out"
    run_batch(program, request_of(people, out))
    columns = columns_read(program)
    floors: list[float] = []

    def before() -> None:
        floors.append(floor(people, out, columns))

    benchmark.pedantic(
        lambda: run_batch(program, request_of(people, out)), setup=before, rounds=3, iterations=1
    )
    batch_seconds, floor_seconds = statistics.median(benchmark.stats.stats.data), statistics.median(floors)
    benchmark.extra_info |= {
        "residents": RESIDENTS,
        "floor_seconds": f"{floor_seconds:.2f}",
        "batch_seconds": f"{batch_seconds:.2f}",
        "ratio_to_floor": f"{batch_seconds / floor_seconds:.2f}",
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(benchmark.extra_info)


def test_peak_memory_of_a_batch_process(benchmark: Any, people: Path, tmp_path: Path) -> None:
    """`extra_info`: the peak resident memory of `mianshen batch` as a process of its own."""
    words = [sys.executable, "-m", "mianshen_cli", "batch", "--as-of", AS_OF.isoformat()]
    words += ["--out", str(tmp_path / "out"), "--threads", str(THREADS)]
    for name in ("residents", "claims", "households"):
        words += [f"--{name}", str(people / f"{name}.parquet")]
    cost = benchmark.pedantic(cost_of, (words,), rounds=1)
    benchmark.extra_info["peak_memory_mib"] = round(cost.peak)
    print(benchmark.extra_info)
