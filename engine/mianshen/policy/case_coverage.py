"""Which parts of a rulebook the cases try.

In: cases, the programs they are decided under. Out: a `CaseCoverage`: how many provisions, table rows, sides of
lines and unknown paths there are, how many some case went through, and where the others stand.
Invariants: a case decided under an overlay counts for a provision only where the overlay leaves it as it is. A
provision is covered where it decides a known value, an unknown path where a decision is unknown for want of that fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, cast, get_args

from mianshen.cases.read import CaseOf, Programs
from mianshen.interpreter import Interpreter
from mianshen.interpreter.formula import to_text
from mianshen.policy.exercised import SIDES, Exercise, Exerciser, Side, lines_of, placed, when_parts
from mianshen.program.core import Choice, Core, FactRef, If, IsKnown, Numeric, Op, walk
from mianshen.program.program import Citation, Decision, Key, Limit, Program, Provision
from mianshen.source import RuleError, Span
from mianshen.wording import wording

Part: TypeAlias = Literal[
    "provisions", "rows", "boundaries", "unknown_paths", "branches", "conditions", "dated_values"
]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
PART_TITLES: Final = wording.group("case_coverage.part_titles")


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Something no case went through: `name` is a provision's, or a parameter's."""

    part: Part
    name: str
    what: str
    clause: Citation
    span: Span


@dataclass(slots=True)
class Count:
    """How many of a part there are, and how many of them some case went through."""

    covered: int = 0
    all: int = 0

    @property
    def whole(self) -> bool:
        return self.covered == self.all


@dataclass(slots=True)
class CaseCoverage:
    """The counts of each part and what is uncovered; `left_out`: cases whose overlays clash with the proposed ones."""

    counts: dict[Part, Count] = field(default_factory=lambda: {part: Count() for part in PARTS})
    uncovered: list[Uncovered] = field(default_factory=list)
    left_out: list[CaseOf] = field(default_factory=list)

    def add(self, point: Uncovered, covered: bool) -> None:
        count = self.counts[point.part]
        count.all += 1
        count.covered += covered
        if not covered:
            self.uncovered.append(point)


def coverage_of(
    cases: Sequence[CaseOf], programs: Programs, advance: Callable[[int], None] = lambda _: None
) -> CaseCoverage:
    """What the cases cover of the program without overlays of their own; `advance` hears of each case decided."""
    seen, left_out = Exercise(), []
    for case, exercise in exercises(cases, programs):
        if exercise is None:
            left_out.append(case)
        else:
            seen.add(exercise)
            advance(1)
    return summed_up(programs.under(()), seen, left_out)


def exercises(cases: Sequence[CaseOf], programs: Programs) -> Iterator[tuple[CaseOf, Exercise | None]]:
    """Each case with what it goes through; None where its own overlays clash with the proposed ones."""
    exercisers: dict[int, Exerciser] = {}
    for case in cases:
        try:
            under = programs.under(case.overlays)
        except RuleError:
            yield case, None
            continue
        if id(under) not in exercisers:
            exercisers[id(under)] = Exerciser(Interpreter(under))
        exerciser = exercisers[id(under)]
        exerciser.seen = Exercise()
        record = case.record(under)
        exerciser.interpreter.run(record)
        exerciser.go_through(record)
        yield case, exerciser.seen


def summed_up(program: Program, seen: Exercise, left_out: Iterable[CaseOf] = ()) -> CaseCoverage:
    """The coverage of a program that was gone through so far."""
    coverage = CaseCoverage(left_out=list(left_out))
    for point, covered in points_of(program, seen):
        coverage.add(point, covered)
    return coverage


def points_of(program: Program, seen: Exercise) -> Iterator[tuple[Uncovered, bool]]:
    """Every point of a program, and whether it was gone through."""
    lines: set[tuple[str, object]] = set()
    branches: set[tuple[str, Core]] = set()
    operations: set[tuple[str, Core]] = set()
    for decision in program.decisions:
        for provision in decision.provisions:
            covered = (decision.key, provision) in seen.provisions
            yield _point("provisions", provision, ""), covered
            yield from _rows(decision, provision, seen, covered)
        for entity, line, provision in lines_of(decision):
            if (entity, line) not in lines:
                lines.add((entity, line))
                yield from _sides(entity, line, provision, seen)
        yield from _branches(decision, branches, seen)
        yield from _conditions(decision, operations, seen)
        yield from _unknown_paths(decision, program, seen)
    for parameter in program.parameters.values():
        if parameter.written == "month_day":
            continue  # the start of a benefit year is looked up when the rulebook is built
        for number, dated in enumerate(parameter.series):
            point = Uncovered(
                "dated_values", parameter.name, str(dated.start), dated.citation, parameter.span
            )
            yield point, (parameter.name, number) in seen.figures


