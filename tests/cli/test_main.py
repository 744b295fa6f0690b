"""The frame every command stands in: help, usage mistakes, exit statuses, both languages."""

import datetime as dt
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mianshen.population.sample import write_population
from mianshen.source import Diagnostic, Lang, Message, RuleError, Span
from mianshen.version import __version__
from mianshen_cli.commands import sample as sample_module
from mianshen_cli.main import COMMANDS, GROUPS
from mianshen_cli.wording import wording

Run = Callable[..., tuple[int, str, str]]

HEAVY = {
    "pydantic",
    "duckdb",
    "sqlglot",
    "lark",
    "tabulate",
    "yaml",
    "importlib.metadata",
    "wcwidth",
    "durable",
}


def _fails_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(sample_module.sample, "callback", fail)


def test_starting_imports_click_and_nothing_of_weight() -> None:
    code = "import sys, mianshen_cli.main as m; m.main(['--version']); print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert not HEAVY & set(ran.stdout.split())


def test_a_command_never_imports_pandas_where_it_is_installed(tmp_path: Path) -> None:
    """Pyarrow imports it with its first value, which takes longer than a small batch."""
    write_population(tmp_path, 20, 7, "parquet", dt.date(2026, 6, 30))
    words = ["batch", "--as-of", "2026-06-30", "--out", str(tmp_path / "out"), "--engine", "interpreter"]
    words += [
        "--residents",
        str(tmp_path / "residents.parquet"),
        "--claims",
        str(tmp_path / "claims.parquet"),
    ]
    command = [sys.executable, "-X", "importtime", "-m", "mianshen_cli", *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    imported = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "pyarrow.lib" in imported
    assert "pandas.core" not in imported


def test_the_version_is_the_package_s(run: Run) -> None:
    assert run("--version") == (0, f"mianshen {__version__}\n", "")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_in_both_languages(run: Run, name: str, lang: str) -> None:
    status, out, err = run(name, "--help", "--lang", lang)
    assert (status, err) == (0, "")
    chinese = any("\u4e00" <= character <= "\u9fff" for character in out)
    assert chinese == (lang == "zh")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_help_lists_every_command_under_whom_it_is_for(run: Run, lang: Lang) -> None:
    status, out, _ = run("--help", "--lang", lang)
    assert status == 0
    groups = [heading.in_(lang) + ("：" if lang == "zh" else ":") for heading in GROUPS]
    assert [line for line in out.splitlines() if line in groups] == groups
    listed = out.split(groups[0])[1]
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ")]
    assert names == list(COMMANDS)


@pytest.mark.parametrize("document", ["README.md", "README.zh-CN.md"])
def test_the_readme_lists_every_command(document: str) -> None:
    text = (Path(__file__).parents[2] / document).read_text("utf-8")
    assert re.findall(r"^\| \[?`([a-z-]+)`", text, re.MULTILINE)[: len(COMMANDS)] == list(COMMANDS)


def test_no_words_at_all_show_the_help_and_are_a_usage_mistake(run: Run) -> None:
    status, out, err = run()
    assert (status, out) == (2, "")
    assert err.startswith("Usage: mianshen")


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (["sampel"], "there is no command sampel. Did you mean sample?", "没有命令 sampel。是不是 sample？"),
        (["qqq"], "there is no command qqq. See --help.", "没有命令 qqq。请看 --help。"),
        (
            ["sample", "--resident", "3"],
            "there is no option --resident. Did you mean --residents?",
            "没有选项 --resident。是不是 --residents？",
        ),
        (["sample"], "--out is missing. Give one.", "缺少 --out。请补上。"),
        (["sample", "--out"], "--out takes a value. Give one after it.", "选项 --out 后缺少值。请补上。"),
        (
            ["sample", "--unknowns=3"],
            "--unknowns takes no value. Leave it out.",
            "选项 --unknowns 后不带值。请去掉等号和后面的值。",
        ),
        (
            ["sample", "--out", "x", "y", "z"],
            "y z is not expected here. Leave it out, or see --help.",
            "多出了 y z。请去掉，或看 --help。",
        ),
        (
            ["sample", "--out", "x", "--format", "xls"],
            "--format takes parquet or csv or nhsa only.",
            "--format 只能是 parquet、csv、nhsa。",
        ),
        (
            ["sample", "--out", "x", "--seed", "-1"],
            "--seed takes a whole number from 0 to 4294967295, and this is -1.",
            "--seed 只能填 0 到 4294967295 之间的整数，而这里是 -1。",
        ),
        (
            ["sample", "--out", "x", "--residents", "１０"],
            "--residents takes a whole number from 1 to 100000000, and this is １０.",
            "--residents 只能填 1 到 100000000 之间的整数，而这里是 １０。",
        ),
        (
            ["sample", "--out", "x", "--as-of", "2026-02-30"],
            "--as-of takes a date, and 2026-02-30 is none. Write it like 2026-11-21.",
            "--as-of 的值 2026-02-30 不是日期。请写成 2026-11-21 的样子。",
        ),
        (
            ["schema", "rulebok"],
            (
                "[rulebook|overlay|case|record|mapping|answer] takes "
                "rulebook or overlay or case or record or mapping or answer only."
            ),
            "[rulebook|overlay|case|record|mapping|answer] 只能是 rulebook、overlay、case、record、mapping、answer。",
        ),
    ],
)
def test_a_usage_mistake_is_one_line_and_says_what_to_do(
    run: Run, words: list[str], english: str, chinese: str
) -> None:
    assert run(*words) == (2, "", f"mianshen: {english}\n")
    assert run("--lang=zh", *words) == (2, "", f"mianshen: {chinese}\n")


