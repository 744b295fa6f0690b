"""Parquet files of one schema joined without decoding them: their row groups' bytes, one after the other, and one footer.

In: files, or buffers, that `encoded` made with one schema. Out: a Parquet file, and the digest of its bytes.
Invariant: a row group's bytes are copied as they are; of the footer only counts and places in the file change.
The footer is a struct of Thrift's compact protocol, held here as its fields by number (parquet.thrift names them).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

MAGIC: Final = b"PAR1"
TAIL: Final = 8  # bytes behind a footer: its length, and the magic
PIECE: Final = 1 << 20
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
INTEGERS: Final = (4, 5, 6)
ROWS, GROUPS = 3, 4  # of the file's struct
COLUMNS, GROUP_AT, ORDINAL = 1, 5, 7  # of a row group's
ORDINALS = 1 << 15  # an ordinal has 16 bits; those of later row groups are left out
CHUNK_AT, CHUNK_ABOUT, CHUNK_INDEXES = 2, 3, (4, 6)  # of a column's in a row group
PAGES: Final = (9, 10, 11, 14)  # of what is told about it: data, index, dictionary, bloom filter

Struct = dict[int, tuple[int, Any]]  # field number to type and value


class NotJoined(ValueError):
    """A file that is no Parquet file, or whose columns are not those of the others."""


@dataclass(slots=True)
class JoinedFile:
    """A Parquet file that grows by the row groups of others; `digest` is that of the bytes once it is closed."""

    path: Path
    empty: pa.Buffer  # a file without rows, of the columns that all have
    digest: str = ""
    rows: int = 0
    _file: BinaryIO = field(init=False)
    _whole: Struct = field(init=False)
    _hash: Any = field(init=False, default_factory=sha256)

    def __enter__(self) -> Self:
        with pa.BufferReader(self.empty) as empty:
            self._whole, _ = _footer(empty)
        self._whole[GROUPS] = (LIST, (STRUCT, []))
        self._whole[ROWS] = (self._whole[ROWS][0], 0)
        self._file = self.path.open("wb")
        self._write(MAGIC)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._file.close()

    def append(self, part: Path | pa.Buffer) -> None:
        """Add the rows of a file, or of its bytes. Raises NotJoined, OSError."""
        with _opened(part) as file:
            footer, end = _footer(file)
            if self._whole[2] != footer[2]:
                raise NotJoined("columns differ")
            if not footer[ROWS][1]:
                return
            moved = self._file.tell() - len(MAGIC)
            file.seek(len(MAGIC))
            for piece in _pieces(file, end - len(MAGIC)):
                self._write(piece)
        groups = footer[GROUPS][1][1]
        for group in groups:
            _move(group, moved)
        self._whole[GROUPS][1][1].extend(groups)
        self.rows += footer[ROWS][1]

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)

    def _finish(self) -> None:
        self._whole[ROWS] = (self._whole[ROWS][0], self.rows)
        for number, group in enumerate(self._whole[GROUPS][1][1]):
            if ORDINAL in group:
                group[ORDINAL] = (group[ORDINAL][0], number)
                if number >= ORDINALS:
                    del group[ORDINAL]
        text = b"".join(_struct(self._whole))
        self._write(text + len(text).to_bytes(4, "little") + MAGIC)
        self.digest = f"sha256:{self._hash.hexdigest()}"


def encoded(table: pa.Table) -> pa.Buffer:
    """A table as a Parquet file of one row group that any reader takes for plain texts and decimals."""
    sink = pa.BufferOutputStream()
    coded = [f.name for f in table.schema if pa.types.is_dictionary(f.type)]
    with pq.ParquetWriter(
        sink, table.schema, use_dictionary=coded, store_schema=False, store_decimal_as_integer=True,
        compression="snappy",
    ) as writer:  # fmt: skip
        writer.write_table(table, row_group_size=max(1, len(table)))
    return sink.getvalue()


def _opened(part: Path | pa.Buffer) -> Any:
    return part.open("rb") if isinstance(part, Path) else pa.BufferReader(part)


def _footer(file: BinaryIO) -> tuple[Struct, int]:
    """The struct at the end of a file, and where it begins."""
    size = file.seek(0, 2)
    file.seek(max(0, size - TAIL))
    tail = file.read(TAIL)
    begin = size - TAIL - int.from_bytes(tail[:4], "little")
    if tail[4:] != MAGIC or begin < len(MAGIC):
        raise NotJoined("no Parquet file")
    file.seek(begin)
    return _Reading(file.read(size - TAIL - begin)).struct(), begin


def _pieces(source: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0:
        piece = source.read(min(PIECE, size))
        if not piece:
            raise NotJoined("cut short")
        yield piece
        size -= len(piece)


def _move(group: Struct, by: int) -> None:
    """Places in the file of all that a row group names; 0 stands for none."""
    _moved(group, (GROUP_AT,), by)
    for chunk in group[COLUMNS][1][1]:
        _moved(chunk, (CHUNK_AT, *CHUNK_INDEXES), by)
        _moved(chunk[CHUNK_ABOUT][1], PAGES, by)


def _moved(fields: Struct, numbers: Sequence[int], by: int) -> None:
    for number in numbers:
        if number in fields and fields[number][1]:
            fields[number] = (fields[number][0], fields[number][1] + by)


# -- Thrift's compact protocol ---------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    text: bytes
    at: int = 0

    def struct(self) -> Struct:
        struct: Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            struct[number] = (head & 15, self._value(head & 15))
        return struct

    def _value(self, kind: int, listed: bool = False) -> Any:
        if kind in (TRUE, FALSE):
            return self._byte() if listed else None
        if kind in INTEGERS:
            return self._integer()
        if kind == BYTE:
            return self._byte()
        if kind in (BINARY, DOUBLE):
            size = self._number() if kind == BINARY else 8
            self.at += size
            return self.text[self.at - size : self.at]
        if kind in (LIST, SET):
            head = self._byte()
            size = self._number() if head >> 4 == 15 else head >> 4
            return head & 15, [self._value(head & 15, listed=True) for _ in range(size)]
        if kind == STRUCT:
            return self.struct()
        raise NotJoined(f"type {kind} in a footer")

    def _byte(self) -> int:
        self.at += 1
        return self.text[self.at - 1]

    def _number(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    def _integer(self) -> int:
        number = self._number()
        return number >> 1 if not number & 1 else -(number >> 1) - 1


def _struct(fields: Struct) -> Iterator[bytes]:
    before = 0
    for number, (kind, value) in fields.items():
        step = number - before
        yield bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + _integer(number)
        yield from _value(kind, value)
        before = number
    yield b"\0"


def _value(kind: int, value: Any) -> Iterator[bytes]:
    if kind in INTEGERS:
        yield _integer(value)
    elif kind == BINARY:
        yield _number(len(value)) + value
    elif kind == DOUBLE:
        yield value
    elif kind in (LIST, SET):
        result, values = value
        yield (
            bytes([len(values) << 4 | result])
            if len(values) < 15
            else bytes([0xF0 | result]) + _number(len(values))
        )
        for one in values:
            yield from _value(result, one)
    elif kind == STRUCT:
        yield from _struct(value)
    elif value is not None:  # a byte, or whether something is so in a list; alone that is its type
        yield bytes([value])


def _integer(value: int) -> bytes:
    return _number(value << 1 if value >= 0 else (-value << 1) - 1)


def _number(value: int) -> bytes:
    number = bytearray()
    while value > 127:
        number.append(value & 127 | 128)
        value >>= 7
    return bytes([*number, value])
