"""CSV files as UTF-8 text: unpacked and transcoded where they are not.

In: a file, the encoding it is said to have. Out: the file itself, or its text in a folder of ours.
Invariants: every byte is decoded before a record is read, so that none is lost or turned into another;
bytes that do not decode are an error with their line and column; no message repeats what a record says.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics
from mianshen.program.titles import plural
from mianshen.records.facts import INVISIBLE
from mianshen.source import Diagnostic, RuleError, Span, unlined

GZIP: Final = b"\x1f\x8b"
UTF_8: Final = "UTF-8"
GB18030: Final = "GB18030"
UTF_16: Final = "UTF-16"
BIG5: Final = "Big5-HKSCS"
ENCODINGS: Final = {  # by what they are called; GBK and GB2312 are parts of GB18030, Big5 is one of BIG5
    "utf-8": UTF_8, "utf8": UTF_8, "gb18030": GB18030, "gbk": GB18030, "gb2312": GB18030, "big5": BIG5, "utf-16": UTF_16,
}  # fmt: skip
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK: Final = 1 << 20
_MARK: Final = "\ufeff"
_COMMON_BIG5: Final = b"\xc6\x7e"  # the last of its common characters
_COMMON_GB2312: Final = b"\xd7\xf9"
_ODD, _COMMON = 0.25, 0.6  # shares of characters
_TAB, _NEWLINE, _RETURN, _QUOTE, _COMMA = 9, 10, 13, 34, 44


def encodings_of(written: str | None, entities: Iterable[str]) -> Mapping[str, str | None]:
    """The encoding of each entity's files as a command says it, `gb18030` or `claims=gb18030,residents=utf-8`.

    An entity goes by its name or that with an s. None: found out. Raises RuleError for another word.
    """
    chosen: dict[str, str | None] = dict.fromkeys(entities)
    for part in (written or "").split(","):
        owner, _, name = part.strip().rpartition("=")
        if not name:
            continue
        encoding = ENCODINGS.get(name.strip().lower())
        owners = [entity for entity in chosen if owner.strip().lower() in ("", entity, plural(entity))]
        if encoding is None or not owners:
            raise RuleError([diagnostics.no_such_encoding(part.strip(), ENCODINGS, chosen)])
        chosen.update(dict.fromkeys(owners, encoding))
    return chosen


@dataclass(slots=True)
class Shape:
    """How many lines of a text hold anything, and how many commas and tabs stand outside quotes."""

    lines: int = 0
    commas: int = 0
    tabs: int = 0
    inside: bool = False  # a quoted cell goes on
    begun: bool = False  # the last line holds something and has not ended

    def feed(self, data: bytes) -> None:
        """Count a further piece of UTF-8 text."""
        cells = np.frombuffer(data, np.uint8)
        if self.inside or b'"' in data:
            within = np.bitwise_xor.accumulate((cells == _QUOTE).astype(np.uint8)) ^ np.uint8(self.inside)
            self.inside = bool(within[-1]) if len(within) else self.inside
            cells = np.where(within == 0, cells, _QUOTE)
        self.commas += int(np.count_nonzero(cells == _COMMA))
        self.tabs += int(np.count_nonzero(cells == _TAB))
        ends = np.flatnonzero(cells == _NEWLINE)
        if not len(ends):
            self._go_on(_holds(cells))
            return
        lengths = np.diff(ends, prepend=-1) - 1
        holds = (lengths > 0) & ~((lengths == 1) & (cells[ends - 1] == _RETURN))
        self._go_on(bool(holds[0]))
        self.lines += int(np.count_nonzero(holds[1:]))
        self.begun = False
        self._go_on(_holds(cells[ends[-1] + 1 :]))

    def _go_on(self, holds: bool) -> None:
        """Count the line that is being read, once it holds something."""
        self.lines += holds and not self.begun
        self.begun = self.begun or holds


def _holds(line: np.ndarray[Any, Any]) -> bool:
    """Whether the beginning of a line is more than the end of one."""
    return len(line) > 1 or (len(line) == 1 and line[0] != _RETURN)


@dataclass(frozen=True, slots=True)
class Plain:
    """`path` holds the file's text in UTF-8; `encoding` is what it was in; `doubt`: what makes another one likely."""

    path: Path
    encoding: str
    shape: Shape = field(default_factory=Shape, compare=False)
    doubt: Diagnostic | None = None


