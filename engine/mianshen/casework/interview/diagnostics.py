"""Every mistake in an answer or in what an interview is about, one named function each.

In: the words involved. Out: a `Diagnostic` in both languages, at no place: answers stand in no file.
Invariants: codes E701 to E719, each with one meaning and never reused (E710 was: rows over time).
"""

from __future__ import annotations

from collections.abc import Iterable

from mianshen.source import NOWHERE, Diagnostic, Message, Span, nearest


def no_such_benefit(name: str, known: Iterable[str]) -> Diagnostic:
    names = list(known)
    close = nearest(name, names)
    fix = (
        Message(f"是不是 {close}？", f"Did you mean {close}?")
        if close
        else Message("可用：" + "、".join(names), "Known are: " + ", ".join(names))
    )
    return Diagnostic("E701", NOWHERE, Message(f"没有待遇 {name}", f"there is no benefit {name}"), fix)


def no_such_place(name: str, known: Iterable[str]) -> Diagnostic:
    close = nearest(name, known)
    what = Message(f"没有可回答的 {name}", f"there is nothing called {name} to answer")
    if close:
        return Diagnostic("E702", NOWHERE, what, Message(f"是不是 {close}？", f"Did you mean {close}?"))
    fix = Message("写成 事实=值 或 编号.事实=值", "Write FACT=VALUE, or KEY.FACT=VALUE")
    return Diagnostic("E702", NOWHERE, what, fix)


def no_equals(text: str) -> Diagnostic:
    what = Message(f"{text} 不是回答", f"{text} is no answer")
    return Diagnostic("E703", NOWHERE, what, Message("写成 名称=值", "Write NAME=VALUE"))


def needed(title: Message) -> Diagnostic:
    what = Message(f"{title.zh}不能缺", f"{title.en} is needed")
    fix = Message("请回答，或返回上一题", "Answer it, or go back")
    return Diagnostic("E704", NOWHERE, what, fix)


def no_such_choice(text: str, most: int) -> Diagnostic:
    what = Message(f"没有第 {text} 项", f"there is no choice {text}")
    return Diagnostic("E705", NOWHERE, what, Message(f"请选 1 到 {most}", f"Choose from 1 to {most}"))


def not_a_count(text: str, least: int, most: int) -> Diagnostic:
    what = Message(f"{text} 不是可用的个数", f"{text} is no number that can be used")
    fix = Message(f"写 {least} 到 {most} 的整数", f"Write a whole number from {least} to {most}")
    return Diagnostic("E706", NOWHERE, what, fix)


def fails_check(title: Message, text: str) -> Diagnostic:
    return Diagnostic("E707", NOWHERE, title, Message(f"应满足 {text}", f"It must hold that {text}"))


def after_day(title: Message, day: str) -> Diagnostic:
    what = Message(f"{title.zh}晚于核定日 {day}", f"{title.en} is later than {day}, the day decided for")
    return Diagnostic("E708", NOWHERE, what, Message("请更正", "Correct it"))


def already_told(name: str) -> Diagnostic:
    what = Message(f"{name} 的个数已经说过", f"how many {name} there are has been told")
    fix = Message("去掉这个回答，或改核定材料", "Leave the answer out, or change the record")
    return Diagnostic("E711", NOWHERE, what, fix)


def several_records(file: str) -> Diagnostic:
    what = Message(f"{file} 里不止一份核定材料", f"{file} holds more than one record")
    return Diagnostic("E709", Span(file, 1, 1), what, Message("只给一份", "Give one alone"))
