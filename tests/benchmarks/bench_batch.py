"""The batch against its floor, and what real records cost against clean ones; each ratio within one run.

The floor is pyarrow reading every column of the inputs plus writing an earlier run's outputs with the product's own
writer. `MIANSHEN_BENCH_RESIDENTS` sets the size (default 1,000,000 residents, three claims each). `extra_info` holds
the ratios, by time and by CPU time, which does not depend on what else the machine does.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.benchmarks.own_process import cost_of

from mianshen.batch.parquet_join import JoinedFile, encoded
from mianshen.batch.run import Request, run_batch
from mianshen.population.sample import write_population, write_settlements
from mianshen.rulebook import open_program

RESIDENTS = int(os.environ.get("MIANSHEN_BENCH_RESIDENTS", "1000000"))
AS_OF = dt.date(2026, 6, 30)
THREADS = 2
FILES = {"resident": "residents", "claim": "claims", "household": "households"}
AT_MOST = {
    "settled": 1.4, "dated": 1.4, "bad_1": 1.5, "bad_10": 3.0, "wrong_day": 3.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_population(folder, RESIDENTS, 7, "parquet", AS_OF)
    return folder


def request_of(people: Path, out: Path, as_of: dt.date = AS_OF) -> Request:
    return Request(
        {e: people / f"{n}.parquet" for e, n in FILES.items()}, as_of, out, THREADS, engine="native", yes=True
    )


def floor(people: Path, out: Path, scratch: Path) -> None:
    """Read every column of the inputs; write an earlier run's outputs, a thread a row group."""
    for name in FILES.values():
        pq.read_table(people / f"{name}.parquet", use_threads=True)
    with ThreadPoolExecutor(THREADS) as pool:
        for file in sorted(out.glob("*.parquet")):
            opened = pq.ParquetFile(file, read_dictionary=_texts(file))
            groups = [opened.read_row_group(at) for at in range(opened.metadata.num_row_groups)]
            with JoinedFile(scratch / file.name, encoded(opened.schema_arrow.empty_table())) as joined:
                for part in pool.map(encoded, groups):
                    joined.append(part)


def _texts(file: Path) -> list[str]:
    """The columns that are written with a dictionary."""
    schema = pq.read_schema(file)
    return [f.name for f in schema if pa.types.is_string(f.type) and not f.name.endswith("_id")]


