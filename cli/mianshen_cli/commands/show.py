"""`mianshen show`: what the rulebook says about one name, or the names there are.

In: a name. Out: its provisions with conditions, formulas and clauses, its figures over time, what it reads
and who reads it. With `--coverage-of-sources`: every clause and what answers it; exit status 1 where nothing
does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mianshen.source import Lang, Message
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import Refused

if TYPE_CHECKING:
    from mianshen.program.program import Program

_ONE_OF_TWO = Message(
    "名称与 --coverage-of-sources 只能写一个", "give either a name or --coverage-of-sources, not both"
)


@command(
    Message(
        "查看规则库中的一个名称：条款、条件、公式、数值沿革、依据，谁用到它，它用到谁；不写名称则列出全部。\n"
        "例：mianshen show basic_payment",
        "Show one name of the rulebook: provisions, conditions, formulas, figures over time, clauses, what it "
        "reads and who reads it; without a name, all the names.\nTry: mianshen show basic_payment",
    )
)
@argument(
    "name",
    required=False,
    words=Message(
        "待遇、决定、条款、参数、累计、事实、代码表、实体或来源的名称",
        "a benefit, decision, provision, parameter, accumulator, fact, code list, entity or source",
    ),
)
@option(
    "--coverage-of-sources",
    "sources",
    is_flag=True,
    words=Message(
        "列出来源文件的每一条，以及回应它的待遇、条款，或不在范围内的理由",
        "list every clause of the sources, and the benefits and provisions that answer it, or why it is left out",
    ),
)
@options.overlay_named
@options.rulebook
def show(
    lang: Lang, name: str | None, sources: bool, overlays: tuple[str, ...], rules: tuple[str, ...]
) -> Status | None:
    from mianshen.policy.catalogue import Catalogue
    from mianshen.rulebook import open_program
    from mianshen_cli.render.catalogue import CatalogueView

    if sources and name is not None:
        raise Refused(_ONE_OF_TWO)
    program = open_program([Path(rule) for rule in rules], overlays)
    if sources:
        return _coverage(program, lang)
    catalogue = Catalogue(program)
    view = CatalogueView(catalogue, lang)
    if name is None:
        output.say(output.folded(view.everything(), output.columns()))
        return None
    items = catalogue.named(name)
    if not items:
        raise Refused(_unknown(name, catalogue.nearest(name)))
    output.say(output.folded("\n\n".join(view.one(item) for item in items), output.columns()))
    return None


def _coverage(program: Program, lang: Lang) -> Status:
    from mianshen_cli.render.coverage import CoverageView

    view = CoverageView(program, lang)
    output.say(output.folded(view.text(), output.columns()))
    return Status.DONE if view.complete else Status.FOUND


def _unknown(name: str, near: str | None) -> Message:
    if near is None:
        return Message(
            f"规则库中没有 {name}。运行 mianshen show 可列出全部名称",
            f"the rulebook has no {name}. mianshen show lists every name",
        )
    return Message(
        f"规则库中没有 {name}。是不是 {near}？", f"the rulebook has no {name}. Did you mean {near}?"
    )
