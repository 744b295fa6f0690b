"""Files that stand where made-up ones are to be written: only those of an earlier sample are replaced.

In: the file, the columns to be written, the keys that samples give. Out: nothing, or FileExistsError.
"""

from __future__ import annotations

import csv
import errno
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def check_own_folder(file: Path, columns: Sequence[str], keys: re.Pattern[str]) -> None:
    """Raises FileExistsError where the file holds other columns, or a first row with a key that no sample gives."""
    if not file.exists():
        return
    try:
        header, first = _csv(file) if file.suffix == ".csv" else _parquet(file)
    except (OSError, ValueError, csv.Error, pa.ArrowException):
        header, first = [], None
    if header != list(columns) or (first is not None and keys.fullmatch(first) is None):
        raise FileExistsError(errno.EEXIST, "exists, and no sample wrote it", str(file))


def _csv(file: Path) -> tuple[list[str], str | None]:
    with file.open(encoding="utf-8", newline="") as text:
        rows = csv.reader(text)
        header, first = next(rows, []), next(rows, None)
    return header, None if first is None else "".join(first[:1])


def _parquet(file: Path) -> tuple[list[str], str | None]:
    with pq.ParquetFile(file) as table:
        header = table.schema_arrow.names
        batch = next(table.iter_batches(1, columns=header[:1]), None)
    return header, None if batch is None or not len(batch) else str(batch.column(0)[0].as_py())
