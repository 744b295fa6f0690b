"""A country's taxes and benefits by month: two groups of a person, monthly values, computed values given as input.

Rows read rows that are neither above nor below them: a month of a household those of its members, a person's month all
of its tax unit. Hand-computed cases, an oracle over random households, and both back ends where much is unknown.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.support.compiled import compiled_differences
from tests.support.homes import Record, case_of

from mianshen.cases.read import Programs, read_case_files
from mianshen.cases.runs import run_cases
from mianshen.interpreter import Interpreter
from mianshen.native.library import compiler
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.values import NOT_MODELLED

HERE = Path(__file__).parent / "country"
RULES = (HERE / "rules" / "rules.yaml",)
AS_OF = dt.date(2017, 12, 31)
DAYS = [dt.date(2015 + at // 12, at % 12 + 1, 1) for at in (9, 10, 11, 12, 22, 23, 24, 25)]


@pytest.fixture(scope="module")
def program() -> Program:
    return open_program(RULES)


def test_the_cases_come_out_as_computed_by_hand() -> None:
    programs = Programs((HERE / "rules",))
    cases = read_case_files([HERE / "cases.yaml"], programs)
    assert len(cases) == 5
    assert [outcome.differences for outcome in run_cases(cases, programs) if outcome.differences] == []


def households(rng: Random, count: int, unknown: float) -> Iterator[Record]:
    """Households with tax units, members and months; a share of the facts is unknown, some rows are rejected."""

    def some(**facts: Any) -> dict[str, Any]:
        return {name: value for name, value in facts.items() if rng.random() >= unknown}

    def row(entity: str, key: str, facts: dict[str, Any], children: list[Record] | None = None) -> Record:
        rejected = rng.random() < unknown / 4
        return Record(entity, key, facts, rejected=rejected, children=children or [])

    for number in range(count):
        units = [
            row("tax_unit", f"{number}U{at}", {"unit_id": f"{number}U{at}", **some(joint=rng.random() < 0.5)})
            for at in range(2)
        ]
        members = []
        for at in range(rng.randint(1, 4)):
            months = [
                row("month", f"{number}M{at}{day}", {
                    "begins": day, "salary": Decimal(rng.choice((0, 300, 500, 4000, 13000))), "capital_returns": Decimal(7),
                } | (some(age_given=Decimal(rng.choice((5, 7, 66)))) if rng.random() < 0.2 else {}))
                for day in rng.sample(DAYS, rng.randint(0, 5))
            ]  # fmt: skip
            unit = {"unit_id": rng.choice(units).key}
            facts = some(
                role=rng.choice(("parent", "child")), birth=dt.date(rng.randint(1940, 2014), 6, 15), **unit
            )
            members.append(row("person", f"{number}P{at}", facts, months))
        homes = [
            row("home_month", f"{number}H{day}", some(
                begins=day, rent=Decimal(rng.choice((0, 999, 1203))), accommodation_size=Decimal(rng.choice((5, 60, 150))),
                occupancy_status=rng.choice(("owner", "tenant", "free_lodger")),
            ))
            for day in rng.sample(DAYS, 4)
        ]  # fmt: skip
        yield Record("household", f"{number}", {}, children=[*members, *units, *homes])


def told(row: Record) -> dict[str, Any]:
    """The facts of a row, of whatever types they are."""
    return dict(row.facts)


def fen(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def marginal(amount: Decimal, *brackets: tuple[int, str]) -> Decimal:
    ends = [Decimal(over) for over, _ in brackets[1:]] + [Decimal(10**9)]
    parts = (
        max(Decimal(0), min(amount, end) - over) * Decimal(rate)
        for (over, rate), end in zip(brackets, ends, strict=True)
    )
    return sum(parts, Decimal(0))


def expected(home: Record) -> dict[tuple[str, str], Any]:
    """What the acts give, in plain Python."""
    answers: dict[tuple[str, str], Any] = {}
    members = [row for row in home.children if row.entity == "person"]
    units = {row.key: told(row) for row in home.children if row.entity == "tax_unit"}
    homes = [row for row in home.children if row.entity == "home_month"]
    parents = [told(member) for member in members if member.facts["role"] == "parent"]
    adults = {
        key: max(1, sum(parent["unit_id"] == key for parent in parents)) if facts["joint"] else 1
        for key, facts in units.items()
    }
    months = [(told(member), month, told(month)) for member in members for month in member.children]
    for person, month, facts in months:
        day, salary = facts["begins"], facts["salary"]
        age = facts.get("age_given", day.year - person["birth"].year - ((day.month, day.day) < (6, 15)))
        basic = day >= dt.date(2016, 12, 1) or (day >= dt.date(2015, 12, 1) and salary == 0)
        new = day.year >= 2016
        scale = [(0, "0.03"), (12000, "0.1")] if new else [(0, "0.02"), (6000, "0.06")]
        unit = person["unit_id"]
        earned = (m["salary"] for p, _, m in months if p["unit_id"] == unit and m["begins"] == day)
        whole = sum(earned, Decimal(0))
        answers |= {
            (month.key, "age"): age,
            (month.key, "income_tax"): fen(salary * Decimal("0.15")),
            (month.key, "social_security"): fen(marginal(salary, *scale)),
            (month.key, "basic_income"): Decimal(600 if basic and age >= 18 else 0),
            (month.key, "pension"): Decimal(700 if age >= 65 else 0),
            (month.key, "joint_tax"): fen(
                adults[unit] * marginal(fen(whole / adults[unit]), (0, "0.1"), (3000, "0.2"))
            ),
        }
    for row in homes:
        answers |= _of_home(row, homes, [(month, facts) for _, month, facts in months], len(parents), answers)
    return answers


def _of_home(
    row: Record,
    homes: list[Record],
    months: list[tuple[Record, dict[str, Any]]],
    parents: int,
    answers: dict[tuple[str, str], Any],
) -> dict[tuple[str, str], Any]:
    facts = told(row)
    day = facts["begins"]
    mine = [(month.key, month_facts) for month, month_facts in months if month_facts["begins"] == day]
    income = sum((m["salary"] + m["capital_returns"] for _, m in mine), Decimal(0))
    ages = [answers[key, "age"] for key, _ in mine]
    allowance = fen(facts["rent"] / 4) if day < dt.date(2016, 12, 1) else Decimal(0)
    due = income <= 500 and ((parents == 1 and min(ages, default=99) < 8) or min(ages, default=99) < 6)
    tax = Decimal(0)
    for other in (told(home) for home in homes):
        if other["begins"] == dt.date(day.year, 1, 1) and other["occupancy_status"] != "free_lodger":
            tax += max(other["accommodation_size"] * 10, Decimal(200))
    benefits = sum((answers[key, "basic_income"] + answers[key, "pension"] for key, _ in mine), Decimal(0))
    benefits += allowance + (600 if due else 0)
    taxes = sum((answers[key, "income_tax"] + answers[key, "social_security"] for key, _ in mine), Decimal(0))
    taxes = fen(taxes + tax / 12)
    return {
        (row.key, "household_income"): income,
        (row.key, "housing_allowance"): allowance,
        (row.key, "parenting_allowance"): Decimal(600 if due else 0),
        (row.key, "housing_tax"): tax,
        (row.key, "total_benefits"): benefits,
        (row.key, "total_taxes"): taxes,
        (row.key, "disposable_income"): income + benefits - taxes,
    }


def test_households_get_what_the_oracle_says(program: Program) -> None:
    interpreter = Interpreter(program)
    for home in households(Random(1), 120, 0.0):
        case = case_of(program, home, AS_OF)
        interpreter.run(case)
        decided = {
            (row.key, name): None if value is NOT_MODELLED else value
            for row in case.rows()
            for name, value in row.values.items()
        }
        wanted = expected(home)
        assert {key: decided[key] for key in wanted} == wanted


def test_both_back_ends_agree_where_much_is_unknown(program: Program) -> None:
    if compiler() is None:
        pytest.skip("no C compiler")
    for unknown in (0.0, 0.1, 0.3):
        assert compiled_differences(program, list(households(Random(2), 60, unknown)), AS_OF) == []
