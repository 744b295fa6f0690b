"""The value at which a goal is met, to the smallest step of the figure, with nothing compiled after the first."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.impact.small import reform
from tests.impact.test_compare import inputs, people
from tests.support.populations import AS_OF

from mianshen.batch.request import Request
from mianshen.batch.run import run_batch
from mianshen.impact.seeking import Goal, Quest, _edge, goal_of, quest_of, seeking
from mianshen.rulebook import open_program
from mianshen.source import RuleError

__all__ = ["people"]
START = dt.date(2020, 6, 1)


def fund(folder: Path, value: Decimal, paths: dict[str, Path]) -> Decimal:
    """What a batch pays with a value of the rate."""
    text = f"set: {{employee_rate_working: {{from: {START}, value: {value}}}}}"
    folder.mkdir()
    program = open_program((), [reform(folder, text)])
    run_batch(program, Request(inputs(paths), AS_OF, folder / "out", 1, engine="interpreter"))
    totals = json.loads((folder / "out/summary.json").read_text("utf-8"))["claims"]["totals"]
    return sum((Decimal(totals[name]["amount"] or 0) for _, name in program.paid), Decimal(0))


def test_the_value_meets_the_goal_and_its_neighbour_does_not(people: dict[str, Path], tmp_path: Path) -> None:
    middle = fund(tmp_path / "middle", Decimal("0.8888"), people)
    goal = Goal("fund", "<=", middle)
    quest = quest_of(open_program(), "employee_rate_working", START, (Decimal("0.8"), Decimal(1)), goal)
    search = seeking((), (), quest)
    request = Request(inputs(people), AS_OF, tmp_path / "out", 1, engine="interpreter")
    result = search.seek(request)
    assert result.value is not None
    assert result.amount is not None
    assert result.amount <= middle
    assert result.value >= Decimal("0.8888")
    assert len(result.tried) <= 12
    assert fund(tmp_path / "one", result.value, people) == result.amount
    assert fund(tmp_path / "next", result.value + quest.step, people) > middle
    comparison = search.compare(result, request)
    content = comparison.content()
    assert content["fund"]["paid"]["after"] == f"{result.amount:.2f}"
    assert json.loads((tmp_path / "out/goal.json").read_text("utf-8"))["value"] == str(result.value)


def test_nothing_is_compiled_after_the_first_value(
    people: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goal = goal_of("fund<=100000")
    search = seeking((), (), quest_of(open_program(), "employee_rate_working", START, None, goal))
    request = Request(inputs(people), AS_OF, tmp_path / "out", 1, engine="native")
    values: list[Decimal] = []

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a program is started")

    def told(value: Decimal, _: Decimal) -> None:
        values.append(value)
        monkeypatch.setattr("subprocess.Popen", refuse)

    search.seek(request, told)
    assert 2 <= len(values) <= 12


@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=60), st.integers(-5, 200), st.booleans(), st.sampled_from(("<=", ">="))
)  # fmt: skip
def test_the_edge_is_found_of_every_amount_that_never_turns(
    rises: list[int], bound: int, falling: bool, sign: str
) -> None:
    amounts = [Decimal(sum(rises[:at])) for at in range(len(rises) + 1)]
    if falling:
        amounts.reverse()
    goal = Goal("fund", ">=" if sign == ">=" else "<=", Decimal(bound))
    quest = Quest("x", START, Decimal(0), Decimal(len(rises)), Decimal(1), goal)
    result = _edge(quest, lambda at: amounts[at])
    met = [at for at, amount in enumerate(amounts) if goal.met(amount)]
    if not met:
        assert result.value is None
        return
    assert result.value is not None
    at = int(result.value)
    assert at in met
    assert result.anything == (len(met) == len(amounts))
    assert result.anything or any(
        0 <= other < len(amounts) and other not in met for other in (at - 1, at + 1)
    )


@pytest.mark.parametrize("text", ["fund", "fund<", "fund=5", "fund<=x", "fund<=-1"])
def test_what_is_no_goal_is_told(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        goal_of(text)
    assert [d.code for d in caught.value.diagnostics] == ["E827"]


def test_a_figure_that_is_none_is_told_with_the_nearest() -> None:
    with pytest.raises(RuleError, match="perhaps employee_rate_working is meant"):
        quest_of(open_program(), "employe_rate_working", START, None, goal_of("fund<=1"))
