"""Two accumulators that sum one decision: what a claim lacks names the balance it is paid from, and no other.

A claim of which it is not known what it is may have been paid from either. For a later stay the account of stays
matters, and so does what that claim is; what the account of visits held at the opening cannot change it.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from tests.support.agreement import by_interpreter, differences, rows_of
from tests.support.compiled import compiled_differences
from tests.support.homes import AS_OF, Record

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.interpreter import Case, Interpreter
from mianshen.native.library import compiler
from mianshen.program.program import Program
from mianshen.values import Known, Unknown

RULES: Final = """\
rulebook: {name: two, title: Two accounts, entry: resident}
entities:
  household: {title: home, key: home_id}
  resident: {title: resident, key: person_id, parent: household, children: members}
  claim: {title: claim, key: claim_id, parent: resident, children: claims, date: day, outcome: payment}
codes:
  care: {title: care, values: {stay: stay, visit: visit}}
facts:
  household:
    home_id: {type: text, required: true, title: number}
  resident:
    person_id: {type: text, required: true, title: number}
    opening_stays: {type: money, min: 0, title: stays}
    opening_visits: {type: money, min: 0, title: visits}
  claim:
    claim_id: {type: text, required: true, title: number}
    day: {type: date, DAY title: day}
    care: {type: code care, title: care}
    cost: {type: money, min: 0, title: cost}
    settled: {type: money, min: 0, title: settled, settles: payment}
decisions:
  claim:
    payment: {type: money, title: payment, output: true}
sources:
  S1: {title: a notice}
defaults: {source: S1, clause: 1}
accumulators:
  stays: {title: stays, sums: payment, over: 'care = "stay"', opening: opening_stays}
  visits: {title: visits, sums: payment, over: 'care = "visit"', opening: opening_visits}
provisions:
  stay:
    {title: stay, decision: payment, when: 'care = "stay"', value: cost, annual_limit: {accumulator: stays, limit: 100}}
  visit:
    {title: visit, decision: payment, when: 'care = "visit"', value: cost, annual_limit: {accumulator: visits, limit: 50}}
"""


def program_of(folder: Path, day: str = "required: true,") -> Program:
    (folder / "rules.yaml").write_text(RULES.replace("DAY", day), "utf-8")
    return build(*read([folder / "rules.yaml"]))[0]


def home(*claims: dict[str, Known], **openings: Known) -> Record:
    """A person's home; the claims are of one day each, in order, where they name none."""
    rows = []
    for number, facts in enumerate(claims, start=1):
        key = f"C{number}"
        given: dict[str, Known] = {"claim_id": key, "day": dt.date(2026, 3, number), **facts}
        rows.append(Record("claim", key, {n: v for n, v in given.items() if v != ""}))
    person = Record("resident", "P1", {"person_id": "P1", **openings}, children=rows)
    return Record("household", "H1", {"home_id": "H1"}, children=[person])


COST: Final[dict[str, Known]] = {"cost": Decimal(40)}
STAY: Final[dict[str, Known]] = {"care": "stay", **COST}
VISIT: Final[dict[str, Known]] = {"care": "visit", **COST}
CASES: Final[dict[str, tuple[list[dict[str, Known]], set[str]]]] = {
    "a stay after what may be either": ([COST, STAY], {"care", "opening_stays"}),
    "a visit after what may be either": ([COST, VISIT], {"care", "opening_visits"}),
    "after a visit too, and two of them": ([VISIT, COST, COST, STAY], {"care", "opening_stays"}),
    "what may be either": ([COST], {"care", "opening_stays", "opening_visits"}),
    "a cost that is not known in between": ([{}, STAY, STAY], {"care", "cost", "opening_stays"}),
}
SETTLED: Final[dict[str, tuple[list[dict[str, Known]], set[str]]]] = {
    "settled, but of which account": ([{**COST, "settled": Decimal(30)}, STAY], {"care", "opening_stays"}),
    "settled, and it is known": ([{**STAY, "settled": Decimal(30)}, STAY], {"opening_stays"}),
}


def lacking(program: Program, record: Record) -> object:
    """What the payment of the last claim lacks."""
    claims = record.children[0].children
    answers = by_interpreter(program, [rows_of(program, [record], AS_OF)[0]], AS_OF)
    return answers["claim", claims[-1].key].get("payment?miss")


@pytest.mark.parametrize(("claims", "names"), (CASES | SETTLED).values(), ids=CASES | SETTLED)
def test_the_other_account_is_not_named(
    claims: list[dict[str, Known]], names: set[str], tmp_path: Path
) -> None:
    program = program_of(tmp_path)
    assert lacking(program, home(*claims)) == names
    if not any("settled" in claim for claim in claims):  # a script knows no settled amounts
        assert differences(program, [home(*claims)]) == []


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
@pytest.mark.parametrize("claims", [claims for claims, _ in (CASES | SETTLED).values()], ids=CASES | SETTLED)
def test_nor_by_the_compiled_program(claims: list[dict[str, Known]], tmp_path: Path) -> None:
    assert compiled_differences(program_of(tmp_path), [home(*claims)]) == []


@pytest.mark.parametrize("opening", [0, 90, 5000])
def test_no_opening_of_visits_changes_a_stay(opening: int, tmp_path: Path) -> None:
    """Each account is what the other does not touch: so the name would be one too many."""
    program = program_of(tmp_path)
    kinds: tuple[dict[str, Known], ...] = (STAY, VISIT)
    paid = set()
    for kind in kinds:
        record = home(kind, STAY, opening_stays=Decimal(30), opening_visits=Decimal(opening))
        top = rows_of(program, [record], AS_OF)[0]
        Interpreter(program).run(Case(AS_OF, top, top.children[0]))
        paid.add(top.children[0].children[-1].values["payment"])
    assert paid == {30, 40}


def test_a_settled_claim_without_a_day_makes_its_day_missing(tmp_path: Path) -> None:
    program = program_of(tmp_path, day="")
    record = home({**STAY, "day": "", "settled": Decimal(30)}, STAY, opening_stays=Decimal(0))
    top = rows_of(program, [record], AS_OF)[0]
    Interpreter(program).run(Case(AS_OF, top, top.children[0]))
    value = top.children[0].children[-1].values["payment"]
    assert isinstance(value, Unknown)
    assert {(fact.name, fact.key) for fact in value.missing} == {("day", "C1")}
    if compiler() is not None:
        assert compiled_differences(program, [record]) == []