class Spent:
    """Seconds and CPU seconds of a piece of work, run by run."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.cpu: list[float] = []

    def measure(self, work: Any, *words: Any) -> None:
        started, used = time.perf_counter(), time.process_time()
        work(*words)
        self.seconds.append(time.perf_counter() - started)
        self.cpu.append(time.process_time() - used)

    def ratio_to(self, other: Spent) -> dict[str, str]:
        mine, theirs = (statistics.median(s.seconds) for s in (self, other))
        own, others = (statistics.median(s.cpu) for s in (self, other))
        return {"seconds": f"{mine:.2f}", "ratio": f"{mine / theirs:.2f}", "cpu_ratio": f"{own / others:.2f}"}


def test_batch_against_the_floor(benchmark: Any, people: Path, tmp_path: Path) -> None:
    """At most 2.0 times the floor."""
    program, out = open_program(), tmp_path / "out"
    run_batch(program, request_of(people, out))
    floors, runs = Spent(), Spent()

    def one() -> None:
        floors.measure(floor, people, out, tmp_path)
        runs.measure(run_batch, program, request_of(people, out))

    benchmark.pedantic(one, rounds=3, iterations=1)
    benchmark.extra_info |= {"residents": RESIDENTS, **runs.ratio_to(floors)}
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


# -- real records --------------------------------------------------------------------------------


def settled(people: Path, folder: Path) -> dt.date:
    """Every claim says what was paid of it."""
    claims = pq.read_table(people / "claims.parquet")
    paid = pc.cast(pc.fill_null(claims["total_cost"], 0), pa.decimal128(18, 2))
    half = pc.round(pc.divide(paid, 2), 2).cast(pa.decimal128(18, 2))
    _copy(people, folder, claim=claims.append_column("settled_basic_payment", half))
    return AS_OF


def dated(people: Path, folder: Path) -> dt.date:
    """One resident in five has a second row, from the middle of the year before."""
    residents = pq.read_table(people / "residents.parquet")
    later = residents.filter(pa.array(np.arange(len(residents)) % 5 == 0))
    first = residents.append_column("valid_from", pa.nulls(len(residents), pa.date32()))
    second = later.append_column("valid_from", pa.array([dt.date(2025, 7, 1)] * len(later)))
    _copy(people, folder, resident=pa.concat_tables([first, second]))
    return AS_OF


def bad(per_hundred: int, people: Path, folder: Path) -> dt.date:
    """So many claims in a hundred have a cost below zero."""
    claims = pq.read_table(people / "claims.parquet")
    wrong = pa.array(np.random.default_rng(1).integers(0, 100, len(claims)) < per_hundred)
    costs = claims["total_cost"]
    spoilt = pc.if_else(wrong, pa.scalar(-1, costs.type), costs)
    _copy(
        people, folder, claim=claims.set_column(claims.column_names.index("total_cost"), "total_cost", spoilt)
    )
    return AS_OF


def wrong_day(people: Path, folder: Path) -> dt.date:
    """A decision date before nearly every claim."""
    _copy(people, folder)
    return dt.date(2024, 6, 30)


def _copy(people: Path, folder: Path, **changed: pa.Table) -> None:
    folder.mkdir()
    for entity, name in FILES.items():
        if entity in changed:
            pq.write_table(changed[entity], folder / f"{name}.parquet")
        else:
            (folder / f"{name}.parquet").symlink_to(people / f"{name}.parquet")


@pytest.mark.parametrize("kind", AT_MOST)
def test_real_records_against_clean_ones(benchmark: Any, people: Path, tmp_path: Path, kind: str) -> None:
    """Settled amounts, second rows, bad claims, a wrong day: each a ratio to the clean run."""
    parts = {
        "settled": settled, "dated": dated, "wrong_day": wrong_day,
        "bad_1": lambda *words: bad(1, *words), "bad_10": lambda *words: bad(10, *words),
    }[kind]  # fmt: skip
    as_of = parts(people, tmp_path / "in")
    program = open_program()
    clean, real = Spent(), Spent()
    run_batch(program, request_of(people, tmp_path / "clean"))

    def one() -> None:
        clean.measure(run_batch, program, request_of(people, tmp_path / "clean"))
        real.measure(run_batch, program, request_of(tmp_path / "in", tmp_path / "real", as_of))

    benchmark.pedantic(one, rounds=2, iterations=1)
    benchmark.extra_info |= {"kind": kind, "at_most": AT_MOST[kind], **real.ratio_to(clean)}
    print(benchmark.extra_info)


def test_a_platforms_export_against_plain_csv(benchmark: Any, tmp_path: Path) -> None:
    """Settlements in the national platform's columns, mapped as they are read, to as many people's plain CSV files."""
    write_population(tmp_path / "plain", RESIDENTS // 10, 7, "csv", AS_OF)
    write_settlements(tmp_path / "platform", RESIDENTS // 10, 7, AS_OF)
    settlements = tmp_path / "platform" / "settlements.csv"
    of_plain = {entity: tmp_path / "plain" / f"{name}.csv" for entity, name in FILES.items()}
    as_plain = replace(request_of(tmp_path, tmp_path / "out"), inputs=of_plain)
    exported = replace(as_plain, inputs={"resident": settlements, "claim": settlements}, mapping="nhsa")
    program, plain, mapped = open_program(), Spent(), Spent()
    run_batch(program, exported)  # compiled and kept

    def one() -> None:
        plain.measure(run_batch, program, as_plain)
        mapped.measure(run_batch, program, exported)

    benchmark.pedantic(one, rounds=2, iterations=1)
    benchmark.extra_info |= {"people": RESIDENTS // 10, **mapped.ratio_to(plain)}
    print(benchmark.extra_info)
