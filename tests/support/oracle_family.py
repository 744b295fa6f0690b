"""What the policy says of a whole family: contradictions, the claim stack, every benefit, the family's aid.

In: a household's facts, its people's rows over time, claims and visits. Out: what is rejected, and what is decided of the
rest. Written from the policy alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias

from tests.support.oracle import (
    BenefitAnswer,
    burden_of,
    illness_poverty_aid,
    in_shanghai,
    poverty_warning,
    poverty_watch,
)
from tests.support.oracle_benefits import answer, benefits, premium_amount
from tests.support.oracle_over_time import OTHER_PAYERS, Person, overpaid, row_on, taking_part
from tests.support.oracle_services import outbreak, planned_support, services
from tests.support.oracle_shown import Shown, shown
from tests.support.oracle_stack import ZERO, Amount, Facts, Truth, both, difference, is_one_of, is_within

LAYERS: Final = ("basic_payment", "supplementary_payment", "critical_illness_payment", "assistance_payment")


@dataclass(frozen=True, slots=True)
class Family:
    """A household's facts, and by person number its rows over time, claims and visits."""

    facts: dict[str, Any]
    people: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    claims: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    visits: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """By claim its layers, by person the benefits, the family's aid (None: its row is rejected), and what is rejected."""

    layers: dict[str, dict[str, Amount]]
    benefits: dict[str, dict[str, BenefitAnswer]]
    aid: BenefitAnswer | None
    rejected: frozenset[str]
    shown: dict[str, dict[str, Shown]] = field(
        default_factory=dict
    )  # by person, what is shown beside benefits


# -- contradictions ----------------------------------------------------------------------------------


def is_more(one: Any, other: Any) -> bool:
    """Whether both are known and the first is more."""
    return one is not None and other is not None and one > other


def contradicts_itself(claim: Facts, as_of: dt.date) -> bool:
    """Whether two facts of a claim cannot both hold."""
    total, outside, given = (
        claim.get(name) for name in ("total_cost", "out_of_scope_cost", "in_scope_cost_given")
    )
    inside = difference(total, outside)  # type: ignore[arg-type]
    others: list[Any] = [claim.get(name, ZERO) for name in OTHER_PAYERS]
    return (
        is_more(claim["service_date"], as_of)
        or is_more(outside, total)
        or is_more(claim.get("self_pay_before"), outside)
        or (given is not None and inside is not None and given != inside)
        or is_more(given, total)
        or overpaid(claim)
        or (None not in others and is_more(sum(others, ZERO), total))
        or is_more(claim.get("admission_date"), claim["service_date"])
    )


def is_impossible(row: Facts, as_of: dt.date) -> bool:
    """Whether a person's row contradicts itself or the day."""
    return is_more(row.get("birth_date"), as_of) or is_more(0, row.get("institution_days"))


def reads_rejected(rows: Sequence[Facts], dated: Facts, as_of: dt.date) -> bool:
    """Whether a claim or visit reads a row of its person that is rejected."""
    return is_impossible(row_on(rows, dated["service_date"]), as_of)  # type: ignore[arg-type]


def home_of(family: Family) -> tuple[Facts, bool]:
    """The household's facts, and whether they hold: of a rejected household nothing is known."""
    count = family.facts["member_count"]
    wrong = is_more(len(family.people), count) or is_more(ZERO, family.facts["annual_income"])
    return ({} if wrong else family.facts), wrong


# -- the policy ------------------------------------------------------------------------------------


def personal_cost(claim: Facts, layers: Mapping[str, Amount]) -> Amount:
    """What a claim left to the person in scope: what was really paid counts where it is told."""
    paid = [
        layers[layer] if claim.get(f"settled_{layer}") is None else claim[f"settled_{layer}"]
        for layer in LAYERS
    ]
    others = [claim.get(name, ZERO) for name in OTHER_PAYERS]
    return difference(layers["in_scope_cost"], *paid, *others)  # type: ignore[arg-type]


