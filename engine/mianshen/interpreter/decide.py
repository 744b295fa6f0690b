"""One case decided: every decision of every row, claims in order, accumulators as they go.

In: a program, a case. Out: values in the rows. This is the reference the other back ends equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import localcontext
from functools import cached_property

from mianshen.interpreter.accumulator_state import AccumulatorState, in_order
from mianshen.interpreter.decision_functions import deciding
from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.operations import Function
from mianshen.interpreter.provisions import CompiledProvision, conjuncts, standing
from mianshen.interpreter.rejection_loop import RejectionLoop
from mianshen.interpreter.rows import Candidates, Case, Row, RowError, reject, rejected
from mianshen.interpreter.specialisation import Specialisation, Specialisations, leading
from mianshen.program.core import AsOf
from mianshen.program.program import Accumulator, Decision, Key, Program, Provision
from mianshen.program.stages import read_below
from mianshen.values import EXACT, NOT_MODELLED, Value


class Plan:
    """How the rows of one entity and setting are decided; functions are written when they are first needed."""

    def __init__(
        self, decisions: Sequence[Decision], rulings: Mapping[str, list[CompiledProvision]], by: Compiler
    ) -> None:
        self._compiler = by
        self._rulings = rulings
        self._covered = {d.name: d for d in decisions if rulings[d.name]}  # in dependency order
        self._uncovered = {d.name: NOT_MODELLED for d in decisions if not rulings[d.name]}
        self._unchosen: dict[str, tuple[Provision, ...]] = dict.fromkeys(self._uncovered, ())
        self._functions: dict[str, Function] = {}

    def decide(self, name: str, row: Row) -> Value:
        """One decision of a row."""
        if name in self._uncovered:
            row.values[name], row.chosen[name] = NOT_MODELLED, ()
            return NOT_MODELLED
        if name not in self._functions:
            self._functions[name] = deciding(self._covered[name], self._rulings[name], self._compiler)
        return self._functions[name](row)

    def decide_all(self, row: Row) -> None:
        """Every decision of a row that is not decided yet."""
        values = row.values
        values.update(self._uncovered)
        row.chosen.update(self._unchosen)
        for name, function in self._all:
            if name not in values:
                function(row)

    @cached_property
    def _all(self) -> list[tuple[str, Function]]:
        made = self._functions
        left = {n: d for n, d in self._covered.items() if n not in made}
        made |= {n: deciding(d, self._rulings[n], self._compiler) for n, d in left.items()}
        return [(name, made[name]) for name in self._covered]


class Interpreter:
    """A program as functions; make one and use it for many cases."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._decided = {decision.key: self._asked(decision) for decision in program.decisions}
        self.compiler = Compiler(program, self.decider)
        self.rulings: dict[Key, list[CompiledProvision]] = {
            d.key: [self._ruling(p, d.entity) for p in d.provisions] for d in program.decisions
        }
        self.courses = {entity: self._courses(entity) for entity in program.entities}
        self.accumulators = [AccumulatorState(a, self.compiler) for a in self._by_dependency()]

    def decider(self, entity: str, name: str) -> Function:
        """The function that gives a decision at a row of its entity, decided if it is not yet."""
        return self._decided[entity, name]

    def _by_dependency(self) -> list[Accumulator]:
        order = [d.key for d in self.program.decisions]
        return sorted(self.program.accumulators.values(), key=lambda a: order.index((a.entity, a.sums)))

    @cached_property
    def below(self) -> dict[str, list[Function]]:
        """The decisions of each entity that rows below read: those that its versions make."""
        read = read_below(self.program)
        return {
            entity: [self._decided[d.key] for d in self._of(entity) if d.key in read]
            for entity in self.program.entities
        }

    def _of(self, entity: str) -> list[Decision]:
        """The decisions of an entity, in dependency order."""
        return [decision for decision in self.program.decisions if decision.entity == entity]

    def _ruling(self, provision: Provision, entity: str) -> CompiledProvision:
        make = self.compiler.compile
        limit = None if provision.limit is None else make(provision.limit.limit, entity)
        parts = tuple(conjuncts(provision.condition))
        before = len(leading(self.program, entity, parts))
        condition = [make(part, entity) for part in parts]
        return CompiledProvision(
            provision, parts, before, condition, make(provision.value, entity), limit, (provision,)
        )

    # -- one decision ------------------------------------------------------------------------

    def _courses(self, entity: str) -> Specialisations[Plan]:
        """How rows of an entity are decided, by setting."""
        decisions = self._of(entity)
        conditions = [ruling.parts for d in decisions for ruling in self.rulings[d.key]]

        def course(setting: Specialisation) -> Plan:
            left = {d.name: standing(self.rulings[d.key], setting) for d in decisions}
            return Plan(decisions, left, self.compiler)

        return Specialisations(self.compiler, entity, conditions, course)

    def _asked(self, decision: Decision) -> Function:
        """A decision as others ask for it, rows of the same entity in turn aside."""
        entity, name = decision.key

        def evaluate(row: Row) -> Value:
            value = row.values.get(name)
            if value is not None:
                return value
            if row.voider is not None:
                self._leave_open(row)
                return row.values[name]
            return self.courses[entity].of(row).decide(name, row)

        return evaluate

    # -- a whole case ------------------------------------------------------------------------

    def run(self, case: Case) -> None:
        """Decide every row; a row that cannot be decided is rejected, and so are its children."""
        rows = case.rows()
        with localcontext(EXACT):
            for row in rows:
                row.as_of = case.as_of
                for name in row.assumed & self.of_the_day if row.assumed else ():
                    row.facts[name] = case.as_of
                if row.rejection is not None:
                    reject(row, row.rejection, self.program)
            try:
                if not self.settling.tangled:
                    self._settle(case.top)
                    return
            except RowError:
                pass  # which rows to reject is found stage by stage
            self.settling.settle(rows)

    @cached_property
    def of_the_day(self) -> frozenset[str]:
        """The facts that are taken, where nobody says anything, as the day a case is decided for."""
        return frozenset(
            name for (_, name), f in self.program.facts.items() if isinstance(f.when_absent, AsOf)
        )

    @cached_property
    def dated(self) -> list[str]:
        """The dated entities, those first that others may read."""
        ordered = dict.fromkeys(stage.entity for stage in self.settling.stages)
        return [entity for entity in ordered if self._accumulated(entity)]

    @cached_property
    def running(self) -> dict[str, list[AccumulatorState]]:
        """The accumulators of each entity."""
        return {
            entity: [each for each in self.accumulators if each.accumulator.entity == entity]
            for entity in self.program.entities
        }

    @cached_property
    def settling(self) -> RejectionLoop:
        """Decides a case in which rows fail."""
        return RejectionLoop(self.program, self._decided, self.accumulators)

    def _settle(self, top: Row) -> None:
        """Deepest rows first: what a row reads of its parent asks for itself, and finds its children done.

        Raises RowError at the first row that cannot be decided.
        """
        layers = [[top]]
        while layers[-1]:
            layers.append([child for row in layers[-1] for child in row.children])
        for layer in reversed(layers[:-1]):
            for row in layer:
                self._dated_children(row)
            for row in layer:
                if row.parent is None or not self._accumulated(row.entity):
                    self._decide_row(row)
                for version in row.versions:
                    for function in self.below[version.entity]:
                        function(version)

    def _dated_children(self, parent: Row) -> None:
        """The dated rows below a row, entity by entity as the stages have them."""
        for entity in self.dated:
            rows = [row for row in parent.children if row.entity == entity]
            if rows:
                self._in_turn(entity, rows)

    def _accumulated(self, entity: str) -> bool:
        return self.program.entities[entity].date is not None

    def _decide_row(self, row: Row) -> None:
        if row.voider is not None:
            self._leave_open(row)
        else:
            self.courses[row.entity].of(row).decide_all(row)

    def _leave_open(self, row: Row) -> None:
        """Every decision of a row is unknown that a rejected row would void."""
        assert row.voider is not None
        unknown = rejected(row.voider)
        for decision in self._of(row.entity):
            row.values[decision.name] = unknown
            row.chosen[decision.name] = Candidates((), unknown)

    def _in_turn(self, entity: str, rows: list[Row]) -> None:
        """Dated rows of an entity one by one: by date, then by key in code points."""
        date = self.program.entities[entity].date
        assert date is not None
        states = [(state, state.empty()) for state in self.running[entity]]
        for row in in_order(rows, date):
            for state, balances in states:
                row.before[state.name] = state.before(row, balances, date)
            self._decide_row(row)
            for state, balances in states:
                state.add(row, balances, date)
