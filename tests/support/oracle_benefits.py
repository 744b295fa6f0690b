"""The benefits of the policy beside the claim stack, the family's aid, the warnings and premiums, in plain Python.

In: a person's facts as of the day, the claims that take part, the visits, and of each claim the layers decided. Out: by
benefit its status and amount. Written from the policy alone; None is unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from tests.support.oracle import BenefitAnswer, twelve_months_before
from tests.support.oracle_over_time import (
    LIMIT,
    LIMITED,
    OTHER_PAYERS,
    PAID_ELSEWHERE,
    RATE,
    STANDARD,
    WHOLE,
    TwoBalances,
    overpaid,
    person_of,
    readable_cost,
    row_on,
    waits,
)
from tests.support.oracle_stack import (
    NOT_MODELLED,
    ZERO,
    Amount,
    Truth,
    both,
    combine,
    difference,
    either,
    fen,
    is_one_of,
    opening,
    opposite,
    quotient_in_fen,
)

Facts: TypeAlias = Mapping[str, Any]
SINCE_SHANDONG: Final = dt.date(2025, 1, 1)
MONTHLY_BY_LEVEL: Final[dict[Any, Decimal]] = {3: Decimal(1050), 4: Decimal(2145), 5: Decimal(3240)}
PACKAGE: Final = {1: 100, 2: 120, 3: 120, 4: 140, 5: 140, 6: 160, 7: 180}
DELTA: Final = ("31", "32", "33", "34")
ZONE: Final = ("310118", "320509", "330421")
MUNICIPALITIES: Final = ("11", "12", "31", "50")
JUYE: Final = "371724"
EARLIER: Final = ("basic_payment", "supplementary_payment", "critical_illness_payment")


def digits(place: object) -> str:
    """A code without its padding; one ending in 99 is the city itself."""
    code = str(place)
    while len(code) > 2 and code.endswith("0" * (3 if len(code) in (9, 12) else 2)):
        code = code[: -(3 if len(code) in (9, 12) else 2)]
    return code[:4] if len(code) == 6 and code.endswith("99") else code


def lies_in(place: object, *outer: str) -> Truth:
    """Whether a place lies in one of some; unknown where its code is too coarse to tell."""
    if place is None:
        return None
    code = digits(place)
    return either(*(True if code.startswith(o) else None if o.startswith(code) else False for o in outer))


def pooling_area(place: object) -> str | None:
    """The prefecture or municipality; None where it is not known, or the code is coarser."""
    code = "" if place is None else digits(place)
    size = 2 if code.startswith(MUNICIPALITIES) else 4
    return code[:size] if len(code) >= size else None


def are_apart(one: object, other: object) -> Truth:
    """Whether two places lie in different pooling areas."""
    if one is None or other is None:
        return None
    if digits(one)[:2] != digits(other)[:2]:
        return True
    areas = pooling_area(one), pooling_area(other)
    return None if None in areas else areas[0] != areas[1]


def at_least(value: Any, least: int) -> Truth:
    return None if value is None else value >= least


def answer(here: Truth, due: Truth, amount: Amount = None) -> BenefitAnswer:
    """Jurisdiction first; then whether it is due, and how much."""
    if here is False:
        return BenefitAnswer("not_modelled")
    if here is None or due is None:
        return BenefitAnswer("undetermined")
    if not due:
        return BenefitAnswer("ineligible")
    return BenefitAnswer("eligible", amount if isinstance(amount, Decimal) else None)


def active(person: Facts) -> Truth:
    return is_one_of(person.get("coverage_status"), "active")


def covered(person: Facts) -> Truth:
    return both(active(person), scheme(person, "employee", "resident"))


def scheme(person: Facts, *names: str) -> Truth:
    return is_one_of(person.get("insurance_scheme"), *names)


def is_recent(day: object, as_of: dt.date) -> Truth:
    return None if not isinstance(day, dt.date) else twelve_months_before(as_of) < day <= as_of


def employer_contribution(person: Facts, as_of: dt.date) -> BenefitAnswer:
    due = both(
        scheme(person, "employee"), active(person), is_one_of(person.get("employment_status"), "employed")
    )
    rate = Decimal("0.095") if as_of < dt.date(2025, 1, 1) else Decimal("0.09")
    amount = combine(lambda base: fen(base * rate), person.get("contribution_base"))
    return answer(lies_in(person.get("insured_area"), "31"), due, amount)


def premium_amount(person: Facts) -> Decimal | None:
    """The destitute have the whole premium; the fixed amount of the others is not published."""
    whole = person.get("assistance_category") == "destitute"
    return person.get("annual_premium") if whole else None


def in_shandong(person: Facts, as_of: dt.date, place: str = "37") -> Truth:
    return both(as_of >= SINCE_SHANDONG, lies_in(person.get("insured_area"), place))


def has_care_level(person: Facts) -> Truth:
    return both(scheme(person, "resident"), active(person), at_least(person.get("disability_level"), 3))


def institution_allowance(person: Facts, as_of: dt.date) -> BenefitAnswer:
    days, level = person.get("institution_days"), person.get("disability_level")
    monthly = MONTHLY_BY_LEVEL.get(level)
    amount = None
    if isinstance(days, int) and monthly is not None:
        amount = min(monthly, quotient_in_fen(monthly * days, Decimal(30)))
    due = both(has_care_level(person), at_least(days, 1))
    return answer(in_shandong(person, as_of, "3714"), due, amount)


def home_package(rows: Sequence[Facts], visits: Iterable[Facts], as_of: dt.date) -> BenefitAnswer:
    """Each visit pays on what the person was on its day."""
    amount: Amount = ZERO
    for visit in visits:
        day = visit["service_date"]
        here, level = in_shandong(row_on(rows, day), day, "3714"), has_care_level(row_on(rows, day))
        if visit.get("rejected"):
            here = None
        if here is False:
            continue  # not modelled adds nothing; where the place is open, so is whether a rule gives 0.00
        paid = None if here is None else level
        one = None if paid is None else Decimal(PACKAGE[len(visit["optional_items"])]) if paid else ZERO
        amount = combine(lambda sofar, more: sofar + more, amount, one)
    person = row_on(rows, as_of)
    return answer(in_shandong(person, as_of, "3714"), has_care_level(person), amount)


def insurance_transfer(person: Facts, as_of: dt.date) -> BenefitAnswer:
    now, before = person.get("insured_area"), person.get("previous_insured_area")
    due = both(covered(person), lies_in(before, "37"), are_apart(now, before))
    return answer(in_shandong(person, as_of), due)


def retiree_benefits(person: Facts, as_of: dt.date) -> BenefitAnswer:
    months, area = person.get("contribution_months"), person.get("insured_area")
    shanghai, shandong = lies_in(area, "31"), in_shandong(person, as_of)
    sex = person.get("sex")
    years = {"male": at_least(months, 360), "female": at_least(months, 300)}.get(str(sex))
    if sex is None:  # both lines may agree
        years = True if at_least(months, 360) else False if at_least(months, 300) is False else None
    enough = either(both(shanghai, at_least(months, 180)), both(shandong, years))
    due = both(
        scheme(person, "employee"), active(person), is_one_of(person.get("employment_status"), "retired"), enough
    )  # fmt: skip
    return answer(either(shanghai, shandong), due)


def doubted(claim: Facts, truth: Truth) -> Truth:
    """What may be so of a rejected claim is open."""
    return None if claim.get("rejected") and truth else truth


def has_recent(claims: Iterable[Facts], care: str, as_of: dt.date) -> Truth:
    """Told claims end at the decision date: a later one is rejected, and its day may be what is wrong with it."""
    since = twelve_months_before(as_of)
    ways = ((c, both(is_one_of(c.get("care_type"), care), c["service_date"] > since)) for c in claims)
    return either(*(doubted(claim, way) for claim, way in ways))


def gave_birth(person: Facts, claims: Iterable[Facts], as_of: dt.date) -> Truth:
    told = both(at_least(person.get("children_born"), 1), is_recent(person.get("delivery_date"), as_of))
    return either(told, has_recent(claims, "delivery", as_of))


def maternity_allowance(person: Facts, claims: Sequence[Facts], as_of: dt.date) -> BenefitAnswer:
    due = both(
        is_one_of(person.get("sex"), "female"), scheme(person, "employee"), active(person),
        is_one_of(person.get("employment_status"), "employed"), gave_birth(person, claims, as_of),
    )  # fmt: skip
    children = person.get("children_born")
    wage, hard = person.get("employer_average_wage"), person.get("difficult_delivery")
    amount = None
    if isinstance(wage, Decimal) and isinstance(hard, bool) and isinstance(children, int):
        days = 98 + 60 + 15 * hard + 15 * max(0, children - 1)
        amount = quotient_in_fen(wage * days, Decimal(30))
    here = either(in_shandong(person, as_of), lies_in(person.get("insured_area"), "31"))
    return answer(here, due, amount)


def prenatal_fee(person: Facts, claims: Sequence[Facts], as_of: dt.date) -> BenefitAnswer:
    expecting = either(has_recent(claims, "prenatal", as_of), gave_birth(person, claims, as_of))
    due = both(is_one_of(person.get("sex"), "female"), scheme(person, "employee"), active(person), expecting)
    return answer(in_shandong(person, as_of), due)


def where_told(place: object, truth: Truth) -> Truth:
    """The answer of a place's rules; open where nobody knows which place that is."""
    return None if place is None else truth


