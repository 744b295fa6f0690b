"""Generated rulebooks on generated households: the compiled program and the interpreter give the same answers.

Value, status, provision, missing facts and rejected rows; with gaps, rejected rows, rows over time, settled
amounts and reversals. Only households in which deciding a row fails are left to the interpreter.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.backends.test_generated import program_of
from tests.support.campaigns import SOAK, few, seeds
from tests.support.compiled import compiled_differences
from tests.support.homes import Chances, homes, over_time

from mianshen.native.library import compiler
from mianshen.rulebook import open_program

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
SEEDS = seeds(7000, few=8, many=60)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_rulebook_means_the_same_compiled(seed: int, tmp_path: Path) -> None:
    program = program_of(seed, tmp_path)
    if program is None:
        pytest.skip("the checker refuses this one")
    assert compiled_differences(program, homes(random.Random(seed), program, 25)) == []


@pytest.mark.parametrize("seed", seeds(8000, few=5, many=30))
def test_rows_over_time_and_settled_amounts_mean_the_same_compiled(seed: int, tmp_path: Path) -> None:
    program = program_of(seed, tmp_path, over_time=True)
    if program is None:
        pytest.skip("the checker refuses this one")
    rng = random.Random(seed)
    people = over_time(rng, program, homes(rng, program, 25), doubled=seed % 3 == 0, voided=0.2)
    assert compiled_differences(program, people) == []


@pytest.mark.parametrize("overlays", [(), ("employee_limit_2021_2025",)][: 2 if SOAK else 1])
def test_the_shipped_rulebook_means_the_same_compiled(overlays: tuple[str, ...]) -> None:
    program = open_program(overlays=overlays)
    rng = random.Random(5)
    people = homes(rng, program, few(80, 300), Chances(0.08, 0.03))
    assert compiled_differences(program, over_time(rng, program, people, voided=0.2)) == []
