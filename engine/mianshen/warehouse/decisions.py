"""One decision as SQL columns: its value, whether it is not modelled, whether deciding it fails.

In: a decision, the scope of its row. Out: `Decided`. Limits are applied by `limits.py`; here a
limited provision's amount is the column that room makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlglot import exp

from mianshen.program import core
from mianshen.program.failing import fallible
from mianshen.program.program import Decision, Provision
from mianshen.program.selection import Branch, Tier, by_tier
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.emit import aligned, emit
from mianshen.warehouse.expressions import FALSE, TRUE, Sql
from mianshen.warehouse.scope import Emitted, Scope

UNDECIDED: Final = -1
UNMODELLED: Final = -2


@dataclass(frozen=True, slots=True)
class Applied:
    """A branch at a row: does it apply (NULL: unknown), and what it pays."""

    branch: Branch
    applies: Sql
    value: Emitted
    condition_error: Sql
    may_be_unknown: bool
    paid: bool = False  # the value is what its limits leave

    @property
    def provision(self) -> Provision:
        return self.branch.provision

    @property
    def index(self) -> int:
        return self.branch.index


@dataclass(frozen=True, slots=True)
class AppliedTier:
    """The branches of a tier at a row."""

    branches: tuple[Applied, ...]

    @property
    def exclusive(self) -> bool:
        return Tier(tuple(applied.branch for applied in self.branches)).exclusive

    def exceptions(self, applied: Applied) -> list[Applied]:
        """The branches that override one."""
        return [other for other in self.branches if other.index in applied.branch.exceptions]

    def stands(self, applied: Applied) -> Sql:
        """The branch applies and no exception to it does."""
        beaten = [terms.negate(terms.is_true(e.applies)) for e in self.exceptions(applied)]
        return terms.conjoin([terms.is_true(applied.applies), *beaten])

    def unsure(self) -> Sql:
        """No branch applies, and some may."""
        return terms.is_null(terms.disjoin(applied.applies for applied in self.branches))

    def none_applies(self) -> Sql:
        """Every branch is known not to apply."""
        if not self.branches:
            return TRUE
        return terms.is_false(terms.disjoin(applied.applies for applied in self.branches))

    def errors(self) -> list[Sql]:
        """Testing a condition fails, as far as conditions are tested, or two branches stand at once."""
        errors: list[Sql] = [self._conflicts()]
        for index, applied in enumerate(self.branches):
            if applied.condition_error != FALSE:
                before = self.branches[:index] if self.exclusive else ()
                reached = [terms.negate(terms.is_true(earlier.applies)) for earlier in before]
                errors.append(terms.conjoin([*reached, applied.condition_error]))
        return errors

    def _conflicts(self) -> Sql:
        """Two branches stand at once."""
        return terms.disjoin(
            terms.conjoin([self.stands(one), self.stands(two)])
            for one in self.branches
            for two in self.branches
            if two.index in one.branch.conflicts
        )


def tiers(branches: Sequence[Applied]) -> tuple[AppliedTier, AppliedTier]:
    """The branches of a decision by tier, the fallbacks last."""
    main, fallbacks = by_tier(branches)
    return AppliedTier(main), AppliedTier(fallbacks)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision's columns: its value, whether it is not modelled, whether deciding it fails."""

    value: Sql
    void: Sql
    error: Sql


def applied(branch: Branch, scope: Scope) -> Applied:
    """A branch's condition and value; a not-modelled condition does not hold."""
    provision = branch.provision
    narrowed = replace(scope, from_date=provision.start)
    above, own = parted(provision.condition, scope)
    conditions = [Emitted(terms.column(scope.hoisted[above]))] if above else []
    conditions += [emit(c, narrowed) for c in own]
    test = terms.conjoin(c.value for c in conditions)
    voids = [c.void for c in conditions if c.void != FALSE]
    if voids:
        unknown = terms.disjoin(
            terms.conjoin([terms.is_null(c.value), terms.negate(c.void)]) for c in conditions if c.nullable
        )
        test = terms.case([(terms.conjoin([terms.is_null(test), terms.negate(unknown)]), FALSE)], test)
    error = _first_error(conditions)
    may_be_unknown = any(c.nullable for c in conditions)
    return Applied(branch, test, emit(provision.value, narrowed), error, may_be_unknown)


