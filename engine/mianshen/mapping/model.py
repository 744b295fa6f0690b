"""What a mapping of columns says: facts of a rulebook made from the columns of somebody else's export.

In: a mapping file or the name of a shipped one. Out: `ColumnMapping`, by entity: from which columns each fact
comes and how, which rows take part. Invariants: a conversion is exact, and what it does not understand stays a
text that the fact's own reader refuses, so that no cell becomes another value; every name stands with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias, assert_never

from mianshen.shipped import shipped_rulebook
from mianshen.source import Message, RuleError, Span

COLUMNS: Final = "mapping.yaml"  # what a run calls the mapping it keeps
FOLDER: Final = "mappings"  # of the shipped rulebook
FACTORS: Final = {"fen": "0.01", "yuan": "1", "万元": "10000", "wan": "10000"}
PERCENT: Final = "percent"


@dataclass(frozen=True, slots=True)
class Replacement:
    """What stands for a cell: a value as text, None for unknown."""

    text: str | None


@dataclass(frozen=True, slots=True)
class Test:
    """Whether a cell, or a fact as mapped, is one of `values`: `11*` begins with 11, "" is an empty cell.

    `columns` are the names the column may have; none where a fact is tested.
    """

    columns: tuple[str, ...]
    fact: str | None
    values: tuple[str, ...]
    span: Span


Condition: TypeAlias = tuple[Test, ...]  # holds where every test does


@dataclass(frozen=True, slots=True)
class Entries:
    """Several identities in one cell. `part` writes one as `code(begin~end)`, or `begins` and `ends` are columns.

    Only those in force on the day `on` (a fact, or the decision date) count; of those, the first in `order`.
    """

    separator: str
    part: str | None
    begins: tuple[str, ...]
    ends: tuple[str, ...]
    on: str | None
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The cell of a column, converted. `columns`: the names it may have; the first that the file has counts."""

    columns: tuple[str, ...]
    span: Span
    trim: bool = False
    thousands: bool = False
    shortest: bool = False  # floats are read by their shortest decimal
    dates: tuple[str, ...] = ()
    unit: str | None = None
    values: tuple[tuple[str, str | None], ...] = ()
    other: Replacement | None = None  # for any value not among `values`
    empty: str | None = None
    absent: str | None = None  # where the file has no such column
    entries: Entries | None = None
    sound: bool = (
        False  # a number without the shape or check digit of an identity number is unknown, not refused
    )

    @property
    def plain(self) -> bool:
        """Renamed only."""
        converted = (self.dates, self.unit, self.values, self.other, self.empty, self.entries)
        return not (
            self.trim
            or self.thousands
            or self.sound
            or any(part is not None and part != () for part in converted)
        )


@dataclass(frozen=True, slots=True)
class Constant:
    text: str


@dataclass(frozen=True, slots=True)
class RowNumber:
    """The row's number in its file after a beginning, where a file gives its rows no number of their own."""

    beginning: str


@dataclass(frozen=True, slots=True)
class Sum:
    plus: tuple[Operand, ...]
    minus: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class First:
    """The first of several that is not empty."""

    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Restricted:
    """An operand where all of `only` hold and none of `unless`; else empty.

    Rows for which `as_before` holds take the value of the person's last earlier row for which it does not.
    """

    operand: Operand
    only: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    as_before: Condition | None = None


