"""What the rows before this one were, in the order in which accumulators take them.

In: a node of earlier rows. Out: a function of a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from mianshen.interpreter.rows import Row, RowError, doubt, in_order
from mianshen.program.core import Earlier
from mianshen.values import NOT_MODELLED, Unknown, Value, unknown_of

if TYPE_CHECKING:
    from mianshen.interpreter.evaluate import Compiler


class EarlierRows:
    """The rows before one, as a node asks about them."""

    def __init__(self, node: Earlier, compiler: Compiler) -> None:
        entity = compiler.program.entities[node.entity]
        self.entity, self.date = node.entity, str(entity.date)
        self.plural = entity.children or entity.name
        self.same = [fact.name for fact in node.same]
        self.where = None if node.where is None else compiler.compile(node.where, node.entity)
        self.body = None if node.body is None else compiler.compile(node.body, node.entity)

    def __call__(self, row: Row) -> Value:
        """The value of the last that matches, or how many do."""
        if row.facts.get(self.date) is None:
            return row.unknown(self.date)
        assert row.parent is not None
        parent = row.parent.current
        unsure: list[Value] = [parent.unknown(self.plural)] if parent.may_yet_tell(self.plural) else []
        last: Row | None = None
        count = 0
        for other, matches in self.matching(row):
            dated = self.date in other.facts
            open_ = doubt(other)
            if open_ is None and isinstance(matches, Unknown):
                open_ = matches
            if open_ is None and not dated:
                open_ = other.unknown(self.date)
            if open_ is not None:
                unsure.append(open_)
            elif last is None:
                last = other
            count += 1
            if dated and self.body is not None:
                break
        if unsure:
            return unknown_of(unsure)
        if self.body is None:
            return Decimal(count)
        return NOT_MODELLED if last is None else self.body(last)

    def matching(self, row: Row) -> Iterator[tuple[Row, Value]]:
        """The rows that match or may: those without a date first, then the others, the last first."""
        assert row.parent is not None
        mine = [other for other in row.parent.current.children if other.entity == self.entity]
        rows = [other for other in mine if other is row or not other.idle]
        ordered = in_order(rows, self.date)
        before = ordered[: next(at for at, other in enumerate(ordered) if other is row)]
        undated = [other for other in before if self.date not in other.facts]
        for other in (*undated, *reversed(before[len(undated) :])):
            matches = self._matches(row, other)
            if matches is not False and matches is not NOT_MODELLED:
                yield other, matches

    def _matches(self, row: Row, other: Row) -> Value:
        other.asking = row
        missing: list[Value] = []
        for name in self.same:
            mine, theirs = row.facts.get(name), other.facts.get(name)
            if mine is None or theirs is None:
                missing.append(row.unknown(name) if mine is None else other.unknown(name))
            elif mine != theirs:
                return False
        where: Value = True if self.where is None else self._where(other)
        if where is False or where is NOT_MODELLED or not missing:
            return where
        return unknown_of([*missing, where])

    def _where(self, other: Row) -> Value:
        """The condition at an earlier row; of a rejected row, what fails is unknown."""
        assert self.where is not None
        try:
            return self.where(other)
        except RowError:
            if other.rejection is None:
                raise
            return Unknown()
