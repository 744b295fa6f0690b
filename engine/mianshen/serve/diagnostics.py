"""Mistakes in what a request says that several places find, or whose words depend on more than values.

In: the words involved. Out: a `Diagnostic` in both languages.
Invariant: codes E880 to E899, each with one meaning and never reused.
"""

from __future__ import annotations

from collections.abc import Sequence

from mianshen.catalogue import diagnostic
from mianshen.source import NOWHERE, Diagnostic, Span, nearest


def wrong_member(span: Span, name: str, kind: str) -> Diagnostic:
    return diagnostic("E889.wrong_member", span, name=name, kind=kind)


def no_such_figure(name: str, known: Sequence[str]) -> Diagnostic:
    near = nearest(name, known)
    fix = None if near is None else (f"是不是 {near}？", f"Did you mean {near}?")
    return diagnostic("E892.no_such_figure", NOWHERE, fix=fix, name=name)
