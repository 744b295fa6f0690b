"""Folders that hold an input and, beside it, the output expected of it.

In: a folder of cases, each a folder with an `expected.txt`, and what makes the output lines of one.
Out: nothing, or a failing assertion that shows the difference.
Invariants: the lines are made with the case's folder as working directory, so that file names in
them are relative to it. `MIANSHEN_GOLDEN=write` writes the expected output instead of comparing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

EXPECTED = "expected.txt"


def golden_cases(folder: Path) -> list[Path]:
    """The cases below `folder`: every folder directly in it."""
    return sorted(case for case in folder.iterdir() if case.is_dir() and not case.name.startswith((".", "_")))


def check_golden(case: Path, lines: Callable[[], Iterable[object]]) -> None:
    """Assert that `lines()`, called in the folder `case`, shows what its `expected.txt` holds."""
    with contextlib.chdir(case):
        shown = "".join(f"{line}\n" for line in lines())
    expected = case / EXPECTED
    if os.environ.get("MIANSHEN_GOLDEN") == "write":
        expected.write_text(shown, encoding="utf-8")
    assert expected.exists(), f"{expected} is missing; MIANSHEN_GOLDEN=write makes it:\n{shown}"
    assert shown == expected.read_text(encoding="utf-8")
