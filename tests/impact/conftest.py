"""The shipped rulebook under an overlay, built once for all tests of this room."""

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import pytest
from tests.impact.small import reform

from mianshen.program.program import Program
from mianshen.rulebook import open_program

Under: TypeAlias = Callable[[str], Program]


@pytest.fixture(scope="session")
def under(tmp_path_factory: pytest.TempPathFactory) -> Under:
    """The shipped rulebook with an overlay of this text."""

    @cache
    def opened(text: str) -> Program:
        return open_program((), [reform(tmp_path_factory.mktemp("reform"), text)])

    return opened
