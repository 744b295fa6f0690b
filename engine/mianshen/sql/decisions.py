"""One decision as SQL columns: its value, whether it is not modelled, whether deciding it fails.

In: a decision, the scope of its row. Out: `Decided`. Limits are applied by `limits.py`; here a
limited provision's amount is the column that room makes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from sqlglot import exp

from mianshen.program.core import Aggregate, Const, Core, DecisionRef, FactRef, Marginal, Numeric, Op, ParameterRef, Round, YearToDate, walk
from mianshen.program.program import Decision, Provision
from mianshen.sql import terms
from mianshen.sql.emit import Emitted, Scope, emit
from mianshen.sql.terms import FALSE, TRUE, Sql


@dataclass(frozen=True, slots=True)
class Applied:
    """A provision at a row: does it apply (NULL: unknown), and what it pays."""

    provision: Provision
    applies: Sql
    value: Emitted
    condition_error: Sql
    may_be_unknown: bool
    index: int


@dataclass(frozen=True, slots=True)
class Decided:
    """`chosen`: the index of the provision that decided, NULL when none did or it is not known."""

    value: Sql
    void: Sql
    error: Sql
    chosen: Sql


def applied(provision: Provision, index: int, scope: Scope) -> Applied:
    """A provision's condition and value; a not-modelled condition does not hold."""
    narrowed = replace(scope, from_date=provision.start)
    above, own = parted(provision.condition, scope)
    conditions = [Emitted(terms.column(scope.hoisted[above]))] if above else []
    conditions += [emit(c, narrowed) for c in own if not _always(c, scope)]
    test = terms.conjoin(c.value for c in conditions)
    voids = [c.void for c in conditions if c.void != FALSE]
    if voids:
        unknown = terms.disjoin(terms.conjoin([terms.is_null(c.value), terms.negate(c.void)]) for c in conditions if c.nullable)
        test = terms.case([(terms.conjoin([terms.is_null(test), terms.negate(unknown)]), FALSE)], test)
    if scope.missing and test != TRUE:
        test = scope.let(test)
    error = _first_error(conditions)
    return Applied(provision, test, emit(provision.value, narrowed), error, any(c.nullable for c in conditions), index)


def parted(conditions: tuple[Core, ...], scope: Scope) -> tuple[tuple[Core, ...], tuple[Core, ...]]:
    """Conditions that only read ancestors, and the others. The first can be tested once an ancestor."""
    if scope.program.entities[scope.entity].parent is None or scope.lets is None or scope.missing:
        return (), conditions
    above = tuple(c for c in conditions if _reads_above(c, scope))
    return above, tuple(c for c in conditions if c not in above)


def _reads_above(condition: Core, scope: Scope) -> bool:
    reads = [n for n in walk(condition) if isinstance(n, FactRef | DecisionRef)]
    if not reads or any(n.entity == scope.entity or (n.entity, n.name) in scope.voidable for n in reads):
        return False
    return not any(isinstance(n, ParameterRef | Marginal | Aggregate | YearToDate | Round) for n in walk(condition))


def _always(condition: Core, scope: Scope) -> bool:
    """A date condition that every row at hand meets."""
    day = scope.program.entities[scope.entity].date
    if day is None or scope.days is None or scope.undated:
        return False
    match condition:
        case Op(op="ge", args=(FactRef(entity=scope.entity, name=name), Const(value=dt.date() as start))):
            return name == day and scope.days[0] >= start
        case Op(op="le", args=(FactRef(entity=scope.entity, name=name), Const(value=dt.date() as end))):
            return name == day and scope.days[1] <= end
        case _:
            return False


def _first_error(conditions: list[Emitted]) -> Sql:
    parts = []
    for index, condition in enumerate(conditions):
        if condition.error != FALSE:
            parts.append(terms.conjoin([*(terms.negate(terms.surely_not(c.value)) for c in conditions[:index]), condition.error]))
    return terms.disjoin(parts)


def decided(decision: Decision, rulings: list[Applied]) -> Decided:
    """The decision's columns from its provisions' columns."""
    main = [r for r in rulings if not r.provision.fallback]
    fallbacks = [r for r in rulings if r.provision.fallback]
    first = _among(main, decision, simple=_simple(main, decision))
    if not fallbacks:
        value, void, error, chosen = first
    else:
        none = terms.surely_not(terms.disjoin(r.applies for r in main)) if main else TRUE
        second = _among(fallbacks, decision, simple=False)
        value = terms.case([(none, second[0])], first[0]) if main else second[0]
        void = terms.case([(none, second[1])], first[1]) if main else second[1]
        error = terms.disjoin([first[2], terms.conjoin([none, second[2]]) if second[2] != FALSE else FALSE])
        chosen = terms.case([(none, second[3])], first[3]) if main else second[3]
    return _typed(decision, value, void, error, chosen)


