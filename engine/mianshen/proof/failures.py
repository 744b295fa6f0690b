"""The errors that rows may meet, and when: each with what holds on the way to the place where it is met.

In: conditions as formulas are walked. Out: `Failure`s.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mianshen.program.program import Key
from mianshen.proof.symbols import Term, all_of

Failing: TypeAlias = Literal[
    "no_figure", "past_review", "conflict", "division_by_zero", "overflow", "nothing_to_compare"
]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error a row may meet: its kind, of what, when, and the decision in which."""

    kind: Failing
    name: str
    when: Term
    of: Key | None


@dataclass(slots=True)
class Failures:
    """The errors met so far. `path`: what holds where the walk stands; `deciding`: the decision it is in."""

    listed: list[Failure] = field(default_factory=list)
    path: list[Term] = field(default_factory=list)
    deciding: Key | None = None

    def add(self, kind: Failing, name: str, when: Term) -> None:
        """Note an error that is met where the walk stands, if `when` holds there too."""
        when = all_of(*self.path, when)
        if when is not False:
            self.listed.append(Failure(kind, name, when, self.deciding))

    @contextmanager
    def where(self, *conditions: Term) -> Iterator[None]:
        """Within, the conditions hold, and those that are appended to the path."""
        length = len(self.path)
        self.path.extend(conditions)
        try:
            yield
        finally:
            del self.path[length:]

    @contextmanager
    def within(self, key: Key, exists: Term) -> Iterator[None]:
        """Within, a decision is made of a row that is there where `exists` holds."""
        outer = self.path, self.deciding
        self.path, self.deciding = [exists], key
        try:
            yield
        finally:
            self.path, self.deciding = outer

    @contextmanager
    def unlisted(self) -> Iterator[None]:
        """Within, errors are not listed."""
        listed = list(self.listed)
        try:
            yield
        finally:
            self.listed = listed
