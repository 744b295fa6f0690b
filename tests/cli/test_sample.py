"""`mianshen sample`."""

import csv
import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from mianshen_cli.main import main

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


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_any_rulebook_has_made_up_rows_of_its_own(form: str, tmp_path: Path) -> None:
    words = ["sample", "--overlay", "outbreak_waiver", "--residents", "60", "--format", form, "--seed", "3"]
    words += ["--as-of", "2026-06-30", "--unknowns"]
    for folder in ("one", "two"):
        assert main([*words, "--out", str(tmp_path / folder)]) == 0
    files = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert files == [f"{name}.{form}" for name in ("claims", "household", "members", "visits")]
    cells = {}
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        with duckdb.connect() as database:
            cells[name.split(".")[0]] = (
                database.sql(f"FROM '{tmp_path}/one/{name}'").to_arrow_table().to_pydict()
            )
    people = set(cells["members"]["person_id"])
    assert len(people) == 60
    assert set(cells["claims"]["person_id"]) <= people
    assert max(cells["claims"]["service_date"]) <= dt.date(2026, 6, 30)


def test_settlements_as_the_platform_has_them_are_the_same_bytes_again(run: Run, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        words = ["sample", "--residents", "400", "--format", "nhsa", "--as-of", "2026-06-30"]
        assert run(*words, "--out", str(tmp_path / folder))[0] == 0
    first, second = ((tmp_path / folder / "settlements.csv").read_text("utf-8") for folder in ("a", "b"))
    assert first == second
    rows = list(csv.DictReader(io.StringIO(first)))
    numbers = [row["SETL_ID"] for row in rows if row["VALI_FLAG"] == "1"]
    assert len(set(numbers)) == len(numbers)
    reversing = [row for row in rows if row["INIT_SETL_ID"]]
    refunded = {row["SETL_ID"] for row in rows if row["REFD_SETL_FLAG"] == "1"}
    assert {row["INIT_SETL_ID"] for row in reversing} == refunded
    assert any(row["HIFP_PAY"] for row in rows)
    assert all(row["MEDFEE_SUMAMT"].startswith("-") for row in reversing)
