"""Households at random, for any program: residents and claims below them, facts of every type.

In: a source of chance, a program. Out: trees of `Record`s. Every fact may be unknown; claims tie on
their day, fall in several benefit years and come in no order; some rows are rejected beforehand, with
the fact at fault unread.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Final

from mianshen.interpreter import Case, Rejection, Row, make_row
from mianshen.interpreter.rows import reject
from mianshen.program.core import Boolean, Code, Date, Listing, Numeric, String, Type
from mianshen.program.program import Program
from mianshen.records.versions import Times, take_out
from mianshen.source import Message
from mianshen.values import Known

AS_OF: Final = dt.date(2026, 11, 21)
DAYS: Final = tuple(
    dt.date.fromisoformat(day)
    for day in (
        *("2024-06-30", "2024-07-01", "2024-12-31", "2025-01-01", "2025-03-02", "2025-06-30", "2025-07-01"),
        *("2025-11-21", "2025-11-22", "2025-12-31", "2026-01-01", "2026-01-01", "2026-03-02", "2026-03-02"),
        *("2026-06-30", "2026-07-01", "2026-07-02", "2026-09-15", "2026-09-15", "2026-11-20", "2026-11-21"),
    )
)
BIRTHS: Final = tuple(
    dt.date.fromisoformat(d) for d in ("1940-02-29", "2004-02-29", "1985-11-21", "1985-11-22", "2026-11-21")
)
AREAS: Final = (
    "310113",
    "310113001",
    "310101",
    "31",
    "110101",
    "11",
    "371724",
    "3717",
    "37",
    "440305",
    "441900",
)
NUMBERS: Final = tuple(
    Decimal(n)
    for n in (
        *("0", "0.01", "1", "2", "3", "50", "99.99", "100", "100.01", "1500", "1500.05", "2500.50"),
        *("8000", "30000.50", "-1", "-0.5"),
    )
)
KEYS: Final = ("", "C", "c", "É", "甲", "9", "10")


@dataclass(slots=True)
class Record:
    """One row to be: its facts (absent ones are unknown or assumed) and the rows below it."""

    entity: str
    key: str
    facts: dict[str, Known]
    absent: frozenset[str] = frozenset()
    rejected: bool = False
    unreadable: frozenset[str] = frozenset()
    children: list[Record] = field(default_factory=list)
    history: list[Record] = field(default_factory=list)  # the person's rows of other times


@dataclass(frozen=True, slots=True)
class Chances:
    """How often a fact is unknown, a row rejected."""

    unknown: float = 0.08
    rejected: float = 0.03


def homes(
    rng: Random,
    program: Program,
    count: int,
    chances: Chances | None = None,
    claims: Sequence[int] = (0, 1, 2, 3, 4, 7),
) -> list[Record]:
    """`count` households of one to three residents with their claims."""
    parts = []
    for number in range(count):
        mine = chances or Chances(rng.choice((0.0, 0.02, 0.08, 0.3)), rng.choice((0.0, 0.0, 0.05)))
        home = record(rng, program, "household", f"H{number}", mine)
        members = rng.choice((1, 1, 2, 3))
        for index in range(members):
            person = record(rng, program, "resident", f"H{number}P{index}", mine)
            person.children = claims_of(rng, program, person.key, rng.choice(claims), mine)
            home.children.append(person)
        counted = program.entities["resident"].counted_by
        if counted is not None and counted in home.facts:
            home.facts[counted] = Decimal(max(1, members + rng.choice((0, 0, 0, 0, 0, 1))))
        parts.append(home)
    return parts


def claims_of(rng: Random, program: Program, owner: str, count: int, chances: Chances) -> list[Record]:
    """Claims whose keys sort by code point unlike their numbers."""
    numbers = list(range(1, count + 1))
    rng.shuffle(numbers)
    return [record(rng, program, "claim", f"{rng.choice(KEYS)}{n}-{owner}", chances) for n in numbers]


def record(rng: Random, program: Program, entity: str, key: str, chances: Chances) -> Record:
    facts: dict[str, Known] = {}
    absent = set()
    described = program.entities[entity]
    for (owner, name), fact in program.facts.items():
        if owner != entity or name == described.reverses:
            continue
        if name == described.key:
            facts[name] = key
        elif name == described.date:
            facts[name] = rng.choice(DAYS)
        elif rng.random() < chances.unknown:
            if rng.random() < 0.5:
                absent.add(name)
        elif fact.when_absent is not None and rng.random() < 0.5:
            absent.add(name)
        else:
            facts[name] = value(rng, program, fact.type)
    entry = Record(entity, key, facts, frozenset(absent))
    return spoilt(rng, entry, described.key) if rng.random() < chances.rejected else entry


def spoilt(rng: Random, entry: Record, key: str) -> Record:
    """The record rejected, one of its facts unread."""
    names = [name for name in entry.facts if name != key]
    bad = rng.choice(names) if names else ""
    left = {n: v for n, v in entry.facts.items() if n != bad}
    return replace(entry, rejected=True, facts=left, unreadable=frozenset({bad}))


def value(rng: Random, program: Program, type_: Type) -> Known:
    """A value of a type, at the edges more often than not."""
    match type_:
        case Numeric():
            return number(rng, type_)
        case Boolean():
            return rng.random() < 0.5
        case Date():
            return rng.choice((*BIRTHS, *DAYS))
        case Code(codes=codes):
            return rng.choice(list(program.codes[codes].values))
        case String(area=True):
            return rng.choice(AREAS)
        case Listing(item=item):
            return tuple(str(value(rng, program, item)) for _ in range(rng.choice((0, 1, 2, 3))))
        case String():
            return rng.choice(("A", "B", "甲", ""))
        case _:
            raise AssertionError(type_)


def number(rng: Random, type_: Numeric) -> Decimal:
    drawn = rng.random()
    if drawn < 0.55:
        built = rng.choice(NUMBERS)
    elif drawn < 0.9:
        built = Decimal(rng.randrange(10 ** rng.randint(1, 8))).scaleb(-type_.scale)
    else:
        built = rng.choice((type_.low, type_.high))
    built = min(max(built, type_.low), type_.high)
    return built.quantize(Decimal(1).scaleb(-type_.scale))


# Rows over time, settled amounts.

STARTS: Final = tuple(
    dt.date.fromisoformat(d)
    for d in (
        "2024-12-31",
        "2025-07-01",
        "2026-01-01",
        "2026-03-02",
        "2026-09-16",
        "2026-11-21",
        "2027-01-01",
    )
)


def over_time(
    rng: Random, program: Program, homes: Sequence[Record], doubled: bool = False, voided: float = 0.0
) -> list[Record]:
    """The homes, some residents with rows of other times, some claims settled; some rows share their start."""
    return [
        replace(
            home, children=[_over_time(rng, program, person, doubled, voided) for person in home.children]
        )
        for home in homes
    ]


def _over_time(rng: Random, program: Program, person: Record, doubled: bool, voided: float) -> Record:
    name = program.entities[person.entity].valid_from
    assert name is not None
    starts: list[dt.date | None] = [None, *STARTS]
    picked = rng.sample(starts, rng.choice((1, 1, 2, 3)))
    if doubled and rng.random() < 0.3:
        picked.append(rng.choice(picked))
    rows: list[Record] = []
    for start in picked:
        entry = record(rng, program, person.entity, person.key, Chances(rng.choice((0.0, 0.1)), 0.03))
        entry = entry if rows else replace(person, children=[])
        facts = {**entry.facts}
        facts.pop(name, None)
        if start is not None:
            facts[name] = start
        rows.append(replace(entry, facts=facts))
    for row in rows:  # a start that cannot be read is another matter
        row.unreadable -= {name}
    base, *others = rows
    claims = [settled(rng, program, child) for child in person.children]
    base = replace(base, children=[*claims, *_reversals(rng, program, claims, voided)])
    return replace(base, history=others)


def _reversals(rng: Random, program: Program, claims: Sequence[Record], share: float) -> Iterator[Record]:
    """Rows that void a share of the claims, or nothing, or one of each other; some of them rejected."""
    for number, claim in enumerate(claims):
        entity = program.entities[claim.entity]
        if entity.reverses is None or rng.random() >= share:
            continue
        named = rng.choice((claim.key, claim.key, claim.key, rng.choice(claims).key, "none such"))
        entry = record(rng, program, claim.entity, f"R{number}-{claim.key}", Chances(0.2, 0.1))
        entry.unreadable -= {entity.reverses}
        yield replace(entry, facts={**entry.facts, entity.reverses: named})


def settled(rng: Random, program: Program, claim: Record) -> Record:
    """The claim, some of its amounts settled."""
    names = program.settled_facts(claim.entity).values()
    facts = {n: v for n, v in claim.facts.items() if n not in names or rng.random() < 0.3}
    return replace(claim, facts=facts)


# Records as the interpreter takes them.


def case_of(program: Program, home: Record, as_of: dt.date = AS_OF) -> Case:
    """The household as rows, decided for its first resident."""
    times = Times(program, as_of, _doubles)
    top = row_of(program, home, None, times)
    case = Case(as_of, top, top.children[0])
    times.place(case)
    for row in case.rows():
        if row.rejection is not None:
            reject(row, row.rejection, program)
    take_out(case, program, _reverses)
    times.let_go(case)
    return case


def _reverses(row: Row, reason: str, other: Row | None) -> None:
    del other
    row.rejection = Rejection(reason, "", Message(zh="冲", en="reverses"))


def _doubles(row: Row, reason: str, other: Row | None) -> None:
    del other
    row.rejection = Rejection("duplicate", reason, Message(zh="重", en="doubled"))


def row_of(program: Program, record: Record, parent: Row | None, times: Times) -> Row:
    row = _row(program, record, parent, times.as_of)
    entity = program.entities[record.entity]
    if entity.valid_from is not None:
        others = (_row(program, item, parent, times.as_of) for item in record.history)
        row = times.in_force(entity, [row, *others])
        row.parent = parent
    row.children = [row_of(program, child, row, times) for child in record.children]
    return row


def _row(program: Program, record: Record, parent: Row | None, as_of: dt.date) -> Row:
    row = make_row(program, record.entity, record.key, dict(record.facts), record.absent, as_of)
    row.parent = parent
    if record.rejected:
        row.rejection = Rejection("bad", "", Message(zh="坏", en="bad"))
        row.unreadable = record.unreadable
    return row
