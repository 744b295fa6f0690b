"""Exports of the national platform, decided by the shipped mappings without preparation."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from tests.batch.batches import rows

from mianshen.batch.run import Request, run_batch
from mianshen.mapping.model import shipped_mappings
from mianshen.population.sample import write_settlements
from mianshen.rulebook import open_program
from mianshen.source import RuleError

DAY: Final = date(2026, 6, 30)
PLAIN: Final = {
    "SETL_ID": "S1", "INIT_SETL_ID": "", "PSN_NO": "P1", "PSN_NAME": "样本", "GEND": "1", "BRDY": "1978-05-06 00:00:00+08:00",
    "INSUTYPE": "310", "PSN_TYPE": "1101", "INSU_ADMDVS": "310113", "FIX_BLNG_ADMDVS": "310101", "HOSP_LV": "03",
    "DEDC_HOSP_LV": "", "MED_TYPE": "2101", "DISE_NO": "", "BEGNDATE": "2026-03-01", "ENDDATE": "2026-03-09 10:00:00",
    "SETL_TIME": "2026-03-10 11:00:00", "MEDFEE_SUMAMT": "48650.37", "FULAMT_OWNPAY_AMT": "3000.00", "OVERLMT_SELFPAY": "535.62",
    "PRESELFPAY_AMT": "2000.00", "INSCP_AMT": "43114.75", "ACT_PAY_DEDC": "1500.00", "HIFP_PAY": "35372.54",
    "CVLSERV_PAY": "0.00", "HIFES_PAY": "0.00", "HIFMI_PAY": "0.00", "HIFOB_PAY": "0.00", "MAF_PAY": "0.00",
    "OTHFUND_PAY": "0.00", "HIFDM_PAY": "0.00", "OWNPAY_HOSP_PART": "0.00", "BALC": "0.00", "REFD_SETL_FLAG": "0",
    "VALI_FLAG": "1", "SP_PSN_TYPE": "", "CRTE_TIME": "2026-03-10",
}  # fmt: skip


def decided(
    folder: Path, *settlements: dict[str, str], text: str | None = None, mapping: str = "nhsa"
) -> dict[str, Any]:
    """The claims by number, the residents by number, and the summary of a batch over one file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "setl.csv"
    if text is None:
        written = io.StringIO()
        whole = [PLAIN | row for row in settlements]
        table = csv.DictWriter(written, list(whole[0]))
        table.writeheader()
        table.writerows(whole)
        text = written.getvalue()
    file.write_text(text, "utf-8")
    request = Request({"resident": file, "claim": file}, DAY, folder / "out", mapping=mapping)
    summary = run_batch(open_program(), request)
    claims = {row["claim_id"]: row for row in rows(folder / "out" / "claims.parquet")}
    people = {row["person_id"]: row for row in rows(folder / "out" / "residents.parquet")}
    return {
        "claims": claims,
        "people": people,
        "summary": summary.content,
        "rejects": rows(folder / "out" / "rejects.parquet"),
    }


def test_the_shipped_mappings_can_be_read() -> None:
    from mianshen.mapping.model import mapping_file
    from mianshen.mapping.reading import read_mapping

    assert {"nhsa", "nhsa_persons", "assistance_office"} <= set(shipped_mappings())
    for name in shipped_mappings():
        assert read_mapping(mapping_file(name), open_program()).entities


def test_a_shanghai_stay_is_held_against_what_was_settled(tmp_path: Path) -> None:
    decided_rows = decided(tmp_path, {}, {"SETL_ID": "S2", "PSN_NO": "P2", "HIFP_PAY": "35000.00"})
    assert decided_rows["claims"]["S1"]["basic_payment"] == Decimal("35372.54")
    assert decided_rows["summary"]["settled"]["basic_payment"]["difference"] == "-372.54"
    assert decided_rows["summary"]["mapping"]["claim"]["columns_ignored"][-1] == "CRTE_TIME"


def test_a_name_that_stands_in_the_header_is_not_repeated(tmp_path: Path) -> None:
    decided_rows = decided(tmp_path, {"欧阳震华": "", "11010519491231002X": "", "镇街": ""})
    ignored = decided_rows["summary"]["mapping"]["claim"]["columns_ignored"]
    assert ignored[-4:] == ["CRTE_TIME", *(f"#{len(PLAIN) + number}" for number in (1, 2, 3))]


