"""The tables of texts hold what is asked for, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

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


def is_said(key: str) -> bool:
    """Whether the module that a key names says its line."""
    module, dot, name = key.partition(".")
    source = MODULES[module].replace("'", '"')
    if not dot:
        return "\n@command\n" in source
    named = f'("{name.strip("<>")}"'
    parameter = name.startswith(("--", "<")) and named in source.replace("(\n    ", "(")
    group = key.rpartition(".")[0]
    grouped = f'wording.group("{group}")' in source or f'wording.heads("{group}", ' in source
    return id(wording.texts[key]) in LISTED or parameter or grouped or f'wording("{key}")' in source


def is_asked_for(key: str) -> bool:
    """Whether the engine asks for a line, alone or with its group."""
    group = key.rpartition(".")[0]
    forms = (f'wording("{key}")', *(f'wording.{form}("{group}"' for form in ("group", "labels", "heads")))
    return any(form in ENGINE for form in forms)


def test_each_line_is_said_by_the_module_that_its_key_names() -> None:
    assert [key for key in wording.texts if not is_said(key)] == []


def test_each_line_of_the_engine_is_asked_for() -> None:
    assert [key for key in engine.texts if not is_asked_for(key)] == []


def test_each_line_has_both_languages() -> None:
    for key, words in {**wording.texts, **engine.texts}.items():
        assert words.zh.strip(), key
        assert words.en.strip(), key
