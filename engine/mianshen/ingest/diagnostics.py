"""What can be wrong with a file of records: one constructor a mistake, its code never reused."""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import shown
from mianshen.source import Diagnostic, Message, Span, listed, unlined

Words = tuple[str, str]  # Chinese, English


def cannot_read(span: Span, en: str, zh: str) -> Diagnostic:
    return diagnostic("E501.cannot_read", span, names=Message(zh, en))


def no_header(
    span: Span, key: str, better: int | None = None, mapping: str | None = None, workbook: str | None = None
) -> Diagnostic:
    """`better`: a later line that has the names of columns; `mapping`: the shipped one that names them.

    `workbook`: the name of one of which no sheet was named.
    """
    fix = (
        f"请在第一行写列名，如 {key}；或用 --mapping 对照列名",
        f"Begin the file with a line of column names, such as {key}, or name the columns with --mapping",
    )
    if workbook is not None:
        fix = (
            f"请写明列名所在的工作表，如 {workbook}#表名；或在第一行写列名，如 {key}",
            f"Name the sheet that has them, such as {workbook}#NAME, or begin with a line of column names, such as {key}",
        )
    if better is not None:
        fix = (
            f"列名在第 {better} 行：请删去前面的标题行，或在映射里写 title_lines: {better - 1}",
            f"Line {better} has them: remove the title above, or write title_lines: {better - 1} in a mapping",
        )
    if mapping is not None:
        fix = (
            f"像是随附的对照 {mapping} 所读的导出：请加上 --mapping {mapping}",
            f"It looks like what the shipped mapping {mapping} reads: add --mapping {mapping}",
        )
    return diagnostic("E542.no_header", span, fix=fix)


def unknown_column(span: Span, name: str | None, number: int, near: str | None) -> Diagnostic:
    """`name` is None where the cell may be somebody's data."""
    zh, en = (f"第 {number} 列", f"no. {number}") if name is None else (shown(name), shown(name))
    fix = (
        (
            "请删除该列，在 --mapping 的 ignore 里略过它，或在词汇表中声明",
            "Remove the column, name it under ignore in a --mapping, or declare it in the vocabulary",
        )
        if near is None
        else (f"也许想写 {near}", f"Perhaps {near} is meant")
    )
    return diagnostic("E502.unknown_column", span, fix=fix, names=Message(zh, en))


def doubled_column(span: Span, name: str | None) -> Diagnostic:
    """`name` is None where the cell may be somebody's data."""
    named = "" if name is None else f" {shown(name)}"
    return diagnostic("E503.doubled_column", span, named=named)


def no_such_encoding(written: str, known: Iterable[str], entities: Iterable[str]) -> Diagnostic:
    owners = list(entities)
    return diagnostic(
        "E580.no_such_encoding",
        unlined("--encoding"),
        fix=(
            f"可写 {'、'.join(known)}，或如 {owners[0]}s=gb18030",
            f"It takes {', '.join(known)}, or one input's alone, such as {owners[0]}s=gb18030",
        ),
        written=shown(written),
    )


def ragged(span: Span, wanted: int, count: int) -> Diagnostic:
    """A line with fewer cells than the header (`found`), or with more."""
    zh, en = (f"只有 {count} 列", str(count)) if count < wanted else ("有更多列", "more")
    return diagnostic("E509.ragged", span, wanted=wanted, names=Message(zh, en))


def bad_parquet(span: Span) -> Diagnostic:
    return diagnostic("E513.bad_parquet", span)


def no_sheet(span: Span, sheet: str, sheets: Iterable[str]) -> Diagnostic:
    return diagnostic("E582.no_sheet", span, sheet=shown(sheet), names=listed(sheets, 20))


def bad_workbook(span: Span) -> Diagnostic:
    return diagnostic("E583.bad_workbook", span)


def no_table(address: str, table: str) -> Diagnostic:
    return diagnostic("E536.no_table", unlined(address), table=shown(table))


def bad_database(address: str) -> Diagnostic:
    return diagnostic("E537.bad_database", unlined(address))
