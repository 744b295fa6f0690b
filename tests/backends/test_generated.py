"""Generated rulebooks on generated households: the script of the warehouse gives the interpreter's answers.

Each seed is one small rulebook with provisions, tables, limits, aggregates and figures of every kind, and
households with gaps and ties. What a script does not take is compared with the compiled program: `test_compiled.py`.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from tests.support.agreement import differences
from tests.support.campaigns import SOAK, few, seeds
from tests.support.homes import AS_OF, Chances, case_of, homes
from tests.support.rulebooks import Doc, rulebook

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.interpreter import Interpreter
from mianshen.interpreter.trace import Explainer
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.source import RuleError

SEEDS = seeds(7000, few=9, many=48)
CALENDAR_SEEDS = seeds(7100, few=2, many=16)
GAPS = Chances(0.08, 0.0)


def program_of(seed: int, folder: Path, calendar: bool = False, over_time: bool = False) -> Program | None:
    """The rulebook of a seed; None for the few that the checker refuses."""
    file = folder / "rules.yaml"
    doc = rulebook(random.Random(seed), calendar=calendar)
    file.write_text(json.dumps(with_times(doc) if over_time else doc, ensure_ascii=False), encoding="utf-8")
    document, diagnostics = read([file])
    try:
        return build(document, diagnostics)[0]
    except RuleError:
        return None


def with_times(doc: Doc) -> Doc:
    """The rulebook with rows over time, and settled amounts of all that accumulators sum."""
    doc["entities"]["resident"]["valid_from"] = "since"
    facts = {
        **doc["facts"],
        "resident": {**doc["facts"]["resident"], "since": {"type": "date", "title": "since"}},
    }
    accumulators = doc.get("accumulators", {}).values()
    listed = [accumulator["sums"] for accumulator in accumulators if "sums" in accumulator]
    sums = {name for names in listed for name in ([names] if isinstance(names, str) else names)}
    settled = {f"paid_{n}": {"type": "money", "min": "0", "title": n, "settles": n} for n in sorted(sums)}
    settled["voids"] = {"type": "text", "title": "voids"}
    doc["entities"]["claim"]["reverses"] = "voids"
    return {**doc, "facts": {**facts, "claim": {**facts["claim"], **settled}}}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_rulebook_means_the_same_in_the_script(seed: int, tmp_path: Path) -> None:
    program = program_of(seed, tmp_path)
    if program is None:
        pytest.skip("the checker refuses this one")
    assert differences(program, homes(random.Random(seed), program, 20, GAPS)) == []


@pytest.mark.parametrize("seed", CALENDAR_SEEDS)
def test_a_generated_rulebook_with_working_days_means_the_same_in_the_script(
    seed: int, tmp_path: Path
) -> None:
    program = program_of(seed, tmp_path, calendar=True)
    if program is None:
        pytest.skip("the checker refuses this one")
    assert differences(program, homes(random.Random(seed), program, 20, GAPS)) == []


@pytest.mark.parametrize("seed", seeds(7000, few=5, many=40))
def test_every_decision_of_a_generated_rulebook_is_traced(seed: int, tmp_path: Path) -> None:
    """Also where provisions that may decide would fail."""
    program = program_of(seed, tmp_path)
    if program is not None:
        interpreter = Interpreter(program)
        explainer = Explainer(interpreter)
        for home in homes(random.Random(seed), program, 12):
            case = case_of(program, home, AS_OF)
            interpreter.run(case)
            traced = {(step.row, step.decision.name) for step in explainer.trace(case).steps}
            assert set(explainer.roots(case)) <= traced


@pytest.mark.parametrize("overlays", [(), ("employee_limit_2021_2025",)][: 2 if SOAK else 1])
def test_the_shipped_rulebook_means_the_same_in_the_script(overlays: tuple[str, ...]) -> None:
    program = open_program(overlays=overlays)
    assert differences(program, homes(random.Random(1), program, few(50, 200), GAPS)) == []
