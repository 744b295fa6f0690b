"""A CSV or TSV file as a table of texts: its header, its shape, and what is wrong where it cannot be read.

In: a file's text in UTF-8. Out: `CsvTable`: column names, where each begins, how DuckDB reads the file. A column without
a name is called by as many blanks as its number.
Invariants: every line in which anything stands has as many cells as the header, whatever the last ones hold; no message
repeats what a record says.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics
from mianshen.ingest.encodings import Plain, Shape, head_of
from mianshen.ingest.input_paths import HEAD
from mianshen.mapping.text import quoted
from mianshen.records.facts import INVISIBLE
from mianshen.source import Diagnostic, RuleError, Span, unlined

COMMA, TAB, BLANK = ",", "\t", " "
_OTHERS: Final = (";", "|", "，", "；")
_LINE: Final = re.compile(r"CSV Error on Line: (\d+)")
_COUNTS: Final = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")


@dataclass(frozen=True, slots=True)
class CsvTable:
    """`columns` are (name, DuckDB type); `places`: the character of the header's line at which each begins.

    `uneven`: some line has more or fewer cells than the header.
    """

    columns: list[tuple[str, str]]
    places: list[int]
    relation: str
    layout: CsvLayout
    uneven: bool


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """How a file is laid out, for looking into it again. `line`: that of the header, from 1."""

    path: Path  # as it is named
    text: Path  # where its text is
    width: int
    separator: str
    title_lines: int

    @property
    def line(self) -> int:
        return self.title_lines + 1

    def relation(self, names: Iterable[str]) -> str:
        """What stands after FROM to read the file's cells as texts, its columns called so."""
        listed = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
        return (
            f"read_csv({pattern(self.text)}, auto_detect=false, header=true, delim={quoted(self.separator)}, quote='\"', "
            f"escape='\"', skip={self.title_lines}, nullstr='', compression='none', hive_partitioning=false, "
            f"columns={{{listed}}})"
        )


def csv_table(path: Path, text: Plain, title_lines: int = 0) -> CsvTable:
    """A file with its header read and its lines counted. Raises RuleError where it has no header."""
    head = head_of(text, HEAD)
    titles = "".join(head.splitlines(keepends=True)[:title_lines])
    written, places, separator = _header(path, head.removeprefix(titles), title_lines + 1)
    names = [
        name if name.strip(INVISIBLE) else BLANK * number for number, name in enumerate(written, 1)
    ]  # the database tells columns apart by name
    layout = CsvLayout(path, text.path, len(names), separator, title_lines)
    columns = [(name, "VARCHAR") for name in names]
    return CsvTable(columns, places, layout.relation(names), layout, _is_uneven(layout, text.shape, titles))


def pattern(path: Path) -> str:
    """A path as a SQL text literal that DuckDB takes for this file alone, not for a pattern of names."""
    return quoted(re.sub(r"([*?\[])", r"[\1]", str(path)))


# -- the header --------------------------------------------------------------------------------


def _header(path: Path, head: str, line: int) -> tuple[list[str], list[int], str]:
    """The names in the header, the character at which each begins, and what separates them."""
    if not head.strip(INVISIBLE):
        raise RuleError([diagnostics.cannot_read(unlined(str(path)), "the file is empty", "文件是空的")])
    names, places = _cells(head, COMMA)
    if len(names) == 1 and TAB in names[0].strip():
        names, places = _cells(head, TAB)
        return names, places, TAB
    if not "".join(names).strip(INVISIBLE):
        place = Span(str(path), line, 1)
        raise RuleError([diagnostics.cannot_read(place, "its first line names no column", "首行没有列名")])
    separator = next((s for s in _OTHERS if len(names) == 1 and s in names[0]), None)
    if separator is not None:
        place = Span(str(path), line, names[0].index(separator) + 1)
        raise RuleError([diagnostic("E515.other_separator", place, separator=separator)])
    return names, places, COMMA


def _cells(text: str, separator: str) -> tuple[list[str], list[int]]:
    """The cells of the first line, and the character at which each begins."""
    cells, places, start, inside = [], [], 0, False
    for at, character in enumerate(text):
        if character == '"':
            inside = not inside
        elif not inside and character in (separator, "\r", "\n"):
            cells.append(text[start:at])
            places.append(start + 1)
            start = at + 1
            if character != separator:
                break
    else:
        cells.append(text[start:])
        places.append(start + 1)
    return [_unquoted(cell) for cell in cells], places


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


# -- its shape ---------------------------------------------------------------------------------


