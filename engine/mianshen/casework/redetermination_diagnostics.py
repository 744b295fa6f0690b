"""Every mistake of a redetermination, one named function each; codes E770 to E779.

In: the place and the words involved. Out: a `Diagnostic` in both languages.
"""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import listed
from mianshen.source import Diagnostic, Message, Span, nearest, unlined


def no_such_row(span: Span, key: str, known: Iterable[str]) -> Diagnostic:
    """A row to leave out that is not there."""
    known = list(known)
    near, names = nearest(key, known), listed(known)
    fix = Message(f"核定材料中有：{names[0]}", f"The record has: {names[1]}")
    if near is not None:
        fix = Message(f"也许应写 {near}", f"Perhaps {near} is meant")
    return diagnostic("E770.no_such_row", span, fix=fix, key_name=key)


def no_rows(file: str) -> Diagnostic:
    """A file of rows that come in, without any."""
    return diagnostic("E771.no_rows", unlined(file))


def no_rows_here(span: Span) -> Diagnostic:
    """Rows that come in, where the rulebook has none below the person."""
    return diagnostic("E773.no_rows_here", span)


def not_of_one_person(span: Span) -> Diagnostic:
    """Two records to compare that are not of one person; whose they are is not repeated."""
    return diagnostic("E772.not_of_one_person", span)
