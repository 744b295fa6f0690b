"""The rows that a step starts from: facts, earlier decisions, parents' columns, sums over children, joined.

In: a step, which table holds what. Out: `Rows.query`, a SELECT with one row a
record, and `Rows.scope`, the names that expressions find in it.
Invariant: rows are never dropped or doubled.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from mianshen.program.core import Aggregate, Core, DecisionRef, Earlier, FactRef, Numeric, walk
from mianshen.program.failing import fallible
from mianshen.program.order import balances_read
from mianshen.program.program import Accumulator, Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.aggregates import Aggregated, aggregate_query, item_columns, item_names, parts_of
from mianshen.warehouse.beside import ITEM, Beside
from mianshen.warehouse.decisions import parted
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import FALSE, Sql
from mianshen.warehouse.plan import Step, nodes_of, outer_reads, outermost, uses_year_to_date
from mianshen.warehouse.scope import Scope
from mianshen.warehouse.table_catalog import TableCatalog


@dataclass(slots=True)
class Rows:
    """The rows of a step's entity with all that the step reads. `items`: as of the `Stage`."""

    program: Program
    step: Step
    as_of: dt.date
    catalog: TableCatalog
    voidable: frozenset[Key]
    items: tuple[Aggregate, ...] = ()
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.scope = self._scope()

    @property
    def entity(self) -> str:
        return self.step.entity

    def _at(self, entity: str) -> Rows:
        """The rows of another entity, on which nothing is decided here."""
        return Rows(
            self.program,
            replace(self.step, entity=entity, levels=()),
            self.as_of,
            self.catalog,
            self.voidable,
        )

    def _scope(self) -> Scope:
        return Scope(self.program, self.entity, self.as_of, self.voidable)

    def query(self) -> exp.Select:
        """Own facts, earlier decisions, the parents' columns and the aggregates over children."""
        entity = self.entity
        hoisted = self._hoist()
        nodes = [n for d in self.step.decisions for n in nodes_of(d) if n not in hoisted]
        nodes += self._accumulator_nodes() + self._item_nodes()
        columns = [terms.column(c, entity) for c in self._columns()]
        query = terms.select_from(terms.table(self.catalog.rows[entity], entity))
        query, own = self.own(query, nodes)
        outer = outer_reads(nodes, entity) + self.opening_facts(nodes)
        query, above = self.parents(query, list(dict.fromkeys(outer)))
        query, totals = self.totals(query, outermost(nodes))
        return query.select(*columns, *own, *above, *totals, copy=False)

    def _item_nodes(self) -> list[Core]:
        return [n for a in self.items for n in parts_of(a, self.program)]

    def _accumulator_nodes(self) -> list[Core]:
        names = uses_year_to_date(self.step)
        return [a.over for n in sorted(names) if (a := self.program.accumulators[n]).over is not None]

    def opening_facts(self, nodes: list[Core]) -> list[FactRef | DecisionRef]:
        """The facts of rows above that open or split the accumulators that are paid through or read."""
        names = uses_year_to_date(self.step) if self.step.levels else set()
        names |= balances_read(nodes)
        keys = [key for n in sorted(names) for key in _row_facts(self.program.accumulators[n])]
        return [FactRef(*key, self.program.facts[key].type) for key in keys if key[0] != self.entity]

    def _columns(self) -> list[str]:
        """The row's own columns that are read."""
        entity = self.program.entities[self.entity]
        accumulators = [self.program.accumulators[name] for name in uses_year_to_date(self.step)]
        roots = [root for decision in self.step.decisions for root in nodes_of(decision)]
        roots += [*self._accumulator_nodes(), *self._item_nodes()]
        facts = {
            n.name for root in roots for n in walk(root) if isinstance(n, FactRef) and n.entity == entity.name
        }
        facts |= {name for a in accumulators for owner, name in _row_facts(a) if owner == entity.name}
        facts |= {entity.key} if accumulators else set()
        facts |= {entity.date} if entity.date is not None else set()
        base = ["?row", "?parent"] if entity.parent is not None else ["?row"]
        return [*base, *sorted(facts)]

    def own(self, query: exp.Select, nodes: list[Core]) -> tuple[exp.Select, list[Sql]]:
        """Decisions of the entity made in earlier steps."""
        entity = self.entity
        here = {d.key for d in self.step.decisions}
        reads = [n for root in nodes for n in walk(root) if isinstance(n, DecisionRef) and n.entity == entity]
        keys = [
            k
            for k in dict.fromkeys((n.entity, n.name) for n in reads)
            if k not in here and k in self.catalog.decided
        ]
        query, columns = self.joined(query, keys)
        read = balances_read(nodes) & self.catalog.before.keys()
        return self._balances(query, sorted(read), columns)

    def _balances(
        self, query: exp.Select, names: list[str], columns: list[Sql]
    ) -> tuple[exp.Select, list[Sql]]:
        """Balances before each row of accumulators of earlier steps."""
        entity = self.entity
        for name in names:
            if self.program.accumulators[name].entity == entity:
                table = self.catalog.before[name]
                on = terms.equal(terms.column("?row", f"{name}?balance"), terms.column("?row", entity))
                query = terms.left_join(query, terms.table(table, f"{name}?balance"), on)
                columns = [*columns, terms.column(f"{name}?before", f"{name}?balance")]
        return query, columns

    def joined(self, query: exp.Select, keys: list[Key]) -> tuple[exp.Select, list[Sql]]:
        """Decisions of the rows themselves, from the tables that hold them."""
        columns: list[Sql] = []
        for table in dict.fromkeys(self.catalog.decided[k] for k in keys):
            name = f"{self.entity}_{table}"
            condition = terms.equal(terms.column("?row", name), terms.column("?row", self.entity))
            query = terms.left_join(query, terms.table(table, name), condition)
            for key in keys:
                if self.catalog.decided[key] == table:
                    columns += self._shown(key, name)
        return query, columns

    def _shown(self, key: Key, table: str) -> list[Sql]:
        name = key[1]
        columns = [terms.alias(terms.column(name, table), name)]
        if key in self.voidable:
            void = terms.is_true(terms.column(f"{name}?void", table))
            columns.append(terms.alias(void, f"{name}?void"))
        return columns

    def _hoist(self) -> set[Core]:
        """Name the conditions on ancestors alone; those nodes need no columns here."""
        cores: set[Core] = set()
        nodes: set[Core] = set()
        for decision in self.step.decisions:
            for provision in decision.provisions:
                above, own = parted(provision.condition, self.scope)
                if above:
                    self.scope.hoisted.setdefault(above, f"?above{len(self.scope.hoisted)}")
                cores.update(above)
                nodes.update([*own, provision.value])
        return cores - nodes

    def parents(self, query: exp.Select, outer: list[FactRef | DecisionRef]) -> tuple[exp.Select, list[Sql]]:
        """The parent's columns, its ancestors' among them, and the conditions tested there."""
        entity = self.entity
        parent = self.program.entities[entity].parent
        if parent is None or not (outer or self.scope.hoisted):
            return query, []
        relation = self._parent_rows(parent, outer)
        name = f"{parent}?above"
        on = terms.equal(terms.column("?row", name), terms.column("?parent", entity))
        query = query.join(relation.subquery(name, copy=False), on=on, join_type="left", copy=False)
        return query, [
            terms.column(c.alias_or_name, name) for c in relation.selects if c.alias_or_name != "?row"
        ]

    def _parent_rows(self, parent: str, outer: list[FactRef | DecisionRef]) -> exp.Select:
        """A parent's rows with its columns as its children name them."""
        hoisted = self.scope.hoisted
        conditions = [c for above in hoisted for c in above]
        inside = [n for c in conditions for n in walk(c) if isinstance(n, FactRef | DecisionRef)]
        wanted = list(dict.fromkeys([*outer, *inside]))
        query = terms.select_from(terms.table(self.catalog.rows[parent], parent))
        names = [n.name for n in wanted if isinstance(n, FactRef) and n.entity == parent]
        columns: list[Sql] = [
            terms.column("?row", parent),
            *(terms.column(n, parent) for n in dict.fromkeys(names)),
        ]
        keys = [(parent, n.name) for n in wanted if isinstance(n, DecisionRef) and n.entity == parent]
        inner = self._at(parent)
        query, decisions = inner.joined(query, list(dict.fromkeys(keys)))
        beyond = [n for n in wanted if n.entity != parent]
        query, above = inner.parents(query, beyond)
        query = query.select(*columns, *decisions, *above, copy=False)
        scope = inner.scope
        tests = [
            terms.alias(terms.conjoin(emit(c, scope).value for c in key), label)
            for key, label in hoisted.items()
        ]
        outputs: list[Sql] = [terms.column("?row")]
        outputs += [
            terms.alias(terms.column(c.alias_or_name), f"{parent}.{c.alias_or_name}")
            for c in (*columns[1:], *decisions)
        ]
        outputs += [terms.column(c.alias_or_name) for c in above]
        read = {f"{n.entity}.{n.name}{part}" for n in outer for part in ("", "?void")}
        outputs = [c for c in outputs if c.alias_or_name == "?row" or c.alias_or_name in read]
        return terms.select_from(query.subquery(parent, copy=False), *outputs, *tests)

    def totals(self, query: exp.Select, wanted: list[Aggregate | Earlier]) -> tuple[exp.Select, list[Sql]]:
        """What rows ask of several others: aggregates over children, over rows beside them, rows before them."""
        columns: list[Sql] = []
        below = [node for node in wanted if isinstance(node, Aggregate) and not node.levels]
        for child in dict.fromkeys(a.child for a in below):
            mine = [a for a in below if a.child == child]
            grouped = aggregate_query(self.program, child, mine, *self._items(child, mine))
            query, totals = self._total(query, grouped, f"{child}?totals", dict(zip(mine, mine, strict=True)))
            columns += totals
        beside = Beside(self.program, self.entity, self.catalog.rows, self._read)
        for number, node in enumerate(n for n in wanted if n not in below):
            name = f"beside?{number}"
            if isinstance(node, Earlier) and node.body is not None:
                query, totals = self._last(query, node, beside.last(node), name)
            else:
                if isinstance(node, Aggregate):
                    aggregate, items = node, beside.items(node)
                else:
                    assert isinstance(node.type, Numeric)
                    aggregate = Aggregate("count", node.entity, node.where, None, node.type)
                    items = beside.counted(node)
                grouped = aggregate_query(self.program, None, [aggregate], items, [ITEM])
                query, totals = self._total(query, grouped, name, {aggregate: node})
            columns += totals
        return query, columns

    def _total(
        self,
        query: exp.Select,
        grouped: Aggregated,
        name: str,
        nodes: Mapping[Aggregate, Aggregate | Earlier],
    ) -> tuple[exp.Select, list[Sql]]:
        """Aggregates joined by the row that asks; what a row without a date asks of earlier ones is unknown."""
        columns: list[Sql] = []
        query = self._join(query, grouped.query, name)
        for index, aggregate in enumerate(grouped.aggregates):
            value, error = grouped.value(index, name, self.entity)
            node = nodes[aggregate]
            if isinstance(node, Earlier):
                value = terms.case([(self._dated(), value)])
            label = f"{name}{index}"
            self.scope.aggregates[node] = label
            columns.append(terms.alias(value, label))
            if error != FALSE:
                columns.append(terms.alias(error, f"{label}?error"))
        return query, columns

    def _last(
        self, query: exp.Select, node: Earlier, last: exp.Select, name: str
    ) -> tuple[exp.Select, list[Sql]]:
        """The last row before each that matches: not modelled where there is none, unknown where one may."""
        matches, value, void = (terms.column(c, name) for c in ("?matches", ITEM, f"{ITEM}?void"))
        none = terms.is_null(terms.column("?parent", name))
        missing = terms.disjoin([none, terms.conjoin([terms.is_true(matches), terms.is_true(void)])])
        columns = [
            terms.alias(terms.case([(terms.is_true(matches), value)]), name),
            terms.alias(terms.conjoin([self._dated(), missing]), f"{name}?void"),
        ]
        if node.where is not None and fallible(node):
            columns.append(terms.alias(terms.is_true(terms.column("?error", name)), f"{name}?error"))
        elif fallible(node):
            columns.append(terms.alias(FALSE, f"{name}?error"))
        self.scope.aggregates[node] = name
        return self._join(query, last, name), columns

    def _join(self, query: exp.Select, relation: exp.Query, name: str) -> exp.Select:
        on = terms.equal(terms.column("?parent", name), terms.column("?row", self.entity))
        return query.join(relation.subquery(name, copy=False), on=on, join_type="left", copy=False)

    def _dated(self) -> Sql:
        """The row has a date."""
        day = self.program.entities[self.entity].date
        assert day is not None
        return terms.is_known(terms.column(day, self.entity))

    def _items(self, child: str, wanted: list[Aggregate]) -> tuple[exp.Query, list[str]]:
        """`?parent` and what each child row brings to each aggregate.

        Made with the child's own step where that could be, else here.
        """
        ready = [self.catalog.items.get(a) for a in wanted]
        tables = {r[0] for r in ready if r is not None}
        if None not in ready and len(tables) == 1:
            labels = [r[1] for r in ready if r is not None]
            columns = [terms.column(n) for n in item_names(wanted, labels)]
            return terms.select_from(terms.table(tables.pop()), terms.column("?parent"), *columns), labels
        labels = [f"?item{i}" for i in range(len(wanted))]
        rows, scope = self._read(child, [n for a in wanted for n in parts_of(a, self.program)])
        columns = [c for a, label in zip(wanted, labels, strict=True) for c in item_columns(a, label, scope)]
        return terms.select_from(rows.subquery("rows", copy=False), terms.column("?parent"), *columns), labels

    def _read(self, child: str, nodes: list[Core]) -> tuple[exp.Select, Scope]:
        """The rows of an entity with the columns that expressions at them read."""
        inner = self._at(child)
        query = terms.select_from(terms.table(self.catalog.rows[child], child))
        query, decisions = inner.own(query, nodes)
        outer = outer_reads(nodes, child) + inner.opening_facts(nodes)
        query, above = inner.parents(query, list(dict.fromkeys(outer)))
        query, totals = inner.totals(query, outermost(nodes))
        refs = (n for root in nodes for n in walk(root) if isinstance(n, FactRef) and n.entity == child)
        facts = sorted({ref.name for ref in refs if not ref.asking})
        described = self.program.entities[child]
        parent = ["?parent"] if described.parent is not None else []
        dated = [described.date, described.key] if described.date is not None else []
        names = dict.fromkeys(["?row", *parent, *facts, *dated])
        return query.select(
            *(terms.column(n, child) for n in names), *decisions, *above, *totals, copy=False
        ), inner.scope


def _row_facts(accumulator: Accumulator) -> list[Key]:
    """The facts that say where a row counts, and the one that opens the sum."""
    dates = [(accumulator.entity, n) for n in (accumulator.counted_by, accumulator.read_by) if n is not None]
    return [*accumulator.varying, *dates, *([] if accumulator.opening is None else [accumulator.opening])]
