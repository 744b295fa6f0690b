"""Text in columns of one width, of which a Chinese character fills two.

In: texts. Out: how wide they are; lines no wider than so many columns.
Invariants: nothing is lost by folding; no line begins with a closing mark, and none ends with an opening one.
"""

from __future__ import annotations

from unicodedata import east_asian_width

_CLOSING = "，。、：；！？）》〕】」』”’,.;:!?)]"  # begins no line
_OPENING = "（《〔【「『“‘"  # ends no line


def width(text: str) -> int:
    """How many columns the text fills."""
    return sum(2 if east_asian_width(item) in {"W", "F"} else 1 for item in text)


def fold(text: str, columns: int, wider: int = 0) -> list[str]:
    """The text as lines of at most `columns`, the first `wider` by so many, broken at blanks and between Chinese characters."""
    lines = [""]
    for piece in _pieces(text):
        room = columns + (wider if len(lines) == 1 else 0)
        if width(lines[-1] + piece.rstrip()) > room and lines[-1]:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


def fold_names(text: str, columns: int, wider: int = 0) -> list[str]:
    """The text folded so, a name that is too long by itself broken behind `_`, `.`, `-` or `/`, else where the line is full."""
    lines = list[str]()
    for number, line in enumerate(fold(text, columns, wider)):
        while width(line) > columns + (0 if number or lines else wider):
            room = max(at for at in range(1, len(line)) if width(line[:at]) <= columns)
            broken = max(line.rfind(mark, 0, room) for mark in "_.-/") + 1 or room
            lines.append(line[:broken])
            line = line[broken:]
        lines.append(line)
    return lines


def _pieces(text: str) -> list[str]:
    """The parts a line may be broken between: words with their blanks, Chinese characters one by one."""
    pieces: list[str] = []
    for item in text:
        last = pieces[-1][-1:] if pieces else ""
        wide = east_asian_width(item) in {"W", "F"} or east_asian_width(last or " ") in {"W", "F"}
        together = item in _CLOSING or item == " " or (last != "" and last in _OPENING)
        if pieces and (together or not (wide or last == " ")):
            pieces[-1] += item
        else:
            pieces.append(item)
    return pieces
