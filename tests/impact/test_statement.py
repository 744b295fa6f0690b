"""The impact statement of a comparison: what is in it, and that it prints on A4."""

import json
import re
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from tests.policy.conftest import CASES, RULES
from tests.serve.browsing import browser

from mianshen_cli.main import main

OVERLAY = """\
overlay: {name: draft, title: draft, source: S, clause: "2", basis: provisional}
set:
  floor: {from: 2025-01-01, value: 200.00}
"""
PEOPLE = "person_id,age,cost,standing\nP1,60,1100.05,poor\nP2,59,1100.05,ordinary\nP3,61,,ordinary\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    texts = {"rules.yaml": RULES, "cases.yaml": CASES, "draft.yaml": OVERLAY, "people.csv": PEOPLE}
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def words(*more: str) -> list[str]:
    return [
        "compare",
        "--rules",
        "rules.yaml",
        "--overlay",
        "draft.yaml",
        "--out",
        "impact",
        "--statement",
        "s.html",
        *more,
    ]


POPULATION = ("--input", "person=people.csv", "--as-of", "2026-01-01")


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL))


def test_a_statement_tells_clauses_costs_cases_and_digests(folder: Path) -> None:
    assert main(words(*POPULATION, "--cases", "cases.yaml")) == 1
    text = text_of((folder / "s.html").read_text("utf-8"))
    content = json.loads((folder / "impact" / "compare.json").read_text("utf-8"))
    assert "（1）S 2" in text
    assert "2025-01-01 100.00（有文号依据） 200.00（暂定）" in text
    sums = content["decisions"]["paid"]
    assert sums["left_out"] == 1
    for amount in (sums["before"], sums["after"]):
        assert f"{Decimal(amount):,.2f}" in text
    assert "受损 2 人、待定 1 人" in text
    assert "3 个案例的 3 项期望有变化" in text
    assert "cases.poor P1.paid 800.04 720.04" in text
    assert "floor 200.00 暂定 S 2" in text
    digests = [sha256((folder / name).read_bytes()).hexdigest() for name in ("people.csv", "cases.yaml")]
    assert content["inputs"] == {"people.csv": f"sha256:{digests[0]}"}
    for digest in (*digests, content["before"]["digest"], content["after"]["digest"]):
        assert digest in text
    assert "P2" not in text


def test_a_statement_over_cases_alone(folder: Path) -> None:
    assert main(words("--cases", "cases.yaml")) == 1
    text = text_of((folder / "s.html").read_text("utf-8"))
    assert "案例 7" in text
    assert "cases.poor P1.paid 800.04 720.04" in text


def test_without_cases_a_statement_says_so(folder: Path) -> None:
    assert main(words(*POPULATION)) == 1
    assert "未给出案例" in text_of((folder / "s.html").read_text("utf-8"))


@pytest.mark.usefixtures("folder")
def test_cases_stand_beside_a_population_for_a_statement_alone() -> None:
    arguments = [
        word for word in words(*POPULATION, "--cases", "cases.yaml") if word not in ("--statement", "s.html")
    ]
    assert main(arguments) == 2


def test_a_statement_replaces_no_input(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["draft.yaml" if word == "s.html" else word for word in words(*POPULATION)]
    assert main(arguments) == 2
    assert "draft.yaml" in capsys.readouterr().err
    assert (folder / "draft.yaml").read_text("utf-8") == OVERLAY


def test_the_same_comparison_gives_the_same_statement(folder: Path) -> None:
    pages = []
    for _ in range(2):
        assert main(words(*POPULATION, "--cases", "cases.yaml")) == 1
        pages.append((folder / "s.html").read_bytes())
    assert pages[0] == pages[1]


def test_a_statement_prints_on_a4_and_nothing_is_cut_off(folder: Path) -> None:
    assert main(words(*POPULATION, "--cases", "cases.yaml")) == 1
    with browser() as opened:
        page = opened.new_page(
            viewport={"width": 642, "height": 900}
        )  # the width that A4 leaves between its margins
        page.goto((folder / "s.html").as_uri())
        printed = page.pdf(prefer_css_page_size=True)
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert page.evaluate(
            "[...document.querySelectorAll('td, th')].every(cell => cell.scrollWidth <= cell.clientWidth + 1)"
        )
    assert re.search(rb"/MediaBox ?\[ ?0 0 59[45][.\d]* 84[12][.\d]* ?\]", printed)
