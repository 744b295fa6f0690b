"""Which language is spoken."""

import pytest

from mianshen_cli.lang import language


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "POSIX"}, "en"),
        ({"LC_CTYPE": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_locale_decides_when_nothing_is_asked(environment: dict[str, str], expected: str) -> None:
    assert language(["check", "file.yaml"], environment) == expected


@pytest.mark.parametrize(
    "words",
    [
        ["--lang", "zh", "check"],
        ["check", "--lang", "zh"],
        ["check", "--lang=zh", "f"],
        ["--lang=en", "x", "--lang=zh"],
    ],
)
def test_lang_wins_over_the_locale_wherever_it_stands(words: list[str]) -> None:
    assert language(words, {"LANG": "en_GB.UTF-8"}) == "zh"


@pytest.mark.parametrize("words", [["--lang"], ["--lang", "fr"], ["--", "--lang", "zh"], []])
def test_anything_else_leaves_it_to_the_locale(words: list[str]) -> None:
    assert language(words, {"LANG": "en_GB.UTF-8"}) == "en"
