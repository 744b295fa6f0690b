"""Cases on the days that rules begin expect what the policy's own oracle says, written apart from the product."""

from typing import Any

import pytest
from tests.support import oracle

from mianshen.cases.read import CaseOf, Programs, read_case_files
from mianshen.casework.answers import Mark
from mianshen.shipped import shipped_rulebook

CASES = shipped_rulebook().parent / "cases" / "national"
FILES = ("days_rules_begin.yaml", "days_benefits_begin.yaml", "kinds_of_people_and_care.yaml")
# What the oracle says nothing of: waits after joining, some categories, other payers, reviews, the day of admission.
BEYOND = (
    "shanghai_flexible", "joined_lately", "returned_youth", "monitored", "orphan", "severely_disabled",
    "entitled_veteran", "nothing_left", "past_review", "since_admission",
)  # fmt: skip
LAYERS = (
    "in_scope_cost", "deductible", "basic_payment", "supplementary_payment", "critical_illness_payment",
    "assistance_payment", "patient_pays",
)  # fmt: skip


PROGRAMS = Programs()


def _cases(file: str) -> list[CaseOf]:
    return read_case_files([CASES / file], PROGRAMS)


@pytest.mark.parametrize("file", FILES)
def test_every_layer_expected_is_the_oracles(file: str) -> None:
    compared = 0
    for case in _cases(file):
        record = case.record(PROGRAMS.under(()))
        rows = {(row.entity, row.key): row.facts for row in record.rows()}
        if any(word in case.name for word in BEYOND):
            continue
        person = next(facts for (entity, _), facts in rows.items() if entity == "resident")
        claims = [
            dict(facts, claim_id=key, person_id="P1")
            for (entity, key), facts in rows.items()
            if entity == "claim"
        ]
        home = next((facts for (entity, _), facts in rows.items() if entity == "household"), {})
        resident: dict[str, Any] = dict(person, person_id="P1", household_id="H1")
        said = oracle.decide([resident], [dict(home, household_id="H1")], claims, record.as_of)
        for expectation in case.expectations:
            if expectation.row[0] == "claim" and expectation.name in LAYERS and expectation.what == "value":
                wanted = said.claims[expectation.row[1]].decisions[expectation.name]
                assert _same(expectation.wanted, wanted), (
                    case.name,
                    expectation.row,
                    expectation.name,
                    wanted,
                )
                compared += 1
    assert compared > 50


def _same(expected: object, wanted: object) -> bool:
    if expected is Mark.UNKNOWN:
        return wanted is None
    if expected is Mark.NOT_MODELLED:
        return wanted is oracle.NOT_MODELLED
    return expected == wanted
