"""Which question comes next: one that can still change an answer, and of those the one that settles most.

In: a program, benefits, a story. Out: where each benefit stands; the next `Question`, or None.
Invariants: a question is asked only about a fact that an undecided answer names as missing; an amount is asked
about only once its benefit is due, and only while some answers would decide it. A question is measured by
trying the values that provisions tell apart: how many benefits it then settles, and how few facts are left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from mianshen.casework.interview.question import Question
from mianshen.casework.interview.story import Place, Story
from mianshen.catalogue import diagnostic
from mianshen.interpreter.decide import Interpreter
from mianshen.interpreter.rows import Case, Row
from mianshen.interpreter.what_if.candidate_values import CandidateValues
from mianshen.interpreter.what_if.scenario import Scenario
from mianshen.program.program import Benefit, Program
from mianshen.program.slicing import benefit_keys, part_of
from mianshen.program.titles import meant, name_of
from mianshen.source import NOWHERE, RuleError
from mianshen.values import Known, Missing, Unknown, Value

MOST_VALUES: Final = 8  # tried for one fact
MOST_FILLINGS: Final = 24  # tried to see whether answers can still decide


@dataclass(frozen=True, slots=True)
class BenefitState:
    """Where a benefit stands: what its answer still lacks, None once it is decided (or can never be)."""

    benefit: Benefit
    unanswered: frozenset[Missing]

    @property
    def decided(self) -> bool:
        return not self.unanswered


class Interview:
    """Asks about some benefits of one program."""

    def __init__(self, program: Program, names: Sequence[str]) -> None:
        askable = askable_benefits(program)
        names = [name_of(name, askable) for name in names]
        for name in names:
            if name not in askable:
                fix = meant(name, askable)
                raise RuleError([diagnostic("E701.no_such_benefit", NOWHERE, fix=fix, name=name)])
        self.program = program
        self.benefits = [askable[name] for name in dict.fromkeys(names)]
        part = part_of(program, [key for benefit in self.benefits for key in benefit_keys(benefit)])
        self.interpreter = Interpreter(part)
        self.trials = CandidateValues(part)
        self.retelling = Scenario(program)

    # -- where it stands -------------------------------------------------------------------------

    def benefit_states(self, story: Story) -> list[BenefitState]:
        """Where each benefit stands."""
        return self._decide(self.retelling.copy(story.case)[0])

    def _decide(self, case: Case) -> list[BenefitState]:
        self.interpreter.run(case)
        if case.person.rejection is not None:
            return [BenefitState(benefit, frozenset()) for benefit in self.benefits]
        return [BenefitState(benefit, _lacking(benefit, case.person)) for benefit in self.benefits]

    # -- the next question -------------------------------------------------------------------------

    def next(self, story: Story) -> Question | None:
        """The next question; None once every benefit is decided, or no answer can decide another."""
        rows = {(row.entity, row.key): row for row in story.case.rows()}
        names: dict[Place, list[str]] = {}
        for benefit_state in self.benefit_states(story):
            open_ = self._open(story, rows, benefit_state.unanswered)
            if open_ and (
                len(open_) == len(benefit_state.unanswered) or self._can_decide(story, benefit_state, open_)
            ):
                for place in open_:
                    names.setdefault(place, []).append(benefit_state.benefit.name)
        places = list(self._at_hand(story, names))
        if not places:
            return self._to_complete(story)
        best = places[0] if len(places) == 1 else self._best(story, places)
        fact = self.program.facts.get((best.row.entity, best.name))
        return Question(best, fact, story.open_list(best), story.answer_as(best), tuple(names[best]))

    def _to_complete(self, story: Story) -> Question | None:
        """What a row that is listed must have, where leaving the row out would give another answer."""
        if not self.may_leave_out(story):
            for place in story.incomplete():
                fact = self.program.facts[place.row.entity, place.name]
                return Question(place, fact, None, story.answer_as(place), ())
        return None

    def may_leave_out(self, story: Story) -> bool:
        """Whether rows of which too little was asked make no difference to answers that are decided."""
        rows = [place.row for place in story.incomplete()]
        benefit_states = self.benefit_states(story)
        if not rows or not all(benefit_state.decided for benefit_state in benefit_states):
            return not rows
        return self._answers(story.without(rows)) == self._answers(story)

    def _answers(self, story: Story) -> list[object]:
        case = self.retelling.copy(story.case)[0]
        self._decide(case)
        names = [key[1] for benefit in self.benefits for key in benefit_keys(benefit)]
        return [row.values.get(name) for row in case.person.lineage() for name in names]

    def _open(
        self, story: Story, rows: dict[tuple[str, str], Row], unanswered: Iterable[Missing]
    ) -> list[Place]:
        """What is lacking and may yet be told, in the order of rows and of the vocabulary."""
        names = [name for _, name in self.program.facts]
        result = []
        for missing in unanswered:
            row = rows.get((missing.entity, missing.key))
            if row is not None:
                place = Place(row, missing.name)
                if story.is_open(place):
                    result.append(place)
        turn = {id(row): index for index, row in enumerate(rows.values())}

        def order(place: Place) -> tuple[int, int]:
            return turn[id(place.row)], names.index(place.name) if place.name in names else len(names)

        return sorted(result, key=order)

    def _at_hand(self, story: Story, places: Iterable[Place]) -> Iterator[Place]:
        """The places to choose from: of the rows of one list, those of the first that has any."""
        places = list(places)
        person = story.case.person
        above = {id(row) for row in person.lineage()}
        order = {id(row): index for index, row in enumerate(story.case.rows())}
        later = sorted((p for p in places if id(p.row) not in above), key=lambda p: order[id(p.row)])
        yield from (place for place in places if id(place.row) in above)
        yield from (place for place in later if place.row is later[0].row)

    # -- measuring -------------------------------------------------------------------------------

    def _best(self, story: Story, places: Sequence[Place]) -> Place:
        """The place whose answer settles most; then the one that leaves least to ask, then the first."""
        below = next((p.row for p in places if self.program.entities[p.row.entity].date is not None), None)
        slim, rows = self._slim(story, below)
        scored = [
            (*self._score(slim, Place(rows[place.row], place.name)), -index)
            for index, place in enumerate(places)
        ]
        return places[-max(scored)[-1]]

    def _slim(self, story: Story, spared: Row | None) -> tuple[Story, dict[Row, Row]]:
        """The story with one dated row, for all that are not asked about yet are alike."""
        copy, rows = self.retelling.copy(story.case)
        wanted = None if spared is None else rows[spared]
        for row in rows.values():
            row.children = [
                c for c in row.children if c is wanted or self.program.entities[c.entity].date is None
            ]
        return Story(self.program, copy), rows

    def _score(self, story: Story, place: Place) -> tuple[Fraction, Fraction]:
        """What an answer brings on average: benefits decided, and how many facts are then left (fewer is more)."""
        outcomes = [self._decide(case) for case in self._told(story, place)]
        count = len(outcomes) or 1
        decided = sum(
            benefit_state.decided for benefit_states in outcomes for benefit_state in benefit_states
        )
        score = sum(
            len(frozenset().union(*(s.unanswered for s in benefit_states))) for benefit_states in outcomes
        )
        return Fraction(decided, count), Fraction(-score, count)

    def _told(self, story: Story, place: Place) -> Iterator[Case]:
        """The case with one after the other of the values worth trying."""
        some = (
            Decimal(1),
            Decimal(2),
        )  # rows: that there are none settles more, but is not to be reckoned with
        for value in self._values(story, place) if self._is_fact(place) else some:
            copy, rows = self.retelling.copy(story.case)
            result = Story(self.program, copy)
            result.tell(Place(rows[place.row], place.name), value)
            yield result.case

    def _values(self, story: Story, place: Place) -> tuple[Known, ...]:
        fact = self.program.facts[place.row.entity, place.name]
        if any(
            e.counted_by == place.name and e.parent == fact.entity for e in self.program.entities.values()
        ):
            return Decimal(1), Decimal(2)
        values = self.trials.of(fact, story.case.as_of)
        if fact.entity and self.program.entities[fact.entity].date == fact.name:
            values = tuple(v for v in values if v <= story.case.as_of)  # type: ignore[operator]  # dates
        step = max(1, len(values) // MOST_VALUES)
        return values[::step]

    def _can_decide(self, story: Story, benefit_state: BenefitState, open_: Sequence[Place]) -> bool:
        """Whether some answers would still decide, where part of what is lacking will not be told.

        Every value worth trying of every open fact occurs in some filling; open lists have no rows in it.
        """
        values = [self._values(story, place) or (None,) for place in open_ if self._is_fact(place)]
        facts = [place for place in open_ if self._is_fact(place)]
        if not facts:
            return True
        index = self.benefits.index(benefit_state.benefit)
        for turn in range(min(MOST_FILLINGS, max(map(len, values)))):
            can_decide = {
                (place.row, place.name): value
                for place, of_place in zip(facts, values, strict=True)
                if (value := of_place[turn % len(of_place)]) is not None
            }
            copy, rows = self.retelling.copy(story.case, can_decide)
            filled = Story(self.program, copy)
            for place in open_:
                if not self._is_fact(place):
                    filled.tell(Place(rows[place.row], place.name), Decimal(0))
            if self._decide(filled.case)[index].decided:
                return True
        return False

    def _is_fact(self, place: Place) -> bool:
        return (place.row.entity, place.name) in self.program.facts


def askable_benefits(program: Program) -> dict[str, Benefit]:
    """The benefits of the record's person and of what the person belongs to, by name."""
    above = [program.entry, *program.ancestors(program.entry)]
    return {name: benefit for name, benefit in program.benefits.items() if benefit.entity in above}


def _lacking(benefit: Benefit, person: Row) -> frozenset[Missing]:
    """What eligibility lacks; where the benefit is due, what its amount lacks."""
    person = next(row for row in person.lineage() if row.entity == benefit.entity)
    if person.rejection is not None:
        return frozenset()
    eligible = person.values[benefit.eligible]
    value: Value | None = eligible
    if eligible is True and benefit.amount is not None:
        value = person.values[benefit.amount]
    return value.missing if isinstance(value, Unknown) else frozenset()
