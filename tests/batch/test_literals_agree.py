"""What a cell says: the SQL of a batch reads it as the reader of single records does.

Every generated text is put in one column, read by the SQL of `sql.intake`, and each cell compared with
`records.facts`: the same value, or refused for the same reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, Final

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from mianshen.document.yaml_tree import Scalar, read_tree
from mianshen.program.core import Code, Listing, Numeric
from mianshen.program.literals import read
from mianshen.program.program import Fact, Program
from mianshen.records.diagnostics import REASONS
from mianshen.records.facts import read_fact
from mianshen.rulebook import open_program
from mianshen.source import Diagnostic
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.place_columns import add_place_code
from mianshen.warehouse.read_columns import read_column

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


@cache
def program() -> Program:
    return open_program()


@cache
def facts() -> dict[str, Fact]:
    """A fact of every type, those that no shipped fact has made up."""
    found = {
        name: program().facts["resident", name]
        for name in ("birth_date", "insured_area", "insurance_scheme", "contribution_months", "household_id")
    }
    found |= {name: program().facts["claim", name] for name in ("total_cost", "networked")}
    money = found["total_cost"]
    assert isinstance(money.type, Numeric)
    wide = dataclasses.replace(money.type, low=-money.type.high)
    made = {
        "signed": dataclasses.replace(money, type=wide),
        "rate": dataclasses.replace(money, type=dataclasses.replace(wide, scale=6), written="rate"),
        "coarse_rate": dataclasses.replace(money, written="rate"),
        "number": dataclasses.replace(money, type=dataclasses.replace(wide, scale=8), written="number"),
        "listed": dataclasses.replace(money, type=Listing(Code("insurance_scheme"))),
    }
    return {**found, **{name: dataclasses.replace(fact, name=name) for name, fact in made.items()}}


@cache
def node() -> Scalar:
    root, _ = read_tree('"x"', "memory")
    assert isinstance(root, Scalar)
    return root


@cache
def query(name: str, found: str) -> str:
    """Cells `x`, numbered `n`, to their values and the reason each is refused for."""
    layers: list[list[exp.Expr]] = []
    depth: dict[str, int] = {}

    def let(part: str, value: exp.Expr) -> exp.Expr:
        label = f"?{part}"
        depth[label] = 1 + max((depth.get(c.name, 0) for c in value.find_all(exp.Column)), default=0)
        layers.extend([] for _ in range(depth[label] - len(layers)))
        layers[depth[label] - 1].append(exp.alias_(value, label, quoted=True))
        return terms.column(label)

    read_ = read_column(facts()[name], terms.column("cell"), found, dict(program().codes), let)
    made: exp.Query = exp.select(exp.Star()).from_("cells")
    for layer in layers:
        made = exp.select(exp.Star(), *layer).from_(made.subquery("below"))
    why = terms.case(list(read_.refused)) if read_.refused else terms.NULL
    return (
        exp.select("n", exp.alias_(read_.value, "value"), exp.alias_(why, "why"))
        .from_(made.subquery("below"))
        .sql("duckdb")
    )


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        add_place_code(connection)
        yield connection


def by_sql(database: duckdb.DuckDBPyConnection, name: str, cells: list[str]) -> list[tuple[Any, str | None]]:
    database.execute(
        "CREATE OR REPLACE TEMP TABLE cells AS SELECT unnest(?::INTEGER[]) AS n, unnest(?::VARCHAR[]) AS cell",
        [list(range(len(cells))), cells],
    )
    rows = database.execute(f"SELECT value, why FROM ({query(name, 'VARCHAR')}) ORDER BY n").fetchall()
    return [(tuple(value) if isinstance(value, list) else value, why) for value, why in rows]


def by_records(name: str, cell: str) -> tuple[Any, str | None]:
    """An empty cell is unknown, as null is in a record."""
    if not cell:
        return None, None
    value = read_fact(dataclasses.replace(node(), text=cell), facts()[name], program())
    return (None, REASONS[value.code]) if isinstance(value, Diagnostic) else (value, None)


def assert_agree(database: duckdb.DuckDBPyConnection, name: str, cells: list[str]) -> None:
    got = by_sql(database, name, cells)
    wanted = [by_records(name, cell) for cell in cells]
    wrong = [
        (cell, g, w)
        for cell, g, w in zip(cells, got, wanted, strict=True)
        if g != w or type(g[0]) is not type(w[0])
    ]
    assert not wrong


FACTS: Final = (
    "birth_date", "insured_area", "insurance_scheme", "contribution_months", "household_id", "total_cost", "networked",
    "signed", "rate", "coarse_rate", "number", "listed",
)  # fmt: skip


@pytest.mark.parametrize("name", FACTS)
def test_cells_that_look_for_trouble_are_read_alike(database: duckdb.DuckDBPyConnection, name: str) -> None:
    known = [cell for cells in CELLS.values() for cell in cells]
    assert_agree(database, name, [*known, *BLANKS, *(f"{blank}1{blank}" for blank in BLANKS)])


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
SAYABLE = CELL.filter(lambda text: all(not 0xD800 <= ord(each) <= 0xDFFF for each in text))


@settings(max_examples=30, deadline=None)
@given(cells=st.lists(SAYABLE, min_size=40, max_size=120))
@example(cells=["0"])
def test_any_cells_are_read_alike(database: duckdb.DuckDBPyConnection, cells: list[str]) -> None:
    for name in FACTS:
        assert_agree(database, name, cells)


@pytest.mark.parametrize("name", [name for name in FACTS if name not in ("household_id", "listed")])
def test_rulebooks_read_the_same_values(name: str) -> None:
    """`program.literals` takes what the records take, ranges and blanks aside."""
    fact = facts()[name]
    for cell in (cell for cells in CELLS.values() for cell in cells if cell.strip()):
        value, why = by_records(name, cell)
        told = None if "%" in cell and fact.written != "rate" else read(cell, fact.type, program().codes)
        assert told == value or (told is not None and why == "out_of_range"), cell


COLUMNS: Final = [
    ("total_cost", "DECIMAL(18,2)"),
    ("total_cost", "DECIMAL(38,20)"),
    ("total_cost", "DECIMAL(38,30)"),
    ("total_cost", "DECIMAL(38,37)"),
    ("total_cost", "DECIMAL(4,1)"),
    ("total_cost", "DECIMAL(38,0)"),
    ("total_cost", "INTEGER"),
    ("total_cost", "HUGEINT"),
    ("contribution_months", "DOUBLE"),
    ("contribution_months", "UTINYINT"),
]


@pytest.mark.parametrize(("name", "type_"), COLUMNS)
def test_columns_of_numbers_are_read_as_their_text_would_be(
    database: duckdb.DuckDBPyConnection, name: str, type_: str
) -> None:
    cells = [
        "0",
        "1",
        "1.5",
        "-1",
        "12.25",
        "12.255",
        "9.999",
        "999.9",
        "1200",
        "1201",
        "99999999",
        "9999999999999.99",
        "10000000000000",
        "1000000000000000",
        "9" * 18,
        "99999999999999999.99",
    ]
    given = "SELECT unnest(?) AS t, unnest(?) AS n"
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE cells AS SELECT n, TRY_CAST(t AS {type_}) AS cell FROM ({given})",
        [cells, list(range(len(cells)))],
    )
    shown = database.execute("SELECT cell FROM cells ORDER BY n").fetchall()
    rows = database.execute(f"SELECT value, why FROM ({query(name, type_)}) ORDER BY n").fetchall()
    texts = ["" if cell is None else f"{Decimal(str(cell)).normalize():f}" for (cell,) in shown]
    assert rows == [by_records(name, text) for text in texts]
