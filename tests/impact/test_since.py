"""A run compared with an earlier one by other rules: what the rules alone change, by the engine of compare."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.impact.small import write_small

from mianshen.batch.recorded_rules import RULES
from mianshen_cli.main import main

PEOPLE = (
    "person_id,income,birth_date\nP1,21000.00,1990-01-01\nP2,90000.00,1990-01-01\nP3,{income},1990-01-01\n"
)
CLAIMS = "claim_id,person_id,service_date,total_cost\nC1,P1,2026-03-01,500.00\n"
DRAFT = "overlay: {name: draft, title: x}\nset: {line: {from: 2026-01-01, value: 25000.00}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run before by the rulebook, with P3 rich; files of today, in which P3 is poor; a draft that raises the line."""
    write_small(tmp_path / "rules")
    (tmp_path / "draft.yaml").write_text(DRAFT, encoding="utf-8")
    (tmp_path / "claims.csv").write_text(CLAIMS, encoding="utf-8")
    for name, income in (("then", "90000.00"), ("today", "100.00")):
        (tmp_path / f"{name}.csv").write_text(PEOPLE.format(income=income), encoding="utf-8")
    assert main(batch(tmp_path, "then", tmp_path / "before")) == 0
    return tmp_path


def batch(folder: Path, people: str, out: Path) -> list[str]:
    files = ["--residents", str(folder / f"{people}.csv"), "--claims", str(folder / "claims.csv")]
    day = ["--as-of", "2026-06-30", "--engine", "interpreter"]
    return ["--lang", "en", "batch", *files, *day, "--rules", str(folder / "rules"), "--out", str(out)]


def test_a_report_tells_apart_what_the_rules_change(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draft = ["--overlay", str(folder / "draft.yaml")]
    report = ["--report", str(folder / "report"), "--since", str(folder / "before")]
    assert main([*batch(folder, "today", folder / "now"), *draft, *report]) == 0
    assert "E578: the earlier run was decided by another rulebook" in capsys.readouterr().err
    content = json.loads((folder / "report/report.json").read_text("utf-8"))
    alone = content["since"]["rules"]
    assert [(c["name"], c["people"]["changed"]) for c in alone["causes"]] == [("line", 1)]
    files = ["--residents", str(folder / "today.csv"), "--claims", str(folder / "claims.csv")]
    words = ["compare", *files, *draft, "--as-of", "2026-06-30", "--rules", str(folder / "rules")]
    assert main(["--lang", "en", *words, "--out", str(folder / "compared")]) == 1
    compared = json.loads((folder / "compared/compare.json").read_text("utf-8"))
    assert alone == {name: compared[name] for name in ("benefits", "fund", "people", "causes")}
    assert (alone["benefits"]["help"]["gained"], alone["benefits"]["help"]["difference"]) == (1, "600.00")
    assert (folder / "report/rules/report.html").exists()
    # P1 gains by the line, P3 by the records
    rows = pq.read_table(folder / "report/changes.parquet").to_pylist()
    assert {(row["person"], row["change"], row["cause"]) for row in rows} == {
        ("P1", "newly_due", "line"), ("P3", "newly_due", None),
    }  # fmt: skip
    lists = [file.read_text("utf-8-sig") for file in (folder / "report/lists").glob("*/changes.csv")]
    assert [line.split(",")[-1] for line in "".join(lists).splitlines()] == [
        "cause", "income line", "the records changed",
    ]  # fmt: skip
    page = (folder / "report/report.html").read_text("utf-8")
    assert "By the rules alone" in page
    # a report on the finished run tells the same, and replaces the one before it
    assert main(["report", str(folder / "now"), *report[2:], "--out", str(folder / "report")]) == 0
    assert json.loads((folder / "report/report.json").read_text("utf-8"))["since"]["rules"] == alone


def test_rules_that_are_not_kept_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "before" / RULES).unlink()
    draft = ["--overlay", str(folder / "draft.yaml")]
    report = ["--report", str(folder / "report"), "--since", str(folder / "before")]
    assert main([*batch(folder, "today", folder / "now"), *draft, *report]) == 0
    assert ": E579: the earlier run was decided by another rulebook, and what" in capsys.readouterr().err
    content = json.loads((folder / "report/report.json").read_text("utf-8"))
    assert content["since"]["other_rulebook"]
    assert content["since"]["rules"] is None
