"""Whether one limit serves every row at hand, so that plain running sums tell what is left of it.

In: an accumulator, the days that occur. Out: yes or no; a wrong yes would be a wrong payment.
"""

from __future__ import annotations

from mianshen.program.core import Core, DecisionRef, walk
from mianshen.program.order import parameters_read
from mianshen.program.program import Accumulator, Program
from mianshen.warehouse.plan import nodes_of, read_elsewhere
from mianshen.warehouse.scope import Scope


def constant(program: Program, scope: Scope, accumulator: Accumulator) -> bool:
    """Whether one figure serves every day that occurs, and nobody reads the balance elsewhere."""
    if not accumulator.foldless:
        return False
    decision = program.decision(accumulator.entity, accumulator.sums)
    limits = [
        p.limits[0].limit
        for p in decision.provisions
        if p.limits and p.limits[0].accumulator == accumulator.name
    ]
    return not read_elsewhere(program, accumulator.name) and all(
        _steady(program, scope, limit) for limit in limits
    )


def _steady(program: Program, scope: Scope, limit: Core) -> bool:
    """Whether every figure that the limit looks up is the same on all the days that occur."""
    days = scope.days
    nodes, seen = [limit], set()
    while days is not None and nodes:
        root = nodes.pop()
        for node in walk(root):
            if isinstance(node, DecisionRef) and node.entity == scope.entity and node.name not in seen:
                seen.add(node.name)
                nodes += nodes_of(program.decision(node.entity, node.name))
        for name in parameters_read([root]):
            series = program.parameters[name].series
            values = {d.value for d in series if d.start <= days[1] and (d.end is None or d.end >= days[0])}
            if len(values) > 1:
                return False
    return True
