"""Every mistake of life events, one named function each.

In: the place and the words involved. Out: a `Diagnostic` in both languages.
Invariants: codes E601 to E639, each with one meaning and never reused; E601-E609 end the run, those from
E610 on refuse one event (`REASONS` names why, for the list of rejects). No fact's value is repeated.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Message, Span, nearest, unlined

Words = tuple[str, str]  # Chinese, English

REASONS: Final[Mapping[str, str]] = {
    "E610": "malformed",
    "E611": "unknown_field",
    "E612": "required",
    "E613": "unknown_type",
    "E614": "not_of_this_type",
    "E615": "number_taken",
    "E616": "unknown_person",
    "E617": "person_rejected",
    "E618": "after_as_of",
    "E619": "undecidable",
}
_MOST_LISTED: Final = 40


def _listed(names: Iterable[str]) -> Words:
    listed = list(names)
    more = ("等", ", …") if len(listed) > _MOST_LISTED else ("", "")
    shown = listed[:_MOST_LISTED]
    return "、".join(shown) + more[0], ", ".join(shown) + more[1]


# The run cannot be made


def no_durable_rules() -> Diagnostic:
    version = platform.python_version()
    return diagnostic("E601.no_durable_rules", unlined("watch"), version=version)


def journal_unusable(file: str, why: str) -> Diagnostic:
    return diagnostic("E604.journal_unusable", unlined(file), why=why)


def no_event_types(name: str) -> Diagnostic:
    return diagnostic("E606.no_event_types", unlined(name))


def unknown_form(file: str, known: Iterable[str]) -> Diagnostic:
    zh, en = _listed(known)
    return diagnostic("E608.unknown_form", unlined(file), names=Message(zh, en))


# One event is refused


def malformed(span: Span, why: Words) -> Diagnostic:
    return diagnostic("E610.malformed", span, why=Message(*why))


def unknown_field(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    names = list(known)
    close = nearest(name, names)
    zh, en = _listed(names)
    return diagnostic(
        "E611.unknown_field",
        span,
        fix=(f"也许想写 {close}", f"Perhaps {close} is meant")
        if close
        else (f"可用的有：{zh}", f"It takes: {en}"),
        name=name,
    )


def unknown_type(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    names = list(known)
    close = nearest(name, names)
    zh, en = _listed(names)
    return diagnostic(
        "E613.unknown_type",
        span,
        fix=(f"也许想写 {close}", f"Perhaps {close} is meant")
        if close
        else (f"可用的有：{zh}", f"Known are: {en}"),
        name=name,
    )


def not_of_this_type(span: Span, name: str, type_: str, own: Iterable[str]) -> Diagnostic:
    names = list(own)
    zh, en = _listed(names)
    return diagnostic(
        "E614.not_of_this_type",
        span,
        fix=(f"它可带：{zh}", f"It may give: {en}") if names else ("删去这一项", "Leave it out"),
        type=type_,
        name=name,
    )


def number_taken(span: Span, other: Span | None) -> Diagnostic:
    also = [] if other is None else [(other, Message("另一处在这里", "the other one is here"))]
    return diagnostic("E615.number_taken", span, also=tuple(also))


def person_rejected(span: Span, field: str, reason: str) -> Diagnostic:
    where = f"{field}: {reason}" if field else reason
    return diagnostic("E617.person_rejected", span, where=where)


def undecidable(span: Span, why: Message) -> Diagnostic:
    return diagnostic("E619.undecidable", span, why=why)
