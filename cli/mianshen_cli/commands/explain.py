"""`mianshen explain`: what a diagnostic code means, and what to do.

In: a code, or none for the list. Out: one paragraph on standard output. Exit status 0, 2 for a code that no message has.
"""

from __future__ import annotations

from mianshen.catalogue import catalogue, plain
from mianshen.source import Lang, nearest
from mianshen_cli import output
from mianshen_cli.click_commands import argument, command
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_DEPENDS = wording("explain.depends")


@command
@argument("code", required=False, metavar="[CODE]")
def explain(lang: Lang, code: str | None) -> Status:
    entries = catalogue()
    codes = sorted({key.split(".")[0] for key in entries})
    if code is not None and code.upper() not in codes:
        near = nearest(code.upper(), codes) or codes[0]
        raise Refused(wording("explain.no_code").filled(code=code, near=near))
    for key, entry in sorted(entries.items()):
        name = key.split(".")[0]
        if code is None or name == code.upper():
            output.say(_folded(f"{name}  {plain(entry.what.in_(lang)) or _DEPENDS.in_(lang)}"))
        if code is not None and name == code.upper():
            output.say(_folded(f"      {plain(entry.fix.in_(lang)) or _DEPENDS.in_(lang)}"))
    return Status.DONE


def _folded(line: str) -> str:
    return output.folded(line, output.columns())
