"""`mianshen columns`: what each column is, what would be refused, and nothing about persons."""

from __future__ import annotations

from pathlib import Path

import pytest

from mianshen_cli.main import main

PEOPLE = (
    "Person_ID,姓名,identity_number,birth_date,insurance_scheme,hobby\n"
    "P1,王小明,310113199001011235,1990/1/1,居民医保,chess\n"
    "P2,,,1990-01-01,,\n"
)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["columns", *words])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_each_column_is_shown_with_its_fact_and_what_would_be_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.csv").write_text(PEOPLE, encoding="utf-8")
    status, out, _ = run(capsys, str(tmp_path / "r.csv"), "--lang", "en")
    assert status == 1
    lines = {line.split()[0]: line for line in out.splitlines() if line}
    assert lines["Person_ID"].split()[1] == "person_id"
    assert "not a date: 1" in lines["birth_date"]
    assert "50%" in lines["insurance_scheme"]
    assert "Perhaps 1990-01-01 is meant" in out
    assert "unknown column hobby" in out
    assert "2 rows, read as resident" in out


def test_no_cell_about_a_person_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.csv").write_text(PEOPLE, encoding="utf-8")
    for lang in ("zh", "en"):
        _, out, err = run(capsys, str(tmp_path / "r.csv"), "--lang", lang)
        assert not {"王小明", "310113199001011235", "字字字"} & set((out + err).split())
        assert "王小明" not in out + err
        assert "310113199001011235" not in out + err


def test_a_file_that_is_all_right_is_status_0_and_one_of_nobody_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.csv").write_text("claim_id,person_id,service_date\nC1,P1,2026-01-01\n", encoding="utf-8")
    assert run(capsys, str(tmp_path / "c.csv"))[0] == 0
    (tmp_path / "m.yaml").write_text(
        "claim: {columns: {no: claim_id, who: person_id, day: {fact: service_date, date: yyyymmdd}}}\n"
    )
    (tmp_path / "m.csv").write_text("no,who,day\nC1,P1,20260101\n", encoding="utf-8")
    status, out, _ = run(
        capsys, str(tmp_path / "m.csv"), "--mapping", str(tmp_path / "m.yaml"), "--entity", "claim"
    )
    assert status == 0
    assert "day" in out
    status, _, err = run(capsys, str(tmp_path / "m.csv"), "--lang", "en")
    assert status == 2
    assert len(err.strip().splitlines()) == 1
    assert run(capsys, str(tmp_path / "gone.csv"))[0] == 2


def test_why_cells_are_refused_is_said_in_chinese(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.csv").write_text(PEOPLE, encoding="utf-8")
    _, out, _ = run(capsys, str(tmp_path / "r.csv"), "--lang", "zh")
    assert "不是日期：1" in out
    assert "birth_date: 不是日期。" in out
    assert "bad_date" not in out


def test_a_label_of_totals_is_told_as_such_in_any_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.csv").write_text(
        "person_id,birth_date,sex\nP1,1990-01-01,male\n,合计,\n总计：,,\n", encoding="utf-8"
    )
    status, out, _ = run(capsys, str(tmp_path / "r.csv"), "--lang", "en")
    assert status == 1
    assert out.count("a total, a header or a note, not a record: 1") == 2
    assert "not a date" not in out