def parted(
    conditions: tuple[core.Core, ...], scope: Scope
) -> tuple[tuple[core.Core, ...], tuple[core.Core, ...]]:
    """Conditions that only read ancestors, and the others. The first can be tested once an ancestor."""
    if scope.program.entities[scope.entity].parent is None or scope.lets is None:
        return (), conditions
    above: list[core.Core] = []
    own: list[core.Core] = []
    for condition in conditions:  # what can fail is not asked before what stands in front of it
        hoisted = _reads_above(condition, scope) and not any(fallible(c) for c in own)
        (above if hoisted else own).append(condition)
    return tuple(above), tuple(own)


def _reads_above(condition: core.Core, scope: Scope) -> bool:
    reads = [n for n in core.walk(condition) if isinstance(n, core.FactRef | core.DecisionRef)]
    if not reads or any(n.entity == scope.entity or (n.entity, n.name) in scope.voidable for n in reads):
        return False
    return not fallible(condition) and not any(
        isinstance(n, core.Aggregate | core.Earlier | core.YearToDate | core.Round)
        for n in core.walk(condition)
    )


def _first_error(conditions: list[Emitted]) -> Sql:
    parts = []
    for index, condition in enumerate(conditions):
        if condition.error != FALSE:
            parts.append(
                terms.conjoin(
                    [*(terms.negate(terms.is_false(c.value)) for c in conditions[:index]), condition.error]
                )
            )
    return terms.disjoin(parts)


def chosen(branches: Sequence[Applied]) -> Sql:
    """The number of the provision that decides; UNDECIDED where that is not known, UNMODELLED where none does."""
    number: Sql = terms.literal(UNMODELLED)
    for tier in reversed(tiers(branches)):
        number = _number(tier, number)
    return terms.cast(number, "SMALLINT")


def _number(tier: AppliedTier, otherwise: Sql) -> Sql:
    """The number of the branch that decides; `otherwise` where none applies."""
    cases: list[tuple[Sql, Sql]] = []
    for branch in tier.branches:
        number: Sql = terms.literal(branch.index)
        exceptions = tier.exceptions(branch)
        stands = tier.stands(branch) if exceptions else branch.applies
        pending = [e for e in exceptions if e.may_be_unknown]
        if pending:
            open_ = terms.disjoin(
                terms.conjoin([terms.is_null(e.applies), terms.negate(terms.is_true(_same(e, branch)))])
                for e in pending
            )
            number = terms.case([(open_, terms.literal(UNDECIDED))], number)
        if stands == TRUE:
            return terms.case(cases, number) if cases else number
        cases.append((stands, number))
    if any(branch.may_be_unknown for branch in tier.branches):
        otherwise = terms.case([(tier.unsure(), terms.literal(UNDECIDED))], otherwise)
    return terms.case(cases, otherwise)


