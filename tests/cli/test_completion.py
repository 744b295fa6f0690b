"""Shells complete commands, options and names without ever failing; the manual page is one that man reads."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from mianshen_cli.click_commands import COMPLETION
from mianshen_cli.main import COMMANDS, main

CASES = "cases:\n- {name: one, as_of: 2026-11-21}\n- name: two\n  title: {zh: 二, en: name it}\n"


def completed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str
) -> tuple[int, list[str], str]:
    """What bash is told after a line: the status, the words, standard error."""
    monkeypatch.setenv(COMPLETION, "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    try:
        status = main([])
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    out, err = capsys.readouterr()
    words = [item.partition(",")[2] or item.rstrip(",") for item in out.splitlines()]
    return status, words, err


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("mianshen ", set(COMMANDS)),
        ("mianshen che", {"check"}),
        ("mianshen check --wh", {"--why"}),
        ("mianshen check r.yaml --why mater", {"maternity_allowance"}),
        ("mianshen ask premium", {"premium_subsidy"}),
        ("mianshen check --overlay outb", {"outbreak_waiver"}),
        ("mianshen batch --mapping nhsa_", {"nhsa_persons"}),
        ("mianshen batch --engine ", {"auto", "native", "interpreter", "spark"}),
        ("mianshen show employee_annual", {"employee_annual_payment_limit"}),
        ("mianshen check cases.yaml --case ", {"one", "two"}),
        ("mianshen check ", {"file"}),
        ("mianshen report r", {"r"}),
        ("mianshen explain E42", {"E424"}),
        ("mianshen check --rules nowhere --why ", set()),
        ("mianshen nothing --why ", set()),
        ("mianshen check 'never closed ", set()),
    ],
)
def test_what_may_follow_is_offered_and_nothing_is_said(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    some: set[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases.yaml").write_text(CASES, "utf-8")
    status, words, err = completed(capsys, monkeypatch, line)
    assert (status, err) == (0, "")
    assert some <= set(words)


def test_a_folder_that_is_gone_and_a_broken_call_say_nothing(tmp_path: Path) -> None:
    program = shutil.which("mianshen") or str(Path(__file__).parents[2] / ".venv/bin/mianshen")
    (tmp_path / "gone").mkdir()
    line = f"cd gone && rmdir ../gone && COMP_WORDS='mianshen check --overlay ' COMP_CWORD=3 {COMPLETION}=bash_complete {program}"
    told = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    told = subprocess.run(
        ["sh", "-c", f"{COMPLETION}=bash_complete {program}"], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(run: Run, shell: str) -> None:
    status, text, err = run("completion", shell)
    assert (status, err) == (0, "")
    assert f"{COMPLETION}={shell}_complete" in text
    if path := shutil.which(shell):
        assert (
            subprocess.run([path, "-n"], input=text, capture_output=True, text=True, check=False).stderr == ""
        )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_manual_names_every_command_and_troff_finds_nothing_wrong(run: Run, lang: str) -> None:
    status, page, err = run("man", "--lang", lang)
    assert (status, err) == (0, "")
    assert all(f"mianshen {name}".replace("-", "\\-") in page for name in COMMANDS)
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("no groff")
    told = subprocess.run(
        [groff, "-Tutf8", "-man", "-ww", "-Kutf8"], input=page.encode(), capture_output=True, check=False
    )
    assert (told.returncode, told.stderr) == (0, b"")
