"""Where each character of a YAML scalar stands in its file.

In: the file's text and the stretch a scalar takes in it. Out: the scalar's value and, for each of
its characters and its end, the index in the file's text.
Invariants: follows YAML 1.1 as libyaml reads it, so the value found here equals the value read.
A character that folding made (a space for a line break) stands where the break stands; one that an
escape made stands where the escape begins. Knows nothing of nodes or files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_BREAK = re.compile(r"\r\n|\r|\n")
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_BLANKS = re.compile(r"[ \t\r\n]+")
_HEADER = re.compile(r"[|>]([+-]?)([1-9]?)([+-]?)[^\r\n]*(\r\n|\r|\n|\Z)")
_PAIR = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_SIMPLE = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028",
    "P": "\u2029",
}  # fmt: skip
_HEX = {"x": 2, "u": 4, "U": 8}

Decoded = tuple[str, list[int]]


def decode(raw: str, start: int, end: int, style: str, value: str | None = None) -> Decoded:
    """The value of the scalar `raw[start:end]` and the index of each of its characters and its end.

    `style` is YAML's: "" plain, "'", '"', "|" or ">". `value` is the value as read, which settles
    the indentation of a block scalar that gives it by a digit.
    """
    match style:
        case "|" | ">":
            return _block(raw, start, end, style, value)
        case "'" | '"':
            return _flow(raw, start + 1, end - 1, style)
        case _:
            return _flow(raw, start, end, "")


def hide_pairs(raw: str) -> tuple[str, tuple[int, ...]]:
    r"""`raw` with each surrogate pair (`\ud83d\ude00`, as JSON writes it) painted over, and their indexes.

    The YAML reader refuses such pairs; what it reads instead keeps its length, so every index holds.
    """
    places: list[int] = []

    def paint(match: re.Match[str]) -> str:
        if len(match[0]) != 12:
            return match[0]
        places.append(match.start())
        return "x" * 12

    return re.sub(_PAIR.pattern + r"|\\.", paint, raw), tuple(places)


def _flow(raw: str, start: int, end: int, quote: str) -> Decoded:
    value: list[str] = []
    places: list[int] = []
    at = start
    while at < end:
        char = raw[at]
        if char in " \t\r\n":
            stop = _run_end(raw, at, end)
            folded = list(_folded(raw, at, stop))
        elif quote == "'" and char == "'":
            stop, folded = at + 2, [("'", at)]
        elif quote == '"' and char == "\\":
            stop, folded = _escape(raw, at, end)
        else:
            stop, folded = at + 1, [(char, at)]
        value += [part for part, _ in folded]
        places += [place for _, place in folded]
        at = stop
    return "".join(value), [*places, end]


def _run_end(raw: str, at: int, end: int) -> int:
    match = _BLANKS.match(raw, at, end)
    return match.end() if match else at


def _folded(raw: str, start: int, end: int) -> Iterator[tuple[str, int]]:
    """Blanks between words: kept within a line; one break is a space, more are one break fewer."""
    breaks = [part.start() for part in _BREAK.finditer(raw, start, end)]
    if not breaks:
        yield from ((raw[at], at) for at in range(start, end))
    elif len(breaks) == 1:
        yield " ", breaks[0]
    else:
        yield from (("\n", at) for at in breaks[1:])


def _escape(raw: str, at: int, end: int) -> tuple[int, list[tuple[str, int]]]:
    name = raw[at + 1]
    if name in "\r\n":
        stop = _run_end(raw, at + 1, end)
        return stop, [("\n", part.start()) for part in _BREAK.finditer(raw, at + 1, stop)][1:]
    if pair := _PAIR.match(raw, at, end):
        high, low = int(pair[1], 16), int(pair[2], 16)
        return at + 12, [(chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), at)]
    if name in _HEX:
        stop = at + 2 + _HEX[name]
        return stop, [(chr(int(raw[at + 2 : stop], 16)), at)]
    return at + 2, [(_SIMPLE[name], at)]


def _block(raw: str, start: int, end: int, style: str, value: str | None) -> Decoded:
    header = _HEADER.match(raw, start, end)
    if header is None:
        return "", [start]
    lines = [(part.start(), part[1], part[2]) for part in _LINE.finditer(raw, header.end(), end) if part[0]]
    keep = header[1] or header[3]
    deepest = _indentation(lines)
    guesses = [deepest] if not header[2] else range(1, deepest + 1)
    for indent in guesses:
        decoded = _unfold(lines, indent, style == ">", keep, header.end())
        if value is None or decoded[0] == value:
            return decoded
    return _unfold(lines, deepest, style == ">", keep, header.end())


def _indentation(lines: list[tuple[int, str, str]]) -> int:
    """Spaces before the first line that holds more than spaces, or of the longest blank one before it."""
    deepest = 1
    for _, line, _ in lines:
        deepest = max(deepest, len(line) - len(line.lstrip(" ")))
        if line.strip(" "):
            break
    return deepest


def _unfold(lines: list[tuple[int, str, str]], indent: int, fold: bool, keep: str, at: int) -> Decoded:
    decoded_pairs: list[tuple[str, int]] = []
    pending: list[tuple[str, int]] = []  # breaks not yet written: the last line's own, then blank lines'
    own = after_blank = False  # is the first pending one a line's own break; did that line begin blank
    for start, line, end_mark in lines:
        body, break_at = line[indent:], start + len(line)
        line_break = [("\n", break_at)] if end_mark else []
        if not body:
            pending += line_break
            continue
        begins_blank = body[0] in " \t"
        if fold and own and not after_blank and not begins_blank:
            pending = pending[1:] or [(" ", pending[0][1])]
        decoded_pairs += [*pending, *((char, start + indent + i) for i, char in enumerate(body))]
        pending, own, after_blank = line_break, bool(line_break), begins_blank
    if keep != "-":
        decoded_pairs += pending if keep == "+" else pending[: 1 if own else 0]
    places = [place for _, place in decoded_pairs]
    return "".join(char for char, _ in decoded_pairs), [*places, _end(decoded_pairs, at)]


def _end(decoded: list[tuple[str, int]], otherwise: int) -> int:
    if not decoded:
        return otherwise
    char, place = decoded[-1]
    return place if char == "\n" else place + 1
