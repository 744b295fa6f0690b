"""Records over time against records without: what a claim reads is what a record of its day alone would say."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.support.campaigns import few
from tests.support.histories import over_time, records_over_time
from tests.support.populations import nasty

from mianshen.interpreter import Case, Interpreter
from mianshen.program.program import Program
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program
from mianshen.values import NotModelled, Unknown, Value


@pytest.fixture(scope="module")
def program() -> Program:
    return open_program()


def _records(seed: int) -> list[dict[str, Any]]:
    population = over_time(nasty(seed, few(30, 60), unknown=0.05), seed)
    starts = [(r["person_id"], r["valid_from"]) for r in population.residents]
    doubled = {person for person, start in starts if starts.count((person, start)) > 1}
    return [r for r in records_over_time(population) if r["resident"]["person_id"] not in doubled]  # type: ignore[index]


def _cases(program: Program, records: list[dict[str, Any]], folder: Path) -> list[Case]:
    file = folder / "records.json"
    file.write_text(json.dumps(records, ensure_ascii=False), "utf-8")
    cases = [read.case for read in read_cases(file, program)]
    interpreter = Interpreter(program)
    for case in cases:
        interpreter.run(case)
    return cases


def _shown(values: dict[str, Value]) -> dict[str, object]:
    return {
        name: sorted(fact.name for fact in value.missing) if isinstance(value, Unknown)
        else "not modelled" if isinstance(value, NotModelled) else value
        for name, value in values.items()
    }  # fmt: skip


def _in_force(rows: list[dict[str, Any]], day: str) -> dict[str, Any] | None:
    """The row of a person on a day, by another way than the reader's."""
    begun = [row for row in rows if row["valid_from"] is None or row["valid_from"] <= day]
    return max(begun, key=lambda row: row["valid_from"] or "", default=None)


@pytest.mark.parametrize("seed", [41, 42])
def test_a_claim_alone_is_decided_as_by_the_row_of_its_date_alone(
    program: Program, tmp_path: Path, seed: int
) -> None:
    openings = [name for entity, name in program.facts if entity == "resident" and name.startswith("opening")]
    timed, flat = [], []
    for record in _records(seed):
        rows = [record["resident"], *record["history"]]
        now = _in_force(rows, record["as_of"])
        for claim in record["claims"]:
            then = _in_force(rows, claim["service_date"])
            if then is None or now is None or claim["reverses"] is not None:
                continue
            alone = {**record, "members": [], "claims": [claim]}
            held = {name: now[name] for name in openings if name in now}
            timed.append(alone)
            flat.append({**alone, "resident": {**then, "valid_from": None, **held}, "history": []})
    assert len(timed) > few(30, 60)
    pairs = zip(_cases(program, timed, tmp_path), _cases(program, flat, tmp_path), strict=True)
    for one, two in pairs:
        (a,), (b,) = one.person.children, two.person.children
        assert _shown(a.values) == _shown(b.values), a.key


@pytest.mark.parametrize("seed", [43])
def test_a_row_that_says_nothing_new_changes_nothing(program: Program, tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    records = _records(seed)
    more = []
    for record in records:
        rows = [record["resident"], *record["history"]]
        day = f"{rng.choice((2025, 2026))}-{rng.randrange(1, 13):02}-17"
        same = _in_force(rows, day)
        again = [] if same is None else [{**same, "valid_from": day}]
        listed = [*record["history"], *again]
        rng.shuffle(listed)
        more.append({**record, "history": listed})
    for one, two in zip(_cases(program, records, tmp_path), _cases(program, more, tmp_path), strict=True):
        assert _shown(one.person.values) == _shown(two.person.values), one.person.key
        for a, b in zip(one.person.children, two.person.children, strict=True):
            assert _shown(a.values) == _shown(b.values), (one.person.key, a.key)


def test_the_order_of_rows_in_a_record_makes_no_difference(program: Program, tmp_path: Path) -> None:
    rng = Random(5)
    records = _records(44)
    shuffled = []
    for record in records:
        history, claims = list(record["history"]), list(record["claims"])
        rng.shuffle(history)
        rng.shuffle(claims)
        shuffled.append({**record, "history": history, "claims": claims})
    for one, two in zip(_cases(program, records, tmp_path), _cases(program, shuffled, tmp_path), strict=True):
        assert _shown(one.person.values) == _shown(two.person.values)
        assert {c.key: _shown(c.values) for c in one.person.children} == {
            c.key: _shown(c.values) for c in two.person.children
        }
        assert one.as_of == dt.date(2026, 11, 21)
