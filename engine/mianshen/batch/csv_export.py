"""A finished batch's tables as CSV for spreadsheets, in which no cell is taken for a formula.

In: the folder of a finished run. Out: a CSV file beside each Parquet file's name, in a folder of its own. A
text that a spreadsheet would evaluate, or that already begins with an apostrophe, gets an apostrophe in front;
taking one away from each cell that begins with one gives the text back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from mianshen.ingest.inputs import identifier, pattern, quoted

FORMULA: Final = r"(?s)[=+\-@\t\r\n'＝＋－＠].*"  # full-width signs too: some spreadsheets take them


def write_sheets(folder: Path, to: Path) -> list[Path]:
    """Write each table of the run; the files. Raises OSError when the folder cannot be written."""
    to.mkdir(parents=True, exist_ok=True)
    made = []
    with duckdb.connect() as connection:
        for each in sorted(folder.glob("*.parquet")):
            target = to / f"{each.stem}.csv"
            part = target.with_suffix(".part")
            connection.execute(
                f"COPY ({_query(each, connection)}) TO {quoted(str(part))} "
                "(FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"')"
            )
            part.replace(target)
            made.append(target)
    return made


def _query(file: Path, connection: duckdb.DuckDBPyConnection) -> str:
    source = f"read_parquet({pattern(file)})"
    columns = connection.execute(f"DESCRIBE FROM {source}").fetchall()
    shown = [_safe(name) if type_ == "VARCHAR" else identifier(name) for name, type_, *_ in columns]
    return f"SELECT {', '.join(shown)} FROM {source}"


def _safe(name: str) -> str:
    column = identifier(name)
    return f"CASE WHEN regexp_full_match({column}, {quoted(FORMULA)}) THEN '''' || {column} ELSE {column} END AS {column}"
