"""What can be wrong when many notices are asked for, or one is held against a record. Codes E750 to E754."""

from __future__ import annotations

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Span


def foreign_folder(folder: str) -> Diagnostic:
    return diagnostic("E750.foreign_folder", Span(folder, 0, 0))


def cannot_write(folder: str, why: str) -> Diagnostic:
    return diagnostic("E751.cannot_write", Span(folder, 0, 0), why=why)


def other_answer(run: str, benefit: str) -> Diagnostic:
    return diagnostic("E752.other_answer", Span(run, 0, 0), benefit=benefit)


def no_code(file: str) -> Diagnostic:
    return diagnostic("E753.no_code", Span(file, 0, 0))


def no_single_pdf(file: str) -> Diagnostic:
    return diagnostic("E754.no_single_pdf", Span(file, 0, 0))
