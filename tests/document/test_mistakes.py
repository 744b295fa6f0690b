"""Every mistake has a code of its own and speaks both languages."""

from __future__ import annotations

import re
from pathlib import Path

from mianshen.catalogue import catalogue

BAD = Path(__file__).parent / "bad"
CODES = [key.split(".")[0] for key in catalogue() if key < "E150"]
UNREACHED = {"E101", "E130"}  # no file at all; what no other shape mistake covers


def test_each_mistake_has_one_code_and_each_code_one_mistake() -> None:
    assert len(CODES) == len(set(CODES)) > 40


def test_each_code_is_shown_by_a_bad_rulebook() -> None:
    shown = {
        code
        for expected in BAD.glob("*/expected.txt")
        for code in re.findall(r": (E\d+): ", expected.read_text(encoding="utf-8"))
    }
    assert set(CODES) - UNREACHED <= shown
