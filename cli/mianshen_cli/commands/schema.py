"""`mianshen schema`: JSON Schemas of the files people write, for editors.

In: which one, or a folder. Out: the schema on standard output, or `<name>.schema.json` files there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mianshen.program.program import Program
from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.wording import wording

_FILES = ("rulebook", "overlay", "case", "record", "mapping")  # that people write
_NAMES = (*_FILES, "answer")


@command
@argument("name", type=click.Choice(_NAMES), required=False)
@option("--out", metavar="DIR")
@options.one_rules
def schema(
    lang: Lang, name: str | None, out: str | None, rules: tuple[Path, ...], overlay: tuple[str, ...]
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
        output.say(wording("schema.written").in_(lang, file=file))


def _schemas(rules: tuple[Path, ...], overlay: tuple[str, ...]) -> dict[str, Callable[[], dict[str, Any]]]:
    """What makes each schema, by its name."""
    from mianshen.document.schema import overlay_schema, rulebook_schema

    def program() -> Program:
        from mianshen.rulebook import open_program

        return open_program(rules, overlay)

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