Operand: TypeAlias = Cell | Constant | RowNumber | Sum | First | Restricted


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows that take no part, and why."""

    condition: Condition
    reason: Message


@dataclass(frozen=True, slots=True)
class Reversals:
    """Rows in which `names` holds the `key` of another row: neither takes part."""

    names: Cell
    key: Cell
    nothing: tuple[str, ...] = ()  # what `names` holds in a row that reverses none


@dataclass(frozen=True, slots=True)
class PersonRows:
    """Rows that describe one person, told by the fact `per`, in the order of `order`, the newest last.

    `keep` newest: one row a person; history: one a day (the fact `day`) on which something changed.
    """

    per: str
    order: tuple[Operand, ...]
    keep: Literal["newest", "history"]
    day: str | None


@dataclass(slots=True)
class EntityMapping:
    """The columns of one entity's files; `ignored`: columns left out, with their places in the mapping."""

    facts: dict[str, Operand] = field(default_factory=dict)
    ignored: dict[str, Span] = field(default_factory=dict)
    title_lines: int = 0  # lines before the header
    blank: tuple[str, ...] = ()  # texts, in any case, that stand for an empty cell
    missing_allowed: bool = False
    others_ignored: bool = False
    left_out: tuple[LeftOut, ...] = ()
    reversals: Reversals | None = None
    person_rows: PersonRows | None = None

    def named(self, needed: bool = False) -> Iterator[tuple[tuple[str, ...], Span]]:
        """Every column named, as the names it may have, with its place; `needed`: those with no value for their absence."""
        operands = [*self.facts.values()]
        if self.reversals is not None:
            operands += [self.reversals.names, self.reversals.key]
        if self.person_rows is not None:
            operands += self.person_rows.order
        for operand in operands:
            yield from columns_of(operand, needed)
        for left_out in self.left_out:
            yield from tested(left_out.condition)
        yield from (((name,), span) for name, span in self.ignored.items())


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A mapping file, by entity."""

    path: Path
    entities: Mapping[str, EntityMapping]


def operands_of(operand: Operand) -> tuple[Operand, ...]:
    """The operands that one is made of; none of a cell, a constant or a row's number."""
    match operand:
        case Cell() | Constant() | RowNumber():
            return ()
        case Sum():
            return (*operand.plus, *operand.minus)
        case First():
            return operand.operands
        case Restricted():
            return (operand.operand,)
        case _:
            assert_never(operand)


def columns_of(operand: Operand, needed: bool = False) -> Iterator[tuple[tuple[str, ...], Span]]:
    """The columns that an operand reads; `needed`: but those with a value for their absence."""
    for part in operands_of(operand):
        yield from columns_of(part, needed)
    if isinstance(operand, Cell):
        if operand.absent is None or not needed:
            yield operand.columns, operand.span
        if operand.entries is not None:
            yield from ((n, operand.span) for n in (operand.entries.begins, operand.entries.ends) if n)
    if isinstance(operand, Restricted):
        for condition in conditions_of(operand):
            yield from tested(condition)


def conditions_of(restricted: Restricted) -> tuple[Condition, ...]:
    last = () if restricted.as_before is None else (restricted.as_before,)
    return (*restricted.only, *restricted.unless, *last)


def tested(condition: Condition) -> Iterator[tuple[tuple[str, ...], Span]]:
    """The columns that a condition reads."""
    return ((test.columns, test.span) for test in condition if test.fact is None)


def facts_of(operand: Operand) -> Iterator[str]:
    """The facts whose mapped values an operand reads."""
    for part in operands_of(operand):
        yield from facts_of(part)
    if isinstance(operand, Cell) and operand.entries is not None and operand.entries.on is not None:
        yield operand.entries.on
    if isinstance(operand, Restricted):
        yield from (t.fact for c in conditions_of(operand) for t in c if t.fact is not None)


def shipped_mappings() -> list[str]:
    """The names of the mappings that travel with the rulebook."""
    return sorted(path.stem for path in (shipped_rulebook() / FOLDER).glob("*.yaml"))


def mapping_file(mapping: Path | str) -> Path:
    """A mapping's file: the path itself, or the shipped mapping of that name.

    Raises RuleError, with the nearest name, where none is shipped under it.
    """
    from mianshen.mapping import diagnostics

    path = Path(mapping)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return path
    if str(mapping) not in shipped_mappings():
        raise RuleError([diagnostics.unknown_mapping(str(mapping), shipped_mappings())])
    return shipped_rulebook() / FOLDER / f"{mapping}.yaml"
