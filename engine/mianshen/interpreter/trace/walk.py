"""What is known so far about one case that is explained: what each provision read, what each decision rests on.

In: readers of a program's formulas. Out: `Walk`, filled as it is asked. Invariant: nothing is decided again; each part
is worked out once a case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from mianshen.interpreter.provisions import CompiledBranch
from mianshen.interpreter.rows import Case, Row
from mianshen.interpreter.trace.reads import Always, Name, Reader, Sink
from mianshen.interpreter.trace.unmatched import Unmatched
from mianshen.program.program import Dated, Decision, Key, Provision
from mianshen.values import Value

Step_: TypeAlias = tuple[Row, str]


class Input(NamedTuple):
    """A name a formula read, where, and its value; `dated` for a parameter."""

    name: Name
    row: Row
    value: Value | None  # None: a figure that is no single value, such as a scale
    dated: Dated | None = None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Caveats:
    """Names of provisional and missing figures (or provisions), and of facts that were assumed."""

    provisional: tuple[str, ...]
    missing: tuple[str, ...]
    assumed: tuple[str, ...]


CERTAIN: Final = Caveats((), (), ())


@dataclass
class BranchReads:
    """The readers of a branch."""

    branch: CompiledBranch
    condition: Reader
    value: Reader
    limits: tuple[Reader, ...]

    @cached_property
    def provision(self) -> Provision:
        return self.branch.provision

    @cached_property
    def accumulators(self) -> tuple[str, ...]:
        """Those that limit what it pays."""
        return tuple(limit.accumulator for limit in self.provision.limits)

    @cached_property
    def always(self) -> tuple[tuple[str, int], ...] | None:
        """The decisions it reads whatever the row, each so many parents up; None where that depends."""
        names: dict[tuple[str, int], None] = {}
        for reader in self.readers:
            if not isinstance(reader, Always):
                return None
            for name, steps in reader.names:
                if name.kind == "year_to_date":
                    return None
                if name.kind == "decision":
                    names[name.name, steps] = None
        return tuple(names)

    @cached_property
    def readers(self) -> tuple[Reader, ...]:
        return (self.value, self.condition, *self.limits)

    @cached_property
    def uncertain(self) -> tuple[tuple[Name, int], ...]:
        """Names that may be uncertain, each so many parents up, of what it reads whatever the row."""
        names = (part for reader in self.readers if isinstance(reader, Always) for part in reader.names)
        return tuple(dict.fromkeys(part for part in names if part[0].uncertain))

    def names(self, row: Row) -> Sink:
        """What it read at a row, without the values."""
        sink: Sink = {}
        for reader in self.readers:
            reader(row, sink)
        return sink


# A provision that decided (or might), and what it read: in its value, its condition, its limit.
ProvisionRead: TypeAlias = tuple["BranchReads", tuple[Input, ...], tuple[Input, ...], tuple[Input, ...]]


class Inputs(dict[tuple[Name, Row], Input]):
    """What names are at rows, each made once."""

    def __init__(self, make: Callable[[Name, Row], Input]) -> None:
        self.make = make

    def __missing__(self, key: tuple[Name, Row]) -> Input:
        missing = self[key] = self.make(*key)
        return missing


@dataclass(slots=True)
class Walk:
    """What is known so far about one case: what each decision read, and what it rests on."""

    case: Case
    needed: Callable[[Step_, Walk], list[Step_]]
    uncertain: frozenset[Key]  # the decisions that may rest on something that is not certain
    inputs: Inputs
    unmatched: Callable[[Row, Decision], tuple[Unmatched, ...]]
    uses: dict[Step_, list[ProvisionRead]] = field(default_factory=dict)
    needs: dict[Step_, list[Step_]] = field(default_factory=dict)
    grounds: dict[Step_, int] = field(default_factory=dict)  # bits, as `Grounds` has them
    before: dict[tuple[Row, str], dict[Row, Row]] = field(default_factory=dict)

    def needs_of(self, at: Step_) -> list[Step_]:
        """The decisions that a decision read."""
        needs = self.needs.get(at)
        if needs is None:
            needs = self.needs[at] = self.needed(at, self)
        return needs
