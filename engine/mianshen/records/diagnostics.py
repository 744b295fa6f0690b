"""Every mistake a record can hold, one named function each.

In: the place and the words involved. Out: a `Diagnostic` in both languages.
Invariants: codes E401 to E449, each with one meaning and never reused; E401-E419 a record that cannot
be read, E420-E449 a row that is rejected (`REASONS` names why, for rejects). The value of a personal
fact is never repeated: such a value comes in as None.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from mianshen.document.diagnostics import listed, shown
from mianshen.places import nearest_places, shown_place
from mianshen.source import Diagnostic, Message, Span, is_key, may_name_a_person, nearest

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


def _mistake(code: str, span: Span, what: Words, fix: Words, *also: tuple[Span, Message]) -> Diagnostic:
    return Diagnostic(code, span, Message(*what), Message(*fix), also)


def _worded(named: Named) -> Message:
    return Message(named, named) if isinstance(named, str) else named


# A record that cannot be read


def no_record(file: str) -> Diagnostic:
    return _mistake(
        "E401",
        Span(file, 1, 1),
        ("文件里没有核定材料", "the file holds no record"),
        ("写入至少一份核定材料，见 README", "Write at least one record in it; the README shows one"),
    )


def wrong_shape(span: Span, name: Named, wanted: Words) -> Diagnostic:
    said = _worded(name)
    return _mistake(
        "E402",
        span,
        (f"{said.zh} 应是{wanted[0]}", f"{said.en} must be {wanted[1]}"),
        (f"改写成{wanted[0]}", f"Write it as {wanted[1]}"),
    )


def unknown_key(span: Span, name: str, where: Named, known: Iterable[str]) -> Diagnostic:
    """A key that may be somebody's data is not repeated."""
    names = list(known)
    home = _worded(where)
    close = nearest(name, names)
    zh, en = listed(names, 40)
    key = Message(f" {shown(name)} ", shown(name)) if is_key(name, names) else Message("", "such key")
    return _mistake(
        "E403",
        span,
        (f"{home.zh} 里没有{key.zh}这一项", f"there is no {key.en} in {home.en}"),
        (f"也许想写 {close}", f"Perhaps {close} is meant")
        if close
        else (f"可用的有：{zh}", f"It takes: {en}"),
    )


def wrong_type(span: Span, kind: str) -> Diagnostic:
    """A Python value of a type that no record holds."""
    return _mistake(
        "E408",
        span,
        (f"不接受类型为 {kind} 的值", f"a value of type {kind} is not taken"),
        (
            "请写成 str、int、decimal.Decimal、datetime.date、bool、None、列表或字典；金额不用 float",
            "Give a str, int, decimal.Decimal, datetime.date, bool, None, a list or a mapping; never a float for money",
        ),
    )


def several_records(file: str, count: int) -> Diagnostic:
    return _mistake(
        "E409",
        Span(file, 1, 1),
        (f"这里有 {count} 份核定材料，只能给一份", f"there are {count} records here where one is wanted"),
        ("请逐份核定", "Check them one by one"),
    )


def misplaced_key(span: Span, name: str, where: Named, home: Named) -> Diagnostic:
    here, there = _worded(where), _worded(home)
    return _mistake(
        "E404",
        span,
        (f"{name} 不写在 {here.zh} 里", f"{name} does not belong in {here.en}"),
        (f"把它移到 {there.zh}", f"Move it to {there.en}"),
    )


def missing_part(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E405",
        span,
        (f"缺少 {name}", f"{name} is missing"),
        (f"加上 {name}: {{...}}", f"Add {name}: {{...}}"),
    )


def no_day(span: Span) -> Diagnostic:
    return _mistake(
        "E406",
        span,
        ("没有 as_of，不知按哪一天核定", "as_of is missing: the day the case is decided for"),
        ("加上 as_of: 2026-11-21 这样的一行", "Add a line like as_of: 2026-11-21"),
    )


