"""The JSON Schemas of records and cases agree with the reader: what it reads fits, what it refuses does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.document.test_schema import fits, in_editor

from mianshen.records.schema import case_schema, record_schema
from mianshen.rulebook import open_program

FILES = sorted((Path(__file__).parents[2] / "cases").glob("*/*.yaml"))
CASES = [file for file in FILES if "\ncases:" in file.read_text("utf-8") and file.stem != "rejected_records"]
PROGRAM = open_program()
RECORD, CASE = record_schema(PROGRAM), case_schema(PROGRAM)


def record(text: str) -> Any:
    return in_editor(f"{{as_of: 2026-11-21, {text}}}")


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_shipped_case_fits(file: Path) -> None:
    written = in_editor(file.read_text("utf-8"))
    written["cases"] = [case for case in written["cases"] if "rejects" not in case["expect"]]
    assert written["cases"]
    for case in written[
        "cases"
    ]:  # of a row that cancels another its other facts are not read, whatever they hold
        case["claims"] = [
            {"claim_id": claim["claim_id"], "reverses": claim["reverses"]} if "reverses" in claim else claim
            for claim in case.get("claims") or []
        ]
    assert fits(written, CASE, CASE)


@pytest.mark.parametrize(
    "text",
    [
        "resident: {person_id: P1, insurance_scheme: 居民医保, assistance_category: subsistence, insured_area: 310113}",
        "resident: {person_id: P1, annual_premium: '380.00', difficult_delivery: true, children_born: 2}",
        "resident: {person_id: P1, birth_date: null}, household: {member_count: 1}, members: [], claims: []",
        "resident: {person_id: P1}, visits: [{visit_id: V1, service_date: 2026-03-02, optional_items: [1, item_2, 自选项目3]}]",
        "resident: {person_id: P1}, members: [{person_id: P2, claims: [{claim_id: C1, service_date: 2026-03-02}]}]",
    ],
)
def test_what_check_reads_fits(text: str) -> None:
    assert fits(record(text), RECORD, RECORD)


@pytest.mark.parametrize(
    "text",
    [
        "residnet: {person_id: P1}",
        "resident: {person_id: P1, insurance: resident}",
        "resident: {person_id: P1, insurance_scheme: residents}",
        "resident: {person_id: P1}, claims: [{claim_id: C1, service_date: 2026-03-02, care_type: impatient}]",
        "resident: {person_id: P1}, visits: [{visit_id: V1, service_date: 2026-03-02, optional_items: [item_52]}]",
    ],
)
def test_what_check_refuses_does_not(text: str) -> None:
    assert not fits(record(text), RECORD, RECORD)


def test_every_fact_has_both_titles_and_its_type() -> None:
    for (entity, name), fact in PROGRAM.facts.items():
        said = RECORD["$defs"][entity]["properties"][name]
        assert said["title"] == fact.title.zh
        assert said["description"].startswith(f"{fact.title.en} ({fact.written}")


def test_an_expected_benefit_must_exist() -> None:
    text = "cases: [{name: a, resident: {person_id: P1}, expect: {benefits: {premium_subsidies: {status: eligible}}}}]"
    assert not fits(yaml.safe_load(text), CASE, CASE)
    assert fits(yaml.safe_load(text.replace("subsidies", "subsidy")), CASE, CASE)
