"""Overlays that change a part of an entry: one dated value, codes of a list, a row of a table."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.document.rulebook import read_valid, write_rulebook
from tests.document.test_overlays import overlay
from tests.support.campaigns import few

from mianshen.document import Document, read, read_tree
from mianshen.document.document import Origin
from mianshen.document.model import ParameterValue
from mianshen.document.overlay_parts import Placed, inserted
from mianshen.source import NOWHERE


def rate(document: Document) -> list[tuple[str, str | None, object]]:
    values = document.parameters["employee_rate"].values
    ordered = sorted(values, key=lambda value: value.from_)
    return [(str(v.from_), None if v.until is None else str(v.until), v.value) for v in ordered]


def test_one_dated_value_in_three_lines_keeps_the_history(tmp_path: Path) -> None:
    change = tmp_path / "change.yaml"
    change.write_text(
        "overlay: {name: change, title: 提高, source: S2, clause: 草案二}\n"
        "set:\n"
        "  employee_rate: {from: 2026-01-01, value: 90%}\n",
        encoding="utf-8",
    )
    document = read_valid(write_rulebook(tmp_path / "rules"), change)
    assert rate(document) == [
        ("2020-01-01", None, "75%"), ("2022-01-01", None, "0.80"), ("2026-01-01", None, "90%"),
        ("2027-01-01", None, None),
    ]  # fmt: skip
    new = next(v for v in document.parameters["employee_rate"].values if v.value == "90%")
    assert (new.source, new.clause, new.basis) == ("S2", "草案二", "provisional")
    number = document.parameters["employee_rate"].values.index(new)
    assert (document.span("parameters", "employee_rate", "values", number, "value").line) == 3
    assert document.span("parameters", "employee_rate", "values", number, "value").file == str(change)
    first = document.span("parameters", "employee_rate", "values", 0, "value")
    assert first.file.endswith("rules.yaml")


def test_a_value_of_the_same_day_is_replaced(tmp_path: Path) -> None:
    change = overlay(tmp_path, "change", "set: {employee_rate: {from: 2022-01-01, value: 85%}}\n")
    document = read_valid(write_rulebook(tmp_path), change)
    assert [value for _, _, value in rate(document)] == ["75%", "85%", None]


def test_after_a_last_day_what_held_before_holds_again(tmp_path: Path) -> None:
    change = overlay(
        tmp_path, "change", "set: {employee_rate: {from: 2021-07-01, until: 2022-06-30, value: 85%}}\n"
    )
    assert rate(read_valid(write_rulebook(tmp_path), change)) == [
        ("2020-01-01", None, "75%"), ("2021-07-01", "2022-06-30", "85%"), ("2022-07-01", None, "0.80"),
        ("2027-01-01", None, None),
    ]  # fmt: skip


def value_on(values: list[ParameterValue], day: dt.date) -> object:
    """What a series says of a day, read as the rulebook's language does."""
    ordered = sorted(values, key=lambda value: value.from_)
    started = [value for value in ordered if value.from_ <= day]
    if not started or (started[-1].until is not None and started[-1].until < day):
        return None
    return started[-1].value


DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=days) for days in range(40)]


@settings(max_examples=few(60, 2000))
@given(st.data())
def test_a_set_value_changes_its_own_days_and_no_other(data: st.DataObject) -> None:
    node, _ = read_tree("{}", "f")
    assert node is not None

    def placed(start: int, until: int | None, value: str) -> Placed:
        model = ParameterValue.model_validate(
            {"from": DAYS[start], "until": None if until is None else DAYS[until], "value": value}
        )
        return Placed(model, Origin(NOWHERE, node))

    starts = sorted(data.draw(st.sets(st.integers(0, 35), max_size=5)))
    series = []
    for number, start in enumerate(starts):
        latest = starts[number + 1] - 1 if number + 1 < len(starts) else 39
        until = data.draw(st.none() | st.integers(start, latest))
        series.append(placed(start, until, f"v{number}"))
    start = data.draw(st.integers(0, 35))
    until = data.draw(st.none() | st.integers(start, 39))
    values = [p.value for p in inserted(series, placed(start, until, "new"))]
    assert len({v.from_ for v in values}) == len(values)
    following = [s for s in starts if s > start]
    end = until if until is not None else following[0] - 1 if following else 39
    for number, day in enumerate(DAYS):
        wanted = "new" if start <= number <= end else value_on([p.value for p in series], day)
        assert value_on(values, day) == wanted


