"""What can be wrong with a mapping of columns: one constructor a mistake, codes E550 to E569, never reused."""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.document.diagnostics import listed, shown
from mianshen.source import Diagnostic, Message, Span, nearest

Words = tuple[str, str]  # Chinese, English


def _mistake(code: str, span: Span, what: Words, fix: Words) -> Diagnostic:
    return Diagnostic(code, span, Message(*what), Message(*fix))


def _meant(name: str, known: Iterable[str]) -> Words:
    names = list(known)
    close = nearest(name, names)
    if close is not None:
        return f"也许想写 {close}", f"Perhaps {close} is meant"
    zh, en = listed(names)
    return f"可用的有：{zh}", f"It takes: {en}"


def unknown_key(span: Span, name: str, where: str, known: Iterable[str]) -> Diagnostic:
    what = (f"{where} 里没有 {shown(name)} 这一项", f"there is no {shown(name)} in {where}")
    return _mistake("E550", span, what, _meant(name, known))


def wrong_shape(span: Span, name: str, wanted: Words) -> Diagnostic:
    return _mistake(
        "E551",
        span,
        (f"{name} 应是{wanted[0]}", f"{name} must be {wanted[1]}"),
        (f"改写成{wanted[0]}", f"Write it as {wanted[1]}"),
    )


def unknown_fact(span: Span, name: str, entity: str, known: Iterable[str]) -> Diagnostic:
    what = (f"{entity} 没有 {shown(name)} 这个事实", f"{entity} has no fact {shown(name)}")
    return _mistake("E552", span, what, _meant(name, known))


def given_twice(span: Span, fact: str) -> Diagnostic:
    return _mistake(
        "E553",
        span,
        (f"{fact} 给出了两次", f"{fact} is given twice"),
        ("请只保留一处", "Keep one of them"),
    )


def no_such_column(span: Span, name: str, file: str, known: Iterable[str]) -> Diagnostic:
    """`known`: the columns that the file has; none where its first line may be no header."""
    names = list(known)
    what = (f"文件 {file} 没有 {shown(name)} 这一列", f"the file {file} has no column {shown(name)}")
    header = (
        "请检查首行是不是列名，之前有标题行可用 title_lines 跳过",
        "Check that its first line names the columns; title_lines skips a title",
    )
    return _mistake("E554", span, what, _meant(name, names) if names else header)


def bad_format(span: Span, text: str) -> Diagnostic:
    return _mistake(
        "E555",
        span,
        (f"{shown(text)} 不是日期格式", f"{shown(text)} is no date format"),
        (
            "用 yyyy、mm 或 m、dd 或 d 各写一次，时刻用 hh、mi、ss，如 yyyymmdd、yyyy/m/d hh:mi:ss；或写 timestamp、excel",
            "Write yyyy, mm or m, dd or d once each, perhaps hh, mi, ss, such as yyyy/m/d hh:mi; or timestamp, or excel",
        ),
    )


def bad_unit(span: Span, text: str, known: Iterable[str]) -> Diagnostic:
    what = (f"没有 {shown(text)} 这个单位", f"there is no unit {shown(text)}")
    return _mistake("E556", span, what, _meant(text, known))


def unfit(span: Span, name: str, fact: str, written: str) -> Diagnostic:
    return _mistake(
        "E557",
        span,
        (
            f"{fact} 的类型是 {written}，不能用 {name} 转换",
            f"{fact} is of type {written}, which {name} does not convert",
        ),
        (f"请去掉 {name}", f"Leave {name} out"),
    )


def not_a_value(span: Span, fact: str, why: Message) -> Diagnostic:
    return _mistake(
        "E558",
        span,
        (f"不是 {fact} 的取值：{why.zh}", f"this is no value of {fact}: {why.en}"),
        ("请写规则库能读的值", "Write a value the vocabulary can read"),
    )


def inexact(span: Span, column: str, found: str) -> Diagnostic:
    return _mistake(
        "E559",
        span,
        (
            f"列 {column} 的类型是 {found}，无法精确转换",
            f"the column {column} is {found}, which cannot be converted exactly",
        ),
        (
            "请导出为文本、整数或 DECIMAL；浮点数可用 floats: shortest",
            "Export it as text, whole numbers or DECIMAL; floats can be read with floats: shortest",
        ),
    )


def one_kind(span: Span) -> Diagnostic:
    return _mistake(
        "E560",
        span,
        (
            "此处应有且只有 column、constant、row、sum、first 之一",
            "exactly one of column, constant, row, sum and first belongs here",
        ),
        ("请只保留一项", "Keep one of them"),
    )


def stray_star(span: Span, text: str) -> Diagnostic:
    return _mistake(
        "E561",
        span,
        (f"{shown(text)} 中的 * 位置不对", f"the star in {shown(text)} is out of place"),
        (
            "* 只能写在开头数字之后，如 11*；其余的值用 other",
            "Write it after a beginning, such as 11*; other gives the value of any other code",
        ),
    )


def bad_part(span: Span, text: str) -> Diagnostic:
    return _mistake(
        "E562",
        span,
        (f"{shown(text)} 没有写明各项的写法", f"{shown(text)} does not say how an entry is written"),
        (
            "先写 code，再写 begin、end，如 code(begin~end)",
            "Write code first, then begin and end, such as code(begin~end)",
        ),
    )


def bad_test(span: Span) -> Diagnostic:
    return _mistake(
        "E563",
        span,
        ("条件应写明一列（或一个事实）和它的值", "a condition names a column, or a fact, and its values"),
        (
            '写成 {column: 列名, is: ["1"]} 或 {fact: 事实, is: [值]}',
            'Write {column: NAME, is: ["1"]} or {fact: NAME, is: [VALUE]}',
        ),
    )


def unknown_mapping(name: str, known: Iterable[str]) -> Diagnostic:
    what = (f"随附的列对照中没有 {shown(name)}", f"no mapping {shown(name)} travels with the rulebook")
    return _mistake("E564", Span(name, 1, 1), what, _meant(name, known))


def circle(span: Span, fact: str) -> Diagnostic:
    return _mistake(
        "E565",
        span,
        (f"{fact} 的条件又要先知道它自己", f"the conditions of {fact} lead back to itself"),
        ("请改为按列判断", "Test a column instead of the fact"),
    )
