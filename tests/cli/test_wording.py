"""The tables of texts hold what is asked for, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

import mianshen
import mianshen_cli
from mianshen.wording import wording as engine
from mianshen_cli.main import COMMANDS, GROUPS
from mianshen_cli.wording import wording

MODULES: defaultdict[str, str] = defaultdict(str)  # a command and what draws its answer have one name
for _path in Path(mianshen_cli.__file__).parent.rglob("*.py"):
    MODULES[_path.stem] += _path.read_text("utf-8")
ENGINE = "".join(path.read_text("utf-8") for path in Path(mianshen.__file__).parent.rglob("*.py"))
LISTED = {id(words) for words in (*GROUPS, *COMMANDS.values())}


@pytest.mark.parametrize("key", wording.texts)
def test_each_line_is_said_by_the_module_that_its_key_names(key: str) -> None:
    module, dot, name = key.partition(".")
    source = MODULES[module].replace("'", '"')
    if not dot:
        assert "\n@command\n" in source
    elif id(wording.texts[key]) not in LISTED:
        parameter = name.startswith(("--", "<")) and f'("{name.strip("<>")}"' in source.replace(
            "(\n    ", "("
        )
        grouped = f'wording.group("{key.rpartition(".")[0]}")' in source
        assert parameter or grouped or f'wording("{key}")' in source


@pytest.mark.parametrize("key", engine.texts)
def test_each_line_of_the_engine_is_asked_for(key: str) -> None:
    group = key.rpartition(".")[0]
    assert any(
        asked in ENGINE
        for asked in (f'wording("{key}")', f'wording.group("{group}")', f'wording.labels("{group}", ')
    )


TEXTS = {**wording.texts, **engine.texts}


@pytest.mark.parametrize("key", TEXTS)
def test_each_line_has_both_languages(key: str) -> None:
    words = TEXTS[key]
    assert words.zh.strip()
    assert words.en.strip()
