"""Comparing two rulebooks against one batch, and a goal sought against deciding; each ratio within one run.

`MIANSHEN_BENCH_RESIDENTS` sets the size (here 100,000 residents by default, three claims each). `extra_info` holds the
ratios by time and by CPU time, which does not depend on what else the machine does.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mianshen.batch.run import Request, run_batch
from mianshen.impact.compare import compare
from mianshen.impact.seeking import goal_of, quest_of, seeking
from mianshen.population.sample import write_population
from mianshen.rulebook import open_program

RESIDENTS = int(os.environ.get("MIANSHEN_BENCH_RESIDENTS", "100000"))
AS_OF = dt.date(2026, 6, 30)
FILES = {"resident": "residents", "claim": "claims", "household": "households"}
REFORM = "overlay: {name: reform, title: x}\nset: {employee_rate_working: {from: 2026-01-01, value: 90%}}\n"
AT_MOST = 1.6  # times a batch


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_population(folder, RESIDENTS, 7, "parquet", AS_OF)
    return folder


def request_of(people: Path, out: Path) -> Request:
    inputs: Any = {entity: people / f"{name}.parquet" for entity, name in FILES.items()}
    return Request(inputs, AS_OF, out, 2, engine="native", yes=True)


def spent(work: Any) -> tuple[float, float]:
    """Seconds and CPU seconds of a piece of work."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - used


def test_comparing_costs_little_more_than_a_batch(people: Path, tmp_path: Path, benchmark: Any) -> None:
    overlay = tmp_path / "reform.yaml"
    overlay.write_text(REFORM, encoding="utf-8")
    before, after = open_program(), open_program((), [overlay])

    def batch() -> None:
        run_batch(before, request_of(people, tmp_path / "run"))

    def both() -> None:
        compare(before, after, request_of(people, tmp_path / "compare"))

    batch()  # compiles
    batches = [spent(batch) for _ in range(3)]
    compared: list[tuple[float, float]] = []
    benchmark.pedantic(lambda: compared.append(spent(both)), rounds=3)
    ratios = [min(part[at] for part in compared) / min(part[at] for part in batches) for at in (0, 1)]
    benchmark.extra_info.update({"times_a_batch": ratios[0], "cpu_times_a_batch": ratios[1]})
    print(f"compare: {ratios[0]:.2f} times a batch, {ratios[1]:.2f} by CPU time")  # what a benchmark says
    assert ratios[1] <= AT_MOST


def test_a_goal_takes_few_decisions(people: Path, tmp_path: Path, benchmark: Any) -> None:
    program = open_program()
    base = compare(program, program, request_of(people, tmp_path / "base")).content()["fund"]["paid"][
        "before"
    ]
    goal = goal_of(f"fund<={Decimal(base) * Decimal('1.001'):.2f}")
    quest = quest_of(
        program, "employee_rate_working", dt.date(2026, 1, 1), (Decimal("0.8"), Decimal(1)), goal
    )
    search = seeking((), (), quest)
    results: list[Any] = []
    benchmark.pedantic(lambda: results.append(search.seek(request_of(people, tmp_path / "x"))), rounds=1)
    benchmark.extra_info["values_tried"] = len(results[0].tried)
    assert results[0].value is not None
    assert len(results[0].tried) <= 12
