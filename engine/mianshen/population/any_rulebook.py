"""A seeded population for any rulebook: a file for each of its entities, every fact filled in by its type.

In: a program, a size, a seed, a date. Out: the files, named as the rulebook calls the rows, and how many rows each has.
Invariants: the same arguments give the same cells; keys are unique and every row below another names one that is
there; nothing lies after `as_of`; money is exact. The shipped rulebook has likelier people (`sample.py`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, assert_never

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from mianshen.population.existing import check_own_folder
from mianshen.population.sample import Format
from mianshen.program.core import Boolean, Code, Date, Duration, FactRef, Listing, Numeric, Op, String, Type
from mianshen.program.program import Entity, Fact, Program
from mianshen.program.stages import parents_first
from mianshen.whole_file import whole_file

Array = np.ndarray[Any, Any]
CHILDREN: Final = 3  # rows below one row of the entry, on average
MEMBERS: Final = 2  # rows of the entry below one row above it, on average
UNKNOWN: Final = 0.015  # share of cells left empty where unknowns are asked for
_KEYS: Final = re.compile("[A-Z][0-9]+")
MOST_MONEY: Final = 100_000_00  # fen, unless the fact's own range ends before
WINDOW: Final = 548  # days before `as_of` in which dated rows lie
LIFETIME: Final = 90 * 365  # days before `as_of` in which other dates lie


def write_any(
    folder: Path,
    program: Program,
    people: int,
    seed: int,
    form: Format,
    as_of: dt.date,
    unknowns: bool = False,
) -> dict[str, int]:
    """Write a file for each entity into `folder`; returns how many rows each file has, by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    drawing = _Drawing(program, people, seed, as_of, UNKNOWN if unknowns else 0.0)
    counts = {}
    tables = {f"{entity.children or entity.name}.{form}": table for entity, table in drawing.tables()}
    for name, table in tables.items():
        check_own_folder(folder / name, table.column_names, _KEYS)
    for name, table in tables.items():
        with whole_file(folder / name) as part:
            if form == "parquet":
                pq.write_table(table, part)
            else:
                pcsv.write_csv(table, part)
        counts[name] = len(table)
    return counts


