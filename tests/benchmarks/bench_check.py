"""One person at a time: deciding, explaining, starting from cold, loading the rulebook.

Where deciding is measured, the records are read beforehand, each anew and each decided once, as a service
has them that decides what it holds; `mianshen check` reads as well, and is what the cold start measures.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.interpreter import Interpreter
from mianshen.interpreter.rows import Case
from mianshen.interpreter.trace.explain import Explainer
from mianshen.program.program import Program
from mianshen.program.slicing import benefit_keys, part_of
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program
from mianshen.shipped import shipped_rulebook

RECORD: Final[dict[str, Any]] = {
    "as_of": "2026-11-21",
    "resident": {
        "person_id": "P1", "insured_area": "310113", "insurance_scheme": "employee", "coverage_status": "active",
        "employment_status": "employed", "assistance_category": "none",
    },
    "household": {"annual_income": "60000.00", "member_count": 1},
    "claims": [
        {"claim_id": f"C{n}", "service_date": f"2026-0{n}-02", "care_type": "inpatient", "hospital_level": "tertiary",
         "total_cost": "48650.37", "out_of_scope_cost": "5535.62"}
        for n in (3, 5)
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("record") / "record.json"
    folder.write_text(json.dumps(RECORD), encoding="utf-8")
    return folder


ROUNDS, WARMUP = 1000, 50


def measure(benchmark: Any, file: Path, decide: Callable[[Case], object]) -> None:
    """Time one undecided case a round; the case before is let go."""
    program = open_program()
    held = [read_cases(file, program)[0].case for _ in range(ROUNDS + WARMUP)]
    benchmark.pedantic(decide, setup=lambda: ((held.pop(),), {}), rounds=ROUNDS, warmup_rounds=WARMUP)


def test_decide_a_case(benchmark: Any, file: Path) -> None:
    """Two claims, no trace: cases a second."""
    measure(benchmark, file, Interpreter(open_program()).run)


def claim_stack() -> Program:
    """The shipped rulebook as far as claims, the illness-poverty aid and the household's warnings rest on it."""
    program = open_program()
    shown = [("claim", name) for name in program.shown["claim"]]
    named = ("illness_poverty_aid", "poverty_warning", "poverty_watch")
    return part_of(
        program, [*shown, *(key for name in named for key in benefit_keys(program.benefits[name]))]
    )


def test_decide_the_claim_stack_of_a_case(benchmark: Any, file: Path) -> None:
    """Two claims and three benefits, no trace: cases a second."""
    measure(benchmark, file, Interpreter(claim_stack()).run)


def test_decide_and_explain_the_claim_stack_of_a_case(benchmark: Any, file: Path) -> None:
    """Two claims and three benefits, the full trace: cases a second."""
    interpreter = Interpreter(claim_stack())
    explainer = Explainer(interpreter)

    def explain(case: Case) -> None:
        interpreter.run(case)
        explainer.trace(case)

    measure(benchmark, file, explain)


def test_decide_and_explain_a_case(benchmark: Any, file: Path) -> None:
    """Two claims, the full trace: cases a second."""
    interpreter = Interpreter(open_program())
    explainer = Explainer(interpreter)

    def explain(case: Case) -> None:
        interpreter.run(case)
        explainer.trace(case)

    measure(benchmark, file, explain)


def test_cold_start_of_check(benchmark: Any, file: Path) -> None:
    """`extra_info`: `mianshen check` of one file against `import pydantic, click`, alternately."""
    words = [str(Path(sys.executable).with_name("mianshen")), "check", str(file)]
    yard = [sys.executable, "-c", "import pydantic, click"]
    subprocess.run(words, check=True, capture_output=True)
    yards: list[float] = []

    def before() -> None:
        started = time.perf_counter()
        subprocess.run(yard, check=True)
        yards.append(time.perf_counter() - started)

    benchmark.pedantic(
        lambda: subprocess.run(words, check=True, capture_output=True), setup=before, rounds=15
    )
    ratio = statistics.median(benchmark.stats.stats.data) / statistics.median(yards)
    benchmark.extra_info["ratio_to_importing_pydantic_and_click"] = f"{ratio:.2f}"
    print(benchmark.extra_info)


def test_load_the_rulebook(benchmark: Any) -> None:
    """Read and built from its files, nothing kept."""
    root = shipped_rulebook()

    def load() -> None:
        document, diagnostics = read([root])
        build(document, diagnostics)

    benchmark(load)


def test_open_a_kept_program(benchmark: Any) -> None:
    """The program as later commands open it."""
    os.environ.pop("MIANSHEN_CACHE", None)
    open_program()
    benchmark(open_program)
