"""One program, many households, two back ends: where they differ.

In: a program, households. Out: differences over every decision of every row and over which rows are rejected.
None is what a test wants to see. Households that the script of the warehouse does not take (a rejected row, rows over
time, reversals, settled amounts) are passed over; that all of them are is an error of the test.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from tests.support.homes import AS_OF, Record, case_of

from mianshen.cases.back_ends import decider
from mianshen.casework.answers import Answer, BackEnd
from mianshen.casework.answers import Answers as Answered
from mianshen.interpreter import Interpreter, Row
from mianshen.program.program import Program
from mianshen.values import NOT_MODELLED, Unknown

UNKNOWN: Final = "unknown"
UNMODELLED: Final = "not modelled"
REJECTED: Final = "rejected"

Answers = dict[tuple[str, str], dict[str, object]]


def differences(
    program: Program, homes: Sequence[Record], as_of: dt.date = AS_OF, back_end: BackEnd = "duckdb"
) -> list[object]:
    """Where a back end answers the households differently from the interpreter."""
    deciding, reference = decider(back_end), decider("interpreter")
    taken = [home for home in homes if deciding.takes(program, case_of(program, home, as_of))]
    answers = deciding.decided(program, [case_of(program, home, as_of) for home in taken], as_of)
    expected = reference.decided(program, [case_of(program, home, as_of) for home in taken], as_of)
    pairs = [
        (one, other)
        for one, other in zip(answers, expected, strict=True)
        if back_end != "duckdb" or not _refused(one)
    ]
    assert pairs, f"{back_end} decides none of the households"
    return [
        difference
        for number, (one, other) in enumerate(pairs)
        if not (back_end == "duckdb" and one.rejected and other.rejected)  # left out whole
        for difference in answers_differ(number, one, other)
    ]


def _refused(answers: Answered) -> bool:
    """The script refuses a record, for what only reading tells the other back ends."""
    return any(why.field for why in answers.rejected.values())


def answers_differ(number: int, answers: Answered, expected: Answered) -> list[object]:
    """Where two back ends differ on one case; a row before a person's first stands for no record."""
    rejected = {row for row in expected.rejected if "@before " not in row[1]}
    also = {row for row in answers.rejected if "@before " not in row[1]}
    results: list[object] = [] if also == rejected else [(number, REJECTED, sorted(rejected), sorted(also))]
    for row in expected.decisions.keys() | answers.decisions.keys():
        one, other = answers.decisions.get(row, {}), expected.decisions.get(row, {})
        results += [
            (number, row, name, other.get(name), one.get(name))
            for name in sorted(one.keys() | other.keys())
            if not _same(one.get(name), other.get(name))
        ]
    return results


def _same(one: Answer | None, other: Answer | None) -> bool:
    """Value, provision and, where both tell them, missing names are the same; truth is no number."""
    if one is None or other is None:
        return one is other
    told = one.missing is not None and other.missing is not None
    same = one.value == other.value and isinstance(one.value, bool) == isinstance(other.value, bool)
    return same and one.by == other.by and (not told or one.missing == other.missing)


def rows_of(program: Program, homes: Iterable[Record], as_of: dt.date) -> list[Row]:
    """Every row, parents before children, siblings as given."""
    return [row for home in homes for row in case_of(program, home, as_of).rows()]


# The interpreter.


def by_interpreter(program: Program, tops: Iterable[Row], as_of: dt.date) -> Answers:
    from mianshen.interpreter import Case

    interpreter = Interpreter(program)
    results: Answers = {}
    for top in tops:
        case = Case(as_of, top, top)
        interpreter.run(case)
        for row in case.rows():
            answers = answers_of(row)
            seen = row.version_of is None or REJECTED in answers
            results[row.entity, row.key] = answers if seen else {}
    return results


def answers_of(row: Row) -> dict[str, object]:
    if row.rejection is not None:
        return {REJECTED: True}
    shown: dict[str, object] = {}
    for name, value in row.values.items():
        if isinstance(value, Unknown):
            shown[name] = UNKNOWN
            shown[f"{name}?miss"] = {missing.name for missing in value.missing}
        elif value is NOT_MODELLED:
            shown[name] = UNMODELLED
        else:
            shown[name] = value
            shown[f"{name}?by"] = row.chosen[name][0].name
    return shown