def _is_uneven(layout: CsvLayout, shape: Shape, titles: str) -> bool:
    """Whether some line has more cells than the header, be they empty, or fewer."""
    title = Shape()
    title.feed(titles.encode())
    lines = shape.lines - title.lines
    separators = shape.tabs - title.tabs if layout.separator == TAB else shape.commas - title.commas
    return separators != lines * (layout.width - 1)


def fill_blank_lines(layout: CsvLayout, target: Path) -> bool:
    """Write the text with as many empty cells as the header has in each line of nothing but blanks and separators.

    Spreadsheets write such lines below a table, of any width: they are blank rows. False where there is none.
    """
    empty, nothing = layout.separator * (layout.width - 1), INVISIBLE + layout.separator + '"'
    filled = inside = False
    with (
        layout.text.open(encoding="utf-8-sig", newline="") as lines,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        for number, line in enumerate(lines, 1):
            blank = not inside and number > layout.line and not line.strip(nothing)
            inside ^= line.count('"') % 2 == 1
            content = line.rstrip("\r\n")
            if blank and content and not inside:
                line = empty + line[len(content) :]
                filled = True
            out.write(line)
    return filled


def ragged_line(layout: CsvLayout) -> Diagnostic | None:
    """The first line with another number of cells than the header, at its first cell too many or at its end."""
    with layout.text.open(encoding="utf-8-sig", newline="") as file:
        for line, record, cells in _records(layout, file):
            if cells and len(cells) != layout.width:
                if record.count('"') % 2 and not next(file, ""):  # it swallowed all that follows
                    return diagnostic("E510.bad_quotes", Span(str(layout.path), line, 1))
                _, places = _cells(record, layout.separator)
                at = places[layout.width] if len(places) > layout.width else len(record.rstrip("\r\n")) + 1
                return diagnostics.ragged(Span(str(layout.path), line, at), layout.width, len(cells))
    return None


def first_cells(layout: CsvLayout, numbers: Sequence[int]) -> dict[int, Span]:
    """Of columns, numbered from 0, the place of the first cell below the header that says something."""
    places: dict[int, Span] = {}
    with layout.text.open(encoding="utf-8-sig", newline="") as file:
        for line, record, cells in islice(_records(layout, file), 1, None):
            for number in numbers:
                if number not in places and number < len(cells) and cells[number].strip(INVISIBLE):
                    at = _cells(record, layout.separator)[1][number]
                    places[number] = Span(str(layout.path), line, at)
            if len(places) == len(numbers):
                break
    return places


def _records(layout: CsvLayout, file: Iterable[str]) -> Iterator[tuple[int, str, list[str]]]:
    """The lines of a file from its header on, as (number of the first, text, cells): a quoted cell may hold several."""
    read: list[str] = []

    def lines() -> Iterator[str]:
        for line in file:
            read.append(line)
            yield line

    rows = csv.reader(lines(), delimiter=layout.separator, strict=False)
    for number, cells in enumerate(_sized(rows)):
        record, first = "".join(read), rows.line_num - len(read) + 1
        read.clear()
        if number >= layout.title_lines:
            yield first, record, cells


def _sized(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Rows until one that the reader does not take."""
    try:
        yield from rows
    except csv.Error:
        return


# -- what went wrong while reading -------------------------------------------------------------


def explained_csv(layout: CsvLayout, words: str) -> RuleError:
    """The mistake behind what DuckDB said while it read the file; its own words may quote a record."""
    line = _LINE.search(words)
    place = Span(str(layout.path), int(line[1]), 1) if line else unlined(str(layout.path))
    if _COUNTS.search(words) is not None and (finding := ragged_line(layout)) is not None:
        return RuleError([finding])
    if "unterminated quote" in words:
        return RuleError([diagnostic("E510.bad_quotes", place)])
    if (mixed := _other_ending(layout.text)) is not None:
        return RuleError([diagnostic("E511.mixed_endings", Span(str(layout.path), mixed, 1))])
    if (counts := _COUNTS.search(words)) is not None:
        return RuleError([diagnostics.ragged(place, int(counts[1]), int(counts[2]))])
    return RuleError([diagnostic("E512.bad_csv", place)])


def _other_ending(path: Path) -> int | None:
    """The first line that ends otherwise than the first one."""
    first = None
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            ending = b"\r\n" if line.endswith(b"\r\n") else b"\n" if line.endswith(b"\n") else first
            first = ending if first is None else first
            if ending != first or b"\r" in line.removesuffix(b"\r\n"):
                return number
    return None
