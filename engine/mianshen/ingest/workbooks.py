"""Workbooks (xlsx, ods, xls) as CSV text of ours: every cell as its literal text.

In: a file. Out: the text, written to a file in UTF-8, a line a row. Numbers are the shortest decimals that they are the
nearest to, days without a time are dates. Raises RuleError where a file is damaged, encrypted, or unpacks to more than
a machine should hold.
"""

from __future__ import annotations

import csv
import datetime as dt
import zipfile
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics
from mianshen.records.facts import INVISIBLE
from mianshen.source import RuleError, unlined

WORKBOOKS: Final = (".xlsx", ".xlsm", ".ods", ".xls")
LOST: Final = 1e15  # from here on a workbook keeps 15 digits of a number and makes the others 0
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


def _write(target: Path, rows: Iterable[list[str]]) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
