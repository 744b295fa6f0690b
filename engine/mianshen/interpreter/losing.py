"""Why the other provisions of a decision did not decide a row.

In: an interpreter, a row it has decided. Out: `Lost`, one for each of the others.
Invariant: what place and time alone tell is worked out once for all rows of a setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mianshen.interpreter.decide import Interpreter
from mianshen.interpreter.operations import Function
from mianshen.interpreter.rows import Row, RowError
from mianshen.interpreter.rulings import Ruling
from mianshen.interpreter.settings import Setting, Settings
from mianshen.program.core import Core
from mianshen.program.program import Decision, Provision
from mianshen.values import NOT_MODELLED

Why: TypeAlias = Literal["failed", "unknown", "not_modelled", "overridden", "not_needed"]


@dataclass(frozen=True, slots=True)
class Lost:
    """A provision that did not decide: the part of its condition that kept it out, or which one won."""

    provision: Provision
    why: Why
    part: Core | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class _Rival:
    """A provision in a setting: why it cannot apply there, or else the tests that are left of it."""

    provision: Provision
    excluded: Lost | None
    tests: tuple[tuple[Function, Lost], ...]  # and what a row comes to that fails it


class Losing:
    """Tells of the rows that one interpreter has decided."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self._rivals = {entity: self._settings(entity) for entity in interpreter.program.entities}

    def _settings(self, entity: str) -> Settings[Mapping[str, tuple[_Rival, ...]]]:
        rulings = {name: each for (owner, name), each in self.interpreter.rulings.items() if owner == entity}
        conditions = [ruling.parts for each in rulings.values() for ruling in each]

        def rivals(setting: Setting) -> dict[str, tuple[_Rival, ...]]:
            return {name: tuple([_rival(r, setting) for r in each]) for name, each in rulings.items()}

        return Settings(self.interpreter.compiler, entity, conditions, rivals)

    def of(self, row: Row, decision: Decision) -> tuple[Lost, ...]:
        """What is to be said of each provision that did not decide the row, in order."""
        rivals = self._rivals[row.entity].of(row)[decision.name]
        return tuple(self._told(rivals, row, row.chosen[decision.name]))

    def _told(self, rivals: tuple[_Rival, ...], row: Row, chosen: tuple[Provision, ...]) -> Iterator[Lost]:
        deciding = {id(provision) for provision in chosen}
        settled = any(not provision.fallback for provision in chosen)
        for rival in rivals:
            if id(rival.provision) in deciding:
                continue
            if settled and rival.provision.fallback:
                yield Lost(rival.provision, "not_needed", by=chosen[0].name)
            else:
                yield rival.excluded or _kept_out(rival, row, chosen)


def _rival(ruling: Ruling, setting: Setting) -> _Rival:
    provision = ruling.provision
    before, rest = ruling.parts[: ruling.leading], ruling.parts[ruling.leading :]
    failing = next((part for part in before if setting.get(part) is False), None)
    excluded = None if failing is None else Lost(provision, "failed", failing)
    functions = dict(zip(ruling.parts, ruling.condition, strict=True))
    left = [*(part for part in before if part not in setting), *rest]
    return _Rival(provision, excluded, tuple([(functions[p], Lost(provision, "failed", p)) for p in left]))


def _kept_out(rival: _Rival, row: Row, chosen: tuple[Provision, ...]) -> Lost:
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
        return Lost(provision, *open_)
    winner = next((each.name for each in chosen if each.name in provision.exceptions), None)
    if winner is not None:
        return Lost(provision, "overridden", by=winner)
    return Lost(provision, "not_needed", by=chosen[0].name if chosen else None)
