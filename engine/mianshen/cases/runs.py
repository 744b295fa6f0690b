"""Cases run over the back ends, and where what comes out is not what was expected.

In: cases, programs, back ends. Out: `Difference`s: from what a case expects, and of the back ends from
each other, on every decision of every row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from mianshen.cases.back_ends import decider
from mianshen.cases.expectations import Expectation, Reject
from mianshen.cases.read import CaseOf, Programs
from mianshen.casework.answers import (
    Answer,
    Answers,
    BackEnd,
    Mark,
    Result,
    benefit_result,
    row_result,
    shown,
)
from mianshen.program.program import Program
from mianshen.values import Known

BACK_ENDS: Final[tuple[BackEnd, ...]] = get_args(BackEnd)
USUAL: Final[tuple[BackEnd, ...]] = ("interpreter", "native")  # those that decide records
REJECTED: Final = "rejected"
REVERSED: Final = "reversed"
ABSENT: Final = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """`what`: `C1.basic_payment`, `illness_poverty_aid.status`; `by`: the provision that decided.

    `expected` comes from the case, or from the back end named in `against`.
    """

    case: CaseOf
    what: str
    expected: str
    got: str
    back_end: BackEnd
    by: str
    against: BackEnd | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case run: what differs, and what each back end answered."""

    case: CaseOf
    answers: dict[BackEnd, Answers]
    differences: tuple[Difference, ...]


def run_cases(
    cases: Sequence[CaseOf],
    programs: Programs,
    back_ends: Sequence[BackEnd] = BACK_ENDS,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Outcome]:
    """Decide every case on every back end, in the order given; `advance` hears of each finished one."""
    answered: dict[int, dict[BackEnd, Answers]] = {index: {} for index in range(len(cases))}
    deciders = {name: decider(name) for name in back_ends}
    opened = {case.overlays: programs.under(case.overlays) for case in cases}
    with ThreadPoolExecutor(1) as beside:  # a C compiler works while the interpreter decides
        ready = {
            (name, overlays): beside.submit(deciding.prepare, program)
            for name, deciding in deciders.items()
            for overlays, program in opened.items()
        }
        for name, deciding in deciders.items():
            for overlays, day, members in _groups(cases):
                if (name, overlays) in ready:
                    ready[name, overlays].result()
                    read = [(index, cases[index].record(opened[overlays])) for index in members]
                    taken = [
                        (index, case)
                        for index, case in read
                        if deciding.takes(opened[overlays], case, bool(_rejects_of(cases[index])))
                    ]
                    decided = (
                        deciding.decided(opened[overlays], [case for _, case in taken], day) if taken else []
                    )
                    for (index, _), answers in zip(taken, decided, strict=True):
                        answered[index][name] = answers
                if name == back_ends[-1]:
                    advance(len(members))
    return [
        Outcome(
            case, answered[index], tuple(_differences(case, programs.under(case.overlays), answered[index]))
        )
        for index, case in enumerate(cases)
    ]


def _groups(cases: Sequence[CaseOf]) -> Iterator[tuple[tuple[Path | str, ...], dt.date, list[int]]]:
    """Cases of the same overlays and day, by number."""
    groups: dict[tuple[tuple[Path | str, ...], dt.date], list[int]] = {}
    for index, case in enumerate(cases):
        groups.setdefault((case.overlays, case.as_of), []).append(index)
    for (overlays, day), members in groups.items():
        yield overlays, day, members


def _rejects_of(case: CaseOf) -> list[Reject]:
    """The rows that a case expects to be rejected."""
    return [reject for expectation in case.expectations for reject in expectation.rejects]


def usable(back_ends: Sequence[BackEnd]) -> list[BackEnd]:
    """The back ends that this machine can run."""
    return [name for name in back_ends if decider(name).usable()]


# -- comparing ---------------------------------------------------------------------------------------


def _differences(case: CaseOf, program: Program, answered: dict[BackEnd, Answers]) -> Iterator[Difference]:
    for back_end, answers in answered.items():
        for expectation in case.expectations:
            yield from compared(case, program, expectation, answers, back_end)
    for other in [*answered][1:]:
        first = next(iter(answered))
        yield from _against(case, answered[first], answered[other], other, first)


