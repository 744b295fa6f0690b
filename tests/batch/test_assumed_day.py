"""A date that is taken, where nobody gives it, as the decision date: `when_absent: as_of`.

In the shipped rulebook the day of a delivery: a file without that column counts the birth as recent and
says so, an empty cell is unknown, and a day more than a year back gives nothing new.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from tests.batch.batches import AS_OF, rows, write

from mianshen.batch.recorded_rules import Rules
from mianshen.batch.request import Engine
from mianshen.batch.run import Request, run_batch
from mianshen.casework.check import Checker
from mianshen.document.yaml_tree import read_tree
from mianshen.events import durable_rules
from mianshen.interpreter import BenefitResult, Case, Interpreter, result_of
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.past_runs.finished_run import FinishedRun
from mianshen.past_runs.replay import replay
from mianshen.records.read import read_record
from mianshen.rulebook import open_program
from mianshen.source import RuleError
from mianshen.watch.run import Request as Watching
from mianshen.watch.run import run_watch

PROGRAM: Final = open_program()
ALLOWANCE: Final = "maternity_allowance"
MOTHER: Final = {
    "person_id": "P1", "sex": "female", "insured_area": "371724", "insurance_scheme": "employee",
    "coverage_status": "active", "employment_status": "employed", "employer_average_wage": "9876.54",
    "children_born": "1", "difficult_delivery": "false",
}  # fmt: skip


def mothers(*days: str | None) -> str:
    """A file of mothers with a day of delivery each; without the column where there is one without day."""
    dated = None not in days
    people = [
        {**MOTHER, "person_id": f"P{n}"} | ({"delivery_date": day or ""} if dated else {})
        for n, day in enumerate(days, 1)
    ]
    return "\n".join(",".join(map(str, line)) for line in (people[0], *(p.values() for p in people))) + "\n"


def case(day: str = "") -> Case:
    told = ", ".join(f"{name}: '{value}'" for name, value in MOTHER.items())
    node, _ = read_tree(f"{{resident: {{{told}{day}}}, claims: []}}")
    assert node is not None
    diagnostics, problems = read_record(node, PROGRAM, AS_OF)
    assert diagnostics is not None, problems
    return diagnostics


def allowance(case: Case) -> BenefitResult:
    Interpreter(PROGRAM).run(case)
    return result_of(PROGRAM, case).benefits[ALLOWANCE]


@pytest.mark.parametrize("engine", ["interpreter", "native"])
def test_a_file_without_the_column_is_decided_and_an_empty_cell_is_not(
    tmp_path: Path, engine: Engine
) -> None:
    def reasons(text: str, name: str) -> list[str]:
        inputs = write(tmp_path / name, {"residents.csv": text})
        try:
            run_batch(PROGRAM, Request(inputs, AS_OF, tmp_path / name / "out", engine=engine))
        except RuleError as error:
            pytest.skip(str(error))  # no compiler
        table = rows(tmp_path / name / "out" / "residents.parquet")
        return [f"{row[f'{ALLOWANCE}_status']} {row[f'{ALLOWANCE}_reason']}" for row in table]

    due, not_due = (f"{word} heze_maternity_allowance_due" for word in ("eligible", "ineligible"))
    assert reasons(mothers(None), "without") == [due]
    given = mothers("", "2026-11-21", "2025-11-22", "2025-11-21", "2019-02-03", "2026-11-22")
    missing = "undetermined missing_facts: delivery_date"
    assert reasons(given, "with") == [missing, due, due, not_due, not_due, not_due]


def test_a_record_says_that_the_day_is_assumed() -> None:
    answer = Checker(PROGRAM).check(case())
    assert "day of the delivery (delivery_date) is not given and taken as decision date" in [
        note.en for note in answer.notes
    ]
    told = Checker(PROGRAM).check(case(", delivery_date: 2026-11-01"))
    assert not [note for note in told.notes if "delivery_date" in note.en]


def test_what_is_told_or_asked_takes_the_place_of_the_assumption() -> None:
    record = case()
    copy = Scenario(PROGRAM).copy
    told, _ = copy(record, {(record.person, "delivery_date"): dt.date(2020, 1, 1)})
    assert allowance(told).status == "ineligible"
    unanswered, _ = copy(record, unanswered=[(record.person, "delivery_date")])
    assert {fact.name for fact in allowance(unanswered).missing} == {"delivery_date"}


def test_the_assumption_is_of_the_day_a_case_is_decided_for() -> None:
    record = case()
    assert allowance(record).status == "eligible"
    later = replace(record, as_of=dt.date(2027, 12, 31))
    assert allowance(later).status == "eligible"
    assert later.person.facts["delivery_date"] == dt.date(2027, 12, 31)


def test_a_run_without_the_column_is_replayed_with_what_was_assumed(tmp_path: Path) -> None:
    inputs = write(tmp_path, {"residents.csv": mothers(None)})
    run_batch(PROGRAM, Request(inputs, AS_OF, tmp_path / "out", rules=Rules((), ())))
    replayed = replay(FinishedRun.recorded(tmp_path / "out"), "P1", {})
    assert replayed.differences == ()
    assert "delivery_date" in replayed.checked.case.person.assumed


def test_an_assumed_day_is_no_occasion_of_its_own(tmp_path: Path) -> None:
    try:
        durable_rules()
    except RuleError:
        pytest.skip("durable-rules is not there")
    (tmp_path / "residents.csv").write_text(mothers(None), "utf-8")
    events = [
        {"event_id": f"E{n}", "person_id": "P1", "type": "discharge", "date": day, "claim_id": f"C{n}"}
        | {"care_type": "delivery", "total_cost": 9000, "out_of_scope_cost": 0}
        for n, day in enumerate(("2026-03-01", "2026-04-05"))
    ]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events), "utf-8")
    records = {"resident": tmp_path / "residents.csv"}
    run_watch(
        PROGRAM, Watching(tmp_path / "events.jsonl", records, tmp_path / "out.jsonl", tmp_path / "journal")
    )
    items = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    granted = [(i["event_id"], i["period"]) for i in items if i["benefit"] == ALLOWANCE]
    assert granted == [("E0", "?")]
