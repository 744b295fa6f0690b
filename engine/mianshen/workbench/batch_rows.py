"""Row tables of a batch: inputs typed, parents found, what is wrong rejected with its reason.

In: inputs by entity, a connection. Out: a table an entity with `?row` (the record's number in its
file, from 1), `?parent`, `?rejected`, `?field`, `?reason`, `?unreadable` and the facts.
Invariants: every record of every file is a row; a rejected row keeps what could be read; the first
mistake of a row is its reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb
from sqlglot import exp, parse_one

from mianshen.program.program import Entity, Fact, Key, Program
from mianshen.source import RuleError, Span
from mianshen.sql import terms
from mianshen.sql.emit import Scope, emit
from mianshen.sql.intake import Read, WrongColumn, read_column
from mianshen.sql.terms import Sql
from mianshen.workbench import batch_mistakes as mistakes
from mianshen.workbench.inputs import Input, identifier


@dataclass(slots=True)
class RowTables:
    """Builds the row tables, parents first. `counts`: records read by entity."""

    program: Program
    connection: duckdb.DuckDBPyConnection
    as_of: dt.date
    inputs: dict[str, Input]
    read: frozenset[Key] | None = None  # the facts that rules read (None: all); others are checked, not kept
    tables: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    lets: list[list[Sql]] = field(default_factory=list)
    doubled: dict[str, bool] = field(default_factory=dict)

    def build(self) -> dict[str, str]:
        """Every entity's table, parents first; an entity without a file has an empty one."""
        for entity in self._parents_first():
            self.tables[entity.name] = f"rows_{entity.name}"
            self._make(entity)
            self._refuse_duplicates(entity)
            self._refuse_orphans(entity)
            self._refuse_children(entity)
        return self.tables

    def _parents_first(self) -> list[Entity]:
        def depth(entity: Entity) -> int:
            return 0 if entity.parent is None else 1 + depth(self.program.entities[entity.parent])

        return sorted(self.program.entities.values(), key=depth)

    def _facts(self, entity: Entity) -> list[Fact]:
        return [fact for (owner, _), fact in self.program.facts.items() if owner == entity.name]

    # -- one table ---------------------------------------------------------------------------

    def _make(self, entity: Entity) -> None:
        table = self.tables[entity.name]
        typed = self._typed(entity)
        checked = self._checked(entity, typed)
        held = identifier(self._held(entity))
        self.connection.execute(f"CREATE TEMP TABLE {held} AS {checked.sql(dialect='duckdb')}")
        parts = ", ".join(
            f"nullif(split_part(\"?refusal\", '|', {n}), '') AS \"?{name}\""
            for n, name in enumerate(("field", "reason", "unreadable"), 1)
        )
        self.connection.execute(
            f'CREATE TEMP VIEW {identifier(table)} AS SELECT rowid + 1 AS "?row", *, {parts} FROM {held}'
        )
        row = self.connection.execute(f"SELECT count(*) FROM {identifier(table)}").fetchone()
        self.counts[entity.name] = row[0] if row else 0

    def _held(self, entity: Entity) -> str:
        """The table behind an entity's rows."""
        return f"{self.tables[entity.name]}?held"

    def _typed(self, entity: Entity) -> exp.Select:
        """The file's columns as facts, with the reasons of what is refused."""
        source = self.inputs.get(entity.name)
        self.lets = []
        columns: list[Sql] = []
        refused: list[tuple[str, Sql, str]] = []
        for fact in self._facts(entity):
            read = self._read(fact, source)
            if isinstance(read, Read):
                columns.append(exp.alias_(read.value, fact.name, quoted=True))
                refused += [(fact.name, test, reason) for test, reason in read.refused]
            else:
                columns.append(exp.alias_(read, fact.name, quoted=True))
        columns.append(self._refusals(refused))
        if source is None:
            return exp.select(*columns).where(terms.FALSE)
        relation: exp.Expr = parse_one(f"SELECT * FROM {source.relation}", dialect="duckdb")
        assert isinstance(relation, exp.Query)
        below: exp.Query = relation
        for layer in self.lets:
            below = exp.select(exp.Star(), *layer).from_(below.subquery("input", copy=False))
        return exp.select(*columns).from_(below.subquery("input", copy=False))

    def _let(self, fact: Fact) -> Callable[[str, Sql], Sql]:
        """Names intermediate values of a fact, each a layer above what it reads."""
        depth: dict[str, int] = {}

        def let(part: str, value: Sql) -> Sql:
            name = f"?{part}:{fact.name}"
            depth[name] = 1 + max((depth.get(c.name, 0) for c in value.find_all(exp.Column)), default=0)
            while len(self.lets) < depth[name]:
                self.lets.append([])
            self.lets[depth[name] - 1].append(exp.alias_(value, name, quoted=True))
            return terms.column(name)

        return let

    def _read(self, fact: Fact, source: Input | None) -> Read | Sql:
        column = None if source is None else source.columns.get(fact.name)
        if column is None or source is None:
            value = terms.NULL if fact.when_absent is None else terms.literal(fact.when_absent)
            return terms.cast(value, terms.sql_type(fact.type))
        try:
            return read_column(
                fact, terms.column(column[0]), column[1], dict(self.program.codes), self._let(fact)
            )
        except WrongColumn as wrong:
            place = Span(str(source.path), 1, 1)
            raise RuleError([mistakes.wrong_column(place, column[0], wrong.found, wrong.wanted)]) from None

    def _refusals(self, refused: list[tuple[str, Sql, str]]) -> Sql:
        """`?refusal`: `field|reason|,a,b,` of a row with wrong values: the first one, and all their names."""
        by_field: dict[str, list[Sql]] = {}
        for name, test, _ in refused:
            by_field.setdefault(name, []).append(test)
        first = terms.case([(test, terms.literal(f"{name}|{reason}|,")) for name, test, reason in refused])
        parts = [
            terms.case([(terms.disjoin(tests), terms.literal(f"{name},"))], terms.literal(""))
            for name, tests in by_field.items()
        ]
        whole: Sql = first
        for part in parts:
            whole = exp.DPipe(this=whole, expression=terms.paren(part))
        any_ = terms.disjoin(test for _, test, _ in refused)
        return exp.alias_(terms.cast(terms.case([(any_, whole)]), "VARCHAR"), "?refusal", quoted=True)

    def _checked(self, entity: Entity, typed: exp.Select) -> exp.Select:
        """Required facts, the date, the vocabulary's checks; the parent's row beside each."""
        tests = self._required(entity) + self._in_time(entity)
        failed = self._failed_checks(entity)
        facts: list[Sql] = []
        for fact in self._facts(entity):
            if not self._kept(entity, fact):
                continue
            value: Sql = terms.column(fact.name, "typed")
            spoiling = [test for name, test in failed if name == fact.name]
            if spoiling:
                value = terms.case([(terms.negate(terms.disjoin(spoiling)), value)])
            facts.append(exp.alias_(value, fact.name, quoted=True))
        tests += [(test, name, "failed_check") for name, test in failed]
        given = terms.column("?refusal", "typed")
        rejected = terms.disjoin([terms.is_known(given), *(test for test, _, _ in tests)])
        spoilt = {name for name, _ in failed}
        later = [
            (t, terms.literal(f"{n}|{r}|" + (f",{n}," if n in spoilt and r == "failed_check" else "")))
            for t, n, r in tests
        ]
        refusal = exp.Coalesce(this=given, expressions=[terms.cast(terms.case(later), "VARCHAR")])
        shown = [
            *facts,
            exp.alias_(rejected, "?rejected", quoted=True),
            exp.alias_(refusal, "?refusal", quoted=True),
        ]
        query = exp.select(*shown).from_(typed.subquery("typed", copy=False))
        return self._with_parent(entity, query)

    def _kept(self, entity: Entity, fact: Fact) -> bool:
        keys = {
            entity.key,
            entity.date,
            *(e.key for e in self.program.entities.values() if e.name == entity.parent),
        }
        counted = {e.counted_by for e in self.program.entities.values() if e.parent == entity.name}
        return self.read is None or fact.name in keys | counted or (entity.name, fact.name) in self.read

    def _with_parent(self, entity: Entity, query: exp.Select) -> exp.Select:
        if entity.parent is None:
            return query.select(exp.alias_(terms.cast(terms.NULL, "BIGINT"), "?parent", quoted=True))
        key = self.program.entities[entity.parent].key
        row = terms.column("?row")
        if doubled := self._doubled(entity.parent):
            row = exp.alias_(exp.Min(this=row), "?row", quoted=True)
        table = exp.to_table(self.tables[entity.parent], quoted=True)
        parents = exp.select(terms.column(key), row).from_(table)
        if doubled:
            parents = parents.group_by(terms.column(key))
        on = exp.EQ(this=terms.column(key, "parents"), expression=terms.column(key, "typed"))
        query = query.join(parents.subquery("parents", copy=False), on=on, join_type="left")
        return query.select(exp.alias_(terms.column("?row", "parents"), "?parent", quoted=True))

    def _required(self, entity: Entity) -> list[tuple[Sql, str, str]]:
        return [
            (terms.is_null(terms.column(f.name, "typed")), f.name, "required")
            for f in self._facts(entity)
            if f.required
        ]

    def _in_time(self, entity: Entity) -> list[tuple[Sql, str, str]]:
        if entity.date is None:
            return []
        late = exp.GT(this=terms.column(entity.date, "typed"), expression=terms.literal(self.as_of))
        return [(terms.surely(late), entity.date, "after_as_of")]

    def _failed_checks(self, entity: Entity) -> list[tuple[str, Sql]]:
        scope = Scope(self.program, entity.name, self.as_of, (self.as_of, self.as_of), frozenset())
        return [
            (check.field, terms.surely_not(emit(check.condition, scope).value)) for check in entity.checks
        ]

    # -- what only shows among rows ----------------------------------------------------------

    def _doubled(self, entity: str) -> bool:
        if entity not in self.doubled:
            self.doubled[entity] = self._has_doubled(entity)
        return self.doubled[entity]

    def _has_doubled(self, entity: str) -> bool:
        """Whether two rows share a key; hashes that are all different show that none do."""
        key = identifier(self.program.entities[entity].key)
        table = identifier(self.tables[entity])
        row = self.connection.execute(
            f"SELECT count({key}), count(DISTINCT hash({key})) FILTER ({key} IS NOT NULL) FROM {table}"
        ).fetchone()
        return row is not None and row[0] != row[1]

    def _refuse_duplicates(self, entity: Entity) -> None:
        if not self._doubled(entity.name):
            return
        key, table = identifier(entity.key), identifier(self.tables[entity.name])
        self._refuse(
            entity,
            entity.key,
            "duplicate",
            f"{key} IN (SELECT {key} FROM {table} GROUP BY 1 HAVING count(*) > 1)",
        )

    def _refuse_orphans(self, entity: Entity) -> None:
        """A row that names a parent who is in no file; without a file of parents nobody is missed."""
        if entity.parent is None or entity.parent not in self.inputs:
            return
        key = self.program.entities[entity.parent].key
        self._refuse(entity, key, "unknown_parent", f'"?parent" IS NULL AND {identifier(key)} IS NOT NULL')

    def _refuse_children(self, entity: Entity) -> None:
        if entity.parent is None:
            return
        parents = identifier(self.tables[entity.parent])
        self._refuse(
            entity, "", "parent_rejected", f'"?parent" IN (SELECT "?row" FROM {parents} WHERE "?rejected")'
        )

    def _refuse(self, entity: Entity, field_: str, reason: str, where: str) -> None:
        self.connection.execute(
            f'UPDATE {identifier(self._held(entity))} SET "?rejected" = true, "?refusal" = coalesce("?refusal", ?) WHERE {where}',
            [f"{field_}|{reason}|"],
        )
