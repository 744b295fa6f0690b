"""Which of the missing facts of a benefit can still change its answer, where the person's place is not known.

In: a decided case. Out: its result, with fewer missing facts. A place decides which rules there are, and so what
other facts do: a fact that makes no difference in any of the places that rules tell apart is not missing.
Invariants: what stays undetermined names at least one fact; a benefit that is decided stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from mianshen.interpreter import Case, CaseResult, Interpreter
from mianshen.interpreter.result import BenefitResult, benefit_result
from mianshen.interpreter.what_if.candidate_values import CandidateValues
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.program.core import String
from mianshen.program.program import Program
from mianshen.values import Missing


class Relevance:
    """Narrows what the benefits of cases of one program lack."""

    def __init__(self, program: Program, interpreter: Interpreter) -> None:
        self.program = program
        self.interpreter = interpreter
        self.area = program.entities[program.entry].area

    @cached_property
    def _candidates(self) -> CandidateValues:
        return CandidateValues(self.program)

    @cached_property
    def _scenarios(self) -> Scenario:
        return Scenario(self.program)

    def narrowed(self, case: Case, result: CaseResult) -> CaseResult:
        """The result without facts that change nothing wherever the person may be insured."""
        place = None if self.area is None else Missing(self.area, case.person.entity, case.person.key)
        uncertain = [b for b in result.benefits.values() if place in b.missing and len(b.missing) > 1]
        if place is None or not uncertain:
            return result
        answers = [self._answers(scenario, uncertain) for scenario in self._in_every_place(case)]
        if any(answer is None for answer in answers):
            return result
        narrowed = {}
        for benefit in uncertain:
            relevant = {place}.union(
                *(answer[benefit.benefit.name] for answer in answers if answer is not None)
            )
            narrowed[benefit.benefit.name] = replace(benefit, missing=benefit.missing & relevant)
        return replace(result, benefits={**result.benefits, **narrowed})

    def _in_every_place(self, case: Case) -> Iterator[Case]:
        """The case with the person in each place that rules, or the case's own other places, tell apart."""
        assert self.area is not None
        places = set(self._candidates.of(self.program.facts[case.person.entity, self.area], case.as_of))
        for row in case.rows():
            for name, value in row.facts.items():
                fact = self.program.facts.get((row.entity, name))
                if fact is not None and isinstance(fact.type, String) and fact.type.area:
                    places.add(value)
        for place in sorted(map(str, places)):
            yield self._scenarios.copy(case, {(case.person, self.area): place})[0]

    def _answers(self, case: Case, benefits: list[BenefitResult]) -> dict[str, frozenset[Missing]] | None:
        """What each benefit lacks in a scenario; None where the person cannot be decided there."""
        self.interpreter.run(case)
        if case.person.rejection is not None:
            return None
        rows = {b.benefit: case.of(b.benefit.entity) for b in benefits}
        return {b.name: benefit_result(b, row).missing for b, row in rows.items() if row is not None}