def maternity_direct(rows: Sequence[Facts], claims: Iterable[Facts], as_of: dt.date) -> BenefitAnswer:
    """A woman's deliveries at networked hospitals, each on what she was on its day; no window."""
    ways = []
    for claim in claims:
        person, there = person_of(claim, rows), claim.get("hospital_area")
        home = person.get("insured_area")
        pilot = both(
            lies_in(home, "37"),
            either(lies_in(home, JUYE), lies_in(there, JUYE)),
            is_one_of(person.get("sex"), "female"), scheme(person, "employee"), active(person),
        )  # fmt: skip
        delivery = both(is_one_of(claim.get("care_type"), "delivery"), claim.get("maternity_networked"))
        since = claim["service_date"] >= SINCE_SHANDONG
        ways.append(doubted(claim, both(since, delivery, lies_in(there, "37"), where_told(home, pilot))))
    return answer(in_shandong(row_on(rows, as_of), as_of), either(*ways))


def remote_settlement(rows: Sequence[Facts], claims: Iterable[Facts], as_of: dt.date) -> BenefitAnswer:
    """Filed outpatients of Shanghai nationwide, others in the delta; care of every type between places of the zone."""
    ways = []
    for claim in claims:
        person, there = person_of(claim, rows), claim.get("hospital_area")
        home = person.get("insured_area")
        since = claim["service_date"] >= dt.date(2023, 2, 27)
        filed = both(is_one_of(claim.get("care_type"), "outpatient"), claim.get("filed_for_remote_care"))
        zone = lies_in(there, *ZONE)
        entitled = both(
            active(person), scheme(person, "employee", "resident"), opposite(waits(claim, person))
        )
        within_delta = both(lies_in(home, *DELTA), lies_in(there, *DELTA))
        settled = either(
            both(filed, either(both(lies_in(home, "31"), since), within_delta)),
            both(zone, lies_in(home, *ZONE), since),
        )
        settled = where_told(home, both(settled, are_apart(home, there)))
        ways.append(doubted(claim, both(entitled, claim.get("networked"), either(filed, zone), settled)))
    person = row_on(rows, as_of)
    return answer(lies_in(person.get("insured_area"), *DELTA), both(covered(person), either(*ways)))


