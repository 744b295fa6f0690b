"""What becomes of a grant whose ground goes away: a person is to confirm that it is withdrawn, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.events.town import RULES, Fields, event, items, town, watched

from mianshen.program.program import Program

GAINED = event("E1", "A", "identity", "2026-03-01", category="poor")
LOST = event("E2", "A", "identity_lost", "2026-03-05")
VOIDING = RULES.replace("outcome: payment\n", "outcome: payment\n    reverses: voids\n").replace(
    "    bill: {type", "    voids: {type: text, title: voids}\n    bill: {type"
)


@pytest.fixture(scope="module")
def voiding(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return town(tmp_path_factory.mktemp("voiding"), VOIDING)


def shown(folder: Path) -> list[tuple[str, str, str, str | None, str | None]]:
    return [(i["event_id"], i["benefit"], i["kind"], i["amount"], i["granted_before"]) for i in items(folder)]


def stay(id_: str, date: str, **facts: object) -> Fields:
    return event(id_, "A", "stay", date, **facts)


def test_a_category_that_is_lost_withdraws_what_it_made_due(program: Program, tmp_path: Path) -> None:
    watched(program, tmp_path, [GAINED, LOST])
    granted, withdrawn = items(tmp_path)
    assert (granted["kind"], granted["amount"]) == ("automatic", "380.00")
    assert (withdrawn["event_id"], withdrawn["kind"], withdrawn["amount"]) == ("E2", "confirm", None)
    assert withdrawn["granted_before"] == "380.00"
    assert withdrawn["reason"]["en"].startswith("To be withdrawn: Not eligible.")
    assert withdrawn["reason"]["zh"].startswith("待撤销：")


def test_it_is_withdrawn_once_and_a_new_grant_is_for_a_person_to_confirm(
    program: Program, tmp_path: Path
) -> None:
    watched(program, tmp_path, [GAINED])
    more = [
        LOST,
        event("E3", "A", "identity_lost", "2026-03-06"),
        {**GAINED, "event_id": "E4", "date": "2026-03-09"},
    ]
    watched(program, tmp_path, more)
    watched(program, tmp_path, more)
    assert shown(tmp_path) == [
        ("E1", "subsidy", "automatic", "380.00", None),
        ("E2", "subsidy", "confirm", None, "380.00"),
        ("E4", "subsidy", "confirm", "380.00", None),
    ]


def test_an_event_that_triggers_nothing_withdraws_all_the_same(program: Program, tmp_path: Path) -> None:
    """The warning rests on a bill that is corrected; a subsidy in another year is another grant."""
    corrected = [
        stay("E1", "2026-03-01", claim_id="K1", bill=500),
        stay("E2", "2026-03-02", claim_id="K1", bill=120),
    ]
    watched(program, tmp_path, corrected)
    assert {(i["person_id"], i["kind"]) for i in items(tmp_path) if i["event_id"] == "E2"} == {
        ("A", "confirm"),
        ("B", "confirm"),
    }
    other = tmp_path / "other"
    watched(program, other, [GAINED, {**LOST, "date": "2027-03-05"}])
    assert len(items(other)) == 1


def test_an_event_that_comes_late_withdraws_nothing_granted_after_its_day(
    program: Program, tmp_path: Path
) -> None:
    watched(program, tmp_path, [GAINED])
    watched(program, tmp_path, [{**LOST, "date": "2026-02-01"}])
    assert [item["event_id"] for item in items(tmp_path)] == ["E1"]


@pytest.mark.parametrize("facts", [{}, {"bill": -50}])
def test_a_reversal_withdraws_what_rests_on_the_claim_it_voids(
    voiding: Program, tmp_path: Path, facts: Fields
) -> None:
    """The refund is the claim's own, the warning rests on the sum of claims; the reversal's amounts are not read."""
    outcome = watched(
        voiding, tmp_path,
        [stay("E0", "2026-02-01", claim_id="K0", bill=180), stay("E1", "2026-03-01", claim_id="K1", bill=50),
         stay("E2", "2026-03-05", claim_id="K2", voids="K1", **facts)],
    )  # fmt: skip
    assert not outcome.refused
    refunds = [(i["event_id"], i["record"], i["kind"]) for i in items(tmp_path) if i["benefit"] == "refund"]
    assert refunds == [("E1", "K1", "confirm"), ("E2", "K1", "confirm")]
    warnings = [(i["event_id"], i["kind"]) for i in items(tmp_path) if i["benefit"] == "warning"]
    assert warnings == [("E1", "automatic")] * 2 + [("E2", "confirm")] * 2


def test_a_rejected_reversal_in_the_files_leaves_open_what_it_would_void(
    voiding: Program, tmp_path: Path
) -> None:
    claims = "claim_id,person_id,day,kind,bill,voids\nK1,A,2026-01-05,none,500,\nR,A,2026-01-06,,,K1\nR,A,2026-01-06,,,K1\n"
    watched(voiding, tmp_path, [stay("E1", "2026-03-01", claim_id="K2", bill=50)], claims=claims)
    warning = next(i for i in items(tmp_path) if i["benefit"] == "warning")
    assert (warning["kind"], warning["missing"]) == ("needs_facts", ["claim R"])