class _Undecodable(Exception):
    """Where decoding stopped: line and column from 1; `sound` has Chinese characters read before it."""

    def __init__(self, line: int, column: int, sound: bool) -> None:
        super().__init__(line, column)
        self.line = line
        self.column = column
        self.sound = sound


def plain(path: Path, scratch: Callable[[], Path], encoding: str | None = None) -> Plain:
    """The file as UTF-8 text. `scratch` names a file to write where the file itself is not that.

    `encoding` None: UTF-16 where a mark says so, else UTF-8, and where it is not, GB18030 if all of it is, unless that
    makes odd characters of common ones of Big5. Raises RuleError.
    """
    packed = _head(path).startswith(GZIP)
    if encoding is None and _is_marked(path, packed, _WIDE):
        encoding = UTF_16
    if encoding in (GB18030, BIG5, UTF_16):
        text = _transcoded(path, scratch(), packed, encoding)
        return text if encoding == UTF_16 else replace(text, doubt=_otherwise_meant(path, packed, encoding))
    reading = _Reading(path, packed, UTF_8)
    try:
        if packed:
            target = scratch()
            with target.open("wb") as out:
                reading.decode(out.write)
            return Plain(target, UTF_8, reading.shape, None if encoding else reading.doubt())
        reading.decode(None)
    except _Undecodable as error:
        if encoding is None and not error.sound and not _is_marked(path, packed, (codecs.BOM_UTF8,)):
            try:
                return _transcoded(path, scratch(), packed, BIG5 if _is_big5(path, packed) else GB18030)
            except RuleError:
                pass
        raise RuleError([diagnostic("E508.not_utf8", Span(str(path), error.line, error.column))]) from None
    return Plain(path, UTF_8, reading.shape, None if encoding else reading.doubt())


def _chinese_of(path: Path, packed: bool) -> dict[str, str] | None:
    """The first characters beyond ASCII, read as GB18030 and as Big5; None where they cannot be read as both."""
    with _opened(path, packed) as file:
        sample = b""
        while sample.isascii() and (chunk := _read(file, path)):
            sample = sample[sample.rfind(b"\n") + 1 :] + chunk
    sample = sample[: sample.rfind(b"\n") + 1] or sample
    try:
        return {name: "".join(c for c in sample.decode(name) if not c.isascii()) for name in (GB18030, BIG5)}
    except UnicodeDecodeError:
        return None


def _is_big5(path: Path, packed: bool) -> bool:
    """Whether the first characters beyond ASCII are common ones in Big5 and, many of them, rare ones in GB18030.

    A text in GB18030 has hardly any that GB2312 lacks, or is in traditional characters, whose bytes are not Big5.
    """
    read = _chinese_of(path, packed)
    return (
        read is not None
        and _share(read[GB18030], "gb2312", b"\xff") < 1 - _ODD
        and _share(read[BIG5], "big5", _COMMON_BIG5) > _COMMON
    )


def _is_gb18030(path: Path, packed: bool) -> bool:
    """Whether the first characters beyond ASCII are common ones in GB18030 and, many of them, rare ones in Big5."""
    read = _chinese_of(path, packed)
    return (
        read is not None
        and _share(read[BIG5], "big5", _COMMON_BIG5) < 1 - _ODD
        and _share(read[GB18030], "gb2312", _COMMON_GB2312) > _COMMON
    )


def _share(text: str, encoding: str, last: bytes) -> float:
    """The share of a text's characters that stand in an encoding, up to a character of it."""
    return sum(b"" < c.encode(encoding, "ignore") <= last for c in text) / len(text) if text else 1.0


