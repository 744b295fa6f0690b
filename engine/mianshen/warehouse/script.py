"""A program as a script for somebody's own warehouse: every table in order, nothing run.

In: a program, a day, a dialect, the tables that hold the records. Out: statements (`Statement`), in order, and in
`catalog` which decision stands in which table. Nothing is known of the rows: figures are looked up by each row's day,
and rows under a limit are always taken in turn. Rows that cannot be decided are told in tables of their own, and a
household with one is left out of the results whole: what it fed is not right either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from mianshen.program.core import Aggregate, DecisionRef, FactRef, walk
from mianshen.program.program import Fact, Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse import warehouse
from mianshen.warehouse.dialects import Dialect, text_of
from mianshen.warehouse.place_table import place_table
from mianshen.warehouse.plan import Plan, Step, aggregates_of, parents_first, plan, reads_of, voidable
from mianshen.warehouse.stage import Stage
from mianshen.warehouse.table_catalog import TableCatalog

PREFIX = "mianshen"
REFUSED, FAILED, LEFT_OUT = f"{PREFIX}_refused", f"{PREFIX}_failed", f"{PREFIX}_left_out"
SETTINGS: Mapping[Dialect, tuple[str, ...]] = {
    "duckdb": (),
    "postgres": (),
    "spark": (
        "SET spark.sql.ansi.enabled = true",
        "SET spark.sql.decimalOperations.allowPrecisionLoss = false",
        "SET spark.sql.caseSensitive = true",
        "SET spark.sql.cteRecursionLevelLimit = -1",
        "SET spark.sql.cteRecursionRowLimit = -1",
    ),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its semicolon; `table` is what it makes, empty for a setting."""

    table: str
    text: str


