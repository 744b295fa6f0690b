"""The columns of one file as Arrow arrays, some rows at a time.

In: a `Part`. Out: `Span`s in the order of the file, each a stretch of rows whose columns are read when asked for.
Parquet is read by Arrow alone, every column by itself, so that threads share the work; everything else
(CSV, tables of databases, what a mapping converts) comes out of a query of DuckDB. Raises RuleError where a file
cannot be read.
"""

from __future__ import annotations

import threading
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mianshen.ingest import diagnostics
from mianshen.ingest.inputs import Part, explained, identifier
from mianshen.ingest.typed_columns import Array
from mianshen.mapping.sql import FILE_ROW
from mianshen.source import RuleError, unlined

ROWS: Final = 1 << 18  # rows of a span, about
NOT_THE_FILE: Final = (
    duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.BinderException, duckdb.CatalogException,
    duckdb.ParserException, duckdb.InternalException,
)  # fmt: skip


class Span(Protocol):
    """A stretch of a file's rows. `numbers`: the numbers of their records, from 1; None: one after the other."""

    @property
    def count(self) -> int: ...

    @property
    def numbers(self) -> Array | None: ...

    def column(self, fact: str) -> list[pa.Array]:
        """A fact's cells, as arrays one after the other."""


def spans_of(part: Part, connection: duckdb.DuckDBPyConnection, coded: Container[str]) -> Iterator[Span]:
    """The file's rows, in order; a file without rows is one span of none.

    `part.columns` names the columns to read; `coded`: facts of few different values.
    """
    spans = _parquet_spans(part, coded) if part.parquet else _query_spans(part, connection)
    first = next(spans, None)
    yield _BatchSpan({fact: [] for fact in part.columns}, 0) if first is None else first
    yield from spans


# -- Parquet -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _ParquetSpan:
    part: Part
    groups: list[int]
    count: int
    files: _Files
    numbers: None = None

    def column(self, fact: str) -> list[pa.Array]:
        written = self.part.columns[fact][0]
        with _intact(self.part):
            table = self.files.open().read_row_groups(self.groups, columns=[written], use_threads=False)
            return list(table.column(written).chunks)


@dataclass(slots=True)
class _Files:
    """The file, opened once in every thread."""

    part: Part
    metadata: pq.FileMetaData
    coded: list[str]
    own: threading.local = field(default_factory=threading.local)

    def open(self) -> pq.ParquetFile:
        if not hasattr(self.own, "file"):
            self.own.file = pq.ParquetFile(self.part.path, metadata=self.metadata, read_dictionary=self.coded)
        return self.own.file


def _parquet_spans(part: Part, coded: Container[str]) -> Iterator[Span]:
    with _intact(part), pq.ParquetFile(part.path) as file:
        metadata = file.metadata
    texts = [name for fact, (name, column) in part.columns.items() if fact in coded and column == "VARCHAR"]
    files = _Files(part, metadata, texts)
    groups: list[int] = []
    count = 0
    for group in range(metadata.num_row_groups):
        groups.append(group)
        count += metadata.row_group(group).num_rows
        if count >= ROWS or group == metadata.num_row_groups - 1:
            yield _ParquetSpan(part, groups, count, files)
            groups, count = [], 0


@contextmanager
def _intact(part: Part) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise RuleError([diagnostics.bad_parquet(unlined(str(part.path)))]) from None


# -- everything else ---------------------------------------------------------------------------


@dataclass(slots=True)
class _BatchSpan:
    columns: Mapping[str, list[pa.Array]]
    count: int
    numbers: Array | None = None

    def column(self, fact: str) -> list[pa.Array]:
        return self.columns[fact]


def _query_spans(part: Part, connection: duckdb.DuckDBPyConnection) -> Iterator[Span]:
    selected = [written for written, _ in part.columns.values()] + ([FILE_ROW] if part.mapped else [])
    listed = ", ".join(map(identifier, selected)) or "NULL"  # the rows are counted all the same
    with guarded(part):
        connection.execute("SELECT 1").fetchall()  # ends what an earlier query left unread
        reader = connection.cursor().sql(f"SELECT {listed} FROM {part.relation}").to_arrow_reader(ROWS)
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            columns = {fact: [batch.column(at)] for at, fact in enumerate(part.columns)}
            numbers = np.asarray(batch.column(len(columns))) if part.mapped else None
            yield _BatchSpan(columns, batch.num_rows, numbers)


@contextmanager
def guarded(part: Part) -> Iterator[None]:
    """What goes wrong while a file is read, as an error of ours, for DuckDB's words may quote a record."""
    try:
        yield
    except (duckdb.Error, UnicodeError, pa.ArrowException) as error:
        elsewhere = isinstance(error, duckdb.IOException) and str(part.text.path) not in str(error)
        if elsewhere or isinstance(error, NOT_THE_FILE):
            raise
        raise explained(part, str(error)) from None
