"""Generated rulebooks on generated households: the compiled program and the interpreter give the same answers.

What the compiled program leaves is what has a rejected row in its household, and nothing else.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.backends.test_generated import program_of
from tests.support.agreement import REJECTED, UNKNOWN, UNMODELLED, by_interpreter, rows_of
from tests.support.compiled import by_compiled, numbered, of_one_time
from tests.support.homes import AS_OF, Chances, homes

from mianshen.interpreter import Row
from mianshen.native.layout import Layout
from mianshen.native.library import compiler
from mianshen.program.program import Program
from mianshen.rulebook import cache_folder, open_program

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
SEEDS = range(7000, 7060)


def differences(program: Program, rows: list[Row]) -> list[object]:
    got = by_compiled(program, rows, AS_OF, cache_folder())
    expected = by_interpreter(program, [row for row in rows if row.parent is None], AS_OF)
    layout = Layout(program, frozenset())
    tops = {(row.entity, row.key): top_of(row) for row in rows}
    spoilt = {tops[key] for key, answers in expected.items() if REJECTED in answers}
    found: list[object] = []
    for key, answers in got.items():
        if REJECTED in answers:
            if tops[key] not in spoilt:
                found.append((key, "left without need"))
            continue
        for what, value in answers.items():
            wanted = expected[key].get(what)
            if wanted not in (UNKNOWN, UNMODELLED) and not what.endswith("?miss"):
                wanted = numbered(layout, wanted, layout.held[key[0], what])  # type: ignore[arg-type]
            if value != wanted:
                found.append((key, what, wanted, value))
    return found


def top_of(row: Row) -> str:
    return row.key if row.parent is None else top_of(row.parent)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_rulebook_means_the_same_compiled(seed: int, tmp_path: Path) -> None:
    program = program_of(seed, tmp_path)
    if program is None:
        pytest.skip("the checker refuses this one")
    rows = rows_of(program, homes(random.Random(seed), program, 25), AS_OF)
    assert differences(program, rows) == []


@pytest.mark.parametrize("overlays", [(), ("employee_limit_2021_2025",)])
def test_the_shipped_rulebook_means_the_same_compiled(overlays: tuple[str, ...]) -> None:
    program = of_one_time(open_program(overlays=overlays))
    chances = Chances(0.08, 0.01)
    assert differences(program, rows_of(program, homes(random.Random(5), program, 150, chances), AS_OF)) == []
