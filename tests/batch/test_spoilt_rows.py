"""Rows that a spreadsheet or a hand has spoilt: bare refunds, keys that lost their digits, rows of totals."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.batch.batches import CLAIMS, EMPLOYEE, GOOD, RESIDENTS, STAY, batch, rows

from mianshen.batch.request import Engine
from mianshen.native.library import compiler

ENGINES = ["interpreter", *(["native"] if compiler() else [])]
LATER = "C2,P1,2026-05-02,inpatient,tertiary,1000.00,0.00\n"


def _answers(out: Path) -> dict[str, tuple[str, str | None]]:
    return {row["claim_id"]: (row["status"], row["missing"]) for row in rows(out / "claims.parquet")}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("amount", ["-300.00", "(300.00)", "\N{MINUS SIGN}300.00", "－300.00", "300.00-"])
def test_what_a_bare_negative_amount_may_refund_is_undetermined_and_names_it(
    amount: str, engine: Engine, tmp_path: Path
) -> None:
    refund = f"C1-TF,P1,2026-03-05,inpatient,tertiary,{amount},0.00\n"
    out = batch(
        tmp_path, {"residents.csv": GOOD, "claims.csv": CLAIMS + STAY + refund + LATER}, engine=engine
    )
    doubtful = ("undetermined", "claim C1-TF")
    assert _answers(out) == {"C1": doubtful, "C2": doubtful}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "row",
    [
        "R,P1,2026-02-01,inpatient,tertiary,-300.00,0.00\n",  # before the stay
        "R,P1,2026-03-05,inpatient,tertiary,-0.01,100.00\n",  # another amount is above zero: a slip
        "R,P2,2026-03-05,inpatient,tertiary,-300.00,0.00\n",  # somebody else's
    ],
)
def test_a_claim_that_a_negative_amount_cannot_refund_is_not_in_doubt(
    row: str, engine: Engine, tmp_path: Path
) -> None:
    people = GOOD + EMPLOYEE.replace("P1", "P2")
    out = batch(tmp_path, {"residents.csv": people, "claims.csv": CLAIMS + STAY + row}, engine=engine)
    assert rows(out / "claims.parquet")[0]["in_scope_cost"] is not None


@pytest.mark.parametrize("engine", ENGINES)
def test_a_reversal_whose_target_lost_its_digits_leaves_earlier_claims_undetermined(
    engine: Engine, tmp_path: Path
) -> None:
    header = CLAIMS.replace("\n", ",reverses\n")
    reversal = "R,P1,2026-03-05,inpatient,tertiary,10.00,0.00,2.02603E+15\n"
    out = batch(
        tmp_path,
        {"residents.csv": GOOD, "claims.csv": header + STAY.replace("\n", ",\n") + reversal},
        engine=engine,
    )
    assert _answers(out) == {"C1": ("undetermined", "claim R")}
    assert [(r["field"], r["reason"]) for r in rows(out / "rejects.parquet")] == [
        ("reverses", "spoilt_number")
    ]


MORE = RESIDENTS.replace("\n", ",sex,children_born\n")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("care", "status"), [("inpatient", "ineligible"), ("delivery", "undetermined"), ("", "undetermined")]
)
def test_a_rejected_claim_leaves_open_only_what_it_could_have_made_true(
    care: str, status: str, engine: Engine, tmp_path: Path
) -> None:
    people = MORE + EMPLOYEE.replace("\n", ",female,0\n")
    contradicts = f"C1,P1,2026-03-02,{care},tertiary,100.00,100.01\n"
    out = batch(tmp_path, {"residents.csv": people, "claims.csv": CLAIMS + contradicts}, engine=engine)
    assert rows(out / "residents.parquet")[0]["maternity_allowance_status"] == status


@pytest.mark.parametrize("engine", ENGINES)
def test_a_value_that_contradicts_another_is_as_good_as_not_read(engine: Engine, tmp_path: Path) -> None:
    header = CLAIMS.replace("\n", ",basic_paid,other_fund_payment,settled_assistance_payment\n")
    claim = "C1,P1,2026-03-02,inpatient,tertiary,100.00,0.00,10.00,100.01,0.00\n"
    people = RESIDENTS + "P1,371402,resident,active,none,destitute\n"
    out = batch(tmp_path, {"residents.csv": people, "claims.csv": header + claim}, engine=engine)
    assert rows(out / "residents.parquet")[0]["unassisted_patient_status"] == "undetermined"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rejected_member_with_rows_over_time_is_a_member_all_the_same(
    engine: Engine, tmp_path: Path
) -> None:
    people = "person_id,household_id,valid_from,birth_date\nP1,H1,,1990-01-01\nP2,H1,,2027-01-01\nP2,H1,2026-01-01,2027-01-01\n"
    homes = "household_id,member_count,annual_income\nH1,1,100.00\n"
    out = batch(tmp_path, {"residents.csv": people, "households.csv": homes}, engine=engine)
    rejects = [(row["key"], row["field"]) for row in rows(out / "rejects.parquet")]
    assert ("H1", "member_count") in rejects


@pytest.mark.parametrize("spoilt", ["3.10113E+17", "3e+08", "3.10113e17", "#N/A", "#REF!", "######"])
def test_a_number_of_a_household_that_lost_its_digits_brings_nobody_together(
    spoilt: str, tmp_path: Path
) -> None:
    header = RESIDENTS.replace("person_id,", "person_id,household_id,")
    people = header + "".join(EMPLOYEE.replace("P1", f"P{number},{spoilt}") for number in (1, 2))
    out = batch(tmp_path, {"residents.csv": people})
    told = {(row["field"], row["reason"], row["key"]) for row in rows(out / "rejects.parquet")}
    assert told == {("household_id", "spoilt_number", "P1"), ("household_id", "spoilt_number", "P2")}


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (",合计,,,,60400.00,0.00\n", "person_id"),
        ("合计：12笔,,,,,60400.00,0.00\n", "claim_id"),
        ("共计3人次,,,,,60400.00,0.00\n", "claim_id"),
        ("Totals,,,,,60400.00,0.00\n", "claim_id"),
        (",,合计,,,60400.00,0.00\n", "service_date"),
        (",,,小计：,,60400.00,0.00\n", "care_type"),
        (",,,,,总计,0.00\n", "total_cost"),
        ("合计金额（元）,,,,,60400.00,0.00\n", "claim_id"),
        ("總計,,,,,60400.00,0.00\n", "claim_id"),
    ],
)
def test_a_row_of_totals_is_told_as_such_wherever_its_label_stands(
    row: str, field: str, tmp_path: Path
) -> None:
    out = batch(tmp_path, {"residents.csv": GOOD, "claims.csv": CLAIMS + STAY + row})
    assert [(r["field"], r["reason"]) for r in rows(out / "rejects.parquet")] == [(field, "total_row")]
    assert _answers(out)["C1"][0] == "decided"


@pytest.mark.parametrize(
    ("birth", "rejected"), [("1800-01-01", True), ("1896-11-21", False), ("0001-01-01", False)]
)
def test_a_birth_that_nobody_living_can_have_is_refused_and_a_placeholder_unknown(
    birth: str, rejected: bool, tmp_path: Path
) -> None:
    people = RESIDENTS.replace("person_id,", "person_id,birth_date,") + EMPLOYEE.replace("P1", f"P1,{birth}")
    out = batch(tmp_path, {"residents.csv": people})
    assert bool(rows(out / "rejects.parquet")) == rejected
    if birth == "0001-01-01":
        assert "birth_date" in rows(out / "residents.parquet")[0]["centenarian_subsidy_reason"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rejected_row_without_a_number_is_named_by_its_place(engine: Engine, tmp_path: Path) -> None:
    people = RESIDENTS + "P1,310113,employee,active,employed,low_income\n"
    nameless = ",P1,2026-01-02,inpatient,tertiary,1000.00,0.00\n"
    out = batch(
        tmp_path, {"residents.csv": people, "claims.csv": CLAIMS + nameless + STAY + nameless}, engine=engine
    )
    assert _answers(out)["C1"] == ("undetermined", "claim #1,claim #3")


@pytest.mark.parametrize(
    "key",
    [
        "填报单位：宝山区医保局", "制表人：张三", "審核：李四", "打印时间：2026-06-30 12:00", "备注：含死亡人员",
        "以下空白", "第1页 共3页", "Page 1 of 3", "(20 rows)", "20 rows selected.", "共 20 人", "人数合计：20", "总人数",
        "ＴＯＴＡＬ", "——", "EOF", "person_id",
        "PERSON_ID", "人员编号",
    ],
)  # fmt: skip
def test_a_note_below_a_table_or_a_header_among_records_is_nobody(key: str, tmp_path: Path) -> None:
    out = batch(tmp_path, {"residents.csv": f"person_id,household_id\nP1,H1\n{key},\n"})
    assert [row["person_id"] for row in rows(out / "residents.parquet")] == ["P1"]
    assert [(r["row"], r["code"]) for r in rows(out / "rejects.parquet")] == [(2, "E449")]


def test_a_header_in_the_middle_of_a_file_is_told_as_one(tmp_path: Path) -> None:
    out = batch(tmp_path, {"residents.csv": GOOD, "claims.csv": CLAIMS + CLAIMS + STAY * 20})
    first = rows(out / "rejects.parquet")[0]
    assert (first["row"], first["field"], first["reason"]) == (1, "claim_id", "total_row")
