"""`mianshen completion`: the script by which a shell completes commands, options and names.

In: the shell's name. Out: the script, on standard output. Exit status 0.
"""

from __future__ import annotations

import click

from mianshen.source import Lang
from mianshen_cli import output
from mianshen_cli.click_commands import COMPLETION, argument, command
from mianshen_cli.output import Status

_SHELLS = ("bash", "zsh", "fish")


@command
@argument("shell", type=click.Choice(_SHELLS))
def completion(_lang: Lang, shell: str) -> Status:
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(click.Command("mianshen"), {}, "mianshen", COMPLETION)
    output.say(script.source_template % script.source_vars())
    return Status.DONE
