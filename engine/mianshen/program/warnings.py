"""What is legal but looks wrong.

Gaps in a series, figures past review, provisions that cannot apply, decisions read that none gives, figures of another
day than the row's.

In: a sound program. Out: warnings. The clock is never read: reviews are judged by a date given.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from mianshen.catalogue import diagnostic
from mianshen.program.core import Aggregate, DecisionRef, children
from mianshen.program.order import parameters_read
from mianshen.program.overlap import Prover
from mianshen.program.program import Key, Program, Provision
from mianshen.source import Diagnostic

DAY = dt.timedelta(days=1)
AHEAD = dt.timedelta(days=60)  # how long before its end a calendar needs its next year


def audit(program: Program) -> list[Diagnostic]:
    """Warnings on load."""
    return _sorted([*_gaps(program), *_unreachable(program), *_never_given(program), *_other_days(program)])


def _gaps(program: Program) -> list[Diagnostic]:
    gaps = []
    for parameter in program.parameters.values():
        for earlier, later in pairwise(parameter.series):
            if earlier.end is not None and earlier.end < later.start - DAY:
                first, last = earlier.end + DAY, later.start - DAY
                gaps.append(
                    diagnostic(
                        "E318.gap", parameter.span, name=parameter.name, after=str(first), before=str(last)
                    )
                )
    return gaps


def _unreachable(program: Program) -> list[Diagnostic]:
    prover = Prover(program.codes)
    return [
        diagnostic("E316.never_applies", provision.span, name=provision.name)
        for decision in program.decisions
        for provision in decision.provisions
        if prover.impossible(provision.condition)
    ]


def _never_given(program: Program) -> list[Diagnostic]:
    """Decisions that a formula reads and that no provision, not even a planned one, gives a value."""
    planned = {planned.decision for planned in program.planned}
    empty = {d.key for d in program.decisions if not d.provisions and d.name not in planned}
    return [
        diagnostic("E357.never_given", provision.span, name=name)
        for decision in program.decisions
        for provision in decision.provisions
        for owner, name in sorted(_decisions_read(provision) & empty)
    ]


def _other_days(program: Program) -> list[Diagnostic]:
    """Changing figures that a dated row reads through decisions of an undated row above it."""
    changing = {name for name, parameter in program.parameters.items() if len(parameter.series) > 1}
    through: dict[Key, set[str]] = {}
    undated = {name for name, entity in program.entities.items() if entity.date is None}
    other_days = []
    for decision in program.decisions:
        read: set[str] = set()
        for provision in decision.provisions:
            above = {key: through.get(key, set()) for key in _decisions_read(provision) if key[0] in undated}
            if decision.entity in undated:
                read |= parameters_read(provision.roots) & changing
                read |= {name for names in above.values() for name in names}
                continue
            day = str(program.entities[decision.entity].date)
            other_days += [
                diagnostic(
                    "E358.other_day", provision.span, through=f"{owner}.{read_name}", parameter=name, day=day
                )
                for (owner, read_name), names in sorted(above.items())
                for name in sorted(names)
            ]
        through[decision.key] = read
    return other_days


def _decisions_read(provision: Provision) -> set[Key]:
    """The decisions that a provision reads at its own row or above; what aggregates read is of other rows."""
    pending, keys = list(provision.roots), set()
    while pending:
        node = pending.pop()
        if isinstance(node, DecisionRef):
            keys.add((node.entity, node.name))
        if not isinstance(node, Aggregate):
            pending += children(node)
    return keys


def overdue(program: Program, on: dt.date) -> list[Diagnostic]:
    """Figures whose review falls before `on` while they would still be used, and a calendar about to end."""
    past_reviews = [
        diagnostic("E319.past_review", parameter.span, name=parameter.name, review_by=str(dated.review_by))
        for parameter in program.parameters.values()
        for dated in parameter.series
        if dated.start <= on and (dated.end is None or dated.end >= on)
        if dated.review_by is not None and dated.review_by < on
    ]
    calendar = program.calendar
    if calendar is not None and calendar.last - AHEAD < on:
        past_reviews.append(
            diagnostic(
                "E348.calendar_ends", calendar.span, last=str(calendar.last), on=str(calendar.last - AHEAD)
            )
        )
    return _sorted(past_reviews)


def _sorted(findings: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(findings, key=lambda d: (d.span.file, d.span.line, d.span.column, d.code))
