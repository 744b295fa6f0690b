"""Aggregates over child rows, as one grouped query a child entity.

In: aggregates, the child rows with the columns they read. Out: a query by `?parent`, and each
aggregate's value at the parent once joined. An item whose value or membership is unknown makes the
whole unknown; one that no rule covers brings nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from sqlglot import exp

from mianshen.program.core import Aggregate, Numeric
from mianshen.program.failing import fallible
from mianshen.program.program import Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import FALSE, TRUE, Sql
from mianshen.warehouse.missing_names import NONE, lacks, named, names_where, rejected_name, together
from mianshen.warehouse.scope import Emitted, Scope
from mianshen.warehouse.table_catalog import Data


@dataclass(frozen=True, slots=True)
class Aggregated:
    program: Program
    child: str
    aggregates: tuple[Aggregate, ...]
    query: exp.Select

    def value(self, index: int, table: str, parent: str) -> tuple[Sql, Sql]:
        """The aggregate at the parent, and whether it is an error there."""
        aggregate = self.aggregates[index]
        value, empty = self._total(aggregate, index, table, parent)
        failed = terms.surely(terms.column(f"{index}?error", table)) if fails_inside(aggregate) else FALSE
        return value, terms.disjoin([empty, failed])

    def _total(self, aggregate: Aggregate, index: int, table: str, parent: str) -> tuple[Sql, Sql]:
        """The aggregate, and whether it is the extreme of nothing."""
        unsure = terms.disjoin(
            [terms.surely(terms.column(f"{index}?unsure", table)), self._incomplete(table, parent)]
        )
        made = terms.column(f"{index}", table)
        match aggregate.kind:
            case "sum" | "count":
                total = exp.Coalesce(this=made, expressions=[terms.literal(0)])
                return terms.case([(unsure, terms.NULL)], total), FALSE
            case "some" | "every":
                decisive = aggregate.kind == "some"
                found = terms.surely(made)
                return terms.case(
                    [(found, terms.literal(decisive)), (unsure, terms.NULL)], terms.literal(not decisive)
                ), FALSE
            case "min" | "max":
                empty = terms.conjoin([terms.negate(unsure), terms.is_null(made)])
                return terms.case([(unsure, terms.NULL)], made), empty
            case _:
                assert_never(aggregate.kind)

    def missing(self, index: int, table: str, parent: str) -> Sql:
        """The names behind an unknown aggregate."""
        names: list[Sql] = [
            exp.Coalesce(this=terms.column(f"{index}?miss", table), expressions=[NONE.copy()])
        ]
        child = self.program.entities[self.child]
        if child.counted_by is not None:
            stated = terms.column(child.counted_by, parent)
            short = terms.conjoin([terms.is_known(stated), self._incomplete(table, parent)])
            names += [
                names_where(terms.is_null(stated), named(child.counted_by)),
                names_where(short, named(child.children or child.name)),
            ]
        value, error = self.value(index, table, parent)
        return names_where(terms.conjoin([terms.is_null(value), terms.negate(error)]), together(names))

    def _incomplete(self, table: str, parent: str) -> Sql:
        """The parent says it has more children than are here, or does not say."""
        counted = self.program.entities[self.child].counted_by
        if counted is None:
            return FALSE
        stated = terms.column(counted, parent)
        here = exp.Coalesce(this=terms.column("?n", table), expressions=[terms.literal(0)])
        return terms.disjoin([terms.is_null(stated), exp.GT(this=stated.copy(), expression=here)])


def aggregate_query(
    program: Program,
    child: str,
    aggregates: list[Aggregate],
    items: exp.Query,
    labels: list[str],
    missing: bool,
) -> Aggregated:
    """One pass over the child rows for all their aggregates; `items` has `?parent` and each one's items."""
    columns: list[Sql] = []
    for index, (aggregate, label) in enumerate(zip(aggregates, labels, strict=True)):
        columns.append(terms.alias(_folded(aggregate, terms.column(label)), f"{index}"))
        columns += [
            terms.alias(exp.LogicalOr(this=terms.column(f"{label}{part}")), f"{index}{part}")
            for part in (("?unsure", "?error") if fails_inside(aggregate) else ("?unsure",))
        ]
        if missing:
            listed = terms.function("FLATTEN", terms.function("LIST", terms.column(f"{label}?miss")))
            columns.append(terms.alias(terms.function("LIST_DISTINCT", listed), f"{index}?miss"))
    query = (
        terms.select(terms.column("?parent"), *columns)
        .from_(items.subquery("items", copy=False), copy=False)
        .group_by(terms.column("?parent"), copy=False)
    )
    if program.entities[child].counted_by is not None:
        query = query.select(terms.alias(exp.Count(this=exp.Star()), "?n"), copy=False)
    else:
        brought = [
            t
            for label in labels
            for t in (terms.is_known(terms.column(label)), terms.column(f"{label}?unsure"))
        ]
        brought += [
            terms.column(f"{label}?error")
            for a, label in zip(aggregates, labels, strict=True)
            if fails_inside(a)
        ]
        query = query.where(terms.disjoin(brought), copy=False)
    return Aggregated(program, child, tuple(aggregates), query)


