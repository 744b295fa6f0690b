"""Batches of any rulebook: files named for entities, benefits of households, rows below rows, an entry alone."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest
from tests.batch.batches import AS_OF, rows, small

from mianshen.batch.request import Engine
from mianshen.batch.run import Request, run_batch
from mianshen.native.library import compiler
from mianshen.program.program import Program

ENGINES: Final[list[Engine]] = ["interpreter", "native"]

HOMES: Final = """\
rulebook: {name: homes, title: {zh: 户, en: Homes}, entry: resident}
entities:
  household: {title: household, key: household_id}
  resident: {title: resident, key: person_id, parent: household, children: members, counted_by: member_count}
facts:
  household:
    household_id: {type: text, required: true, title: number}
    member_count: {type: integer, min: 1, max: 9, title: members}
    income: {type: money, min: 0, title: income}
  resident:
    person_id: {type: text, required: true, title: number}
    household_id: {type: text, title: household}
    pension: {type: money, min: 0, title: pension}
decisions:
  household:
    poor: {type: boolean, title: poor}
    heating: {type: money, title: heating}
    all_income: {type: money, title: income of all}
  resident:
    old: {type: boolean, title: old}
sources:
  S1: {title: a notice}
defaults: {source: S1, clause: 1}
provisions:
  adds: {title: adds, decision: all_income, value: income + sum(members.pension)}
  is_poor: {title: is poor, decision: poor, when: all_income < 100.00, value: 'true'}
  not_poor: {title: not poor, decision: poor, when: all_income >= 100.00, value: 'false'}
  heats: {title: heats, decision: heating, value: 50.00}
  is_old: {title: old, decision: old, when: pension > 0.00, value: 'true'}
  not_old: {title: not old, decision: old, when: pension = 0.00, value: 'false'}
benefits:
  fuel: {title: fuel, entity: household, eligible: poor, amount: heating, delivery: automatic, source: S1, clause: 1}
  bus: {title: bus, entity: resident, eligible: old, delivery: automatic, source: S1, clause: 1}
"""
PEOPLE: Final = "person_id,household_id,pension\nP1,H1,30.00\nP2,H1,40.00\nP3,H2,500.00\nP4,,1.00\nP5,H2,\n"
HOUSES: Final = "household_id,member_count,income\nH1,2,10.00\nH2,2,0.00\nH3,1,5.00\n"


def run(program: Program, folder: Path, files: dict[str, str], engine: Engine, **more: Any) -> Path:
    """Decide CSV texts by entity."""
    folder.mkdir(exist_ok=True)
    for entity, text in files.items():
        (folder / f"{entity}.csv").write_text(text, "utf-8")
    inputs = {entity: folder / f"{entity}.csv" for entity in files}
    out = folder / f"out-{engine}"
    run_batch(program, Request(inputs, AS_OF, out, engine=engine, **more))
    return out


def same_by_engines(program: Program, folder: Path, files: dict[str, str]) -> Path:
    """Decided by every engine, byte for byte the same; the results of one."""
    engines = [engine for engine in ENGINES if engine != "native" or compiler()]
    outs = [run(program, folder, files, engine) for engine in engines]
    first = {file.name: file.read_bytes() for file in outs[0].iterdir() if file.name != "timings.json"}
    for out in outs[1:]:
        assert first == {
            file.name: file.read_bytes() for file in out.iterdir() if file.name != "timings.json"
        }
    return outs[0]


def test_benefits_of_households_have_a_file_of_their_own(tmp_path: Path) -> None:
    program = small(tmp_path / "rules", HOMES)
    out = same_by_engines(program, tmp_path / "in", {"resident": PEOPLE, "household": HOUSES})
    assert rows(out / "households.parquet") == [
        {"household_id": "H1", "fuel_status": "eligible", "fuel_amount": Decimal("50.00"), "fuel_reason": "is_poor"},
        {"household_id": "H2", "fuel_status": "undetermined", "fuel_amount": None, "fuel_reason": "missing_facts: pension"},
        {"household_id": "H3", "fuel_status": "undetermined", "fuel_amount": None,
         "fuel_reason": "missing_facts: members"},
    ]  # fmt: skip
    assert [row["person_id"] for row in rows(out / "residents.parquet")] == ["P1", "P2", "P3", "P4", "P5"]
    assert pq.read_schema(out / "residents.parquet").names == [
        "person_id",
        "bus_status",
        "bus_amount",
        "bus_reason",
    ]
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["benefits"]["fuel"]["eligible"] == {
        "households": 1,
        "amount": "50.00",
        "without_amount": 0,
    }
    assert summary["records"]["household"]["read"] == 3


def test_households_that_only_members_name_are_decided_once(tmp_path: Path) -> None:
    """Nothing is known of them; they are no records that were read."""
    program = small(tmp_path / "rules", HOMES)
    out = same_by_engines(program, tmp_path / "in", {"resident": PEOPLE})
    table = rows(out / "households.parquet")
    assert [row["household_id"] for row in table] == ["H1", "H2"]
    assert {row["fuel_status"] for row in table} == {"undetermined"}
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["records"]["household"] == {"read": 0, "decided": 0, "rejected": 0}
    assert summary["benefits"]["fuel"]["undetermined"]["households"] == 2


SHOPS: Final = """\
rulebook: {name: shops, title: {zh: 店, en: Shops}, entry: shop}
entities:
  shop: {title: shop, key: shop_id}
  sale: {title: sale, key: sale_id, parent: shop, children: sales, date: day, outcome: tax}
  item: {title: item, key: item_id, parent: sale, children: items, outcome: net, explained_by: net}
