"""Which facts an unknown value rests on, as a list of names beside the value.

In: a core node, the scope of its row. Out: a SQL list of text: the names that `values.Unknown` would
hold, empty where the value is known or not modelled. Only runs made to ask for it carry these
columns (`name?miss`), and only over rows with something undetermined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from sqlglot import exp

from mianshen.program.core import (
    Aggregate,
    AsOf,
    BenefitYear,
    Choice,
    Const,
    Core,
    DecisionRef,
    FactRef,
    Fail,
    If,
    InForce,
    InSet,
    IsKnown,
    Marginal,
    MissingFigure,
    NoValue,
    Op,
    ParameterRef,
    Round,
    SamePlace,
    Within,
    YearToDate,
)
from mianshen.program.lower import lowered
from mianshen.program.operators import CALENDAR
from mianshen.program.place_tests import area_facts, prefix_digits
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.decisions import Applied, AppliedTier, tiers
from mianshen.warehouse.emit import emit
from mianshen.warehouse.expressions import FALSE, TRUE, Sql
from mianshen.warehouse.figures import feeds, opening_balance, parameter
from mianshen.warehouse.scope import Emitted, Scope
from mianshen.warehouse.working_days import lacking

NONE: Final = terms.cast(exp.Array(expressions=[]), exp.DataType.build("VARCHAR[]", dialect="duckdb"))


def named(*names: str) -> Sql:
    return exp.Array(expressions=[terms.literal(name) for name in names])


def rejected_name(scope: Scope) -> Sql:
    """A rejected row named as what is missing: `claim C7`; of a row that may be void, what would void it."""
    entity = scope.program.entities[scope.entity]
    key = exp.Coalesce(this=terms.column(entity.key), expressions=[terms.literal("")])
    name: Sql = exp.Concat(expressions=[terms.literal(f"{entity.name} "), key])
    if scope.voided:
        name = exp.Coalesce(this=terms.column("?voider"), expressions=[name])
    return exp.Array(expressions=[name])


def together(parts: Iterable[Sql]) -> Sql:
    """The lists one after the other."""
    kept = [p for p in parts if p != NONE]
    if not kept:
        return NONE
    made = kept[0]
    for part in kept[1:]:
        made = terms.function("LIST_CONCAT", made, part)
    return made


def names_where(test: Sql, names: Sql) -> Sql:
    """The names where the test holds, else none."""
    if names == NONE or test == FALSE:
        return NONE
    return names if test == TRUE else terms.case([(test, names)], NONE)


def lacks(node: Core, scope: Scope) -> Sql:
    """The names behind a node's unknown value."""
    match node:
        case Const() | AsOf() | NoValue() | Fail():
            return NONE
        case FactRef(entity=owner, name=name):
            return names_where(terms.is_null(scope.column_of(owner, name)), named(name))
        case DecisionRef(entity=owner, name=name):
            return missing_of(scope, owner, name)
        case ParameterRef(name=name):
            return _figure(node, scope)
        case MissingFigure(parameter=name):
            return named(f"parameter {name}")
        case InForce():
            return _in_force(node, scope)
        case Op(op="holds", args=(condition,)):
            return lacks(condition, scope)
        case Op(op="and" | "or"):
            made = emit(node, scope)
            return _open(made, together(lacks(a, scope) for a in node.args))
        case Op(op=op, args=args) if op in CALENDAR:
            emitted = [emit(arg, scope) for arg in args]
            beyond = [names_where(test, named(name)) for test, name in lacking(node, emitted, scope)]
            return together([_strict(node, scope), *beyond])
        case Op(op="place_prefix", args=(place, _)):
            digits = terms.literal(prefix_digits(node))
            shorter = exp.LT(this=exp.Length(this=emit(place, scope).value), expression=digits)
            facts = named(*(fact.name for fact in area_facts(place, scope.program)))
            return together([_strict(node, scope), names_where(terms.surely(shorter), facts)])
        case Op() | Round():
            return _strict(node, scope)
        case If():
            return _conditional(node, scope)
        case IsKnown():
            made = emit(node, scope)
            return (
                _open(made, named(*(n.name for n in (node.arg,) if isinstance(n, FactRef))))
                if made.nullable
                else NONE
            )
        case Aggregate():
            return terms.column(f"{scope.aggregates[node]}?miss")
        case YearToDate(accumulator=name):
            return _balance(name, scope)
        case InSet() | Within() | SamePlace() | Marginal() | BenefitYear() | Choice():
            return lacks(lowered(node, scope.program.parameters), scope)
        case _:
            assert_never(node)


