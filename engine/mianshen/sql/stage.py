"""One step as one query: facts and parents' columns in, a level at a time, decisions out.

In: a step of the plan, what is known of the data (`Data`). Out: a sqlglot SELECT giving `?row`, the
step's decisions, their `?void` and `?by` columns and `?error`.
Invariants: rows are never dropped or doubled; a column is computed once and referred to after.

Names of columns: a fact or decision by its own name; a parent's as `parent.name`; made ones carry
a question mark, which no name in a rulebook can.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from mianshen.program.core import Aggregate, Core, DecisionRef, FactRef, YearToDate, walk
from mianshen.program.failing import fails_alone
from mianshen.program.program import Decision, Key, Program
from mianshen.program.stages import read_below
from mianshen.sql import terms
from mianshen.sql.aggregates import Aggregated, aggregate_query, fails_inside, item_columns
from mianshen.sql.decisions import Applied, applied, chosen, decided, parted
from mianshen.sql.emit import emit
from mianshen.sql.lacks import decision_lacks
from mianshen.sql.layers import Layer, apart, statements
from mianshen.sql.limits import Limits
from mianshen.sql.plan import (
    Step,
    aggregates_of,
    nodes_of,
    outer_reads,
    outermost,
    read_elsewhere,
    uses_year_to_date,
)
from mianshen.sql.scope import Scope
from mianshen.sql.terms import FALSE, Sql


@dataclass(frozen=True, slots=True)
class Data:
    """What the rows at hand let a query leave out. `days`: first and last reference date by entity."""

    as_of: dt.date
    days: dict[str, tuple[dt.date, dt.date] | None]
    rejected: frozenset[str] = frozenset()  # entities with rejected rows
    undated: bool = False  # a rejected row has no date
    missing: bool = False  # also say which facts each unknown value rests on
    unreadable: frozenset[str] = frozenset()  # entities with `?unreadable`, the facts given and wrong
    over_time: frozenset[str] = frozenset()  # entities whose rows say in `?under` which row they read
    versions: frozenset[str] = frozenset()  # entities with versions, whose `?of` is the row of the person
    settled: frozenset[Key] = frozenset()  # facts with settled amounts that some row holds


@dataclass(slots=True)
class Shelf:
    """Which tables hold what: rows by entity, finished decisions by key."""

    rows: dict[str, str]
    made: dict[Key, str] = field(default_factory=dict)
    items: dict[Aggregate, tuple[str, str]] = field(default_factory=dict)  # table and column
    before: dict[str, str] = field(default_factory=dict)  # by accumulator, what it held before each row


@dataclass(slots=True)
class Stage:
    """Builds a step's query level by level."""

    program: Program
    step: Step
    data: Data
    shelf: Shelf
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
        self.scope = self._scope(self.step.entity)
        self.scope.lets = []
        base = self._base()
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
        kept += [
            terms.column(n)
            for n in self._item_columns(self.items, [f"?item{i}" for i in range(len(self.items))])
        ]
        for name in self.balances:
            kept += [
                terms.column(f"{name}?before{part}")
                for part in (("", "?miss") if self.data.missing else ("",))
            ]
        for name in self.limited:
            kept.append(terms.column(f"?relevant:{name}"))
        kept.append(exp.alias_(self._error(), "?error", quoted=True))
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

    # -- the rows ----------------------------------------------------------------------------

    def _base(self) -> exp.Select:
        """Own facts, earlier decisions, the parents' columns and the aggregates over children."""
        entity = self.step.entity
        hoisted = self._hoist()
        nodes = [n for d in self.step.decisions for n in nodes_of(d) if n not in hoisted]
        nodes += self._accumulator_nodes() + self._item_nodes()
        columns = [terms.column(c, entity) for c in self._row_columns(entity)]
        query = terms.select().from_(
            exp.to_table(self.shelf.rows[entity], quoted=True).as_(entity), copy=False
        )
        query, own = self._own(query, entity, nodes)
        openings = self._parent_facts(nodes)
        outer = outer_reads(nodes, entity) + ([] if entity in self.data.over_time else openings)
        query, above = self._parents(query, entity, list(dict.fromkeys(outer)))
        query, held = self._openings(query, entity, openings)
        query, totals = self._totals(query, aggregates_of(self.step))
        return query.select(*columns, *own, *above, *held, *totals)

    def _openings(
        self, query: exp.Select, entity: str, openings: list[FactRef | DecisionRef]
    ) -> tuple[exp.Select, list[Sql]]:
        """Where rows read their parent of another time: its opening balances of now."""
        if entity not in self.data.over_time or not openings:
            return query, []
        parent = self.program.entities[entity].parent
        assert parent is not None
        on = exp.EQ(this=terms.column("?row", "?now"), expression=terms.column("?parent", entity))
        rows = exp.to_table(self.shelf.rows[parent], quoted=True).as_("?now", quoted=True)
        names = dict.fromkeys(n.name for n in openings)
        columns = [exp.alias_(terms.column(n, "?now"), f"?now.{n}", quoted=True) for n in names]
        return query.join(rows, on=on, join_type="left", copy=False), list(columns)

    def _item_columns(self, aggregates: Iterable[Aggregate], labels: Iterable[str]) -> list[str]:
        """The names of the columns that items of aggregates are made as."""
        parts = ("?unsure", "?miss") if self.data.missing else ("?unsure",)
        return [
            f"{label}{part}" for a, label in zip(aggregates, labels, strict=True)
            for part in ("", *parts, *(["?error"] if fails_inside(a) else []))
        ]  # fmt: skip

    def _item_nodes(self) -> list[Core]:
        return [n for a in self.items for n in (a.where, a.body) if n is not None]

    def _accumulator_nodes(self) -> list[Core]:
        names = uses_year_to_date(self.step)
        return [a.over for n in sorted(names) if (a := self.program.accumulators[n]).over is not None]

    def _parent_facts(self, nodes: list[Core]) -> list[FactRef | DecisionRef]:
        """The opening balances of the accumulators that are paid through or read."""
        names = uses_year_to_date(self.step) if self.step.levels else set()
        names |= {n.accumulator for root in nodes for n in walk(root) if isinstance(n, YearToDate)}
        openings = [self.program.accumulators[n].opening for n in sorted(names)]
        return [FactRef(*key, self.program.facts[key].type) for key in openings if key is not None]

    def _row_columns(self, entity: str) -> list[str]:
        described = self.program.entities[entity]
        wanted = {d for d in (described.date,) if d is not None}
        if self.data.missing:
            wanted.add(described.key)
        if uses_year_to_date(self.step):
            wanted.add(described.key)
        base = ["?row", "?parent"] if described.parent is not None else ["?row"]
        base += ["?of"] if entity in self.data.versions else []
        rejected = ["?rejected"] if entity in self.data.rejected else []
        rejected += ["?unreadable"] if entity in self.data.unreadable else []
        facts = {
            n.name for d in self.step.decisions for root in nodes_of(d)
            for n in walk(root) if isinstance(n, FactRef) and n.entity == entity
        }  # fmt: skip
        facts |= self._settled_facts()
        more = [*self._accumulator_nodes(), *self._item_nodes()]
        facts |= {
            n.name for root in more for n in walk(root) if isinstance(n, FactRef) and n.entity == entity
        }
        return [*base, *rejected, *sorted(facts | wanted | set(self.carried))]

    def _settled_facts(self) -> set[str]:
        """The facts that hold what was really paid of what the step's accumulators sum."""
        sums = {self.program.accumulators[name].sums for name in uses_year_to_date(self.step)}
        facts = {self.program.settling(self.step.entity).get(name) for name in sums}
        return {name for name in facts if name is not None and (self.step.entity, name) in self.data.settled}

    def _own(self, query: exp.Select, entity: str, nodes: list[Core]) -> tuple[exp.Select, list[Sql]]:
        """Decisions of the entity made in earlier steps."""
        here = {d.key for d in self.step.decisions}
        reads = [n for root in nodes for n in walk(root) if isinstance(n, DecisionRef) and n.entity == entity]
        keys = [
            k
            for k in dict.fromkeys((n.entity, n.name) for n in reads)
            if k not in here and k in self.shelf.made
        ]
        query, columns = self._joined(query, keys, entity, "", f"{entity}.?row")
        read = {n.accumulator for root in nodes for n in walk(root) if isinstance(n, YearToDate)}
        return self._balances(query, sorted(read & self.shelf.before.keys()), entity, columns)

    def _balances(
        self, query: exp.Select, names: list[str], entity: str, columns: list[Sql]
    ) -> tuple[exp.Select, list[Sql]]:
        """What accumulators of earlier steps held before each row."""
        for name in names:
            if self.program.accumulators[name].entity == entity:
                table = self.shelf.before[name]
                on = exp.EQ(
                    this=terms.column("?row", f"{name}?held"), expression=terms.column("?row", entity)
                )
                query = query.join(
                    exp.to_table(table, quoted=True).as_(f"{name}?held", quoted=True), on=on, join_type="left"
                )
                parts = ("?before", "?before?miss") if self.data.missing else ("?before",)
                columns = [*columns, *(terms.column(f"{name}{part}", f"{name}?held") for part in parts)]
        return query, columns

    def _joined(
        self, query: exp.Select, keys: list[Key], alias: str, prefix: str, on: str
    ) -> tuple[exp.Select, list[Sql]]:
        columns: list[Sql] = []
        for table in dict.fromkeys(self.shelf.made[k] for k in keys):
            name = f"{alias}_{table}"
            owner, _, key = on.partition(".")
            condition = exp.EQ(this=terms.column("?row", name), expression=terms.column(key, owner))
            query = query.join(
                exp.to_table(table, quoted=True).as_(name), on=condition, join_type="left", copy=False
            )
            for key_ in keys:
                if self.shelf.made[key_] == table:
                    columns += self._shown(key_, name, prefix)
        return query, columns

    def _shown(self, key: Key, table: str, prefix: str) -> list[Sql]:
        shown = [exp.alias_(terms.column(key[1], table), f"{prefix}{key[1]}", quoted=True)]
        if key in self.voidable:
            void = exp.Coalesce(this=terms.column(f"{key[1]}?void", table), expressions=[exp.false()])
            shown.append(exp.alias_(void, f"{prefix}{key[1]}?void", quoted=True))
        if self.data.missing:
            shown.append(
                exp.alias_(terms.column(f"{key[1]}?miss", table), f"{prefix}{key[1]}?miss", quoted=True)
            )
        return shown

    def _hoist(self) -> set[Core]:
        """Name the conditions on ancestors alone; those nodes need no columns here."""
        found: set[Core] = set()
        kept: set[Core] = set()
        for decision in self.step.decisions:
            for provision in decision.provisions:
                above, own = parted(provision.condition, self.scope)
                if above:
                    self.scope.hoisted.setdefault(above, f"?above{len(self.scope.hoisted)}")
                found.update(above)
                kept.update([*own, provision.value])
        return found - kept

    def _parents(
        self, query: exp.Select, entity: str, outer: list[FactRef | DecisionRef]
    ) -> tuple[exp.Select, list[Sql]]:
        """The parent's columns, its ancestors' among them, and the conditions tested there."""
        parent = self.program.entities[entity].parent
        hoisted = self.scope.hoisted if entity == self.step.entity else {}
        if parent is None or not (outer or hoisted):
            return query, []
        relation = self._parent_rows(parent, outer, hoisted)
        name = f"{parent}?above"
        link = "?under" if entity in self.data.over_time else "?parent"
        on = exp.EQ(this=terms.column("?row", name), expression=terms.column(link, entity))
        query = query.join(relation.subquery(name, copy=False), on=on, join_type="left", copy=False)
        return query, [
            terms.column(c.alias_or_name, name) for c in relation.selects if c.alias_or_name != "?row"
        ]

    def _parent_rows(
        self, parent: str, outer: list[FactRef | DecisionRef], hoisted: dict[tuple[Core, ...], str]
    ) -> exp.Select:
        """A parent's rows with its columns as its children name them."""
        conditions = [c for above in hoisted for c in above]
        inside = [n for c in conditions for n in walk(c) if isinstance(n, FactRef | DecisionRef)]
        wanted = list(dict.fromkeys([*outer, *inside]))
        query = terms.select().from_(
            exp.to_table(self.shelf.rows[parent], quoted=True).as_(parent), copy=False
        )
        names = [n.name for n in wanted if isinstance(n, FactRef) and n.entity == parent]
        columns: list[Sql] = [
            terms.column("?row", parent),
            *(terms.column(n, parent) for n in dict.fromkeys(names)),
            *([terms.column("?rejected", parent)] if parent in self.data.rejected else []),
            *([terms.column("?unreadable", parent)] if parent in self.data.unreadable else []),
        ]
        keys = [(parent, n.name) for n in wanted if isinstance(n, DecisionRef) and n.entity == parent]
        query, decisions = self._joined(query, list(dict.fromkeys(keys)), parent, "", f"{parent}.?row")
        beyond = [n for n in wanted if n.entity != parent]
        inner = Stage(
            self.program,
            replace(self.step, entity=parent, levels=()),
            self.data,
            self.shelf,
            self.voidable,
            frozenset(),
            frozenset(),
        )
        inner.scope = self._scope(parent)
        query, above = inner._parents(query, parent, beyond)
        query = query.select(*columns, *decisions, *above)
        scope = inner.scope
        tests = [
            exp.alias_(terms.conjoin(emit(c, scope).value for c in key), label, quoted=True)
            for key, label in hoisted.items()
        ]
        shown: list[Sql] = [terms.column("?row")]
        shown += [
            exp.alias_(terms.column(c.alias_or_name), f"{parent}.{c.alias_or_name}", quoted=True)
            for c in (*columns[1:], *decisions)
        ]
        shown += [terms.column(c.alias_or_name) for c in above]
        read = {f"{n.entity}.{n.name}{part}" for n in outer for part in ("", "?void", "?miss")}
        shown = [c for c in shown if c.alias_or_name == "?row" or c.alias_or_name in read]
        return terms.select(*shown, *tests).from_(query.subquery(parent, copy=False), copy=False)

    def _totals(self, query: exp.Select, wanted: list[Aggregate]) -> tuple[exp.Select, list[Sql]]:
        """Aggregates over children, joined by parent row."""
        columns: list[Sql] = []
        entity = self.step.entity
        for child in dict.fromkeys(a.child for a in wanted):
            mine = [a for a in wanted if a.child == child]
            items, labels = self._items(child, mine)
            made: Aggregated = aggregate_query(self.program, child, mine, items, labels, self.data.missing)
            name = f"{child}?totals"
            person = terms.column("?row", entity)
            if entity in self.data.versions:  # a version's children are the person's
                person = exp.Coalesce(this=terms.column("?of", entity), expressions=[person])
            condition = exp.EQ(this=terms.column("?parent", name), expression=person)
            query = query.join(
                made.query.subquery(name, copy=False), on=condition, join_type="left", copy=False
            )
            for index, aggregate in enumerate(mine):
                value, error = made.value(index, name, entity)
                label = f"{child}?{index}"
                self.scope.aggregates[aggregate] = label
                columns.append(exp.alias_(value, label, quoted=True))
                if self.data.missing:
                    columns.append(
                        exp.alias_(made.missing(index, name, entity), f"{label}?miss", quoted=True)
                    )
                if error != FALSE:
                    columns.append(exp.alias_(error, f"{label}?error", quoted=True))
        return query, columns

    def _scope(self, entity: str) -> Scope:
        return Scope(
            self.program, entity, self.data.as_of, self.data.days[entity], self.voidable, undated=self.data.undated,
            unreadable=entity in self.data.unreadable, rejected=entity in self.data.rejected, missing=self.data.missing,
            over_time=entity in self.data.over_time,
        )  # fmt: skip

    def _items(self, child: str, wanted: list[Aggregate]) -> tuple[exp.Query, list[str]]:
        """`?parent` and what each child row brings to each aggregate.

        Made with the child's own step where that could be, else here.
        """
        ready = [self.shelf.items.get(a) for a in wanted]
        tables = {r[0] for r in ready if r is not None}
        if None not in ready and len(tables) == 1:
            labels = [r[1] for r in ready if r is not None]
            columns = [terms.column(n) for n in self._item_columns(wanted, labels)]
            return terms.select(terms.column("?parent"), *columns).from_(
                exp.to_table(tables.pop(), quoted=True), copy=False
            ), labels
        labels = [f"?item{i}" for i in range(len(wanted))]
        rows, scope = self._child_rows(child, wanted)
        columns = [
            c
            for a, label in zip(wanted, labels, strict=True)
            for c in item_columns(a, label, scope, self.data)
        ]
        return terms.select(terms.column("?parent"), *columns).from_(
            rows.subquery("rows", copy=False), copy=False
        ), labels

    def _child_rows(self, child: str, wanted: list[Aggregate]) -> tuple[exp.Select, Scope]:
        """The child rows with the columns that aggregates over them read."""
        nodes = [n for a in wanted for n in (a.where, a.body) if n is not None]
        own = replace(self.step, entity=child, levels=())
        inner = Stage(self.program, own, self.data, self.shelf, self.voidable, frozenset(), frozenset())
        query = terms.select().from_(exp.to_table(self.shelf.rows[child], quoted=True).as_(child), copy=False)
        query, decisions = inner._own(query, child, nodes)
        inner.scope = self._scope(child)
        openings = inner._parent_facts(nodes)
        outer = outer_reads(nodes, child) + ([] if child in self.data.over_time else openings)
        query, above = inner._parents(query, child, list(dict.fromkeys(outer)))
        query, held = inner._openings(query, child, openings)
        query, totals = inner._totals(query, outermost(nodes))
        facts = sorted(
            {n.name for root in nodes for n in walk(root) if isinstance(n, FactRef) and n.entity == child}
        )
        base = ["?parent", *(["?rejected"] if child in self.data.rejected else [])]
        base += ["?unreadable"] if child in self.data.unreadable else []
        date = self.program.entities[child].date
        key = [self.program.entities[child].key] if self.data.missing else []
        names = dict.fromkeys([*base, *facts, *key, *([date] if date is not None else [])])
        return query.select(
            *(terms.column(n, child) for n in names), *decisions, *above, *held, *totals
        ), inner.scope

    # -- levels ------------------------------------------------------------------------------

    def _level(self, level: tuple[Decision, ...], cut: str, in_turn: bool) -> None:
        limited = [d for d in level if any(p.limit is not None for p in d.provisions)]
        rulings = {d.name: [applied(p, i, self.scope) for i, p in enumerate(d.provisions)] for d in level}
        limits = Limits(self.program, self.scope, self.data, limited, rulings)
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
        self._layer([exp.alias_(chosen(d, rulings[d.name]), f"{d.name}?by", quoted=True) for d in level])
        self._layer(columns)
        self._layer([*missing, *after])
        self.limited += [a.name for a in limits.accumulators()]
        if limited and in_turn:
            self._in_turn(limits, cut)

    def _in_turn(self, limits: Limits, cut: str) -> None:
        brought, held = limits.held(cut, self.errors)
        self._layer(brought)
        self._layer([*limits.missing_brought(), *limits.relevance_in_turn()])
        self.layers.append(Layer(limits.after_windows(self.voidable, self.errors), cut, held))
        self._layer(limits.missing_after(self.voidable))

    def _layer(self, columns: list[Sql]) -> None:
        if columns:
            self.layers.append(Layer(columns))

    def _columns(self, decision: Decision, rulings: list[Applied]) -> tuple[list[Sql], list[Sql]]:
        """The decision's columns, and those with what it lacks, a layer later."""
        made = decided(decision, rulings, terms.column(f"{decision.name}?by"))
        value, empty = made.value, made.void
        if made.error != FALSE and self.step.entity in self.data.rejected:
            fails = terms.conjoin([terms.column("?rejected"), made.error])  # what fails there is unknown
            value, empty = (
                terms.case([(terms.negate(fails), value)]),
                terms.conjoin([empty, terms.negate(fails)]),
            )
        columns = [exp.alias_(value, decision.name, quoted=True)]
        if decision.key in self.voidable:
            columns.append(exp.alias_(empty, f"{decision.name}?void", quoted=True))
        if made.error != FALSE:
            columns.append(exp.alias_(made.error, f"{decision.name}?error", quoted=True))
            self.errors.append((decision.name, terms.column(f"{decision.name}?error")))
        if not self.data.missing:
            return columns, []
        void = terms.column(f"{decision.name}?void") if decision.key in self.voidable else FALSE
        names = decision_lacks(rulings, self.scope, terms.column(decision.name), void)
        return columns, [exp.alias_(names, f"{decision.name}?miss", quoted=True)]
