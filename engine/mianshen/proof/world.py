"""Any household, as a solver sees it: one row of each entity, every fact a variable.

In: a program, the entity a question is about. Out: a `World`: the variables of its facts, what every record satisfies,
and the record that a model stands for.
Invariants: there is one row of the entity and of each above it, and at most one of each below. Every fact is known, save
those that rules ask of whether they are. A place is one of finitely many, for rules tell only so many apart. Balances
before the row are any that are not negative; one that nothing opens is zero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import z3

from mianshen.places import county_in
from mianshen.program import core
from mianshen.program.program import Fact, Key, Program
from mianshen.program.stages import nodes_of
from mianshen.proof.symbols import (
    NotLowered,
    Parts,
    Sym,
    Term,
    code_of,
    day_of,
    number,
    parts_of,
    valid,
)

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2040
ELSEWHERE: Final = ("650102", "540102", "640104", "460105")
MOST_ITEMS: Final = 60
COUNTY: Final = 6  # digits of the code of a county


@dataclass(frozen=True, slots=True)
class SymRow:
    """One row: `exists` whether it is there at all."""

    entity: str
    parent: SymRow | None
    exists: Term = True

    def above(self, entity: str) -> SymRow:
        row: SymRow | None = self
        while row is not None and row.entity != entity:
            row = row.parent
        if row is None:
            raise NotLowered(f"{self.entity} does not stand below {entity}")
        return row


@dataclass(slots=True)
class Variables:
    """The variables of a world, shared by worlds that differ in a few facts."""

    facts: dict[Key, Sym] = field(default_factory=dict)
    dates: dict[int, tuple[Term, Parts]] = field(default_factory=dict)  # by the id of the code's term
    counts: dict[Key, tuple[Term, Term]] = field(default_factory=dict)  # of a list: items, different ones
    texts: dict[str, int] = field(default_factory=dict)
    domain: list[Term] = field(default_factory=list)


class World:
    """The rows and facts of any one household."""

    def __init__(
        self, program: Program, entity: str, variables: Variables | None = None, open_: bool = False
    ) -> None:
        self.program = program
        self.open = open_  # whether any fact may be unknown, and rows below and balances be any
        self.variables = Variables() if variables is None else variables
        self.label = ""  # tells what stands for the working days here from another calendar's
        self.changed: dict[Key, Sym] = {}  # facts that another variable stands for
        self.rows: dict[str, SymRow] = {}
        line = [entity, *program.ancestors(entity)]
        above: SymRow | None = None
        for name in reversed(line):
            above = self.rows[name] = SymRow(name, above)
        self.row = self.rows[entity]
        self._below(set(line))

    def _below(self, done: set[str]) -> None:
        """A row that may be there of each entity below those there are."""
        for entity in self.program.entities.values():
            if entity.name not in done and entity.parent in self.rows:
                exists = z3.Bool(f"there is a {entity.name}")
                self.rows[entity.name] = SymRow(entity.name, self.rows[entity.parent], exists)
                self._below({*done, *self.rows})
                return

    def children(self, row: SymRow, entity: str) -> list[SymRow]:
        child = self.rows.get(entity)
        return [child] if child is not None and child.parent is row else []

    # -- facts -------------------------------------------------------------------------------

    @cached_property
    def tested(self) -> frozenset[Key]:
        """The facts of which rules ask whether they are known."""
        roots = [node for d in self.program.decisions for node in nodes_of(d)]
        roots += [check.condition for e in self.program.entities.values() for check in e.checks]
        return frozenset(
            (node.arg.entity, node.arg.name)
            for root in roots
            for node in core.walk(root)
            if isinstance(node, core.IsKnown) and isinstance(node.arg, core.FactRef)
        )

    def fact(self, key: Key) -> Sym:
        """A fact's variable."""
        if key in self.changed:
            return self.changed[key]
        if key not in self.variables.facts:
            self.variables.facts[key] = self.variable(self.program.facts[key], ".".join(key))
        return self.variables.facts[key]

    def variable(self, fact: Fact, name: str) -> Sym:
        """A new variable of a fact, with what its type allows."""
        key = fact.entity, fact.name
        known = z3.Bool(f"{name} is known") if self._may_lack(key, fact) else True
        match fact.type:
            case core.Boolean():
                return Sym(z3.Bool(name), known)
            case core.Numeric():
                return Sym(self._number(fact, fact.type, name), known, scale=fact.type.scale)
            case core.Date():
                return Sym(self.day(name, FIRST_YEAR, LAST_YEAR), known)
            case core.Code(codes=codes):
                return Sym(self._within(z3.Int(name), len(self.program.codes[codes].values)), known)
            case core.String(area=True):
                return Sym(self._within(z3.Int(name), len(self.places)), known)
            case core.String():
                return Sym(self._within(z3.Int(name), 10**6), known)
            case core.Listing():
                return Sym(self._items(key, name), known)
            case core.Duration():
                raise NotLowered(f"{fact.name} is a duration")

    def _may_lack(self, key: Key, fact: Fact) -> bool:
        return not fact.required and (self.open or key in self.tested)

    def _within(self, term: Term, count: int) -> Term:
        self.variables.domain.append(z3.And(term >= 0, term < count))
        return term

    def _number(self, fact: Fact, type_: core.Numeric, name: str) -> Term:
        term = z3.Int(name)
        low = type_.low if fact.low is None else fact.low
        high = type_.high if fact.high is None else fact.high
        scaled = [int(bound.scaleb(type_.scale)) for bound in (low, high)]
        self.variables.domain.append(z3.And(term >= scaled[0], term <= scaled[1]))
        return term

    def _items(self, key: Key, name: str) -> Term:
        count, different = z3.Int(f"count of {name}"), z3.Int(f"different {name}")
        self.variables.domain += [
            count >= 0, count <= MOST_ITEMS, different <= count, different >= z3.If(count > 0, 1, 0)
        ]  # fmt: skip
        self.variables.counts[key] = count, different
        return count

    def day(self, name: str, first: int = FIRST_YEAR, last: int = LAST_YEAR) -> Term:
        """A new day."""
        return self.among_days(
            Parts(z3.Int(f"{name} year"), z3.Int(f"{name} month"), z3.Int(f"{name} day")), first, last
        )

    def among_days(self, parts: Parts, first: int = FIRST_YEAR, last: int = LAST_YEAR) -> Term:
        """The code of a day with these parts, which are those of some day of the years."""
        self.variables.domain += [valid(parts), parts.year >= first, parts.year <= last]
        return self.noted(parts)

    def parts(self, code: Term) -> Parts:
        """The year, month and day of a day's code."""
        if not isinstance(code, int) and code.get_id() in self.variables.dates:
            return self.variables.dates[code.get_id()][1]
        return parts_of(code)

    def noted(self, parts: Parts) -> Term:
        """The code of a day whose parts are remembered."""
        code = parts.code
        if not isinstance(code, int):
            self.variables.dates[code.get_id()] = code, parts
        return code

    @cached_property
    def as_of(self) -> Sym:
        """The decision date."""
        key = ("", "as_of")
        if key not in self.variables.facts:
            self.variables.facts[key] = Sym(self.day("as_of", 2000, LAST_YEAR))
        return self.variables.facts[key]

    def constant(self, value: core.Constant, type_: core.Type) -> Sym:
        """What is written in a formula, or a figure's value, of a type."""
        match value:
            case bool():
                return Sym(value)
            case Decimal():
                return number(value)
            case dt.date():
                return Sym(code_of(value))
            case str() if isinstance(type_, core.Code):
                return Sym(list(self.program.codes[type_.codes].values).index(value))
            case str() if isinstance(type_, core.String) and type_.area and value in self.places:
                return Sym(self.places.index(value))
            case str():
                return Sym(self.text(value))

    # -- texts and places --------------------------------------------------------------------

    def text(self, text: str) -> int:
        return self.variables.texts.setdefault(text, len(self.variables.texts))

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Places of every kind that rules tell apart."""
        return places_of((self.program,))

    # -- records -----------------------------------------------------------------------------

    def record(self, model: z3.ModelRef) -> dict[str, Any]:
        """The record a model stands for, as people write them."""
        day = day_of(self._int(model, self.as_of.value))
        record: dict[str, Any] = {"as_of": day.isoformat()}
        entry = self.program.entities[self.program.entry]
        for row in self.rows.values():
            if not self._is_true(model, row.exists):
                continue
            entity = self.program.entities[row.entity]
            facts = dict(self._facts(model, row))
            if entity.parent is None or self.program.above_entry(row.entity) or entity is entry:
                record[row.entity] = {entity.key: "X1", **facts}
            elif entity.parent == entry.name:
                record.setdefault(entity.children or row.entity, []).append({entity.key: "X1", **facts})
            else:
                raise NotLowered(f"a record cannot be written with a {row.entity} below a {entity.parent}")
        for child in self.program.entities.values():
            if child.parent == entry.name:
                record.setdefault(child.children or child.name, [])
        return record

    def _facts(self, model: z3.ModelRef, row: SymRow) -> Iterator[tuple[str, Any]]:
        """The facts of a row that the question took in; the others are left open."""
        for (entity, name), sym in {**self.variables.facts, **self.changed}.items():
            if entity == row.entity and (entity, name) in self.program.facts:
                fact = self.program.facts[entity, name]
                if fact.name == self.program.entities[entity].key:
                    continue
                known = self._is_true(model, sym.known)
                yield name, self.written(fact, sym, model) if known else None

    def written(self, fact: Fact, sym: Sym, model: z3.ModelRef) -> Any:
        """A fact's value in a model, as a record has it."""
        match fact.type:
            case core.Boolean():
                return self._is_true(model, sym.value)
            case core.Numeric(scale=scale):
                return f"{Decimal(self._int(model, sym.value)).scaleb(-scale):f}"
            case core.Date():
                return day_of(self._int(model, sym.value)).isoformat()
            case core.Code(codes=codes):
                return list(self.program.codes[codes].values)[self._int(model, sym.value)]
            case core.String(area=True):
                return self.places[self._int(model, sym.value)]
            case core.String():
                number = self._int(model, sym.value)
                return next(
                    (text for text, n in self.variables.texts.items() if n == number), f"text{number}"
                )
            case core.Listing(item=core.Code(codes=codes)):
                count, different = (
                    self._int(model, term) for term in self.variables.counts[fact.entity, fact.name]
                )
                items = list(self.program.codes[codes].values)[:different]
                return (items + items[:1] * count)[:count]
            case _:
                return None

    def _int(self, model: z3.ModelRef, term: Term) -> int:
        if isinstance(term, int):
            return term
        return int(model.eval(term, model_completion=True).as_long())

    def _is_true(self, model: z3.ModelRef, term: Term) -> bool:
        if isinstance(term, bool):
            return term
        return bool(z3.is_true(model.eval(term, model_completion=True)))


