"""Rows beside a row: those below a row above that share facts with it, and those before it in turn.

In: a node that ranges over such rows. Out: queries by `?parent`, here the row that asks: items, which `aggregates` folds
as it does those of children, or of each row the last one before it that matches. Where it is unknown whether a row is one
of them, what it brings is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp

from mianshen.program.core import Aggregate, Core, Earlier, asked_of
from mianshen.program.program import Entity, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.aggregates import fails_inside, item_columns, parts_of
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import FALSE, TRUE, Sql
from mianshen.warehouse.scope import Scope

Reading: TypeAlias = Callable[[str, list[Core]], tuple[exp.Select, Scope]]
ITEM = "?item"


def in_turn(entity: Entity) -> exp.Order:
    """By date, those without one first, then by key."""
    assert entity.date is not None
    keys = (exp.Ordered(this=terms.column(k), nulls_first=True) for k in (entity.date, entity.key))
    return exp.Order(expressions=list(keys))


def tops(program: Program, tables: dict[str, str], entity: str, top: str) -> exp.Select:
    """`?row`, every row of an entity, and `?top`, the row above it of another."""
    query = terms.select_from(terms.table(tables[entity], "at"))
    name, at = "at", entity
    while at != top:
        parent = program.entities[at].parent
        assert parent is not None
        above = f"above{parent}"
        on = terms.equal(terms.column("?row", above), terms.column("?parent", name))
        table = terms.table(tables[parent], above)
        query, name, at = query.join(table, on=on, copy=False), above, parent
    columns = terms.column("?row", "at"), terms.alias(terms.column("?row", name), "?top")
    return query.select(*columns, copy=False)


@dataclass(frozen=True, slots=True)
class Beside:
    """What rows of an entity ask of rows beside them. `reading`: the rows of an entity with what expressions read."""

    program: Program
    entity: str
    tables: dict[str, str]
    reading: Reading

    def items(self, node: Aggregate) -> exp.Query:
        """`?parent` and what each row brings to the aggregate, as `?item`."""
        top = self.program.entities[node.levels[0]].parent
        assert top is not None
        parts = parts_of(node, self.program)
        theirs, scope = self._read(node.child, [one for one, _ in node.same], "?theirs", parts)
        mine, _ = self._read(self.entity, [other for _, other in node.same], "?mine", [*asked_of(node)])
        query = terms.select_from(
            theirs.subquery("item", copy=False),
            exp.Column(this=exp.Star(), table=exp.to_identifier("item", quoted=True)),
            terms.alias(terms.column("?row", "own"), "?of"),
            *(terms.column(f"?mine{number}", "own") for number in range(len(node.same))),
            *_of_asking(node),
        )
        steps = (
            (self._tops(node.child, top, "below"), "?row", "below", "?row", "item"),
            (self._tops(self.entity, top, "asking"), "?top", "asking", "?top", "below"),
            (mine.subquery("own", copy=False), "?row", "own", "?row", "asking"),
        )  # fmt: skip
        for relation, column, table, other, of in steps:
            on = terms.equal(terms.column(column, table), terms.column(other, of))
            query = query.join(relation, on=on, copy=False)
        equal = terms.conjoin(
            terms.equal(terms.column(f"?theirs{number}"), terms.column(f"?mine{number}"))
            for number in range(len(node.same))
        )
        items: exp.Query = terms.select_from(
            query.subquery("pairs", copy=False),
            terms.alias(terms.column("?of"), "?parent"),
            *item_columns(node, ITEM, scope, equal),
        )
        if equal != TRUE:
            items = items.where(terms.possibly(equal), copy=False)
        for level in node.levels:
            counted = self.program.entities[level].counted_by
            if counted is not None:
                items = exp.union(items, self._too_few(node, level, counted, top), distinct=False)
        return items

    def _read(self, entity: str, cores: list[Core], name: str, more: list[Core]) -> tuple[exp.Select, Scope]:
        """The rows of an entity, with the values of expressions at them in columns of that name and a number."""
        rows, scope = self.reading(entity, [*cores, *more])
        values = [terms.alias(emit(core, scope).value, f"{name}{at}") for at, core in enumerate(cores)]
        return terms.select_from(rows.subquery("read", copy=False), exp.Star(), *values), scope

    def _tops(self, entity: str, top: str, name: str) -> exp.Subquery:
        return tops(self.program, self.tables, entity, top).subquery(name, copy=False)

    def _too_few(self, node: Aggregate, level: str, counted: str, top: str) -> exp.Select:
        """For each row that asks of rows that say they have more below them than are here, or do not say: an unknown."""
        parent = self.program.entities[level].parent
        assert parent is not None
        number = terms.alias(exp.Count(this=exp.Star()), "?n")
        below = terms.select_from(terms.table(self.tables[level]), terms.column("?parent"), number)
        below = below.group_by(terms.column("?parent"), copy=False)
        unsure = [terms.alias(TRUE, f"{ITEM}?unsure")]
        unsure += [terms.alias(FALSE, f"{ITEM}?error")] if fails_inside(node) else []
        nothing = (
            terms.NULL
            if node.kind in ("some", "every", "count")
            else terms.cast(terms.NULL, terms.sql_type(node.type))
        )
        query = terms.select_from(
            terms.table(self.tables[parent], "of"),
            terms.alias(terms.column("?row", "asking"), "?parent"),
            terms.alias(nothing, ITEM),
            *unsure,
        )
        steps = (
            (below.subquery("here", copy=False), "?parent", "here", "?row", "of", "left"),
            (self._tops(parent, top, "up"), "?row", "up", "?row", "of", ""),
            (self._tops(self.entity, top, "asking"), "?top", "asking", "?top", "up", ""),
        )  # fmt: skip
        for relation, column, table, other, of, kind in steps:
            on = terms.equal(terms.column(column, table), terms.column(other, of))
            query = query.join(relation, on=on, join_type=kind, copy=False)
        here = terms.or_zero(terms.column("?n", "here"))
        stated = terms.column(counted, "of")
        more = exp.GT(this=stated, expression=here)
        return query.where(terms.disjoin([terms.is_null(stated), more]), copy=False)

    # -- the rows before ---------------------------------------------------------------------

    def earlier(self, node: Earlier) -> exp.Select:
        """Each row that asks with the rows before it that match or may: `?parent`, `?matches` and the others' columns."""
        entity = self.program.entities[node.entity]
        assert entity.date is not None
        parts = [part for part in (node.where, node.body) if part is not None]
        rows, scope = self.reading(node.entity, [*parts, *node.same, *asked_of(node)])
        window = exp.Window(
            this=exp.RowNumber(), partition_by=[terms.column("?parent")], order=in_turn(entity)
        )
        numbered = terms.select_from(rows.subquery("read", copy=False), exp.Star(), terms.alias(window, "?n"))
        before = terms.conjoin([
            terms.equal(terms.column("?parent", "other"), terms.column("?parent", "own")),
            exp.LT(this=terms.column("?n", "other"), expression=terms.column("?n", "own")),
            terms.is_known(terms.column(entity.date, "own")),
        ])  # fmt: skip
        equal = [terms.equal(terms.column(f.name, "own"), terms.column(f.name, "other")) for f in node.same]
        pairs = terms.select_from(
            numbered.subquery("own", copy=False),
            exp.Column(this=exp.Star(), table=exp.to_identifier("other", quoted=True)),
            terms.alias(terms.column("?row", "own"), "?of"),
            terms.alias(terms.conjoin(equal), "?equal"),
            *_of_asking(node),
        )
        pairs = pairs.join(numbered.subquery("other", copy=False), on=before, copy=False)
        matches, columns = self._matching(node, entity.date, scope)
        tested = terms.select_from(
            pairs.subquery("pairs", copy=False),
            terms.alias(terms.column("?of"), "?parent"),
            terms.alias(matches, "?matches"),
            *(terms.column(name) for name in ("?n", entity.date)),
            *columns,
        )
        may = terms.possibly(terms.column("?matches"))
        return terms.select_from(tested.subquery("tested", copy=False), exp.Star()).where(may, copy=False)

    def _matching(self, node: Earlier, date: str, scope: Scope) -> tuple[Sql, list[Sql]]:
        """Whether a row before matches, NULL where that is not known; what is shown of it."""
        test: Sql = TRUE
        columns: list[Sql] = []
        if node.where is not None:
            where = emit(node.where, scope)
            test = terms.case([(where.void, FALSE)], where.value) if where.void != FALSE else where.value
            test = terms.case([(where.error, terms.NULL)] if where.error != FALSE else [], test)
            columns.append(terms.alias(where.error, "?error"))
        if node.body is not None:
            body = emit(node.body, scope)
            columns += [terms.alias(body.value, ITEM), terms.alias(body.void, f"{ITEM}?void")]
        dated = terms.case([(terms.is_known(terms.column(date)), TRUE)])
        return terms.conjoin([terms.column("?equal"), test, dated]), columns

    def counted(self, node: Earlier) -> exp.Select:
        """The rows before each row as items to count."""
        errors = [terms.alias(terms.column("?error"), f"{ITEM}?error")] if node.where is not None else []
        return terms.select_from(
            self.earlier(node).subquery("pairs", copy=False),
            terms.column("?parent"),
            terms.alias(terms.case([(terms.column("?matches"), terms.literal(1))]), ITEM),
            terms.alias(terms.is_null(terms.column("?matches")), f"{ITEM}?unsure"),
            *errors,
        )

    def last(self, node: Earlier) -> exp.Select:
        """The last row before each row that matches or may match; a row without a date comes before all others."""
        day = self.program.entities[node.entity].date
        assert day is not None
        dated = terms.case([(terms.is_null(terms.column(day)), terms.literal(0))], terms.literal(1))
        order = exp.Order(
            expressions=[exp.Ordered(this=dated), exp.Ordered(this=terms.column("?n"), desc=True)]
        )
        place = exp.Window(this=exp.RowNumber(), partition_by=[terms.column("?parent")], order=order)
        ranked = terms.select_from(
            self.earlier(node).subquery("pairs", copy=False), exp.Star(), terms.alias(place, "?place")
        )
        return terms.select_from(ranked.subquery("ranked", copy=False), exp.Star()).where(
            terms.equal(terms.column("?place"), terms.literal(1)), copy=False
        )


def _of_asking(node: Aggregate | Earlier) -> list[Sql]:
    """The facts of the row that asks beside each row it asks about."""
    return [terms.alias(terms.column(ref.name, "own"), f"?this.{ref.name}") for ref in asked_of(node)]
