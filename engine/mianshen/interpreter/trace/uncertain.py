"""Which decisions may rest on something that is not certain: a figure without a source, an assumed fact.

In: a program, the facts that a case assumes. Out: keys of decisions. Invariant: a decision that is left out rests, in
every such case, on what is cited and given alone, so that nothing need be walked to tell.
"""

from __future__ import annotations

from collections import defaultdict

from mianshen.program.order import parameters_read
from mianshen.program.program import Decision, Key, Program
from mianshen.program.stages import nodes_of, reads_of


class UncertainDecisions:
    """Finds them for one program; keeps what it found by the facts that are assumed."""

    MOST_KEPT = 64

    def __init__(self, program: Program) -> None:
        self.program = program
        self._readers: dict[Key, set[Key]] = defaultdict(set)  # of a decision: the decisions that read it
        self._facts: dict[Key, set[Key]] = defaultdict(set)  # of a fact that may be assumed: its readers
        self._uncited: set[Key] = set()
        self._kept: dict[frozenset[Key], frozenset[Key]] = {}
        for decision in program.decisions:
            self._add(decision)

    def _add(self, decision: Decision) -> None:
        decisions, facts = reads_of(decision, self.program)
        fed = [self.program.accumulators[name] for p in decision.provisions for name in p.feeds]
        for key in decisions | {(accumulator.entity, accumulator.sums) for accumulator in fed}:
            self._readers[key].add(decision.key)
        for key in facts:
            if self.program.facts[key].when_absent is not None:
                self._facts[key].add(decision.key)
        parameters = [self.program.parameters[name] for name in parameters_read(nodes_of(decision))]
        bases = {dated.basis for parameter in parameters for dated in parameter.series}
        bases |= {provision.basis for provision in decision.provisions if provision.basis is not None}
        if bases - {"cited"}:
            self._uncited.add(decision.key)

    def keys(self, assumed: frozenset[Key]) -> frozenset[Key]:
        """The decisions that may be uncertain in a case that assumes these facts."""
        if assumed not in self._kept:
            if len(self._kept) >= self.MOST_KEPT:
                self._kept.clear()
            self._kept[assumed] = self._above(self._uncited.union(*(self._facts[key] for key in assumed)))
        return self._kept[assumed]

    def _above(self, keys: set[Key]) -> frozenset[Key]:
        """The decisions and all that read them, directly or not."""
        reached: set[Key] = set()
        pending = list(keys)
        while pending:
            key = pending.pop()
            if key not in reached:
                reached.add(key)
                pending += self._readers[key]
        return frozenset(reached)
