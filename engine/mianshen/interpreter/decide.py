"""One case decided: every decision of every row, claims in order, accumulators as they go.

In: a program, a case. Out: values in the rows. This is the reference the other back ends equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import localcontext
from functools import cached_property

from mianshen.interpreter.accumulator_state import AccumulatorState, BalancesByHolder, state_of
from mianshen.interpreter.decision_functions import deciding
from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.operations import Function
from mianshen.interpreter.provisions import CompiledBranch
from mianshen.interpreter.rejection_loop import RejectionLoop
from mianshen.interpreter.rows import Candidates, Case, Row, RowError, in_order, reject, rejected
from mianshen.interpreter.specialisation import Changed, Specialisation, Specialisations, leading
from mianshen.program.core import Aggregate, AsOf, walk
from mianshen.program.order import balances_read
from mianshen.program.program import Accumulator, Decision, Key, Program, Provision
from mianshen.program.selection import Branch, selection
from mianshen.program.stages import joint, nodes_of, read_below
from mianshen.values import EXACT, NOT_MODELLED, Value


class Plan:
    """How the rows of one entity and specialisation are decided; functions are written when first needed."""

    def __init__(
        self,
        decisions: Sequence[Decision],
        branches: Mapping[str, Sequence[CompiledBranch]],
        compiler: Compiler,
        functions: Mapping[str, Function] | None = None,
    ) -> None:
        self._compiler = compiler
        self._branches = branches
        self._decisions = decisions
        self._covered = {d.name: d for d in decisions if branches[d.name]}  # in dependency order
        self._uncovered = {d.name: NOT_MODELLED for d in decisions if not branches[d.name]}
        self._unchosen: dict[str, tuple[Provision, ...]] = dict.fromkeys(self._uncovered, ())
        self._functions: dict[str, Function] = dict(functions or {})

    def otherwise(self, decision: Decision, branches: Sequence[CompiledBranch], function: Function) -> Plan:
        """The plan with one decision made by a function of other branches."""
        name = decision.name
        return Plan(
            self._decisions,
            {**self._branches, name: branches},
            self._compiler,
            {**self._functions, name: function},
        )

    def decide(self, name: str, row: Row) -> Value:
        """One decision of a row."""
        if name in self._uncovered:
            row.values[name], row.chosen[name] = NOT_MODELLED, ()
            return NOT_MODELLED
        if name not in self._functions:
            self._functions[name] = deciding(self._covered[name], self._branches[name], self._compiler)
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
    def balances(self) -> frozenset[str]:
        """The accumulators whose balance before a row its provisions may read."""
        provisions = [compiled.provision for branches in self._branches.values() for compiled in branches]
        limits = [limit for provision in provisions for limit in provision.limits]
        nodes = [node for p in provisions for node in (*p.condition, p.value)]
        nodes += [limit.limit for limit in limits]
        return frozenset({limit.accumulator for limit in limits} | balances_read(nodes))

    def covers(self, name: str) -> bool:
        """Whether some provision may decide it."""
        return name in self._covered

    @cached_property
    def _all(self) -> list[tuple[str, Function]]:
        functions = self._functions
        for name, decision in self._covered.items():
            if name not in functions:
                functions[name] = deciding(decision, self._branches[name], self._compiler)
        return [(name, functions[name]) for name in self._covered]


class Interpreter:
    """A program as functions; make one and use it for many cases."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._deciders = {decision.key: self._on_demand(decision) for decision in program.decisions}
        self.compiler = Compiler(program, self.decider)
        self.branches: dict[Key, list[CompiledBranch]] = {
            d.key: [self._compiled(branch, d.entity) for branch in selection(d).branches]
            for d in program.decisions
        }
        self.plans: dict[str, Specialisations[Plan] | Changed[Plan]] = {
            entity: self._plans(entity) for entity in program.entities
        }
        self.accumulators = [state_of(a, self.compiler) for a in self._by_dependency()]

    def decider(self, entity: str, name: str) -> Function:
        """The function that gives a decision at a row of its entity, decided if it is not yet."""
        return self._deciders[entity, name]

    def _by_dependency(self) -> list[Accumulator]:
        order = [d.key for d in self.program.decisions]
        return sorted(self.program.accumulators.values(), key=lambda a: order.index((a.entity, a.sums)))

    @cached_property
    def below(self) -> dict[str, list[Function]]:
        """The decisions of each entity that rows below read: those that its versions make."""
        read = read_below(self.program)
        return {
            entity: [self._deciders[d.key] for d in self._of(entity) if d.key in read]
            for entity in self.program.entities
        }

    def _of(self, entity: str) -> list[Decision]:
        """The decisions of an entity, in dependency order."""
        return [decision for decision in self.program.decisions if decision.entity == entity]

    def _compiled(self, branch: Branch, entity: str) -> CompiledBranch:
        """A branch as functions."""
        compile_, provision = self.compiler.compile, branch.provision
        limits = tuple(compile_(limit.limit, entity) for limit in provision.limits)
        count = len(leading(self.program, entity, branch.condition))
        holds = self.compiler.all(branch.condition, entity)
        return CompiledBranch(branch, count, holds, compile_(provision.value, entity), limits, (provision,))

    # -- one decision ------------------------------------------------------------------------

    def _plans(self, entity: str) -> Specialisations[Plan]:
        """How rows of an entity are decided, by specialisation."""
        decisions = self._of(entity)
        conditions = [branch.parts for d in decisions for branch in self.branches[d.key]]

        def plan(specialisation: Specialisation) -> Plan:
            branches = {
                d.name: [
                    narrowed
                    for branch in self.branches[d.key]
                    if (narrowed := branch.within(specialisation, self.compiler, entity)) is not None
                ]
                for d in decisions
            }
            return Plan(decisions, branches, self.compiler)

        return Specialisations(self.compiler, entity, conditions, plan)

    @contextmanager
    def deciding_otherwise(self, decision: Decision) -> Iterator[None]:
        """Within, one decision is made by other provisions; everything else is as it was.

        The decision may read nothing that the program's own of its name does not read.
        """
        entity, plans = decision.entity, self.plans[decision.entity]
        branches = [self._compiled(branch, entity) for branch in selection(decision).branches]
        function = deciding(decision, branches, self.compiler)
        feeding = [(state, state.feeding) for state in self.accumulators]
        for state, provisions in feeding:
            state.feeding = provisions | {id(p) for p in decision.provisions if state.name in p.feeds}
        self.plans[entity] = Changed(plans, lambda plan: plan.otherwise(decision, branches, function))
        try:
            yield
        finally:
            self.plans[entity] = plans
            for state, provisions in feeding:
                state.feeding = provisions

    def _on_demand(self, decision: Decision) -> Function:
        """A decision as others ask for it, rows of the same entity in turn aside."""
        entity, name = decision.key

        def evaluate(row: Row) -> Value:
            value = row.values.get(name)
            if value is not None:
                return value
            if row.voider is not None and row.rejection is None:
                self._leave_open(row)
                return row.values[name]
            return self.plans[entity].of(row).decide(name, row)

        return evaluate

    # -- a whole case ------------------------------------------------------------------------

    def run(self, case: Case) -> None:
        """Decide every row; a row that cannot be decided is rejected, and so are its children."""
        rows = case.rows()
        self.compiler.cases += 1
        with localcontext(EXACT):
            for row in rows:
                row.as_of = case.as_of
                for name in row.assumed & self.of_the_day if row.assumed else ():
                    row.facts[name] = case.as_of
                if row.rejection is not None:
                    reject(row, row.rejection, self.program)
            try:
                if not self.rejection_loop.tangled:
                    self._decide_below(case.top)
                    return
            except RowError:
                pass  # which rows to reject is found stage by stage
            self.rejection_loop.decide(rows)

    @cached_property
    def balances_summed(self) -> frozenset[str]:
        """The accumulators whose balances other entities read within aggregates, or accumulators themselves."""
        roots = (root for decision in self.program.decisions for root in nodes_of(decision))
        aggregates = [node for root in roots for node in walk(root) if isinstance(node, Aggregate)]
        filters = [a.over for a in self.program.accumulators.values() if a.over is not None]
        return frozenset(balances_read([*aggregates, *filters]))

    @cached_property
    def of_the_day(self) -> frozenset[str]:
        """The facts that are taken, where nobody says anything, as the day a case is decided for."""
        return frozenset(
            name for (_, name), f in self.program.facts.items() if isinstance(f.when_absent, AsOf)
        )

    @cached_property
    def dated(self) -> list[str]:
        """The dated entities, those first that others may read."""
        ordered = dict.fromkeys(stage.entity for stage in self.rejection_loop.stages)
        return [entity for entity in ordered if self._is_dated(entity)]

    @cached_property
    def states(self) -> dict[str, list[AccumulatorState]]:
        """The accumulators of each entity."""
        return {
            entity: [state for state in self.accumulators if state.accumulator.entity == entity]
            for entity in self.program.entities
        }

    @cached_property
    def rejection_loop(self) -> RejectionLoop:
        """Decides a case in which rows fail."""
        return RejectionLoop(self.program, self._deciders, self.accumulators)

    def _decide_below(self, top: Row) -> None:
        """Every row, the deepest first: what a row reads of its parent asks for itself, and finds its children done.

        Raises RowError at the first row that cannot be decided.
        """
        layers = [[top]]
        while layers[-1]:
            layers.append([child for row in layers[-1] for child in row.children])
        for layer in reversed(layers[:-1]):
            for row in layer:
                self._dated_children(row)
            for entity in self.joint:
                children = [child for row in layer for child in row.children if child.entity == entity]
                self._in_turn(entity, children)
            for row in layer:
                if row.parent is None or not self._is_dated(row.entity):
                    self._decide_row(row, self.plans[row.entity].of(row))
                for version in row.versions:
                    for function in self.below[version.entity]:
                        function(version)

    def _dated_children(self, parent: Row) -> None:
        """The dated rows below a row, entity by entity as the stages have them."""
        for entity in self.dated:
            if entity in self.joint:
                continue
            rows = [row for row in parent.children if row.entity == entity]
            if rows:
                self._in_turn(entity, rows)

    @cached_property
    def joint(self) -> dict[str, str]:
        """The entities whose rows are taken in turn beyond those of one parent."""
        return joint(self.program)

    def _is_dated(self, entity: str) -> bool:
        return self.program.entities[entity].date is not None

    def _decide_row(self, row: Row, plan: Plan) -> None:
        if row.voider is not None and row.rejection is None:
            self._leave_open(row)
        else:
            plan.decide_all(row)

    def _leave_open(self, row: Row) -> None:
        """Every decision of a row is unknown that a rejected row would void; a rejected one is in doubt for itself."""
        assert row.voider is not None
        unknown = rejected(row.voider)
        for decision in self._of(row.entity):
            row.values[decision.name] = unknown
            row.chosen[decision.name] = Candidates((), unknown)

    def _in_turn(self, entity: str, rows: list[Row]) -> None:
        """Dated rows of an entity one by one: by date, then by key in code points.

        They are of one parent, except where what accumulators hold is shared above the parents.
        """
        date = self.program.entities[entity].date
        assert date is not None
        holders = BalancesByHolder(self.states[entity])
        states = holders.of(rows[0]) if rows else []
        for row in in_order(rows, date):
            if entity in self.joint:
                states = holders.of(row)
            plan = self.plans[entity].of(row)
            for state, balances in states:
                if state.name in plan.balances or state.name in self.balances_summed:
                    row.before[state.name] = state.before(row, balances, date)
            self._decide_row(row, plan)
            for state, balances in states:
                if plan.covers(state.sums):
                    state.add(row, balances, date)
