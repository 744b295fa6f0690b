"""Reports and replays of other rulebooks: benefits of households, several kinds of rows, people without a household."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import pytest

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.run import Request, run_batch
from mianshen.interpreter.result import names_of
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.past_runs.replay import replay
from mianshen.past_runs.report import Order, make_report
from mianshen.rulebook import open_program
from mianshen.values import Missing

DAY: Final = dt.date(2026, 6, 30)
FAMILY: Final = """\
overlay: {name: family, title: family}
sources: {S: {title: s}}
decisions: {household: {aid_due: {type: boolean, title: d}, aid: {type: money, title: a}}}
provisions:
  due: {decision: aid_due, title: p, from: 2020-01-01, source: S, clause: x, basis: provisional, value: medical_burden > 0}
  tenth: {decision: aid, title: p, from: 2020-01-01, source: S, clause: x, basis: provisional, value: medical_burden * 10%}
benefits:
  family_aid: {title: {zh: 家庭救助, en: Family aid}, entity: household, eligible: aid_due, amount: aid,
               delivery: application, source: S, clause: x}
"""
PEOPLE: Final = "person_id,household_id,insured_area,insurance_scheme,coverage_status,assistance_category,employment_status\n"
CLAIMS: Final = (
    "claim_id,person_id,service_date,care_type,hospital_level,total_cost,out_of_scope_cost,critical_illness\n"
)
WORKERS: Final = """\
rulebook: {name: tea, title: {zh: 茶, en: Tea}, entry: worker}
entities:
  worker: {title: {zh: 职工, en: worker}, key: worker_id}
  shift: {title: {zh: 班次, en: shift}, key: shift_id, parent: worker, children: shifts, date: day, outcome: pay}
  break: {title: {zh: 休息, en: break}, key: break_id, parent: worker, children: breaks, date: day, outcome: tea}
facts:
  worker: {worker_id: {type: text, required: true, title: {zh: 工号, en: number}}}
  shift:
    shift_id: {type: text, required: true, title: {zh: 班次号, en: number}}
    worker_id: {type: text, required: true, title: {zh: 工号, en: number}}
    day: {type: date, required: true, title: {zh: 日, en: day}}
    hours: {type: integer, min: 0, max: 24, title: {zh: 小时, en: hours}}
  break:
    break_id: {type: text, required: true, title: {zh: 休息号, en: number}}
    worker_id: {type: text, required: true, title: {zh: 工号, en: number}}
    day: {type: date, required: true, title: {zh: 日, en: day}}
    cups: {type: integer, min: 0, max: 9, title: {zh: 杯, en: cups}}
decisions:
  worker: {bonus_due: {type: boolean, title: due}, bonus: {type: money, title: {zh: 奖, en: bonus}}}
  shift: {pay: {type: money, title: {zh: 工钱, en: pay}, output: true}}
  break: {tea: {type: money, title: {zh: 茶钱, en: tea}, output: true}}
sources: {S: {title: {zh: 文, en: s}}}
defaults: {source: S, clause: 1}
provisions:
  due: {decision: bonus_due, title: {zh: 有班, en: worked}, value: count(shifts) > 0}
  bonus: {decision: bonus, title: {zh: 一成, en: a tenth}, value: sum(shifts.pay) * 0.1}
  pay: {decision: pay, title: {zh: 时薪, en: by the hour}, value: 20.00 * hours}
  tea: {decision: tea, title: {zh: 每杯, en: by the cup}, value: 1.50 * cups}
benefits:
  bonus: {title: {zh: 奖金, en: Bonus}, eligible: bonus_due, amount: bonus, delivery: automatic, source: S, clause: 1}
