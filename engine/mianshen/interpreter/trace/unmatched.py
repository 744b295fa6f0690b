"""Why the other provisions of a decision did not decide a row.

In: an interpreter, a row it has decided. Out: `Lost`, one for each of the others.
Invariant: what place and time alone tell is worked out once for all rows of a setting.
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
    """A provision in a setting: why it cannot apply there, or else the tests that are left of it."""

    provision: Provision
    excluded: Unmatched | None
    tests: tuple[tuple[Function, Unmatched], ...]  # and what a row comes to that fails it


class Field:
    """The provisions of a decision in a setting."""

    def __init__(
        self, rulings: Sequence[CompiledBranch], setting: Specialisation, compiler: Compiler, entity: str
    ) -> None:
        self._rulings, self._setting, self._compiler, self._entity = rulings, setting, compiler, entity
        self._needless: dict[tuple[int, str], Unmatched] = {}
        self._known: dict[
            int | None, tuple[Unmatched, ...]
        ] = {}  # by who decided, where that is all that matters

    @cached_property
    def _rivals(self) -> list[_Rival]:
        return [_rival(ruling, self._setting, self._compiler, self._entity) for ruling in self._rulings]

    def told(self, row: Row, chosen: tuple[Provision, ...]) -> tuple[Unmatched, ...]:
        """What is to be said of those that were not chosen."""
        decider = id(chosen[0]) if len(chosen) == 1 else 0 if not chosen else None
        known = self._known.get(decider)
        if known is not None:
            return known
        with localcontext(EXACT):
            return self._told_anew(row, chosen, decider)

    def _told_anew(
        self, row: Row, chosen: tuple[Provision, ...], decider: int | None
    ) -> tuple[Unmatched, ...]:
        deciding = [id(provision) for provision in chosen]
        settled = bool(chosen) and not chosen[0].fallback  # fallbacks come last
        unmatcheds: list[Unmatched] = []
        alike = decider is not None  # for all rows of which the same is chosen
        for rival in self._rivals:
            if id(rival.provision) in deciding:
                continue
            if settled and rival.provision.fallback:
                unmatcheds.append(self._not_needed(rival.provision, chosen[0].name))
            elif rival.excluded is not None:
                unmatcheds.append(rival.excluded)
            else:
                alike = False
                unmatcheds.append(_kept_out(rival, row, chosen))
        if alike:
            self._known[decider] = tuple(unmatcheds)
        return tuple(unmatcheds)

    def _not_needed(self, provision: Provision, by: str) -> Unmatched:
        key = id(provision), by
        if key not in self._needless:
            self._needless[key] = Unmatched(provision, "not_needed", by=by)
        return self._needless[key]


class UnmatchedProvisions:
    """Tells of the rows that one interpreter has decided."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self._rivals = {entity: self._settings(entity) for entity in interpreter.program.entities}

    def _settings(self, entity: str) -> Specialisations[Mapping[str, Field]]:
        rulings = {
            name: branch for (owner, name), branch in self.interpreter.branches.items() if owner == entity
        }
        compiler = self.interpreter.compiler
        conditions = [ruling.parts for part in rulings.values() for ruling in part]

        def fields(setting: Specialisation) -> dict[str, Field]:
            return {name: Field(ruling, setting, compiler, entity) for name, ruling in rulings.items()}

        return Specialisations(compiler, entity, conditions, fields)

    def of(
        self, row: Row, decision: Decision, known: dict[Row, Mapping[str, Field]]
    ) -> tuple[Unmatched, ...]:
        """What is to be said of each provision that did not decide the row, in order.

        `known`: the fields of the rows of one case, as far as they were asked for.
        """
        fields = known.get(row)
        if fields is None:
            fields = known[row] = self._rivals[row.entity].of(row)
        return fields[decision.name].told(row, row.chosen[decision.name])


def _rival(ruling: CompiledBranch, setting: Specialisation, compiler: Compiler, entity: str) -> _Rival:
    provision = ruling.provision
    before, rest = ruling.parts[: ruling.leading], ruling.parts[ruling.leading :]
    failing = next((part for part in before if setting.get(part) is False), None)
    excluded = None if failing is None else Unmatched(provision, "failed", failing)
    rival = [] if excluded else [*(part for part in before if part not in setting), *rest]
    tests = [(compiler.written(part, entity), Unmatched(provision, "failed", part)) for part in rival]
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
