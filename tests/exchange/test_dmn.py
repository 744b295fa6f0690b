"""A rulebook out to DMN and back: what is carried decides the same, what is not is told, what is not understood is refused."""

from __future__ import annotations

import datetime as dt
import json
import re
import tempfile
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.campaigns import few

from mianshen import open_rulebook
from mianshen.cases.read import Programs, case_files, read_case_files
from mianshen.document import read
from mianshen.exchange import export_model, import_model
from mianshen.exchange.decisions import ModelBuilder
from mianshen.exchange.dmn_out import MODEL, OWN
from mianshen.interpreter import Interpreter
from mianshen.interpreter.rows import Case, Row
from mianshen.program.program import Program
from mianshen.rulebook import open_program
from mianshen.shipped import shipped_rulebook
from mianshen.source import RuleError
from mianshen.values import NotModelled, Unknown
from mianshen_cli.main import main

ROOT = Path(__file__).parents[2]
SMALL = """
rulebook: {name: small, title: 小规则库, entry: person}
entities:
  home: {title: 户, key: home_id}
  person: {title: 人, key: person_id, parent: home, children: people, area: place, date: day}
facts:
  home: {home_id: {type: text, title: 户号, required: true}}
  person:
    person_id: {type: text, title: 编号, required: true}
    place: {type: area, title: 地区}
    day: {type: date, title: 日期}
    level: {type: code level, title: 级别}
    income: {type: money, title: 收入}
    size: {type: integer, title: 人口}
    poor: {type: boolean, title: 贫困}
    ills: {type: list of code level, title: 各级}
codes: {level: {title: 级别, values: {low: {zh: 低, en: low}, high: 高, other: 其他}}}
sources: {S: {title: 文件}}
decisions:
  person:
    grant: {type: money, title: 补助}
    share: {type: money, title: 份额}
    step: {type: integer, title: 档次}
    points: {type: integer, title: 分}
    due: {type: boolean, title: 应享}
    total: {type: money, title: 合计}
    capped: {type: money, title: 封顶}
accumulators: {so_far: {title: 累计, entity: person, sums: capped}}
defaults: {from: 2020-01-01, source: S, clause: 一}
parameters:
  base: {type: money, title: 基数, values: [{value: 100, basis: cited}, {from: 2024-01-01, value: 120.50, basis: cited}]}
  rate: {type: rate, title: 比例, values: [{basis: provisional, value: 12.5%}]}
functions: {part: {takes: {cost: money, by: rate}, gives: money, value: "min(cost * by, 1000)"}}
tables:
  grants:
    decision: grant
    title: 补助表
    area: "31"
    inputs: [level, income]
    rows:
      - {id: low, cells: ['"低"', '< 1000'], value: base}
      - {id: high, cells: ['"high"', '-'], value: base * rate, title: 高档, clause: 二}
      - {id: rest, cells: ['not("high")', '[1000..2000)'], value: "0.00"}
  stepped:
    decision: step
    hit_policy: first
    inputs: [income]
    rows: [{id: a, cells: ['< 10'], value: 1}, {id: b, cells: ['< 100'], value: 2}, {id: c, cells: ['-'], value: 3}]
  summed:
    decision: points
    hit_policy: collect sum
    inputs: [size, poor]
    rows: [{id: a, cells: ['> 2', '-'], value: 1}, {id: b, cells: ['-', 'true'], value: 2}]
provisions:
  share: {decision: share, title: 份额, let: {half: "round half up(income / 2, 2)"}, value: "if half is known then half else 0"}
  due: {decision: due, title: 应享, when: 'poor or contains(ills, "high")', value: true}
  not_due: {decision: due, title: 不享, fallback: true, value: false}
  never: {decision: due, title: 例外, when: income > 100000, value: false, exception_to: due}
  total: {decision: total, title: 合计, value: "part(income, rate) + grant"}
  capped: {decision: capped, title: 封顶, value: income, annual_limit: {accumulator: so_far, limit: base}}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(SMALL, "utf-8")
    return path


def round_trip(rules: Path, folder: Path) -> Program:
    export_model([rules], [], (), folder / "m.dmn")
    back = folder / "back.yaml"
    back.write_text(import_model(folder / "m.dmn").text, "utf-8")
    return open_program([back])


# -- the same answers --------------------------------------------------------------------------------


def flat(row: Row, names: dict[tuple[str, str], str]) -> dict[str, object]:
    """What is known of a row and those above it, facts and decisions, by their names in the model."""
    known: dict[str, object] = {}
    here: Row | None = row
    while here is not None:
        for name, value in {**here.facts, **here.values}.items():
            if not isinstance(value, Unknown | NotModelled) and (here.entity, name) in names:
                known[names[here.entity, name]] = value
        here = here.parent
    return known


def compared(decided: Interpreter, names: dict[tuple[str, str], str], as_of: dt.date, rows: list[Row]) -> int:
    """How many decisions of a case came out alike; a known value never comes out as another."""
    back, alike = decided.program, 0
    carried = {decision.name for decision in back.decisions}
    inputs = {name for _, name in back.facts}
    for row in rows:
        known = flat(row, names)
        facts: dict[str, Any] = {name: value for name, value in known.items() if name in inputs}
        copy = Row(back.entry, "X", {"case_id": "X", **facts}, as_of=as_of)
        decided.run(Case(as_of, copy, copy))
        assert copy.rejection is None, copy.rejection
        for name in carried & known.keys():
            value = copy.values[name]
            if not isinstance(value, Unknown | NotModelled):
                assert value == known[name], name
                alike += 1
        own = {names[row.entity, name]: value for name, value in row.values.items()}
        for name in carried & own.keys():
            if not isinstance(copy.values[name], Unknown | NotModelled):
                assert not isinstance(own[name], Unknown | NotModelled), name
    return alike


def test_the_shipped_cases_are_decided_alike(tmp_path: Path) -> None:
    decided = Interpreter(round_trip(shipped_rulebook(), tmp_path))
    document, _ = read([shipped_rulebook()])
    builder = ModelBuilder(document)
    builder.build(())
    names = dict(builder.names)
    programs = Programs()
    program = programs.under(())
    cases = [one for one in read_case_files(case_files([ROOT / "cases"]), programs) if not one.overlays]
    alike = 0
    for one in cases[:: few(40, 5)]:
        case = one.record(program)
        Interpreter(program).run(case)
        rows = [row for row in case.rows() if row.entity in ("claim", "resident")]
        rows = [row for row in rows if row.rejection is None and row.version_of is None]
        at_once = [row for row in rows if row.voider is None and row.parent and row.parent.version_of is None]
        alike += compared(decided, names, case.as_of, at_once)
    assert alike > 800


LEVELS = ("low", "high", "other")


@settings(max_examples=few(60, 2000))
@given(data=st.data())
def test_any_record_is_decided_alike(data: st.DataObject) -> None:
    one, other = _interpreters()
    facts: dict[str, Any] = {
        "place": data.draw(st.sampled_from(("31", "310115", "3117", "37"))),
        "day": data.draw(st.dates(dt.date(2019, 6, 1), dt.date(2026, 1, 1))),
        "level": data.draw(st.sampled_from(LEVELS)), "income": data.draw(st.decimals(0, 200_000, places=2)),
        "size": Decimal(data.draw(st.integers(0, 9))), "poor": data.draw(st.booleans()),
        "ills": tuple(data.draw(st.lists(st.sampled_from(LEVELS), max_size=2))),
    }  # fmt: skip
    known = {name: value for name, value in facts.items() if data.draw(st.integers(0, 9)) > 0}
    rows = []
    for interpreter, key in ((one, "person_id"), (other, "case_id")):
        row = Row(interpreter.program.entry, "X", {key: "X", **known}, as_of=dt.date(2026, 1, 1))
        if key == "person_id":
            row.parent = Row("home", "H", {"home_id": "H"}, children=[row], as_of=row.as_of)
        interpreter.run(Case(row.as_of, row.parent or row, row))
        rows.append(row)
    before, after = rows
    assert (before.rejection is None) == (after.rejection is None)
    for decision in one.program.decisions:
        value = before.values.get(decision.name)
        if decision.name != "capped" and not isinstance(value, Unknown | NotModelled):
            assert after.values.get(decision.name) == value, decision.name


@cache
def _interpreters() -> tuple[Interpreter, Interpreter]:
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.yaml"
        rules.write_text(SMALL, "utf-8")
        return Interpreter(open_program([rules])), Interpreter(round_trip(rules, Path(folder)))


# -- the file ----------------------------------------------------------------------------------------


def test_what_is_not_carried_is_told_and_stands_in_the_file(small: Path) -> None:
    out = small.parent / "m.dmn"
    count, losses = export_model([small], [], (), out)
    root = ET.parse(out).getroot()
    assert {loss.name: loss.why.en for loss in losses}[
        "capped"
    ] == "it stands under an annual limit (an accumulator)"
    assert any("null" in loss.why.en for loss in losses)
    assert any("accumulators" in loss.why.en and "so_far" in loss.why.en for loss in losses)
    inside = root.findall(f".//{{{OWN}}}notCarried")
    assert [(one.get("name"), one.get("en")) for one in inside] == [
        (loss.name, loss.why.en) for loss in losses
    ]
    notes = [text.text or "" for text in root.findall(f"{{{MODEL}}}textAnnotation/{{{MODEL}}}text")]
    assert len([note for note in notes if "年度限额" in note]) == 1
    capped = root.find(f"{{{MODEL}}}decision[@name='capped']")
    assert capped is not None
    assert capped.find(f"{{{MODEL}}}decisionTable") is None
    assert count == len(root.findall(f".//{{{MODEL}}}decisionTable")) + len(
        root.findall(f".//{{{MODEL}}}literalExpression")
    )
    tables = {table.get("id"): table for table in root.findall(f".//{{{MODEL}}}decisionTable")}
    policies = {name: (table.get("hitPolicy"), table.get("aggregation")) for name, table in tables.items()}
    assert policies["table-rate"] == ("UNIQUE", None)
    assert policies["table-step"] == ("FIRST", None)
    assert policies["table-points"] == ("COLLECT", "SUM")


def test_a_model_is_the_same_each_time_and_has_a_shape_for_everything(small: Path) -> None:
    first, second = small.parent / "a.dmn", small.parent / "b.dmn"
    export_model([small], [], (), first)
    export_model([small], [], (), second)
    assert first.read_bytes() == second.read_bytes()
    root = ET.parse(first).getroot()
    ids = {one.get("id") for one in root.iter() if one.get("id")}
    assert len(ids) == len([one for one in root.iter() if one.get("id")])
    drawn = {one.get("dmnElementRef") for one in root.iter() if one.get("dmnElementRef")}
    drawable = ("decision", "inputData", "businessKnowledgeModel", "textAnnotation", "association")
    wanted = (*drawable, "informationRequirement", "knowledgeRequirement")
    assert drawn == {one.get("id") for tag in wanted for one in root.iter(f"{{{MODEL}}}{tag}")}
    assert {one.get("href", "")[1:] for one in root.iter() if one.get("href")} <= ids


NAMESAKES = """
rulebook: {name: namesakes, title: x, entry: person}
entities: {person: {title: x, key: person_id}}
sources: {S: {title: x}}
facts: {person: {person_id: {type: text, required: true, title: x}, cost: {type: money, title: x}}}
functions: {cost: {takes: {a: number}, gives: number, value: a * 2}}
decisions: {person: {pay: {type: number, title: x}}}
provisions: {p: {decision: pay, title: x, value: cost(cost), source: S, clause: x}}
"""


def test_a_function_and_a_fact_of_one_name_are_told_apart(tmp_path: Path) -> None:
    rules, out = tmp_path / "rules.yaml", tmp_path / "m.dmn"
    rules.write_text(NAMESAKES, "utf-8")
    assert export_model([rules], [], (), out)[0] == 2
    root = ET.parse(out).getroot()
    assert [one.get("name") for one in root.findall(f"{{{MODEL}}}inputData")] == ["person_cost"]
    assert [one.get("name") for one in root.findall(f"{{{MODEL}}}businessKnowledgeModel")] == ["cost"]
    assert "cost(person_cost)" in import_model(out).text


def test_provisions_that_would_have_one_name_are_all_read(tmp_path: Path) -> None:
    """The default of a table, and a decision called as that default is."""
    path = tmp_path / "m.dmn"
    path.write_text(FOREIGN.replace("Is dear", "Fee default"), "utf-8")
    text = import_model(path).text
    assert "fee_default: {decision: fee," in text
    assert "fee_default_: {decision: fee_default," in text


def test_a_row_with_too_few_cells_is_refused_also_where_conditions_are_asked(tmp_path: Path) -> None:
    asked = '<input id="q3"><inputExpression id="e3" typeRef="boolean"><text>Risk != null</text></inputExpression></input>'
    (tmp_path / "m.dmn").write_text(FOREIGN.replace('<output id="o"', f'{asked}<output id="o"'), "utf-8")
    with pytest.raises(RuleError, match="E320"):
        import_model(tmp_path / "m.dmn")


def test_decisions_are_exported_by_name_with_what_they_rest_on(small: Path) -> None:
    out = small.parent / "m.dmn"
    export_model([small], [], ("total",), out)
    root = ET.parse(out).getroot()
    assert {one.get("name") for one in root.findall(f"{{{MODEL}}}decision")} == {
        "total",
        "grant",
        "base",
        "rate",
    }
    assert {one.get("name") for one in root.findall(f"{{{MODEL}}}businessKnowledgeModel")} == {"part"}
    with pytest.raises(RuleError, match="Perhaps total is meant"):
        export_model([small], [], ("totl",), out)


def test_the_commands_say_what_is_not_carried(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(small.parent)
    assert main(["export", "--dmn", "m.dmn", "--rules", "rules.yaml", "--lang", "en"]) == 0
    assert "annual limit" in capsys.readouterr().out
    assert main(["export", "--dmn", "m.dmn", "--rules", "rules.yaml", "--format", "json"]) == 0
    assert "capped" in {loss["name"] for loss in json.loads(capsys.readouterr().out)["not_carried"]}
    assert main(["import", "m.dmn", "--out", "back.yaml", "--lang", "en"]) == 0
    assert "null is unknown" in capsys.readouterr().out
    assert main(["lint", "back.yaml"]) == 0
    assert main(["import", "m.dmn", "--out", "rules.yaml"]) == 2
    assert main(["export", "--dmn", "m.dmn", "--xlsx", "m.xlsx", "--rules", "rules.yaml"]) == 2


# -- models of others --------------------------------------------------------------------------------

FOREIGN = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="Loan check" namespace="n">
  <itemDefinition id="i1" name="tRisk">
    <typeRef>string</typeRef><allowedValues><text>"Low","Very High"</text></allowedValues>
  </itemDefinition>
  <inputData id="a" name="Applicant Age"><variable id="v" name="Applicant Age" typeRef="number"/></inputData>
  <inputData id="b" name="Risk"><variable id="w" name="Risk" typeRef="tRisk"/></inputData>
  <knowledgeSource id="k" name="Handbook"/>
  <decision id="c" name="Fee">
    <variable id="x" name="Fee" typeRef="number"/>
    <decisionTable id="t" hitPolicy="UNIQUE">
      <input id="q1"><inputExpression id="e1" typeRef="number"><text>Applicant Age</text></inputExpression></input>
      <input id="q2"><inputExpression id="e2"><text>Risk</text></inputExpression></input>
      <output id="o" name="Fee"><defaultOutputEntry><text>9</text></defaultOutputEntry></output>
      <rule id="r1"><description>young</description><inputEntry id="z1"><text>&lt; 30</text></inputEntry>
        <inputEntry id="z2"><text>"Low"</text></inputEntry><outputEntry id="z3"><text>10</text></outputEntry></rule>
      <rule id="r2"><inputEntry id="y1"><text>[30..60]</text></inputEntry>
        <inputEntry id="y2"><text>-</text></inputEntry><outputEntry id="y3"><text>Applicant Age * 2</text></outputEntry></rule>
    </decisionTable>
  </decision>
  <decision id="f" name="Is dear">
    <variable id="u" name="Is dear" typeRef="boolean"/>
    <literalExpression id="l"><text>Fee &gt; 50 and Risk != null</text></literalExpression>
  </decision>
</definitions>
"""
LITERAL = '<literalExpression id="l"><text>Fee &gt; 50 and Risk != null</text></literalExpression>'


