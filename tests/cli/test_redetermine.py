"""`mianshen redetermine`: what changes for one person, what is owed or overpaid, and what is responsible."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.pensions import pensions

Run = Callable[..., tuple[int, str, str]]

CASES = "cases/national/history.yaml"


def _changes(run: Run, *words: str, status: int = 0) -> Any:
    actual, out, err = run("redetermine", CASES, *words, "--format", "json")
    assert actual == status, err
    return json.loads(out)


def _decisions(results: Any, key: str) -> dict[str, Any]:
    (row,) = [line for line in results["rows"] if line["key"] == key]
    return {decision["decision"]: decision for decision in row["decisions"]}


def test_a_late_claim_makes_what_was_settled_after_it_overpaid(run: Run) -> None:
    result = _changes(run, "--case", "a_late_claim_takes_its_turn", "--late", "LATE")
    basic = _decisions(result, "C2")["basic_payment"]
    assert (basic["before"], basic["after"], basic["paid"], basic["owed"]) == (
        "8500.00",
        "1500.00",
        "8500.00",
        "-7000.00",
    )
    assert basic["causes"] == [{"kind": "row", "name": "LATE", "before": "", "after": "LATE"}]
    assert _decisions(result, "LATE")["basic_payment"]["owed"] == "8500.00"
    assert result["owed"] == "8088.23"  # 8,500.00 - 7,000.00 + 6,588.23 above the limit


def test_a_reversal_that_comes_in_takes_back_what_was_settled(run: Run, tmp_path: Path) -> None:
    more = tmp_path / "more.yaml"
    more.write_text("claims: [{claim_id: R9, service_date: 2026-05-02, reverses: C1}]\n", "utf-8")
    result = _changes(run, "--case", "settled_otherwise", "--with", str(more))
    assert {row["key"]: (row["before"], row["after"]) for row in result["rows"]} == {
        "C1": ("decided", "reversed"),
        "C2": ("decided", "decided"),
        "R9": (None, "reversed"),
    }
    assert _decisions(result, "C1")["basic_payment"]["owed"] == "-4000.00"
    assert (
        result["owed"] == "-3588.23"
    )  # 8,500.00 for C2 in place of 1,500.00 + 6,588.23, less 4,000.00 settled on C1


def test_between_two_days_the_facts_in_force_are_responsible(run: Run) -> None:
    days = ("--from-date", "2026-02-28", "--to-date", "2026-11-21")
    result = _changes(run, "--case", "employed_in_february_retired_in_march", *days)
    contribution = next(
        benefit for benefit in result["benefits"] if benefit["benefit"] == "employer_contribution"
    )
    fact = {"kind": "fact", "name": "employment_status", "before": "employed", "after": "retired"}
    assert fact in contribution["causes"]
    assert [row["key"] for row in result["rows"]] == ["C2"]  # C1 was employed's, and still is


def test_under_another_rulebook_the_provision_is_responsible(run: Run) -> None:
    result = _changes(run, "--case", "settled_otherwise", "--overlay", "limit_counts_costs")
    causes = _decisions(result, "C2")["basic_payment"]["causes"]
    assert {"shanghai_employee_basic", "shanghai_employee_covered_cost"} == {
        cause["name"] for cause in causes
    }
    assert {cause["kind"] for cause in causes} == {"provision"}


def test_a_record_that_nothing_changes_for_says_so(run: Run) -> None:
    words = ("redetermine", CASES, "--case", "assistance_from_june", "--overlay", "limit_counts_costs")
    status, out, _ = run(*words)
    assert (status, "nothing changes" in out) == (0, True)
    assert "没有变化" in run(*words, "--lang", "zh")[1]


def test_the_table_tells_what_is_owed_in_both_languages(run: Run) -> None:
    words = ("redetermine", CASES, "--case", "a_late_claim_takes_its_turn", "--late", "LATE")
    assert "owed in all: 8,088.23 yuan" in run(*words)[1]
    assert "共应补发 8,088.23 元" in run(*words, "--lang", "zh")[1]


# -- two records of one person ---------------------------------------------------------------------

RECORD = """\
as_of: 2026-06-30
resident: {{person_id: {person}, insured_area: "310113", insurance_scheme: employee, coverage_status: {status},
  employment_status: employed, assistance_category: none, contribution_base: 1000.00, birth_date: 1980-01-01,
  personal_account_balance: 0.00, annual_premium: 0.00}}
