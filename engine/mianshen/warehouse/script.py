"""A plan as a script for somebody's own warehouse: every table in order, nothing run.

In: a program, a day, a dialect, the tables that hold the records. Out: statements (`Statement`), in order.
Nothing is known of the rows, so nothing that `Data` could leave out is left out: figures are looked up by each
row's day, and rows under a limit are always taken in turn. Rows that cannot be decided are told in tables of
their own, and a household with one is left out of the results whole: what it fed is not right either.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from mianshen.program.core import FactRef, walk
from mianshen.program.program import Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse import warehouse
from mianshen.warehouse.dialects import Dialect, text_of
from mianshen.warehouse.place_table import place_table
from mianshen.warehouse.plan import Plan, Step, parents_first, plan
from mianshen.warehouse.steps import Steps
from mianshen.warehouse.table_catalog import Data, TableCatalog

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
class Script(Steps):
    """Writes the steps down. `inputs`: entity to the table with its records, as SQL names it."""

    program: Program
    as_of: dt.date
    wanted: frozenset[Key]
    dialect: Dialect
    inputs: dict[str, str]
    explained: frozenset[Key] = frozenset()
    carried: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing: bool = False
    prefix: str = PREFIX
    rows: dict[str, str] = field(init=False)
    shelf: TableCatalog = field(init=False)
    plan: Plan = field(init=False)
    statements: list[Statement] = field(default_factory=list)
    fallible: list[tuple[Step, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan = plan(self.program, self.wanted)
        self.rows = {name: f"{self.prefix}_rows_{name}" for name in self.entities()}
        self.shelf = TableCatalog(self.rows)

    def write(self) -> None:
        """The rows, what is wrong with them, every step, and what could not be decided."""
        self.statements += [Statement("", text) for text in SETTINGS[self.dialect]]
        read = [self.program.facts[name, fact].type for name in self.entities() for fact in self.facts(name)]
        if warehouse.AREA_TYPE in read:
            places = exp.to_table(warehouse.PLACES, quoted=True)
            self.say(warehouse.PLACES, exp.Drop(tables=[places], kind="TABLE", exists=True))
            listed = place_table(text_of(places, self.dialect), self.dialect)
            self.statements.append(Statement(warehouse.PLACES, listed))
        for name in self.entities():
            entity = self.program.entities[name]
            above = None if entity.parent is None else self.rows[entity.parent]
            source = self.inputs.get(name, name)
            query = warehouse.rows(self.program, entity, self.facts(name), source, above, self.as_of)
            self.create(self.rows[name], query)
        entities = self.program.entities
        found = [q for name in self.entities() for q in warehouse.refused(entities[name], self.rows[name])]
        self.create(REFUSED, warehouse.together(found))
        self.make(self.data())
        failures = [warehouse.failed(entities[s.entity], self.rows[s.entity], t) for s, t in self.fallible]
        if failures:
            self.create(FAILED, warehouse.together(failures))
        told = [REFUSED, *([FAILED] if failures else [])]
        self.create(LEFT_OUT, warehouse.together([warehouse.tops(table) for table in told]))

    def result(self, table: str, entity: str, query: exp.Select) -> None:
        """A table of results: the query over the rows of an entity, named `made`, those left out aside."""
        query.set("order", None)
        listed = warehouse.sound(self.rows[entity], LEFT_OUT).subquery(copy=False)
        self.create(table, query.where(exp.In(this=terms.column("?row", "made"), query=listed)))

    def create(self, table: str, query: exp.Query, lazily: bool = False) -> None:
        named = exp.to_table(table, quoted=True)
        options = exp.Properties(expressions=[exp.FileFormatProperty(this=exp.var("PARQUET"))])
        made = exp.Create(
            this=named,
            kind="TABLE",
            expression=query,
            properties=options if self.dialect == "spark" else None,
        )
        self.say(table, exp.Drop(tables=[named.copy()], kind="TABLE", exists=True))
        self.say(table, made, pretty=True)
        if self.dialect == "postgres":  # or it plans the next statement as if the table were empty
            self.statements.append(Statement(table, f"ANALYZE {text_of(named, self.dialect)}"))

    def say(self, table: str, statement: exp.Expr, pretty: bool = False) -> None:
        self.statements.append(Statement(table, text_of(statement, self.dialect, pretty)))

    def has_rows(self, table: str) -> bool:
        return True

    def made(self, step: Step, table: str, may_fail: bool) -> None:
        if may_fail:
            self.fallible.append((step, table))

    def data(self) -> Data:
        days: dict[str, tuple[dt.date, dt.date] | None] = {
            name: (self.as_of if entity.date is None else dt.date.min, self.as_of)
            for name, entity in self.program.entities.items()
        }
        return Data(self.as_of, days)

    # -- the records -------------------------------------------------------------------------

    def entities(self) -> list[str]:
        """The entities whose records are read, parents first."""
        touched = {entity for entity, _ in (*self.plan.facts, *self.plan.decisions)}
        for name in list(touched):
            above = self.program.entities[name].parent
            while above is not None:
                touched.add(above)
                above = self.program.entities[above].parent
        return [name for name in parents_first(self.program) if name in touched]

    def facts(self, entity: str) -> list[str]:
        """The columns that an entity's table must have, in the vocabulary's order."""
        described = self.program.entities[entity]
        read = {described.key, described.date, described.counted_by}
        read |= {e.counted_by for e in self.program.entities.values() if e.parent == entity}
        read |= {name for owner, name in self.plan.facts if owner == entity}
        nodes = [n for check in described.checks for n in walk(check.condition)]
        read |= {n.name for n in nodes if isinstance(n, FactRef)}
        if described.parent is not None:
            read.add(self.program.entities[described.parent].key)
        return [name for owner, name in self.program.facts if owner == entity and name in read]