def _point(part: Part, provision: Provision, words: str) -> Uncovered:
    return Uncovered(part, provision.name, words, provision.citation, provision.span)


def _rows(
    decision: Decision, provision: Provision, seen: Exercise, covered: bool
) -> Iterator[tuple[Uncovered, bool]]:
    """The rows of a table: its provisions where each row is one, else those of its body."""
    if "." in provision.name:
        yield _point("rows", provision, ""), covered
    if isinstance(provision.value, Choice):
        for number, (condition, _) in enumerate(provision.value.rows):
            point = _point("rows", provision, to_text(condition, decision.entity))
            yield point, (decision.key, provision, number) in seen.rows


def _sides(
    entity: str, line: object, provision: Provision, seen: Exercise
) -> Iterator[tuple[Uncovered, bool]]:
    """The sides of a line on which a value can lie at all, judged by the ranges of its types."""
    text, possible = f"{provision.name}", SIDES
    if isinstance(line, Limit):
        text = f"{line.accumulator} <= {line.text}"
    else:
        node = cast("Op", line)
        text, possible = to_text(node, entity), tuple(side for side in SIDES if _possible(node, side))
    for side in possible:
        yield _point("boundaries", provision, f"{text}: {side}"), (entity, line, side) in seen.lines


def _possible(node: Op, side: Side) -> bool:
    left, right = (arg.type for arg in node.args)
    if not isinstance(left, Numeric) or not isinstance(right, Numeric):
        return True
    match side:
        case "below":
            return left.low < right.high
        case "above":
            return left.high > right.low
        case "at":
            return left.low <= right.high and right.low <= left.high


def _branches(
    decision: Decision, done: set[tuple[str, Core]], seen: Exercise
) -> Iterator[tuple[Uncovered, bool]]:
    for provision in decision.provisions:
        for root in (*provision.condition, provision.value):
            for entity, node in placed(root, decision.entity):
                if isinstance(node, If) and (entity, node) not in done:
                    done.add((entity, node))
                    for truth, word in ((True, "true"), (False, "false")):
                        what = f"{to_text(node.condition, entity)}: {word}"
                        yield _point("branches", provision, what), (entity, node, truth) in seen.branches


def _conditions(
    decision: Decision, done: set[tuple[str, Core]], seen: Exercise
) -> Iterator[tuple[Uncovered, bool]]:
    """Each operand of a condition, true and false, where it alone decides (modified condition/decision coverage)."""
    for provision in decision.provisions:
        places: list[tuple[object, str, Sequence[Core]]] = []
        parts = when_parts(provision)
        if len(parts) > 1:
            places.append(((decision.key, provision.name), decision.entity, parts))
        for root in (*provision.condition, provision.value):
            for entity, node in placed(root, decision.entity):
                if isinstance(node, Op) and node.op in ("and", "or") and (entity, node) not in done:
                    done.add((entity, node))
                    places.append(((entity, node), entity, node.args))
        for place, entity, operands in places:
            for number, operand in enumerate(operands):
                for truth in (True, False):
                    what = f"{to_text(operand, entity)}: {str(truth).lower()}"
                    yield _point("conditions", provision, what), (place, number, truth) in seen.conditions


def _unknown_paths(decision: Decision, program: Program, seen: Exercise) -> Iterator[tuple[Uncovered, bool]]:
    """The facts a decision reads itself, and may lack."""
    facts: dict[Key, Provision] = {}
    tested: set[Key] = set()
    for provision in decision.provisions:
        for root in provision.roots:
            for node in walk(root):
                match node:
                    case IsKnown(arg=FactRef(entity=entity, name=name)):
                        tested.add((entity, name))
                    case FactRef(entity=entity, name=name):
                        facts.setdefault((entity, name), provision)
                    case _:
                        pass
    for key, provision in facts.items():
        fact = program.facts[key]
        if key not in tested and not fact.required:
            point = _point("unknown_paths", provision, f"{decision.name}: {'.'.join(key)}")
            yield point, (decision.key, key) in seen.unknowns
