"""`mianshen report`, and `mianshen batch --report`, as an operator meets them."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run

RESIDENTS = """\
person_id,insured_area,insurance_scheme,coverage_status,employment_status,assistance_category
P1,310113,resident,active,none,illness_poverty
P2,110101,resident,active,none,none
"""
CLAIMS = """\
claim_id,person_id,service_date,care_type,hospital_level,total_cost,out_of_scope_cost,critical_illness
C1,P1,2026-03-02,inpatient,tertiary,48650.37,5535.62,false
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "r.csv").write_text(RESIDENTS, encoding="utf-8")
    (tmp_path / "c.csv").write_text(CLAIMS, encoding="utf-8")
    files = ["--residents", str(tmp_path / "r.csv"), "--claims", str(tmp_path / "c.csv")]
    return ["batch", *files, "--as-of", "2026-11-21", "--format", "json"]


def test_a_batch_writes_its_report_when_asked_and_keeps_its_own_folder_to_itself(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    assert run(*words, "--out", str(tmp_path / "first"))[0] == 0
    report = ["--report", str(tmp_path / "report"), "--since", str(tmp_path / "first")]
    status, _, err = run(*words, "--out", str(tmp_path / "second"), *report)
    assert status == 0
    assert err.splitlines()[-1] == f"The report is in {tmp_path}/report/report.html"
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "changes.parquet", "lists", "report.html", "report.json",
    ]  # fmt: skip
    assert {path.name for path in (tmp_path / "second").iterdir()} == {
        path.name for path in (tmp_path / "first").iterdir()
    }


def test_a_report_finds_the_inputs_where_they_were_and_says_what_it_wrote(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    run(*words, "--out", str(tmp_path / "out"))
    asked = ["report", str(tmp_path / "out"), "--out", str(tmp_path / "report")]
    status, out, err = run(*asked, "--lang", "zh")
    assert (status, err) == (0, "")
    assert out.startswith(f"报告已写入 {tmp_path}/report/report.html；清单 ")
    assert "批量核定报告" in (tmp_path / "report" / "report.html").read_text("utf-8")
    assert (tmp_path / "report" / "lists" / "310113" / "undetermined.csv").is_file()


def test_inputs_that_are_gone_are_told_in_one_line(run: Run, words: list[str], tmp_path: Path) -> None:
    run(*words, "--out", str(tmp_path / "out"))
    (tmp_path / "c.csv").unlink()
    status, out, err = run("report", str(tmp_path / "out"), "--out", str(tmp_path / "report"))
    assert (status, out) == (2, "")
    assert err == (
        f"{tmp_path}/c.csv: E571: the file that this run read is no longer there. "
        "Say where it is now by --input claim=FILE.\n"
    )
    assert not (tmp_path / "report").exists()


def test_a_folder_without_a_run_is_refused(run: Run, tmp_path: Path) -> None:
    status, _, err = run("report", str(tmp_path), "--out", str(tmp_path / "report"))
    assert status == 2
    assert ": E570: " in err


def test_since_alone_would_do_nothing_and_is_refused_before_the_run(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    status, _, err = run(*words, "--out", str(tmp_path / "out"), "--since", str(tmp_path))
    assert (status, err) == (2, "mianshen: --since compares in a report. Give --report, too.\n")
    assert not (tmp_path / "out").exists()


def test_a_comparison_with_a_run_by_other_rules_says_so(run: Run, words: list[str], tmp_path: Path) -> None:
    overlay = ["--overlay", "employee_limit_2021_2025"]
    run(*words, "--out", str(tmp_path / "before"))
    run(*words, *overlay, "--out", str(tmp_path / "now"))
    since = ["--since", str(tmp_path / "before"), "--out", str(tmp_path / "report")]
    status, _, err = run("report", str(tmp_path / "now"), *since)
    assert (status, err) == (0, (
        f"{tmp_path}/before: E578: the earlier run was decided by another rulebook: changes are of the rules as well "
        "as of the records. What the rules alone change stands apart in the report, and in its folder rules.\n"
    ))  # fmt: skip
    assert json.loads((tmp_path / "report" / "report.json").read_text("utf-8"))["since"]["other_rulebook"]
    assert "decided by another rulebook" in (tmp_path / "report" / "report.html").read_text("utf-8")


def test_an_earlier_run_that_is_none_is_told_before_the_batch(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    report = ["--report", str(tmp_path / "report"), "--since", str(tmp_path / "nothing")]
    status, _, err = run(*words, "--out", str(tmp_path / "out"), *report)
    assert status == 2
    assert [line.split(": ")[1] for line in err.splitlines()] == ["E570"]
    assert not (tmp_path / "out").exists()
