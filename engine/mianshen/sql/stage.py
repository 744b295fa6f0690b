"""One step as one query: facts and parents' columns in, a level at a time, decisions out.

In: a step of the plan, what is known of the data (`Data`). Out: a sqlglot SELECT giving `?row`, the
step's decisions, their `?void` and `?by` columns and `?error`.
Invariants: rows are never dropped or doubled; a column is computed once and referred to after.

Names of columns: a fact or decision by its own name; a parent's as `parent.name`; made ones carry
a question mark, which no name in a rulebook can.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from sqlglot import exp

from mianshen.program.core import Aggregate, Core, DecisionRef, FactRef, walk
from mianshen.program.program import Decision, Key, Program
from mianshen.sql import terms
from mianshen.sql.aggregates import Aggregated, aggregate_query
from mianshen.sql.decisions import applied, decided
from mianshen.sql.emit import Scope
from mianshen.sql.limits import Limits
from mianshen.sql.plan import Step, aggregates_of, nodes_of, outer_reads, uses_year_to_date
from mianshen.sql.terms import FALSE, Sql


@dataclass(frozen=True, slots=True)
class Data:
    """What the rows at hand let a query leave out. `days`: first and last reference date by entity."""

    as_of: dt.date
    days: dict[str, tuple[dt.date, dt.date] | None]
    rejected: frozenset[str] = frozenset()  # entities with rejected rows
    undated: bool = False  # a rejected row has no date


@dataclass(slots=True)
class Shelf:
    """Which tables hold what: rows by entity, finished decisions by key."""

    rows: dict[str, str]
    made: dict[Key, str] = field(default_factory=dict)


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
    query: exp.Select = field(init=False)
    scope: Scope = field(init=False)
    errors: list[tuple[str, Sql]] = field(default_factory=list)

    def build(self) -> exp.Select:
        """The whole query."""
        self.scope = Scope(self.program, self.step.entity, self.data.as_of, self.data.days[self.step.entity], self.voidable)
        self.query = self._base()
        for level in self.step.levels:
            self._level(level)
        kept = [terms.column("?row")]
        for decision in self.step.decisions:
            if decision.name in self.wanted:
                kept.append(terms.column(decision.name))
                if decision.key in self.voidable:
                    kept.append(terms.column(f"{decision.name}?void"))
            if decision.name in self.explained:
                kept.append(terms.column(f"{decision.name}?by"))
        kept.append(exp.alias_(self._error(), "?error", quoted=True))
        return exp.select(*kept).from_(self.query.subquery("made"))

    @property
    def may_fail(self) -> bool:
        return bool(self.errors)

    def _error(self) -> Sql:
        branches = [(test, terms.literal(name)) for name, test in self.errors]
        return terms.cast(terms.case(branches), "VARCHAR")

    # -- the rows ----------------------------------------------------------------------------

    def _base(self) -> exp.Select:
        """Own facts, earlier decisions, the parents' columns and the aggregates over children."""
        entity = self.step.entity
        nodes = [n for d in self.step.decisions for n in nodes_of(d)]
        nodes += self._accumulator_nodes()
        columns = [terms.column(c, entity) for c in self._row_columns(entity)]
        query = exp.select().from_(exp.to_table(self.shelf.rows[entity]).as_(entity))
        query, own = self._own(query, entity, nodes)
        outer = outer_reads(nodes, entity) + self._parent_facts()
        query, above = self._parents(query, entity, list(dict.fromkeys(outer)))
        query, totals = self._totals(query)
        return query.select(*columns, *own, *above, *totals)

    def _accumulator_nodes(self) -> list[Core]:
        names = uses_year_to_date(self.step)
        return [a.over for n in sorted(names) if (a := self.program.accumulators[n]).over is not None]

    def _parent_facts(self) -> list[FactRef | DecisionRef]:
        names = uses_year_to_date(self.step)
        openings = [self.program.accumulators[n].opening for n in sorted(names)]
        return [FactRef(*key, self.program.facts[key].type) for key in openings if key is not None]

    def _row_columns(self, entity: str) -> list[str]:
        described = self.program.entities[entity]
        wanted = {d for d in (described.date,) if d is not None}
        if uses_year_to_date(self.step):
            wanted.add(described.key)
        base = ["?row", "?parent"] if described.parent is not None else ["?row"]
        rejected = ["?rejected"] if entity in self.data.rejected else []
        facts = {
            n.name for d in self.step.decisions for root in (*nodes_of(d), *self._accumulator_nodes())
            for n in walk(root) if isinstance(n, FactRef) and n.entity == entity
        }  # fmt: skip
        return [*base, *rejected, *sorted(facts | wanted)]

    def _own(self, query: exp.Select, entity: str, nodes: list[Core]) -> tuple[exp.Select, list[Sql]]:
        """Decisions of the entity made in earlier steps."""
        here = {d.key for d in self.step.decisions}
        reads = [n for root in nodes for n in walk(root) if isinstance(n, DecisionRef) and n.entity == entity]
        keys = [k for k in dict.fromkeys((n.entity, n.name) for n in reads) if k not in here and k in self.shelf.made]
        return self._joined(query, keys, entity, "", f"{entity}.?row")

    def _joined(
        self, query: exp.Select, keys: list[Key], alias: str, prefix: str, on: str
    ) -> tuple[exp.Select, list[Sql]]:
        columns: list[Sql] = []
        for table in dict.fromkeys(self.shelf.made[k] for k in keys):
            name = f"{alias}_{table}"
            owner, _, key = on.partition(".")
            condition = exp.EQ(this=terms.column("?row", name), expression=terms.column(key, owner))
            query = query.join(exp.to_table(table).as_(name), on=condition, join_type="left")
            for key_ in keys:
                if self.shelf.made[key_] == table:
                    columns += self._shown(key_, name, prefix)
        return query, columns

    def _shown(self, key: Key, table: str, prefix: str) -> list[Sql]:
        shown = [exp.alias_(terms.column(key[1], table), f"{prefix}{key[1]}", quoted=True)]
        if key in self.voidable:
            void = exp.Coalesce(this=terms.column(f"{key[1]}?void", table), expressions=[exp.false()])
            shown.append(exp.alias_(void, f"{prefix}{key[1]}?void", quoted=True))
        return shown

    def _parents(
        self, query: exp.Select, entity: str, outer: list[FactRef | DecisionRef]
    ) -> tuple[exp.Select, list[Sql]]:
        """The columns of every ancestor that is read, one join an ancestor."""
        columns: list[Sql] = []
        below = entity
        at = self.program.entities[entity].parent
        while at is not None and any(n.entity == at or self._above(n.entity, at) for n in outer):
            condition = exp.EQ(this=terms.column("?row", at), expression=terms.column("?parent", below))
            query = query.join(exp.to_table(self.shelf.rows[at]).as_(at), on=condition, join_type="left")
            facts = [n.name for n in outer if isinstance(n, FactRef) and n.entity == at]
            columns += [exp.alias_(terms.column(n, at), f"{at}.{n}", quoted=True) for n in dict.fromkeys(facts)]
            keys = [(at, n.name) for n in outer if isinstance(n, DecisionRef) and n.entity == at]
            query, more = self._joined(query, list(dict.fromkeys(keys)), at, f"{at}.", f"{at}.?row")
            columns += more
            below, at = at, self.program.entities[at].parent
        return query, columns

    def _above(self, target: str, at: str) -> bool:
        """Whether `target` is an ancestor of `at`."""
        parent = self.program.entities[at].parent
        while parent is not None:
            if parent == target:
                return True
            parent = self.program.entities[parent].parent
        return False

    def _totals(self, query: exp.Select) -> tuple[exp.Select, list[Sql]]:
        """Aggregates over children, joined by parent row."""
        wanted = aggregates_of(self.step)
        if not wanted:
            return query, []
        columns: list[Sql] = []
        entity = self.step.entity
        for child in dict.fromkeys(a.child for a in wanted):
            mine = [a for a in wanted if a.child == child]
            relation = self.child_rows(child, mine)
            made: Aggregated = aggregate_query(self.program, child, mine, relation, self._child_scope(child), self.data)
            name = f"{child}?totals"
            condition = exp.EQ(this=terms.column("?parent", name), expression=terms.column("?row", entity))
            query = query.join(made.query.subquery(name, copy=False), on=condition, join_type="left")
            for index, aggregate in enumerate(mine):
                value, error = made.value(index, name, entity)
                label = f"{child}?{index}"
                self.scope.aggregates[aggregate] = label
                columns.append(exp.alias_(value, label, quoted=True))
                if error != FALSE:
                    columns.append(exp.alias_(error, f"{label}?error", quoted=True))
        return query, columns

    def _child_scope(self, child: str) -> Scope:
        return Scope(self.program, child, self.data.as_of, self.data.days[child], self.voidable)

    def child_rows(self, child: str, wanted: list[Aggregate]) -> exp.Select:
        """The child rows with the columns that aggregates over them read."""
        nodes = [n for a in wanted for n in (a.where, a.body) if n is not None]
        own = replace(self.step, entity=child, levels=())
        inner = Stage(self.program, own, self.data, self.shelf, self.voidable, frozenset(), frozenset())
        query = exp.select().from_(exp.to_table(self.shelf.rows[child]).as_(child))
        query, decisions = inner._own(query, child, nodes)
        query, above = inner._parents(query, child, outer_reads(nodes, child))
        facts = sorted({n.name for root in nodes for n in walk(root) if isinstance(n, FactRef) and n.entity == child})
        base = ["?parent", *(["?rejected"] if child in self.data.rejected else [])]
        date = self.program.entities[child].date
        names = dict.fromkeys([*base, *facts, *([date] if date is not None else [])])
        return query.select(*(terms.column(n, child) for n in names), *decisions, *above)

    # -- levels ------------------------------------------------------------------------------

    def _level(self, level: tuple[Decision, ...]) -> None:
        limited = [d for d in level if any(p.limit is not None for p in d.provisions)]
        plain = [d for d in level if d not in limited]
        columns: list[Sql] = []
        for decision in plain:
            columns += self._columns(decision)
        limits = Limits(self.program, self.scope, self.data, limited)
        columns += limits.before_windows(self.errors)
        self._add(columns)
        if limited:
            for made in limits.windows():
                self._add(made)
            self._add(limits.after_windows(self.voidable))

    def _columns(self, decision: Decision) -> list[Sql]:
        rulings = [applied(p, i, self.scope) for i, p in enumerate(decision.provisions)]
        made = decided(decision, rulings)
        columns = [exp.alias_(made.value, decision.name, quoted=True)]
        if decision.key in self.voidable:
            columns.append(exp.alias_(made.void, f"{decision.name}?void", quoted=True))
        if decision.name in self.explained:
            columns.append(exp.alias_(terms.cast(made.chosen, "TINYINT"), f"{decision.name}?by", quoted=True))
        if made.error != FALSE:
            columns.append(exp.alias_(made.error, f"{decision.name}?error", quoted=True))
            self.errors.append((decision.name, terms.column(f"{decision.name}?error")))
        return columns

    def _add(self, columns: list[Sql]) -> None:
        if columns:
            self.query = exp.select(exp.Star(), *columns).from_(self.query.subquery("level", copy=False))
