"""Files as operators have them: every dialect that can be read is, every other is refused with the fix."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Final

import pyarrow as pa
import pytest
from tests.batch.batches import (
    AS_OF,
    CLAIMS,
    COSTS,
    EMPLOYEE,
    GOOD,
    OUTPUTS,
    PEOPLE,
    RESIDENTS,
    SMALL,
    STAY,
    Content,
    batch,
    refusal,
    rejects,
    rows,
    small,
    write,
)  # fmt: skip

from mianshen.batch.run import Request, run_batch
from mianshen.program.program import Program
from mianshen.rulebook import open_program, overlay_file
from mianshen.source import RuleError

# -- dialects --------------------------------------------------------------------------------

DIALECTS: Final[dict[str, dict[str, Content]]] = {
    "as Excel saves it": {
        "residents.csv": b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(),
        "claims.csv": b"\xef\xbb\xbf" + (CLAIMS + STAY).replace("\n", "\r\n").encode(),
    },
    "quotes, blank lines, no last line break": {
        "residents.csv": RESIDENTS.replace("person_id", '"person_id"')
        + '\n"P1","310113","employee","active","employed","none"\n\n\n',
        "claims.csv": CLAIMS + "\n" + STAY.replace(",", '","').replace("C1", '"C1').replace("\n", '"'),
    },
    "tabs, one file of them in UTF-16": {
        "residents.tsv": GOOD.replace(",", "\t"),
        "claims.csv": (CLAIMS + STAY).replace(",", "\t").encode("utf-16"),
    },
    "titles and labels in Chinese, bare carriage returns": {
        "residents.csv": "人员编号,参保地,参保险种, 参保状态 ,就业状态,医疗救助对象类别\r"
        "P1,310113,职工医保,正常参保,在职,非救助对象\r",
        "claims.csv": "费用编号,就医人员编号,就医日期,就医类别,医院级别,总费用,政策范围外费用\n"
        "C1,P1,2026-03-02,住院,三级,48650.37,5535.62\n",
    },
    "Parquet: codes in a dictionary, areas as numbers, days as timestamps, columns of nothing": {
        "residents.parquet": pa.table({
            "person_id": ["P1"], "coverage_status": ["active"], "assistance_category": ["none"],
            "insured_area": pa.array([310113], pa.int32()), "contribution_months": [12.0],
            "insurance_scheme": pa.array(["职工医保"]).dictionary_encode(),
            "employment_status": pa.array(["employed"], pa.large_string()),
            "birth_date": pa.array([None], pa.null()), "annual_premium": pa.array([None], pa.float64()),
            "death_date": pa.array([None], pa.float64()), "blood_donor": pa.array([None], pa.float64()),
        }),
        "claims.parquet": pa.table({
            "claim_id": ["C1"], "person_id": ["P1"], "care_type": ["inpatient"], "hospital_level": ["tertiary"],
            "service_date": pa.array([dt.date(2026, 3, 2)]).cast(pa.timestamp("ns")),
            "total_cost": pa.array([Decimal("48650.3700")], pa.decimal128(38, 4)), "out_of_scope_cost": ["5535.62"],
        }),
    },
}  # fmt: skip


@pytest.mark.parametrize("files", DIALECTS.values(), ids=DIALECTS)
def test_a_dialect_changes_nothing(tmp_path: Path, files: dict[str, Content]) -> None:
    out = batch(tmp_path, files)
    (claim,) = rows(out / "claims.parquet")
    assert claim["basic_payment"] == Decimal("35372.54")
    assert claim["patient_pays"] == Decimal("13277.83")
    assert (claim["status"], claim["reason"], claim["missing"]) == (
        "decided",
        "shanghai_employee_basic",
        None,
    )
    assert rejects(out) == []


def test_a_cell_holds_commas_quotes_and_line_breaks_and_an_empty_one_is_unknown(tmp_path: Path) -> None:
    person = '"P ""1"",\nrow"'
    out = batch(
        tmp_path,
        {
            "residents.csv": RESIDENTS + EMPLOYEE.replace("P1", person),
            "claims.csv": CLAIMS + STAY.replace("P1", person).replace("5535.62", '""'),
        },
    )
    (claim,) = rows(out / "claims.parquet")
    assert claim["person_id"] == 'P "1",\nrow'
    assert (claim["status"], claim["missing"]) == ("undetermined", "out_of_scope_cost")


def test_files_of_nothing_but_a_header_are_decided(tmp_path: Path, little: Program) -> None:
    out = batch(
        tmp_path, {"residents.csv": "person_id", "claims.csv": "claim_id,person_id,day\n"}, program=little
    )
    assert [rows(out / f"{name}.parquet") for name in ("claims", "residents", "rejects")] == [[], [], []]
    assert {path.name for path in out.iterdir()} == OUTPUTS


def test_a_path_with_wildcards_is_that_file_alone(tmp_path: Path, little: Program) -> None:
    folder = tmp_path / "it's [1]"
    files: dict[str, Content] = {"residents.x*?[a].csv": PEOPLE, "claims.csv": COSTS}
    write(folder, files)
    for other in ("residents.xyza.csv", "residents.x1a.csv"):
        (folder / other).write_text(PEOPLE.replace("P1", "P7"), "utf-8")
    shutil.copytree(folder, tmp_path / "it's 1")
    out = batch(folder, files, program=little)
    assert [row["person_id"] for row in rows(out / "residents.parquet")] == ["P1"]
    inputs = json.loads((out / "manifest.json").read_text("utf-8"))["inputs"]
    assert [item["file"] for item in inputs["resident"]] == ["residents.x*?[a].csv"]


def test_a_folder_that_looks_like_a_partition_adds_no_column(tmp_path: Path, little: Program) -> None:
    claims = pa.table({"claim_id": ["C1"], "person_id": ["P1"], "day": [AS_OF]})
    out = batch(
        tmp_path / "born=x" / "cost=1",
        {"residents.csv": "person_id\nP1\n", "claims.parquet": claims},
        program=little,
    )
    assert [row["missing"] for row in rows(out / "claims.parquet")] == ["cost,share"]


# -- files that cannot be read ---------------------------------------------------------------

FAR: Final = RESIDENTS + "".join(f"P{n},310113,employee,active,employed,none\n" for n in range(60000))
PERSON: Final = "310101194909030000"  # what no message may repeat
EMPTY: Final = "E501: the file cannot be read: the file is empty."
UNREADABLE: Final[dict[str, tuple[str, Content, str]]] = {
    "empty": ("residents.csv", "", EMPTY),
    "a mark and blank lines": ("residents.csv", "\ufeff\n\n", EMPTY),
    "no names": ("residents.csv", "\n" + GOOD, "1:1: E501: the file cannot be read: its first line names no column."),
    "no encoding at all": (
        "residents.csv", GOOD.encode() + b"P2,\xff\xff,,,,\n",
        "3:4: E508: the file is not UTF-8. Say what it is with --encoding, or save it as UTF-8.",
    ),
    "a short line": (
        "residents.csv", GOOD + f"{PERSON},31\n", "3:22: E509: the header has 6 columns, and this line has 2."
    ),
    "a long line": (
        "residents.csv", GOOD + f"{PERSON},31,,,,,,x\n", "3:27: E509: the header has 6 columns, and this line has more."
    ),
    "empty cells behind the last": (
        "residents.csv", GOOD + f"{PERSON},31,,,,,\n", "3:27: E509: the header has 6 columns, and this line has more."
    ),
    "a quote left open": (
        "residents.csv", GOOD + f'"{PERSON},31,,,,\n', "3:1: E510: a quotation mark is not closed"
    ),
    "text after a quote": (
        "residents.csv", GOOD + f'"{PERSON}"x,31,,,,\n', "3:1: E510: a quotation mark is not closed, or text follows"
    ),
    "line endings mixed": (
        "residents.csv", RESIDENTS + EMPLOYEE.replace("\n", "\r\n") + EMPLOYEE,
        "2:1: E511: this line does not end like the first one.",
    ),
    "semicolons": (
        "residents.csv", GOOD.replace(",", ";"),
        "1:10: E515: the columns are separated by ;. Separate them by commas or tabs.",
    ),
    "gzip cut short": (
        "residents.csv.gz", gzip.compress(GOOD.encode())[:-9], "E527: this is not an intact gzip file."
    ),
    "a workbook": (
        "residents.xlsx", b"PK\x03\x04rest",
        "E583: this is not an intact workbook, or it asks for a password.",
    ),
    "Parquet by name only": ("residents.parquet", GOOD, "E513: this is not an intact Parquet file."),
    "Parquet cut short": ("residents.parquet", b"PAR1", "E513: this is not an intact Parquet file."),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "wanted"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_told_with_its_place_and_fix(
    tmp_path: Path, name: str, content: Content, wanted: str
) -> None:
    (english,) = refusal(tmp_path, {name: content})
    (chinese,) = refusal(tmp_path, {name: content}, "zh")
    assert english.startswith(f"{name}{':' if wanted[0].isdigit() else ': '}{wanted}")
    assert PERSON not in english
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


def test_every_column_that_is_wrong_is_told_at_its_place(tmp_path: Path) -> None:
    header = '"person_id",insurd_area,zzz,person_id,人员编号, ,contribution_base,sexx\nP1,,,,,x,,\n'
    assert refusal(tmp_path, {"residents.csv": header}) == [
        "residents.csv:1:13: E502: unknown column insurd_area. Perhaps insured_area is meant.",
        (
            "residents.csv:1:25: E502: unknown column zzz. Remove the column, name it under ignore in a --mapping, "
            "or declare it in the vocabulary."
        ),
        "residents.csv:1:29: E503: the column person_id stands twice, in upper or lower case. Keep one of them.",
        "residents.csv:1:39: E503: the column person_id stands twice, in upper or lower case. Keep one of them.",
        "residents.csv:1:64: E502: unknown column sexx. Perhaps sex is meant.",
        "residents.csv:2:8: E516: column 6 has no name. Name it or remove it.",
    ]


def test_headers_in_capitals_and_tabs_are_read(tmp_path: Path) -> None:
    table = "PERSON_ID\tInsured_Area\nP1\t310113\n"
    for name, content in (("residents.tsv", table), ("residents.csv", table.encode("utf-16"))):
        out = batch(tmp_path / name, {name: content})
        assert [row["person_id"] for row in rows(out / "residents.parquet")] == ["P1"]


def test_a_header_in_capitals_is_read(tmp_path: Path) -> None:
    people, claims = RESIDENTS.upper() + EMPLOYEE, CLAIMS.title() + STAY
    out = batch(tmp_path, {"residents.csv": people, "claims.csv": claims})
    assert [row["patient_pays"] for row in rows(out / "claims.parquet")] == [Decimal("13277.83")]
    assert refusal(tmp_path / "twice", {"residents.csv": "person_id,PERSON_ID\n"}) == [
        "residents.csv:1:11: E503: the column person_id stands twice, in upper or lower case. Keep one of them.",
    ]


def test_every_type_that_cannot_be_exact_is_told_with_one_that_can(tmp_path: Path) -> None:
    claims = pa.table({
        "claim_id": ["C"], "person_id": [1], "total_cost": [1.5], "networked": [1], "care_type": [["inpatient"]],
        "service_date": pa.array([0], pa.timestamp("us", "Asia/Shanghai")),
        "out_of_scope_cost": pa.array([Decimal(1)], pa.decimal256(50, 1)),
    })  # fmt: skip
    assert refusal(tmp_path, {"residents.csv": GOOD, "claims.parquet": claims}) == [
        f"claims.parquet:1:{column}: E505: the column {name} is {type_}, from which it cannot be read exactly. "
        f"Write it as {wanted}."
        for column, name, type_, wanted in (
            (3, "total_cost", "DOUBLE", "DECIMAL or text"),
            (4, "networked", "BIGINT", "BOOLEAN, or text: true, false"),
            (5, "care_type", "VARCHAR[]", "text"),
            (6, "service_date", "TIMESTAMP WITH TIME ZONE", "DATE, or text: 2026-01-31"),
            (7, "out_of_scope_cost", "DOUBLE", "DECIMAL or text"),
        )
    ]


def test_the_mistakes_of_all_headers_are_told_at_once(tmp_path: Path) -> None:
    files: dict[str, Content] = {
        "residents.csv": "personid,x\n",
        "households.csv": "",
        "claims.csv": "claim_id,cost\n",
    }
    assert [line.partition(". ")[0] for line in refusal(tmp_path, files)] == [
        "claims.csv:1:1: E504: the required column person_id is missing",
        "claims.csv:1:1: E504: the required column service_date is missing",
        "claims.csv:1:10: E502: unknown column cost",
        "households.csv: E501: the file cannot be read: the file is empty",
        "residents.csv:1:1: E502: unknown column personid",
        "residents.csv:1:10: E502: unknown column x",
    ]


def test_what_is_no_file_is_told_so(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "gone.csv", "there is no such file"),
        (Path("/dev/null"), "it is not a regular file"),
    ):
        with pytest.raises(RuleError, match=f"{path}: E501: the file cannot be read: {words}"):
            run_batch(open_program(), Request({"resident": path}, AS_OF, tmp_path / "out"))


def test_parquet_with_broken_pages_is_told_so(tmp_path: Path) -> None:
    people = pa.table({"person_id": [str(n) for n in range(500)]})
    spoilt = bytearray(write(tmp_path, {"residents.parquet": people})["resident"].read_bytes())
    spoilt[40:60] = b"\xff" * 20
    assert refusal(tmp_path, {"residents.parquet": bytes(spoilt)}) == [
        "residents.parquet: E513: this is not an intact Parquet file. Export it again."
    ]


# -- other rules -----------------------------------------------------------------------------


def test_an_overlay_by_name_and_by_path_gives_the_same_bytes(tmp_path: Path) -> None:
    outs = []
    overlays: tuple[str | Path, ...] = ("limit_counts_costs", overlay_file("limit_counts_costs"))
    for number, overlay in enumerate(overlays):
        files: dict[str, Content] = {"residents.csv": GOOD, "claims.csv": CLAIMS + STAY}
        outs.append(batch(tmp_path / str(number), files, program=open_program(overlays=(overlay,))))
    one, two = outs
    assert json.loads((one / "manifest.json").read_text("utf-8"))["rulebook"]["overlays"] == [
        "limit_counts_costs"
    ]
    for name in OUTPUTS - {"timings.json"}:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_another_rulebook_decides_lists_and_shares(tmp_path: Path, little: Program) -> None:
    residents = 'person_id,tags,share,born\nP1,"住院;\u3000visit",50%,2020-01-01\nP2,visit,0.3,\n'
    residents += "P3,x,1,\nP4,;,1.0000001,\nP5,\u3000,,\n"
    claims = "claim_id,person_id,day,cost\nC1,P1,2026-01-01,10.01\nC2,P2,2026-01-01,\n"
    out = batch(tmp_path / "in", {"residents.csv": residents, "claims.csv": claims}, program=little)
    assert rejects(out) == [
        ("residents.csv", 3, "P3", "tags", "bad_code"),
        ("residents.csv", 4, "P4", "share", "too_many_decimals"),
        ("residents.csv", 5, "P5", "tags", "empty"),
    ]
    assert [tuple(row.values()) for row in rows(out / "residents.parquet")] == [
        ("P1", "eligible", Decimal("5.01"), "stays"),
        ("P2", "ineligible", None, "does_not"),
    ]
    assert [tuple(row.values()) for row in rows(out / "claims.parquet")] == [
        ("C1", "P1", Decimal("5.01"), "decided", "no_provision", None),
        ("C2", "P2", None, "undetermined", "missing_facts", "cost"),
    ]


def test_a_rulebook_that_does_not_fit_is_told_so(tmp_path: Path, little: Program) -> None:
    told = refusal(
        tmp_path / "one", {"residents.csv": "person_id\n", "households.csv": "household_id\n"}, program=little
    )
    assert told == [
        "small: E520: the rulebook knows no records of household. Leave that input out, or name another rulebook."
    ]


def test_rows_without_an_outcome_have_no_status(tmp_path: Path) -> None:
    program = small(tmp_path / "rules", SMALL.replace(", outcome: payment", ""))
    out = batch(tmp_path / "in", {"residents.csv": PEOPLE, "claims.csv": COSTS}, program=program)
    assert rows(out / "claims.parquet") == [{"claim_id": "C1", "person_id": "P1", "payment": Decimal("5.01")}]
