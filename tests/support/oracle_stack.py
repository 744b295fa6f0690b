"""What the policy says of one person's claims, in plain Python: layer by layer, claim by claim.

In: a resident and claims as dicts of facts already read (Decimal, date, str, bool, int). Out: for every
claim its seven decisions. `oracle.py` does the same for a population, with its benefits.

Written from the policy alone; it imports nothing of the product.
Invariants: `None` is unknown and `NOT_MODELLED` means that no rule exists; in arithmetic an operand not
modelled wins over an unknown one; money is exact and rounded half up to the fen where it is decided.
A fact whose key is missing is unknown, save the opening balances, which then are 0.00; an opening
balance that is present and None is unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from enum import Enum
from typing import Final, Literal, TypeAlias

Facts: TypeAlias = Mapping[str, object]
Truth: TypeAlias = bool | None


class NotModelled(Enum):
    """The one answer that is neither a value nor unknown."""

    NOT_MODELLED = "not_modelled"


NOT_MODELLED: Final = NotModelled.NOT_MODELLED
Amount: TypeAlias = Decimal | NotModelled | None

ZERO = Decimal("0.00")
SHANGHAI_SINCE = dt.date(2020, 1, 1)
ASSISTANCE_SINCE = dt.date(2023, 1, 1)  # Beijing's rules, which stand in for the other two
REVIEW_BY = dt.date(2027, 12, 31)

DEDUCTIBLE_WORKING, DEDUCTIBLE_RETIRED = Decimal("1500.00"), Decimal("1200.00")
RATE_WORKING, RATE_RETIRED = Decimal("0.85"), Decimal("0.92")
RATE_ABOVE_LIMIT = Decimal("0.80")
RESIDENT_DEDUCTIBLE = {
    "primary": Decimal("50.00"),
    "secondary": Decimal("100.00"),
    "tertiary": Decimal("300.00"),
}
RESIDENT_RATE = Decimal("0.75")
CRITICAL_RATE, CRITICAL_RATE_POOR = Decimal("0.60"), Decimal("0.65")
POOR_IN_CRITICAL_ILLNESS = ("subsistence", "low_income", "destitute", "returned_to_poverty")
SETTLED_APART = ("special", "mutual_aid")
UNASSISTED = ("none", "illness_poverty")
ASSISTANCE = {  # standard -> rate and annual limit for subsistence and low income
    "inpatient": (Decimal("0.85"), Decimal("160000.00")),
    "outpatient": (Decimal("0.80"), Decimal("8000.00")),
}
STANDARD = {"inpatient": "inpatient", "chronic_outpatient": "inpatient", "outpatient": "outpatient"}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the law is read: what the employee limit counts, and its amounts over time."""

    limit_counts: Literal["payments", "costs"] = "payments"
    limits: tuple[tuple[dt.date, Decimal], ...] = ((dt.date(2020, 1, 1), Decimal("550000.00")),)

    def limit_on(self, day: dt.date) -> Decimal:
        return max((start, limit) for start, limit in self.limits if start <= day)[1]


LIMITS_2021_2025 = (
    (dt.date(2020, 1, 1), Decimal("550000.00")),
    (dt.date(2021, 7, 1), Decimal("570000.00")),
    (dt.date(2022, 7, 1), Decimal("590000.00")),
    (dt.date(2023, 7, 1), Decimal("610000.00")),
    (dt.date(2024, 7, 1), Decimal("630000.00")),
    (dt.date(2025, 7, 1), Decimal("650000.00")),
)
EMPLOYEE_YEAR_STARTS = (7, 1)
PAYMENTS = Reading()


