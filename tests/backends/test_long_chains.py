"""Decisions that rest on one another a long way mean the same on every back end, and none breaks at their depth."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.agreement import REJECTED, UNKNOWN, UNMODELLED, by_interpreter, differences, rows_of
from tests.support.campaigns import few
from tests.support.chains import chain
from tests.support.compiled import compiled_differences
from tests.support.homes import AS_OF, Record, homes
from tests.support.rulebooks import Doc

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.native.library import compiler
from mianshen.policy.scripts import Wish, compiled
from mianshen.program.program import Program
from mianshen.warehouse.layers import DEEPEST
from mianshen.warehouse.plan import DEEPEST as STEP

pytestmark = pytest.mark.xdist_group("long_chains")

LONG = few(120, 300)


def built(folder: Path, doc: Doc) -> Program:
    file = folder / "rules.yaml"
    file.write_text(json.dumps(doc, ensure_ascii=False), encoding="utf-8")
    document, diagnostics = read([file])
    return build(document, diagnostics)[0]


def people(program: Program) -> list[Record]:
    return homes(random.Random(1), program, 8)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return built(tmp_path_factory.mktemp("long"), chain(LONG))


def test_the_end_of_a_long_chain_is_known_unknown_and_not_modelled_for_some(long: Program) -> None:
    tops = [row for row in rows_of(long, people(long), AS_OF) if row.parent is None]
    ends = [answers.get(f"d{LONG - 1}") for answers in by_interpreter(long, tops, AS_OF).values()]
    results = Counter(end if end in (UNKNOWN, UNMODELLED) else "known" for end in ends if end is not None)
    assert min(results[UNKNOWN], results[UNMODELLED], results["known"]) > 0


def test_a_long_chain_means_the_same_in_duckdb(long: Program) -> None:
    assert differences(long, people(long)) == []


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
def test_a_long_chain_means_the_same_compiled(long: Program) -> None:
    assert compiled_differences(long, people(long)) == []


def test_a_long_chain_is_written_down_for_spark_in_statements_of_bounded_depth(long: Program) -> None:
    script = compiled(long, "spark", AS_OF, Wish(entities=("claim",)))
    assert max(text.count("FROM (") for text in script.statements) <= DEEPEST + 2


def test_a_chain_with_limits_along_it_means_the_same_in_duckdb(tmp_path: Path) -> None:
    program = built(tmp_path, chain(60, limits=6))
    assert differences(program, people(program)) == []


def test_of_rows_that_fail_along_a_chain_the_earliest_is_rejected_first(tmp_path: Path) -> None:
    """What comes after it is unknown then and fails no more, though it failed nearer the chain's beginning."""
    doc = chain(2 * STEP, limits=1)
    for n, cost in ((5, "100.00"), (2 * STEP - 1, "70.00")):
        fails = f"round half up(1 / (cost - {cost} + d{n - 1} - d{n - 1}), 2)"
        doc["provisions"][f"p{n}"]["value"] = fails
    program = built(tmp_path, doc)
    early, late = (
        Record("claim", key, {"claim_id": key, "day": dt.date(2026, month, 1), "cost": Decimal(cost)})
        for key, month, cost in (("C1", 2, "70.00"), ("C2", 3, "100.00"))
    )
    for claim in (early, late):
        claim.facts |= {"days": Decimal(400), "care": "inpatient", "urgent": False}
    person = Record("resident", "P1", {"person_id": "P1", "opening_one": Decimal(0)}, children=[late, early])
    home = Record("household", "H1", {"home_id": "H1"}, children=[person])
    assert differences(program, [home]) == []
    answers = by_interpreter(program, [rows_of(program, [home], AS_OF)[0]], AS_OF)
    assert REJECTED in answers["claim", "C1"]
    assert answers["claim", "C2"]["d0"] == UNKNOWN
