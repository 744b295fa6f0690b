"""Why the other provisions of a decision did not decide a row.

In: an interpreter, a row it has decided. Out: `Unmatched`, one for each of the others.
Invariant: what place and time alone tell is worked out once for all rows of a specialisation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import localcontext
from functools import cached_property
from typing import Literal, TypeAlias

from mianshen.interpreter.decide import Interpreter
from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.operations import Function
from mianshen.interpreter.provisions import CompiledBranch
from mianshen.interpreter.rows import Row, RowError
from mianshen.interpreter.specialisation import Specialisation, Specialisations
from mianshen.program.core import Core
from mianshen.program.program import Decision, Provision
from mianshen.values import EXACT, NOT_MODELLED

Why: TypeAlias = Literal["failed", "unknown", "not_modelled", "overridden", "not_needed"]


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A provision that did not decide: the part of its condition that kept it out, or which one won."""

    provision: Provision
    why: Why
    part: Core | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class _Rival:
    """A provision in a specialisation: why it cannot apply there, or else the tests that are left of it."""

    provision: Provision
    excluded: Unmatched | None
    tests: tuple[tuple[Function, Unmatched], ...]  # each with the reason where a row fails it


class SpecialisedBranches:
    """The provisions of a decision in a specialisation."""

    def __init__(
        self,
        branches: Sequence[CompiledBranch],
        specialisation: Specialisation,
        compiler: Compiler,
        entity: str,
    ) -> None:
        self._branches, self._specialisation, self._compiler, self._entity = (
            branches,
            specialisation,
            compiler,
            entity,
        )
        self._needless: dict[tuple[int, str], Unmatched] = {}
        self._known: dict[
            int | None, tuple[Unmatched, ...]
        ] = {}  # by what decided, where nothing else matters

    @cached_property
    def _rivals(self) -> list[_Rival]:
        return [
            _rival(branch, self._specialisation, self._compiler, self._entity) for branch in self._branches
        ]

    def unmatched(self, row: Row, chosen: tuple[Provision, ...]) -> tuple[Unmatched, ...]:
        """The provisions that were not chosen at a row, in order."""
        decider = id(chosen[0]) if len(chosen) == 1 else 0 if not chosen else None
        known = self._known.get(decider)
        if known is not None:
            return known
        with localcontext(EXACT):
            return self._worked_out(row, chosen, decider)

    def _worked_out(
        self, row: Row, chosen: tuple[Provision, ...], decider: int | None
    ) -> tuple[Unmatched, ...]:
        deciding = [id(provision) for provision in chosen]
        without_fallbacks = bool(chosen) and not chosen[0].fallback  # they come last
        unmatched: list[Unmatched] = []
        alike = decider is not None  # for all rows of which the same is chosen
        for rival in self._rivals:
            if id(rival.provision) in deciding:
                continue
            if without_fallbacks and rival.provision.fallback:
                unmatched.append(self._not_needed(rival.provision, chosen[0].name))
            elif rival.excluded is not None:
                unmatched.append(rival.excluded)
            else:
                alike = False
                unmatched.append(_kept_out(rival, row, chosen))
        if alike:
            self._known[decider] = tuple(unmatched)
        return tuple(unmatched)

    def _not_needed(self, provision: Provision, by: str) -> Unmatched:
        key = id(provision), by
        if key not in self._needless:
            self._needless[key] = Unmatched(provision, "not_needed", by=by)
        return self._needless[key]


class UnmatchedProvisions:
    """Explains the rows that one interpreter has decided."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self._plans = {entity: self._specialisations(entity) for entity in interpreter.program.entities}

    def _specialisations(self, entity: str) -> Specialisations[Mapping[str, SpecialisedBranches]]:
        compiler, by_key = self.interpreter.compiler, self.interpreter.branches
        decisions = {name: branches for (owner, name), branches in by_key.items() if owner == entity}
        conditions = [branch.parts for branches in decisions.values() for branch in branches]

        def specialised(specialisation: Specialisation) -> dict[str, SpecialisedBranches]:
            return {
                name: SpecialisedBranches(branches, specialisation, compiler, entity)
                for name, branches in decisions.items()
            }

        return Specialisations(compiler, entity, conditions, specialised)

    def of(self, row: Row, decision: Decision) -> tuple[Unmatched, ...]:
        """The provisions that did not decide the row, in order."""
        return self._plans[row.entity].of(row)[decision.name].unmatched(row, row.chosen[decision.name])


def _rival(branch: CompiledBranch, specialisation: Specialisation, compiler: Compiler, entity: str) -> _Rival:
    provision = branch.provision
    before, rest = branch.parts[: branch.leading], branch.parts[branch.leading :]
    failing = next((part for part in before if specialisation.get(part) is False), None)
    excluded = None if failing is None else Unmatched(provision, "failed", failing)
    open_ = [] if excluded else [*(part for part in before if part not in specialisation), *rest]
    tests = [(compiler.written(part, entity), Unmatched(provision, "failed", part)) for part in open_]
    return _Rival(provision, excluded, tuple(tests))


def _kept_out(rival: _Rival, row: Row, chosen: tuple[Provision, ...]) -> Unmatched:
    """The first part of the condition that is false, else the first that is not true."""
    provision = rival.provision
    open_: tuple[Why, Core | None] | None = None
    for function, failed in rival.tests:
        try:
            value = function(row)
        except RowError:
            break
        if value is False:
            return failed
        if value is not True and open_ is None:
            open_ = ("not_modelled" if value is NOT_MODELLED else "unknown"), failed.part
    if open_ is not None:
        return Unmatched(provision, *open_)
    winner = next((part.name for part in chosen if part.name in provision.exceptions), None)
    if winner is not None:
        return Unmatched(provision, "overridden", by=winner)
    return Unmatched(provision, "not_needed", by=chosen[0].name if chosen else None)
