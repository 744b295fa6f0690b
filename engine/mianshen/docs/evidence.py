"""Which cases show what of a rulebook.

In: cases, the programs they are decided under. Out: `Evidence`: the cases behind each item, and what none covers.
Invariant: a case decided under an overlay shows only what the overlay leaves as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mianshen.cases.read import CaseOf, Programs
from mianshen.policy.case_coverage import CaseCoverage, Uncovered, exercises, summed_up
from mianshen.policy.catalogue import Catalogue, Item
from mianshen.policy.exercised import Exercise
from mianshen.program.program import Limit, Program


@dataclass(slots=True)
class Evidence:
    """Cases by their number in `cases`: `shows` for each item, those first that expect little beside something of it.

    `shown`: the provisions that each case went through on the way to what it expects.
    """

    cases: Sequence[CaseOf]
    coverage: CaseCoverage
    shows: Mapping[Item, Sequence[int]]
    shown: Mapping[int, Sequence[Item]]
    uncovered: Mapping[str, Sequence[Uncovered]] = field(
        init=False
    )  # by the name of a provision or parameter

    def __post_init__(self) -> None:
        points: dict[str, list[Uncovered]] = {}
        for point in self.coverage.uncovered:
            points.setdefault(point.name, []).append(point)
        self.uncovered = points


def evidence_of(
    cases: Sequence[CaseOf],
    programs: Programs,
    catalogue: Catalogue,
    advance: Callable[[int], None] = lambda _: None,
) -> Evidence:
    """Decide every case and note what it shows; `advance` hears of each case decided."""
    seen, left_out = Exercise(), []
    behind: dict[Item, list[tuple[bool, int, int]]] = {}
    items_by_case: dict[int, list[Item]] = {}
    for number, (case, exercise) in enumerate(exercises(cases, programs)):
        advance(1)
        if exercise is None:
            left_out.append(case)
            continue
        seen.add(exercise)
        expected = _expected(case, catalogue.program)
        items = dict.fromkeys(_shown(case, exercise, catalogue, programs.under(case.overlays)))
        for item in items:
            decided = catalogue.provisions[item.name][0].name if item.kind == "provision" else item.name
            behind.setdefault(item, []).append((decided not in expected, len(case.expectations), number))
            if item.kind == "provision" and decided in expected:
                items_by_case.setdefault(number, []).append(item)
        items_by_case.get(number, []).sort()
    shows = {item: [number for *_, number in sorted(numbers)] for item, numbers in behind.items()}
    return Evidence(cases, summed_up(catalogue.program, seen, left_out), shows, items_by_case)


def _expected(case: CaseOf, program: Program) -> set[str]:
    """The names of what a case expects something of, decisions behind benefits too."""
    expected = {expectation.name for expectation in case.expectations}
    benefits = [program.benefits[name] for name in expected if name in program.benefits]
    return expected | {name for b in benefits for name in (b.eligible, b.amount) if name is not None}


def _shown(case: CaseOf, exercise: Exercise, catalogue: Catalogue, under: Program) -> Iterator[Item]:
    """What a case shows of the program without overlays of its own."""
    for (entity, name), provision in exercise.provisions:
        known = catalogue.provisions.get(provision.name)
        if known is not None and known[1] == provision:
            yield Item("provision", provision.name)
            yield Item("decision", name, entity)
    for name, _ in exercise.figures:
        if under.parameters[name] == catalogue.program.parameters.get(name):
            yield Item("parameter", name)
    for _, line, _ in exercise.lines:
        if isinstance(line, Limit) and line.accumulator in catalogue.program.accumulators:
            yield Item("accumulator", line.accumulator)
    for expectation in case.expectations:
        if expectation.name in catalogue.program.benefits and expectation.what != "value":
            yield Item("benefit", expectation.name)
