"""What is known so far about one case that is explained: what each provision read, what each decision rests on.

In: readers of a program's formulas. Out: `Walk`, filled as it is asked. Invariant: nothing is decided again; each part
is worked out once a case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Final, NamedTuple, TypeAlias

from mianshen.interpreter.provisions import CompiledBranch
from mianshen.interpreter.rows import Case, Row
from mianshen.interpreter.trace.reads import NOTHING, Always, Name, Reader, Sink
from mianshen.interpreter.trace.uncertain import UncertainDecisions
from mianshen.program.program import Dated, Key, Provision
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
        static = [reader for reader in self.readers if isinstance(reader, Always) and not reader.balances]
        if len(static) < len(self.readers):
            return None
        return tuple(dict.fromkeys(read for reader in static for read in reader.decisions))

    @cached_property
    def readers(self) -> tuple[Reader, ...]:
        """Those that read anything."""
        return tuple(r for r in (self.value, self.condition, *self.limits) if r is not NOTHING)

    @cached_property
    def uncertain(self) -> tuple[tuple[Name, int], ...]:
        """Names that may be uncertain, each so many parents up, of what it reads whatever the row."""
        names = (part for reader in self.readers if isinstance(reader, Always) for part in reader.names)
        return tuple(dict.fromkeys(part for part in names if part[0].uncertain))

    def names(self, row: Row, walk: Walk) -> Iterator[tuple[Name, Row]]:
        """What it read at a row, without the values; a name once for each part that reads it."""
        return chain.from_iterable([walk.names(reader, row) for reader in self.readers])


class RowInputs(dict[Name, Input]):
    """What names are at a row, each made once."""

    def __init__(self, row: Row, make: Callable[[Name, Row], Input]) -> None:
        self.row, self.make = row, make

    def __missing__(self, name: Name) -> Input:
        missing = self[name] = self.make(name, self.row)
        return missing


class Inputs(dict[Row, RowInputs]):
    """What names are at the rows of a case."""

    def __init__(self, make: Callable[[Name, Row], Input]) -> None:
        self.make = make

    def __missing__(self, row: Row) -> RowInputs:
        missing = self[row] = RowInputs(row, self.make)
        return missing


@dataclass
class Walk:
    """What is known so far about one case: what each decision read, and what it rests on."""

    case: Case
    uncertain_decisions: UncertainDecisions
    inputs: Inputs
    grounds: dict[Step_, int] = field(default_factory=dict)  # bits, as `Grounds` has them
    before: dict[tuple[Row, str], dict[Row, Row]] = field(default_factory=dict)
    sinks: dict[tuple[Row, int], Sink] = field(default_factory=dict)  # by the reader's identity

    @cached_property
    def uncertain(self) -> frozenset[Key]:
        """The decisions that may rest on something that is not certain."""
        assumed = frozenset((row.entity, name) for row in self.case.rows() for name in row.assumed)
        return self.uncertain_decisions.keys(assumed)

    def names(self, reader: Reader, row: Row) -> Iterable[tuple[Name, Row]]:
        """What a reader read at a row, without the values."""
        if isinstance(reader, Always):
            return reader.at(row)
        sink = self.sinks.get((row, id(reader)))
        if sink is None:
            sink = self.sinks[row, id(reader)] = {}
            reader(row, sink)
        return sink
