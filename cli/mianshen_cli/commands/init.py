"""`mianshen init`: a new rulebook with cases, continuous integration and editor settings.

In: a folder, a name. Out: the files written. Exit status 0 written, 2 a file is there already, or the name will not do.
"""

from __future__ import annotations

import re
from pathlib import Path

from mianshen.source import Lang, Message
from mianshen_cli import output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused

_NAME = re.compile(r"[a-z][a-z0-9_]*|[\u4e00-\u9fff][\u4e00-\u9fffa-z0-9_]*")
_BAD_NAME = Message(
    "名称只能用小写字母、数字、下划线或汉字", "a name is of small letters, digits and underscores, or Chinese"
)
_NEXT = Message(
    "接着：cd {folder} && mianshen test cases --rules rules",
    "next: cd {folder} && mianshen test cases --rules rules",
)


@command(
    Message(
        "新建一个规则库：规则、案例、持续集成和编辑器设置。\n例：mianshen init 我的规则",
        "Make a new rulebook: rules, cases, continuous integration, editor settings.\nTry: mianshen init my_rules",
    )
)
@argument("folder", metavar="DIR", words=Message("放在哪个文件夹", "the folder to put it in"))
@option(
    "--name",
    metavar="NAME",
    words=Message("规则库的名称（默认为文件夹名）", "the rulebook's name (default: the folder's)"),
)
def init(lang: Lang, folder: str, name: str | None) -> Status:
    from mianshen.policy.first_rulebook import make_rulebook

    given = name or Path(folder).resolve().name.lower().replace("-", "_").replace(" ", "_")
    if not _NAME.fullmatch(given):
        raise Refused(_BAD_NAME)
    for path in make_rulebook(Path(folder), given):
        output.say(str(path))
    output.say(_NEXT.in_(lang).format(folder=folder))
    return Status.DONE
