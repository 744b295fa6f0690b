"""`mianshen prove --against` and `--for`: what a reform leaves the same, and of whom nobody is paid less."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.policy.conftest import RULES

from mianshen.interpreter import Interpreter
from mianshen.proof.records import Records
from mianshen.rulebook import open_program
from mianshen_cli.main import main

pytest.importorskip("z3")

REFORM = RULES.replace("cells: ['\"poor\"'], value: 80%", "cells: ['\"poor\"'], value: 70%")


@pytest.fixture
def rulebooks(tmp_path: Path) -> tuple[Path, Path]:
    """The rulebook before, and the one after."""
    paths = tmp_path / "before.yaml", tmp_path / "after.yaml"
    for path, text in zip(paths, (RULES, REFORM), strict=True):
        path.write_text(text, "utf-8")
    return paths


def _proved(
    capsys: pytest.CaptureFixture[str], before: Path, after: Path, *words: str
) -> tuple[int, dict[str, Any]]:
    status = main(
        [
            "prove",
            "--rules",
            str(after),
            "--against",
            str(before),
            "--budget",
            "5",
            "--format",
            "json",
            *words,
        ]
    )
    return status, {finding["property"]: finding for finding in json.loads(capsys.readouterr().out)}


def test_what_differs_is_shown_by_a_person_whom_both_decide(
    rulebooks: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    status, findings = _proved(capsys, *rulebooks)
    assert (status, findings["same: paid"]["verdict"]) == (1, "refuted")
    paid = []
    for path in rulebooks:
        records = Records(Interpreter(open_program([path])))
        case = records.decided(findings["same: paid"]["record"])
        assert case is not None
        paid.append(case.person.values["paid"])
    assert paid[0] != paid[1]


def test_two_rulebooks_that_say_the_same_otherwise_are_proved_so(
    tmp_path: Path, rulebooks: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    otherwise = tmp_path / "otherwise.yaml"
    otherwise.write_text(
        RULES.replace('value: "max(0.00, cost - floor)"', 'value: "if cost > floor then cost - floor else 0.00"'), "utf-8"
    )  # fmt: skip
    status, findings = _proved(capsys, rulebooks[0], otherwise)
    assert (status, findings["same: paid"]["verdict"]) == (0, "proved")


@pytest.mark.parametrize(
    ("category", "verdict", "status"),
    [("poor", "refuted", 1), ("ordinary", "proved", 0)],
)
def test_who_is_paid_less_is_of_the_category(
    rulebooks: tuple[Path, Path], capsys: pytest.CaptureFixture[str], category: str, verdict: str, status: int
) -> None:
    gave, findings = _proved(capsys, *rulebooks, "--for", f"standing={category}")
    finding = findings[f"not_less: person, {category}"]
    assert (gave, finding["verdict"]) == (status, verdict)
    if finding["record"] is not None:
        assert finding["record"]["person"]["standing"] == category


@pytest.mark.parametrize("text", ["standing", "standing=rich", "nothing=poor", "age=3"])
def test_what_is_no_category_is_refused(
    rulebooks: tuple[Path, Path], capsys: pytest.CaptureFixture[str], text: str
) -> None:
    before, after = rulebooks
    assert main(["prove", "--rules", str(after), "--against", str(before), "--for", text]) == 2
    assert "--for" in capsys.readouterr().err


def test_a_property_that_is_none_is_refused(
    rulebooks: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", "--rules", str(rulebooks[0]), "--property", "nosuch"]) == 2
    assert "nosuch" in capsys.readouterr().err
