"""What each expectation of a case comes to, and which provision decides it, to be shown beside it.

In: a case file on disk. Out: places with a short text: as expected or not, the value, the provision by its title.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mianshen.cases.expectations import Expectation
from mianshen.cases.read import CaseOf, Programs, read_case_files
from mianshen.cases.runs import compared
from mianshen.casework.answers import Answers, answers_of, benefit_result, row_result
from mianshen.casework.wording import Words
from mianshen.interpreter import Interpreter
from mianshen.program.program import Program
from mianshen.source import Lang, RuleError, Span


def traces(file: Path, programs: Programs, lang: Lang) -> list[tuple[Span, str]]:
    """A text beside each expectation of each case; none where the file has mistakes."""
    try:
        cases = read_case_files([file], programs)
    except RuleError:
        return []
    interpreters: dict[int, Interpreter] = {}
    texts: list[tuple[Span, str]] = []
    for case in cases:
        program = programs.under(case.overlays)
        interpreter = interpreters.setdefault(id(program), Interpreter(program))
        record = case.record(program)
        interpreter.run(record)
        texts += _of_case(case, program, answers_of(record), lang)
    return texts


def _of_case(case: CaseOf, program: Program, answers: Answers, lang: Lang) -> Iterator[tuple[Span, str]]:
    words = Words(program)
    for expectation in case.expectations:
        differences = list(compared(case, program, expectation, answers, "interpreter"))
        mark = "✗" if differences else "✓"
        value = f"{differences[0].got} " if differences else ""
        provision = words.provisions.get(_decided_by(program, expectation, answers))
        title = "" if provision is None else provision.title.in_(lang)
        if value or title:
            yield expectation.span, f"{mark} {value}{title}".rstrip()


def _decided_by(program: Program, expectation: Expectation, answers: Answers) -> str:
    """The provision behind what is expected; empty where none is, or the row takes no part."""
    row, name = expectation.row, expectation.name
    if expectation.what == "rejects" or row in answers.rejected or row in answers.reversed:
        return ""
    if expectation.what == "value":
        return answers.decisions[row][name].by or ""
    benefit = program.benefits.get(name)
    result = row_result(program, answers, row) if benefit is None else benefit_result(benefit, answers, row)
    return "" if result is None else result.reason
