"""What a batch says beside its tables: doubts about files, people and bills that stand twice, why rows are rejected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from tests.batch.batches import queried
from tests.cli.conftest import Run

from mianshen.batch.reject_summary import RejectGroup
from mianshen.records.identity_numbers import check_digit
from mianshen_cli.render.batch_notes import MOST, reject_table

RESIDENTS: Final = (
    "person_id,insured_area,insurance_scheme,coverage_status,assistance_category,employment_status\n"
)
CLAIMS: Final = "claim_id,person_id,service_date,care_type,hospital_level,total_cost,out_of_scope_cost\n"
NUMBER: Final = "31011319900101001" + check_digit("31011319900101001")


def person(key: str) -> str:
    return f"{key},310113,employee,active,none,employed\n"


def bill(key: str, person: str = "P1", day: str = "2026-03-02", cost: str = "900.00") -> str:
    return f"{key},{person},{day},inpatient,tertiary,{cost},0.00\n"


def batch(run: Run, folder: Path, residents: str, claims: str, *more: str) -> tuple[int, str, str]:
    (folder / "r.csv").write_text(residents, "utf-8")
    (folder / "c.csv").write_text(claims, "utf-8")
    files = ("--residents", str(folder / "r.csv"), "--claims", str(folder / "c.csv"))
    return run("batch", *files, "--as-of", "2026-06-30", "--out", str(folder / "out"), "--lang", "en", *more)


@pytest.mark.parametrize("more", [(), ("--partitions", "3")])
def test_a_doubtful_file_is_decided_only_when_told_to(
    run: Run, tmp_path: Path, more: tuple[str, ...]
) -> None:
    residents = RESIDENTS + "".join(person(f"{at:08}") for at in range(1, 41))
    claims = CLAIMS + "".join(bill(f"C{at}", str(at)) for at in range(1, 41))
    status, _, err = batch(run, tmp_path, residents, claims, *more)
    assert status == 2
    assert "E547: hardly any row (claim) finds its resident by person_id. They differ by leading zeros" in err
    assert {path.name for path in tmp_path.iterdir()} == {"r.csv", "c.csv"}
    status, out, err = batch(run, tmp_path, residents, claims, "--yes", *more)
    assert (status, "E547" in err, "what it belongs to is in no file" in out) == (1, True, True)


def test_people_and_bills_that_stand_twice_are_told_and_in_the_summary(run: Run, tmp_path: Path) -> None:
    residents = RESIDENTS.replace("person_id,", "person_id,identity_number,")
    rows = "".join(person(f"{key},{NUMBER}") for key in ("P1", "P2"))
    claims = CLAIMS + bill("C1") + bill("C2") + bill("C3", "P2")
    status, out, err = batch(run, tmp_path, residents + rows, claims)
    assert status == 0
    assert "identity numbers under several person numbers: 1." in out
    assert (
        "likely settled twice (same person, day, place and amounts), claim: 1 (c.csv row 2 repeats c.csv row 1)"
        in out
    )
    assert NUMBER not in out + err + (tmp_path / "out" / "summary.json").read_text("utf-8")
    findings = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))["findings"]
    assert findings["identity_numbers_under_several_persons"] == 1
    assert findings["likely_double_settlements"]["claim"]["rows"] == 1


def test_rejects_are_told_by_reason_with_what_to_do(run: Run, tmp_path: Path) -> None:
    claims = CLAIMS + "".join(bill(f"C{at}", day="2026/3/2") for at in range(1, 4)) + bill("C4", cost="-9.00")
    status, out, _ = batch(run, tmp_path, RESIDENTS + person("P1"), claims)
    assert status == 1
    [line] = [line for line in out.splitlines() if "E423" in line]
    assert line.split() == ["E423", "not", "a", "date", "c.csv", "service_date", "3"]
    assert "c.csv: service_date: Perhaps 2026-03-02 is meant" in out
    assert "a refund names the row it cancels in reverses" in out
    claims = CLAIMS + "".join(bill(f"C{at}", day="2026/3/2") for at in range(1, 4))
    out = batch(run, tmp_path, RESIDENTS + person("P1"), claims)[1]
    assert "3 (whole column)" in out
    assert "a --mapping says how it is written" in out


def test_a_check_that_a_row_fails_is_told(run: Run, tmp_path: Path) -> None:
    claims = CLAIMS + bill("C1").replace(",0.00", ",99999999.00", 1)
    status, out, _ = batch(run, tmp_path, RESIDENTS + person("P1"), claims)
    assert status == 1
    told = "c.csv: out_of_scope_cost: The cost outside the policy scope cannot exceed the total cost"
    assert told in " ".join(out.split())


def test_reasons_of_rejects_that_are_not_listed_are_counted() -> None:
    groups = [
        RejectGroup("c.csv", f"fact_{n}", (), "E423", "bad_date", 1, False, None) for n in range(MOST + 2)
    ]
    assert "2 more reasons: see rejects.parquet" in reject_table("en", groups)
    assert "另有 2 种，见 rejects.parquet" in reject_table("zh", groups)
    assert "more reasons" not in reject_table("en", groups[:MOST])


def test_rejects_of_a_mapped_file_name_its_own_rows_and_columns(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "claim:\n  rows: {title_lines: 1, leave_out: [{column: 状态, is: 作废}]}\n"
        "  columns: {编号: claim_id, 人员: person_id, 出院: {fact: service_date, date: timestamp}, 总额: total_cost}\n"
        "  constants: {care_type: inpatient}\n",
        "utf-8",
    )
    claims = (
        "六月结算表,,,,\n编号,人员,出院,总额,状态\n"
        "C1,P1,2026-03-02 08:00,9.00,\nC2,P1,2026-03-02,8.00,作废\nC3,P1,某日,7.00,\nC4,P1,2026-03-03,x,\n"
    )
    status, out, _ = batch(
        run, tmp_path, RESIDENTS + person("P1"), claims, "--mapping", str(tmp_path / "m.yaml")
    )
    assert status == 1
    assert "claim: 4 rows, title lines skipped: 1, 1 left out (状态 = 作废)" in out
    assert "service_date (出院)" in out
    rejects = queried(f"SELECT \"row\", key, field FROM '{tmp_path}/out/rejects.parquet' ORDER BY 1")
    assert rejects == [(3, "C3", "service_date"), (4, "C4", "total_cost")]


def test_codes_in_no_list_are_named_unless_they_may_be_somebody_s_data(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "setl.csv"
    header = "SETL_ID,PSN_NO,ENDDATE,MED_TYPE,MEDFEE_SUMAMT,INSUTYPE"
    rows = [
        "S1,P1,2026-03-02,9901,1.00,310",
        "S2,P1,2026-03-03,9901,1.00,310",
        "S3,P1,2026-03-04,张三,1.00,330",
    ]
    file.write_text("\n".join([header, *rows, ""]), "utf-8")
    files = (
        "--residents",
        str(file),
        "--claims",
        str(file),
        "--mapping",
        "nhsa",
        "--out",
        str(tmp_path / "out"),
    )
    _, out, err = run("batch", *files, "--as-of", "2026-06-30", "--lang", "en")
    assert "(care_type): rows with a code that no list has, taken as unknown: 3 (9901)" in out
    assert "(insurance_scheme): rows with a code that no list has, taken as unknown: 1 (330)" in out
    assert "张三" not in out + err
    # a comparison over the same files says so, too
    files = (
        "--residents",
        str(file),
        "--claims",
        str(file),
        "--mapping",
        "nhsa",
        "--out",
        str(tmp_path / "cmp"),
    )
    overlay = ("--overlay", "limit_counts_costs")
    _, out, err = run("compare", *overlay, *files, "--as-of", "2026-06-30", "--lang", "en")
    assert "(care_type): rows with a code that no list has, taken as unknown: 3 (9901)" in out
    assert "张三" not in out + err
