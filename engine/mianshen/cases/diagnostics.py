"""Every mistake in what a case says it expects, one named function each.

In: the place and the words involved. Out: a `Diagnostic` in both languages.
Invariants: codes E450 to E469, each with one meaning and never reused; the record in a case has the
mistakes of any record.
"""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.source import Diagnostic, Message, Span, nearest

MOST_LISTED = 12  # names in one sentence


def _known(name: str, known: Iterable[str]) -> Message:
    """The name that must be meant, or the names there are."""
    known = list(dict.fromkeys(known))
    if close := nearest(name, known):
        return Message(f"也许想写 {close}", f"Perhaps {close} is meant")
    if not known:
        return Message("删去它", "Delete it")
    zh, en = "、".join(known[:MOST_LISTED]), ", ".join(known[:MOST_LISTED])
    if len(known) > MOST_LISTED:
        zh, en = zh + "等", en + ", …"
    return Message(f"可用：{zh}", f"Known are: {en}")


def wrong_shape(span: Span, name: str, wanted: Message) -> Diagnostic:
    what = Message(f"{name} 应为{wanted.zh}", f"{name} must be {wanted.en}")
    return Diagnostic("E450", span, what, Message("请改成这种形式", "Write it in that form"))


def unknown_key(span: Span, key: str, where: Message, known: Iterable[str]) -> Diagnostic:
    what = Message(f"{where.zh}中没有 {key}", f"there is no {key} in {where.en}")
    return Diagnostic("E451", span, what, _known(key, known))


def no_name(span: Span) -> Diagnostic:
    what = Message("案例没有可用的名称", "the case has no usable name")
    fix = Message("请写 name: 小写字母、数字和下划线", "Write name: in small letters, digits and underscores")
    return Diagnostic("E452", span, what, fix)


def same_name(span: Span, name: str, other: Span) -> Diagnostic:
    what = Message(f"本文件已有案例 {name}", f"the file already has a case {name}")
    also = ((other, Message("另一个在此", "the other one is here")),)
    return Diagnostic("E453", span, what, Message("请另取名称", "Give it another name"), also)


def nothing_expected(span: Span, name: str) -> Diagnostic:
    what = Message(f"案例 {name} 没有预期结果", f"the case {name} expects nothing")
    return Diagnostic("E454", span, what, Message("请写 expect:", "Write expect:"))


def unknown_row(span: Span, key: str, entity: str, known: Iterable[str]) -> Diagnostic:
    what = Message(f"案例中没有 {entity} {key}", f"the case has no {entity} {key}")
    return Diagnostic("E455", span, what, _known(key, known))


def bad_value(span: Span, text: str, wanted: Message) -> Diagnostic:
    what = Message(f"“{text}”不是{wanted.zh}", f'"{text}" is not {wanted.en}')
    fix = Message(f"请写{wanted.zh}、unknown 或 not_modelled", f"Write {wanted.en}, unknown or not_modelled")
    return Diagnostic("E456", span, what, fix)


def unknown_status(span: Span, text: str, known: Iterable[str]) -> Diagnostic:
    what = Message(f"没有 {text} 这种状态", f"there is no status {text}")
    return Diagnostic("E457", span, what, _known(text, known))


def unknown_missing(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    what = Message(f"没有名为 {name} 的事实", f"no fact is named {name}")
    return Diagnostic("E458", span, what, _known(name, known))


def unknown_reason(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    what = Message(f"没有条款 {name}", f"there is no provision {name}")
    return Diagnostic("E459", span, what, _known(name, known))


def no_overlay_file(span: Span, name: str) -> Diagnostic:
    what = Message(f"没有文件 {name}", f"there is no file {name}")
    fix = Message("路径从案例文件所在的文件夹算起", "The path starts at the folder of the case file")
    return Diagnostic("E461", span, what, fix)


def no_cases(file: str) -> Diagnostic:
    what = Message("文件中没有案例", "the file holds no cases")
    return Diagnostic("E462", Span(file, 1, 1), what, Message("请写 cases: [...]", "Write cases: [...]"))


def no_files(path: str) -> Diagnostic:
    what = Message("文件夹中没有案例文件", "the folder holds no case files")
    return Diagnostic("E463", Span(path, 1, 1), what, Message("请给出案例文件", "Name a case file"))


def rows_unknown(span: Span, name: str) -> Diagnostic:
    what = Message(f"案例 {name} 有一份列表写作 null", f"a list of the case {name} is null")
    fix = Message("请列出各行，没有则写 []", "List its rows, or write [] for none")
    return Diagnostic("E464", span, what, fix)