claims:
  - {{claim_id: A, service_date: 2026-02-10, care_type: inpatient, hospital_level: tertiary, total_cost: {cost},
     out_of_scope_cost: 0.00, settled_basic_payment: {settled}}}
"""


def _record(folder: Path, name: str, **facts: object) -> str:
    facts = {"person": "P1", "status": "active", "cost": "10000.00", "settled": "0.00"} | facts
    (folder / name).write_text(RECORD.format(**facts), "utf-8")
    return str(folder / name)


def test_two_records_of_one_person_are_compared_and_the_fact_is_responsible(run: Run, tmp_path: Path) -> None:
    old = _record(tmp_path, "old.yaml", status="suspended")
    new = _record(tmp_path, "new.yaml")
    status, out, _ = run("redetermine", old, new, "--format", "json")
    content = json.loads(out)
    basic = _decisions(content, "A")["basic_payment"]
    assert (status, basic["before"], basic["after"], basic["paid"], basic["owed"]) == (
        0, "0.00", "7225.00", "0.00", "7225.00",
    )  # fmt: skip
    assert {"kind": "fact", "name": "coverage_status", "before": "suspended", "after": "active"} in basic[
        "causes"
    ]
    heading = run("redetermine", old, new, "--overlay", "limit_counts_costs")[1].splitlines()[0]
    assert "old.yaml, 2026-06-30 against" in heading
    assert heading.endswith("new.yaml, 2026-06-30 (overlay limit_counts_costs)")


def test_a_total_shows_what_is_known_of_it_beside_what_is_open(run: Run, tmp_path: Path) -> None:
    old = _record(tmp_path, "old.yaml", settled="1000.00")
    new = _record(tmp_path, "new.yaml", settled="1000.00", cost="null")
    content = json.loads(run("redetermine", old, new, "--format", "json")[1])
    assert (content["owed"], content["owed_known"]) == (None, "0.00")
    assert content["open"] >= 1
    assert f"amounts still open: {content['open']}" in run("redetermine", old, new)[1]
    assert f"另有 {content['open']} 项金额待定" in run("redetermine", old, new, "--lang", "zh")[1]


def test_records_of_two_people_are_refused_without_repeating_whose_they_are(run: Run, tmp_path: Path) -> None:
    old, new = _record(tmp_path, "old.yaml"), _record(tmp_path, "new.yaml", person="P2")
    status, out, err = run("redetermine", old, new)
    assert (status, out) == (2, "")
    assert "E772: the two records are not of one resident. Give two records of one resident" in err
    assert "P2" not in err


def test_what_is_settled_otherwise_counts_though_nothing_else_changes(run: Run, tmp_path: Path) -> None:
    """Owed less overpaid is what is ruled less what is settled."""
    old = _record(tmp_path, "old.yaml", settled="3000.00")
    content = json.loads(run("redetermine", old, old, "--format", "json")[1])
    basic = _decisions(content, "A")["basic_payment"]
    assert (basic["before"], basic["after"], basic["owed"], basic["causes"]) == (
        "7225.00",
        "7225.00",
        "4225.00",
        [],
    )
    assert content["owed_known"] == "4225.00"


def test_a_reversal_of_the_next_month_is_not_there_yet(run: Run, tmp_path: Path) -> None:
    record = _record(tmp_path, "old.yaml")
    with Path(record).open("a", encoding="utf-8") as file:
        file.write("  - {claim_id: R, service_date: 2026-03-10, reverses: A}\n")
    words = ("--from-date", "2026-02-28", "--to-date", "2026-04-30", "--format", "json")
    content = json.loads(run("redetermine", record, *words)[1])
    assert {row["key"]: (row["before"], row["after"]) for row in content["rows"]} == {
        "A": ("decided", "reversed"),
        "R": (None, "reversed"),
    }


def test_the_deductible_of_a_cancelled_claim_moves_once(run: Run, tmp_path: Path) -> None:
    """Three claims settled one after another; the first is cancelled: as if none had been settled."""
    base = RECORD.split("claims:", maxsplit=1)[0].format(person="P1", status="active", cost="", settled="")
    owed = []
    for settled in (((1500, 7225), (0, 8500), (0, 8500)), (None, None, None)):
        record, more = tmp_path / "record.yaml", tmp_path / "more.yaml"
        claims = [
            f"  - {{claim_id: {key}, service_date: 2026-0{month}-10, care_type: inpatient, hospital_level: tertiary, "
            f"total_cost: 10000.00, out_of_scope_cost: 0.00"
            + (
                "}"
                if paid is None
                else f", settled_deductible: {paid[0]}, settled_basic_payment: {paid[1]}}}"
            )
            for month, (key, paid) in enumerate(zip("ABC", settled, strict=True), 1)
        ]
        record.write_text(base + "claims:\n" + "\n".join(claims), "utf-8")
        more.write_text("claims: [{claim_id: R, service_date: 2026-04-01, reverses: A}]\n", "utf-8")
        content = json.loads(run("redetermine", str(record), "--with", str(more), "--format", "json")[1])
        owed.append(content["owed_known"])
    assert owed == ["-8500.00", "-8500.00"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "there is nothing to compare"),
        (("--from-date", "2026-01-01"), "--from-date and --to-date go together"),
        (("--late", "C2"), "the file holds several records"),
        (("--case", "settled_otherwise", "--late", "C3"), "the record has no C3. The record has: C1, C2"),
        (("--case", "settled_otherwize", "--late", "C1"), "there is no case settled_otherwize"),
    ],
)
def test_what_cannot_be_compared_is_refused(run: Run, words: tuple[str, ...], said: str) -> None:
    status, out, err = run("redetermine", CASES, *words)
    assert (status, out) == (2, "")
    assert said in err


def test_a_side_that_cannot_be_decided_says_why(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "late.yaml"
    file.write_text("resident: {person_id: P1, insured_area: '31', assistance_category: 因病致贫}\n", "utf-8")
    status, out, err = run("redetermine", str(file), "--from-date", "2026-01-01", "--to-date", "2029-01-01")
    assert status == 1
    assert "resident P1" in out
    assert {line.partition(" of ")[0] for line in err.splitlines()} == {f"{file}:1:1: E437: the value"}


def test_rows_that_come_in_need_a_place_below_the_person(run: Run, tmp_path: Path) -> None:
    pensions(tmp_path)
    record, more = tmp_path / "record.json", tmp_path / "more.yaml"
    record.write_text('{"as_of": "2026-06-30", "person": {"person_id": "A"}}', "utf-8")
    more.write_text("claims: [{claim_id: C1}]", "utf-8")
    rules = str(tmp_path / "pensions.yaml")
    status, out, err = run("redetermine", str(record), "--rules", rules, "--with", str(more))
    assert (status, out) == (2, "")
    assert "E773" in err


def test_the_heading_tells_the_sides_apart_and_chinese_names_causes_by_their_titles(
    run: Run, tmp_path: Path
) -> None:
    text = """as_of: 2026-11-21
