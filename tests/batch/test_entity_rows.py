"""Files as typed rows: facts, rejects, blank and total rows, places in files, whatever the format."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.campaigns import few

from mianshen.ingest.entity_rows import EntityRows, FileRows, RowReader
from mianshen.ingest.inputs import open_inputs
from mianshen.ingest.row_checks import Comparison, RowChecks
from mianshen.ingest.typed_columns import ColumnReader, arrow_type
from mianshen.program.core import Date, FactRef, Numeric, walk
from mianshen.program.program import Program
from mianshen.rulebook import open_program

DAY = dt.date(2026, 6, 30)
CLAIMS = [
    ("C1", "P1", "2026-03-02", "inpatient", "60300.00", "0.00"),
    ("", "", "", "", "", ""),
    ("C2", "P1", "2026-03-02 00:00:00", "住院", " 5 ", ""),
    (" ", "\u3000", "", "", "", "\t"),
    ("C3\t", "P2", "2026/3/2", "outpatient", "1,000.00", "0.00"),
    ("C4", "P2", "2026-07-01", "outpatient", "10.00", "0.00"),
    ("C5", "P2", "2026-05-01", "outpatient", "10.00", "20.00"),
    ("", "P2", "2026-05-01", "outpatient", "10.00", "2.00"),
    ("合 计", "", "", "", "60300.00", "0.00"),
]
NAMES = ("claim_id", "person_id", "service_date", "care_type", "total_cost", "out_of_scope_cost")


@cache
def program() -> Program:
    return open_program()


def read(files: list[Path], folder: Path, entity: str = "claim", threads: int = 2) -> EntityRows:
    with duckdb.connect() as connection:
        connection.execute("SET arrow_output_version = '1.5'")
        inputs = open_inputs(program(), {entity: files}, connection, folder / "text")
        return RowReader(program(), connection, DAY, threads=threads).read(
            program().entities[entity], inputs[entity]
        )


def table() -> pa.Table:
    return pa.table(
        {
            name: pa.array(column, pa.string())
            for name, column in zip(NAMES, zip(*CLAIMS, strict=True), strict=True)
        }
    )


@pytest.fixture(params=["csv", "parquet", "several row groups", "two files"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> list[Path]:
    path = tmp_path / "claims.parquet"
    match request.param:
        case "csv":
            path = path.with_suffix(".csv")
            pa.csv.write_csv(table(), path)
        case "parquet":
            pq.write_table(table(), path)
        case "several row groups":
            pq.write_table(table(), path, row_group_size=2)
        case _:
            pq.write_table(table().slice(0, 4), path)
            other = tmp_path / "more.csv"
            pa.csv.write_csv(table().slice(4), other)
            return [path, other]
    return [path]


def test_the_same_rows_come_out_of_any_format(files: list[Path], tmp_path: Path) -> None:
    rows = read(files, tmp_path)
    assert rows.key.to_pylist() == ["C1", "C2", "C3", "C4", "C5", None, "合 计"]
    assert rows.blank == 2
    assert rows.values("total_cost")[:3] == [Decimal("60300.00"), Decimal("5.00"), None]
    assert rows.values("service_date")[1] == dt.date(2026, 3, 2)
    assert rows.values("care_type")[1] == "inpatient"
    which, numbers = rows.places(np.arange(7))
    before = 4 if len(files) == 2 else 0
    assert numbers.tolist() == [1, 3, *(number - before for number in (5, 6, 7, 8, 9))]
    assert which.tolist() == [0, 0, *([1] * 5 if len(files) == 2 else [0] * 5)]


def test_every_mistake_is_a_reject_with_its_reason(files: list[Path], tmp_path: Path) -> None:
    rejects = read(files, tmp_path).rejects
    assert [tuple(row.values()) for row in rejects.table().to_pylist()] == [
        (2, "service_date", "bad_date"),
        (3, "service_date", "after_as_of"),
        (4, "out_of_scope_cost", "failed_check"),
        (5, "claim_id", "required"),
        (6, "claim_id", "total_row"),
    ]
    unreadable = {name: rows.tolist() for name, rows in rejects.unreadable().items()}
    assert unreadable["service_date"] == [2, 6]
    assert unreadable["total_cost"] == [2]
    assert unreadable["out_of_scope_cost"] == [4]


def test_rows_taken_keep_their_rejects(tmp_path: Path) -> None:
    pq.write_table(table(), tmp_path / "claims.parquet")
    rows = read([tmp_path / "claims.parquet"], tmp_path)
    taken = rows.taken(np.array([1, 3, 4]))
    assert taken.key.to_pylist() == ["C2", "C4", "C5"]
    assert [row["row"] for row in taken.rejects.table().to_pylist()] == [1, 2]
    assert taken.rejects.marked(3).tolist() == [0, 1, 1]


def test_a_voiding_row_needs_its_key_its_person_and_what_it_voids(tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_text(
        "claim_id,person_id,service_date,total_cost,reverses\nR1,P1,x,-60300.00,C1\nR2,,2026-03-02,1,C1\nR3,P1,,,\n",
        encoding="utf-8",
    )
    rows = read([path], tmp_path)
    assert rows.reverses is not None
    assert rows.reverses.to_pylist() == ["C1", "C1", None]
    assert [tuple(row.values()) for row in rows.rejects.table().to_pylist()] == [
        (1, "person_id", "required"),
        (2, "service_date", "required"),
    ]


def test_facts_without_a_column_are_unknown_or_assumed(tmp_path: Path) -> None:
    path = tmp_path / "residents.csv"
    path.write_text("person_id,insured_area\nP1,310113\n", encoding="utf-8")
    rows = read([path], tmp_path, "resident")
    assert rows.values("birth_date")[0] is None
    assert rows.values("opening_basic_paid")[0] == Decimal("0.00")
    assert "opening_basic_paid" in rows.assumed
    assert rows.values("insured_area")[0] == "310113"


def test_an_empty_file_has_no_rows_and_is_still_a_file(tmp_path: Path) -> None:
    path = tmp_path / "claims.parquet"
    pq.write_table(table().slice(0, 0), path)
    rows = read([path], tmp_path)
    assert (rows.count, rows.has_input, [file.name for file in rows.files]) == (0, True, ["claims.parquet"])


def test_a_column_of_nothing_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "claims.parquet"
    pq.write_table(
        table().drop_columns(["total_cost"]).append_column("total_cost", pa.nulls(len(CLAIMS))), path
    )
    rows = read([path], tmp_path)
    assert rows.facts["total_cost"].null_count == rows.count


def test_numbers_of_records_count_the_blank_ones() -> None:
    file = FileRows("f", 10, 4, np.array([1, 3, 4, 8]))
    assert file.numbers(np.array([10, 11, 12, 13])).tolist() == [2, 5, 6, 7]


def test_keys_in_a_dictionary_are_keys(tmp_path: Path) -> None:
    coded = table().slice(0, 1)
    for name in ("claim_id", "person_id", "care_type"):
        coded = coded.set_column(coded.column_names.index(name), name, coded[name].dictionary_encode())
    pq.write_table(coded, tmp_path / "claims.parquet")
    rows = read([tmp_path / "claims.parquet"], tmp_path)
    assert rows.key == pa.array(["C1"])
    assert rows.parent == pa.array(["P1"])
    assert rows.values("care_type") == ["inpatient"]


@pytest.mark.parametrize("places", [pa.int8(), pa.uint8(), pa.uint32(), pa.int64()], ids=str)
def test_a_dictionary_of_any_places_is_read_with_what_is_wrong_in_it(places: pa.DataType) -> None:
    """An ENUM of DuckDB has places without a sign, a categorical of polars too."""
    fact = program().facts["claim", "care_type"]
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], places), pa.array(["inpatient", "9901"]))
    typed = ColumnReader(fact, program()).read(column)
    assert typed.values.to_pylist() == ["inpatient", None, None]
    assert [rows.tolist() for rows, _ in typed.refused] == [[1]]


AMOUNTS = st.none() | st.integers(0, 400).map(lambda n: Decimal(n).scaleb(-2))
DAYS = st.none() | st.dates(dt.date(2026, 6, 25), dt.date(2026, 7, 5))


@given(data=st.data(), count=st.integers(1, 30))
@settings(max_examples=few(12, 400))
def test_comparisons_of_sums_fail_where_the_warehouse_says_so(data: st.DataObject, count: int) -> None:
    with duckdb.connect() as connection:
        checks = RowChecks(program(), connection, DAY)
        compared = 0
        for entity in program().entities.values():
            for check in entity.checks:
                facts = {
                    n.name: program().facts[entity.name, n.name]
                    for n in walk(check.condition)
                    if isinstance(n, FactRef)
                }
                if not all(isinstance(fact.type, Numeric | Date) for fact in facts.values()):
                    continue
                columns = {
                    name: pa.array(
                        data.draw(
                            st.lists(
                                DAYS if isinstance(fact.type, Date) else AMOUNTS,
                                min_size=count,
                                max_size=count,
                            )
                        ),
                        arrow_type(fact.type)
                        if not isinstance(fact.type, Numeric) or fact.type.scale
                        else pa.decimal64(18, 2),
                    )
                    for name, fact in facts.items()
                }
                columns = {n: c.cast(arrow_type(facts[n].type), safe=False) for n, c in columns.items()}
                failed = Comparison(columns, DAY).failed(check.condition)
                if failed is not None:
                    compared += 1
                    assert failed.tolist() == checks.by_query(entity, check, columns).tolist(), check.name
        assert compared >= 11


def test_what_is_unknown_of_a_code_is_counted_as_null() -> None:
    for column in (
        pa.array(["inpatient", "", "x", None]),
        pa.array(["inpatient", "", "x", None]).dictionary_encode(),
    ):
        typed = ColumnReader(program().facts["claim", "care_type"], program()).read(column)
        assert typed.values.null_count == 3
        assert typed.values.to_pylist() == ["inpatient", None, None, None]
