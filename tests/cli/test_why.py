"""`mianshen check --why`: what stands in the way, what would change it, and how far the limits are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]

RECORD: dict[str, Any] = {
    "as_of": "2026-11-21",
    "resident": {
        "person_id": "P1",
        "birth_date": "1990-02-02",
        "insured_area": "310113",
        "insurance_scheme": "employee",
        "employment_status": "employed",
        "coverage_status": "active",
        "assistance_category": "none",
    },
    "household": {"household_id": "H1", "annual_income": "300000.00", "member_count": 1},
    "claims": [
        {"claim_id": "C1", "service_date": "2026-03-02", "care_type": "inpatient", "hospital_level": "tertiary",
         "total_cost": "60300.00", "out_of_scope_cost": "0.00", "critical_illness": False},
        {"claim_id": "C2", "service_date": "2026-08-15", "care_type": "inpatient", "hospital_level": "tertiary",
         "total_cost": "8000.00", "out_of_scope_cost": "100.00", "critical_illness": False},
    ],
}  # fmt: skip


def told(**parts: dict[str, Any]) -> dict[str, Any]:
    """The record with some facts of its parts told otherwise; None leaves one out."""
    record = json.loads(json.dumps(RECORD))
    for part, facts in parts.items():
        record[part] = {n: v for n, v in (record[part] | facts).items() if v is not None}
    return record  # type: ignore[no-any-return]


def last_year(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its claims a year earlier, for the family's aid is on what it bore in the previous year."""
    for claim in record["claims"]:
        claim["service_date"] = claim["service_date"].replace("2026", "2025")
    return record


@pytest.fixture
def why(run: Run, tmp_path: Path) -> Callable[..., Any]:
    """Asks `check` about a record as JSON; the `why` of one name."""

    def why(record: dict[str, Any], name: str) -> Any:
        file = tmp_path / "record.json"
        file.write_text(json.dumps(record), "utf-8")
        status, out, err = run("check", str(file), "--why", name, "--format", "json")
        assert status == 0, err
        return json.loads(out)["why"][name]

    return why


def test_the_failing_condition_and_the_fact_that_would_change_it(why: Callable[..., Any]) -> None:
    answer = why(last_year(told()), "illness_poverty_aid")
    assert answer["status"] == "ineligible"
    (condition,) = answer["conditions"]
    assert (condition["entity"], condition["provision"]) == ("household", "no_aid_without_such_a_member")
    assert [(read["name"], read["value"]) for read in condition["reads"]] == [("aid_member", "no")]
    (flip,) = answer["changes"]
    (fact,) = flip["facts"]
    assert (fact["fact"], fact["from"], fact["to"]) == ("assistance_category", "none", "illness_poverty")
    assert (flip["status"], flip["amount"]) == ("eligible", "3834.00")
    assert answer["later"] == {
        "from": None, "other_figures_need_review": False, "known_until": None, "because": None,
    }  # fmt: skip


def test_a_change_that_is_proposed_comes_true(run: Run, why: Callable[..., Any], tmp_path: Path) -> None:
    answer = why(told(), "poverty_warning")
    proposed = {
        (fact["entity"], fact["key"], fact["fact"]): fact["to"]
        for flip in answer["changes"]
        for fact in flip["facts"]
    }
    assert proposed["household", "H1", "annual_income"] == "31950.01"
    for (entity, key, name), value in proposed.items():
        record = told(**({entity: {name: value}} if entity != "claim" else {}))
        for claim in record["claims"]:
            claim |= {name: value} if claim["claim_id"] == key else {}
        file = tmp_path / "changed.json"
        file.write_text(json.dumps(record), "utf-8")
        _, out, _ = run("check", str(file), "--format", "json")
        assert json.loads(out)["benefits"]["poverty_warning"]["status"] == "eligible", (name, value)