def unassisted_patient(
    rows: Sequence[Facts],
    claims: Sequence[Facts],
    layers: Mapping[str, Mapping[str, Amount]],
    as_of: dt.date,
) -> BenefitAnswer:
    """Whether assistance would have paid on a claim on which 0.00 was paid, on what was really paid before it."""
    person = row_on(rows, as_of)
    ways = [unpaid for unpaid, _ in unassisted_costs(rows, claims, layers, as_of)]
    recipient = opposite(is_one_of(person.get("assistance_category"), "none"))
    return answer(in_shandong(person, as_of), both(recipient, either(*ways)))


def unassisted_costs(
    rows: Sequence[Facts],
    claims: Sequence[Facts],
    layers: Mapping[str, Mapping[str, Amount]],
    as_of: dt.date,
) -> list[tuple[Truth, Amount]]:
    """Of each claim whether assistance is due on it and none was paid, and how much."""
    person = row_on(rows, as_of)
    balances = {
        care: TwoBalances(opening(person, f"opening_assistance_{care}_paid"), as_of, (1, 1)) for care in RATE
    }
    costs: list[tuple[Truth, Amount]] = []
    for claim in sorted(claims, key=lambda c: (c["service_date"], c["claim_id"])):
        due = assistance_due(person_of(claim, rows), claim, layers.get(str(claim["claim_id"]), {}), balances)
        if due is not NOT_MODELLED:
            settled = claim.get("settled_assistance_payment")
            unpaid = None if settled is None else settled == ZERO
            costs.append((doubted(claim, both(unpaid, None if due is None else due > ZERO)), due))
    return costs


