"""How `mianshen batch`, a process of its own, grows: with residents, and with the decisions of a rulebook.

Residents: time and peak memory a row, rows being residents and their three claims each, of the whole shipped
rulebook. Decisions: a generated rulebook of chains of decisions, two, four and eight of them, over the same claims;
the output stays one column, so that only deciding grows.

`MIANSHEN_BENCH_GROWTH` (default 10000,100000,1000000) names the sizes; put 10000000 behind for the full range.
`MIANSHEN_BENCH_GROWTH_CLAIMS` (300,000) is what the generated rulebooks decide, `MIANSHEN_BENCH_THREADS` (2) how
many threads, `MIANSHEN_BENCH_MEMORY` a limit such as 8GB. The figures go to build/growth.json and, where
matplotlib is installed (extra `plots`), to build/growth.png.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from tests.batch.batches import queried
from tests.benchmarks.own_process import cost_of

from mianshen.native.library import compiler
from mianshen.population.sample import write_population

SIZES: Final = [int(n) for n in os.environ.get("MIANSHEN_BENCH_GROWTH", "10000,100000,1000000").split(",")]
CLAIMS: Final = int(os.environ.get("MIANSHEN_BENCH_GROWTH_CLAIMS", "300000"))
THREADS: Final = os.environ.get("MIANSHEN_BENCH_THREADS", "2")
MEMORY: Final = os.environ.get("MIANSHEN_BENCH_MEMORY")
AS_OF: Final = dt.date(2026, 6, 30)
LENGTH: Final = 20  # decisions of a chain
CHAINS: Final = (2, 4, 8)
BUILD: Final = Path("build")

RULEBOOK: Final = """\
rulebook: {name: chains, title: chains, entry: resident}
entities:
  resident: {title: resident, key: person_id}
  claim: {title: claim, key: claim_id, parent: resident, children: claims, date: service_date, outcome: payment}
facts:
  resident: {person_id: {type: text, required: true, title: number}}
  claim:
    claim_id: {type: text, required: true, title: claim number}
    person_id: {type: text, required: true, title: person}
    service_date: {type: date, required: true, title: day}
    total_cost: {type: money, min: 0, title: cost}
