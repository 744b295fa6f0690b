"""What can be wrong with a formula or cell as text: one named constructor for each mistake.

In: the place and the words around it. Out: `Diagnostic` E2xx, in both languages.
Invariant: a code has one meaning and, once given out, keeps it.
"""

from __future__ import annotations

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Span


def empty(span: Span, *, cell: bool) -> Diagnostic:
    if cell:
        fix = ("任意值请写 `-`", "Write `-` for any value")
    else:
        fix = ("请写出公式，或删去这一项", "Write a formula, or leave the entry out")
    return diagnostic("E201.empty", span, fix=fix)


def full_width(span: Span, written: str, ascii_: str) -> Diagnostic:
    """A character that looks like one of the language's; `ascii_` is the one to write, if any."""
    visible = written if written.isprintable() else f"U+{ord(written[0]):04X}"
    fix = {"": ("请删去", "Remove it"), " ": ("请改为半角空格", "Write a plain space")}
    return diagnostic(
        "E205.full_width",
        span,
        fix=fix.get(ascii_, (f"请改为半角 `{ascii_}`", f"Write `{ascii_}`")),
        shown=visible,
    )


def unknown_character(span: Span, written: str) -> Diagnostic:
    visible = written if written.isprintable() else ascii(written)[1:-1]
    return diagnostic("E206.unknown_character", span, shown=visible)


def thousands(span: Span, written: str) -> Diagnostic:
    plain = written.replace(",", "")
    return diagnostic("E211.thousands", span, written=written, plain=plain)


def number_spelling(span: Span, written: str, right: str) -> Diagnostic:
    return diagnostic("E213.number_spelling", span, written=written, right=right)


def quoted_argument(span: Span, function: str) -> Diagnostic:
    example = "2026-01-31" if function == "date" else "P12M"
    return diagnostic("E218.quoted_argument", span, function=function, example=example)
