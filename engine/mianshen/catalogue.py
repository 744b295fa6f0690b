"""The words of every diagnostic, in both languages: a line each in `diagnostics.tsv`.

In: a key such as `E301.unknown_name`, a place, the values the words hold. Out: a `Diagnostic`.
Invariants: a code, once given out, keeps its meaning; a line holds key, severity, what is wrong in Chinese and in
English, what to do in Chinese and in English; `{name}` stands for a value. An empty text is made by the constructor.
The table is read when the first diagnostic is made. `.ci/diagnostic_codes.py` writes the page of all codes from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple, TypeAlias, cast

from mianshen.source import Diagnostic, Message, Span

Pair: TypeAlias = "Message | tuple[str, str]"  # Chinese, English


class Entry(NamedTuple):
    """A line of the table."""

    severity: Literal["error", "warning"]
    what: Message
    fix: Message


@cache
def catalogue() -> Mapping[str, Entry]:
    """Every line of the table, by key."""
    table = files("mianshen").joinpath("diagnostics.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines())
    return {
        key: Entry(cast("Literal['error', 'warning']", severity), Message(*texts[:2]), Message(*texts[2:]))
        for key, severity, *texts in rows
    }


def diagnostic(
    key: str,
    span: Span,
    *,
    what: Pair | None = None,
    fix: Pair | None = None,
    also: tuple[tuple[Span, Message], ...] = (),
    **values: object,
) -> Diagnostic:
    """The diagnostic of a key; a Message among the values is said in the language of the sentence.

    `what` and `fix` take the place of the table's words where these depend on more than values.
    """
    entry = catalogue()[key]
    return Diagnostic(
        key.split(".", 1)[0],
        span,
        entry.what.filled(**values) if what is None else _message(what),
        entry.fix.filled(**values) if fix is None else _message(fix),
        also,
        entry.severity,
    )


def plain(template: str) -> str:
    """A sentence of the table with the names of its values between angle brackets."""
    named = re.sub(r"(?<!\{)\{(\w+)\}(?!\})", r"<\1>", template)
    return named.replace("{{", "{").replace("}}", "}")


def _message(pair: Pair) -> Message:
    return pair if isinstance(pair, Message) else Message(*pair)
