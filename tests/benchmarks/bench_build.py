"""How loading a rulebook grows with what it holds: four times as much takes about four times as long.

Decisions that read one another in a long chain, facts with a figure each, codes that a figure is keyed by, rows of a table.
Processor time of reading and building, in this process, of the second of two runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any, Final

import pytest

from mianshen.document import read
from mianshen.elaboration.build import build

FEW: Final = 1000
TIMES: Final = 4
MOST: Final = 7  # times as long for four times as much; what is quadratic takes up to sixteen
Doc = dict[str, Any]


def _doc(**sections: Any) -> Doc:
    facts = {"id": {"type": "text", "title": "id"}, **sections.pop("facts", {})}
    return {
        "rulebook": {"name": "large", "title": "large", "entry": "case"},
        "entities": {
            "top": {"title": "top", "key": "no"},
            "case": {"title": "case", "key": "id", "parent": "top"},
        },
        "facts": {"top": {"no": {"type": "text", "title": "no"}}, "case": facts},
        "sources": {"S": {"title": "s"}},
        "defaults": {"source": "S", "clause": "1", "basis": "cited"},
        **sections,
    }


def chain(count: int) -> Doc:
    values = ["id = id", *(f"not(d{number})" for number in range(count - 1))]
    return _doc(
        decisions={"case": {f"d{n}": {"type": "boolean", "title": "d"} for n in range(count)}},
        provisions={
            f"p{n}": {"decision": f"d{n}", "title": "p", "value": value} for n, value in enumerate(values)
        },
    )


def figures(count: int) -> Doc:
    money = {"type": "money", "title": "m"}
    return _doc(
        facts={f"x{n}": {**money, "min": 0, "max": 1000} for n in range(count)},
        decisions={"case": {f"d{n}": {"type": "boolean", "title": "d"} for n in range(count)}},
        parameters={
            f"a{n}": {**money, "values": [{"from": "2020-01-01", "value": n % 900}]} for n in range(count)
        },
        provisions={
            f"p{n}": {"decision": f"d{n}", "title": "p", "value": f"x{n} > a{n}"} for n in range(count)
        },
    )


def codes(count: int) -> Doc:
    by_code = {f"k{n}": n for n in range(count)}
    values = [{"from": "2020-01-01", "value": by_code}]
    keyed = {"type": "money", "title": "a", "keys": {"kind": "code kind"}, "values": values}
    return _doc(
        codes={"kind": {"title": "kind", "values": {code: code for code in by_code}}},
        facts={"k": {"type": "code kind", "title": "k"}},
        decisions={"case": {"d": {"type": "money", "title": "d"}}},
        parameters={"a": keyed},
        provisions={"p": {"decision": "d", "title": "p", "value": "a(k)"}},
    )


def rows(count: int) -> Doc:
    table = {"decision": "d", "title": "t", "hit_policy": "unique", "inputs": ["n"]}
    cells = [{"id": f"r{n}", "cells": [f"{n}"], "value": f"{n}"} for n in range(count)]
    return _doc(
        facts={"n": {"type": "integer", "title": "n", "min": 0, "max": 100000}},
        decisions={"case": {"d": {"type": "money", "title": "d"}}},
        tables={"t": {**table, "rows": cells}},
    )


def _seconds(folder: Path, doc: Doc) -> float:
    file = folder / "rules.yaml"
    file.write_text(json.dumps(doc), encoding="utf-8")
    took = 0.0
    for _ in range(2):
        begun = process_time()
        build(*read([file]))
        took = process_time() - begun
    return took


@pytest.mark.parametrize("kind", [chain, figures, codes, rows])
def test_four_times_as_much_takes_about_four_times_as_long(
    kind: Callable[[int], Doc], tmp_path: Path
) -> None:
    few, many = (_seconds(tmp_path, kind(count)) for count in (FEW, FEW * TIMES))
    print(f"{kind.__name__}: {FEW} in {few:.2f} s, {FEW * TIMES} in {many:.2f} s")
    assert many < MOST * few
