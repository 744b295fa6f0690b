"""`mianshen verify-run` and `mianshen replay` as a person meets them."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from tests.cli.conftest import Run
from tests.cli.test_batch import CLAIMS, RESIDENTS


@pytest.fixture
def out(run: Run, tmp_path: Path) -> Path:
    (tmp_path / "r.csv").write_text(RESIDENTS, encoding="utf-8")
    (tmp_path / "c.csv").write_text(CLAIMS, encoding="utf-8")
    files = ["--residents", str(tmp_path / "r.csv"), "--claims", str(tmp_path / "c.csv")]
    assert run("batch", *files, "--as-of", "2026-11-21", "--out", str(tmp_path / "out"))[0] == 1
    return tmp_path / "out"


def spoil(out: Path) -> None:
    """One payment written otherwise."""
    file = str(out / "claims.parquet")
    with duckdb.connect() as database:
        query = "SELECT * REPLACE (patient_pays + 1 AS patient_pays) FROM read_parquet(?)"
        database.execute(f"CREATE TABLE claims AS {query}", [file])
        database.execute(f"COPY claims TO '{file}' (FORMAT parquet)")


def test_an_untouched_run_is_verified(run: Run, out: Path) -> None:
    assert run("verify-run", str(out)) == (0, "10 files are as the receipt says\n", "")
    assert run("verify-run", str(out), "--lang", "zh") == (0, "10 个文件与清单一致\n", "")


def test_what_differs_is_a_table_and_exits_one(run: Run, out: Path) -> None:
    spoil(out)
    (out / "rejects.parquet").unlink()
    (out.parent / "c.csv").unlink()
    status, told, _ = run("verify-run", str(out))
    assert status == 1
    rows = [line.split() for line in told.splitlines()]
    assert rows[2][:3] == ["result", "claims.parquet", "differs"]
    assert rows[3][:3] == ["result", "rejects.parquet", "missing"]
    assert told.splitlines()[-2:] == [
        "7 files are as the receipt says",
        "1 inputs are no longer there and were not checked",
    ]
    status, told, _ = run("verify-run", str(out), "--format", "json")
    assert status == 1
    assert {load["file"]: load["outcome"] for load in json.loads(told) if load["outcome"] != "same"} == {
        "claims.parquet": "differs",
        "rejects.parquet": "missing",
        "c.csv": "moved",
    }


def test_no_run_is_told_so(run: Run, tmp_path: Path) -> None:
    for words in (["verify-run", str(tmp_path)], ["replay", str(tmp_path), "--person", "P1"]):
        status, told, err = run(*words)
        assert (status, told) == (2, "")
        assert err.startswith(f"{tmp_path}/manifest.json: E530: there is no intact record of the run here.")


def test_a_person_comes_out_as_written_with_every_reason(run: Run, out: Path) -> None:
    status, told, err = run("replay", str(out), "--person", "P1", "--explain")
    assert (status, err) == (0, "")
    assert "13,277.83" in told
    assert "inpatient rate of the employee scheme = 85%" in " ".join(told.split())
    assert "out of range" in told  # the rejected claim is told of
    assert told.rstrip().endswith("everything comes out as it was written")
    status, told, _ = run("replay", str(out), "--person", "P2", "--lang", "zh")
    assert status == 0
    assert "参保状态：不是已知的代码" in told
    assert told.rstrip().endswith("与当时写出的结果完全一致")


def test_what_does_not_come_out_is_a_table_and_exits_one(run: Run, out: Path) -> None:
    spoil(out)
    status, told, _ = run("replay", str(out), "--person", "P1")
    assert status == 1
    assert told.splitlines()[-1].split() == ["claim", "C1", "patient_pays", "13278.83", "13277.83"]
    status, told, _ = run("replay", str(out), "--person", "P1", "--format", "json")
    assert status == 1
    content = json.loads(told)
    assert content["differences"] == [
        {"entity": "claim", "key": "C1", "column": "patient_pays", "written": "13278.83", "now": "13277.83"}
    ]
    assert content["answer"]["claims"][0]["patient_pays"] == "13277.83"


def test_an_input_that_moved_is_asked_for_by_name(run: Run, out: Path) -> None:
    moved = (out.parent / "c.csv").rename(out.parent / "moved.csv")
    status, _, err = run("replay", str(out), "--person", "P1")
    assert status == 2
    assert err == (
        f"{out.parent}/c.csv: E571: the file that this run read is no longer there. "
        "Say where it is now by --input claim=FILE.\n"
    )
    assert run("replay", str(out), "--person", "P1", "--claims", str(moved))[0] == 0
