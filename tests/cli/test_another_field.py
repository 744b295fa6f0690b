"""A rulebook of another field, taxes and benefits by month and year, through every command."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
TAXES = Path(__file__).parents[1] / "rulebooks" / "taxes"
RULES = str(TAXES / "rules")
REFORMS = sorted((TAXES / "rules" / "overlays").glob("*.yaml"))
RECORD = """
as_of: 2026-02-28
person: {person_id: P1, home_id: H1, born: 1990-05-01, role: adult, state: unemployed}
home: {home_id: H1, heads: 1, place: "310101", rent: 1200.00, rooms_heated: 3}
months:
  - {month_id: M1, person_id: P1, first_day: 2026-02-01, wage: 0.00, pension: 0.00, out_of_work: true}
"""


@pytest.fixture
def record(tmp_path: Path) -> str:
    file = tmp_path / "record.yaml"
    file.write_text(RECORD, "utf-8")
    return str(file)


def test_there_are_enough_decisions_and_reforms_and_no_doubt(run: Run) -> None:
    assert len(REFORMS) == 5
    status, out, _ = run("lint", RULES)
    assert (status, out) == (0, "6 files: 0 mistakes, 0 warnings\n")


def test_the_cases_come_out_as_computed_by_hand(run: Run) -> None:
    status, out, _ = run("test", str(TAXES / "cases.yaml"), "--rules", RULES)
    assert status == 0, out
    assert out.endswith("5 cases, 0 failed\n")


def test_one_person_is_decided_explained_asked_and_told(run: Run, record: str, tmp_path: Path) -> None:
    status, out, _ = run("check", record, "--rules", RULES, "--explain", "--why", "all")
    assert status == 0
    assert "income support: Eligible: 100.00 yuan" in out or "100.00" in out
    assert "benefit by its month (< 3)" in out
    status, out, _ = run("ask", "income_support", record, "--rules", RULES, "--next")
    asked = json.loads(out)
    assert "answer" in asked or "question" in asked
    notice = tmp_path / "notice.html"
    assert (
        run("notice", record, "--rules", RULES, "--benefit", "income_support", "--out", str(notice))[0] == 0
    )
    assert "100.00" in notice.read_text("utf-8")
    status, out, _ = run(
        "redetermine", record, "--rules", RULES, "--overlay", str(TAXES / "rules/overlays/longer_dole.yaml")
    )
    assert status == 0
    assert "1,200.00" in out  # instead of 1,400 in the first month


def test_many_are_decided_reported_and_compared(run: Run, tmp_path: Path) -> None:
    built, out = tmp_path / "made", tmp_path / "out"
    assert (
        run(
            "sample",
            "--rules",
            RULES,
            "--residents",
            "200",
            "--out",
            str(built),
            "--as-of",
            "2026-02-28",
            "--unknowns",
        )[0]
        == 0
    )
    inputs = [f"--input={entity}={built}/{file}.parquet" for entity, file in
              (("person", "members"), ("month", "months"), ("home", "home"))]  # fmt: skip
    status, said, told = run("batch", "--rules", RULES, *inputs, "--as-of", "2026-02-28", "--out", str(out))
    assert status in (0, 1), told
    assert "take-home income" in said
    assert run("verify-run", str(out))[0] == 0
    assert run("report", str(out), "--out", str(tmp_path / "report"))[0] == 0
    assert {"homes.parquet", "persons.parquet", "months.parquet"} <= {path.name for path in out.iterdir()}


def test_sql_says_it_and_names_are_shown(run: Run) -> None:
    status, out, told = run("compile", "--rules", RULES, "--dialect", "duckdb", "--as-of", "2026-02-28")
    assert (status, told) == (0, "")
    assert "mianshen_persons" in out or "mianshen_months" in out
    status, out, _ = run("show", "contribution", "--rules", RULES)
    assert status == 0
    assert "contribution__18_to_67" in out
    assert "marginal(income, brackets)" in run("show", "tax_on", "--rules", RULES)[1]
    assert run("schema", "record", "--rules", RULES)[0] == 0


@pytest.mark.skipif(find_spec("durable") is None, reason="life events need durable_rules")
def test_a_life_event_makes_support_due(run: Run, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(
        "person_id,home_id,born,role,state\nP1,H1,1990-05-01,adult,employed\n", "utf-8"
    )
    (tmp_path / "homes.csv").write_text(
        "home_id,heads,place,rent,rooms_heated\nH1,1,310101,1200,3\n", "utf-8"
    )
    (tmp_path / "months.csv").write_text(
        "month_id,person_id,first_day,wage,pension,out_of_work\nM1,P1,2026-02-01,0,0,false\n", "utf-8"
    )
    (tmp_path / "events.csv").write_text("event_id,person_id,type,date\nE1,P1,job_lost,2026-02-10\n", "utf-8")
    status, out, told = run(
        "watch", "--rules", RULES, f"--input=person={tmp_path}/people.csv", f"--input=month={tmp_path}/months.csv",
        f"--input=home={tmp_path}/homes.csv", "--events", str(tmp_path / "events.csv"), "--out", str(tmp_path / "work.csv"),
        "--as-of", "2026-02-28",
    )  # fmt: skip
    assert status == 0, (out, told)
    assert "job_search" in (tmp_path / "work.csv").read_text("utf-8")
