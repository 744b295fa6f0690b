"""Workbooks (xlsx, ods, xls) and JSON lines as CSV text of ours: every cell as its literal text.

In: a file. Out: the text, written to a file in UTF-8, a line a row. Numbers are the shortest decimals that they are the
nearest to, days without a time are dates, JSON's numbers keep their digits. Raises RuleError where a file is
damaged, encrypted, or unpacks to more than a machine should hold.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import zipfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics
from mianshen.records.facts import INVISIBLE
from mianshen.source import RuleError, Span, unlined

WORKBOOKS: Final = (".xlsx", ".xlsm", ".ods", ".xls")
LOST: Final = 1e15  # from here on a workbook keeps 15 digits of a number and makes the others 0
LINES: Final = (".jsonl", ".ndjson")
MOST: Final = 1 << 31  # bytes that a workbook may unpack to
_RATIO: Final = 1000  # times its size that a file in it may unpack to
_ENCRYPTED: Final = 1  # in the flags of a file in a zip
_SHEET: Final = "#"


def workbook_named(path: Path) -> tuple[Path, str | None]:
    """A workbook and the sheet of it that is named behind `#`: `people.xlsx#参保人`."""
    name, _, sheet = path.name.rpartition(_SHEET)
    if name.lower().endswith(WORKBOOKS) and not path.exists():
        return path.with_name(name), sheet
    return path, None


def write_workbook(path: Path, target: Path, sheet: str | None) -> None:
    """One sheet of a workbook as CSV: the one that is named, else the first that holds anything."""
    from python_calamine import CalamineError, CalamineWorkbook

    refuse_unfit_zip(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise RuleError([diagnostics.no_sheet(unlined(str(path)), sheet, names)])
        rows: list[list[Any]] = []
        for name in [sheet] if sheet is not None else names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            if rows:
                break
    except (CalamineError, OSError, ValueError, zipfile.BadZipFile):
        raise RuleError([diagnostics.bad_workbook(unlined(str(path)))]) from None
    cells = [[_text(cell) for cell in row] for row in rows]
    width = max(
        (number for row in cells for number, cell in enumerate(row, 1) if cell.strip(INVISIBLE)), default=0
    )
    _write(target, (row[:width] for row in cells))  # columns of nothing behind the last one are no columns


def refuse_unfit_zip(path: Path) -> None:
    """Raises RuleError where a zip is encrypted, damaged, or holds too much."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            if file.read(4) == b"PK\x03\x04":
                raise RuleError([diagnostics.bad_workbook(unlined(str(path)))])
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        raise RuleError([diagnostics.bad_workbook(unlined(str(path)))]) from None
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise RuleError([diagnostic("E584.encrypted", unlined(str(path)))])
    large = any(m.file_size > max(_RATIO * m.compress_size, 1 << 20) for m in members)
    if large or sum(member.file_size for member in members) > MOST:
        raise RuleError([diagnostic("E585.oversized", unlined(str(path)))])


def _text(cell: object) -> str:
    """A workbook's cell as somebody would type it; of a number too long for a workbook only what is left of it."""
    match cell:
        case bool():
            return "true" if cell else "false"
        case float() if abs(cell) >= LOST:
            return f"{cell:.14E}"
        case float():
            return str(int(cell)) if cell.is_integer() else f"{Decimal(repr(cell)):f}"
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.datetime():
            return cell.isoformat(" ")
        case dt.date() | dt.time():
            return cell.isoformat()
        case _:
            return str(cell)


def write_json_lines(text: Path, path: Path, target: Path) -> None:
    """A file of JSON objects, one a line, as CSV. `path` is what the file is called."""
    columns: dict[str, None] = {}
    for _, record in _records(text, path):
        columns.update(dict.fromkeys(record))
    rows = ([_literal(record.get(name)) for name in columns] for _, record in _records(text, path))
    _write(target, (row for part in ([list(columns)], rows) for row in part))


def _records(text: Path, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with text.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(
                    line, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_object
                )
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict) or not all(_is_cell(value) for value in record.values()):
                raise RuleError([diagnostic("E586.bad_json_line", Span(str(path), number, 1))])
            yield number, record


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a name that stands twice is a mistake."""
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError
    return record


def _is_cell(value: object) -> bool:
    """Whether a value is a single one, or a list of single ones that a cell can hold side by side."""
    if isinstance(value, list):
        return all(isinstance(item, str | bool) and ";" not in str(item) for item in value)
    return value is None or isinstance(value, str | bool)


def _literal(value: str | bool | list[Any] | None) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return "; ".join(_literal(item) for item in value)
        case _:
            return value


def _write(target: Path, rows: Iterable[list[str]]) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
