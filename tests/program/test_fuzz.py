"""Whatever a rulebook says, building it ends in a program or in mistakes, never in a traceback."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.interpreter import Interpreter
from mianshen.shipped import shipped_rulebook
from mianshen.source import Diagnostic, RuleError

SCALE: Final = int(os.environ.get("MIANSHEN_FUZZ", "1"))  # 50 in `make soak`
WORD = re.compile(r"[A-Za-z_]+|\d+(?:\.\d+)?%?|[^\s\w]+")
SCRAPS = (
    "resident", "claim", "household", "claims", "members", "total_cost", "in_scope_cost", "covered", "patient_pays",
    "basic_payment", "care_type", '"inpatient"', "employee_rate_working", "employee_basic_paid", "as_of", "service_date",
    "illness_poverty_scale", "0", "1", "38", "99999999999999.99", "75%", "/", "*", "**", "+", "-", "=", "<", "in", "and", "or",
    "not(", ")", "(", "[", "]", "sum(", "min(", "count(", "round half up(", "year to date(", "marginal(", "benefit year(",
    "age on(", 'date("2026-02-30")', 'duration("P1M")', "if", "then", "else", "some", "satisfies", "is known", "true",
    "money", "rate", "code care_type", "list of code care_type", "month_day", "scale", "boolean", "planned", "missing",
    "first", "collect sum", "collect count", "any", "-", "'-'", "null", "~", "parent", "from", "until", "exception_to",
    "fallback: true", "1999-01-01", "2030-12-31", "", "年", "，",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        for file in sorted(shipped_rulebook().rglob("*.yaml")):
            if file.parent.name != "overlays":
                target = Path(place) / file.relative_to(shipped_rulebook())
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(file.read_bytes())
        yield Path(place)


def outcome(folder: Path) -> tuple[Diagnostic, ...]:
    """The mistakes of a rulebook; one without any can be run."""
    try:
        program, warnings = build(*read([folder]))
    except RuleError as error:
        return error.diagnostics or pytest.fail("refused without a mistake")
    Interpreter(program)
    return warnings


def assert_well_formed(diagnostics: tuple[Diagnostic, ...], file: Path) -> None:
    lines = len(file.read_text("utf-8").splitlines()) + 1
    for finding in diagnostics:
        assert finding.span.line >= 1
        assert finding.span.column >= 1
        assert finding.span.file != str(file) or finding.span.line <= lines
        assert all(finding.show(lang) for lang in ("zh", "en"))


@st.composite
def edits(draw: st.DrawFn) -> tuple[int, list[tuple[float, str | float]]]:
    """A file, and words of it replaced by scraps or by other words of it (a place between 0 and 1)."""
    place = st.floats(0, 1, exclude_max=True)
    swap = st.one_of(st.sampled_from(SCRAPS), place)
    return draw(st.integers(0, 99)), draw(st.lists(st.tuples(place, swap), min_size=1, max_size=4))


def edited(text: str, changes: list[tuple[float, str | float]]) -> str:
    words = list(WORD.finditer(text))
    for where, change in changes:
        match = words[int(where * len(words))]
        new = change if isinstance(change, str) else words[int(change * len(words))][0]
        if match.end() <= len(text):
            text = text[: match.start()] + new + text[match.end() :]
    return text


@settings(max_examples=20 * SCALE)
@given(edit=edits())
def test_words_put_in_the_wrong_place_never_end_in_a_traceback(
    folder: Path, edit: tuple[int, list[tuple[float, str | float]]]
) -> None:
    files = sorted(folder.rglob("*.yaml"))
    file = files[edit[0] % len(files)]
    before = file.read_text("utf-8")
    file.write_text(edited(before, edit[1]), "utf-8")
    try:
        assert_well_formed(outcome(folder), file)
    finally:
        file.write_text(before, "utf-8")


@settings(max_examples=10 * SCALE)
@given(where=st.integers(0, 99), first=st.floats(0, 1), many=st.integers(1, 12))
def test_lines_left_out_never_end_in_a_traceback(folder: Path, where: int, first: float, many: int) -> None:
    files = sorted(folder.rglob("*.yaml"))
    file = files[where % len(files)]
    before = file.read_text("utf-8")
    lines = before.splitlines(keepends=True)
    start = int(first * len(lines))
    file.write_text("".join(lines[:start] + lines[start + many :]), "utf-8")
    try:
        assert_well_formed(outcome(folder), file)
    finally:
        file.write_text(before, "utf-8")
