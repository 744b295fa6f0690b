"""Options and arguments that several commands share, each written once.

In: nothing. Out: decorators for commands (`@options.encoding`), and what their values mean.
Invariant: an option that only one command has stands in that command's module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mianshen.source import Message, listed
from mianshen_cli.click_commands import AnyCallable, Day, Whole, argument, option
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

if TYPE_CHECKING:
    from mianshen.program.program import Program

_SIZE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})? ?[KMGT]i?B", re.IGNORECASE)


def at_most_one(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> tuple[Path, ...]:
    """The value of an option that is given once, or not at all, as what a rulebook is opened from."""
    return () if path is None else (path,)


rulebook = option("--rules", metavar="PATH", type=Path, multiple=True, words=wording("options.rulebook"))
change = option("--overlay", "overlays", metavar="F", multiple=True, words=wording("options.change"))
record_day = option("--as-of", type=Day(), words=wording("options.record_day"))
one_rulebook = option(
    "--rules", metavar="PATH", type=Path, callback=at_most_one, words=wording("options.one_rulebook")
)
overlay = option("--overlay", multiple=True, metavar="F", words=wording("options.overlay"))
encoding = option(
    "--encoding",
    multiple=True,
    metavar="[INPUT=]NAME",
    callback=lambda _context, _parameter, values: ",".join(values) or None,
    words=wording("options.encoding"),
)
threads = option("--threads", type=Whole(1, 256), words=wording("options.threads"))
jobs = option("--jobs", type=Whole(1, 256), words=wording("options.jobs"))
memory = option("--memory", metavar="SIZE", words=wording("options.memory"))
explain = option("--explain", is_flag=True, words=wording("options.explain"))
form = option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", words=wording("options.form")
)
overlay_named = option(
    "--overlay", "overlays", metavar="F", multiple=True, words=wording("options.overlay_named")
)
day = option("--as-of", type=Day(), required=True, words=wording("options.day"))
out = option("--out", required=True, metavar="DIR", type=Path, words=wording("options.out"))
workbooks = option("--xlsx", is_flag=True, words=wording("options.workbooks"))
yes = option("--yes", is_flag=True, words=wording("options.yes"))


def combined(*decorators: Callable[[AnyCallable], AnyCallable]) -> Callable[[AnyCallable], AnyCallable]:
    """Several options as one decorator, in their order."""

    def decorate(function: AnyCallable) -> AnyCallable:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


rules_changed = combined(rulebook, change)
rules = combined(rulebook, overlay_named)
one_rules = combined(one_rulebook, overlay)
reading = combined(one_rulebook, overlay, encoding, threads, yes, form)
results = argument("folder", metavar="DIR", type=Path, words=wording("options.results"))


def memory_limit(text: str | None) -> str | None:
    """A memory limit as the engine takes it: a number and its unit."""
    if text is None:
        return None
    if not _SIZE.fullmatch(text):
        raise Refused(wording("options.no_size").filled(text=text))
    return text


# -- files of records --------------------------------------------------------------------------------

_SHORT_FORMS = {"residents": "resident", "claims": "claim", "households": "household", "visits": "visit"}
_TITLES = wording.group("options.short_forms")


def record_files(moved: bool = False) -> Callable[[AnyCallable], AnyCallable]:
    """`--input ENTITY=FILE` and its short forms; the command gets `records`: entity to files as named.

    `moved`: the files are those of an earlier run, where they are not in their place any more.
    """

    def decorated(function: AnyCallable) -> AnyCallable:
        @wraps(function)
        def collecting(*args: Any, inputs: tuple[str, ...], **named: Any) -> Any:
            records = {entity: list(named.pop(name)) for name, entity in _SHORT_FORMS.items()}
            for text in inputs:
                entity, equals, file = text.partition("=")
                if not equals or not entity or not file:
                    raise Refused(wording("options.input"))
                records.setdefault(entity, []).append(file)
            tuples = {entity: tuple(files) for entity, files in records.items() if files}
            return function(*args, records=tuples, **named)

        where = wording("options.files_now") if moved else wording("options.files")
        words = wording("options.any_files").filled(where=where)
        titles = {name: Message(title.zh + where.zh, title.en + where.en) for name, title in _TITLES.items()}
        short = (option(f"--{n}", metavar="FILE", multiple=True, words=text) for n, text in titles.items())
        entity = option("--input", "inputs", metavar="ENTITY=FILE", multiple=True, words=words)
        return combined(*short, entity)(collecting)  # type: ignore[return-value]  # the function, with options

    return decorated


def check_record_files(records: Collection[str], program: Program) -> None:
    """Raises where files are named for no entity of the rulebook, or none for its people."""
    check_entities(records, program)
    if program.entry not in records:
        raise Refused(wording("options.no_people").filled(entity=program.entry))


def check_entities(names: Iterable[str], program: Program) -> None:
    """Raises where the rulebook does not have an entity that is named."""
    for name in names:
        if name not in program.entities:
            raise Refused(wording("options.no_entity").filled(name=name, known=listed(program.entities)))
