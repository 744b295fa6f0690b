"""Mistakes in a run of mutants: codes E790 to E792, each with one meaning and never reused."""

from __future__ import annotations

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Span


def other_journal(file: str) -> Diagnostic:
    return diagnostic("E790.other_journal", Span(file, 1, 1))
