"""Everything that can be wrong with a workbook or a DMN model read back: a constructor each.

In: the place, the names concerned. Out: a `Diagnostic` in both languages.
"""

from __future__ import annotations

from collections.abc import Collection

from mianshen.catalogue import diagnostic
from mianshen.source import NOWHERE, Diagnostic, Message, Span, nearest


def _perhaps(name: str, known: Collection[str], otherwise: Message) -> Message:
    """The fix for a name that is not known."""
    close = nearest(name, known)
    return otherwise if close is None else Message(f"也许想写 {close}", f"Perhaps {close} is meant")


def no_extra(package: str) -> Diagnostic:
    return diagnostic("E901.no_extra", NOWHERE, package=package)


def unknown_entry(name: str, known: Collection[str]) -> Diagnostic:
    """A name on the command line that no figure, table or code list has."""
    fix = _perhaps(name, known, Message("用 mianshen show 查看名称", "See the names with mianshen show"))
    return diagnostic("E902.unknown_entry", NOWHERE, fix=fix, name=name)


def not_a_workbook(file: str) -> Diagnostic:
    return diagnostic("E903.not_a_workbook", Span(file, 0, 0))


def no_guide(file: str) -> Diagnostic:
    return diagnostic("E904.no_guide", Span(file, 0, 0))


def sheet_missing(span: Span, sheet: str) -> Diagnostic:
    return diagnostic("E905.sheet_missing", span, sheet=sheet)


def unknown_sheet(span: Span, known: Collection[str]) -> Diagnostic:
    return diagnostic("E906.unknown_sheet", span, known=", ".join(sorted(known)))


def sheet_twice(span: Span, sheet: str) -> Diagnostic:
    return diagnostic("E907.sheet_twice", span, sheet=sheet)


def too_large(span: Span, rows: int, columns: int) -> Diagnostic:
    return diagnostic("E908.too_large", span, rows=rows, columns=columns)


def column_missing(span: Span, name: str) -> Diagnostic:
    return diagnostic("E909.column_missing", span, name=name)


def unknown_column(span: Span, name: str, known: Collection[str]) -> Diagnostic:
    fix = _perhaps(
        name, known, Message("删去该列，备注写在 note 列", "Delete the column; remarks go into note")
    )
    return diagnostic("E910.unknown_column", span, fix=fix, name=name or "''")


def column_twice(span: Span, name: str) -> Diagnostic:
    return diagnostic("E911.column_twice", span, name=name)


def formula(span: Span) -> Diagnostic:
    return diagnostic("E912.formula", span)


def merged(span: Span) -> Diagnostic:
    return diagnostic("E913.merged", span)


def error_value(span: Span, text: str) -> Diagnostic:
    return diagnostic("E914.error_value", span, text=text)


def uncertain_number(span: Span, text: str) -> Diagnostic:
    return diagnostic("E915.uncertain_number", span, text=text)


def date_serial(span: Span, text: str, day: str) -> Diagnostic:
    return diagnostic("E916.date_serial", span, text=text, day=day)


def turned_into_date(span: Span, text: str) -> Diagnostic:
    return diagnostic("E917.turned_into_date", span, text=text)


def read_only(span: Span, before: str) -> Diagnostic:
    return diagnostic("E918.read_only", span, before=before or "''")


def duplicate_row(span: Span, first: Span) -> Diagnostic:
    also = ((first, Message("另一行在此", "the other row is here")),)
    return diagnostic("E919.duplicate_row", span, also=also)


def unknown_name(span: Span, name: str, known: Collection[str]) -> Diagnostic:
    """A row of a figure or code list that the rulebook does not have."""
    fix = _perhaps(
        name, known, Message("新的参数和代码表写在 YAML 里", "New figures and code lists are written in YAML")
    )
    return diagnostic("E920.unknown_name", span, fix=fix, name=name)


def rows_gone(span: Span, name: str) -> Diagnostic:
    return diagnostic("E921.rows_gone", span, name=name)


def stale(span: Span, sheet: str) -> Diagnostic:
    """Both the sheet and the rulebook were changed since the sheet was written."""
    return diagnostic("E922.stale", span, sheet=sheet)


def no_longer_cited(span: Span, name: str) -> Diagnostic:
    """A warning: a figure was changed, the clause it is cited from was not."""
    return diagnostic("E923.no_longer_cited", span, name=name)


def unknown_decision(name: str, known: Collection[str]) -> Diagnostic:
    fix = _perhaps(name, known, Message("用 mianshen show 查看名称", "See the names with mianshen show"))
    return diagnostic("E924.unknown_decision", NOWHERE, fix=fix, name=name)


# -- DMN ---------------------------------------------------------------------------------------------


def not_xml(span: Span) -> Diagnostic:
    return diagnostic("E930.not_xml", span)


def doctype(span: Span) -> Diagnostic:
    """A DOCTYPE, which may declare entities."""
    return diagnostic("E931.doctype", span)


def not_dmn(span: Span) -> Diagnostic:
    return diagnostic("E932.not_dmn", span)


def unsupported(span: Span, tag: str) -> Diagnostic:
    return diagnostic("E933.unsupported", span, tag=tag)


def hit_policy(span: Span, policy: str) -> Diagnostic:
    return diagnostic("E934.hit_policy", span, policy=policy)


def several_outputs(span: Span, name: str) -> Diagnostic:
    return diagnostic("E935.several_outputs", span, name=name)


def no_type(span: Span, name: str) -> Diagnostic:
    return diagnostic("E936.no_type", span, name=name)


def unusable_type(span: Span, type_: str) -> Diagnostic:
    return diagnostic("E937.unusable_type", span, type=type_)


def null_first(span: Span) -> Diagnostic:
    return diagnostic("E938.null_first", span)


def other_language(span: Span, language: str) -> Diagnostic:
    return diagnostic("E939.other_language", span, language=language)


def nothing_written(span: Span, tag: str) -> Diagnostic:
    return diagnostic("E940.nothing_written", span, tag=tag)


def no_name(span: Span, tag: str) -> Diagnostic:
    return diagnostic("E941.no_name", span, tag=tag)


def no_decisions(span: Span) -> Diagnostic:
    return diagnostic("E942.no_decisions", span)
