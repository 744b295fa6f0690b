"""One step as one query: the rows that `rows` joins in, a level at a time, decisions out.

In: a step of the plan, what is known of the data (`Data`). Out: a sqlglot SELECT giving `?row`, the
step's decisions, their `?void` and `?by` columns and `?error`.
Invariants: rows are never dropped or doubled; a column is computed once and referred to after.

Names of columns: a fact or decision by its own name; a parent's as `parent.name`; made ones carry
a question mark, which no name in a rulebook can.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from mianshen.program.core import Aggregate
from mianshen.program.failing import fails_alone
from mianshen.program.program import Decision, Key, Program
from mianshen.program.selection import selection
from mianshen.program.stages import read_below
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.aggregates import item_columns, item_names
from mianshen.warehouse.decisions import Applied, agreed, applied, chosen, decided
from mianshen.warehouse.expressions import FALSE, Sql
from mianshen.warehouse.layers import Layer, apart, statements
from mianshen.warehouse.limits import Limits
from mianshen.warehouse.missing_names import decision_lacks
from mianshen.warehouse.plan import Step, read_elsewhere
from mianshen.warehouse.rows import Rows
from mianshen.warehouse.scope import Scope
from mianshen.warehouse.table_catalog import Data, TableCatalog


@dataclass(slots=True)
class Stage:
    """Builds a step's query level by level."""

    program: Program
    step: Step
    data: Data
    shelf: TableCatalog
    voidable: frozenset[Key]
    wanted: frozenset[str]  # decisions of the step whose columns are kept
    explained: frozenset[str]  # decisions whose provision is kept, as `?by`
    items: tuple[Aggregate, ...] = ()  # aggregates of later steps over this one's rows
    carried: tuple[str, ...] = ()  # facts kept beside the decisions
    layers: list[Layer] = field(default_factory=list)
    limited: list[str] = field(default_factory=list)  # the accumulators the step pays through
    scope: Scope = field(init=False)
    errors: list[tuple[str, Sql]] = field(default_factory=list)

    def build(self, target: str, only: str | None = None) -> list[tuple[str, exp.Query]]:
        """The statements that make the step's table `target`, in order.

        Without `only`, one statement that takes every row as the first of its benefit year; where
        the step has limits, `?relevant:` columns say which rows others must reckon with. With it,
        the rows listed in the table `only`, taken in turn.
        """
        rows = Rows(self.program, self.step, self.data, self.shelf, self.voidable, self.items, self.carried)
        self.scope = rows.scope
        self.scope.lets = []
        base = rows.query()
        if only is not None:
            inside = terms.select(terms.column("?row")).from_(exp.to_table(only, quoted=True), copy=False)
            base = base.where(
                exp.In(this=terms.column("?row", self.step.entity), query=inside.subquery(copy=False)),
                copy=False,
            )
        for number, level in enumerate(self.step.levels):
            self.scope.level, self.scope.lets = number, []
            self._level(level, f"{target}_{number}", only is not None or self.data.missing)
        self.scope.lets = None
        self.layers.append(
            Layer(
                [
                    c
                    for i, a in enumerate(self.items)
                    for c in item_columns(a, f"?item{i}", self.scope, self.data)
                ]
            )
        )
        layers = [part for layer in self.layers for part in apart(layer)]
        return statements(base, [c.alias_or_name for c in base.selects], layers, self._kept(), target)

    def _kept(self) -> list[Sql]:
        kept: list[Sql] = [terms.column("?row")]
        if self.program.entities[self.step.entity].parent is not None:
            kept.append(terms.column("?parent"))
        for decision in self.step.decisions:
            if decision.name in self.wanted:
                kept.append(terms.column(decision.name))
                if decision.key in self.voidable:
                    kept.append(terms.column(f"{decision.name}?void"))
                if self.data.missing:
                    kept.append(terms.column(f"{decision.name}?miss"))
            if decision.name in self.explained:
                kept.append(terms.column(f"{decision.name}?by"))
        date = self.program.entities[self.step.entity].date
        dated = [date] if self.limited and date is not None else []
        kept += [terms.column(name) for name in dict.fromkeys([*self.carried, *dated])]
        kept += [terms.column("?rejected")] if self.step.entity in self.data.rejected else []
        labels = [f"?item{i}" for i in range(len(self.items))]
        kept += [terms.column(n) for n in item_names(self.items, labels, self.data.missing)]
        for name in self.balances:
            kept += [
                terms.column(f"{name}?before{part}")
                for part in (("", "?miss") if self.data.missing else ("",))
            ]
        for name in self.limited:
            kept.append(terms.column(f"?relevant:{name}"))
        kept.append(terms.alias(self._error(), "?error"))
        return kept

    @property
    def balances(self) -> list[str]:
        """The accumulators made here whose balance `year to date` reads."""
        return [name for name in self.limited if read_elsewhere(self.program, name)]

    @property
    def may_fail(self) -> bool:
        return bool(self.errors)

    def _error(self) -> Sql:
        """The decision at which the row fails; those that fail for facts alone are told first."""
        alone = fails_alone(self.program)
        ranked = sorted(self.errors, key=lambda e: (self.step.entity, e[0]) not in alone)
        branches = [(self._of_current(name, test), terms.literal(name)) for name, test in ranked]
        if branches and self.step.entity in self.data.rejected:
            branches.insert(0, (terms.column("?rejected"), terms.NULL))
        return terms.cast(terms.case(branches), "VARCHAR")

    def _of_current(self, name: str, test: Sql) -> Sql:
        """A failing decision of a version is none if no row below reads it."""
        entity = self.step.entity
        if entity not in self.data.versions or (entity, name) in read_below(self.program):
            return test
        return terms.conjoin([terms.is_null(terms.column("?of")), test])

    # -- levels ------------------------------------------------------------------------------

    def _level(self, level: tuple[Decision, ...], cut: str, in_turn: bool) -> None:
        limited = [d for d in level if any(p.limits for p in d.provisions)]
        branches = {d.name: [applied(b, self.scope) for b in selection(d).branches] for d in level}
        limits = Limits(self.program, self.scope, self.data, limited, branches)
        columns: list[Sql] = []
        missing: list[Sql] = []
        for decision in level:
            if decision not in limited or not in_turn:
                made, lacking = self._columns(decision, limits.at_once(decision))
                columns += made
                missing += lacking
        if in_turn:
            columns += limits.before_windows(self.errors)
        after = limits.missing_before() if in_turn else limits.relevance(self.voidable, self.errors)
        assert self.scope.lets is not None
        self.layers.append(Layer(self.scope.lets))  # what comes later in the level may name more
        self._layer([terms.alias(chosen(branches[d.name], self.scope), f"{d.name}?by") for d in level])
        self._layer(columns)
        self._layer([*missing, *after])
        self.limited += [a.name for a in limits.accumulators()]
        if limited and in_turn:
            self._in_turn(limits, cut)
        self._layer([column for d in limited for column in self._agreed(d, limits, in_turn)])

    def _in_turn(self, limits: Limits, cut: str) -> None:
        brought, held = limits.held(cut, self.errors)
        self._layer(brought)
        self._layer([*limits.missing_brought(), *limits.relevance_in_turn()])
        self.layers.append(Layer(limits.after_windows(self.voidable, self.errors), cut, held))
        self._layer(limits.missing_after(self.voidable))

    def _agreed(self, decision: Decision, limits: Limits, in_turn: bool) -> list[Sql]:
        """Who decides where all that may decide pay the same under limits: the provision that stands."""
        by = terms.column(f"{decision.name}?by")
        cases = limits.agreed(decision) if in_turn else agreed(limits.at_once(decision), by)
        if not cases:
            return []
        numbers = [(test, terms.literal(branch.index)) for test, branch in cases]
        return [terms.alias(terms.cast(terms.case(numbers, by), "TINYINT"), f"{decision.name}?by")]

    def _layer(self, columns: list[Sql]) -> None:
        if columns:
            self.layers.append(Layer(columns))

    def _columns(self, decision: Decision, branches: list[Applied]) -> tuple[list[Sql], list[Sql]]:
        """The decision's columns, and those with what it lacks, a layer later."""
        made = decided(decision, branches, terms.column(f"{decision.name}?by"))
        value, empty = made.value, made.void
        if made.error != FALSE and self.step.entity in self.data.rejected:
            fails = terms.conjoin([terms.column("?rejected"), made.error])  # what fails there is unknown
            value, empty = (
                terms.case([(terms.negate(fails), value)]),
                terms.conjoin([empty, terms.negate(fails)]),
            )
        columns = [terms.alias(self.scope.unless_void(value), decision.name)]
        empty = terms.surely(self.scope.unless_void(empty)) if self.scope.voided else empty
        if decision.key in self.voidable:
            columns.append(terms.alias(empty, f"{decision.name}?void"))
        if made.error != FALSE:
            columns.append(terms.alias(made.error, f"{decision.name}?error"))
            self.errors.append((decision.name, terms.column(f"{decision.name}?error")))
        if not self.data.missing:
            return columns, []
        void = terms.column(f"{decision.name}?void") if decision.key in self.voidable else FALSE
        names = decision_lacks(branches, self.scope, terms.column(decision.name), void)
        return columns, [terms.alias(names, f"{decision.name}?miss")]