def test_a_code_list_is_extended(tmp_path: Path) -> None:
    change = overlay(
        tmp_path, "change", "extend: {codes: {care_type: {day_surgery: {zh: 日间手术, en: Day surgery}}}}\n"
    )
    document = read_valid(write_rulebook(tmp_path), change)
    assert list(document.codes["care_type"].values) == ["inpatient", "outpatient", "delivery", "day_surgery"]
    assert document.span("codes", "care_type", "values", "day_surgery").file == str(change)


def test_rows_of_a_table_are_changed_and_added(tmp_path: Path) -> None:
    change = overlay(
        tmp_path,
        "change",
        """\
replace: {rows: {deductibles: {tertiary: {value: 1200}}}}
extend: {rows: {deductibles: [{id: last, cells: ['"delivery"', '-'], value: 5}]}}
""",
    )
    table = read_valid(write_rulebook(tmp_path), change).tables["deductibles"]
    assert [(row.id, row.value) for row in table.rows] == [
        ("tertiary", "1200"),
        ("other", "0"),
        ("last", "5"),
    ]
    assert table.rows[0].cells == ('"inpatient"', '"tertiary"')


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("set: {employee_rat: {from: 2026-01-01, value: 90%}}", ["E147"]),
        ("set: {employee_rate: {from: 2026-13-01, value: 90%}}", ["E126"]),
        ("set: {employee_rate: {value: 90%, form: 2026-01-01}}", ["E121"]),
        ("set: [employee_rate]", ["E120"]),
        ("replace: {rows: {deductible: {tertiary: {value: 1}}}}", ["E142"]),
        ("replace: {rows: {deductibles: {tertary: {value: 1}}}}", ["E142"]),
        ("replace: {rows: {deductibles: {tertiary: {valeu: 1}}}}", ["E121"]),
        ("extend: {codes: {care_typ: {x: y}}}", ["E142"]),
        ("extend: {codes: {care_type: {inpatient: y}}}", ["E141"]),
        ("extend: {code: {care_type: {x: y}}}", ["E121"]),
        ("extend: {rows: {deductibles: [{id: other, cells: [-, -], value: 1}]}}", ["E141"]),
        ("extend: {rows: {deductibles: {id: x}}}", ["E120"]),
    ],
)
def test_what_cannot_be_changed_is_told(tmp_path: Path, body: str, codes: list[str]) -> None:
    change = overlay(tmp_path, "change", body + "\n")
    _, findings = read([write_rulebook(tmp_path)], [change])
    assert [(m.code, m.span.file) for m in findings] == [(code, str(change)) for code in codes]


def warnings(tmp_path: Path, *bodies: str) -> list[str]:
    changes = [overlay(tmp_path, f"change{number}", body + "\n") for number, body in enumerate(bodies)]
    _, findings = read([write_rulebook(tmp_path)], changes)
    assert all(m.severity == "warning" for m in findings), findings
    return [m.code for m in findings]


def test_overlays_that_change_the_same_are_told(tmp_path: Path) -> None:
    one, other = (f"set: {{employee_rate: {{from: 2026-01-01, value: {value}}}}}" for value in ("90%", "91%"))
    later = "set: {employee_rate: {from: 2026-07-01, value: 91%}}"
    row = "replace: {rows: {deductibles: {tertiary: {value: 1200}}}}"
    assert warnings(tmp_path, one, other) == ["E148"]
    assert warnings(tmp_path, one, one) == []
    assert warnings(tmp_path, one, later) == []
    assert warnings(tmp_path, one, row) == []
    assert warnings(tmp_path, row, "remove: {tables: deductibles}") == ["E148"]
    assert warnings(tmp_path, row, row.replace("1200", "1300")) == ["E148"]


def test_an_overlay_that_drops_history_is_warned_of(tmp_path: Path) -> None:
    whole = "replace: {{parameters: {{employee_rate: {{type: rate, title: 新, basis: provisional, values: [{}]}}}}}}"
    whole_history = (
        "{from: 2020-01-01, value: 0.7}, {from: 2022-01-01, value: 0.8}, {from: 2027-01-01, value: 0.9}"
    )
    assert warnings(tmp_path, whole.format("{from: 2020-01-01, value: 0.9}")) == ["E149"]
    assert warnings(tmp_path, whole.format(whole_history)) == []
