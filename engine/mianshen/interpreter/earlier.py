"""What the rows before this one were, in the order in which accumulators take them.

In: a node of earlier rows. Out: a function of a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from mianshen.interpreter.rows import Row, RowError, doubt, in_order
from mianshen.program.core import Earlier
from mianshen.values import NOT_MODELLED, Unknown, Value, unknown_of

if TYPE_CHECKING:
    from mianshen.interpreter.evaluate import Compiler


class _Turns(NamedTuple):
    """The rows of one parent in turn, those without a date first: of the how manieth case, the place of each."""

    case: int
    parent: Row
    rows: list[Row]
    places: dict[Row, int]
    undated: int


class EarlierRows:
    """The rows before one, as a node asks about them."""

    def __init__(self, node: Earlier, compiler: Compiler) -> None:
        self.compiler = compiler
        self._turns: _Turns | None = None
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
        turns = self._turns_below(row.parent.current)
        place = turns.places[row]
        for at in (*range(min(turns.undated, place)), *range(place - 1, turns.undated - 1, -1)):
            other = turns.rows[at]
            matches = False if other.idle else self._matches(row, other)
            if matches is not False and matches is not NOT_MODELLED:
                yield other, matches

    def _turns_below(self, parent: Row) -> _Turns:
        """The rows below one in turn, put in order once while a case is decided."""
        turns = self._turns
        if turns is None or turns.parent is not parent or turns.case != self.compiler.cases:
            rows = in_order([row for row in parent.children if row.entity == self.entity], self.date)
            undated = sum(self.date not in row.facts for row in rows)
            places = {row: place for place, row in enumerate(rows)}
            turns = self._turns = _Turns(self.compiler.cases, parent, rows, places, undated)
        return turns

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
