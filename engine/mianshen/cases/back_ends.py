"""What a back end takes and answers, as cases ask it, and the back ends there are.

In: a program, cases of one day that nobody has decided. Out: an answer to each, in order.
Invariant: every back end gives the same answers; what it cannot say at all it says beforehand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

from mianshen.casework.answers import Answers, BackEnd, answers_of, reversed_of
from mianshen.interpreter import Interpreter
from mianshen.interpreter.rows import Case
from mianshen.program.program import Program


class CaseDecider(Protocol):
    """A back end, asked to decide cases."""

    def usable(self) -> bool:
        """Whether this machine can run it."""

    def can_say(self, program: Program) -> bool:
        """Whether it can say all that the program says."""

    def decided(self, program: Program, cases: Sequence[Case], as_of: dt.date) -> list[Answers]:
        """What it answers to each case, all of the day `as_of`; deciding may write in the cases."""


@dataclass(frozen=True, slots=True)
class InterpreterCases:
    """The reference: a case at a time."""

    def usable(self) -> bool:
        return True

    def can_say(self, program: Program) -> bool:
        return True

    def decided(self, program: Program, cases: Sequence[Case], as_of: dt.date) -> list[Answers]:
        interpreter = Interpreter(program)
        for case in cases:
            interpreter.run(case)
        return [answers_of(case) for case in cases]


@dataclass(frozen=True, slots=True)
class NativeCases:
    """The compiled program: all cases at once. It needs a C compiler."""

    def usable(self) -> bool:
        from mianshen.native.library import compiler

        return compiler() is not None

    def can_say(self, program: Program) -> bool:
        return True

    def decided(self, program: Program, cases: Sequence[Case], as_of: dt.date) -> list[Answers]:
        from mianshen.cases.native_rows import decided_on_native

        return decided_on_native(program, cases, as_of)


@dataclass(frozen=True, slots=True)
class DuckdbCases:
    """The script of the warehouse, in DuckDB: all cases at once. It cannot take rows in turn."""

    def usable(self) -> bool:
        return True

    def can_say(self, program: Program) -> bool:
        from mianshen.warehouse.in_turn import InTurnOnly, refuse_in_turn

        try:
            refuse_in_turn(program)
        except InTurnOnly:
            return False
        return True

    def decided(self, program: Program, cases: Sequence[Case], as_of: dt.date) -> list[Answers]:
        from mianshen.cases.tables import decided_on_duckdb

        answers = decided_on_duckdb(program, cases, as_of)
        return [replace(a, reversed=reversed_of(case)) for a, case in zip(answers, cases, strict=True)]


def decider(name: BackEnd) -> CaseDecider:
    """The back end of a name."""
    match name:
        case "interpreter":
            return InterpreterCases()
        case "native":
            return NativeCases()
        case "duckdb":
            return DuckdbCases()
        case _:
            assert_never(name)
