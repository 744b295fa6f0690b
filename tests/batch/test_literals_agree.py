"""What a cell says: a column of a file is read as the reader of single records reads each of its cells.

Every generated text is put in a column, read by `ingest.typed_columns`, and each cell compared with
`records.facts`: the same value, or refused for the same reason.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from functools import cache
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.campaigns import few

from mianshen.document.yaml_tree import Scalar, read_tree
from mianshen.ingest.typed_columns import ColumnReader, _listed
from mianshen.program.core import Code, Listing, Numeric
from mianshen.program.literals import read
from mianshen.program.program import Fact, Program
from mianshen.records.diagnostics import REASONS
from mianshen.records.facts import INVISIBLE, read_fact
from mianshen.rulebook import open_program
from mianshen.source import Diagnostic
from mianshen.values import EXACT

BLANKS: Final = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())
CELLS: Final[dict[str, list[str]]] = {
    "numbers": [
        "0", "-0", "+0", "-1.00", "12.345", "12.3400", "1.", ".5", "+.5", ".", "+", "-", "", " 5", "5 ", "1e3", "1E3",
        "NaN", "inf", "-Infinity", "0x10", "1_000", "1,000.00", "¥5", "１２", "٣", "½", "5%", "5%%", "%", "75.5%", "%5",
        "150%", "-5%", "0.00000000001%", "0.0000000000001%", "0.00000000000000000001%", "1" * 14 + "%", "1" * 16 + "%",
        "1" * 19 + "%", "1" * 30 + "%", "9999999999999.99", "10000000000000.00", "99999999999999.99", "999999999999999.99",
        "1000000000000000", "1000000000000000.001", "999999999999999.001", "9" * 17, "9" * 18, "9" * 18 + ".9", "9" * 19,
        "9" * 30, "9" * 31, "-" + "9" * 18 + ".99999999999999999999", "0" * 29 + "1", "1." + "0" * 20, "1." + "0" * 21,
        "1." + "0" * 19 + "1", "0.005", "0.004999", "1200", "1201", "5.0", "5.50", "6", "-1", "1\x00", "1\n", "1;2",
    ],
    "dates": [
        "2026-01-31", "2026-02-30", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "2026-1-1", "20260131",
        "2026/01/31", "2026-01-31 ", " 2026-01-31", "2026-01-31T00:00:00", "2024-02-29", "2023-02-29", "1900-02-29",
        "2000-02-29", "-001-01-01", "2026-00-01", "2026-13-01", "2026-01-00", "２０２６-01-01", "2026年1月31日", "infinity",
        "epoch", "today", "2026-01-31 (BC)",
    ],
    "words": [
        "true", "TRUE", "True", "false", "是", "否", "yes", "1", "0", "t", "ｔｒｕｅ", "employee", "EMPLOYEE", "职工医保",
        "职工", "employee scheme", " employee", "employee;", "none", "无", "低保", "subsistence", "subsistence allowance",
        "371799", "371724000000", "310113003000", "371750", "89", "巨野县", "朝阳区", "山东省 菏泽市", "310113", "31", "3101",
        "310113001", "310113001001", "3101131", "31011", "３１", "31a", "a;b", ";", ";;", " ; ",
        "employee; resident", "employee;resident", "employee; 职工医保;", "employee;x", "employee;　职工医保", "\u3000",
        " ", "\t", "\u00a0", "\u0085", "\u200b", "\ufeff", "null", "NULL", "~", "'", '"', "\\", "a|b", "%", "_", "\x00",
        "\x7f", "\x1c", "é", "甲", "😀", "　甲　",
    ],
}  # fmt: skip

MIDNIGHT: Final = "T00:00:00"
DATED: Final = [
    "2026-03-02 14:30:05", "2026/3/2", "2026/3/2 0:00", "20260302", "2026年3月2日", "2026.3.2 8:05", "46083", "46083.0",
    "2026-03-02T08:30:00+08:00", "2026-03-02 2:30 PM", "２０２６-03-02",
]  # fmt: skip
HIDDEN: Final = [
    "2026-03-02 00:00",
    "2026-03-02 00:00:00.000",
    "P\u200b1",
    "\ufeffP1",
    "P1\t",
    "\u20602026-03-02",
    "5\u200b",
]


@cache
def program() -> Program:
    return open_program()


@cache
def facts() -> dict[str, Fact]:
    """A fact of every type, those that no shipped fact has made up."""
    results = {
        name: program().facts["resident", name]
        for name in (
            "birth_date",
            "person_id",
            "insured_area",
            "insurance_scheme",
            "contribution_months",
            "household_id",
        )
    }
    results |= {name: program().facts["claim", name] for name in ("total_cost", "networked", "service_date")}
    money = results["total_cost"]
    assert isinstance(money.type, Numeric)
    wide = dataclasses.replace(money.type, low=-money.type.high)
    parts = {
        "signed": dataclasses.replace(money, type=wide),
        "rate": dataclasses.replace(money, type=dataclasses.replace(wide, scale=6), written="rate"),
        "coarse_rate": dataclasses.replace(money, written="rate"),
        "number": dataclasses.replace(money, type=dataclasses.replace(wide, scale=8), written="number"),
        "listed": dataclasses.replace(money, type=Listing(Code("insurance_scheme"))),
    }
    return {**results, **{name: dataclasses.replace(fact, name=name) for name, fact in parts.items()}}


@cache
def node() -> Scalar:
    root, _ = read_tree('"x"', "memory")
    assert isinstance(root, Scalar)
    return root


def by_column(name: str, column: pa.Array) -> list[tuple[Any, str | None]]:
    """Each cell's value and the reason it is refused for."""
    typed = ColumnReader(facts()[name], program()).read(column)
    reasons: dict[int, str] = {}
    for rows, refusal in typed.refused:
        for row in rows.tolist():
            assert row not in reasons
            reasons[row] = refusal.reason
    values = [tuple(value) if isinstance(value, list) else value for value in typed.values.to_pylist()]
    return [(value, reasons.get(row)) for row, value in enumerate(values)]


