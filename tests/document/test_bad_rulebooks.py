"""Each folder in `bad/` is a rulebook with mistakes, and the report a user gets for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.golden import check_golden, golden_cases

from mianshen.document import read
from mianshen.source import Diagnostic

BAD = Path(__file__).parent / "bad"


def reported() -> tuple[Diagnostic, ...]:
    _, findings = read([Path()], sorted(Path("overlays").glob("*.yaml")))
    return findings


@pytest.mark.parametrize("case", golden_cases(BAD), ids=lambda case: case.name)
def test_a_bad_rulebook_is_reported_as_expected(case: Path) -> None:
    check_golden(case, reported)