def bad_day(span: Span, text: str) -> Diagnostic:
    value = None if may_name_a_person(text) else text
    return _mistake(
        "E407",
        span,
        _holds("as_of", value, "不是日期", "is not a date"),
        ("写成 2026-11-21 的样子", "Write it like 2026-11-21"),
    )


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
    return _mistake("E420", span, _holds(name, value, "不是数值", "is not a number"), fix)


def too_many_decimals(span: Span, name: str, value: str | None, most: int) -> Diagnostic:
    zh, en = (f"最多 {most} 位小数", f"{most} decimals") if most else ("整数", "a whole number")
    return _mistake(
        "E421",
        span,
        _holds(name, value, "小数位太多", "has too many decimals"),
        (f"只写{zh}", f"Write {'at most ' if most else ''}{en}"),
    )


def out_of_range(span: Span, name: str, value: str | None, low: object, high: object) -> Diagnostic:
    return _mistake(
        "E422",
        span,
        _holds(name, value, "超出范围", "is out of range"),
        (f"应在 {low} 到 {high} 之间", f"It lies from {low} to {high}"),
    )


def bare_negative(mistake: Diagnostic, reverses: str) -> Diagnostic:
    """An amount below zero in a row that could say what it voids, and does not."""
    refund = Message(
        f"{mistake.fix.zh}；冲销或退费请在 {reverses} 写明所冲销记录的编号（或由 --mapping 的退费标志剔除），金额不必写",
        f"{mistake.fix.en}; a refund names the row it cancels in {reverses}, or the refund flag of a --mapping leaves it out, "
        "and needs no amounts",
    )
    return replace(mistake, fix=refund)


def bad_date(span: Span, name: str, value: str | None, better: str | None) -> Diagnostic:
    fix = _instead(
        better, "写成 2026-11-21 的样子，未知则写 null", "Write it like 2026-11-21, or null when unknown"
    )
    return _mistake("E423", span, _holds(name, value, "不是日期", "is not a date"), fix)


def bad_code(span: Span, name: str, value: str | None, codes: Mapping[str, Message]) -> Diagnostic:
    """`codes` are the values there are, with their labels."""
    close = None if value is None else _nearest_code(value, codes)
    zh, en = listed([f"{code}（{label.zh}）" for code, label in codes.items()])[0], listed(codes)[1]
    fix = (f"可用的有：{zh}", f"It takes: {en}") if close is None else _instead(close, "", "")
    if close is None and value is not None and may_name_a_person(value):
        value = None
    return _mistake("E424", span, _holds(name, value, "不是可用的代码", "is not one of its codes"), fix)


def _nearest_code(value: str, codes: Mapping[str, Message]) -> str | None:
    labels = {label.zh: code for code, label in codes.items()}
    close = nearest(value, [*codes, *labels]) or nearest(value.lower(), codes)
    return close if close is None or close in codes else f"{close} ({labels[close]})"


def bad_area(span: Span, name: str, value: str | None) -> Diagnostic:
    """`value` names no place, or more than one: those it may mean are given."""
    near = () if value is None else nearest_places(value)
    fix = (
        "写行政区划代码或全称，如 310113 或 上海市宝山区",
        "Write an area code or a full name, such as 310113 or 上海市宝山区",
    )
    if near:
        fix = (
            f"也许指{'、'.join(map(shown_place, near))}",
            f"Perhaps {' or '.join(shown_place(code, 'en') for code in near)} is meant",
        )
    return _mistake("E425", span, _holds(name, value, "不是一个行政区划", "names no area"), fix)


def bad_boolean(span: Span, name: str, value: str | None) -> Diagnostic:
    return _mistake(
        "E426",
        span,
        _holds(name, value, "不是 true 或 false", "is neither true nor false"),
        ("写 true、false、是 或 否，未知则写 null", "Write true or false, or null when unknown"),
    )


def empty(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E427",
        span,
        (f"{name} 是空文字", f"{name} is an empty text"),
        ("未知请写 null", "Write null when it is unknown"),
    )


def invisible(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E448",
        span,
        (f"{name} 中间有不可见的字符", f"{name} has an invisible character inside it"),
        ("删去该字符，重新录入这个编号", "Remove it, or type the number again"),
    )


