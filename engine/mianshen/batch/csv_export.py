"""A finished batch's tables as CSV for spreadsheets, in which no cell is taken for a formula.

In: the folder of a finished run. Out: a CSV file for each Parquet file, in a folder of their own. A text that a
spreadsheet would evaluate or drop digits of, or that already begins with an apostrophe, gets an apostrophe in front;
taking one away from each cell that begins with one gives the text back.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb

from mianshen.batch import diagnostics
from mianshen.batch.output_files import file_names
from mianshen.batch.result_folder import beside, clear_up, publish
from mianshen.ingest.input_paths import Named, paths_of
from mianshen.ingest.inputs import identifier, pattern, quoted
from mianshen.program.program import Program
from mianshen.source import RuleError

SPOILT: Final = (
    r"0[0-9]+|[0-9]{12,}|[0-9]+[Ee][0-9]+"  # keys that a spreadsheet takes for a number and writes otherwise
)
SIGNS: Final = (
    r"[=+\-@\t\r\n'＝＋－＠]"  # that begin a formula; full-width ones too: some spreadsheets take them
)
FORMULA: Final = rf"(?s){SIGNS}.*|{SPOILT}"


def check_own_sheets(to: Path, named: str, program: Program, out: Path, inputs: Mapping[str, Named]) -> None:
    """Only an empty folder or an earlier run's sheets are replaced, and no folder that an input lies in. Raises RuleError."""
    folder = to.resolve()
    for path in paths_of(inputs):
        if path.resolve().is_relative_to(folder):
            raise RuleError([diagnostics.inputs_inside(named, path.name)])
    ours = {f"{Path(name).stem}.csv" for name in file_names(program) if name.endswith(".parquet")}
    strangers = folder.exists() and (
        not folder.is_dir() or not {path.name for path in folder.iterdir()} <= ours
    )
    if strangers or folder == out.resolve() or out.resolve().is_relative_to(folder):
        raise RuleError([diagnostics.foreign_folder(named)])


def write_sheets(folder: Path, to: Path) -> list[Path]:
    """Write each table of the run; all or none, and nothing of an earlier run stays. Raises RuleError, OSError."""
    target = to.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_up(target)
    part = beside(target, "part")
    part.mkdir()
    try:
        with duckdb.connect() as connection:
            for table in sorted(folder.glob("*.parquet")):
                connection.execute(
                    f"COPY ({_query(table, connection)}) TO {quoted(str(part / f'{table.stem}.csv'))} "
                    "(FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"')"
                )
        publish(part, target)
    except duckdb.Error as error:
        raise RuleError([diagnostics.cannot_write(str(to), str(error).splitlines()[0])]) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return [to / path.name for path in sorted(target.iterdir())]


def _query(file: Path, connection: duckdb.DuckDBPyConnection) -> str:
    source = f"read_parquet({pattern(file)})"
    columns = connection.execute(f"DESCRIBE FROM {source}").fetchall()
    selected = [_safe(name) if type_ == "VARCHAR" else identifier(name) for name, type_, *_ in columns]
    return f"SELECT {', '.join(selected)} FROM {source}"


def _safe(name: str) -> str:
    column = identifier(name)
    return f"CASE WHEN regexp_full_match({column}, {quoted(FORMULA)}) THEN '''' || {column} ELSE {column} END AS {column}"
