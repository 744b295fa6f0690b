"""`mianshen completion`: the script by which a shell completes commands, options and names.

In: the shell's name. Out: the script, on standard output. Exit status 0.
"""

from __future__ import annotations

import click

from mianshen.source import Lang, Message
from mianshen_cli import output
from mianshen_cli.click_commands import COMPLETION, argument, command
from mianshen_cli.output import Status

_SHELLS = ("bash", "zsh", "fish")


@command(
    Message(
        "输出 shell 的补全脚本：命令、选项，以及待遇、调整方案、案例等名称。\n"
        '例：eval "$(mianshen completion bash)"（写进 ~/.bashrc）；fish：mianshen completion fish | source',
        "Print a shell's completion script: commands, options, and names of benefits, overlays, cases and the rest.\n"
        'Try: eval "$(mianshen completion bash)" (in ~/.bashrc); in fish: mianshen completion fish | source',
    )
)
@argument("shell", type=click.Choice(_SHELLS), words=Message("哪一种 shell", "which shell"))
def completion(_lang: Lang, shell: str) -> Status:
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(click.Command("mianshen"), {}, "mianshen", COMPLETION)
    output.say(script.source_template % script.source_vars())
    return Status.DONE