def assistance_due(
    person: Facts, claim: Facts, decided: Mapping[str, Amount], balances: Mapping[str, TwoBalances]
) -> Amount:
    """What assistance would have paid on a claim; unknown of a rejected one.

    One whose due is open leaves the limit open for those after it, whatever was paid on it.
    """
    day: dt.date = claim["service_date"]
    rejected = bool(claim.get("rejected"))
    category, care = person.get("assistance_category"), claim.get("care_type")
    if category == "none" and claim.get("category_on_admission") is not None:
        category = claim["category_on_admission"]
    entitled = both(
        day >= dt.date(2023, 1, 1), lies_in(person.get("insured_area"), "37"), active(person),
        scheme(person, "employee", "resident"), is_one_of(care, *STANDARD),
    )  # fmt: skip
    if entitled is False:
        return NOT_MODELLED
    if rejected:  # nothing was paid before where no rule and no other system pays, and that is known
        unpaid = claim.get("basic_paid") is None and not overpaid(claim)
        decided = {"in_scope_cost": None, **dict.fromkeys(EARLIER, NOT_MODELLED if unpaid else None)}
        cost, beside = readable_cost(claim), sum((claim.get(name) or ZERO for name in OTHER_PAYERS), ZERO)
        contradicted = overpaid(claim) or not isinstance(cost, Decimal) or beside > cost
        if claim.get("basic_paid") is not None and not contradicted:  # what another system paid can be read
            read = dict(zip(EARLIER, (claim.get(name, ZERO) for name in PAID_ELSEWHERE), strict=True))
            decided = {"in_scope_cost": cost, **read}
    paid = [decided[n] if claim.get(f"settled_{n}") is None else claim[f"settled_{n}"] for n in EARLIER]
    others = [claim.get(name, ZERO) for name in OTHER_PAYERS]
    rest = combine(lambda cost: max(ZERO, cost), difference(decided["in_scope_cost"], *paid, *others))
    standard = STANDARD.get(str(care))
    before = ZERO if standard is None else balances[standard].before(day, False)
    due: Amount = None
    if category in ("none", "illness_poverty"):
        due = ZERO
    elif category in WHOLE:
        due = combine(fen, rest)
    elif category is not None and category != "returned_to_poverty" and standard is not None:
        due = combine(lambda cost: fen(cost * RATE[standard]), rest)
        if category in LIMITED:
            due = combine(lambda wish, gone: max(ZERO, min(wish, LIMIT[standard] - gone)), due, before)
    elif category is not None and rest is NOT_MODELLED:
        due = NOT_MODELLED
    for kind, balance in balances.items():
        member = is_one_of(care, *(name for name, wanted in STANDARD.items() if wanted == kind))
        counts = both(member, entitled, is_one_of(category, *LIMITED))
        paid_out = None if rejected or due is None else claim.get("settled_assistance_payment")
        balance.add(day, counts, None if rejected else due, paid_out, member)
    return due if entitled else None


def benefits(
    rows: Sequence[Facts],
    claims: Sequence[Facts],
    visits: Iterable[Facts],
    layers: Mapping[str, Mapping[str, Amount]],
    as_of: dt.date,
) -> dict[str, BenefitAnswer]:
    """Every benefit of this file by name. `claims`: those that take part; `visits`: with their days and items."""
    person = row_on(rows, as_of)
    return {
        "employer_contribution": employer_contribution(person, as_of),
        "ltc_institution_allowance": institution_allowance(person, as_of),
        "ltc_home_package": home_package(rows, visits, as_of),
        "insurance_transfer": insurance_transfer(person, as_of),
        "retiree_benefits": retiree_benefits(person, as_of),
        "maternity_allowance": maternity_allowance(person, claims, as_of),
        "prenatal_check_fee": prenatal_fee(person, claims, as_of),
        "maternity_direct_settlement": maternity_direct(rows, claims, as_of),
        "remote_direct_settlement": remote_settlement(rows, claims, as_of),
        "unassisted_patient": unassisted_patient(rows, claims, layers, as_of),
    }
