"""Every kind of bad row at once: each rejected with its reason, and only what reads it left undetermined.

A household for every kind, with a good claim before the bad row, one after it in the same benefit year and
one of another year, and as many households without a bad row; on every engine. Which rows can read a bad one
is written down apart from the engine (`readers`); the batch's answers are those of checking each person alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from tests.batch.batches import AS_OF, batch, rejects, rows

from mianshen.batch.request import Engine
from mianshen.interpreter import Interpreter, result_of
from mianshen.native.library import compiler
from mianshen.program.program import Program
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program
from mianshen.values import NotModelled, Unknown

pytestmark = pytest.mark.xdist_group("quarantine")

Cells: TypeAlias = dict[str, str]
Entity: TypeAlias = str

OVERLAY: Final = """\
overlay: {name: faults, title: {zh: 出错的条款, en: Provisions that fail}}
defaults: {source: SH-EMPLOYEE, clause: 测试, area: "31"}
decisions:
  claim:
    fault: {type: money, title: {zh: 出错, en: fault}}
  resident:
    dearest: {type: money, title: {zh: 最高, en: dearest}}
parameters:
  gap: {type: money, title: 缺期, values: [{from: 2026-06-01, value: 1.00, basis: provisional}]}
  reviewed: {type: money, title: 已过复核期, values: [{from: 2020-01-01, value: 1.00, basis: provisional, review_by: 2026-02-15}]}
