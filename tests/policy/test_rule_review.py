"""`mianshen diff`, `init` and the machine-readable results of `test`."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.policy.conftest import Write

from mianshen.policy.catalogue import Catalogue, Item
from mianshen.policy.rule_graph import COLUMNS
from mianshen.rulebook import open_program
from mianshen.text_columns import width
from mianshen_cli.main import main


def test_two_rulebooks_differ_figure_by_figure_and_part_by_part(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.yaml"
    old.write_bytes(write()[0].read_bytes())
    new, cases = write(("value: 100.00", "value: 200.00"), ("age >= 60", "age >= 65"))
    assert main(["diff", str(old), str(new), "--format", "json"]) == 1
    changes = json.loads(capsys.readouterr().out)["changes"]
    assert [(c["kind"], c["name"], c["part"], c["before"], c["after"]) for c in changes] == [
        ("figure", "floor", "2020-01-01", "100.00 (cited)", "200.00 (cited)"),
        ("provision", "of_age", "value", "age >= 60", "age >= 65"),
    ]
    assert changes[0]["rests"] == ["person.excess", "person.paid"]
    assert changes[0]["clause"] == {"source": "S", "clause": "1"}
    assert main(["diff", str(old), str(new), "--cases", str(cases), "--format", "markdown"]) == 1
    page = capsys.readouterr().out
    assert "| figure | floor | 2020-01-01 | 100.00 (cited) | 200.00 (cited) | S 1 |" in page
    assert "| cases.poor | P1.paid | 800.04 | 720.04 |" in page


def test_a_rulebook_does_not_differ_from_itself(write: Write) -> None:
    rules = str(write()[0])
    assert main(["diff", rules, rules]) == 0
    assert main(["diff", rules]) == 2


def test_an_overlay_is_told_as_what_it_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "--overlay", "employee_limit_2021_2025", "--format", "json"]) == 1
    names = {change["name"] for change in json.loads(capsys.readouterr().out)["changes"]}
    assert names == {"employee_annual_payment_limit"}


@pytest.mark.parametrize("failing", [False, True])
def test_results_of_cases_as_junit_and_json(
    failing: bool, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, cases = write(*([("paid: 500.03", "paid: 500.00")] if failing else []))
    words = ["test", str(cases), "--rules", str(rules), "--backend", "interpreter"]
    assert main([*words, "--format", "json", "--junit", str(tmp_path / "results.xml")]) == int(failing)
    result = json.loads(capsys.readouterr().out)
    assert (result["cases"], result["failed"], len(result["differences"])) == (7, int(failing), int(failing))
    suites = ET.parse(tmp_path / "results.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("7", str(int(failing)))
    failures = [case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None]
    assert failures == ["ordinary"] * failing


def test_a_new_rulebook_is_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rules-of-ours"
    assert main(["init", str(folder)]) == 0
    capsys.readouterr()
    monkeypatch.chdir(folder)
    assert main(["lint", "rules"]) == 0
    assert main(["test", "cases", "--rules", "rules"]) == 0
    assert main(["coverage", "cases", "--rules", "rules"]) == 0
    assert "rules_of_ours" in Path("rules/rulebook.yaml").read_text("utf-8")
    for file in (
        ".github/workflows/rules.yml",
        ".gitlab-ci.yml",
        ".vscode/settings.json",
        "schemas/case.schema.json",
    ):
        assert Path(file).is_file()
    before = Path("README.md").read_bytes()
    assert main(["init", "."]) == 2
    assert Path("README.md").read_bytes() == before


def test_a_name_is_drawn_with_what_it_rests_on(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rules = str(write()[0])
    assert main(["graph", "excess", "--rules", rules, "--format", "json"]) == 0
    drawn = json.loads(capsys.readouterr().out)
    columns = {node["name"]: node["column"] for node in drawn["nodes"]}
    assert columns == {
        "person.excess": 0, "above_floor": -1, "person.cost": -2, "floor": -2, "share": 1, "person.paid": 2,
    }  # fmt: skip
    assert {"reader": "above_floor", "read": "floor"} in drawn["reads"]
    assert main(["graph", "excess", "--rules", rules]) == 0
    texts = [
        node.text for node in ET.fromstring(capsys.readouterr().out).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert "person.excess" in texts
    assert main(["graph", "exces", "--rules", rules]) == 2
    assert "Did you mean excess?" in capsys.readouterr().err


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_labels_of_a_picture_are_whole_and_stay_in_their_boxes(
    lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graph", "premium_subsidy", "--lang", lang]) == 0
    picture = ET.fromstring(capsys.readouterr().out)
    svg = "{http://www.w3.org/2000/svg}"
    labels = []
    for node in picture.iter(f"{svg}g"):
        box = node.find(f"{svg}rect")
        assert box is not None
        top, height = int(box.attrib["y"]), int(box.attrib["height"])
        texts = list(node.iter(f"{svg}text"))
        assert all(top < int(text.attrib["y"]) < top + height for text in texts)
        assert all(width(text.text or "") <= COLUMNS for text in texts)
        labels.append("".join(text.text or "" for text in texts).replace(" ", ""))
    catalogue = Catalogue(open_program())
    for name in ("shandong_premium_subsidy", "shanghai_premium_subsidy_amount.destitute"):
        title = catalogue.titles[Item("provision", name)].in_("zh" if lang == "zh" else "en")
        assert any(label.startswith(f"{title}{name}".replace(" ", "")) for label in labels)


def differences(
    write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str], *changes: tuple[str, str]
) -> list[list[str]]:
    """What `diff` tells of replacing texts in the small rulebook: kind, name, part, before, after."""
    old = tmp_path / "old.yaml"
    old.write_bytes(write()[0].read_bytes())
    new, _ = write(*changes)
    assert main(["diff", str(old), str(new), "--format", "json"]) == 1
    listed = json.loads(capsys.readouterr().out)["changes"]
    return [[change[part] for part in ("kind", "name", "part", "before", "after")] for change in listed]


VALUES = "values: [{from: 2020-01-01, value: 100.00}]"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            "values: [{from: 2020-01-01, value: 100.00}, {from: 2024-01-01, value: 130.00}]",
            [["figure", "floor", "2024-01-01", "100.00 (cited)", "130.00 (cited)"]],
        ),
        (
            "values: [{from: 2020-01-01, value: 100.00, until: 2023-12-31}]",
            [["figure", "floor", "2024-01-01", "100.00 (cited)", ""]],
        ),
        (
            "values: [{from: 2019-01-01, value: 90.00}, {from: 2020-01-01, value: 100.00}]",
            [["figure", "floor", "2019-01-01", "", "90.00 until 2019-12-31 (cited)"]],
        ),
        (
            'values: [{from: 2020-01-01, value: 100.00, clause: "2"}]',
            [["figure", "floor", "2020-01-01", "100.00 (cited), S 1, review by —", "100.00 (cited), S 2, review by —"]],
        ),
        (
            "values: [{from: 2020-01-01, value: 100.00, review_by: 2027-01-01}]",
            [["figure", "floor", "2020-01-01", "100.00 (cited), S 1, review by —", "100.00 (cited), S 1, review by 2027-01-01"]],
        ),
        (
            "values: [{from: 2020-01-01, basis: missing}]",
            [["figure", "floor", "2020-01-01", "100.00 (cited)", "missing"]],
        ),
    ],
)  # fmt: skip
def test_a_figure_differs_from_the_day_on_which_another_value_is_in_force(
    values: str, expected: list[list[str]], write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert differences(write, tmp_path, capsys, (VALUES, values)) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "key: person_id}", "key: person_id, checks: [{name: adult, field: age, condition: age > 1, title: t}]}",
            ["entity", "person", "checks", "", "age > 1"],
        ),
        ("max: 120, title: age", "max: 110, title: age", ["fact", "person.age", "most", "120", "110"]),
        (
            "cost: {type: money", "cost: {type: money, when_absent: 0.00",
            ["fact", "person.cost", "when absent", "", "0.00"],
        ),
        (
            "{decision: old, value", "{decision: old, basis: provisional, value",
            ["provision", "of_age", "basis", "", "provisional"],
        ),
    ],
)  # fmt: skip
def test_whatever_an_answer_rests_on_is_told(
    before: str,
    after: str,
    expected: list[str],
    write: Write,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert expected in differences(write, tmp_path, capsys, (before, after))


def test_a_review_speaks_the_readers_language(capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "diff",
        "--overlay",
        "employee_limit_2021_2025",
        "--format",
        "markdown",
        "--cases",
        "cases/shanghai/readings.yaml",
    ]
    assert main([*words, "--lang", "zh"]) == 1
    page = capsys.readouterr().out
    assert (
        "| 数值 | 职工医保年度最高支付限额（employee_annual_payment_limit） | 2022-07-01 | 550,000.00（暂定） |"
        in page
    )
    assert "上海市职工医保年度最高支付限额历年通知 2022年度 | 未救助患者主动救助、" in page
    assert "provisional" not in page
    assert main([*words, "--lang", "en"]) == 1
    assert (
        "| figure | Annual payment limit of the employee scheme (employee_annual_payment_limit) |"
        in capsys.readouterr().out
    )


def test_every_node_of_a_picture_has_its_whole_title_as_its_tooltip(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["graph", "shanghai_premium_subsidy_amount", "--lang", "en"]) == 0
    titles = [
        node.text for node in ET.fromstring(capsys.readouterr().out).iter("{http://www.w3.org/2000/svg}title")
    ]
    assert "The destitute have the whole premium paid shanghai_premium_subsidy_amount.destitute" in titles
