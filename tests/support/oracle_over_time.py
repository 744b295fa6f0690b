"""The claim stack of the policy over a person's whole record: rows over time, settled amounts, reversals, other payers.

Written from the policy alone, for Shanghai, Beijing and Shandong; it shares the arithmetic of `oracle_stack` and nothing
else. In: a person's rows over time and claims. Out: the layers of every claim that takes part, by claim id.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tests.support.oracle_stack import (
    NOT_MODELLED,
    ZERO,
    Amount,
    Facts,
    Truth,
    benefit_year,
    both,
    combine,
    difference,
    either,
    fen,
    is_one_of,
    is_within,
    opposite,
    quotient_in_fen,
)

JULY: Final = (7, 1)
JANUARY: Final = (1, 1)
LONG_AGO: Final = dt.date(2000, 1, 1)  # taken where nothing is told of when a flexible employee joined
WAIT_SINCE: Final = dt.date(2025, 9, 10)
OTHER_PAYERS: Final = (
    "civil_servant_subsidy", "enterprise_supplement", "other_fund_payment", "commercial_insurance_payment", "hospital_share",
)  # fmt: skip
PAID_ELSEWHERE: Final = ("basic_paid", "supplementary_paid", "critical_illness_paid")
STATED: Final = (
    "insured_area", "insurance_scheme", "coverage_status", "employment_status", "assistance_category",
)  # fmt: skip
STANDARD: Final = {"inpatient": "inpatient", "chronic_outpatient": "inpatient", "outpatient": "outpatient"}
RATE: Final = {"inpatient": Decimal("0.85"), "outpatient": Decimal("0.80")}
LIMIT: Final = {"inpatient": Decimal(160000), "outpatient": Decimal(8000)}
DEDUCTIBLE_OF_LEVEL: Final = {"primary": Decimal(50), "secondary": Decimal(100), "tertiary": Decimal(300)}
LIMITED: Final = ("subsistence", "hardship_allowance", "low_income")
WHOLE: Final = ("destitute", "returned_youth")
TILTED: Final = ("destitute", "subsistence", "low_income", "returned_to_poverty")


def row_on(rows: Sequence[Facts], day: dt.date) -> Facts:
    """The person's row in force on a day; nothing is known before the first."""
    begun = [row for row in rows if _start(row) <= day]
    return max(begun, key=_start, default={})


def person_of(claim: Facts, rows: Sequence[Facts]) -> Facts:
    """The person on the claim's day, with what the claim itself says of the person."""
    day: dt.date = claim["service_date"]  # type: ignore[assignment]
    return {**row_on(rows, day), **{name: claim[name] for name in STATED if claim.get(name) is not None}}


def readable_cost(claim: Facts) -> Amount:
    """What can be read of a claim's cost in scope; of a cost that contradicts itself nothing."""
    total, outside, given = (
        claim.get(name) for name in ("total_cost", "out_of_scope_cost", "in_scope_cost_given")
    )
    inside = difference(total, outside)  # type: ignore[arg-type]
    if not isinstance(inside, Decimal) or inside < 0:
        wrong = isinstance(given, Decimal) and isinstance(total, Decimal) and given > total
        inside = None if wrong else given  # type: ignore[assignment]
    return inside


def overpaid(claim: Facts) -> bool:
    """Whether what another system paid contradicts the cost: what it paid is then not read.

    Of a cost that contradicts itself no part is left that it could contradict.
    """
    inside = readable_cost(claim)
    paid = [claim.get(name) for name in PAID_ELSEWHERE]
    told = sum((amount for amount in paid if isinstance(amount, Decimal)), ZERO)
    return isinstance(inside, Decimal) and told > inside


def taking_part(claims: Sequence[Facts]) -> list[Facts]:
    """The claims in order, but for those that are cancelled and what cancels them."""
    voided = {claim["reverses"] for claim in claims if claim.get("reverses")}
    part = [c for c in claims if not c.get("reverses") and c["claim_id"] not in voided]
    return sorted(part, key=lambda claim: (claim["service_date"], claim["claim_id"]))


