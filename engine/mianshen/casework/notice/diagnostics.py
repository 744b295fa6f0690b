"""What can be wrong when a notice is asked for: one constructor a mistake, its code never reused.

Codes E740 to E749.
"""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.source import Diagnostic, Message, Span, nearest

_MOST = 24  # names in one sentence


def _known(name: str, known: Iterable[str]) -> Message:
    names = list(dict.fromkeys(known))
    if close := nearest(name, names):
        return Message(f"也许想写 {close}", f"Perhaps {close} is meant")
    if not names:
        return Message("请核对核定材料", "Check the record")
    shown = names[:_MOST]
    more = ("等", ", …") if len(names) > _MOST else ("", "")
    return Message(f"可用：{'、'.join(shown)}{more[0]}", f"Known are: {', '.join(shown)}{more[1]}")


def unknown_benefit(file: str, name: str, known: Iterable[str]) -> Diagnostic:
    what = Message(f"规则库没有待遇 {name}", f"the rulebook has no benefit {name}")
    return Diagnostic("E740", Span(file, 1, 1), what, _known(name, known))


def unknown_row(file: str, key: str, known: Iterable[str]) -> Diagnostic:
    what = Message(f"核定材料中没有编号为 {key} 的费用", f"the record has no claim {key}")
    return Diagnostic("E741", Span(file, 1, 1), what, _known(key, known))


def needs_row(file: str, benefit: str, known: Iterable[str]) -> Diagnostic:
    what = Message(
        f"待遇 {benefit} 按每笔费用核定", f"the benefit {benefit} is decided for each claim by itself"
    )
    names = list(known)
    fix = Message(
        f"请用 --claim 指明一笔：{'、'.join(names[:_MOST])}",
        f"Name one by --claim: {', '.join(names[:_MOST])}",
    )
    return Diagnostic("E742", Span(file, 1, 1), what, fix)


def row_rejected(file: str, entity: Message, why: Message) -> Diagnostic:
    what = Message(f"{entity.zh}已退回：{why.zh}", f"the {entity.en} is rejected: {why.en}")
    return Diagnostic("E743", Span(file, 1, 1), what, Message("请改正后重试", "Correct it and try again"))


def unknown_form(file: str) -> Diagnostic:
    what = Message(
        "告知书只能写成 .html 或 .pdf 文件",
        "a notice is written as an .html or a .pdf file, and this is neither",
    )
    return Diagnostic(
        "E744", Span(file, 1, 1), what, Message("请改用这样的文件名", "Name a file that ends in one of them")
    )


def no_extra(file: str, package: str) -> Diagnostic:
    what = Message(f"写 PDF 需要 {package}，尚未安装", f"a PDF needs {package}, which is not installed")
    fix = Message(
        'pip install "mianshen[notice]"，或改写 .html',
        'pip install "mianshen[notice]", or write an .html file',
    )
    return Diagnostic("E745", Span(file, 1, 1), what, fix)


def several_records(file: str, count: int) -> Diagnostic:
    what = Message(
        f"文件中有 {count} 份核定材料，告知书只写一份",
        f"the file holds {count} records, and a notice is about one",
    )
    return Diagnostic("E746", Span(file, 1, 1), what, Message("请用 --case 指明一份", "Name one by --case"))


def nothing_asked(file: str) -> Diagnostic:
    what = Message("没有指明核定事项", "nothing is asked about")
    return Diagnostic(
        "E747",
        Span(file, 1, 1),
        what,
        Message("请用 --benefit 或 --claim 指明", "Name it by --benefit or --claim"),
    )


def needs_no_row(file: str, benefit: str) -> Diagnostic:
    what = Message(
        f"待遇 {benefit} 不按单笔费用核定", f"the benefit {benefit} is not decided for a single claim"
    )
    return Diagnostic(
        "E748",
        Span(file, 1, 1),
        what,
        Message("请去掉 --claim 或 --benefit", "Leave out --claim or --benefit"),
    )


def cancelled(file: str, key: str, by: str) -> Diagnostic:
    what = Message(
        f"费用 {key} 已被 {by} 冲销，不予核定", f"the claim {key} is cancelled by {by}, and is not decided"
    )
    return Diagnostic("E749", Span(file, 1, 1), what, Message("请改为核定其他费用", "Name another claim"))
