"""JSON lines as CSV text of ours: every value as its literal text.

In: a file of JSON objects, one a line, in UTF-8. Out: the text, written to a file, a line a record; columns in the order
in which they first come. Numbers keep their digits, items of a list stand side by side, null is an empty cell.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from mianshen.catalogue import diagnostic
from mianshen.source import RuleError, Span

LINES: Final = (".jsonl", ".ndjson", ".json")
_PLAIN: Final = {str, type(None)}  # types of values that are written as they are


def write_json_lines(text: Path, path: Path, target: Path) -> None:
    """Write the file as CSV; `path` is what it is called. Raises RuleError at a line that is no record."""
    columns = _convert(text, path, target, None)
    if columns is not None:
        _convert(text, path, target, columns)


def _convert(text: Path, path: Path, target: Path, columns: Iterable[str] | None) -> list[str] | None:
    """Write the records under these columns, else those of the first; all columns, where a later record has more."""
    whole = True
    known = None if columns is None else dict.fromkeys(columns)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if known is not None:
            writer.writerow(known)
        for record in _records(text, path):
            if known is None:
                known = dict.fromkeys(record)
                writer.writerow(known)
            elif not record.keys() <= known.keys():
                known |= dict.fromkeys(record)
                whole = False
            if whole:
                writer.writerow([record.get(name) for name in known])
    return None if whole else list(known or ())


def _records(text: Path, path: Path) -> Iterator[dict[str, str | None]]:
    """The records as texts."""
    with text.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if line.isspace():
                continue
            try:
                record = _DECODER.decode(line)
                if not {type(value) for value in record.values()} <= _PLAIN:
                    record = {name: _literal(value) for name, value in record.items()}
            except (ValueError, AttributeError, RecursionError):
                raise RuleError([diagnostic("E586.bad_json_line", Span(str(path), number, 1))]) from None
            yield record


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Raises ValueError where a name stands twice."""
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError
    return record


def _literal(value: Any) -> str | None:
    """A value as a cell holds it. Raises ValueError where it is neither a single one nor a list of single ones."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case list() if all(isinstance(item, str | bool) and ";" not in str(item) for item in value):
            return "; ".join(str(_literal(item)) for item in value)
        case _:
            raise ValueError


_DECODER: Final = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_object
)
