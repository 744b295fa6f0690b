"""What rows bring to accumulators, and which earlier rows count in the balance that a row is decided on.

In: accumulators, the provisions that may pay what they sum. Out: columns and conditions. An earlier row counts by its
facts alone, whatever is decided on it; what it brings is NULL where that is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from mianshen.program.program import Accumulator, Decision, Key, Program
from mianshen.program.selection import counts_apart
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.decisions import UNDECIDED, Applied, tiers
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import FALSE, TRUE, Sql
from mianshen.warehouse.figures import decimals, opening_balance, period_of, unlimited
from mianshen.warehouse.plan import read_elsewhere
from mianshen.warehouse.scope import Emitted, Scope

ZERO = terms.literal(0)


def held_as(decision: Decision, digits: int) -> exp.DataType:
    """The type that sums of a decision have: two decimals, or as many as it has."""
    scale = decimals(decision)
    return terms.decimal_type(min(38, digits + scale - 2), scale)


def naming(accumulator: Accumulator, decision: Decision) -> list[int]:
    """The provisions of the decision whose payments count in the accumulator."""
    return [index for index, p in enumerate(decision.provisions) if accumulator.name in p.feeds]


def needed_accumulators(program: Program, decisions: Sequence[Decision]) -> list[Accumulator]:
    """The accumulators of what decisions come to that limit something or are read."""
    known = {decision.key: decision for decision in decisions}
    return [
        a
        for a in program.accumulators.values()
        if (decision := known.get((a.entity, a.sums))) is not None
        and naming(a, decision)
        and (not unlimited(program, a) or read_elsewhere(program, a.name))
    ]


def may_feed(branches: Sequence[Applied], named: Sequence[int]) -> Sql:
    """Where it is open what decides: something that names the accumulator may, or one stands and its exception is open."""
    if not any(branch.may_be_unknown for branch in branches):
        return TRUE
    main, fallbacks = tiers(branches)
    open_ = terms.disjoin([main.unsure(), terms.conjoin([main.none_applies(), fallbacks.unsure()])])
    naming = [branch for branch in branches if branch.index in named]
    return terms.disjoin([terms.negate(open_), *(terms.negate(terms.is_false(b.applies)) for b in naming)])


def open_payment(decision: Decision, branches: Sequence[Applied]) -> Sql:
    """It is open which provision pays, and so what the payment counts in, though the amount may be known."""
    by = terms.column(f"{decision.name}?by")
    apart = [
        terms.conjoin([terms.equal(by, terms.literal(branch.index)), terms.is_null(exception.applies)])
        for tier in tiers(branches)
        for branch in tier.branches
        for exception in tier.exceptions(branch)
        if exception.may_be_unknown and counts_apart(branch.provision, exception.provision)
    ]
    return terms.disjoin([terms.equal(by, terms.literal(UNDECIDED)), *apart])


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a row brings to an accumulator once its decision is made. `error`: its filter fails."""

    accumulator: Accumulator
    decision: Decision
    scope: Scope
    voidable: frozenset[Key]

    def columns(self) -> list[Sql]:
        """`?add`: the amount, 0 where it does not count, NULL where that is not known; `?adderror`."""
        name, decided = self.accumulator.name, self.decision.name
        over = Emitted(TRUE, nullable=False)
        if self.accumulator.over is not None:
            over = emit(self.accumulator.over, self.scope)
        outside = terms.disjoin([terms.is_false(over.value) if over.nullable else FALSE, over.void])
        void = terms.column(f"{decided}?void") if self.decision.key in self.voidable else FALSE
        open_, by = terms.column(f"{decided}?open"), terms.column(f"{decided}?by")
        pays = exp.In(
            this=by, expressions=[terms.literal(i) for i in naming(self.accumulator, self.decision)]
        )
        fed = terms.disjoin([pays, terms.conjoin([open_, terms.column(f"{name}?may")])])
        nothing = terms.disjoin([void, terms.negate(fed), outside])
        unknown = terms.disjoin(
            [open_, terms.is_null(over.value) if over.nullable else FALSE, *self._nowhere()]
        )
        add = terms.case(
            [(nothing, ZERO), (unknown, terms.NULL)],
            terms.cast(terms.column(decided), held_as(self.decision, 38)),
        )
        columns = [terms.alias(terms.cast(add, held_as(self.decision, 38)), f"{name}?add")]
        if over.error != FALSE:
            failed = terms.conjoin([terms.negate(void), fed, over.error])
            columns.append(terms.alias(terms.is_true(failed), f"{name}?adderror"))
        return columns

    def _nowhere(self) -> list[Sql]:
        """It is not known where the row counts: a date is missing, or a fact where it brings something."""
        accumulator = self.accumulator
        some = terms.is_true(exp.NEQ(this=terms.column(self.decision.name), expression=ZERO))
        parts = [
            terms.conjoin([terms.is_null(fact_column(accumulator, key)), some]) for key in accumulator.varying
        ]
        day = terms.is_null(terms.column(counted_by(accumulator, self.scope.program)))
        return [*parts, day if accumulator.counted_by is None else terms.conjoin([day, some])]


# -- which earlier rows count ------------------------------------------------------------------


def counted_by(accumulator: Accumulator, program: Program) -> str:
    """The fact whose date says to which period a row counts."""
    return accumulator.counted_by or str(program.entities[accumulator.entity].date)


def read_by(accumulator: Accumulator, program: Program) -> str:
    """The fact whose date says of which period a row reads the balance."""
    return accumulator.read_by or str(program.entities[accumulator.entity].date)


def fact_column(accumulator: Accumulator, key: Key, table: str | None = None) -> Sql:
    """A fact that says to which of a period's balances a row goes."""
    owner, name = key
    return terms.column(name if owner == accumulator.entity else f"{owner}.{name}", table)


def counts_before(accumulator: Accumulator, program: Program, later: str, earlier: str) -> Sql:
    """An earlier row of the same holder goes, or may go, to the balance that a later one reads."""
    last = period_of(accumulator, terms.column(read_by(accumulator, program), later))
    if accumulator.span.back:
        last = exp.Sub(this=terms.paren(last), expression=terms.literal(1))
    counted = terms.column(counted_by(accumulator, program), earlier)
    period = terms.paren(period_of(accumulator, counted))
    within: Sql = terms.equal(period, terms.paren(last))
    if accumulator.days is not None:
        first = exp.Sub(this=terms.paren(last), expression=terms.literal(accumulator.days))
        within = exp.Between(this=period, low=terms.paren(first), high=terms.paren(last))
    pairs = [
        [fact_column(accumulator, key, table) for table in (earlier, later)] for key in accumulator.varying
    ]
    equal = terms.conjoin(terms.equal(one, other) for one, other in pairs)
    anywhere = [
        terms.is_null(one) for one, _ in pairs
    ]  # of a row that lacks a fact any balance may be its own
    facts = terms.disjoin([equal, *anywhere]) if pairs else TRUE
    return terms.disjoin([terms.is_null(counted), terms.conjoin([within, facts])])


def balance(accumulator: Accumulator, scope: Scope, earlier: Sql) -> Sql:
    """The balance before a row: the opening one and what earlier rows brought; NULL where that is not known."""
    total = exp.Add(this=opening_balance(accumulator, scope), expression=terms.paren(earlier))
    unsure = [terms.is_null(fact_column(accumulator, key)) for key in accumulator.varying]
    unsure.append(terms.is_null(terms.column(read_by(accumulator, scope.program))))
    return terms.case([(terms.disjoin(unsure), terms.NULL)], total)
