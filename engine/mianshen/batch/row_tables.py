"""Row tables of a batch: inputs typed, parents found, what is wrong rejected with its reason.

In: inputs by entity, a connection. Out: a table an entity with `?row` (the record's number in its
file, from 1), `?parent`, `?rejected`, `?refusal` (`field|reason|`), `?unreadable` (`,a,b,`: the facts
given and wrong) and the facts.
Invariants: every record of every file is a row; a rejected row keeps what could be read; the first
mistake of a row is its reason. The tables are in no order: joins do not keep that of a file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import duckdb
from sqlglot import exp, parse_one

from mianshen.batch.reasons import tell_reasons
from mianshen.batch.row_versions import BatchTimes
from mianshen.ingest.inputs import ROW, Input, Part, explained, identifier, quoted
from mianshen.program.program import Entity, Fact, Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.on_duckdb import Failure
from mianshen.warehouse.read_columns import Read, read_column
from mianshen.warehouse.scope import Scope

NOT_THE_FILE: Final = (
    duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.BinderException, duckdb.CatalogException,
    duckdb.ParserException, duckdb.InternalException,
)  # fmt: skip
Reader: TypeAlias = Callable[[Fact, Part | None, Callable[[Fact, Part | None], Read]], Read]
CHECK: Final = "failed_check"  # told of a row only when nothing else is wrong with it


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
    files: dict[str, list[tuple[str, int]]] = field(default_factory=dict)  # name, records before it
    lets: list[list[Sql]] = field(default_factory=list)
    doubled: dict[str, bool] = field(default_factory=dict)
    cut: bool = False  # the files are cut to some rows, each with its number among all of the entity's
    times: BatchTimes = field(init=False)

    def __post_init__(self) -> None:
        self.times = BatchTimes(self.program, self.connection, self.as_of, self.inputs, self._refuse_late)

    def build(self) -> dict[str, str]:
        """Every entity's table, parents first; an entity without a file has an empty one."""
        for entity in self._parents_first():
            self.tables[entity.name] = f"rows_{entity.name}"
            self._make(entity)
            if not self.times.begin(entity):
                self._refuse_duplicates(entity)
            self.times.place(entity)
            self._refuse_orphans(entity)
            self._refuse_children(entity)
            self.times.refuse_children(entity)
        for entity in self._parents_first():
            self.times.take_out(entity)
        self.times.finish()
        self._stand_in()
        return self.tables

    def _stand_in(self) -> None:
        """A person of whom no parent is told has one of whom nothing is known, numbered below zero."""
        entry = self.program.entities[self.program.entry]
        if entry.parent is None:
            return
        rows, parents = identifier(self.tables[entry.name]), identifier(self.tables[entry.parent])
        alone = '"?parent" IS NULL AND NOT "?rejected"'
        if self.times.active == entry:
            alone += ' AND "?of" IS NULL'
        facts = [
            fact
            for fact in self._facts(self.program.entities[entry.parent])
            if fact.when_absent is not None and self._kept(self.program.entities[entry.parent], fact)
        ]
        names = "".join(f", {identifier(fact.name)}" for fact in facts)
        values = "".join(
            f", {terms.literal(fact.assumed_on(self.as_of)).sql(dialect='duckdb')}" for fact in facts
        )
        self.connection.execute(
            f'INSERT INTO {parents} ("?row", "?rejected"{names}) SELECT -"?row", false{values} FROM {rows} WHERE {alone}'
        )
        self.connection.execute(f'UPDATE {rows} SET "?parent" = -"?row" WHERE {alone}')
        if self.times.active == entry:
            unled = '"?under" IS NULL AND NOT "?rejected"'
            self.connection.execute(f'UPDATE {rows} SET "?under" = -coalesce("?of", "?row") WHERE {unled}')

    def _parents_first(self) -> list[Entity]:
        def depth(entity: Entity) -> int:
            return 0 if entity.parent is None else 1 + depth(self.program.entities[entity.parent])

        return sorted(self.program.entities.values(), key=depth)

    def _facts(self, entity: Entity) -> list[Fact]:
        return [fact for (owner, _), fact in self.program.facts.items() if owner == entity.name]

    # -- one table ---------------------------------------------------------------------------

    def _make(self, entity: Entity) -> None:
        """The entity's table. Rows without a number are read into a table first, whose `rowid` is one."""
        source = self.inputs.get(entity.name)
        parts = () if source is None else source.parts
        table, read = self.tables[entity.name], f"{self.tables[entity.name]}?read"
        if len(parts) == 1 and parts[0].numbered:
            self._guarded(parts[0], table, self._checked(entity, self.typed(entity, parts[0])))
            self.files[entity.name] = [(parts[0].name, 0)]
        elif not parts:
            self._create(table, self._checked(entity, self.typed(entity, None)))
        else:
            self._read_all(entity, parts, read)
            if self.cut:
                self._create(
                    table,
                    self._checked(entity, exp.select(exp.Star()).from_(exp.to_table(read, quoted=True))),
                )
                self.connection.execute(f"DROP TABLE {identifier(read)}")
                self.counts[entity.name] = self._count(table)
                return
            number = exp.Add(this=exp.column("rowid"), expression=terms.literal(1))
            numbered = exp.select(terms.alias(number, ROW), exp.Star()).from_(exp.to_table(read, quoted=True))
            self._create(table, self._checked(entity, numbered))
            self.connection.execute(f"DROP TABLE {identifier(read)}")
        self.counts[entity.name] = self._count(table)

    def _read_all(self, entity: Entity, parts: Sequence[Part], read: str) -> None:
        """The files' records one after the other, and how many come before each file's."""
        files = self.files[entity.name] = []
        for part in parts:
            files.append((part.name, self._count(read) if files else 0))
            typed = self.typed(entity, part, numbered=self.cut)
            self._guarded(part, read, typed, more=len(files) > 1)

    def _guarded(self, part: Part, table: str, query: exp.Query, more: bool = False) -> None:
        """Make a table of a file's records, or add them to it; what cannot be read is told in our words."""
        try:
            self._create(table, query, more)
        except (duckdb.Error, UnicodeError) as error:
            elsewhere = isinstance(error, duckdb.IOException) and str(part.text.path) not in str(error)
            if elsewhere or isinstance(error, NOT_THE_FILE):
                raise
            raise explained(part, str(error)) from None

    def _count(self, table: str) -> int:
        row = self.connection.execute(f"SELECT count(*) FROM {identifier(table)}").fetchone()
        return row[0] if row else 0

    def _create(self, table: str, query: exp.Query, more: bool = False) -> None:
        kind = f"INSERT INTO {identifier(table)}" if more else f"CREATE TEMP TABLE {identifier(table)} AS"
        self.connection.execute(f"{kind} {query.sql(dialect='duckdb', copy=False)}")

    def typed(
        self, entity: Entity, source: Part | None, numbered: bool = True, read: Reader | None = None
    ) -> exp.Select:
        """The file's columns as facts, with the reasons of what is refused. `read`: another way to read one."""
        self.lets = []
        numbered = numbered and source is not None and source.numbered
        columns: list[Sql] = [terms.column(ROW)] if numbered else []
        refused: list[tuple[str, Sql, Sql]] = []
        for fact in self._facts(entity):
            made = self._read(fact, source) if read is None else read(fact, source, self._read)
            columns.append(terms.alias(made.value, fact.name))
            refused += [(fact.name, test, reason) for test, reason in made.refused]
        columns.append(self._refusals(refused))
        if source is None:
            return exp.select(_number(terms.NULL, ROW), *columns).where(terms.FALSE)
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
            self.lets[depth[name] - 1].append(terms.alias(value, name))
            return terms.column(name)

        return let

    def _read(self, fact: Fact, source: Part | None) -> Read:
        column = None if source is None else source.columns.get(fact.name)
        if column is None:
            assumed = fact.assumed_on(self.as_of)
            value = terms.NULL if assumed is None else terms.literal(assumed)
            return Read(terms.cast(value, terms.sql_type(fact.type)), ())
        written, found = column
        return read_column(fact, terms.column(written), found, dict(self.program.codes), self._let(fact))

    def _refusals(self, refused: list[tuple[str, Sql, Sql]]) -> Sql:
        """`?wrong`: `field|reason|,a,b,` of a row with wrong values: the first one, and all their names."""
        by_field: dict[str, list[Sql]] = {}
        for name, test, _ in refused:
            by_field.setdefault(name, []).append(test)
        first = [(test, joined(terms.literal(f"{name}|"), reason)) for name, test, reason in refused]
        parts = [
            terms.case([(terms.disjoin(tests), terms.literal(f"{name},"))], terms.literal(""))
            for name, tests in by_field.items()
        ]
        whole = joined(terms.case(first), terms.literal("|,"), *parts)
        any_ = terms.disjoin(test for _, test, _ in refused)
        return terms.alias(terms.cast(terms.case([(any_, whole)]), "VARCHAR"), "?wrong")

    def _checked(self, entity: Entity, typed: exp.Select) -> exp.Select:
        """Required facts, the date, the vocabulary's checks; the parent's row beside each."""
        required, failed = self._required(entity), self._failed_checks(entity)
        facts: list[Sql] = []
        for fact in self._facts(entity):
            if not self._kept(entity, fact):
                continue
            value: Sql = terms.column(fact.name, "typed")
            spoiling = [test for name, test in failed if name == fact.name]
            if spoiling:
                value = terms.case([(terms.negate(terms.disjoin(spoiling)), value)])
            facts.append(terms.alias(value, fact.name))
        tests = [
            *((test, name, "required") for name, test in required),
            *((test, name, "after_as_of") for name, test in self._in_time(entity)),
            *((test, name, CHECK) for name, test in failed),
        ]
        wrong = terms.column("?wrong", "typed")
        rejected = terms.disjoin([terms.is_known(wrong), *(test for test, _, _ in tests)])
        first = joined(_part(wrong, 1), terms.literal("|"), _part(wrong, 2), terms.literal("|"))
        refusal = terms.case(
            [(terms.is_known(wrong), first), *((t, terms.literal(f"{n}|{r}|")) for t, n, r in tests)]
        )
        given = exp.Coalesce(this=_part(wrong, 3), expressions=[terms.literal("")])
        bad = [terms.case([(t, terms.literal(f",{n},"))], terms.literal("")) for n, t in (*required, *failed)]
        shown = [
            terms.column(ROW, "typed"),
            *facts,
            terms.alias(rejected, "?rejected"),
            terms.alias(terms.cast(refusal, "VARCHAR"), "?refusal"),
            terms.alias(terms.cast(terms.case([(rejected, joined(given, *bad))]), "VARCHAR"), "?unreadable"),
        ]
        query = exp.select(*shown).from_(typed.subquery("typed", copy=False))
        return self._with_parent(entity, query)

    def wrong(self, entity: Entity) -> list[Sql]:
        """What refuses a row of typed facts whose every value could be read."""
        parts = (*self._required(entity), *self._in_time(entity), *self._failed_checks(entity))
        return [next(p for p in pair if not isinstance(p, str)) for pair in parts]

    def _kept(self, entity: Entity, fact: Fact) -> bool:
        keys = {
            entity.key,
            entity.date,
            *(e.key for e in self.program.entities.values() if e.name == entity.parent),
        }
        counted = {e.counted_by for e in self.program.entities.values() if e.parent == entity.name}
        over_time = {entity.valid_from, entity.reverses, *([fact.name] if fact.settles is not None else [])}
        if fact.name in over_time and self.times.given(entity.name, fact.name):
            return True
        return self.read is None or fact.name in keys | counted or (entity.name, fact.name) in self.read

    def _with_parent(self, entity: Entity, query: exp.Select) -> exp.Select:
        if entity.parent is None:
            return query.select(_number(terms.NULL, "?parent"))
        key = self.program.entities[entity.parent].key
        row = terms.column("?row")
        if doubled := self._doubled(entity.parent):
            row = terms.alias(exp.Min(this=row), "?row")
        table = exp.to_table(self.tables[entity.parent], quoted=True)
        parents = exp.select(terms.column(key), row).from_(table)
        if doubled:
            parents = parents.group_by(terms.column(key))
        on = exp.EQ(this=terms.column(key, "parents"), expression=terms.column(key, "typed"))
        query = query.join(parents.subquery("parents", copy=False), on=on, join_type="left")
        return query.select(terms.alias(terms.column("?row", "parents"), "?parent"))

    def _required(self, entity: Entity) -> list[tuple[str, Sql]]:
        facts = [fact.name for fact in self._facts(entity) if fact.required]
        return [(name, terms.is_null(terms.column(name, "typed"))) for name in facts]

    def _in_time(self, entity: Entity) -> list[tuple[str, Sql]]:
        if entity.date is None:
            return []
        late = exp.GT(this=terms.column(entity.date, "typed"), expression=terms.literal(self.as_of))
        return [(entity.date, terms.surely(late))]

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
            before=CHECK,
        )

    def _refuse_orphans(self, entity: Entity) -> None:
        """A row that names a parent who is in no file; without a file of parents nobody is missed."""
        if entity.parent is None or entity.parent not in self.inputs:
            return
        key = self.program.entities[entity.parent].key
        now = ' AND "?of" IS NULL' if self.times.active == entity else ""
        self._refuse(
            entity, key, "unknown_parent", f'"?parent" IS NULL AND {identifier(key)} IS NOT NULL{now}'
        )

    def _refuse_children(self, entity: Entity) -> None:
        if entity.parent is None:
            return
        parents = identifier(self.tables[entity.parent])
        self._refuse(
            entity, "", "parent_rejected", f'"?parent" IN (SELECT "?row" FROM {parents} WHERE "?rejected")'
        )

    def tell(self, failures: list[Failure]) -> None:
        """Name, in the reasons of rows that could not be decided, what was at fault."""
        for entity, decision in sorted({(f.entity, f.decision) for f in failures}):
            rows = [f.row for f in failures if (f.entity, f.decision) == (entity, decision)]
            self.connection.execute(
                f'UPDATE {identifier(self.tables[entity])} SET "?refusal" = ? || "?refusal" '
                'WHERE "?refusal" LIKE \'|undecidable|\' AND "?row" IN (SELECT unnest(?))',
                [decision, rows],
            )
        if failures:
            failed = [(f.entity, f.row) for f in failures]
            tell_reasons(self.program, self.connection, self.tables, self.as_of, failed)

    def _refuse_late(self, entity: Entity, field_: str, reason: str, where: str) -> None:
        self._refuse(entity, field_, reason, where, before=CHECK)

    def _refuse(self, entity: Entity, field_: str, reason: str, where: str, before: str = "") -> None:
        """Reject the rows that a condition names; `before`: a reason that comes after this one."""
        told = (
            '"?refusal"'
            if not before
            else f'CASE WHEN "?refusal" NOT LIKE {quoted(f"%|{before}|")} THEN "?refusal" END'
        )
        self.connection.execute(
            f"UPDATE {identifier(self.tables[entity.name])} "
            f'SET "?rejected" = true, "?refusal" = coalesce({told}, ?) WHERE {where}',
            [f"{field_}|{reason}|"],
        )


def joined(*parts: Sql) -> Sql:
    """Texts in a row."""
    whole = parts[0]
    for part in parts[1:]:
        whole = exp.DPipe(this=terms.paren(whole), expression=terms.paren(part))
    return whole


def _part(wrong: Sql, number: int) -> Sql:
    return terms.function("SPLIT_PART", wrong, terms.literal("|"), terms.literal(number))


def _number(value: Sql, name: str) -> Sql:
    return terms.alias(terms.cast(value, "BIGINT"), name)
