"""`mianshen check` on people who change over time: settled amounts and cancelled claims are told, none rewritten."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., tuple[int, str, str]]

CASES = "cases/national/history.yaml"


def _answer(run: Run, case: str, status: int = 0) -> Any:
    actual, out, err = run("check", CASES, "--case", case, "--format", "json")
    assert actual == status, err
    return json.loads(out)


def test_a_settled_amount_stands_beside_the_ruled_one_with_the_difference(run: Run) -> None:
    first, second = _answer(run, "settled_otherwise")["claims"]
    assert first["basic_payment"] == "8500.00"
    assert first["settled"] == {
        "basic_payment": {"settled": "4000.00", "ruled": "8500.00", "difference": "-4500.00"}
    }
    assert "settled" not in second


def test_where_the_rules_give_no_amount_there_is_no_difference(run: Run) -> None:
    first = _answer(run, "settled_though_the_cost_is_unknown")["claims"][0]
    assert first["settled"]["basic_payment"] == {"settled": "4000.00", "ruled": None, "difference": None}


def test_a_cancelled_claim_is_shown_with_what_cancels_it_and_not_decided(run: Run) -> None:
    answer = _answer(run, "a_cancelled_claim_frees_the_limit")
    assert answer["reversed"] == [{"entity": "claim", "key": "C1", "reversed_by": "R1"}]
    assert [claim["claim_id"] for claim in answer["claims"]] == ["C2"]
    assert answer["rejects"] == []


def test_the_table_tells_both_too(run: Run) -> None:
    assert "-4,500.00" in run("check", CASES, "--case", "settled_otherwise")[1]
    shown = run("check", CASES, "--case", "a_cancelled_claim_frees_the_limit")[1]
    assert "claim C1 is cancelled by R1; neither counts" in shown
    assert (
        "C1 由 R1 冲销"
        in run("check", CASES, "--case", "a_cancelled_claim_frees_the_limit", "--lang", "zh")[1]
    )


def test_a_missing_fact_names_the_time_it_is_missing_of(run: Run) -> None:
    claim = _answer(run, "before_the_first_row")["claims"][0]
    assert [item["key"] for item in claim["missing_from"]] == ["P1@before 2026-03-01"]


def test_what_is_wrong_with_rows_over_time_is_told_at_its_place(run: Run, tmp_path: Path) -> None:
    record = {
        "as_of": "2026-11-21",
        "resident": {"person_id": "P1"},
        "history": [{"valid_from": "2026-13-01"}, {"valid_frm": "2026-03-01"}, 5],
        "claims": [],
    }
    file = tmp_path / "r.json"
    file.write_text(json.dumps(record), "utf-8")
    status, _, err = run("check", str(file))
    assert status == 2
    assert "valid_frm" in err
    assert "E404" in err or "E403" in err