def months_later(day: dt.date, months: int) -> dt.date:
    """The same day so many months later; the last of the month where it has none."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def waits(claim: Facts, person: Facts) -> Truth:
    """Whether a flexibly employed member of Shanghai's employee scheme has not yet waited six months."""
    day, joined = claim["service_date"], person.get("flexible_enrolled_on", LONG_AGO)
    assert isinstance(day, dt.date)
    early = day < months_later(joined, 6) if isinstance(joined, dt.date) else None
    return both(
        is_within(person.get("insured_area"), "31"),
        day >= WAIT_SINCE,
        is_one_of(person.get("insurance_scheme"), "employee"),
        is_one_of(person.get("employment_status"), "flexible"),
        early,
    )


def _start(row: Facts) -> dt.date:
    start = row.get("valid_from")
    return start if isinstance(start, dt.date) else dt.date.min


@dataclass(slots=True)
class TwoBalances:
    """One accumulator: by benefit year what the rules give (ruled) and what is paid or still owed (committed)."""

    opening: Decimal | None
    as_of: dt.date
    starts: tuple[int, int]
    ruled: dict[int, Decimal | None] = field(default_factory=dict)
    committed: dict[int, Decimal | None] = field(default_factory=dict)

    def before(self, day: dt.date, settled: bool) -> Decimal | None:
        balances = self.ruled if settled else self.committed
        year = benefit_year(day, self.starts)
        first = self.opening if year == benefit_year(self.as_of, self.starts) else ZERO
        return balances.get(year, first)

    def add(self, day: dt.date, counts: Truth, shown: Amount, settled: Decimal | None, member: Truth) -> None:
        """Take in a claim: `counts` whether it is paid through the account, `member` whether it is of its kind."""
        if shown is NOT_MODELLED:
            return
        if counts is False:
            self._overpaid(day, member, shown, settled)
            return
        ruled, committed = self.before(day, True), self.before(day, False)
        known = shown if isinstance(shown, Decimal) else None
        paid = settled if known is None else known if settled is None else max(known, settled)
        year = benefit_year(day, self.starts)
        self.ruled[year] = None if None in (counts, ruled, known) else ruled + known  # type: ignore[operator]
        self.committed[year] = None if None in (counts, committed, paid) else committed + paid  # type: ignore[operator]

    def _overpaid(self, day: dt.date, member: Truth, shown: Amount, settled: Decimal | None) -> None:
        """What was settled above a payment outside the account uses it up all the same."""
        if member is False or settled is None or not isinstance(shown, Decimal) or settled <= shown:
            return
        before = self.before(day, False)
        known = None if None in (member, before) else before + settled - shown  # type: ignore[operator]
        self.committed[benefit_year(day, self.starts)] = known


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a claim stands before any amount is looked at."""

    day: dt.date
    person: Facts
    scheme: object
    care: object
    category: object  # that the treatment falls under
    apart: Truth  # settled apart
    uncovered: Truth
    nothing: Truth  # in Shanghai without coverage
    stays: Truth
    stay: Truth  # in Shanghai, covered, inpatient: the stack is modelled
    stated: Truth  # what another system paid stands in; None if that cannot be told
    assisted: Truth

    @staticmethod
    def of(claim: Facts, person: Facts) -> Situation:
        day: dt.date = claim["service_date"]  # type: ignore[assignment]
        scheme, care = person.get("insurance_scheme"), claim.get("care_type")
        covered = both(
            is_one_of(person.get("coverage_status"), "active"), is_one_of(scheme, "employee", "resident"),
            opposite(waits(claim, person)),
        )  # fmt: skip
        apart = is_one_of(scheme, "special", "mutual_aid")
        shanghai, stays = is_within(person.get("insured_area"), "31"), is_one_of(care, "inpatient")
        uncovered = both(opposite(covered), opposite(apart))
        stated = None if overpaid(claim) else claim.get("basic_paid") is not None
        category = person.get("assistance_category")
        if category == "none" and claim.get("category_on_admission") is not None:
            category = claim["category_on_admission"]  # lost during the treatment
        assisted = both(
            is_within(person.get("insured_area"), "11", "31", "37"), day >= dt.date(2023, 1, 1), covered,
            either(stated, both(shanghai, stays)), is_one_of(care, *STANDARD),
        )  # fmt: skip
        return Situation(
            day, person, scheme, care, category, apart, uncovered, both(shanghai, uncovered), stays,
            both(shanghai, covered, stays), stated, assisted,
        )  # fmt: skip


class Person:
    """Decides the claims of one person in order."""

    def __init__(self, rows: Sequence[Facts], as_of: dt.date) -> None:
        self.rows = rows
        current = row_on(rows, as_of)

        def balances(name: str, starts: tuple[int, int]) -> TwoBalances:
            return TwoBalances(current.get(name, ZERO), as_of, starts)  # type: ignore[arg-type]

        self.deductible = balances("opening_deductible_used", JULY)
        self.basic = balances("opening_basic_paid", JULY)
        self.assistance = {c: balances(f"opening_assistance_{c}_paid", JANUARY) for c in RATE}

    def decide(self, claims: Sequence[Facts], rejected: Collection[str] = ()) -> dict[str, dict[str, Amount]]:
        """The layers of every claim that takes part; a rejected one counts for what it could have been."""
        decided: dict[str, dict[str, Amount]] = {}
        for claim in taking_part(claims):
            key = str(claim["claim_id"])
            if key in rejected:
                self._spoilt(claim)
            else:
                decided[key] = self._decided(claim)
        return decided

    def _spoilt(self, claim: Facts) -> None:
        """Nothing is known of what a rejected claim was paid, only through which accounts it cannot have been."""
        self._count(Situation.of(claim, person_of(claim, self.rows)), {}, None)

    def _decided(self, claim: Facts) -> dict[str, Amount]:
        here = Situation.of(claim, person_of(claim, self.rows))
        in_scope: Amount = claim.get("in_scope_cost_given")  # type: ignore[assignment]
        if in_scope is None:
            in_scope = difference(claim.get("total_cost"), claim.get("out_of_scope_cost"))  # type: ignore[arg-type]
        others = combine(lambda *parts: sum(parts, ZERO), *(claim.get(n, ZERO) for n in OTHER_PAYERS))  # type: ignore[arg-type]
        layers = self._layers(here, claim, in_scope)
        aid = self._aid(here, claim, difference(in_scope, *layers[1:], others))
        decided = {
            "in_scope_cost": in_scope, "deductible": layers[0], "basic_payment": layers[1], "supplementary_payment": layers[2],
            "critical_illness_payment": layers[3], "assistance_payment": aid,
            "patient_pays": difference(claim.get("total_cost"), *layers[1:], aid, others),  # type: ignore[arg-type]
        }  # fmt: skip
        self._count(here, decided, claim)
        return decided

    def _count(self, here: Situation, shown: Mapping[str, Amount], claim: Facts | None) -> None:
        """Take a claim's payments into the accounts; with no claim they are unknown, and what was settled too."""

        def add(balances: TwoBalances, counts: Truth, name: str, member: Truth) -> None:
            settled = None if claim is None else claim.get(f"settled_{name}")
            balances.add(here.day, counts, shown.get(name), settled, member)  # type: ignore[arg-type]

        employee = is_one_of(here.scheme, "employee")
        for balances, name in ((self.deductible, "deductible"), (self.basic, "basic_payment")):
            add(balances, both(here.stay, employee), name, both(here.stays, employee))
        for standard, balances in self.assistance.items():
            member = is_one_of(here.care, *(name for name, wanted in STANDARD.items() if wanted == standard))
            limited = is_one_of(here.category, *LIMITED)
            add(balances, both(member, here.assisted, limited), "assistance_payment", member)

    def _layers(
        self, here: Situation, claim: Facts, in_scope: Amount
    ) -> tuple[Amount, Amount, Amount, Amount]:
        if here.nothing:
            return ZERO, ZERO, ZERO, ZERO
        if here.stay:
            stay = self._employee if here.scheme == "employee" else _resident
            return stay(here.person, claim, in_scope)
        if here.nothing is None or here.stay is None:
            return None, None, None, None
        if not here.stated or here.apart:
            return NOT_MODELLED, NOT_MODELLED, NOT_MODELLED, NOT_MODELLED
        if here.apart is None:
            return NOT_MODELLED, None, None, None
        paid = [claim.get(name) or ZERO for name in ("supplementary_paid", "critical_illness_paid")]
        return NOT_MODELLED, claim["basic_paid"], paid[0], paid[1]  # type: ignore[return-value]

    def _employee(
        self, person: Facts, claim: Facts, in_scope: Amount
    ) -> tuple[Amount, Amount, Amount, Amount]:
        day: dt.date = claim["service_date"]  # type: ignore[assignment]
        retired = is_one_of(person.get("employment_status"), "retired")
        whole = None if retired is None else Decimal(1200 if retired else 1500)
        rate = None if retired is None else Decimal("0.92" if retired else "0.85")
        used = self.deductible.before(day, claim.get("settled_deductible") is not None)
        deductible = combine(
            lambda cost, most, gone: min(cost, max(ZERO, most - gone)), in_scope, whole, used
        )
        due = combine(lambda cost, own, share: fen((cost - own) * share), in_scope, deductible, rate)
        before = self.basic.before(day, claim.get("settled_basic_payment") is not None)
        basic = combine(lambda wish, gone: max(ZERO, min(wish, Decimal(550000) - gone)), due, before)
        above = combine(lambda wish, paid, share: quotient_in_fen(wish - paid, share), due, basic, rate)
        return deductible, basic, combine(lambda cost: fen(cost * Decimal("0.80")), above), ZERO

    def _aid(self, here: Situation, claim: Facts, left: Amount) -> Amount:
        if here.apart:
            return NOT_MODELLED
        if here.nothing:
            return ZERO
        if here.assisted is None or (not here.assisted and here.nothing is None):
            return None
        if not here.assisted:
            unassisted = both(here.stated, here.uncovered)
            return {True: ZERO, False: NOT_MODELLED, None: None}[unassisted]
        if here.category is None or here.category == "returned_to_poverty":
            return None
        if here.category in ("none", "illness_poverty"):
            return ZERO
        standard = STANDARD[str(here.care)]
        rest = combine(lambda cost: max(ZERO, cost), left)
        if here.category in WHOLE:
            return combine(fen, rest)
        due = combine(lambda cost: fen(cost * RATE[standard]), rest)
        if here.category not in LIMITED:
            return due
        settled = claim.get("settled_assistance_payment") is not None
        before = self.assistance[standard].before(here.day, settled)
        return combine(lambda wish, gone: max(ZERO, min(wish, LIMIT[standard] - gone)), due, before)


def _resident(person: Facts, claim: Facts, in_scope: Amount) -> tuple[Amount, Amount, Amount, Amount]:
    deductible = combine(min, in_scope, DEDUCTIBLE_OF_LEVEL.get(str(claim.get("hospital_level"))))
    basic = combine(lambda cost, own: fen((cost - own) * Decimal("0.75")), in_scope, deductible)
    marked, category = claim.get("critical_illness"), person.get("assistance_category")
    if marked is False:
        return deductible, basic, ZERO, ZERO
    if marked is None or category is None:
        return deductible, basic, ZERO, None
    rate = Decimal("0.65" if category in TILTED else "0.60")
    return deductible, basic, ZERO, combine(lambda cost, paid: fen((cost - paid) * rate), in_scope, basic)
