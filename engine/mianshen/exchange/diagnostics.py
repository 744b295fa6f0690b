"""What is wrong with a workbook or a DMN model read back, where the words depend on more than values.

In: the place, the names concerned. Out: a `Diagnostic` in both languages.
"""

from __future__ import annotations

from collections.abc import Collection

from mianshen.catalogue import diagnostic
from mianshen.source import NOWHERE, Diagnostic, Message, Span, perhaps


def unknown_entry(name: str, known: Collection[str]) -> Diagnostic:
    """A name on the command line that no figure, table or code list has."""
    fix = perhaps(name, known, Message("用 mianshen show 查看名称", "See the names with mianshen show"))
    return diagnostic("E902.unknown_entry", NOWHERE, fix=fix, name=name)


def unknown_column(span: Span, name: str, known: Collection[str]) -> Diagnostic:
    fix = perhaps(
        name, known, Message("删去该列，备注写在 note 列", "Delete the column; remarks go into note")
    )
    return diagnostic("E910.unknown_column", span, fix=fix, name=name or "''")


def duplicate_row(span: Span, first: Span) -> Diagnostic:
    also = ((first, Message("另一行在此", "the other row is here")),)
    return diagnostic("E919.duplicate_row", span, also=also)


def unknown_name(span: Span, name: str, known: Collection[str]) -> Diagnostic:
    """A row of a figure or code list that the rulebook does not have."""
    fix = perhaps(
        name, known, Message("新的参数和代码表写在 YAML 里", "New figures and code lists are written in YAML")
    )
    return diagnostic("E920.unknown_name", span, fix=fix, name=name)


def unknown_decision(name: str, known: Collection[str]) -> Diagnostic:
    fix = perhaps(name, known, Message("用 mianshen show 查看名称", "See the names with mianshen show"))
    return diagnostic("E924.unknown_decision", NOWHERE, fix=fix, name=name)
