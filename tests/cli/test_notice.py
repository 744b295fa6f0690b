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
    assert sorted(each.name for each in tmp_path.iterdir()) == ["n.html", "r.yaml"]


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
        f"{out}:1:1: E745: a PDF needs typst, which is not installed. "
        'pip install "mianshen[notice]", or write an .html file.\n'
    )
    assert run("notice", file, "--case=one", "--claim=C1", f"--out={tmp_path / 'n.html'}")[0] == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--benefit=poverty_warning", "--out=n.html"], "E746"),
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
    assert sorted(each.name for each in tmp_path.iterdir()) == ["r.yaml"]


def test_a_record_with_a_rejected_row_is_told_of_and_exits_one(run: Run, file: str, tmp_path: Path) -> None:
    text = Path(file).read_text("utf-8").replace("total_cost: 100.00", "total_cost: -1")
    Path(file).write_text(text, "utf-8")
    out = tmp_path / "n.html"
    status, _, err = run("notice", file, "--case=one", "--benefit=illness_poverty_aid", f"--out={out}")
    assert status == 1
    assert "total_cost" in err
    assert out.exists()
