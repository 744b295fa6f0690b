"""One input, one set of bytes: whatever the threads, memory, partitions, cache and engine.

Blocks are made small, so that few people fill many.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from tests.support.campaigns import SOAK
from tests.support.populations import nasty, spoil, write_csv

from mianshen.batch.run import Request, run_batch
from mianshen.native.library import compiler
from mianshen.rulebook import open_program

pytestmark = [
    pytest.mark.xdist_group("same_bytes"),
    pytest.mark.skipif(compiler() is None, reason="needs a C compiler"),
]

AS_OF: Final = dt.date(2026, 6, 30)
ENTITIES: Final = {"residents": "resident", "households": "household", "claims": "claim"}
Inputs = dict[str, Path]


def clean(folder: Path, people: int = 160) -> Inputs:
    """People with unknown facts, none of them wrong."""
    return _written(folder, 71, people, 0.0)


def spoilt(folder: Path, people: int = 160) -> Inputs:
    """One row in twenty of every file is wrong."""
    return _written(folder, 72, people, 0.05)


def _written(folder: Path, seed: int, people: int, wrong: float) -> Inputs:
    population = nasty(seed, people, unknown=0.05)
    files = write_csv(spoil(population, seed, wrong) if wrong else population, folder, seed)
    return {entity: files[name] for name, entity in ENTITIES.items()}


def lived(folder: Path, people: int = 160) -> Inputs:
    """People with rows of other times, in households of other times; settled amounts; claims that are cancelled."""
    chance = Random(73)
    residents = [
        "person_id,household_id,valid_from,insured_area,insurance_scheme,coverage_status,assistance_category"
    ]
    columns = "claim_id,person_id,service_date,care_type,hospital_level,total_cost,out_of_scope_cost"
    claims = [f"{columns},settled_basic_payment,reverses"]
    for n in range(people):
        area, kind = chance.choice(["310113", "371724", ""]), chance.choice(["employee", "resident"])
        for start in chance.choice(
            [[""], ["", "2026-02-01"], ["2025-05-01", "2026-03-01"], ["2026-07-01"], ["?"]]
        ):
            home = f"H{chance.randrange(people * 3 // 8)}" if chance.random() < 0.9 else ""
            poor = chance.choice(["none", "subsistence", "destitute"])
            residents.append(f"P{n},{home},{start},{area},{kind},active,{poor}")
        for k in range(chance.randrange(5)):
            day = f"2026-0{chance.randrange(1, 8)}-{chance.randrange(10, 28)}"
            paid = chance.choice(["", "100.00", "2500.00"])
            claims.append(
                f"C{n}-{k},P{n},{day},inpatient,tertiary,{chance.randrange(90_000)}.50,10.00,{paid},"
            )
            if chance.random() < 0.2:
                target = chance.choice([f"C{n}-{k}", f"C{n}-{k}", "nothing", f"C{(n + 1) % people}-0"])
                claims.append(f"R{n}-{k},P{n},2026-06-{chance.randrange(10, 28)},,,,,,{target}")
    chance.shuffle(residents[1:])
    homes = [
        "household_id,annual_income,member_count",
        *(f"H{n},{n}000.00,2" for n in range(people * 3 // 8)),
    ]
    lines = {"resident": residents, "claim": claims, "household": homes}
    folder.mkdir(exist_ok=True)
    files = {entity: folder / f"{entity}s.csv" for entity in lines}
    for entity, file in files.items():
        file.write_text("\n".join(lines[entity]) + "\n", "utf-8")
    return files


WAYS: Final[dict[str, dict[str, Any]]] = {
    "two threads": {"threads": 2},
    "little memory": {"threads": 2, "memory": "300MB"},
    "two partitions": {"threads": 1, "shares": 2},
    "seven partitions, little memory": {"threads": 2, "shares": 7, "memory": "300MB"},
    "the interpreter": {"threads": 2, "engine": "interpreter"},
    "the interpreter, three partitions": {"threads": 1, "engine": "interpreter", "shares": 3},
    "optimised, cold cache": {"threads": 2},  # compiled anew, which takes a while
}
ALL: Final = tuple(WAYS)
FEW: Final[dict[Callable[..., Inputs], tuple[str, ...]]] = {
    clean: ALL[:1] + ALL[3:4],
    spoilt: ALL[1:4] + ALL[5:6],
    lived: ALL[2:5],
}  # the rest in `make soak`


def content(out: Path) -> dict[str, bytes]:
    """The files of a run but the one that tells how long it took."""
    return {file.name: file.read_bytes() for file in out.iterdir() if file.name != "timings.json"}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks of few rows."""
    monkeypatch.setattr("mianshen.batch.blocks.BLOCK_ROWS", 40)


@pytest.mark.parametrize("people", [clean, spoilt, lived], ids=["clean", "spoilt", "lived"])
def test_nothing_but_the_inputs_changes_a_byte(
    people: Callable[..., Inputs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    inputs, program = people(tmp_path / "in"), open_program()
    run_batch(program, Request(inputs, AS_OF, tmp_path / "one", 1, engine="native"))
    expected = content(tmp_path / "one")
    for number, name in enumerate(ALL if SOAK else FEW[people]):
        if name == "optimised, cold cache":
            monkeypatch.setattr("mianshen.batch.engines.MANY", 0)
            monkeypatch.setenv("MIANSHEN_CACHE", str(tmp_path / "cache"))
        out = tmp_path / f"way{number}"
        run_batch(program, Request(inputs, AS_OF, out, **{"engine": "native", **WAYS[name]}))
        written = content(out)
        differing = [file for file in expected | written if expected.get(file) != written.get(file)]
        assert not differing, (name, differing)
    records = json.loads(expected["summary.json"])["records"]
    assert records["claim"]["decided"] > 100
    if people is lived:
        assert records["resident"]["history"] > 20
        assert records["claim"]["reversed"] > 10