@dataclass(slots=True)
class _Drawing:
    program: Program
    people: int
    seed: int
    as_of: dt.date
    unknown: float

    def tables(self) -> Iterator[tuple[Entity, pa.Table]]:
        """Parents before children, with how many of them there are."""
        whole = {entity.name: table for entity, table in self._drawn()}
        for name, table in whole.items():
            for child in self.program.children_of(name):
                if child.counted_by is not None:
                    counts = pc.value_counts(whole[child.name][self.program.entities[name].key])
                    counted = dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))
                    own = [counted.get(key, 0) for key in table[self.program.entities[name].key].to_pylist()]
                    table = table.append_column(child.counted_by, pa.array(own, pa.int64()))
            yield self.program.entities[name], table

    def _drawn(self) -> Iterator[tuple[Entity, pa.Table]]:
        keys: dict[str, Array] = {}
        for number, name in enumerate(parents_first(self.program)):
            entity = self.program.entities[name]
            chance = np.random.Generator(np.random.PCG64([self.seed, number]))
            count = self._count(entity)
            keys[entity.name] = np.char.add(f"{entity.name[0].upper()}", np.arange(1, count + 1).astype(str))
            columns: dict[str, pa.Array] = {entity.key: pa.array(keys[entity.name].tolist(), pa.string())}
            if entity.parent is not None:
                above = keys[entity.parent]
                chosen = above[chance.integers(0, len(above), count)]
                columns[self.program.entities[entity.parent].key] = pa.array(chosen.tolist(), pa.string())
            for fact in self._facts(entity, columns):
                columns[fact.name] = self._column(fact, count, chance)
            self._keep_checks(entity, columns)
            yield entity, pa.table(columns)

    def _keep_checks(self, entity: Entity, columns: dict[str, pa.Array]) -> None:
        """Exchange the cells of two facts where the one is to be at most the other, and is more."""
        for check in entity.checks:
            match check.condition:
                case Op(op="le" | "ge" as op, args=(FactRef(name=one), FactRef(name=other))):
                    low, high = (one, other) if op == "le" else (other, one)
                    if low in columns and high in columns:
                        least, most = columns[low], columns[high]
                        more = pc.fill_null(pc.greater(least, most), False)
                        columns[low] = pc.if_else(more, most, least)
                        columns[high] = pc.if_else(more, least, most)
                case _:
                    pass

    def _count(self, entity: Entity) -> int:
        if entity.name == self.program.entry:
            return self.people
        return (
            max(1, self.people // MEMBERS)
            if self.program.above_entry(entity.name)
            else self.people * CHILDREN
        )

    def _facts(self, entity: Entity, columns: Mapping[str, Any]) -> Iterator[Fact]:
        """The facts to fill in: no keys, nothing personal, nothing that another system paid or decided, or that cancels a row."""
        apart = {*columns, entity.reverses, entity.valid_from, entity.counted_by}
        apart |= {child.counted_by for child in self.program.children_of(entity.name)}
        for (owner, name), fact in self.program.facts.items():
            elsewhere = fact.settles or fact.overrides or fact.instead_of
            if owner == entity.name and name not in apart and not fact.personal and elsewhere is None:
                yield fact

    def _column(self, fact: Fact, count: int, chance: np.random.Generator) -> pa.Array:
        dated = self.program.entities[fact.entity].date == fact.name
        empty = None if dated or fact.required else chance.random(count) < self.unknown
        return self._values(fact, fact.type, count, chance, empty, dated)

    def _values(
        self,
        fact: Fact,
        type_: Type,
        count: int,
        chance: np.random.Generator,
        empty: Array | None,
        dated: bool,
    ) -> pa.Array:
        match type_:
            case Boolean():
                return pa.array(chance.random(count) < 0.5, mask=empty)
            case Date():
                days = chance.integers(0, WINDOW if dated else LIFETIME, count)
                return pa.array(
                    np.datetime64(self.as_of) - days.astype("timedelta64[D]"), pa.date32(), mask=empty
                )
            case Code(codes=name):
                return _chosen(list(self.program.codes[name].values), count, chance, empty)
            case String(area=True):
                return _chosen(self._areas(), count, chance, empty)
            case String() | Duration():
                return _chosen([f"{fact.name} {n}" for n in range(1, 6)], count, chance, empty)
            case Numeric(scale=scale):
                low, high = _range(fact, scale)
                steps = chance.integers(low, high + 1, count)
                cells = [
                    None if empty is not None and empty[i] else Decimal(int(n)).scaleb(-scale)
                    for i, n in enumerate(steps)
                ]
                return pa.array(cells, pa.decimal128(18, scale) if scale else pa.decimal128(18, 0))
            case Listing(item=item):
                return _chosen(self._listed(item), count, chance, empty)
            case _:
                assert_never(type_)

    def _listed(self, item: Type) -> list[str]:
        """Lists as a cell of a table has them: none, each code alone, the first two together."""
        codes = list(self.program.codes[item.codes].values) if isinstance(item, Code) else ["a", "b"]
        return [*codes, "; ".join(codes[:2])]

    def _areas(self) -> list[str]:
        """The areas that provisions name, as codes of six digits."""
        named = {area for d in self.program.decisions for p in d.provisions for area in p.areas}
        return sorted({area[:6].ljust(6, "0") for area in named}) or ["110000"]


def _range(fact: Fact, scale: int) -> tuple[int, int]:
    """The lowest and highest value in units of the last decimal: the fact's own range, cut to what people have."""
    most = MOST_MONEY if scale == 2 else 10 * 10**scale if scale else 1000
    low = 0 if fact.low is None else int(fact.low.scaleb(scale))
    high = low + most if fact.high is None else int(fact.high.scaleb(scale))
    return low, min(high, low + most)


def _chosen(choices: list[str], count: int, chance: np.random.Generator, empty: Array | None) -> pa.Array:
    indices = pa.array(chance.integers(0, len(choices), count).astype(np.int32), mask=empty)
    return pa.DictionaryArray.from_arrays(indices, pa.array(choices, pa.string())).cast(pa.string())
