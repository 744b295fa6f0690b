"""The provisions of one decision at a row: which of them apply, and what they pay.

In: provisions as functions, a row. Out: the decision's value, and the provision that gave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from mianshen.interpreter.operations import OPEN, Function, conjunction, stop, strict
from mianshen.interpreter.rows import Candidates, Row, RowError
from mianshen.interpreter.specialisation import Specialisation
from mianshen.program.core import Core, Op
from mianshen.program.program import Decision, Provision
from mianshen.values import NOT_MODELLED, ZERO, Unknown, Value, unknown_of


@dataclass(slots=True)
class CompiledProvision:
    """A provision as functions; `parts` are the nodes of `condition`, `and`s taken apart.

    The first `leading` of them ask for place and time alone.
    """

    provision: Provision
    parts: tuple[Core, ...]
    leading: int
    condition: list[Function]
    value: Function
    limit: Function | None
    sole: tuple[Provision]  # itself, as what was chosen

    def applies(self, row: Row) -> Value:
        truth = conjunction(self.condition, row)
        return False if truth is NOT_MODELLED else truth


@dataclass(slots=True)
class Branch:
    """Provisions whose conditions begin alike: what they share is tested once for all of them."""

    parts: tuple[Core, ...]
    shared: list[Function]  # the parts as functions
    rulings: list[CompiledProvision]  # all below, in order
    below: list[Branch]  # empty: `rulings` is the one whose condition ends here


def branches(rulings: list[CompiledProvision], depth: int = 0) -> list[Branch]:
    """The rulings, in order, as a tree of shared beginnings from part `depth` of their conditions on."""
    made: list[Branch] = []
    for _, alike in groupby(rulings, key=lambda ruling: ruling.parts[depth : depth + 1]):
        group = list(alike)
        shared = depth
        while len(group) > 1 and len({ruling.parts[: shared + 1] for ruling in group}) == 1:
            if len(group[0].parts) == shared:  # equal conditions: nothing left to tell them apart
                break
            shared += 1
        if len(group) == 1 or shared == depth or shared == len(group[0].parts):
            made += [Branch(r.parts[depth:], r.condition[depth:], [r], []) for r in group]
        else:
            one = group[0]
            below = branches(group, shared)
            made.append(Branch(one.parts[depth:shared], one.condition[depth:shared], group, below))
    return made


def standing(rulings: Sequence[CompiledProvision], setting: Specialisation) -> list[CompiledProvision]:
    """The rulings that may apply in a setting, with what their conditions ask beside it."""
    return [made for each in rulings if (made := _within(each, setting)) is not None]


def _within(ruling: CompiledProvision, setting: Specialisation) -> CompiledProvision | None:
    """The ruling without the tests that hold in the setting; None where one of them does not."""
    tests = ruling.parts[: ruling.leading]
    if any(setting.get(test) is False for test in tests):
        return None
    left = [i for i, part in enumerate(ruling.parts) if i >= ruling.leading or part not in setting]
    parts = tuple([ruling.parts[i] for i in left])
    return replace(ruling, parts=parts, condition=[ruling.condition[i] for i in left], leading=0)


def clashing(decision: Decision, rulings: Sequence[CompiledProvision]) -> bool:
    """Whether two of the rulings may apply at once, neither an exception to the other; fallbacks aside."""
    number = {id(provision): index for index, provision in enumerate(decision.provisions)}
    here = {number[id(ruling.provision)] for ruling in rulings if not ruling.provision.fallback}
    return any(one in here and other in here for one, other in decision.clashes)


def excepting(rulings: Sequence[CompiledProvision]) -> bool:
    """Whether one of the rulings is an exception to another; fallbacks aside."""
    main = [ruling.provision for ruling in rulings if not ruling.provision.fallback]
    names = {provision.name for provision in main}
    return any(names & set(provision.exceptions) for provision in main)


def conjuncts(parts: Iterable[Core]) -> Iterator[Core]:
    """The parts of a conjunction, those of `and`s within it one by one, in order."""
    for part in parts:
        if isinstance(part, Op) and part.op == "and":
            yield from conjuncts(part.args)
        else:
            yield part


def decide(
    tree: list[Branch], row: Row, unrelated: bool, spare: Sequence[CompiledProvision] = ()
) -> tuple[Value, tuple[Provision, ...]]:
    """The value the provisions give, and the provision that gave it (or all that might).

    `spare` are the fallbacks, which decide should none of the provisions turn out to apply.
    """
    applied: list[CompiledProvision] = []
    unsure: list[tuple[CompiledProvision, Unknown]] = []
    sort_out(tree, row, applied, unsure)
    if unrelated and applied:
        return paid(applied[0], row), (applied[0].provision,)
    if not applied:
        if not unsure:
            return NOT_MODELLED, ()
        unsure += _in_reserve(spare, row)
        return _perhaps([u for _, u in unsure], [r for r, _ in unsure], row)
    names = {r.provision.name for r in applied}
    standing = [r for r in applied if not names & set(r.provision.exceptions)]
    if len(standing) > 1:
        both = ", ".join(r.provision.name for r in standing)
        raise stop(
            "conflict",
            standing[0].provision.name,
            f"provisions apply at once: {both}",
            f"多个条款同时适用：{both}",
        )
    (ruling,) = standing
    pending = [(r, u) for r, u in unsure if r.provision.name in ruling.provision.exceptions]
    if not pending:
        return paid(ruling, row), (ruling.provision,)
    value = agreed([ruling, *(r for r, _ in pending)], row)
    if value is not None:
        return value, (ruling.provision,)
    candidates = [ruling, *(r for r, _ in pending)]
    return _perhaps([u for _, u in pending], candidates, row)


def sort_out(
    tree: list[Branch],
    row: Row,
    applied: list[CompiledProvision],
    unsure: list[tuple[CompiledProvision, Unknown]],
) -> None:
    """Which provisions apply and which might, in order."""
    for branch in tree:
        value: Value = True
        for function in branch.shared:
            value = function(row)
            if value is not True:
                break
        if value is True and branch.below:
            sort_out(branch.below, row, applied, unsure)
        elif value is True:
            applied += branch.rulings
        elif value is not False:
            for ruling in branch.rulings:
                truth = ruling.applies(row)
                if truth is not False:
                    assert isinstance(truth, Unknown)  # a part of it is not true
                    unsure.append((ruling, truth))


def _in_reserve(spare: Sequence[CompiledProvision], row: Row) -> Iterator[tuple[CompiledProvision, Unknown]]:
    """The fallbacks that may come to decide, with what their conditions lack."""
    for ruling in spare:
        try:
            truth = ruling.applies(row)
        except RowError:
            continue
        if truth is not False:
            yield ruling, truth if isinstance(truth, Unknown) else Unknown()


def agreed(rulings: list[CompiledProvision], row: Row) -> Value | None:
    """The known value that all of the provisions would pay; those under a limit are not compared.

    None of them is known to decide, so what fails in one of them is not the row's failing.
    """
    if any(r.limit is not None for r in rulings):
        return None
    try:
        values = {paid(r, row) for r in rulings}
    except RowError:
        return None
    (value, *others) = values
    return None if others or value.__class__ in OPEN else value


def _perhaps(
    conditions: list[Unknown], rulings: list[CompiledProvision], row: Row
) -> tuple[Unknown, Candidates]:
    """Unknown, resting on the open conditions and on what the provisions behind them would need."""
    apart: list[Value | None] = list(conditions)
    balances: list[Value] = []
    for ruling in rulings:
        try:
            lacking = strict(_reckoned(ruling, row))
        except RowError:
            continue
        apart.append(lacking)
        limit = ruling.provision.limit
        if limit is not None and lacking is not NOT_MODELLED:
            balances.append(row.before[limit.accumulator])
    found = unknown_of(apart)
    return unknown_of([found, *balances]), Candidates((r.provision for r in rulings), found)


def paid(ruling: CompiledProvision, row: Row) -> Value:
    """A provision's value, as far as its annual limit allows."""
    limit = ruling.provision.limit
    if limit is None:
        return ruling.value(row)
    value, allowed = _reckoned(ruling, row)
    return capped(value, allowed, row.before[limit.accumulator])


def capped(value: Value, limit: Value, before: Value) -> Value:
    """What an annual limit leaves of a value after what was paid before."""
    blocked = strict((value, limit, before))
    if blocked is not None:
        return blocked
    known: tuple[Any, Any, Any] = value, limit, before
    return max(ZERO, min(known[0], known[1] - known[2]))  # type: ignore[no-any-return]


def _reckoned(ruling: CompiledProvision, row: Row) -> list[Value]:
    """A provision's value before its annual limit, and that limit."""
    return [ruling.value(row), *([] if ruling.limit is None else [ruling.limit(row)])]
