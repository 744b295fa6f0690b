"""A case in which rows fail: which of them are rejected, and what then becomes of the others.

In: the rows of a case, the program's decisions as functions. Out: the rows decided, or rejected.
The order in which rows are rejected is that of `program.stages`, the same for every back end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby

from mianshen.interpreter.accumulator_state import AccumulatorState, BalancesByHolder
from mianshen.interpreter.operations import Function
from mianshen.interpreter.rows import Row, RowError, in_order, reject
from mianshen.program.core import Aggregate, DecisionRef, walk
from mianshen.program.failing import fails_alone
from mianshen.program.program import Key, Program
from mianshen.program.stages import Stage, joint, nodes_of, read_below, stages
from mianshen.values import Unknown


class RejectionLoop:
    """Decides cases stage by stage, anew after each rejection."""

    def __init__(
        self, program: Program, deciders: Mapping[Key, Function], accumulators: Sequence[AccumulatorState]
    ) -> None:
        self.program = program
        self.deciders = deciders
        self.accumulators = accumulators
        self.stages = stages(program)
        dated = [s.entity for s in self.stages if program.entities[s.entity].date is not None]
        # one dated row cannot be decided whole before the next, or rows of several parents read one another
        self.tangled = len(dated) > len(set(dated)) or _reads_beside(program)

    @cached_property
    def alone(self) -> list[Key]:
        """The decisions that fail for facts alone."""
        keys = fails_alone(self.program)
        return [d.key for d in self.program.decisions if d.key in keys]

    @cached_property
    def others(self) -> list[Key]:
        """The other decisions."""
        alone = set(self.alone)
        return [d.key for d in self.program.decisions if d.key not in alone]

    @cached_property
    def below(self) -> frozenset[Key]:
        """The decisions that versions make."""
        return read_below(self.program)

    def decide(self, rows: Sequence[Row]) -> None:
        """Decide the rows of a case, parents first in `rows`; reject those that cannot be."""
        while True:
            clear(rows)
            if self._reject_alone(rows):
                continue
            failed = next((f for stage in self.stages if (f := self._stage(stage, rows))), None)
            if failed is None:
                return
            for row, error in failed:
                reject(row, error.rejection, self.program)

    def _reject_alone(self, rows: Sequence[Row]) -> bool:
        """Reject every row that fails for facts alone, whatever becomes of others; each for its own reason."""
        for row in rows:  # nothing that rests on other rows is looked at
            row.before.update({state.name: Unknown() for state in self.accumulators})
            row.values.update({name: Unknown() for entity, name in self.others if entity == row.entity})
        failed: dict[int, Row] = {}
        for entity, name in self.alone:  # what is read comes first: a row fails for its own errors only
            for row in rows:
                if row.version_of is not None and (entity, name) not in self.below:
                    continue
                if row.entity == entity and (row.rejection is None or id(row) in failed):
                    error = self._fails(row, entity, name)
                    if error is not None:
                        failed[id(row)] = row
                        row.rejection = row.rejection or error.rejection
        for row in failed.values():
            assert row.rejection is not None
            reject(row, row.rejection, self.program)
        clear(rows)
        return bool(failed)

    def _fails(self, row: Row, entity: str, name: str) -> RowError | None:
        """The error of a decision on a row; who reads it finds it unknown."""
        try:
            self.deciders[entity, name](row)
        except RowError as error:
            row.values[name] = Unknown()
            return error
        return None

    def _stage(self, stage: Stage, rows: Sequence[Row]) -> list[tuple[Row, RowError]]:
        """Decide a stage at every row of its entity; the rows that fail and what stopped them."""
        mine = [row for row in rows if row.entity == stage.entity]
        date = self.program.entities[stage.entity].date
        if date is None:
            return [(row, e) for row in mine if (e := self._attempt(stage, row)) is not None]
        holder = joint(self.program).get(stage.entity)
        if holder is None:
            families = groupby(mine, key=lambda row: id(row.parent and row.parent.current))
        else:
            families = groupby(mine, key=lambda row: id(row.above(holder)))
        return [failed for _, family in families for failed in self._in_turn(stage, list(family), date)]

    def _in_turn(self, stage: Stage, rows: list[Row], date: str) -> Iterator[tuple[Row, RowError]]:
        """One parent's dated rows; those after one that fails are not looked at."""
        names = {d.name for d in stage.decisions}
        mine = [s for s in self.accumulators if s.accumulator.entity == stage.entity and s.sums in names]
        holders = BalancesByHolder(mine)
        for row in in_order(rows, date):
            states = holders.of(row) if mine else []
            for state, balances in states:
                row.before[state.name] = state.before(row, balances, date)
            error = self._attempt(stage, row)
            try:
                for state, balances in states:
                    if error is None:
                        state.add(row, balances, date)
            except RowError as failure:
                error = failure
            if error is not None:
                yield row, error
                return

    def _attempt(self, stage: Stage, row: Row) -> RowError | None:
        try:
            for decision in stage.decisions:
                if row.version_of is None or decision.key in self.below:
                    self.deciders[decision.key](row)
        except RowError as error:
            return error
        return None


def _reads_beside(program: Program) -> bool:
    """Whether some decision adds up decisions of rows that are not below its own."""
    nodes = (node for decision in program.decisions for root in nodes_of(decision) for node in walk(root))
    return any(
        isinstance(part, DecisionRef)
        for node in nodes
        if isinstance(node, Aggregate) and node.levels
        for part in walk(node)
    )


def clear(rows: Sequence[Row]) -> None:
    """Forget what was decided."""
    for row in rows:
        row.values.clear()
        row.chosen.clear()
        row.before.clear()
