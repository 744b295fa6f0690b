"""The command line as a user meets it: words in, exit status and both streams out."""

from collections.abc import Callable
from typing import TypeAlias

import pytest

from mianshen_cli.main import main

Run: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command line in an English locale; gives the status, standard output and standard error."""
    for name in ("LC_ALL", "LC_MESSAGES", "MIANSHEN_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")

    def run(*words: str) -> tuple[int, str, str]:
        status = main(words)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run
