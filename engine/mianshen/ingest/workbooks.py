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
from typing import TYPE_CHECKING, Final

from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics
from mianshen.records.facts import INVISIBLE
from mianshen.source import Diagnostic, RuleError, listed, unlined

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

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


def sheet_named(path: Path, sheet: str | None) -> Path:
    """A workbook's path with the sheet behind it, as `workbook_named` takes it apart."""
    return path if sheet is None else path.with_name(f"{path.name}{_SHEET}{sheet}")


def write_workbook(path: Path, target: Path, sheet: str | None) -> Diagnostic | None:
    """One sheet of a workbook as CSV: the one that is named, else the first that holds anything.

    The doubt, where none is named, that the records go on in others.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    check_zip(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise RuleError([diagnostics.no_sheet(unlined(str(path)), sheet, names)])
        sheets = {name: _cells(book, name) for name in (names if sheet is None else [sheet])}
    except (CalamineError, OSError, ValueError, zipfile.BadZipFile):
        raise RuleError([diagnostics.bad_workbook(unlined(str(path)))]) from None
    read = next((name for name, rows in sheets.items() if rows), names[0])
    _write(target, sheets[read])
    others = [name for name, rows in sheets.items() if name != read and _goes_on(sheets[read], rows)]
    if not others:
        return None
    named = sheet_named(path, others[0]).name
    return diagnostic("E594.other_sheets", unlined(str(path)), read=read, others=listed(others), named=named)


def _cells(book: CalamineWorkbook, sheet: str) -> list[list[str]]:
    """The rows of a sheet as texts; columns of nothing behind the last one are no columns. None where nothing stands."""
    rows = [
        [_text(cell) for cell in row]
        for row in book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    ]
    width = max(
        (number for row in rows for number, cell in enumerate(row, 1) if cell.strip(INVISIBLE)), default=0
    )
    return [row[:width] for row in rows] if width else []


def _goes_on(rows: list[list[str]], more: list[list[str]]) -> bool:
    """Whether a sheet goes on with the records of another: it has its header, or as many columns and no header."""
    header, first = (next((row for row in part if any(row)), []) for part in (rows, more))
    return len(first) > 1 and (
        header == first or (len(header) == len(first) and any(c.isdecimal() for cell in first for c in cell))
    )


def check_zip(path: Path) -> None:
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
