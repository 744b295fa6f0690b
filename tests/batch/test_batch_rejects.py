"""What a batch rejects: each row with its number and reason, and what hangs on it; all others decided."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa
import pytest
from tests.batch.batches import (
    AS_OF,
    CLAIMS,
    COSTS,
    GOOD,
    OUTPUTS,
    PEOPLE,
    SMALL,
    STAY,
    Content,
    batch,
    columns,
    rejects,
    rows,
    small,
)
from tests.support.oracle import decide
from tests.support.populations import Population, cell, nasty, spoil, write_csv

from mianshen.batch.run import Request, run_batch
from mianshen.interpreter import Interpreter, result_of
from mianshen.program.program import Program
from mianshen.records.read import read_cases
from mianshen.rulebook import open_program
from mianshen.values import NotModelled, Unknown

DECISIONS: Final = [
    "in_scope_cost", "deductible", "basic_payment", "supplementary_payment", "critical_illness_payment",
    "assistance_payment", "patient_pays",
]  # fmt: skip

BAD_RESIDENTS: Final = """\
person_id,household_id,insured_area,insurance_scheme,birth_date,opening_basic_paid,contribution_months
P1,H1,310113,employee,1990-01-01,,12
P2,H9,310113,employee,,,
P3,H1,3101130,,,,
P3,H1,31,,,,
,H1,31,,,,
  ,H1,31,,,,
P5,H2,31,职工,,,
P6,H3,31,,,,
P7,H4,31,职工医保,,,
P8,,31,,1990-02-30,,
P9,,31,,0000-01-01,-1,x
P10,,31,,,100000000000000000000000.00,
P11,,31,,,,12.5
P12,H5,,,,,
"""
BAD_HOUSEHOLDS: Final = """\
household_id,annual_income,member_count
H1,1,9
H2,1,1.5
H3,1,1
H3,2,2
,1,1
H4,,
H5,1e5,1
H6,,
"""
BAD_CLAIMS: Final = """\
claim_id,person_id,service_date,care_type,total_cost,out_of_scope_cost,critical_illness
C1,P1,2026-01-01,inpatient,100.00,0.00,true
C2,P2,2026-01-01,,,,
C3,P3,2026-01-01,,,,
C4,P99,2026-01-01,,,,
C5,,2026-01-01,,,,
,P7,2026-01-01,,,,
C7,P7,,,,,
C8,P7,2026-01-01,,1,2,
C9,P7,2026-11-22,,1,2,
C10,P7,2026-11-22,住院x,1,2,
C11,P7,2026-01-01,,1,1,
C11,P7,2026-01-01,,1,2,
C12,P6,2026-01-01,,,,
C13,P5,2026-01-01,surgery,,,
C14,P7,2026-01-01,,1,-1,
C15,P7,2026-01-01,,９,,
C16,P7,2026-01-01,,"1,000.00",,maybe
C17,P7,2026/01/01,,1.001,,
C18,P12,2026-01-01,,,,
C19,P7,2026-01-01,　,,,
C20,P7,2026-11-21,,9999999999999.99,9999999999999.99,是
C21,P7,2026-11-21,,10000000000000.00,,
"""
REJECTS: Final = [
    ("claims.csv", 2, "C2", None, "parent_rejected"),
    ("claims.csv", 3, "C3", None, "parent_rejected"),
    ("claims.csv", 4, "C4", "person_id", "unknown_parent"),
    ("claims.csv", 5, "C5", "person_id", "required"),
    ("claims.csv", 6, None, "claim_id", "required"),
    ("claims.csv", 7, "C7", "service_date", "required"),
    ("claims.csv", 8, "C8", "out_of_scope_cost", "failed_check"),
    ("claims.csv", 9, "C9", "service_date", "after_as_of"),
    ("claims.csv", 10, "C10", "care_type", "bad_code"),
    ("claims.csv", 11, "C11", "claim_id", "duplicate"),
    ("claims.csv", 12, "C11", "claim_id", "duplicate"),
    ("claims.csv", 14, "C13", "care_type", "bad_code"),
    ("claims.csv", 15, "C14", "out_of_scope_cost", "out_of_range"),
    ("claims.csv", 16, "C15", "total_cost", "bad_number"),
    ("claims.csv", 17, "C16", "total_cost", "bad_number"),
    ("claims.csv", 18, "C17", "service_date", "bad_date"),
    ("claims.csv", 20, "C19", "care_type", "empty"),
    ("claims.csv", 22, "C21", "total_cost", "out_of_range"),
    ("households.csv", 2, "H2", "member_count", "too_many_decimals"),
    ("households.csv", 3, "H3", "household_id", "duplicate"),
    ("households.csv", 4, "H3", "household_id", "duplicate"),
    ("households.csv", 5, None, "household_id", "required"),
    ("households.csv", 7, "H5", "annual_income", "bad_number"),
    ("residents.csv", 2, "P2", "household_id", "unknown_parent"),
    ("residents.csv", 3, "P3", "insured_area", "bad_area"),
    ("residents.csv", 4, "P3", "person_id", "duplicate"),
    ("residents.csv", 5, None, "person_id", "required"),
    ("residents.csv", 6, None, "person_id", "empty"),
    ("residents.csv", 7, "P5", "insurance_scheme", "bad_code"),
    ("residents.csv", 10, "P8", "birth_date", "bad_date"),
    ("residents.csv", 11, "P9", "birth_date", "bad_date"),
    ("residents.csv", 12, "P10", "opening_basic_paid", "out_of_range"),
    ("residents.csv", 13, "P11", "contribution_months", "too_many_decimals"),
]
COUNTS: Final = {
    "household": {"read": 8, "decided": 3, "rejected": 5},
    "resident": {"read": 14, "decided": 4, "rejected": 10},
    "claim": {"read": 22, "decided": 4, "rejected": 18},
    "visit": {"read": 0, "decided": 0, "rejected": 0},
}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of files in which nearly everything is wrong."""
    files: dict[str, Content] = {
        "residents.csv": BAD_RESIDENTS,
        "households.csv": BAD_HOUSEHOLDS,
        "claims.csv": BAD_CLAIMS,
    }
    return batch(tmp_path_factory.mktemp("spoilt"), files)


