"""Every mistake in what a case says it expects, one named function each.

In: the place and the words involved. Out: a `Diagnostic` in both languages.
Invariants: codes E450 to E469, each with one meaning and never reused; the record in a case has the
mistakes of any record.
"""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Message, Span, nearest, unlined

MOST_LISTED = 12  # names in one sentence


def _known(name: str, known: Iterable[str]) -> Message:
    """The name that must be meant, or the names there are."""
    known = list(dict.fromkeys(known))
    if close := nearest(name, known):
        return Message(f"也许想写 {close}", f"Perhaps {close} is meant")
    if not known:
        return Message("删去它", "Delete it")
    zh, en = "、".join(known[:MOST_LISTED]), ", ".join(known[:MOST_LISTED])
    if len(known) > MOST_LISTED:
        zh, en = zh + "等", en + ", …"
    return Message(f"可用：{zh}", f"Known are: {en}")


def wrong_shape(span: Span, name: str, wanted: Message) -> Diagnostic:
    return diagnostic("E450.wrong_shape", span, name=name, wanted=wanted)


def unknown_key(span: Span, key: str, where: Message, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E451.unknown_key", span, fix=_known(key, known), where=where, key_name=key)


def same_name(span: Span, name: str, other: Span) -> Diagnostic:
    also = ((other, Message("另一个在此", "the other one is here")),)
    return diagnostic("E453.same_name", span, also=also, name=name)


def unknown_row(span: Span, key: str, entity: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E455.unknown_row", span, fix=_known(key, known), entity=entity, key_name=key)


def unknown_status(span: Span, text: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E457.unknown_status", span, fix=_known(text, known), text=text)


def unknown_missing(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E458.unknown_missing", span, fix=_known(name, known), name=name)


def unknown_reason(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E459.unknown_reason", span, fix=_known(name, known), name=name)


def no_files(path: str) -> Diagnostic:
    return diagnostic("E463.no_files", unlined(path))
