"""What is named as missing is what is missing: it is enough, and nothing else makes a difference.

For every benefit that only facts keep from being decided: any valid filling of the named facts decides it,
and no change to an unknown fact that is not named changes it. `MIANSHEN_GAPS=10000` asks of as many residents.
"""

import os
from dataclasses import dataclass
from functools import cache
from random import Random

import pytest
from tests.support.gaps import Gaps, asked_whether_known, filled

from mianshen.interpreter import BenefitResult, Case, Interpreter, result_of
from mianshen.program.program import Program
from mianshen.program.slicing import benefit_keys, part_of
from mianshen.rulebook import open_program
from mianshen.values import Missing

RESIDENTS = int(os.environ.get("MIANSHEN_GAPS", "40"))
FILLINGS, CHANGES = 2, 2
OVERLAYS = ("planned_support", "outbreak_waiver")
PROGRAMS = {"": open_program(), **{name: open_program(overlays=(name,)) for name in OVERLAYS}}


def benefits(program: Program) -> list[str]:
    """Those that some provision decides."""
    return [
        b.name
        for b in program.benefits.values()
        if b.entity == program.entry and program.decision(b.entity, b.eligible).provisions
    ]


BENEFITS = [("", name) for name in benefits(PROGRAMS[""])]
BENEFITS += [
    (overlay, name)
    for overlay in OVERLAYS
    for name in benefits(PROGRAMS[overlay])
    if ("", name) not in BENEFITS
]


@dataclass(slots=True)
class Judge:
    """Decides one benefit of cases, and says when a row was rejected instead."""

    benefit: str
    program: Program
    interpreter: Interpreter

    def result(self, case: Case) -> BenefitResult | None:
        """The benefit's result; None where the values filled in make some row fail."""
        self.interpreter.run(case)
        outcome = result_of(self.program, case)
        return None if outcome.rejected else outcome.benefits[self.benefit]


def judge(program: Program, benefit: str) -> Judge:
    part = part_of(program, benefit_keys(program.benefits[benefit]))
    return Judge(benefit, part, Interpreter(part))


def open_(result: BenefitResult) -> bool:
    """Undetermined, or due at an amount that cannot be told."""
    return bool(result.missing)


@cache
def made_up(overlay: str) -> tuple[Gaps, list[Case]]:
    """The same people for every benefit; nobody decides them, but copies of them."""
    gaps = Gaps(PROGRAMS[overlay])
    return gaps, list(gaps.cases(11, RESIDENTS))


@pytest.mark.xdist_group("missing facts")
@pytest.mark.parametrize(("overlay", "name"), BENEFITS)
def test_the_named_facts_decide_and_no_other_does(overlay: str, name: str) -> None:
    program, (gaps, people) = PROGRAMS[overlay], made_up(overlay)
    mine, probed = judge(program, name), asked_whether_known(program)
    rng = Random(f"{name} 4")
    for case in people:
        before = mine.result(filled(case, {}))
        if before is None or not open_(before) or not all(map(gaps.is_fact, before.missing)):
            continue
        others = [gap for gap in gaps.unknown(case) if gap not in before.missing]
        strangers = rng.sample(others, min(CHANGES, len(others)))
        for gap in strangers:
            _changes_nothing(gaps, mine, rng, case, before, gap, gap.name in probed)
        for _ in range(FILLINGS):
            _decides(gaps, mine, rng, case, before, [gap for gap in strangers if gap.name not in probed])


def _changes_nothing(
    gaps: Gaps, mine: Judge, rng: Random, case: Case, before: BenefitResult, gap: Missing, probed: bool
) -> None:
    """Telling a fact that is not named leaves the answer, and what it lacks, as it was."""
    told = gaps.filling(rng, case, [gap])
    after = None if told is None else mine.result(filled(case, told))
    if after is not None:
        assert (after.status, after.amount) == (before.status, before.amount), (case.person.key, told)
        assert probed or after.missing == before.missing, (case.person.key, told)


def _decides(
    gaps: Gaps, mine: Judge, rng: Random, case: Case, before: BenefitResult, strangers: list[Missing]
) -> None:
    """Telling the facts that are named decides; then an unnamed one makes no difference either."""
    told = gaps.filling(rng, case, before.missing)
    after = None if told is None else mine.result(filled(case, told))
    if told is None or after is None:
        return
    assert not open_(after), (case.person.key, told, after.missing)
    more = gaps.filling(rng, filled(case, told), strangers)
    further = None if more is None else mine.result(filled(case, {**told, **more}))
    if further is not None:
        assert (further.status, further.amount) == (after.status, after.amount), (case.person.key, told, more)
