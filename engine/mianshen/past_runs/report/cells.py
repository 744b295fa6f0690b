"""Cells of CSV files that spreadsheets open: what would be taken for a formula is marked as text.

In: texts. Out: texts, and CSV files in UTF-8 with a byte-order mark, which spreadsheets ask for.
Invariants: no cell begins with a character that begins a formula, blanks and line breaks before it aside, for
spreadsheets drop those; an apostrophe before the cell tells a spreadsheet that text follows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Final

STARTS: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # full-width ones are read alike
DROPPED: Final = r"\s\x00-\x1f\x7f-\xa0\u00ad\u200b-\u200f\u2060\ufeff"  # blanks, breaks, what nobody sees
_FORMULA: Final = re.compile(f"[{DROPPED}]*[-=+@＝＋－＠]|[\t\r\n]")
MARK: Final = "'"


def safe(cell: str) -> str:
    r"""The cell as text to a spreadsheet.

    >>> safe("=1+1"), safe(" \n=1+1"), safe("P1"), safe("")
    ("'=1+1", "' \n=1+1", 'P1', '')
    """
    return MARK + cell if _FORMULA.match(cell) else cell


class CsvFile:
    """A CSV file being written, line by line; `rows` counts them, the header apart."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file: IO[str] = path.open("w", encoding="utf-8-sig", newline="")
        self.writer = csv.writer(self.file, lineterminator="\r\n")
        self.rows = 0
        self.writer.writerow(map(safe, header))

    def write(self, cells: Iterable[str]) -> None:
        self.writer.writerow(map(safe, cells))
        self.rows += 1

    def close(self) -> None:
        self.file.close()
