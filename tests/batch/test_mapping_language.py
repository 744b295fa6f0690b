"""What a mapping can say beyond renaming: sums, choices, conditions, lists with beginnings, rows, persons, identities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mianshen.ingest.inputs import Input, open_inputs
from mianshen.mapping.sql import Columns
from mianshen.program.program import Program
from mianshen.source import RuleError

DAY: Final = dt.date(2026, 6, 30)
CLAIM: Final = "claim: {columns: {c: claim_id, p: person_id}, facts: {%s}}\n"


@pytest.fixture(scope="module")
def program() -> Program:
    from mianshen.rulebook import open_program

    return open_program()


def opened(
    folder: Path, program: Program, mapping: str, files: Mapping[str, str]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Input]]:
    """What a mapping makes of files by entity: rows of facts, and the inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "m.yaml").write_text(mapping, "utf-8")
    paths = {}
    for entity, text in files.items():
        paths[entity] = folder / f"{entity}.csv"
        paths[entity].write_text(text, "utf-8")
    with duckdb.connect() as connection:
        inputs = open_inputs(
            program, paths, connection, folder / "text", mapping=folder / "m.yaml", as_of=DAY
        )
        parts: dict[str, list[dict[str, Any]]] = {}
        for entity, source in inputs.items():
            parts[entity] = []
            for part in source.parts:
                shown = ", ".join(f'"{written}" AS "{fact}"' for fact, (written, _) in part.columns.items())
                table = connection.sql(
                    f'SELECT {shown} FROM {part.relation} ORDER BY "?row"'
                ).to_arrow_table()
                parts[entity] += table.to_pylist()
        return parts, inputs


def fact(
    folder: Path, program: Program, how: str, header: str, *cells: str, name: str = "total_cost"
) -> list[Any]:
    """The values of one fact of claims, for lines of cells."""
    lines = "".join(f"C{at},P,{row}\n" for at, row in enumerate(cells))
    constant = "" if name == "service_date" else "service_date: {constant: 2026-01-01}, "
    facts = f"{constant}{name}: {how}"
    tables, _ = opened(folder, program, CLAIM % facts, {"claim": f"c,p,{header}\n{lines}"})
    return [row[name] for row in tables["claim"]]


@pytest.mark.parametrize(
    ("how", "header", "cells", "wanted"),
    [
        ("{sum: [a, b], minus: d}", "a,b,d", ["1.10,2.20,0.30", "1,,1", "x,1,1", "1,2,1e3"], ["3", None, "?", "?"]),
        ("{sum: [a, {column: b, empty: 0.00}], minus: [d]}", "a,b,d", ["1.5,,1"], ["0.5"]),
        ("{sum: [a, {column: z, absent: 0.05}]}", "a", ["1.00"], ["1.05"]),
        ("{first: [a, b]}", "a,b", ["1,2", ",2", ","], ["1", "2", None]),
        ("{column: a, thousands: true}", "a", ['"1,036.50"', "36.0", '"1,03"'], ["1036.50", "36.0", "1,03"]),
        ("{column: [z, A_B]}", "aB", ["7"], ["7"]),
        ("{column: a, unit: 万元}", "a", ["1.5"], ["15000.0"]),
        ('{column: a, only: {column: b, is: ["1*", ""]}}', "a,b", ["5,1101", "5,", "5,2"], ["5", "5", None]),
        ('{column: a, unless: {column: b, is: "0"}}', "a,b", ["5,0", "5,1", "5,"], [None, "5", "5"]),
    ],
)  # fmt: skip
def test_amounts(
    tmp_path: Path, program: Program, how: str, header: str, cells: list[str], wanted: list[Any]
) -> None:
    result = fact(tmp_path, program, how, header, *cells)
    assert [None if v is None else _plain(v) for v in result] == [
        None if v is None else _plain(v) for v in wanted
    ]


def _plain(text: str) -> str | Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        return text[:1] if text.startswith("?") else text


