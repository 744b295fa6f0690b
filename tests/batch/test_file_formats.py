"""Files as bureaus have them: formats, encodings, headers, shapes; what is wrong is one line at its place."""

from __future__ import annotations

import datetime as dt
import gzip
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather
from xlsxwriter import Workbook

from mianshen.ingest.encodings import Shape
from mianshen.ingest.entity_rows import EntityRows, RowReader
from mianshen.ingest.inputs import Input, open_inputs
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.source import RuleError

DAY = dt.date(2026, 6, 30)
HEADER = "claim_id,person_id,service_date,care_type,total_cost,critical_illness\n"
ROW = "C1,310113001,2026-03-02,住院,60300.00,true\n"


@cache
def program() -> Program:
    return open_program()


def opened(
    path: Path | str, encoding: str | None = None, mapping: Path | None = None
) -> tuple[Input, EntityRows]:
    scratch = Path(str(path).removeprefix("sqlite:")).parent / "scratch"
    with duckdb.connect() as connection:
        (source,) = open_inputs(
            program(), {"claim": path}, connection, scratch, encoding, mapping, DAY
        ).values()
        return source, RowReader(program(), connection, DAY).read(program().entities["claim"], source)


def refused(path: Path | str, encoding: str | None = None) -> list[str]:
    with pytest.raises(RuleError) as caught:
        opened(path, encoding)
    lines = [d.show("en") for d in caught.value.diagnostics]
    assert all("\n" not in line for line in lines)
    return [line.replace(f"{Path(str(path)).parent}/", "") for line in lines]


def read(rows: EntityRows) -> list[tuple[object, ...]]:
    columns = [rows.key.to_pylist(), *(rows.values(n) for n in ("service_date", "care_type", "total_cost"))]
    return list(zip(*columns, strict=True))


WANTED = [("C1", dt.date(2026, 3, 2), "inpatient", Decimal("60300.00"))]


def workbook(rows: list[list[str | float]]) -> bytes:
    """A workbook of one sheet, written as a spreadsheet writes it."""

    def cell(value: str | float) -> str:
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
        return f"<c><v>{value!r}</v></c>"

    body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = "application/vnd.openxmlformats"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Default Extension="rels" ContentType="{types}-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {space} xmlns:r="{relations}"><sheets>'
        '<sheet name="费用" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {space}><sheetData>{body}</sheetData></worksheet>",
    }
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return stream.getvalue()


CELLS: list[list[str | float]] = [
    [*HEADER.strip().split(",")],
    ["C1", 310113001.0, "2026-03-02", "住院", 60300.0, "true"],
]
FORMATS: dict[str, bytes] = {
    "c.csv": (HEADER + ROW).encode(),
    "c.tsv": (HEADER + ROW).replace(",", "\t").encode(),
    "tabs.csv": (HEADER + ROW).replace(",", "\t").encode(),
    "c.csv.gz": gzip.compress((HEADER + ROW).encode()),
    "gb.csv": (HEADER + ROW.replace("true", "是")).encode("gb18030"),
    "wide.csv": (HEADER + ROW).replace(",", "\t").encode("utf-16"),
    "upper.csv": (HEADER.upper() + ROW).encode(),
    "marked.csv": ("\ufeff" + HEADER.replace("person_id", " Person_ID\u200b ") + ROW).encode(),
    "c.xlsx": workbook(CELLS),
    "c.jsonl": (
        '{"claim_id": "C1", "person_id": "310113001", "service_date": "2026-03-02", "care_type": "住院", '
        '"total_cost": 60300.00, "critical_illness": true}\n\n'
    ).encode(),
}


@pytest.mark.parametrize("name", FORMATS)
def test_one_claim_is_read_alike_in_every_format(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FORMATS[name])
    source, rows = opened(tmp_path / name)
    assert read(rows) == WANTED
    assert rows.parent is not None
    assert rows.parent.to_pylist() == ["310113001"]
    assert not len(rows.rejects.rows)
    assert source.doubts == ()


