"""Every mistake a record can hold, one named function each.

In: the place and the words involved. Out: a `Diagnostic` in both languages.
Invariants: codes E401 to E449, each with one meaning and never reused; E401-E419 a record that cannot
be read, E420-E449 a row that is rejected (`REASONS` names why, for rejects). The value of a personal
fact is never repeated: such a value comes in as None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import shown
from mianshen.places import nearest_places, shown_place
from mianshen.source import (
    Diagnostic,
    Message,
    Span,
    is_key,
    listed,
    may_name_a_person,
    nearest,
    runs_into_chinese,
    suggestion,
    unlined,
)

Words = tuple[str, str]  # Chinese, English
Named = str | Message  # a part of a record: a key, or words for what has none
RECORD: Final = Message("核定材料", "the record")
A_RECORD: Final = Message("核定材料", "a record")

REASONS: Final[Mapping[str, str]] = {
    "E420": "bad_number",
    "E421": "too_many_decimals",
    "E422": "out_of_range",
    "E423": "bad_date",
    "E424": "bad_code",
    "E425": "bad_area",
    "E426": "bad_boolean",
    "E427": "empty",
    "E428": "required",
    "E429": "duplicate",
    "E430": "other_parent",
    "E431": "after_as_of",
    "E432": "failed_check",
    "E433": "unknown_parent",
    "E434": "parent_rejected",
    "E435": "conflict",
    "E436": "no_figure",
    "E437": "past_review",
    "E438": "division_by_zero",
    "E439": "overflow",
    "E440": "nothing_to_compare",
    "E441": "undecidable",
    "E442": "reverses_nothing",
    "E443": "already_reversed",
    "E444": "history_unreadable",
    "E446": "bad_identity_number",
    "E447": "spoilt_number",
    "E448": "invisible_character",
    "E449": "total_row",
}
CODES: Final[Mapping[str, str]] = {reason: code for code, reason in REASONS.items()}
_LOOK: Final[Words] = ("请核对这条记录的事实", "Look at what this row says")
_MENDED: Final[Mapping[str, Words]] = {
    "conflict": (
        "请在规则库里把其中一条声明为另一条的例外（exception_to）",
        "Declare one of them the exception_to the other in the rulebook",
    ),
    "no_figure": ("请在规则库里补上这一天的值", "Give the figure a value for that day in the rulebook"),
    "past_review": (
        "请复核该参数，在规则库里更新 review_by",
        "Review the figure, then move its review_by in the rulebook",
    ),
}


def _worded(named: Named) -> Message:
    return Message(named, named) if isinstance(named, str) else named


# A record that cannot be read


def no_record(file: str) -> Diagnostic:
    return diagnostic("E401.no_record", unlined(file))


def wrong_shape(span: Span, name: Named, wanted: Words) -> Diagnostic:
    said = _worded(name)
    return diagnostic("E402.wrong_shape", span, said=said, wanted=Message(*wanted))


def unknown_key(span: Span, name: str, where: Named, known: Iterable[str]) -> Diagnostic:
    """A key that may be somebody's data is not repeated."""
    names = list(known)
    key = Message(f" {shown(name)} ", shown(name)) if is_key(name, names) else Message("", "such key")
    fix = suggestion(name, names, Message("可用的有", "It takes"), most=40)
    return diagnostic("E403.unknown_key", span, fix=fix, home=_worded(where), key_name=key)


def misplaced_key(span: Span, name: str, where: Named, home: Named) -> Diagnostic:
    here, there = _worded(where), _worded(home)
    return diagnostic("E404.misplaced_key", span, name=name, here=here, there=there)


def bad_day(span: Span, text: str) -> Diagnostic:
    value = None if may_name_a_person(text) else text
    return diagnostic("E407.bad_day", span, what=_holds("as_of", value, "不是日期", "is not a date"))


# A row that is rejected


def _holds(name: str, value: str | None, zh: str, en: str) -> Words:
    """`name` holds a value that is not what it should be."""
    if value is None:
        return f"{name} 的值{zh}", f"the value of {name} {en}"
    return f"{name} 的值 {shown(value)} {zh}", f"{name} is {shown(value)}, which {en}"


def _instead(better: str | None, zh: str, en: str) -> Words:
    return (zh, en) if better is None else (f"也许应写 {better}", f"Perhaps {better} is meant")


def bad_number(span: Span, name: str, value: str | None, better: str | None) -> Diagnostic:
    fix = _instead(
        better, "写成 1234.50 的样子，未知则写 null", "Write it like 1234.50, or null when unknown"
    )
    what = _holds(name, value, "不是数值", "is not a number")
    return diagnostic("E420.bad_number", span, what=what, fix=fix)


