"""Life events in households whose people change over time: each claim keeps reading the row of its own date."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

from mianshen.events.happening import Event, scene_after
from mianshen.interpreter import Interpreter
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program
from mianshen.watch.event_versions import placing


def test_an_event_leaves_claims_the_row_of_their_date() -> None:
    program = open_program()
    (read,) = [
        entry
        for entry in read_cases(Path("cases/national/history.yaml"), program)
        if entry.name == "employed_in_february_retired_in_march"
    ]
    case, day = read.case, dt.date(2026, 11, 21)
    event = Event("E1", case.person.key, "disability_assessed", day, {"disability_level": Decimal(3)})
    scene = scene_after(program, case.top, [], day, event, placing(program))
    person = scene.people[case.person.key]
    Interpreter(program).run(scene.case(person, day))
    paid = {row.key: row.values["basic_payment"] for row in person.children}
    assert {key: str(amount) for key, amount in paid.items()} == {"C1": "8500.00", "C2": "9200.00"}
    assert all(row.parent in (person, *person.versions) for row in person.children)
    assert person.versions[0].children is person.children
    assert all(row.parent not in (person, *person.versions) for row in case.person.children)
