"""What FEEL gives for expressions without facts: the same here, on the interpreter and in the compiled program.

A wrong type, a day there is not and the like, for which FEEL gives null, are refused on load.
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

TRUE = (
    # numbers
    ".872 = 0.872", "-.5 < 0", "1.23e4 = 12300", "125e-3 = 0.125", "1E2 = 100", "10 ** 2 = 100", "10 ** -3 = 0.001",
    "2 ** 0 = 1", "5 ** 1 = 5", "-2 ** 2 = 4", "1 + 2 * 3 = 7", "(1 + 2) * 3 = 9", "10 - 3 - 2 = 5", "floor(1.5) = 1",
    "floor(-1.5) = -2", "floor(1.56, 1) = 1.5", "floor(-1.56, 1) = -1.6", "ceiling(1.5) = 2", "ceiling(1.56, 1) = 1.6",
    "ceiling(-1.5) = -1", "floor(n: 1.5) = 1", "ceiling(n: 1.55, scale: 1) = 1.6", "abs(-10) = 10", "abs(n: -10.5) = 10.5",
    "round half up(5.125, 2) = 5.13", "round half up(n: -5.125, scale: 2) = -5.13", "round half down(5.125, 2) = 5.12",
    "round up(1.121, 2) = 1.13", "round down(-1.126, 2) = -1.12", "decimal(1/3, 2) = 0.33", "decimal(2.5, 0) = 2",
    "decimal(n: 3.5, scale: 0) = 4", "modulo(10, 4) = 2", "modulo(-12, 5) = 3", "modulo(10.1, 4.5) = 1.1", "odd(5)",
    "even(4)", "not(odd(number: 2))", "max(3, 1, 2) = 3", "max([3, 1, 2]) = 3", "min(list: [3, 1, 2]) = 1",
    "sum(1, 2, 3) = 6", "sum([1.5, 2]) = 3.5", "count([5, 6]) = 2", "count([]) = 0", "max(7) = 7",
    # comparing
    '"a" < "b"', 'not("b" <= "a")', '"foo" >= "bar"', '"a" between "a" and "c"', "5 between 5 and 6", "is(1.0, 1)",
    'is(value1: date("2012-12-25"), value2: date("2012-12-25"))', "5 in (> 3, < 1)", "1 in [2, 3, 1]", "5 in [2..5]",
    "not(5 in [2..5))", "5 in (4..6)", "[1..5] = [1..5]", "[1..5) != [1..5]", "[1, 2] = [1, 2]", "[1, 2] != [2, 1]",
    "[1..10].end = 10", "(2..3).start = 2", "not(false)", "not(negand: false)", "true and true or false",
    "if 1 > 2 then false else true", "some x in [1, 2, 3] satisfies x > 2", "every x in [1, 2, 3] satisfies x > 0",
    "some x in [1, 2], y in [2, 3] satisfies x = y", "sum(for x in [1, 2, 3] return x * x) = 14",
    # dates and durations
    'date(2017, 12, 31) = date("2017-12-31")', 'date(year: 2017, month: 2, day: 1) = date("2017-02-01")',
    'date("2024-02-29").year = 2024', 'date("2017-01-01").weekday = 7', 'date("2021-01-04").weekday = 1',
    'date(date("2017-01-01")) = date(2017, 1, 1)', 'date("2017-03-31") - duration("P1M") = date("2017-02-28")',
    'date("2016-02-29") + duration("P1Y") = date("2017-02-28")', 'date("2012-12-24") + duration("P1D") = date("2012-12-25")',
    'duration("P1D") + date("2012-12-24") = date("2012-12-25")',
    'date("2012-12-25") - date("2012-12-24") = duration("P1D")', 'duration("P1Y2M") = duration("P14M")',
    'duration("P13M") > duration("P1Y")', '-duration("P1M") = duration("-P1M")', 'abs(duration("-P5D")) = duration("P5D")',
    'duration("P1M") * 3 = duration("P3M")', '2 * duration("P2D") = duration("P4D")',
    'duration("P6M") - duration("P8M") = duration("-P2M")', 'duration("P1Y") / duration("P3M") = 4',
    'duration("P14M").years = 1', 'duration("P14M").months = 2', 'duration("P5D").days = 5',
    'years and months duration(date("2011-12-22"), date("2013-08-24")) = duration("P1Y8M")',
    'years and months duration(from: date("2013-08-24"), to: date("2011-12-22")) = duration("-P1Y8M")',
    'duration("P3D") between duration("P1D") and duration("P3D")', 'duration("P2M") in [duration("P1M")..duration("P3M"))',
    'max(date("2017-01-01"), date("2016-01-01")) = date("2017-01-01")',
    'date("2018-01-01") in (date("2017-01-01")..date("2019-01-01"))',
    # ranges
    "before(1, 10)", "not(before(10, [1..10]))", "before([1..10), 10)", "before([1..5), [5..10])", "after(12, [2..5])",
    "meets([1..5], [5..10])", "not(meets([1..5), [5..10]))", "met by([5..10], [1..5])", "overlaps([1..5], [3..8])",
    "not(overlaps([1..5), [5..8]))", "overlaps before([1..5], [3..8])", "overlaps after([3..8], [1..5])",
    "finishes(10, [1..10])", "finishes([5..10], [1..10])", "finished by([1..10], [5..10])", "includes([1..10], 5)",
    "not(includes([1..10), 10))", "includes([1..10], [4..6])", "during(5, (1..10))", "during(range1: [4..6], range2: [1..10])",
    "starts(1, [1..10])", "starts([1..5], [1..10])", "started by([1..10], 1)", "coincides([1..5], [1..5])",
    "not(coincides([1..5], [1..5)))", 'before(date("2020-01-01"), [date("2020-02-01")..date("2020-03-01")])',
)  # fmt: skip
REFUSED = (
    '1 = "1"', '1 + "1"', "not(1)", "date(2017, 2, 30)", 'date("2017-13-01")', 'duration("P1Y2D")', "10 / 0 = 1 and 1",
    'date("2017-01-01") + 1 = date("2017-01-02")', 'duration("P1M") > duration("P30D")', "max([]) = 1", "[1, 2] = 1",
    "if 1 then true else false", '"a" and true', "floor(x: 1) = 1", "abs(true) = 1", '1 in "a"', "null = 1",
    "overlaps(1, [1..2])", '5 between 1 and "a"', "[1..5]", "for x in [1] return x",
)  # fmt: skip


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


def test_expressions_give_what_feel_gives_on_every_back_end(tmp_path: Path) -> None:
    made = program(tmp_path, *TRUE)
    home = Record("top", "T", {}, children=[Record("case", "C", {})])
    case = case_of(made, home)
    Interpreter(made).run(case)
    values = case.person.values
    assert [text for number, text in enumerate(TRUE) if values.get(f"d{number}") is not True] == []
    if compiler() is not None:
        assert compiled_differences(made, [home]) == []


@pytest.mark.parametrize("text", REFUSED)
def test_what_feel_makes_null_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(RuleError):
        program(tmp_path, text)
