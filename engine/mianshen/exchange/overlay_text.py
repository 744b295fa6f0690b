"""An overlay as YAML text that remembers from which cell each part came.

In: plain values, whose leaves are texts, some of them cells. Out: `Written`: the text, and the place behind any
position of it, so that what is wrong with the overlay is shown at the cell that somebody edited.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from mianshen.document.yaml_text import scalar
from mianshen.exchange.workbook import Cell
from mianshen.source import Diagnostic, Span

Plain: TypeAlias = "Mapping[str, Plain] | Mapping[Cell, Plain] | Mapping[str | Cell, Plain] | Sequence[Plain] | Cell | str | None"

MADE_BY: Final = (
    "# 由 mianshen import 生成 · made by mianshen import"  # in the first line of what was imported
)
_BLOCKS: Final = 4  # levels of mappings that stand on lines of their own; of lists one more


@dataclass(slots=True)
class Written:
    """The text of a file, and the cells it came from."""

    lines: list[str]
    marks: list[tuple[tuple[int, int], Span]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip("\n") + "\n"

    def at(self, diagnostic: Diagnostic, file: str) -> Diagnostic:
        """The diagnostic with each place in `file`, the overlay, shown at its cell."""
        also = tuple((self._cell(span, file), note) for span, note in diagnostic.also)
        return replace(diagnostic, span=self._cell(diagnostic.span, file), also=also)

    def _cell(self, span: Span, file: str) -> Span:
        if span.file != file:
            return span
        number = bisect_right([position for position, _ in self.marks], (span.line, span.column)) - 1
        return self.marks[number][1] if number >= 0 else span

    def put(self, value: Plain, depth: int = 0) -> None:
        """Append a value: outer levels on lines of their own, the rest on one."""
        match value:
            case Mapping() if not _is_leaf(value):
                for key, inner in value.items():
                    self._line("  " * depth)
                    self._key(key, inner)
                    self._below(inner, depth)
            case list() | tuple() if value:
                for inner in value:
                    self._line("  " * depth + "- ")
                    self._flow(inner)
            case _:
                self._flow(value)

    def _below(self, value: Plain, depth: int) -> None:
        nested = isinstance(value, Mapping) and not _is_leaf(value) and depth + 1 < _BLOCKS
        listed = isinstance(value, list | tuple) and any(isinstance(inner, Mapping) for inner in value)
        if nested or (listed and depth < _BLOCKS):
            self.put(value, depth + 1)
        else:
            self._add(" ")
            self._flow(value)

    def _flow(self, value: Plain) -> None:
        match value:
            case Cell():
                self._mark(value)
                self._add(scalar(value.text))
            case str() | None:
                self._add("null" if value is None else scalar(value))
            case Mapping():
                self._mark(value)
                self._add("{")
                for number, (key, inner) in enumerate(value.items()):
                    self._add(", " if number else "")
                    self._key(key, inner)
                    self._add(" ")
                    self._flow(inner)
                self._add("}")
            case _:
                self._mark(value)
                self._add("[")
                for number, inner in enumerate(value):
                    self._add(", " if number else "")
                    self._flow(inner)
                self._add("]")

    def _key(self, key: str | Cell, value: Plain) -> None:
        """Append a key; where it is no cell itself, it came from where its value did."""
        self._mark(key if isinstance(key, Cell) else value)
        self._add(scalar(key.text if isinstance(key, Cell) else key) + ":")

    def _line(self, start: str) -> None:
        self.lines.append(start)

    def _add(self, text: str) -> None:
        self.lines[-1] += text

    def _mark(self, value: Plain) -> None:
        """What begins here came from the first cell of `value`."""
        cell = _first_cell(value)
        if cell is not None:
            self.marks.append(((len(self.lines), len(self.lines[-1]) + 1), cell.span))


def _is_leaf(value: Mapping[Any, Plain]) -> bool:
    """Whether a mapping holds single texts alone, and is written on one line."""
    return all(isinstance(inner, Cell | str | None) for inner in value.values())


def _first_cell(value: Plain) -> Cell | None:
    match value:
        case Cell():
            return value
        case str() | None:
            return None
        case Mapping():
            inner: Sequence[Plain] = list(value.values())
        case _:
            inner = value
    return next((cell for item in inner if (cell := _first_cell(item)) is not None), None)
