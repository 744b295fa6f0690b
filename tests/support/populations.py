"""Seeded populations that look for trouble, and writers for the forms a program is given them in.

In: a seed. Out: a `Population` of dicts as `oracle.decide` reads them, and the same as CSV files or as
single records.

Invariants: the same seed gives the same population; every row is valid until `spoil` breaks some of its
claims on purpose; a column is absent from every row of a table or from none, as in a file.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TypeAlias

Row: TypeAlias = Mapping[str, object]

AS_OF = dt.date(2026, 11, 21)
AREAS = (
    "310113",
    "310113",
    "310101003000",
    "310000",
    "31",
    "310199",
    "110101000000",
    "11",
    "371724",
    "371799",
    "370000000",
    "371402",
    "440305",
    "320500",
)
SCHEMES = (
    "employee",
    "employee",
    "employee",
    "resident",
    "resident",
    "resident",
    "none",
    "special",
    "mutual_aid",
)
COVERAGE = ("active", "active", "active", "active", "active", "suspended", "ended")
EMPLOYMENT = ("employed", "retired", "retired", "flexible", "unemployed", "none")
CATEGORIES = ("none", "destitute", "subsistence", "low_income", "illness_poverty", "returned_to_poverty")
CARE = (
    "inpatient",
    "inpatient",
    "inpatient",
    "outpatient",
    "outpatient",
    "delivery",
    "prenatal",
    "chronic_outpatient",
)
LEVELS = ("primary", "secondary", "tertiary")

# Days on either side of every boundary a rule knows: benefit years (calendar and July), the twelve months.
DATES = tuple(
    dt.date.fromisoformat(day)
    for day in (
        *("2024-06-30", "2024-07-01", "2024-12-31", "2025-01-01", "2025-06-30", "2025-07-01", "2025-11-20"),
        *("2025-11-21", "2025-11-22", "2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02", "2026-03-02"),
        *("2026-03-02", "2026-03-02", "2026-06-30", "2026-07-01", "2026-07-02", "2026-09-15", "2026-11-20"),
        "2026-11-21",
    )
)
# Costs at, just below and just above what a rule compares them with, and costs that end on half a fen.
EDGES = tuple(
    Decimal(cost)
    for cost in (
        *("0.00", "0.01", "0.02", "0.03", "49.99", "50.00", "50.01", "99.99", "100.00", "100.01", "299.99"),
        *("300.00", "300.01", "1199.99", "1200.00", "1200.01", "1499.99", "1500.00", "1500.01", "3158.45"),
        *("1500.10", "301.02", "10000.00", "10000.01", "9999.99", "18432.56", "30000.00", "43114.75"),
        *("60300.00", "188235.29", "188235.30", "200000.00", "550000.00", "600000.01", "646999.99"),
        *("648558.82", "648558.83", "648558.84", "766205.88", "1300000.00", "99999999.99"),
    )
)
OPENINGS = {
    "opening_basic_paid": ("0.01", "450500.00", "549999.99", "550000.00", "550000.01", "649999.99"),
    "opening_covered_cost": ("530000.00", "549999.99", "550000.00", "649999.99"),
    "opening_deductible_used": ("0.01", "1199.99", "1200.00", "1499.99", "1500.00", "1600.00"),
    "opening_assistance_inpatient_paid": ("159999.99", "160000.00", "160000.01"),
    "opening_assistance_outpatient_paid": ("7999.99", "8000.00", "8000.01"),
}
PAID = ("basic_paid", "supplementary_paid", "critical_illness_paid")
OPTIONAL = {
    "residents": (
        *OPENINGS,
        "birth_date",
        "sex",
        "employment_status",
        "assistance_category",
        "coverage_status",
    ),
    "households": ("annual_income", "member_count"),
    "claims": (*PAID, "hospital_level", "critical_illness", "hospital_area", "networked"),
}
REQUIRED = frozenset({"person_id", "household_id", "claim_id", "service_date"})
LABELS = {
    "employee": "职工医保",
    "resident": "居民医保",
    "active": "正常参保",
    "retired": "退休",
    "destitute": "特困",
    "subsistence": "低保",
    "low_income": "低收入",
    "illness_poverty": "因病致贫",
    "inpatient": "住院",
    "outpatient": "门诊",
    "primary": "一级",
    "secondary": "二级",
    "tertiary": "三级",
    "female": "女",
    "male": "男",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One claim broken on purpose: the field, and what its cell holds instead."""

    claim_id: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Population:
    """`rejected` holds what can still be read of the claims that `faults` broke; `claims` the others."""

    residents: tuple[Row, ...]
    households: tuple[Row, ...]
    claims: tuple[Row, ...]
    as_of: dt.date = AS_OF
    rejected: tuple[Row, ...] = ()
    broken: tuple[Row, ...] = ()  # the rejected claims as they were before
    faults: tuple[Fault, ...] = ()


