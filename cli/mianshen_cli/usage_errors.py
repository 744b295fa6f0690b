"""What to say when a command line cannot be used.

In: click's exceptions. Out: one sentence in both languages for each kind of mistake.
"""

from __future__ import annotations

import click

from mianshen.source import Message
from mianshen_cli.wording import wording


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
            return _unknown(wording("usage_errors.option"), error.option_name, error.possibilities)
        case click.exceptions.NoSuchCommand():
            return _unknown(wording("usage_errors.command"), error.command_name, error.possibilities)
        case click.MissingParameter():
            return wording("usage_errors.missing").filled(name=_parameter(error))
        case click.BadOptionUsage():
            return _value_of(error)
        case click.BadParameter() if isinstance(error.param and error.param.type, click.Choice):
            return _one_of(error)
        case click.BadParameter():
            return wording("usage_errors.unfit").filled(name=_parameter(error), why=error.message)
        case _:
            return Message(error.message, error.message)


def unexpected_words(words: list[str]) -> Message:
    """Words left over after the command has taken its own."""
    return wording("usage_errors.unexpected").filled(words=" ".join(words))


def bad_day(name: str, value: str) -> Message:
    """A date that is none."""
    return wording("usage_errors.bad_day").filled(name=name, value=value)


def outside(name: str, value: str, low: int, high: int | None) -> Message:
    """A whole number that is none, or lies outside its range."""
    words = wording("usage_errors.too_low") if high is None else wording("usage_errors.outside")
    return words.filled(name=name, value=value, low=low, high=high)


def _parameter(error: click.BadParameter) -> str:
    if isinstance(error.param, click.Argument):
        return error.param.make_metavar(error.ctx) if error.ctx else error.param.human_readable_name.upper()
    return max(error.param.opts, key=len) if error.param else str(error.param_hint or "?")


def _unknown(kind: Message, name: str, like: list[str] | None) -> Message:
    words = wording("usage_errors.unknown_near") if like else wording("usage_errors.unknown")
    return words.filled(kind=kind, name=name, near=like[0] if like else "")


def _value_of(error: click.BadOptionUsage) -> Message:
    """An option without the value it takes, or with one it does not take."""
    surplus = "does not take" in error.message
    words = wording("usage_errors.no_value") if surplus else wording("usage_errors.needs_value")
    return words.filled(name=error.option_name)


def _one_of(error: click.BadParameter) -> Message:
    assert error.param is not None
    assert isinstance(error.param.type, click.Choice)
    choices = [str(choice) for choice in error.param.type.choices]
    listed = Message("、".join(choices), " or ".join(choices))
    return wording("usage_errors.one_of").filled(name=_parameter(error), choices=listed)