def test_dates_of_service_are_named_as_what_does_not_change(why: Callable[..., Any]) -> None:
    answer = why(told(), "poverty_warning")
    assert {item["fact"] for item in answer["immutable"]} == {"service_date", "insured_area", "member_count"}
    assert all(fact["fact"] != "service_date" for flip in answer["changes"] for fact in flip["facts"])


def test_what_is_undetermined_shows_what_the_missing_fact_would_have_to_be(why: Callable[..., Any]) -> None:
    answer = why(told(household={"annual_income": None}), "poverty_warning")
    assert answer["status"] == "undetermined"
    assert [c["value"] for c in answer["conditions"]] == ["unknown"]
    assert [flip["facts"][0]["to"] for flip in answer["changes"]] == ["31950.01"]


def test_nobody_is_advised_to_move_nor_to_take_what_comes_to_nothing(why: Callable[..., Any]) -> None:
    elsewhere = told(resident={"insured_area": "650100", "assistance_category": "illness_poverty"})
    answer = why(last_year(elsewhere), "illness_poverty_aid")
    assert answer["status"] == "not_modelled"
    assert answer["changes"] == []
    nothing_borne = why(told(resident={"insured_area": "110101"}), "illness_poverty_aid")
    assert nothing_borne["changes"] == []
    uninsured = why(told(resident={"insured_area": "310113"}), "newborn_enrolment")
    named = {(f["fact"], f["to"]) for flip in uninsured["changes"] for f in flip["facts"]}
    assert not named & {("insurance_scheme", "none"), ("coverage_status", "ended")}
    assert "birth_date" not in {fact for fact, _ in named}


def test_how_far_each_limit_and_bracket_is(why: Callable[..., Any]) -> None:
    answer = why(last_year(told(resident={"assistance_category": "illness_poverty"})), "illness_poverty_aid")
    margins = {(margin["kind"], margin["key"], margin["decision"]): margin for margin in answer["margins"]}
    assert margins["annual_limit", "C1", "deductible"]["left"] == "0.00"
    assert margins["annual_limit", "C2", "basic_payment"] | {"title": ""} == {
        "entity": "claim", "key": "C2", "decision": "basic_payment", "title": "", "kind": "annual_limit",
        "accumulator": "employee_basic_paid", "limit": "550000.00", "before": "0.00", "due": "5440.00",
        "paid": "5440.00", "withheld": "0.00", "left": "544560.00",
    }  # fmt: skip
    bracket = margins["bracket", "H1", "illness_poverty_aid_amount"]
    assert (bracket["amount"], bracket["to_next"], bracket["next_rate"]) == ("12780.00", "17220.00", "0.4")
    cap = margins["cap", "H1", "illness_poverty_aid_amount"]
    assert (cap["bound"], cap["binds"], cap["distance"]) == ("150000.00", False, "146166.00")


def test_a_claim_tells_its_own_limits(why: Callable[..., Any]) -> None:
    answer = why(told(), "C1")
    assert [(margin["key"], margin["kind"]) for margin in answer["margins"]] == [("C1", "annual_limit")] * 2
    assert "conditions" not in answer


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_table_says_it_in_both_languages(run: Run, tmp_path: Path, lang: str) -> None:
    file = tmp_path / "record.json"
    file.write_text(json.dumps(told()), "utf-8")
    status, out, err = run("check", str(file), "--why", "all", "--lang", lang)
    assert status == 0, err
    expected = {
        "zh": ["不满足的条件", "家庭年收入（annual_income） 300,000.00 → 31,950.01", "还剩 500,020.00"],
        "en": ["Conditions that fail", "500,020.00 left",
               "annual income of the household (annual_income) 300,000.00 → 31,950.01"],
    }  # fmt: skip
    for text in expected[lang]:
        assert text in out


def test_a_name_that_is_none_is_refused_with_the_nearest(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text(json.dumps(told()), "utf-8")
    status, _, err = run("check", str(file), "--why", "poverty_warnin")
    assert (status, err) == (
        2,
        "mianshen: there is no benefit or row poverty_warnin. Did you mean poverty_warning?\n",
    )
