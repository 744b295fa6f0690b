"""What a decided formula took in: the facts, decisions and figures on the branches it went through.

In: a core node at an entity. Out: a function that notes, for a decided row, each name read and the row
it was read from.
Invariant: a branch not taken reads nothing; of an `and` that is false, or an `or` that is true, only the
part that settles it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar, assert_never

from mianshen.interpreter.aggregates import RowsBeside
from mianshen.interpreter.earlier import EarlierRows
from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.function_builder import distance
from mianshen.interpreter.operations import Function
from mianshen.interpreter.rows import Row, RowError
from mianshen.program import core
from mianshen.program.selection import conjuncts

Kind: TypeAlias = Literal["fact", "decision", "parameter", "as_of", "year_to_date"]


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """Something a formula may read; one instance for each in a `Reading`, so that identity will do."""

    kind: Kind
    entity: str  # of a fact or decision
    name: str
    uncertain: bool = False  # a fact that may be assumed, a figure without a source, a balance


Sink: TypeAlias = dict[tuple[Name, Row], None]
Reader: TypeAlias = Callable[[Row, Sink], None]
Read = TypeVar("Read")


class Always:
    """Reads names whatever the row, each so many parents up."""

    def __init__(self, names: Iterable[tuple[Name, int]] = ()) -> None:
        self.names = tuple(names)
        self.own = tuple(name for name, _ in self.names)
        self.highest = max((steps for _, steps in self.names), default=0)
        self.decisions = tuple((name.name, steps) for name, steps in self.names if name.kind == "decision")
        self.balances = tuple(name.name for name in self.own if name.kind == "year_to_date")

    def inputs(self, row: Row, known: Mapping[Row, Mapping[Name, Read]]) -> tuple[Read, ...]:
        """What is known of the names, where a decided row read them."""
        if not self.highest:
            return tuple(map(known[row].__getitem__, self.own))
        line = [known[above] for above in self._line(row)]
        return tuple([line[steps][name] for name, steps in self.names])

    def at(self, row: Row) -> list[tuple[Name, Row]]:
        """The names, and where a decided row read them."""
        if not self.highest:
            return [(name, row) for name, _ in self.names]
        line = self._line(row)
        return [(name, line[steps]) for name, steps in self.names]

    def __call__(self, row: Row, sink: Sink) -> None:
        if not self.highest:
            for name in self.own:
                sink[name, row] = None
            return
        for part in self.at(row):
            sink[part] = None

    def decided(self, row: Row) -> list[tuple[Row, str]]:
        """The decisions among the names, and the rows they are of."""
        if not self.highest:
            return [(row, name) for name, _ in self.decisions]
        line = self._line(row)
        return [(line[steps], name) for name, steps in self.decisions]

    def _line(self, row: Row) -> list[Row]:
        """The row and its ancestors, as far as they are read."""
        line = [row]
        for _ in range(self.highest):
            line.append(line[-1].parent)  # type: ignore[arg-type]  # a row that read it has one
        return line


NOTHING: Final = Always()


class Reading:
    """Makes readers of core nodes."""

    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler
        self.program = compiler.program
        self.names: dict[tuple[Kind, str, str], Name] = {}

    def name(self, kind: Kind, name: str, entity: str = "") -> Name:
        """The one instance for a name."""
        key = kind, entity, name
        if key not in self.names:
            self.names[key] = Name(kind, entity, name, self._uncertain(kind, name, entity))
        return self.names[key]

    def _uncertain(self, kind: Kind, name: str, entity: str) -> bool:
        match kind:
            case "fact":
                return self.program.facts[entity, name].when_absent is not None
            case "parameter":
                return any(dated.basis != "cited" for dated in self.program.parameters[name].series)
            case "year_to_date":
                return True
            case "decision" | "as_of":
                return False
            case _:
                assert_never(kind)

    def compile(self, node: core.Core, entity: str) -> Reader:
        if isinstance(node, core.Leaf):
            return self._leaf(node, entity)
        match node:
            case core.Op(op="and" | "or"):
                return _settled(node.op == "or", self._tested(node.args, entity))
            case core.Op(args=args):
                return self.all(args, entity)
            case core.SamePlace(one=one, other=other):
                return self.all((one, other), entity)
            case (
                core.InSet(arg=arg)
                | core.Within(arg=arg)
                | core.IsKnown(arg=arg)
                | core.BenefitYear(date=arg)
            ):
                return self.compile(arg, entity)
            case core.If(condition=condition, then=then, otherwise=otherwise):
                branches = self.compile(then, entity), self.compile(otherwise, entity)
                return _branching(*self._tested((condition,), entity)[0], *branches)
            case core.Round(numerator=top, denominator=bottom):
                parts = (top,) if bottom is None else (top, bottom)
                return self.all(parts, entity)
            case core.Marginal(scale=name):
                return _all([self.all(core.children(node), entity), _noting(self.name("parameter", name), 0)])
            case core.FigureAt(parameter=name, date=date):
                return _all([self.compile(date, entity), _noting(self.name("parameter", name), 0)])
            case core.InForce(parameter=name, cases=cases):
                return _all([_noting(self.name("parameter", name), 0), self.all(cases, entity)])
            case core.Choice(policy=policy, rows=rows):
                tested = self._tested(tuple(condition for condition, _ in rows), entity)
                values = [self.compile(value, entity) for _, value in rows]
                return _choosing(policy == "first", tested, values)
            case core.Aggregate():
                return self._aggregate(node, entity)
            case core.Earlier():
                return self._earlier(node)
            case _:
                assert_never(node)

    def _leaf(self, node: core.Leaf, entity: str) -> Reader:
        match node:
            case core.Const() | core.NoValue() | core.Fail():
                return NOTHING
            case core.AsOf():
                return _noting(self.name("as_of", "as_of"), 0)
            case core.FactRef(asking=True):  # noted at the row that asks
                return NOTHING
            case core.FactRef(entity=owner, name=name):
                return _noting(self.name("fact", name, owner), distance(self.program, entity, owner))
            case core.DecisionRef(entity=owner, name=name):
                return _noting(self.name("decision", name, owner), distance(self.program, entity, owner))
            case core.ParameterRef(name=name) | core.MissingFigure(parameter=name):
                return _noting(self.name("parameter", name), 0)
            case core.YearToDate(accumulator=name):
                return _noting(self.name("year_to_date", name), 0)
            case _:
                assert_never(node)

    def all(self, nodes: Sequence[core.Core], entity: str) -> Reader:
        """A reader of several nodes, in order."""
        return _all([self.compile(node, entity) for node in nodes])

    def _tested(self, nodes: tuple[core.Core, ...], entity: str) -> list[tuple[Function, Reader]]:
        return [(self.compiler.written(node, entity), self.compile(node, entity)) for node in nodes]

    def holding(self, node: core.Core, entity: str) -> Reader:
        """A reader of a condition that is known to be true."""
        return self.all(list(conjuncts([node])), entity)

    def _earlier(self, node: core.Earlier) -> Reader:
        """What made an earlier row the one asked about, and what was asked of it."""
        rows = EarlierRows(node, self.compiler)
        own = self.all((*node.same, *core.asked_of(node)), node.entity)
        parts = [part for part in (node.where, node.body) if part is not None]
        theirs = self.all((*node.same, *parts), node.entity)

        def read(row: Row, sink: Sink) -> None:
            own(row, sink)
            if row.facts.get(rows.date) is None:
                return
            for other, _ in rows.matching(row):
                if other.rejection is None:
                    theirs(other, sink)
                if node.body is not None and rows.date in other.facts:
                    return

        return read

    def _aggregate(self, node: core.Aggregate, entity: str) -> Reader:
        child = self.program.entities[node.child]
        where = None if node.where is None else self._tested((node.where,), node.child)[0]
        holding = NOTHING if node.where is None else self.holding(node.where, node.child)
        body: Reader = NOTHING if node.body is None else self.compile(node.body, node.child)
        counted = None
        if child.counted_by is not None and child.parent is not None and not node.levels:
            counted = self.name("fact", child.counted_by, child.parent)
        beside = RowsBeside(node, self.compiler, entity) if node.levels else None
        mine = self.all([*(mine for _, mine in node.same), *core.asked_of(node)], entity)

        def read(row: Row, sink: Sink) -> None:
            if counted is not None:
                sink[counted, row] = None
            mine(row, sink)
            for item in row.children if beside is None else beside.rows(row):
                if item.entity != child.name or item.rejection is not None:
                    continue
                if beside is not None and beside.shared(row, item) is False:
                    continue
                truth = True if where is None else _truth(where[0], item)
                if truth is False:
                    continue
                if truth is True or where is None:
                    holding(item, sink)
                else:
                    where[1](item, sink)
                body(item, sink)

        return read


def _truth(function: Function, row: Row) -> object:
    try:
        return function(row)
    except RowError:
        return None


def _noting(name: Name, steps: int) -> Reader:
    return Always([(name, steps)])


def _all(readers: list[Reader]) -> Reader:
    """One after another; those that read the same whatever the row as one."""
    joined: list[Reader] = []
    for reader in readers:
        if reader is NOTHING:
            continue
        last = joined[-1] if joined else None
        if isinstance(reader, Always) and isinstance(last, Always):
            joined[-1] = Always(dict.fromkeys((*last.names, *reader.names)))
        else:
            joined.append(reader)
    if not joined:
        return NOTHING
    if len(joined) == 1:
        return joined[0]

    def read(row: Row, sink: Sink) -> None:
        for reader in joined:
            reader(row, sink)

    return read


def _settled(by: bool, parts: list[tuple[Function, Reader]]) -> Reader:
    """Only the first part that has the value which settles it; all, when none has."""

    def read(row: Row, sink: Sink) -> None:
        for function, reader in parts:
            if _truth(function, row) is by:
                reader(row, sink)
                return
        for _, reader in parts:
            reader(row, sink)

    return read


def _branching(condition: Function, tested: Reader, then: Reader, otherwise: Reader) -> Reader:
    def read(row: Row, sink: Sink) -> None:
        tested(row, sink)
        truth = _truth(condition, row)
        if truth is not False:
            then(row, sink)
        if truth is not True:
            otherwise(row, sink)

    return read


def _choosing(first: bool, tested: list[tuple[Function, Reader]], values: list[Reader]) -> Reader:
    def read(row: Row, sink: Sink) -> None:
        for (condition, reader), value in zip(tested, values, strict=True):
            truth = _truth(condition, row)
            if truth is False:
                continue
            reader(row, sink)
            value(row, sink)
            if first and truth is True:
                return

    return read
