"""Aggregates over child rows, as one grouped query a child entity.

In: aggregates, the child rows with the columns they read. Out: a query by `?parent`, and each
aggregate's value at the parent once joined. An item whose value or membership is unknown makes the
whole unknown; one that no rule covers brings nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, assert_never

from sqlglot import exp

from mianshen.program.core import Aggregate, Core, FactRef, Numeric, String
from mianshen.program.failing import fallible
from mianshen.program.program import Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import FALSE, TRUE, Sql
from mianshen.warehouse.scope import Emitted, Scope

FIRSTS: Final = (
    "?no",
    "?yes_perhaps",
    "?no_perhaps",
)  # beside the least key of which the condition surely holds


@dataclass(frozen=True, slots=True)
class Aggregated:
    program: Program
    child: str | None  # None: what each has is told by nobody
    aggregates: tuple[Aggregate, ...]
    query: exp.Select

    def value(self, index: int, table: str, parent: str) -> tuple[Sql, Sql]:
        """The aggregate at the parent, and whether it is an error there."""
        aggregate = self.aggregates[index]
        value, empty = self._total(aggregate, index, table, parent)
        failed = terms.is_true(terms.column(f"{index}?error", table)) if fails_inside(aggregate) else FALSE
        return value, terms.disjoin([empty, failed])

    def _total(self, aggregate: Aggregate, index: int, table: str, parent: str) -> tuple[Sql, Sql]:
        """The aggregate, and whether it is the extreme of nothing."""
        unsure = terms.disjoin(
            [terms.is_true(terms.column(f"{index}?unsure", table)), self._incomplete(table, parent)]
        )
        column = terms.column(f"{index}", table)
        match aggregate.kind:
            case "first":
                keys = [column, *(terms.column(f"{index}{part}", table) for part in FIRSTS)]
                return _of_first(keys, terms.is_true(self._incomplete(table, parent))), FALSE
            case "sum" | "count":
                total = terms.or_zero(column)
                return terms.case([(unsure, terms.NULL)], total), FALSE
            case "some" | "every":
                decisive = aggregate.kind == "some"
                is_true = terms.is_true(column)
                return terms.case(
                    [(is_true, terms.literal(decisive)), (unsure, terms.NULL)], terms.literal(not decisive)
                ), FALSE
            case "min" | "max":
                empty = terms.conjoin([terms.negate(unsure), terms.is_null(column)])
                return terms.case([(unsure, terms.NULL)], column), empty
            case _:
                assert_never(aggregate.kind)

    def _incomplete(self, table: str, parent: str) -> Sql:
        """The parent says it has more children than are here, or does not say."""
        counted = None if self.child is None else self.program.entities[self.child].counted_by
        if counted is None:
            return FALSE
        stated = terms.column(counted, parent)
        here = terms.or_zero(terms.column("?n", table))
        return terms.disjoin([terms.is_null(stated), exp.GT(this=stated, expression=here)])


def _of_first(keys: list[Sql], missing: Sql) -> Sql:
    """What the least keys tell of the rows of which the condition holds, or does not, surely and perhaps."""
    yes, no, yes_perhaps, no_perhaps = keys

    def comes_first(one: Sql, other: Sql) -> Sql:
        sooner = terms.disjoin([terms.is_null(other), exp.LT(this=one, expression=other)])
        return terms.conjoin([terms.is_known(one), sooner])

    neither = terms.conjoin([terms.is_null(yes_perhaps), terms.negate(missing)])
    return terms.case(
        [
            (comes_first(yes, no_perhaps), terms.literal(True)),
            (terms.disjoin([comes_first(no, yes_perhaps), neither]), terms.literal(False)),
        ],
        terms.NULL,
    )


def aggregate_query(
    program: Program,
    child: str | None,
    aggregates: list[Aggregate],
    items: exp.Query,
    labels: list[str],
) -> Aggregated:
    """One pass over the child rows for all their aggregates; `items` has `?parent` and each one's items."""
    columns: list[Sql] = []
    for index, (aggregate, label) in enumerate(zip(aggregates, labels, strict=True)):
        columns.append(terms.alias(_folded(aggregate, terms.column(label)), f"{index}"))
        columns += [
            terms.alias(exp.Min(this=terms.column(f"{label}{part}")), f"{index}{part}")
            for part in _more_parts(aggregate)
        ]
        columns += [
            terms.alias(exp.LogicalOr(this=terms.column(f"{label}{part}")), f"{index}{part}")
            for part in _flags(aggregate)
        ]
    query = terms.select_from(
        items.subquery("items", copy=False), terms.column("?parent"), *columns
    ).group_by(terms.column("?parent"), copy=False)
    if child is not None and program.entities[child].counted_by is not None:
        query = query.select(terms.alias(exp.Count(this=exp.Star()), "?n"), copy=False)
    else:
        brought = [
            test
            for a, label in zip(aggregates, labels, strict=True)
            for test in (
                *(terms.is_known(terms.column(f"{label}{part}")) for part in ("", *_more_parts(a))),
                *(terms.column(f"{label}{part}") for part in _flags(a)),
            )
        ]
        query = query.where(terms.disjoin(brought), copy=False)
    return Aggregated(program, child, tuple(aggregates), query)


