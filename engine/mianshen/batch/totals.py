"""What the summary counts and adds up, block by block: answers, amounts, and how many rows each sum leaves out.

In: the results of a block. Out: counts that are added to those of other blocks, then the summary's content.
Invariant: sums are exact; each says of how many rows it is, and how many are undetermined or not modelled.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np

from mianshen.batch.columns import Array, Numbers, Texts
from mianshen.batch.output_files import EntityFile
from mianshen.batch.results import BENEFIT_STATUS, KNOWN, NOT_MODELLED, ROW_STATUS, UNKNOWN, Results
from mianshen.program.program import Program
from mianshen.values import as_money

Counts: TypeAlias = "dict[str, Any]"  # numbers, in dictionaries; amounts in fen


def added(one: Counts, other: Counts) -> Counts:
    """Both, added up number by number."""
    total = dict(one)
    for name, value in other.items():
        if isinstance(value, dict):
            total[name] = added(total.get(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value
    return total


def block_totals(results: Results, decided: Array) -> Counts:
    """The counts of an entity's decided rows."""
    file = results.file
    totals: Counts = {}
    rows: Any = slice(None) if decided.all() else decided
    if file.entity.outcome is not None:
        totals["status"] = _by_text(results.columns["status"], ROW_STATUS, rows)
    for name, state in results.states.items():
        column = results.columns.get(name)
        if isinstance(column, Numbers) and file.program.decision(file.entity.name, name).written == "money":
            mine, values = state[rows], column.values[rows]
            states = np.bincount(mine, minlength=3)
            totals.setdefault("amounts", {})[name] = {
                "fen": exact_sum(values[mine == KNOWN]), "rows": int(states[KNOWN]),
                "undetermined": int(states[UNKNOWN]), "not_modelled": int(states[NOT_MODELLED]),
            }  # fmt: skip
    for benefit in file.benefits:
        answers, amounts = (results.columns[f"{benefit.name}_{part}"] for part in ("status", "amount"))
        assert isinstance(answers, Texts)
        assert isinstance(amounts, Numbers)
        counts = _by_text(answers, BENEFIT_STATUS, rows)
        paid = amounts.values[rows][amounts.known[rows] != 0]  # only what is eligible has an amount
        of_answer: Counts = {status: {"rows": count, "paid": 0, "fen": 0} for status, count in counts.items()}
        of_answer["eligible"] |= {"paid": len(paid), "fen": exact_sum(paid)}
        totals.setdefault("benefits", {})[benefit.name] = of_answer
    return totals


def _by_text(column: Any, texts: tuple[str, ...], rows: Any) -> Counts:
    counts = np.bincount(column.places[rows], minlength=len(texts))
    return {text: int(counts[at]) for at, text in enumerate(texts)}


def exact_sum(numbers: Array) -> int:
    """An exact sum, however many there are."""
    high, low = numbers >> 32, numbers & 0xFFFFFFFF
    return (int(high.sum()) << 32) + int(low.sum())


def entity_summary(file: EntityFile, totals: Mapping[str, Any]) -> dict[str, Any]:
    """What the summary says of an entity's shown decisions."""
    amounts = totals.get("amounts", {})
    summary: dict[str, Any] = {}
    if file.entity.outcome is not None:
        summary["status"] = {status: n for status, n in sorted(totals["status"].items()) if n}
    summary["amounts"] = {name: _money(t["fen"], t["rows"]) for name, t in amounts.items()}
    summary["totals"] = {
        name: {"amount": _money(t["fen"], t["rows"]), **{n: v for n, v in t.items() if n != "fen"}}
        for name, t in amounts.items()
    }
    return summary


def benefit_summary(file: EntityFile, totals: Mapping[str, Any]) -> dict[str, Any]:
    """By benefit and answer: how many rows, what they are paid, and of how many no amount is known."""
    return {
        benefit.name: {
            status: {
                file.stem: n["rows"], "amount": _money(n["fen"], n["paid"]),
                **({} if benefit.amount is None or status != "eligible" else {"without_amount": n["rows"] - n["paid"]}),
            }
            for status, n in sorted(totals["benefits"][benefit.name].items()) if n["rows"]
        }
        for benefit in file.benefits
    }  # fmt: skip


def settled_summary(totals: Counts) -> dict[str, Any]:
    """What the summary says of settled amounts, by decision."""
    return {
        name: {
            "rows": n["rows"], "settled": _money(n["settled"], n["rows"]),
            "ruled": _money(n["ruled"], n["rows"] - n["not_ruled"]),
            "difference": _money(n["difference"], n["rows"] - n["not_ruled"]), "not_ruled": n["not_ruled"],
        }
        for name, n in totals.items() if n["rows"]
    }  # fmt: skip


def _money(fen: int, rows: int) -> str | None:
    return as_money(Decimal(fen).scaleb(-2)) if rows else None


def summary_of(
    program: Program, as_of: dt.date, files: Sequence[EntityFile], counts: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of the summary; `counts` of all blocks together."""
    summary: dict[str, Any] = {
        "as_of": as_of.isoformat(),
        "rulebook": {"name": program.name, "digest": f"sha256:{program.digest}"},
        "records": {name: counts[name]["records"] for name in program.entities},
        "benefits": {},
    }
    settled: dict[str, Any] = {}
    pairs = [
        counts[file.entity.name]["reversals"] for file in files if "reversals" in counts[file.entity.name]
    ]
    for file in files:
        of_entity = counts[file.entity.name]
        summary["benefits"] |= benefit_summary(file, of_entity["totals"])
        if file.shown:
            summary[file.stem] = entity_summary(file, of_entity["totals"])
        settled |= settled_summary(of_entity.get("settled", {}))
    if any("settled" in counts[file.entity.name] for file in files):
        summary["settled"] = settled
    return summary | ({"reversals": sum(pairs)} if pairs else {})