def test_a_model_with_names_of_its_own_is_read(tmp_path: Path) -> None:
    path, back = tmp_path / "m.dmn", tmp_path / "back.yaml"
    path.write_text(FOREIGN, "utf-8")
    model = import_model(path)
    assert "Handbook" in {loss.name for loss in model.losses}
    back.write_text(model.text, "utf-8")
    book = open_rulebook(back)
    for age, risk, fee, dear in ((20, "Low", 10, False), (40, "Very High", 80, True), (70, "Low", 9, False)):
        record = {"case": {"case_id": "X", "applicant_age": age, "risk": risk}, "as_of": "2026-01-01"}
        row = Interpreter(book.program)
        one = Row(
            "case",
            "X",
            {"case_id": "X", "applicant_age": Decimal(age), "risk": risk},
            as_of=dt.date(2026, 1, 1),
        )
        row.run(Case(one.as_of, one, one))
        assert (one.values["fee"], one.values["is_dear"]) == (fee, dear), record


SEASONS = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20180521/MODEL/" xmlns:x="http://tool" id="dish" name="Dish" namespace="n">
  <inputData id="s" name="Season"><variable id="v1" name="season" typeRef="string"/></inputData>
  <inputData id="g" name="Guests"><variable id="v2" name="guestCount" typeRef="integer"/></inputData>
  <inputData id="w" name="When"><variable id="v3" name="when is it" typeRef="date"/></inputData>
  <decision id="d" name="Dish">
    <decisionTable id="dt">
      <input id="i1" label="Season" x:inputVariable="z">
        <inputExpression id="e1" typeRef="string"><text>season</text></inputExpression>
      </input>
      <input id="i2"><inputExpression id="e2" typeRef="integer"><text>guestCount</text></inputExpression></input>
      <output id="o1" name="dish" typeRef="string"/>
      <rule id="r1">
        <inputEntry id="a1"><text>"Fall","Winter"</text></inputEntry><inputEntry id="a2"><text>&lt;= 8</text></inputEntry>
        <outputEntry id="a3"><text>"Ribs"</text></outputEntry>
      </rule>
      <rule id="r2">
        <inputEntry id="b1"><text>"Fall","Winter"</text></inputEntry><inputEntry id="b2"><text>&gt; 8</text></inputEntry>
        <outputEntry id="b3"><text>"Stew"</text></outputEntry>
      </rule>
      <rule id="r3">
        <inputEntry id="c1"><text>not("Fall","Winter")</text></inputEntry><inputEntry id="c2"><text></text></inputEntry>
        <outputEntry id="c3"><text>"Salad"</text></outputEntry>
      </rule>
    </decisionTable>
  </decision>
  <decision id="f" name="Late">
    <variable id="u" name="Late" typeRef="boolean"/>
    <literalExpression id="l"><text>when is it &gt; @"2026-01-01" and season = "Fall"</text></literalExpression>
  </decision>
