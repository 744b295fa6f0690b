"""What can be wrong with what is to be compared: one constructor a mistake, its code never reused."""

from __future__ import annotations

from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import shown
from mianshen.source import Diagnostic, Message, unlined


def other_shape(rulebook: str, name: str) -> Diagnostic:
    return diagnostic("E820.other_shape", unlined(rulebook), name=name)


def other_type(rulebook: str, name: str) -> Diagnostic:
    return diagnostic("E821.other_type", unlined(rulebook), name=name)


def other_codes(rulebook: str, name: str) -> Diagnostic:
    return diagnostic("E822.other_codes", unlined(rulebook), name=name)


def foreign_folder(folder: str) -> Diagnostic:
    return diagnostic("E823.foreign_folder", unlined(folder))


def cannot_write(folder: str, why: str) -> Diagnostic:
    return diagnostic("E824.cannot_write", unlined(folder), why=why)


def nothing_to_compare(rulebook: str) -> Diagnostic:
    return diagnostic("E825.nothing_to_compare", unlined(rulebook))


def no_seekable(rulebook: str, name: str, why: Message) -> Diagnostic:
    return diagnostic("E826.no_seekable", unlined(rulebook), name=shown(name), why=why)


def no_goal(text: str) -> Diagnostic:
    return diagnostic("E827.no_goal", unlined("--goal"), text=shown(text))


def no_settled(rulebook: str) -> Diagnostic:
    return diagnostic("E828.no_settled", unlined(rulebook))


def no_weights(name: str, why: Message) -> Diagnostic:
    return diagnostic("E829.no_weights", unlined("--weights"), name=shown(name), why=why)