def too_many_decimals(span: Span, name: str, value: str | None, most: int) -> Diagnostic:
    zh, en = (f"最多 {most} 位小数", f"{most} decimals") if most else ("整数", "a whole number")
    return diagnostic(
        "E421.too_many_decimals",
        span,
        what=_holds(name, value, "小数位太多", "has too many decimals"),
        names=Message(zh, en),
        most="at most " if most else "",
    )


def out_of_range(span: Span, name: str, value: str | None, low: object, high: object) -> Diagnostic:
    return diagnostic(
        "E422.out_of_range", span, what=_holds(name, value, "超出范围", "is out of range"), low=low, high=high
    )


def bare_negative(finding: Diagnostic, reverses: str) -> Diagnostic:
    """An amount below zero in a row that could say what it voids, and does not."""
    refund = Message(
        f"{finding.fix.zh}；冲销或退费请在 {reverses} 写明所冲销记录的编号（或由 --mapping 的退费标志剔除），金额不必写",
        f"{finding.fix.en}; a refund names the row it cancels in {reverses}, or the refund flag of a --mapping leaves it out, "
        "and needs no amounts",
    )
    return replace(finding, fix=refund)


def bad_date(span: Span, name: str, value: str | None, better: str | None) -> Diagnostic:
    fix = _instead(
        better, "写成 2026-11-21 的样子，未知则写 null", "Write it like 2026-11-21, or null when unknown"
    )
    what = _holds(name, value, "不是日期", "is not a date")
    return diagnostic("E423.bad_date", span, what=what, fix=fix)


def bad_code(span: Span, name: str, value: str | None, codes: Mapping[str, Message]) -> Diagnostic:
    """`codes` are the values there are, with their labels."""
    close = None if value is None else _nearest_code(value, codes)
    known = listed((Message(f"{code}（{label.zh}）", code) for code, label in codes.items()), 20)
    fix = (f"可用的有：{known.zh}", f"It takes: {known.en}") if close is None else _instead(close, "", "")
    if value is not None and may_name_a_person(value) and (close is None or runs_into_chinese(value)):
        value = None
    what = _holds(name, value, "不是可用的代码", "is not one of its codes")
    return diagnostic("E424.bad_code", span, what=what, fix=fix)


def _nearest_code(value: str, codes: Mapping[str, Message]) -> str | None:
    labels = {label.zh: code for code, label in codes.items()}
    close = nearest(value, [*codes, *labels]) or nearest(value.lower(), codes)
    return close if close is None or close in codes else f"{close} ({labels[close]})"


def bad_area(span: Span, name: str, value: str | None, written: str | None) -> Diagnostic:
    """`written` names no place, or more than one: those it may mean are given; `value` is what may be repeated of it."""
    near = () if written is None else nearest_places(written)
    fix = (
        "写行政区划代码或全称，如 310113 或 上海市宝山区",
        "Write an area code or a full name, such as 310113 or 上海市宝山区",
    )
    if near:
        fix = (
            f"也许指{'、'.join(map(shown_place, near))}",
            f"Perhaps {' or '.join(shown_place(code, 'en') for code in near)} is meant",
        )
    what = _holds(name, value, "不是一个行政区划", "names no area")
    return diagnostic("E425.bad_area", span, what=what, fix=fix)


def bad_boolean(span: Span, name: str, value: str | None) -> Diagnostic:
    return diagnostic(
        "E426.bad_boolean", span, what=_holds(name, value, "不是 true 或 false", "is neither true nor false")
    )


def total_row(span: Span, name: str) -> Diagnostic:
    return diagnostic("E449.total_row", span, name=name)


def duplicate(span: Span, name: str, value: str | None, other: Span) -> Diagnostic:
    written = "" if value is None else f" {shown(value)}"
    return diagnostic(
        "E429.duplicate",
        span,
        also=((other, Message("另一处在这里", "another one is here")),),
        name=name,
        written=written,
    )


def failed_check(span: Span, title: Message, text: str) -> Diagnostic:
    """A condition of the vocabulary that no row may fail; `text` is its formula."""
    return diagnostic("E432.failed_check", span, what=(title.zh, title.en), text=text)


def not_decided(span: Span, reason: str, words: Message) -> Diagnostic:
    """A row that deciding itself refused; `words` are the interpreter's own sentence."""
    return Diagnostic(CODES[reason], span, words, Message(*_MENDED.get(reason, _LOOK)))


def reverses_nothing(span: Span, name: str, value: str | None, entity: str) -> Diagnostic:
    what = _holds(
        name, value, f"不是本人另一条可冲销的 {entity}", f"is no other {entity} of this person to cancel"
    )
    return diagnostic("E442.reverses_nothing", span, what=what)


def already_reversed(span: Span, name: str, value: str | None, elsewhere: Span) -> Diagnostic:
    what = _holds(name, value, "已被另一条记录冲销", "is cancelled by another row already")
    also = (elsewhere, Message("冲销它的记录", "cancelled here"))
    return diagnostic("E443.already_reversed", span, what=what, also=(also,))
