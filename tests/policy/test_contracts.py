"""What programs rely on of the policy desk's commands: files, keys, types, exit statuses."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.policy.conftest import Write

from mianshen_cli.main import main

OVERLAY = """\
overlay: {name: reform, title: x}
set: {floor: {from: 2026-01-01, value: 200.00}}
properties:
  never_negative: {title: x, entity: person, holds: paid >= 0, source: S, clause: '1'}
  never_much: {title: x, entity: person, holds: paid <= 1000, source: S, clause: '1'}
"""
AMOUNTS = {"before", "after", "difference", "least", "most"}


@pytest.fixture
def files(write: Write, tmp_path: Path) -> dict[str, str]:
    rules, cases = write()
    (tmp_path / "reform.yaml").write_text(OVERLAY, "utf-8")
    people = "person_id,age,cost,standing\nP1,60,1100.00,poor\nP2,60,,poor\nP3,60,50.00,ordinary\n"
    (tmp_path / "people.csv").write_text(people, "utf-8")
    names = {"overlay": "reform.yaml", "people": "people.csv", "out": "out"}
    return {"rules": str(rules), "cases": str(cases)} | {n: str(tmp_path / f) for n, f in names.items()}


def ran(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    status = main(list(words))
    text = capsys.readouterr().out
    return status, json.loads(text) if text else None


def test_compare_writes_its_three_files(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    records = ["--input", f"person={files['people']}", "--as-of", "2026-06-30"]
    words = ["compare", *records, "--rules", files["rules"], "--format", "json", "--out", files["out"]]
    status, printed = ran(capsys, *words, "--overlay", files["overlay"])
    assert status == 1
    out = Path(files["out"])
    content = json.loads((out / "compare.json").read_text("utf-8"))
    assert content == printed
    paid = content["decisions"]["paid"]
    assert paid.keys() >= AMOUNTS | {"left_out"}
    assert (paid["before"], paid["after"], paid["difference"]) == ("800.00", "720.00", "-80.00")
    # P2's cost may be anything from 0.00 to 1,000,000.00: from nothing to another 80.00 less
    assert paid["left_out"] == 1
    assert Decimal(paid["least"]) <= -160
    assert -80 <= Decimal(paid["most"]) <= 1_000_000
    changes = pq.read_table(out / "changes.parquet")
    assert changes.column_names == ["person_id", "entity", "key", "decision", "before", "after", "cause"]
    (row,) = [row for row in changes.to_pylist() if row["decision"] == "paid"]
    assert (row["person_id"], row["before"], row["after"], row["cause"]) == (
        "P1",
        "800.00",
        "720.00",
        "floor",
    )
    assert (out / "report.html").read_text("utf-8").startswith("<!doctype html>")
    status, _ = ran(capsys, *words, "--to", files["rules"])
    assert status == 0
    assert main([*words, "--overlay", "nosuch.yaml"]) == 2


def test_coverage_counts_and_lists(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["coverage", files["cases"], "--rules", files["rules"], "--format", "json"]
    status, content = ran(capsys, *words)
    parts = ("provisions", "rows", "boundaries", "unknown_paths")
    for part in parts:
        assert content[part].keys() == {"covered", "all"}
        assert 0 < content[part]["covered"] <= content[part]["all"]
    assert status == (1 if content["uncovered"] else 0)
    assert all(point.keys() >= {"name", "what", "where", "clause"} for point in content["uncovered"])
    assert ran(capsys, *words, "--at-least", "provisions=100")[0] == 0
    assert ran(capsys, *words, "--overlay", files["overlay"])[0] in (0, 1)
    assert main(["coverage", "nosuch.yaml", "--rules", files["rules"]]) == 2


def test_mutate_counts_and_lists_survivors(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mutate", files["cases"], "--rules", files["rules"], "--jobs", "1", "--format", "json"]
    status, content = ran(capsys, *words)
    assert content.keys() >= {"mutants", "noticed", "equivalent", "survivors"}
    judged = content["noticed"] + content["equivalent"] + len(content["survivors"])
    assert content["mutants"] == judged
    assert status == (1 if content["survivors"] else 0)
    assert all(part.keys() >= {"where", "what", "clause", "moves"} for part in content["survivors"])
    assert ran(capsys, *words, "--at-least", "1")[0] == 0


def test_prove_gives_a_verdict_of_each_property(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("z3")
    words = ["prove", "--rules", files["rules"], "--overlay", files["overlay"], "--format", "json"]
    status, findings = ran(capsys, *words, "--property", "never_")
    verdicts = {finding["property"]: finding["verdict"] for finding in findings}
    assert (status, verdicts) == (1, {"never_negative": "proved", "never_much": "refuted"})
    assert all(finding.keys() >= {"property", "verdict", "record", "because"} for finding in findings)
    (record,) = [finding["record"] for finding in findings if finding["record"] is not None]
    assert record.keys() >= {"as_of", "person"}
    assert ran(capsys, *words, "--property", "never_negative")[0] == 0


def test_diff_and_suggest_take_the_same_options(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--rules", files["rules"], "--overlay", files["overlay"], "--format", "json"]
    status, content = ran(capsys, "diff", *words)
    assert status == 1
    assert any(change["name"] == "floor" for change in content["changes"])
    assert ran(capsys, "diff", files["rules"], files["rules"], "--format", "json")[0] == 0
    status, suggested = ran(
        capsys, "suggest", files["cases"], *words, "--sample", "50", "--most", "1", "--jobs", "1"
    )
    assert status == (1 if suggested else 0)