def item_names(aggregates: Iterable[Aggregate], labels: Iterable[str], missing: bool) -> list[str]:
    """The names of the columns that items of aggregates are made as."""
    parts = ("?unsure", "?miss") if missing else ("?unsure",)
    return [
        f"{label}{part}" for a, label in zip(aggregates, labels, strict=True)
        for part in ("", *parts, *(["?error"] if fails_inside(a) else []))
    ]  # fmt: skip


def item_columns(aggregate: Aggregate, label: str, scope: Scope, data: Data) -> list[Sql]:
    """What a child row brings to an aggregate (`label`, NULL: nothing), and whether that is unknown."""
    rejected = terms.column("?rejected") if scope.entity in data.rejected else FALSE
    where = None if aggregate.where is None else emit(aggregate.where, scope)
    body = None if aggregate.body is None else emit(aggregate.body, scope)
    test = TRUE if where is None else where.value
    if where is not None and not terms.is_false(where.error) and not terms.is_false(rejected):
        test = terms.case(
            [(terms.negate(terms.conjoin([rejected, where.error])), test)]
        )  # what fails there is unknown
    unmodelled = FALSE if body is None else body.void
    counted = terms.conjoin(
        [
            terms.surely(test) if where is not None else TRUE,
            terms.negate(rejected) if rejected != FALSE else TRUE,
        ]
    )
    unsure = _unsure(test, where is None, FALSE if where is None else where.void, body, unmodelled, rejected)
    item: Sql
    match aggregate.kind:
        case "count":
            item = terms.case([(counted, terms.literal(1))])
        case "sum" | "min" | "max":
            assert body is not None
            item = body.value if counted == TRUE else terms.case([(counted, body.value)])
        case "some" | "every":
            assert body is not None
            hit = body.value if aggregate.kind == "some" else terms.negate(body.value)
            item = terms.conjoin([counted, terms.surely(hit)])
    made = [terms.alias(item, label), terms.alias(unsure, f"{label}?unsure")]
    if fails_inside(aggregate):
        made.append(terms.alias(_failing(where, body, rejected), f"{label}?error"))
    if data.missing:
        names = together(lacks(part, scope) for part in (aggregate.where, aggregate.body) if part is not None)
        if rejected != FALSE:
            names = terms.case([(rejected, rejected_name(scope))], names)
        made.append(terms.alias(names_where(unsure, names), f"{label}?miss"))
    return made


def fails_inside(aggregate: Aggregate) -> bool:
    """Whether testing an item or its value can be an error."""
    return any(fallible(part) for part in (aggregate.where, aggregate.body) if part is not None)


def _failing(where: Emitted | None, body: Emitted | None, rejected: Sql) -> Sql:
    """Looking at this item is an error; at a rejected one never."""
    errors = [] if where is None else [where.error]
    if body is not None and body.error != FALSE:
        out = FALSE if where is None else terms.disjoin([terms.surely_not(where.value), where.void])
        errors.append(terms.conjoin([terms.negate(out) if out != FALSE else TRUE, body.error]))
    return terms.conjoin([terms.disjoin(errors), terms.negate(rejected) if rejected != FALSE else TRUE])


def _folded(aggregate: Aggregate, item: Sql) -> Sql:
    match aggregate.kind:
        case "count":
            return exp.Count(this=item)
        case "sum":
            scale = aggregate.type.scale if isinstance(aggregate.type, Numeric) else 0
            return terms.cast(exp.Sum(this=item), terms.decimal_type(38, scale))
        case "min":
            return exp.Min(this=item)
        case "max":
            return exp.Max(this=item)
        case "some" | "every":
            return exp.LogicalOr(this=item)


def _unsure(
    test: Sql, always: bool, uncovered: Sql, body: Emitted | None, unmodelled: Sql, rejected: Sql
) -> Sql:
    """An item may count, and whether or with what is not known."""
    may = TRUE if always else terms.negate(terms.disjoin([terms.surely_not(test), uncovered]))
    known_in = TRUE if always else terms.is_known(test)
    missing = [terms.negate(known_in)] if not always else []
    if body is not None and body.nullable:
        missing.append(terms.is_null(body.value))
    unknown = terms.disjoin(missing)
    if unmodelled != FALSE:
        unknown = terms.conjoin([unknown, terms.negate(unmodelled)])
    return terms.conjoin([may, terms.disjoin([rejected, unknown])])
