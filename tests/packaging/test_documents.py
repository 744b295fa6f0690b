"""The documents say what is so: links lead somewhere, commands exist, every example of rules loads."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from tests.packaging.pages import ROOT, manual

from mianshen.cases.read import Programs, read_case_files
from mianshen.cases.runs import BACK_ENDS, run_cases
from mianshen.document import read
from mianshen.elaboration.build import build
from mianshen.shipped import shipped_rulebook
from mianshen.source import Diagnostic, Lang, RuleError
from mianshen_cli.click_commands import Lazy
from mianshen_cli.main import COMMANDS, main

DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "rules").glob("*.md"),
        *(ROOT / "engine").glob("decisions/*.md"),
        *(ROOT / "cli/guides").glob("*.md"),
    ]
)
LANGUAGE = (ROOT / "rules" / "README.md").read_text("utf-8")
NAMES = "|".join(COMMANDS)
TITLE = "title: {zh: 举例, en: An example}"
# what the overlay of the page takes out and switches on
SET_UP = f"""
provisions:
  paid_nowhere: {{decision: meal_allowance, {TITLE}, area: "65", value: 0.00, source: EXAMPLE, clause: 举例}}
  planned_meal_allowance:
    {{decision: meal_allowance, {TITLE}, area: "64", value: 1.00, source: EXAMPLE, clause: 举例, status: planned}}
"""


def blocks(text: str, kind: str) -> list[tuple[str, str]]:
    """The fenced blocks of a kind: what stands after the kind, and the lines."""
    results: list[tuple[str, str]] = []
    fence, lines = None, ""
    for line in text.splitlines():
        if not line.strip().startswith("```"):
            lines += f"{line}\n"
        elif fence is None:
            fence, lines = line.strip("` "), ""
        else:
            if fence.split(" ")[0] == kind:
                results.append((fence.removeprefix(kind).strip(), lines))
            fence = None
    return results


def unspaced(text: str) -> str:
    """The text without spaces and line breaks, for lines break where the terminal ends."""
    return "".join(text.split())


def overlay(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.yaml"
    head = "" if "\noverlay:" in f"\n{text}" else f"overlay: {{name: {name}, {TITLE}}}\n"
    file.write_text(head + text, "utf-8")
    return file


def mistakes_of(overlays: list[Path]) -> list[Diagnostic]:
    try:
        build(*read([shipped_rulebook()], overlays))
    except RuleError as error:
        return list(error.diagnostics)
    return []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.relative_to(ROOT).as_posix())
def test_commands_and_their_options_exist(document: Path) -> None:
    group = Lazy("mianshen", COMMANDS["check"], "mianshen_cli.commands", COMMANDS, params=[])
    context = click.Context(group, obj="en")
    for words in re.findall(rf"mianshen ((?:{NAMES})\b[^`\n|]*)", document.read_text("utf-8")):
        command = group.get_command(context, words.split()[0])
        assert command is not None
        known = {"--help", "--lang", *(option for param in command.params for option in param.opts)}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", words)) <= known, words


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_guides_show_what_the_commands_say(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lang: Lang,
) -> None:
    text = manual(lang)
    record, draft, *_ = (shown for _, shown in blocks(text, "yaml"))
    monkeypatch.chdir(tmp_path)
    Path("record.yaml").write_text(record, "utf-8")
    Path("draft.yaml").write_text(draft, "utf-8")
    main(["--lang", lang, "check", "record.yaml"])
    main(["--lang", lang, "check", "record.yaml", "--explain", "--why", "employer_contribution"])
    main(["--lang", lang, "check", "record.yaml", "--explain", "C1"])
    main(["--lang", lang, "show", "employee_annual_payment_limit", "--overlay", "employee_limit_2021_2025"])
    main(["--lang", lang, "lint", "--overlay", "draft.yaml"])
    main(["--lang", lang, "test", str(ROOT / "cases/shanghai/employee.yaml"), "--overlay", "draft.yaml"])
    said = unspaced(capsys.readouterr().out)
    for _, shown in blocks(text, ""):
        for line in shown.splitlines():
            assert unspaced(line) in said or "…" in line or set(line) <= {"-", " "} or _of_the_batch(line), (
                line
            )
    counts = re.findall(r"`… ([^`]*0 [^`]*)`|`?(\d+ (?:cases,|个案例，)[^`\n]*)", text)
    assert counts
    assert all(unspaced(one or other) in said for one, other in counts)


def _of_the_batch(line: str) -> bool:
    """A line of the summary, which depends on the population."""
    return line.startswith(("benefit ", "Illness-poverty aid ", "Poverty warning "))


def test_the_rules_shown_load_over_the_shipped_rulebook(tmp_path: Path) -> None:
    shown = [text for _, text in blocks(LANGUAGE, "yaml") if "\ncases:" not in f"\n{text}"]
    assert len(shown) >= 7
    texts = [*shown[:4], SET_UP, *shown[4:]]
    assert mistakes_of([overlay(tmp_path, f"part_{n}", text) for n, text in enumerate(texts)]) == []


def test_the_formulas_shown_are_well_typed(tmp_path: Path) -> None:
    """Each in an overlay of its own, so that a mistake names its file; all of them over one rulebook."""
    shown = [
        (*head.split(), line) for head, lines in blocks(LANGUAGE, "formula") for line in lines.splitlines()
    ]
    assert len(shown) >= 50
    overlays: list[Path] = []
    for number, (entity, kind, formula) in enumerate(shown):
        text = f"""
decisions: {{{entity}: {{shown_{number}: {{type: {kind}, {TITLE}}}}}}}
provisions:
  shown_by_{number}: {{decision: shown_{number}, {TITLE}, value: '{formula}', source: S2, clause: 举例}}
"""
        overlays.append(overlay(tmp_path, f"formula_{number}", text))
    assert mistakes_of(overlays) == []


def test_the_cases_shown_come_out_as_expected(tmp_path: Path) -> None:
    [text] = [text for _, text in blocks(LANGUAGE, "yaml") if "\ncases:" in f"\n{text}"]
    file = tmp_path / "shown.yaml"
    file.write_text(text, "utf-8")
    programs = Programs()
    outcomes = run_cases(read_case_files([file], programs), programs, list(BACK_ENDS), lambda _: None)
    assert [difference for outcome in outcomes for difference in outcome.differences] == []


def test_both_editions_of_the_language_show_the_same_examples() -> None:
    """So that loading the examples of the one loads those of the other."""
    chinese = (ROOT / "rules" / "README.zh-CN.md").read_text("utf-8")
    for kind in ("yaml", "formula"):
        assert blocks(LANGUAGE, kind)
        assert blocks(chinese, kind) == blocks(LANGUAGE, kind)


def test_the_reference_of_commands_says_what_the_commands_do() -> None:
    command = [sys.executable, ".ci/command_reference.py", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0, "run `make reference`"