def _otherwise_meant(path: Path, packed: bool, encoding: str) -> Diagnostic | None:
    """That a file said to be GB18030 or Big5 is Chinese in another encoding."""
    reading, rather = _Reading(path, packed, UTF_8), None
    try:
        reading.decode(None)
    except _Undecodable:
        reading.chinese = False
    if reading.chinese:
        rather = UTF_8
    elif encoding == GB18030 and _is_big5(path, packed):
        rather = BIG5
    elif encoding == BIG5 and _is_gb18030(path, packed):
        rather = GB18030
    if rather is None:
        return None
    return diagnostic("E589.rather_otherwise", unlined(str(path)), said=encoding, rather=rather)


def _transcoded(path: Path, target: Path, packed: bool, encoding: str) -> Plain:
    reading = _Reading(path, packed, encoding)
    try:
        with target.open("wb") as out:
            reading.decode(out.write)
    except _Undecodable as error:
        raise RuleError(
            [diagnostic("E526.undecodable", Span(str(path), error.line, error.column), encoding=encoding)]
        ) from None
    return Plain(target, encoding, reading.shape)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _opened(path: Path, packed: bool) -> gzip.GzipFile | io.BufferedReader:
    return gzip.open(path) if packed else path.open("rb")


def _is_marked(path: Path, packed: bool, marks: tuple[bytes, ...]) -> bool:
    """Whether the file says by itself what it is in."""
    with _opened(path, packed) as file:
        return _read(file, path, 3).startswith(marks)


@dataclass(slots=True)
class _Reading:
    """One pass over a file. `odd`: characters beyond ASCII, as long as none of them is Chinese."""

    path: Path
    packed: bool
    encoding: str
    shape: Shape = field(default_factory=Shape)
    odd: set[str] = field(default_factory=set)
    chinese: bool = False

    def decode(self, write: Callable[[bytes], object] | None) -> None:
        """Read the file to its end; its text goes to `write` as UTF-8, without a byte-order mark."""
        decoder = codecs.getincrementaldecoder(self.encoding)()
        line, column, first = 1, 1, True
        with _opened(self.path, self.packed) as file:
            while True:
                chunk = _read(file, self.path)
                pending = decoder.getstate()[0]
                try:
                    text = decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError as error:
                    sound = (pending + chunk)[: error.start].decode(self.encoding, errors="ignore")
                    self._look(sound)
                    line, column = _after(sound.lstrip(_MARK) if first else sound, line, column)
                    raise _Undecodable(line, column, self.chinese) from None
                text = text.removeprefix(_MARK) if first else text
                first = first and not text
                self._look(text)
                line, column = _after(text, line, column)
                content = chunk if write is None else text.encode()
                self.shape.feed(content)
                if write is not None and text:
                    write(content)
                if not chunk:
                    return

    def _look(self, text: str) -> None:
        """Take note of characters beyond ASCII until one is Chinese."""
        if not self.chinese and not text.isascii():
            self.odd.update(c for c in set(text) if not c.isascii() and c not in INVISIBLE)
            self.chinese = any(map(_is_chinese, self.odd))

    def doubt(self) -> Diagnostic | None:
        """That the file may be GB18030: read as UTF-8 it has odd letters, which would all be Chinese there."""
        if self.chinese or not self.odd or self.encoding != UTF_8:
            return None
        try:
            meant = {c: c.encode().decode(GB18030) for c in sorted(self.odd)}
        except UnicodeDecodeError:
            return None
        if not all(map(_is_chinese, "".join(meant.values()))):
            return None
        read, other = next(iter(meant.items()))
        return diagnostic("E581.doubtful", unlined(str(self.path)), read=read, meant=other)


def _read(file: gzip.GzipFile | io.BufferedReader, path: Path, size: int = _CHUNK) -> bytes:
    try:
        return file.read(size)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise RuleError([diagnostic("E527.bad_gzip", unlined(str(path)))]) from None


def _after(text: str, line: int, column: int) -> tuple[int, int]:
    """The place after a text that begins at a place."""
    breaks = text.count("\n")
    return (line, column + len(text)) if not breaks else (line + breaks, len(text) - text.rindex("\n"))


def _is_chinese(character: str) -> bool:
    return "\u3000" <= character <= "\u9fff"


def head_of(text: Plain, size: int) -> str:
    """The first characters of a text, of at most `size` bytes."""
    with text.path.open("rb") as file:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(file.read(size))
