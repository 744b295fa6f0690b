r"""A YAML file's text, and the line and column of each of its characters.

In: a name and a text. Out: `YamlSource`.
Invariants: lines end at `\n`, `\r\n` or `\r`; lines and columns count from 1, columns count characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from mianshen.source import Span

_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, eq=False)
class YamlSource:
    """A file's name as the user gave it, its text, and the index at which each line starts."""

    file: str
    text: str = field(repr=False)
    line_starts: tuple[int, ...] = field(repr=False)

    @staticmethod
    def of(file: str, text: str) -> YamlSource:
        return YamlSource(file, text, (0, *(part.end() for part in _BREAK.finditer(text))))

    def place(self, index: int) -> tuple[int, int]:
        """Line and column, from 1, of a character."""
        line = bisect_right(self.line_starts, index)
        return line, index - self.line_starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        return Span(self.file, *self.place(start), *self.place(end))

    def line(self, number: int) -> str:
        """The text of a line, from 1, without its break; empty past the end."""
        if not 1 <= number <= len(self.line_starts):
            return ""
        end = self.line_starts[number] if number < len(self.line_starts) else len(self.text)
        return self.text[self.line_starts[number - 1] : end].rstrip("\r\n")
