"""What results are broken down by: code lists, places, ages and incomes of people, as far as rules read them.

In: a program, rows of a block. Out: `Dimension`s; the group of each person as a number, and the group's title.
Invariant: nothing here knows a fact by its name: an age is that of the date that some rule reckons an age from, an
income the first amount of money of what stands above the person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, assert_never

import numpy as np

from mianshen.batch.blocks import Array
from mianshen.ingest.entity_rows import EntityRows
from mianshen.native.layout import EPOCH
from mianshen.places import place_name
from mianshen.program.core import Code, FactRef, Op, walk
from mianshen.program.program import Key, Program
from mianshen.program.stages import nodes_of, reads_of
from mianshen.source import Message

Sort: TypeAlias = Literal["code", "area", "age", "income"]
MOST: Final = 8  # code lists
BANDS: Final = (0, 18, 40, 60, 80)  # years of age at which a band begins
UNKNOWN: Final = -1
DECILES: Final = 10
_PREFECTURE: Final = 10**8  # what follows the four digits of a prefecture
_YEAR: Final = 10_000  # of a day written as one number


@dataclass(frozen=True, slots=True)
class Dimension:
    """One way to break people down. `key`: the fact."""

    sort: Sort
    key: Key
    title: Message


def dimensions(program: Program) -> list[Dimension]:
    """The ways to break people down."""
    return list(_dimensions(program))


def _dimensions(program: Program) -> Iterator[Dimension]:
    entry, read = program.entities[program.entry], _facts_read(program)
    codes = [f for f in program.facts.values() if f.entity == entry.name and isinstance(f.type, Code)]
    for fact in [f for f in codes if (f.entity, f.name) in read][:MOST]:
        yield Dimension("code", (fact.entity, fact.name), fact.title)
    born = _aged(program)
    if born is not None:
        yield Dimension("age", (entry.name, born), Message("年龄段", "age band"))
    if entry.area is not None:
        yield Dimension("area", (entry.name, entry.area), program.facts[entry.name, entry.area].title)
    income = next(
        (f for f in program.facts.values() if f.entity == entry.parent and f.written == "money"), None
    )
    if income is not None:
        title = Message(f"{income.title.zh}（十等分）", f"{income.title.en}, deciles of people")
        yield Dimension("income", (income.entity, income.name), title)


def _facts_read(program: Program) -> set[Key]:
    return {fact for decision in program.decisions for fact in reads_of(decision, program)[1]}


def _aged(program: Program) -> str | None:
    """The entry's date that some rule reckons an age from."""
    for decision in program.decisions:
        for root in nodes_of(decision):
            for node in walk(root):
                match node:
                    case Op(op="age", args=(FactRef(entity=entity, name=name), *_)) if (
                        entity == program.entry
                    ):
                        return name
                    case _:
                        pass
    return None


def groups_of(dimension: Dimension, rows: EntityRows, as_of: dt.date) -> Array:
    """The group of each row; of an income the amount itself in fen, for its decile shows only among all people."""
    cells = rows.facts.get(dimension.key[1])
    if cells is None:
        return np.full(rows.count, UNKNOWN, np.int64)
    known = np.asarray(cells.is_valid())
    match dimension.sort:
        case "code":
            values = np.asarray(cells.fill_null(0)).astype(np.int64)
        case "area":
            values = (np.asarray(cells.fill_null(0)).astype(np.int64) >> 4) // _PREFECTURE
        case "age":
            values = (
                np.searchsorted(
                    BANDS, _ages(np.asarray(cells.cast("int32").fill_null(0)), as_of), side="right"
                )
                - 1
            )
        case "income":
            values = np.frombuffer(cells.buffers()[1], np.int64)[cells.offset : cells.offset + len(cells)]
        case _:
            assert_never(dimension.sort)
    groups: Array = np.where(known, values, UNKNOWN)
    return groups


def _ages(days: Array, as_of: dt.date) -> Array:
    """Full years from each day, given in days since 1970, to a date."""
    dates = days.astype("datetime64[D]")
    years = dates.astype("datetime64[Y]").astype(np.int64) + EPOCH.year
    months = dates.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    before = (month * 100 + day) > as_of.month * 100 + as_of.day
    ages: Array = as_of.year - years - before
    return ages


def group_title(dimension: Dimension, group: int, program: Program) -> Message:
    """What a group is called."""
    if group == UNKNOWN:
        return Message("未知", "unknown")
    match dimension.sort:
        case "code":
            type_ = program.facts[dimension.key].type
            assert isinstance(type_, Code)
            return list(program.codes[type_.codes].values.values())[group]
        case "area":
            code = f"{group:04}"
            code = code[:2] if code.endswith("00") else code
            return Message(place_name(code) or code, place_name(code) or code)
        case "age":
            low = BANDS[group]
            if group + 1 == len(BANDS):
                return Message(f"{low} 岁及以上", f"{low} and over")
            return Message(f"{low}–{BANDS[group + 1] - 1} 岁", f"{low} to {BANDS[group + 1] - 1}")
        case "income":
            return Message(f"第 {group + 1} 组", f"decile {group + 1}")
        case _:
            assert_never(dimension.sort)
