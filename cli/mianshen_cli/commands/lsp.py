"""`mianshen lsp`: a language server for editors of rulebooks, on standard input and output.

In: an editor's messages. Out: answers. Exit status 0 when the editor leaves, 2 without the extra `lsp`.
"""

from __future__ import annotations

from importlib.util import find_spec

from mianshen.source import Lang, Message
from mianshen_cli.click_commands import command
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused

_NO_EXTRA = Message(
    "lsp 需要 pygls，尚未安装。pip install 'mianshen[lsp]'",
    "lsp needs pygls, which is not installed. pip install 'mianshen[lsp]'",
)


@command(
    Message(
        "编辑器的语言服务（LSP）：边写边报错，补全，悬停说明，跳到定义，查找引用，改名。由编辑器启动。",
        "A language server (LSP) for editors: mistakes as you type, completion, hover, definitions, references, "
        "renaming. An editor starts it.",
    )
)
def lsp(lang: Lang) -> Status:
    if find_spec("pygls") is None:
        raise Refused(_NO_EXTRA)
    from mianshen.editor.server import start

    start(lang)
    return Status.DONE
