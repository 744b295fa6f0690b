"""C text as it is put together: expressions with their states, and the statements before them.

A state is 0 known, 1 unknown, 2 not modelled, 3 an error, so that a strict operation's is the greatest of its
operands'. A value that is not known is 0; a set of missing names means something in state 1 only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from mianshen.native.layout import wide
from mianshen.program.core import Core, Type

NONE: Final = "0"


@dataclass(frozen=True, slots=True)
class Made:
    """C expressions without side effects; `state` and `miss` are "0" where they cannot be anything else."""

    value: str
    state: str = NONE
    miss: str = NONE


@dataclass(slots=True)
class Body:
    """Statements of one C function; values made in a block are known in the blocks inside it."""

    lines: list[str] = field(default_factory=list)
    known: list[dict[tuple[Core, str], Made]] = field(default_factory=lambda: [{}])
    count: int = 0

    def add(self, line: str) -> None:
        self.lines.append("  " * len(self.known) + line)

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def find(self, node: Core, row: str) -> Made | None:
        return next((part[node, row] for part in reversed(self.known) if (node, row) in part), None)

    @contextmanager
    def block(self, opening: str, closing: str = "}") -> Iterator[None]:
        self.add(opening)
        self.known.append({})
        yield
        self.known.pop()
        self.add(closing)


def c_type(type_: Type) -> str:
    return "wide" if wide(type_) else "word"


def c_integer(number: int) -> str:
    """An integer literal of any size."""
    if abs(number) < 2**63:
        return f"{number}LL"
    high, low = divmod(abs(number), 2**64)
    literal = f"(((wide){high}ULL << 64) | (wide){low}ULL)"
    return f"(-{literal})" if number < 0 else literal


def missing_set(value: Made) -> str:
    """What is missing of a value that is unknown; asked for only then, for a household deals out its bits."""
    return NONE if value.miss == NONE else f"(({value.state}) == 1 ? {value.miss} : 0)"


def union(parts: Sequence[str]) -> str:
    """Sets of missing names as one."""
    return " | ".join(dict.fromkeys(p for p in parts if p != NONE)) or NONE


def greatest(states: Sequence[str]) -> str:
    """The state of a strict operation."""
    may_be_open = list(dict.fromkeys(s for s in states if s != NONE)) or [NONE]
    return reduce(lambda one, other: f"most({one}, {other})", may_be_open)
