"""`mianshen watch` as an operator meets it: exit status, both streams, what is written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Run

RESIDENTS = """\
person_id,household_id,insured_area,insurance_scheme,coverage_status,assistance_category
P1,H1,310113,resident,active,none
P2,H1,310113,resident,active,none
"""
HOUSEHOLDS = "household_id,annual_income,member_count\nH1,50000,2\n"
EVENTS = """\
{"event_id": "E1", "person_id": "P1", "type": "assistance_gained", "date": "2026-03-01", "assistance_category": "因病致贫"}
{"event_id": "E2", "person_id": "P1", "type": "discharge", "date": "2026-04-01", "claim_id": "C1", "care_type": "inpatient", \
"hospital_level": "tertiary", "total_cost": 80000.00, "out_of_scope_cost": 0, "critical_illness": false}
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "r.csv").write_text(RESIDENTS, encoding="utf-8")
    (tmp_path / "h.csv").write_text(HOUSEHOLDS, encoding="utf-8")
    (tmp_path / "e.jsonl").write_text(EVENTS, encoding="utf-8")
    files = ["--residents", str(tmp_path / "r.csv"), "--households", str(tmp_path / "h.csv")]
    return ["watch", "--events", str(tmp_path / "e.jsonl"), *files, "--out", str(tmp_path / "work.jsonl")]


def listed(folder: Path) -> list[tuple[str, str, str, str, str | None]]:
    rows = map(json.loads, (folder / "work.jsonl").read_text("utf-8").splitlines())
    return [(r["event_id"], r["person_id"], r["benefit"], r["kind"], r["amount"]) for r in rows]


def test_events_become_a_work_list_once(run: Run, words: list[str], tmp_path: Path) -> None:
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert "Events: 2 taken, 0 known before, 0 refused" in out
    first = listed(tmp_path)
    assert [item for item in first if item[2] == "illness_poverty_aid"] == [
        ("E1", "P1", "illness_poverty_aid", "confirm", "0.00")
    ]
    assert {who for _, who, benefit, _, _ in first if benefit == "poverty_warning"} == {"P1", "P2"}
    status, out, _ = run(*words, "--lang", "zh")
    assert (status, listed(tmp_path)) == (0, first)
    assert "事件：新办 0，此前已办 2，退回 0" in out
    assert (tmp_path / "work.jsonl.journal").exists()


def test_a_refused_event_is_told_and_listed(run: Run, words: list[str], tmp_path: Path) -> None:
    with (tmp_path / "e.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event_id": "E3", "person_id": "P9", "type": "discharge", "date": "2026-04-01"}\n' * 30)
        file.write('{"event_id": "E4", "person_id": "P1", "type": "dischrge", "date": "2026-04-01"}\n')
    status, out, err = run(*words)
    assert status == 1
    assert err.splitlines()[0] == (
        f"{tmp_path}/e.jsonl:3:1: E616: no record has this person_id. Correct it, or add the record."
    )
    assert err.splitlines()[-1] == f"and 11 more, see {tmp_path}/work.rejects.jsonl"
    assert "31 refused" in out
    assert len((tmp_path / "work.rejects.jsonl").read_text("utf-8").splitlines()) == 31


def test_one_day_can_be_set_for_all(run: Run, words: list[str], tmp_path: Path) -> None:
    status, _, err = run(*words, "--as-of", "2026-03-31")
    assert status == 1
    assert "later than 2026-03-31" in err
    assert {event for event, *_ in listed(tmp_path)} == {"E1"}


def test_what_cannot_be_read_ends_it_with_one_line(run: Run, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").unlink()
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err.startswith(f"{tmp_path}/e.jsonl: E607: the file of events cannot be read")
    assert err.count("\n") == 1


def test_without_durable_rules_it_says_so_in_one_line(
    run: Run, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "durable", None)
    status, out, err = run(*words, "--lang", "zh")
    assert (status, out) == (2, "")
    assert "无法导入 durable_rules" in err
    assert err.count("\n") == 1


def test_blank_rows_of_events_are_counted_and_totals_told_as_such(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    table = "event_id,person_id,type,date\n,,,\nE9,P1,retirement,2026-03-01\n合计,,,2\n"
    (tmp_path / "e.csv").write_text(table, "utf-8")
    status, out, err = run("watch", "--events", str(tmp_path / "e.csv"), *words[3:])
    assert status == 1
    assert "E449: event_id says that this row is a total, a header or a note, no record" in err
    assert len(err.splitlines()) == 1
    assert "blank rows skipped: 1" in out
    (tmp_path / "e.jsonl").write_text(EVENTS + '{}\n{"event_id": null}\n', "utf-8")
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert "blank rows skipped: 2" in out


def test_a_doubt_about_an_encoding_is_told(run: Run, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(RESIDENTS.replace("P2", "½"), encoding="utf-8")
    status, _, err = run(*words)
    assert (status, err.splitlines()[0].partition(": read")[0]) == (0, f"{tmp_path}/r.csv: E581")


def test_rejected_records_of_an_event_s_household_are_told(
    run: Run, words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "h.csv").write_text(HOUSEHOLDS.replace("50000", "-5"), encoding="utf-8")
    claims = (
        "claim_id,person_id,service_date,total_cost\nC1,P2,2026-02-01,much\n" + "C2,P2,2026-02-01,x\n" * 30
    )
    (tmp_path / "c.csv").write_text(claims, encoding="utf-8")
    status, _, err = run(*words, "--claims", str(tmp_path / "c.csv"))
    lines = err.replace(f"{tmp_path}/", "").splitlines()
    assert (status, len(lines)) == (1, 21)
    assert (
        "h.csv: E620: row 1, household, is rejected (annual income of the household: fails a check of the vocabulary): "
        "what rests on it cannot be told. Correct the record and run again."
    ) in lines
    assert any(
        line.startswith("c.csv: E620: row 1, claim, is rejected (total cost: not a number)") for line in lines
    )
    assert lines[-1] == "and 12 more; mianshen batch lists every reject with its reason"


def test_an_event_after_the_death_of_its_person_is_told(run: Run, words: list[str], tmp_path: Path) -> None:
    people = RESIDENTS.replace("_category\n", "_category,death_date\n").replace("none\n", "none,2026-03-15\n")
    (tmp_path / "r.csv").write_text(people, encoding="utf-8")
    status, _, err = run(*words, "--lang", "zh")
    assert (status, err) == (
        0, f"{tmp_path}/e.jsonl:2:1: E621: 事件日期 2026-04-01 晚于本人死亡日期 2026-03-15。请核对两者，发放前请确认。\n"
    )  # fmt: skip
