"""Each folder in `bad/` is a rulebook with mistakes, and the report a user gets for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.support.golden import EXPECTED, check_golden, golden_cases

import mianshen
from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.source import Diagnostic, RuleError

BAD = Path(__file__).parent / "bad"
CASES = golden_cases(BAD)


def reported() -> Iterable[Diagnostic]:
    try:
        _, warnings = build(*read([Path()]))
    except RuleError as error:
        return error.diagnostics
    return warnings


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_rulebook_is_reported_as_expected(case: Path) -> None:
    check_golden(case, reported)


def test_a_rulebook_with_twenty_mistakes_in_five_files_reports_them_all() -> None:
    lines = [
        line
        for line in (BAD / "twenty_mistakes" / EXPECTED).read_text("utf-8").splitlines()
        if line[0] != " "
    ]
    places = [line.split(": ")[0] for line in lines]
    assert len(lines) >= 20
    assert len({place.split(":")[0] for place in places}) == 5
    assert len(set(places)) == len(places)  # each at its own line and column


def test_every_code_of_the_room_is_in_some_report() -> None:
    shown = "".join((case / EXPECTED).read_text("utf-8") for case in CASES)
    engine = Path(mianshen.__file__).parent
    files = [
        path for room in ("program", "formulas", "elaboration") for path in (engine / room).rglob("*.py")
    ]
    codes = set(re.findall(r'"(E3[0-9]{2})[."]', "".join(path.read_text("utf-8") for path in files)))
    assert len(codes) > 35
    # a review is overdue, and a calendar about to end, on a given day only
    assert {code for code in codes if code not in shown} == {"E319", "E348"}
