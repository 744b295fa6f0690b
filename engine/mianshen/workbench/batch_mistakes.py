"""What can be wrong with a batch's files: one constructor a mistake, its code never reused."""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.source import Diagnostic, Message, Span, nearest


def cannot_read(file: str, en: str, zh: str) -> Diagnostic:
    return Diagnostic(
        "E501",
        Span(file, 1, 1),
        Message(zh=f"文件无法读取：{zh}", en=f"the file cannot be read: {en}"),
        Message(zh="请检查路径和文件格式", en="Check the path and the format"),
    )


def unknown_column(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    near = nearest(name, known)
    fix = (
        Message(zh="请删除该列，或在词汇表中声明", en="Remove the column, or declare it in the vocabulary")
        if near is None
        else Message(zh=f"是否应为 {near}？", en=f"Did you mean {near!r}?")
    )
    return Diagnostic("E502", span, Message(zh=f"未知的列 {name}", en=f"unknown column {name!r}"), fix)


def doubled_column(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "E503",
        span,
        Message(zh=f"列 {name} 出现两次", en=f"the column {name!r} stands twice"),
        Message(zh="请只保留一列", en="Keep one of them"),
    )


def missing_column(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "E504",
        span,
        Message(zh=f"缺少必需的列 {name}", en=f"the required column {name!r} is missing"),
        Message(zh="请补充该列", en="Add the column"),
    )


def wrong_column(span: Span, name: str, found: str, wanted: str) -> Diagnostic:
    return Diagnostic(
        "E505",
        span,
        Message(
            zh=f"列 {name} 的类型为 {found}，无法精确读取",
            en=f"the column {name!r} is {found}, which cannot hold it exactly",
        ),
        Message(zh=f"请改为 {wanted}", en=f"Write it as {wanted}"),
    )


def cannot_write(folder: str, en: str, zh: str) -> Diagnostic:
    return Diagnostic(
        "E506",
        Span(folder, 1, 1),
        Message(zh=f"无法写入：{zh}", en=f"the output cannot be written: {en}"),
        Message(zh="请检查文件夹和磁盘空间", en="Check the folder and the disk"),
    )


def foreign_folder(folder: str) -> Diagnostic:
    return Diagnostic(
        "E507",
        Span(folder, 1, 1),
        Message(zh="输出文件夹中有不属于批处理结果的内容", en="the output folder holds what no batch wrote"),
        Message(zh="请换一个新文件夹", en="Name a new folder"),
    )
