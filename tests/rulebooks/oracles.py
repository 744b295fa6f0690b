"""What the mechanisms give, in plain Python that knows nothing of the engine.

In: a household of which every fact is known. Out: values by (row's key, decision); None: no rule covers it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias

from tests.support.homes import Record

Answers: TypeAlias = dict[tuple[str, str], Any]
Totals: TypeAlias = defaultdict[Any, Decimal]
ZERO = Decimal(0)


def fen(amount: Decimal) -> Decimal:
    """Rounded half up to the fen."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def within(amount: Decimal, limit: Decimal, before: Decimal) -> Decimal:
    """What a limit leaves of an amount after what was paid before."""
    return max(ZERO, min(fen(amount), limit - before))


def told(row: Record) -> dict[str, Any]:
    """The facts of a row, of whatever types they are."""
    return dict(row.facts)


def in_turn(rows: Iterator[Record] | list[Record]) -> list[Record]:
    return sorted(rows, key=lambda row: (told(row)["service_date"], row.key))


def accumulators(home: Record) -> Answers:
    """What running totals are kept of."""
    answers: Answers = {}
    family = told(home)["family_opening"]
    family_visits: defaultdict[tuple[int, int], int] = defaultdict(int)
    for claim in in_turn([claim for member in home.children for claim in member.children]):
        day = told(claim)["service_date"]
        answers[claim.key, "family"] = paid = within(told(claim)["cost"] * 3 / 10, Decimal(900), family)
        answers[claim.key, "family_visits"] = family_visits[day.year, day.month]
        family += paid
        family_visits[day.year, day.month] += 1
    for member in home.children:
        answers |= _of_person(member)
    return answers


def _of_person(member: Record) -> Answers:
    answers: Answers = {}
    pooled, hours, hospital, episode, days, quarters, halves = (Totals(Decimal) for _ in range(7))
    stays: defaultdict[int, int] = defaultdict(int)
    visits: list[dt.date] = []
    for claim in in_turn(member.children):
        facts, key = told(claim), claim.key
        day, cost = facts["service_date"], facts["cost"]
        limit = 1000 + max(ZERO, 1000 - pooled[day.year - 1])
        inpatient, number = facts["care"] == "inpatient", stays[day.year]
        quarter, half = (day.year * 12 + day.month - 1) // 3, (day.year, day.month > 6)
        answers |= {
            (key, "carried"): limit,
            (key, "pooled"): within(cost / 2, limit, pooled[day.year]),
            (key, "stay"): number + 1 if inpatient else None,
            (key, "threshold"): (800, 400, 0)[min(number, 2)] if inpatient else None,
            (key, "monthly"): max(ZERO, min(facts["hours"], Decimal("40.5") - hours[day.year, day.month])),
            (key, "at_hospital"): within(cost, Decimal(500), hospital[day.year, facts["hospital"]]),
            (key, "recent"): sum(visit >= day - dt.timedelta(30) for visit in visits),
            (key, "of_episode"): within(cost, Decimal(700), episode[facts["episode"]]),
            (key, "of_day"): within(cost, Decimal(300), days[day]),
            (key, "of_quarter"): within(
                cost, 400 + max(ZERO, 400 - quarters[quarter - 1]), quarters[quarter]
            ),
            (key, "of_half"): within(cost, Decimal(600), halves[half]),
        }
        pooled[day.year] += answers[key, "pooled"]
        hours[day.year, day.month] += answers[key, "monthly"]
        hospital[day.year, facts["hospital"]] += answers[key, "at_hospital"]
        episode[facts["episode"]] += answers[key, "of_episode"]
        days[day] += answers[key, "of_day"]
        quarters[quarter] += answers[key, "of_quarter"]
        halves[half] += answers[key, "of_half"]
        stays[day.year] += inpatient
        visits += [day] if facts["care"] == "outpatient" else []
    return answers


def marginal(amount: Decimal, *brackets: tuple[int, str]) -> Decimal:
    """Each part above a floor at that floor's rate."""
    ends = [Decimal(over) for over, _ in brackets[1:]]
    parts = zip(brackets, [*ends, None], strict=True)
    return sum(
        (
            max(ZERO, (amount if end is None else min(amount, end)) - over) * Decimal(rate)
            for (over, rate), end in parts
        ),
        ZERO,
    )


