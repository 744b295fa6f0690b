"""Exports of the national platform in odd dress, decided without preparation, against a computation from the rows.

`MIANSHEN_EXPORT` says how many persons. Data-centre and interface names, upper and camel case, tabs, thousands marks, times
and zones, GB18030, a mark at the beginning; refunds, invalid rows, reversals; several schemes and places of a person.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow.parquet as pq
import pytest
from tests.support.oracle_over_time import Person
from tests.support.oracle_stack import NOT_MODELLED, ZERO, fen, status_of

from mianshen_cli.main import main

PERSONS: Final = int(os.environ.get("MIANSHEN_EXPORT", "40"))
AS_OF: Final = dt.date(2026, 6, 30)
SCHEMES: Final = {"310": "employee", "390": "resident", "510": "employee", "340": "special"}
CARE: Final = {
    "2101": "inpatient",
    "2102": "inpatient",
    "22": "inpatient",
    "24": "inpatient",
    "11": "outpatient",
    "13": "outpatient",
    "14": "chronic_outpatient",
    "41": "pharmacy",
    "51": "prenatal",
    "52": "delivery",
    "53": "family_planning",
    "9901": None,
}
PEOPLE: Final = {
    "1101": "employed",
    "1102": "employed",
    "1103": "flexible",
    "1201": "retired",
    "1208": "retired",
    "1501": "none",
    "1401": "none",
    "1601": "none",
}
CATEGORY: Final = {
    "": "none",
    "1": "destitute",
    "2": "subsistence",
    "3": "returned_to_poverty",
    "4": "low_income",
}
GRADE: Final = {"1": "primary", "2": "secondary", "3": "tertiary"}
LEVEL: Final = {
    "01": "tertiary",
    "03": "tertiary",
    "05": "secondary",
    "07": "secondary",
    "08": "primary",
    "10": "primary",
    "11": None,
}
AREAS: Final = ("310113", "310000", "310199", "310118", "110101", "371402", "370102", "440305")
AMOUNTS: Final = {
    "hifp_pay": "basic_payment",
    "hifob_pay": "supplementary_payment",
    "hifmi_pay": "critical_illness_payment",
}
STANDS_IN: Final = {
    "hifp_pay": "basic_paid",
    "hifob_pay": "supplementary_paid",
    "hifmi_pay": "critical_illness_paid",
}
INTERFACE: Final = {
    "insu_admdvs": "insuplc_admdvs",
    "fix_blng_admdvs": "mdtrtarea_admvs",
    "inscp_amt": "inscp_scp_amt",
    "othfund_pay": "oth_pay",
    "ownpay_hosp_part": "hosp_part_amt",
    "dise_codg": "dise_no",
}


def settlements(chance: Random, number: int) -> Iterator[dict[str, str]]:
    """The settlements of a person, each with what the person was."""
    person = f"P{chance.randrange(10**6)}-{number}"
    insutype, area = chance.choice(tuple(SCHEMES)), chance.choice(AREAS)
    days = [AS_OF - dt.timedelta(chance.randrange(700)) for _ in range(chance.randrange(1, 7))]
    for day in sorted(days):
        if chance.random() < 0.2:
            insutype, area = chance.choice(tuple(SCHEMES)), chance.choice(AREAS)
        for _ in range(chance.choice((1, 1, 1, 2))):
            yield settlement(chance, person, day, insutype, area)
            if chance.random() < 0.3:  # the next one of the day, insured elsewhere or otherwise
                insutype, area = chance.choice(tuple(SCHEMES)), chance.choice(AREAS)


def settlement(chance: Random, person: str, day: dt.date, insutype: str, area: str) -> dict[str, str]:
    total = Decimal(
        chance.choice(
            (chance.randrange(10**3, 10**5), chance.randrange(10**5, 10**7), chance.randrange(10**7, 10**8))
        )
    ).scaleb(-2)
    outside = [fen(total * chance.randrange(0, 15) / 100) for _ in range(3)]
    inside = total - sum(outside, ZERO)
    paid = dict.fromkeys((*AMOUNTS, "act_pay_dedc", "maf_pay"), "")
    if chance.random() < 0.85:
        parts = (
            inside * chance.randrange(60) / 100,
            inside * chance.randrange(10) / 100,
            inside * chance.randrange(10) / 100,
        )
        paid = dict(zip(AMOUNTS, (f"{fen(part)}" for part in parts), strict=True))
        paid |= {
            "act_pay_dedc": chance.choice(("0.00", "300.00", "1500.00")),
            "maf_pay": chance.choice(("0.00", "12.34", "")),
        }
    when = chance.choice((f"{day}", f"{day} 23:59:59", f"{day} 00:30:00+08:00", f"{day:%Y%m%d}"))
    grade = chance.choice(("1", "2", "3", "9", ""))
    return {
        "setl_id": f"S{chance.randrange(10**9)}",
        "init_setl_id": chance.choice(("", "", "0", "-")),
        "psn_no": person,
        "gend": chance.choice("12"),
        "brdy": chance.choice(("1978-05-06", "1970-01-01", "1992-02-03 00:00:00+08:00")),
        "insutype": insutype,
        "psn_type": chance.choice(tuple(PEOPLE)),
        "flxempe_flag": chance.choice(("0", "0", "0", "1")),
        "insu_admdvs": area,
        "fix_blng_admdvs": chance.choice(AREAS),
        "hosp_lv": chance.choice(tuple(LEVEL)),
        "dedc_hosp_lv": grade,
        "med_type": chance.choice((*CARE, "2101", "2101", "2102", "11")),
        "dise_codg": chance.choice(("", "M00503", "M07804", "M99999")),
        "begndate": f"{day - dt.timedelta(chance.randrange(9))}",
        "enddate": when if chance.random() < 0.9 else "",
        "setl_time": f"{day} 11:00:00",
        "medfee_sumamt": f"{total}",
        "fulamt_ownpay_amt": f"{outside[0]}",
        "overlmt_selfpay": f"{outside[1]}",
        "preselfpay_amt": f"{outside[2]}",
        "inscp_amt": chance.choice((f"{inside}", f"{inside}", "")),
        "cvlserv_pay": chance.choice(("0.00", "1.00")),
        "hifes_pay": "0.00",
        "othfund_pay": chance.choice(("0.00", "2.50")),
        "hifdm_pay": "0.00",
        "ownpay_hosp_part": chance.choice(("0.00", "0.05")),
        "balc": "36.0",
        "refd_setl_flag": "0",
        "vali_flag": "1",
        "sp_psn_type": chance.choice(tuple(CATEGORY)),
        "rid": "7",
        **paid,
    }


def left_out(chance: Random, row: Mapping[str, str]) -> list[dict[str, str]]:
    """Rows that take no part, beside one that does."""
    negative = {
        name: f"-{value}" for name, value in row.items() if name.endswith(("amt", "pay", "selfpay")) and value
    }
    number = f"X{chance.randrange(10**9)}"
    match chance.randrange(4):
        case 0:
            return [{**row, "vali_flag": "0", "medfee_sumamt": "1.00"}]  # the same number, invalid
        case 1:
            return [{**row, "setl_id": number, "refd_setl_flag": "1", "init_setl_id": ""}]
        case 2:
            original = {**row, "setl_id": number, "init_setl_id": ""}
            return [original, {**original, **negative, "setl_id": f"{number}R", "init_setl_id": number}]
        case _:
            return [
                {**row, **negative, "setl_id": f"{number}R", "init_setl_id": "S-gone", "refd_setl_flag": "1"}
            ]


def money(row: Mapping[str, str], name: str) -> Decimal | None:
    return Decimal(row[name]) if row[name] else None


def facts(row: Mapping[str, str]) -> dict[str, Any]:
    """A settlement as a claim with the person's facts of its own row."""
    care, shanghai = CARE[row["med_type"]], row["insu_admdvs"].startswith("31")
    apart = row["insutype"] == "340"
    level = GRADE.get(row["dedc_hosp_lv"]) if row["dedc_hosp_lv"] else LEVEL[row["hosp_lv"]]
    retired = row["psn_type"].startswith("12")
    employment = (
        "retired" if retired else "flexible" if row["flxempe_flag"] == "1" else PEOPLE[row["psn_type"]]
    )
    outside = sum((Decimal(row[n]) for n in ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt")), ZERO)
    claim: dict[str, Any] = {
        "claim_id": row["setl_id"],
        "service_date": dt.date.fromisoformat((row["enddate"] or row["setl_time"])[:10].replace(" ", "")),
        "care_type": care,
        "hospital_level": level,
        "insurance_scheme": SCHEMES[row["insutype"]],
        "insured_area": row["insu_admdvs"],
        "coverage_status": None if apart else "active",
        "employment_status": employment,
        "assistance_category": CATEGORY[row["sp_psn_type"]],
        "total_cost": Decimal(row["medfee_sumamt"]),
        "out_of_scope_cost": outside,
        "critical_illness": row["dise_codg"].startswith(("M00503", "M078")),
        "civil_servant_subsidy": Decimal(row["cvlserv_pay"]),
        "enterprise_supplement": ZERO,
        "other_fund_payment": Decimal(row["othfund_pay"]),
        "hospital_share": Decimal(row["ownpay_hosp_part"]),
        "settled_deductible": money(row, "act_pay_dedc"),
        "settled_assistance_payment": money(row, "maf_pay"),
    }
    for column, layer in AMOUNTS.items():
        name = f"settled_{layer}" if shanghai and care == "inpatient" else STANDS_IN[column]
        if not apart and money(row, column) is not None:
            claim[name] = money(row, column)
    return claim


def expected(rows: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    """The layers of every settlement that takes part, by its number."""
    layers: dict[str, dict[str, Any]] = {}
    for person in dict.fromkeys(row["psn_no"] for row in rows):
        mine = (
            sorted((facts(row), row) for row in rows if row["psn_no"] == person)
            if False
            else [(facts(row), row) for row in rows if row["psn_no"] == person]
        )
        mine.sort(key=lambda pair: (pair[0]["service_date"], pair[0]["claim_id"]))
        states = [
            {
                "valid_from": claim["service_date"],
                "insured_area": row["insu_admdvs"],
                "insurance_scheme": claim["insurance_scheme"],
                "coverage_status": None if row["insutype"] == "340" else "active",
                "employment_status": claim["employment_status"],
                "assistance_category": claim["assistance_category"],
            }
            for claim, row in mine
        ]
        layers |= Person(states, AS_OF).decide([claim for claim, _ in mine])
    return layers


def dressed(rows: list[dict[str, str]], dress: str) -> bytes:
    """The rows as a file of one dress."""
    names = {name: name for name in rows[0]}
    if dress == "interface":
        names |= INTERFACE
    if dress == "camel":
        names = {
            name: "".join(part.title() if at else part for at, part in enumerate(name.split("_")))
            for name in names
        }
    if dress in ("upper", "tabs", "gb18030"):
        names = {name: name.upper() for name in names}
    stream = io.StringIO()
    writer = csv.writer(stream)
    tab = "\t" if dress == "tabs" else ""
    writer.writerow(
        [f"{name}{tab}" for name in names.values()] + (["定点医药机构名称"] if dress == "gb18030" else [])
    )
    for row in rows:
        cells = [
            f"{cell}{tab}" if name.endswith(("_id", "_no", "type")) else cell for name, cell in row.items()
        ]
        if dress == "tabs":
            cells = [
                f"{Decimal(c):,}" if n == "medfee_sumamt" else c for n, c in zip(row, cells, strict=True)
            ]
        writer.writerow(cells + (["上海市某医院"] if dress == "gb18030" else []))
    encoding = {"gb18030": "gb18030", "interface": "utf-8-sig"}.get(dress, "utf-8")
    return stream.getvalue().encode(encoding)


@pytest.mark.parametrize("dress", ["upper", "interface", "camel", "tabs", "gb18030"])
def test_an_export_is_decided_as_computed_from_its_rows(dress: str, tmp_path: Path) -> None:
    chance = Random(f"export {dress} {PERSONS}")
    taking_part = [row for number in range(PERSONS) for row in settlements(chance, number)]
    rows = taking_part + [
        extra for row in taking_part if chance.random() < 0.15 for extra in left_out(chance, row)
    ]
    chance.shuffle(rows)
    file, out = tmp_path / "setl.csv", tmp_path / "out"
    file.write_bytes(dressed(rows, dress))
    words = [
        "batch",
        "--residents",
        str(file),
        "--claims",
        str(file),
        "--mapping",
        "nhsa",
        "--as-of",
        str(AS_OF),
        "--out",
        str(out),
    ]
    status = main(
        [*words, "--yes", "--max-rejects", "100%", *(["--encoding", "gb18030"] if dress == "gb18030" else [])]
    )
    assert status in (0, 1)
    rejects = pq.read_table(out / "rejects.parquet").to_pylist()
    assert rejects == []
    layers = expected(taking_part)
    claims = {row["claim_id"]: row for row in pq.read_table(out / "claims.parquet").to_pylist()}
    assert set(claims) == set(layers)
    wrong = [
        f"{key} {name}: {claims[key][name]}, the rows give {value}"
        for key, values in layers.items()
        for name, value in values.items()
        if claims[key][name] != (value if isinstance(value, Decimal) else None)
    ]
    wrong += [
        f"{key}: {claims[key]['status']}"
        for key, v in layers.items()
        if claims[key]["status"] != status_of(v["patient_pays"])
    ]
    assert not wrong, "\n".join(wrong[:20])
    totals = json.loads((out / "summary.json").read_text("utf-8"))["settled"]
    for layer in AMOUNTS.values():
        pairs = [
            (claim[f"settled_{layer}"], layers[claim["claim_id"]][layer])
            for claim in map(facts, taking_part)
            if claim.get(f"settled_{layer}") is not None
        ]
        differing = sum((one - other for one, other in pairs if isinstance(other, Decimal)), ZERO)
        assert Decimal(totals[layer]["difference"]) == differing, layer
    assert NOT_MODELLED in {value for values in layers.values() for value in values.values()}
