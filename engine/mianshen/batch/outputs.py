"""What a batch writes: decisions by claim, benefits by resident, rejects, a summary.

In: a finished `Run`. Out: Parquet files in a folder, in the order of the input files; counts and
amounts by benefit and status. The first entity below the person has its file always, the others (visits)
where they have an input.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb
from sqlglot import exp

from mianshen.batch.row_versions import BatchTimes
from mianshen.ingest.inputs import identifier, pattern, quoted
from mianshen.interpreter.result import MISSING_FACTS, NO_PROVISION
from mianshen.program.core import Numeric
from mianshen.program.program import Benefit, Entity, Key, Program
from mianshen.records.diagnostics import CODES
from mianshen.values import as_money
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import FALSE, Sql
from mianshen.warehouse.missing import Missing
from mianshen.warehouse.missing_names import NONE, together
from mianshen.warehouse.on_duckdb import Run
from mianshen.warehouse.plan import voidable
from mianshen.warehouse.steps import Steps

SUMMARY: Final = "summary.json"
OUTPUTS: Final = ("residents.parquet", "claims.parquet", "rejects.parquet", SUMMARY)
AMOUNT: Final = "DECIMAL(18, 2)"
FIRST: Final = "claims"  # the name of the first child's file, and of its part of the summary
LIST: Final = exp.DataType.build("VARCHAR[]", dialect="duckdb")
_LISTED: Final = ", ".join(f"{quoted(reason)}: {quoted(code)}" for reason, code in CODES.items())
_CODE: Final = f"MAP {{{_LISTED}}}[split_part(\"?refusal\", '|', 2)]"


def file_names(program: Program) -> tuple[str, ...]:
    """Every file that a batch of this program may write, save the receipt's."""
    more = [file for file in files_below(program).values() if file not in OUTPUTS]
    return (*OUTPUTS[:2], *more, *OUTPUTS[2:])


def files_below(program: Program) -> dict[str, str]:
    """The file of each entity below the person."""
    names = [FIRST, *(collection(each) for each in program.children_of(program.entry)[1:])]
    below = program.children_of(program.entry)
    return {child.name: f"{name}.parquet" for child, name in zip(below, names, strict=False)}


def collection(entity: Entity) -> str:
    """What the rows of an entity are called together."""
    return entity.children or entity.name


class Names(Protocol):
    """Where the names of missing facts come from."""

    def beside(
        self, query: exp.Select, entity: str, names: tuple[str, ...], table: str
    ) -> tuple[exp.Select, dict[str, Sql]]:
        """The query with the missing names of decisions joined: a list each, NULL where none are."""


