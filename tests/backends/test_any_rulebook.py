"""Rulebooks of every shape that the checker accepts: the compiled program carries them all, as the interpreter does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mianshen.cases.native_rows import CaseRows, case_unit
from mianshen.cases.read import Programs, read_case_files
from mianshen.cases.runs import run_cases
from mianshen.native.library import compiled, compiler

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
AS_OF = "2026-11-21"


def rulebook(
    entities: dict[str, Any],
    facts: dict[str, Any],
    decisions: dict[str, Any],
    provisions: dict[str, Any],
    entry: str = "person",
    **more: Any,
) -> dict[str, Any]:
    cited = {"source": "S", "clause": "1"}
    return {
        "rulebook": {"name": "small", "title": "small", "entry": entry},
        "entities": {name: {"title": name, "key": f"{name}_id", **e} for name, e in entities.items()},
        "facts": {
            e: {
                f"{e}_id": {"type": "text", "required": True, "title": "key"},
                **{n: {"title": n, **(f if isinstance(f, dict) else {"type": f})} for n, f in fs.items()},
            }
            for e, fs in facts.items()
        },
        "decisions": {
            e: {n: {"type": t, "output": True, "title": n} for n, t in ds.items()}
            for e, ds in decisions.items()
        },
        "sources": {"S": {"title": "S"}},
        "provisions": {
            n: {"title": n, **cited, **(p if "decision" in p else {"decision": n, **p})}
            for n, p in provisions.items()
        },
        **more,
    }


def agreed(folder: Path, rules: dict[str, Any], cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The decisions of each case, by row and name; every one the same on both back ends and none left over."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules, allow_unicode=True, sort_keys=False), "utf-8")
    named = [
        {"name": f"c{i}", "title": "case", "as_of": AS_OF, "expect": {}, **c} for i, c in enumerate(cases)
    ]
    for case in named:
        case["expect"] = case["expect"] or {"rejects": []}
    (folder / "cases").mkdir()
    (folder / "cases" / "c.yaml").write_text(yaml.safe_dump({"cases": named}, allow_unicode=True), "utf-8")
    programs = Programs((folder / "rules.yaml",))
    read = read_case_files([folder / "cases" / "c.yaml"], programs)
    outcomes = run_cases(read, programs, ["interpreter", "native"])
    assert [(d.back_end, d.what, d.expected, d.got) for o in outcomes for d in o.differences] == []
    program = programs.under(())
    rows = CaseRows(program, (unit := case_unit(program)).layout, read[0].record(program).as_of)
    for record_of in read:
        rows.add(record_of.record(program))
    rows.decided(compiled(unit, None))
    assert not rows.fallen
    return [
        {
            f"{key[1]}.{name}": a
            for key, answers in o.answers["native"].decisions.items()
            for name, a in answers.items()
        }
        for o in outcomes
    ]


def test_numbers_without_a_range(tmp_path: Path) -> None:
    rules = rulebook(
        {"person": {}}, {"person": {"n": "number", "m": "number"}}, {"person": {"total": "number", "twice": "number"}},
        {"total": {"value": "n + m"}, "twice": {"value": "if n > m then n else m"}},
    )  # fmt: skip
    big, small = "999999999999.999999", "-0.000001"
    (one, two) = agreed(
        tmp_path,
        rules,
        [{"person": {"person_id": "P", "n": big, "m": small}}, {"person": {"person_id": "P", "n": big}}],
    )
    assert str(one["P.total"].value) == "999999999999.999998"
    assert str(one["P.twice"].value) == big
    assert two["P.total"].missing == {"m"}


def test_more_names_than_bits(tmp_path: Path) -> None:
    names = [f"f{i}" for i in range(140)]
    rules = rulebook(
        {"person": {}}, {"person": dict.fromkeys(names, "boolean")}, {"person": {"any": "boolean", "few": "boolean"}},
        {"any": {"when": " or ".join(names[:100]), "value": "true"}, "few": {"value": " and ".join(names[100:])}},
    )  # fmt: skip
    known = {name: False for name in names if name not in ("f7", "f139")}
    (one, two) = agreed(
        tmp_path, rules,
        [{"person": {"person_id": "P", **known, "f100": True}}, {"person": {"person_id": "P", "f3": True}}],
    )  # fmt: skip
    assert one["P.any"].missing == {"f7"}
    assert two["P.few"].missing == set(names[100:])


def test_lists_of_many_codes_and_lists_as_values(tmp_path: Path) -> None:
    codes = [f"c{i}" for i in range(90)]
    rules = rulebook(
        {"person": {}}, {"person": {"ills": "list of code ill", "main": "code ill"}},
        {"person": {"own": "list of code ill", "has": "boolean", "size": "integer", "kinds": "integer"}},
        {
            "own": {"value": "ills"}, "has": {"value": "contains(own, main)"}, "size": {"value": "count(own)"},
            "kinds": {"value": "distinct count(own)"},
        },
        codes={"ill": {"title": "ill", "values": {code: code for code in codes}}},
    )  # fmt: skip
    (one,) = agreed(
        tmp_path, rules, [{"person": {"person_id": "P", "ills": ["c89", "c2", "c89"], "main": "c2"}}]
    )
    assert one["P.own"].value == ("c89", "c2", "c89")
    assert (one["P.has"].value, one["P.size"].value) == (True, 3)


def test_texts_as_values(tmp_path: Path) -> None:
    rules = rulebook(
        {"person": {}}, {"person": {"nick": "text", "day": "date", "place": "area"}},
        {"person": {"name": "text", "until": "date", "home": "area", "same": "boolean"}},
        {
            "plain": {"decision": "name", "when": 'nick != "x"', "value": "nick"},
            "x": {"decision": "name", "when": 'nick = "x"', "value": '"乂"'},
            "until": {"value": 'day + duration("P1M")'}, "home": {"value": "place"}, "same": {"value": "name = nick"},
        },
    )  # fmt: skip
    (one, two) = agreed(
        tmp_path, rules,
        [
            {"person": {"person_id": "P", "nick": "甲", "day": "2026-01-31", "place": "310113"}},
            {"person": {"person_id": "P", "nick": "x"}},
        ],
    )  # fmt: skip
    assert (one["P.name"].value, str(one["P.until"].value), one["P.same"].value) == ("甲", "2026-02-28", True)
    assert (two["P.name"].value, two["P.same"].value) == ("乂", False)


def test_a_household_with_several_kinds_of_children_and_a_benefit(tmp_path: Path) -> None:
    rules = rulebook(
        {
            "home": {}, "person": {"parent": "home", "children": "members"}, "car": {"parent": "home", "children": "cars"},
            "bill": {"parent": "person", "children": "bills"}, "item": {"parent": "bill", "children": "items"},
        },
        {
            "home": {"rent": "money"}, "person": {"home_id": "text"},
            "car": {"home_id": "text", "worth": {"type": "money", "min": 0, "max": 99999}},
            "bill": {"person_id": "text"}, "item": {"bill_id": "text", "cost": {"type": "money", "min": 0, "max": 999}},
        },
        {"home": {"worth": "money", "poor": "boolean"}, "person": {"spent": "money"}, "bill": {"total": "money"}},
        {
            "worth": {"value": "sum(cars.worth) + sum(members.spent)"}, "poor": {"value": "worth < rent"},
            "spent": {"value": "sum(bills.total)"}, "total": {"value": "sum(items.cost)"},
        },
        benefits={"aid": {
            "title": "aid", "entity": "home", "eligible": "poor", "amount": "worth", "delivery": "automatic", "source": "S",
            "clause": "1",
        }},
    )  # fmt: skip
    items = [{"item_id": "I1", "cost": 5}, {"item_id": "I2", "cost": 7}]
    person = {"person_id": "P"}
    household = {"home_id": "H", "rent": 100}
    (one, two) = agreed(
        tmp_path, rules,
        [
            {"home": household, "person": person, "bills": [{"bill_id": "B", "items": items}],
             "cars": [{"car_id": "A", "worth": 10}]},
            {"home": household, "person": person, "cars": [{"car_id": "A"}]},
        ],
    )  # fmt: skip
    assert (str(one["H.worth"].value), one["H.poor"].value) == ("22.00", True)
    assert two["H.poor"].missing == {"worth"}


def test_an_entity_beside_the_record(tmp_path: Path) -> None:
    rules = rulebook(
        {"person": {}, "hospital": {}}, {"person": {"n": "integer"}, "hospital": {"beds": "integer"}},
        {"person": {"more": "integer"}, "hospital": {"big": "boolean"}},
        {"more": {"value": "n + 1"}, "big": {"value": "beds > 100"}},
    )  # fmt: skip
    (one,) = agreed(tmp_path, rules, [{"person": {"person_id": "P", "n": 4}}])
    assert one["P.more"].value == 5


def test_figures_looked_up_by_one_of_many_codes(tmp_path: Path) -> None:
    """Figures of several decimals, of other days, and none for any other code: one table of the compiled program."""
    codes = [f"c{i}" for i in range(12)]
    rates = {code: f"{5 * i + 5}%" for i, code in enumerate(codes)} | {"c3": "12.5%"}
    keyed: dict[str, Any] = {
        "type": "rate",
        "title": "rate",
        "keys": {"ill": "code ill"},
        "basis": "provisional",
    }
    some: dict[str, str] = {code: rate for code, rate in rates.items() if code not in ("c10", "c11")} | {
        "otherwise": "1%"
    }
    rules = rulebook(
        {"person": {}, "bill": {"parent": "person", "children": "bills", "date": "day"}},
        {"person": {}, "bill": {"day": "date", "ill": "code ill", "cost": "money", "person_id": "text"}},
        {"bill": {"paid": "money", "less": "money"}},
        {"paid": {"value": "cost * rate(ill)"}, "less": {"value": "cost * other(ill)"}},
        codes={"ill": {"title": "ill", "values": {code: code for code in codes}}},
        parameters={
            "rate": keyed | {"values": [{"from": "2020-01-01", "until": "2024-12-31", "value": rates},
                                        {"from": "2025-01-01", "value": rates | {"c4": "3.25%"}}]},
            "other": keyed | {"values": [{"from": "2020-01-01", "value": some}]},
        },
    )  # fmt: skip
    drawn: dict[str, dict[str, Any]] = {
        **{f"B{i:02}": {"day": "2024-12-31", "ill": code, "cost": 1000} for i, code in enumerate(codes)},
        "LATER": {"day": "2025-01-01", "ill": "c4", "cost": 1000},
        "WHAT": {"day": "2025-01-01", "cost": 1000},
        "WHEN": {"ill": "c4", "cost": 1000},
        "NEITHER": {"cost": 1000},
    }
    bills = [{"bill_id": name, **facts} for name, facts in drawn.items()]
    (one,) = agreed(tmp_path, rules, [{"person": {"person_id": "P"}, "bills": bills}])
    assert {name: str(one[f"{name}.paid"].value) for name in ("B00", "B03", "B04", "LATER")} == {
        "B00": "50.00", "B03": "125.00", "B04": "250.00", "LATER": "32.50",
    }  # fmt: skip
    assert [str(one[f"{name}.less"].value) for name in ("B09", "B10", "B11")] == ["500.00", "10.00", "10.00"]
    missing = {name: one[f"{name}.paid"].missing for name in ("WHAT", "WHEN", "NEITHER")}
    assert missing == {"WHAT": {"ill"}, "WHEN": {"day"}, "NEITHER": {"day", "ill"}}
