"""Aggregates over the children of a row.

In: an aggregate. Out: a function of the row above: the total over the children that belong to it. A child of which it is
unknown whether it belongs, or what it brings, makes the total unknown, unless the others settle it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, assert_never

from mianshen.closed_sets import AggregateKind
from mianshen.interpreter.function_builder import FunctionBuilder
from mianshen.interpreter.operations import Function, stop
from mianshen.interpreter.rows import Row, RowError, doubt
from mianshen.program.core import Aggregate
from mianshen.program.program import Entity
from mianshen.values import NOT_MODELLED, ZERO, Missing, Unknown, Value, unknown_of

if TYPE_CHECKING:
    from mianshen.interpreter.evaluate import Compiler

NEUTRAL: Final[dict[AggregateKind, tuple[object, ...]]] = {
    "sum": (ZERO,), "some": (False,), "every": (True,)
}  # fmt: skip


DECISIVE: Final[dict[AggregateKind, bool]] = {"some": True, "every": False}


def aggregate(node: Aggregate, compiler: Compiler, entity: str) -> Function:
    """The aggregate as a function of the row, of an entity, whose children it ranges over."""
    if node.levels:
        return RowsBeside(node, compiler, entity)
    if node.kind == "first":
        return FirstOf(node, compiler)
    child, kind = compiler.program.entities[node.child], node.kind
    name, brings = child.name, _brings(node, compiler)
    unseen = _Unseen(node, child, brings, tuple(compiler.program.accumulators))

    def evaluate(row: Row) -> Value:
        unsure: list[Value] = []
        items: list[Any] = []
        seen = 0
        for item in row.children:
            if item.entity == name and not item.idle:
                seen += 1
                value = brings(item)
                if value.__class__ is Unknown:
                    unsure.append(value)
                elif value is not None:
                    items.append(value)
        if row.told is not None or child.counted_by is not None:
            unsure += unseen.of(row, seen)
        return total(kind, items, unsure)

    return evaluate


class FirstOf:
    """Whether a condition holds of the first row by key for which another does."""

    def __init__(self, node: Aggregate, compiler: Compiler) -> None:
        assert node.body is not None
        child = compiler.program.entities[node.child]
        self.child, self.plural = node.child, child.children or child.name
        self.where = None if node.where is None else compiler.compile(node.where, node.child)
        self.body = compiler.compile(node.body, node.child)
        names = tuple(compiler.program.accumulators)
        self.unseen = _Unseen(node, child, _brings(node, compiler), names)

    def __call__(self, row: Row) -> Value:
        """True or false as soon as every row that may be the first agrees."""
        rows = [item for item in row.children if item.entity == self.child and not item.idle]
        unsure: list[Value] = []
        possible: set[bool] = set()
        decided = False
        for item in sorted(rows, key=lambda item: item.key):
            truth, value = self._of(item)
            if decided or truth in (False, NOT_MODELLED) or value is NOT_MODELLED:
                continue
            possible |= {True, False} if isinstance(value, Unknown) else {value is True}
            open_ = [part for part in (truth, value) if isinstance(part, Unknown)]
            unsure += open_
            decided = not open_
        if not decided:
            possible.add(False)
        if not decided or row.may_yet_tell(self.plural):
            unseen = list(self.unseen.of(row, len(rows)))
            possible |= {True, False} if unseen else set()
            unsure += unseen
        return possible.pop() if len(possible) == 1 else unknown_of(unsure)

    def _of(self, item: Row) -> tuple[Value, Value]:
        """Whether a row is one of those asked about, and whether the condition holds of it."""
        open_ = doubt(item)
        if open_ is None:
            truth = True if self.where is None else self.where(item)
            return truth, NOT_MODELLED if truth in (False, NOT_MODELLED) else self.body(item)
        try:
            truth = True if self.where is None else self.where(item)
        except RowError:
            truth = open_
        return (truth if truth in (False, NOT_MODELLED) else open_), open_


class RowsBeside:
    """An aggregate over rows below a row above, those that share facts with the row."""

    def __init__(self, node: Aggregate, compiler: Compiler, entity: str) -> None:
        entities = compiler.program.entities
        above = entities[node.levels[0]].parent
        self.above, self.own = str(above), above == entity
        self.kind, self.brings = node.kind, _brings(node, compiler)
        names = tuple(compiler.program.accumulators)
        self.levels = [
            (level, _Unseen(node, entities[level], self.brings, names, last=level == node.child))
            for level in node.levels
        ]
        self.same = [
            (compiler.compile(theirs, node.child), compiler.compile(mine, entity))
            for theirs, mine in node.same
        ]

    def __call__(self, row: Row) -> Value:
        """What they come to."""
        unsure: list[Value] = []
        items: list[Any] = []
        for item in self.rows(row, unsure):
            shared = self.shared(row, item)
            value = None if shared is False else self.brings(item)
            if value is None:
                continue
            open_ = doubt(item) is None and isinstance(shared, Unknown)
            parts = [value, shared] if open_ else [value]
            if any(isinstance(part, Unknown) for part in parts):
                unsure.append(unknown_of(parts))
            else:
                items.append(value)
        return total(self.kind, items, unsure)

    def rows(self, row: Row, unsure: list[Value] | None = None) -> list[Row]:
        """The rows of the last level; what may be missing of each level is added to `unsure`."""
        parents = [row.current if self.own else row.above(self.above)]
        for level, unseen in self.levels:
            below: list[Row] = []
            for parent in parents:
                mine = [item for item in parent.children if item.entity == level and not item.idle]
                if unsure is not None:
                    unsure += unseen.of(parent, len(mine))
                below += mine
            if level != self.levels[-1][0]:
                doubts = [open_ for item in below if (open_ := doubt(item)) is not None]
                below = [item for item in below if doubt(item) is None]
                if unsure is not None:
                    unsure += doubts
            parents = below
        for item in parents:
            item.asking = row
        return parents

    def shared(self, row: Row, item: Row) -> Value:
        """Whether the facts are equal; unknown where one is, and no other differs."""
        missing: list[Value] = []
        for theirs, mine in self.same:
            one, other = theirs(item), mine(row)
            unknown = [part for part in (one, other) if isinstance(part, Unknown)]
            missing += unknown
            if not unknown and one != other:
                return False
        return unknown_of(missing) if missing else True


def _brings(node: Aggregate, compiler: Compiler) -> Callable[[Row], Value | None]:
    """What a child brings: nothing (None), a value, or an unknown."""
    builder = FunctionBuilder(compiler, node.child)
    where = None if node.where is None else compiler.compile(node.where, node.child)
    decisive = DECISIVE.get(node.kind)  # whether an item counts or not, its neutral value changes nothing
    body = None if decisive is None or node.body is None else compiler.compile(node.body, node.child)

    def doubtful(row: Row) -> Value | None:
        """A rejected or perhaps void child brings an unknown, unless what can be read of it rules that out."""
        unknown = doubt(row)
        try:
            truth = True if where is None else where(row)
            if truth is False or truth is NOT_MODELLED:
                return None
            value = unknown if body is None else body(row)
        except RowError:
            return unknown
        return None if value is NOT_MODELLED or value is (not decisive) else unknown

    neutral = "" if decisive is None else f" or value is {not decisive}"
    lines = [
        "if row.rejection is not None or row.voider is not None:",
        f"    return {builder.bind(doubtful)}(row)",
        f"truth = {'True' if node.where is None else builder.text(node.where)}",
        "if truth is False or truth is NOT_MODELLED:",
        "    return None",
        f"value = {'True' if node.body is None else builder.text(node.body)}",
        f"if value is NOT_MODELLED{neutral}:",
        "    return None",
        "return value if truth is True else unknown_of((truth, value))",
    ]
    return builder.function(f"{node.kind} of {node.child}", lines)


@dataclass(frozen=True, slots=True)
class _Unseen:
    """The children of an aggregate that are not given."""

    node: Aggregate
    child: Entity
    brings: Callable[[Row], Value | None]
    accumulators: tuple[str, ...]
    last: bool = True  # they are what is added up, not what stands above it

    def of(self, row: Row, seen: int) -> Iterator[Unknown]:
        """The unknowns that rest on them, where the row has so many others."""
        plural, counted = self.child.children or self.child.name, self.child.counted_by
        if row.told is not None and plural not in row.told and not self._add_nothing(row, plural):
            yield row.unknown(plural)
        if counted is None:
            return
        stated = row.facts.get(counted)
        if stated is None:
            yield row.unknown(counted)
        elif stated > seen:  # type: ignore[operator]  # a count is a number
            yield Unknown(frozenset((Missing(plural, row.entity, row.key),)))

    def _add_nothing(self, row: Row, plural: str) -> bool:
        """Whether a child of which nothing is told would make no difference."""
        if not self.last:
            return False
        blank = Row(self.child.name, "", {}, row, told=frozenset(), as_of=row.as_of)
        blank.before = dict.fromkeys(self.accumulators, row.unknown(plural))
        try:
            value = self.brings(blank)
        except RowError:
            return False
        neutral = NEUTRAL.get(self.node.kind, ())
        return value is None or any(value is part or value == part for part in neutral)


def total(kind: AggregateKind, items: list[Any], unsure: list[Value]) -> Value:
    """An aggregate over known items and unknown ones. Raises RowError for the least or greatest of nothing."""
    decisive = DECISIVE.get(kind)
    if decisive is not None and decisive in items:
        return decisive
    if unsure:
        return unknown_of(unsure)
    match kind:
        case "some" | "every" | "first":
            return not decisive
        case "sum":
            return sum(items, ZERO)
        case "count":
            return Decimal(len(items))
        case "min" | "max":
            if not items:
                raise stop("nothing_to_compare", "", f"{kind} of nothing", "对空集求最值")
            return min(items) if kind == "min" else max(items)  # type: ignore[no-any-return]
        case _:
            assert_never(kind)
