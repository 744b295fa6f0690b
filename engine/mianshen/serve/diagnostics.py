"""Every mistake in how a server is started or in what a request says, one named function each.

In: the words involved. Out: a `Diagnostic` in both languages.
Invariant: codes E880 to E899, each with one meaning and never reused.
"""

from __future__ import annotations

from collections.abc import Sequence

from mianshen.catalogue import diagnostic
from mianshen.source import NOWHERE, Diagnostic, Span, nearest


def needs_tls(host: str) -> Diagnostic:
    return diagnostic("E880.needs_tls", NOWHERE, host=host)


def needs_tokens(host: str) -> Diagnostic:
    return diagnostic("E881.needs_tokens", NOWHERE, host=host)


def needs_audit(host: str) -> Diagnostic:
    return diagnostic("E882.needs_audit", NOWHERE, host=host)


def half_a_pair() -> Diagnostic:
    return diagnostic("E883.half_a_pair", NOWHERE)


def no_extra(package: str) -> Diagnostic:
    return diagnostic("E884.no_extra", NOWHERE, package=package)


def bad_token_line(span: Span) -> Diagnostic:
    return diagnostic("E885.bad_token_line", span)


def not_there(path: str) -> Diagnostic:
    return diagnostic("E886.not_there", Span(path, 0, 0))


def no_such_member(span: Span, known: Sequence[str]) -> Diagnostic:
    return diagnostic("E887.no_such_member", span, known=", ".join(known))


def missing_member(span: Span, name: str) -> Diagnostic:
    return diagnostic("E888.missing_member", span, name=name)


def wrong_member(span: Span, name: str, kind: str) -> Diagnostic:
    return diagnostic("E889.wrong_member", span, name=name, kind=kind)


def overlay_by_path(span: Span) -> Diagnostic:
    return diagnostic("E890.overlay_by_path", span)


def not_a_store(path: str) -> Diagnostic:
    return diagnostic("E891.not_a_store", Span(path, 0, 0))


def no_such_figure(name: str, known: Sequence[str]) -> Diagnostic:
    near = nearest(name, known)
    fix = None if near is None else (f"是不是 {near}？", f"Did you mean {near}?")
    return diagnostic("E892.no_such_figure", NOWHERE, fix=fix, name=name)


def not_json(span: Span) -> Diagnostic:
    return diagnostic("E895.not_json", span)


def nothing_to_compare() -> Diagnostic:
    return diagnostic("E893.nothing_to_compare", NOWHERE)


def no_cases() -> Diagnostic:
    return diagnostic("E894.no_cases", NOWHERE)