@pytest.mark.parametrize(
    ("date", "cells", "wanted"),
    [
        ("timestamp", ["2026-03-02 00:30:00+08:00", "2026/3/2 0:00", "2026-03-02T23:59:59.5Z", "2026-03-02", "2026-03-02x"],
         ["2026-03-02"] * 4 + ["2026-03-02x"]),
        ("yyyy-mm-dd hh:mi:ss", ["2026-03-02 14:30:05", "2026-03-02 14:30"], ["2026-03-02", "2026-03-02 14:30"]),
        ("excel", ["46083", "46083.5", "46083\t", "0", "99999999"], ["2026-03-02"] * 3 + ["0", "99999999"]),
        ("yyyymm", ["202602", "202613", "20260"], ["2026-02-28", "202613", "20260"]),
        ("[yyyymmdd, d.m.yyyy]", ["20260302", "2.3.2026", "20260231"], ["2026-03-02", "2026-03-02", "2026-02-31"]),
    ],
)  # fmt: skip
def test_dates(tmp_path: Path, program: Program, date: str, cells: list[str], wanted: list[str]) -> None:
    how = f"{{column: a, date: {date}}}"
    assert fact(tmp_path, program, how, "a", *cells, name="service_date") == wanted


@pytest.mark.parametrize(
    ("how", "cells", "wanted"),
    [
        ('{column: a, values: {"1*": inpatient, "11": outpatient, "2": null}}', ["11", "12", "2", "3", ""],
         ["outpatient", "inpatient", None, "3", None]),
        ('{column: a, values: {"1": inpatient}, other: null, empty: outpatient}', ["1", "9", ""],
         ["inpatient", None, "outpatient"]),
        ('{column: a, values: {"1": inpatient}, other: outpatient}', ["\t1 ", "2\u00a0"],
         ["inpatient", "outpatient"]),
    ],
)  # fmt: skip
def test_codes(tmp_path: Path, program: Program, how: str, cells: list[str], wanted: list[Any]) -> None:
    assert fact(tmp_path, program, how, "a", *cells, name="care_type") == wanted


# ruff: noqa: E501
TYPOS: Final = {
    "an operand": ("total_cost: {sum: [a], frist: [b]}", "E550: there is no frist in total_cost. Perhaps first is meant"),
    "two kinds": ("total_cost: {column: a, first: [b]}", "E560"),
    "a star": ('care_type: {column: a, values: {"*1": inpatient}}', "E561: the star in *1 is out of place"),
    "a list": ("care_type: {column: a, values: care}", "E550: there is no care in lists"),
    "a code": ('care_type: {column: a, values: {"1": inpatiant}}', "E558"),
    "an other": ("care_type: {column: a, other: null}", "E557"),
    "a sum of texts": ("care_type: {sum: [a]}", "E557"),
    "marks in a date": ("service_date: {column: a, thousands: true}", "E557"),
    "a condition": ("total_cost: {column: a, only: {colum: b, is: x}}", "E550: there is no colum in conditions. Perhaps column is meant"),
    "half a condition": ("total_cost: {column: a, only: {column: b}}", "E563"),
    "a fact of a condition": ("total_cost: {column: a, only: {fact: care_typ, is: x}}", "E552: claim has no fact care_typ. Perhaps care_type is meant"),
    "a circle": ("total_cost: {column: a, only: {fact: total_cost, is: x}}", "E565"),
    "a column of a condition": ("total_cost: {column: a, only: {column: bb, is: x}}", "E554: the file claim.csv has no column bb"),
    "a column of a sum": ("total_cost: {sum: [a, aa]}", "E554: the file claim.csv has no column aa"),
    "a part": ("care_type: {column: a, entries: {part: begin, order: [inpatient]}}", "E562"),
    "two conditions before": (
        "total_cost: {column: a, as_before: [one, two]}}}\nconditions: {one: {column: b, is: x}, two: {column: p, is: x}}\n#",
        "E567: as_before takes one condition",
    ),
    "a style": ("total_cost: {column: a, floats: short}", "E551"),
}  # fmt: skip


@pytest.mark.parametrize(("how", "wanted"), TYPOS.values(), ids=TYPOS)
def test_every_mistake_is_refused_at_its_place(
    tmp_path: Path, program: Program, how: str, wanted: str
) -> None:
    mapping = CLAIM % how
    with pytest.raises(RuleError) as caught:
        opened(tmp_path, program, mapping, {"claim": "c,p,a\nC,P,1\n"})
    lines = [diagnostic.show("en") for diagnostic in caught.value.diagnostics]
    assert any(line.startswith(f"{tmp_path}/m.yaml:1:") and wanted in line for line in lines), lines


ROWS: Final = """\
claim:
  rows:
    leave_out: [{column: valid, is: "0", reason: {zh: 无效, en: invalid}}]
    reversals: {names: of, key: c}
  columns: {c: claim_id, p: person_id, d: service_date}
"""


