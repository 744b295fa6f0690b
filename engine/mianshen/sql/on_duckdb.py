"""The plan run on DuckDB: step after step into tables, until no row fails any more.

In: a connection holding one table of typed rows an entity (`?row`, `?parent`, `?rejected`, facts).
Out: tables of decisions by `?row`, and which rows were rejected on the way. Deciding a row can fail
(conflict, overflow, a figure's gap); such a row and its children are rejected and the steps run
again, for what they fed is unknown now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb
from sqlglot import exp

from mianshen.program.program import Key, Program
from mianshen.sql.plan import Plan, plan, voidable
from mianshen.sql.stage import Data, Shelf, Stage

DIALECT = "duckdb"


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that could not be decided, and the decision at which that showed."""

    entity: str
    row: int
    decision: str


@dataclass(slots=True)
class Run:
    """One program over one set of row tables. `rows` maps an entity to its table."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    rows: dict[str, str]
    as_of: dt.date
    wanted: frozenset[Key]
    explained: frozenset[Key] = frozenset()
    shelf: Shelf = field(init=False)
    plan: Plan = field(init=False)
    statements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan = plan(self.program, self.wanted)
        self.shelf = Shelf(self.rows)

    def all(self) -> list[Failure]:
        """Run every step; the failures, each row once."""
        failures: list[Failure] = []
        while True:
            found = self.once()
            if not found:
                return failures
            failures += found
            self.reject(found)

    def once(self) -> list[Failure]:
        """Every step in order; stops after a step in which rows fail."""
        self.shelf = Shelf(self.rows)
        data = self.data()
        keep = self._kept()
        possible = voidable(self.program)
        for number, step in enumerate(self.plan.steps):
            wanted = frozenset(d.name for d in step.decisions if d.key in keep)
            explained = frozenset(n for e, n in self.explained if e == step.entity)
            stage = Stage(self.program, step, data, self.shelf, possible, wanted, explained)
            table = f"made_{number}_{step.entity}"
            self.create(table, stage.build())
            self.shelf.made.update({d.key: table for d in step.decisions if d.name in wanted})
            if stage.may_fail:
                failed = self.connection.execute(f'SELECT "?row", "?error" FROM "{table}" WHERE "?error" IS NOT NULL ORDER BY 1').fetchall()
                if failed:
                    return [Failure(step.entity, row, name) for row, name in failed]
        return []

    def _kept(self) -> set[Key]:
        """Decisions that results or later steps read."""
        from mianshen.sql.plan import reads_of

        step_of = {d.key: i for i, s in enumerate(self.plan.steps) for d in s.decisions}
        later = {
            read for s in self.plan.steps for d in s.decisions for read in reads_of(d, self.program)[0]
            if step_of[read] != step_of[d.key]
        }  # fmt: skip
        return set(self.wanted) | later

    def create(self, table: str, query: exp.Select) -> None:
        text = query.sql(dialect=DIALECT)
        self.statements.append(text)
        self.connection.execute(f'CREATE OR REPLACE TEMP TABLE "{table}" AS {text}')

    def data(self) -> Data:
        """What the rows let the queries leave out."""
        days: dict[str, tuple[dt.date, dt.date] | None] = {}
        rejected = set()
        undated = False
        for name, table in self.rows.items():
            date = self.program.entities[name].date
            if date is None:
                days[name] = (self.as_of, self.as_of)
            else:
                first, last = self._one(f'SELECT min("{date}"), max("{date}") FROM "{table}"')
                days[name] = None if first is None else (first, last)
                undated = undated or bool(self._one(f'SELECT count(*) FROM "{table}" WHERE "{date}" IS NULL')[0])
            if self._one(f'SELECT count(*) FROM "{table}" WHERE "?rejected"')[0]:
                rejected.add(name)
        return Data(self.as_of, days, frozenset(rejected), undated)

    def _one(self, query: str) -> tuple:  # type: ignore[type-arg]
        row = self.connection.execute(query).fetchone()
        assert row is not None
        return row

    def reject(self, failures: Iterable[Failure]) -> None:
        """Mark failed rows and everything below them."""
        for entity in {f.entity for f in failures}:
            rows = [(f.row,) for f in failures if f.entity == entity]
            self.connection.executemany(f'UPDATE "{self.rows[entity]}" SET "?rejected" = true WHERE "?row" = ?', rows)
        self.reject_children()

    def reject_children(self) -> None:
        """A child of a rejected row is rejected."""
        for name in self._parents_first():
            parent = self.program.entities[name].parent
            if parent is not None and parent in self.rows:
                self.connection.execute(
                    f'UPDATE "{self.rows[name]}" SET "?rejected" = true WHERE "?parent" IN '
                    f'(SELECT "?row" FROM "{self.rows[parent]}" WHERE "?rejected")'
                )

    def _parents_first(self) -> list[str]:
        from mianshen.sql.plan import _parents_first

        return [e for e in _parents_first(self.program) if e in self.rows]