def bad_identity_number(span: Span, name: str) -> Diagnostic:
    """Never repeats the number."""
    return _mistake(
        "E446",
        span,
        (
            f"{name} 不是居民身份证号码（位数、出生日期或校验码不符）",
            f"{name} is no resident identity number: its length, date or check digit is wrong",
        ),
        (
            "请核对；若由电子表格另存，末位可能已变成 0，应按文本格式重新导出",
            "Compare it; a spreadsheet turns its last digits into 0: export the column as text",
        ),
    )


def spoilt_number(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E447",
        span,
        (f"{name} 被电子表格写成了科学计数", f"{name} was turned into 1E+17 by a spreadsheet"),
        ("数字已丢失，请按文本格式重新导出该列", "Its digits are lost: export the column again as text"),
    )


def total_row(span: Span, name: str) -> Diagnostic:
    return _mistake(
        "E449",
        span,
        (f"{name} 是“合计”一类的字样，这是合计行", f"{name} says total: this is a row of totals"),
        ("请删去合计行再核定", "Remove the row of totals from the file"),
    )


def required(span: Span, name: str, where: str) -> Diagnostic:
    return _mistake(
        "E428",
        span,
        (f"{where} 缺少必填的 {name}", f"{name} is missing, and every {where} needs one"),
        (f"补上 {name}", f"Add {name}"),
    )


def duplicate(span: Span, name: str, value: str | None, other: Span) -> Diagnostic:
    written = "" if value is None else f" {shown(value)}"
    return _mistake(
        "E429",
        span,
        (f"{name}{written} 重复出现", f"{name}{written} is used more than once"),
        ("每条记录用各自的编号", "Give each row a number of its own"),
        (other, Message("另一处在这里", "another one is here")),
    )


def other_parent(span: Span, name: str, owner: str) -> Diagnostic:
    return _mistake(
        "E430",
        span,
        (f"{name} 与所属 {owner} 的编号不一致", f"{name} is not that of the {owner} it stands under"),
        ("改成一致，或删去这一项", "Make them agree, or leave it out"),
    )


def after_day(span: Span, name: str, value: dt.date, day: dt.date) -> Diagnostic:
    return _mistake(
        "E431",
        span,
        (
            f"{name} {value} 晚于核定日 {day}",
            f"{name} {value} is later than {day}, the day the case is decided for",
        ),
        ("更正日期，或改用更晚的 as_of", "Correct the date, or decide for a later as_of"),
    )


def failed_check(span: Span, title: Message, text: str) -> Diagnostic:
    """A condition of the vocabulary that no row may fail; `text` is its formula."""
    return _mistake("E432", span, (title.zh, title.en), (f"应满足 {text}", f"It must hold that {text}"))


def too_few_said(span: Span, name: str, said: int, given: int) -> Diagnostic:
    """A count that is less than the rows given, which contradict it."""
    what = (f"{name} 为 {said}，但给出了 {given} 条", f"{name} is {said}, and {given} are given")
    return _mistake("E432", span, what, ("请更正其中之一", "Correct one of them"))


def not_decided(span: Span, reason: str, what: Message) -> Diagnostic:
    """A row that deciding itself refused; `what` is the interpreter's own sentence."""
    return _mistake(CODES[reason], span, (what.zh, what.en), _MENDED.get(reason, _LOOK))


def reverses_nothing(span: Span, name: str, value: str | None, entity: str) -> Diagnostic:
    what = _holds(
        name, value, f"不是本人另一条可冲销的 {entity}", f"is no other {entity} of this person to cancel"
    )
    fix = (
        "请写本人一条未重复、本身不是冲销的记录的编号",
        "Name one that is there once and cancels none itself",
    )
    return _mistake("E442", span, what, fix)


def already_reversed(span: Span, name: str, value: str | None, elsewhere: Span) -> Diagnostic:
    what = _holds(name, value, "已被另一条记录冲销", "is cancelled by another row already")
    also = (elsewhere, Message("冲销它的记录", "cancelled here"))
    return _mistake("E443", span, what, ("请去掉其中一条", "Take one of them out"), also)
