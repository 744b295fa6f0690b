"""`mianshen check`: the policy's worked examples, every form of input, and nothing but answers or mistakes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mianshen_cli import output
from mianshen_cli.main import main

Run = Callable[..., tuple[int, str, str]]

BASE: dict[str, Any] = {
    "person_id": "P1",
    "insured_area": "310113",
    "coverage_status": "active",
    "assistance_category": "none",
}
EMPLOYEE = BASE | {"insurance_scheme": "employee", "employment_status": "employed"}
RESIDENT = BASE | {"insurance_scheme": "居民医保", "employment_status": "none"}
STAY = {
    "claim_id": "C1",
    "service_date": "2026-03-02",
    "care_type": "住院",
    "hospital_level": "tertiary",
    "out_of_scope_cost": "0.00",
    "critical_illness": False,
}


def _record(resident: dict[str, Any], *claims: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"as_of": "2026-11-21", "resident": resident, "claims": [STAY | claim for claim in claims]} | more


def _write(folder: Path, record: object, name: str = "r.json") -> str:
    file = folder / name
    file.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    return str(file)


def _json(run: Run, file: str, *words: str, status: int = 0) -> Any:
    actual, out, err = run("check", file, "--format", "json", *words)
    assert actual == status, err
    return json.loads(out)


# The worked examples

WORKED: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, str], list[str]]] = [
    (
        "employee at a tertiary hospital",
        EMPLOYEE,
        {"total_cost": "48650.37", "out_of_scope_cost": "5535.62"},
        {"in_scope_cost": "43114.75", "deductible": "1500.00", "basic_payment": "35372.54", "patient_pays": "13277.83"},
        [],
    ),
    (
        "payments reading of the limit",
        EMPLOYEE | {"opening_deductible_used": "1500.00", "opening_basic_paid": "450500.00"},
        {"total_cost": "60000.00"},
        {"basic_payment": "51000.00", "patient_pays": "9000.00"},
        [],
    ),
    (
        "costs reading of the limit",
        EMPLOYEE | {"opening_deductible_used": "1500.00", "opening_covered_cost": 530000},
        {"total_cost": 60000.00},
        {"basic_payment": "17000.00", "supplementary_payment": "32000.00", "patient_pays": "11000.00"},
        ["--overlay", "limit_counts_costs"],
    ),
    (
        "resident at a tertiary hospital",
        RESIDENT,
        {"total_cost": "18432.56"},
        {"deductible": "300.00", "basic_payment": "13599.42", "patient_pays": "4833.14"},
        [],
    ),
    (
        "resident's critical illness",
        RESIDENT,
        {"total_cost": "119100.00", "critical_illness": "true"},
        {"basic_payment": "89100.00", "critical_illness_payment": "18000.00"},
        [],
    ),
    (
        "critical illness of a low-income resident",
        RESIDENT | {"assistance_category": "低收入"},
        {"total_cost": "119100.00", "critical_illness": "是"},
        {"basic_payment": "89100.00", "critical_illness_payment": "19500.00"},
        [],
    ),
    (
        "every layer of a resident on subsistence allowance",
        RESIDENT | {"assistance_category": "subsistence"},
        {"total_cost": "60300.00", "critical_illness": True},
        {
            "basic_payment": "45000.00",
            "critical_illness_payment": "9945.00",
            "assistance_payment": "4551.75",
            "patient_pays": "803.25",
        },
        [],
    ),
    (
        "assistance limit in Beijing",
        RESIDENT | {"insured_area": "110105", "assistance_category": "low_income"},
        {"total_cost": "300000.00", "basic_paid": "100000.00"},
        {"assistance_payment": "160000.00", "patient_pays": "40000.00"},
        [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("resident", "claim", "expected", "words"),
    [example[1:] for example in WORKED],
    ids=[example[0] for example in WORKED],
)
def test_a_worked_example(
    run: Run,
    tmp_path: Path,
    resident: dict[str, Any],
    claim: dict[str, Any],
    expected: dict[str, str],
    words: list[str],
) -> None:
    record = _record(resident, claim, as_of="2026-06-30")
    (row,) = _json(run, _write(tmp_path, record), *words)["claims"]
    assert {name: row[name] for name in expected} == expected
    assert (row["status"], row["missing"]) == ("decided", [])


def test_half_a_fen_is_paid(run: Run, tmp_path: Path) -> None:
    person = EMPLOYEE | {"insured_area": "110105", "assistance_category": "subsistence"}
    claim = {"total_cost": "0.30", "basic_paid": "0.20"}  # 85% of 0.10 is 0.085
    (row,) = _json(run, _write(tmp_path, _record(person, claim)))["claims"]
    assert row["assistance_payment"] == "0.09"


def test_illness_poverty_aid_of_the_year(run: Run, tmp_path: Path) -> None:
    person = RESIDENT | {"insured_area": "110105", "assistance_category": "因病致贫"}
    claim = {"service_date": "2025-03-02", "total_cost": "50000.00", "basic_paid": "4321.10"}
    record = _record(person, claim, household={"member_count": 1})
    aid = _json(run, _write(tmp_path, record))["benefits"]["illness_poverty_aid"]
    assert (aid["status"], aid["amount"], aid["delivery"]) == ("eligible", "15271.56", "application")
    assert aid["clause"] == {"source": "BJ-2023-9", "clause": aid["clause"]["clause"]}
    assert aid["shows"] == {"household_borne_last_year": "45678.90"}


def test_a_burden_exactly_on_the_line_warns(run: Run, tmp_path: Path) -> None:
    household = {"annual_income": "3250.00", "member_count": 1}  # 40% is 1,300.00
    record = _record(RESIDENT, {"total_cost": "4300.00"}, household=household)
    answer = _json(run, _write(tmp_path, record))
    assert answer["claims"][0]["patient_pays"] == "1300.00"
    assert answer["benefits"]["poverty_warning"]["status"] == "eligible"
    assert answer["benefits"]["poverty_warning"]["provisional"][0] == "poverty_warning_share"
    assert answer["benefits"]["poverty_watch"]["status"] == "ineligible"


# The contract of the JSON


def test_the_answer_has_the_contract_s_fields(run: Run, tmp_path: Path) -> None:
    answer = _json(run, _write(tmp_path, _record(EMPLOYEE, {"total_cost": "11500.00"})))
    assert list(answer)[:5] == ["person_id", "as_of", "rulebook", "benefits", "claims"]
    assert (answer["person_id"], answer["as_of"], answer["rejects"]) == ("P1", "2026-11-21", [])
    assert answer["rulebook"]["name"] == "mianshen"
    assert answer["rulebook"]["digest"].startswith("sha256:")
    for benefit in answer["benefits"].values():
        fields = {"status", "amount", "delivery", "reason", "missing", "provisional", "clause"}
        assert fields <= set(benefit)
    assert list(answer["claims"][0])[:8] == [
        "claim_id", "in_scope_cost", "deductible", "basic_payment", "supplementary_payment",
        "critical_illness_payment", "assistance_payment", "patient_pays",
    ]  # fmt: skip


def test_what_is_missing_is_named_with_the_claim_that_lacks_it(run: Run, tmp_path: Path) -> None:
    claims = [{"claim_id": "C1"}, {"claim_id": "C2", "service_date": "2026-04-02", "total_cost": "900.00"}]
    first, second = _json(run, _write(tmp_path, _record(EMPLOYEE, *claims)))["claims"]
    assert (first["patient_pays"], first["status"], first["missing"]) == (
        None,
        "undetermined",
        ["total_cost"],
    )
    assert second["missing_from"] == [{"entity": "claim", "key": "C1", "missing": ["total_cost"]}]
    assert second["reason"] == "Cannot be told yet; missing: total cost (total_cost) of claim C1"


def test_not_modelled_is_null_and_says_so(run: Run, tmp_path: Path) -> None:
    (row,) = _json(run, _write(tmp_path, _record(EMPLOYEE, {"total_cost": "1.00", "care_type": "门诊"})))[
        "claims"
    ]
    assert (row["in_scope_cost"], row["deductible"], row["status"]) == ("1.00", None, "not_modelled")
    assert "deductible" in row["not_modelled"]


def test_several_records_give_a_list_in_their_order(run: Run, tmp_path: Path) -> None:
    many = [_record(EMPLOYEE | {"person_id": name}) for name in ("B", "A")]
    assert [item["person_id"] for item in _json(run, _write(tmp_path, many))] == ["B", "A"]
    assert [item["person_id"] for item in _json(run, _write(tmp_path, {"cases": many}))] == ["B", "A"]


def test_one_case_of_a_case_file_is_decided_under_its_overlays(run: Run, tmp_path: Path) -> None:
    person = EMPLOYEE | {"opening_deductible_used": "1500.00", "opening_covered_cost": "530000.00"}
    case = _record(person, {"total_cost": "60000.00"}, as_of="2026-06-30")
    case |= {"name": "costs", "overlays": ["limit_counts_costs"]}
    file = _write(tmp_path, {"cases": [_record(EMPLOYEE) | {"name": "other"}, case]})
    answer = _json(run, file, "--case", "costs")
    assert answer["claims"][0]["basic_payment"] == "17000.00"
    assert len(answer["rulebook"]["overlays"]) == 1
    assert run("check", file, "--case", "cost")[0] == 2


def test_explain_adds_every_step(run: Run, tmp_path: Path) -> None:
    answer = _json(run, _write(tmp_path, _record(EMPLOYEE, {"total_cost": "11500.00"})), "--explain")
    step = next(entry for entry in answer["steps"] if entry["decision"] == "basic_payment")
    (used,) = step["provisions"]
    assert (step["value"], used["provision"], used["clause"]["source"]) == (
        "8500.00",
        "shanghai_employee_basic",
        "S2",
    )
    assert used["annual_limit"] == {
        "accumulator": "employee_basic_paid", "raw": "8500.00", "limit": "550000.00", "before": "0.00",
        "paid": "8500.00", "withheld": "0.00",
    }  # fmt: skip


# Days


def test_without_a_day_it_takes_today_and_says_so(run: Run, tmp_path: Path) -> None:
    record = _record(EMPLOYEE)
    del record["as_of"]
    answer = _json(run, _write(tmp_path, record))
    assert answer["notes"][0].startswith("no day is given, so today, ")
    answer = _json(run, _write(tmp_path, record), "--as-of", "2026-01-31")
    assert (answer["as_of"], answer["notes"][0]) == (
        "2026-01-31",
        "facts without a date count as they stand on 2026-01-31",
    )


def test_as_of_comes_before_the_record_s_day_and_says_so(run: Run, tmp_path: Path) -> None:
    answer = _json(run, _write(tmp_path, _record(EMPLOYEE)), "--as-of", "2026-01-31")
    assert answer["as_of"] == "2026-01-31"
    assert answer["notes"][0] == "decided for 2026-01-31 as --as-of says, whatever day the record gives"


# Exit statuses


def test_a_rejected_row_is_reported_and_the_rest_is_answered(run: Run, tmp_path: Path) -> None:
    slip = {
        "claim_id": "C2",
        "total_cost": "-1.00",
        "out_of_scope_cost": "1.00",
    }  # no refund: an amount is above zero
    claims = [{"claim_id": "C1", "total_cost": "900.00"}, slip]
    file = _write(tmp_path, _record(EMPLOYEE, *claims))
    status, out, err = run("check", file, "--format", "json")
    answer = json.loads(out)
    assert status == 1
    assert [row["claim_id"] for row in answer["claims"]] == ["C1"]
    assert answer["claims"][0]["patient_pays"] == "900.00"
    assert [(line["key"], line["field"], line["reason"]) for line in answer["rejects"]] == [
        ("C2", "total_cost", "out_of_range")
    ]
    assert err.startswith(f"{file}:1:")
    assert err.count("\n") == 1


def test_a_row_the_rules_cannot_decide_is_rejected_with_its_provision(run: Run, tmp_path: Path) -> None:
    """A figure past its review is an error of the row that uses it."""
    record = _record(EMPLOYEE, {"total_cost": "900.00", "service_date": "2028-01-02"}) | {
        "as_of": "2028-06-30"
    }
    status, out, err = run("check", _write(tmp_path, record), "--format", "json")
    assert status == 1
    assert json.loads(out)["rejects"][0]["reason"] == "past_review"
    for told in err.splitlines():
        match = re.fullmatch(
            r"(.+):(\d+):(\d+): E437: the value of .+ is later\. Review the figure, .+\.", told
        )
        assert match is not None
        line = Path(match[1]).read_text(encoding="utf-8").splitlines()[int(match[2]) - 1]
        assert line[int(match[3]) - 1] == "{"


def test_a_figure_past_its_review_is_told_at_the_person(run: Run, tmp_path: Path) -> None:
    """Of the person nothing is known, so that any figure might be read."""
    file = tmp_path / "late.yaml"
    file.write_text("resident: {person_id: P1}\nas_of: 2029-11-21\n", encoding="utf-8")
    _, out, err = run("check", str(file), "--lang", "zh")
    assert "- 参保人 P1：参数" in out
    assert err.startswith(f"{file}:1:11: E437: 参数 ")
    assert all(line.startswith(f"{file}:1:11: ") and line.endswith("。") for line in err.splitlines())


def test_zero_is_written_without_a_sign(run: Run, tmp_path: Path) -> None:
    record = _record(EMPLOYEE, {"total_cost": "-0.00", "out_of_scope_cost": "-0"})
    status, out, _ = run("check", _write(tmp_path, record), "--format", "json")
    assert status == 0
    assert json.loads(out)["claims"][0]["in_scope_cost"] == "0.00"


def test_a_misspelt_chinese_label_of_two_characters_is_known(run: Run, tmp_path: Path) -> None:
    """And no message mixes languages."""
    file = tmp_path / "record.yaml"
    file.write_text("resident: {person_id: P1, assistance_category: 低宝}\nclams: []\n", encoding="utf-8")
    status, _, err = run("check", str(file), "--lang", "zh")
    assert status == 2
    assert "也许应写 低保 (subsistence)。" in err
    assert "核定材料 里没有 clams 这一项。" in err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resident: {person_id: P1\n", "E106"),
        ("resident: {person: P1}\n", "E403: there is no person in resident. Perhaps person_id is meant."),
        ("", "E401"),
        ("\xff", "E402"),
    ],
)
def test_what_cannot_be_read_is_a_line_each(run: Run, tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(text, encoding="utf-8")
    status, out, err = run("check", str(file))
    assert (status, out) == (2, "")
    assert err.startswith(f"{file}:")
    assert expected in err


def test_a_missing_file_rulebook_or_overlay_is_a_line(run: Run, tmp_path: Path) -> None:
    good = _write(tmp_path, _record(EMPLOYEE))
    for words in (["gone.yaml"], [good, "--overlay", "gone.yaml"], [good, "--rules", "gone"]):
        status, out, err = run("check", *words)
        assert (status, out) == (2, ""), words
        assert "E101" in err


def test_a_misspelt_overlay_is_told_with_the_nearest_one_that_ships(run: Run, tmp_path: Path) -> None:
    good = _write(tmp_path, _record(EMPLOYEE))
    assert run("check", good, "--overlay", "limit_counts_cost") == (
        2,
        "",
        (
            "limit_counts_cost: E460: no overlay limit_counts_cost travels with the rulebook. "
            "Perhaps limit_counts_costs is meant.\n"
        ),
    )


# Tables


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ["参保人 P1，核定日 2026-11-21", "基本医疗保险支付", "8,500.00", "待定", "依据暂定数值", "已核定"]),
        ("en", ["resident P1, decision date 2026-11-21", "basic payment", "8,500.00", "undetermined", "Rests on provisional"]),
    ],
)  # fmt: skip
def test_the_tables_speak_both_languages(run: Run, tmp_path: Path, lang: str, words: list[str]) -> None:
    status, out, err = run(
        "check", _write(tmp_path, _record(EMPLOYEE, {"total_cost": "11500.00"})), "--lang", lang
    )
    assert (status, err) == (0, "")
    assert all(word in out for word in words), out


def test_many_claims_stand_one_below_the_other(run: Run, tmp_path: Path) -> None:
    claims = [{"claim_id": f"C{number}", "total_cost": "10.00"} for number in range(6)]
    out = run("check", _write(tmp_path, _record(EMPLOYEE, *claims)))[1]
    assert [line.split()[0] for line in out.splitlines() if " 2026-03-02 " in line] == [
        f"C{n}" for n in range(6)
    ]


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ["== 就医费用 C1 2026-03-02 ==", "公式 employee_basic", "年度限额“", "未适用的规定", "[暂定; 2020-01-01 –"]),
        ("en", ["== claim C1 2026-03-02 ==", "formula employee_basic", "annual limit '", "do not apply", "[provisional; "]),
    ],
)  # fmt: skip
def test_the_explanation_reads_layer_by_layer(run: Run, tmp_path: Path, lang: str, words: list[str]) -> None:
    file = _write(tmp_path, _record(EMPLOYEE, {"total_cost": "11500.00"}))
    out = run("check", file, "--explain", "C1", "--lang", lang)[1]
    assert all(word in out for word in words), out


def test_control_characters_of_a_record_never_reach_the_terminal(run: Run, tmp_path: Path) -> None:
    person = EMPLOYEE | {"person_id": "P\x1b[2J\u202e"}
    claim = {"claim_id": "C\u202e\n1", "total_cost": "1.00"}
    for words in ([], ["--explain"], ["--format", "json"]):
        _, out, err = run("check", _write(tmp_path, _record(person, claim)), *words)
        assert not {"\x1b", "\u202e"} & set(out + err)


# Starting


@pytest.mark.parametrize("words", [[], ["--format", "json", "--explain"]])
def test_a_check_brings_nothing_heavy(tmp_path: Path, words: list[str]) -> None:
    file = _write(tmp_path, _record(EMPLOYEE, {"total_cost": "11500.00"}))
    code = f"import sys, mianshen_cli.main as m; m.main(['check', {file!r}, *{words!r}]); print('', *sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    heavy = {"pydantic", "duckdb", "lark", "sqlglot", "durable", "z3"}
    assert not heavy & set(ran.stdout.splitlines()[-1].split())


# Whatever is written

TEXTS = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(["resident:", "claims:", " ", "\n", "- ", "{", "}", "[", "]", "person_id: P1", "&a ", "*a", "cases:",
                         "as_of: 2026-01-01", ",", ": ", "household:", "members:", "<<: ", "'", '"', "|", "total_cost: 1"]),
        max_size=14,
    ).map("".join),
)  # fmt: skip


@given(text=TEXTS, form=st.sampled_from(["table", "json"]))
def test_whatever_the_file_holds_there_is_an_answer_or_a_mistake_and_no_traceback(
    text: str, form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("fuzz") / "r.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    os.environ["MIANSHEN_TRACEBACK"] = "1"  # an internal error would be raised
    try:
        assert main(["check", str(file), "--format", form, "--explain"]) in (0, 1, 2)
    finally:
        del os.environ["MIANSHEN_TRACEBACK"]


def test_claims_that_are_null_may_be_any(run: Run, tmp_path: Path) -> None:
    """No claims at all are `[]`, or nothing written; null is unknown, as everywhere."""
    person = RESIDENT | {"assistance_category": "illness_poverty"}
    for claims, amount, missing in ((None, None, ["claims"]), ([], "0.00", [])):
        record: dict[str, Any] = {"as_of": "2026-11-21", "resident": person, "claims": claims}
        record["household"] = {"member_count": 1}
        aid = _json(run, _write(tmp_path, record))["benefits"]["illness_poverty_aid"]
        assert (aid["status"], aid["amount"], aid["missing"]) == ("eligible", amount, missing)


def test_a_case_may_give_facts_that_its_overlay_adds(run: Run, tmp_path: Path) -> None:
    (tmp_path / "adds.yaml").write_text(
        "overlay: {name: adds, title: adds}\nfacts: {claim: {extra: {type: boolean, title: extra}}}\n",
        "utf-8",
    )
    case = tmp_path / "cases.yaml"
    case.write_text(
        "cases:\n  - name: one\n    as_of: 2026-11-21\n    overlays: [adds.yaml]\n    resident: {person_id: P1}\n"
        "    claims: [{claim_id: C1, service_date: 2026-03-02, extra: true}]\n"
        "  - name: two\n    as_of: 2026-11-21\n    resident: {person_id: P2}\n"
        "    claims: [{claim_id: C1, service_date: 2026-03-02, extra: true}]\n",
        "utf-8",
    )
    assert run("check", str(case), "--case", "one")[0] == 0
    status, _, err = run("check", str(case), "--case", "two")
    assert status == 2
    assert "E403" in err


def test_an_explanation_is_folded_and_says_once_what_is_the_same_for_several_claims(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stay = "service_date: 2026-03-02, care_type: inpatient, hospital_level: tertiary, total_cost: 100.00, out_of_scope_cost: 0.00"
    claims = ", ".join(f"{{claim_id: C{n}, {stay}}}" for n in (1, 2, 3))
    resident = 'person_id: P1, insured_area: "310113", insurance_scheme: resident, coverage_status: active'
    (tmp_path / "r.yaml").write_text(
        f"as_of: 2026-11-21\nresident: {{{resident}}}\nclaims: [{claims}]\n", "utf-8"
    )
    for columns in (80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        for lang in ("zh", "en"):
            text = run("check", str(tmp_path / "r.yaml"), "--explain", "--lang", lang)[1]
            assert max(map(output.width, text.splitlines())) <= columns
            assert len(text.splitlines()) < 160, (lang, columns)
    assert " ".join(text.split()).count("scheme the claim falls under = resident scheme") == 1
    assert "Sources: [1] " in text
    assert "within(" not in text
    about = run("check", str(tmp_path / "r.yaml"), "--about", "C1", "--lang", "en")[1]
    assert about == run("check", str(tmp_path / "r.yaml"), "--explain", "C1", "--lang", "en")[1]
    assert "shanghai_resident_deductible.primary: hospital_level =" in about


def test_a_day_before_all_rules_is_told(run: Run, tmp_path: Path) -> None:
    file = _write(tmp_path, _record(EMPLOYEE))
    assert (
        "before everything dated in the rulebook (from 20" in run("check", file, "--as-of", "1926-11-21")[1]
    )
    assert "before everything dated" not in run("check", file)[1]
