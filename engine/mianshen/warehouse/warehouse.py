"""Records that stand in somebody's own tables made into rows, in SQL of any dialect.

In: an entity, the table with its records, one column a fact, typed as the vocabulary says. Out: queries for
its rows (`?row`, `?parent`, `?top`, the facts, and in `?why` the first thing wrong with the record as `field:
reason`) and for what is wrong with them. Codes stand as codes here, not as labels; the reasons are a batch's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlglot import exp

from mianshen.places import CODE_SHAPE
from mianshen.program.core import Code, Numeric, String, Type
from mianshen.program.program import Entity, Fact, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import Sql
from mianshen.warehouse.place_table import COUNTY, county_of, place_of
from mianshen.warehouse.scope import Scope

PLACES: Final = "mianshen_places"  # the table with the list of places
AREA_TYPE: Final = String(area=True)
TOP: Final = "?top"  # the household, or the person that has none: what stands or falls together
WHY: Final = "?why"
Reasons = list[tuple[Sql, Sql]]  # tests with what they tell


def rows(
    program: Program,
    entity: Entity,
    facts: Mapping[str, Fact],
    source: str,
    parents: str | None,
    as_of: dt.date,
) -> exp.Select:
    """The records of `source` as rows. `parents`: the table with the parent's rows, None without a parent."""
    number = terms.alias(exp.Window(this=exp.RowNumber()), "?row")
    numbered = terms.select_from(exp.to_table(source), number, *(terms.column(name) for name in facts))
    typed = terms.select_from(
        numbered.subquery("given", copy=False), terms.column("?row"), *_typed(program, facts)
    )
    for name, fact in facts.items():
        if fact.type == AREA_TYPE:
            listed = terms.table(PLACES, _list_of(name))
            county = terms.equal(terms.column(COUNTY, _list_of(name)), county_of(terms.column(name, "given")))
            typed = terms.left_join(typed, listed, county)
    wrong: Reasons = [(terms.is_known(terms.column(WHY)), terms.column(WHY)), *_later(program, entity, as_of)]
    row = terms.cast(terms.column("?row"), "VARCHAR")
    checked = terms.select_from(
        typed.subquery("typed", copy=False),
        *(terms.column(name) for name in ("?row", *facts)),
        terms.alias(terms.case(wrong), WHY),
        terms.alias(exp.Concat(expressions=[terms.literal(f"{entity.name} "), row]), TOP),
    )
    if entity.parent is None or parents is None:
        return checked
    return _below(program.entities[entity.parent], facts, checked, parents)


def _below(parent: Entity, facts: Iterable[str], checked: exp.Select, parents: str) -> exp.Select:
    """The rows beside their parents; of a key that several parents share, `refused` tells, one is taken here."""
    key = terms.column(parent.key)
    first = [terms.alias(exp.Min(this=terms.column(n)), n) for n in ("?row", TOP)]
    once = terms.select_from(terms.table(parents), key, *first)
    once = once.group_by(key, copy=False)
    unknown = terms.conjoin(
        [terms.is_null(terms.column("?row", "parents")), terms.is_known(terms.column(parent.key, "checked"))]
    )
    why = terms.case([
        (terms.is_known(terms.column(WHY, "checked")), terms.column(WHY, "checked")),
        (unknown, terms.literal(f"{parent.key}: unknown_parent")),
    ])  # fmt: skip
    top = exp.Coalesce(this=terms.column(TOP, "parents"), expressions=[terms.column(TOP, "checked")])
    query = terms.select_from(
        checked.subquery("checked", copy=False),
        *(terms.column(name, "checked") for name in ("?row", *facts)),
        terms.alias(terms.column("?row", "parents"), "?parent"),
        terms.alias(why, WHY),
        terms.alias(top, TOP),
    )
    on = terms.equal(terms.column(parent.key, "parents"), terms.column(parent.key, "checked"))
    return terms.left_join(query, once.subquery("parents", copy=False), on)


def _typed(program: Program, facts: Mapping[str, Fact]) -> list[Sql]:
    """The facts in their own types, and the first that is none; what does not fit is NULL."""
    columns: list[Sql] = []
    wrong: Reasons = []
    for name, fact in facts.items():
        value, why = _fact(program, name, fact.type)
        columns.append(terms.alias(value, name))
        wrong += why
        if fact.required:
            wrong.append((terms.is_null(terms.column(name)), terms.literal(f"{name}: required")))
    first = terms.cast(terms.case(wrong), "VARCHAR")
    return [*columns, terms.alias(first, WHY)]


