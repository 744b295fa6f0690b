"""Nothing that people read is wider than the terminal, in either language; what programs read stays whole."""

import json
import re
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.support.campaigns import few

from mianshen_cli import output

RECORD = """
as_of: 2026-11-21
resident: {person_id: P1, insured_area: "310113", insurance_scheme: resident, coverage_status: active,
  assistance_category: subsistence}
claims: [{claim_id: C1, service_date: 2026-03-02, care_type: inpatient, hospital_level: tertiary, total_cost: 60300.00,
  out_of_scope_cost: 0.00}]
"""
CASE = """
cases:
- name: one
  as_of: 2026-11-21
  resident: {person_id: P1, insured_area: "310113", insurance_scheme: resident}
  expect: {benefits: {premium_subsidy: {status: ineligible}}}
"""
EVENT = '{"event_id": "E1", "person_id": "P1", "type": "retirement", "date": "2026-03-01"}\n'
HEAD = "person_id,household_id,insured_area,insurance_scheme,coverage_status,employer_average_wage\n"
RESIDENTS = f"{HEAD}P1,H1,310113,resident,active,1.00\n"
COMMANDS = (
    ("check", "r.yaml"), ("check", "r.yaml", "--explain"), ("check", "r.yaml", "--why", "C1", "--why", "poverty_watch"),
    ("show",), ("show", "basic_payment"), ("show", "employee_annual_payment_limit"), ("show", "--coverage-of-sources"),
    ("check", "many.yaml"), ("check", "many.yaml", "--explain"),
    ("redetermine", "r.yaml", "--to-date", "2026-12-01", "--from-date", "2026-11-21"),
    ("watch", "--events", "e.jsonl", "--residents", "r.csv", "--out", "w.jsonl"), ("lint",), ("test", "t.yaml"),
    ("explain",), ("columns", "r.csv"), ("notice", "r.yaml", "--claim", "C1", "--out", "n.html"),
    ("batch", "--residents", "r.csv", "--as-of", "2026-11-21", "--out", "run"),
    ("batch", "--residents", "r.csv", "--as-of", "2026-11-21", "--out", "run", "--dry-run"),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "r.yaml").write_text(RECORD, "utf-8")
    (tmp_path / "r.csv").write_text(RESIDENTS, "utf-8")
    claim = re.search(r"\{claim_id.*?\}", RECORD, re.DOTALL)
    assert claim is not None
    many = ", ".join(claim[0].replace("C1", f"CLAIM{number:04}") for number in range(6))
    (tmp_path / "many.yaml").write_text(RECORD.replace(claim[0], many), "utf-8")
    (tmp_path / "t.yaml").write_text(CASE, "utf-8")
    (tmp_path / "e.jsonl").write_text(EVENT, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("lang", "columns"), [("zh", 80), ("en", 80), ("en", 120)][: few(2, 3)])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_line_is_wider_than_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], lang: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    status, text, err = run(*words, "--lang", lang)
    assert status in (0, 1), err
    assert [line for line in text.splitlines() if output.width(line) > columns] == []


@pytest.mark.usefixtures("folder")
def test_json_is_never_folded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert json.loads(run("check", "r.yaml", "--format", "json", "--why", "C1")[1])["person_id"] == "P1"


def test_a_name_without_blanks_is_broken_behind_its_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    name = "opening_assistance_outpatient_paid"
    table = output.table(["name", "again", "n"], [(name, name, "1,000")], right=[2])
    assert max(map(output.width, table.splitlines())) <= 60
    assert "opening_" in table
