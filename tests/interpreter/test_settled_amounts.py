"""Settled amounts in one consistent chain: what is shown never exceeds a limit, whatever was settled."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.agreement import differences, rows_of
from tests.support.homes import AS_OF, Record

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.interpreter import Case, Interpreter
from mianshen.native.library import compiler
from mianshen.program.program import Program
from mianshen.values import Known, Unknown, Value

RULES: Final = """\
rulebook: {name: chain, title: A deductible and a limit, entry: resident}
entities:
  household: {title: home, key: home_id}
  resident: {title: resident, key: person_id, parent: household, children: members}
  claim: {title: claim, key: claim_id, parent: resident, children: claims, date: day, outcome: payment}
facts:
  household:
    home_id: {type: text, required: true, title: number}
  resident:
    person_id: {type: text, required: true, title: number}
    opening: {type: money, min: 0, title: opening}
  claim:
    claim_id: {type: text, required: true, title: number}
    day: {type: date, required: true, title: day}
    cost: {type: money, min: 0, title: cost}
    stay: {type: boolean, title: stay}
    settled_deductible: {type: money, min: 0, title: deductible settled, settles: deductible}
    settled_payment: {type: money, min: 0, title: payment settled, settles: payment}
decisions:
  claim:
    deductible: {type: money, title: deductible, output: true}
    payment: {type: money, title: payment, output: true}
    before: {type: money, title: paid before, output: true}
sources:
  S1: {title: a notice}
defaults: {source: S1, clause: 1}
accumulators:
  used: {title: used, sums: deductible, over: stay}
  paid: {title: paid, sums: payment, opening: opening}
provisions:
  deductible:
    {title: deductible, decision: deductible, value: cost, annual_limit: {accumulator: used, limit: 150}}
  payment:
    {title: payment, decision: payment, value: cost - deductible, annual_limit: {accumulator: paid, limit: 1000}}
  before: {title: before, decision: before, value: year to date(paid)}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("chain")
    (folder / "rules.yaml").write_text(RULES, "utf-8")
    built, diagnostics = build(*read([folder / "rules.yaml"]))
    assert built is not None, diagnostics
    return built


def home(claims: list[dict[str, Known | None]], opening: Decimal | None) -> Record:
    rows = []
    for number, facts in enumerate(claims, start=1):
        key = f"C{number:03}"
        known = {name: value for name, value in facts.items() if value is not None}
        rows.append(Record("claim", key, {"claim_id": key, "day": dt.date(2026, 3, number), **known}))
    person: dict[str, Known] = {"person_id": "P1"}
    if opening is not None:
        person["opening"] = opening
    return Record(
        "household", "H1", {"home_id": "H1"}, children=[Record("resident", "P1", person, children=rows)]
    )


def decided(
    program: Program, claims: list[dict[str, Known | None]], opening: Decimal | None
) -> list[dict[str, Value]]:
    top = rows_of(program, [home(claims, opening)], AS_OF)[0]
    Interpreter(program).run(Case(AS_OF, top, top.children[0]))
    return [claim.values for claim in top.children[0].children]


OUTSIDE: Final = """
  outside:
    {title: none outside, decision: payment, when: not(stay), value: 0.00, exception_to: payment}
"""


def test_what_was_settled_where_nothing_is_due_uses_up_the_limit(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES + OUTSIDE, "utf-8")
    program, _ = build(*read([tmp_path / "rules.yaml"]))
    assert program is not None
    claims: list[dict[str, Known | None]] = [
        {"cost": Decimal(900), "stay": False, "settled_payment": Decimal(700)},
        {"cost": Decimal(900), "stay": True, "settled_deductible": Decimal(150)},
        {"cost": Decimal(500), "stay": True, "settled_payment": Decimal(500)},
    ]
    shown = [values["payment"] for values in decided(program, claims, Decimal(0))]
    assert shown == [Decimal(0), Decimal(300), Decimal(500)]
    if compiler():
        assert not differences(program, [home(claims, Decimal(0))], back_end="native")


AMOUNTS = st.none() | st.sampled_from([Decimal(n) for n in (0, 60, 100, 150, 400, 1000, 1500)])
CLAIMS = st.lists(
    st.fixed_dictionaries(
        {
            "cost": AMOUNTS.filter(bool) | AMOUNTS,
            "stay": st.sampled_from([True, True, True, False, None]),
            "settled_deductible": AMOUNTS,
            "settled_payment": AMOUNTS,
        }
    ),
    max_size=6,
)


@given(CLAIMS, AMOUNTS.filter(lambda amount: amount is None or amount <= 1000))
def test_no_limit_is_exceeded_and_every_amount_follows_from_the_two_balances(
    program: Program, claims: list[dict[str, Known | None]], opening: Decimal | None
) -> None:
    answers = decided(program, claims, opening)
    ruled: Decimal | None = opening
    committed: Decimal | None = opening
    for claim, values in zip(claims, answers, strict=True):
        settled = claim["settled_payment"]
        balance = committed if settled is None else ruled
        cost, deductible, shown = claim["cost"], values["deductible"], values["payment"]
        assert values["before"] == balance if balance is not None else isinstance(values["before"], Unknown)
        known = None
        if balance is not None and isinstance(cost, Decimal) and isinstance(deductible, Decimal):
            known = max(Decimal(0), min(cost - deductible, 1000 - balance))
        assert shown == known if known is not None else isinstance(shown, Unknown)
        ruled = None if ruled is None or known is None else ruled + known
        if settled is None:
            committed = None if committed is None or known is None else committed + known
        elif committed is not None:
            assert isinstance(settled, Decimal)
            committed += settled if known is None else max(settled, known)
    shown_in_all = sum(v for values in answers if isinstance(v := values["payment"], Decimal))
    assert shown_in_all <= 1000 - (opening or 0)
    taken = [values["deductible"] for claim, values in zip(claims, answers, strict=True) if claim["stay"]]
    assert sum(amount for amount in taken if isinstance(amount, Decimal)) <= 150


@pytest.mark.parametrize("seed", range(3))
def test_the_warehouse_follows_the_same_balances(program: Program, seed: int) -> None:
    rng = Random(seed)
    amounts = [None, *(Decimal(n) for n in (0, 60, 100, 150, 400, 1000, 1500))]

    def claim() -> dict[str, Known | None]:
        return {
            "cost": rng.choice(amounts[1:]) if rng.random() < 0.9 else None,
            "stay": rng.choice([True, True, True, True, False, None]),
            "settled_deductible": rng.choice(amounts) if rng.random() < 0.5 else None,
            "settled_payment": rng.choice(amounts) if rng.random() < 0.5 else None,
        }

    homes = []
    for number in range(120):
        drawn = home(
            [claim() for _ in range(rng.randint(1, 6))], rng.choice([None, Decimal(0), Decimal(700)])
        )
        person = drawn.children[0]
        keyed = [
            Record("claim", f"{number}-{c.key}", {**c.facts, "claim_id": f"{number}-{c.key}"})
            for c in person.children
        ]
        person = Record("resident", f"P{number}", {**person.facts, "person_id": f"P{number}"}, children=keyed)
        homes.append(Record("household", f"H{number}", {"home_id": f"H{number}"}, children=[person]))
    assert differences(program, homes) == []