"""


def cells(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.reader(opened))


def ran(folder: Path, rules: Rules, **texts: str) -> tuple[Any, Path]:
    """A batch of files named for entities."""
    inputs = {}
    for entity, text in texts.items():
        (folder / f"{entity}.csv").write_text(text, "utf-8")
        inputs[entity] = folder / f"{entity}.csv"
    program = open_program(rules.paths, rules.overlays)
    run_batch(program, Request(inputs, DAY, folder / "run", rules=rules))
    return program, folder / "run"


def test_a_benefit_of_a_household_is_counted_once_and_listed_with_its_first_member(tmp_path: Path) -> None:
    (tmp_path / "family.yaml").write_text(FAMILY, "utf-8")
    program, run = ran(
        tmp_path, Rules((), (str(tmp_path / "family.yaml"),)),
        resident=PEOPLE + "B,H1,310113,resident,active,none,none\nA,H1,310101,resident,active,none,none\n"
        "C,H2,310101,resident,active,none,none\n",
        household="household_id,annual_income,member_count\nH1,5000.00,2\nH2,,2\n",
        claim=CLAIMS + "C1,B,2026-03-02,inpatient,tertiary,60300.00,0.00,true\n",
    )  # fmt: skip
    content = make_report(program, Order(run, tmp_path / "report", "en"))
    aid = content["benefits"]["family_aid"]
    assert aid["households"] == {"eligible": 1, "ineligible": 0, "undetermined": 1, "not_modelled": 0}
    assert (aid["amount"], aid["without_amount"]) == ("612.00", 1)
    assert all("family_aid" not in place["benefits"] for place in content["places"])
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert "Family aid (household)" in page
    assert "1 undetermined rows are left out" in page
    listed = cells(tmp_path / "report" / "lists" / "310101" / "application.csv")
    assert [row[0] for row in listed[1:]] == ["A"]
    assert "Family aid (household H1)" in listed[1]
    waiting = cells(tmp_path / "report" / "lists" / "310101" / "undetermined.csv")
    assert [row[2] for row in waiting[1:] if "Family aid" in row[-1] and row[1] == "members"] == ["C"]
    again = replay(FinishedRun.recorded(run), "A", {})
    assert again.differences == ()


def test_people_without_a_household_and_several_kinds_of_rows_are_reported(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(WORKERS, "utf-8")
    program, run = ran(
        tmp_path, Rules((tmp_path / "rules.yaml",), ()),
        worker="worker_id\nW1\nW2\n",
        shift="shift_id,worker_id,day,hours\nS1,W1,2026-03-01,8\nS2,W2,2026-03-01,\nS3,W2,2026-03-02,1\n",
        **{"break": "break_id,worker_id,day,cups\nB1,W1,2026-03-01,2\n"},
    )  # fmt: skip
    content = make_report(program, Order(run, tmp_path / "report", "zh"))
    assert (content["workers"], content["due"]) == (2, 2)
    assert content["benefits"]["bonus"]["amount"] == "16.00"
    assert content["benefits"]["bonus"]["without_amount"] == 1
    assert content["shifts"] == {
        "status": {"decided": 2, "undetermined": 1}, "amounts": {"pay": "180.00"}, "undetermined": {"pay": 1},
    }  # fmt: skip
    assert content["breaks"]["amounts"] == {"tea": "3.00"}
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert {"职工", "班次", "休息", "另有 1 条待定，未计入"} <= {
        word for word in ("职工", "班次", "休息", "另有 1 条待定，未计入") if word in page
    }
    assert replay(FinishedRun.recorded(run), "W2", {}).differences == ()


def test_a_number_with_commas_is_one_missing_record(tmp_path: Path) -> None:
    """A rejected claim of which a later one waits, named with commas and quotes in it."""
    assert (
        names_of([Missing('claim C,"1"', "claim", 'C,"1"'), Missing("total_cost")])
        == '"claim C,""1""",total_cost'
    )
    program, run = ran(
        tmp_path, Rules((), ()),
        resident=PEOPLE + "A,H1,310101,employee,active,none,employed\n",
        claim=CLAIMS + '"C,""1""",A,2026-03-02,inpatient,tertiary,nonsense,0.00,true\n'
        "C2,A,2026-03-03,inpatient,tertiary,100.00,0.00,true\n",
    )  # fmt: skip
    content = make_report(program, Order(run, tmp_path / "report", "en"))
    waiting = {fact["fact"]: fact["count"] for fact in content["missing"] if fact["benefit"] is None}
    assert waiting == {"rejected claim": 1}
    listed = cells(tmp_path / "report" / "lists" / "310101" / "undetermined.csv")
    assert 'claim C,"1"' in {row[1] for row in listed}
    assert replay(FinishedRun.recorded(run), "A", {}).differences == ()


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_what_a_killed_report_left_is_gone_after_the_next(tmp_path: Path) -> None:
    program, run = ran(
        tmp_path, Rules((), ()), resident=PEOPLE + "A,H1,310101,employee,active,none,employed\n"
    )
    out = tmp_path / "report"
    make_report(program, Order(run, out, "en"))
    words = [sys.executable, "-m", "mianshen", "report", str(run), "--out", str(out)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while (
        process.poll() is None and time.monotonic() < deadline and not list(tmp_path.glob(".report.part-*"))
    ):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    out.rename(tmp_path / ".report.old-0123")  # as a kill between the last two steps leaves it
    (tmp_path / ".report.part-0123").mkdir()
    content = make_report(program, Order(run, out, "en"))
    assert json.loads((out / "report.json").read_text("utf-8"))["due"] == content["due"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".report")] == []
