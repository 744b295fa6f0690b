"""A run file says the options of the nightly batch; a dry run tells what would happen and writes nothing."""

import datetime as dt
import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from mianshen_cli.click_commands import Day, today
from mianshen_cli.commands.batch import batch as command
from mianshen_cli.run_file import NAMED, NOT_HERE, PATHS

RESIDENTS = "person_id,household_id,insured_area,insurance_scheme,coverage_status,assistance_category\n"
PERSON = "P1,H1,310113,resident,active,subsistence\n"
TOML = """
as-of = {day}
residents = "in/{{as_of}}/residents.csv"
out = "runs/{{as_of}}"
max-rejects = 5
{more}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "2026-06-30").mkdir(parents=True)
    (tmp_path / "in" / "2026-06-30" / "residents.csv").write_text(RESIDENTS + PERSON, "utf-8")
    write(tmp_path)
    return tmp_path


def write(folder: Path, day: str = "2026-06-30", more: str = "") -> None:
    (folder / "mianshen.toml").write_text(TOML.format(day=day, more=more), "utf-8")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_options_come_from_the_file_and_paths_from_its_folder(run: Run, folder: Path) -> None:
    status, _, err = run("batch", "--run-file", str(folder / "mianshen.toml"))
    assert (status, err.count("\n")) == (0, 3)
    assert (folder / "runs" / "2026-06-30" / "residents.parquet").exists()


def test_the_command_line_comes_before_the_file(run: Run, folder: Path) -> None:
    words = ["batch", "--run-file", str(folder / "mianshen.toml"), "--out", str(folder / "other")]
    assert run(*words)[0] == 0
    assert (folder / "other" / "summary.json").exists()
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("resident = 'x'", "6:1: E756: there is no option resident. Perhaps residents is meant."),
        ("theads = 2", "6:1: E756: there is no option theads. Perhaps threads is meant."),
        ("run-file = 'x'", "6:1: E756: there is no option run-file."),
        ("yes = 'true'", "6:1: E757: the value cannot be used: this takes true or false. Correct it."),
        ("  threads = 0", "6:3: E757: the value cannot be used: --threads takes a whole number from 1 to 256, and this is 0."),
        ("engine = 'fast'", "6:1: E757: the value cannot be used: --engine takes auto or native or interpreter or spark only."),
        ("memory = 4.5", "6:1: E757: the value cannot be used: this takes a text. Correct it."),
        ("[input]\nclaim = 1.5", '6:2: E757: the value cannot be used: this takes {ENTITY = "FILE"}. Correct it.'),
        ("threads = ", "6:11: E755: is no TOML: Invalid value. Correct it from here on."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_line_and_column_and_nothing_runs(
    run: Run, folder: Path, line: str, told: str
) -> None:
    write(folder, more=line)
    before = files(folder)
    status, _, err = run("batch", "--run-file", str(folder / "mianshen.toml"))
    assert status == 2
    assert f"{folder / 'mianshen.toml'}:{told}" in err
    assert files(folder) == before


@pytest.mark.parametrize(
    ("word", "day"),
    [("today", today()), ("yesterday", today() - dt.timedelta(1)), ("month-end", today().replace(day=1) - dt.timedelta(1))],
)  # fmt: skip
def test_days_by_name(word: str, day: dt.date) -> None:
    assert Day().convert(word, None, None) == day


def test_every_option_can_be_said(run: Run, folder: Path) -> None:
    names = {
        name.removeprefix("--") for option in command.params for name in option.opts if name.startswith("--")
    }
    assert {*PATHS, *NAMED, *NOT_HERE} <= names
    said = {
        "claims": ["c.csv"], "households": "h.csv", "visits": "v.csv", "input": {"visit": "w.csv"}, "rules": "rules",
        "overlay": ["outbreak_waiver", "draft.yaml"], "encoding": "gb18030", "mapping": "nhsa", "threads": 1,
        "memory": "1GB", "engine": "interpreter", "master": "spark://x:7077", "into": "duckdb:r.db", "csv": "sheets",
        "partitions": 2, "yes": True, "resume": True, "report": "report", "since": "runs/{day_before}", "xlsx": True,
        "dry-run": True, "format": "json",
    }  # fmt: skip
    assert {*said, "as-of", "residents", "out", "max-rejects", *NOT_HERE} == names
    write(folder, more="\n".join(f"{name} = {_toml(value)}" for name, value in said.items()))
    status, _, err = run("batch", "--run-file", str(folder / "mianshen.toml"))
    assert status == 2  # past the run file: a rulebook that is not there
    assert not any(code in err for code in ("E755", "E756", "E757"))


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(item)}" for name, item in value.items()) + "}"
    return json.dumps(value)


# -- dry run -----------------------------------------------------------------------------------


def test_a_dry_run_tells_rows_columns_and_outputs_and_writes_nothing(run: Run, folder: Path) -> None:
    before = files(folder)
    status, text, _ = run("batch", "--run-file", str(folder / "mianshen.toml"), "--dry-run")
    assert status == 0
    assert "residents.csv: 6 columns are read" in text
    assert f"Would write to {folder / 'runs' / '2026-06-30'}" in " ".join(text.split())
    assert files(folder) == before
    assert not (folder / "runs").exists()


def test_a_dry_run_finds_what_the_run_would_stop_for(run: Run, folder: Path) -> None:
    claims = "".join(f"C{n},P{n},2027-01-01,inpatient,100.00\n" for n in range(20))
    (folder / "claims.csv").write_text(
        "claim_id,person_id,service_date,care_type,total_cost\n" + claims + "C9,P1,x,inpatient,1.00\n",
        "utf-8",
    )
    words = ["batch", "--run-file", str(folder / "mianshen.toml"), "--claims", str(folder / "claims.csv")]
    status, text, err = run(*words, "--dry-run", "--format", "json")
    plan = json.loads(text)
    assert (status, plan["rows"]) == (1, {"resident": 1, "claim": 21})
    assert {doubt["code"] for doubt in plan["doubts"]} <= {
        part.split(": ")[1] for part in err.splitlines() if ": E" in part
    }
    assert plan["refused"] == [
        {"file": "claims.csv", "fact": "service_date", "reason": "bad_date", "cells": 1}
    ]
    stopped = run(*words)
    assert stopped[0] == 2
    assert {doubt["message"] for doubt in plan["doubts"]} <= set(stopped[2].splitlines())
    assert run(*words, "--dry-run", "--yes")[0] == 0
    assert not (folder / "runs").exists()
