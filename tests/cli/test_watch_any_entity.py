"""`mianshen watch` for a rulebook of its own: people without a household, rows of another name."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("durable")

Run = Callable[..., tuple[int, str, str]]

RULES = """\
rulebook: {name: tea, title: Tea, entry: worker}
entities:
  worker: {title: worker, key: worker_id}
  shift: {title: shift, key: shift_id, parent: worker, children: shifts, date: day, outcome: pay}
codes: {event_type: {title: event, values: {night: night shift, hired: hired}}}
facts:
  worker: {worker_id: {type: text, required: true, title: n}, active: {type: boolean, title: active}}
  shift:
    shift_id: {type: text, required: true, title: n}
    worker_id: {type: text, required: true, title: n}
    day: {type: date, required: true, title: day}
    hours: {type: integer, min: 0, max: 24, title: hours}
events: {night: {adds: shift}, hired: {sets: {active: true}}}
decisions:
  worker: {tea_due: {type: boolean, title: due}, tea: {type: money, title: tea}}
  shift: {pay: {type: money, title: pay, output: true}}
sources: {S: {title: s}}
defaults: {source: S, clause: 1}
provisions:
  due: {decision: tea_due, value: active and sum(shifts.pay) > 0}
  tea: {decision: tea, value: sum(shifts.pay) * 0.1}
  pay: {decision: pay, value: 20.00 * hours}
benefits:
  tea: {title: tea money, eligible: tea_due, amount: tea, delivery: automatic, triggers: [night], source: S, clause: 1}
"""


def test_any_entity_can_be_fed_and_one_that_is_none_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, "utf-8")
    (tmp_path / "workers.csv").write_text("worker_id,active\nW1,true\nW2,false\n", "utf-8")
    (tmp_path / "shifts.csv").write_text("shift_id,worker_id,day,hours\nS1,W1,2026-03-01,8\n", "utf-8")
    happened = {
        "event_id": "E1",
        "worker_id": "W1",
        "type": "night",
        "date": "2026-03-02",
        "shift_id": "S2",
        "hours": 2,
    }
    (tmp_path / "events.jsonl").write_text(json.dumps(happened) + "\n", "utf-8")
    out = tmp_path / "work.jsonl"
    words = (
        "watch",
        "--rules",
        str(tmp_path / "rules.yaml"),
        "--events",
        str(tmp_path / "events.jsonl"),
        "--out",
        str(out),
    )
    people = ("--input", f"worker={tmp_path / 'workers.csv'}", "--input", f"shift={tmp_path / 'shifts.csv'}")
    assert run(*words, *people)[0] == 0
    [item] = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert (item["worker_id"], item["benefit"], item["kind"], item["amount"]) == (
        "W1",
        "tea",
        "automatic",
        "20.00",
    )
    status, _, err = run(*words, "--input", f"wroker={tmp_path / 'workers.csv'}")
    assert (status, "the rulebook has no entity wroker. It has: worker, shift" in err) == (2, True)
    status, _, err = run(*words)
    assert (status, "the files of worker are missing. Give --input worker=FILE" in err) == (2, True)
    status, _, err = run(*words, "--input", "workers.csv")
    assert (status, "--input takes ENTITY=FILE" in err) == (2, True)
