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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mianshen.ingest import diagnostics
from mianshen.source import Diagnostic, RuleError, Span

GZIP: Final = b"\x1f\x8b"
UTF_8: Final = "UTF-8"
GB18030: Final = "GB18030"
ENCODINGS: Final = (UTF_8, GB18030)  # GBK and GB2312 are parts of GB18030
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK: Final = 1 << 20
_MARK: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class Plain:
    """`path` holds the file's text in UTF-8; `encoding` is what it was in."""

    path: Path
    encoding: str


class _Undecodable(Exception):
    """Where decoding stopped: line and column from 1; `sound` has Chinese characters read before it."""

    def __init__(self, line: int, column: int, sound: bool) -> None:
        super().__init__(line, column)
        self.line = line
        self.column = column
        self.sound = sound


def plain(path: Path, scratch: Callable[[], Path], encoding: str | None = None) -> Plain:
    """The file as UTF-8 text. `scratch` names a file to write where the file itself is not that.

    `encoding` None: UTF-8, and where it is not, GB18030 if all of it is. Raises RuleError.
    """
    packed = _head(path).startswith(GZIP)
    if encoding == GB18030:
        return _transcoded(path, scratch(), packed)
    try:
        if packed:
            target = scratch()
            with target.open("wb") as out:
                _decode(path, packed, UTF_8, out.write)
            return Plain(target, UTF_8)
        _decode(path, packed, UTF_8, None)
    except _Undecodable as found:
        if encoding is None and not found.sound and not _is_marked(path, packed):
            try:
                return _transcoded(path, scratch(), packed)
            except RuleError:
                pass
        raise RuleError([_refusal(path, packed, found)]) from None
    return Plain(path, UTF_8)


def _transcoded(path: Path, target: Path, packed: bool) -> Plain:
    try:
        with target.open("wb") as out:
            _decode(path, packed, GB18030, out.write)
    except _Undecodable as found:
        raise RuleError(
            [diagnostics.undecodable(Span(str(path), found.line, found.column), GB18030)]
        ) from None
    return Plain(target, GB18030)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _opened(path: Path, packed: bool) -> gzip.GzipFile | io.BufferedReader:
    return gzip.open(path) if packed else path.open("rb")


def _is_marked(path: Path, packed: bool) -> bool:
    """The file says by itself that it is UTF-8, or UTF-16."""
    with _opened(path, packed) as file:
        return file.read(3).startswith((codecs.BOM_UTF8, *_WIDE))


def _decode(path: Path, packed: bool, encoding: str, write: Callable[[bytes], object] | None) -> None:
    """Read a file to its end; its text goes to `write` as UTF-8, without a byte-order mark."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, column, chinese, first = 1, 1, False, True
    with _opened(path, packed) as file:
        while True:
            chunk = _read(file, path)
            pending = decoder.getstate()[0]
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                read = (pending + chunk)[: error.start].decode(encoding)
                chinese = chinese or _is_chinese(read)
                line, column = _after(read.lstrip(_MARK) if first else read, line, column)
                raise _Undecodable(line, column, chinese) from None
            if first:
                text = text.removeprefix(_MARK)
            first = first and not text
            if not text.isascii():
                chinese = chinese or _is_chinese(text)
            line, column = _after(text, line, column)
            if write is not None and text:
                write(text.encode())
            if not chunk:
                return


def _read(file: gzip.GzipFile | io.BufferedReader, path: Path) -> bytes:
    try:
        return file.read(_CHUNK)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise RuleError([diagnostics.bad_gzip(Span(str(path), 1, 1))]) from None


def _after(text: str, line: int, column: int) -> tuple[int, int]:
    """The place after a text that begins at a place."""
    breaks = text.count("\n")
    return (line, column + len(text)) if not breaks else (line + breaks, len(text) - text.rindex("\n"))


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= each <= "\u9fff" for each in text)


def _refusal(path: Path, packed: bool, found: _Undecodable) -> Diagnostic:
    """What a file in no encoding of ours seems to be."""
    with _opened(path, packed) as file:
        wide = file.read(2).startswith(_WIDE)
    place = Span(str(path), 1, 1) if wide else Span(str(path), found.line, found.column)
    return diagnostics.not_utf8(place, "UTF-16" if wide else None)


def head_of(text: Plain, size: int) -> str:
    """The first characters of a text, of at most `size` bytes."""
    with text.path.open("rb") as file:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(file.read(size))
