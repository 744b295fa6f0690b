"""What an expression is emitted into: the columns at hand, and the columns it becomes.

In: a program, the entity of the rows. Out: `Scope`, `Emitted`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Final

from mianshen.program.core import Aggregate, Core, Earlier
from mianshen.program.program import Key, Program
from mianshen.warehouse import expressions as terms
from mianshen.warehouse.expressions import FALSE, Sql, larger

LARGE: Final = 60  # parts of an expression


@dataclass(frozen=True, slots=True)
class Emitted:
    """A value, whether it is not modelled, whether evaluating it fails. `nullable` false: it is never NULL."""

    value: Sql
    void: Sql = FALSE
    error: Sql = FALSE
    nullable: bool = True


@dataclass(slots=True)
class Scope:
    """What an expression at an entity can see: the columns made so far."""

    program: Program
    entity: str
    as_of: dt.date
    voidable: frozenset[Key]  # decisions that may be not modelled
    aggregates: dict[Aggregate | Earlier, str] = field(default_factory=dict)
    from_date: dt.date | None = None  # where a provision begins, its figures are not asked for before
    level: int = 0
    hoisted: dict[tuple[Core, ...], str] = field(
        default_factory=dict
    )  # conditions on ancestors, made beforehand
    lets: list[Sql] | None = None  # columns to make one layer earlier, where that is possible

    def let(self, value: Sql) -> Sql:
        """The value as a column of an earlier layer, so that using it twice computes it once.

        And only where it is asked for.
        """
        if self.lets is None:
            return value
        name = f"?let{len(self.lets)}:{self.level}"
        self.lets.append(terms.alias(value, name))
        return terms.column(name)

    def named(self, emitted: Emitted) -> Emitted:
        """What is large of it as columns of an earlier layer."""
        if self.lets is None:
            return emitted
        value, void, error = (
            self.let(part) if larger(part, LARGE) else part
            for part in (emitted.value, emitted.void, emitted.error)
        )
        return replace(emitted, value=value, void=void, error=error)

    def column_of(self, owner: str, name: str) -> Sql:
        return terms.column(name if owner == self.entity else f"{owner}.{name}")

    def void_of(self, owner: str, name: str) -> Sql:
        prefix = "" if owner == self.entity else f"{owner}."
        return terms.column(f"{prefix}{name}?void")

    @property
    def day(self) -> Sql | None:
        """The row's reference date as a column; None when it is `as_of` for all rows."""
        name = self.program.entities[self.entity].date
        return None if name is None else terms.column(name)

    @property
    def undated(self) -> bool:
        """Whether a row may lack its reference date."""
        name = self.program.entities[self.entity].date
        return name is not None and not self.program.facts[self.entity, name].required
