"""Only facts that can still change an answer are named, also where the place of insurance is not known."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from mianshen.api import BenefitAnswer, open_rulebook

DAY = dt.date(2026, 11, 21)
PLACES = ("110101", "310113", "371724", "371402", "640104")


def answer(benefit: str, **facts: Any) -> BenefitAnswer:
    resident = {"person_id": "P1", "insurance_scheme": "employee", "coverage_status": "active", **facts}
    return open_rulebook().check({"resident": resident, "claims": []}, as_of=DAY).benefits[benefit]


def test_a_man_without_a_birth_is_asked_where_he_is_insured_and_nothing_else() -> None:
    assert answer("maternity_allowance", sex="male", children_born=0).missing == ("insured_area",)
    for place in PLACES:
        statuses = {
            answer(
                "maternity_allowance",
                sex="male",
                children_born=0,
                insured_area=place,
                employment_status=status,
            ).status
            for status in ("employed", "retired", None)
        }
        assert len(statuses) == 1


def test_a_woman_who_gave_birth_is_asked_for_her_employment_too() -> None:
    woman = answer("maternity_allowance", sex="female", children_born=1, delivery_date="2026-06-01")
    assert {"insured_area", "employment_status", "employer_average_wage"} <= set(woman.missing)


@pytest.mark.parametrize("category", ["none", "subsistence"])
def test_a_premium_matters_where_somebody_pays_it(category: str) -> None:
    facts = {"insurance_scheme": "resident", "assistance_category": category}
    asked = answer("premium_subsidy", **facts).missing
    assert ("parameter shandong_premium_subsidy_fixed" in asked) == (category == "subsistence")