def test_every_row_that_is_wrong_is_rejected_with_its_number_key_field_and_reason(spoilt: Path) -> None:
    assert rejects(spoilt) == REJECTS


def test_every_record_read_is_decided_or_rejected_and_counted(spoilt: Path) -> None:
    for name in ("summary.json", "manifest.json"):
        assert json.loads((spoilt / name).read_text("utf-8"))["records"] == COUNTS
    assert [row["person_id"] for row in rows(spoilt / "residents.parquet")] == ["P1", "P6", "P7", "P12"]
    assert [row["claim_id"] for row in rows(spoilt / "claims.parquet")] == ["C1", "C12", "C18", "C20"]


def test_the_files_have_the_columns_of_the_contract(spoilt: Path) -> None:
    names = ("residents", "households", "claims", "rejects")
    described = {name: columns(spoilt / f"{name}.parquet") for name in names}
    benefits = open_program().benefits.items()
    assert described["claims"] == [
        ("claim_id", "VARCHAR"), ("person_id", "VARCHAR"), *((name, "DECIMAL(18,2)") for name in DECISIONS),
        ("status", "VARCHAR"), ("reason", "VARCHAR"), ("missing", "VARCHAR"),
    ]  # fmt: skip
    parts = (("status", "VARCHAR"), ("amount", "DECIMAL(18,2)"), ("reason", "VARCHAR"))
    for entity, key in (("resident", "person_id"), ("household", "household_id")):
        assert described[f"{entity}s"] == [
            (key, "VARCHAR"),
            *((f"{b}_{p}", t) for b, benefit in benefits if benefit.entity == entity for p, t in parts),
        ]
    assert described["rejects"] == [
        ("file", "VARCHAR"),
        ("row", "BIGINT"),
        ("key", "VARCHAR"),
        ("field", "VARCHAR"),
        ("code", "VARCHAR"),
        ("reason", "VARCHAR"),
    ]
    assert {path.name for path in spoilt.iterdir()} == OUTPUTS | {"households.parquet"}


def test_dates_and_numbers_that_only_parquet_can_hold_are_rejected(tmp_path: Path, little: Program) -> None:
    days = pa.array([-100_000_000, 10_000_000, 0, 1], pa.int32()).cast(pa.date32())
    costs = pa.array([*map(Decimal, ("1", "2", "3.001", "-4"))], pa.decimal128(38, 20))
    claims = pa.table({"claim_id": [*"abcd"], "person_id": ["P1"] * 4, "day": days, "cost": costs})
    tags = [["stay"], ["stay", None], ["住院", "x"], None]
    residents = pa.table({"person_id": ["P1", "P2", "P3", None], "tags": tags})
    out = batch(tmp_path, {"residents.parquet": residents, "claims.parquet": claims}, program=little)
    assert rejects(out) == [
        ("claims.parquet", 1, "a", "day", "bad_date"),
        ("claims.parquet", 2, "b", "day", "bad_date"),
        ("claims.parquet", 3, "c", "cost", "too_many_decimals"),
        ("claims.parquet", 4, "d", "cost", "out_of_range"),
        ("residents.parquet", 2, "P2", "tags", "empty"),
        ("residents.parquet", 3, "P3", "tags", "bad_code"),
    ]


