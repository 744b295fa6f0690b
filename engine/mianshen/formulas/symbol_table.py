"""What names mean: the symbol table that formulas are checked against.

In: facts, decisions, parameters and collections of the rulebook. Out: lookups by entity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from mianshen.document.accumulator_part import AccumulatorPart
from mianshen.program.calendar import Calendar
from mianshen.program.core import (
    Boolean,
    Code,
    Core,
    Date,
    Duration,
    FactRef,
    If,
    IsKnown,
    Listing,
    Numeric,
    String,
    Type,
)
from mianshen.program.operators import either
from mianshen.program.program import CodeList, Entity, Fact, Key, ancestors
from mianshen.source import TYPO, Message, nearest
from mianshen.syntax.tree import Cell, Expr


@dataclass(frozen=True, slots=True)
class KeyTest:
    """What a key must be: one of some codes or texts, in one of some places, or what a cell says; none: anything."""

    values: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    truth: bool | None = None
    cell: Cell | None = None


@dataclass(frozen=True, slots=True)
class KeyedValues:
    """The values of a parameter by one key, and below it by the next; a leaf is the name of a parameter."""

    tests: tuple[tuple[KeyTest | None, KeyedValues | str], ...]


@dataclass(frozen=True, slots=True)
class Keyed:
    """What a parameter with keys is looked up by."""

    keys: Mapping[str, Type]
    values: KeyedValues
    leaves: tuple[str, ...]

    def usage(self, name: str) -> str:
        return f"{name}({', '.join(self.keys)})"


@dataclass(frozen=True, slots=True)
class ParameterName:
    """A parameter as formulas see it; `type` is None for a scale or a month and day."""

    type: Type | None
    month_day: tuple[int, int] | None = None
    scale_rates: Numeric | None = None  # the range of a scale's rates
    least_rate: Decimal | None = None  # the least of them above zero
    keyed: Keyed | None = None


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function of the rulebook: the types of its arguments, what it gives (None: what comes out), its formula."""

    takes: Mapping[str, Type]
    gives: str | None
    body: Expr


@dataclass(frozen=True, slots=True)
class AccumulatorName:
    """An accumulator as formulas see it: whose rows read it, and what it adds up."""

    entity: str
    scale: int  # decimals of what it adds up
    counts: bool
    parts: tuple[AccumulatorPart, ...] = ()  # of one that adds up several decisions, or by several dates


@dataclass(frozen=True, slots=True)
class SymbolTable:
    """Every name of a rulebook.

    `broken` names have a wrong definition, already reported; when part of the rulebook could not be
    read at all (`incomplete`), a name not known may be defined there.
    """

    entities: Mapping[str, Entity]
    codes: Mapping[str, CodeList]
    facts: Mapping[Key, Fact]
    decisions: Mapping[Key, Type]
    parameters: Mapping[str, ParameterName]
    accumulators: Mapping[str, AccumulatorName]
    broken: frozenset[str]
    incomplete: bool = False
    calendar: Calendar | None = None
    calendar_broken: bool = False  # years of it were written with a mistake
    functions: Mapping[str, FunctionName] = field(default_factory=dict)
    paid: frozenset[Key] = frozenset()  # the money decisions that are paid to or for the person
    _instead: dict[Key, list[Fact]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        for fact in self.facts.values():
            if fact.instead_of is not None:
                self._instead.setdefault(fact.instead_of, []).append(fact)

    def excused(self, name: str, known: Iterable[str]) -> bool:
        """Whether not knowing a name is no mistake of the place that uses it."""
        return name in self.broken or (self.incomplete and nearest(name, known, TYPO) is None)

    def ancestors(self, entity: str) -> list[str]:
        """The entity's parent, grandparent, … nearest first."""
        return ancestors(self.entities, entity)

    def fact(self, entity: str, owner: str, name: str) -> Core | None:
        """A fact as rows of an entity read it: what they, or those between, say in its stead where that is known."""
        fact = self.facts.get((owner, name))
        if fact is None:
            return None
        read: Core = FactRef(owner, name, fact.type)
        instead = self._instead.get((owner, name))
        line = [entity, *self.ancestors(entity)]
        for below in reversed(line[: line.index(owner)]) if instead and owner in line else ():
            for own in (own for own in instead or () if own.entity == below):
                stated = FactRef(below, own.name, own.type)
                one, two = own.type, read.type
                both = either(one, two) if isinstance(one, Numeric) and isinstance(two, Numeric) else two
                read = If(IsKnown(stated), stated, read, both)
        return read

    def collection(self, entity: str, name: str) -> str | None:
        """The child entity that `entity` calls `name`."""
        for child in self.entities.values():
            if child.parent == entity and child.children == name:
                return child.name
        return None

    def collections(self, entity: str) -> list[str]:
        """What `entity` calls its children."""
        return [e.children for e in self.entities.values() if e.parent == entity and e.children]

    def of(self, entity: str) -> list[str]:
        """The facts and decisions of an entity."""
        return [name for owner, name in (*self.facts, *self.decisions) if owner == entity]

    def known_at(self, entity: str) -> list[str]:
        """Every name a formula at the entity may use, parents' names with the parent's."""
        above = [f"{owner}.{name}" for owner in self.ancestors(entity) for name in self.of(owner)]
        return [*self.of(entity), *self.parameters, "as_of", *self.collections(entity), *above]


def describe(type_: Type) -> Message:
    """A type in words."""
    match type_:
        case Numeric():
            return Message("数值", "a number")
        case Boolean():
            return Message("是非值", "true or false")
        case Date():
            return Message("日期", "a date")
        case String(area=True):
            return Message("行政区划代码", "an area code")
        case String():
            return Message("文本", "text")
        case Code(codes=codes):
            return Message(f"代码表 {codes} 的代码", f"a code of {codes}")
        case Listing():
            return Message("列表", "a list")
        case Duration(unit=unit):
            months = unit == "months"
            return Message("以月计的时长" if months else "以日计的时长", f"a duration in {unit}")
