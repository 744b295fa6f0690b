"""What several places find wrong with what is to be compared. Codes E820 to E829."""

from __future__ import annotations

from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import shown
from mianshen.source import Diagnostic, Message, unlined


def nothing_to_compare(rulebook: str) -> Diagnostic:
    return diagnostic("E825.nothing_to_compare", unlined(rulebook))


def no_seekable(rulebook: str, name: str, why: Message) -> Diagnostic:
    return diagnostic("E826.no_seekable", unlined(rulebook), name=shown(name), why=why)


def no_goal(text: str) -> Diagnostic:
    return diagnostic("E827.no_goal", unlined("--goal"), text=shown(text))


def no_weights(name: str, why: Message) -> Diagnostic:
    return diagnostic("E829.no_weights", unlined("--weights"), name=shown(name), why=why)