def _fact(program: Program, name: str, type_: Type) -> tuple[Sql, Reasons]:
    """A fact in its own type, and what it may be refused for."""
    column = terms.column(name)

    def fitting(test: Sql, reason: str) -> tuple[Sql, Reasons]:
        value = terms.cast(column, terms.sql_type(type_))
        return terms.case([(test, value)]), [(terms.is_false(test), terms.literal(f"{name}: {reason}"))]

    match type_:
        case Numeric(low=low, high=high, scale=scale):
            within = exp.Between(this=column, low=terms.literal(low, scale), high=terms.literal(high, scale))
            value, outside = fitting(within, "out_of_range")
            even = terms.equal(column, exp.Round(this=column, decimals=terms.literal(scale)))
            uneven = terms.conjoin([terms.is_true(within), terms.is_false(even)])
            return value, [*outside, (uneven, terms.literal(f"{name}: too_many_decimals"))]
        case Code(codes=codes):
            values = [terms.literal(value) for value in program.codes[codes].values]
            return fitting(exp.In(this=column, expressions=values), "bad_code")
        case String(area=True):
            shape = exp.RegexpLike(this=column, expression=terms.literal(f"^({CODE_SHAPE.pattern})$"))
            place = place_of(column, shape, _list_of(name))
            wrong = terms.conjoin([terms.is_known(column), terms.is_null(place)])
            return place, [(wrong, terms.literal(f"{name}: bad_area"))]
        case _:
            return terms.cast(column, terms.sql_type(type_)), []


def _list_of(name: str) -> str:
    """The list of places as it is joined for a fact."""
    return f"?places of {name}"


def _later(program: Program, entity: Entity, as_of: dt.date) -> Reasons:
    """What shows once every fact has its type: the day, the vocabulary's checks."""
    later: Reasons = []
    if entity.date is not None:
        late = exp.GT(this=terms.column(entity.date), expression=terms.literal(as_of))
        later.append((terms.is_true(late), terms.literal(f"{entity.date}: after_as_of")))
    scope = Scope(program, entity.name, as_of, frozenset())
    for check in entity.checks:
        test = terms.is_false(emit(check.condition, scope).value)
        later.append((test, terms.literal(f"{check.field}: failed_check")))
    return later


# -- what is wrong ---------------------------------------------------------------------------


def undecided(entity: Entity, reason: Sql) -> list[Sql]:
    """The columns of a table of records that are not decided."""
    return [
        terms.alias(terms.literal(entity.name), "entity"),
        terms.alias(terms.column(entity.key, "of"), "key"),
        terms.alias(reason, "reason"),
        terms.column(TOP, "of"),
    ]


def refused(entity: Entity, table: str) -> list[exp.Select]:
    """The rows of an entity with something wrong, and those that share a key."""
    key = terms.column(entity.key)
    of = terms.table(table, "of")
    wrong = terms.select_from(of, *undecided(entity, terms.column(WHY, "of")))
    many = exp.GT(this=exp.Count(this=exp.Star()), expression=terms.literal(1))
    doubled = terms.select_from(terms.table(table), key)
    doubled = doubled.group_by(key, copy=False).having(many, copy=False)
    double = terms.select_from(of, *undecided(entity, terms.literal(f"{entity.key}: duplicate")))
    among = exp.In(this=terms.column(entity.key, "of"), query=doubled.subquery(copy=False))
    return [
        wrong.where(terms.is_known(terms.column(WHY, "of")), copy=False),
        double.where(among, copy=False),
    ]


def too_few_said(parent: Entity, counted: str, table: str, below: str) -> exp.Select:
    """The rows that say they have fewer rows below than are given. `counted`: the fact; `below`: those rows' table."""
    number = terms.alias(exp.Count(this=exp.Star()), "?n")
    counted_rows = terms.select_from(terms.table(below), terms.column("?parent"), number)
    counted_rows = counted_rows.group_by(terms.column("?parent"), copy=False)
    on = terms.equal(terms.column("?parent", "given"), terms.column("?row", "of"))
    fewer = exp.LT(this=terms.column(counted, "of"), expression=terms.column("?n", "given"))
    columns = undecided(parent, terms.literal(f"{counted}: failed_check"))
    query = terms.select_from(terms.table(table, "of"), *columns)
    return query.join(counted_rows.subquery("given", copy=False), on=on, copy=False).where(fewer, copy=False)


def failed(entity: Entity, table: str, query: str) -> exp.Select:
    """The rows that a step could not decide: a conflict, an overflow, a figure's gap."""
    of = terms.table(table, "of")
    step = terms.table(query, "made")
    on = terms.equal(terms.column("?row", "made"), terms.column("?row", "of"))
    return (
        terms.select_from(of, *undecided(entity, terms.column("?error", "made")))
        .join(step, on=on, copy=False)
        .where(terms.is_known(terms.column("?error", "made")), copy=False)
    )


def together(queries: Sequence[exp.Select]) -> exp.Query:
    return queries[0] if len(queries) == 1 else exp.union(*queries, distinct=False)


def tops(table: str) -> exp.Select:
    """What stands or falls with the rows of such a table."""
    return terms.select_from(terms.table(table), terms.column(TOP))


def sound(table: str, left_out: str) -> exp.Select:
    """The numbers of the rows that stand with nothing wrong."""
    outside = exp.Not(this=exp.In(this=terms.column(TOP), query=tops(left_out).subquery(copy=False)))
    return terms.select_from(terms.table(table), terms.column("?row")).where(outside, copy=False)