def test_rows_past_the_review_of_a_figure_are_rejected_naming_the_figure(tmp_path: Path) -> None:
    claims = CLAIMS + STAY + STAY.replace("C1", "C2").replace("2026-03", "2028-03")
    out = batch(
        tmp_path, {"residents.csv": GOOD + "P2,440305,,,,\n", "claims.csv": claims}, dt.date(2028, 5, 5)
    )
    assert rejects(out) == [
        ("claims.csv", 1, "C1", None, "parent_rejected"),
        ("claims.csv", 2, "C2", "employee_deductible_working", "past_review"),
        ("residents.csv", 1, "P1", "baoshan_centenarian_age", "past_review"),
    ]


def test_rows_that_read_no_figure_past_its_review_are_decided(tmp_path: Path) -> None:
    figure = "fee: {type: money, title: fee, basis: cited, values: [{from: 2020-01-01, value: 1.00, review_by: 2027-12-31}]}"
    rules = SMALL.replace("provisions:\n", f"parameters:\n  {figure}\nprovisions:\n").replace(
        "cost * resident.share", "if cost > 5.00 then fee else cost * resident.share"
    )
    costs = (
        "claim_id,person_id,day,cost\nC1,P1,2028-01-01,10.01\nC2,P1,2028-01-02,3.00\nC3,P1,2027-01-02,9.00\n"
    )
    files: dict[str, Content] = {"residents.csv": PEOPLE, "claims.csv": costs}
    out = batch(tmp_path / "in", files, dt.date(2028, 5, 5), program=small(tmp_path / "rules", rules))
    assert rejects(out) == [("claims.csv", 1, "C1", "fee", "past_review")]
    assert [(row["claim_id"], row["payment"]) for row in rows(out / "claims.parquet")] == [
        ("C2", Decimal("1.50")),
        ("C3", Decimal("1.00")),
    ]


# -- many rows -------------------------------------------------------------------------------

MANY: Final = 130_000  # more rows than fill one row group


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, little: Program) -> list[Path]:
    """The results of many claims of few people, every 10,000th broken, with one thread and with two."""
    rng = Random(7)
    claims = [
        f"C{n},P{rng.randrange(5000)},2026-01-01,{'x' if n % 10000 == 0 else n}" for n in range(1, MANY + 1)
    ]
    residents = [f"P{n},visit,1," for n in range(5000)]
    files: dict[str, Content] = {
        "residents.csv": PEOPLE.partition("\n")[0] + "\n" + "\n".join(residents),
        "claims.csv": COSTS.partition("\n")[0] + "\n" + "\n".join(claims),
    }
    return [batch(tmp_path_factory.mktemp("many"), files, threads=n, program=little) for n in (1, 2)]


def test_a_reject_s_row_is_its_record_s_number_however_many_there_are(many: list[Path]) -> None:
    wanted = [("claims.csv", n, f"C{n}", "cost", "bad_number") for n in range(10000, MANY + 1, 10000)]
    assert [rejects(out) for out in many] == [wanted, wanted]


def test_results_stand_in_the_order_of_the_file(many: list[Path]) -> None:
    (out, _) = many
    assert [row["claim_id"] for row in rows(out / "claims.parquet")] == [
        f"C{n}" for n in range(1, MANY + 1) if n % 10000
    ]
    assert [row["person_id"] for row in rows(out / "residents.parquet")] == [f"P{n}" for n in range(5000)]


def test_any_number_of_threads_gives_the_same_bytes(many: list[Path]) -> None:
    one, two = many
    for name in OUTPUTS - {"timings.json"}:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


# -- what is rejected, and what hangs on it --------------------------------------------------

BAD_CELLS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "resident": {
        "birth_date": ("1990-02-30", "x"),
        "sex": ("F",),
        "insured_area": ("3101131", "北京"),
        "opening_basic_paid": ("-1", "1.234"),
    },
    "household": {"annual_income": ("-1", "a"), "member_count": ("1.5", "-1")},
    "claim": {
        "total_cost": ("-0.01", "1,000.00", "100000000000000.00"),
        "out_of_scope_cost": ("-1.00", "9999999999", "0.001"),
        "care_type": ("住院部",),
        "hospital_level": ("四级",),
        "basic_paid": ("x",),
        "networked": ("y",),
        "service_date": ("2026-11-22", "2027-03-01", "2026-02-30"),
    },
}
SHARES: Final = {"resident": 0.03, "household": 0.04, "claim": 0.12}


