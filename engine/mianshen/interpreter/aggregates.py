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


def aggregate(node: Aggregate, compiler: Compiler) -> Function:
    """The aggregate as a function of the row whose children it ranges over."""
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


def _brings(node: Aggregate, compiler: Compiler) -> Callable[[Row], Value | None]:
    """What a child brings: nothing (None), a value, or an unknown."""
    builder = FunctionBuilder(compiler, node.child)
    where = None if node.where is None else compiler.compile(node.where, node.child)

    def doubtful(row: Row) -> Value | None:
        """A rejected or perhaps void child brings an unknown, unless it is known to be left out."""
        unknown = doubt(row)
        try:
            truth = True if where is None else where(row)
        except RowError:
            truth = True
        return None if truth is False or truth is NOT_MODELLED else unknown

    lines = [
        "if row.rejection is not None or row.voider is not None:",
        f"    return {builder.bind(doubtful)}(row)",
        f"truth = {'True' if node.where is None else builder.text(node.where)}",
        "if truth is False or truth is NOT_MODELLED:",
        "    return None",
        f"value = {'True' if node.body is None else builder.text(node.body)}",
        "if value is NOT_MODELLED:",
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
        case "some" | "every":
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
