"""The plan run on DuckDB: step after step into tables, until no row fails any more.

In: a connection holding one table of typed rows an entity (`?row`, `?parent`, `?rejected`, facts).
Out: tables of decisions by `?row`, and which rows were rejected on the way. Deciding a row can fail
(conflict, overflow, a figure's gap); such a row and its children are rejected and the steps run
again, for what they fed is unknown now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import duckdb
from sqlglot import exp

from mianshen.program.failing import fails_alone
from mianshen.program.program import Key, Program
from mianshen.warehouse.plan import Plan, Step
from mianshen.warehouse.steps import Steps
from mianshen.warehouse.table_catalog import Data, TableCatalog

DIALECT = "duckdb"


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that could not be decided, and the decision at which that showed."""

    entity: str
    row: int
    decision: str


def _once_each(failures: Iterable[Failure]) -> list[Failure]:
    """A row that fails in several steps fails at the first."""
    found: dict[tuple[str, int], Failure] = {}
    for failure in failures:
        found.setdefault((failure.entity, failure.row), failure)
    return list(found.values())


@dataclass(slots=True)
class Run(Steps):
    """One program over one set of row tables. `rows` maps an entity to its table."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    rows: dict[str, str]
    as_of: dt.date
    wanted: frozenset[Key]
    explained: frozenset[Key] = frozenset()
    carried: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # facts kept beside an entity's last decisions
    held: dict[str, str] = field(
        default_factory=dict
    )  # the tables behind `rows`, where those are views over rowid
    missing: bool = False  # also make `?miss` columns: the facts that unknown values rest on
    prefix: str = "made"
    shelf: TableCatalog = field(init=False)
    plan: Plan = field(init=False)
    statements: list[str] = field(default_factory=list)
    failing: list[tuple[Step, str]] = field(
        default_factory=list
    )  # steps that may have failed, with their tables

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
        """Every step in order; the rows to reject before everything is decided anew (see `stages`)."""
        self.failing = []
        self.make(self.data())
        alone = fails_alone(self.program)
        certain: list[Failure] = []
        others: list[tuple[int, Failure]] = []
        for step, table in self.failing:
            for failure in self._failed(step, table):
                if (failure.entity, failure.decision) in alone:
                    certain.append(failure)
                else:
                    others.append((step.stage, failure))
        first = [failure for stage, failure in others if stage == others[0][0]]
        return _once_each(certain) or self._earliest(_once_each(first))

    def made(self, step: Step, table: str, may_fail: bool) -> None:
        if may_fail:
            self.failing.append((step, table))

    def _failed(self, step: Step, table: str) -> list[Failure]:
        query = f'SELECT "?row", "?error" FROM "{table}" WHERE "?error" IS NOT NULL ORDER BY 1'
        return [Failure(step.entity, row, name) for row, name in self.connection.execute(query).fetchall()]

    def _earliest(self, failures: list[Failure]) -> list[Failure]:
        """Of a dated entity, each parent's first: what comes after it may not fail any more."""
        described = None if not failures else self.program.entities[failures[0].entity]
        if described is None or described.date is None:
            return failures
        order = f'PARTITION BY "?parent" ORDER BY "{described.date}" NULLS FIRST, "{described.key}"'
        among = f'FROM "{self.rows[described.name]}" WHERE "?row" IN (SELECT unnest(?))'
        failing = f'SELECT "?row", row_number() OVER ({order}) AS n {among}'
        found = self.connection.execute(
            f'SELECT "?row" FROM ({failing}) WHERE n = 1', [[f.row for f in failures]]
        )
        first = {row for (row,) in found.fetchall()}
        return [f for f in failures if f.row in first]

    def asking(self, rows: dict[str, str], wanted: frozenset[Key]) -> Run:
        """A run over some of the rows that also makes `?miss` columns: which facts unknown values rest on."""
        return replace(
            self, rows=rows, wanted=wanted, explained=frozenset(), carried={}, held={}, missing=True, prefix="asked",
            statements=[], failing=[],
        )  # fmt: skip

    def has_rows(self, table: str) -> bool:
        return bool(self._one(f'SELECT count(*) FROM "{table}"')[0])

    def create(self, table: str, query: exp.Query, lazily: bool = False) -> None:
        text = query.sql(dialect=DIALECT, copy=False)
        self.statements.append(text)
        self.drop(table)
        self.connection.execute(f'CREATE TEMP {"VIEW" if lazily else "TABLE"} "{table}" AS {text}')

    def drop(self, table: str) -> None:
        """Drop what an earlier pass made under the name, table or view."""
        try:
            self.connection.execute(f'DROP TABLE IF EXISTS "{table}"')
        except duckdb.CatalogException:  # it is a view
            self.connection.execute(f'DROP VIEW "{table}"')

    def data(self) -> Data:
        """What the rows let the queries leave out."""
        days: dict[str, tuple[dt.date, dt.date] | None] = {}
        rejected, unreadable, over_time, versions, voided = set(), set(), set(), set(), set()
        settled: set[Key] = set()
        undated = False
        for name, table in self.rows.items():
            columns = [row[0] for row in self.connection.execute(f'DESCRIBE "{table}"').fetchall()]
            over_time |= {name} if "?under" in columns else set()
            versions |= {name} if "?of" in columns else set()
            settled |= self._settled(name, table, columns)
            if "?voider" in columns and self._one(f'SELECT count("?voider") FROM "{table}"')[0]:
                voided.add(name)
            date = self.program.entities[name].date
            if date is None:
                days[name] = (self.as_of, self.as_of)
            else:
                first, last = self._one(f'SELECT min("{date}"), max("{date}") FROM "{table}"')
                days[name] = None if first is None else (first, last)
                undated = undated or bool(
                    self._one(f'SELECT count(*) FROM "{table}" WHERE "{date}" IS NULL')[0]
                )
            if self._one(f'SELECT count(*) FROM "{table}" WHERE "?rejected"')[0]:
                rejected.add(name)
                if "?unreadable" in columns:
                    unreadable.add(name)
        return Data(
            self.as_of, days, frozenset(rejected | voided), undated, self.missing, frozenset(unreadable),
            frozenset(over_time), frozenset(versions), frozenset(voided), frozenset(settled),
        )  # fmt: skip

    def _settled(self, entity: str, table: str, columns: list[str]) -> set[Key]:
        """The facts that hold what was really paid, where some row has one."""
        facts = [fact for fact in self.program.settling(entity).values() if fact in columns]
        counts = ", ".join(f'count("{fact}")' for fact in facts)
        held = self._one(f'SELECT {counts} FROM "{table}"') if facts else ()
        return {(entity, fact) for fact, count in zip(facts, held, strict=True) if count}

    def _one(self, query: str) -> tuple:  # type: ignore[type-arg]
        row = self.connection.execute(query).fetchone()
        assert row is not None
        return row

    def reject(self, failures: Iterable[Failure]) -> None:
        """Mark failed rows and everything below them."""
        for entity in {f.entity for f in failures}:
            rows = [f.row for f in failures if f.entity == entity]
            self._mark(entity, '"?row" IN (SELECT unnest(?))', "undecidable", rows)
        self.reject_children()

    def reject_children(self) -> None:
        """A child of a rejected row is rejected; of a rejected row above the person's nothing is known instead."""
        for name in self._parents_first():
            parent = self.program.entities[name].parent
            columns = [row[0] for row in self.connection.execute(f'DESCRIBE "{self.rows[name]}"').fetchall()]
            links = {link: parent for link in ("?parent", "?under") if link in columns}
            links |= {"?of": name} if "?of" in columns else {}
            for link, above in links.items():
                if above is not None and above in self.rows and not self.program.above_entry(above):
                    inside = f'SELECT "?row" FROM "{self.rows[above]}" WHERE "?rejected"'
                    self._mark(name, f'"{link}" IN ({inside})', "parent_rejected")

        for name in self.rows:
            if self.program.above_entry(name):
                self._forget(name)

    def _forget(self, entity: str) -> None:
        """What rejected rows say is no more known than what cannot be read."""
        table, key = self.held.get(entity, self.rows[entity]), self.program.entities[entity].key
        columns = {row[0] for row in self.connection.execute(f'DESCRIBE "{table}"').fetchall()}
        facts = [name for owner, name in self.program.facts if owner == entity and name in columns]
        forgotten = [f'"{name}" = NULL' for name in facts if name != key]
        if "?unreadable" in columns:
            forgotten.append(f"\"?unreadable\" = ',{','.join(facts)},'")
        if forgotten:
            self.connection.execute(f'UPDATE "{table}" SET {", ".join(forgotten)} WHERE "?rejected"')

    def _mark(self, entity: str, where: str, reason: str, rows: list[int] | None = None) -> None:
        """Reject the rows of an entity that a condition names, each for its first reason."""
        table = self.held.get(entity, self.rows[entity])
        number = "rowid + 1" if entity in self.held else '"?row"'
        inside = f'SELECT "?row" FROM "{self.rows[entity]}" WHERE {where}'
        columns = [row[0] for row in self.connection.execute(f'DESCRIBE "{table}"').fetchall()]
        why = f', "?refusal" = coalesce("?refusal", \'|{reason}|\')' if "?refusal" in columns else ""
        self.connection.execute(
            f'UPDATE "{table}" SET "?rejected" = true{why} WHERE {number} IN ({inside})',
            [] if rows is None else [rows],
        )

    def _parents_first(self) -> list[str]:
        from mianshen.warehouse.plan import parents_first

        return [e for e in parents_first(self.program) if e in self.rows]
