"""Comparisons, goals and drifts come out the same whether all rows are in memory or a partition of them at a time."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from tests.impact.conftest import Under
from tests.impact.small import write_small
from tests.impact.test_compare import SEVERAL, inputs, people
from tests.impact.test_drift import ruled
from tests.support.populations import AS_OF

from mianshen.batch.request import Request
from mianshen.impact.compare import compare
from mianshen.impact.drift import drift
from mianshen.impact.seeking import goal_of, quest_of, seeking
from mianshen.rulebook import open_program

__all__ = ["people"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mianshen.batch.blocks.BLOCK_ROWS", 60)


def test_a_comparison_has_the_same_bytes(people: dict[str, Path], tmp_path: Path, under: Under) -> None:
    before, after = open_program(), under(SEVERAL)
    for shares in (1, 4):
        request = Request(inputs(people), AS_OF, tmp_path / f"out{shares}", 2, engine="native", shares=shares)
        compare(before, after, request, resettle="lists")
    for name in ("compare.json", "changes.parquet", "report.html", "resettlement.parquet"):
        assert (tmp_path / "out1" / name).read_bytes() == (tmp_path / "out4" / name).read_bytes(), name


def test_a_goal_is_met_by_the_same_value(people: dict[str, Path], tmp_path: Path) -> None:
    quest = quest_of(
        open_program(), "employee_rate_working", dt.date(2020, 6, 1), (Decimal("0.8"), Decimal(1)), goal_of("fund<=1000000")
    )  # fmt: skip
    search = seeking((), (), quest)
    request = Request(inputs(people), AS_OF, tmp_path / "out", 2, engine="native", shares=1)
    one, other = search.seek(request), search.seek(replace(request, shares=4))
    assert one == other
    assert len(one.tried) >= 2


def test_a_drift_has_the_same_suspects(tmp_path: Path) -> None:
    rng, lines = Random(6), ["claim_id,person_id,service_date,total_cost,settled_payment"]
    for number in range(400):
        day = dt.date(2026, 1, 1) + dt.timedelta(days=rng.randrange(360))
        cost = Decimal(rng.randrange(5000, 2000000)).scaleb(-2)
        rate = Decimal("0.80") if day < dt.date(2026, 7, 1) else None
        lines.append(f"C{number},P{number % 150},{day},{cost},{ruled(day, cost, rate)}")
    claims, people = tmp_path / "claims.csv", tmp_path / "residents.csv"
    claims.write_text("\n".join(lines) + "\n", encoding="utf-8")
    people.write_text("person_id\n" + "".join(f"P{n}\n" for n in range(150)), encoding="utf-8")
    rules = write_small(tmp_path / "rules")
    request = Request(
        {"resident": str(people), "claim": str(claims)}, AS_OF, tmp_path, 2, engine="native", shares=1
    )
    contents = [drift([rules], (), replace(request, shares=shares)).content() for shares in (1, 4)]
    assert json.dumps(contents[0]) == json.dumps(contents[1])
    assert contents[0]["suspects"][0]["name"] == "rate"
