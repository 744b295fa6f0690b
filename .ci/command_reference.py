"""The reference of every command, `cli/guides/commands.md` and its Chinese edition, from the commands themselves.

Run it with `make reference` after changing a command's words or options; with `--check` it tells whether the pages are up
to date.
"""

import sys
from pathlib import Path

import click

from mianshen.source import Lang
from mianshen_cli.click_commands import Command, Lazy
from mianshen_cli.main import group

ROOT = Path(__file__).resolve().parent.parent
PAGES: dict[Lang, str] = {"en": "commands.md", "zh": "commands.zh-CN.md"}
HEADS = {
    "en": (
        "# Every command\n\n*[中文](commands.zh-CN.md) · [all guides](../../README.md)*\n\nMade by `make reference` from the "
        "commands themselves; `mianshen COMMAND -h` says the same. Every command takes `--lang zh|en` too.\n"
    ),
    "zh": (
        "# 全部命令\n\n*[English](commands.md) · [全部指南](../../README.zh-CN.md)*\n\n由 `make reference` 从命令本身生成，与 "
        "`mianshen 命令 -h` 所说相同。每个命令还接受 `--lang zh|en`。\n"
    ),
}
TABLE = {"en": "| option | meaning |\n|---|---|\n", "zh": "| 选项 | 含义 |\n|---|---|\n"}


def page(lang: Lang) -> str:
    """The reference in one language."""
    commands = group()
    context = click.Context(commands, info_name="mianshen", obj=lang)
    parts = [HEADS[lang]]
    for heading, names in commands.groups.items():
        parts.append(f"\n## {heading.in_(lang)}\n")
        parts += [section(context, commands, name, lang) for name in names]
    return "".join(parts)


def section(context: click.Context, commands: Lazy, name: str, lang: Lang) -> str:
    """One command: how it is called, what it does, its arguments and options."""
    command = commands.get_command(context, name)
    assert isinstance(command, Command)
    inner = click.Context(command, info_name=f"mianshen {name}", parent=context)
    usage = " ".join(("mianshen", name, *command.collect_usage_pieces(inner)))
    usage = usage if lang == "en" else usage.replace("[OPTIONS]", "[选项]")
    words = "\n\n".join(shown(line) for line in command.words.in_(lang).split("\n") if line.strip())
    records = [
        record
        for parameter in command.get_params(inner)
        if not {"--lang", "--help"} & set(parameter.opts)
        and (record := parameter.get_help_record(inner)) is not None
    ]
    rows = "".join(f"| `{shown(option)}` | {shown(meaning)} |\n" for option, meaning in records)
    return f"\n### {name}\n\n`{usage}`\n\n{words}\n" + (f"\n{TABLE[lang]}{rows}" if rows else "")


def shown(text: str) -> str:
    """A text as one line of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")


def main() -> int:
    """Writes the pages, or checks them."""
    stale = 0
    for lang, name in PAGES.items():
        target, text = ROOT / "cli/guides" / name, page(lang)
        if "--check" in sys.argv:
            stale |= int(not target.exists() or target.read_text("utf-8") != text)
        else:
            target.write_text(text, "utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
