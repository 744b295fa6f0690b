"""Which facts are missing, asked again only where something is undetermined.

In: a finished run. Out: for a result table, the list of missing names beside each row. The rows of
every household with something undetermined are decided once more, carrying the names along.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from mianshen.program.program import Key
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.on_duckdb import Run
from mianshen.warehouse.plan import parents_first, voidable


@dataclass(slots=True)
class Missing:
    """`again` is the run over the undetermined; None when everything is decided."""

    run: Run
    wanted: frozenset[Key]
    again: Run | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self._touched():
            rows = self._subset()
            self.again = self.run.asking(rows, self.wanted)
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
            found = terms.select(terms.alias(terms.column(column), "?row")).from_(
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
        return self.run.has_rows("asked_about")

    def _subset(self) -> dict[str, str]:
        """Row tables of those rows, of all who share a parent with them, and of everything below."""
        program = self.run.program
        tables: dict[str, str] = {}
        person = program.entities[program.entry]
        kept = _among("?row", "?row", "asked_about")
        rows = self.run.rows[person.name]
        if person.parent is None:
            self._table(tables, person.name, self._with_versions(kept, rows))
        else:
            touched = terms.select(terms.column("?parent")).from_(exp.to_table(rows, quoted=True), copy=False)
            beside = _within("?parent", touched.where(kept, copy=False))
            self._table(tables, person.name, self._with_versions(terms.disjoin([kept, beside]), rows))
            self._table(tables, person.parent, _among("?row", "?parent", tables[person.name]))
        for name in parents_first(program):
            parent = program.entities[name].parent
            if parent in tables and name not in tables:
                self._table(tables, name, _among("?parent", "?row", tables[parent]))
        return tables

    def _with_versions(self, kept: Sql, rows: str) -> Sql:
        """Those rows, and the versions of those among them."""
        if self.run.program.entry not in self.run.data().versions:
            return kept
        persons = terms.select(terms.column("?row")).from_(exp.to_table(rows, quoted=True), copy=False)
        return terms.disjoin([kept.copy(), _within("?of", persons.where(kept, copy=False))])

    def _table(self, tables: dict[str, str], entity: str, where: Sql) -> None:
        table = f"asked_{entity}"
        rows = exp.to_table(self.run.rows[entity], quoted=True)
        self.run.create(table, terms.select(exp.Star()).from_(rows, copy=False).where(where, copy=False))
        tables[entity] = table


def _among(column: str, other: str, table: str) -> Sql:
    """The column's value stands in another table's column."""
    listed = terms.select(terms.column(other)).from_(exp.to_table(table, quoted=True), copy=False)
    return _within(column, listed)


def _within(column: str, query: exp.Select) -> Sql:
    return exp.In(this=terms.column(column), query=query.subquery(copy=False))