def premium_subsidy(person: Facts, as_of: dt.date) -> BenefitAnswer:
    """Areas 37 (since 2025) and 31 (since the plan was issued), resident scheme, active coverage, a category paid for."""
    places = ("31", "37") if as_of.year >= 2025 else ("31",)
    here: Truth = is_within(person.get("insured_area"), *places)
    poor = is_one_of(
        person.get("assistance_category"), "destitute", "subsistence", "low_income", "returned_to_poverty"
    )
    due = both(
        poor,
        is_one_of(person.get("insurance_scheme"), "resident"),
        is_one_of(person.get("coverage_status"), "active"),
    )
    return answer(here, due, premium_amount(person))


Costs: TypeAlias = list[tuple[Facts, Amount]]


def left_to(claims: Sequence[Facts], layers: Mapping[str, Mapping[str, Amount]]) -> tuple[Costs, Costs]:
    """What each claim left to the person in scope, and the same with self-pay before the scheme; unknown where rejected."""
    costs: Costs = []
    borne: Costs = []
    for claim in claims:
        key = str(claim["claim_id"])
        left = personal_cost(claim, layers[key]) if key in layers else None
        costs.append((claim, left))
        before = claim.get("self_pay_before", ZERO)
        borne.append((claim, left + before if isinstance(left, Decimal) else left))  # type: ignore[operator]
    return costs, borne


def planned(rows: Sequence[Facts], claims: Sequence[Facts], as_of: dt.date) -> dict[str, BenefitAnswer]:
    """What is planned, where the overlays `planned_support` and `outbreak_waiver` switch it on."""
    return planned_support(rows, claims, as_of) | outbreak(rows, claims, as_of)


def expected(family: Family, as_of: dt.date, *, overlays: bool = False) -> Expected:
    home, homeless = home_of(family)
    rejected = {family.facts["household_id"]} if homeless else set()
    layers: dict[str, dict[str, Amount]] = {}
    costs: dict[str, Costs] = {}
    borne: dict[str, Costs] = {}
    current: dict[str, Facts] = {}
    parts: dict[str, list[Facts]] = {}
    visited: dict[str, list[dict[str, Any]]] = {}
    for person, rows in family.people.items():
        now = row_on(rows, as_of)
        gone = is_impossible(now, as_of)
        claims = family.claims[person]
        doomed = {str(c["claim_id"]) for c in claims if gone or reads_rejected(rows, c, as_of)}
        claims = [c for c in claims if not (c.get("reverses") and c["claim_id"] in doomed)]
        part = taking_part(claims)
        bad = {
            str(claim["claim_id"])
            for claim in part
            if claim["claim_id"] in doomed or contradicts_itself(claim, as_of)
        }
        rejected |= bad | doomed | ({person} if any(is_impossible(row, as_of) for row in rows) else set())
        visits = [
            {**visit, "rejected": gone or reads_rejected(rows, visit, as_of)}
            for visit in family.visits[person]
        ]
        rejected |= {visit["visit_id"] for visit in visits if visit["rejected"]}
        current[person] = {**now, "person_id": person, "rejected": gone}
        decided = {} if gone else Person(rows, as_of).decide(claims, bad)
        layers |= decided
        visited[person] = visits
        parts[person] = [{**claim, "rejected": claim["claim_id"] in bad} for claim in part]
        costs[person], borne[person] = left_to(part, decided)
        if gone:  # nothing of this person is known, not even which claims there are
            costs[person].append(({}, None))
            borne[person].append(({}, None))
    burden = burden_of(home, [(current[p], costs[p]) for p in current], as_of)
    answers = {
        person: {
            "poverty_warning": in_shanghai(facts, as_of, poverty_warning(home, burden)),
            "poverty_watch": in_shanghai(facts, as_of, poverty_watch(home, burden)),
            "premium_subsidy": premium_subsidy(facts, as_of),
            **benefits(family.people[person], parts[person], visited[person], layers, as_of),
            **services(family.people[person], as_of),
            **(planned(family.people[person], parts[person], as_of) if overlays else {}),
        }
        for person, facts in current.items()
        if not facts["rejected"]
    }
    aid = illness_poverty_aid(home, [(current[p], borne[p]) for p in current], as_of)
    beside = {p: shown(family.people[p], parts[p], layers, as_of) for p in answers}
    return Expected(layers, answers, None if homeless else aid, frozenset(rejected), beside)
