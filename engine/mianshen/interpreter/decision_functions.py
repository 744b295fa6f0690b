"""One decision at rows of one specialisation, as a function.

In: a decision, those of its branches that may apply there. Out: a function that decides a row and notes
value and provision in it. It is written out for the case that conditions are known; whatever is not so plain
is left to `provisions.decide`, which gives the same where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.function_builder import DEEPEST, FunctionBuilder
from mianshen.interpreter.operations import Function, stop
from mianshen.interpreter.provisions import CompiledBranch, CompiledTier, decide
from mianshen.interpreter.rows import Row, RowError, rejected
from mianshen.program.core import Numeric, YearToDate
from mianshen.program.failing import fallible
from mianshen.program.program import Decision
from mianshen.program.selection import Shared, by_tier, shared
from mianshen.values import ZERO, Unknown, Value

INDENT: Final = "    "
MONEY: Final = Numeric(2, ZERO, ZERO)  # of what an accumulator holds; its range does not matter here


def deciding(decision: Decision, branches: Sequence[CompiledBranch], compiler: Compiler) -> Function:
    """A function that decides a row anew by some of a decision's branches, and notes it there."""
    return _Deciding(decision, branches, FunctionBuilder(compiler, decision.entity)).function()


class _Deciding:
    """The function of one decision as it is being written."""

    def __init__(
        self, decision: Decision, branches: Sequence[CompiledBranch], builder: FunctionBuilder
    ) -> None:
        self.decision = decision
        self.builder = builder
        self.main, self.fallbacks = map(CompiledTier, by_tier(branches))
        self.at_length = f"return {builder.bind(self._at_length())}(row)"
        self.fits = builder.bind(self._check_range)

    def function(self) -> Function:
        """The whole function."""
        name, failing = self.decision.name, self.builder.bind(RowError)
        lines = [
            "try:",
            *(INDENT + line for line in self._lines()),
            f"except {failing}:",
            f"{INDENT}if row.rejection is None: raise",
            f"{INDENT}row.values[{name!r}] = {self.builder.bind(rejected)}(row)",
            f"{INDENT}return row.values[{name!r}]",
        ]
        return self.builder.function(f"{self.decision.entity}.{name}", lines)

    def _lines(self) -> Iterator[str]:
        for compiled in (self.main, self.fallbacks):
            tier = compiled.tier
            parts = [part for branch in tier.branches for part in branch.condition]
            fails = not tier.exclusive and any(fallible(part) for part in parts)
            if tier.may_conflict or fails or len(tier.branches) == 1:
                yield from self._contested(compiled)
            else:
                yield from self._tree(shared(tier.branches), compiled, 0)
        yield from self._noted("NOT_MODELLED", "()")

    def _contested(self, tier: CompiledTier) -> Iterator[str]:
        """Every condition tested; then the first that holds decides, where none is open and no two stand at once."""
        names = {compiled.branch.index: self.builder.local() for compiled in tier.branches}
        for compiled in tier.branches:
            yield f"{names[compiled.branch.index]} = {self.builder.all(compiled.parts)}"
        open_ = [f"{name}.__class__ is {self.builder.bind(Unknown)}" for name in names.values()]
        conflicts = [
            f"{names[compiled.branch.index]} is True and {names[other]} is True"
            for compiled in tier.branches
            for other in compiled.branch.conflicts
            if other in names
        ]
        yield f"if {' or '.join([*open_, *conflicts])}:"
        truths = "".join(f"{name}, " for name in names.values())
        yield INDENT + (self.at_length if tier is self.fallbacks else self.at_length[:-1] + f", ({truths}))")
        for compiled in tier.branches:
            yield f"if {names[compiled.branch.index]} is True:"
            yield from (INDENT + line for line in self._decided(compiled))

    def _tree(self, tree: tuple[Shared, ...], tier: CompiledTier, depth: int) -> Iterator[str]:
        """Branch by branch: the first whose tests hold decides; where one cannot be told, none is taken.

        Exceptions come first, so that where one applies it is the one that stands.
        """
        if depth > DEEPEST:
            yield self.at_length
            return
        for alike in tree:
            sole = tier.compiled(alike.branches[0])
            inner = self._tree(alike.below, tier, depth + 1) if alike.below else self._decided(sole)
            if not alike.parts:
                yield from inner
                continue
            yield f"truth = {self.builder.all(alike.parts)}"
            yield "if truth is True:"
            yield from (INDENT + line for line in inner)
            yield "elif truth is not False:"
            yield INDENT + self.at_length

    def _decided(self, compiled: CompiledBranch) -> Iterator[str]:
        """The provision's value, as far as its annual limits allow."""
        provision, limits = compiled.provision, compiled.provision.limits
        if not limits:
            value = self.builder.text(provision.value)
        else:
            parts = [part for limit in limits for part in (limit.limit, YearToDate(limit.accumulator, MONEY))]
            room = ", ".join(["{} - {}"] * len(limits))
            value = self.builder.strict([provision.value, *parts], f"max(ZERO, min({{}}, {room}))")
        yield from self._noted(value, self.builder.bind(compiled.sole))

    def _noted(self, value: str, chosen: str) -> Iterator[str]:
        yield f"value = {value}"
        type_ = self.decision.type
        if self.decision.may_overflow and isinstance(type_, Numeric) and value != "NOT_MODELLED":
            low, high = self.builder.bind(type_.low), self.builder.bind(type_.high)
            yield f"if value.__class__ is {self.builder.bind(Decimal)} and not {low} <= value <= {high}:"
            yield f"{INDENT}{self.fits}(value)"
        yield f"row.values[{self.decision.name!r}] = value"
        yield f"row.chosen[{self.decision.name!r}] = {chosen}"
        yield "return value"

    def _at_length(self) -> Function:
        """Decides where it cannot be told which provisions apply, or where several may."""
        name, main, fallbacks = self.decision.name, self.main, self.fallbacks

        def evaluate(row: Row, truths: Sequence[Value] | None = None) -> Value:
            value, chosen = decide(main, fallbacks, row, truths)
            self._check_range(value)
            row.values[name] = value
            row.chosen[name] = chosen
            return value

        return evaluate

    def _check_range(self, value: Value) -> None:
        """Raises RowError where the value is outside the decision's type."""
        type_, name = self.decision.type, self.decision.name
        if not (self.decision.may_overflow and isinstance(type_, Numeric) and isinstance(value, Decimal)):
            return
        if not type_.low <= value <= type_.high:
            raise stop("overflow", name, f"{name} is outside its range", f"{name} 的数值超出范围")
