"""What the package promises: its names, its words, and that it costs nothing until used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mianshen import syntax
from mianshen.catalogue import catalogue
from mianshen.syntax.parser import _reader

ENGINE = Path(syntax.__file__).parents[2]


def test_the_public_names_are_these() -> None:
    assert set(syntax.__all__) == {
        "KEYWORDS",
        "MAX_DEPTH",
        "MAX_DIGITS",
        "MAX_LENGTH",
        "cell_to_text",
        "parse_cell",
        "parse_expression",
        "to_text",
    }


def test_the_keywords_are_the_words_of_the_grammar() -> None:
    lark, _ = _reader()
    words = {t.pattern.value for t in lark.terminals if t.pattern.type == "str" and t.pattern.value.isalpha()}
    assert words == syntax.KEYWORDS


def test_a_function_is_never_named_by_a_keyword() -> None:
    lark, _ = _reader()
    (call,) = [t for t in lark.terminals if t.name == "CALL"]
    assert all(not call.pattern.to_regexp().startswith(word) for word in syntax.KEYWORDS)
    for word in syntax.KEYWORDS:
        assert f"{word}|" in call.pattern.value or f"{word})" in call.pattern.value


def test_the_parser_is_built_once_and_only_when_asked_for() -> None:
    code = "import sys, mianshen.syntax; assert 'lark' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(ENGINE)})
    assert _reader() is _reader()


def test_every_mistake_says_what_is_wrong_and_what_to_do_in_both_languages() -> None:
    keys = [key for key in catalogue() if key.startswith("E2")]
    for key in keys:
        for message in (catalogue()[key].what, catalogue()[key].fix):
            assert bool(message.zh) == bool(message.en), key
            assert not message.en or not message.en.isascii() or message.zh != message.en, key
    assert len(keys) > 40