def test_a_language_not_spoken_is_refused_in_the_locale_s(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("--lang", "fr", "schema") == (2, "", "mianshen: --lang takes zh or en only.\n")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert run("schema", "--lang", "fr") == (2, "", "mianshen: --lang 只能是 zh、en。\n")


def test_every_mistake_in_a_rulebook_is_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    what, fix = Message("名称未知", "unknown name"), Message("改正", "Correct it")
    findings = [
        Diagnostic("E301", Span("b.yaml", 2, 1), what, fix),
        Diagnostic("E302", Span("a.yaml", 9, 4), what, fix),
    ]
    _fails_with(monkeypatch, RuleError(findings))
    assert run("sample", "--out", "x") == (
        2,
        "",
        "a.yaml:9:4: E302: unknown name. Correct it.\nb.yaml:2:1: E301: unknown name. Correct it.\n",
    )
    assert run("sample", "--out", "x", "--lang", "zh")[2].startswith("a.yaml:9:4: E302: 名称未知。改正。\n")


def test_a_file_that_cannot_be_read_is_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _fails_with(monkeypatch, FileNotFoundError(2, "No such file or directory", "gone.yaml"))
    expected = "mianshen: gone.yaml: there is no such file or folder. Check the path and its permissions.\n"
    assert run("sample", "--out", "x") == (2, "", expected)
    expected = "mianshen: gone.yaml: 无法读写：没有这个文件或文件夹。请检查路径和权限。\n"
    assert run("sample", "--out", "x", "--lang", "zh") == (2, "", expected)


def test_an_internal_error_shows_neither_a_traceback_nor_a_record_s_value(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fails_with(monkeypatch, ValueError("310101194909030000"))
    status, out, err = run("sample", "--out", "x")
    assert (status, out) == (2, "")
    assert err.startswith("mianshen: internal error (ValueError at ")
    assert "3101011949" not in err
    assert err.count("\n") == 1


def test_an_internal_error_can_be_looked_into(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _fails_with(monkeypatch, ValueError("seen"))
    monkeypatch.setenv("MIANSHEN_TRACEBACK", "1")
    with pytest.raises(ValueError, match="seen"):
        run("sample", "--out", "x")


def test_an_interrupt_ends_quietly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sample_module.sample, "callback", interrupt)
    assert run("sample", "--out", "x")[0] == 130


def test_a_reader_that_goes_away_ends_the_run_without_a_word() -> None:
    code = "import sys; from mianshen_cli.main import main; sys.exit(main(['schema']))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as ran:
        assert ran.stdout is not None
        assert ran.stderr is not None
        ran.stdout.close()
        assert ran.stderr.read() == b""
    assert ran.returncode == 1


def test_a_terminal_that_lacks_a_character_gets_a_question_mark() -> None:
    code = "import sys; from mianshen_cli.main import main; sys.exit(main(['--help', '--lang', 'zh']))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"mianshen [??]" in ran.stdout


def test_an_option_that_commands_share_is_written_once() -> None:
    parameters = Counter(
        (name, words)
        for key, words in wording.texts.items()
        if (name := key.partition(".")[2]).startswith(("--", "<"))
    )
    assert len(parameters) > 50
    assert [parameter for parameter, times in parameters.items() if times > 1] == []
