"""Whether a decision comes out the same when its provisions, or a figure, are changed.

In: a program, another in which one decision or one figure is otherwise. Out: True only where it is proved for every
row: facts known or not, balances and rows below any. What cannot be told is False.
"""

from __future__ import annotations

from typing import Final

import z3

from mianshen.program.core import Core
from mianshen.program.order import parameters_read
from mianshen.program.program import Accumulator, Decision, Key, Program, Provision
from mianshen.program.stages import filters_of, nodes_of
from mianshen.proof.lowering import Lowering
from mianshen.proof.symbols import NotLowered, Sym, Term, aligned, all_of, any_of, equal, holds, no
from mianshen.proof.world import World

STEPS: Final = 6_000_000  # of the solver for one decision
PATIENCE: Final = 20_000  # milliseconds


class Equivalence:
    """Compares one program with others that differ from it in one place."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._worlds: dict[tuple[Key, bool], tuple[Lowering, Sym, list[z3.BoolRef]]] = {}

    def of_decision(self, decision: Decision) -> bool:
        """Whether a decision by other provisions always gives what the program's own gives."""
        try:
            return self._same(decision, self.program)
        except NotLowered:
            return False

    def of_figure(self, name: str, other: Program) -> bool:
        """Whether every decision that reads a figure gives the same under the other program.

        A figure that none reads decides nothing.
        """
        reading = [
            d
            for d in self.program.decisions
            if name in parameters_read([*nodes_of(d), *filters_of(d, self.program)])
        ]
        try:
            return all(self._same(decision, other) for decision in reading)
        except NotLowered:
            return False

    def of_filter(self, old: Accumulator, new: Accumulator) -> bool:
        """Whether an accumulator over other rows sums the same: those that provisions pay into it, it is over or not alike."""
        feeding = [(d, p) for d in self.program.decisions for p in d.provisions if old.name in p.feeds]
        try:
            return bool(feeding) and all(self._alike(d, p, old.over, new.over) for d, p in feeding)
        except NotLowered:
            return False

    def _alike(self, decision: Decision, provision: Provision, one: Core | None, two: Core | None) -> bool:
        """Whether two filters take the same rows of those for which a provision's condition is not false."""
        base, _, domain = self._base(decision.key, opaque=False)
        row = base.world.row
        parts = [base.node(part, row) for part in provision.condition]
        first, second = (Sym(True) if node is None else base.node(node, row) for node in (one, two))
        differ = any_of(_unlike(first.true, second.true), _unlike(first.false, second.false))
        solver = z3.Solver()
        solver.set("rlimit", STEPS)
        solver.set("timeout", PATIENCE)
        solver.add(
            *domain, *base.world.variables.domain, holds(differ), *(holds(no(part.false)) for part in parts)
        )
        return bool(solver.check() == z3.unsat)

    def _same(self, decision: Decision, other: Program) -> bool:
        """First with any value for what the decision reads, which is quick and proves most; then with what it is."""
        return any(self._proved(decision, other, opaque) for opaque in (True, False))

    def _proved(self, decision: Decision, other: Program, opaque: bool) -> bool:
        base, value, domain = self._base(decision.key, opaque)
        world = World(other, decision.entity, base.world.variables, open_=True)
        lowering = Lowering(world, base, opaque)
        changed = lowering.decided(decision, world.row)
        mine = any_of(*(f.when for f in base.failures if f.of == decision.key))
        theirs = any_of(*(f.when for f in lowering.failures))
        constraints = [*domain, *world.variables.domain, holds(differ(value, changed, mine, theirs))]
        for arithmetic in (2, 6):
            solver = z3.Solver()
            solver.set("rlimit", STEPS)
            solver.set("timeout", PATIENCE)
            solver.set("arith.solver", arithmetic)
            solver.add(*constraints)
            outcome = solver.check()
            if outcome != z3.unknown:
                return bool(outcome == z3.unsat)
        return False

    def _base(self, key: Key, opaque: bool) -> tuple[Lowering, Sym, list[z3.BoolRef]]:
        """The program's own decision, and what every record satisfies."""
        if (key, opaque) not in self._worlds:
            world = World(self.program, key[0], open_=True)
            lowering = Lowering(world, opaque=opaque)
            value = lowering.decision(key, world.row)
            with lowering.errors.unlisted():
                domain = [
                    holds(no(lowering.node(check.condition, row).false))
                    for row in world.rows.values()
                    if row.exists is True
                    for check in self.program.entities[row.entity].checks
                ]
            self._worlds[key, opaque] = lowering, value, domain
        return self._worlds[key, opaque]


def differ(one: Sym, other: Sym, failing: Term, failing_other: Term) -> Term:
    """Whether two outcomes differ: one fails alone, or neither does and their values are not the same."""
    if one.scale or other.scale:
        (left, right), _ = aligned([one, other])
    else:
        left, right = one.value, other.value
    alike = equal(left, right)
    there = all_of(one.there, other.there)
    states = any_of(
        _unlike(one.modelled, other.modelled),
        all_of(one.modelled, other.modelled, _unlike(one.known, other.known)),
    )
    values = all_of(there, no(alike))
    return any_of(
        _unlike(failing, failing_other), all_of(no(failing), no(failing_other), any_of(states, values))
    )


def _unlike(one: Term, other: Term) -> Term:
    return any_of(all_of(one, no(other)), all_of(no(one), other))
