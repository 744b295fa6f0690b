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

from mianshen.program.core import Aggregate, DecisionRef, walk
from mianshen.program.failing import fails_alone
from mianshen.program.program import Key, Program
from mianshen.sql import terms
from mianshen.sql.days import benefit_year
from mianshen.sql.plan import Plan, Step, aggregates_of, plan, voidable
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
    carried: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # facts kept beside an entity's last decisions
    held: dict[str, str] = field(
        default_factory=dict
    )  # the tables behind `rows`, where those are views over rowid
    missing: bool = False  # also make `?miss` columns: the facts that unknown values rest on
    prefix: str = "made"
    shelf: Shelf = field(init=False)
    plan: Plan = field(init=False)
    statements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan = plan(self.program, (d.key for d in self.program.decisions))  # any of them may fail
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
        """Every step in order; the rows to reject before everything is decided anew (see `stages`)."""
        self.shelf = Shelf(self.rows)
        data = self.data()
        keep = self._kept()
        possible, alone = voidable(self.program), fails_alone(self.program)
        certain: list[Failure] = []
        others: list[Failure] = []
        last = {step.entity: number for number, step in enumerate(self.plan.steps)}
        for number, step in enumerate(self.plan.steps):
            wanted = frozenset(d.name for d in step.decisions if d.key in keep)
            explained = frozenset(n for e, n in self.explained if e == step.entity)
            items = tuple(self._items_after(number))
            carried = self.carried.get(step.entity, ()) if number == last.get(step.entity) else ()
            stage = Stage(self.program, step, data, self.shelf, possible, wanted, explained, items, carried)
            table = f"{self.prefix}_{number}_{step.entity}"
            for name, query in stage.build(table):
                self.create(name, query)
            if stage.limited and not self.missing:
                self._in_turn(stage, table)
            self.shelf.made.update({d.key: table for d in step.decisions if d.name in wanted})
            self.shelf.before.update(dict.fromkeys(stage.balances, table))
            self.shelf.items.update({a: (table, f"?item{i}") for i, a in enumerate(items)})
            if stage.may_fail:
                failed = self._failed(step, table)
                certain += [f for f in failed if (f.entity, f.decision) in alone]
                others = others or [f for f in failed if (f.entity, f.decision) not in alone]
        return certain or self._earliest(others)

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

    def _in_turn(self, stage: Stage, table: str) -> None:
        """Take in turn the rows that others of their parent must reckon with.

        Every row was decided as if it were the first of its benefit year; that is wrong only where
        a parent has two that count in one year of one accumulator.
        """
        entity = stage.step.entity
        date = self.program.entities[entity].date
        assert date is not None
        found = []
        for name in stage.limited:
            year = benefit_year(terms.column(date), self.program.accumulators[name].year_start)
            many = exp.GT(this=exp.Count(this=exp.Star()), expression=terms.literal(1))
            found.append(
                terms.select(terms.column("?parent"))
                .from_(exp.to_table(table, quoted=True), copy=False)
                .where(terms.column(f"?relevant:{name}"), copy=False)
                .group_by(terms.column("?parent"), year, copy=False)
                .having(terms.disjoin([many, terms.is_null(exp.Max(this=terms.column(date)))]), copy=False)
            )
        several: exp.Query = found[0] if len(found) == 1 else exp.union(*found, distinct=True)
        listed = f"{table}_several"
        relevant = terms.disjoin(terms.column(f"?relevant:{name}") for name in stage.limited)
        inside = exp.In(
            this=terms.column("?parent"),
            query=terms.select(terms.column("?parent"))
            .from_(several.subquery("found", copy=False), copy=False)
            .subquery(copy=False),
        )
        self.create(
            listed,
            terms.select(terms.column("?row"))
            .from_(exp.to_table(table, quoted=True), copy=False)
            .where(relevant, inside, copy=False),
        )
        if not self._one(f'SELECT count(*) FROM "{listed}"')[0]:
            return
        again = replace(stage, layers=[], limited=[], errors=[])
        for name, query in again.build(f"{table}_again", only=listed):
            self.create(name, query)
        columns = [row[0] for row in self.connection.execute(f'DESCRIBE "{table}"').fetchall()]
        self.drop(f"{table}_first")
        self.connection.execute(f'ALTER TABLE "{table}" RENAME TO "{table}_first"')
        self.create(table, _overlaid(f"{table}_first", f"{table}_again", columns), kind="VIEW")

    def _kept(self) -> set[Key]:
        """Decisions that results or later steps read."""
        from mianshen.sql.plan import reads_of

        step_of = {d.key: i for i, s in enumerate(self.plan.steps) for d in s.decisions}
        later = {
            read for s in self.plan.steps for d in s.decisions for read in reads_of(d, self.program)[0]
            if step_of[read] != step_of[d.key]
        }  # fmt: skip
        return set(self.wanted) | later

    def create(self, table: str, query: exp.Query, kind: str = "TABLE") -> None:
        text = query.sql(dialect=DIALECT)
        self.statements.append(text)
        self.drop(table)
        self.connection.execute(f'CREATE TEMP {kind} "{table}" AS {text}')

    def drop(self, table: str) -> None:
        """Drop what an earlier pass made under the name, table or view."""
        query = "SELECT table_type FROM information_schema.tables WHERE table_name = ?"
        for (found,) in self.connection.execute(query, [table]).fetchall():
            self.connection.execute(f'DROP {"VIEW" if found == "VIEW" else "TABLE"} "{table}"')

    def _items_after(self, number: int) -> list[Aggregate]:
        """The aggregates of later steps over this step's entity that can be made with it.

        Nothing they read is decided after it.
        """
        entity = self.plan.steps[number].entity
        done = {d.key for step in self.plan.steps[: number + 1] for d in step.decisions}
        before = {d.key for step in self.plan.steps[:number] for d in step.decisions}
        found = []
        for step in self.plan.steps[number + 1 :]:
            for aggregate in aggregates_of(step):
                inside = [n for part in (aggregate.where, aggregate.body) if part for n in walk(part)]
                reads = {(n.entity, n.name) for n in inside if isinstance(n, DecisionRef)}
                nested = any(isinstance(n, Aggregate) for n in inside)
                if aggregate.child == entity and reads <= done and not reads <= before and not nested:
                    found.append(aggregate)
        return list(dict.fromkeys(found))

    def data(self) -> Data:
        """What the rows let the queries leave out."""
        days: dict[str, tuple[dt.date, dt.date] | None] = {}
        rejected, unreadable = set(), set()
        undated = False
        for name, table in self.rows.items():
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
                columns = [row[0] for row in self.connection.execute(f'DESCRIBE "{table}"').fetchall()]
                if "?unreadable" in columns:
                    unreadable.add(name)
        return Data(self.as_of, days, frozenset(rejected), undated, self.missing, frozenset(unreadable))

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
        """A child of a rejected row is rejected."""
        for name in self._parents_first():
            parent = self.program.entities[name].parent
            if parent is not None and parent in self.rows:
                self._mark(
                    name,
                    f'"?parent" IN (SELECT "?row" FROM "{self.rows[parent]}" WHERE "?rejected")',
                    "parent_rejected",
                )

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
        from mianshen.sql.plan import parents_first

        return [e for e in parents_first(self.program) if e in self.rows]


def _overlaid(table: str, again: str, columns: list[str]) -> exp.Select:
    """The rows of a table in their order, those made again in their new form."""
    second = exp.Not(this=exp.Is(this=terms.column("?row", "again"), expression=exp.null()))
    picked = [
        exp.alias_(terms.case([(second, terms.column(c, "again"))], terms.column(c, "first")), c, quoted=True)
        for c in columns if c not in ("?row", "?parent")
    ]  # fmt: skip
    on = exp.EQ(this=terms.column("?row", "again"), expression=terms.column("?row", "first"))
    kept = [terms.column(c, "first") for c in columns if c in ("?row", "?parent")]
    return (
        terms.select(*kept, *picked)
        .from_(exp.to_table(table, quoted=True).as_("first"), copy=False)
        .join(exp.to_table(again, quoted=True).as_("again"), on=on, join_type="left", copy=False)
    )