def nasty(
    seed: int,
    people: int = 60,
    *,
    unknown: float = 0.03,
    missing_columns: bool = True,
    areas: Sequence[str] = AREAS,
    as_of: dt.date = AS_OF,
) -> Population:
    """`people` residents in shared households, up to eight claims each; a share of `unknown` facts."""
    rng = Random(seed)
    residents: list[Row] = []
    claims: list[Row] = []
    homes = [f"H{number}" for number in range(1, max(2, people // 2))]
    for number in range(1, people + 1):
        person = f"P{number}"
        residents.append(_resident(rng, person, rng.choice(homes), areas))
        claims += [_claim(rng, person, as_of) for _ in range(rng.choice((0, 1, 2, 3, 5, 8)))]
    claims = _numbered(rng, claims)
    households: list[Row] = [_household(rng, home, residents) for home in homes]
    whole = Population(tuple(residents), tuple(households), tuple(claims), as_of)
    return _with_gaps(rng, whole, unknown, missing_columns=missing_columns)


def _resident(rng: Random, person: str, home: str, areas: Sequence[str]) -> Row:
    born = dt.date(1925, 1, 1) + dt.timedelta(days=rng.randrange(36000))
    openings: Row = {
        name: Decimal(rng.choice(choices)) if rng.random() < 0.25 else Decimal("0.00")
        for name, choices in OPENINGS.items()
    }
    return {
        "person_id": person,
        "household_id": home,
        "birth_date": born,
        "sex": rng.choice(("female", "male")),
        "insured_area": rng.choice(areas),
        "insurance_scheme": rng.choice(SCHEMES),
        "coverage_status": rng.choice(COVERAGE),
        "employment_status": rng.choice(EMPLOYMENT),
        "assistance_category": rng.choice(CATEGORIES),
        **openings,
    }


def _household(rng: Random, home: str, residents: Sequence[Row]) -> Row:
    members = sum(resident["household_id"] == home for resident in residents)
    income = rng.choice(
        (
            "0.00",
            "0.01",
            "30000.00",
            "114197.25",
            "250000.00",
            f"{rng.randrange(10**7)}.{rng.randrange(100):02}",
        )
    )
    return {
        "household_id": home,
        "annual_income": Decimal(income),
        "member_count": max(1, members + rng.choice((0, 0, 0, 0, -1, 1))),
    }


def _claim(rng: Random, person: str, as_of: dt.date) -> Row:
    total = (
        rng.choice(EDGES)
        if rng.random() < 0.5
        else Decimal(rng.randrange(10 ** rng.randint(3, 8))).scaleb(-2)
    )
    outside = Decimal("0.00") if rng.random() < 0.4 else _part(rng, total)
    left = total - outside
    basic, supplementary, critical = (_part(rng, left / 4) for _ in PAID)
    return {
        "claim_id": "",
        "person_id": person,
        "service_date": rng.choice([date for date in DATES if date <= as_of]),
        "care_type": rng.choice(CARE),
        "hospital_area": rng.choice(AREAS),
        "hospital_level": rng.choice(LEVELS),
        "networked": rng.random() < 0.5,
        "total_cost": total,
        "out_of_scope_cost": outside,
        "critical_illness": rng.random() < 0.4,
        "basic_paid": basic if rng.random() < 0.5 else None,
        "supplementary_paid": supplementary if rng.random() < 0.4 else None,
        "critical_illness_paid": critical if rng.random() < 0.4 else None,
    }


def _part(rng: Random, whole: Decimal) -> Decimal:
    """From nothing to all of `whole`, in fen."""
    fen = int(whole * 100)
    return Decimal(rng.choice((0, fen, rng.randint(0, fen), rng.randint(0, fen)))).scaleb(-2)


def _numbered(rng: Random, claims: Sequence[Row]) -> list[Row]:
    """Ids whose order by code point is neither that of their numbers nor that of the rows."""
    numbers = list(range(1, len(claims) + 1))
    rng.shuffle(numbers)
    return [
        {**claim, "claim_id": f"{rng.choice(('', 'C', 'c', 'É', '甲'))}{number}"}
        for number, claim in zip(numbers, claims, strict=True)
    ]


def _with_gaps(rng: Random, whole: Population, unknown: float, *, missing_columns: bool) -> Population:
    def gaps(table: str, rows: Sequence[Row]) -> tuple[Row, ...]:
        chance = 0.15 if missing_columns else 0.0
        absent = {name for name in OPTIONAL[table] if rng.random() < chance}
        return tuple(
            {
                name: None if name not in REQUIRED and rng.random() < unknown else value
                for name, value in row.items()
                if name not in absent
            }
            for row in rows
        )

    return replace(
        whole,
        residents=gaps("residents", whole.residents),
        households=gaps("households", whole.households),
        claims=gaps("claims", whole.claims),
    )


# Rows broken on purpose.

BAD_CELLS = {
    "total_cost": ("-0.01", "abc", "1,000.00", "12.345", "100000000000000.00", "NaN"),
    "out_of_scope_cost": ("-1.00", "１２", "0.001"),
    "care_type": ("住院部", "INPATIENT", "surgery"),
    "hospital_level": ("四级", "4"),
    "critical_illness": ("maybe", "2"),
    "service_date": ("2026-02-30", "yesterday", "2026-11-22", "2027-03-01"),
    "basic_paid": ("-5.00", "x"),
}
LATER = ("2026-11-22", "2027-03-01")  # after `AS_OF`: readable, and still refused


def spoil(population: Population, seed: int, share: float = 0.1) -> Population:
    """The population with a share of its claims broken, each in one field; only for `AS_OF`."""
    rng = Random(seed)
    good: list[Row] = []
    broken: list[Row] = []
    faults: list[Fault] = []
    for claim in population.claims:
        fields = [name for name in BAD_CELLS if name in claim]
        if rng.random() >= share:
            good.append(claim)
            continue
        name = rng.choice(fields)
        broken.append(claim)
        faults.append(Fault(str(claim["claim_id"]), name, rng.choice(BAD_CELLS[name])))
    return replace(
        population,
        claims=tuple(good),
        broken=tuple(broken),
        faults=tuple(faults),
        rejected=tuple(_readable(claim, fault) for claim, fault in zip(broken, faults, strict=True)),
    )


def _readable(claim: Row, fault: Fault) -> Row:
    left = {name: value for name, value in claim.items() if name != fault.field}
    left["unreadable"] = fault.field
    if fault.text in LATER:
        left["service_date"] = dt.date.fromisoformat(fault.text)
    amounts = [
        value for name, value in left.items() if name.endswith(("_cost", "_paid", "_payment", "_deductible"))
    ]
    left["refund"] = fault.text.startswith("-") and not any(isinstance(a, Decimal) and a > 0 for a in amounts)
    return left


# Writers.


def cell(value: object) -> str:
    """A fact as a CSV cell; an unknown one is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def write_csv(
    population: Population, folder: Path, seed: int = 0, *, chinese: bool = False
) -> dict[str, Path]:
    """`residents.csv`, `households.csv` and `claims.csv`, rows and columns shuffled by `seed`.

    Broken claims stand among the others with their bad cells. With `chinese`, some codes are labels.
    """
    rng = Random(seed)
    faults = {fault.claim_id: fault for fault in population.faults}
    tables: dict[str, Sequence[Row]] = {
        "residents": population.residents,
        "households": population.households,
        "claims": [*population.claims, *population.broken],
    }
    paths = {}
    for table, rows in tables.items():
        written = [_cells(rng, row, faults, chinese=chinese) for row in rows]
        paths[table] = folder / f"{table}.csv"
        _write_table(paths[table], written, rng)
    return paths


def _cells(rng: Random, row: Row, faults: Mapping[str, Fault], *, chinese: bool) -> dict[str, str]:
    cells = {name: cell(value) for name, value in row.items()}
    if chinese:
        cells = {
            name: LABELS.get(text, text) if not name.endswith("_id") and rng.random() < 0.5 else text
            for name, text in cells.items()
        }
    fault = faults.get(cells.get("claim_id", ""))
    if fault is not None:
        cells[fault.field] = fault.text
    return cells


def _write_table(path: Path, rows: Sequence[Mapping[str, str]], rng: Random) -> None:
    columns = sorted({name for row in rows for name in row})
    rng.shuffle(columns)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rng.sample(list(rows), len(rows)))


def records(population: Population) -> list[dict[str, object]]:
    """One record a resident, as `check` reads them: household (if any), the other members, all with their claims.

    Facts are text, as in JSON; unknown ones null. Broken claims are written with their bad cells.
    """
    faults = {fault.claim_id: fault for fault in population.faults}
    claims: dict[str, list[dict[str, object]]] = {}
    for claim in (*population.claims, *population.broken):
        facts = _facts(claim)
        fault = faults.get(str(claim["claim_id"]))
        claims.setdefault(str(claim["person_id"]), []).append(
            facts if fault is None else {**facts, fault.field: fault.text}
        )
    homes = {household["household_id"]: _facts(household) for household in population.households}
    return [
        {
            "as_of": population.as_of.isoformat(),
            "resident": _facts(resident),
            **({} if resident["household_id"] is None else {"household": homes[resident["household_id"]]}),
            "members": [
                {**_facts(other), "claims": claims.get(str(other["person_id"]), [])}
                for other in population.residents
                if None is not other["household_id"] == resident["household_id"] and other is not resident
            ],
            "claims": claims.get(str(resident["person_id"]), []),
        }
        for resident in population.residents
    ]


def _facts(row: Row) -> dict[str, object]:
    return {
        name: value if value is None or isinstance(value, bool) else cell(value)
        for name, value in row.items()
    }
