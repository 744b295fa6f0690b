"""`mianshen lsp`: a language server for editors of rulebooks, on standard input and output.

In: an editor's messages. Out: answers. Exit status 0 when the editor leaves, 2 without the extra `lsp`.
"""

from __future__ import annotations

from importlib.util import find_spec

from mianshen.source import Lang
from mianshen_cli.click_commands import command
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording


@command
def lsp(lang: Lang) -> Status:
    if find_spec("pygls") is None:
        raise Refused(wording("lsp.no_extra"))
    from mianshen.editor.server import start

    start(lang)
    return Status.DONE
