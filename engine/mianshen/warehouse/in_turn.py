"""What of limits and running totals SQL can say: one limit a payment, totals of earlier decisions.

In: a program. Out: a refusal of what only taking rows in turn decides. In a program let pass, a provision has one
limit at most.
"""

from __future__ import annotations

from mianshen.program.core import Aggregate, Core, Earlier, walk
from mianshen.program.program import Accumulator, Program
from mianshen.program.stages import nodes_of, reads_of
from mianshen.program.totals import grouped
from mianshen.warehouse.figures import unlimited


class InTurnOnly(Exception):
    """A provision whose payment only taking rows one by one decides; its name is the argument."""


def refuse_in_turn(program: Program) -> None:
    """Raises InTurnOnly for several limits on one payment, for totals of themselves or of what a limit cut.

    For rows before a row or beside it, for limits of the days or the period before, and for totals by other dates or of a
    household, too.
    """
    decided = {decision.key for decision in program.decisions}
    for accumulator in program.accumulators.values():
        if (accumulator.entity, accumulator.sums) not in decided:  # a part of a program leaves it out
            continue
        if (
            _elsewhere(accumulator, program)
            or accumulator.holder != program.entities[accumulator.entity].parent
        ):
            raise InTurnOnly(accumulator.name)
    own = grouped({decision.key: reads_of(decision, program)[0] for decision in program.decisions})
    for decision in program.decisions:
        for provision in decision.provisions:
            named = tuple(limit.accumulator for limit in provision.limits)
            if any(_needs_rows(node) for root in nodes_of(decision) for node in walk(root)):
                raise InTurnOnly(provision.name)
            others = (program.accumulators[name] for name in provision.feeds if name not in named)
            shared = any(not unlimited(program, other) for other in others)
            if len(named) > 1 or shared or decision.key in own:
                raise InTurnOnly(provision.name)


def _elsewhere(accumulator: Accumulator, program: Program) -> bool:
    """Whether rows go to and from balances that no order of a period's rows tells."""
    shifted = accumulator.counted_by is not None or accumulator.read_by is not None
    moving = accumulator.days is not None or accumulator.period in ("last year", "last month")
    above = any(owner != accumulator.entity for owner, _ in accumulator.varying)
    return above or shifted or (moving and not unlimited(program, accumulator))


def _needs_rows(node: Core) -> bool:
    """Rows before a row, or beside it."""
    return isinstance(node, Earlier) or (isinstance(node, Aggregate) and bool(node.levels))
