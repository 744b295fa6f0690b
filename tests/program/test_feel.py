"""What FEEL gives for expressions without facts: the same here, on the interpreter and in the compiled program.

`feel_values.txt` holds what is true in FEEL, `feel_nulls.txt` what it makes null: a wrong type, a day there is not and the
like, which are refused on load, or are an error of the row.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.compiled import compiled_differences
from tests.support.homes import Record, case_of

from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.interpreter import Interpreter
from mianshen.native.library import compiler
from mianshen.program.program import Program
from mianshen.source import RuleError
from mianshen.values import Unknown

HERE = Path(__file__).parent
LEAST = 0.95  # of what FEEL gives a value for
# Left out on purpose: powers that readers take in two ways, comments to the end of a line, which a folded block would
# make swallow what follows, brackets turned outwards, irrational numbers, patterns, weeks, functions as values.
GAPS = frozenset({
    "2 ** 3 ** 2 = 64", "sqrt(16) = 4", "sqrt(number: 9) = 3", "1 in ]0..2[", "not(2 in ]0..2[)",
    'week of year(date("2019-09-17")) = 38', 'week of year(date("2005-01-01")) = 53',
    "sort([3, 1, 2], function(x, y) x < y) = [1, 2, 3]", 'replace("abcd", "b", "x") = "axcd"', 'matches("foobar", "^fo*b")',
    "true // the end",
})  # fmt: skip


def expressions(name: str) -> list[str]:
    """The lines of a file of expressions."""
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


VALUES, NULLS = expressions("feel_values.txt"), expressions("feel_nulls.txt")


def program(folder: Path, *values: str) -> Program:
    names = [f"d{number}" for number in range(len(values))]
    doc: dict[str, Any] = {
        "rulebook": {"name": "feel", "title": "feel", "entry": "case"},
        "entities": {
            "top": {"title": "top", "key": "no"},
            "case": {"title": "case", "key": "id", "parent": "top"},
        },
        "facts": {
            "top": {"no": {"type": "text", "title": "no"}},
            "case": {"id": {"type": "text", "title": "id"}},
        },
        "sources": {"S": {"title": "s"}},
        "defaults": {"source": "S", "clause": "1"},
        "decisions": {"case": {name: {"type": "boolean", "title": name} for name in names}},
        "provisions": {
            f"p{n}": {"decision": name, "value": v}
            for n, (name, v) in enumerate(zip(names, values, strict=True))
        },
    }
    (folder / "rules.yaml").write_text(json.dumps(doc), "utf-8")
    return build(*read([folder / "rules.yaml"]))[0]


def test_there_are_many_expressions_and_few_gaps() -> None:
    assert len(VALUES) == len(set(VALUES)) >= 400
    assert set(VALUES) >= GAPS
    assert 1 - len(GAPS) / len(VALUES) >= LEAST


def test_expressions_give_what_feel_gives_on_every_back_end(tmp_path: Path) -> None:
    said = [text for text in VALUES if text not in GAPS]
    rules = program(tmp_path, *said)
    home = Record("top", "T", {}, children=[Record("case", "C", {})])
    case = case_of(rules, home)
    Interpreter(rules).run(case)
    values = case.person.values
    assert [text for number, text in enumerate(said) if values.get(f"d{number}") is not True] == []
    if compiler() is not None:
        assert compiled_differences(rules, [home]) == []


@pytest.mark.parametrize("text", sorted(GAPS))
def test_a_gap_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(RuleError):
        program(tmp_path, text)


@pytest.mark.parametrize("text", NULLS)
def test_what_feel_makes_null_is_refused_or_has_no_value(text: str, tmp_path: Path) -> None:
    try:
        rules = program(tmp_path, text)
    except RuleError:
        return
    case = case_of(rules, Record("top", "T", {}, children=[Record("case", "C", {})]))
    Interpreter(rules).run(case)
    assert case.person.rejection is not None or isinstance(case.person.values["d0"], Unknown), text


def test_nested_choices_and_extremes_are_read_once(tmp_path: Path) -> None:
    choices = "".join(f"if {at} = 0 then {at} - 1 else " for at in range(60)) + "5"
    extremes = "max(" * 30 + "3 - 1" + ", 2 - 1)" * 30
    rules = program(tmp_path, f"({choices}) = -1", f"{extremes} = 2")
    assert len(rules.decisions) == 2
