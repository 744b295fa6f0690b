"""What is legal but looks wrong: gaps in a series, figures past review, provisions that cannot apply.

In: a sound program. Out: warnings. The clock is never read: reviews are judged by a date given.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from mianshen.program import mistakes
from mianshen.program.overlap import Prover
from mianshen.program.program import Program
from mianshen.source import Diagnostic

if TYPE_CHECKING:
    from mianshen.document import Document


def audit(program: Program, document: Document) -> list[Diagnostic]:
    """Warnings on load."""
    del document
    return [*_gaps(program), *_unreachable(program)]


def _gaps(program: Program) -> list[Diagnostic]:
    found = []
    for parameter in program.parameters.values():
        for earlier, later in zip(parameter.series, parameter.series[1:], strict=False):
            if earlier.end is not None and earlier.end + dt.timedelta(days=1) < later.start:
                first, last = earlier.end + dt.timedelta(days=1), later.start - dt.timedelta(days=1)
                found.append(mistakes.gap(parameter.span, parameter.name, first.isoformat(), last.isoformat()))
    return found


def _unreachable(program: Program) -> list[Diagnostic]:
    prover = Prover(dict(program.codes))
    return [
        mistakes.never_applies(provision.span, provision.name)
        for decision in program.decisions
        for provision in decision.provisions
        if prover.impossible(provision.condition)
    ]


def overdue(program: Program, on: dt.date) -> list[Diagnostic]:
    """Figures whose review falls before `on` while they would still be used."""
    found = []
    for parameter in program.parameters.values():
        for dated in parameter.series:
            in_use = dated.start <= on and (dated.end is None or dated.end >= on)
            if in_use and dated.review_by is not None and dated.review_by < on:
                found.append(mistakes.past_review(parameter.span, parameter.name, dated.review_by.isoformat()))
    return found