provisions:
  conflict_one: {decision: fault, title: 一, when: 'within(hospital_area, "440106")', value: 1.00}
  conflict_two: {decision: fault, title: 二, when: 'within(hospital_area, "440106")', value: 1.00}
  unfigured: {decision: fault, title: 三, when: 'within(hospital_area, "440111")', value: gap}
  outdated: {decision: fault, title: 四, when: 'within(hospital_area, "440103")', value: reviewed}
  divided: {decision: fault, title: 五, when: 'within(hospital_area, "440104")', value: total_cost / (total_cost - 100.00)}
  huge: {decision: fault, title: 六, when: 'within(hospital_area, "440105")', value: total_cost * 9000000}
  of_nothing: {decision: dearest, title: 七, when: disability_level = 5, value: 'max(claims[care_type = "prenatal"].total_cost)'}
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A bad row: its entity, cells that differ from a good one's, and why it is rejected.

    `twin`: cells of a further row beside it; `checkable`: one person's record can hold it.
    """

    entity: Entity
    cells: Cells
    field: str | None
    reason: str
    twin: Cells | None = None
    checkable: bool = True


def bad(entity: Entity, name: str, reason: str, *texts: str) -> Iterator[Kind]:
    """Texts that one fact cannot hold."""
    return (Kind(entity, {name: text}, name, reason) for text in texts)


def failing(area: str, at_fault: str | None, reason: str, **more: str) -> Kind:
    """A claim at which a provision of the overlay fails."""
    return Kind("claim", {"hospital_area": area, **more}, at_fault, reason)


KINDS: Final[tuple[Kind, ...]] = (
    *bad("claim", "total_cost", "bad_number", "1,000.00", "１００", "abc", "1e5", "NaN", "¥100", "0x10", "--1", "1.2.3"),
    *bad("claim", "total_cost", "out_of_range", "-0.01", "100000000000000.00"),
    *bad("claim", "total_cost", "too_many_decimals", "1.001"),
    *bad("claim", "total_cost", "empty", " ", "\u3000"),
    *bad("claim", "out_of_scope_cost", "failed_check", "2000.01"),
    *bad("claim", "out_of_scope_cost", "out_of_range", "-1"),
    *bad("claim", "care_type", "bad_code", "surgery", "住院部", "Inpatient"),
    *bad("claim", "care_type", "empty", "\t"),
    *bad("claim", "hospital_level", "bad_code", "四级"),
    *bad("claim", "hospital_area", "bad_area", "北京", "3101131", "3"),
    *bad("claim", "networked", "bad_boolean", "y"),
    *bad("claim", "critical_illness", "bad_boolean", "maybe"),
    *bad("claim", "service_date", "bad_date", "2026-02-30", "2026/03/01", "20260301", "0000-01-01", "2026-3-1"),
    *bad("claim", "service_date", "required", ""),
    *bad("claim", "service_date", "after_as_of", "2026-11-22", "2027-03-01"),
    *bad("claim", "basic_paid", "out_of_range", "-1"),
    *bad("claim", "supplementary_paid", "too_many_decimals", "0.001"),
    *bad("claim", "critical_illness_paid", "bad_number", "x"),
    Kind("claim", {}, "claim_id", "duplicate", twin={}),
    Kind("claim", {}, "claim_id", "duplicate", twin={"total_cost": "1"}),
    Kind("claim", {"claim_id": ""}, "claim_id", "required", checkable=False),
    Kind("claim", {"claim_id": " "}, "claim_id", "empty", checkable=False),
    Kind("claim", {"person_id": ""}, "person_id", "required", checkable=False),
    Kind("claim", {"person_id": "nobody"}, "person_id", "unknown_parent", checkable=False),
    *bad("claim", "reverses", "reverses_nothing", "nothing"),
    Kind("claim", {"reverses": "nothing"}, "reverses", "reverses_nothing", twin={"claim_id": "twin", "reverses": "nothing"}),
    *bad("visit", "optional_items", "bad_code", "item_52", "1; x"),
    *bad("visit", "optional_items", "failed_check", "1; 2; 3; 4; 5; 6; 7; 8", "item_1; 1"),
    *bad("visit", "service_date", "after_as_of", "2026-11-22"),
    *bad("visit", "service_date", "bad_date", "1/3/2026"),
    Kind("visit", {"person_id": "nobody"}, "person_id", "unknown_parent", checkable=False),
    Kind("visit", {}, "visit_id", "duplicate", twin={}),
    failing("440106", "conflict_one", "conflict"),
    failing("440111", "gap", "no_figure"),
    failing("440103", "reviewed", "past_review"),
    failing("440104", None, "division_by_zero", total_cost="100.00", out_of_scope_cost="0.00"),
    failing("440105", "fault", "overflow", total_cost="9999999999999.99"),
    *bad("resident", "birth_date", "bad_date", "1990-02-30", "90-01-01"),
    *bad("resident", "sex", "bad_code", "F"),
    *bad("resident", "insured_area", "bad_area", "3101130"),
    *bad("resident", "insurance_scheme", "bad_code", "职工"),
    *bad("resident", "coverage_status", "bad_code", "aktive"),
    *bad("resident", "assistance_category", "bad_code", "贫困"),
    *bad("resident", "opening_basic_paid", "out_of_range", "-1"),
    *bad("resident", "contribution_months", "too_many_decimals", "12.5"),
    *bad("resident", "contribution_months", "out_of_range", "1201"),
    *bad("resident", "annual_premium", "empty", "\u00a0"),
    Kind("resident", {"disability_level": "5"}, None, "nothing_to_compare"),
    Kind("resident", {"household_id": "nowhere"}, "household_id", "unknown_parent", checkable=False),
    Kind("resident", {"person_id": "\u3000"}, "person_id", "empty", checkable=False),
    Kind("resident", {}, "person_id", "duplicate", twin={}, checkable=False),
    *bad("household", "annual_income", "failed_check", "-1"),
    *bad("household", "annual_income", "bad_number", "六万"),
    *bad("household", "member_count", "out_of_range", "0"),
    *bad("household", "member_count", "too_many_decimals", "2.5"),
    Kind("household", {}, "household_id", "duplicate", twin={}, checkable=False),
    Kind("household", {"household_id": " "}, "household_id", "empty", checkable=False),
)  # fmt: skip


@dataclass(slots=True)
class Town:
    """Cells by entity; `bad`: the bad rows and their twins, as (entity, number from 1), with their kind."""

    cells: dict[Entity, list[Cells]] = field(
        default_factory=lambda: {"household": [], "resident": [], "claim": [], "visit": []}
    )
    bad: dict[tuple[Entity, int], Kind] = field(default_factory=dict)

    def add(self, entity: Entity, cells: Cells, kind: Kind | None = None) -> None:
        self.cells[entity].append(cells)
        if kind is not None:
            self.bad[entity, len(self.cells[entity])] = kind

    def without(self, gone: set[tuple[Entity, int]]) -> dict[Entity, list[Cells]]:
        """The rows that are left; who was of a household that is gone is of none."""
        rows = {
            entity: [row for number, row in enumerate(table, 1) if (entity, number) not in gone]
            for entity, table in self.cells.items()
        }
        households = {row["household_id"] for row in rows["household"]}
        rows["resident"] = [
            row if row["household_id"] in households else {**row, "household_id": ""}
            for row in rows["resident"]
        ]
        return rows


def town() -> Town:
    """A household of two for each kind, each with claims; the kind's bad row is of the first person.

    And one for each kind in which nothing is wrong.
    """
    entry = Town()
    for number, kind in enumerate(KINDS):
        for entity, table in _household(number, kind.entity == "visit").items():
            at = 1 if entity in ("claim", "visit") else 0
            for index, row in enumerate(table):
                if entity != kind.entity or index != at:
                    entry.add(entity, row)
                    continue
                entry.add(entity, {**row, **kind.cells}, kind)
                if kind.twin is not None:
                    entry.add(entity, {**row, **kind.twin}, kind)
        for entity, table in _household(number + len(KINDS), kind.entity == "visit").items():
            for row in table:
                entry.add(entity, row)
    return entry


def _household(number: int, cared_for: bool) -> dict[Entity, list[Cells]]:
    """Good rows; with visits at home where somebody is `cared_for`."""
    places = (
        {"insured_area": "371402", "insurance_scheme": "resident", "disability_level": "4"}
        if cared_for
        else {}
    )
    visits = {"U": "2026-02-01", "V": "2026-03-01", "W": "2026-04-01"} if cared_for else {}
    return {
        "household": [{"household_id": f"H{number}", "annual_income": "60000.00", "member_count": "2"}],
        "resident": [{**_resident(f"P{number}", number), **places}, _resident(f"Q{number}", number)],
        "claim": [
            *(_claim(f"{name}{number}", f"P{number}", day) for name, day in DAYS.items()),
            _claim(f"E{number}", f"Q{number}", "2026-05-01"),
        ],
        "visit": [_visit(f"{name}{number}", f"P{number}", day) for name, day in visits.items()],
    }


def _visit(visit: str, person: str, day: str) -> Cells:
    return {"visit_id": visit, "person_id": person, "service_date": day, "optional_items": "item_1; item_2"}


DAYS: Final = {"A": "2026-02-01", "B": "2026-03-01", "C": "2026-04-01", "D": "2025-05-01"}


def _resident(person: str, number: int) -> Cells:
    return {
        "person_id": person, "household_id": f"H{number}", "birth_date": "1960-05-05", "sex": "male",
        "insured_area": "310113", "insurance_scheme": "employee", "coverage_status": "active",
        "employment_status": "employed", "contribution_months": "200", "annual_premium": "0.00",
        "assistance_category": "subsistence", "disability_level": "0", "opening_basic_paid": "100.00",
    }  # fmt: skip


def _claim(claim: str, person: str, day: str) -> Cells:
    return {
        "claim_id": claim, "person_id": person, "service_date": day, "care_type": "inpatient",
        "hospital_area": "310113", "hospital_level": "tertiary", "networked": "true", "critical_illness": "false",
        "total_cost": "2000.00", "out_of_scope_cost": "100.00", "basic_paid": "", "supplementary_paid": "",
        "critical_illness_paid": "", "reverses": "",
    }  # fmt: skip


# -- the runs --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ran:
    town: Town
    out: Path
    program: Program
    engine: Engine

    def answers(self, out: Path | None = None) -> Mapping[str, dict[str, Any]]:
        """Claims, visits, households and residents by key."""
        folder = self.out if out is None else out
        results = {row["claim_id"]: row for row in rows(folder / "claims.parquet")}
        results |= {row["visit_id"]: row for row in rows(folder / "visits.parquet")}
        results |= {row["household_id"]: row for row in rows(folder / "households.parquet")}
        return results | {row["person_id"]: row for row in rows(folder / "residents.parquet")}


@pytest.fixture(scope="module", params=["interpreter", "native"])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    if request.param == "native" and compiler() is None:
        pytest.skip("needs a C compiler")
    return run_of(tmp_path_factory.mktemp("quarantine"), request.param)


def run_of(folder: Path, engine: Engine) -> Ran:
    """The town decided by an engine."""
    (folder / "faults.yaml").write_text(OVERLAY, "utf-8")
    program = open_program(overlays=[folder / "faults.yaml"])
    entry = town()
    out = batch(folder / "run", dict(files_of(entry.cells)), program=program, engine=engine)
    return Ran(entry, out, program, engine)


def files_of(cells: Mapping[Entity, list[Cells]]) -> Mapping[str, str]:
    return {f"{entity}s.csv": "\n".join(_lines(table)) + "\n" for entity, table in cells.items()}


def _lines(table: list[Cells]) -> list[str]:
    return [",".join(f'"{item}"' for item in line) for line in (table[0], *(row.values() for row in table))]


def test_there_are_fifty_kinds_and_each_is_in_the_rejects_with_its_field_and_reason(ran: Ran) -> None:
    assert len({(kind.entity, kind.field, kind.reason) for kind in KINDS}) >= 50
    assert len({kind.reason for kind in KINDS}) >= 20
    actual = {
        (file.removesuffix("s.csv"), row): (field_, why) for file, row, _, field_, why in rejects(ran.out)
    }
    wanted = {place: (kind.field, kind.reason) for place, kind in ran.town.bad.items()}
    assert {place: actual.get(place) for place in wanted} == wanted
    others = {place: why for place, why in actual.items() if place not in wanted}
    assert {reason for _, reason in others.values()} == {"parent_rejected", "unknown_parent"}


def test_every_record_is_decided_or_rejected_and_the_receipt_says_so(ran: Ran) -> None:
    records = json.loads((ran.out / "manifest.json").read_text("utf-8"))["records"]
    gone = rejects(ran.out)
    for entity, table in ran.town.cells.items():
        rejected = sum(1 for file, *_ in gone if file == f"{entity}s.csv")
        told = {"read": len(table), "decided": len(table) - rejected, "rejected": rejected}
        assert records[entity] == told | ({"reversed": 0} if entity == "claim" else {})
    assert len(rows(ran.out / "claims.parquet")) == records["claim"]["decided"]
    assert len(rows(ran.out / "residents.parquet")) == records["resident"]["decided"]


def test_rows_that_name_no_rejected_one_are_decided_as_if_it_were_not_there(ran: Ran, tmp_path: Path) -> None:
    gone = {(file.removesuffix("s.csv"), row) for file, row, *_ in rejects(ran.out)}
    other = batch(tmp_path, dict(files_of(ran.town.without(gone))), program=ran.program, engine=ran.engine)
    assert rejects(other) == []
    with_, without = ran.answers(), ran.answers(other)
    assert with_.keys() == without.keys()
    # a household knows more of a rejected member than of one who is not there
    fewer = {f"H{number}" for number, kind in enumerate(KINDS) if kind.entity == "resident"}
    differing = {key for key, row in with_.items() if row != without[key] and not _named(row)}
    assert differing <= fewer


def test_exactly_the_rows_that_can_read_a_rejected_one_are_undetermined_and_name_it(ran: Ran) -> None:
    answers = ran.answers()
    wanted: dict[str, set[str]] = {}
    for number, kind in enumerate(KINDS):
        wanted |= readers(number, kind)
    assert {key: _named(row) for key, row in answers.items() if _named(row)} == wanted
    assert len(wanted) > 150
    for key in wanted:
        row = answers[key]
        if "status" in row:
            assert row["status"] == "undetermined", key
            continue
        naming = [column for column, cell in row.items() if _names(cell)]
        for column in naming:
            answer = row[column.replace("_reason", "_status")], row[column.replace("_reason", "_amount")]
            assert answer in (("undetermined", None), ("eligible", None)), (key, column)
    assert {answers[key]["poverty_warning_status"] for key in wanted if key[0] == "Q"} == {"undetermined"}


def readers(number: int, kind: Kind) -> dict[str, set[str]]:
    """The rows that can read the kind's bad row, by key, with the names they give it.

    A later claim of the person and year reads what an earlier one left of deductible and limits; one whose
    date cannot be read may come before any. A claim after the decision date is read by what is asked of claims
    away from home or in childbirth alone, and these are known to be neither. Beside them there are
    the household's burden and aid over the claims of a year and over its people; what a year's home packages
    cost is over its visits. What can be read of a rejected member still tells whether that is who the aid is for.
    """
    if kind.entity == "household":  # only its own aid reads its facts, and a rejected row has no answer
        return {}
    if kind.reason == "unknown_parent" or (kind.reason == "required" and kind.field == "person_id"):
        return {}
    first = {"claim": "B", "resident": "P", "visit": "V"}[kind.entity]
    key = f"{kind.entity}_id".replace("resident_id", "person_id")
    keys = {item.get(key, f"{first}{number}").strip() for item in (kind.cells, kind.twin) if item is not None}
    names = {f"{kind.entity} {entry}".strip() for entry in keys}
    if kind.reason == "after_as_of":
        readers = "" if kind.entity == "claim" else "P"
    elif kind.entity == "claim":
        readers = "ACDPQ" if kind.field == "service_date" else "CPQ"
    else:
        readers = {"resident": "QH" if kind.field == "assistance_category" else "Q", "visit": "P"}[
            kind.entity
        ]
    return {f"{reader}{number}": names for reader in readers}


def _named(row: Mapping[str, Any]) -> set[str]:
    """The rejected rows that an answer names."""
    told = [cell for name, cell in row.items() if name == "missing" or name.endswith("_reason")]
    return {name for cell in told for name in _names(cell)}


def _names(cell: object) -> set[str]:
    words = str(cell or "").removeprefix("missing_facts: ").split(",")
    named = {word for word in words if word.startswith(("claim ", "resident ", "household ", "visit "))}
    return {word.partition(" #")[0] for word in named}  # rows without a key are named by their place


# -- checked one by one ----------------------------------------------------------------------


def test_the_answers_are_those_of_checking_each_person_alone(ran: Ran, tmp_path: Path) -> None:
    actual = {
        (file.removesuffix("s.csv"), key): (field_, why) for file, _, key, field_, why in rejects(ran.out)
    }
    answers = ran.answers()
    interpreter = Interpreter(ran.program)
    (tmp_path / "people.json").write_text(json.dumps(_records(ran), ensure_ascii=False), "utf-8")
    compared = homes = 0
    for case in read_cases(tmp_path / "people.json", ran.program, AS_OF):
        interpreter.run(case.case)
        result = result_of(ran.program, case.case)
        for gone in result.rejected:
            assert actual[gone.entity, gone.key] == (gone.rejection.field or None, gone.rejection.reason), (
                gone.key
            )
        for row in result.rows:
            shown = {n: None if isinstance(v, Unknown | NotModelled) else v for n, v in row.values.items()}
            missing = ",".join(sorted({m.name for m in row.missing})) or None
            wanted = {**shown, "status": row.status, "reason": row.reason, "missing": missing}
            assert {name: answers[row.row.key][name] for name in wanted} == wanted, row.row.key
            compared += 1
        for name, benefit in result.benefits.items():
            lacking = ",".join(sorted({m.name for m in benefit.missing}))
            reason = f"missing_facts: {lacking}" if lacking else benefit.reason
            if benefit.row.key not in answers and benefit.benefit.entity == "household":
                continue
            homes += benefit.benefit.entity == "household"
            answer = answers[benefit.row.key]
            assert (answer[f"{name}_status"], answer[f"{name}_amount"]) == (benefit.status, benefit.amount), (
                result.key
            )
            assert answer[f"{name}_reason"] == reason, (result.key, name)
    assert compared > 180
    assert homes > 100


def _records(ran: Ran) -> list[dict[str, Any]]:
    """A record for each person of each household that one record can hold."""
    cells, program = ran.town.cells, ran.program

    def facts(entity: str, row: Cells) -> dict[str, Any]:
        return {name: row[name] or None for owner, name in program.facts if owner == entity and name in row}

    def person(row: Cells) -> dict[str, Any]:
        mine = {
            f"{entity}s": [
                facts(entity, cell) for cell in cells[entity] if cell["person_id"] == row["person_id"]
            ]
            for entity in ("claim", "visit")
        }
        return {**facts("resident", row), **mine}

    parts = []
    for number, kind in enumerate(KINDS):
        if not kind.checkable:
            continue
        (home,) = (row for row in cells["household"] if row["household_id"] == f"H{number}")
        people = [person(row) for row in cells["resident"] if row["household_id"] == f"H{number}"]
        for one in people:
            resident = {name: value for name, value in one.items() if name not in ("claims", "visits")}
            parts.append(
                {
                    "resident": resident,
                    "claims": one["claims"],
                    "visits": one["visits"],
                    "household": facts("household", home),
                    "members": [other for other in people if other is not one],
                }
            )
    return parts
