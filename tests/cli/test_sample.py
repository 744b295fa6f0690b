"""`mianshen sample`."""

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_it_writes_four_files_and_counts_their_rows(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "people"
    status, out, err = run("sample", "--out", str(folder), "--residents", "1200", "--as-of", "2026-06-30")
    assert (status, err) == (0, "")
    rows = [line.split() for line in out.splitlines()[2:]]
    assert [Path(file).name for file, _ in rows] == [
        "residents.parquet",
        "households.parquet",
        "claims.parquet",
        "visits.parquet",
    ]
    assert (rows[0][1], rows[2][1]) == ("1,200", "3,600")
    assert all(Path(file).exists() for file, _ in rows)


def test_csv_and_unknowns_are_to_be_had(run: Run, tmp_path: Path) -> None:
    words = [
        "sample",
        "--out",
        str(tmp_path),
        "--residents",
        "300",
        "--as-of",
        "2026-06-30",
        "--format",
        "csv",
    ]
    assert run(*words)[0] == 0
    complete = (tmp_path / "residents.csv").read_bytes()
    assert b",," not in complete
    assert run(*words, "--unknowns")[0] == 0
    assert b",," in (tmp_path / "residents.csv").read_bytes()


@pytest.mark.parametrize(("lang", "word"), [("zh", "今天"), ("en", "today")])
def test_it_says_so_when_it_takes_today(run: Run, tmp_path: Path, lang: str, word: str) -> None:
    assert word in run("sample", "--out", str(tmp_path), "--residents", "10", "--lang", lang)[1]


def test_a_folder_that_cannot_be_made_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    status, out, err = run("sample", "--out", str(tmp_path / "file" / "x"), "--residents", "10")
    assert (status, out, err.count("\n")) == (2, "", 1)
