"""`mianshen show`: what the rulebook says about one name, or the names there are.

In: a name. Out: its provisions with conditions, formulas and clauses, its figures over time, what it reads
and who reads it. With `--coverage-of-sources`: every clause and what answers it; exit status 1 where nothing
does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

if TYPE_CHECKING:
    from mianshen.program.program import Program


@command
@argument("name", required=False)
@option("--coverage-of-sources", "sources", is_flag=True)
@options.overlay_named
@options.rulebook
def show(
    lang: Lang, name: str | None, sources: bool, overlays: tuple[str, ...], rules: tuple[Path, ...]
) -> Status | None:
    from mianshen.policy.catalogue import Catalogue
    from mianshen.rulebook import open_program
    from mianshen_cli.render.catalogue import CatalogueView, items_named

    if sources and name is not None:
        raise Refused(wording("show.one_of_two"))
    program = open_program(rules, overlays)
    if sources:
        return _coverage(program, lang)
    catalogue = Catalogue(program)
    view = CatalogueView(catalogue, lang)
    if name is None:
        output.say(output.folded(view.everything(), output.columns()))
        return None
    output.say(
        output.folded("\n\n".join(view.one(item) for item in items_named(catalogue, name)), output.columns())
    )
    return None


def _coverage(program: Program, lang: Lang) -> Status:
    from mianshen_cli.render.coverage import CoverageView

    view = CoverageView(program, lang)
    output.say(output.folded(view.text(), output.columns()))
    return Status.DONE if view.complete else Status.FOUND
