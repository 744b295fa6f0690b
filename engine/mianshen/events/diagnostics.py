"""Every mistake of life events, one named function each.

In: the place and the words involved. Out: a `Diagnostic` in both languages.
Invariants: codes E601 to E639, each with one meaning and never reused; E601-E609 end the run, those from
E610 on refuse one event (`REASONS` names why, for the list of rejects). No fact's value is repeated.
"""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Iterable, Mapping
from typing import Final

from mianshen.source import Diagnostic, Message, Span, nearest

Words = tuple[str, str]  # Chinese, English

REASONS: Final[Mapping[str, str]] = {
    "E610": "malformed",
    "E611": "unknown_field",
    "E612": "required",
    "E613": "unknown_type",
    "E614": "not_of_this_type",
    "E615": "number_taken",
    "E616": "unknown_person",
    "E617": "person_rejected",
    "E618": "after_as_of",
    "E619": "undecidable",
}
_MOST_LISTED: Final = 40


def _mistake(code: str, span: Span, what: Words, fix: Words, *also: tuple[Span, Message]) -> Diagnostic:
    return Diagnostic(code, span, Message(*what), Message(*fix), also)


def _listed(names: Iterable[str]) -> Words:
    listed = list(names)
    more = ("等", ", …") if len(listed) > _MOST_LISTED else ("", "")
    shown = listed[:_MOST_LISTED]
    return "、".join(shown) + more[0], ", ".join(shown) + more[1]


# The run cannot be made


def no_durable_rules() -> Diagnostic:
    version = platform.python_version()
    return _mistake(
        "E601",
        Span("watch", 1, 1),
        (
            f"这里（Python {version}）无法导入 durable_rules，而生活事件要用它",
            f"durable_rules, which life events need, cannot be imported here (Python {version})",
        ),
        (
            "请用 Python 3.11 或 3.12 并安装 durable-rules",
            "Use Python 3.11 or 3.12 with durable-rules installed",
        ),
    )


def journal_in_use(file: str) -> Diagnostic:
    return _mistake(
        "E602",
        Span(file, 1, 1),
        ("另一次运行正在使用这份日志", "another run is using this journal"),
        ("等它结束，或用 --journal 另指一份", "Wait for it, or name another with --journal"),
    )


def not_a_journal(file: str) -> Diagnostic:
    return _mistake(
        "E603",
        Span(file, 1, 1),
        ("这个文件不是事件日志", "the file is no journal of events"),
        ("用 --journal 另指一个文件", "Name another file with --journal"),
    )


def journal_unusable(file: str, why: str) -> Diagnostic:
    return _mistake(
        "E604",
        Span(file, 1, 1),
        (f"日志无法读写：{why}", f"the journal cannot be read or written: {why}"),
        ("请检查路径、权限和磁盘空间", "Check the path, its permissions and the disk"),
    )


def same_file(file: str) -> Diagnostic:
    return _mistake(
        "E605",
        Span(file, 1, 1),
        ("结果或日志会覆盖输入文件", "the work list or the journal would replace an input"),
        ("请换一个文件名", "Give it another name"),
    )


def no_event_types(name: str) -> Diagnostic:
    return _mistake(
        "E606",
        Span(name, 1, 1),
        (
            "规则库没有代码表 event_type，即没有生活事件",
            "the rulebook has no code list event_type: no life events",
        ),
        ("在词汇表中声明", "Declare it in the vocabulary"),
    )


def cannot_read(file: str, why: str) -> Diagnostic:
    return _mistake(
        "E607",
        Span(file, 1, 1),
        (f"事件文件无法读取：{why}", f"the file of events cannot be read: {why}"),
        ("请检查路径和权限", "Check the path and its permissions"),
    )


def unknown_form(file: str, known: Iterable[str]) -> Diagnostic:
    zh, en = _listed(known)
    return _mistake(
        "E608",
        Span(file, 1, 1),
        ("从结果文件的扩展名看不出格式", "the suffix of the work list names no format"),
        (f"可用的有：{zh}", f"It takes: {en}"),
    )


# One event is refused


def malformed(span: Span, why: Words) -> Diagnostic:
    return _mistake(
        "E610",
        span,
        (f"不是一个事件：{why[0]}", f"not an event: {why[1]}"),
        ('每行写一个完整的 {"event_id": …}', 'Write one whole {"event_id": …} on each line'),
    )


def unknown_field(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    names = list(known)
    close = nearest(name, names)
    zh, en = _listed(names)
    return _mistake(
        "E611",
        span,
        (f"事件没有 {name} 这一项", f"an event has no {name}"),
        (f"也许想写 {close}", f"Perhaps {close} is meant")
        if close
        else (f"可用的有：{zh}", f"It takes: {en}"),
    )


def required(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E612", span, (f"事件缺少 {name}", f"the event has no {name}"), (f"补上 {name}", f"Add {name}")
    )


def unknown_type(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    names = list(known)
    close = nearest(name, names)
    zh, en = _listed(names)
    return _mistake(
        "E613",
        span,
        (f"没有 {name} 这种生活事件", f"there is no life event {name}"),
        (f"也许想写 {close}", f"Perhaps {close} is meant")
        if close
        else (f"可用的有：{zh}", f"Known are: {en}"),
    )


def not_of_this_type(span: Span, name: str, type_: str, own: Iterable[str]) -> Diagnostic:
    names = list(own)
    zh, en = _listed(names)
    return _mistake(
        "E614",
        span,
        (f"{type_} 事件不带 {name}", f"an event {type_} does not give {name}"),
        (f"它可带：{zh}", f"It may give: {en}") if names else ("删去这一项", "Leave it out"),
    )


def number_taken(span: Span, other: Span | None) -> Diagnostic:
    also = [] if other is None else [(other, Message("另一处在这里", "the other one is here"))]
    return _mistake(
        "E615",
        span,
        ("这个 event_id 已用于另一个不同的事件", "this event_id already belongs to a different event"),
        ("每个事件用各自的编号", "Give each event a number of its own"),
        *also,
    )


def unknown_person(span: Span, key: str) -> Diagnostic:
    return _mistake(
        "E616",
        span,
        (f"参保人文件里没有这个 {key}", f"no record has this {key}"),
        ("更正编号，或补上此人的核定材料", "Correct it, or add the person's record"),
    )


def person_rejected(span: Span, field: str, reason: str) -> Diagnostic:
    where = f"{field}: {reason}" if field else reason
    return _mistake(
        "E617",
        span,
        (f"此人的核定材料有误（{where}）", f"the person's record is rejected ({where})"),
        ("先更正核定材料", "Correct the record first"),
    )


def after_day(span: Span, date: dt.date, day: dt.date) -> Diagnostic:
    return _mistake(
        "E618",
        span,
        (
            f"事件日期 {date} 晚于核定日 {day}",
            f"the event of {date} is later than {day}, the day decided for",
        ),
        ("更正日期，或改用更晚的 --as-of", "Correct the date, or decide for a later --as-of"),
    )


def undecidable(span: Span, why: Message) -> Diagnostic:
    return _mistake(
        "E619",
        span,
        (f"事件之后的核定材料无法核定：{why.zh}", f"the record cannot be decided after the event: {why.en}"),
        ("更正事件或核定材料", "Correct the event or the record"),
    )
