"""Cells of CSV files that spreadsheets open: what would be taken for a formula is marked as text.

In: texts. Out: texts, and CSV files in UTF-8 with a byte-order mark, which spreadsheets ask for.
Invariants: no cell begins with a character that begins a formula; an apostrophe before it tells a
spreadsheet that text follows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Final

STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # full-width ones are read alike
MARK: Final = "'"


def safe(cell: str) -> str:
    """The cell as text to a spreadsheet.

    >>> safe("=1+1"), safe("P1"), safe("")
    ("'=1+1", 'P1', '')
    """
    return MARK + cell if cell.startswith(STARTS) else cell


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
