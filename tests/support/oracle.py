"""What the policy says of a population, in plain Python: the check on rules, interpreter and SQL.

In: residents, households and claims as dicts of facts already read (Decimal, date, str, bool, int).
Out: for every claim its seven decisions and its status; for every resident the status and amount of
illness-poverty aid, the poverty warning and the poverty watch.

Written from the policy alone; neither this nor `oracle_stack.py` imports anything of the product.
Invariants: a fact whose key is missing or None is unknown, save that an opening balance whose key is
missing is 0.00; a claim's answer does not depend on the order of the rows.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from tests.support.oracle_stack import (
    NOT_MODELLED,
    PAYMENTS,
    ZERO,
    Amount,
    ClaimAnswer,
    Facts,
    Reading,
    Truth,
    both,
    day,
    fen,
    is_within,
    money,
    person_answers,
    reading_of,
)

__all__ = [
    "NOT_MODELLED",
    "PAYMENTS",
    "Amount",
    "Answers",
    "BenefitAnswer",
    "ClaimAnswer",
    "Facts",
    "Reading",
    "decide",
    "reading_of",
]

AID_SCALE = ((ZERO, Decimal("0.30")), (Decimal(30000), Decimal("0.40")), (Decimal(50000), Decimal("0.50")))
AID_LIMIT = Decimal("150000.00")
AID_SINCE = dt.date(2024, 1, 1)
WARNING_SHARE, WATCH_SHARE = Decimal("0.40"), Decimal("0.80")
WARNING_SINCE = dt.date(2023, 2, 27)
LAYERS = (
    "in_scope_cost",
    "deductible",
    "basic_payment",
    "supplementary_payment",
    "critical_illness_payment",
    "assistance_payment",
    "patient_pays",
)
UNDETERMINED = ClaimAnswer(dict.fromkeys(LAYERS), None)


@dataclass(frozen=True, slots=True)
class BenefitAnswer:
    """eligible, ineligible, undetermined or not_modelled; the amount of an eligible one, None if unknown."""

    status: str
    amount: Decimal | None = None


Member: TypeAlias = tuple[Facts, Sequence[tuple[Facts, Amount]]]  # with the personal cost of each claim


@dataclass(frozen=True, slots=True)
class Answers:
    """By claim id, and by person and benefit."""

    claims: Mapping[str, ClaimAnswer]
    benefits: Mapping[str, Mapping[str, BenefitAnswer]]


def twelve_months_before(date: dt.date) -> dt.date:
    """The same day a year earlier; 28 February for 29 February."""
    last = calendar.monthrange(date.year - 1, date.month)[1]
    return dt.date(date.year - 1, date.month, min(date.day, last))


def total_of(items: Iterable[tuple[Truth, Amount]]) -> Decimal | None:
    """The sum of what belongs to it; not modelled adds nothing; an unknown item, or belonging, spoils it."""
    total = ZERO
    for belongs, amount in items:
        if belongs is False or amount is NOT_MODELLED:
            continue
        if belongs is None or amount is None:
            return None
        total += amount
    return total


def marginal_aid(cost: Decimal) -> Decimal:
    """What each bracket's rate gives on the part of `cost` in it, up to the limit."""
    aid = ZERO
    for index, (over, rate) in enumerate(AID_SCALE):
        top = AID_SCALE[index + 1][0] if index + 1 < len(AID_SCALE) else cost
        aid += max(ZERO, min(cost, top) - over) * rate
    return fen(min(AID_LIMIT, aid))


def illness_poverty_aid(household: Facts, members: Sequence[Member], as_of: dt.date) -> BenefitAnswer:
    """The household's aid, on what its members bore in the previous calendar year.

    Of a rejected member only that it has another category is told, where that can be read.
    """
    open_ = [m for m, _ in members if m.get("assistance_category") in (None, "illness_poverty")]
    having = [m for m in open_ if m.get("assistance_category") is not None and not m.get("rejected")]
    if not having:
        unsure = are_missing(household, members) or bool(open_)
        return BenefitAnswer("undetermined" if unsure else "ineligible")
    if as_of < AID_SINCE:
        return BenefitAnswer("not_modelled")
    modelled = aid_is_modelled([m for m, _ in members])
    if not modelled:
        return BenefitAnswer("undetermined" if modelled is None else "not_modelled")
    base = None
    if not are_missing(household, members):
        base = total_of((is_year_before(claim, as_of), cost) for _, costs in members for claim, cost in costs)
    return BenefitAnswer("eligible", None if base is None else marginal_aid(max(ZERO, base)))


def aid_is_modelled(members: Sequence[Facts]) -> Truth:
    """Whether the household is of a place with the aid: that of the first member, by person number, who has the category.

    A member before that one whose category is unknown may be the first, which matters where the places differ; so may a
    rejected one, unless its category can be read and is another.
    """
    answers: set[Truth] = set()
    for member in sorted(members, key=lambda m: str(m["person_id"])):
        category = member.get("assistance_category")
        if category in (None, "illness_poverty"):
            place = None if member.get("rejected") else member.get("insured_area")
            answers.add(is_within(place, "11", "31", "37"))
        if category == "illness_poverty" and not member.get("rejected"):
            break
    return answers.pop() if len(answers) == 1 else None


def are_missing(household: Facts, members: Sequence[Member]) -> bool:
    """Whether members may be missing: their number is unknown or exceeds those given."""
    count = household.get("member_count")
    return not isinstance(count, int) or count > len(members)