</definitions>
"""


@pytest.mark.parametrize(
    ("season", "guests", "dish", "late"),
    [("Fall", 8, "Ribs", True), ("Winter", 9, "Stew", False), ("Summer", 30, "Salad", False)],
)
def test_texts_and_types_of_other_modellers_are_read(
    tmp_path: Path, season: str, guests: int, dish: str, late: bool
) -> None:
    path, back = tmp_path / "m.dmn", tmp_path / "back.yaml"
    path.write_text(SEASONS, "utf-8")
    back.write_text(import_model(path).text, "utf-8")
    day = dt.date(2026, 2, 1)
    facts: dict[str, Any] = {
        "case_id": "X",
        "season": season,
        "guest_count": Decimal(guests),
        "when_is_it": day,
    }
    row = Row("case", "X", facts, as_of=day)
    Interpreter(open_program([back])).run(Case(day, row, row))
    assert (row.values["dish"], row.values["late"]) == (dish, late)


def test_inputs_without_a_type_or_of_a_table_alone_are_read(tmp_path: Path) -> None:
    path = tmp_path / "m.dmn"
    bare = re.sub("<inputData.*</inputData>", "", SEASONS)
    bare = re.sub('(?s)<decision id="f".*</decision>', "", bare)
    untyped = SEASONS.replace(' name="guestCount" typeRef="integer"/>', ' name="guestCount"/>')
    assert len({bare, untyped, SEASONS}) == 3
    for text, lost in ((bare, {"", "season", "guest_count"}), (untyped, {""})):
        path.write_text(text, "utf-8")
        model = import_model(path)
        assert "guest_count: {type: integer" in model.text
        assert {loss.name for loss in model.losses} == lost


@pytest.mark.parametrize(
    ("before", "after", "marker", "code", "fix"),
    [
        ("<definitions", "<!DOCTYPE d [<!ENTITY a 'b'>]><definitions", "", "E931", "Delete the DOCTYPE"),
        ('20191111/MODEL/" id', '2099/MODEL/" id', "<definitions", "E932", "Export it as DMN"),
        ("</definitions>", "", "", "E930", "Mend it"),
        ('hitPolicy="UNIQUE"', 'hitPolicy="RULE ORDER"', "<decisionTable", "E934", "Use UNIQUE"),
        ('hitPolicy="UNIQUE"', 'hitPolicy="COLLECT"', "<decisionTable", "E934", "COLLECT with SUM"),
        ('<output id="o"', '<output id="o2"/><output id="o"', "<decisionTable", "E935", "each output"),
        ('typeRef="boolean"', "", '<decision id="f"', "E936", "typeRef"),
        ('name="Risk" typeRef="tRisk"', 'name="Risk" typeRef="dateTime"', '<variable id="w"', "E937", "Use string"),
        ('<literalExpression id="l"', '<literalExpression expressionLanguage="groovy" id="l"', "<literalExp", "E939", "FEEL"),
        ("<text>10</text>", "<text></text>", '<outputEntry id="z3"', "E940", "Write"),
        ("Fee &gt; 50 and Risk != null", "Fee &gt; ", "<literalExpression", "E2", ""),
        ("Fee &gt; 50 and Risk != null", "string length(Fee) &gt; 2", "<literalExpression", "E", ""),
        ('<text>"Low"</text>', '<text>"Lw"</text>', '<inputEntry id="z2"', "E305", "Low"),
        ("<text>[30..60]</text>", "<text>[20..60]</text>", '<inputEntry id="y1"', "E317", "disjoint"),
        ("<text>Applicant Age</text>", "<text>Applicant</text>", '<inputExpression id="e1"', "E216", ""),
        (LITERAL, "<context/>", "<context", "E933", "decision table"),
        (LITERAL, LITERAL + LITERAL.replace('"l"', '"l2"'), '<literalExpression id="l2"', "E933", "decision table"),
        ("<text>10</text></outputEntry>", "<text>10</text></outputEntry><outputEntry><text>11</text></outputEntry>",
         '<rule id="r1"', "E935", "each output"),
        ('<knowledgeSource id="k" name="Handbook"/>', '<import name="x"/>', "<import", "E933", ""),
        ('name="Risk" typeRef', 'name="?" typeRef', '<inputData id="b"', "E941", "Name it"),
        ('<variable id="u" name="Is dear"', '<variable id="u" name="Fee"', '<decision id="f"', "E943", "Rename"),
        ('<variable id="u" name="Is dear"', '<variable id="u" name="Risk"', '<decision id="f"', "E943", "Rename"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_where_it_stands(
    tmp_path: Path, before: str, after: str, marker: str, code: str, fix: str
) -> None:
    path, text = tmp_path / "m.dmn", FOREIGN.replace(before, after)
    assert before in FOREIGN
    path.write_text(text, "utf-8")
    with pytest.raises(RuleError) as raised:
        import_model(path)
    at = text.index(marker)
    place = f"{text[:at].count(chr(10)) + 1}:{at - text.rfind(chr(10), 0, at)}: " if marker else ""
    messages = [str(one).removeprefix(f"{path}:") for one in raised.value.diagnostics]
    assert any(one.startswith(place) and f"{code}" in one and fix in one for one in messages), (
        place,
        messages,
    )


def test_entities_are_never_expanded(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    for entity in (f'<!ENTITY l0 "ha">{laughs}', '<!ENTITY l9 SYSTEM "file:///etc/passwd">'):
        path = tmp_path / "m.dmn"
        head, rest = FOREIGN.split("\n", 1)
        path.write_text(f"{head}\n<!DOCTYPE d [{entity}]>{rest.replace('Handbook', '&l9;')}", "utf-8")
        with pytest.raises(RuleError, match=r"m\.dmn:2:[0-9]+: E931"):
            import_model(path)


def test_a_row_that_gives_null_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "m.dmn"
    path.write_text(FOREIGN.replace("<text>10</text>", "<text>null</text>"), "utf-8")
    assert "r1" in {loss.name for loss in import_model(path).losses}
    path.write_text(
        FOREIGN.replace("<text>10</text>", "<text>null</text>").replace("UNIQUE", "FIRST"), "utf-8"
    )
    with pytest.raises(RuleError, match="E938"):
        import_model(path)
