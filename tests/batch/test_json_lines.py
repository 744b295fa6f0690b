"""JSON lines as CSV text: every record a line, every value its literal text, whichever records have which names."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mianshen.ingest.json_lines import write_json_lines

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4)
values = st.one_of(
    st.none(), st.booleans(), texts, st.lists(texts.filter(lambda t: ";" not in t), max_size=3)
)
records = st.lists(st.dictionaries(st.sampled_from("abcd"), values, min_size=1), min_size=1, max_size=6)


def written(lines: str) -> list[list[str]]:
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "in.jsonl"), Path(folder, "out.csv")
        source.write_text(lines, encoding="utf-8")
        write_json_lines(source, source, target)
        with target.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))


def cell(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value


@given(records)
def test_every_value_stands_under_its_name(rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert written(lines) == [columns, *([cell(row.get(name)) for name in columns] for row in rows)]


def test_numbers_keep_their_digits() -> None:
    assert written('{"a": 12.30, "b": 1e5}\n') == [["a", "b"], ["12.30", "1e5"]]
