"""Households decided by the compiled program, held against the interpreter.

In: a program, households. Out: where the two differ: on values, provisions, missing facts, rejected rows, and on
which households the compiled program leaves to the interpreter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from tests.support.agreement import answers_differ
from tests.support.homes import AS_OF, Record, case_of

from mianshen.cache import cache_folder
from mianshen.cases.native_rows import CaseRows, case_unit
from mianshen.casework.answers import answers_of
from mianshen.interpreter import Case, Interpreter
from mianshen.native.library import compiled
from mianshen.program.program import Program


def compiled_differences(program: Program, homes: Sequence[Record], as_of: dt.date = AS_OF) -> list[object]:
    """Raises Unsupported where the program holds what is not carried."""
    return case_differences(
        program,
        [case_of(program, home, as_of) for home in homes],
        [case_of(program, home, as_of) for home in homes],
    )


def case_differences(program: Program, cases: Sequence[Case], again: Sequence[Case]) -> list[object]:
    """Where the two answer the same cases differently; `again`: the cases once more, for deciding writes in them."""
    unit = case_unit(program)
    rows = CaseRows(program, unit.layout, cases[0].as_of)
    for case in cases:
        rows.add(case)
    read = [{(r.entity, r.key) for r in case.rows() if r.rejection is not None} for case in again]
    interpreter = Interpreter(program)
    for case in again:
        interpreter.run(case)
    expected = [answers_of(case) for case in again]
    results: list[object] = []
    for number, (actual, wanted) in enumerate(
        zip(rows.decided(compiled(unit, cache_folder())), expected, strict=True)
    ):
        results += answers_differ(number, actual, wanted)
        if number in rows.fallen and set(wanted.rejected) <= read[number]:
            results.append((number, "left without need"))
    return results