def test_rows_are_left_out_before_keys_are_compared(tmp_path: Path, program: Program) -> None:
    text = "c,p,d,valid,of\nA,P,2026-01-01,1,\nA,P,2026-01-01,0,\nB,P,2026-01-01,1,\nR,P,2026-01-02,1,B\t\nD,P,2026-01-01,,\n"
    tables, inputs = opened(tmp_path, program, ROWS, {"claim": text})
    assert [row["claim_id"] for row in tables["claim"]] == ["A", "D"]
    report = inputs["claim"].report
    assert report is not None
    assert [(reason.en, count) for reason, count in report.left_out] == [
        ("invalid", 1), ("reversing rows", 1), ("rows that they reverse", 1)
    ]  # fmt: skip


PERSONS: Final = """\
resident:
  rows: {per: person_id, order: [n], keep: %s, day: valid_from}
  columns: {p: person_id, d: valid_from, s: sex, a: insured_area}
"""
PERSON_ROWS: Final = """\
p,d,n,s,a
P,2026-01-01,1,male,310113
P,2026-02-01,2,male,310113
P,2026-03-01,10,male,310101
P,2026-03-01,2,female,310101
Q,,1,male,310113
"""


@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_row_of_a_person_or_its_history(tmp_path: Path, program: Program, order: int) -> None:
    head, *lines = PERSON_ROWS.splitlines()
    text = "\n".join([head, *lines[::order], ""])
    tables, inputs = opened(tmp_path, program, PERSONS % "newest", {"resident": text})
    remaining = {row["person_id"]: row for row in tables["resident"]}
    assert len(tables["resident"]) == 2
    assert remaining["P"]["sex"] == "female"  # 2 follows 10 by code point
    assert "valid_from" not in remaining["P"]
    report = inputs["resident"].report
    assert report is not None
    assert (report.merged, report.disagreements) == (3, {"sex": 1, "insured_area": 1})
    tables, inputs = opened(tmp_path / "h", program, PERSONS % "history", {"resident": text})
    days = sorted((row["person_id"], row["valid_from"] or "", row["sex"]) for row in tables["resident"])
    assert days == [("P", "2026-01-01", "male"), ("P", "2026-03-01", "female"), ("Q", "", "male")]


def test_texts_that_stand_for_nothing_are_empty_cells(tmp_path: Path, program: Program) -> None:
    mapping = (
        'claim:\n  cells: {trim: true, blank: ["NULL", (null)]}\n'
        '  rows: {leave_out: [{column: v, is: ["", "0"]}], reversals: {names: of, key: c, nothing: ["0", "-"]}}\n'
        "  facts: {claim_id: c, person_id: p, service_date: {first: [e, d]}, total_cost: {column: t, empty: 0.00}}\n"
    )
    text = "c,p,e,d,t,v,of\nC1,P,null,2026-01-02,NULL ,1,NULL\nC2,P,2026-01-03,x,(Null),1,0\nC3,P,,,,null,\n0,P,2026-01-04,,5,1,-\n"
    tables, _ = opened(tmp_path, program, mapping, {"claim": text})
    assert [tuple(row.values()) for row in tables["claim"]] == [
        ("C1", "P", "2026-01-02", "0.00"), ("C2", "P", "2026-01-03", "0.00"), ("0", "P", "2026-01-04", "5"),
    ]  # fmt: skip


IDENTITIES: Final = """\
resident:
  columns: {p: person_id}
  facts:
    assistance_category:
      column: a
      values: {"1": destitute, "2": subsistence}
      other: null
      empty: none
      entries: {separator: ";", part: "code(begin~end)", order: [destitute, subsistence]}
"""


def test_of_several_identities_those_in_force_count(tmp_path: Path, program: Program) -> None:
    cells = {
        "2(2026-01-01~)": "subsistence", "1(2020-01-01~2025-12-31);2(2026-01-01~2026-12-31)": "subsistence",
        "2(~);1(2026-06-30~)": "destitute", "1(2027-01-01~)": "none", "9(~)": None, "": "none", "1": "?", "1(x~)": "?",
    }  # fmt: skip
    text = "p,a\n" + "".join(f"P{at},{cell}\n" for at, cell in enumerate(cells))
    tables, _ = opened(tmp_path, program, IDENTITIES, {"resident": text})
    assert [row["assistance_category"] for row in tables["resident"]] == list(cells.values())