@pytest.mark.parametrize("seed", [31, 32])
def test_spoilt_records_are_rejected_and_the_others_decided_as_when_checked_one_by_one(
    tmp_path: Path, seed: int
) -> None:
    program = open_program()
    cells = _spoilt(nasty(seed, 100, unknown=0.06), Random(seed))
    files = {f"{entity}s.csv": "\n".join(_lines(table)) for entity, table in cells.items()}
    out = batch(tmp_path, dict(files))
    actual = {(file.partition("s.")[0], key): (field, reason) for file, _, key, field, reason in rejects(out)}
    claims = {row["claim_id"]: row for row in rows(out / "claims.parquet")}
    people = {row["person_id"]: row for row in rows(out / "residents.parquet")}

    interpreter = Interpreter(program)
    (tmp_path / "people.json").write_text(json.dumps(_records(program, cells), ensure_ascii=False), "utf-8")
    for case in read_cases(tmp_path / "people.json", program, AS_OF):
        interpreter.run(case.case)
        result = result_of(program, case.case)
        for gone in result.rejected:
            assert actual[gone.entity, gone.key] == (gone.rejection.field or None, gone.rejection.reason), (
                gone.key
            )
        assert (result.key in people) == (case.case.person.rejection is None)
        for row in result.rows:
            shown = {
                name: None if isinstance(v, Unknown | NotModelled) else v for name, v in row.values.items()
            }
            lacking = ",".join(sorted({fact.name for fact in row.missing})) or None
            wanted = {**shown, "status": row.status, "reason": row.reason, "missing": lacking}
            assert {name: claims[row.row.key][name] for name in wanted} == wanted, row.row.key
        for name, benefit in result.benefits.items():
            if benefit.benefit.entity != "resident":
                continue
            answer = people[result.key]
            assert (answer[f"{name}_status"], answer[f"{name}_amount"]) == (benefit.status, benefit.amount), (
                result.key,
                name,
            )


def _spoilt(population: Population, rng: Random) -> dict[str, list[dict[str, str]]]:
    """A population's cells by entity, some of them bad ones."""
    tables = {
        "resident": population.residents,
        "household": population.households,
        "claim": population.claims,
    }
    cells = {
        e: [{name: cell(fact) for name, fact in row.items()} for row in table] for e, table in tables.items()
    }
    for entity, table in cells.items():
        for row in table:
            names = [name for name in BAD_CELLS[entity] if name in row]
            while names and rng.random() < SHARES[entity]:
                name = rng.choice(names)
                row[name] = rng.choice(BAD_CELLS[entity][name])
    return cells


def _lines(table: list[dict[str, str]]) -> list[str]:
    return [",".join(f'"{item}"' for item in line) for line in (table[0], *(row.values() for row in table))]


def _records(program: Program, cells: dict[str, list[dict[str, str]]]) -> list[dict[str, Any]]:
    """One record a resident, facts in the vocabulary's order, so that the first mistake is the same."""

    def facts(entity: str, row: dict[str, str]) -> dict[str, Any]:
        return {name: row[name] or None for owner, name in program.facts if owner == entity and name in row}

    homes = {row["household_id"]: row for row in cells["household"]}
    claims: dict[str, list[dict[str, Any]]] = {}
    for claim in cells["claim"]:
        claims.setdefault(claim["person_id"], []).append(facts("claim", claim))
    people = [
        {**facts("resident", row), "claims": claims.get(row["person_id"], [])} for row in cells["resident"]
    ]
    return [
        {
            "resident": {name: fact for name, fact in one.items() if name != "claims"},
            "claims": one["claims"],
            "household": facts("household", homes[one["household_id"]]),
            "members": [
                other for other in people if other is not one and other["household_id"] == one["household_id"]
            ],
        }
        for one in people
    ]


@pytest.mark.parametrize("seed", [5, 8])
def test_rejected_claims_poison_only_what_the_oracle_says(tmp_path: Path, seed: int) -> None:
    population = spoil(nasty(seed, 200, unknown=0.04), seed, share=0.2)
    files = write_csv(population, tmp_path, seed)
    request = Request(
        {"resident": files["residents"], "household": files["households"], "claim": files["claims"]},
        AS_OF,
        tmp_path / "out",
    )
    run_batch(open_program(), request)
    wanted = decide(
        population.residents, population.households, population.claims, AS_OF, rejected=population.rejected
    )
    actual = {row["claim_id"]: row for row in rows(tmp_path / "out" / "claims.parquet")}
    assert {key: [row[n] for n in DECISIONS] + [row["status"]] for key, row in actual.items()} == {
        key: [v if isinstance(v, Decimal) else None for v in (answer.decisions[n] for n in DECISIONS)]
        + [answer.status]
        for key, answer in wanted.claims.items()
    }
    members = Counter(one["household_id"] for one in population.residents)
    too_few = {
        (home["household_id"], "member_count")
        for home in population.households
        if isinstance(count := home["member_count"], int) and count < members[home["household_id"]]
    }
    assert {(key, field) for _, _, key, field, _ in rejects(tmp_path / "out")} == too_few | {
        (f.claim_id, f.field) for f in population.faults
    }
