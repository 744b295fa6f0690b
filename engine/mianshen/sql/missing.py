"""Which facts are missing, asked again only where something is undetermined.

In: a finished run. Out: for a result table, the list of missing names beside each row. The rows of
every household with something undetermined are decided once more, carrying the names along.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from mianshen.program.program import Key
from mianshen.sql import terms
from mianshen.sql.on_duckdb import Run
from mianshen.sql.plan import parents_first, voidable
from mianshen.sql.terms import Sql


@dataclass(slots=True)
class Missing:
    """`again` is the run over the undetermined; None when everything is decided."""

    run: Run
    wanted: frozenset[Key]
    again: Run | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self._touched():
            rows = self._subset()
            self.again = Run(
                self.run.program, self.run.connection, rows, self.run.as_of, self.wanted, missing=True, prefix="asked"
            )  # fmt: skip
            self.again.once()

    def beside(
        self, query: exp.Select, entity: str, names: tuple[str, ...], table: str
    ) -> tuple[exp.Select, dict[str, Sql]]:
        """The query with the missing names of decisions joined; a list each, NULL where none are."""
        if self.again is None:
            return query, {name: terms.NULL.copy() for name in names}
        found: dict[str, Sql] = {}
        joined: set[str] = set()
        for name in names:
            made = self.again.shelf.made[entity, name]
            if made not in joined:
                joined.add(made)
                on = exp.EQ(this=terms.column("?row", made), expression=terms.column("?row", table))
                query = query.join(
                    exp.to_table(made, quoted=True).as_(made, quoted=True),
                    on=on,
                    join_type="left",
                    copy=False,
                )
            found[name] = terms.column(f"{name}?miss", made)
        return query, found

    def _touched(self) -> bool:
        """List the entry rows that have, or whose children have, something undetermined."""
        program, shelf = self.run.program, self.run.shelf
        possible = voidable(program)
        person = program.entry
        parts: list[exp.Query] = []
        for table in dict.fromkeys(shelf.made[key] for key in sorted(self.wanted)):
            keys = [key for key in sorted(self.wanted) if shelf.made[key] == table]
            open_ = [
                terms.conjoin([
                    terms.is_null(terms.column(key[1])),
                    *([terms.negate(terms.column(f"{key[1]}?void"))] if key in possible else []),
                ])
                for key in keys
            ]  # fmt: skip
            column = "?row" if keys[0][0] == person else "?parent"
            found = terms.select(exp.alias_(terms.column(column), "?row", quoted=True)).from_(
                exp.to_table(table, quoted=True), copy=False
            )
            parts.append(found.where(terms.disjoin(open_), copy=False))
        listed: exp.Query = parts[0] if len(parts) == 1 else exp.union(*parts, distinct=False)
        self.run.create(
            "asked_about",
            terms.select(terms.column("?row"))
            .distinct()
            .from_(listed.subquery("found", copy=False), copy=False),
        )
        row = self.run.connection.execute('SELECT count(*) FROM "asked_about"').fetchone()
        return row is not None and row[0] > 0

    def _subset(self) -> dict[str, str]:
        """Row tables of those rows, of all who share a parent with them, and of everything below."""
        program = self.run.program
        tables: dict[str, str] = {}
        person = program.entities[program.entry]
        kept = '"?row" IN (SELECT "?row" FROM "asked_about")'
        rows = self.run.rows[person.name]
        beside = f'"?parent" IN (SELECT "?parent" FROM "{rows}" WHERE {kept})'
        self._table(tables, person.name, f"{kept} OR {beside}" if person.parent is not None else kept)
        if person.parent is not None:
            self._table(tables, person.parent, f'"?row" IN (SELECT "?parent" FROM "{tables[person.name]}")')
        for name in parents_first(program):
            parent = program.entities[name].parent
            if parent in tables and name not in tables:
                self._table(tables, name, f'"?parent" IN (SELECT "?row" FROM "{tables[parent]}")')
        return tables

    def _table(self, tables: dict[str, str], entity: str, where: str) -> None:
        table = f"asked_{entity}"
        self.run.connection.execute(
            f'CREATE OR REPLACE TEMP TABLE "{table}" AS SELECT * FROM "{self.run.rows[entity]}" WHERE {where}'
        )
        tables[entity] = table