def test_refunds_invalid_rows_and_what_reversals_name_take_no_part(tmp_path: Path) -> None:
    decided_rows = decided(
        tmp_path, {}, {"VALI_FLAG": "0", "MEDFEE_SUMAMT": "1.00"}, {"SETL_ID": "S2", "REFD_SETL_FLAG": "1"},
        {"SETL_ID": "S3\t", "ENDDATE": "2026-03-11"}, {"SETL_ID": "S4", "INIT_SETL_ID": "S3", "MEDFEE_SUMAMT": "-48650.37"},
        {"SETL_ID": "S5", "INIT_SETL_ID": "S0"},
    )  # fmt: skip
    assert set(decided_rows["claims"]) == {"S1"}
    assert decided_rows["rejects"] == []
    report = decided_rows["summary"]["mapping"]["claim"]
    assert [part["rows"] for part in report["left_out"]] == [1, 1, 2, 1]
    assert decided_rows["summary"]["records"]["claim"] == {"read": 1, "decided": 1, "rejected": 0}


SHANGHAI_RESIDENT: Final = {"INSUTYPE": "390", "PSN_TYPE": "1501", "HIFP_PAY": "", "ACT_PAY_DEDC": ""}
CLAIM: Final = {
    "another care type stands in": ({"MED_TYPE": "11"}, {"basic_payment": "35372.54", "deductible": None}),
    "elsewhere it stands in": ({"INSU_ADMDVS": "110101"}, {"basic_payment": "35372.54", "deductible": None}),
    "the date of discharge as written": ({"ENDDATE": "2026-07-01 00:30:00+08:00"}, "after_as_of"),
    "the settlement where there is no discharge": ({"ENDDATE": "", "SETL_TIME": "2026-07-01"}, "after_as_of"),
    "settled apart": ({"INSUTYPE": "340"}, {"in_scope_cost": "43114.75", "basic_payment": None, "status": "not_modelled"}),
    "marks and tabs": ({"MEDFEE_SUMAMT": "48,650.37\t", "HIFP_PAY": "35,372.54"}, {"in_scope_cost": "43114.75"}),
    "the scope that is given": ({"OVERLMT_SELFPAY": ""}, {"in_scope_cost": "43114.75"}),
    "a scope that disagrees": ({"INSCP_AMT": "43114.76"}, "failed_check"),
    "no scope given": ({"INSCP_AMT": ""}, {"in_scope_cost": "43114.75"}),
    "an unlisted care type": ({"MED_TYPE": "9901"}, {"in_scope_cost": "43114.75", "status": "undetermined"}),
    "others bear their part": (
        {"CVLSERV_PAY": "100.00", "HIFES_PAY": "20.00", "OTHFUND_PAY": "3.00", "HIFDM_PAY": "0.50", "OWNPAY_HOSP_PART": "0.05"},
        {"patient_pays": "13154.28"},
    ),
    "the deductible's level": (
        {"INSUTYPE": "390", "PSN_TYPE": "1501", "DEDC_HOSP_LV": "1", "HIFP_PAY": "", "ACT_PAY_DEDC": ""}, {"deductible": "50.00"},
    ),
    "the level of the hospital": (
        {"INSUTYPE": "390", "PSN_TYPE": "1501", "HOSP_LV": "05", "HIFP_PAY": "", "ACT_PAY_DEDC": ""}, {"deductible": "100.00"},
    ),
    "no level": (SHANGHAI_RESIDENT | {"HOSP_LV": "11"}, {"deductible": None}),
    "not graded": (SHANGHAI_RESIDENT | {"DEDC_HOSP_LV": "9"}, {"deductible": None}),
    "retired": ({"PSN_TYPE": "1201", "HIFP_PAY": "", "ACT_PAY_DEDC": ""}, {"deductible": "1200.00", "basic_payment": "38561.57"}),
    "a listed disease": (
        {"INSUTYPE": "390", "PSN_TYPE": "1501", "HIFP_PAY": "", "ACT_PAY_DEDC": "", "DISE_NO": "M07803"},
        {"critical_illness_payment": "6602.21"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("row", "wanted"), CLAIM.values(), ids=CLAIM)
def test_a_settlement_is_read_as_the_platform_means_it(
    tmp_path: Path, row: dict[str, str], wanted: Any
) -> None:
    decided_rows = decided(tmp_path, row)
    if isinstance(wanted, str):
        assert [reject["reason"] for reject in decided_rows["rejects"]] == [wanted]
        return
    claim = decided_rows["claims"]["S1"]
    assert {
        n: claim[n]
        if isinstance(v, str) and not v[0].isdigit()
        else (None if claim[n] is None else str(claim[n]))
        for n, v in wanted.items()
    } == wanted


def test_the_interfaces_names_in_camel_case_and_tabs_are_the_same(tmp_path: Path) -> None:
    names = {
        "INSU_ADMDVS": "insuplcAdmdvs",
        "FIX_BLNG_ADMDVS": "mdtrtareaAdmvs",
        "INSCP_AMT": "inscpScpAmt",
        "OTHFUND_PAY": "othPay",
    }
    lowered = {name: names.get(name) or "".join(p.title() for p in name.lower().split("_")) for name in PLAIN}
    header = ",".join(f"{name[0].lower()}{name[1:]}\t" for name in lowered.values())
    cells = ",".join(f"{value}\t" for value in PLAIN.values())
    decided_rows = decided(tmp_path, text=f"{header}\n{cells}\n")
    assert decided_rows["claims"]["S1"]["patient_pays"] == Decimal("13277.83")


def test_a_person_is_the_newest_row_and_maternity_changes_no_scheme(tmp_path: Path) -> None:
    resident = {"INSUTYPE": "390", "PSN_TYPE": "1501", "HIFP_PAY": "", "ACT_PAY_DEDC": "", "SP_PSN_TYPE": "2"}
    decided_rows = decided(
        tmp_path, resident | {"ENDDATE": "2026-01-05"},
        {"SETL_ID": "S2", "INSUTYPE": "510", "MED_TYPE": "52", "ENDDATE": "2026-02-05", "PSN_TYPE": "1501", "SP_PSN_TYPE": "2"},
        resident | {"SETL_ID": "S3", "PSN_NO": "P2", "ENDDATE": "2026-03-05", "SP_PSN_TYPE": ""},
        resident | {"SETL_ID": "S4", "PSN_NO": "P2", "ENDDATE": "2026-04-05", "SP_PSN_TYPE": "2"},
        resident | {"SETL_ID": "S5", "PSN_NO": "P2", "ENDDATE": "2026-05-05", "SP_PSN_TYPE": "2"},
    )  # fmt: skip
    assert {key: row["premium_subsidy_status"] for key, row in decided_rows["people"].items()} == {
        "P1": "eligible",
        "P2": "eligible",
    }
    assert decided_rows["claims"]["S3"]["assistance_payment"] == Decimal("0.00")
    assert decided_rows["claims"]["S4"]["assistance_payment"] > 0
    assert decided_rows["summary"]["mapping"]["resident"] == decided_rows["summary"]["mapping"][
        "resident"
    ] | {
        "rows": 5,
        "merged": 2,
    }


def test_settlements_of_one_day_keep_what_each_says_of_the_person(tmp_path: Path) -> None:
    rows = ({"INIT_SETL_ID": "NULL"}, {"SETL_ID": "S2", "PSN_TYPE": "1201", "INIT_SETL_ID": "0"})
    decided_rows = decided(tmp_path, *rows)
    assert [str(decided_rows["claims"][key]["deductible"]) for key in ("S1", "S2")] == ["1500.00", "0.00"]
    assert str(decided_rows["claims"]["S2"]["basic_payment"]) == "39665.57"  # 92% of 43,114.75
    assert decided_rows["summary"]["mapping"]["resident"]["disagreements"] == {"employment_status": 1}
    assert (
        decided_rows["people"]["P1"]["retiree_benefits_status"] != "ineligible"
    )  # the later number says retired
    again = decided(tmp_path / "turned", *reversed(rows))
    assert again["claims"] == decided_rows["claims"]


@pytest.mark.parametrize(
    ("column", "code", "fact"),
    [
        ("INSUTYPE", "999", "insurance_scheme"),
        ("PSN_TYPE", "9901", "employment_status"),
        ("SP_PSN_TYPE", "77", "assistance_category"),
    ],
)
def test_a_code_in_no_list_is_unknown_for_its_settlement_and_never_the_other_one_s_of_that_day(
    tmp_path: Path, column: str, code: str, fact: str
) -> None:
    for number in (0, 1):  # the earlier and the later one of the day
        rows = [{}, {"SETL_ID": "S2"}]
        rows[number] |= {column: code}
        decided_rows = decided(tmp_path / str(number), *rows)
        own = decided_rows["claims"][("S1", "S2")[number]]
        assert own["status"] == "undetermined"
        assert fact in own["missing"]
        if number:  # an earlier one that is open leaves the limits of a later one open
            assert decided_rows["claims"]["S1"]["status"] == "decided"
        report = decided_rows["summary"]["mapping"]["claim"]
        assert report["unlisted_codes"][fact] == 1
        assert report["unlisted_values"][fact] == [code]


def test_a_made_up_export_of_all_layers_differs_where_it_was_made_to(tmp_path: Path) -> None:
    write_settlements(tmp_path, 1500, 7, DAY)
    with (tmp_path / "settlements.csv").open(encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    request = Request(
        {"resident": tmp_path / "settlements.csv", "claim": tmp_path / "settlements.csv"},
        DAY,
        tmp_path / "out",
        mapping="nhsa",
    )
    summary = run_batch(open_program(), request)
    assert summary.rejected == 0
    out = [
        row
        for row in written
        if row["VALI_FLAG"] == "0" or row["REFD_SETL_FLAG"] == "1" or row["INIT_SETL_ID"]
    ]
    assert summary.content["records"]["claim"]["decided"] == len(written) - len(out)
    stays = [
        row for row in written
        if row not in out and row["MED_TYPE"] == "2101" and row["INSU_ADMDVS"].startswith("31")
    ]  # fmt: skip
    settled = summary.content["settled"]
    assert settled["basic_payment"]["settled"] == str(sum(Decimal(row["HIFP_PAY"]) for row in stays))
    assert settled["deductible"]["difference"] == "0.00"
    assert settled["critical_illness_payment"]["difference"] == "0.00"
    less = {
        row["claim_id"]
        for row in rows(tmp_path / "out" / "differences.parquet")
        if row["decision"] == "basic_payment" and row["difference"] == Decimal("-10.00")
    }
    parts = {
        row["SETL_ID"] for row in stays if int(row["SETL_ID"][1:]) % 50 == 8 and Decimal(row["HIFP_PAY"]) > 0
    }
    assert less == parts


def test_persons_of_the_platform_have_the_identities_in_force(tmp_path: Path) -> None:
    text = (
        "psn_no,gend,brdy,insutype,psn_type,psn_insu_stas,psn_insu_date,insuplc_admdvs,psn_idet_type,begntime,endtime\n"
        'P1,2,1990-01-02,390,1501,1,2020-01-01,310113,"7131,7019","2020-01-01,2026-01-01","2025-12-31,"\n'
        "P1,2,1990-01-02,320,1501,1,2021-01-01,310113,,,\n"
        "P2,1,1960-01-02,390,1601,1,2020-01-01,310113,7019,2020-01-01 00:00:00,2025-12-31 00:00:00\n"
        "P3,1,1960-01-02,390,1601,2,2020-01-01,310113,7019,,\nP3,1,1960-01-02,310,1201,1,2019-01-01,310113,,,\n"
    )
    file = tmp_path / "persons.csv"
    file.write_text(text, "utf-8")
    run_batch(open_program(), Request({"resident": file}, DAY, tmp_path / "out", mapping="nhsa_persons"))
    results = {
        row["person_id"]: row["premium_subsidy_status"]
        for row in rows(tmp_path / "out" / "residents.parquet")
    }
    assert results == {"P1": "eligible", "P2": "ineligible", "P3": "ineligible"}


def test_the_list_of_people_left_without_aid_is_read(tmp_path: Path) -> None:
    text = (
        "清算期,姓名,身份证号,镇街,身份,医疗类别,医药机构,政策范围费用,统筹报销,大额报销,大病报销,进入报销金额,状态,剔除\n"
        '202605,样本,370101199001010019,某镇,低保对象,住院,某院,"10,000.00",6000.00,0,0,4000.00,未救助,\n'
        "202605,样本,370101199001010019,某镇,低保对象,住院,某院,500.00,100.00,0,0,400.00,未救助,是\n"
    )
    decided_rows = decided(tmp_path, text=text, mapping="assistance_office")
    assert set(decided_rows["claims"]) == {"L1"}
    assert decided_rows["claims"]["L1"]["in_scope_cost"] == Decimal("10000.00")


def test_an_export_without_its_mapping_is_told_which_one_reads_it(tmp_path: Path) -> None:
    (tmp_path / "setl.csv").write_text(",".join(PLAIN) + "\n" + ",".join(PLAIN.values()) + "\n", "utf-8")
    files = {"resident": tmp_path / "setl.csv", "claim": tmp_path / "setl.csv"}
    with pytest.raises(RuleError) as caught:
        run_batch(open_program(), Request(files, DAY, tmp_path / "out"))
    [line] = [diagnostic.show("en") for diagnostic in caught.value.diagnostics]
    assert "E542" in line
    assert line.endswith("It looks like what the shipped mapping nhsa reads: add --mapping nhsa.")


def test_rows_of_which_nothing_is_filled_in_are_passed_over_whatever_the_mapping_adds(tmp_path: Path) -> None:
    blank = dict.fromkeys(PLAIN, "")
    decided_rows = decided(tmp_path, {}, blank, dict.fromkeys(PLAIN, " \u3000"))
    assert decided_rows["rejects"] == []
    assert decided_rows["summary"]["records"]["claim"] == {"read": 1, "decided": 1, "rejected": 0}
    assert [part["rows"] for part in decided_rows["summary"]["mapping"]["claim"]["left_out"]] == [2]
