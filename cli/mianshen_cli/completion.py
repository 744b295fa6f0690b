"""What a shell completes: commands, options, choices; names of the rulebook, overlays, mappings, cases, files.

In: a parameter, what is typed of it so far. Out: click's completion items.
Invariants: completing never fails and never says anything: where names cannot be had there are none; nothing is imported
before a parameter needs it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import click
from click.shell_completion import CompletionItem, split_arg_string

if TYPE_CHECKING:
    from mianshen.program.program import Program
    from mianshen.source import Lang, Message

_FILES: Final = re.compile(r"\b(F|FILE|PATH|DIR|RUN_DIR|OLD|NEW|RECORD|NOTICE|CASES)\b")  # in a metavar
_CASE: Final = re.compile(r"(?:^|[\s{,-])name:\s*[\"']?([\w.-]+)")
_MOST: Final = 2_000_000  # bytes of a case file that is looked into
Names: TypeAlias = "Iterable[tuple[str, Message | None]]"


def completions(parameter: click.Parameter, context: click.Context, incomplete: str) -> list[CompletionItem]:
    """What may stand where something is being typed; nothing where that cannot be told."""
    try:
        return list(_completions(parameter, context, incomplete))
    except Exception:  # noqa: BLE001  (whatever is wrong with files or rules, a shell's line stays clean)
        return []


def _completions(
    parameter: click.Parameter, context: click.Context, incomplete: str
) -> Iterator[CompletionItem]:
    metavar = parameter.metavar or ""
    names = _NAMES.get((context.command.name or "", parameter.name or "")) or _NAMES.get(
        ("", parameter.name or "")
    )
    if _FILES.search(metavar):
        yield CompletionItem(incomplete, type="file")
    if names is None:
        return
    lang: Lang = "zh" if context.find_root().obj == "zh" else "en"
    for name, title in names(context):
        if name.startswith(incomplete):
            yield CompletionItem(name, help=None if title is None else title.in_(lang))


# -- names ---------------------------------------------------------------------------------------


def _program(context: click.Context) -> Program:
    """The rulebook typed so far, else the shipped one."""
    from mianshen.rulebook import open_program

    return open_program(context.params.get("rules") or ())


def _benefits(context: click.Context) -> Names:
    return [(name, benefit.title) for name, benefit in _program(context).benefits.items()]


def _benefits_or_all(context: click.Context) -> Names:
    return [("all", None), *_benefits(context)]


def _parameters(context: click.Context) -> Names:
    return [(name, parameter.title) for name, parameter in _program(context).parameters.items()]


def _entities(context: click.Context) -> Names:
    return [(name, entity.title) for name, entity in _program(context).entities.items()]


def _everything(context: click.Context) -> Names:
    """What `show` and `graph` know by name."""
    program = _program(context)
    titles: dict[str, Message | None] = {name: fact.title for (_, name), fact in program.facts.items()}
    titles |= {decision.name: decision.title for decision in program.decisions}
    titles |= {p.name: p.title for decision in program.decisions for p in decision.provisions}
    for named in (program.entities, program.benefits, program.parameters, program.accumulators):
        titles |= {name: thing.title for name, thing in named.items()}
    return titles.items()


def _overlays(_: click.Context) -> Names:
    from mianshen.shipped import shipped_rulebook

    return [(path.stem, None) for path in sorted((shipped_rulebook() / "overlays").glob("*.yaml"))]


def _mappings(_: click.Context) -> Names:
    from mianshen.shipped import shipped_rulebook

    return [(path.stem, None) for path in sorted((shipped_rulebook() / "mappings").glob("*.yaml"))]


def _cases(_: click.Context) -> Names:
    """The names of cases in the files on the line; an option that still lacks its value hides them from the context."""
    typed = split_arg_string(os.environ.get("COMP_WORDS", ""))
    small = (path for path in map(Path, typed) if path.is_file() and path.stat().st_size < _MOST)
    return [(case, None) for path in small for case in _CASE.findall(path.read_text("utf-8", "ignore"))]


def _codes(_: click.Context) -> Names:
    from mianshen.catalogue import catalogue

    return [(code, None) for code in sorted({key.partition(".")[0] for key in catalogue()})]


_NAMES: Final[Mapping[tuple[str, str], Callable[[click.Context], Names]]] = {
    ("", "overlay"): _overlays,
    ("", "overlays"): _overlays,
    ("", "mapping"): _mappings,
    ("", "benefit"): _benefits,
    ("", "benefits"): _benefits,
    ("", "case"): _cases,
    ("", "entity"): _entities,
    ("check", "requested"): _benefits_or_all,
    ("ask", "names"): _benefits_or_all,
    ("show", "name"): _everything,
    ("graph", "name"): _everything,
    ("seek", "parameter"): _parameters,
    ("explain", "code"): _codes,
}
