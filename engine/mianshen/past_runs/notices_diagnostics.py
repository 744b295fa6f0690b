"""What can be wrong when many notices are asked for, or one is held against a record. Codes E750 to E753."""

from __future__ import annotations

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, unlined


def foreign_folder(folder: str) -> Diagnostic:
    return diagnostic("E750.foreign_folder", unlined(folder))


def cannot_write(folder: str, why: str) -> Diagnostic:
    return diagnostic("E751.cannot_write", unlined(folder), why=why)


def other_answer(run: str, benefit: str) -> Diagnostic:
    return diagnostic("E752.other_answer", unlined(run), benefit=benefit)


def no_code(file: str) -> Diagnostic:
    return diagnostic("E753.no_code", unlined(file))
