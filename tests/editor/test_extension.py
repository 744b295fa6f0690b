"""The extension for VS Code: what it names is there, and its patterns are patterns."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

FOLDER = files("mianshen").joinpath("editor", "vscode")


def content(name: str) -> Any:
    return json.loads(FOLDER.joinpath(name).read_text("utf-8"))


def test_what_the_extension_contributes_is_there() -> None:
    package = content("package.json")
    for grammar in package["contributes"]["grammars"]:
        assert content(grammar["path"])["scopeName"] == grammar["scopeName"]
    settings = json.loads((Path(__file__).parents[2] / ".vscode/settings.json").read_text("utf-8"))
    assert package["contributes"]["configurationDefaults"]["yaml.schemas"] == settings["yaml.schemas"]


def test_the_words_of_a_formula_are_coloured_by_what_they_are() -> None:
    formula = content("formula.tmLanguage.json")["repository"]["formula"]
    assert re.match(formula["begin"], "value: age on(born, as_of) >= 60")
    kinds: dict[str, str] = {}
    text, position = 'if age on(born, as_of) >= 60 and kind = "worker" then 75% else 低保率', 0
    while position < len(text):
        results = [
            (m, p["name"]) for p in formula["patterns"] if (m := re.compile(p["match"]).match(text, position))
        ]
        if results and results[0][0].end() > position:
            kinds[results[0][0][0]] = results[0][1].split(".formula")[0]
            position = results[0][0].end()
        else:
            position += 1
    assert kinds["if"] == "keyword.control"
    assert kinds["age on"] == "support.function"
    assert kinds["born"] == kinds["低保率"] == "variable.other"
    assert kinds["75%"] == "constant.numeric"
    assert kinds['"worker"'] == "string.quoted.double"
