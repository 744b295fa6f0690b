"""Every mistake has a code of its own and speaks both languages."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from mianshen.document import diagnostics
from mianshen.source import Diagnostic

BAD = Path(__file__).parent / "bad"
UNREACHED = {"E101", "E130"}  # no file at all; what no other shape mistake covers


def codes() -> dict[str, str]:
    """The code of each public function that makes a mistake."""
    makers = [
        (name, maker)
        for name, maker in inspect.getmembers(diagnostics, inspect.isfunction)
        if not name.startswith("_")
        and maker.__module__ == diagnostics.__name__
        and inspect.signature(maker).return_annotation == Diagnostic.__name__
    ]
    return {name: re.findall(r'"(E\d+)[."]', inspect.getsource(maker))[0] for name, maker in makers}


def test_each_mistake_has_one_code_and_each_code_one_mistake() -> None:
    assert len(codes()) == len(set(codes().values()))
    assert all(re.fullmatch("E1[0-4][0-9]", code) for code in codes().values())


def test_each_code_is_shown_by_a_bad_rulebook() -> None:
    shown = {
        code
        for expected in BAD.glob("*/expected.txt")
        for code in re.findall(r": (E\d+): ", expected.read_text(encoding="utf-8"))
    }
    assert set(codes().values()) - UNREACHED <= shown
