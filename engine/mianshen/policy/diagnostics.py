"""Every doubt that lint has about a sound rulebook: a constructor each.

In: the place, the names concerned. Out: a `Diagnostic` in both languages.
"""

from __future__ import annotations

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Message, Span


def alike(span: Span, name: str, other: str, at: Span) -> Diagnostic:
    """Two provisions of one decision under the same conditions."""
    also = ((at, Message(f"{other} 在此", f"{other} is here")),)
    return diagnostic("E372.alike", span, also=also, name=name, other=other)
