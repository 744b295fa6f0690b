"""Many notices in one run: of everybody due something in a batch, or of every record of a file, whole or not at all."""

import csv
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader
from tests.batch.batches import AS_OF
from tests.cli.conftest import Run
from tests.support.campaigns import few

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.casework.notice import paper
from mianshen.past_runs import notices
from mianshen.population.sample import write_population
from mianshen.rulebook import open_program

OFFICE = """
office: {zh: 某市医疗保障局, en: Medical Security Bureau}
number: "核〔{year}〕{serial} 号"
"""
CASES = """
cases:
- {name: one, as_of: 2026-11-21, resident: {person_id: P1, insured_area: "310113", insurance_scheme: resident,
   coverage_status: active, assistance_category: 低保}}
- {name: two, as_of: 2026-11-21, resident: {person_id: "../P2", insured_area: "310113", insurance_scheme: resident,
   coverage_status: active, assistance_category: 低保}}
"""


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_population(folder, few(80, 150), 5, "parquet", AS_OF)
    inputs = {name: folder / f"{name}s.parquet" for name in ("resident", "household", "claim")}
    run_batch(open_program(), Request(inputs, AS_OF, folder / "run", rules=Rules((), ())))
    return folder / "run"


def index_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def due(run_folder: Path, benefit: str) -> list[str]:
    table = pq.read_table(run_folder / "residents.parquet", columns=["person_id", f"{benefit}_status"])
    return [row["person_id"] for row in table.to_pylist() if row[f"{benefit}_status"] == "eligible"]


def test_everybody_due_a_benefit_has_a_notice_and_a_line_in_the_index(
    run: Run, run_folder: Path, tmp_path: Path
) -> None:
    office, out = tmp_path / "office.yaml", tmp_path / "out"
    office.write_text(OFFICE, "utf-8")
    words = [
        "notice",
        str(run_folder),
        "--benefit",
        "Employer's contribution",
        "--office",
        str(office),
        "--number",
        "41",
    ]
    status, text, _ = run(*words, "--out", str(out))
    people = due(run_folder, "employer_contribution")
    assert (status, text) == (0, f"{len(people)} notices are in {out}\n")
    lines = index_of(out)
    assert sorted(line["person number"] for line in lines) == sorted(people)
    assert [line["number"] for line in lines] == [str(41 + place) for place in range(len(people))]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["index.csv", *(line["file"] for line in lines)]
    )
    for line in lines:
        page = (out / line["file"]).read_text("utf-8")
        assert {line["person number"], line["number on the notice"]} <= set(
            re.split(r"[<>]|(?<=\d{4}〕) ", page)
        )
        assert line["amount"] in page
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run(*words, "--out", str(out))[0] == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_one_page_to_print_holds_them_all_each_on_a_sheet(run: Run, run_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.html"
    assert run("notice", str(run_folder), "--benefit", "employer_contribution", "--out", str(out))[0] == 0
    page = out.read_text("utf-8")
    people = due(run_folder, "employer_contribution")
    assert page.count('<div class="sheet">') == page.count("<h1>") == len(people)
    assert page.count("<html") == page.count("</html>") == page.count("</body>") == 1
    assert all(person in page for person in people)


def test_a_run_that_says_otherwise_than_its_rules_gives_no_notice(
    run: Run, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> dict[str, list[notices._Due]]:
        return {
            due(run_folder, "employer_contribution")[0]: [
                notices._Due(0, "employer_contribution", "ineligible", None)
            ]
        }

    monkeypatch.setattr(notices, "_due", wrong)
    status, _, err = run("notice", str(run_folder), "--out", str(tmp_path / "out"))
    assert (status, "E752" in err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_records_of_a_file_have_a_notice_each_and_no_number_makes_a_path(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(CASES, "utf-8")
    status, text, _ = run(
        "notice", str(tmp_path / "r.yaml"), "--benefit", "premium_subsidy", "--out", str(tmp_path / "out")
    )
    assert (status, text) == (0, f"2 notices are in {tmp_path / 'out'}\n")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "000001-P1.html",
        "000002.html",
        "index.csv",
    ]
    page = tmp_path / "all.html"
    status, _, _ = run("notice", str(tmp_path / "r.yaml"), "--benefit", "premium_subsidy", "--out", str(page))
    assert (status, page.read_text("utf-8").count("<h1>")) == (0, 2)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--benefit", "maternety_allowance", "--out", "out"], "E740"),
        (["--out", "full"], "E750"),
        (["--out", "n.html", "--number", "x"], "--number takes a whole number"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is_touched(
    run: Run, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine", "utf-8")
    status, _, err = run("notice", str(run_folder), *words)
    assert (status, code in err) == (2, True)
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "mine.txt"]


def test_one_pdf_holds_them_all_each_from_a_page_1_of_its_own(
    run: Run, run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "SEVERAL", 2)
    out = tmp_path / "all.pdf"
    words = (
        "notice",
        str(run_folder),
        "--benefit",
        "employer_contribution",
        "--out",
        str(out),
        "--lang",
        "zh",
    )
    assert run(*words)[0] == 0
    pages = [page.extract_text() for page in PdfReader(out).pages]
    people = due(run_folder, "employer_contribution")
    firsts = [text for text in pages if "第 1 页" in text]
    assert len(people) > 2
    assert all(place % 2 == 0 for place, text in enumerate(pages) if "第 1 页" in text)
    assert sorted(next(person for person in people if person in text) for text in firsts) == sorted(people)
    content = out.read_bytes()
    assert run(*words)[0] == 0
    assert out.read_bytes() == content