def dated_fact(program: Program, entity: str) -> Key | None:
    """The fact that is the reference date of an entity's rows."""
    date = program.entities[entity].date
    return None if date is None else (entity, date)


def places_of(programs: Sequence[Program]) -> tuple[str, ...]:
    """Places of every kind that programs tell apart: in each one named two, beside it one, and elsewhere."""
    named = sorted({place for program in programs for place in _named_places(program)})
    known: dict[str, None] = {}
    for code in named:
        finer = tuple(other for other in named if other != code and other.startswith(code))
        first = county_in(code, finer)
        second = county_in(code, (*finer, first[:4]))
        if len(second) < COUNTY:
            second = county_in(code, (*finer, first))
        counties = [place for place in (first, second) if len(place) >= COUNTY]
        known |= dict.fromkeys(counties or [code])
    known |= dict.fromkeys(ELSEWHERE[:2])
    return tuple(known)


def _named_places(program: Program) -> Iterator[str]:
    roots: list[core.Core] = [node for d in program.decisions for node in nodes_of(d)]
    roots += [a.over for a in program.accumulators.values() if a.over is not None]
    for root in roots:
        for node in core.walk(root):
            if isinstance(node, core.Within):
                yield from node.prefixes
            elif isinstance(node, core.Const) and isinstance(node.type, core.String) and node.type.area:
                yield str(node.value)
    for parameter in program.parameters.values():
        if isinstance(parameter.type, core.String) and parameter.type.area:
            yield from (str(dated.value) for dated in parameter.series if isinstance(dated.value, str))
