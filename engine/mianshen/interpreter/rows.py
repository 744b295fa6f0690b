"""What the interpreter works on: rows of facts, hanging together as parents and children.

In: values already read and typed. Out: `Row`, `Case`.
Invariants: a fact that is not in `facts` is unknown; a rejected row keeps the facts that could be
read, for they tell what it cannot have touched.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from mianshen.program.program import Fact, Program, Provision
from mianshen.program.remembered import remembered
from mianshen.source import Message
from mianshen.values import NOTHING_MISSING, Known, Missing, Unknown, Value


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a row takes no part: a reason code, the field at fault and a sentence."""

    reason: str
    field: str
    message: Message


class RowError(Exception):
    """A row that cannot be decided: conflict, division by zero, overflow, a gap in the figures."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.message.en)
        self.rejection = rejection


class Candidates(tuple[Provision, ...]):  # noqa: SLOT001  (a tuple has no room for further slots)
    """The provisions that might decide a decision, undetermined or, if all pay the same, known.

    The one that stands comes first. `apart`: what it unknowns, balances aside; in which accumulators a payment
    counts is open even where its amount is known. `overridden`: one stands, and whether an exception to it does is open.
    """

    apart: Unknown
    overridden: bool

    def __new__(
        cls, provisions: Iterable[Provision] = (), apart: Unknown = NOTHING_MISSING, overridden: bool = False
    ) -> Self:
        new = super().__new__(cls, provisions)
        new.apart, new.overridden = apart, overridden
        return new


@dataclass(slots=True, eq=False)
class Row:
    """One record.

    A dated child's `parent` is the row it reads: the version in force on its date, decision note 0010.
    `children` of a version are all of the person's. `chosen` holds, for each decision, the provision that
    decided it, or those that might when it is undetermined;
    `unreadable` the facts that were given and are wrong: whether they are known cannot be told.
    `told` is None once all that will be told of the row has been. Otherwise it names the facts told to be
    unknown and the lists of children told whole; any other fact may yet be given, any other list grow.
    """

    entity: str
    key: str
    facts: dict[str, Known]
    parent: Row | None = None
    children: list[Row] = field(default_factory=list)
    assumed: frozenset[str] = frozenset()
    rejection: Rejection | None = None
    unreadable: frozenset[str] = frozenset()
    told: frozenset[str] | None = None
    as_of: dt.date = dt.date.min
    values: dict[str, Value] = field(default_factory=dict)
    chosen: dict[str, tuple[Provision, ...]] = field(default_factory=dict)
    before: dict[str, Value] = field(default_factory=dict)  # per accumulator, what it held before this row
    versions: list[Row] = field(default_factory=list)  # the person's rows in force at other times
    asking: Row | None = None  # the row that asks about this one, while it does
    version_of: Row | None = None  # the row in force at `as_of`, whose version this is
    blank: bool = False  # stands for the time before a person's first row
    voider: Row | None = None  # a rejected row that would void this one, which is undetermined then
    idle: bool = False  # such a rejected row itself: it takes no part
    voids_some: bool = False  # rejected, and may void an earlier row, nobody can tell which
    doubled: bool = False  # another row has its key, of a person's rows over time its start too
    placeholders: frozenset[str] = frozenset()  # facts given as what means unknown
    label: str = ""  # how it is named where it has no key
    unknowns: dict[str, Unknown] = field(
        default_factory=dict
    )  # what its missing facts are, as far as asked for

    @property
    def current(self) -> Row:
        """The row in force at `as_of`: itself, unless it is a version."""
        return self if self.version_of is None else self.version_of

    def lineage(self) -> Iterator[Row]:
        """The row and those above it, the nearest first."""
        row: Row | None = self
        while row is not None:
            yield row
            row = row.parent

    def above(self, entity: str) -> Row:
        """The row of an entity above this one, the person's as it is at `as_of`."""
        row = self.parent
        while row is not None and row.entity != entity:
            row = row.parent
        assert row is not None, (self.entity, entity)
        return row.current

    def unknown(self, name: str) -> Unknown:
        """The unknown that a missing fact of this row is."""
        known = self.unknowns.get(name)
        if known is None:
            known = self.unknowns[name] = Unknown(frozenset((Missing(name, self.entity, self.key),)))
        return known

    def may_yet_tell(self, name: str) -> bool:
        """Whether a fact that is not given, or a list of children, may yet be told."""
        return self.told is not None and name not in self.told


