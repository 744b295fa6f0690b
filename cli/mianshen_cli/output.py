"""What a user sees: lines, tables, JSON, and the exit status.

In: texts already in the user's language. Out: standard output and standard error.
Invariants: the only print of the project; a Chinese character fills two columns; no control character
from a record reaches a terminal; money is never a float.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from enum import IntEnum
from typing import TypeAlias
from unicodedata import category

from mianshen import text_columns
from mianshen.source import Diagnostic, Lang

width, fold = text_columns.width, text_columns.fold

_NARROWEST = 60  # columns a terminal has at least
_LEAST = 10  # columns a text keeps
_WORDS = (16, 13, _LEAST)  # columns up to which words are left whole, as far as there is room
_NARROW_TEXT = 30  # columns in which no text is folded
_GAP = 2  # between columns

Plain: TypeAlias = "str | int | bool | Sequence[Plain] | Mapping[str, Plain] | None"


class Status(IntEnum):
    """The exit status of a command."""

    DONE = 0
    FOUND = 1  # it ran to the end and found something
    UNUSABLE = 2  # usage, or an input or rulebook that cannot be read


def say(text: str = "") -> None:
    """One text, of one or more lines, to standard output."""
    print(_safe(text))


def say_folded(text: str) -> None:
    """The same with lines no wider than the terminal."""
    say(folded(text, columns()))


def hear(prompt: str) -> str | None:
    """A line that a person types after the prompt; None when nothing more comes."""
    print(_safe(prompt), end="", flush=True)
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        print()  # the end of what is typed leaves the cursor after the prompt
    return line.rstrip("\r\n") if line else None


def complain(text: str) -> None:
    """One error, one line (related places on lines of their own), to standard error."""
    print(_safe(text), file=sys.stderr)


def complain_of(diagnostics: Iterable[Diagnostic], lang: Lang) -> None:
    """Diagnostics to standard error, each on a line."""
    for diagnostic in diagnostics:
        complain(diagnostic.show(lang))


@contextmanager
def progress(length: int) -> Iterator[Callable[[int], None]]:
    """What advances a bar on standard error; hidden where that is no terminal."""
    import click

    with click.progressbar(length=length, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        yield bar.update


def counted(count: int, thing: str, lang: Lang) -> str:
    """A count with what is counted, in English; in Chinese the sentence around it names that."""
    if lang == "zh":
        return str(count)
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def grouped(amount: str) -> str:
    """An amount of the engine's, with thousands marked."""
    return f"{Decimal(amount):,}"


def columns() -> int | None:
    """How many columns the terminal has; None where the text goes to a file or another program."""
    if not os.environ.get("COLUMNS") and not sys.stdout.isatty():
        return None
    return max(_NARROWEST, shutil.get_terminal_size().columns)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """A table no wider than the terminal: texts are folded, the columns numbered in `right` stay whole, flush right."""
    import tabulate

    tabulate.MIN_PADDING = 0  # else headings take two columns more than they have
    aligned = ["right" if column in right else "left" for column in range(len(headers))]
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = _widths([list(headers), *cells], right)
    if widths is not None:
        headers = [_folded(head, width) for head, width in zip(headers, widths, strict=True)]
        cells = [[_folded(cell, width) for cell, width in zip(row, widths, strict=True)] for row in cells]
    return tabulate.tabulate(
        cells, headers, tablefmt="simple", colalign=aligned if rows else None, disable_numparse=True
    )


def _folded(cell: str, columns: int) -> str:
    return "\n".join(text_columns.fold_names(cell, columns))


def _widths(rows: Sequence[Sequence[str]], right: Collection[int]) -> list[int] | None:
    """How wide each column may be so that the table fits the terminal; None where it fits as it is.

    The widest texts are narrowed first. Headings of numbers may fold, numbers never do.
    """
    most = columns()
    head, body = rows[0], rows[1:]
    widths = [max((width(row[at]) for row in rows), default=0) for at in range(len(head))]
    if most is None or sum(widths) + _GAP * (len(widths) - 1) <= most:
        return None
    longest = [max(map(width, title.split()), default=0) if title.isascii() else 0 for title in head]
    numbers = {at: max([longest[at], *(width(row[at]) for row in body)]) for at in right}
    words = [
        max((width(word) for row in rows for word in row[at].split()), default=0) for at in range(len(head))
    ]
    for whole in _WORDS:
        least = [
            numbers.get(at, min(widths[at], max(_LEAST, min(whole, words[at])))) for at in range(len(head))
        ]
        if sum(least) + _GAP * (len(widths) - 1) <= most:
            break
    while sum(widths) + _GAP * (len(widths) - 1) > most:
        room = [own - floor for own, floor in zip(widths, least, strict=True)]
        if max(room) <= 0:
            break
        at = max(range(len(widths)), key=lambda at: (room[at] > 0, widths[at]))
        widths[at] -= 1
    return widths


def folded(text: str, columns: int | None) -> str:
    """Lines no wider than so many columns, what is folded of one indented further; None: as they are."""
    if columns is None:
        return text
    return "\n".join(piece for line in text.split("\n") for piece in _pieces(line, columns))


def _pieces(line: str, columns: int) -> list[str]:
    indent = len(line) - len(line.lstrip())
    if width(line) <= columns or columns - indent < _NARROW_TEXT:
        return [line]
    mark = 2 if line.lstrip().startswith("- ") else 4
    first, *rest = text_columns.fold_names(line[indent:], columns - indent - mark, wider=mark)
    return [" " * indent + first, *(" " * (indent + mark) + piece for piece in rest)]


def json_text(value: Plain) -> str:
    """JSON as it is shown: indented, Chinese as it is; money comes in as text already."""
    import json

    return json.dumps(value, ensure_ascii=False, indent=2)


def printable(text: str) -> str:
    """The text with control characters, which could steer a terminal, spelled out as JSON would."""
    if text.isprintable():
        return text
    return "".join(f"\\u{ord(item):04x}" if _steers(item) else item for item in text)


def _steers(character: str) -> bool:
    return category(character) in {"Cc", "Cf", "Zl", "Zp"} and character <= "\uffff"


def _safe(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))
