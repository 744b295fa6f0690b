"""Every doubt that lint has about a sound rulebook: a constructor each.

In: the place, the names concerned. Out: a `Diagnostic` in both languages.
"""

from __future__ import annotations

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Message, Span


def nothing_fed(span: Span, name: str) -> Diagnostic:
    """A total that no provision adds to."""
    return diagnostic("E370.nothing_fed", span, name=name)


def layer_left_out(span: Span, decision: str, layer: str, entity: str) -> Diagnostic:
    return diagnostic("E371.layer_left_out", span, decision=decision, layer=layer, entity=entity)


def alike(span: Span, name: str, other: str, at: Span) -> Diagnostic:
    """Two provisions of one decision under the same conditions."""
    also = ((at, Message(f"{other} 在此", f"{other} is here")),)
    return diagnostic("E372.alike", span, also=also, name=name, other=other)


def never_decides(span: Span, name: str, other: str) -> Diagnostic:
    return diagnostic("E373.never_decides", span, name=name, other=other)


def foreign_docs(folder: str) -> Diagnostic:
    return diagnostic("E794.foreign_docs", Span(folder, 0, 0))


def no_texts(folder: str) -> Diagnostic:
    return diagnostic("E795.no_texts", Span(folder, 0, 0))


def row_never_reached(span: Span, row: str, earlier: str) -> Diagnostic:
    return diagnostic("E374.row_never_reached", span, row_id=row, earlier=earlier)


def always_true(span: Span, name: str, condition: str) -> Diagnostic:
    """A condition that excludes nobody."""
    return diagnostic("E375.always_true", span, name=name, condition=condition)


def ignored_without_reason(span: Span, codes: str) -> Diagnostic:
    return diagnostic("E376.ignored_without_reason", span, codes=codes)


def ignores_nothing(span: Span, codes: str) -> Diagnostic:
    return diagnostic("E376.ignores_nothing", span, codes=codes)
