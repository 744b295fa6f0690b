"""Mutants run against the cases.

In: a program's mutants, the cases. Out: a `Judgement` of each. A case is decided only where it evaluates what the
mutant changes, and no further case once one has noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Literal, TypeAlias

from mianshen.cases.read import CaseOf, Programs
from mianshen.cases.runs import compared
from mianshen.casework.answers import answers_of
from mianshen.interpreter import Case, Interpreter
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.policy.mutation.mutants import Mutant, Refused, mutants_of
from mianshen.policy.mutation.reached import Place, Reach, places_of
from mianshen.program.program import Program
from mianshen.source import RuleError

if TYPE_CHECKING:
    from mianshen.proof.equivalence import Equivalence

Judgement: TypeAlias = Literal["noticed", "refused", "equivalent", "survived"]


@dataclass(slots=True)
class _TracedCase:
    """A case read once: undecided, and the places it evaluates."""

    case: CaseOf
    record: Case
    interpreter: Interpreter
    reached: frozenset[Place]
    copied: bool  # whether a copy of the record does


class Mutation:
    """The mutants of one rulebook, and the cases they are run against."""

    def __init__(self, cases: Sequence[CaseOf], programs: Programs) -> None:
        self.program = programs.under(())
        self.mutants = mutants_of(self.program)
        self.cases: list[_TracedCase] = []
        self.failing: list[CaseOf] = []  # cases that are not as expected already: they notice nothing
        self._scenarios: dict[int, Scenario] = {}
        interpreters: dict[int, Interpreter] = {}
        for case in cases:
            try:
                program = programs.under(case.overlays)
            except RuleError:
                continue
            if id(program) not in interpreters:
                interpreters[id(program)] = interpreter = Interpreter(program)
                self._scenarios[id(interpreter)] = Scenario(program)
            self._keep(case, program, interpreters[id(program)])

    def _keep(self, case: CaseOf, program: Program, interpreter: Interpreter) -> None:
        decided = case.record(program)
        rejected = {id(row) for row in decided.rows() if row.rejection is not None}
        interpreter.run(decided)
        if _differs(case, program, decided):
            self.failing.append(case)
            return
        failed = any(row.rejection is not None and id(row) not in rejected for row in decided.rows())
        reached = Reach(interpreter).of(decided, failed)
        plain = not decided.reversed and not any(row.voider or row.idle for row in decided.rows())
        self.cases.append(_TracedCase(case, case.record(program), interpreter, reached, plain))

    def judge(self, mutant: Mutant) -> tuple[Judgement, str]:
        """Whether a case notices the mutant, and the first that does."""
        places = places_of(mutant, self.program)
        reached = [traced for traced in self.cases if not places.isdisjoint(traced.reached)]
        reached.sort(key=lambda traced: id(traced.interpreter))
        for _, together in groupby(reached, key=lambda traced: id(traced.interpreter)):
            group = list(together)
            interpreter = group[0].interpreter
            if not mutant.fits(interpreter.program):
                continue
            try:
                with changed(interpreter, mutant) as otherwise:
                    noticing = next((traced for traced in group if self._notices(traced, otherwise)), None)
            except Refused:
                return "refused", ""
            if noticing is not None:
                return "noticed", str(noticing.case)
        return ("equivalent" if self._is_equivalent(mutant) else "survived"), ""

    def _is_equivalent(self, mutant: Mutant) -> bool:
        """Whether the mutant is proved to decide everybody as the rulebook does; False where z3 is not installed."""
        if self._equivalence is None:
            return False
        if mutant.accumulator is not None:
            old, new = mutant.accumulator
            return new == replace(old, over=new.over) and self._equivalence.of_filter(old, new)
        if mutant.parameter is not None:
            return self._equivalence.of_figure(mutant.parameter[0].name, mutant.applied(self.program))
        return self._equivalence.of_decision(mutant.decision(self.program))

    @cached_property
    def _equivalence(self) -> Equivalence | None:
        from mianshen.proof import solver_present

        if not solver_present():
            return None
        from mianshen.proof.equivalence import Equivalence

        return Equivalence(self.program)

    def _notices(self, traced: _TracedCase, interpreter: Interpreter) -> bool:
        record = self._fresh(traced)
        interpreter.run(record)
        return _differs(traced.case, traced.interpreter.program, record)

    def _fresh(self, traced: _TracedCase) -> Case:
        """The record undecided, once more."""
        if not traced.copied:
            return traced.case.record(traced.interpreter.program)
        return self._scenarios[id(traced.interpreter)].copy(traced.record)[0]


def _differs(case: CaseOf, program: Program, traced: Case) -> bool:
    """Whether a traced case is not as expected."""
    answers = answers_of(traced)
    return any(
        True
        for expectation in case.expectations
        for _ in compared(case, program, expectation, answers, "interpreter")
    )


@contextmanager
def changed(interpreter: Interpreter, mutant: Mutant) -> Iterator[Interpreter]:
    """What decides as the mutant does: the interpreter itself with one decision or figure changed, or a new one."""
    program = interpreter.program
    if mutant.edits:
        with interpreter.deciding_otherwise(mutant.decision(program)):
            yield interpreter
    elif mutant.parameter is not None and mutant.parameter[1].written != "scale":
        with interpreter.compiler.figures_otherwise(mutant.parameter[1]):
            yield interpreter
    else:
        yield Interpreter(mutant.applied(program))