def by_records(name: str, cell: str) -> tuple[Any, str | None]:
    """An empty cell is unknown, as null is in a record."""
    if not cell:
        return None, None
    value = read_fact(dataclasses.replace(node(), text=cell), facts()[name], program())
    return (None, REASONS[value.code]) if isinstance(value, Diagnostic) else (value, None)


def assert_agree(name: str, cells: list[str]) -> None:
    """The cells as one column, as a dictionary, and one by one, so that fast and slow ways are both taken."""
    wanted = [by_records(name, cell) for cell in cells]
    column = pa.array(cells, pa.string())
    for read_ in (by_column(name, column), by_column(name, column.dictionary_encode())):
        assert_same(cells, read_, wanted)
    for cell, one in zip(cells, wanted, strict=True):
        assert_same([cell], by_column(name, pa.array([cell], pa.string())), [one])


def assert_same(cells: list[str], read_: list[tuple[Any, Any]], wanted: list[tuple[Any, Any]]) -> None:
    rows = zip(cells, read_, wanted, strict=True)
    assert not [(cell, g, w) for cell, g, w in rows if g != w or type(g[0]) is not type(w[0])]


FACTS: Final = (
    "birth_date", "service_date", "person_id", "insured_area", "insurance_scheme", "contribution_months",
    "household_id", "total_cost", "networked", "signed", "rate", "coarse_rate", "number", "listed",
)  # fmt: skip


@pytest.mark.parametrize("name", FACTS)
def test_cells_that_look_for_trouble_are_read_alike(name: str) -> None:
    known = [cell for cells in CELLS.values() for cell in cells]
    assert_agree(name, [*known, *BLANKS, *(f"{blank}1{blank}" for blank in BLANKS), *DATED, *HIDDEN])


def digits(most: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", max_size=most)


NUMBERS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "-", "+"]),
        digits(32),
        st.sampled_from(["", "."]),
        digits(23),
        st.sampled_from(["", "%"]),
    ),
)
DAYS = st.builds("{:04}-{:02}-{:02}".format, st.integers(0, 10001), st.integers(0, 13), st.integers(0, 32))
LISTS = st.lists(
    st.sampled_from(["employee", "职工医保", " resident", "none ", "", " ", "x"]), max_size=4
).map(";".join)
ODD = st.text(
    st.sampled_from([*"0123456789.+-%eE;:/ true是否", *BLANKS, "１", "\ufeff", "\x00"]), max_size=12
)
CELL = st.one_of(
    NUMBERS,
    DAYS,
    LISTS,
    ODD,
    st.text(max_size=8),
    st.sampled_from([c for cells in CELLS.values() for c in cells]),
)
SAYABLE = CELL.filter(lambda text: all(not 0xD800 <= ord(character) <= 0xDFFF for character in text))


@settings(max_examples=few(10, 300))
@given(cells=st.lists(SAYABLE, min_size=40, max_size=120))
@example(cells=["0"])
def test_any_cells_are_read_alike(cells: list[str]) -> None:
    for name in FACTS:
        assert_agree(name, cells)