def _simple(rulings: list[Applied], decision: Decision) -> bool:
    return not decision.clashes and not any(r.provision.exceptions for r in rulings)


def _among(rulings: list[Applied], decision: Decision, simple: bool) -> tuple[Sql, Sql, Sql, Sql]:
    """(value, void, error, chosen) of a group of provisions that compete."""
    by_name = {r.provision.name: r for r in rulings}
    values, chosen, voids, errors = [], [], [], []
    earlier: list[Sql] = []
    for ruling in rulings:
        exceptions = [by_name[n] for n in ruling.provision.exceptions if n in by_name]
        when = ruling.applies
        standing = terms.conjoin([terms.surely(when), *(terms.negate(terms.surely(e.applies)) for e in exceptions)]) if exceptions else when
        amount, name = ruling.value.value, terms.literal(ruling.index)
        pending = [e for e in exceptions if e.may_be_unknown]
        open_ = terms.FALSE
        if pending:
            open_ = terms.disjoin(terms.conjoin([terms.is_null(e.applies), terms.negate(terms.surely(_same(e, ruling)))]) for e in pending)
            amount = terms.case([(open_, terms.NULL)], amount)
            name = terms.case([(open_, terms.NULL)], name)
        values.append((standing, amount))
        chosen.append((standing, name))
        if ruling.value.void != FALSE:
            voids.append(terms.conjoin([terms.surely(standing), terms.negate(open_), ruling.value.void]))
        if ruling.value.error != FALSE:
            errors.append(terms.conjoin([terms.surely(standing), ruling.value.error]))
        if ruling.condition_error != FALSE:
            errors.append(terms.conjoin([*(terms.negate(terms.surely(e)) for e in earlier), ruling.condition_error] if simple else [ruling.condition_error]))
        earlier.append(when)
    none = _none_applies(rulings)
    clash = _clashes(rulings, by_name) if not simple else FALSE
    return terms.case(values), terms.disjoin([none, *voids]), terms.disjoin([clash, *errors]), terms.case(chosen)


def _same(one: Applied, two: Applied) -> Sql:
    """Both amounts known and equal; an amount under a limit is not compared."""
    if one.provision.limit is not None or two.provision.limit is not None:
        return FALSE
    return exp.EQ(this=terms.paren(one.value.value.copy()), expression=terms.paren(two.value.value.copy()))


def _none_applies(rulings: list[Applied]) -> Sql:
    if any(r.applies == TRUE for r in rulings):
        return FALSE
    return terms.surely_not(terms.disjoin(r.applies for r in rulings)) if rulings else TRUE


def _clashes(rulings: list[Applied], by_name: dict[str, Applied]) -> Sql:
    """Two provisions stand at once."""
    found = []
    for i, one in enumerate(rulings):
        for two in rulings[i + 1 :]:
            if one.provision.name in two.provision.exceptions or two.provision.name in one.provision.exceptions:
                continue
            both = [terms.surely(one.applies), terms.surely(two.applies)]
            beaten = [by_name[n] for r in (one, two) for n in r.provision.exceptions if n in by_name]
            found.append(terms.conjoin([*both, *(terms.negate(terms.surely(b.applies)) for b in beaten)]))
    return terms.disjoin(found)


def _typed(decision: Decision, value: Sql, void: Sql, error: Sql, chosen: Sql) -> Decided:
    """The value in the decision's own column type; what does not fit is an error."""
    to = terms.sql_type(decision.type)
    if not isinstance(decision.type, Numeric):
        return Decided(value, void, error, chosen)
    if not decision.may_overflow:
        return Decided(terms.cast(value, to), void, error, chosen)
    low, high = terms.literal(decision.type.low), terms.literal(decision.type.high)
    outside = terms.surely(terms.disjoin([
        exp.LT(this=terms.paren(value.copy()), expression=low), exp.GT(this=terms.paren(value.copy()), expression=high)]))  # fmt: skip
    return Decided(terms.try_cast(value, to), void, terms.disjoin([error, outside]), chosen)


