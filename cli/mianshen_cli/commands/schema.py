"""`mianshen schema`: JSON Schemas of the files people write, for editors.

In: which one, or a folder. Out: the schema on standard output, or `<name>.schema.json` files there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mianshen.program.program import Program
from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option

_FILES = ("rulebook", "overlay", "case", "record", "mapping")  # that people write
_NAMES = (*_FILES, "answer")
_WRITTEN = Message("已写入 {file}", "wrote {file}")


@command(
    Message(
        "输出规则、案例、核定材料和对照文件的 JSON Schema，编辑器据此补全和检查；\n"
        "核定材料的有全部事实、代码及其名称。\n例：mianshen schema record，mianshen schema --out schemas/",
        "JSON Schemas of rule, case, record and mapping files, by which an editor completes and checks; that of\n"
        "records names every fact and code. Try: mianshen schema record, mianshen schema --out schemas/",
    )
)
@argument(
    "name",
    type=click.Choice(_NAMES),
    required=False,
    words=Message(
        "哪一种文件：rulebook 规则（默认）、overlay 改动、case 案例、record 核定材料、mapping 列的对照、answer check 的答案",
        "which file: rulebook (default), overlay, case, record or mapping, or the answer of check",
    ),
)
@option(
    "--out", metavar="DIR", words=Message("写成文件，放进这个文件夹", "write files into this folder instead")
)
@options.one_rulebook
@options.overlay
def schema(
    lang: Lang, name: str | None, out: str | None, rules: str | None, overlay: tuple[str, ...]
) -> None:
    schemas = _schemas(rules, overlay)
    if out is None:
        output.say(output.json_text(schemas[name or "rulebook"]()))
        return
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for kind in [name] if name else _FILES:
        file = folder / f"{kind}.schema.json"
        file.write_text(output.json_text(schemas[kind]()) + "\n", encoding="utf-8")
        output.say(_WRITTEN.in_(lang).format(file=file))


def _schemas(rules: str | None, overlay: tuple[str, ...]) -> dict[str, Callable[[], dict[str, Any]]]:
    """What makes each schema, by its name."""
    from mianshen.document.schema import overlay_schema, rulebook_schema

    def program() -> Program:
        from mianshen.rulebook import open_program

        return open_program([Path(rules)] if rules else (), overlay)

    def columns() -> dict[str, Any]:
        from mianshen.mapping.schema import mapping_schema

        return mapping_schema(program())

    def records(cases: bool) -> dict[str, Any]:
        from mianshen.records.schema import case_schema, record_schema

        return (case_schema if cases else record_schema)(program())

    def answer() -> dict[str, Any]:
        from mianshen.casework.answer_schema import answer_schema

        return answer_schema(program())

    return {
        "rulebook": rulebook_schema,
        "overlay": overlay_schema,
        "case": lambda: records(cases=True),
        "record": lambda: records(cases=False),
        "mapping": columns,
        "answer": answer,
    }
