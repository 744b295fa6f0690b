"""The one list of the files that a batch writes, and the columns of each.

In: a program, the entities that have an input. Out: `EntityFile`s with their Arrow schema, names of the other files.
Invariants: names come from entities; the schema depends on the program alone, so that every engine writes the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, assert_never

import pyarrow as pa

from mianshen.batch.recorded_rules import RULES
from mianshen.mapping.model import COLUMNS
from mianshen.program.core import Boolean, Code, Date, Duration, Listing, Numeric, String, Type
from mianshen.program.program import Benefit, Decision, Entity, Key, Program
from mianshen.program.titles import plural

REJECTS: Final = "rejects.parquet"
REJECTS_CSV: Final = "rejects.csv"
DIFFERENCES: Final = "differences"
REVERSALS: Final = "reversals"
SUMMARY: Final = "summary.json"
MANIFEST: Final = "manifest.json"
TIMINGS: Final = "timings.json"

MONEY: Final = pa.decimal64(18, 2)
WORD_DIGITS: Final = 18  # of a decimal of 64 bits
REJECT_SCHEMA: Final = pa.schema(
    [
        ("file", pa.string()), ("row", pa.int64()), ("key", pa.string()), ("field", pa.string()),
        ("code", pa.string()), ("reason", pa.string()),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntityFile:
    """The results of an entity's rows: keys, then shown decisions with a status, or three columns a benefit."""

    program: Program
    entity: Entity

    @property
    def stem(self) -> str:
        """What the rows are called together: the file's name, and their part of the summary."""
        return plural(self.entity.name)

    @property
    def name(self) -> str:
        return f"{self.stem}.parquet"

    @property
    def keys(self) -> tuple[str, ...]:
        """The row's own key; of an entity below the entry its parent's, too."""
        if self.entity.parent is None or self.entity.name in (
            self.program.entry,
            *self.program.ancestors(self.program.entry),
        ):
            return (self.entity.key,)
        return self.entity.key, self.program.entities[self.entity.parent].key

    @property
    def benefits(self) -> list[Benefit]:
        return [b for b in self.program.benefits.values() if b.entity == self.entity.name]

    @property
    def shown(self) -> tuple[Decision, ...]:
        """The decisions with a column; an entity with benefits and no outcome shows only those."""
        if self.benefits and self.entity.outcome is None:
            return ()
        return self.program.outputs(self.entity.name)

    @property
    def settled_facts(self) -> dict[str, str]:
        """Decision to the fact that holds what was really paid of it."""
        return self.program.settled_facts(self.entity.name)

    @property
    def stated(self) -> list[str]:
        """The decisions whose state (known, unknown, not modelled) results hold: those shown, and those settled."""
        return list(dict.fromkeys([*(d.name for d in self.shown), *self.settled_facts]))

    @property
    def schema(self) -> pa.Schema:
        """Every column of the file."""
        columns = [pa.field(key, pa.string()) for key in self.keys]
        columns += [pa.field(d.name, arrow_type(d)) for d in self.shown]
        if self.entity.outcome is not None:
            columns += [pa.field(name, pa.string()) for name in ("status", "reason", "missing")]
        for benefit in self.benefits:
            columns += [
                pa.field(f"{benefit.name}_status", pa.string()),
                pa.field(f"{benefit.name}_amount", MONEY),
                pa.field(f"{benefit.name}_reason", pa.string()),
            ]
        return pa.schema(columns)

    @property
    def differences(self) -> str:
        return self._beside(DIFFERENCES)

    @property
    def reversals(self) -> str:
        return self._beside(REVERSALS)

    def _beside(self, stem: str) -> str:
        """The file of what was settled or reversed; the first entity below the entry has the plain name."""
        first = self.program.child_of(self.program.entry)
        plain = first is None or first.name == self.entity.name
        return f"{stem}.parquet" if plain else f"{stem}_{self.stem}.parquet"

    @property
    def difference_schema(self) -> pa.Schema:
        amounts = ("settled", "ruled", "difference")
        return pa.schema(
            [
                *((key, pa.string()) for key in self.keys),
                ("decision", pa.string()),
                *((name, MONEY) for name in amounts),
            ]
        )

    @property
    def reversal_schema(self) -> pa.Schema:
        owner = reversed(self.keys)
        return pa.schema([(name, pa.string()) for name in (*owner, "reversed_by")])


def entity_files(program: Program, with_input: Collection[str]) -> list[EntityFile]:
    """The files of decided rows, the entry's first, those above it last.

    An entity has one if it shows anything and has an input, or may have rows without one: the entry, what stands
    above it, and the first entity below it.
    """
    entry = program.entities[program.entry]
    upper = program.ancestors(program.entry)
    first = program.child_of(program.entry)
    lower = [e for e in program.entities.values() if e.name not in upper and e.name != program.entry]
    ordered = [entry, *lower, *(program.entities[name] for name in upper)]
    always = {entry.name, *upper} | ({first.name} if first is not None else set())
    return [
        EntityFile(program, e)
        for e in ordered
        if shows(program, e) and (e.name in always or e.name in with_input)
    ]


def shows(program: Program, entity: Entity) -> bool:
    """Whether results say anything of an entity's rows."""
    if entity.name == program.entry or entity.outcome is not None or program.shown.get(entity.name):
        return True
    return any(b.entity == entity.name for b in program.benefits.values())


def wanted(files: Iterable[EntityFile]) -> frozenset[Key]:
    """The decisions that the files show, and those that settled amounts are held against."""
    keys: set[Key] = set()
    for file in files:
        entity = file.entity
        names = set(file.stated)
        names |= {n for n in (entity.outcome, entity.explained_by) if n is not None}
        names |= {d for b in file.benefits for d in (b.eligible, b.amount) if d is not None}
        keys |= {(entity.name, name) for name in names}
    return frozenset(keys)


def file_names(program: Program) -> Iterator[str]:
    """Every file that a batch of this program may write, the manifest and timings aside."""
    files = entity_files(program, program.entities)
    yield from (file.name for file in files)
    yield from (REJECTS, REJECTS_CSV)
    for file in files:
        if file.settled_facts:
            yield file.differences
        if file.entity.reverses is not None:
            yield file.reversals
    yield from (SUMMARY, RULES, COLUMNS)


def arrow_type(decision: Decision) -> pa.DataType:
    """The type of a decision's column."""
    if decision.written == "money":
        return MONEY
    return _arrow_type(decision.type)


def _arrow_type(type_: Type) -> pa.DataType:
    match type_:
        case Numeric(scale=scale):
            digits = max(WORD_DIGITS, type_.precision)
            return pa.decimal64(digits, scale) if digits <= WORD_DIGITS else pa.decimal128(digits, scale)
        case Boolean():
            return pa.bool_()
        case Date():
            return pa.date32()
        case Listing():
            return pa.list_(pa.string())
        case String() | Code() | Duration():
            return pa.string()
        case _:
            assert_never(type_)