def figures(home: Record) -> Answers:
    """Figures with keys, on other dates, shifted scales; names, functions, sums over rows."""
    claims = [claim for member in home.children for claim in member.children]
    costs = [told(claim)["cost"] for claim in claims]
    answers: Answers = {
        (home.key, "family_cost"): sum((cost for cost in costs if cost > 10), ZERO)
        + sum((told(claim)["wage_paid"] for claim in claims), ZERO),
        (home.key, "anyone"): any(
            told(claim)["cost"] > 100000 and told(member)["category"] == "none"
            for member in home.children
            for claim in member.children
        ),
        (home.key, "dearest"): max(costs, default=None),
        (home.key, "first_seen"): min((told(claim)["service_date"] for claim in claims), default=None),
    }
    for member in home.children:
        rows = [told(claim) for claim in member.children]
        answers[member.key, "wards"] = sum((row["cost"] * 2 + row["hours"] for row in rows), ZERO)
        for claim in member.children:
            answers |= {
                (claim.key, name): value for name, value in _figures_of(told(claim), told(member)).items()
            }
    return answers


def _figures_of(claim: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
    cost, day, area, born = claim["cost"], claim["service_date"], person["area"], person["birth_date"]
    local, new = area.startswith("31"), dt.date(2025, 7, 1)
    if claim["level"] == "primary":
        share = "0.8" if not local else "0.91" if area == "310115" else "0.92" if day.year >= 2026 else "0.9"
    else:
        share = "0.75" if local else "0.6"
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    poor = person["category"] in ("destitute", "subsistence")
    scale = [(0, "0.7"), (10000, "0.8")] if poor else [(800, "0.6"), (20000, "0.65")]
    rate = Decimal("0.6") if day >= new else Decimal("0.5")
    most = {"hypertension": Decimal(500), "diabetes": Decimal("600.5"), "stroke": Decimal(900)}[
        claim["disease"]
    ]
    twice = max(ZERO, cost - 100) * 2
    whole = Decimal(11520)  # what the first bracket of the plain scale pays
    needed = 800 + cost / Decimal("0.6") if cost <= whole else 20000 + (cost - whole) / Decimal("0.65")
    return {
        "share": Decimal(share),
        "by_age": Decimal(100 if age < 18 else 50 if age < 60 else 200),
        "old_rate": Decimal("0.6") if claim["admission_date"] >= new else Decimal("0.5"),
        "paid": fen(marginal(cost, *scale)),
        "halved": fen(marginal(cost, (400, "0.6"), (20000, "0.65"))),
        "more": fen(marginal(cost, (800, "0.65"), (20000, "0.7"))),
        "needed": fen(needed) if cost > 0 else ZERO,
        "of_disease": fen(min(cost * rate, most)),
        "named": fen(twice / 7) if twice > 1000 else twice / 2,
    }


def months_later(day: dt.date, count: int) -> dt.date:
    """The day so many months later, the last of its month where there is no such day."""
    month = day.year * 12 + day.month - 1 + count
    first = dt.date(month // 12, month % 12 + 1, 1)
    following = dt.date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first + dt.timedelta(min(day.day, (following - first).days) - 1)


def dates(home: Record) -> Answers:
    """A stay over New Year split by days, waiting periods, places compared, all layers paid."""
    answers: Answers = {}
    for member in home.children:
        person = told(member)
        seen = [told(claim)["service_date"] for claim in member.children]
        answers |= {
            (member.key, "first_seen"): min(seen, default=None),
            (member.key, "last_seen"): max(seen) + dt.timedelta(1) if seen else None,
            (member.key, "newborn_until"): months_later(person["birth_date"], 3),
            (member.key, "born_on"): person["birth_date"].replace(day=15),
        }
        of_year = Totals(Decimal)
        for claim in in_turn(member.children):
            answers |= {(claim.key, name): value for name, value in _dates_of(told(claim), person).items()}
            answers |= _over_new_year(claim.key, told(claim), of_year)
    return answers


def _over_new_year(key: str, claim: dict[str, Any], of_year: Totals) -> Answers:
    """What is paid of a stay's days in each of two years, under the limits of both."""
    admitted, day = claim["admission_date"], claim["service_date"]
    rates = {2024: Decimal("0.6"), 2025: Decimal("0.7"), 2026: Decimal("0.8")}
    stay = [(admitted + dt.timedelta(at)).year for at in range((day - admitted).days + 1)]
    answers: Answers = {(key, "before_turn"): None}
    for name, year in (("before_turn", admitted.year), ("after_turn", day.year)):
        if name == "after_turn" or admitted.year < day.year:
            due = (claim["cost"] * stay.count(year) * rates[year] / len(stay)).quantize(
                Decimal("0.01"), ROUND_HALF_UP
            )
            answers[key, name] = within(due, Decimal(25000 if year == 2026 else 20000), of_year[year])
            of_year[year] += answers[key, name]
    return answers


def _dates_of(claim: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
    cost, day, admitted, enrolled = (
        claim["cost"], claim["service_date"], claim["admission_date"], person["enrolled_on"],
    )  # fmt: skip
    rate = {2024: Decimal("0.6"), 2025: Decimal("0.7"), 2026: Decimal("0.8")}
    stay = [admitted + dt.timedelta(at) for at in range((day - admitted).days + 1)]
    before = sum(one.year < day.year for one in stay)
    share = Decimal(before) * rate[admitted.year] + Decimal(len(stay) - before) * rate[day.year]
    sign, (first, second) = (1, (enrolled, day)) if enrolled <= day else (-1, (day, enrolled))
    months = (second.year - first.year) * 12 + second.month - first.month - (second.day < first.day)
    here, there = person["area"], claim["hospital_area"]
    city = here[:2] == there[:2] and (here[:2] in ("11", "31") or here[:4] == there[:4])
    remote = "same city" if city else "same province" if here[:2] == there[:2] else "elsewhere"
    basic, extra = fen(cost / 2), fen((cost - 1000) / 10) if cost > 1000 else None
    aid = fen((cost - basic) / 5) if claim["applied"] else None
    pool = {"31": "0.9"}.get(here[:2]) or {"3717": "0.7"}.get(here[:4], "0.5")
    return {
        "days": len(stay),
        "over_year": (cost * share / len(stay)).quantize(Decimal("0.01"), ROUND_HALF_UP),
        "waited": day >= months_later(enrolled, 6),
        "long_stay": (day - admitted).days > 30,
        "insured_months": sign * months,
        "until": months_later(day, int(person["care_level"])) - dt.timedelta(1),
        "later": max(enrolled, admitted),
        "remote": remote,
        "pooled_rate": Decimal(pool),
        "basic": basic,
        "extra": extra,
        "aid": aid,
        "patient_pays": cost - basic - (extra or 0) - (aid or 0),
    }


def earlier(home: Record) -> Answers:
    """What rows before were: the stay before, its discharge, its level; transfers and readmissions."""
    answers: Answers = {}
    deductibles = {"primary": 200, "secondary": 500, "tertiary": 1000}
    for member in home.children:
        stays: list[dict[str, Any]] = []
        for row in in_turn(member.children):
            claim, inpatient = told(row), told(row)["care"] == "inpatient"
            before = stays[-1] if stays else None
            number = sum(stay["service_date"].year == claim["service_date"].year for stay in stays)
            full = Decimal(deductibles[claim["level"]])
            threshold: Decimal | None = full / (1, 2, 4)[min(number, 2)]
            if claim["transferred"]:
                threshold = max(ZERO, full - deductibles[before["level"]]) if before else None
            readmitted = before is not None and (claim["admission_date"] - before["service_date"]).days <= 30
            answers |= {
                (row.key, "readmitted"): readmitted if inpatient else None,
                (row.key, "gap"): (claim["service_date"] - before["service_date"]).days if before else None,
                (row.key, "level_before"): before["level"] if before else None,
                (row.key, "stays_here"): sum(stay["hospital"] == claim["hospital"] for stay in stays),
                (row.key, "threshold"): threshold if inpatient else None,
            }
            stays += [claim] if inpatient else []
    return answers


SEGMENTS: dict[str, list[tuple[int, str]]] = {
    "primary": [(0, "0.9")],
    "secondary": [(0, "0.8"), (20000, "0.85")],
    "tertiary": [(0, "0.6"), (20000, "0.65"), (100000, "0.7")],
}


LAYERS = ("basic", "own_part", "critical", "first_round", "second_round")


def city(home: Record) -> Answers:
    """Segments by level, remote care, critical illness, assistance in two rounds, maternity, chronic diseases."""
    answers: Answers = {}
    for member in home.children:
        answers |= _stays(member)
        answers |= _chronic(member)
    return answers


def _stays(member: Record) -> Answers:
    person, answers = told(member), Answers()
    stays: defaultdict[int, int] = defaultdict(int)
    borne, aided, critical, hours = (Totals(Decimal) for _ in range(4))
    quick = (person["enrolled_on"] - person["birth_date"]).days <= 90
    start = person["birth_date"] if quick else months_later(person["enrolled_on"], 3)
    poor = person["category"] != "none"
    share = {"none": "0", "low_income": "0.6", "subsistence": "0.7", "destitute": "1"}[person["category"]]
    most_hours = Decimal("0" if person["care_level"] <= 1 else "20.5" if person["care_level"] <= 3 else "30")
    for row in in_turn(member.children):
        claim, key = told(row), row.key
        year, cost, care = claim["service_date"].year, claim["cost"], claim["care"]
        bonus = 1000 * max(0, int(person["continuous_years"]) - 4) + (1000 if not critical[year - 1] else 0)
        limit = 200000 + min(40000, bonus)
        answers[key, "top_limit"] = limit
        if care == "maternity":
            fixed = 3000 if claim["level"] == "primary" else 4500
            answers[key, "maternity"] = max(ZERO, fixed - claim["wage_paid"])
        if care == "home":
            month = year, claim["service_date"].month
            answers[key, "hours_paid"] = max(ZERO, min(claim["hours"], most_hours - hours[month]))
            hours[month] += answers[key, "hours_paid"]
        if care != "inpatient":
            continue
        if (
            claim["service_date"] < start
        ):  # not covered: no rule for basic insurance, nor for what rests on it
            answers |= dict.fromkeys((key, name) for name in LAYERS)
            answers[key, "patient_pays"] = cost
            stays[year] += 1
            continue
        city = _one_city(claim["hospital_area"], person["area"])
        points = ZERO if city else Decimal("-0.1") if claim["filed"] else Decimal("-0.2")
        over = {"primary": 200, "secondary": 500, "tertiary": 800}[claim["level"]] * (
            Decimal("0.5") if stays[year] else 1
        )
        scale = [(floor, str(Decimal(rate) + points)) for floor, rate in SEGMENTS[claim["level"]]]
        basic = fen(marginal(max(ZERO, cost - over), *scale))
        own = cost - basic
        severe = [(7500, "0.65"), (100000, "0.7")] if poor else [(15000, "0.6"), (100000, "0.65")]
        more = marginal(borne[year] + own, *severe) - marginal(borne[year], *severe)
        paid = within(more, Decimal(limit), critical[year])
        aid = second = None
        if claim["applied"]:
            aid = max(ZERO, min((own - paid) * Decimal(share), 20000 - aided[year]))
            aid = fen(aid)
            second = fen(max(ZERO, min(max(ZERO, own - paid - aid - 6000) / 2, 20000 - aid - aided[year])))
        answers |= {
            (key, "basic"): basic, (key, "own_part"): own, (key, "critical"): paid, (key, "first_round"): aid,
            (key, "second_round"): second, (key, "patient_pays"): own - paid - (aid or 0) - (second or 0),
        }  # fmt: skip
        stays[year] += 1
        borne[year] += own
        critical[year] += paid
        aided[year] += (aid or ZERO) + (second or ZERO)
    return answers


def _one_city(one: str, other: str) -> bool:
    return one[:2] == other[:2] and (one[:2] in ("11", "31") or one[:4] == other[:4])


def _chronic(member: Record) -> Answers:
    person, answers = told(member), Answers()
    codes = [f"d{number:02}" for number in range(1, 61)]
    limits = {code: Decimal(1000 + number * 137 % 2000) for number, code in enumerate(codes)}
    paid = Totals(Decimal)
    for row in in_turn(member.children):
        claim, key = told(row), row.key
        disease, year = claim["disease"], claim["service_date"].year
        if claim["care"] != "chronic" or disease not in person["diseases"]:
            answers[key, "chronic"] = None
            continue
        rate = Decimal(50 + codes.index(disease) * 7 % 40) / 100
        both = max(limits[one] for one in person["diseases"]) + (
            500 if len(set(person["diseases"])) > 1 else 0
        )
        room = min(limits[disease] - paid[year, disease], both - paid[year, ""])
        answers[key, "chronic"] = max(ZERO, min(fen(claim["cost"] * rate), room))
        paid[year, disease] += answers[key, "chronic"]
        paid[year, ""] += answers[key, "chronic"]
    return answers


def neighbours(home: Record) -> Answers:
    """What rows ask about other rows, and money of several purses."""
    answers: Answers = {}
    for member in home.children:
        rows = in_turn(member.children)
        stays = [row for row in rows if told(row)["care"] == "inpatient"]
        for row in rows:
            facts = told(row)
            first, last = facts["admission_date"], facts["service_date"]
            if facts["care"] == "home":
                away = sum(
                    max(0, (min(last, told(s)["service_date"]) - max(first, told(s)["admission_date"])).days)
                    for s in stays
                )
                answers[row.key, "care_days"] = max(0, (last - first).days - away)
            if facts["care"] == "inpatient":
                answers[row.key, "again"] = any(
                    told(stay)["service_date"] < last
                    and told(stay)["hospital"] == facts["hospital"]
                    and (first - told(stay)["service_date"]).days <= 15
                    for stay in stays
                )
                before = [
                    told(stay)
                    for stay in stays[: stays.index(row)]
                    if (first - told(stay)["service_date"]).days <= 30
                ]
                answers[row.key, "came_from"] = before[-1]["level"] if before else None
        answers |= _of_purses(rows)
    answers |= _of_families(home)
    return answers


def _of_purses(rows: list[Record]) -> Answers:
    answers: Answers = {}
    deducted, drugs, paid, borne = (Totals(Decimal) for _ in range(4))
    for row in rows:
        facts = told(row)
        cost, year = facts["cost"], facts["service_date"].year
        if facts["care"] == "chronic":
            deductible = within(cost, Decimal(500), deducted[year])
            deducted[year] += deductible
            drug = min(
                within((cost - deductible) * 7 / 10, Decimal(6000), drugs[year]),
                within((cost - deductible) * 7 / 10, Decimal(40000), paid[year]),
            )
            basic = None
            answers[row.key, "drug_deductible"] = deductible
        else:
            drug, basic = ZERO, within(cost / 2, Decimal(40000), paid[year])
            spans = [max(ZERO, amount - 14000) for amount in (borne[year] + basic, borne[year])]
            answers[row.key, "critical"] = fen(_tiers(spans[0]) - _tiers(spans[1]))
            borne[year] += basic
        drugs[year] += drug
        paid[year] += drug + (basic or ZERO)
        answers |= {(row.key, "drug"): drug, (row.key, "basic"): basic}
    return answers


def _tiers(amount: Decimal) -> Decimal:
    rates = ((ZERO, "0.6"), (Decimal(50000), "0.05"), (Decimal(100000), "0.05"))
    return sum((max(ZERO, amount - over) * Decimal(rate) for over, rate in rates), ZERO)


def _of_families(home: Record) -> Answers:
    answers: Answers = {}
    whose = {row.key: member for member in home.children for row in member.children}
    room = sum((told(member)["continuous_years"] * 100 for member in home.children), ZERO)
    deducted, family_deducted, drawn = (Totals(Decimal) for _ in range(3))
    all_drawn = ZERO
    for row in in_turn([row for member in home.children for row in member.children]):
        member, cost, year = whose[row.key], told(row)["cost"], told(row)["service_date"].year
        deductible = min(
            within(cost, Decimal(1000), deducted[member.key, year]),
            within(cost, Decimal(1500), family_deducted[year]),
        )
        deducted[member.key, year] += deductible
        family_deducted[year] += deductible
        own = within(cost / 10, told(member)["continuous_years"] * 100, drawn[member.key])
        drawn[member.key] += own
        from_family = within(cost / 10 - own, room - own, all_drawn)
        all_drawn += own + from_family
        answers |= {
            (row.key, "deductible"): deductible,
            (row.key, "from_own"): own,
            (row.key, "from_family"): from_family,
        }
    return answers