@pytest.mark.parametrize(
    "name", [name for name in FACTS if name not in ("household_id", "person_id", "listed")]
)
def test_rulebooks_read_the_same_values(name: str) -> None:
    """`program.literals` takes what the records take, ranges, blanks and placeholders aside."""
    fact = facts()[name]
    for cell in (cell for cells in CELLS.values() for cell in cells if cell.strip()):
        value, why = by_records(name, cell)
        if cell != cell.strip(INVISIBLE) or MIDNIGHT in cell or (fact.required and why):
            continue
        told = None if "%" in cell and fact.written != "rate" else read(cell, fact.type, program().codes)
        placeholder = value is None and told in fact.placeholders
        assert told == value or placeholder or (told is not None and why == "out_of_range"), cell


NUMBERS_IN_COLUMNS: Final = [
    ("total_cost", pa.decimal128(18, 2)), ("total_cost", pa.decimal128(38, 20)), ("total_cost", pa.decimal128(38, 30)),
    ("total_cost", pa.decimal128(38, 37)), ("total_cost", pa.decimal64(4, 1)), ("total_cost", pa.decimal128(38, 0)),
    ("total_cost", pa.decimal256(60, 30)), ("total_cost", pa.int32()), ("total_cost", pa.uint64()),
    ("contribution_months", pa.float64()), ("contribution_months", pa.uint8()), ("signed", pa.int64()),
]  # fmt: skip
NUMBERS_WRITTEN: Final = [
    "0", "1", "1.5", "-1", "12.25", "12.255", "9.999", "999.9", "1200", "1201", "99999999", "9999999999999.99",
    "10000000000000", "1000000000000000", "9" * 18, "99999999999999999.99",
]  # fmt: skip


@pytest.mark.parametrize(("name", "type_"), NUMBERS_IN_COLUMNS, ids=str)
def test_columns_of_numbers_are_read_as_their_text_would_be(name: str, type_: pa.DataType) -> None:
    cells: list[Any] = [None]
    for text in NUMBERS_WRITTEN:
        number: Any = float(text) if pa.types.is_floating(type_) else Decimal(text)
        try:
            cells += pa.array([int(number) if pa.types.is_integer(type_) else number], type_).to_pylist()
        except (pa.ArrowInvalid, OverflowError):
            continue
    texts = ["" if cell is None else f"{Decimal(str(cell)).normalize(EXACT):f}" for cell in cells]
    assert by_column(name, pa.array(cells, type_)) == [by_records(name, text) for text in texts]
    for cell, text in zip(cells, texts, strict=True):
        assert by_column(name, pa.array([cell], type_)) == [by_records(name, text)]


def test_midnight_is_the_day_in_text_and_in_a_column_of_timestamps() -> None:
    days = [dt.datetime(2026, 3, 2), None, dt.datetime(2026, 3, 2, 14, 30, 5), dt.datetime(1, 1, 1)]  # noqa: DTZ001
    texts = ["" if day is None else day.isoformat(" ") for day in days]
    wanted = [by_records("service_date", text) for text in texts]
    assert [value for value, _ in wanted] == [dt.date(2026, 3, 2), None, None, dt.date(1, 1, 1)]
    for unit in ("s", "ms", "us"):
        assert by_column("service_date", pa.array(days, pa.timestamp(unit))) == wanted
    assert by_column("service_date", pa.array(texts, pa.string())) == wanted


@pytest.mark.parametrize("cell", DATED)
def test_a_date_written_otherwise_is_refused_with_the_date_meant(cell: str) -> None:
    typed = ColumnReader(facts()["service_date"], program()).read(pa.array([cell]))
    ((_, refusal),) = typed.refused
    assert refusal.reason == "bad_date"
    assert refusal.hint is not None
    assert "2026-03-02" in refusal.hint.en
    assert "2026-03-02" in refusal.hint.zh


def test_a_column_of_nothing_is_unknown() -> None:
    for name in FACTS:
        assert by_column(name, pa.nulls(3)) == [(None, None)] * 3


def test_a_list_column_is_read_as_a_list_in_a_record() -> None:
    column = pa.array(
        [["employee", "职工医保 "], [], [None], None, ["x"], ["employee"]], pa.list_(pa.string())
    )
    assert by_column("listed", column) == [
        (("employee", "employee"), None), ((), None), (None, "empty"), (None, None), (None, "bad_code"), (("employee",), None),
    ]  # fmt: skip


def test_names_and_identity_numbers_are_in_no_refusal() -> None:
    fact = dataclasses.replace(facts()["total_cost"], personal=True)
    typed = ColumnReader(fact, program()).read(pa.array(["310113199001010000x", "9,876.00"]))
    assert "310113199001010000" not in str(typed.refused)
    assert "9876" not in str(typed.refused)


def test_bytes_that_are_no_text_are_no_number() -> None:
    assert _listed(pa.array([b"60\xe3.00", b"1", None], pa.binary()).view(pa.string())) == [
        "60\ufffd.00",
        "1",
        None,
    ]