def _balance(name: str, scope: Scope) -> Sql:
    """What the balance of an accumulator lacks; one that nothing feeds holds its opening."""
    program = scope.program
    if any(feeds(p, name) for d in program.decisions for p in d.provisions):
        return terms.column(f"{name}?before?miss")
    accumulator, day = program.accumulators[name], program.entities[scope.entity].date
    assert day is not None
    opening = [] if accumulator.opening is None else [accumulator.opening[1]]
    unknown = terms.is_null(opening_balance(accumulator, scope))
    return terms.case([(terms.is_null(terms.column(day)), named(day)), (unknown, named(*opening))], NONE)


def missing_of(scope: Scope, owner: str, name: str) -> Sql:
    """The column with a decision's missing names."""
    prefix = "" if owner == scope.entity else f"{owner}."
    return exp.Coalesce(this=terms.column(f"{prefix}{name}?miss"), expressions=[NONE])


def _strict(node: Core, scope: Scope) -> Sql:
    from mianshen.program.core import children

    return _unless(emit(node, scope).void, together(lacks(part, scope) for part in children(node)))


def _unless(void: Sql, names: Sql) -> Sql:
    return names if void == FALSE else names_where(terms.negate(void), names)


def _open(made: Emitted, names: Sql) -> Sql:
    """The names where a value is unknown."""
    return names_where(
        terms.conjoin([terms.is_null(made.value), terms.negate(made.void) if made.void != FALSE else TRUE]),
        names,
    )


def _unless_wrong(test: Sql, made: Emitted) -> Sql:
    """The test, and evaluating is no error: what fails lacks nothing."""
    return test if made.error == FALSE else terms.conjoin([test, terms.negate(made.error)])


def _in_force(node: InForce, scope: Scope) -> Sql:
    """What the case in force lacks; what all do and the date where that is not known."""
    names = [lacks(case, scope) for case in node.cases]
    at = dict(zip(map(id, scope.program.parameters[node.parameter].series), names, strict=True))
    in_force = parameter(node.parameter, scope, NONE, lambda dated: at[id(dated)]).value
    date = scope.program.entities[scope.entity].date
    if date is None:
        return in_force
    undated = together([named(date), *names])
    return terms.case(
        [(terms.is_null(terms.column(date)), undated)], exp.Coalesce(this=in_force, expressions=[NONE])
    )


def _figure(node: ParameterRef, scope: Scope) -> Sql:
    """A figure without a value, or a row without the date it is looked up by."""
    name, made = node.name, emit(node, scope)
    if not made.nullable:
        return NONE
    entity = scope.program.entities[scope.entity]
    absent = names_where(_unless_wrong(terms.is_null(made.value), made), named(f"parameter {name}"))
    if entity.date is None:
        return absent
    return terms.case([(terms.is_null(terms.column(entity.date)), named(entity.date))], absent)


def _conditional(node: If, scope: Scope) -> Sql:
    condition = emit(node.condition, scope)
    then, otherwise = (
        names_where(_unless_wrong(TRUE, emit(n, scope)), lacks(n, scope)) for n in (node.then, node.otherwise)
    )
    settled = terms.case(
        [(terms.surely(condition.value), then), (terms.surely_not(condition.value), otherwise)], NONE
    )
    if not condition.nullable:
        return settled
    return terms.case(
        [(_is_open(condition), together([lacks(node.condition, scope), then, otherwise]))], settled
    )


