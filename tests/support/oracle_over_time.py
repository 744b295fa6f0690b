"""The claim stack of the policy over a person's whole record: rows over time, settled amounts, reversals, other payers.

Written from the policy alone, for Shanghai, Beijing and Shandong; it shares the arithmetic of `oracle_stack` and nothing
else. In: a person's rows over time and claims. Out: the layers of every claim that takes part, by claim id.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
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
OTHER_PAYERS: Final = (
    "civil_servant_subsidy", "enterprise_supplement", "other_fund_payment", "commercial_insurance_payment", "hospital_share",
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


def category_of(claim: Facts, person: Facts) -> object:
    """What the settlement says the person was, else the person's category of its day."""
    own = claim.get("assistance_category")
    return person.get("assistance_category") if own is None else own


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

    def decide(self, claims: Sequence[Facts]) -> dict[str, dict[str, Amount]]:
        voided = {claim["reverses"] for claim in claims if claim.get("reverses")}
        part = [c for c in claims if not c.get("reverses") and c["claim_id"] not in voided]
        part.sort(key=lambda claim: (claim["service_date"], claim["claim_id"]))
        return {str(claim["claim_id"]): self._decided(claim) for claim in part}

    def _decided(self, claim: Facts) -> dict[str, Amount]:
        day: dt.date = claim["service_date"]  # type: ignore[assignment]
        person = row_on(self.rows, day)
        scheme, care = claim.get("insurance_scheme") or person.get("insurance_scheme"), claim.get("care_type")
        in_scope: Amount = claim.get("in_scope_cost_given")  # type: ignore[assignment]
        if in_scope is None:
            in_scope = difference(claim.get("total_cost"), claim.get("out_of_scope_cost"))  # type: ignore[arg-type]
        others = combine(lambda *parts: sum(parts, ZERO), *(claim.get(n, ZERO) for n in OTHER_PAYERS))  # type: ignore[arg-type]
        covered = both(
            is_one_of(person.get("coverage_status"), "active"), is_one_of(scheme, "employee", "resident")
        )
        apart = is_one_of(scheme, "special", "mutual_aid")
        shanghai, stays = is_within(person.get("insured_area"), "31"), is_one_of(care, "inpatient")
        uncovered, stated = both(opposite(covered), opposite(apart)), claim.get("basic_paid") is not None
        nothing, stay = both(shanghai, uncovered), both(shanghai, covered, stays)
        layers = self._layers(person, claim, str(scheme), in_scope, (nothing, stay, stated, apart))
        category = category_of(claim, person)
        if category == "none" and claim.get("category_on_admission") is not None:
            category = claim["category_on_admission"]  # lost during the treatment
        assisted = both(
            is_within(person.get("insured_area"), "11", "31", "37"), day >= dt.date(2023, 1, 1), covered,
            either(stated, both(shanghai, stays)), is_one_of(care, *STANDARD),
        )  # fmt: skip
        aid = self._aid(
            claim, category, difference(in_scope, *layers[1:], others), (nothing, assisted, apart, uncovered)
        )
        employee = both(stay, is_one_of(scheme, "employee"))
        deducted = both(stays, is_one_of(scheme, "employee"))
        self.deductible.add(day, employee, layers[0], claim.get("settled_deductible"), deducted)  # type: ignore[arg-type]
        self.basic.add(day, employee, layers[1], claim.get("settled_basic_payment"), deducted)  # type: ignore[arg-type]
        for standard, balances in self.assistance.items():
            cares = [name for name, wanted in STANDARD.items() if wanted == standard]
            member = is_one_of(care, *cares)
            counts = both(member, assisted, is_one_of(category, *LIMITED))
            balances.add(day, counts, aid, claim.get("settled_assistance_payment"), member)  # type: ignore[arg-type]
        return {
            "in_scope_cost": in_scope, "deductible": layers[0], "basic_payment": layers[1], "supplementary_payment": layers[2],
            "critical_illness_payment": layers[3], "assistance_payment": aid,
            "patient_pays": difference(claim.get("total_cost"), *layers[1:], aid, others),  # type: ignore[arg-type]
        }  # fmt: skip

    def _layers(
        self,
        person: Facts,
        claim: Facts,
        scheme: str,
        in_scope: Amount,
        where: tuple[Truth, Truth, bool, Truth],
    ) -> tuple[Amount, Amount, Amount, Amount]:
        nothing, stay, stated, apart = where
        if nothing:
            return ZERO, ZERO, ZERO, ZERO
        if stay:
            return (
                self._employee(person, claim, in_scope)
                if scheme == "employee"
                else _resident(person, claim, in_scope)
            )
        if nothing is None or stay is None:
            return None, None, None, None
        if not stated or apart:
            return NOT_MODELLED, NOT_MODELLED, NOT_MODELLED, NOT_MODELLED
        if apart is None:
            return NOT_MODELLED, None, None, None
        paid = [claim.get(name) or ZERO for name in ("supplementary_paid", "critical_illness_paid")]
        return NOT_MODELLED, claim["basic_paid"], paid[0], paid[1]  # type: ignore[return-value]

    def _employee(
        self, person: Facts, claim: Facts, in_scope: Amount
    ) -> tuple[Amount, Amount, Amount, Amount]:
        day: dt.date = claim["service_date"]  # type: ignore[assignment]
        retired = is_one_of(claim.get("employment_status") or person.get("employment_status"), "retired")
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

    def _aid(
        self, claim: Facts, category: object, left: Amount, where: tuple[Truth, Truth, Truth, Truth]
    ) -> Amount:
        nothing, assisted, apart, uncovered = where
        if apart:
            return NOT_MODELLED
        if nothing:
            return ZERO
        if assisted is None or (not assisted and nothing is None):
            return None
        if not assisted:
            unassisted = both(claim.get("basic_paid") is not None, uncovered)
            return {True: ZERO, False: NOT_MODELLED, None: None}[unassisted]
        if category is None or category == "returned_to_poverty":
            return None
        if category in ("none", "illness_poverty"):
            return ZERO
        standard = STANDARD[str(claim["care_type"])]
        rest = combine(lambda cost: max(ZERO, cost), left)
        if category in WHOLE:
            return combine(fen, rest)
        due = combine(lambda cost: fen(cost * RATE[standard]), rest)
        if category not in LIMITED:
            return due
        settled = claim.get("settled_assistance_payment") is not None
        before = self.assistance[standard].before(claim["service_date"], settled)  # type: ignore[arg-type]
        return combine(lambda wish, gone: max(ZERO, min(wish, LIMIT[standard] - gone)), due, before)


def _resident(person: Facts, claim: Facts, in_scope: Amount) -> tuple[Amount, Amount, Amount, Amount]:
    deductible = combine(min, in_scope, DEDUCTIBLE_OF_LEVEL.get(str(claim.get("hospital_level"))))
    basic = combine(lambda cost, own: fen((cost - own) * Decimal("0.75")), in_scope, deductible)
    marked, category = claim.get("critical_illness"), category_of(claim, person)
    if marked is False:
        return deductible, basic, ZERO, ZERO
    if marked is None or category is None:
        return deductible, basic, ZERO, None
    rate = Decimal("0.65" if category in TILTED else "0.60")
    return deductible, basic, ZERO, combine(lambda cost, paid: fen((cost - paid) * rate), in_scope, basic)
