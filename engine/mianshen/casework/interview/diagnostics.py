"""Mistakes in an answer or in what an interview is about that several places find, or whose words depend on more.

In: the words involved. Out: a `Diagnostic` in both languages, at no place: answers stand in no file.
Invariants: codes E701 to E719, each with one meaning and never reused (E710 was: rows over time).
"""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.catalogue import diagnostic
from mianshen.source import NOWHERE, Diagnostic, Message, nearest


def no_such_place(name: str, known: Iterable[str]) -> Diagnostic:
    close = nearest(name, known)
    what = Message(f"没有可回答的 {name}", f"there is nothing called {name} to answer")
    if close:
        return Diagnostic("E702", NOWHERE, what, Message(f"是不是 {close}？", f"Did you mean {close}?"))
    fix = Message("写成 事实=值 或 编号.事实=值", "Write FACT=VALUE, or KEY.FACT=VALUE")
    return Diagnostic("E702", NOWHERE, what, fix)


def needed(title: Message) -> Diagnostic:
    return diagnostic("E704.needed", NOWHERE, title=title)


def not_a_count(text: str, least: int, most: int) -> Diagnostic:
    return diagnostic("E706.not_a_count", NOWHERE, text=text, least=least, most=most)
