"""`mianshen explain`: what a diagnostic code means, and what to do.

In: a code, or none for the list. Out: one paragraph on standard output. Exit status 0, 2 for a code that no message has.
"""

from __future__ import annotations

from importlib.resources import files

from mianshen.source import Lang, Message, nearest
from mianshen_cli import output
from mianshen_cli.click_commands import argument, command
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused


@command(
    Message(
        "说明一个诊断代码：哪里有问题、怎么办；不写代码则列出全部。\n例：mianshen explain E142",
        "Explain a diagnostic code: what is wrong and what to do; without one, list them all.\n"
        "Try: mianshen explain E142",
    )
)
@argument("code", required=False, metavar="[CODE]", words=Message("诊断代码，如 E142", "a code such as E142"))
def explain(lang: Lang, code: str | None) -> Status:
    codes = _codes()
    if code is None:
        for name, text in codes.items():
            output.say(f"{name}  {text[0].in_(lang)}")
        return Status.DONE
    found = codes.get(code.upper())
    if found is None:
        near = nearest(code.upper(), codes) or next(iter(codes))
        raise Refused(
            Message(
                f"没有诊断代码 {code}。也许想写 {near}", f"There is no code {code}. Perhaps {near} is meant"
            )
        )
    what, fix = found
    output.say(f"{code.upper()}  {what.in_(lang)}")
    output.say(f"      {fix.in_(lang)}")
    return Status.DONE


def _codes() -> dict[str, tuple[Message, Message]]:
    """What is wrong and what to do, by code."""
    table = files("mianshen").joinpath("codes.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines())
    return {code: (Message(zh, en), Message(fix_zh, fix_en)) for code, zh, en, fix_zh, fix_en in rows}
