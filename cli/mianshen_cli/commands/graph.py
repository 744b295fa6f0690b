"""`mianshen graph`: what a name rests on and what rests on it, as a picture.

In: a name. Out: SVG on standard output or in a file, or JSON. Exit status 0, 2 where no such name is known.
"""

from __future__ import annotations

from pathlib import Path

import click

from mianshen.policy.catalogue import Catalogue
from mianshen.policy.rule_graph import Graph, graph_of, svg
from mianshen.rulebook import open_program
from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import Whole, argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.render.catalogue import items_named
from mianshen_cli.wording import wording


@command
@argument("name")
@options.rules
@option("--depth", type=Whole(1, 20), default=2)
@option("--out", metavar="SVG")
@option("--format", "form", type=click.Choice(["svg", "json"]), default="svg")
def graph(
    lang: Lang,
    name: str,
    rules: tuple[Path, ...],
    overlays: tuple[str, ...],
    depth: int,
    out: str | None,
    form: str,
) -> Status:
    catalogue = Catalogue(open_program(rules, overlays))
    drawn = graph_of(catalogue, items_named(catalogue, name), depth)
    text = output.json_text(_plain(drawn)) if form == "json" else svg(drawn, catalogue, lang)
    if out is None:
        output.say(text)
    else:
        Path(out).write_text(text + "\n", "utf-8")
        output.say(wording("graph.written").in_(lang, file=out))
    return Status.DONE


def _plain(graph: Graph) -> output.Plain:
    return {
        "nodes": [
            {"kind": item.kind, "name": str(item), "column": column}
            for column, items in graph.columns.items()
            for item in items
        ],
        "reads": [{"reader": str(reader), "read": str(read)} for reader, read in graph.reads],
    }  # fmt: skip