def test_a_total_row_is_told_in_columns_of_string_views(tmp_path: Path) -> None:
    names = HEADER.strip().split(",")
    table = {
        name: pa.array([cell, ""], pa.string_view())
        for name, cell in zip(names, ROW.strip().split(","), strict=True)
    }
    table["claim_id"] = pa.array(["C1", "合计"], pa.string_view())
    pq.write_table(pa.table(table), tmp_path / "c.parquet")
    rows = opened(tmp_path / "c.parquet")[1]
    assert set(rows.rejects.rows) == {1}


TRADITIONAL = "claim_id,person_id,name,service_date,care_type,total_cost,critical_illness\n"
NAMES = ("陳大文", "黃埗碁")


@pytest.mark.parametrize("before", [0, 1 << 18], ids=["at the beginning", "after a megabyte"])
@pytest.mark.parametrize("encoding", ["big5hkscs", "gb18030"])
def test_traditional_characters_are_read_in_big5_and_in_gb18030(
    tmp_path: Path, encoding: str, before: int
) -> None:
    lines = [f"C{at},1,,2026-03-02,住院,1.00,false\n" for at in range(before // 20)]
    named = [f"N{at},1,{name},2026-03-02,住院,1.00,false\n" for at, name in enumerate(NAMES)]
    ascii_ = "".join(lines).replace("住院", "inpatient")
    (tmp_path / "c.csv").write_bytes((TRADITIONAL + ascii_ + "".join(named)).encode(encoding))
    source, rows = opened(tmp_path / "c.csv")
    assert (tuple(rows.values("name")[-2:]), rows.values("care_type")[-1]) == (NAMES, "inpatient")
    assert (len(rows.rejects.rows), source.doubts) == (0, ())
    assert source.parts[0].text.encoding == {"big5hkscs": "Big5-HKSCS", "gb18030": "GB18030"}[encoding]


def test_big5_may_be_said(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes((HEADER + ROW).encode("big5"))
    assert read(opened(tmp_path / "c.csv", "claims=big5")[1]) == WANTED
    (tmp_path / "c.csv").write_bytes((HEADER + ROW).encode("gb18030") + b"\xff\n")
    assert "the bytes here are not Big5-HKSCS" in refused(tmp_path / "c.csv", "big5")[0]


BILL = HEADER + ROW.replace("C1", "醫療費用明細帳單一")
SIMPLE_BILL = HEADER + ROW.replace("C1", "医疗费用明细账单一")


@pytest.mark.parametrize(
    ("text", "really", "said", "rather"),
    [
        (BILL, "big5", "gb18030", "Big5-HKSCS"), (SIMPLE_BILL, "gb18030", "big5", "GB18030"),
        (HEADER + ROW, "gb18030", "big5", "GB18030"), (HEADER + ROW, "utf-8", "big5", "UTF-8"),
        (BILL, "big5", "big5", None), (SIMPLE_BILL, "gb18030", "gb18030", None),
        (BILL, "gb18030", "gb18030", None), (HEADER + ROW, "gb18030", "gb18030", None),
    ],
)  # fmt: skip
def test_a_file_that_is_in_another_encoding_than_is_said_is_doubted(
    tmp_path: Path, text: str, really: str, said: str, rather: str | None
) -> None:
    (tmp_path / "c.csv").write_bytes(text.encode(really))
    doubts = [doubt.show("en") for doubt in opened(tmp_path / "c.csv", f"claims={said}")[0].doubts]
    assert [doubt.partition(" is Chinese text in ")[2].split(". ")[0] for doubt in doubts] == (
        [] if rather is None else [rather]
    )


def test_a_sheet_is_named_behind_the_workbook(tmp_path: Path) -> None:
    (tmp_path / "c.xlsx").write_bytes(workbook(CELLS))
    assert read(opened(f"{tmp_path}/c.xlsx#费用")[1]) == WANTED
    assert "E582" in refused(f"{tmp_path}/c.xlsx#人员")[0]


def sheets(path: Path, rows: dict[str, str]) -> None:
    with Workbook(path) as book:
        for name, text in rows.items():
            page = book.add_worksheet(name)
            for row, line in enumerate(text.splitlines()):
                page.write_row(row, 0, line.split(","))


@pytest.mark.parametrize("header", [HEADER, ""])
def test_records_that_go_on_in_another_sheet_are_told(tmp_path: Path, header: str) -> None:
    sheets(
        tmp_path / "c.xlsx",
        {
            "空": "",
            "一月": HEADER + ROW,
            "字典": "代码,名称\n1,住院\n",
            "二月": header + ROW.replace("C1", "C2"),
        },
    )
    source, rows = opened(tmp_path / "c.xlsx")
    assert read(rows) == WANTED
    assert [doubt.show("en") for doubt in source.doubts] == [
        (
            f"{tmp_path}/c.xlsx: E594: only the sheet 一月 is read, and its records seem to go on in: 二月. "
            "Name the sheets to be read, such as c.xlsx#二月, one or more; --yes goes on."
        )
    ]
    assert opened(f"{tmp_path}/c.xlsx#一月")[0].doubts == ()


def test_sheets_of_other_records_are_no_doubt_and_a_cover_sheet_leads_to_the_others(tmp_path: Path) -> None:
    sheets(tmp_path / "c.xlsx", {"费用": HEADER + ROW, "人": "person_id,a,b,c,d,e\nx,1,2,3,4,5\n"})
    assert opened(tmp_path / "c.xlsx")[0].doubts == ()
    sheets(tmp_path / "c.xlsx", {"封面": "某区医保局", "费用": HEADER + ROW})
    assert refused(tmp_path / "c.xlsx") == [
        (
            "c.xlsx:1:1: E542: no cell of the first line is a column's name. Name the sheet that has them, such as "
            "c.xlsx#NAME, or begin with a line of column names, such as claim_id."
        )
    ]


def test_a_key_of_more_digits_than_a_workbook_keeps_is_refused(tmp_path: Path) -> None:
    cells: list[list[str | float]] = [
        CELLS[0],
        [310113199001010000, *CELLS[1][1:]],
        [999999999999999, *CELLS[1][1:]],
    ]
    (tmp_path / "c.xlsx").write_bytes(workbook(cells))
    rows = opened(tmp_path / "c.xlsx")[1]
    assert rows.key.to_pylist() == [None, "999999999999999"]
    assert list(rows.rejects.rows) == [0]


def test_numbers_of_json_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"claim_id": 1, "person_id": 2, "service_date": null, "total_cost": 9999999999999.99}\n')
    rows = opened(path)[1]
    assert rows.key.to_pylist() == ["1"]
    assert rows.values("total_cost") == [Decimal("9999999999999.99")]


BLANKS = ["   ", ",,", " , ,\u3000,,,", ",,,,,,,,", '"  "', "\t"]
BLANK_CELLS: list[list[str | float]] = [["   "], ["", "\u3000"], ["", "", "", "", "", "", " ", "\t"], []]


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_line_of_nothing_but_blanks_is_no_record_whatever_its_width(
    tmp_path: Path, blank: str, ending: str
) -> None:
    lines = [HEADER.strip(), blank, ROW.strip(), *[blank] * 2, ""]
    for name, separator in (("c.csv", ","), ("c.tsv", "\t")):
        path = tmp_path / name
        path.write_bytes(ending.join(line.replace(",", separator) for line in lines).encode())
        rows = opened(path)[1]
        assert (read(rows), rows.blank, len(rows.rejects.rows)) == (WANTED, 3, 0)
        assert rows.places(np.array([0]))[1].tolist() == [2]  # its number in the file counts them


def test_blanks_in_a_quoted_cell_and_below_a_line_too_short_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        f'{HEADER}C1,310113001,2026-03-02,住院,60300.00,"\n   \ntrue"\n  \n', "utf-8"
    )
    assert read(opened(tmp_path / "c.csv")[1]) == WANTED
    (tmp_path / "c.csv").write_text(f"{HEADER}  \nC1,310113001\n", "utf-8")
    assert refused(tmp_path / "c.csv")[0].startswith("c.csv:3:13: E509")


def test_blank_rows_and_columns_of_a_workbook_are_none(tmp_path: Path) -> None:
    (tmp_path / "c.xlsx").write_bytes(workbook([*CELLS, *BLANK_CELLS]))
    rows = opened(tmp_path / "c.xlsx")[1]
    assert (read(rows), rows.blank, len(rows.rejects.rows)) == (WANTED, 3, 0)
    (tmp_path / "c.xlsx").write_bytes(workbook([*CELLS, ["", "", "", "", "", "", "", "x"]]))
    assert refused(tmp_path / "c.xlsx") == ["c.xlsx:3:8: E516: column 8 has no name. Name it or remove it."]


@pytest.mark.parametrize("blank", ["", "  ", "\u3000", '""', '" "'])
@pytest.mark.parametrize("mapping", [False, True])
def test_columns_without_a_name_in_which_nothing_stands_are_none(
    tmp_path: Path, blank: str, mapping: bool
) -> None:
    (tmp_path / "m.yaml").write_text("claim: {columns: {total_cost: total_cost}}\n", "utf-8")
    text = (HEADER + ROW).replace("\n", f",{blank},\n").replace("2026-03-02", f"{blank},2026-03-02")
    text = text.replace("service_date", f"{blank},service_date")
    (tmp_path / "c.csv").write_text(text, "utf-8")
    assert read(opened(tmp_path / "c.csv", mapping=tmp_path / "m.yaml" if mapping else None)[1]) == WANTED
    (tmp_path / "c.csv").write_text(text + ROW.replace("\n", ",,60300\n").replace(",2026", ",,2026"), "utf-8")
    assert refused(tmp_path / "c.csv") == ["c.csv:3:44: E516: column 9 has no name. Name it or remove it."]


def test_a_mapping_that_leaves_out_what_it_does_not_name_leaves_out_columns_without_a_name(
    tmp_path: Path,
) -> None:
    facts = [name.strip() for name in HEADER.split(",")]
    columns = "".join(f"    {name}: {name}\n" for name in facts)
    (tmp_path / "m.yaml").write_text(
        f"claim:\n  rows:\n    other_columns: ignored\n  columns:\n{columns}", "utf-8"
    )
    (tmp_path / "c.csv").write_text(
        (HEADER + ROW).replace("\n", ",,\n") + ROW.replace("\n", ",1,2\n"), "utf-8"
    )
    source, _ = opened(tmp_path / "c.csv", mapping=tmp_path / "m.yaml")
    assert source.report is not None
    assert source.report.columns_ignored == ["#7", "#8"]


def test_blanks_that_do_not_show_are_no_doubt_about_an_encoding(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(HEADER + ROW.replace("住院", "inpatient\u00a0"), "utf-8")
    source, rows = opened(tmp_path / "c.csv")
    assert (read(rows), source.doubts) == (WANTED, ())


RAGGED = {
    "two cells too many and empty": (HEADER + ROW.replace("\n", ",,\n"), "c.csv:2:42: E509"),
    "one empty cell too many in a later line": (HEADER + ROW + ROW.replace("\n", ",\n"), "c.csv:3:42: E509"),
    "a quoted empty cell too many": (HEADER + ROW.replace("\n", ',""\n'), "c.csv:2:42: E509"),
    "a thousands mark that is no part of its cell": (HEADER + ROW.replace("60300.00,true", "60,300.00,"), "c.csv:2:"),
    "a cell too few": (HEADER + ROW.replace(",true", ""), "c.csv:2:36: E509"),
    "after a quoted cell of two lines": (
        HEADER + ROW.replace("住院", '"住\n院"') + ROW.replace("\n", ",\n"), "c.csv:4:42: E509",
    ),
    "after empty lines": (HEADER + "\n\n\n" + ROW.replace("\n", ",\n"), "c.csv:5:42: E509"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), RAGGED.values(), ids=RAGGED)
def test_a_line_of_another_width_is_refused_whatever_its_last_cells_hold(
    tmp_path: Path, text: str, wanted: str
) -> None:
    (tmp_path / "c.csv").write_text(text, encoding="utf-8", newline="")
    (line,) = refused(tmp_path / "c.csv")
    assert line.startswith(wanted), line


@pytest.mark.parametrize(
    "row",
    [
        ROW.replace("住院", '"住院, 二级 ""甲""\n,,"'),
        ROW.replace("C1", 'C"1'),
        ROW + "\n\n" + ROW.replace("C1", "C2"),
    ],
)
def test_quoted_commas_and_empty_lines_are_no_ragged_lines(tmp_path: Path, row: str) -> None:
    (tmp_path / "c.csv").write_text(HEADER + row, encoding="utf-8", newline="")
    assert opened(tmp_path / "c.csv")[1].count in (1, 2)


def test_shapes_do_not_depend_on_where_a_text_is_cut() -> None:
    text = b'a,b\r\n\r\n"x,\n""y",\t1\n\n2,3\r\n,\nz'
    for size in range(1, len(text) + 1):
        shape = Shape()
        for at in range(0, len(text), size):
            shape.feed(text[at : at + size])
        assert (shape.lines, shape.commas, shape.tabs) == (5, 4, 1), size


def test_a_title_above_the_header_is_told_and_skipped_when_a_mapping_says_so(tmp_path: Path) -> None:
    for title in ("参保人员费用表,,,,,\n", "参保人员费用表\n"):
        (tmp_path / "c.csv").write_text(title + HEADER + ROW, encoding="utf-8")
        (line,) = refused(tmp_path / "c.csv")
        assert "E542" in line
        assert "title_lines: 1" in line
        (tmp_path / "m.yaml").write_text("claim: {rows: {title_lines: 1}}\n", encoding="utf-8")
        assert read(opened(tmp_path / "c.csv", mapping=tmp_path / "m.yaml")[1]) == WANTED


def test_an_encoding_goes_for_the_input_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes((HEADER + ROW.replace("true", "是")).encode("gb18030"))
    for encoding in ("gb18030", "claims=gb18030", "residents=utf-8,claim=GBK"):
        assert read(opened(tmp_path / "c.csv", encoding)[1]) == WANTED
    assert "E508" in refused(tmp_path / "c.csv", "claims=utf-8")[0]
    for wrong in ("latin-1", "people=gb18030"):
        assert "E580" in refused(tmp_path / "c.csv", wrong)[0]


def test_a_file_that_is_likely_in_another_encoding_is_told(tmp_path: Path) -> None:
    text = HEADER + ROW.replace("C1", "陆001").replace("住院", "inpatient")
    (tmp_path / "c.csv").write_bytes(text.encode("gb18030"))  # which is UTF-8 too: ½001
    (doubt,) = opened(tmp_path / "c.csv")[0].doubts
    assert "½" in doubt.what.en
    assert "陆" in doubt.what.zh
    assert opened(tmp_path / "c.csv", "claims=gb18030")[0].doubts == ()
    (tmp_path / "c.csv").write_text(text.replace("陆001", "é001"), encoding="utf-8")
    assert len(opened(tmp_path / "c.csv")[0].doubts) == 1
    (tmp_path / "c.csv").write_text(text.replace("陆001", "é001") + ROW, encoding="utf-8")
    assert opened(tmp_path / "c.csv")[0].doubts == ()


def test_json_is_doubted_and_recorded_in_its_own_encoding(tmp_path: Path) -> None:
    line = '{"claim_id": "陆001", "person_id": "1", "service_date": null, "care_type": "%s"}\n'
    (tmp_path / "c.jsonl").write_bytes((line % "inpatient").encode("gb18030"))
    assert len(opened(tmp_path / "c.jsonl")[0].doubts) == 1
    (tmp_path / "c.jsonl").write_bytes((line % "费用").encode("gb18030"))
    assert opened(tmp_path / "c.jsonl")[0].parts[0].text.encoding == "GB18030"


def test_a_file_in_utf_8_that_is_said_to_be_gb18030_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(HEADER + ROW, encoding="utf-8")
    (doubt,) = opened(tmp_path / "c.csv", "gb18030")[0].doubts
    assert doubt.code == "E589"
    assert opened(tmp_path / "c.csv", "residents=gb18030")[0].doubts == ()


def _parquet(names: list[str]) -> bytes:
    stream = BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(["x"])] * len(names), names=names), stream)
    return stream.getvalue()


