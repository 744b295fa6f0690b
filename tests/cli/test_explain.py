"""`mianshen explain` and the page of codes it reads."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mianshen.catalogue import catalogue
from mianshen_cli.main import main

ROOT = Path(__file__).parents[2]


def test_the_page_of_codes_is_what_the_catalogue_says() -> None:
    command = [sys.executable, ".ci/diagnostic_codes.py", "--check"]
    stale = subprocess.run(command, cwd=ROOT, check=False).returncode
    assert stale == 0, "run make codes"


@pytest.mark.parametrize(("lang", "words"), [("zh", "缺少"), ("en", "missing")])
def test_a_code_is_explained_in_the_user_s_language(
    lang: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "e428", "--lang", lang]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("E428")
    assert words in shown


def test_all_codes_are_listed_and_an_unknown_one_is_refused_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "--lang", "en"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == sorted(listed)
    assert {"E101", "E301", "E424", "E502"} <= set(listed)
    assert main(["explain", "E4222", "--lang", "en"]) == 2
    assert "E422" in capsys.readouterr().err


def test_every_line_of_the_catalogue_is_somebody_s_and_every_constructor_has_one() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "engine").rglob("*.py"))
    used = set(re.findall(r'diagnostic[(,]\s*"(E[0-9]{3}\.\w+)"', source))
    lines = {key for key in catalogue() if not key.endswith(".in_general")}
    assert used == lines
