"""`mianshen schema`: JSON Schemas of the files people write, for editors.

In: which one, or a folder. Out: the schema on standard output, or `<name>.schema.json` files there.
"""

from __future__ import annotations

from pathlib import Path

import click

from mianshen.source import Lang, Message
from mianshen_cli import output
from mianshen_cli.frame import argument, command, option

_NAMES = ("rulebook", "overlay", "case")
_WRITTEN = Message("已写入 {file}", "wrote {file}")


@command(
    Message(
        "输出规则文件和案例文件的 JSON Schema，编辑器据此补全和检查。\n例：mianshen schema --out schemas/",
        "JSON Schemas of rule and case files, by which an editor completes and checks.\n"
        "Try: mianshen schema --out schemas/",
    )
)
@argument(
    "name",
    type=click.Choice(_NAMES),
    required=False,
    words=Message(
        "哪一种文件：rulebook 规则（默认）、overlay 改动、case 案例",
        "which file: rulebook (default), overlay or case",
    ),
)
@option(
    "--out", metavar="DIR", words=Message("写成文件，放进这个文件夹", "write files into this folder instead")
)
def schema(lang: Lang, name: str | None, out: str | None) -> None:
    from mianshen.document.schema import case_schema, overlay_schema, rulebook_schema

    schemas = {"rulebook": rulebook_schema, "overlay": overlay_schema, "case": case_schema}
    if out is None:
        output.say(output.json_text(schemas[name or "rulebook"]()))
        return
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for each in [name] if name else _NAMES:
        file = folder / f"{each}.schema.json"
        file.write_text(output.json_text(schemas[each]()) + "\n", encoding="utf-8")
        output.say(_WRITTEN.in_(lang).format(file=file))
