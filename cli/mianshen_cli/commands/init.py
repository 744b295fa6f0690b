"""`mianshen init`: a new rulebook with cases, continuous integration and editor settings.

In: a folder, a name. Out: the files written. Exit status 0 written, 2 a file is there already, or the name will not do.
"""

from __future__ import annotations

import re
from pathlib import Path

from mianshen.source import Lang
from mianshen_cli import output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_NAME = re.compile(r"[a-z][a-z0-9_]*|[\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]*")


@command
@argument("folder", metavar="DIR")
@option("--name", metavar="NAME")
def init(lang: Lang, folder: str, name: str | None) -> Status:
    from mianshen.policy.first_rulebook import make_rulebook

    rulebook_name = name or Path(folder).resolve().name.lower().replace("-", "_").replace(" ", "_")
    if not _NAME.fullmatch(rulebook_name):
        raise Refused(wording("init.bad_name"))
    for path in make_rulebook(Path(folder), rulebook_name):
        output.say(str(path))
    output.say(wording("init.next").in_(lang, folder=folder))
    return Status.DONE