def reading_of(overlays: Iterable[str]) -> Reading:
    """The reading that the shipped overlays of these names make."""
    names = set(overlays)
    unknown = names - {"limit_counts_costs", "employee_limit_2021_2025"}
    if unknown:
        raise ValueError(f"no such overlay: {sorted(unknown)}")
    dated = "employee_limit_2021_2025" in names
    return Reading(
        limit_counts="costs" if "limit_counts_costs" in names else "payments",
        limits=LIMITS_2021_2025 if dated else PAYMENTS.limits,
    )


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """The decisions in the contract's order, by name, and the claim's status."""

    decisions: Mapping[str, Amount]
    in_scope_personal_cost: Amount

    @property
    def status(self) -> str:
        return status_of(self.decisions["patient_pays"])


def status_of(amount: Amount) -> str:
    if amount is NOT_MODELLED:
        return "not_modelled"
    return "undetermined" if amount is None else "decided"


# Three-valued logic and arithmetic.


def both(*truths: Truth) -> Truth:
    if any(truth is False for truth in truths):
        return False
    return None if any(truth is None for truth in truths) else True


def either(*truths: Truth) -> Truth:
    if any(truth is True for truth in truths):
        return True
    return None if any(truth is None for truth in truths) else False


def opposite(truth: Truth) -> Truth:
    return None if truth is None else not truth


def is_one_of(value: object, *wanted: str) -> Truth:
    return None if value is None else value in wanted


def is_within(area: object, *prefixes: str) -> Truth:
    return None if area is None else str(area).startswith(prefixes)


def combine(formula: Callable[..., Decimal], *operands: Amount) -> Amount:
    """`formula` of the operands; not modelled if one is, else unknown if one is."""
    known: list[Decimal] = []
    for operand in operands:
        if operand is NOT_MODELLED:
            return NOT_MODELLED
        if isinstance(operand, Decimal):
            known.append(operand)
    if len(known) < len(operands):
        return None
    with localcontext(Context(prec=60)):
        return formula(*known)


