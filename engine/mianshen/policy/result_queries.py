"""What a script of the warehouse selects as results: decisions by row below a person, benefits by person.

In: the tables that hold decisions. Out: queries with the columns of a batch's files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from mianshen.interpreter.result import MISSING_FACTS, NO_PROVISION
from mianshen.program.core import Numeric
from mianshen.program.program import Benefit, Entity, Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import FALSE, Sql
from mianshen.warehouse.plan import voidable
from mianshen.warehouse.table_catalog import TableCatalog

AMOUNT: Final = "DECIMAL(18, 2)"
ROWS: Final = "decided"  # what the rows of the result are called within a query


@dataclass(frozen=True, slots=True)
class ResultQueries:
    """The entry entity's rows carry benefits; its children carry decisions."""

    program: Program
    catalog: TableCatalog

    def rows(self, child: Entity) -> exp.Select:
        """One row a claim or another child: what is shown of it, its status and reason."""
        assert child.outcome is not None
        person = self.program.entities[self.program.entry]
        table = self.catalog.decided[child.name, child.outcome]
        query = exp.select().from_(exp.to_table(table, quoted=True).as_(ROWS))
        columns: list[Sql] = [terms.column(child.key, ROWS), terms.column(person.key, ROWS)]
        for name in self.program.shown.get(child.name, ()):
            query = self._joined(query, (child.name, name), table)
            at = self.catalog.decided[child.name, name]
            columns.append(terms.alias(self._shown((child.name, name), ROWS if at == table else at), name))
        known = terms.is_known(terms.column(child.outcome, ROWS))
        void = self._void(child.name, child.outcome, ROWS)
        explained = (
            terms.literal(NO_PROVISION)
            if child.explained_by is None
            else self._provision(child.name, child.explained_by, ROWS)
        )
        status = _by_state(known, terms.literal("decided"), void, "not_modelled", "undetermined")
        reason = _by_state(known, explained, void, NO_PROVISION, MISSING_FACTS)
        columns += [terms.alias(status, "status"), terms.alias(reason, "reason")]
        columns.append(terms.alias(terms.cast(terms.NULL, "VARCHAR"), "missing"))
        return query.select(*columns, copy=False)

    def benefits(self) -> exp.Select:
        """One row a person, three columns a benefit."""
        person = self.program.entities[self.program.entry]
        query = exp.select(terms.column(person.key, ROWS))
        query = query.from_(exp.to_table(self.catalog.rows[person.name], quoted=True).as_(ROWS))
        for benefit in self.program.benefits.values():
            if benefit.entity == person.name:
                for name in (benefit.eligible, benefit.amount):
                    if name is not None:
                        query = self._joined(query, (person.name, name), "")
                query = query.select(*self._benefit(benefit), copy=False)
        return query

    def _benefit(self, benefit: Benefit) -> list[Sql]:
        """Status, amount and reason of a benefit."""
        table = self.catalog.decided[benefit.entity, benefit.eligible]
        eligible = terms.column(benefit.eligible, table)
        void = self._void(benefit.entity, benefit.eligible, table)
        answer = terms.case([(eligible, terms.literal("eligible"))], terms.literal("ineligible"))
        status = _by_state(terms.is_known(eligible), answer, void, "not_modelled", "undetermined")
        by = self._provision(benefit.entity, benefit.eligible, table)
        amount: Sql = terms.cast(terms.NULL, AMOUNT)
        if benefit.amount is not None:
            paid = self.catalog.decided[benefit.entity, benefit.amount]
            value = terms.column(benefit.amount, paid)
            amount = terms.case([(eligible, terms.cast(value, AMOUNT))])
            unmodelled = self._void(benefit.entity, benefit.amount, paid)
            lacking = terms.conjoin([eligible, terms.is_null(value), terms.negate(unmodelled)])
            by = terms.case([(lacking, terms.literal(MISSING_FACTS))], by)
        reason = _by_state(terms.is_known(eligible), by, void, NO_PROVISION, MISSING_FACTS)
        parts = (("status", status), ("amount", amount), ("reason", reason))
        return [terms.alias(value, f"{benefit.name}_{part}") for part, value in parts]

    def _shown(self, key: Key, table: str) -> Sql:
        decision = self.program.decision(*key)
        value = terms.column(key[1], table)
        money = decision.written == "money" and isinstance(decision.type, Numeric)
        return terms.cast(value, AMOUNT) if money else value

    def _void(self, entity: str, name: str, table: str) -> Sql:
        return terms.column(f"{name}?void", table) if (entity, name) in voidable(self.program) else FALSE

    def _provision(self, entity: str, name: str, table: str) -> Sql:
        """The provision's name, from its number."""
        by = terms.column(f"{name}?by", table)
        provisions = self.program.decision(entity, name).provisions
        named = [
            (exp.EQ(this=by.copy(), expression=terms.literal(i)), terms.literal(p.name))
            for i, p in enumerate(provisions)
        ]
        return terms.case(named, terms.literal(NO_PROVISION))

    def _joined(self, query: exp.Select, key: Key, first: str) -> exp.Select:
        """The table that holds a decision, joined once by row."""
        table = self.catalog.decided[key]
        joined = {j.this.alias_or_name for j in query.args.get("joins") or []}
        if table == first or table in joined:
            return query
        on = exp.EQ(this=terms.column("?row", table), expression=terms.column("?row", ROWS))
        other = exp.to_table(table, quoted=True).as_(table, quoted=True)
        return query.join(other, on=on, join_type="left", copy=False)


def _by_state(known: Sql, answer: Sql, void: Sql, not_modelled: str, unknown: str) -> Sql:
    """The answer where the decision is known, else a word for what it is."""
    branches = [(known, answer), *([(void, terms.literal(not_modelled))] if void != FALSE else [])]
    return terms.case(branches, terms.literal(unknown))
