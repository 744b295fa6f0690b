"""`mianshen diff`: what differs between two rulebooks, or what an overlay changes, in the language of rules.

In: two rulebooks, or one and overlays; cases, where those it touches are asked for. Out: figures with their days and
clauses, provisions part by part, what rests on them, the expectations moved; a table, JSON or Markdown.
Exit status 0 nothing differs, 1 something does, 2 a rulebook or case cannot be read.
"""

from __future__ import annotations

from pathlib import Path

import click

from mianshen.cases.changes import Changes, changes_of, moved_words, outcome_words
from mianshen.cases.read import Programs, case_files, read_case_files
from mianshen.casework.wording import Words
from mianshen.policy.rule_diff import RuleChange, rule_changes
from mianshen.source import Lang
from mianshen_cli import options, output
from mianshen_cli.click_commands import argument, command, option
from mianshen_cli.output import Status
from mianshen_cli.render.rule_changes import SAME, change_rows, changes_table, heads_of, plain_changes
from mianshen_cli.usage_errors import Refused
from mianshen_cli.wording import wording

_NOTHING = wording("diff.nothing")


@command
@argument("old", required=False, type=Path)
@argument("new", required=False, type=Path)
@options.rules
@option("--cases", "paths", multiple=True, metavar="PATH", type=Path)
@option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table")
def diff(
    lang: Lang, old: Path | None, new: Path | None, rules: tuple[Path, ...], overlays: tuple[str, ...],
    paths: tuple[Path, ...], form: str,
) -> Status:  # fmt: skip
    if new is None and not overlays:
        raise Refused(_NOTHING)
    base = rules if old is None else (old,)
    before = Programs(base)
    after = Programs(base if new is None else (new,), overlays)
    changes = rule_changes(before.under(()), after.under(()))
    words = Words(after.under(()))
    moved = None
    if paths:
        cases = read_case_files(case_files(paths), Programs(base))
        moved = changes_of(cases, before, after)
    match form:
        case "json":
            output.say(output.json_text(_plain(changes, moved, lang)))
        case "markdown":
            output.say(_markdown(changes, moved, words, lang))
        case _:
            output.say(_text(changes, moved, words, lang))
    return Status.FOUND if changes else Status.DONE


def _plain(changes: tuple[RuleChange, ...], moved: Changes | None, lang: Lang) -> output.Plain:
    return {
        "changes": plain_changes(changes, lang),
        "cases": None if moved is None else [
            {"case": str(item.case), "what": item.what, "before": item.before, "after": item.after}
            for item in moved.changes
        ],
    }  # fmt: skip


def _moved(moved: Changes, words: Words, lang: Lang) -> list[tuple[str, ...]]:
    return [
        (
            item.case.label,
            moved_words(item, words).in_(lang),
            *(outcome_words(item, text, words).in_(lang) for text in (item.before, item.after)),
        )
        for item in moved.changes
    ]


def _text(changes: tuple[RuleChange, ...], moved: Changes | None, words: Words, lang: Lang) -> str:
    parts = [changes_table(changes, words, lang)]
    if changes and moved is not None and moved.changes:
        parts.append(output.table(wording.heads("diff.moved", lang), _moved(moved, words, lang)))
    return "\n\n".join(parts)


def _markdown(changes: tuple[RuleChange, ...], moved: Changes | None, words: Words, lang: Lang) -> str:
    lines = [f"## {wording('diff.title').in_(lang)}", ""]
    lines += _table(heads_of(lang), change_rows(changes, words, lang)) if changes else [SAME.in_(lang)]
    if moved is not None:
        touched = len({str(change.case) for change in moved.changes})
        lines += ["", f"## {wording('diff.cases').in_(lang)} ({touched})", ""]
        lines += (
            _table(wording.heads("diff.moved", lang), _moved(moved, words, lang))
            if moved.changes
            else [SAME.in_(lang)]
        )
    return "\n".join(lines)


def _table(heads: list[str], rows: list[tuple[str, ...]]) -> list[str]:
    """A table of Markdown."""
    cells = [heads, ["---"] * len(heads), *(list(row) for row in rows)]
    return [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in cells
    ]
