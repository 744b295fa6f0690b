"""What the compiled program reads and writes: how facts are encoded, which names can be missing.

In: a program. Out: `Layout`. Numbers are integers of their last decimal, dates
days since 1970-01-01, codes their place in the code list, areas their digits padded to twelve, times
sixteen, plus how many there were, texts their place among those that some formula names, then among the others, or ELSEWHERE,
lists their place among all lists of a run, of which those that figures hold come first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final, TypeVar, assert_never

from mianshen.program import core
from mianshen.program.program import Accumulator, Fact, Key, Program
from mianshen.program.stages import Stage, joint, nodes_of, parents_first, reads_of, stages
from mianshen.values import EXACT

MOST_FIXED: Final = (
    96  # names that have a bit of their own in every household; of more, each household deals out bits
)
AREA_DIGITS: Final = 12
WORD_DIGITS: Final = 18  # what 64 bits hold
Name = TypeVar("Name", str, Key)
Item = TypeVar("Item", str, tuple[str, ...])
EPOCH: Final = dt.date(1970, 1, 1)
ELSEWHERE: Final = -1  # a text that no formula names, where it does not matter which


class Unsupported(Exception):
    """The program cannot be compiled here: it holds what this room does not carry, or there is no compiler."""


@dataclass(frozen=True, slots=True)
class Column:
    """A fact as the compiled program reads it: one signed integer of `bits` bits, or one bit."""

    entity: str
    fact: Fact
    bits: int

    @property
    def name(self) -> str:
        return self.fact.name


@dataclass(frozen=True)
class Layout:
    """What the compiled form of one program holds.

    `beside`: a layout that the same rows are decided by, too: texts and lists have the numbers that they have there.
    """

    program: Program
    beside: Layout | None = None

    def with_figures(self, program: Program) -> Layout:
        """The layout of a program that differs in the values and days of figures alone; what is worked out is kept."""
        layout = copy(self)
        object.__setattr__(layout, "program", program)
        return layout

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        return stages(self.program)

    @cached_property
    def entities(self) -> tuple[str, ...]:
        return tuple(parents_first(self.program))

    @cached_property
    def facts(self) -> dict[str, list[Column]]:
        """The facts that some decision reads, by entity."""
        read: set[Key] = set()
        for decision in self.program.decisions:
            read |= reads_of(decision, self.program)[1]
        for entity in self.program.entities.values():
            if entity.date is not None:
                read.add((entity.name, entity.date))
            if entity.counted_by is not None and entity.parent is not None:
                read.add((entity.parent, entity.counted_by))
            if entity.valid_from is not None:
                read.add((entity.name, entity.valid_from))
        for accumulator in self.accumulators:
            settled = self.program.settled_facts(accumulator.entity).get(accumulator.sums)
            if settled is not None:
                read.add((accumulator.entity, settled))
        columns: dict[str, list[Column]] = {name: [] for name in self.entities}
        for key in sorted(read):
            fact = self.program.facts[key]
            columns[key[0]].append(Column(key[0], fact, bits_of(fact.type, self.program)))
        return columns

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name that can be missing, in order; its place is its bit."""
        facts = {n.name for n in self.nodes if isinstance(n, core.FactRef)}
        facts |= {c.name for columns in self.facts.values() for c in columns}
        for entity in self.program.entities.values():
            facts |= {n for n in (entity.counted_by, entity.date, entity.children) if n is not None}
        facts |= {key[1] for a in self.accumulators for key in a.facts}
        missing_set = {
            f"parameter {p.name}"
            for p in self.program.parameters.values()
            if any(dated.value is None for dated in p.series)
        }
        years = (
            ()
            if self.program.calendar is None
            else (self.program.calendar.before, self.program.calendar.after)
        )
        return (*sorted(facts), *sorted(missing_set), *years)

    @cached_property
    def tested(self) -> frozenset[Key]:
        """The facts of which some formula asks whether they are known."""
        arguments = [n.arg for n in self.nodes if isinstance(n, core.IsKnown)]
        return frozenset((a.entity, a.name) for a in arguments if isinstance(a, core.FactRef))

    @cached_property
    def nodes(self) -> list[core.Core]:
        """Every node of every expression."""
        roots = [root for d in self.program.decisions for root in nodes_of(d)]
        roots += [a.over for a in self.program.accumulators.values() if a.over is not None]
        return [n for root in roots for n in core.walk(root)]

    @cached_property
    def accumulators(self) -> tuple[Accumulator, ...]:
        """Those that some provision pays under, or some expression reads."""
        used = {n.accumulator for n in self.nodes if isinstance(n, core.YearToDate)}
        used |= {name for d in self.program.decisions for p in d.provisions for name in p.feeds}
        return tuple(a for name, a in self.program.accumulators.items() if name in used)

    @cached_property
    def figures(self) -> dict[str, core.Type]:
        """The type that a figure is stored in: one that holds it for every expression that reads it."""
        return _stored((n.name, n.type) for n in self.nodes if isinstance(n, core.ParameterRef))

    @cached_property
    def figures_read(self) -> tuple[str, ...]:
        """The figures and scales that some expression reads."""
        return tuple(sorted({*self.figures, *(n.scale for n in self.nodes if isinstance(n, core.Marginal))}))

    @cached_property
    def stored(self) -> dict[Key, core.Type]:
        """The type that a decision's values are stored in: one that holds them for every expression that reads them."""
        read = _stored(((n.entity, n.name), n.type) for n in self.nodes if isinstance(n, core.DecisionRef))
        stored = {d.key: read.get(d.key, d.type) for d in self.program.decisions}
        for accumulator in self.accumulators:
            key = accumulator.entity, accumulator.sums
            declared, read_as = self.program.decision(*key).type, stored[key]
            assert isinstance(declared, core.Numeric)
            assert isinstance(read_as, core.Numeric)
            stored[key] = core.Numeric(declared.scale, read_as.low, read_as.high)
        return stored

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Every text that some formula or figure names; its place stands for it."""
        named = {str(n.value) for n in self.nodes if isinstance(n, core.Const) and is_text(n.type)}
        for node in self.nodes:
            if isinstance(node, core.InSet) and is_text(node.arg.type):
                named |= {str(value) for value in node.values}
        for parameter in self.program.parameters.values():
            if is_text(parameter.type):
                named |= {str(dated.value) for dated in parameter.series if dated.value is not None}
        return _numbered(named, () if self.beside is None else self.beside.texts)

    @cached_property
    def free(self) -> frozenset[Key]:
        """The facts of which every text counts, not only whether it is one that is named."""
        bound: list[core.Core] = []
        for node in self.nodes:
            match node:
                case core.InSet(arg=arg) | core.IsKnown(arg=arg):
                    bound.append(arg)
                case core.Op(op="eq" | "ne", args=(one, other)):
                    bound += [
                        a
                        for a, b in ((one, other), (other, one))
                        if isinstance(b, core.Const | core.ParameterRef)
                    ]
                case _:
                    pass
        places = {id(node) for node in bound}
        texts = [n for n in self.nodes if isinstance(n, core.FactRef) and is_text(n.type)]
        shared = [fact for n in self.nodes if isinstance(n, core.Earlier) for fact in n.same]
        equal = (
            part for n in self.nodes if isinstance(n, core.Aggregate) for pair in n.same for part in pair
        )
        shared += [n for part in equal for n in core.walk(part) if isinstance(n, core.FactRef)]
        split = [(fact.entity, fact.name) for fact in shared if is_text(fact.type)]
        split += [
            key for a in self.accumulators for key in a.varying if is_text(self.program.facts[key].type)
        ]
        return frozenset([*((n.entity, n.name) for n in texts if id(n) not in places), *split])

    @cached_property
    def joint(self) -> dict[str, str]:
        """The entities whose rows are taken in turn beyond those of one parent, to the entity that shares them."""
        return joint(self.program)

    def split(self, accumulator: Accumulator) -> bool:
        """Whether the balances of an accumulator stand in a table: rows in turn go to and from several."""
        return accumulator.split or accumulator.entity in self.joint

    @cached_property
    def lists(self) -> tuple[tuple[str, ...], ...]:
        """Every list that some figure holds; its place stands for it."""
        figures = [p for p in self.program.parameters.values() if isinstance(p.type, core.Listing)]
        values = [d.known for p in figures for d in p.series]
        distinct = {value for value in values if isinstance(value, tuple)}
        return _numbered(distinct, () if self.beside is None else self.beside.lists)

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """Every code of the code lists that lists are of; its place stands for it inside lists."""
        types = [f.type for f in self.program.facts.values()] + [
            p.type for p in self.program.parameters.values()
        ]
        names = {t.item.codes for t in types if isinstance(t, core.Listing) and isinstance(t.item, core.Code)}
        return tuple(sorted({code for name in names for code in self.program.codes[name].values}))

    def encoded(self, value: core.Constant | tuple[str, ...], type_: core.Type) -> int:
        """A constant as the compiled program holds it."""
        if is_text(type_):
            return self.texts.index(str(value)) if value in self.texts else ELSEWHERE
        if isinstance(type_, core.Listing):
            assert isinstance(value, tuple)
            return self.lists.index(value)
        return encoded(value, type_, self.program)

    def bit(self, name: str) -> int:
        return self.names.index(name)


def _numbered(values: set[Item], first: tuple[Item, ...]) -> tuple[Item, ...]:
    """The values of another layout, then the others in order."""
    others: list[Item] = sorted(values.difference(first))
    return first + tuple(others)


def _stored(reads: Iterable[tuple[Name, core.Type]]) -> dict[Name, core.Type]:
    """By name, a type that holds the values of every type that they are read with."""
    stored: dict[Name, core.Type] = {}
    for name, type_ in reads:
        other = stored.get(name, type_)
        if isinstance(other, core.Numeric) and isinstance(type_, core.Numeric):
            scale, low, high = (
                max(other.scale, type_.scale), min(other.low, type_.low), max(other.high, type_.high),
            )  # fmt: skip
            other = core.Numeric(scale, low, high)
        stored[name] = other
    return stored


def is_text(type_: core.Type) -> bool:
    return isinstance(type_, core.String) and not type_.area


def bits_of(type_: core.Type, program: Program) -> int:
    """How many bits a fact's column has."""
    match type_:
        case core.Boolean():
            return 1
        case core.Code(codes=name):
            return 8 if len(program.codes[name].values) < 127 else 16
        case core.Numeric():
            return 128 if wide(type_) else 64
        case core.String(area=True):
            return 64
        case core.Date() | core.String() | core.Listing():
            return 32
        case core.Duration():
            raise AssertionError("no fact is a duration")
        case _:
            assert_never(type_)


def wide(type_: core.Type) -> bool:
    """Whether a value needs 128 bits."""
    return isinstance(type_, core.Numeric) and type_.precision > WORD_DIGITS


def encoded(value: core.Constant | tuple[str, ...], type_: core.Type, program: Program) -> int:
    """A constant as the compiled program holds it; not a text, nor a list."""
    match type_:
        case core.Boolean():
            return int(value is True)
        case core.Date():
            assert isinstance(value, dt.date)
            return (value - EPOCH).days
        case core.Numeric(scale=scale):
            assert isinstance(value, Decimal)
            return int(value.scaleb(scale, EXACT))
        case core.Code(codes=name):
            return list(program.codes[name].values).index(str(value))
        case _:
            assert type_ == core.String(area=True)
            return area_number(str(value))


def area_number(digits: str) -> int:
    return int(digits.ljust(AREA_DIGITS, "0")) * 16 + len(digits)


def scale_of(type_: core.Type) -> int:
    return type_.scale if isinstance(type_, core.Numeric) else 0