sources: {S: {title: made up}}
defaults: {source: S, clause: 1}
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: seconds by the clock, of processors and of the stage that decides; peak memory in MiB."""

    rows: int
    seconds: float
    busy: float
    deciding: float
    peak: float

    @property
    def shown(self) -> dict[str, str]:
        return {
            "rows": f"{self.rows:,}",
            "seconds": f"{self.seconds:.2f}",
            "microseconds_a_row": f"{self.seconds / self.rows * 1e6:.2f}",
            "processor_microseconds_a_row": f"{self.busy / self.rows * 1e6:.2f}",
            "peak_mib": f"{self.peak:.0f}",
            "bytes_a_row": f"{self.peak * 2**20 / self.rows:.0f}",
            "deciding_seconds": f"{self.deciding:.2f}",
        }


def measured(rows: int, out: Path, *words: str) -> Measured:
    """Run `mianshen batch` and wait for it alone. Raises CalledProcessError where it fails."""
    command = [sys.executable, "-m", "mianshen_cli", "batch", "--as-of", AS_OF.isoformat(), "--out", str(out)]
    command += ["--threads", THREADS, *(["--memory", MEMORY] if MEMORY else []), *words]
    cost = cost_of(command)
    stages = json.loads((out / "timings.json").read_text(encoding="utf-8"))["seconds"]
    return Measured(rows, cost.seconds, cost.busy, float(stages["decide"]), cost.peak)


def chains(folder: Path, count: int) -> Path:
    """A rulebook of `count` chains of decisions, each of two provisions over the one before; the output adds the ends."""
    shown, rules = ["    payment: {type: money, title: payment, output: true}"], []
    for at in range(1, count + 1):
        names = [f"c{at}_{step}" for step in range(LENGTH)]
        shown += [f"    {name}: {{type: money, title: {name}}}" for name in names]
        rules.append(f"  {names[0]}: {{title: first, decision: {names[0]}, value: total_cost * {at}%}}")
        for before, name in pairwise(names):
            low, high = f"{before} * 90% + total_cost * 1%", f"min(total_cost, {before} * 80%)"
            rules += [
                f"  {name}_{part}: {{title: {part}, decision: {name}, when: '{before} {test} 500', value: '{value}'}}"
                for part, test, value in (("small", "<=", low), ("large", ">", high))
            ]
    ends = " + ".join(f"c{at}_{LENGTH - 1}" for at in range(1, count + 1))
    rules.append(f"  payment: {{title: payment, decision: payment, value: {ends}}}")
    folder.mkdir()
    text = "\n".join(["decisions:", "  claim:", *shown, "provisions:", *rules, ""])
    (folder / "rules.yaml").write_text(RULEBOOK + text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def grown() -> Iterator[dict[str, list[Measured]]]:
    """What the tests measured, kept at the end."""
    results: dict[str, list[Measured]] = {"residents": [], "decisions": []}
    yield results
    BUILD.mkdir(exist_ok=True)
    remaining = {name: [asdict(run) for run in runs] for name, runs in results.items()}
    (BUILD / "growth.json").write_text(json.dumps(remaining, indent=2) + "\n", encoding="utf-8")
    if find_spec("matplotlib") is not None:
        plot(results, BUILD / "growth.png")


@pytest.mark.parametrize("residents", SIZES)
def test_residents(benchmark: Any, residents: int, tmp_path: Path, grown: dict[str, list[Measured]]) -> None:
    """`extra_info`: time and memory a row, and the time against that of the size before."""
    write_population(tmp_path / "people", residents, 7, "parquet", AS_OF)
    words = [
        w
        for n in ("residents", "claims", "households")
        for w in (f"--{n}", str(tmp_path / "people" / f"{n}.parquet"))
    ]
    words += ["--engine", "auto" if compiler() is None else "native"]
    if residents == SIZES[0]:
        measured(4 * residents, tmp_path / "first", *words)  # the program is compiled and kept
    run = benchmark.pedantic(measured, (4 * residents, tmp_path / "out", *words), rounds=1)
    benchmark.extra_info |= run.shown
    if grown["residents"]:
        before = grown["residents"][-1]
        for name, now, then in (
            ("a_row_against_the_size_before", run.seconds, before.seconds),
            ("processor_a_row_against_the_size_before", run.busy, before.busy),
        ):
            benchmark.extra_info[name] = f"{now / run.rows / (then / before.rows):.2f}"
    grown["residents"].append(run)
    print(benchmark.extra_info)


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Claims and their people, with the columns that the generated rulebooks know."""
    folder = tmp_path_factory.mktemp("claims")
    write_population(folder, max(1, CLAIMS // 3), 7, "parquet", AS_OF)
    for name, columns in {
        "residents": "person_id",
        "claims": "claim_id, person_id, service_date, total_cost",
    }.items():
        queried(
            f"COPY (SELECT {columns} FROM read_parquet('{folder / name}.parquet')) TO '{folder / name}_few.parquet'"
        )
    return [w for n in ("residents", "claims") for w in (f"--{n}", str(folder / f"{n}_few.parquet"))]


@pytest.mark.parametrize("engine", ["native", "interpreter"])
@pytest.mark.parametrize("count", CHAINS)
def test_decisions(
    benchmark: Any,
    count: int,
    engine: str,
    claims: list[str],
    tmp_path: Path,
    grown: dict[str, list[Measured]],
) -> None:
    """`extra_info`: what the run costs, and seconds of deciding alone; a first run reads and keeps the rulebook."""
    if engine == "native" and compiler() is None:
        pytest.skip("needs a C compiler")
    words = [*claims, "--engine", engine, "--rules", str(chains(tmp_path / "rules", count))]
    measured(CLAIMS, tmp_path / "out", *words)
    run = benchmark.pedantic(measured, (CLAIMS, tmp_path / "out", *words), rounds=1)
    benchmark.extra_info |= {"decisions": count * LENGTH, "engine": engine, **run.shown}
    if engine == "native":
        grown["decisions"].append(run)
    print(benchmark.extra_info)


def plot(grown: dict[str, list[Measured]], file: Path) -> None:
    """Time and memory a row by rows, seconds of deciding by decisions."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, (time_axis, memory_axis, decision_axis) = plt.subplots(1, 3, figsize=(13, 4))
    runs = grown["residents"]
    rows = [run.rows for run in runs]
    time_axis.loglog(rows, [run.seconds / run.rows * 1e6 for run in runs], marker="o")
    time_axis.set(xlabel="rows", ylabel="µs a row", title="time")
    memory_axis.loglog(rows, [run.peak * 2**20 / run.rows for run in runs], marker="o")
    memory_axis.set(xlabel="rows", ylabel="bytes a row", title="peak memory")
    deciding = [run.deciding for run in grown["decisions"]]
    decision_axis.plot([n * LENGTH for n in CHAINS[: len(deciding)]], deciding, marker="o")
    decision_axis.set(xlabel="decisions", ylabel="seconds", title=f"deciding {CLAIMS:,} claims", ylim=0)
    figure.tight_layout()
    figure.savefig(file, dpi=120)
    plt.close(figure)
