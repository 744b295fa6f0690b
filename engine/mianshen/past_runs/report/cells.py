"""Cells of CSV files that spreadsheets open: what would be taken for a formula or spoilt as a number is marked as text.

In: texts, amounts, days. Out: texts, and CSV files in UTF-8 with a byte-order mark, which spreadsheets ask for.
Invariants: no text begins with a character that begins a formula, blanks and line breaks before it aside, for
spreadsheets drop those; no text is a number of which a spreadsheet drops digits; an apostrophe before the cell tells
a spreadsheet that text follows, and taking one away gives the text back.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Final, TypeAlias

from mianshen.batch.csv_export import SPOILT

Cell: TypeAlias = (
    "str | Decimal | dt.date"  # texts are marked where they must be, amounts and days stand as they are
)

DROPPED: Final = r"\s\x00-\x1f\x7f-\xa0\u00ad\u200b-\u200f\u2060\ufeff"  # blanks, breaks, what nobody sees
MARK: Final = "'"
_MARKED: Final = re.compile(f"[{DROPPED}]*[-=+@＝＋－＠]|[\t\r\n{MARK}]|(?:{SPOILT})\\Z")


def safe(cell: Cell) -> str:
    r"""The cell as a spreadsheet takes it for what it is.

    >>> safe("=1+1"), safe(" \n=1+1"), safe("P1"), safe("")
    ("'=1+1", "' \n=1+1", 'P1', '')
    >>> safe("310113199001011234"), safe("007"), safe("12E5"), safe("1001"), safe(Decimal("-5.00"))
    ("'310113199001011234", "'007", "'12E5", '1001', '-5.00')
    """
    if not isinstance(cell, str):
        return f"{cell:f}" if isinstance(cell, Decimal) else cell.isoformat()
    return MARK + cell if _MARKED.match(cell) else cell


def unmarked(cell: str) -> str:
    """The text that `safe` was given.

    >>> unmarked("'007"), unmarked("P1")
    ('007', 'P1')
    """
    return cell.removeprefix(MARK)


class CsvFile:
    """A CSV file being written, line by line; `rows` counts them, the header apart."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file: IO[str] = path.open("w", encoding="utf-8-sig", newline="")
        self.writer = csv.writer(self.file, lineterminator="\r\n")
        self.rows = 0
        self.writer.writerow(map(safe, header))

    def write(self, cells: Iterable[Cell]) -> None:
        self.writer.writerow(map(safe, cells))
        self.rows += 1

    def close(self) -> None:
        self.file.close()
