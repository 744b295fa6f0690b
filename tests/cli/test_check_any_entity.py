"""`check` on other rulebooks: benefits of what stands above the person, decisions without benefits, no household."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.report.test_report_any_entity import FAMILY

from mianshen.api import open_rulebook

Run = Callable[..., tuple[int, str, str]]

RECORD = """\
as_of: 2026-06-30
resident: {person_id: A, insured_area: "310113", insurance_scheme: resident, coverage_status: active,
  assistance_category: none, employment_status: none}
household: {household_id: H1, annual_income: INCOME, member_count: 1}
claims:
  - {claim_id: C1, service_date: 2026-03-02, care_type: inpatient, hospital_level: tertiary,
     total_cost: 60300.00, out_of_scope_cost: 0.00, critical_illness: true}
"""
WORKERS = """\
rulebook: {name: tea, title: {zh: 茶, en: Tea}, entry: worker}
entities: {worker: {title: {zh: 职工, en: worker}, key: worker_id}}
facts: {worker: {worker_id: {type: text, required: true, title: n}, days: {type: integer, min: 0, max: 31, title: days}}}
decisions: {worker: {cups: {type: integer, title: cups}, tea: {type: money, title: tea money}}}
sources: {S: {title: s}}
defaults: {source: S, clause: 1}
provisions:
  cups_a_day: {decision: cups, value: days * 2}
  price: {decision: tea, value: 1.50 * cups}
"""


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    (tmp_path / "family.yaml").write_text(FAMILY, "utf-8")
    return tmp_path / "family.yaml"


def _record(folder: Path, income: str = "5000.00") -> str:
    (folder / "record.yaml").write_text(RECORD.replace("INCOME", income), "utf-8")
    return str(folder / "record.yaml")


def test_a_benefit_of_the_household_is_shown_with_its_member(run: Run, tmp_path: Path, overlay: Path) -> None:
    words = ("check", _record(tmp_path), "--overlay", str(overlay))
    aid = json.loads(run(*words, "--format", "json")[1])["benefits"]["family_aid"]
    assert (aid["status"], aid["amount"]) == ("eligible", "612.00")
    assert aid["of"] == {"entity": "household", "key": "H1"}
    assert "Family aid (household H1)" in run(*words)[1]
    assert "家庭救助（家庭 H1）" in run(*words, "--lang", "zh")[1]
    explained = " ".join(run(*words, "--explain")[1].split())
    assert "household's in-scope personal cost of the last twelve months = " in explained


def test_what_would_change_it_is_told_as_for_any_benefit(run: Run, tmp_path: Path, overlay: Path) -> None:
    record = _record(tmp_path)
    Path(record).write_text(
        Path(record).read_text("utf-8").replace("member_count: 1", "member_count: 2"), "utf-8"
    )
    status, out, _ = run(
        "check", record, "--overlay", str(overlay), "--why", "family_aid", "--format", "json"
    )
    assert status == 0
    assert json.loads(out)["why"]["family_aid"]["status"] == "undetermined"


def test_a_rejected_household_answers_nothing_itself(run: Run, tmp_path: Path, overlay: Path) -> None:
    status, out, _ = run("check", _record(tmp_path, "-1.00"), "--overlay", str(overlay), "--format", "json")
    answer = json.loads(out)
    assert (status, "family_aid" in answer["benefits"]) == (1, False)
    assert answer["claims"][0]["status"] == "decided"


def test_a_new_record_changes_what_the_household_is_owed(run: Run, tmp_path: Path, overlay: Path) -> None:
    old = _record(tmp_path)
    new = tmp_path / "new.yaml"
    new.write_text(Path(old).read_text("utf-8").replace("60300.00", "30300.00"), "utf-8")
    words = ("redetermine", old, str(new), "--rules", "rules", "--format", "json")
    changed = json.loads(run(*words)[1])
    assert "family_aid" not in {benefit["benefit"] for benefit in changed["benefits"]}
    answers = [open_rulebook(overlays=[overlay]).check(Path(file).read_text("utf-8")) for file in (old, new)]
    assert [str(answer.benefits["family_aid"].amount) for answer in answers] == ["612.00", "312.00"]


def test_decisions_without_benefits_are_shown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(WORKERS, "utf-8")
    record = tmp_path / "worker.yaml"
    record.write_text("as_of: 2026-01-01\nworker: {worker_id: W1, days: 10}\n", "utf-8")
    words = ("check", str(record), "--rules", str(tmp_path / "rules.yaml"))
    assert json.loads(run(*words, "--format", "json")[1])["decisions"] == {"cups": "20", "tea": "30.00"}
    table = run(*words)[1]
    assert ("tea money" in table, "30.00" in table) == (True, True)
    assert "price" in run(*words, "--explain", "--format", "json")[1]
    answer = open_rulebook(tmp_path / "rules.yaml").check(
        {"worker": {"worker_id": "W1"}}, as_of=dt.date(2026, 1, 1)
    )
    assert (dict(answer.benefits), answer.rows) == ({}, ())