def test_one_column_gives_several_facts_and_floats_are_read_by_their_shortest_decimal(
    tmp_path: Path, program: Program
) -> None:
    table = pa.table(
        {
            "c": ["C"],
            "p": ["P"],
            "d": [dt.date(2026, 1, 1)],
            "x": pa.array([0.1 + 0.7], pa.float64()),
            "n": [36.0],
        }
    )
    pq.write_table(table, tmp_path / "claim.parquet")
    mapping = (
        "claim:\n  cells: {floats: shortest}\n"
        "  columns: {c: claim_id, p: person_id, d: service_date, x: [basic_paid, settled_basic_payment], n: total_cost}\n"
    )
    (tmp_path / "m.yaml").write_text(mapping, "utf-8")
    with duckdb.connect() as connection:
        inputs = open_inputs(
            program,
            {"claim": tmp_path / "claim.parquet"},
            connection,
            tmp_path / "t",
            mapping=tmp_path / "m.yaml",
        )
        [part] = inputs["claim"].parts
        names = ["basic_paid", "settled_basic_payment", "total_cost"]
        shown = ", ".join(f'"{part.columns[name][0]}"' for name in names)
        assert connection.sql(f"SELECT {shown} FROM {part.relation}").fetchall() == [
            ("0.7999999999999999", "0.7999999999999999", "36")
        ]


NUMBERS: Final = st.decimals(
    Decimal("-9999999.99999999"), Decimal("9999999.99999999"), places=8, allow_nan=False
)


@given(st.lists(NUMBERS, min_size=1, max_size=5), st.lists(NUMBERS, max_size=3))
def test_sums_are_exact(plus: list[Decimal], minus: list[Decimal]) -> None:
    from mianshen.mapping.model import Constant, Sum

    columns = Columns([])
    value = columns.value(
        Sum(tuple(Constant(f"{n:f}") for n in plus), tuple(Constant(f"{n:f}") for n in minus))
    )
    with duckdb.connect() as connection:
        [(text,)] = connection.execute(
            f"SELECT {value} FROM ({columns.layered('SELECT 1 AS one')})"
        ).fetchall()
    assert Decimal(text) == sum(plus) - sum(minus)


def test_a_shipped_mapping_is_named_and_a_misspelt_one_told() -> None:
    from mianshen.mapping.model import mapping_file, shipped_mappings

    with pytest.raises(RuleError, match="E564: no mapping nsha travels with the rulebook"):
        mapping_file("nsha")
    assert all(mapping_file(name).exists() for name in shipped_mappings())


def test_a_history_without_its_columns_keeps_what_there_is(tmp_path: Path, program: Program) -> None:
    tables, _ = opened(tmp_path, program, PERSONS.replace("  rows: {", "  rows: {missing_columns: allowed, ") % "history",
                     {"resident": "p,n,s,a\nP,1,male,310113\nP,2,male,310101\n"})  # fmt: skip
    assert [row["insured_area"] for row in tables["resident"]] == ["310101"]


def test_a_fact_of_another_type_can_be_tested(tmp_path: Path, program: Program) -> None:
    table = pa.table({"c": ["C"], "p": ["P"], "d": [dt.date(2026, 1, 1)], "x": ["5.00"]})
    pq.write_table(table, tmp_path / "claim.parquet")
    (tmp_path / "m.yaml").write_text(
        "claim: {columns: {c: claim_id, p: person_id, d: service_date},"
        ' facts: {total_cost: {column: x, only: {fact: service_date, is: [x, "2026*"]}}}}\n', "utf-8",
    )  # fmt: skip
    with duckdb.connect() as connection:
        files = {"claim": tmp_path / "claim.parquet"}
        [part] = open_inputs(program, files, connection, tmp_path / "t", mapping=tmp_path / "m.yaml")[
            "claim"
        ].parts
        shown = f'SELECT "{part.columns["total_cost"][0]}" FROM {part.relation}'
        assert connection.sql(shown).fetchall() == [("5.00",)]


def test_an_identity_number_among_the_keys_of_a_mapping_is_not_repeated(
    tmp_path: Path, program: Program
) -> None:
    with pytest.raises(RuleError) as caught:
        opened(tmp_path, program, "claim: {cells: {310113199001011235: true}}\n", {"claim": "c\n1\n"})
    assert "3101131990" not in str(caught.value)


@pytest.mark.parametrize("key", ["missing_columns:王小明allowed", "姓名：王小明 rows", "trim王小明"])
def test_a_name_that_ran_into_a_key_of_a_mapping_is_not_repeated(
    tmp_path: Path, program: Program, key: str
) -> None:
    with pytest.raises(RuleError) as caught:
        opened(tmp_path, program, f"claim:\n  rows: {{? {key} : true}}\n", {"claim": "c\n1\n"})
    assert "E550" in str(caught.value)
    assert "王小明" not in str(caught.value)
