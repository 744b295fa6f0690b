"""`mianshen man`: the manual page of every command, in the form that `man` reads.

In: the language. Out: one page of roff, on standard output. Exit status 0.
"""

from __future__ import annotations

import re

import click

from mianshen.source import Lang
from mianshen.version import __version__
from mianshen_cli import output
from mianshen_cli.click_commands import Command, Lazy, command
from mianshen_cli.output import Status
from mianshen_cli.wording import wording

_WIDE = re.compile(
    r"([\u3400-\u9fff，。；：、）〕》”])(?![，。；：、？！）〕》”]|$)"
)  # a line may break after it
_HEADINGS = wording.group("man.headings")
_STATUS = wording.group("man.statuses")
_ENVIRONMENT = wording.group("man.variables")


@command
def man(lang: Lang) -> Status:
    context = click.get_current_context().find_root()
    group = context.command
    assert isinstance(group, Lazy)
    output.say("\n".join(page(context, group, lang)))
    return Status.DONE


def page(context: click.Context, group: Lazy, lang: Lang) -> list[str]:
    """The lines of the page."""

    def heading(name: str) -> str:
        return f".SH {_HEADINGS[name].in_(lang)}"

    title, *_ = group.words.in_(lang).split("\n")
    lines = [
        f'.TH MIANSHEN 1 "" "mianshen {__version__}" "Mianshen"', ".ds AD l", ".ad l",
        heading("name"), f"mianshen \\- {_plain(title)}",
        heading("synopsis"), ".B mianshen", "[\\-\\-lang zh|en]", ".I COMMAND", "[...]",
        heading("description"), _plain(title), heading("commands"),
    ]  # fmt: skip
    for words, commands in group.groups.items():
        lines += [".SS " + _plain(words.in_(lang))]
        for name in commands:
            one = group.get_command(context, name)
            assert isinstance(one, Command)
            lines += _command(context, name, one, lang)
    for part, entries in (("status", _STATUS), ("environment", _ENVIRONMENT)):
        lines.append(heading(part))
        for term, said in entries.items():
            lines += [".TP", f".B {_plain(term)}", _plain(said.in_(lang))]
    return [*lines, heading("more"), _plain(wording("man.more").in_(lang))]


def _command(context: click.Context, name: str, command_: Command, lang: Lang) -> list[str]:
    """A command: how it is called, what it does, its arguments and options."""
    inner = click.Context(command_, info_name=f"mianshen {name}", parent=context)
    called = " ".join(("mianshen", name, *command_.collect_usage_pieces(inner)))
    called = called if lang == "en" else called.replace("[OPTIONS]", "[选项]")
    lines = [".PP", f".B {_plain(called)}", ".RS 4"]
    for paragraph in command_.words.in_(lang).split("\n"):
        lines += [".PP", _plain(paragraph)]
    for parameter in command_.get_params(inner):
        record = parameter.get_help_record(inner)
        if record is not None and not ({"--lang", "--help"} & set(parameter.opts)):
            lines += [".TP", f".B {_plain(record[0])}", _plain(record[1])]
    return [*lines, ".RE"]


def _plain(text: str) -> str:
    """A text that roff shows as it is, on one line."""
    escaped = _WIDE.sub(r"\1\\:", " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-"))
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