def item_names(aggregates: Iterable[Aggregate], labels: Iterable[str]) -> list[str]:
    """The names of the columns that items of aggregates are made as."""
    return [
        f"{label}{part}" for a, label in zip(aggregates, labels, strict=True)
        for part in ("", *_more_parts(a), *_flags(a))
    ]  # fmt: skip


def item_columns(aggregate: Aggregate, label: str, scope: Scope, also: Sql = TRUE) -> list[Sql]:
    """What a child row brings to an aggregate (`label`, NULL: nothing), and whether that is unknown.

    `also`: what else must hold for it to be one of its rows.
    """
    where = _where(aggregate, scope, also)
    body = None if aggregate.body is None else emit(aggregate.body, scope)
    counted = TRUE if where is None else terms.is_true(where.value)
    item: Sql
    keys: list[Sql] = []
    match aggregate.kind:
        case "count":
            item = terms.case([(counted, terms.literal(1))])
        case "sum" | "min" | "max":
            assert body is not None
            item = body.value if counted == TRUE else terms.case([(counted, body.value)])
        case "some" | "every":
            assert body is not None
            hit = body.value if aggregate.kind == "some" else terms.negate(body.value)
            item = terms.conjoin([counted, terms.is_true(hit)])
        case "first":
            assert body is not None
            key = terms.column(scope.program.entities[aggregate.child].key)
            perhaps = TRUE if where is None else terms.negate(_outside(where))
            perhaps = terms.conjoin([perhaps, terms.negate(body.void)])
            yes, no = terms.is_true(body.value), terms.is_false(body.value)
            tests = [[counted, no], [perhaps, terms.negate(no)], [perhaps, terms.negate(yes)]]
            item = terms.case([(terms.conjoin([counted, yes]), key)])
            keys = [
                terms.alias(terms.case([(terms.conjoin(test), key)]), f"{label}{part}")
                for test, part in zip(tests, FIRSTS, strict=True)
            ]
    columns = [
        terms.alias(item, label),
        terms.alias(_unsure(aggregate, where, body), f"{label}?unsure"),
        *keys,
    ]
    if fails_inside(aggregate):
        columns.append(terms.alias(_failing(where, body), f"{label}?error"))
    return columns


def _where(aggregate: Aggregate, scope: Scope, also: Sql) -> Emitted | None:
    where = None if aggregate.where is None else emit(aggregate.where, scope)
    if also == TRUE:
        return where
    own = Emitted(TRUE, nullable=False) if where is None else where
    return Emitted(terms.conjoin([also, own.value]), own.void, own.error)


def _more_parts(aggregate: Aggregate) -> tuple[str, ...]:
    """The further columns of an item."""
    return FIRSTS if aggregate.kind == "first" else ()


def _flags(aggregate: Aggregate) -> tuple[str, ...]:
    """The columns that say that an item is not known, or that looking at it fails."""
    return ("?unsure", "?error") if fails_inside(aggregate) else ("?unsure",)


def parts_of(aggregate: Aggregate, program: Program) -> list[Core]:
    """What is read of a child row."""
    key = FactRef(aggregate.child, program.entities[aggregate.child].key, String())
    parts = (aggregate.where, aggregate.body, key if aggregate.kind == "first" else None)
    return [part for part in parts if part is not None]


def fails_inside(aggregate: Aggregate) -> bool:
    """Whether testing an item or its value can be an error."""
    return any(fallible(part) for part in (aggregate.where, aggregate.body) if part is not None)


def _failing(where: Emitted | None, body: Emitted | None) -> Sql:
    """Looking at this item is an error."""
    errors = [] if where is None else [where.error]
    if body is not None and body.error != FALSE:
        outside = FALSE if where is None else _outside(where)
        errors.append(terms.conjoin([terms.negate(outside) if outside != FALSE else TRUE, body.error]))
    return terms.disjoin(errors)


def _outside(where: Emitted) -> Sql:
    """The item is known not to count."""
    return terms.disjoin([terms.is_false(where.value), where.void])


def _folded(aggregate: Aggregate, item: Sql) -> Sql:
    match aggregate.kind:
        case "count":
            return exp.Count(this=item)
        case "sum":
            scale = aggregate.type.scale if isinstance(aggregate.type, Numeric) else 0
            return terms.cast(exp.Sum(this=item), terms.decimal_type(38, scale))
        case "min" | "first":
            return exp.Min(this=item)
        case "max":
            return exp.Max(this=item)
        case "some" | "every":
            return exp.LogicalOr(this=item)


def _unsure(aggregate: Aggregate, where: Emitted | None, body: Emitted | None) -> Sql:
    """An item may count, and whether or with what is not known."""
    unknown = [] if where is None else [terms.is_null(where.value)]
    if body is not None and body.nullable:
        unknown.append(terms.is_null(body.value))
    modelled = TRUE if body is None or body.void == FALSE else terms.negate(body.void)
    may_count = TRUE if where is None else terms.negate(_outside(where))
    parts = [may_count, terms.disjoin(unknown), modelled]
    if aggregate.kind in ("some", "every") and where is not None and body is not None:
        neutral = terms.is_false if aggregate.kind == "some" else terms.is_true
        parts.append(terms.negate(neutral(body.value)))
    return terms.conjoin(parts)