def _encrypted() -> bytes:
    content = bytearray(workbook(CELLS))
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(sign)
        while place >= 0:
            content[place + at] |= 1
            place = content.find(sign, place + 1)
    return bytes(content)


def _bomb() -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (1 << 25))
    return stream.getvalue()


SPOILT: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "columns that differ in case": ("c.csv", ("Claim_ID," + HEADER + "x," + ROW).encode, "E503"),
    "columns of Parquet that differ in case": (
        "c.parquet",
        lambda: _parquet(["claim_id", "CLAIM_ID", "person_id"]),
        "E503",
    ),
    "damaged gzip": ("c.csv.gz", lambda: gzip.compress((HEADER + ROW * 9999).encode())[:-20], "E527"),
    "gzip of nothing": ("c.csv.gz", lambda: b"\x1f\x8b", "E527"),
    "an encrypted workbook": ("c.xlsx", _encrypted, "E584"),
    "a workbook with a password": (
        "c.xlsx",
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),
        "E583",
    ),
    "half a workbook": ("c.xlsx", lambda: workbook(CELLS)[:300], "E583"),
    "a zip of a version to come": (
        "c.xlsx",
        lambda: workbook(CELLS).replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xc9"),
        "E583",
    ),
    "a zip that unpacks to far more": ("c.xlsx", _bomb, "E585"),
    "a zip called CSV": ("c.csv", _bomb, "E585"),
    "no workbook at all": ("c.xlsx", lambda: b"claim_id\n", "E583"),
    "JSON of no objects": ("c.jsonl", lambda: b"[1, 2]\n", "c.jsonl:1:1: E586"),
    "JSON with nested objects": ("c.jsonl", lambda: b'{"claim_id": {"a": 1}}\n', "E586"),
    "JSON cut short": ("c.jsonl", lambda: b'{"claim_id": "1"}\n{"claim', "c.jsonl:2:1: E586"),
    "half a Parquet file": ("c.parquet", lambda: _parquet(["claim_id"])[:-6], "E513"),
    "semicolons": ("c.csv", lambda: (HEADER + ROW).replace(",", ";").encode(), "E515"),
}


