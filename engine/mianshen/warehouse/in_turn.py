"""What of limits and running totals SQL can say: one limit a payment, totals of earlier decisions.

In: a program. Out: a refusal of what only taking rows in turn decides. In a program let pass, a provision has one
limit at most.
"""

from __future__ import annotations

from mianshen.program.core import Aggregate, Const, Core, Earlier, Op, walk
from mianshen.program.program import Program
from mianshen.program.stages import nodes_of, reads_of
from mianshen.program.totals import grouped


class InTurnOnly(Exception):
    """A provision whose payment only taking rows one by one decides; its name is the argument."""


def refuse_in_turn(program: Program) -> None:
    """Raises InTurnOnly for several limits on one payment, for totals without a limit, for totals of themselves.

    For dates moved by computed days or months, and for totals of another period than a benefit year, of facts of the
    row, of a household or of no money, too.
    """
    written = {decision.key: decision.written for decision in program.decisions}
    for accumulator in program.accumulators.values():
        if (
            accumulator.entity,
            accumulator.sums,
        ) not in written:  # a part of a program that does not decide it
            continue
        money = written[accumulator.entity, accumulator.sums] == "money"
        above = program.entities[accumulator.entity].parent
        if accumulator.split or accumulator.holder != above or not money:
            raise InTurnOnly(accumulator.name)
    own = grouped({decision.key: reads_of(decision, program)[0] for decision in program.decisions})
    for decision in program.decisions:
        for provision in decision.provisions:
            named = tuple(limit.accumulator for limit in provision.limits)
            if any(_needs_rows(node) for root in nodes_of(decision) for node in walk(root)):
                raise InTurnOnly(provision.name)
            if len(named) > 1 or provision.feeds != named or decision.key in own:
                raise InTurnOnly(provision.name)


def _needs_rows(node: Core) -> bool:
    """A date moved by so many days or months as only the row tells, rows before a row or beside it."""
    if isinstance(node, Earlier) or (isinstance(node, Aggregate) and node.levels):
        return True
    return (
        isinstance(node, Op) and node.op in ("add_days", "add_months") and not isinstance(node.args[1], Const)
    )
