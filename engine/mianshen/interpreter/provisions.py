"""The provisions of one decision at a row: which of them decides, and what it pays.

In: a selection's branches as functions, a row. Out: the decision's value, and the provision that gave it.
The rule is that of `program.selection`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.operations import OPEN, Function, stop, strict
from mianshen.interpreter.rows import Candidates, Row, RowError
from mianshen.interpreter.specialisation import Specialisation
from mianshen.program.core import Core
from mianshen.program.program import Provision
from mianshen.program.selection import Branch, Tier, narrowed
from mianshen.values import NOT_MODELLED, ZERO, Unknown, Value, unknown_of


@dataclass(slots=True)
class CompiledBranch:
    """A branch as functions. The first `leading` parts of its condition ask for place and time alone."""

    branch: Branch
    leading: int
    holds: Function
    value: Function
    limits: tuple[Function, ...]
    sole: tuple[Provision]  # its provision, as what was chosen

    @property
    def provision(self) -> Provision:
        return self.branch.provision

    @property
    def parts(self) -> tuple[Core, ...]:
        """The parts of the condition as nodes."""
        return self.branch.condition

    def applies(self, row: Row) -> Value:
        """True, false, or the unknown on which it rests."""
        truth = self.holds(row)
        return False if truth is NOT_MODELLED else truth

    def within(
        self, specialisation: Specialisation, compiler: Compiler, entity: str
    ) -> CompiledBranch | None:
        """The branch without the tests that hold in the specialisation; None where one of them does not."""
        tests, rest = self.parts[: self.leading], self.parts[self.leading :]
        if any(specialisation.get(test) is False for test in tests):
            return None
        open_ = (*(test for test in tests if test not in specialisation), *rest)
        holds = self.holds if open_ == self.parts else compiler.all(open_, entity)
        return replace(self, branch=narrowed(self.branch, open_), holds=holds, leading=0)


@dataclass(frozen=True, slots=True)
class CompiledTier:
    """A tier as functions."""

    branches: tuple[CompiledBranch, ...]

    @property
    def tier(self) -> Tier:
        return Tier(tuple([compiled.branch for compiled in self.branches]))

    def compiled(self, branch: Branch) -> CompiledBranch:
        """The functions of one of its branches."""
        return next(c for c in self.branches if c.branch.index == branch.index)


def decide(
    main: CompiledTier, fallbacks: CompiledTier, row: Row, tested: Sequence[Value] | None = None
) -> tuple[Value, tuple[Provision, ...]]:
    """The value the branches give, and the provision that gave it (or all that might).

    `tested`: what the conditions of the main tier came to, where that is known; not all of them are decided then, or
    two that conflict are true.
    """
    if tested is not None and len(tested) == 1 and not fallbacks.branches:
        return _undetermined([(main.branches[0], tested[0])], row)
    for tier, later in ((main, fallbacks.branches), (fallbacks, ())):
        values = [c.holds(row) for c in tier.branches] if tested is None or tier is not main else tested
        truths = {
            compiled.branch.index: False if value is NOT_MODELLED else value
            for compiled, value in zip(tier.branches, values, strict=True)
        }
        applying = [compiled for compiled in tier.branches if truths[compiled.branch.index] is True]
        unsure = [c for c in tier.branches if isinstance(truths[c.branch.index], Unknown)]
        if applying:
            return _standing(applying, unsure, truths, row)
        if unsure:
            open_ = [(compiled, truths[compiled.branch.index]) for compiled in unsure]
            return _undetermined([*open_, *_reserve(later, row)], row)
    return NOT_MODELLED, ()


def _standing(
    applying: Sequence[CompiledBranch], unsure: Sequence[CompiledBranch], truths: dict[int, Value], row: Row
) -> tuple[Value, tuple[Provision, ...]]:
    """The branch that stands decides, unless an exception to it is open. Raises RowError where two stand."""
    unoverridden = [c for c in applying if not any(truths.get(e) is True for e in c.branch.exceptions)]
    if len(unoverridden) > 1:
        both = ", ".join(compiled.provision.name for compiled in unoverridden)
        raise stop(
            "conflict",
            unoverridden[0].provision.name,
            f"provisions apply at once: {both}",
            f"多个条款同时适用：{both}",
        )
    (compiled,) = unoverridden
    pending = [exception for exception in unsure if exception.branch.index in compiled.branch.exceptions]
    if not pending:
        return paid(compiled, row), compiled.sole
    value = _agreed([compiled, *pending], row)
    if value is None:
        return _undetermined([(compiled, None), *((p, truths[p.branch.index]) for p in pending)], row, True)
    feeds = {(candidate.provision.feeds, candidate.limits) for candidate in (compiled, *pending)}
    if feeds == {(compiled.provision.feeds, ())}:
        return value, compiled.sole
    provisions = (candidate.provision for candidate in (compiled, *pending))
    return value, Candidates(provisions, unknown_of([truths[p.branch.index] for p in pending]), True)


def _reserve(branches: Sequence[CompiledBranch], row: Row) -> Iterator[tuple[CompiledBranch, Value | None]]:
    """The branches of a later tier that may come to decide, with what their conditions miss."""
    for compiled in branches:
        try:
            truth = compiled.applies(row)
        except RowError:
            continue
        if truth is not False:
            yield compiled, truth if isinstance(truth, Unknown) else None


def _agreed(branches: Sequence[CompiledBranch], row: Row) -> Value | None:
    """The known value that all of the branches would pay.

    None of them is known to decide, so what fails in one of them is not the row's failing.
    """
    try:
        values = {paid(compiled, row) for compiled in branches}
    except RowError:
        return None
    (value, *others) = values
    return None if others or value.__class__ in OPEN else value


def _undetermined(
    candidates: Sequence[tuple[CompiledBranch, Value | None]], row: Row, overridden: bool = False
) -> tuple[Unknown, Candidates]:
    """Unknown, resting on the candidates' open conditions and on what their values would need."""
    missing: list[Value | None] = []
    balances: list[Value] = []
    for compiled, condition in candidates:
        missing.append(condition)
        try:
            blocked = strict(_unlimited(compiled, row)) if compiled.limits else compiled.value(row)
        except RowError:
            continue
        missing.append(blocked)
        if compiled.limits and blocked is not NOT_MODELLED:
            balances += [row.before[limit.accumulator] for limit in compiled.provision.limits]
    apart = unknown_of(missing)
    chosen = Candidates([compiled.provision for compiled, _ in candidates], apart, overridden)
    return unknown_of([apart, *balances]) if balances else apart, chosen


def paid(compiled: CompiledBranch, row: Row) -> Value:
    """A provision's value, as far as its annual limits allow."""
    if not compiled.limits:
        return compiled.value(row)
    value, *allowed = _unlimited(compiled, row)
    return capped(value, allowed, [row.before[limit.accumulator] for limit in compiled.provision.limits])


def capped(value: Value, limits: Sequence[Value], before: Sequence[Value]) -> Value:
    """The least that annual limits leave of a value after what was paid before; each limit has its balance."""
    blocked = strict((value, *limits, *before))
    if blocked is not None:
        return blocked
    amount: Any = value
    room: list[Any] = [limit - balance for limit, balance in zip(limits, before, strict=True)]  # type: ignore[operator]  # known
    return max(ZERO, min(amount, *room))  # type: ignore[no-any-return]


def _unlimited(compiled: CompiledBranch, row: Row) -> list[Value]:
    """A provision's value before its annual limits, and those limits."""
    return [compiled.value(row), *(limit(row) for limit in compiled.limits)]