def _is_open(made: Emitted) -> Sql:
    return terms.conjoin([terms.is_null(made.value), terms.negate(made.void) if made.void != FALSE else TRUE])


# -- decisions -------------------------------------------------------------------------------


def decision_lacks(branches: Sequence[Applied], scope: Scope, value: Sql, void: Sql) -> Sql:
    """The names behind an undetermined decision, what limited provisions paid before left aside."""
    main, fallbacks = tiers(branches)
    names = _of_tier(main, scope)
    if fallbacks.branches:
        reserve = together(names_where(_in_reserve(b), _of_branch(b, scope)) for b in fallbacks.branches)
        names = terms.case(
            [
                (main.none_applies(), _of_tier(fallbacks, scope)),
                (main.none_surely(), together([names, reserve])),
            ],
            names,
        )
    open_ = terms.conjoin([terms.is_null(value), terms.negate(void) if void != FALSE else TRUE])
    return voided_names(scope, names_where(open_, terms.function("LIST_DISTINCT", names)))


def voided_names(scope: Scope, names: Sql) -> Sql:
    """The names; of a row that may be void only the row that would void it."""
    if not scope.voided:
        return names
    return terms.case([(terms.is_known(terms.column("?voider")), rejected_name(scope))], names)


def _of_tier(tier: AppliedTier, scope: Scope) -> Sql:
    """What the branch that stands and the open exceptions to it lack; where none stands, all that may apply."""
    cases: list[tuple[Sql, Sql]] = []
    for branch in tier.branches:
        pending = [e for e in tier.exceptions(branch) if e.may_be_unknown]
        open_ = [names_where(terms.is_null(e.applies), _of_branch(e, scope)) for e in pending]
        cases.append((tier.stands(branch), together([_of_value(branch, scope), *open_])))
    perhaps = together(names_where(terms.is_null(b.applies), _of_branch(b, scope)) for b in tier.branches)
    return terms.case(cases, perhaps)


def _of_branch(branch: Applied, scope: Scope) -> Sql:
    """What a branch lacks: its open condition, and its value."""
    condition = together(lacks(part, scope) for part in branch.provision.condition)
    return together([names_where(terms.is_null(branch.applies), condition), _of_value(branch, scope)])


def _of_value(branch: Applied, scope: Scope) -> Sql:
    """What a branch's value lacks, and its limit."""
    limits = [lacks(limit.limit, scope) for limit in branch.provision.limits]
    names = [lacks(branch.provision.value, scope), *limits]
    return names_where(payable(branch, scope), together(names))


def _in_reserve(branch: Applied) -> Sql:
    """A fallback that may come to decide."""
    parts = [terms.negate(terms.surely_not(branch.applies))]
    if branch.condition_error != FALSE:
        parts.append(terms.negate(branch.condition_error))
    return terms.conjoin(parts)


def payable(branch: Applied, scope: Scope) -> Sql:
    """What the provision pays is modelled and does not fail, so that it can lack something."""
    parts = [emit(branch.provision.value, scope)]
    if branch.provision.limits:
        parts.append(emit(branch.provision.limits[0].limit, scope))
    return terms.conjoin(terms.negate(t) for p in parts for t in (p.void, p.error) if t != FALSE)


def candidate(branch: Applied, branches: Sequence[Applied]) -> Sql:
    """Where it is not known which provision decides, it may be this one."""
    main, fallbacks = tiers(branches)
    tier = fallbacks if branch.provision.fallback else main
    overridden = [tier.stands(b) for b in tier.branches if branch.index in b.branch.exceptions]
    in_doubt = terms.disjoin([tier.none_surely(), *overridden])
    may = terms.disjoin([tier.stands(branch), terms.conjoin([terms.is_null(branch.applies), in_doubt])])
    if tier is main:
        return may
    in_reserve = terms.conjoin([main.none_surely(), _in_reserve(branch)])
    return terms.case([(main.none_applies(), may)], in_reserve)
