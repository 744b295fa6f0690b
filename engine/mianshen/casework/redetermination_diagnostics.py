"""Every mistake of a redetermination, one named function each; codes E770 to E779.

In: the place and the words involved. Out: a `Diagnostic` in both languages.
"""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.document.diagnostics import listed
from mianshen.source import Diagnostic, Message, Span, nearest


def no_such_row(span: Span, key: str, known: Iterable[str]) -> Diagnostic:
    """A row to leave out that is not there."""
    known = list(known)
    near, names = nearest(key, known), listed(known)
    fix = Message(f"核定材料中有：{names[0]}", f"The record has: {names[1]}")
    if near is not None:
        fix = Message(f"也许应写 {near}", f"Perhaps {near} is meant")
    return Diagnostic("E770", span, Message(f"核定材料中没有 {key}", f"the record has no {key}"), fix)


def no_rows(file: str) -> Diagnostic:
    """A file of rows that come in, without any."""
    what = Message("文件中没有费用", "there are no claims in the file")
    fix = Message("请写 claims: [...] 或一个列表", "Write claims: [...], or a list of claims")
    return Diagnostic("E771", Span(file, 1, 1), what, fix)


def not_of_one_person(span: Span) -> Diagnostic:
    """Two records to compare that are not of one person; whose they are is not repeated."""
    what = Message("两份核定材料不是同一参保人的", "the two records are not of one person")
    fix = Message("请给出同一参保人的两份核定材料", "Give two records of one person")
    return Diagnostic("E772", span, what, fix)