@dataclass(slots=True)
class Script:
    """Writes the steps down. `inputs`: entity to the table with its records, as SQL names it."""

    program: Program
    as_of: dt.date
    wanted: frozenset[Key]
    dialect: Dialect
    inputs: Mapping[str, str]
    explained: frozenset[Key] = frozenset()
    rows: dict[str, str] = field(init=False)  # entity to the table with its rows
    catalog: TableCatalog = field(init=False)
    plan: Plan = field(init=False)
    statements: list[Statement] = field(default_factory=list)
    fallible: list[tuple[Step, str]] = field(default_factory=list)  # steps that may fail, with their tables

    def __post_init__(self) -> None:
        self.plan = plan(self.program, self.wanted)
        self.rows = {name: f"{PREFIX}_rows_{name}" for name in self.entities()}
        self.catalog = TableCatalog(self.rows)

    def write(self) -> None:
        """The rows, what is wrong with them, every step, and what could not be decided."""
        self.statements += [Statement("", text) for text in SETTINGS[self.dialect]]
        read = [fact.type for name in self.entities() for fact in self.facts(name).values()]
        if warehouse.AREA_TYPE in read:
            places = terms.table(warehouse.PLACES)
            self._say(warehouse.PLACES, exp.Drop(tables=[places], kind="TABLE", exists=True))
            listed = place_table(text_of(places, self.dialect), self.dialect)
            self.statements.append(Statement(warehouse.PLACES, listed))
        entities = self.program.entities
        for name in self.entities():
            above = entities[name].parent
            parents = None if above is None else self.rows[above]
            source = self.inputs.get(name, name)
            query = warehouse.rows(
                self.program, entities[name], self.facts(name), source, parents, self.as_of
            )
            self._create(self.rows[name], query)
        refused = [q for name in self.entities() for q in warehouse.refused(entities[name], self.rows[name])]
        for child in map(entities.__getitem__, self.entities()):
            if child.parent is not None and child.counted_by is not None:
                parent, tables = entities[child.parent], (self.rows[child.parent], self.rows[child.name])
                refused.append(warehouse.too_few_said(parent, child.counted_by, *tables))
        self._create(REFUSED, warehouse.together(refused))
        self._decide()
        failures = [warehouse.failed(entities[s.entity], self.rows[s.entity], t) for s, t in self.fallible]
        if failures:
            self._create(FAILED, warehouse.together(failures))
        result = [REFUSED, *([FAILED] if failures else [])]
        self._create(LEFT_OUT, warehouse.together([warehouse.tops(table) for table in result]))

    def result(self, table: str, entity: str, query: exp.Select) -> None:
        """A table of results: the query over the rows of an entity, named `decided`, those left out aside."""
        listed = warehouse.sound(self.rows[entity], LEFT_OUT).subquery(copy=False)
        self._create(table, query.where(exp.In(this=terms.column("?row", "decided"), query=listed)))

    def _create(self, table: str, query: exp.Query) -> None:
        named = terms.table(table)
        options = exp.Properties(expressions=[exp.FileFormatProperty(this=exp.var("PARQUET"))])
        statement = exp.Create(
            this=named,
            kind="TABLE",
            expression=query,
            properties=options if self.dialect == "spark" else None,
        )
        self._say(table, exp.Drop(tables=[named], kind="TABLE", exists=True))
        self._say(table, statement, pretty=True)
        if self.dialect == "postgres":  # or it plans the next statement as if the table were empty
            self.statements.append(Statement(table, f"ANALYZE {text_of(named, self.dialect)}"))

    def _say(self, table: str, statement: exp.Expr, pretty: bool = False) -> None:
        self.statements.append(Statement(table, text_of(statement, self.dialect, pretty)))

    # -- the steps ---------------------------------------------------------------------------

    def _decide(self) -> None:
        """Every step in order."""
        read_later = self._read_later()
        possible = voidable(self.program)
        for number, step in enumerate(self.plan.steps):
            wanted = frozenset(d.name for d in step.decisions if d.key in self.wanted | read_later)
            explained = frozenset(n for e, n in self.explained if e == step.entity)
            items = tuple(self._items_after(number))
            stage = Stage(self.program, step, self.as_of, self.catalog, possible, wanted, explained, items)
            table = f"{PREFIX}_{number}_{step.entity}"
            for name, query in stage.build(table):
                self._create(name, query)
            self.catalog.decided.update({d.key: table for d in step.decisions if d.name in wanted})
            self.catalog.before.update(dict.fromkeys(stage.balances, table))
            self.catalog.items.update({a: (table, f"?item{i}") for i, a in enumerate(items)})
            if stage.may_fail:
                self.fallible.append((step, table))

    def _read_later(self) -> set[Key]:
        """Decisions that steps after their own read."""
        step_of = {d.key: i for i, s in enumerate(self.plan.steps) for d in s.decisions}
        return {
            read for s in self.plan.steps for d in s.decisions for read in reads_of(d, self.program)[0]
            if step_of[read] != step_of[d.key]
        }  # fmt: skip

    def _items_after(self, number: int) -> list[Aggregate]:
        """The aggregates of later steps over this step's entity that can be made with it.

        Nothing they read is decided after it.
        """
        entity = self.plan.steps[number].entity
        done = {d.key for step in self.plan.steps[: number + 1] for d in step.decisions}
        before = {d.key for step in self.plan.steps[:number] for d in step.decisions}
        ready = []
        for step in self.plan.steps[number + 1 :]:
            for aggregate in aggregates_of(step):
                inside = [n for part in (aggregate.where, aggregate.body) if part for n in walk(part)]
                reads = {(n.entity, n.name) for n in inside if isinstance(n, DecisionRef)}
                nested = any(isinstance(n, Aggregate) for n in inside)
                if aggregate.child == entity and reads <= done and not reads <= before and not nested:
                    ready.append(aggregate)
        return list(dict.fromkeys(ready))

    # -- the records -------------------------------------------------------------------------

    def entities(self) -> list[str]:
        """The entities whose records are read, parents first."""
        touched = {entity for entity, _ in (*self.plan.facts, *self.plan.decisions)}
        for name in list(touched):
            touched |= {*self.program.ancestors(name)}
        return [name for name in parents_first(self.program) if name in touched]

    def facts(self, entity: str) -> dict[str, Fact]:
        """The columns that an entity's table must have, in the vocabulary's order; at last the parent's key.

        The vocabulary need not have that one among the entity's own facts.
        """
        described = self.program.entities[entity]
        read = {described.key, described.date, described.counted_by}
        read |= {e.counted_by for e in self.program.entities.values() if e.parent == entity}
        read |= {name for owner, name in self.plan.facts if owner == entity}
        nodes = [n for check in described.checks for n in walk(check.condition)]
        read |= {n.name for n in nodes if isinstance(n, FactRef)}
        facts = self.program.facts
        columns = {name: facts[entity, name] for owner, name in facts if owner == entity and name in read}
        if described.parent is not None:
            key = self.program.entities[described.parent].key
            link = facts.get((entity, key)) or replace(facts[described.parent, key], required=False)
            columns[key] = link
        return columns
