"""Annual limits: what each row may still be paid, rows taken in turn.

In: the decisions of a level that pay under limits. Out: columns before the limit, what a row brings to an
accumulator, and, once `balances` says what it held before the row, columns paid.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp

from mianshen.program.core import Numeric, Type
from mianshen.program.program import Accumulator, Decision, Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.balances import Balances
from mianshen.warehouse.contributions import held_as, may_feed, naming, needed_accumulators
from mianshen.warehouse.decisions import UNDECIDED, Applied, agreed, decided, outside
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import FALSE, TRUE, Sql
from mianshen.warehouse.figures import opening_balance, unlimited
from mianshen.warehouse.layers import Windowed
from mianshen.warehouse.plan import read_elsewhere
from mianshen.warehouse.scope import Emitted, Scope


@dataclass(slots=True)
class Limits:
    """The limited decisions of a level. `branches`: by decision."""

    program: Program
    scope: Scope
    decisions: list[Decision]
    branches: dict[str, list[Applied]]
    failing_filters: set[str] = field(default_factory=set)  # accumulators whose filter has an error column

    def accumulators(self) -> list[Accumulator]:
        """The accumulators that sum this level's decisions."""
        accumulators = needed_accumulators(self.program, self.decisions)
        return [a for a in accumulators if not unlimited(self.program, a)]

    def _naming(self, accumulator: Accumulator) -> list[int]:
        return naming(accumulator, self._decision(accumulator))

    # -- before the windows ------------------------------------------------------------------

    def before_windows(self, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Per decision the amount before any limit; per accumulator limit, filter and opening."""
        columns: list[Sql] = []
        for decision in self.decisions:
            name = decision.name
            result = decided(decision, self.branches[name], terms.column(f"{name}?by"), limited=True)
            columns += [terms.alias(result.value, f"{name}?raw"), terms.alias(result.void, f"{name}?rawvoid")]
            if result.error != FALSE:
                columns.append(terms.alias(result.error, f"{name}?error"))
                errors.append((name, terms.column(f"{name}?error")))
        for accumulator in self.accumulators():
            columns += self._facts_of(accumulator, errors)
        return columns

    def _facts_of(self, accumulator: Accumulator, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Limit, filter and opening of an accumulator at each row."""
        branches = self.branches[accumulator.sums]
        branches_naming = [branches[i] for i in self._naming(accumulator)]
        by = terms.column(f"{accumulator.sums}?by")
        limits: list[tuple[Sql, Emitted]] = [
            (terms.equal(by, terms.literal(b.index)), _limits(b, self.scope)[0]) for b in branches_naming
        ]
        over = (
            Emitted(TRUE, nullable=False) if accumulator.over is None else emit(accumulator.over, self.scope)
        )
        values = {
            "over": over.value if over.void == FALSE else terms.case([(over.void, FALSE)], over.value),
            "opening": opening_balance(accumulator, self.scope),
            "may": may_feed(branches, self._naming(accumulator)),
            "limitvoid": terms.disjoin(terms.conjoin([a, e.void]) for a, e in limits if e.void != FALSE),
            "limit": terms.cast(_picked(limits), _limit_type(branches_naming)),
        }
        failing = terms.disjoin(terms.conjoin([a, e.error]) for a, e in limits if e.error != FALSE)
        if failing != FALSE:
            values["error"] = failing
            errors.append((accumulator.sums, terms.column(f"{accumulator.name}?error")))
        if over.error != FALSE:
            values["overerror"] = over.error
            self.failing_filters.add(accumulator.name)
        return [terms.alias(value, f"{accumulator.name}?{label}") for label, value in values.items()]

    # -- what rows bring to accumulators -------------------------------------------------------

    def windowed(self, cut: str, errors: list[tuple[str, Sql]]) -> tuple[list[Sql], list[Windowed]]:
        """What each row brings to each accumulator, and the parts of the cut that are windowed."""
        accumulators = self.accumulators()
        amounts = [column for a in accumulators for column in self._brought(a, errors)]
        return amounts, Balances(self.program, self.scope).windowed(cut, accumulators)

    def _feeds(self, accumulator: Accumulator, void: Sql) -> Sql:
        """A provision that names the accumulator pays the row, or nobody knows which one does."""
        return terms.conjoin([terms.negate(void), self._may_pay(accumulator)])

    def _may_pay(self, accumulator: Accumulator) -> Sql:
        by = terms.column(f"{accumulator.sums}?by")
        pays = exp.In(this=by, expressions=[terms.literal(i) for i in self._naming(accumulator)])
        open_ = terms.equal(by, terms.literal(UNDECIDED))
        return terms.disjoin([pays, terms.conjoin([open_, terms.column(f"{accumulator.name}?may")])])

    def _brought(self, accumulator: Accumulator, errors: list[tuple[str, Sql]]) -> list[Sql]:
        """`?x`: the amount counted before any limit; `?u`: 1 where that is not known."""
        name, decision = accumulator.name, accumulator.sums
        by, over = (terms.column(c) for c in (f"{decision}?by", f"{name}?over"))
        paying = exp.In(this=by, expressions=[terms.literal(i) for i in self._naming(accumulator)])
        raw, voids = self._raw(accumulator), [self._rawvoid(accumulator)]
        voids.append(terms.conjoin([paying, terms.column(f"{name}?limitvoid")]))
        void = terms.disjoin(voids)
        feeds = self._feeds(accumulator, void)
        counts = terms.conjoin([paying, terms.negate(void), terms.is_true(over), terms.is_known(raw)])
        columns = {
            "x": self._amount(accumulator, counts),
            "u": terms.cast(self._unsure(accumulator, feeds), "TINYINT"),
            "named": TRUE if read_elsewhere(self.program, name) else self._may_pay(accumulator),
            "counted": terms.conjoin([paying, terms.is_true(over)]),
        }
        if name in self.failing_filters:
            columns["filtererror"] = terms.conjoin([feeds, terms.column(f"{name}?overerror")])
            errors.append((decision, terms.column(f"{name}?filtererror")))
        return [terms.alias(value, f"{name}?{label}") for label, value in columns.items()]

    def _unsure(self, accumulator: Accumulator, feeds: Sql) -> Sql:
        """The row may add an unknown amount. `feeds`: it is paid through the accumulator, or may be."""
        over, limit, opening = (terms.column(f"{accumulator.name}?{p}") for p in ("over", "limit", "opening"))
        parts = [over, self._raw(accumulator), limit, opening]
        parts += [self.scope.day] if self.scope.undated and self.scope.day is not None else []
        unknown = [terms.is_null(part) for part in parts]
        return terms.conjoin([terms.negate(terms.is_false(over)), feeds, terms.disjoin(unknown)])

    def _amount(self, accumulator: Accumulator, known: Sql) -> Sql:
        """The amount before the limit, not below zero; one that may be huge is cut to the most that can be paid."""
        decision, raw = self._decision(accumulator), self._raw(accumulator)
        if decision.may_overflow:
            room = exp.Sub(
                this=terms.column(f"{accumulator.name}?limit"),
                expression=terms.column(f"{accumulator.name}?opening"),
            )
            raw = terms.skipping(exp.Least, raw, terms.or_zero(room))
        amount = terms.skipping(exp.Greatest, raw, terms.literal(0))
        amount = terms.case([(known, amount)], terms.literal(0))
        return terms.cast(amount, held_as(decision, 38 if decision.may_overflow else 18))

    def _decision(self, accumulator: Accumulator) -> Decision:
        return next(d for d in self.decisions if d.name == accumulator.sums)

    @staticmethod
    def _raw(accumulator: Accumulator) -> Sql:
        """The amount before any limit."""
        return terms.column(f"{accumulator.sums}?raw")

    @staticmethod
    def _rawvoid(accumulator: Accumulator) -> Sql:
        return terms.column(f"{accumulator.sums}?rawvoid")

    # -- after the windows -------------------------------------------------------------------

    def after_windows(self, voidable: frozenset[Key], errors: list[tuple[str, Sql]]) -> list[Sql]:
        """Each decision's final amount: paid as far as its limit allows."""
        columns: list[Sql] = []
        for decision in self.decisions:
            name = decision.name
            branches: list[tuple[Sql, Sql]] = []
            voids: list[Sql] = [terms.column(f"{name}?rawvoid")]
            for index, provision in enumerate(decision.provisions):
                if provision.limits:
                    chosen = terms.equal(terms.column(f"{name}?by"), terms.literal(index))
                    branches.append((chosen, self._paid(decision, provision.limits[0].accumulator)))
                    voids.append(
                        terms.conjoin([chosen, terms.column(f"{provision.limits[0].accumulator}?limitvoid")])
                    )
            alike = [(test, branch.value.value) for test, branch in self._agreed(decision)]
            value = self._cast(decision, terms.case([*branches, *alike], terms.column(f"{name}?raw")))
            columns.append(terms.alias(value, name))
            if decision.may_overflow:
                assert isinstance(decision.type, Numeric)
                beyond = outside(terms.case(branches, terms.column(f"{name}?raw")), decision.type)
                columns.append(terms.alias(beyond, f"{name}?outside"))
                errors.append((name, terms.column(f"{name}?outside")))
            if decision.key in voidable:
                columns.append(terms.alias(terms.disjoin(voids), f"{name}?void"))
        return columns

    def _cast(self, decision: Decision, value: Sql) -> Sql:
        """The amount in its column's type; NULL where it does not fit."""
        to = terms.sql_type(decision.type)
        if not decision.may_overflow:
            return terms.cast(value, to)
        assert isinstance(decision.type, Numeric)
        return terms.case([(terms.negate(outside(value, decision.type)), terms.try_cast(value, to))])

    def _paid(self, decision: Decision, accumulator: str) -> Sql:
        raw, limit, before = (
            terms.column(n) for n in (f"{decision.name}?raw", f"{accumulator}?limit", f"{accumulator}?before")
        )
        room = exp.Sub(this=limit, expression=before)
        paid = terms.skipping(exp.Greatest, terms.skipping(exp.Least, raw, room), terms.literal(0))
        unknown = terms.disjoin(terms.is_null(part) for part in (raw, limit, before))
        return terms.case([(unknown, terms.NULL)], paid)

    # -- open which provision decides --------------------------------------------------------

    def decided_by(self, decision: Decision) -> list[Sql]:
        """Who decides where all that may decide pay the same under limits: the provision that stands."""
        numbers = [(test, terms.literal(branch.index)) for test, branch in self._agreed(decision)]
        if not numbers:
            return []
        by = terms.column(f"{decision.name}?by")
        return [terms.alias(terms.cast(terms.case(numbers, by), "SMALLINT"), f"{decision.name}?by")]

    def _agreed(self, decision: Decision) -> list[tuple[Sql, Applied]]:
        """Where all provisions that may decide a row would pay the same; and the one that stands."""
        branches = [paid_of(branch, self.scope) for branch in self.branches[decision.name]]
        return agreed(branches, terms.column(f"{decision.name}?by"))


def paid_of(branch: Applied, scope: Scope) -> Applied:
    """The branch with what its limits leave of its amount after what was paid before."""
    if not branch.provision.limits:
        return replace(branch, paid=True)
    raw, limits = branch.value, _limits(branch, scope)
    amount = terms.cast(raw.value, _money_type(branch.provision.value.type))
    befores = [terms.column(f"{limit.accumulator}?before") for limit in branch.provision.limits]
    rooms = [
        exp.Sub(this=terms.cast(limit.value, _limit_type([branch])), expression=terms.paren(before))
        for limit, before in zip(limits, befores, strict=True)
    ]
    unknown = terms.disjoin(terms.is_null(part) for part in (raw.value, *(e.value for e in limits), *befores))
    paid = terms.skipping(exp.Greatest, terms.skipping(exp.Least, amount, *rooms), terms.literal(0))
    value = Emitted(
        terms.case([(unknown, terms.NULL)], paid),
        terms.disjoin([raw.void, *(limit.void for limit in limits)]),
        terms.disjoin([raw.error, *(limit.error for limit in limits)]),
    )
    return replace(branch, value=value, paid=True)


def _limits(branch: Applied, scope: Scope) -> list[Emitted]:
    return [emit(limit.limit, scope) for limit in branch.provision.limits]


def _limit_type(branches: list[Applied]) -> exp.DataType:
    return _money_type(*(limit.limit.type for b in branches for limit in b.provision.limits))


def _picked(limits: list[tuple[Sql, Emitted]]) -> Sql:
    """The limit of the provision that pays; one that all share needs no choosing."""
    if all(e.value == limits[0][1].value for _, e in limits):
        return limits[0][1].value
    return terms.case([(test, e.value) for test, e in limits])


def _money_type(*types: Type) -> exp.DataType:
    """A column type that holds amounts of all of the types."""
    numbers = [type_ for type_ in types if isinstance(type_, Numeric)]
    scale = max([2, *(type_.scale for type_ in numbers)])
    return terms.decimal_type(max([16 + scale, *(scale + t.precision - t.scale for t in numbers)]), scale)
