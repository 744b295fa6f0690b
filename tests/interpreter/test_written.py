"""Decisions as written functions: texts stay texts, depth is no limit, each place and day has its own."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.interpreter import Case, Interpreter, Row
from mianshen.interpreter.specialisation import MOST_PLACES
from mianshen.interpreter.trace.explain import Explainer
from mianshen.program.program import Program
from mianshen.values import NOT_MODELLED, Missing, Unknown

RULES = """
rulebook: {{name: tolls, title: {{zh: 通行, en: Tolls}}, entry: car}}
entities: {{car: {{title: {{zh: 车, en: car}}, key: car_id, area: home}}}}
facts:
  car:
    car_id: {{type: text, required: true, title: {{zh: 编号, en: number}}}}
    home: {{type: area, title: {{zh: 所在地, en: home}}}}
    note: {{type: text, title: {{zh: 备注, en: note}}}}
    cost: {{type: money, min: 0, max: 9999.99, title: {{zh: 费用, en: cost}}}}
decisions:
  car:
    toll: {{type: money, title: {{zh: 通行费, en: toll}}}}
    noted: {{type: boolean, title: {{zh: 有备注, en: noted}}}}
sources: {{S: {{title: {{zh: 例, en: Example}}}}}}
provisions:
  north: {{decision: toll, area: "11", from: 2026-01-01, title: {{zh: 北, en: North}}, value: cost, source: S, clause: 一}}
  south: {{decision: toll, area: "44", from: 2025-01-01, title: {{zh: 南, en: South}}, value: "{deep}", source: S, clause: 一}}
  noted: {{decision: noted, title: {{zh: 有, en: Noted}}, value: 'note = "{text}"', source: S, clause: 一}}
"""
ODD = "{0} ' + row.key + ' {}"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    file = tmp_path_factory.mktemp("tolls") / "tolls.yaml"
    deep = "cost"
    for _ in range(40):
        deep = f"max(0, min({deep}, 5000))"
    file.write_text(RULES.format(deep=deep, text=ODD.replace("'", "''")), "utf-8")
    document, diagnostics = read([file])
    elaborated, findings = build(document, diagnostics)
    assert not findings, findings
    assert elaborated is not None
    return elaborated


def car(**facts: str | Decimal) -> Row:
    return Row("car", "A", {"car_id": "A", **facts})


def decided(interpreter: Interpreter, row: Row, day: dt.date = dt.date(2026, 11, 21)) -> Row:
    interpreter.run(Case(day, row, row))
    return row


def test_a_text_of_the_rulebook_is_compared_as_it_stands(program: Program) -> None:
    interpreter = Interpreter(program)
    for text, same in ((ODD, True), (ODD[3:], False), ("A", False)):
        assert decided(interpreter, car(note=text)).values["noted"] is same


@given(st.sampled_from(["110101", "440300", "310113", None]), st.sampled_from([2024, 2025, 2026]))
def test_each_place_and_day_has_its_own_provisions(program: Program, area: str | None, year: int) -> None:
    interpreter = Interpreter(program)
    facts = {"cost": Decimal("12.30")} if area is None else {"home": area, "cost": Decimal("12.30")}
    for _ in range(2):  # a setting first met, and met again
        row = decided(interpreter, car(**facts), dt.date(year, 5, 1))
        if year == 2024:
            expected: object = NOT_MODELLED
        elif area is None:
            expected = Unknown(frozenset((Missing("home", "car", "A"),)))
        else:
            north, south = area.startswith("11") and year == 2026, area.startswith("44")
            expected = Decimal("12.30") if north or south else NOT_MODELLED
        assert row.values["toll"] == expected


def test_a_trace_tells_which_test_of_place_or_day_a_provision_failed(program: Program) -> None:
    interpreter = Interpreter(program)
    explainer = Explainer(interpreter)
    for area, year, failed in (("440300", 2026, ["north", "within"]), ("110101", 2025, ["north", "ge"])):
        row = car(home=area, cost=Decimal("1.00"))
        case = Case(dt.date(year, 5, 1), row, row)
        interpreter.run(case)
        (lost,) = [
            condition
            for condition in explainer.step(case, row, "toll").lost
            if condition.provision.name == failed[0]
        ]
        assert lost.why == "failed"
        assert lost.part == lost.provision.condition[0 if failed[1] == "within" else 1]


def test_places_and_days_beyond_those_remembered_are_decided_alike(program: Program) -> None:
    interpreter = Interpreter(program)
    settings = interpreter.plans["car"]
    row = car(home="110101", cost=Decimal("1.00"))
    for number in range(MOST_PLACES + 2):
        row.as_of = dt.date(2026, 1, 1) + dt.timedelta(days=number)
        settings.of(row)
    assert decided(interpreter, row).values["toll"] == Decimal("1.00")