def compared(
    case: CaseOf, program: Program, expectation: Expectation, answers: Answers, back_end: BackEnd
) -> Iterator[Difference]:
    """Where the answers are not what one expectation says."""
    if expectation.what == "rejects":
        yield from _rejects(case, expectation, answers, back_end)
        return
    row, name, wanted = expectation.row, expectation.name, expectation.wanted
    by = ""
    if row in answers.reversed:
        names: Known | Mark | frozenset[str] | None = REVERSED
    elif row in answers.rejected:
        names = REJECTED
    elif expectation.what == "value":
        answer = answers.decisions[row][name]
        names, by = answer.value, answer.by or ""
    else:
        names, by = _of_result(program, expectation, answers)
    if names is not None and names != wanted:
        written = _written(program, expectation)
        yield Difference(
            case, named(expectation), shown(wanted, written), shown(names, written), back_end, by
        )


def named(expectation: Expectation) -> str:
    """What an expectation is about: `C1.basic_payment`, `illness_poverty_aid.amount`."""
    if expectation.what == "value":
        return f"{expectation.row[1]}.{expectation.name}"
    return f"{expectation.name or expectation.row[1]}.{expectation.what}"


def _written(program: Program, expectation: Expectation) -> str:
    """The type of what is expected, as the vocabulary has it."""
    if expectation.what == "amount":
        return "money"
    return (
        program.decision(expectation.row[0], expectation.name).written if expectation.what == "value" else ""
    )


def _of_result(
    program: Program, expectation: Expectation, answers: Answers
) -> tuple[Known | Mark | frozenset[str] | None, str]:
    """What a row or benefit gives for one part of its result; None where the back end does not tell."""
    benefit = program.benefits.get(expectation.name)
    if benefit is None:
        result = row_result(program, answers, expectation.row)
    else:
        result = benefit_result(benefit, answers, expectation.row)
    if result is None:
        return ABSENT, ""
    by = "" if result.status in ("undetermined", "not_modelled") else result.reason
    return _part(result, expectation.what), by


def _part(result: Result, part: str) -> Known | Mark | frozenset[str] | None:
    match part:
        case "status":
            return result.status
        case "reason":
            return result.reason
        case "missing":
            return result.missing
        case _:
            return ABSENT if result.amount is None else result.amount


def _rejects(
    case: CaseOf, expectation: Expectation, answers: Answers, back_end: BackEnd
) -> Iterator[Difference]:
    """Rows that are rejected and should not be, or the other way round; what hangs on one goes along."""
    wanted = {reject.key: reject for reject in expectation.rejects}
    rejecteds = {key: rejected for (_, key), rejected in answers.rejected.items()}
    for key, reject in wanted.items():
        if key not in rejecteds:
            yield Difference(case, f"{key}.{REJECTED}", _why(reject), ABSENT, back_end, "")
            continue
        rejects = Reject(
            key, rejecteds[key].field or reject.field, rejecteds[key].reason or reject.reason, reject.span
        )
        same = reject.field in (None, rejects.field) and reject.reason in (None, rejects.reason)
        if not same:
            yield Difference(case, f"{key}.{REJECTED}", _why(reject), _why(rejects), back_end, "")
    for key, rejected in rejecteds.items():
        if key not in wanted and rejected.reason != "parent_rejected":
            why = f"{rejected.field} {rejected.reason}".strip() or REJECTED
            yield Difference(case, f"{key}.{REJECTED}", ABSENT, why, back_end, "")


def _why(reject: Reject) -> str:
    return " ".join(filter(None, (reject.field, reject.reason))) or REJECTED


def _against(
    case: CaseOf, one: Answers, two: Answers, back_end: BackEnd, against: BackEnd
) -> Iterator[Difference]:
    """Where two back ends differ, on anything."""
    for row in dict.fromkeys((*one.decisions, *one.rejected, *two.decisions, *two.rejected)):
        if row in one.rejected or row in two.rejected:
            if (row in one.rejected) != (row in two.rejected):
                left, right = (REJECTED if row in part.rejected else ABSENT for part in (one, two))
                yield Difference(case, f"{row[1]}.{REJECTED}", left, right, back_end, "", against)
            continue
        mine, theirs = one.decisions[row], two.decisions[row]
        for name in dict.fromkeys((*mine, *theirs)):
            a, b = mine.get(name), theirs.get(name)
            if not _agree(a, b):
                by = "" if b is None else b.by or ""
                yield Difference(case, f"{row[1]}.{name}", _told(a), _told(b), back_end, by, against)


def _agree(a: Answer | None, b: Answer | None) -> bool:
    if a is None or b is None:
        return a is b
    agree = a.missing is not None and b.missing is not None
    return a.value == b.value and a.by == b.by and (not agree or a.missing == b.missing)


def _told(answer: Answer | None) -> str:
    """An answer whole: value, what it misses, who gave it."""
    if answer is None:
        return ABSENT
    missing = shown(answer.missing) if answer.missing else ""
    return " ".join(filter(None, (shown(answer.value), missing, f"({answer.by})" if answer.by else "")))
