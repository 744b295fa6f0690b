"""What can be wrong with a mapping of columns: one constructor a mistake, codes E550 to E569, never reused."""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import shown
from mianshen.source import Diagnostic, Message, Span, runs_into_chinese, suggestion, unlined

Words = tuple[str, str]  # Chinese, English


def _meant(name: str, known: Iterable[str]) -> Message:
    return suggestion(name, known, Message("可用的有", "It takes"))


def _key(name: str) -> str:
    """A misspelt key; left out where somebody's name may have run into it, as where a colon is missing."""
    return "…" if any(sign in name for sign in ":：") or runs_into_chinese(name) else shown(name)


def unknown_key(span: Span, name: str, where: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E550.unknown_key", span, fix=_meant(name, known), where=where, name=_key(name))


def wrong_shape(span: Span, name: str, wanted: Words) -> Diagnostic:
    return diagnostic("E551.wrong_shape", span, name=name, wanted=Message(*wanted))


def unknown_fact(span: Span, name: str, entity: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E552.unknown_fact", span, fix=_meant(name, known), entity=entity, name=_key(name))


def no_such_column(span: Span, name: str, file: str, known: Iterable[str]) -> Diagnostic:
    """`known`: the columns that the file has; none where its first line may be no header."""
    names = list(known)
    header = Message(
        "请检查首行是不是列名，之前有标题行可用 title_lines 跳过",
        "Check that its first line names the columns; title_lines skips a title",
    )
    return diagnostic(
        "E554.no_such_column", span, fix=_meant(name, names) if names else header, file=file, name=shown(name)
    )


def bad_unit(span: Span, text: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E556.bad_unit", span, fix=_meant(text, known), text=shown(text))


def unfit(span: Span, name: str, fact: str, written: str) -> Diagnostic:
    return diagnostic("E557.unfit", span, fact=fact, written=written, name=name)


def unknown_mapping(name: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E564.unknown_mapping", unlined(name), fix=_meant(name, known), name=shown(name))
