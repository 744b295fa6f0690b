"""The table of what commands say holds what they ask for, and nothing else."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

import mianshen_cli
from mianshen_cli.main import COMMANDS, GROUPS
from mianshen_cli.wording import table

MODULES: defaultdict[str, str] = defaultdict(str)  # a command and what draws its answer have one name
for _path in Path(mianshen_cli.__file__).parent.rglob("*.py"):
    MODULES[_path.stem] += _path.read_text("utf-8")
LISTED = {id(words) for words in (*GROUPS, *COMMANDS.values())}


@pytest.mark.parametrize("key", table())
def test_each_line_is_said_by_the_module_that_its_key_names(key: str) -> None:
    module, dot, name = key.partition(".")
    source = MODULES[module]
    if not dot:
        assert "\n@command\n" in source
    elif id(table()[key]) not in LISTED:
        parameter = name.startswith(("--", "<")) and f'("{name.strip("<>")}"' in source.replace(
            "(\n    ", "("
        )
        assert parameter or f'wording("{key}")' in source


@pytest.mark.parametrize("key", table())
def test_each_line_has_both_languages(key: str) -> None:
    words = table()[key]
    assert words.zh.strip()
    assert words.en.strip()
    assert not re.search("[\u4e00-\u9fff]", words.en)
