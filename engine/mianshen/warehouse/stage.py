"""One step as one query: the rows that `rows` joins in, a level at a time, decisions out.

In: a step of the plan, the tables written before. Out: a sqlglot SELECT giving `?row`, the step's decisions, their
`?void` and `?by` columns and `?error`.
Invariants: rows are never dropped or doubled; a column is computed once and referred to after.

Names of columns: a fact or decision by its own name; a parent's as `parent.name`; made ones carry
a question mark, which no name in a rulebook can.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from sqlglot import exp

from mianshen.program.core import Aggregate
from mianshen.program.program import Decision, Key, Program
from mianshen.program.selection import selection
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.aggregates import item_columns, item_names
from mianshen.warehouse.contributions import needed_accumulators, open_payment
from mianshen.warehouse.decisions import Applied, applied, chosen, decided
from mianshen.warehouse.expressions import FALSE, Sql
from mianshen.warehouse.layers import Layer, apart, statements
from mianshen.warehouse.limits import Limits
from mianshen.warehouse.plan import Step, read_elsewhere
from mianshen.warehouse.rows import Rows
from mianshen.warehouse.scope import Scope
from mianshen.warehouse.table_catalog import TableCatalog
from mianshen.warehouse.turns import Turns, taken_in_turn


@dataclass(slots=True)
class Stage:
    """Builds a step's query level by level."""

    program: Program
    step: Step
    as_of: dt.date
    catalog: TableCatalog
    voidable: frozenset[Key]
    wanted: frozenset[str]  # decisions of the step whose columns are kept
    explained: frozenset[str]  # decisions whose provision is kept, as `?by`
    items: tuple[Aggregate, ...] = ()  # aggregates of later steps over this one's rows
    layers: list[Layer] = field(default_factory=list)
    limited: list[str] = field(default_factory=list)  # the accumulators the step pays through
    scope: Scope = field(init=False)
    errors: list[tuple[str, Sql]] = field(default_factory=list)

    def build(self, target: str) -> list[tuple[str, exp.Query]]:
        """The statements that make the step's table `target`, in order."""
        rows = Rows(self.program, self.step, self.as_of, self.catalog, self.voidable, self.items)
        self.scope = rows.scope
        self.scope.lets = []
        base = rows.query()
        for number, level in enumerate(self.step.levels):
            self.scope.level, self.scope.lets = number, []
            self._level(level, f"{target}_{number}")
        self.scope.lets = None
        items = [c for i, a in enumerate(self.items) for c in item_columns(a, f"?item{i}", self.scope)]
        self.layers.append(Layer(items))
        layers = [part for layer in self.layers for part in apart(layer)]
        return statements(base, [c.alias_or_name for c in base.selects], layers, self._columns_kept(), target)

    def _columns_kept(self) -> list[Sql]:
        columns: list[Sql] = [terms.column("?row")]
        if self.program.entities[self.step.entity].parent is not None:
            columns.append(terms.column("?parent"))
        for decision in self.step.decisions:
            if decision.name in self.wanted:
                columns.append(terms.column(decision.name))
                if decision.key in self.voidable:
                    columns.append(terms.column(f"{decision.name}?void"))
            if decision.name in self.explained:
                columns.append(terms.column(f"{decision.name}?by"))
        labels = [f"?item{i}" for i in range(len(self.items))]
        columns += [terms.column(n) for n in item_names(self.items, labels)]
        columns += [terms.column(f"{name}?before") for name in self.balances]
        errors = [(test, terms.literal(name)) for name, test in self.errors]
        columns.append(terms.alias(terms.cast(terms.case(errors), "VARCHAR"), "?error"))
        return columns

    @property
    def balances(self) -> list[str]:
        """The accumulators made here whose balance `year to date` reads."""
        return [name for name in self.limited if read_elsewhere(self.program, name)]

    @property
    def may_fail(self) -> bool:
        return bool(self.errors)

    # -- levels ------------------------------------------------------------------------------

    def _level(self, level: tuple[Decision, ...], cut: str) -> None:
        in_turn = taken_in_turn(self.program)
        beside = [d for d in level if d.key not in in_turn]
        if beside:
            self._beside(beside, cut)
        turned = [d for d in level if d.key in in_turn]
        if turned:
            self.layers.append(self._turns().decided(turned, f"{cut}_turns"))
        self.limited += [a.name for a in needed_accumulators(self.program, level)]

    def _turns(self) -> Turns:
        return Turns(self.program, self.scope, self.catalog.rows, self.voidable, self.errors)

    def _beside(self, level: list[Decision], cut: str) -> None:
        """Decisions of which each row's is made without those of the rows before it, running sums aside."""
        limited = [d for d in level if any(p.limits for p in d.provisions)]
        branches = {d.name: [applied(b, self.scope) for b in selection(d).branches] for d in level}
        limits = Limits(self.program, self.scope, limited, branches)
        columns: list[Sql] = []
        for decision in level:
            if decision not in limited:
                columns += self._columns(decision, branches[decision.name])
        columns += limits.before_windows(self.errors)
        assert self.scope.lets is not None
        self.layers.append(Layer(self.scope.lets))  # what comes later in the level may name more
        self._layer([terms.alias(chosen(branches[d.name]), f"{d.name}?by") for d in level])
        columns += [terms.alias(open_payment(d, branches[d.name]), f"{d.name}?open") for d in level]
        self._layer(columns)
        if limits.accumulators():
            amounts, windowed = limits.windowed(cut, self.errors)
            self._layer(amounts)
            self.layers.append(Layer(limits.after_windows(self.voidable, self.errors), cut, windowed))
            self._layer([column for d in limited for column in limits.decided_by(d)])
        self.layers += self._turns().totals(level, branches, f"{cut}_totals")

    def _layer(self, columns: list[Sql]) -> None:
        if columns:
            self.layers.append(Layer(columns))

    def _columns(self, decision: Decision, branches: list[Applied]) -> list[Sql]:
        """The decision's columns."""
        result = decided(decision, branches, terms.column(f"{decision.name}?by"))
        columns = [terms.alias(result.value, decision.name)]
        if decision.key in self.voidable:
            columns.append(terms.alias(result.void, f"{decision.name}?void"))
        if result.error != FALSE:
            columns.append(terms.alias(result.error, f"{decision.name}?error"))
            self.errors.append((decision.name, terms.column(f"{decision.name}?error")))
        return columns
