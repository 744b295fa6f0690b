"""Parquet files: their columns, and in which of them nothing stands; Arrow files written as Parquet.

In: a file. Out: names and DuckDB's types. Raises RuleError where it is no intact file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ArrowException

from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics
from mianshen.ingest.csv_files import pattern
from mianshen.ingest.headers import Typed, check_names_differ
from mianshen.source import RuleError, unlined

ARROW: Final = b"ARROW1"  # how an Arrow file begins


def as_parquet(path: Path, target: Path) -> None:
    """Write an Arrow file as Parquet. Raises RuleError where it is damaged."""
    try:
        with (
            pa.memory_map(str(path)) as source,
            pa.ipc.open_file(source) as batches,
            pq.ParquetWriter(target, batches.schema) as writer,
        ):
            for number in range(batches.num_record_batches):
                writer.write_batch(batches.get_batch(number))
    except (ArrowException, OSError):
        raise RuleError([diagnostic("E595.bad_arrow", unlined(str(path)))]) from None


def parquet_columns(path: Path, connection: duckdb.DuckDBPyConnection, named: Path) -> list[Typed]:
    """The columns of a Parquet file; those of nothing are of no type, whatever the file says. Raises RuleError."""
    try:
        with pq.ParquetFile(path) as file:
            names_, nothing = file.schema_arrow.names, _of_nothing(file.metadata)
        check_names_differ(named, [(name, "") for name in names_], list(range(1, len(names_) + 1)), 1)
        rows = connection.execute(
            f"DESCRIBE SELECT * FROM read_parquet({pattern(path)}, hive_partitioning=false)"
        ).fetchall()
    except (duckdb.Error, UnicodeError, ArrowException, OSError):
        raise RuleError([diagnostics.bad_parquet(unlined(str(named)))]) from None
    return [(row[0], '"NULL"' if row[0] in nothing else row[1]) for row in rows]


def _of_nothing(file: pq.FileMetaData) -> set[str]:
    """The columns of a Parquet file, of those whose type may not fit, in which the file says that nothing stands."""
    groups = range(file.num_row_groups if file.num_rows else 0)
    doubtful = ("FLOAT", "DOUBLE", "INT96", "INT64", "BOOLEAN", "FIXED_LEN_BYTE_ARRAY")

    def is_empty(number: int) -> bool:
        cells = (file.row_group(group).column(number) for group in groups)
        return all(
            c.statistics is not None
            and c.statistics.has_null_count
            and c.statistics.null_count == c.num_values
            for c in cells
        )

    columns = [file.schema.column(number) for number in range(file.num_columns)]
    return {
        column.path
        for number, column in enumerate(columns)
        if groups
        and column.max_definition_level == 1
        and column.physical_type in doubtful
        and is_empty(number)
    }
