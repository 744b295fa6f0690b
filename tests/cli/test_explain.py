"""`mianshen explain` and the page of codes it reads."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mianshen.catalogue import catalogue
from mianshen_cli.main import main

ROOT = Path(__file__).parents[2]


def _sources() -> list[Path]:
    return [*(ROOT / "engine").rglob("*.py"), *(ROOT / "cli").rglob("*.py")]


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


def test_every_line_of_the_catalogue_is_used() -> None:
    source = "".join(path.read_text("utf-8") for path in _sources())
    used = set(re.findall(r'diagnostic[(,]\s*"(E[0-9]{3}\.\w+)"', source))
    assert used == {key for key in catalogue() if not key.endswith(".in_general")}


def test_every_diagnostic_is_given_the_values_that_its_words_name() -> None:
    for path in _sources():
        source = path.read_text("utf-8")
        if "diagnostic(" not in source:
            continue
        for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
            if ast.unparse(call.func).split(".")[-1] != "diagnostic" or not isinstance(
                call.args[0], ast.Constant
            ):
                continue
            keywords = {keyword.arg for keyword in call.keywords}
            words = catalogue()[str(call.args[0].value)]._asdict().items()
            texts = [text for name, text in words if name not in {"severity", *keywords}]
            named = re.findall(r"(?<!\{)\{(\w+)\}(?!\})", "".join(text.zh + text.en for text in texts))
            assert keywords - {"also", "what", "fix"} == set(named), f"{path}:{call.lineno}"
