"""Rows as the compiled program reads them, and what it says of each.

In: a program, rows with their facts. Out: answers by (entity, key), as `agreement` has them; the rows that it
leaves to the SQL room have none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.support.agreement import REJECTED, UNKNOWN, UNMODELLED, Answers
from tests.support.formulas import WARDS

from mianshen.interpreter import Row
from mianshen.native.deciding import Deciding, Table
from mianshen.native.layout import EPOCH, Column, Layout, is_text, scale_of, wide
from mianshen.native.library import compiled
from mianshen.native.translation_unit import Unit
from mianshen.program.core import Boolean, Date, Listing, Type
from mianshen.program.program import Program
from mianshen.values import Known

KINDS = {1: pa.bool_(), 8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}


def by_compiled(program: Program, rows: Sequence[Row], as_of: dt.date, folder: Path | None = None) -> Answers:
    """Raises Unsupported where the program holds what is not carried."""
    layout = Layout(program, frozenset())
    shown = tuple(d.key for d in program.decisions if not wide(layout.held[d.key]))
    shown = tuple(k for k in shown if scale_of(layout.held[k]) == scale_of(program.decision(*k).type))
    made = compiled(Unit(layout, shown, ()), folder)
    tables = {name: table(program, layout, name, rows) for name in layout.entities}
    decided = Deciding(made, tables, as_of, 2).decide()
    columns = {(w.entity, w.name, w.part): column for w, column in decided.columns.items()}
    found: Answers = {}
    for name in layout.entities:
        for index, row in enumerate(r for r in rows if r.entity == name):
            if decided.left[name][index]:
                found[name, row.key] = {REJECTED: None}
                continue
            answers = found[name, row.key] = {}
            for owner, decision in shown:
                if owner == name:
                    state = columns[name, decision, "state"][index]
                    value = int(columns[name, decision, "value"][index])
                    answers[decision] = (value, UNKNOWN, UNMODELLED)[state]
            outcome = program.entities[name].outcome
            if outcome is not None and (number := columns[name, "", "missing"][index]) >= 0:
                answers[f"{outcome}?miss"] = set(decided.sets[number])
    return found


def table(program: Program, layout: Layout, entity: str, rows: Sequence[Row]) -> Table:
    mine = [row for row in rows if row.entity == entity]
    above = program.entities[entity].parent
    return Table(
        pa.array([r.key for r in mine], pa.string()),
        None if above is None else pa.array([r.parent.key for r in mine if r.parent], pa.string()),
        {c.name: column(layout, c, mine) for c in layout.facts[entity]},
        np.array([r.rejection is not None for r in mine], np.uint8),
    )


def of_one_time(program: Program) -> Program:
    """The program without rows over time, settled amounts and reversals: a batch leaves those to the SQL room."""
    entities = {n: replace(e, valid_from=None, reverses=None) for n, e in program.entities.items()}
    return replace(
        program, entities=entities, facts={k: replace(f, settles=None) for k, f in program.facts.items()}
    )


def column(layout: Layout, of: Column, rows: Sequence[Row]) -> pa.Array:
    cells = [cell(layout, of, row.facts.get(of.fact.name)) for row in rows]
    return pa.array(cells, KINDS[of.bits])


def cell(layout: Layout, of: Column, value: Known | None) -> int | bool | None:
    match value:
        case None:
            return None
        case bool():
            assert isinstance(of.fact.type, Boolean)
            return value
        case tuple() if of.counts:
            return len(value)
        case tuple():
            assert isinstance(of.fact.type, Listing)
            return layout.encoded(tuple(dict.fromkeys(value)), of.fact.type)
        case dt.date():
            assert isinstance(of.fact.type, Date)
            return (value - EPOCH).days
        case _:
            free = (of.entity, of.name) in layout.free
            return numbered(layout, value, of.fact.type) if free else layout.encoded(value, of.fact.type)


def numbered(layout: Layout, value: Known, type_: Type) -> int:
    """A value as the compiled program holds it; texts that no formula names have numbers of their own."""
    if is_text(type_) and value not in layout.texts:
        return len(layout.texts) + WARDS.index(str(value))
    return layout.encoded(value, type_)
