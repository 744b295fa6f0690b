"""Files spoilt at random are read or refused in one line, never with an error of ours and never with somebody's name."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import random
import tempfile
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.batch.test_file_formats import workbook
from tests.campaigns.fuzzing import spoilt_bytes

from mianshen.ingest.column_survey import survey
from mianshen.ingest.entity_cases import cases_of
from mianshen.ingest.entity_rows import RowReader
from mianshen.ingest.inputs import open_inputs
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.source import RuleError

DAY: Final = dt.date(2026, 6, 30)
NAME, NUMBER = "欧阳娜娜敏", "310113199001011235"
HEADER = [
    "person_id",
    "name",
    "identity_number",
    "birth_date",
    "insurance_scheme",
    "opening_basic_paid",
    "disability_level",
]
PERSON = ["P1", NAME, NUMBER, "1990-01-01", "居民医保", "12.50", "3"]
SCALE: Final = int(os.environ.get("MIANSHEN_FUZZ", "1"))


@cache
def program() -> Program:
    return open_program()


def read(path: Path, encoding: str | None = None) -> None:
    """Read a file of residents as a batch, a watch and `columns` do; what is wrong is one line each."""
    try:
        with duckdb.connect() as connection, tempfile.TemporaryDirectory() as folder:
            inputs = open_inputs(program(), {"resident": path}, connection, Path(folder), encoding)
            reader = RowReader(program(), connection, DAY)
            rows = {
                name: reader.read(entity, inputs.get(name)) for name, entity in program().entities.items()
            }
            for _ in cases_of(program(), rows, DAY):
                pass
            said = str(rows["resident"].rejects.refusals)
            assert NAME not in said
            assert NUMBER not in said
    except RuleError as error:
        say_nothing(error)
    try:
        about = survey(program(), str(path), "resident", encoding, None, DAY)
        shown = str([(c.written, c.shape, c.sample, c.problem) for c in about.columns])
        assert NAME not in shown
        assert NUMBER not in shown
    except RuleError as error:
        say_nothing(error)


def say_nothing(error: RuleError) -> None:
    for line in (d.show(lang) for d in error.diagnostics for lang in ("zh", "en")):
        assert "\n" not in line
        assert NAME not in line
        assert NUMBER not in line


def csv_bytes() -> bytes:
    return ("\n".join(",".join(row) for row in (HEADER, PERSON, ["P2", *PERSON[1:]])) + "\n").encode()


def parquet_bytes() -> bytes:
    table = pa.table({name: pa.array([cell, None]) for name, cell in zip(HEADER, PERSON, strict=True)})
    stream = BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "r.csv": csv_bytes, "r.tsv": lambda: csv_bytes().replace(b",", b"\t"),
    "g.csv": lambda: csv_bytes().decode().encode("gb18030"),
    "w.csv": lambda: csv_bytes().decode().encode("utf-16"), "r.csv.gz": lambda: gzip.compress(csv_bytes(), mtime=0),
    "r.parquet": parquet_bytes, "r.xlsx": lambda: workbook([[*HEADER], [*PERSON]]),
    "r.jsonl": (json.dumps(dict(zip(HEADER, PERSON, strict=True)), ensure_ascii=False) + "\n").encode,
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_spoilt_files_are_read_or_refused_in_a_line(tmp_path: Path, name: str) -> None:
    content = FILES[name]()
    (tmp_path / name).write_bytes(content)
    read(tmp_path / name)
    for seed in range(8 * SCALE):
        (tmp_path / name).write_bytes(spoilt_bytes(content, random.Random(f"{name} {seed}")))
        read(tmp_path / name, random.Random(seed).choice((None, None, "gb18030", "utf-8")))


CELLS = st.one_of(
    st.none(), st.text(max_size=6), st.integers(-(10**20), 10**20), st.booleans(), st.dates(),
    st.datetimes(), st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    st.floats(), st.binary(max_size=3), st.lists(st.text(max_size=3), max_size=3),
)  # fmt: skip
TYPES = [
    pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()), pa.int8(), pa.int64(), pa.uint64(),
    pa.float32(), pa.float64(), pa.bool_(), pa.date32(), pa.date64(), pa.timestamp("ns"), pa.timestamp("us", tz="UTC"),
    pa.decimal128(38, 10), pa.decimal256(70, 30), pa.binary(), pa.list_(pa.string()), pa.null(), pa.time32("s"),
    pa.struct([("a", pa.int8())]), pa.duration("s"), pa.month_day_nano_interval(),
]  # fmt: skip


@given(data=st.data())
@settings(max_examples=12 * SCALE)
def test_parquet_columns_of_any_type_are_read_or_refused_in_a_line(data: st.DataObject) -> None:
    rows = data.draw(st.integers(0, 4))
    columns = {}
    for name in HEADER:
        type_ = data.draw(st.sampled_from(TYPES))
        cells = data.draw(st.lists(CELLS, min_size=rows, max_size=rows))
        try:
            columns[name] = pa.array(cells, type_)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            columns[name] = pa.nulls(rows, type_)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.parquet"
        try:
            pq.write_table(pa.table(columns), path)
        except (pa.ArrowException, OverflowError):
            return
        read(path)


SHEET = st.one_of(
    st.text(max_size=6).filter(lambda t: t.isprintable()), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", " ", "合计", "1e5", "46083", "2026/1/1", "#REF!", "\u200b", "P1"]),
    st.decimals(-10, 10, places=2).map(float),
)  # fmt: skip


@given(cells=st.lists(st.lists(SHEET, min_size=0, max_size=9), max_size=5), title=st.booleans())
@settings(max_examples=12 * SCALE)
def test_workbooks_of_any_cells_are_read_or_refused_in_a_line(
    cells: list[list[str | float]], title: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.xlsx"
        above: list[list[str | float]] = [["参保人员"]] if title else []
        path.write_bytes(workbook([*above, [*HEADER], *cells]))
        read(path)


@given(
    text=st.lists(
        st.sampled_from([*',"\n\r\t;:\x00 \u3000', "a", "1", "甲", "person_id", "P1"]), max_size=40
    ).map("".join)
)
@settings(max_examples=12 * SCALE)
def test_any_text_as_csv_is_read_or_refused_in_a_line(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for start in ("", "person_id,name\n", "person_id\n"):
            path = Path(folder) / "r.csv"
            path.write_text(start + text, encoding="utf-8", newline="")
            read(path)


def test_amounts_of_a_workbook_are_the_decimals_that_were_typed(tmp_path: Path) -> None:
    amounts = [Decimal(number) / 100 for number in (1, 10, 29, 57, 115, 12345678901, 99999999999999)]
    rows: list[list[str | float]] = [["person_id", "opening_basic_paid"]]
    for number, amount in enumerate(amounts):
        rows.append([f"P{number}", float(amount)])  # a row of both types
    (tmp_path / "r.xlsx").write_bytes(workbook(rows))
    with duckdb.connect() as connection:
        inputs = open_inputs(program(), {"resident": tmp_path / "r.xlsx"}, connection, tmp_path / "text")
        read_ = RowReader(program(), connection, DAY).read(program().entities["resident"], inputs["resident"])
    assert read_.values("opening_basic_paid") == amounts
