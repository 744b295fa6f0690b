"""`mianshen compile`: a rulebook as SQL for somebody's own warehouse.

In: a dialect, a day, what is wanted. Out: a script, on standard output or in a file.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from mianshen.source import Lang, listed
from mianshen.whole_file import whole_file
from mianshen_cli import options, output
from mianshen_cli.click_commands import Day, command, option, today
from mianshen_cli.output import Status
from mianshen_cli.session import check_replaces_no_input, rule_files
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

if TYPE_CHECKING:
    from mianshen.warehouse.dialects import Dialect


@command
@option("--dialect", type=click.Choice(["duckdb", "spark", "postgres"]), default="duckdb")
@option("--benefit", "benefits", multiple=True, metavar="NAME")
@option("--entity", "entities", multiple=True, metavar="NAME")
@option("--as-of", type=Day())
@option("--table", "tables", multiple=True, metavar="ENTITY=TABLE")
@options.one_rules
@option("--out", metavar="F.sql", type=Path)
def compile(  # noqa: A001
    lang: Lang, dialect: str, benefits: tuple[str, ...], entities: tuple[str, ...], as_of: dt.date | None,
    tables: tuple[str, ...], rules: tuple[Path, ...], overlay: tuple[str, ...], out: Path | None,
) -> Status:  # fmt: skip
    from mianshen.policy.scripts import Wish, compiled
    from mianshen.rulebook import open_program

    if out is not None:
        check_replaces_no_input(out, rule_files(rules, overlay))
    program = open_program(rules, overlay)
    inputs = _inputs(tables, list(program.entities))
    if as_of is None:
        as_of = today()
        output.complain(wording("compile.today").in_(lang, day=as_of.isoformat()))
    result = compiled(program, cast("Dialect", dialect), as_of, Wish(benefits, entities), inputs)
    if out is None:
        output.say(result.text.rstrip("\n"))
        return Status.DONE
    with whole_file(out) as part:
        part.write_text(result.text, "utf-8")
    reads = ", ".join(inputs.get(entity, entity) for entity in result.reads)
    output.say(wording("compile.done").in_(lang, file=out, reads=reads, makes=", ".join(result.makes)))
    return Status.DONE


def _inputs(tables: tuple[str, ...], entities: list[str]) -> dict[str, str]:
    """Entity to table."""
    inputs: dict[str, str] = {}
    for item in tables:
        entity, equals, table = item.partition("=")
        if not equals or not table or entity not in entities:
            raise Refused(wording("compile.no_table").filled(entities=listed(entities)))
        inputs[entity] = table
    return inputs
