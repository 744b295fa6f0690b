"""One decision at rows of one setting, as a function.

In: a decision, those of its provisions that may apply there. Out: a function that decides a row and notes
value and provision in it. It is written out for the case that provisions are known to apply or not to, one
at most of them; whatever is not so plain is left to `rulings.decide`, which gives the same where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.function_builder import DEEPEST, FunctionBuilder
from mianshen.interpreter.operations import Function, stop
from mianshen.interpreter.provisions import Branch, CompiledProvision, branches, clashing, decide, excepting
from mianshen.interpreter.rows import Row, RowError, rejected
from mianshen.program.core import Numeric, YearToDate
from mianshen.program.failing import fallible
from mianshen.program.program import Decision
from mianshen.values import NOT_MODELLED, ZERO, Value

INDENT: Final = "    "
MONEY: Final = Numeric(2, ZERO, ZERO)  # of what an accumulator holds; its range does not matter here


def deciding(decision: Decision, rulings: Sequence[CompiledProvision], compiler: Compiler) -> Function:
    """A function that decides a row anew by some of a decision's provisions, and notes it there."""
    return _Deciding(decision, rulings, FunctionBuilder(compiler, decision.entity)).function()


class _Deciding:
    """The function of one decision as it is being written."""

    def __init__(
        self, decision: Decision, rulings: Sequence[CompiledProvision], sheet: FunctionBuilder
    ) -> None:
        self.decision = decision
        self.sheet = sheet
        self.main = [ruling for ruling in rulings if not ruling.provision.fallback]
        self.spare = [ruling for ruling in rulings if ruling.provision.fallback]
        self.clashing = clashing(decision, rulings)
        self.excepting = excepting(rulings)
        self.unsure = f"return {sheet.bind(self._at_length())}(row)"
        self.fits = sheet.bind(self._fits)

    def function(self) -> Function:
        """The whole function."""
        name, failing = self.decision.name, self.sheet.bind(RowError)
        lines = [
            "try:",
            *(INDENT + line for line in self._lines()),
            f"except {failing}:",
            f"{INDENT}if row.rejection is None: raise",
            f"{INDENT}row.values[{name!r}] = {self.sheet.bind(rejected)}(row)",
            f"{INDENT}return row.values[{name!r}]",
        ]
        return self.sheet.function(f"{self.decision.entity}.{name}", lines)

    def _lines(self) -> Iterator[str]:
        conditions = [part for ruling in self.main for part in ruling.parts]
        if self.clashing or (self.excepting and any(fallible(part) for part in conditions)):
            yield self.unsure  # every condition is to be looked at
            return
        yield from self._tree(branches(self.main), 0)
        if len(self.spare) > 1:
            yield self.unsure
            return
        yield from self._tree(branches(self.spare), 0)
        yield from self._noted("NOT_MODELLED", "()")

    def _tree(self, tree: list[Branch], depth: int) -> Iterator[str]:
        """Branch by branch: the first whose tests hold decides; where one cannot be told, none is taken.

        Exceptions come first, so that where one applies it is the one that stands.
        """
        if depth > DEEPEST:
            yield self.unsure
            return
        for branch in tree:
            inner = self._tree(branch.below, depth + 1) if branch.below else self._decided(branch.rulings[0])
            if not branch.parts:
                yield from inner
                continue
            yield f"truth = {self.sheet.all(branch.parts)}"
            yield "if truth is True:"
            yield from (INDENT + line for line in inner)
            yield "elif truth is not False:"
            yield INDENT + self.unsure

    def _decided(self, ruling: CompiledProvision) -> Iterator[str]:
        """The provision's value, as far as its annual limit allows."""
        provision, limit = ruling.provision, ruling.provision.limit
        if limit is None:
            value = self.sheet.text(provision.value)
        else:
            held = YearToDate(limit.accumulator, MONEY)
            value = self.sheet.strict([provision.value, limit.limit, held], "max(ZERO, min({}, {} - {}))")
        yield from self._noted(value, self.sheet.bind(ruling.sole))

    def _noted(self, value: str, chosen: str) -> Iterator[str]:
        yield f"value = {value}"
        if self.decision.may_overflow:
            yield f"{self.fits}(value)"
        yield f"row.values[{self.decision.name!r}] = value"
        yield f"row.chosen[{self.decision.name!r}] = {chosen}"
        yield "return value"

    def _at_length(self) -> Function:
        """Decides where it cannot be told which provisions apply, or where several may."""
        name, unrelated = self.decision.name, not self.clashing and not self.excepting
        main, spare, fallbacks = branches(self.main), self.spare, branches(self.spare)

        def evaluate(row: Row) -> Value:
            value, chosen = decide(main, row, unrelated, spare)
            if value is NOT_MODELLED and not chosen and fallbacks:
                value, chosen = decide(fallbacks, row, False)
            self._fits(value)
            row.values[name] = value
            row.chosen[name] = chosen
            return value

        return evaluate

    def _fits(self, value: Value) -> None:
        """Raises RowError where the value is outside the decision's type."""
        type_, name = self.decision.type, self.decision.name
        if not (self.decision.may_overflow and isinstance(type_, Numeric) and isinstance(value, Decimal)):
            return
        if not type_.low <= value <= type_.high:
            raise stop("overflow", name, f"{name} is too large", f"{name} 的数值过大")
