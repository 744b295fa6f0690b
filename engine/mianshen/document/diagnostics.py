"""Every mistake the document room can find, one named function each.

In: the place and the words involved. Out: a `Diagnostic` in both languages.
Invariants: codes E101 to E149; each has one meaning and is never reused. E101-E119 a file as text
and as YAML, E120-E139 its shape, E140-E149 what files and overlays say together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mianshen.catalogue import diagnostic
from mianshen.source import (
    Diagnostic,
    Message,
    Span,
    is_key,
    perhaps,
    suggestion,
    without_identity_numbers,
)

Also = tuple[tuple[Span, Message], ...]


def shown(text: str) -> str:
    """A piece of the user's text, short, on one line and without digits that may be an identity number."""
    line = without_identity_numbers(" ".join(text.split()))
    return line if len(line) <= 40 else line[:37] + "..."


# A file as text


def not_utf8(span: Span, content: bytes) -> Diagnostic:
    what = ("从这里起不是 UTF-8 编码", "from here on the file is not UTF-8")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        what = ("文件是 UTF-16 编码", "the file is UTF-16")
    return diagnostic("E102.not_utf8", span, what=what)


def refused_character(span: Span, char: str) -> Diagnostic:
    name = f"U+{ord(char):04X}"
    return diagnostic("E103.refused_character", span, name=name, escaped=_escaped(char))


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


# A file as YAML


def syntax(span: Span, what: Message, fix: Message, also: Also = ()) -> Diagnostic:
    """Not YAML, in a way `what` tells."""
    return Diagnostic("E106", span, what, fix, also)


def doubled_key(span: Span, key: str, first: Span) -> Diagnostic:
    """A key that may be somebody's data is not repeated."""
    zh, en = (shown(key), shown(key)) if is_key(key, ()) else ("这一项", "this key")
    return diagnostic(
        "E111.doubled_key",
        span,
        also=((first, Message("第一次在这里", "first written here")),),
        names=Message(zh, en),
    )


def unknown_alias(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    quoted = Message("以 * 开头的文字要加引号", "Put text that begins with * in quotes")
    fix = suggestion(name, known, Message("已有的锚点", "The anchors so far are"), otherwise=quoted)
    return diagnostic("E112.unknown_alias", span, fix=fix, name=name)


# The shape of a file


def wrong_kind(span: Span, expected: Message, actual: Message) -> Diagnostic:
    return diagnostic("E120.wrong_kind", span, expected=expected, found=actual)


def unknown_key(span: Span, key: str, known: Iterable[str]) -> Diagnostic:
    fix = suggestion(key, known, Message("可用的键", "The keys here are"))
    key = shown(key)
    return diagnostic("E121.unknown_key", span, fix=fix, key_name=key)


def missing_key(span: Span, key: str, example: str) -> Diagnostic:
    """`example` is a value the key may have, or empty."""
    such_zh, such_en = (f"，例如 {key}: {example}", f", such as {key}: {example}") if example else ("", "")
    return diagnostic("E122.missing_key", span, key_name=key, such=Message(such_zh, such_en))


def empty_value(span: Span, key: str) -> Diagnostic:
    of = f" {shown(key)} " if key else ""
    return diagnostic(
        "E123.empty_value", span, what=(f"{of}没有写值".strip(), f"{shown(key) or 'the item'} has no value")
    )


def bad_name(span: Span, name: str) -> Diagnostic:
    better = _snake_case(name)
    such_zh, such_en = (f"，例如 {better}", f", such as {better}") if better else ("", "")
    return diagnostic("E124.bad_name", span, name=shown(name), such=Message(such_zh, such_en))


def _snake_case(name: str) -> str:
    """`totalCost`, `total-cost` as `total_cost`; empty when that gives no name."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[\s-]+", "_", name.strip()).lower()
    return words if re.fullmatch("[a-z][a-z0-9_]{0,39}", words) else ""


def not_one_of(span: Span, written: str, allowed: Iterable[str]) -> Diagnostic:
    fix = suggestion(written, allowed, Message("可写", "Write one of"))
    return diagnostic("E125.not_one_of", span, fix=fix, written=shown(written))


def not_a_flag(span: Span, written: str) -> Diagnostic:
    meant = {"yes": "true", "on": "true", "1": "true", "y": "true", "t": "true", "是": "true"}
    meant |= {"no": "false", "off": "false", "0": "false", "n": "false", "f": "false", "否": "false"}
    word = written.strip().lower()
    answer = word if word in ("true", "false") else meant.get(word)
    return diagnostic(
        "E127.not_a_flag",
        span,
        fix=(f"写 {answer}", f"Write {answer}") if answer else ("写 true 或 false", "Write true or false"),
        written=shown(written),
    )


def defined_twice(span: Span, name: str, first: Span) -> Diagnostic:
    also = ((first, Message("第一次在这里", "first defined here")),)
    return diagnostic("E131.defined_twice", span, also=also, name=shown(name))


# What files and overlays say together


def exists_already(span: Span, name: str, first: Span, *, replaceable: bool) -> Diagnostic:
    fix = ("要替换它，写在 replace 下", "To change it, write it under replace")
    return diagnostic(
        "E141.exists_already",
        span,
        fix=fix if replaceable else ("换一个名称", "Give it another name"),
        also=((first, Message("已在这里定义", "defined here")),),
        name=shown(name),
    )


def nothing_to_replace(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    fix = perhaps(name, known, Message("要新增它，移到 replace 之外", "To add it, move it out of replace"))
    return diagnostic("E142.nothing_to_replace", span, fix=fix, name=shown(name))


def nothing_to_remove(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    fix = perhaps(name, known, Message("从 remove 中删去它", "Delete it from remove"))
    return diagnostic("E143.nothing_to_remove", span, fix=fix, name=shown(name))


def nothing_to_switch_on(span: Span, name: str, planned: Iterable[str]) -> Diagnostic:
    fix = perhaps(name, planned, Message("从 switch_on 中删去它", "Delete it from switch_on"))
    return diagnostic("E144.nothing_to_switch_on", span, fix=fix, name=shown(name))


def nothing_to_set(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    fix = perhaps(
        name, known, Message("要新增它，写在 parameters 下", "To add it, write it under parameters")
    )
    return diagnostic("E147.nothing_to_set", span, fix=fix, name=shown(name))


def overlays_conflict(span: Span, name: str, overlay: str, first: Span) -> Diagnostic:
    also = ((first, Message("前一个方案改在这里", "the earlier overlay changes it here")),)
    return diagnostic("E148.overlays_conflict", span, also=also, name=shown(name), overlay=shown(overlay))