@dataclass(slots=True)
class Outputs:
    """Writes a run's results. The entry entity's rows carry benefits; its children carry decisions.

    `given`: the entities that have an input.
    """

    program: Program
    connection: duckdb.DuckDBPyConnection
    rows: dict[str, str]
    as_of: dt.date
    compared: frozenset[Key] = frozenset()  # decisions that settled amounts are held against
    given: frozenset[str] = frozenset()

    @property
    def person(self) -> Entity:
        return self.program.entities[self.program.entry]

    @property
    def child(self) -> Entity:
        found = self.program.child_of(self.program.entry)
        assert found is not None
        return found

    @property
    def others(self) -> list[Entity]:
        """The entities beside `child` that have an input and an outcome."""
        below = self.program.children_of(self.program.entry)[1:]
        return [e for e in below if e.name in self.given and e.outcome is not None]

    @property
    def below(self) -> list[Entity]:
        return [self.child, *self.others]

    @property
    def below_files(self) -> list[str]:
        """The file of each of them."""
        return [f"{FIRST}.parquet", *(f"{collection(child)}.parquet" for child in self.others)]

    @property
    def benefits(self) -> list[Benefit]:
        return [b for b in self.program.benefits.values() if b.entity == self.person.name]

    @property
    def wanted(self) -> frozenset[Key]:
        keys = {(self.person.name, d) for b in self.benefits for d in (b.eligible, b.amount) if d is not None}
        for child in self.below:
            named = (*self.program.shown.get(child.name, ()), child.outcome, child.explained_by)
            keys |= {(child.name, name) for name in named if name is not None}
        return frozenset(keys) | self.compared

    @property
    def asked(self) -> frozenset[Key]:
        """The decisions of which results name what is missing."""
        keys = {(self.person.name, d) for b in self.benefits for d in (b.eligible, b.amount) if d is not None}
        return frozenset(keys | {(e.name, e.outcome) for e in self.below if e.outcome is not None})

    @property
    def explained(self) -> frozenset[Key]:
        keys = {(self.person.name, b.eligible) for b in self.benefits}
        return frozenset(keys | {(e.name, e.explained_by) for e in self.below if e.explained_by is not None})

    @property
    def carried(self) -> dict[str, tuple[str, ...]]:
        return {child.name: (child.key, self.person.key) for child in self.below}

    # -- files -------------------------------------------------------------------------------

    def write(self, run: Run, folder: Path, files: dict[str, list[tuple[str, int]]]) -> None:
        """Every file of the contract but the summary and the receipt."""
        missing = Missing(run, self.asked)
        for child, file in zip(self.below, self.below_files, strict=True):
            self._copy(self.children(run, missing, child), folder / file)
        self._copy(self.residents(run, missing), folder / "residents.parquet")
        self.write_rejects(folder, files)

    def write_rejects(self, folder: Path, files: dict[str, list[tuple[str, int]]]) -> None:
        self._copy_text(self._rejects(files), folder / "rejects.parquet")

    def _copy(self, query: exp.Query, path: Path) -> None:
        self._copy_text(query.sql(dialect="duckdb", copy=False), path)

    def _copy_text(self, query: str, path: Path) -> None:
        self.connection.execute(f"COPY ({query}) TO {quoted(str(path))} (FORMAT parquet)")

    def children(self, run: Steps, missing: Names, child: Entity, numbered: bool = False) -> exp.Select:
        """One row a claim or another child, in the order of the file; with its number there if `numbered`."""
        assert child.outcome is not None
        made = run.shelf.made[child.name, child.outcome]
        query = exp.select().from_(exp.to_table(made, quoted=True).as_("made"))
        status = self._status(child.name, child.outcome, "made")
        columns: list[Sql] = [terms.column(child.key, "made"), terms.column(self.person.key, "made")]
        for name in self.program.shown.get(child.name, ()):
            query = self._beside(query, run, (child.name, name), made)
            table = "made" if run.shelf.made[child.name, name] == made else run.shelf.made[child.name, name]
            columns.append(terms.alias(self._shown((child.name, name), table), name))
        decided = exp.EQ(this=status.copy(), expression=terms.literal("decided"))
        reason = NO_PROVISION if child.explained_by is None else None
        by = (
            terms.literal(reason)
            if child.explained_by is None
            else self._reason(child.name, child.explained_by, "made")
        )
        not_modelled = exp.EQ(this=status.copy(), expression=terms.literal("not_modelled"))
        query, names = missing.beside(query, child.name, (child.outcome,), "made")
        columns += [
            exp.alias_(status, "status"),
            exp.alias_(
                terms.case(
                    [(decided, by), (not_modelled, terms.literal(NO_PROVISION))], terms.literal(MISSING_FACTS)
                ),
                "reason",
            ),
            exp.alias_(
                terms.case(
                    [
                        (
                            exp.EQ(this=status.copy(), expression=terms.literal("undetermined")),
                            _listed([names[child.outcome]]),
                        )
                    ]
                ),
                "missing",
            ),
        ]
        query = query.select(*columns, *([terms.column("?row", "made")] if numbered else []), copy=False)
        if child.name in run.data().rejected:
            query = query.where(terms.negate(terms.column("?rejected", "made")), copy=False)
        return query.order_by(terms.column("?row", "made"), copy=False)

    def _shown(self, key: Key, table: str) -> Sql:
        decision = self.program.decision(*key)
        value = terms.column(key[1], table)
        money = decision.written == "money" and isinstance(decision.type, Numeric)
        return terms.cast(value, AMOUNT) if money else value

    def _status(self, entity: str, outcome: str, table: str) -> Sql:
        value = terms.column(outcome, table)
        void = self._void(entity, outcome, table)
        branches = [(terms.is_known(value), terms.literal("decided"))]
        if void != FALSE:
            branches.append((void, terms.literal("not_modelled")))
        return terms.case(branches, terms.literal("undetermined"))

    def _void(self, entity: str, name: str, table: str) -> Sql:
        return terms.column(f"{name}?void", table) if (entity, name) in voidable(self.program) else FALSE

    def _reason(self, entity: str, name: str, table: str) -> Sql:
        """The provision's name, from its number."""
        by = terms.column(f"{name}?by", table)
        provisions = self.program.decision(entity, name).provisions
        named = [
            (exp.EQ(this=by.copy(), expression=terms.literal(i)), terms.literal(p.name))
            for i, p in enumerate(provisions)
        ]
        return terms.case(named, terms.literal(NO_PROVISION))

    def _beside(self, query: exp.Select, run: Steps, key: Key, first: str) -> exp.Select:
        """The table that holds a decision, joined once by row."""
        table = run.shelf.made[key]
        joined = {j.this.alias_or_name for j in query.args.get("joins") or []}
        if table == first or table in joined:
            return query
        on = exp.EQ(this=terms.column("?row", table), expression=terms.column("?row", "made"))
        other = exp.to_table(table, quoted=True).as_(table, quoted=True)
        return query.join(other, on=on, join_type="left", copy=False)

    def residents(self, run: Steps, missing: Names, numbered: bool = False) -> exp.Select:
        """One row a resident, three columns a benefit; with its number in the file if `numbered`."""
        person = self.person
        keys = [terms.column(person.key, "made"), *([terms.column("?row", "made")] if numbered else [])]
        query = exp.select(*keys).from_(exp.to_table(self.rows[person.name], quoted=True).as_("made"))
        asked = tuple(d for b in self.benefits for d in (b.eligible, b.amount) if d is not None)
        query, names = missing.beside(query, person.name, asked, "made")
        for benefit in self.benefits:
            for name in (benefit.eligible, benefit.amount):
                if name is not None:
                    query = self._beside(query, run, (person.name, name), "")
            query = query.select(*self._benefit(run, benefit, names), copy=False)
        shown = terms.negate(terms.column("?rejected", "made"))
        if person.name in run.data().versions:
            shown = terms.conjoin([shown, terms.is_null(terms.column("?of", "made"))])
        return query.where(shown, copy=False).order_by(terms.column("?row", "made"), copy=False)

    def _benefit(self, run: Steps, benefit: Benefit, names: dict[str, Sql]) -> list[Sql]:
        entity = self.person.name
        table = run.shelf.made[entity, benefit.eligible]
        eligible = terms.column(benefit.eligible, table)
        void = self._void(entity, benefit.eligible, table)
        unmodelled = [(void, terms.literal("not_modelled"))] if void != FALSE else []
        answers = [
            (eligible, terms.literal("eligible")),
            (terms.negate(eligible), terms.literal("ineligible")),
        ]
        status = terms.case([*answers, *unmodelled], terms.literal("undetermined"))
        amount: Sql = terms.cast(terms.NULL, AMOUNT)
        undetermined = [names[benefit.eligible]]
        by = self._reason(entity, benefit.eligible, table)
        branches = [(terms.is_known(eligible), by)]
        if benefit.amount is not None:
            paid = run.shelf.made[entity, benefit.amount]
            amount = terms.case([(eligible, terms.cast(terms.column(benefit.amount, paid), AMOUNT))])
            undetermined.append(names[benefit.amount])
            open_ = [terms.surely(eligible), terms.is_null(terms.column(benefit.amount, paid))]
            if self._void(entity, benefit.amount, paid) != FALSE:
                open_.append(terms.negate(self._void(entity, benefit.amount, paid)))
            lacking = terms.conjoin(open_)
            branches.insert(0, (lacking, _needs([names[benefit.amount]])))
        if void != FALSE:
            branches.append((void, terms.literal(NO_PROVISION)))
        reason = terms.case(branches, _needs(undetermined))
        shown = (("status", status), ("amount", amount), ("reason", reason))
        return [terms.alias(value, f"{benefit.name}_{part}") for part, value in shown]

    def _rejects(self, files: dict[str, list[tuple[str, int]]]) -> str:
        """Every rejected record with its file, its number there, key, field, code and reason.

        `files`: an entity's files in order, each with the number of records before it.
        """
        self.connection.execute(
            'CREATE OR REPLACE TEMP TABLE "?files" (part INT, file VARCHAR, before BIGINT)'
        )
        parts = []
        for number, (entity, table) in enumerate(self.rows.items()):
            if not files.get(entity):
                continue
            for before, name in {
                before: name for name, before in files[entity]
            }.items():  # empty ones give way
                self.connection.execute('INSERT INTO "?files" VALUES (?, ?, ?)', [number, name, before])
            parts.append(
                f'SELECT file, "?row" - before AS row, {identifier(self.program.entities[entity].key)} AS key, '
                f"nullif(split_part(\"?refusal\", '|', 1), '') AS field, {_CODE} AS code, "
                f"split_part(\"?refusal\", '|', 2) AS reason, {number} AS part "
                f'FROM {identifier(table)} ASOF JOIN (FROM "?files" WHERE part = {number}) ON "?row" > before '
                f'WHERE "?rejected" AND "?row" > 0'
            )
        return f"SELECT * EXCLUDE (part) FROM ({' UNION ALL '.join(parts)}) ORDER BY file, part, row"

    # -- summary -----------------------------------------------------------------------------

    def summary(
        self, counts: dict[str, int], times: BatchTimes, tabled: dict[str, int] | None = None
    ) -> dict[str, Any]:
        """Records read, decided, rejected or set aside; `tabled`: how many of them the row tables were made of."""
        records = {}
        for entity, count in counts.items():
            table = identifier(self.rows[entity])
            rejected = self._one(f'SELECT count(*) FROM {table} WHERE "?rejected" AND "?row" > 0')
            aside = {}
            if entity in times.paired:
                aside["reversed"] = times.reversed(entity)
            if times.active is not None and times.active.name == entity:
                decided = self._one(f'SELECT count(*) FROM {table} WHERE NOT "?rejected" AND "?of" IS NULL')
                aside["history"] = (tabled or counts)[entity] - rejected - decided
            decided = count - rejected - sum(aside.values())
            records[entity] = {"read": count, "decided": decided, "rejected": rejected, **aside}
        return {**self.heading(), "records": records}

    def heading(self) -> dict[str, Any]:
        """What the results are of."""
        return {
            "as_of": self.as_of.isoformat(),
            "rulebook": {"name": self.program.name, "digest": f"sha256:{self.program.digest}"},
        }

    def _one(self, query: str) -> int:
        row = self.connection.execute(query).fetchone()
        return 0 if row is None else int(row[0])

    def totals(self, folder: Path) -> dict[str, Any]:
        """Counts and amounts of the files as written."""
        residents = pattern(folder / "residents.parquet")
        benefits: dict[str, Any] = {}
        for benefit in self.benefits:
            status, amount = identifier(f"{benefit.name}_status"), identifier(f"{benefit.name}_amount")
            rows = self.connection.execute(
                f"SELECT {status}, count(*), sum({amount}) FROM read_parquet({residents}) GROUP BY 1 ORDER BY 1"
            ).fetchall()
            benefits[benefit.name] = {s: {"residents": n, "amount": _amount(total)} for s, n, total in rows}
        below = {FIRST: self.child} | {collection(child): child for child in self.others}
        return {"benefits": benefits} | {
            name: self._of_rows(child, pattern(folder / f"{name}.parquet")) for name, child in below.items()
        }

    def _of_rows(self, child: Entity, file: str) -> dict[str, Any]:
        """How many rows have which status, and what their money adds up to."""
        rows = self.connection.execute(
            f"SELECT status, count(*) FROM read_parquet({file}) GROUP BY 1 ORDER BY 1"
        ).fetchall()
        return {"status": dict(rows), "amounts": self._amounts(child, file)}

    def _amounts(self, child: Entity, file: str) -> dict[str, str | None]:
        names = [
            n
            for n in self.program.shown.get(child.name, ())
            if self.program.decision(child.name, n).written == "money"
        ]
        if not names:
            return {}
        row = self.connection.execute(
            f"SELECT {', '.join(f'sum({identifier(n)})' for n in names)} FROM read_parquet({file})"
        ).fetchone()
        return {name: _amount(total) for name, total in zip(names, row or [], strict=True)}


def _amount(total: Decimal | None) -> str | None:
    return None if total is None else as_money(total)


def _listed(lists: list[Sql]) -> Sql:
    """Lists of missing names as one text, `a,b`, in order; NULL when there are none."""
    if all(isinstance(names, exp.Null) for names in lists):
        return terms.cast(terms.NULL, "VARCHAR")
    known = [terms.cast(exp.Coalesce(this=names.copy(), expressions=[NONE.copy()]), LIST) for names in lists]
    merged = terms.function("LIST_SORT", terms.function("LIST_DISTINCT", together(known)))
    return exp.Nullif(
        this=terms.function("ARRAY_TO_STRING", merged, terms.literal(",")), expression=terms.literal("")
    )


def _needs(lists: list[Sql]) -> Sql:
    """`missing_facts: a,b`, or only `missing_facts` where no name is known."""
    named = exp.DPipe(this=terms.literal(f"{MISSING_FACTS}: "), expression=_listed(lists))
    return exp.Coalesce(this=named, expressions=[terms.literal(MISSING_FACTS)])
