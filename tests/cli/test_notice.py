"""`mianshen notice` as a caseworker meets it: what is written, and what is refused."""

import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Run

CASES = """\
cases:
- {name: one, as_of: 2026-11-21, resident: {person_id: P1}, claims: [%s]}
- {name: two, as_of: 2026-11-21, resident: {person_id: P2}}
"""
CLAIM = "{claim_id: C1, service_date: 2026-03-02, total_cost: 100.00, out_of_scope_cost: 0.00}"


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "r.yaml").write_text(CASES % CLAIM, "utf-8")
    return str(tmp_path / "r.yaml")


def test_a_page_is_written_in_the_language_asked_for(run: Run, file: str, tmp_path: Path) -> None:
    out = tmp_path / "n.html"
    words = ["notice", file, "--case", "one", "--benefit", "poverty_warning", "--out", str(out)]
    assert run(*words) == (0, f"The notice is in {out}\n", "")
    assert "Notice of a medical-insurance decision" in out.read_text("utf-8")
    assert run(*words, "--lang", "zh") == (0, f"告知书已写入 {out}\n", "")
    assert "待定" in out.read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["n.html", "r.yaml"]


def test_a_pdf_is_written(run: Run, file: str, tmp_path: Path) -> None:
    pytest.importorskip("typst", reason="the extra `notice` is not installed")
    out = tmp_path / "n.pdf"
    assert run("notice", file, "--case=one", "--claim=C1", f"--out={out}")[0] == 0
    assert out.read_bytes().startswith(b"%PDF-")


def test_without_its_extra_a_pdf_is_refused_in_one_line_that_names_it(
    run: Run, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)  # as if it were not installed
    out = tmp_path / "n.pdf"
    status, _, err = run("notice", file, "--case=one", "--claim=C1", f"--out={out}")
    assert status == 2
    assert err == (
        f"{out}: E745: a PDF needs typst, which is not installed. "
        'pip install "mianshen[notice]", or write an .html file.\n'
    )
    assert run("notice", file, "--case=one", "--claim=C1", f"--out={tmp_path / 'n.html'}")[0] == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--claim=C1", "--out=n.html"], "E746"),
        (["--case=one", "--out=n.html"], "E747"),
        (["--case=one", "--benefit=poverty_warming", "--out=n.html"], "E740"),
        (["--case=one", "--claim=C7", "--out=n.html"], "E741"),
        (["--case=one", "--claim=C1", "--out=n.docx"], "E744"),
    ],
)
def test_what_cannot_be_told_is_refused_and_nothing_is_written(
    run: Run, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run("notice", file, *words)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert f": {code}: " in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.yaml"]


def test_a_record_with_a_rejected_row_is_told_of_and_exits_one(run: Run, file: str, tmp_path: Path) -> None:
    text = Path(file).read_text("utf-8").replace("total_cost: 100.00", "total_cost: -1")
    Path(file).write_text(text, "utf-8")
    out = tmp_path / "n.html"
    status, _, err = run("notice", file, "--case=one", "--benefit=illness_poverty_aid", f"--out={out}")
    assert status == 1
    assert "total_cost" in err
    assert out.exists()


OFFICE = """
office: {zh: 某区医疗保障局, en: A district bureau}
number: 某医保告〔{year}〕{serial} 号
contact: {zh: 电话 000, en: Call 000}
remedies: [{zh: 可申请行政复议。, en: You may ask for reconsideration.}]
"""
PERSON = """
as_of: 2026-11-21
resident: {person_id: P1, name: 张三, identity_number: "11010519491231002X", insured_area: "310113",
           insurance_scheme: resident, coverage_status: active, assistance_category: subsistence}
"""


def test_an_office_puts_its_name_number_and_remedies_on_a_notice(run: Run, tmp_path: Path) -> None:
    record, office = tmp_path / "record.yaml", tmp_path / "office.yaml"
    record.write_text(PERSON, "utf-8")
    office.write_text(OFFICE, "utf-8")
    words = ["notice", str(record), "--benefit", "医疗救助对象资助参保", "--lang", "zh", "--out"]
    issued, plain = tmp_path / "issued.html", tmp_path / "plain.html"
    assert run(*words, str(issued), "--office", str(office), "--number", "12")[0] == 0
    assert run(*words, str(plain))[0] == 0
    page = issued.read_text("utf-8")
    assert all(text in page for text in ("某区医疗保障局", "〕12 号", "电话 000", "可申请行政复议。", "张三"))
    assert "1101**********002X" in page
    for text in (page, plain.read_text("utf-8")):
        assert "11010519491231002X" not in text
    assert "张三" not in plain.read_text("utf-8")


def test_a_misspelt_office_file_is_told_with_its_place(run: Run, tmp_path: Path) -> None:
    record, office = tmp_path / "record.yaml", tmp_path / "office.yaml"
    record.write_text(PERSON, "utf-8")
    office.write_text(OFFICE.replace("contact:", "contcat:"), "utf-8")
    words = ["--benefit", "premium_subsidy", "--out", str(tmp_path / "n.html"), "--office", str(office)]
    status, _, err = run("notice", str(record), *words)
    assert (status, err.splitlines()[0]) == (
        2, f"{office}:4:1: E121: there is no key contcat here. Perhaps contact is meant."
    )  # fmt: skip
    assert not (tmp_path / "n.html").exists()
