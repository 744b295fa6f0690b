"""Every mistake the program room can find: a constructor each, its code never reused.

In: the place, the names concerned. Out: a `Diagnostic` in both languages.
Invariants: codes E301 to E399, each with one meaning; words are `Message(zh, en)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mianshen.catalogue import diagnostic
from mianshen.places import nearest_places, shown_place
from mianshen.source import Diagnostic, Message, Span, perhaps, suggestion


def _known(name: str, known: Iterable[str]) -> Message:
    return suggestion(name, known, otherwise=Message("请先定义它", "Define it first"), most=12)


# -- formulas ----------------------------------------------------------------------------------------


def unknown_name(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    other = Message("请先在词汇表或参数中声明", "Declare it in the vocabulary or the parameters")
    return diagnostic("E301.unknown_name", span, fix=perhaps(name, known, other), name=name)


def not_above(span: Span, holder: str, entity: str, known: Iterable[str]) -> Diagnostic:
    """The holder of an accumulator stands nowhere above its rows."""
    return diagnostic("E362.not_above", span, fix=_known(holder, known), holder=holder, entity=entity)


def unknown_argument(span: Span, function: str, name: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E308.unknown_argument", span, fix=_known(name, known), function=function, name=name)


def wrong_type(span: Span, wanted: Message, actual: Message) -> Diagnostic:
    return diagnostic("E303.wrong_type", span, wanted=wanted, got=actual)


def not_comparable(span: Span, left: Message, right: Message) -> Diagnostic:
    return diagnostic("E304.not_comparable", span, left=left, right=right)


def unknown_code(span: Span, code: str, codes: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E305.unknown_code", span, fix=_known(code, known), codes=codes, code_name=code)


def loose_quotient(span: Span) -> Diagnostic:
    return diagnostic("E307.loose_quotient", span)


def wrong_arguments(span: Span, name: str, usage: str) -> Diagnostic:
    return diagnostic("E308.wrong_arguments", span, name=name, usage=usage)


def not_constant(span: Span, part: Message) -> Diagnostic:
    return diagnostic("E310.not_constant", span, what_name=part)


def bad_literal(span: Span, text: str, wanted: Message) -> Diagnostic:
    return diagnostic("E311.bad_literal", span, text=text, wanted=wanted)


def unknown_place(span: Span, text: str) -> Diagnostic:
    near = nearest_places(text)
    fix = Message("请写行政区划代码或全称", "Write the code or the full name of one")
    if near:
        fix = Message(
            f"也许指{'、'.join(map(shown_place, near))}",
            f"Perhaps {' or '.join(shown_place(code, 'en') for code in near)} is meant",
        )
    return diagnostic("E311.unknown_place", span, fix=fix, text=text)


def cycle(span: Span, names: list[str]) -> Diagnostic:
    chain = " -> ".join(names)
    return diagnostic("E312.cycle", span, chain=chain)


def unnamed_items(span: Span, name: str) -> Diagnostic:
    return diagnostic("E322.unnamed_items", span, name=name)


def too_many_decimals(span: Span, decimals: int, allowed: int) -> Diagnostic:
    usage = f"round half up(x, {allowed})"
    return diagnostic("E329.too_many_decimals", span, got=decimals, allowed=allowed, usage=usage)


def date_arithmetic(span: Span) -> Diagnostic:
    return diagnostic("E331.date_arithmetic", span)


# -- the vocabulary and the figures -----------------------------------------------------------------


def unknown_reference(span: Span, kind: Message, name: str, known: Iterable[str]) -> Diagnostic:
    return diagnostic("E313.unknown_reference", span, fix=_known(name, known), kind=kind, name=name)


def bad_series(span: Span, problem: Message) -> Diagnostic:
    return diagnostic("E315.bad_series", span, what=problem)


def name_taken(span: Span, name: str, meaning: Message) -> Diagnostic:
    return diagnostic("E321.name_taken", span, name=name, meaning=meaning)


def entities_in_circle(span: Span, names: list[str]) -> Diagnostic:
    chain = " -> ".join(names)
    return diagnostic("E338.entities_in_circle", span, chain=chain)


# -- provisions, tables, accumulators ---------------------------------------------------------------


def overlap(span: Span, name: str, other: str, where: Span) -> Diagnostic:
    what = Message(
        f"唯一命中表的 {other} 与 {name} 可能同时适用",
        f"rows {other} and {name} of a unique table can apply together",
    )
    fix = Message("请使单元格互斥，或更换命中策略", "Make their cells disjoint, or choose another hit policy")
    also = ((where, Message(zh="另一行在此", en="the other row is here")),)
    return replace(Diagnostic("E317", span, what, fix), also=also)


def exceptions_in_circle(span: Span, names: list[str]) -> Diagnostic:
    chain = " -> ".join(names)
    return diagnostic("E336.exceptions_in_circle", span, chain=chain)


# -- the calendar ------------------------------------------------------------------------------------


def bad_calendar_day(span: Span, text: str, year: int, is_day: bool, worked: bool) -> Diagnostic:
    """`text` is no day of the year, or is worked (off) already."""
    if not is_day:
        what = Message(f"{year} 年没有“{text}”这一天", f'there is no day "{text}" in {year}')
        return Diagnostic(
            "E345", span, what, Message("请写月-日，如 01-31", "Write a month and day, as 01-31")
        )
    already = Message("本来就上班", "is worked anyway") if worked else Message("本来就休息", "is off anyway")
    what = Message(f"{year} 年 {text} {already.zh}", f"{text} of {year} {already.en}")
    fix = Message(
        "请只列与周一至周五不同的日子，每天一次",
        "List only days that differ from Monday to Friday, each once",
    )
    return Diagnostic("E345", span, what, fix)


def reserved_name(span: Span, name: str | None, meaning: Message) -> Diagnostic:
    """A name that results use for themselves."""
    return diagnostic("E356.reserved_name", span, name=name, meaning=meaning)


# -- the list of clauses -----------------------------------------------------------------------------


def property_broken(span: Span, figure: str, value: str, bound: str, side: str, title: Message) -> Diagnostic:
    low = side == "at_least"
    return diagnostic(
        "E360.property_broken",
        span,
        figure=figure,
        value=value,
        low="低于" if low else "高于",
        bound=bound,
        title=title,
        low2="below" if low else "above",
    )
