"""Everything that can be wrong with a workbook or a DMN model read back: a constructor each.

In: the place, the names concerned. Out: a `Diagnostic` in both languages.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from mianshen.catalogue import diagnostic
from mianshen.source import NOWHERE, Diagnostic, Message, Span, nearest

# what only passes its values on: `name(span, value=…)`
sheet_missing = partial(diagnostic, "E905.sheet_missing")
sheet_twice = partial(diagnostic, "E907.sheet_twice")
too_large = partial(diagnostic, "E908.too_large")
column_missing = partial(diagnostic, "E909.column_missing")
column_twice = partial(diagnostic, "E911.column_twice")
formula = partial(diagnostic, "E912.formula")
merged = partial(diagnostic, "E913.merged")
too_long = partial(diagnostic, "E925.too_long")
error_value = partial(diagnostic, "E914.error_value")
uncertain_number = partial(diagnostic, "E915.uncertain_number")
date_serial = partial(diagnostic, "E916.date_serial")
turned_into_date = partial(diagnostic, "E917.turned_into_date")
rows_gone = partial(diagnostic, "E921.rows_gone")
code_gone = partial(diagnostic, "E926.code_gone")
stale = partial(diagnostic, "E922.stale")
no_longer_cited = partial(diagnostic, "E923.no_longer_cited")
not_xml = partial(diagnostic, "E930.not_xml")
doctype = partial(diagnostic, "E931.doctype")
not_dmn = partial(diagnostic, "E932.not_dmn")
unsupported = partial(diagnostic, "E933.unsupported")
hit_policy = partial(diagnostic, "E934.hit_policy")
several_outputs = partial(diagnostic, "E935.several_outputs")
no_type = partial(diagnostic, "E936.no_type")
unusable_type = partial(diagnostic, "E937.unusable_type")
null_first = partial(diagnostic, "E938.null_first")
other_language = partial(diagnostic, "E939.other_language")
nothing_written = partial(diagnostic, "E940.nothing_written")
no_name = partial(diagnostic, "E941.no_name")
no_decisions = partial(diagnostic, "E942.no_decisions")
same_name = partial(diagnostic, "E943.same_name")


def _perhaps(name: str, known: Collection[str], otherwise: Message) -> Message:
    """The fix for a name that is not known."""
    close = nearest(name, known)
    return otherwise if close is None else Message(f"也许想写 {close}", f"Perhaps {close} is meant")


def unknown_entry(name: str, known: Collection[str]) -> Diagnostic:
    """A name on the command line that no figure, table or code list has."""
    fix = _perhaps(name, known, Message("用 mianshen show 查看名称", "See the names with mianshen show"))
    return diagnostic("E902.unknown_entry", NOWHERE, fix=fix, name=name)


def unknown_column(span: Span, name: str, known: Collection[str]) -> Diagnostic:
    fix = _perhaps(
        name, known, Message("删去该列，备注写在 note 列", "Delete the column; remarks go into note")
    )
    return diagnostic("E910.unknown_column", span, fix=fix, name=name or "''")


def duplicate_row(span: Span, first: Span) -> Diagnostic:
    also = ((first, Message("另一行在此", "the other row is here")),)
    return diagnostic("E919.duplicate_row", span, also=also)


def unknown_name(span: Span, name: str, known: Collection[str]) -> Diagnostic:
    """A row of a figure or code list that the rulebook does not have."""
    fix = _perhaps(
        name, known, Message("新的参数和代码表写在 YAML 里", "New figures and code lists are written in YAML")
    )
    return diagnostic("E920.unknown_name", span, fix=fix, name=name)


def unknown_decision(name: str, known: Collection[str]) -> Diagnostic:
    fix = _perhaps(name, known, Message("用 mianshen show 查看名称", "See the names with mianshen show"))
    return diagnostic("E924.unknown_decision", NOWHERE, fix=fix, name=name)
