"""What a back end takes and answers, as cases ask it, and the back ends there are.

In: a program, cases of one day that nobody has decided. Out: an answer to each, in order.
Invariant: every back end gives the same answers; what it cannot say at all it says beforehand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from mianshen.casework.answers import Answers, BackEnd, answers_of
from mianshen.interpreter import Interpreter
from mianshen.interpreter.rows import Case
from mianshen.program.program import Program


class CaseDecider(Protocol):
    """A back end, asked to decide cases."""

    def usable(self) -> bool:
        """Whether this machine can run it."""

    def takes(self, program: Program, case: Case, rejects: bool = False) -> bool:
        """Whether it decides a case as it stands. `rejects`: the case expects a row to be rejected."""

    def prepare(self, program: Program) -> None:
        """Do beforehand, in a thread of its own, what needs no case."""

    def decided(self, program: Program, cases: Sequence[Case], as_of: dt.date) -> list[Answers]:
        """What it answers to each case, all of the day `as_of`; deciding may write in the cases."""


@dataclass(frozen=True, slots=True)
class InterpreterCases:
    """The reference: a case at a time."""

    def usable(self) -> bool:
        return True

    def takes(self, program: Program, case: Case, rejects: bool = False) -> bool:
        del program, case, rejects
        return True

    def prepare(self, program: Program) -> None:
        del program

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

    def takes(self, program: Program, case: Case, rejects: bool = False) -> bool:
        del program, case, rejects
        return True

    def prepare(self, program: Program) -> None:
        from mianshen.cases.native_rows import compiled_cases

        compiled_cases(program)

    def decided(self, program: Program, cases: Sequence[Case], as_of: dt.date) -> list[Answers]:
        from mianshen.cases.native_rows import decided_on_native

        return decided_on_native(program, cases, as_of)


@dataclass(frozen=True, slots=True)
class DuckdbCases:
    """The script of the warehouse, in DuckDB: all cases at once, those that it takes (see `cases/tables.py`)."""

    def usable(self) -> bool:
        return True

    def takes(self, program: Program, case: Case, rejects: bool = False) -> bool:
        from mianshen.cases.tables import said_by_script

        return not rejects and said_by_script(case, program)

    def prepare(self, program: Program) -> None:
        del program

    def decided(self, program: Program, cases: Sequence[Case], as_of: dt.date) -> list[Answers]:
        from mianshen.cases.tables import decided_by_script

        return decided_by_script(program, cases, as_of)


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