resident: {person_id: P1, insured_area: "310113", insurance_scheme: employee, coverage_status: active,
  employment_status: %s}
claims: [{claim_id: C1, service_date: 2026-03-02, care_type: inpatient, hospital_level: tertiary,
  total_cost: 900.00, out_of_scope_cost: 0.00}]
"""
    (tmp_path / "a.yaml").write_text(text % "employed", "utf-8")
    (tmp_path / "b.yaml").write_text(text % "retired", "utf-8")
    late = run("redetermine", str(tmp_path / "a.yaml"), "--late", "C1", "--lang", "en")[1]
    assert late.startswith("resident P1: 2026-11-21, without C1 against 2026-11-21\n")
    moved = run("redetermine", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"), "--lang", "zh")[1]
    assert "事实 就业状态: 在职 -> 退休" in moved
    assert "employment_status" not in moved


TWO_SIZES = """\
rulebook: {name: two, title: Two, entry: shop}
entities:
  shop: {title: {zh: 店, en: shop}, key: shop_no}
  sale: {title: {zh: 单, en: sale}, key: sale_no, parent: shop, children: sales, date: sold_on, outcome: tax}
codes:
  size: {title: size, values: {big: {zh: 大, en: big}, small: {zh: 小, en: small}}}
facts:
  shop:
    shop_no: {type: text, title: number}
    size: {type: code size, title: {zh: 店面大小, en: size of the shop}}
  sale:
    sale_no: {type: text, title: number}
    sold_on: {type: date, title: day}
    size: {type: integer, min: 0, max: 9, title: {zh: 单量, en: size of the sale}}