def below(row: Row) -> list[Row]:
    """Every row that hangs below one, that of a person as it is at `as_of`."""
    return [inner for child in row.children for inner in (child, *below(child))]


def ancestor(row: Row, steps: int) -> Row:
    """The row so many parents up."""
    for _ in range(steps):
        assert row.parent is not None
        row = row.parent
    return row


def in_order(rows: list[Row], date: str) -> list[Row]:
    """Rows by date, then by key in code points; those without a date first, for they may touch any year."""
    return sorted(rows, key=lambda r: (date in r.facts, r.facts.get(date), r.key))


def turn(row: Row, program: Program) -> tuple[str, str]:
    """By what rows of several entities are shown in order: date, then key; those without a date first."""
    return str(row.facts.get(program.entities[row.entity].date or "", "")), row.key


def reject(row: Row, rejection: Rejection, program: Program) -> None:
    """Reject a row and everything below it.

    A row above the person's has no dependants: those below it find that nothing is known of it.
    """
    if row.rejection is None:
        row.rejection = rejection
    if program.above_entry(row.entity):
        row.facts.clear()
        row.unreadable = frozenset(name for entity, name in program.facts if entity == row.entity)
        return
    below = Rejection(
        "parent_rejected",
        "",
        Message(zh=f"所属的 {row.key} 已退回", en=f"its {row.entity} {row.key} is rejected"),
    )
    for child in row.children:
        if row.version_of is None or child.parent is row:
            reject(child, below, program)
    for version in row.versions:
        reject(version, below, program)


def rejected(row: Row) -> Unknown:
    """The unknown that rests on a row being rejected."""
    name = row.key or row.label
    return Unknown(frozenset((Missing(f"{row.entity} {name}", row.entity, name),)))


def doubt(row: Row) -> Unknown | None:
    """The unknown that all of a row is: it is rejected, or what would void it is; None: neither."""
    if row.rejection is not None:
        return rejected(row)
    return None if row.voider is None else rejected(row.voider)


@dataclass(slots=True, eq=False)
class Case:
    """One person as a program sees them: the top row, the person's own row, the day it is decided for.

    `reversed`: (reversal, what it cancels), rows that take no part.
    """

    as_of: dt.date
    top: Row
    person: Row
    reversed: list[tuple[Row, Row]] = field(default_factory=list)

    def of(self, entity: str) -> Row | None:
        """The person's own row, or the one above it, of an entity; None where it stands elsewhere."""
        row: Row | None = self.person
        while row is not None and row.entity != entity:
            row = row.parent
        return row

    def rows(self) -> list[Row]:
        """Every row, parents first, versions beside their person."""
        rows, pending = [], [self.top]
        while pending:
            row = pending.pop()
            rows += [row, *row.versions]
            pending.extend(reversed(row.children))
        return rows


def make_row(
    program: Program,
    entity: str,
    key: str,
    facts: dict[str, Known],
    absent: frozenset[str] = frozenset(),
    as_of: dt.date = dt.date.min,
) -> Row:
    """A row with the vocabulary's assumptions filled in for the `absent` facts that have one.

    An assumption that is the decision date is taken anew whenever a case is decided.
    """
    assumed: dict[str, Known] = {}
    for fact in _assumed(program).get(entity, ()):
        value = fact.assumed_on(as_of) if fact.name in absent else None
        if value is not None:
            assumed[fact.name] = value
    return Row(entity, key, {**facts, **assumed}, assumed=frozenset(assumed))


@remembered
def _assumed(program: Program) -> dict[str, list[Fact]]:
    """By entity, the facts that are assumed where nobody gives them."""
    assumed: dict[str, list[Fact]] = {}
    for (entity, _), fact in program.facts.items():
        if fact.when_absent is not None:
            assumed.setdefault(entity, []).append(fact)
    return assumed
