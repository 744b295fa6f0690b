"""Rows taken one after the other, and totals over the rows before a row.

In: decisions of a level, a cut. Out: `Layer`s with the decisions' columns. What is paid on a row may rest on what was
paid on the rows before it in any way: limits that several decisions share, several limits on one payment, totals of
what is being decided, balances of a household. So the rows of a holder are numbered in turn; for each row it is found
beforehand which of the rows before it count in a balance, which facts alone tell; and a recursive query decides a row
after the one before it, carrying what each row so far brought to each accumulator as an array by number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sqlglot import exp

from mianshen.program.core import DecisionRef, walk
from mianshen.program.program import Accumulator, Decision, Key, Program
from mianshen.program.remembered import remembered
from mianshen.program.selection import selection
from mianshen.program.stages import nodes_of, parents_first, reads_of
from mianshen.program.totals import grouped
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.beside import in_turn, tops
from mianshen.warehouse.contributions import (
    Contribution,
    balance,
    counts_before,
    held_as,
    may_feed,
    naming,
    needed_accumulators,
    open_payment,
)
from mianshen.warehouse.decisions import Applied, applied, chosen, decided
from mianshen.warehouse.expressions import FALSE, Sql
from mianshen.warehouse.figures import unlimited
from mianshen.warehouse.layers import Layer, Windowed, apart, names_in, stacked
from mianshen.warehouse.limits import paid_of
from mianshen.warehouse.plan import read_elsewhere
from mianshen.warehouse.scope import Scope

NUMBER, HOLDER = "?n", "?holder"
WHOLE: Final = terms.data_type("BIGINT")
Typed: TypeAlias = list[tuple[str, exp.DataType]]  # columns


@remembered
def taken_in_turn(program: Program) -> frozenset[Key]:
    """The decisions that only taking rows one after the other decides: no running sum gives what they are paid."""
    own = grouped({decision.key: reads_of(decision, program)[0] for decision in program.decisions})
    return frozenset(d.key for d in program.decisions if d.key in own or _under_several(d, program))


def _under_several(decision: Decision, program: Program) -> bool:
    """It is paid under several limits, or under one that falls, is another's too or is not of the row's parent."""
    for provision in decision.provisions:
        named = {limit.accumulator for limit in provision.limits}
        limiting = [program.accumulators[n] for n in {*named, *provision.feeds}]
        limiting = [a for a in limiting if not unlimited(program, a)]
        parent = program.entities[decision.entity].parent
        if len(named) > 1 or any(
            a.name not in named or not a.foldless or a.holder != parent for a in limiting
        ):
            return True
    return False


@dataclass(slots=True)
class Turns:
    """The decisions of a level that are taken in turn, or only added up for those that come later."""

    program: Program
    scope: Scope
    tables: dict[str, str]
    voidable: frozenset[Key]
    errors: list[tuple[str, Sql]]
    accumulators: list[Accumulator] = field(default_factory=list)

    # -- totals ----------------------------------------------------------------------------------

    def totals(
        self, decisions: Sequence[Decision], branches: dict[str, list[Applied]], cut: str
    ) -> list[Layer]:
        """Totals of what was decided, before each row: sums over pairs of rows."""
        known = {decision.name: decision for decision in decisions}
        self.accumulators = [
            a for a in needed_accumulators(self.program, decisions) if unlimited(self.program, a)
        ]
        if not self.accumulators:
            return []
        may: list[Sql] = [self._may(a, known[a.sums], branches[a.sums]) for a in self.accumulators]
        added: list[Sql] = [c for a in self.accumulators for c in self._added(a, known[a.sums])]
        rows, reads = f"{cut}_rows", self._reads(f"{a.name}?add" for a in self.accumulators)
        windowed, balances = [], []
        for index, a in enumerate(self.accumulators):
            tables = [(rows, self._numbered(cut, reads))] if index == 0 else []
            tables.append((f"{cut}_total{index}", self._pairs(a, rows, self._summed(a))))
            windowed.append(Windowed(frozenset(reads), (f"{a.name}?sum", f"{a.name}?unsure"), tuple(tables)))
            total = terms.or_zero(terms.column(f"{a.name}?sum"))
            unsure = terms.is_true(terms.column(f"{a.name}?unsure"))
            before = terms.case([(unsure, terms.NULL)], balance(a, self.scope, total))
            balances.append(terms.alias(before, f"{a.name}?before"))
        return [Layer(may), Layer(added), Layer(balances, cut, windowed)]

    def _summed(self, accumulator: Accumulator) -> list[Sql]:
        """What earlier rows brought in all, and whether that is not known of one of them."""
        name, brought = accumulator.name, terms.column(f"{accumulator.name}?add", "earlier")
        known = terms.equal(exp.Count(this=exp.Star()), exp.Count(this=brought))
        total = terms.cast(exp.Sum(this=brought), self._type(accumulator))
        return [terms.alias(total, f"{name}?sum"), terms.alias(terms.negate(known), f"{name}?unsure")]

    def _may(self, accumulator: Accumulator, decision: Decision, branches: list[Applied]) -> Sql:
        return terms.alias(may_feed(branches, naming(accumulator, decision)), f"{accumulator.name}?may")

    def _added(self, accumulator: Accumulator, decision: Decision) -> list[Sql]:
        """What a row brings to the accumulator; that its filter fails is noted."""
        columns = Contribution(accumulator, decision, self.scope, self.voidable).columns()
        for column in columns[1:]:
            self.errors.append((decision.name, terms.column(column.alias)))
        return columns

    # -- rows in turn ----------------------------------------------------------------------------

    def decided(self, decisions: Sequence[Decision], cut: str) -> Layer:
        """The decisions, row after row."""
        self.accumulators = needed_accumulators(self.program, decisions)
        layers, outputs = self._layers(decisions)
        defined = {column.alias for layer in layers for column in layer.columns}
        read = names_in(c for layer in layers for c in layer.columns) - defined
        rows, turns = f"{cut}_rows", f"{cut}_turns"
        brought = [f"{a.name}?brought" for a in self.accumulators]
        reads = self._reads(read - set(brought) - {f"{a.name}?counting" for a in self.accumulators})
        tables: list[tuple[str, exp.Query]] = [(rows, self._numbered(cut, reads))]
        query = terms.select(exp.Column(this=exp.Star(), table=exp.to_identifier("of", quoted=True)))
        query = query.from_(terms.table(rows, "of"), copy=False)
        for index, a in enumerate(self.accumulators):
            numbers = exp.ArrayAgg(this=terms.column(NUMBER, "earlier"))
            table, name = f"{cut}_counting{index}", f"counting{index}"
            tables.append((table, self._pairs(a, rows, [terms.alias(numbers, "?numbers")])))
            on = terms.equal(terms.column("?row", name), terms.column("?row", "of"))
            relation = terms.table(table, name)
            query = query.join(relation, on=on, join_type="left", copy=False)
            query = query.select(
                terms.alias(terms.column("?numbers", name), f"{a.name}?counting"), copy=False
            )
        tables.append((turns, query))
        tables.append(
            (f"{cut}_decided", self._folded(turns, layers, outputs, [*reads, "?row", HOLDER, NUMBER]))
        )
        columns = tuple(name for name, _ in outputs)
        return Layer([], cut, [Windowed(frozenset(reads), columns, tuple(tables))])

    def _layers(self, decisions: Sequence[Decision]) -> tuple[list[Layer], Typed]:
        """What is worked out on a row: balances, decisions one after the other, what it brings; what is shown of it."""
        outputs: Typed = []
        layers = [Layer([self._balance(a) for a in self.accumulators])]
        level = self.scope.level
        for number, decision in enumerate(_one_after_another(decisions)):
            self.scope.level, self.scope.lets = level * 1000 + number + 1, []
            branches = [paid_of(applied(b, self.scope), self.scope) for b in selection(decision).branches]
            name = decision.name
            by = terms.alias(chosen(branches), f"{name}?by")
            result = decided(decision, branches, terms.column(f"{name}?by"))
            columns = [
                terms.alias(result.value, name),
                terms.alias(open_payment(decision, branches), f"{name}?open"),
            ]
            outputs += [(name, terms.sql_type(decision.type)), (f"{name}?by", terms.data_type("SMALLINT"))]
            for part, test, described in (
                ("void", result.void, decision.key in self.voidable), ("error", result.error, result.error != FALSE)
            ):  # fmt: skip
                if described:
                    columns.append(terms.alias(test, f"{name}?{part}"))
                    outputs.append((f"{name}?{part}", terms.data_type("BOOLEAN")))
            if result.error != FALSE:
                self.errors.append((name, terms.column(f"{name}?error")))
            columns += [self._may(a, decision, branches) for a in self.accumulators if a.sums == name]
            layers += [Layer(self.scope.lets), Layer([by]), Layer(columns)]
        self.scope.level, self.scope.lets = level, []
        known = {decision.name: decision for decision in decisions}
        last: list[Sql] = [c for a in self.accumulators for c in self._added(a, known[a.sums])]
        outputs += [(c.alias, terms.data_type("BOOLEAN")) for c in last if c.alias.endswith("?adderror")]
        read = [a for a in self.accumulators if read_elsewhere(self.program, a.name)]
        outputs += [(f"{a.name}?before", held_as(known[a.sums], 38)) for a in read]
        brought = ((f"{a.name}?brought", f"{a.name}?add") for a in self.accumulators)
        appended: list[Sql] = [
            terms.alias(terms.function("LIST_APPEND", *map(terms.column, pair)), pair[0]) for pair in brought
        ]
        layers += [Layer(self.scope.lets), Layer(last), Layer(appended)]
        return [part for layer in layers for part in apart(layer)], outputs

    def _balance(self, accumulator: Accumulator) -> Sql:
        """The balance before a row: what the rows that count in it brought."""
        parts = (terms.column(f"{accumulator.name}?{part}") for part in ("brought", "counting"))
        earlier = terms.function("SUM_AT", *parts, terms.cast(terms.literal(0), self._type(accumulator)))
        return terms.alias(balance(accumulator, self.scope, earlier), f"{accumulator.name}?before")

    def _type(self, accumulator: Accumulator) -> exp.DataType:
        return held_as(self.program.decision(accumulator.entity, accumulator.sums), 38)

    def _folded(self, turns: str, layers: list[Layer], outputs: Typed, names: list[str]) -> exp.Select:
        """Each row after the one before it of its holder."""
        arrays = [(f"{a.name}?brought", terms.array_type(self._type(a))) for a in self.accumulators]
        columns = [*((name, WHOLE) for name in (HOLDER, NUMBER, "?row")), *arrays, *outputs]
        begun: dict[str, Sql] = {HOLDER: terms.column(HOLDER), NUMBER: terms.literal(0)}
        begun |= {name: exp.Array(expressions=[]) for name, _ in arrays}
        first = terms.select(*_typed((begun.get(name, terms.NULL), name, type_) for name, type_ in columns))
        first = first.from_(terms.table(turns), copy=False)
        first = first.where(terms.equal(terms.column(NUMBER), terms.literal(1)), copy=False)
        one_more = exp.Add(this=terms.column(NUMBER, "before"), expression=terms.literal(1))
        on = terms.conjoin([
            terms.equal(terms.column(HOLDER, "next"), terms.column(HOLDER, "before")),
            terms.equal(terms.column(NUMBER, "next"), one_more),
        ])  # fmt: skip
        read = dict.fromkeys([*names, *(f"{a.name}?counting" for a in self.accumulators)])
        base = terms.select_from(
            terms.table("folded", "before"),
            *(terms.column(name, "next") for name in read),
            *(terms.column(name, "before") for name, _ in arrays),
        )
        base = base.join(terms.table(turns, "next"), on=on, copy=False)
        shaped = _typed((terms.column(name), name, type_) for name, type_ in columns)
        following = stacked(base, [c.alias_or_name for c in base.selects], layers, shaped)
        every = exp.union(first, following, distinct=False, copy=False)
        query = terms.select(terms.column("?row"), *(terms.column(name) for name, _ in outputs))
        query = query.from_(terms.table("folded"), copy=False)
        query = query.where(exp.GT(this=terms.column(NUMBER), expression=terms.literal(0)), copy=False)
        return query.with_(exp.to_identifier("folded", quoted=True), as_=every, recursive=True, copy=False)

    # -- rows and the rows before them -----------------------------------------------------------

    def _reads(self, names: Iterable[str]) -> list[str]:
        """The columns of a cut that are read: those of these names, and what tells where rows count."""
        entity = self.program.entities[self.scope.entity]
        assert entity.date is not None
        known = [entity.date, entity.key, "?parent", *names]
        for a in self.accumulators:
            known += [name for name in (a.counted_by, a.read_by) if name is not None]
            known += [name if owner == a.entity else f"{owner}.{name}" for owner, name in a.varying]
        return sorted(dict.fromkeys(known))

    def _numbered(self, cut: str, names: Sequence[str]) -> exp.Select:
        """The rows of a cut with the row that holds each balance, numbered in turn below the uppermost of these."""
        entity = self.program.entities[self.scope.entity]
        assert entity.parent is not None
        holders = sorted({a.holder for a in self.accumulators}, key=parents_first(self.program).index)
        query = terms.select_from(
            terms.table(cut, "cut"),
            terms.column("?row", "cut"),
            *(terms.column(name, "cut") for name in names if name != "?row"),
        )
        of: dict[str, Sql] = {entity.parent: terms.column("?parent", "cut")}
        for holder in holders:
            if holder not in of:
                above = tops(self.program, self.tables, entity.parent, holder).subquery(
                    f"of{holder}", copy=False
                )
                on = terms.equal(terms.column("?row", f"of{holder}"), terms.column("?parent", "cut"))
                query = terms.left_join(query, above, on)
                of[holder] = terms.column("?top", f"of{holder}")
        query = query.select(*(terms.alias(of[holder], f"?of {holder}") for holder in holders), copy=False)
        query = query.select(terms.alias(of[holders[0]], HOLDER), copy=False)
        number = exp.Window(this=exp.RowNumber(), partition_by=[terms.column(HOLDER)], order=in_turn(entity))
        return terms.select_from(query.subquery("held", copy=False), exp.Star(), terms.alias(number, NUMBER))

    def _pairs(self, accumulator: Accumulator, rows: str, columns: list[Sql]) -> exp.Select:
        """Aggregates, by `?row`, of the rows before it that count in its balance."""
        of = f"?of {accumulator.holder}"
        on = terms.conjoin([
            terms.equal(terms.column(of, "earlier"), terms.column(of, "later")),
            exp.LT(this=terms.column(NUMBER, "earlier"), expression=terms.column(NUMBER, "later")),
            counts_before(accumulator, self.program, "later", "earlier"),
        ])  # fmt: skip
        return (
            terms.select_from(terms.table(rows, "later"), terms.column("?row", "later"), *columns)
            .join(terms.table(rows, "earlier"), on=on, copy=False)
            .group_by(terms.column("?row", "later"), copy=False)
        )


def _typed(columns: Iterable[tuple[Sql, str, exp.DataType]]) -> list[Sql]:
    return [terms.alias(terms.cast(value, type_), name) for value, name, type_ in columns]


def _one_after_another(decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions, those first that others read on the same row."""
    waiting, done, ordered = list(decisions), set[Key](), []
    keys = {decision.key for decision in decisions}
    while waiting:
        ready = next(d for d in waiting if _read_on_the_row(d) & keys <= done | {d.key})
        waiting.remove(ready)
        done.add(ready.key)
        ordered.append(ready)
    return ordered


def _read_on_the_row(decision: Decision) -> set[Key]:
    nodes = (node for root in nodes_of(decision) for node in walk(root))
    return {(node.entity, node.name) for node in nodes if isinstance(node, DecisionRef)}