def fen(value: Decimal) -> Decimal:
    """Rounded half up, away from zero, to the fen."""
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def quotient_in_fen(dividend: Decimal, divisor: Decimal) -> Decimal:
    """The exact quotient of two non-negative numbers, rounded half up to the fen."""
    top, bottom = (dividend * 100).as_integer_ratio(), divisor.as_integer_ratio()
    numerator, denominator = top[0] * bottom[1], top[1] * bottom[0]
    return Decimal((2 * numerator + denominator) // (2 * denominator)).scaleb(-2)


def difference(first: Amount, *others: Amount) -> Amount:
    return combine(lambda head, *tail: head - sum(tail, ZERO), first, *others)


# Facts and dates.


def money(facts: Facts, name: str) -> Decimal | None:
    value = facts.get(name)
    if value is None:
        return None
    if not isinstance(value, Decimal):
        raise TypeError(f"{name} must be a Decimal, not {value!r}")
    return value


def opening(resident: Facts, name: str) -> Decimal | None:
    return money(resident, name) if name in resident else ZERO


def day(facts: Facts, name: str) -> dt.date | None:
    value = facts.get(name)
    if value is not None and not isinstance(value, dt.date):
        raise TypeError(f"{name} must be a date, not {value!r}")
    return value


def benefit_year(date: dt.date, starts: tuple[int, int] = (1, 1)) -> int:
    """The calendar year in which the benefit year of `date` began."""
    return date.year if (date.month, date.day) >= starts else date.year - 1


# What has been counted so far.


@dataclass(slots=True)
class Account:
    """One person's running total of one accumulator, by benefit year."""

    opening: Decimal | None
    opening_year: int
    starts: tuple[int, int] = (1, 1)
    totals: dict[int, Decimal | None] = field(default_factory=dict)
    spoilt: bool = False  # a claim of unreadable date could belong to any year

    def total(self, date: dt.date) -> Decimal | None:
        if self.spoilt:
            return None
        year = benefit_year(date, self.starts)
        first = self.opening if year == self.opening_year else ZERO
        return self.totals.get(year, first)

    def add(self, date: dt.date | None, counts: Truth, amount: Amount) -> None:
        """Count `amount` if it counts; an unknown one, or one that may count, spoils the total."""
        if counts is False or amount is NOT_MODELLED:
            return
        if date is None:
            self.spoilt = True
            return
        before = self.total(date)
        year = benefit_year(date, self.starts)
        if counts is None or amount is None or before is None:
            self.totals[year] = None
        else:
            self.totals[year] = before + amount


def limited(raw: Amount, limit: Decimal, counted: Decimal | None) -> Amount:
    return combine(lambda wish, used: max(ZERO, min(wish, limit - used)), raw, counted)


@dataclass(slots=True)
class Accounts:
    deductible: Account
    basic: Account
    covered: Account
    assistance: dict[str, Account]

    @staticmethod
    def of(resident: Facts, as_of: dt.date) -> Accounts:
        def account(name: str, starts: tuple[int, int]) -> Account:
            return Account(opening(resident, name), benefit_year(as_of, starts), starts)

        employee = EMPLOYEE_YEAR_STARTS
        return Accounts(
            deductible=account("opening_deductible_used", employee),
            basic=account("opening_basic_paid", employee),
            covered=account("opening_covered_cost", employee),
            assistance={
                care: account(f"opening_assistance_{care}_paid", (1, 1))
                for care in ("inpatient", "outpatient")
            },
        )

    def count(self, resident: Facts, claim: Facts, layers: Layers) -> None:
        """Add one claim's layers to the totals they feed."""
        date, care = day(claim, "service_date"), claim.get("care_type")
        employee_stay = both(
            is_one_of(care, "inpatient"), is_one_of(resident.get("insurance_scheme"), "employee")
        )
        self.deductible.add(date, employee_stay, layers.deductible)
        self.basic.add(date, employee_stay, layers.basic)
        self.covered.add(date, employee_stay, layers.covered)
        for standard, account in self.assistance.items():
            cares = [name for name, wanted in STANDARD.items() if wanted == standard]
            account.add(date, is_one_of(care, *cares), layers.assistance)


# The claim stack.


@dataclass(frozen=True, slots=True)
class Layers:
    """What a claim's layers decide; `covered` is the cost within the limit, counted by the costs reading."""

    deductible: Amount
    basic: Amount
    supplementary: Amount
    critical: Amount
    assistance: Amount = NOT_MODELLED
    covered: Amount = NOT_MODELLED


UNKNOWN_LAYERS = Layers(None, None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a claim stands before any amount is looked at."""

    uncovered: Truth  # in Shanghai without coverage: nothing is paid
    stay: Truth  # in Shanghai, covered, inpatient: the stack is modelled
    paid_elsewhere: Truth  # another system's basic payment stands in; None if that cannot be told
    assisted: Truth  # assistance is modelled
    unassisted: Truth  # not covered and paid elsewhere: no assistance, wherever it is

    @staticmethod
    def of(resident: Facts, claim: Facts, date: dt.date | None) -> Situation:
        area, care, scheme = (
            resident.get("insured_area"),
            claim.get("care_type"),
            resident.get("insurance_scheme"),
        )
        shanghai = both(is_within(area, "31"), None if date is None else date >= SHANGHAI_SINCE)
        covered = both(
            is_one_of(resident.get("coverage_status"), "active"),
            is_one_of(scheme, "employee", "resident"),
        )
        apart = is_one_of(scheme, *SETTLED_APART)
        uncovered = both(opposite(covered), opposite(apart))
        unreadable = claim.get("unreadable") == "basic_paid"
        stated = None if unreadable else claim.get("basic_paid") is not None
        modelled = both(is_within(area, "11", "31", "37"), None if date is None else date >= ASSISTANCE_SINCE)
        base = either(stated, both(is_within(area, "31"), is_one_of(care, "inpatient")))
        return Situation(
            uncovered=both(shanghai, uncovered),
            stay=both(shanghai, covered, is_one_of(care, "inpatient")),
            paid_elsewhere=both(stated, opposite(apart)),
            assisted=both(modelled, covered, base, is_one_of(care, *STANDARD)),
            unassisted=both(stated, uncovered),
        )


def spoilt_layers_of(resident: Facts, claim: Facts) -> Layers:
    """What a rejected claim could have been paid: unknown, save a layer no rule gives it for certain."""
    situation = Situation.of(resident, claim, day(claim, "service_date"))
    modelled = situation.stay is not False or situation.uncovered is not False
    return Layers(
        deductible=None if modelled else NOT_MODELLED,
        basic=None if modelled or situation.paid_elsewhere is not False else NOT_MODELLED,
        supplementary=None,
        critical=None,
        assistance=None
        if modelled or situation.assisted is not False or situation.unassisted is not False
        else NOT_MODELLED,
        covered=None if modelled else NOT_MODELLED,
    )


def layers_of(
    resident: Facts, claim: Facts, accounts: Accounts, date: dt.date, in_scope: Amount, reading: Reading
) -> Layers:
    situation = Situation.of(resident, claim, date)
    if situation.uncovered is True:
        return Layers(ZERO, ZERO, ZERO, ZERO, ZERO)
    if situation.stay is True:
        before = stay_of(resident, claim, accounts, date, in_scope, reading)
    elif situation.uncovered is None or situation.stay is None:
        before = UNKNOWN_LAYERS
    elif situation.paid_elsewhere is None:
        before = Layers(NOT_MODELLED, None, None, None)
    elif situation.paid_elsewhere:
        before = Layers(
            NOT_MODELLED,
            money(claim, "basic_paid"),
            money(claim, "supplementary_paid") or ZERO,
            money(claim, "critical_illness_paid") or ZERO,
        )
    else:
        before = Layers(NOT_MODELLED, NOT_MODELLED, NOT_MODELLED, NOT_MODELLED)
    assistance = assistance_of(resident, claim, accounts, date, in_scope, before, situation)
    return Layers(
        before.deductible, before.basic, before.supplementary, before.critical, assistance, before.covered
    )


def stay_of(
    resident: Facts, claim: Facts, accounts: Accounts, date: dt.date, in_scope: Amount, reading: Reading
) -> Layers:
    """A covered Shanghai stay; its scheme is known, or coverage would not be."""
    if resident["insurance_scheme"] == "employee":
        return employee_stay_of(resident, accounts, date, in_scope, reading)
    level = claim.get("hospital_level")
    per_admission = None if level is None else RESIDENT_DEDUCTIBLE[str(level)]
    deductible = combine(min, in_scope, per_admission)
    basic = combine(lambda cost, less: fen((cost - less) * RESIDENT_RATE), in_scope, deductible)
    return Layers(deductible, basic, ZERO, critical_of(resident, claim, in_scope, basic))


def employee_stay_of(
    resident: Facts, accounts: Accounts, date: dt.date, in_scope: Amount, reading: Reading
) -> Layers:
    status = resident.get("employment_status")
    annual = None if status is None else DEDUCTIBLE_RETIRED if status == "retired" else DEDUCTIBLE_WORKING
    rate = None if status is None else RATE_RETIRED if status == "retired" else RATE_WORKING
    deductible = combine(
        lambda cost, whole, used: min(cost, max(ZERO, whole - used)),
        in_scope,
        annual,
        accounts.deductible.total(date),
    )
    base = difference(in_scope, deductible)
    covered = limited(base, reading.limit_on(date), accounts.covered.total(date))
    basic: Amount
    above: Amount
    if reading.limit_counts == "costs":
        basic = combine(lambda cost, share: fen(cost * share), covered, rate)
        above = difference(base, covered)
    else:
        raw = combine(lambda cost, share: fen(cost * share), base, rate)
        basic = limited(raw, reading.limit_on(date), accounts.basic.total(date))
        above = combine(lambda due, paid, share: quotient_in_fen(due - paid, share), raw, basic, rate)
    supplementary = combine(lambda cost: fen(cost * RATE_ABOVE_LIMIT), above)
    return Layers(deductible, basic, supplementary, ZERO, covered=covered)


def critical_of(resident: Facts, claim: Facts, in_scope: Amount, basic: Amount) -> Amount:
    """Residents only: nothing for a claim not marked, unknown where the mark or the rate is."""
    marked, category = claim.get("critical_illness"), resident.get("assistance_category")
    if marked is False:
        return ZERO
    if marked is None or category is None:
        return None
    rate = CRITICAL_RATE_POOR if category in POOR_IN_CRITICAL_ILLNESS else CRITICAL_RATE
    return combine(lambda cost, paid: fen((cost - paid) * rate), in_scope, basic)


def assistance_of(
    resident: Facts,
    claim: Facts,
    accounts: Accounts,
    date: dt.date,
    in_scope: Amount,
    before: Layers,
    situation: Situation,
) -> Amount:
    category = resident.get("assistance_category")
    if situation.assisted is None or (situation.assisted is False and situation.uncovered is None):
        return None
    if situation.assisted is False:
        return {True: ZERO, False: NOT_MODELLED, None: None}[situation.unassisted]
    if category is None or category == "returned_to_poverty":
        return None
    if category in UNASSISTED:
        return ZERO
    left = combine(
        lambda cost, *paid: max(ZERO, cost - sum(paid, ZERO)),
        in_scope,
        before.basic,
        before.supplementary,
        before.critical,
    )
    if category == "destitute":
        return combine(fen, left)
    standard = STANDARD[str(claim["care_type"])]
    rate, limit = ASSISTANCE[standard]
    due = combine(lambda cost: fen(cost * rate), left)
    return limited(due, limit, accounts.assistance[standard].total(date))


def answer_for(claim: Facts, layers: Layers, in_scope: Amount) -> ClaimAnswer:
    payments = (layers.basic, layers.supplementary, layers.critical, layers.assistance)
    return ClaimAnswer(
        decisions={
            "in_scope_cost": in_scope,
            "deductible": layers.deductible,
            "basic_payment": layers.basic,
            "supplementary_payment": layers.supplementary,
            "critical_illness_payment": layers.critical,
            "assistance_payment": layers.assistance,
            "patient_pays": difference(money(claim, "total_cost"), *payments),
        },
        in_scope_personal_cost=difference(in_scope, *payments),
    )


def in_order(claims: Iterable[Facts]) -> list[Facts]:
    """By service date, then claim id by code point; what cannot be read comes first of its kind."""
    return sorted(
        claims,
        key=lambda claim: (day(claim, "service_date") or dt.date.min, str(claim.get("claim_id") or "")),
    )


def person_answers(
    resident: Facts, claims: Iterable[Facts], spoilt: Iterable[Facts], as_of: dt.date, reading: Reading
) -> dict[str, ClaimAnswer]:
    """One person's claims in order; a rejected one (`spoilt`) counts in its place for what it could have been.

    The key `unreadable` of a rejected claim names the fact at fault.
    """
    accounts = Accounts.of(resident, as_of)
    rejected = list(spoilt)
    answers: dict[str, ClaimAnswer] = {}
    for claim in in_order([*claims, *rejected]):
        if any(claim is other for other in rejected):
            accounts.count(resident, claim, spoilt_layers_of(resident, claim))
            continue
        date = day(claim, "service_date")
        if date is None or date > min(as_of, REVIEW_BY):
            raise ValueError(f"claim {claim['claim_id']} must be passed among the rejected ones")
        in_scope = difference(money(claim, "total_cost"), money(claim, "out_of_scope_cost"))
        layers = layers_of(resident, claim, accounts, date, in_scope, reading)
        accounts.count(resident, claim, layers)
        answers[str(claim["claim_id"])] = answer_for(claim, layers, in_scope)
    return answers
