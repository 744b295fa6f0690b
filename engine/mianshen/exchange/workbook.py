"""Sheets written to an xlsx file and read back, every cell as exact text with its place.

In: `Sheet`s, or a file. Out: a file, or `ReadSheet`s. Raises RuleError with every cell that cannot be read exactly:
formulas, merged cells, errors, headers that are missing or unknown.
Invariants: cells are written as text, so that no number passes through a float and no text is taken for a formula; a
number that comes back is read only where its digits are certain. A sheet is known by its first cell, a column by its
identifier: tabs may be renamed, columns moved.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from mianshen.catalogue import diagnostic
from mianshen.exchange import diagnostics
from mianshen.exchange.sheets import CHOICES, Row, Sheet
from mianshen.ingest.workbooks import check_zip
from mianshen.source import Diagnostic, RuleError, Span, unlined
from mianshen.text_columns import width
from mianshen.whole_file import whole_file

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

GUIDE: Final = "mianshen exchange 1"  # the first cell of the sheet that lists the others
FIRST: Final = 4  # row of a sheet's first cells; above it: what the sheet is, titles, identifiers
_LISTED: Final = 12  # row of the guide at which the list of sheets begins
_SPARE: Final = 40  # rows below the last that may be filled in
_LARGEST: Final = (50_000, 500)  # rows and columns that a sheet may have
_LONGEST: Final = 32_767  # characters of a cell
_CERTAIN: Final = 15  # digits of a number that a spreadsheet keeps as they were typed
_WIDEST, _NARROWEST, _LINE = 48, 10, 15
_EPOCH: Final = dt.date(1899, 12, 30)  # day 0 of a spreadsheet's serial dates
_WORDS: Final = (
    "可以修改白色单元格，在表末空行处增加行；灰色单元格不能修改。改完保存，用 mianshen import 读回。",
    "White cells may be changed, rows added below the last; grey cells are not to be changed. Save, then: mianshen import.",
    "全部单元格都是文本：金额写 1200.00，比例写 85%，日期写 2026-01-31。不要使用公式，不要合并单元格。",
    "Every cell is text: write amounts as 1200.00, rates as 85%, days as 2026-01-31. No formulas, no merged cells.",
    "表格中的条件：代码加英文双引号，多个用英文逗号隔开；- 表示不限。列可以移动，第 3 行（标识）不要改。",
    "Conditions in tables: codes in double quotes, several with commas; - is any. Columns may be moved; row 3 stays.",
)  # fmt: skip
_MADE: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001  (written into each file in place of the hour it was made at)
_CELL: Final = {"valign": "top", "text_wrap": True}
_FORMATS: Final[Mapping[str, dict[str, Any]]] = {
    "head": {"bg_color": "#E7E6E6", "font_color": "#7F7F7F"}, "title": {"bg_color": "#E7E6E6", "bold": True},
    "open": _CELL | {"locked": False}, "grey": _CELL | {"bg_color": "#E7E6E6"}, "plain": _CELL, "text": {},
    "name": {"bold": True, "font_size": 14}, "bold": {"bold": True}, "link": {"font_color": "#0563C1", "underline": 1},
}  # fmt: skip
CellKind: TypeAlias = Literal["text", "number", "day", "moment"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text, where it stands, and what the spreadsheet holds it as."""

    text: str
    span: Span
    kind: CellKind = "text"


# -- out -----------------------------------------------------------------------------------------------


def write_workbook(path: Path, title: str, sheets: Sequence[Sheet], names: Sequence[str]) -> None:
    """Write the sheets, behind a guide that lists them. Raises RuleError where a cell cannot hold its text, OSError."""
    tabs = ["说明"]
    for sheet in sheets:
        tabs.append(_tab(sheet, tabs))
    _refuse_long(sheets, tabs[1:])
    with whole_file(path) as part, xlsxwriter.Workbook(str(part)) as book:
        book.set_properties({"created": _MADE})
        formats = {name: book.add_format({"num_format": "@"} | kind) for name, kind in _FORMATS.items()}
        guide, *pages = [book.add_worksheet(tab) for tab in tabs]
        for page, sheet in zip(pages, sheets, strict=True):
            _write_sheet(page, sheet, formats)
        _write_guide(guide, title, zip(sheets, tabs[1:], strict=True), names, formats)


def _tab(sheet: Sheet, taken: Sequence[str]) -> str:
    """A tab's name: the title, or what the sheet holds where the title is taken, in 31 characters that tabs may have."""
    numbered = (f"{number} {sheet.entry}" for number in count(2))
    for text in chain((sheet.title, sheet.entry), numbered):
        name = re.sub(r"[\[\]:*?/\\']", "-", text)[:31].strip()
        if name and name.lower() not in (one.lower() for one in taken):
            return name
    raise AssertionError


