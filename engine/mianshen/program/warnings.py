"""What is legal but looks wrong: gaps in a series, figures past review, provisions that cannot apply.

In: a sound program. Out: warnings. The clock is never read: reviews are judged by a date given.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from mianshen.program import diagnostics
from mianshen.program.overlap import Prover
from mianshen.program.program import Program
from mianshen.source import Diagnostic

DAY = dt.timedelta(days=1)
AHEAD = dt.timedelta(days=60)  # how long before its end a calendar needs its next year


def audit(program: Program) -> list[Diagnostic]:
    """Warnings on load."""
    return _sorted([*_gaps(program), *_unreachable(program)])


def _gaps(program: Program) -> list[Diagnostic]:
    found = []
    for parameter in program.parameters.values():
        for earlier, later in pairwise(parameter.series):
            if earlier.end is not None and earlier.end < later.start - DAY:
                first, last = earlier.end + DAY, later.start - DAY
                found.append(diagnostics.gap(parameter.span, parameter.name, str(first), str(last)))
    return found


def _unreachable(program: Program) -> list[Diagnostic]:
    prover = Prover(program.codes)
    return [
        diagnostics.never_applies(provision.span, provision.name)
        for decision in program.decisions
        for provision in decision.provisions
        if prover.impossible(provision.condition)
    ]


def overdue(program: Program, on: dt.date) -> list[Diagnostic]:
    """Figures whose review falls before `on` while they would still be used, and a calendar about to end."""
    found = [
        diagnostics.past_review(parameter.span, parameter.name, str(dated.review_by))
        for parameter in program.parameters.values()
        for dated in parameter.series
        if dated.start <= on and (dated.end is None or dated.end >= on)
        if dated.review_by is not None and dated.review_by < on
    ]
    calendar = program.calendar
    if calendar is not None and calendar.last - AHEAD < on:
        found.append(diagnostics.calendar_ends(calendar.span, str(calendar.last), str(calendar.last - AHEAD)))
    return _sorted(found)


def _sorted(found: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(found, key=lambda d: (d.span.file, d.span.line, d.span.column, d.code))
