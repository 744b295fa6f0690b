"""`mianshen show`."""

from collections.abc import Callable

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_without_a_name_it_lists_every_name(run: Run) -> None:
    status, out, err = run("show")
    assert (status, err) == (0, "")
    for heading in (
        "Benefits",
        "Decisions",
        "Provisions",
        "Parameters",
        "Accumulators",
        "Facts",
        "Code lists",
        "Entities",
        "Sources",
    ):
        assert f"== {heading} (" in out
    assert "== 决定 (" in run("show", "--lang", "zh")[1]


def test_a_decision_shows_its_provisions_and_who_reads_it(run: Run) -> None:
    out = run("show", "basic_payment")[1]
    for words in (
        "== decision claim.basic_payment ==",
        "- shanghai_employee_basic",
        'when        entitled and scheme = "employee" and care_type = "inpatient"',
        "limit       employee_annual_payment_limit (employee_basic_paid)",
        "fallback: only where no other provision applies",
        "employee.yaml:",
        "patient_share",
    ):
        assert words in out
    assert run("show", "claim.basic_payment")[1] == out


def test_a_parameter_shows_its_figures_over_time(run: Run) -> None:
    out = run("show", "employee_annual_payment_limit", "--overlay", "employee_limit_2021_2025")[1]
    assert "2021-07-01  2022-06-30  570,000.00  provisional" in out
    assert "read by     shanghai_employee_basic" in out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("illness_poverty_aid", ["== benefit", "application", "illness_poverty_aid_amount"]),
        ("employee_basic_paid", ["== accumulator", "sums        claim.basic_payment", "opening_basic_paid", "year starts 07-01"]),
        ("total_cost", ["== fact claim.total_cost ==", "money", "cost_in_scope"]),
        ("insurance_scheme", ["== fact resident.insurance_scheme ==", "== code list insurance_scheme ==", "employee scheme"]),
        ("shanghai_employee_basic", ["== provision", "decides     claim.basic_payment"]),
        ("shanghai_assistance", ["assistance.inpatient ==", "assistance.destitute =="]),
        ("claim", ["== entity claim ==", "out_of_scope_cost <= total_cost"]),
        ("S2", ["== source S2 =="]),
        ("beijing_illness_poverty_scale", ["== parameter", "%"]),
    ],
)  # fmt: skip
def test_everything_with_a_name_can_be_shown(run: Run, name: str, words: list[str]) -> None:
    for lang in ("en", "zh"):
        status, out, _ = run("show", name, "--lang", lang)
        assert status == 0
        assert lang == "zh" or all(word in out for word in words)


def test_an_unknown_name_is_refused_with_the_nearest(run: Run) -> None:
    status, out, err = run("show", "basic_paymnt")
    assert (status, out) == (2, "")
    assert err == "mianshen: the rulebook has no basic_paymnt. Did you mean basic_payment?\n"
    assert "列出全部名称" in run("show", "zzzzzzzz", "--lang", "zh")[2]


def test_a_name_may_be_the_title_that_answers_show(run: Run) -> None:
    by_name = run("show", "claim.basic_payment", "--lang", "zh")
    assert by_name[0] == 0
    assert run("show", "基本医疗保险支付", "--lang", "zh") == by_name
    assert "是不是 基本医疗保险支付？" in run("show", "基本医疗保险付", "--lang", "zh")[2]


def test_the_coverage_of_the_sources_names_what_answers_each_clause(run: Run) -> None:
    status, out, err = run("show", "--coverage-of-sources")
    assert (status, err) == (0, "")
    for words in (
        "宝医保〔2023〕3号",
        "benefits: settlement_deadlines",
        "shanghai_outbreak_waived (planned)",
        "out of scope: Decides purchases, prices",
        " 0 without an answer",
    ):
        assert words in out
    assert (
        "不在范围内：规范基金与医院、医生之间的结算"
        in run("show", "--coverage-of-sources", "--lang", "zh")[1]
    )


def test_the_coverage_and_a_name_cannot_both_be_shown(run: Run) -> None:
    status, out, err = run("show", "covered", "--coverage-of-sources")
    assert (status, out) == (2, "")
    assert "not both" in err
