"""A plan's steps in order, as queries for some database: what each table is made from.

In: a program, row tables, what is known of their rows (`Data`). Out: tables made through `create`, and
on the shelf which decision stands in which. Which database that is, and whether it is asked at once or a
script is written, is its kin's matter: `on_duckdb`, `on_spark`, `script`.
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from dataclasses import replace

from sqlglot import exp

from mianshen.program.core import Aggregate, DecisionRef, walk
from mianshen.program.program import Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.days import benefit_year
from mianshen.warehouse.plan import Plan, Step, aggregates_of, plan, reads_of, voidable
from mianshen.warehouse.stage import Stage
from mianshen.warehouse.table_catalog import Data, TableCatalog


class Steps(ABC):
    """One program over one set of row tables; a mixin over the fields it names. `rows`: entity to table.

    `missing`: also make `?miss` columns, the facts that unknown values rest on.
    """

    program: Program
    rows: dict[str, str]
    as_of: dt.date
    wanted: frozenset[Key]
    explained: frozenset[Key]
    carried: dict[str, tuple[str, ...]]  # facts kept beside an entity's last decisions
    missing: bool
    prefix: str  # of the names of tables made
    shelf: TableCatalog
    plan: Plan

    def __post_init__(self) -> None:
        self.plan = plan(self.program, (d.key for d in self.program.decisions))  # any of them may fail
        self.shelf = TableCatalog(self.rows)

    @abstractmethod
    def create(self, table: str, query: exp.Query, lazily: bool = False) -> None:
        """Make a table from a query; one of that name is replaced. `lazily`: a view will do."""

    @abstractmethod
    def data(self) -> Data:
        """What is known of the rows."""

    @abstractmethod
    def has_rows(self, table: str) -> bool:
        """Whether a table made before holds any row; true where that cannot be told yet."""

    @abstractmethod
    def made(self, step: Step, table: str, may_fail: bool) -> None:
        """Told of each step's table once it is there."""

    def make(self, data: Data) -> None:
        """Every step in order."""
        self.shelf = TableCatalog(self.rows)
        keep = self._kept()
        possible = voidable(self.program)
        last = {step.entity: number for number, step in enumerate(self.plan.steps)}
        for number, step in enumerate(self.plan.steps):
            wanted = frozenset(d.name for d in step.decisions if d.key in keep)
            explained = frozenset(n for e, n in self.explained if e == step.entity)
            items = tuple(self._items_after(number))
            carried = self.carried.get(step.entity, ()) if number == last.get(step.entity) else ()
            stage = Stage(self.program, step, data, self.shelf, possible, wanted, explained, items, carried)
            table = self._made(stage, f"{self.prefix}_{number}_{step.entity}")
            self.shelf.made.update({d.key: table for d in step.decisions if d.name in wanted})
            self.shelf.before.update(dict.fromkeys(stage.balances, table))
            self.shelf.items.update({a: (table, f"?item{i}") for i, a in enumerate(items)})
            self.made(step, table, stage.may_fail)

    def _made(self, stage: Stage, table: str) -> str:
        """The step's table made; its name."""
        statements = stage.build(table)
        for name, query in statements:
            self.create(name, query)
        if not stage.limited or self.missing:
            return table
        return self._in_turn(stage, table, [c.alias_or_name for c in statements[-1][1].selects])

    def _in_turn(self, stage: Stage, table: str, columns: list[str]) -> str:
        """Take in turn the rows that others of their parent must reckon with.

        Every row was decided as if it were the first of its benefit year; that is wrong only where
        a parent has two that count in one year of one accumulator.
        """
        listed = f"{table}_several"
        self.create(listed, _several(stage, table))
        if not self.has_rows(listed):
            return table
        again = replace(stage, layers=[], limited=[], errors=[])
        for name, query in again.build(f"{table}_again", only=listed):
            self.create(name, query)
        self.create(f"{table}_whole", _overlaid(table, f"{table}_again", columns), lazily=True)
        return f"{table}_whole"

    def _kept(self) -> set[Key]:
        """Decisions that results or later steps read."""
        step_of = {d.key: i for i, s in enumerate(self.plan.steps) for d in s.decisions}
        later = {
            read for s in self.plan.steps for d in s.decisions for read in reads_of(d, self.program)[0]
            if step_of[read] != step_of[d.key]
        }  # fmt: skip
        return set(self.wanted) | later

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


def _several(stage: Stage, table: str) -> exp.Select:
    """The rows that count in one benefit year of an accumulator together with others, or have no date."""
    date = stage.program.entities[stage.step.entity].date
    assert date is not None
    found = []
    for name in stage.limited:
        year = benefit_year(terms.column(date), stage.program.accumulators[name].year_start)
        many = exp.GT(this=exp.Count(this=exp.Star()), expression=terms.literal(1))
        found.append(
            terms.select(terms.column("?parent"))
            .from_(exp.to_table(table, quoted=True), copy=False)
            .where(terms.column(f"?relevant:{name}"), copy=False)
            .group_by(terms.column("?parent"), year, copy=False)
            .having(terms.disjoin([many, terms.is_null(exp.Max(this=terms.column(date)))]), copy=False)
        )
    several: exp.Query = found[0] if len(found) == 1 else exp.union(*found, distinct=True)
    relevant = terms.disjoin(terms.column(f"?relevant:{name}") for name in stage.limited)
    parents = terms.select(terms.column("?parent")).from_(several.subquery("found", copy=False), copy=False)
    inside = exp.In(this=terms.column("?parent"), query=parents.subquery(copy=False))
    return (
        terms.select(terms.column("?row"))
        .from_(exp.to_table(table, quoted=True), copy=False)
        .where(relevant, inside, copy=False)
    )


def _overlaid(table: str, again: str, columns: list[str]) -> exp.Select:
    """The rows of a table in their order, those made again in their new form."""
    second = exp.Not(this=exp.Is(this=terms.column("?row", "again"), expression=exp.null()))
    picked = [
        terms.alias(terms.case([(second, terms.column(c, "again"))], terms.column(c, "first")), c)
        for c in columns if c not in ("?row", "?parent")
    ]  # fmt: skip
    on = exp.EQ(this=terms.column("?row", "again"), expression=terms.column("?row", "first"))
    kept = [terms.column(c, "first") for c in columns if c in ("?row", "?parent")]
    return (
        terms.select(*kept, *picked)
        .from_(exp.to_table(table, quoted=True).as_("first"), copy=False)
        .join(exp.to_table(again, quoted=True).as_("again"), on=on, join_type="left", copy=False)
    )