def _refuse_long(sheets: Sequence[Sheet], tabs: Sequence[str]) -> None:
    """Raises RuleError where a cell cannot hold its text."""
    for sheet, tab in zip(sheets, tabs, strict=True):
        for number, row in enumerate((*_heads(sheet), *sheet.rows)):
            for column, head in enumerate(sheet.columns):
                if len(row.get(head.name, "")) > _LONGEST:
                    place = unlined(f"{tab}!{xl_rowcol_to_cell(number, column)}")
                    raise RuleError([diagnostic("E925.too_long", place, most=_LONGEST)])


def _heads(sheet: Sheet) -> tuple[Row, Row, Row]:
    """The rows above a sheet's own: what the sheet is, titles, identifiers."""
    what = dict(zip((c.name for c in sheet.columns), (sheet.path, sheet.title, sheet.note), strict=False))
    return what, {c.name: c.title for c in sheet.columns}, {c.name: c.name for c in sheet.columns}


def _write_sheet(page: Any, sheet: Sheet, formats: Mapping[str, Any]) -> None:
    last = FIRST + len(sheet.rows) + _SPARE - 2  # rows and columns are counted from 0 here
    for column, head in enumerate(sheet.columns):
        texts = [row.get(head.name, "") for row in (*_heads(sheet), *sheet.rows)]
        for number, text in enumerate(texts[: FIRST - 1]):
            page.write_string(number, column, text, formats["title" if number == 1 else "head"])
        open_below = "open" if head.editable else "plain"
        own = "open" if head.editable and sheet.kind != "codes" else "grey"
        for number in range(FIRST - 1, last + 1):
            text, form = (texts[number], own) if number < len(texts) else ("", open_below)
            page.write_string(number, column, text, formats[form])
        widest = max(_NARROWEST, *(width(text) + 2 for text in texts[1:]))
        page.set_column(column, column, min(_WIDEST, widest))
        if head.name in CHOICES:  # to choose from; anything may be typed all the same
            offered = {"validate": "list", "source": list(CHOICES[head.name]), "show_error": False}
            page.data_validation(FIRST - 1, column, last, column, offered)
    for number, row in enumerate(sheet.rows, FIRST - 1):
        lines = max(-(-width(row.get(column.name, "")) // _WIDEST) for column in sheet.columns)
        page.set_row(number, _LINE * max(1, lines))
    page.freeze_panes(FIRST - 1, 0)
    page.protect(options=dict.fromkeys(("format_columns", "format_rows", "insert_rows", "sort"), True))


def _write_guide(
    page: Any,
    title: str,
    sheets: Iterable[tuple[Sheet, str]],
    names: Sequence[str],
    formats: Mapping[str, Any],
) -> None:
    lines = [(GUIDE, title), ("", ""), *(("", words) for words in _WORDS)]
    lines += [("", "")] * (_LISTED - 3 - len(lines)) + [("名称 names", " ".join(names))]
    for number, line in enumerate(lines):
        for column, text in enumerate(line):
            page.write_string(number, column, text, formats["name" if (number, column) == (0, 1) else "text"])
    for column, head in enumerate(("标识 sheet", "工作表 tab", "校验 digest")):
        page.write_string(_LISTED - 2, column, head, formats["bold"])
    for number, (sheet, tab) in enumerate(sheets, _LISTED - 1):
        page.write_string(number, 0, sheet.path, formats["text"])
        page.write_url(number, 1, f"internal:'{tab}'!A1", formats["link"], tab)
        page.write_string(number, 2, sheet.digest, formats["text"])
    for column, columns in enumerate((30, 60, 20)):
        page.set_column(column, column, columns)
    page.protect()


# -- in ------------------------------------------------------------------------------------------------


class Reader:
    """Reads a workbook; what is wrong with it goes into `mistakes`, each at its cell."""

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self.diagnostics: list[Diagnostic] = []
        self._read: dict[str, list[dict[str, Cell]]] = {}
        self.pages, guide = self._pages(path)
        self.names = tuple(str(guide.cell(_LISTED - 2, 2).value or "").split())
        self.digests = dict(self._listed(guide))
        known = set(self.digests)
        for sheet in known - set(self.pages):
            self.diagnostics.append(diagnostic("E905.sheet_missing", self.place(guide), sheet=sheet))
        for sheet in set(self.pages) - known:
            self.diagnostics.append(
                diagnostic(
                    "E906.unknown_sheet", self.place(self.pages[sheet]), known=", ".join(sorted(known))
                )
            )

    def place(self, page: Worksheet, row: int = 1, column: int = 1) -> Span:
        """A cell as `tables.xlsx:费率!C5`."""
        from openpyxl.utils import get_column_letter

        return Span(f"{self.file}:{page.title}!{get_column_letter(column)}{row}", 0, 0)

    def _pages(self, path: Path) -> tuple[dict[str, Worksheet], Worksheet]:
        """The worksheets by what their first cells say, and the guide. Raises RuleError where there is none."""
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        check_zip(path)
        try:
            book = load_workbook(path)
        except (
            InvalidFileException,
            zipfile.BadZipFile,
            KeyError,
            ValueError,
            TypeError,
            AttributeError,
            SyntaxError,
        ):
            raise RuleError([diagnostic("E903.not_a_workbook", Span(self.file, 0, 0))]) from None
        pages: dict[str, Worksheet] = {}
        for page in book.worksheets:
            path_of = str(page.cell(1, 1).value or "").strip()
            if path_of in pages:
                self.diagnostics.append(diagnostic("E907.sheet_twice", self.place(page), sheet=path_of))
            pages.setdefault(path_of, page)
        guide = pages.pop(GUIDE, None)
        if guide is None:
            raise RuleError([diagnostic("E904.no_guide", Span(self.file, 0, 0))])
        return pages, guide

    def _listed(self, guide: Worksheet) -> Iterator[tuple[str, str]]:
        for row in range(_LISTED, min(guide.max_row, _LARGEST[0]) + 1):
            sheet, digest = guide.cell(row, 1).value, guide.cell(row, 3).value
            if sheet:
                yield str(sheet).strip(), str(digest or "").strip()

    def rows(self, sheet: Sheet) -> list[dict[str, Cell]]:
        """The rows of a sheet, each with a cell for every column; none where a column is missing."""
        if sheet.path not in self._read:
            self._read[sheet.path] = self._rows(sheet)
        return self._read[sheet.path]

    def digest(self, sheet: Sheet) -> str:
        """The digest of a sheet as it now is."""
        rows = tuple({name: cell.text for name, cell in row.items()} for row in self.rows(sheet))
        return replace(sheet, rows=rows).digest

    def _rows(self, sheet: Sheet) -> list[dict[str, Cell]]:
        """The rows in which anything that may be edited holds something."""
        page = self.pages.get(sheet.path)
        if page is None:
            return []
        if page.max_row > _LARGEST[0] or page.max_column > _LARGEST[1]:
            self.diagnostics.append(
                diagnostic("E908.too_large", self.place(page), rows=_LARGEST[0], columns=_LARGEST[1])
            )
            return []
        for merged in page.merged_cells.ranges:
            self.diagnostics.append(
                diagnostic("E913.merged", self.place(page, merged.min_row, merged.min_col))
            )
        places = self._heads(page, sheet)
        rows: list[dict[str, Cell]] = []
        for number in range(FIRST, page.max_row + 1):
            row = {
                column.name: self._cell(page, number, places[column.name])
                for column in sheet.columns
                if column.name in places
            }
            if any(cell.text for name, cell in row.items() if sheet.column(name).editable):
                rows.append(row)
        return rows if len(places) == len(sheet.columns) else []

    def _heads(self, page: Worksheet, sheet: Sheet) -> dict[str, int]:
        """The number of each column, by the identifiers of the third row."""
        places: dict[str, int] = {}
        known = [column.name for column in sheet.columns]
        for number in range(1, page.max_column + 1):
            name = " ".join(str(page.cell(FIRST - 1, number).value or "").split())
            if name in places:
                self.diagnostics.append(
                    diagnostic("E911.column_twice", self.place(page, FIRST - 1, number), name=name)
                )
            elif name in known:
                places[name] = number
            elif name or _holds_anything(page, number):
                self.diagnostics.append(
                    diagnostics.unknown_column(self.place(page, FIRST - 1, number), name, known)
                )
        for name in known:
            if name not in places:
                self.diagnostics.append(
                    diagnostic("E909.column_missing", self.place(page, FIRST - 1), name=name)
                )
        return places

    def _cell(self, page: Worksheet, row: int, column: int) -> Cell:
        cell: Any = page.cell(row, column)
        span, value = self.place(page, row, column), cell.value
        match value:
            case _ if cell.data_type == "f":
                self.diagnostics.append(diagnostic("E912.formula", span))
            case _ if cell.data_type == "e":
                self.diagnostics.append(diagnostic("E914.error_value", span, text=str(value)))
            case None:
                pass
            case bool():
                return Cell("true" if value else "false", span)
            case int() | float():
                number = f"{Decimal(repr(value)).normalize():f}"
                if len(number.replace(".", "").strip("-0")) <= _CERTAIN:
                    return Cell(number, span, "number")
                self.diagnostics.append(diagnostic("E915.uncertain_number", span, text=number))
            case dt.datetime() if value.time() == dt.time():
                return Cell(value.date().isoformat(), span, "day")
            case dt.datetime() | dt.time() | dt.timedelta():
                return Cell(str(value), span, "moment")
            case _:
                return Cell(str(value).strip(), span)
        return Cell("", span)


def _holds_anything(page: Worksheet, column: int) -> bool:
    """Whether some cell below the heads holds something."""
    return any(page.cell(row, column).value for row in range(FIRST, page.max_row + 1))


def day_of_serial(text: str) -> dt.date | None:
    """The day that a spreadsheet's serial number stands for."""
    number = Decimal(text)
    return _EPOCH + dt.timedelta(days=int(number)) if 1 <= number < 2_958_466 else None