def is_year_before(claim: Facts, as_of: dt.date) -> Truth:
    date = day(claim, "service_date")
    return None if date is None else date.year == as_of.year - 1


def is_recent(claim: Facts, as_of: dt.date) -> Truth:
    date = day(claim, "service_date")
    return None if date is None else twelve_months_before(as_of) < date <= as_of


def burden_of(household: Facts, members: Sequence[Member], as_of: dt.date) -> Decimal | None:
    """The members' costs of the last twelve months; unknown while members are missing."""
    if are_missing(household, members):
        return None
    return total_of((is_recent(claim, as_of), cost) for _, costs in members for claim, cost in costs)


def warning_line(household: Facts) -> Decimal | None:
    income = money(household, "annual_income")
    return None if income is None else fen(income * WARNING_SHARE)


def poverty_warning(household: Facts, burden: Decimal | None) -> Truth:
    line = warning_line(household)
    reached = None if line is None or burden is None else burden >= line
    return both(None if burden is None else burden > 0, reached)


def poverty_watch(household: Facts, burden: Decimal | None) -> Truth:
    line = warning_line(household)
    close = None if line is None or burden is None else line * WATCH_SHARE <= burden < line
    return both(None if burden is None else burden > 0, close)


def in_shanghai(resident: Facts, as_of: dt.date, due: Truth) -> BenefitAnswer:
    """A benefit that is modelled for people insured in Shanghai, since the plan was issued."""
    here = both(is_within(resident.get("insured_area"), "31"), as_of >= WARNING_SINCE)
    if here is False:
        return BenefitAnswer("not_modelled")
    return BenefitAnswer("undetermined" if here is None else _due(due))


def _due(due: Truth) -> str:
    return "undetermined" if due is None else "eligible" if due else "ineligible"


# The whole population.


def by_person(claims: Iterable[Facts]) -> dict[str, list[Facts]]:
    results: dict[str, list[Facts]] = {}
    for claim in claims:
        results.setdefault(str(claim.get("person_id")), []).append(claim)
    return results


def decide(
    residents: Sequence[Facts],
    households: Sequence[Facts],
    claims: Sequence[Facts],
    as_of: dt.date,
    *,
    rejected: Sequence[Facts] = (),
    reading: Reading = PAYMENTS,
) -> Answers:
    """Answers for every claim of `claims` and every resident.

    `rejected` holds what could be read of the claims that were rejected (they are not in `claims`); its
    key `unreadable` names the fact at fault, where that matters: `basic_paid` may then have been there.
    A rejected claim makes unknown the later claims that read a total it could have fed, and every sum
    it may belong to; one that has `refund` also every claim dated no later, which it may refund.
    Residents and households that were rejected are left out, with all that hangs on them.
    """
    good, bad = by_person(claims), by_person(rejected)
    answers: dict[str, ClaimAnswer] = {}
    costs: dict[str, list[tuple[Facts, Amount]]] = {}
    for resident in residents:
        person = str(resident["person_id"])
        mine, spoilt = good.get(person, []), bad.get(person, [])
        open_ = [claim for claim in mine if any(may_refund(bare, claim) for bare in spoilt)]
        rest, spoilt = [claim for claim in mine if claim not in open_], [*spoilt, *open_]
        decided = person_answers(resident, rest, spoilt, as_of, reading)
        decided |= {str(claim["claim_id"]): UNDETERMINED for claim in open_}
        answers |= decided
        costs[person] = [
            *((claim, decided[str(claim["claim_id"])].in_scope_personal_cost) for claim in rest),
            *((claim, None) for claim in spoilt),
        ]
    return Answers(answers, benefits_of(residents, households, costs, as_of))


def may_refund(rejected: Facts, claim: Facts) -> bool:
    """Whether a rejected claim may be the refund of another: it is below zero, and not dated before it."""
    refund, bill = day(rejected, "service_date"), day(claim, "service_date")
    return bool(rejected.get("refund")) and (refund is None or bill is None or bill <= refund)


def benefits_of(
    residents: Sequence[Facts],
    households: Sequence[Facts],
    costs: Mapping[str, Sequence[tuple[Facts, Amount]]],
    as_of: dt.date,
) -> dict[str, dict[str, BenefitAnswer]]:
    """Every resident's benefits, from the in-scope personal cost of each claim by person."""
    homes = {str(household["household_id"]): household for household in households}
    members: dict[str, list[Member]] = {}
    for resident in residents:
        if resident.get("household_id") is not None:
            costs_of = costs[str(resident["person_id"])]
            members.setdefault(str(resident["household_id"]), []).append((resident, costs_of))
    benefits: dict[str, dict[str, BenefitAnswer]] = {}
    for resident in residents:
        person, home = str(resident["person_id"]), str(resident.get("household_id"))
        household = homes.get(home, {}) if home in members else {}
        count = household.get("member_count")
        if isinstance(count, int) and count < len(members.get(home, ())):
            household = {}  # fewer members said than given: rejected, nothing is known of it
        family = members.get(home) or [(resident, costs[person])]
        burden = burden_of(household, members.get(home, []), as_of)
        benefits[person] = {
            "illness_poverty_aid": illness_poverty_aid(household, family, as_of),
            "poverty_warning": in_shanghai(resident, as_of, poverty_warning(household, burden)),
            "poverty_watch": in_shanghai(resident, as_of, poverty_watch(household, burden)),
        }
    return benefits