decisions:
  sale: {tax: {type: money, title: tax, output: true}}
sources: {S1: {title: A notice}}
provisions:
  t: {title: t, decision: tax, value: 'if shop.size = "big" then size * 2 else size', source: S1, clause: 1}
"""
SALE = """\
as_of: 2026-01-31
shop: {shop_no: S, size: big}
sales: [{sale_no: A, sold_on: 2026-01-02, size: 3}]
"""


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [("size: 3", "size: 4", "A 单量: 3 -> 4"), ("big", "small", "店面大小: 大 -> 小")],
)
def test_a_fact_that_two_entities_have_is_called_by_the_title_of_its_own(
    old: str, new: str, shown: str, run: Run, tmp_path: Path
) -> None:
    for name, text in (("r", TWO_SIZES), ("a", SALE), ("b", SALE.replace(old, new))):
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    paths = [str(tmp_path / f"{name}.yaml") for name in "abr"]
    status, out, _ = run("--lang", "zh", "redetermine", *paths[:2], "--rules", paths[2])
    assert (status, f"事实 {shown}" in out) == (0, True), out


@pytest.mark.parametrize("spoilt", ["old", "new"])
def test_what_a_rejected_claim_comes_to_is_open_and_owed_to_nobody(
    run: Run, tmp_path: Path, spoilt: str
) -> None:
    record = (
        "as_of: 2026-06-30\nresident: {person_id: P1, insured_area: '310113', insurance_scheme: 居民医保,"
        " coverage_status: active, assistance_category: none}\n"
        "claims: [{claim_id: C1, service_date: 2026-03-02, care_type: inpatient, hospital_level: tertiary,"
        " total_cost: 1000.00, out_of_scope_cost: 0, critical_illness: false}]\n"
    )
    files = [tmp_path / "old.yaml", tmp_path / "new.yaml"]
    for file in files:
        file.write_text(record.replace("1000.00", "1.OOO") if spoilt in file.name else record, "utf-8")
    status, out, _ = run("redetermine", *map(str, files), "--format", "json")
    result = json.loads(out)
    assert (status, result["owed"], result["owed_known"], result["open"]) == (1, None, "0.00", 4)
    files[0].write_text(record.replace("claims: [{", "claims: [{settled_basic_payment: 525.00, "), "utf-8")
    files[1].write_text(record.replace("person_id: P1", "person_id: P1, birth_date: 2027-01-01"), "utf-8")
    result = json.loads(run("redetermine", *map(str, files), "--format", "json")[1])
    assert (result["owed"], result["owed_known"]) == (None, "0.00")
