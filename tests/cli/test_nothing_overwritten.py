"""No output replaces an input, nor a file that the product did not make."""

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

RECORD = "as_of: 2026-06-30\nresident: {person_id: P1, insured_area: '310113'}\n"
RULES = "rulebook: {name: r, title: r, entry: p}\nentities: {p: {title: p, key: n}}\nfacts: {p: {n: {type: text, title: n}}}\n"


def test_a_notice_does_not_replace_its_record(run: Run, tmp_path: Path) -> None:
    record = tmp_path / "record.html"
    record.write_text(RECORD, "utf-8")
    (tmp_path / "link.html").symlink_to(record)
    for out in (record, tmp_path / "link.html"):
        status, shown, err = run("notice", str(record), "--benefit", "poverty_warning", "--out", str(out))
        assert (status, shown) == (2, "")
        assert "would replace an input" in err
    assert record.read_text("utf-8") == RECORD


@pytest.mark.parametrize("out", ["rules/r.yaml", "overlay.yaml"])
def test_a_script_does_not_replace_the_rules_it_comes_from(run: Run, tmp_path: Path, out: str) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "r.yaml").write_text(RULES, "utf-8")
    (tmp_path / "overlay.yaml").write_text("overlay: {name: o, title: o}\n", "utf-8")
    before = (tmp_path / out).read_bytes()
    words = (
        "--rules",
        str(tmp_path / "rules"),
        "--overlay",
        str(tmp_path / "overlay.yaml"),
        "--as-of",
        "2026-06-30",
    )
    status, _, err = run("compile", *words, "--out", str(tmp_path / out))
    assert status == 2
    assert "would replace an input" in err
    assert (tmp_path / out).read_bytes() == before


@pytest.mark.parametrize("form", ["csv", "parquet", "nhsa"])
def test_a_sample_replaces_an_earlier_one_and_nothing_else(run: Run, tmp_path: Path, form: str) -> None:
    words = ("sample", "--out", str(tmp_path), "--residents", "20", "--as-of", "2026-06-30", "--format", form)
    assert run(*words)[0] == 0
    assert run(*words, "--seed", "2")[0] == 0
    first = max(file for file in tmp_path.iterdir() if file.name != "visits.csv")
    if form == "parquet":
        first.write_bytes(b"not a table")
    else:
        lines = first.read_text("utf-8").splitlines(keepends=True)
        first.write_text(lines[0] + lines[1].replace(lines[1][:9], "310113001", 1), "utf-8")
    held = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    status, _, err = run(*words, "--seed", "3")
    assert (status, err.count("\n"), "no sample wrote it" in err) == (2, 1, True)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == held