def decided(decision: Decision, branches: list[Applied], by: Sql, limited: bool = False) -> Decided:
    """The decision's columns, given the column that says which provision decides.

    `limited`: the amounts are still to be cut to their limits, and judged after.
    """
    values: dict[Sql, list[int]] = {}
    errors: list[Sql] = []
    also_void: list[Sql] = []
    for branch in branches:
        amount, beyond = _typed(decision, branch, limited)
        values.setdefault(amount, []).append(branch.index)
        mine = _is(by, [branch.index])
        if branch.value.void != FALSE:
            also_void.append(terms.conjoin([mine, branch.value.void]))
        if branch.value.error != FALSE:
            errors.append(terms.conjoin([mine, branch.value.error]))
        if beyond != FALSE:
            errors.append(terms.conjoin([mine, beyond]))
    main, fallbacks = tiers(branches)
    errors += main.errors()
    errors += [terms.conjoin([main.none_applies(), e]) for e in fallbacks.errors() if e != FALSE]
    value = terms.case([(_is(by, numbers), amount) for amount, numbers in values.items()])
    if len(branches) == 1 and _always(branches[0]):
        (value,) = values
    if not isinstance(decision.type, core.Numeric):  # what is never known has no type of its own
        value = terms.cast(value, terms.sql_type(decision.type))
    void = terms.disjoin(
        [*([] if any(_always(r) for r in branches) else [_is(by, [UNMODELLED])]), *also_void]
    )
    return Decided(value, void, terms.disjoin(errors))


def _always(branch: Applied) -> bool:
    return bool(branch.applies == TRUE) and not branch.provision.fallback


def _is(by: Sql, numbers: list[int]) -> Sql:
    """The chosen provision is one of these."""
    if len(numbers) == 1:
        return terms.equal(by, terms.literal(numbers[0]))
    return exp.In(this=by, expressions=[terms.literal(n) for n in numbers])


def agreed(branches: Sequence[Applied], by: Sql) -> list[tuple[Sql, Applied]]:
    """Where it is open which provision decides and all would pay the same under limits; and the one that stands.

    The amounts of limited branches are those that their limits leave.
    """
    cases: list[tuple[Sql, Applied]] = []
    main, fallbacks = tiers(branches)
    for tier, reached in ((main, TRUE), (fallbacks, main.none_applies())):
        for branch in tier.branches:
            pending = [e for e in tier.exceptions(branch) if e.may_be_unknown]
            if any(b.provision.limits for e in pending for b in (branch, e)):
                alike = [terms.disjoin([terms.is_known(e.applies), _equal(e, branch)]) for e in pending]
                cases.append(
                    (
                        terms.conjoin(
                            [_is(by, [UNDECIDED]), reached, tier.stands(branch), *map(terms.is_true, alike)]
                        ),
                        branch,
                    )
                )
    return cases


def _limited(*branches: Applied) -> bool:
    return any(branch.provision.limits and not branch.paid for branch in branches)


def _same(one: Applied, two: Applied) -> Sql:
    """Both amounts known and equal; an amount under a limit is compared when it is known, by `agreed`."""
    return FALSE if _limited(one, two) else _equal(one, two)


def _equal(one: Applied, two: Applied) -> Sql:
    """Both amounts known and equal."""
    first, second = aligned([one.provision.value, two.provision.value], [one.value.value, two.value.value])
    equal = terms.equal(terms.paren(first), terms.paren(second))
    sound = [terms.negate(r.value.error) for r in (one, two) if r.value.error != FALSE]
    return terms.conjoin([equal, *sound])


def _typed(decision: Decision, branch: Applied, limited: bool) -> tuple[Sql, Sql]:
    """A provision's value in the decision's own column type, and whether it does not fit: an error."""
    value, type_, to = branch.value.value, branch.provision.value.type, decision.type
    if not isinstance(to, core.Numeric) or not isinstance(type_, core.Numeric):
        return value, FALSE
    if limited and decision.may_overflow:
        return terms.cast(value, terms.decimal_type(38, to.scale)), FALSE
    if to.low <= type_.low and type_.high <= to.high:
        return terms.cast(value, terms.sql_type(to)), FALSE
    beyond = outside(value, to)
    return terms.case([(terms.negate(beyond), terms.try_cast(value, terms.sql_type(to)))]), beyond


def outside(value: Sql, type_: core.Numeric) -> Sql:
    """The value is out of its type's range."""
    low, high = terms.literal(type_.low), terms.literal(type_.high)
    below = exp.LT(this=terms.paren(value), expression=low)
    above = exp.GT(this=terms.paren(value), expression=high)
    return terms.is_true(terms.disjoin([below, above]))
