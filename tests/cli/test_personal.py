"""Names and identity numbers come in with records and go nowhere: no result, list, log or mistake repeats one."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

import duckdb
import pytest
from tests.batch.test_quarantine import OVERLAY, Cells, files_of, town
from tests.cli.conftest import Run

from mianshen.native.library import compiler
from mianshen.records.identity_numbers import check_digit

NAME: Final = "欧阳娜娜敏"
NUMBER: Final = "11010119900307"  # how every identity number here begins
AS_OF: Final = ("--as-of", "2026-11-21")


def number(at: int) -> str:
    """An identity number; one in seven has a wrong check digit."""
    first = f"{NUMBER}{at % 1000:03}"
    return first + ("Y" if at % 7 == 6 else check_digit(first))


def told(text: str) -> list[str]:
    """What of a name or an identity number the text holds."""
    return [item for item in (NAME, NUMBER) if item in text]


def contents(folder: Path) -> str:
    """Everything written below a folder, packed or not, as text."""
    results = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if file.suffix == ".parquet":
            with duckdb.connect() as database:
                results.append(str(database.execute("FROM read_parquet(?)", [str(file)]).fetchall()))
        elif file.suffix == ".zip":
            with zipfile.ZipFile(file) as packed:
                results += [packed.read(name).decode() for name in packed.namelist()]
        else:
            results += [
                file.read_bytes().decode(code, "replace") for code in ("utf-8", "gb18030", "utf-16-le")
            ]
    return "\n".join(results)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of bad row, each row with a name and a number; some of those are blank or doubled."""
    folder = tmp_path_factory.mktemp("personal")
    (folder / "faults.yaml").write_text(OVERLAY, "utf-8")

    def named(table: list[Cells]) -> list[Cells]:
        return [
            {**row, "name": " " if at % 50 == 49 else f"{NAME}{at}", "identity_number": number(at)}
            for at, row in enumerate(table)
        ]

    cells = town().cells
    cells |= {entity: named(cells[entity]) for entity in ("resident", "claim")}
    for name, text in files_of(cells).items():
        (folder / name).write_text(text, "utf-8")
    return folder


def test_nothing_of_a_batch_repeats_a_name_or_a_number(run: Run, files: Path, tmp_path: Path) -> None:
    """On the compiled program where there is a compiler, else on the interpreter."""
    engine = "interpreter" if compiler() is None else "native"
    words = [f"--{entity}s={files / entity}s.csv" for entity in ("resident", "claim", "household", "visit")]
    out, sheets, report = (str(tmp_path / name) for name in ("out", "sheets", "report"))
    status, *streams = run(
        "batch", *words, *AS_OF, "--out", out, "--csv", sheets, "--report", report, "--engine", engine,
        "--overlay", str(files / "faults.yaml"),
    )  # fmt: skip
    assert status == 1, streams
    assert "rejected" in streams[0]
    assert told("".join(streams)) == []
    assert told(contents(tmp_path)) == []
    status, *streams = run("replay", out, "--person", "P0")
    assert (status, told("".join(streams))) == (0, []), streams


def test_nothing_of_one_record_repeats_them(run: Run, tmp_path: Path) -> None:
    record = tmp_path / "record.yaml"
    record.write_text(
        f"resident: {{person_id: P1, name: {NAME}, identity_number: '{number(1)}', insured_area: '310113',"
        " insurance_scheme: employee, coverage_status: active, employment_status: employed,"
        " assistance_category: illness_poverty}\n"
        f"claims: [{{claim_id: C1, name: {NAME}, identity_number: '{number(1)}', service_date: 2026-03-02,"
        " care_type: inpatient, total_cost: 20000.00, out_of_scope_cost: 0.00}]\n"
        f"household: {{household_id: H1, member_count: 1}}\n",
        "utf-8",
    )
    file, aid = str(record), "illness_poverty_aid"
    asked = [
        ("check", file, *AS_OF), ("check", file, *AS_OF, "--explain"), ("check", file, *AS_OF, "--format", "json"),
        ("check", file, *AS_OF, "--why", aid), ("ask", aid, file, *AS_OF, "--next"),
        ("notice", file, *AS_OF, "--benefit", aid, "--out", str(tmp_path / "notice.html")),
        ("redetermine", file, "--from-date", "2026-06-30", "--to-date", "2026-11-21"),
    ]  # fmt: skip
    for words in asked:
        status, *streams = run(*words)
        assert (status, told("".join(streams))) == (0, []), (words, streams)
    record.unlink()
    assert told(contents(tmp_path)) == []


def test_a_wrong_record_does_not_repeat_them(run: Run, tmp_path: Path) -> None:
    record = tmp_path / "record.yaml"
    for wrong in (f"name: [{NAME}]", f"identity_number: {{a: '{number(1)}'}}", f"name: {NAME}, name: {NAME}"):
        record.write_text(f"resident: {{person_id: P1, {wrong}}}\n", "utf-8")
        status, *streams = run("check", str(record), *AS_OF)
        assert (status, told("".join(streams))) == (2, []), streams


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME},{number(1)},310113\n{NAME},{number(2)},310113\n",  # no header
        f"{NAME},nam,{number(1)}\n",  # a header in which one name is nearly right
        f"person_id,name\nP1,{NAME},{number(1)}\n",  # more cells than the header has
        f'person_id,name\nP1,"{NAME}\nP2,{number(1)}\n',  # a quotation mark that is not closed
    ],
)
def test_a_file_that_cannot_be_read_is_refused_without_repeating_them(
    run: Run, tmp_path: Path, text: str
) -> None:
    (tmp_path / "r.csv").write_text(text, "utf-8")
    status, *streams = run(
        "batch", "--residents", str(tmp_path / "r.csv"), *AS_OF, "--out", str(tmp_path / "out")
    )
    assert (status, told("".join(streams))) == (2, []), streams
