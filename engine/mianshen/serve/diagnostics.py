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


def wrong_member(span: Span, name: str, kind: str) -> Diagnostic:
    return diagnostic("E889.wrong_member", span, name=name, kind=kind)


def not_a_store(path: str) -> Diagnostic:
    return diagnostic("E891.not_a_store", Span(path, 0, 0))


def no_such_figure(name: str, known: Sequence[str]) -> Diagnostic:
    near = nearest(name, known)
    fix = None if near is None else (f"是不是 {near}？", f"Did you mean {near}?")
    return diagnostic("E892.no_such_figure", NOWHERE, fix=fix, name=name)


def nothing_to_compare() -> Diagnostic:
    return diagnostic("E893.nothing_to_compare", NOWHERE)


def no_cases() -> Diagnostic:
    return diagnostic("E894.no_cases", NOWHERE)
