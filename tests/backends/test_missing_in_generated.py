"""Generated rulebooks: filling what a decision lacks decides it, and telling anything else leaves it as it is.

The back ends name the same facts (`test_generated.py`), so what holds for the interpreter holds for both.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from tests.backends.test_generated import program_of
from tests.support.gaps import Gaps, asked_whether_known, filled

from mianshen.interpreter import Case, Interpreter, Row
from mianshen.program.program import Decision
from mianshen.program.slicing import part_of
from mianshen.values import Missing, Unknown, Value

SEEDS = (7001, 7003, 7006, 7008, 7011, 7014, 7019, 7023)  # 7006 and 7019 have fallbacks that lack facts


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_decision_lacks_is_enough_and_all_there_is(seed: int, tmp_path: Path) -> None:
    program = program_of(seed, tmp_path)
    assert program is not None
    gaps, probed, rng = Gaps(program), asked_whether_known(program), Random(seed)
    people = list(gaps.cases(seed, 10))
    for decision in program.decisions:
        mine = Interpreter(part_of(program, [decision.key]))
        for case in people:
            for row, lacking in undetermined(gaps, mine, case, decision):
                told = gaps.filling(rng, case, lacking.missing)
                after = None if told is None else value(mine, filled(case, told), row, decision)
                assert not isinstance(after, Unknown) or not after.missing
                for gap in unnamed(gaps, case, lacking, probed, rng):
                    other = gaps.filling(rng, case, [gap])
                    assert other is None or value(mine, filled(case, other), row, decision) in (lacking, None)


def undetermined(gaps: Gaps, mine: Interpreter, case: Case, decision: Decision) -> list[tuple[Row, Unknown]]:
    """Rows at which only facts keep the decision from being made; none where a row fails.

    A place that a rule itself names too coarsely for a comparison names no fact, and none would tell it.
    """
    copy = filled(case, {})
    mine.run(copy)
    rows = copy.rows()
    if any(row.rejection is not None for row in rows):
        return []
    results = [(row, row.values[decision.name]) for row in rows if row.entity == decision.entity]
    return [
        (row, lacking)
        for row, lacking in results
        if isinstance(lacking, Unknown) and lacking.missing and all(map(gaps.is_fact, lacking.missing))
    ][:2]


def unnamed(gaps: Gaps, case: Case, lacking: Unknown, probed: frozenset[str], rng: Random) -> list[Missing]:
    """Two unknown facts that are not named and of which no rule asks whether they are known."""
    others = [g for g in gaps.unknown(case) if g not in lacking.missing and g.name not in probed]
    return rng.sample(others, min(2, len(others)))


def value(mine: Interpreter, case: Case, row: Row, decision: Decision) -> Value | None:
    """The decision at the row of that key; None where a row fails."""
    mine.run(case)
    rows = case.rows()
    if any(line.rejection is not None for line in rows):
        return None
    (same,) = [line for line in rows if (line.entity, line.key) == (row.entity, row.key)]
    return same.values[decision.name]
