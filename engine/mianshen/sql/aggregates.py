"""Aggregates over child rows, as one grouped query a child entity.

In: aggregates, the child rows with the columns they read. Out: a query by `?parent`, and each
aggregate's value at the parent once joined. An item whose value or membership is unknown makes the
whole unknown; one that no rule covers brings nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from mianshen.program.core import Aggregate, Numeric
from mianshen.program.program import Program
from mianshen.sql import terms
from mianshen.sql.emit import Scope, emit
from mianshen.sql.terms import FALSE, TRUE, Sql

if TYPE_CHECKING:
    from mianshen.sql.stage import Data


@dataclass(frozen=True, slots=True)
class Aggregated:
    program: Program
    child: str
    aggregates: tuple[Aggregate, ...]
    query: exp.Select

    def value(self, index: int, table: str, parent: str) -> tuple[Sql, Sql]:
        """The aggregate at the parent, and whether it is an error there."""
        aggregate = self.aggregates[index]
        unsure = terms.disjoin([terms.surely(terms.column(f"{index}?unsure", table)), self._incomplete(table, parent)])
        made = terms.column(f"{index}", table)
        match aggregate.kind:
            case "sum" | "count":
                total = exp.Coalesce(this=made, expressions=[terms.literal(0)])
                return terms.case([(unsure, terms.NULL)], total), FALSE
            case "some" | "every":
                decisive = aggregate.kind == "some"
                found = terms.surely(made)
                return terms.case([(found, terms.literal(decisive)), (unsure, terms.NULL)], terms.literal(not decisive)), FALSE
            case _:
                empty = terms.conjoin([terms.negate(unsure), terms.is_null(made)])
                return terms.case([(unsure, terms.NULL)], made), empty

    def _incomplete(self, table: str, parent: str) -> Sql:
        """The parent says it has more children than are here, or does not say."""
        counted = self.program.entities[self.child].counted_by
        if counted is None:
            return FALSE
        stated = terms.column(counted, parent)
        here = exp.Coalesce(this=terms.column("?n", table), expressions=[terms.literal(0)])
        return terms.disjoin([terms.is_null(stated), exp.GT(this=stated.copy(), expression=here)])


def aggregate_query(
    program: Program, child: str, aggregates: list[Aggregate], relation: exp.Select, scope: Scope, data: Data
) -> Aggregated:
    """One pass over the child rows for all their aggregates."""
    rejected = terms.column("?rejected") if child in data.rejected else FALSE
    columns: list[Sql] = []
    for index, aggregate in enumerate(aggregates):
        made, unsure = _parts(aggregate, scope, rejected)
        columns.append(exp.alias_(made, f"{index}", quoted=True))
        columns.append(exp.alias_(unsure, f"{index}?unsure", quoted=True))
    if program.entities[child].counted_by is not None:
        columns.append(exp.alias_(exp.Count(this=exp.Star()), "?n", quoted=True))
    query = exp.select(terms.column("?parent"), *columns).from_(relation.subquery("items", copy=False)).group_by(terms.column("?parent"))
    return Aggregated(program, child, tuple(aggregates), query)


def _parts(aggregate: Aggregate, scope: Scope, rejected: Sql) -> tuple[Sql, Sql]:
    """The aggregate over what is known, and whether something is not."""
    where = None if aggregate.where is None else emit(aggregate.where, scope)
    body = None if aggregate.body is None else emit(aggregate.body, scope)
    test = TRUE if where is None else where.value
    unmodelled = FALSE if body is None else body.void
    counted = terms.conjoin([terms.surely(test) if where is not None else TRUE, terms.negate(rejected) if rejected != FALSE else TRUE])
    unsure = _unsure(test, where is None, FALSE if where is None else where.void, body, unmodelled, rejected)
    value = None if body is None else body.value
    match aggregate.kind:
        case "count":
            made: Sql = exp.CountIf(this=counted)
        case "sum":
            assert value is not None
            picked = value if counted == TRUE else terms.case([(counted, value)])
            made = exp.Sum(this=picked)
            if isinstance(aggregate.type, Numeric):
                made = terms.cast(made, terms.decimal_type(38, aggregate.type.scale))
        case "min" | "max":
            assert value is not None
            picked = terms.case([(counted, value)])
            made = exp.Min(this=picked) if aggregate.kind == "min" else exp.Max(this=picked)
        case "some" | "every":
            assert value is not None
            hit = value if aggregate.kind == "some" else terms.negate(value)
            made = exp.LogicalOr(this=terms.conjoin([counted, terms.surely(hit)]))
    return made, exp.LogicalOr(this=unsure)


def _unsure(test: Sql, always: bool, uncovered: Sql, body: object, unmodelled: Sql, rejected: Sql) -> Sql:
    """This item may count, and whether or with what is not known."""
    from mianshen.sql.emit import Emitted

    may = TRUE if always else terms.negate(terms.disjoin([terms.surely_not(test), uncovered]))
    known_in = TRUE if always else terms.is_known(test)
    missing = [terms.negate(known_in)] if not always else []
    if isinstance(body, Emitted) and body.nullable:
        missing.append(terms.is_null(body.value))
    unknown = terms.disjoin(missing)
    if unmodelled != FALSE:
        unknown = terms.conjoin([unknown, terms.negate(unmodelled)])
    return terms.conjoin([may, terms.disjoin([rejected, unknown])])
