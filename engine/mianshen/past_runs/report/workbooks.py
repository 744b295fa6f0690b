"""Lists as workbooks: one for each area, a sheet a list.

In: the CSV lists of a report, what kind each column is. Out: `lists/<area>/<area>.xlsx`.
Invariants: keys are texts, amounts numbers with two decimals, days dates; a number of more digits than a spreadsheet keeps
stays text; the same lists give the same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import xlsxwriter

from mianshen.past_runs.report.cells import unmarked

Kind: TypeAlias = Literal["text", "amount", "date"]
MOST_ROWS: Final = 1_048_575  # of a sheet, its header aside
_DIGITS: Final = 15  # that a spreadsheet keeps of a number
_WIDTH: Final[Mapping[Kind, int]] = {"text": 22, "amount": 16, "date": 13}
_MADE: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001  (written into each file in place of the hour it was made at)


def write_workbook(to: Path, sheets: Iterable[tuple[str, Path, Sequence[Kind]]]) -> None:
    """A workbook of CSV files, each with its sheet's name and the kinds of its columns. Raises OSError."""
    book = xlsxwriter.Workbook(
        str(to), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"created": _MADE})
    formats = {
        "head": book.add_format({"bold": True, "bg_color": "#eef2f6", "bottom": 1}),
        "text": book.add_format({"num_format": "@"}),
        "amount": book.add_format({"num_format": "#,##0.00"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    taken: set[str] = set()
    try:
        for name, path, kinds in sheets:
            with path.open(encoding="utf-8-sig", newline="") as opened:
                lines = csv.reader(opened)
                header = [unmarked(cell) for cell in next(lines)]
                for number, part in enumerate(_parts(lines), 1):
                    sheet = book.add_worksheet(sheet_name(name, number, taken))
                    _write_sheet(sheet, header, part, kinds, formats)
    finally:
        book.close()


def sheet_name(title: str, number: int, taken: set[str]) -> str:
    """A name that a workbook takes, and has not got yet: 31 characters at most, some signs not among them.

    >>> sheet_name("Poverty warning", 1, set()), sheet_name("a/b: [c]?", 2, set()), sheet_name("'A'", 1, {"a"})
    ('Poverty warning', 'a b c 2', 'A 2')
    """
    plain = " ".join(re.sub(r"[\[\]:*?/\\']", " ", title).split()) or "list"
    while True:
        ending = f" {number}" if number > 1 else ""
        name = plain[: 31 - len(ending)].rstrip() + ending
        if name.lower() not in taken:
            taken.add(name.lower())
            return name
        number += 1


def _parts(lines: Iterator[list[str]]) -> Iterator[Iterator[list[str]]]:
    """The rows in runs that fit a sheet each; at least one run."""
    yield islice(lines, MOST_ROWS)
    for first in lines:
        yield (line for part in ([first], islice(lines, MOST_ROWS - 1)) for line in part)


def _write_sheet(
    sheet: Any,
    header: Sequence[str],
    lines: Iterable[list[str]],
    kinds: Sequence[Kind],
    formats: Mapping[str, Any],
) -> None:
    for column, kind in enumerate(kinds):
        sheet.set_column(column, column, _WIDTH[kind])
    sheet.freeze_panes(1, 0)
    for column, title in enumerate(header):
        sheet.write_string(0, column, title, formats["head"])
    last = 0
    for last, line in enumerate(lines, 1):
        for column, (cell, kind) in enumerate(zip(line, kinds, strict=True)):
            _write_cell(sheet, last, column, cell, kind, formats)
    sheet.autofilter(0, 0, last, len(header) - 1)


def _write_cell(sheet: Any, row: int, column: int, cell: str, kind: Kind, formats: Mapping[str, Any]) -> None:
    value = _value(cell, kind)
    match value:
        case Decimal():
            sheet.write_number(row, column, value, formats["amount"])
        case dt.date():
            sheet.write_datetime(row, column, value, formats["date"])
        case "":
            pass
        case _:
            sheet.write_string(row, column, value, formats["text"])


def _value(cell: str, kind: Kind) -> str | Decimal | dt.date:
    """What a cell of a list holds.

    >>> _value("1628.24", "amount"), _value("待定", "amount"), _value("'007", "text"), _value("12345678901234567.00", "amount")
    (Decimal('1628.24'), '待定', '007', '12345678901234567.00')
    """
    text = unmarked(cell)
    try:
        match kind:
            case "amount":
                amount = Decimal(text)
                return amount if len(amount.as_tuple().digits) <= _DIGITS else text
            case "date":
                return dt.date.fromisoformat(text)
            case "text":
                return text
    except (InvalidOperation, ValueError):
        return text
