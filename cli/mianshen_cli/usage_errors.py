"""What to say when a command line cannot be used.

In: click's exceptions. Out: one sentence in both languages for each kind of mistake.
"""

from __future__ import annotations

import click

from mianshen.source import Message


class Refused(click.UsageError):
    """A command line refused by one of our own checks; says why in both languages."""

    def __init__(self, words: Message, context: click.Context | None = None) -> None:
        super().__init__(words.en, context)
        self.words = words


def usage_mistake(error: click.ClickException) -> Message:
    """What is wrong with the command line and what to do."""
    match error:
        case Refused():
            return error.words
        case click.NoSuchOption():
            return _unknown(Message("选项", "option"), error.option_name, error.possibilities)
        case click.exceptions.NoSuchCommand():
            return _unknown(Message("命令", "command"), error.command_name, error.possibilities)
        case click.MissingParameter():
            name = _parameter(error)
            return Message(f"缺少 {name}。请补上", f"{name} is missing. Give one")
        case click.BadOptionUsage():
            return _value_of(error)
        case click.BadParameter() if isinstance(error.param and error.param.type, click.Choice):
            return _one_of(error)
        case click.BadParameter():
            name = _parameter(error)
            return Message(f"{name} 的值不能用：{error.message}", f"{name} cannot be used: {error.message}")
        case _:
            return Message(error.message, error.message)


def unexpected_words(words: list[str]) -> Message:
    """Words left over after the command has taken its own."""
    extra = " ".join(words)
    return Message(
        f"多出了 {extra}。请去掉，或看 --help", f"{extra} is not expected here. Leave it out, or see --help"
    )


def bad_day(name: str, value: str) -> Message:
    """A date that is none."""
    return Message(
        f"{name} 的值 {value} 不是日期。请写成 2026-11-21 的样子",
        f"{name} takes a date, and {value} is none. Write it like 2026-11-21",
    )


def outside(name: str, value: int | str, low: int | None, high: int | None) -> Message:
    """A whole number that is none, or lies outside its range."""
    floor, ceiling = ("" if low is None else str(low)), ("" if high is None else str(high))
    if high is None:
        zh, en = f"不小于 {floor} 的整数", f"a whole number of at least {floor}"
    else:
        zh, en = f" {floor} 到 {ceiling} 之间的整数", f"a whole number from {floor} to {ceiling}"
    return Message(f"{name} 只能填{zh}，而这里是 {value}", f"{name} takes {en}, and this is {value}")


def _parameter(error: click.BadParameter) -> str:
    if isinstance(error.param, click.Argument):
        return error.param.make_metavar(error.ctx) if error.ctx else error.param.human_readable_name.upper()
    return max(error.param.opts, key=len) if error.param else str(error.param_hint or "?")


def _unknown(kind: Message, name: str, like: list[str] | None) -> Message:
    if like:
        return Message(
            f"没有{kind.zh} {name}。是不是 {like[0]}？",
            f"there is no {kind.en} {name}. Did you mean {like[0]}?",
        )
    return Message(f"没有{kind.zh} {name}。请看 --help", f"there is no {kind.en} {name}. See --help")


def _value_of(error: click.BadOptionUsage) -> Message:
    """An option without the value it takes, or with one it does not take."""
    name = error.option_name
    if "does not take" in error.message:
        return Message(f"选项 {name} 后不带值。请去掉等号和后面的值", f"{name} takes no value. Leave it out")
    return Message(f"选项 {name} 后缺少值。请补上", f"{name} takes a value. Give one after it")


def _one_of(error: click.BadParameter) -> Message:
    assert error.param is not None
    assert isinstance(error.param.type, click.Choice)
    name, choices = _parameter(error), error.param.type.choices
    zh, en = "、".join(map(str, choices)), " or ".join(map(str, choices))
    return Message(f"{name} 只能是 {zh}", f"{name} takes {en} only")
