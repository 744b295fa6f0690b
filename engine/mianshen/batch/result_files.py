"""The files of results while they grow, block by block or partition by partition; counts beside them.

In: parts of files in the order of blocks. Out: whole files, their digests, the counts of all rows.
Invariant: a file's bytes are those of its row groups in the order of blocks, whoever brought them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import pyarrow as pa

from mianshen.batch.block_decider import BlockResult
from mianshen.batch.output_files import REJECT_SCHEMA, REJECTS, REJECTS_CSV, EntityFile
from mianshen.batch.parquet_join import JoinedFile, encoded
from mianshen.batch.totals import Counts, added

COUNTS: Final = "counts.json"
HEADER: Final = (",".join(f'"{name}"' for name in REJECT_SCHEMA.names) + "\n").encode()


@dataclass(slots=True)
class ResultFiles:
    """Open files of results in a folder. `digests` are there once they are closed."""

    folder: Path
    schemas: Mapping[str, pa.Schema]  # of each Parquet file
    whole: bool = True  # whether these are the results themselves, not those of a partition
    counts: Counts = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    _files: dict[str, JoinedFile] = field(default_factory=dict)
    _csv: BinaryIO = field(init=False)
    _csv_digest: Any = field(init=False, default_factory=hashlib.sha256)
    _open: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for name, schema in self.schemas.items():
                empty = encoded(schema.empty_table())
                self._files[name] = stack.enter_context(JoinedFile(self.folder / name, empty))
            self._csv = stack.enter_context((self.folder / REJECTS_CSV).open("wb"))
            self._open = stack.pop_all()
        if self.whole:
            self._reject(HEADER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)
        self.digests = {name: file.digest for name, file in self._files.items()}
        self.digests[REJECTS_CSV] = f"sha256:{self._csv_digest.hexdigest()}"
        self.rows = {name: file.rows for name, file in self._files.items()}

    def add(self, result: BlockResult) -> None:
        """Add a block's results. Raises OSError."""
        for name, part in result.parts.items():
            self._files[name].append(part)
        self._reject(result.rejected)
        self.counts = added(self.counts, result.counts)

    def add_partition(self, folder: Path) -> None:
        """Add the results of a partition, which `save` finished. Raises OSError."""
        for name, file in self._files.items():
            file.append(folder / name)
        with (folder / REJECTS_CSV).open("rb") as lines:
            while piece := lines.read(1 << 20):
                self._reject(piece)
        self.counts = added(self.counts, json.loads((folder / COUNTS).read_text("utf-8")))

    def save(self) -> None:
        """Keep the counts beside the files. Raises OSError."""
        (self.folder / COUNTS).write_text(json.dumps(self.counts), "utf-8")

    def _reject(self, lines: bytes) -> None:
        self._csv.write(lines)
        self._csv_digest.update(lines)


def schemas_of(files: list[EntityFile], supplied: Mapping[str, frozenset[str]]) -> dict[str, pa.Schema]:
    """Every Parquet file of a run. `supplied`: the facts, by entity, that some input has a column for."""
    schemas: dict[str, pa.Schema] = {}
    for file in files:
        columns = supplied[file.entity.name]
        schemas[file.name] = file.schema
        if not columns.isdisjoint(file.settled_facts.values()):
            schemas[file.differences] = file.difference_schema
        if file.entity.reverses in columns:
            schemas[file.reversals] = file.reversal_schema
    return {**schemas, REJECTS: REJECT_SCHEMA}
