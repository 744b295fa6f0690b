"""Records checked one by one give what the policy's own oracle gives, fen for fen."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support import oracle
from tests.support.campaigns import seeds
from tests.support.populations import nasty, records, spoil

from mianshen.casework.check import Checker
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program

AID = "illness_poverty_aid"  # of the household
CHECKER = Checker(open_program())


def _told(value: str | None, name: str, row: dict[str, Any]) -> object:
    if value is None:
        return oracle.NOT_MODELLED if name in row["not_modelled"] else None
    return Decimal(value)


@pytest.mark.parametrize("broken", [False, True], ids=["clean", "broken"])
@pytest.mark.parametrize("seed", seeds(0, few=2, many=8))
def test_every_claim_and_benefit_equals_the_oracle(seed: int, broken: bool, tmp_path: Path) -> None:
    people = nasty(seed, 60, unknown=0.08)
    if broken:
        people = spoil(people, seed)
    file = tmp_path / "people.json"
    file.write_text(json.dumps(records(people), ensure_ascii=False), encoding="utf-8")
    answers: list[Any] = [
        CHECKER.answer(CHECKER.check(case.case), "en") for case in read_cases(file, CHECKER.program)
    ]
    expected = oracle.decide(
        people.residents, people.households, people.claims, people.as_of, rejected=people.rejected
    )
    claims: dict[str, Any] = {row["claim_id"]: row for answer in answers for row in answer["claims"]}
    assert set(claims) == set(expected.claims)
    for key, wanted in expected.claims.items():
        row = claims[key]
        actual = {name: _told(row[name], name, row) for name in oracle.LAYERS} | {"status": row["status"]}
        assert actual == {**wanted.decisions, "status": wanted.status}, key
    for answer in answers:
        benefits: Any = answer["benefits"]
        rejected = {reject["key"] for reject in answer["rejects"] if reject["entity"] == "household"}
        for name, due in expected.benefits[str(answer["person_id"])].items():
            if name == AID and rejected:  # a household that is rejected has no answer
                assert name not in benefits
                continue
            amount = benefits[name]["amount"]
            assert benefits[name]["status"] == due.status, (answer["person_id"], name)
            assert (None if amount is None else Decimal(amount)) == due.amount, (answer["person_id"], name)
    rejects = {r["key"] for answer in answers for r in answer["rejects"] if r["entity"] != "household"}
    assert rejects == {fault.claim_id for fault in people.faults}