facts:
  shop:
    shop_id: {type: text, required: true, title: number}
    rate: {type: rate, min: 0, max: 1, title: rate}
  sale:
    sale_id: {type: text, required: true, title: number}
    shop_id: {type: text, required: true, title: shop}
    day: {type: date, required: true, title: day}
    kind: {type: text, title: kind}
  item:
    item_id: {type: text, required: true, title: number}
    sale_id: {type: text, required: true, title: sale}
    price: {type: money, min: 0, title: price}
decisions:
  sale:
    late: {type: boolean, title: late, output: true}
    closes: {type: date, title: closes, output: true}
    label: {type: text, title: label, output: true}
    tax: {type: money, title: tax, output: true}
  item:
    net: {type: money, title: net, output: true}
sources:
  S1: {title: a notice}
defaults: {source: S1, clause: 1}
provisions:
  nets: {title: nets, decision: net, value: price}
  taxes: {title: taxes, decision: tax, value: sum(items.net)}
  is_late: {title: late, decision: late, value: 'day > date("2026-03-01")'}
  closing: {title: closes, decision: closes, value: day}
  labels: {title: labels, decision: label, value: kind}
"""


def test_rows_below_rows_of_a_rulebook_without_benefits(tmp_path: Path) -> None:
    program = small(tmp_path / "rules", SHOPS)
    files = {
        "shop": "shop_id,rate\nS1,0.5\n",
        "sale": "sale_id,shop_id,day,kind\nA,S1,2026-01-01,x\nB,S1,2026-04-01,\nC,S9,2026-01-01,y\n",
        "item": "item_id,sale_id,price\n1,A,10.00\n2,A,5.00\n3,B,\n4,C,1.00\n",
    }
    out = same_by_engines(program, tmp_path / "in", files)
    names = {file.name for file in out.glob("*.parquet")}
    assert names == {"shops.parquet", "sales.parquet", "items.parquet", "rejects.parquet"}
    sales = rows(out / "sales.parquet")
    assert [(row["sale_id"], row["late"], str(row["closes"]), row["label"], row["status"]) for row in sales] == [
        ("A", False, "2026-01-01", "x", "decided"), ("B", True, "2026-04-01", None, "undetermined"),
    ]  # fmt: skip
    assert [row["item_id"] for row in rows(out / "items.parquet")] == ["1", "2", "3"]
    assert [(r["file"], r["row"], r["reason"]) for r in rows(out / "rejects.parquet")] == [
        ("item.csv", 4, "parent_rejected"), ("sale.csv", 3, "unknown_parent"),
    ]  # fmt: skip


@pytest.mark.parametrize("shares", [None, 3])
def test_partitions_of_any_rulebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shares: int | None
) -> None:
    monkeypatch.setattr("mianshen.batch.blocks.BLOCK_ROWS", 20)
    program = small(tmp_path / "rules", HOMES)
    people = "person_id,household_id,pension\n" + "".join(f"P{n},H{n % 37},{n}.00\n" for n in range(100))
    out = run(program, tmp_path / "in", {"resident": people}, "interpreter", shares=shares)
    assert len(rows(out / "households.parquet")) == 37
    assert len(rows(out / "residents.parquet")) == 100
