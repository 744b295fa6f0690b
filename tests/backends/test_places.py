"""Places compared: all three back ends say what the room `places` says, and name the facts too coarse to tell."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import reduce

import pytest
from tests.support.agreement import UNKNOWN, by_interpreter, differences, rows_of
from tests.support.compiled import compiled_differences
from tests.support.homes import AS_OF, Record
from tests.support.places import CODES

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.native.library import compiler
from mianshen.places import is_within, same_place, same_pooling_area
from mianshen.program.program import Program
from mianshen.values import Known

RULES = """\
rulebook: {name: small, title: Small}
entities:
  resident: {title: resident, key: person_id, area: home}
  claim: {title: claim, key: claim_id, parent: resident, children: claims, date: day, outcome: same}
facts:
  resident:
    person_id: {type: text, title: number}
    home: {type: area, title: home}
    near: {type: boolean, title: near}
  claim:
    claim_id: {type: text, title: number}
    day: {type: date, title: day}
    there: {type: area, title: there}
sources:
  S1: {title: a notice}
decisions:
  claim:
    same: {type: boolean, title: same}
    other: {type: boolean, title: other}
    pooled: {type: boolean, title: pooled}
    shandong: {type: boolean, title: shandong}
    named: {type: boolean, title: named}
    one_of: {type: boolean, title: one of}
    chosen: {type: area, title: chosen}
    of_chosen: {type: boolean, title: of chosen}
    by_table: {type: boolean, title: by table}
    paid_at: {type: boolean, title: paid at}
    in_city: {type: boolean, title: in city}
    piloted: {type: boolean, title: piloted}
    in_pilot: {type: boolean, title: in pilot}
parameters:
  pilot:
    type: area
    title: pilot area
    values:
      - {from: 2020-01-01, until: 2026-06-30, value: "3717", basis: provisional}
      - {from: 2026-07-01, value: "371724003", basis: provisional}
  city: {type: area, title: city, values: [{from: 2020-01-01, value: "3717", basis: provisional}]}
  unpublished: {type: area, title: unpublished, values: [{from: 2020-01-01, basis: missing}]}
defaults: {source: S1, clause: 1}
provisions:
  s1: {decision: same, value: there = resident.home}
  s2: {decision: other, value: there != resident.home}
  s3: {decision: pooled, value: 'same pooling area(there, resident.home)'}
  s4: {decision: shandong, value: 'within(there, "37")'}
  s5: {decision: named, value: 'there = "371724"'}
  s6: {decision: one_of, value: 'there in ("31", "371724", "4419", "419001")'}
  s7: {decision: chosen, value: if resident.near then there else resident.home}
  s8: {decision: of_chosen, value: chosen = there}
  s9: {decision: paid_at, area: ["3717", "31"], value: true}
  s13: {decision: in_city, value: city = there}
  s11: {decision: piloted, value: there = pilot}
  s12: {decision: in_pilot, value: 'within(there, pilot, "31", unpublished)'}
  s10: {decision: paid_at, value: false, fallback: true}
tables:
  t:
    decision: by_table
    inputs: [there, resident.home]
    rows:
      - {id: a, cells: ['"31"', '"310118", "37"'], value: true}
      - {id: b, cells: ['not("31")', '-'], value: false}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    file = tmp_path_factory.mktemp("rules") / "rules.yaml"
    file.write_text(RULES, encoding="utf-8")
    return build(*read([file]))[0]


@pytest.fixture(scope="module")
def people() -> list[Record]:
    """A person in every place, with claims in a third of all places, and somewhere unknown."""
    rng = random.Random(5)
    people = []
    for number, home in enumerate((*CODES, None)):
        key = f"P{number}"
        claims = [
            visit(f"{key}-{at}", there)
            for at, there in enumerate((*rng.sample(CODES, len(CODES) // 3), home))
        ]
        facts: dict[str, Known] = {"person_id": key}
        if home is not None:
            facts["home"] = home
        if rng.random() < 0.7:
            facts["near"] = rng.random() < 0.5
        people.append(Record("resident", key, facts, children=claims))
    return people


def visit(key: str, there: str | None) -> Record:
    """A claim in a place, or somewhere unknown."""
    facts: dict[str, Known] = {"claim_id": key, "day": AS_OF}
    if there is not None:
        facts["there"] = there
    return Record("claim", key, facts)


def test_the_interpreter_compares_as_the_room_says(program: Program, people: list[Record]) -> None:
    tops = [row for row in rows_of(program, people, AS_OF) if row.parent is None]
    answers = by_interpreter(program, tops, AS_OF)

    def alike(
        decision: str, compare: Callable[[str, str], bool | None], one: str | None, other: str | None
    ) -> None:
        expected = None if one is None or other is None else compare(one, other)
        assert answers["claim", claim.key][decision] == (UNKNOWN if expected is None else expected), (
            one,
            other,
        )

    def disjoined(code: str, others: str) -> bool | None:
        answers = [is_within(code, outer) for outer in others.split()]
        return reduce(lambda a, b: True if True in (a, b) else None if None in (a, b) else False, answers)

    for top in tops:
        for claim in top.children:
            there, home = claim.facts.get("there"), top.facts.get("home")
            one, other = (None if code is None else str(code) for code in (there, home))
            alike("same", same_place, one, other)
            alike("other", lambda a, b: None if (same := same_place(a, b)) is None else not same, one, other)
            alike("pooled", same_pooling_area, one, other)
            alike("shandong", is_within, one, "37")
            alike("named", is_within, one, "371724")
            alike("in_city", is_within, one, "3717")
            alike("piloted", is_within, one, "371724003")
            alike("one_of", disjoined, one, "31 371724 441900 419001")


def test_duckdb_compares_alike_and_names_the_same_facts(program: Program, people: list[Record]) -> None:
    assert differences(program, people) == []


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
def test_the_compiled_program_compares_alike_and_names_the_same_facts(
    program: Program, people: list[Record]
) -> None:
    assert compiled_differences(program, people) == []


@pytest.mark.parametrize(
    ("home", "there", "missing"),
    [
        ("371724", "37", {"there"}),
        ("3717", "3717", {"there", "home"}),
        ("37", "3717", {"there", "home"}),
        ("3717", "371724", {"home"}),
        ("3701", "3717", set()),
    ],
)
def test_what_is_too_coarse_is_named(program: Program, home: str, there: str, missing: set[str]) -> None:
    person = Record("resident", "P", {"person_id": "P", "home": home})
    person.children.append(Record("claim", "C", {"claim_id": "C", "day": AS_OF, "there": there}))
    (top, claim) = rows_of(program, [person], AS_OF)
    answers = by_interpreter(program, [top], AS_OF)["claim", claim.key]
    assert answers.get("same?miss", set()) == missing
