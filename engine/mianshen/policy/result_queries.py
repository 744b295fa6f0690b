"""What a script of the warehouse selects as results: the columns of a batch's files.

In: the tables that hold decisions, the files that a batch would write. Out: a query for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from mianshen.batch.output_files import EntityFile
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
    """Selects from the rows of an entity and the tables of its decisions."""

    program: Program
    catalog: TableCatalog

    def rows(self, file: EntityFile) -> exp.Select:
        """One row a record: its keys, the decisions shown, their status and reason, three columns a benefit."""
        entity = file.entity
        query = exp.select(*(terms.column(key, ROWS) for key in file.keys))
        query = query.from_(exp.to_table(self.catalog.rows[entity.name], quoted=True).as_(ROWS))
        for decision in file.shown:
            query = self._joined(query, decision.key)
            value = self._shown(decision.key, self.catalog.decided[decision.key])
            query = query.select(terms.alias(value, decision.name), copy=False)
        if entity.outcome is not None:
            for name in (entity.outcome, entity.explained_by):
                query = query if name is None else self._joined(query, (entity.name, name))
            query = query.select(*self._status(entity, entity.outcome), copy=False)
        for benefit in file.benefits:
            for name in (benefit.eligible, benefit.amount):
                query = query if name is None else self._joined(query, (entity.name, name))
            query = query.select(*self._benefit(benefit), copy=False)
        return query

    def _status(self, entity: Entity, outcome: str) -> list[Sql]:
        """Status, reason and missing facts of a row, by its outcome."""
        table = self.catalog.decided[entity.name, outcome]
        known = terms.is_known(terms.column(outcome, table))
        void = self._void(entity.name, outcome, table)
        by = entity.explained_by
        explained: Sql = terms.literal(NO_PROVISION)
        if by is not None:
            explained = self._provision(entity.name, by, self.catalog.decided[entity.name, by])
        status = _by_state(known, terms.literal("decided"), void, "not_modelled", "undetermined")
        reason = _by_state(known, explained, void, NO_PROVISION, MISSING_FACTS)
        missing = terms.cast(terms.NULL, "VARCHAR")
        parts = (("status", status), ("reason", reason), ("missing", missing))
        return [terms.alias(value, name) for name, value in parts]

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
            without_amount = terms.conjoin([eligible, terms.is_null(value), terms.negate(unmodelled)])
            by = terms.case([(without_amount, terms.literal(MISSING_FACTS))], by)
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

    def _joined(self, query: exp.Select, key: Key) -> exp.Select:
        """The table that holds a decision, joined once by row."""
        table = self.catalog.decided[key]
        if table in {j.this.alias_or_name for j in query.args.get("joins") or []}:
            return query
        on = exp.EQ(this=terms.column("?row", table), expression=terms.column("?row", ROWS))
        other = exp.to_table(table, quoted=True).as_(table, quoted=True)
        return query.join(other, on=on, join_type="left", copy=False)


def _by_state(known: Sql, answer: Sql, void: Sql, not_modelled: str, unknown: str) -> Sql:
    """The answer where the decision is known, else a word for what it is."""
    branches = [(known, answer), *([(void, terms.literal(not_modelled))] if void != FALSE else [])]
    return terms.case(branches, terms.literal(unknown))