@pytest.mark.parametrize(("name", "content", "wanted"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_file_is_one_line(
    tmp_path: Path, name: str, content: Callable[[], bytes], wanted: str
) -> None:
    (tmp_path / name).write_bytes(content())
    (line,) = refused(tmp_path / name)
    assert wanted in line


@pytest.mark.parametrize(
    "header",
    [
        "name王小明,310113199001010000",
        "claim_id,person_id,service_date王小明",
        "claim_id,person_id,service_date,identity_number:310113199001010000",
        "claim_id,person_id,service_date,'王小明",
        "claim_id,person_id,service_date,critical_illness310113199001010000",
        "310113199001010000,王小明,2026-01-01",
        "claim_id,person_id,service_date,姓名王小明",
        'claim_id,person_id,service_date,"王小明\n310113199001010000"',
    ],
)
def test_a_header_that_may_hold_a_person_is_not_repeated(tmp_path: Path, header: str) -> None:
    (tmp_path / "c.csv").write_text(header + "\n", encoding="utf-8")
    text = " ".join(refused(tmp_path / "c.csv"))
    assert "王小明" not in text
    assert "310113199001010000" not in text


def test_rows_keep_their_numbers_where_a_mapping_leaves_others_out(tmp_path: Path) -> None:
    lines = ["C1,P1,1", "C2,P1,0", "C3,P1,0", "C4,P1,1", ",,", "C6,P1,1", "C7,P1,0", "C8,P1,1"]
    (tmp_path / "c.csv").write_text("claim_id,person_id,flag\n" + "\n".join(lines) + "\n", encoding="utf-8")
    rows_that_count = 'rows: {leave_out: [{column: flag, is: "0"}]}'
    mapping = f"claim: {{constants: {{service_date: 2026-01-01}}, {rows_that_count}, ignore: [flag]}}\n"
    (tmp_path / "m.yaml").write_text(mapping, encoding="utf-8")
    rows = opened(tmp_path / "c.csv", mapping=tmp_path / "m.yaml")[1]
    keys = rows.key.to_pylist()
    _, numbers = rows.places(np.arange(rows.count))
    assert dict(zip(keys, numbers.tolist(), strict=True)) == {"C1": 1, "C4": 4, "C6": 6, "C8": 8}
    assert rows.blank == 0  # it is left out before, and counted so


def test_json_is_read_a_line_a_record_whatever_its_file_is_called(tmp_path: Path) -> None:
    record = '{"claim_id": "C1", "person_id": "1", "service_date": "2026-03-02", "care_type": "住院", "total_cost": 60300}'
    (tmp_path / "c.json").write_text(record + "\n", "utf-8")
    assert read(opened(tmp_path / "c.json")[1]) == WANTED
    (tmp_path / "c.json").write_text(f"[{record}]", "utf-8")
    assert refused(tmp_path / "c.json") == [
        (
            "c.json:1:1: E586: this line is no JSON object of single values and lists. Write one object a line, its "
            "values texts, numbers, true, false, null or lists."
        )
    ]


def test_what_a_spreadsheet_leaves_beside_an_open_workbook_is_no_record(tmp_path: Path) -> None:
    folder = tmp_path / "claims"
    folder.mkdir()
    (folder / "c.xlsx").write_bytes(workbook(CELLS))
    (folder / "~$c.xlsx").write_bytes(b"\x05lock")
    assert read(opened(folder)[1]) == WANTED


def test_bytes_in_a_table_of_sqlite_are_told_at_their_place(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "c.sqlite")) as database:
        names = HEADER.strip()
        database.execute(f"CREATE TABLE c ({names})")
        row = ["C1", "1", "2026-03-02", "住院", 60300.0, "true"]
        database.executemany(
            "INSERT INTO c VALUES (?, ?, ?, ?, ?, ?)", [row, [*row[:2], b"2026-03-02", *row[3:]]]
        )
        database.commit()
    assert refused(f"sqlite:{tmp_path}/c.sqlite?table=c") == [
        f"{tmp_path}/c.sqlite:3:3: E505: the column service_date is BLOB, from which it cannot be read exactly. Write it as text."
    ]


def test_an_arrow_file_is_read_as_its_parquet(tmp_path: Path) -> None:
    table = pa.table({"claim_id": ["C1"], "person_id": ["1"], "service_date": [dt.date(2026, 3, 2)]})
    feather.write_feather(table, str(tmp_path / "c.arrow"), compression="zstd")
    source, rows = opened(tmp_path / "c.arrow")
    assert (source.parts[0].path.name, rows.count, rows.rejects.refusals) == ("c.arrow", 1, [])
    (tmp_path / "c.arrow").write_bytes((tmp_path / "c.arrow").read_bytes()[:200])
    assert "E595: this is not an intact Arrow file" in refused(tmp_path / "c.arrow")[0]
