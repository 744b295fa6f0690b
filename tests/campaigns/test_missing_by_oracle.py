"""What an answer names as missing is all that can still change it, by the oracle written from the policy.

A person's unknown facts are filled in by chance twice, alike where they are named and anew where they are not: the policy
then gives the same answer.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

import pytest
from tests.campaigns.test_oracle import drawn, record_of
from tests.support.drawn_records import CARE, MORE_OF_CLAIM, MORE_OF_PERSON, PERSON
from tests.support.oracle import BenefitAnswer
from tests.support.oracle_family import Family, expected

from mianshen.casework.check import Checker
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program

FAMILIES: Final = max(40, int(os.environ.get("MIANSHEN_ORACLE", "0")) // 20)
TIMES: Final = 6
AID: Final = "illness_poverty_aid"
Gap: TypeAlias = tuple[str, str, str]  # entity, key, fact
Filled: TypeAlias = Mapping[Gap, Any]

OF_CLAIM: Final[dict[str, tuple[Any, ...]]] = {
    **MORE_OF_CLAIM, "care_type": CARE, "hospital_level": ("primary", "secondary", "tertiary"),
    "critical_illness": (True, False),
}  # fmt: skip


def value(chance: Random, gap: Gap, as_of: dt.date, size: int) -> Any:
    """A value that an unknown fact may turn out to have."""
    entity, _, name = gap
    if entity == "household":
        return size if name == "member_count" else Decimal(chance.choice((0, 30000, 10**7)))
    choices = {**PERSON, **MORE_OF_PERSON} if entity == "resident" else OF_CLAIM
    if name in choices:
        return chance.choice(choices[name])
    if name in ("delivery_date", "birth_date", "flexible_enrolled_on"):
        return as_of - dt.timedelta(chance.choice((0, 30, 365, 366, 20000, 36600)))
    return Decimal(chance.choice((0, 1, 100, 50000)))


def gaps_of(family: Family) -> list[Gap]:
    """The facts that are told to be unknown, of the household and of one person with one row."""
    ((person, (row,)),) = family.people.items()
    gaps = [("household", str(family.facts["household_id"]), n) for n, v in family.facts.items() if v is None]
    gaps += [("resident", person, name) for name, told in row.items() if told is None]
    return gaps + [
        ("claim", str(claim["claim_id"]), name)
        for claim in family.claims[person] for name, told in claim.items() if told is None
    ]  # fmt: skip


def filled(family: Family, values: Filled) -> Family:
    ((person, (row,)),) = family.people.items()

    def told(entity: str, key: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {name: values.get((entity, key, name), fact) for name, fact in facts.items()}

    claims = [told("claim", str(claim["claim_id"]), claim) for claim in family.claims[person]]
    return Family(
        told("household", str(family.facts["household_id"]), family.facts),
        {person: [told("resident", person, row)]}, {person: claims}, family.visits,
    )  # fmt: skip


def answers(family: Family, as_of: dt.date) -> dict[str, BenefitAnswer] | None:
    """By benefit what the policy gives; None where what was filled in contradicts something."""
    due = expected(family, as_of)
    return None if due.rejected or due.aid is None else {**next(iter(due.benefits.values())), AID: due.aid}


def named(benefit: Mapping[str, Any], keys: Mapping[str, str]) -> set[Gap]:
    """The facts that an answer misses; those of the household and of the person by their own keys."""
    return {
        (part["entity"], keys.get(part["entity"], part["key"]), name)
        for part in benefit["missing_from"] for name in part["missing"]
    }  # fmt: skip


def alone(as_of: dt.date, count: int) -> list[Family]:
    """Families of one person with one row and gaps, that say nothing that cannot be."""
    chance = Random(f"gaps {as_of}")
    families: list[Family] = []
    while len(families) < count:
        family = drawn(chance, len(families), as_of, 0.15)
        if len(family.people) == 1 and all(len(rows) == 1 for rows in family.people.values()):
            family.facts["member_count"] = chance.choice((1, None))
            if not expected(family, as_of).rejected:
                families.append(family)
    return families


@pytest.mark.parametrize("as_of", ["2025-06-30", "2026-06-30"])
def test_nothing_but_what_is_missing_changes_an_open_answer(as_of: str, tmp_path: Path) -> None:
    day, chance = dt.date.fromisoformat(as_of), Random(as_of)
    families, checker = alone(day, FAMILIES), Checker(open_program())
    file = tmp_path / "families.json"
    file.write_text(json.dumps([record_of(family, day) for family in families], default=str), "utf-8")
    wrong: list[str] = []
    tried = 0
    for family, record in zip(families, read_cases(file, checker.program), strict=True):
        answer: Any = checker.answer(checker.check(record.case), "en")
        keys = {"resident": next(iter(family.people)), "household": str(family.facts["household_id"])}
        gaps = gaps_of(family)
        draw: Callable[[Gap], Any] = lambda gap: value(chance, gap, day, 1)  # noqa: E731
        for name, benefit in answer["benefits"].items():
            missing = named(benefit, keys)
            if benefit["status"] not in ("eligible", "undetermined") or not set(gaps) - missing:
                continue
            for _ in range(TIMES):
                first = {gap: draw(gap) for gap in gaps}
                second = {gap: first[gap] if gap in missing else draw(gap) for gap in gaps}
                one, other = (answers(filled(family, values), day) for values in (first, second))
                if one is None or other is None or name not in one:
                    continue
                tried += 1
                if one[name] != other[name]:
                    changed = sorted(gap for gap in gaps if first[gap] != second[gap])
                    wrong.append(
                        f"{keys['resident']} {name}: {one[name]}, {other[name]}; not named: {changed}"
                    )
    assert not wrong, f"{len(wrong)} of {tried}:\n" + "\n".join(wrong[:20])
    assert tried > FAMILIES * 5
