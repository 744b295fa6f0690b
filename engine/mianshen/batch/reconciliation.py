"""Whether every record that was read is told of: decided, rejected, or set aside with its reason.

In: counts by entity, the finished files. Out: nothing, or an error: a run that lost a record writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from mianshen.batch import diagnostics
from mianshen.batch.outputs import files_below
from mianshen.ingest.inputs import pattern
from mianshen.program.program import Program
from mianshen.source import RuleError


def refuse_unaccounted(
    program: Program,
    connection: duckdb.DuckDBPyConnection,
    records: Mapping[str, Mapping[str, int]],
    folder: Path,
    shown: str,
) -> None:
    """`records`: by entity, `read` and the numbers it falls into. Raises RuleError when one is missing.

    The numbers are held against the files: decided people and what is below them have a row each, rejects one each.
    """
    person = program.entities[program.entry]
    below = files_below(program)
    written = {entity: name for entity, name in below.items() if (folder / name).exists()}
    files = {person.name: "residents.parquet"} | written  # an entity without an input has none
    wrong = []
    for entity, counts in records.items():
        told = sum(number for name, number in counts.items() if name != "read")
        if told != counts["read"]:
            wrong.append(diagnostics.unaccounted(shown, entity, counts["read"], told))
        elif entity in files and (rows := _rows(connection, folder / files[entity])) != counts["decided"]:
            wrong.append(diagnostics.unaccounted(shown, entity, counts["decided"], rows))
    rejected = sum(counts["rejected"] for counts in records.values())
    if (rows := _rows(connection, folder / "rejects.parquet")) != rejected:
        wrong.append(diagnostics.unaccounted(shown, "rejects", rejected, rows))
    if wrong:
        raise RuleError(wrong)


def _rows(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    row = connection.execute(f"SELECT count(*) FROM read_parquet({pattern(file)})").fetchone()
    return 0 if row is None else int(row[0])
