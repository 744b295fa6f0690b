"""A limit that decisions share, with amounts settled before, against an oracle that keeps two totals.

The ruled total adds what is shown, the committed one the larger of what was settled and what is shown. A decision with a
settled amount is shown on the ruled total, any other on the committed one; on one row decisions come in the order of
`sums`. So neither what is shown nor what was not settled ever goes beyond the limit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import pytest
from tests.support.compiled import compiled_differences
from tests.support.homes import AS_OF, Record, case_of

from mianshen.interpreter import Interpreter
from mianshen.native.library import compiler
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.values import Known

RULES = """
rulebook: {name: shared, title: shared, entry: resident}
sources: {S: {title: s}}
defaults: {from: 2020-01-01, source: S, clause: x, basis: cited}
entities:
  household: {title: h, key: household_id}
  resident: {title: r, key: person_id, parent: household, children: members}
  claim: {title: c, key: claim_id, parent: resident, children: claims, date: service_date}
facts:
  household: {household_id: {type: text, title: n}}
  resident: {person_id: {type: text, title: n}}
  claim:
    claim_id: {type: text, title: n}
    service_date: {type: date, title: d}
    cost_of_first: {type: money, title: a, min: 0, max: 9999999}
    cost_of_second: {type: money, title: b, min: 0, max: 9999999}
    cost_of_third: {type: money, title: c, min: 0, max: 9999999}
    settled_first: {type: money, min: 0, max: 9999999, settles: first, title: a}
    settled_second: {type: money, min: 0, max: 9999999, settles: second, title: b}
decisions:
  claim: {first: {type: money, title: a}, second: {type: money, title: b}, third: {type: money, title: c}}
accumulators: {all: {title: t, sums: [first, second, third]}}
provisions:
  first: {decision: first, value: cost_of_first, annual_limit: {accumulator: all, limit: 1000}}
  second: {decision: second, value: cost_of_second, annual_limit: {accumulator: all, limit: 1000}}
  third: {decision: third, value: cost_of_third, annual_limit: {accumulator: all, limit: 1000}}
"""
LAYERS = ("first", "second", "third")
LIMIT = Decimal(1000)
AMOUNTS = tuple(map(Decimal, (0, 0, 100, 250, 400, 700, 1200)))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    file = tmp_path_factory.mktemp("shared") / "rules.yaml"
    file.write_text(RULES, "utf-8")
    return open_program((file,))


def people(rng: Random, count: int) -> Iterator[Record]:
    for number in range(count):
        claims = []
        for at in range(rng.randint(1, 6)):
            facts: dict[str, Known] = {f"cost_of_{layer}": rng.choice(AMOUNTS) for layer in LAYERS}
            facts |= {f"settled_{layer}": rng.choice(AMOUNTS) for layer in LAYERS[:2] if rng.random() < 0.4}
            claims.append(
                Record("claim", f"{number}C{at}", {"service_date": dt.date(2026, 1 + at, 2), **facts})
            )
        person = Record("resident", f"P{number}", {}, children=claims)
        yield Record("household", f"H{number}", {}, children=[person])


def expected(person: Record) -> dict[tuple[str, str], Decimal]:
    ruled = committed = Decimal(0)
    amounts: dict[tuple[str, str], Decimal] = {}
    for claim in person.children:
        for layer in LAYERS:
            cost, settled = claim.facts[f"cost_of_{layer}"], claim.facts.get(f"settled_{layer}")
            assert isinstance(cost, Decimal)
            shown = max(Decimal(0), min(cost, LIMIT - (committed if settled is None else ruled)))
            ruled += shown
            committed += max(settled, shown) if isinstance(settled, Decimal) else shown
            amounts[claim.key, layer] = shown
    assert ruled <= LIMIT
    return amounts


def test_the_amounts_are_those_of_one_total(program: Program) -> None:
    interpreter = Interpreter(program)
    for home in people(Random(8), 200):
        case = case_of(program, home, AS_OF)
        interpreter.run(case)
        amounts = {(row.key, name): row.values[name] for row in case.rows() if row.values for name in LAYERS}
        assert amounts == expected(home.children[0])


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
def test_so_they_are_compiled(program: Program) -> None:
    assert compiled_differences(program, list(people(Random(9), 200))) == []
