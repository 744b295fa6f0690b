"""`mianshen batch` as an operator meets it: exit status, rejects, what is written and what is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from tests.cli.conftest import Run

RESIDENTS = """\
person_id,insured_area,insurance_scheme,coverage_status,employment_status,assistance_category
P1,310113,职工医保,active,employed,none
P2,310113,employee,aktive,employed,none
"""
CLAIMS = """\
claim_id,person_id,service_date,care_type,total_cost,out_of_scope_cost
C1,P1,2026-03-02,inpatient,48650.37,5535.62
C2,P1,2026-04-02,inpatient,-5,0
C3,P1,2026-05-02,inpatient,100,0
C4,P2,2026-05-02,inpatient,100,0
C5,P9,2026-05-02,inpatient,100,0
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "r.csv").write_text(RESIDENTS, encoding="utf-8")
    (tmp_path / "c.csv").write_text(CLAIMS, encoding="utf-8")
    files = ["--residents", str(tmp_path / "r.csv"), "--claims", str(tmp_path / "c.csv")]
    return ["batch", *files, "--as-of", "2026-11-21", "--out", str(tmp_path / "out")]


def test_bad_rows_are_in_the_rejects_and_spoil_only_what_reads_them(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    status, out, _ = run(*words, "--format", "json")
    assert status == 1
    assert json.loads(out)["records"]["claim"] == {"read": 5, "decided": 2, "rejected": 3}
    with duckdb.connect() as database:
        rejects = database.execute(f"FROM read_parquet('{tmp_path}/out/rejects.parquet')").fetchall()
        claims = database.execute(
            f"SELECT claim_id, status, missing, patient_pays FROM read_parquet('{tmp_path}/out/claims.parquet')"
        ).fetchall()
    assert rejects == [
        ("c.csv", 2, "C2", "total_cost", "out_of_range"),
        ("c.csv", 4, "C4", None, "parent_rejected"),
        ("c.csv", 5, "C5", "person_id", "unknown_parent"),
        ("r.csv", 2, "P2", "coverage_status", "bad_code"),
    ]
    assert [(c, s, m) for c, s, m, _ in claims] == [
        ("C1", "decided", None),
        ("C3", "undetermined", "claim C2"),
    ]
    assert str(claims[0][3]) == "13277.83"


@pytest.mark.parametrize(("allowed", "status"), [("4", 0), ("3", 1), ("60%", 0), ("50%", 1), ("many", 2)])
def test_rejects_beyond_what_is_allowed_exit_one(
    run: Run, words: list[str], allowed: str, status: int
) -> None:
    assert run(*words, "--max-rejects", allowed)[0] == status


def test_a_misspelt_column_is_refused_at_its_place(run: Run, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(CLAIMS.replace("total_cost,", "total_cots,"), encoding="utf-8")
    status, _, err = run(*words)
    assert status == 2
    assert f"{tmp_path / 'c.csv'}:1:43: E502: " in err
    assert "total_cost" in err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_no_batch_wrote_is_left_alone(run: Run, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letters.txt").write_text("mine", encoding="utf-8")
    assert run(*words)[0] == 2
    assert (tmp_path / "out" / "letters.txt").read_text(encoding="utf-8") == "mine"


def test_an_earlier_run_is_replaced_whole(run: Run, words: list[str], tmp_path: Path) -> None:
    run(*words)
    first = (tmp_path / "out" / "manifest.json").read_bytes()
    run(*words)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == first
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "claims.parquet", "manifest.json", "rejects.parquet", "residents.parquet", "summary.json", "timings.json",
    ]  # fmt: skip
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.csv", "out", "r.csv"]


def test_a_stranger_among_an_earlier_run_is_not_lost(run: Run, words: list[str], tmp_path: Path) -> None:
    run(*words)
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    assert run(*words)[0] == 2
    assert (tmp_path / "out" / "notes.txt").read_text(encoding="utf-8") == "mine"
