"""What every command is made of: commands, options and arguments that speak both languages.

In: functions, and the texts of `wording.tsv`. Out: click commands whose help and errors come in the user's language.
Invariants: a command takes the language (`Lang`) first and returns a `Status`, or None for DONE; the
command `look` is the function `look` of the module `look` (of `import`: `import_`), imported only when it is called
(`Lazy`).

    @command                                            # says `look`
    @argument("file")                                   # `look.<file>`
    @option("--limit", type=Whole(1), default=10)       # `look.--limit`
    def look(lang: Lang, file: str, limit: int) -> Status | None: ...
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mianshen.source import Lang, Message
from mianshen_cli import output
from mianshen_cli import usage_errors as usage
from mianshen_cli.lang import LANGUAGES
from mianshen_cli.wording import wording

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMPLETION = "_MIANSHEN_COMPLETE"  # the variable by which a shell's completion script asks
_WHOLE = re.compile(r"-?[0-9]{1,18}")
AnyCallable = TypeVar("AnyCallable", bound=Callable[..., Any])

_USAGE = wording("click_commands.usage")
_HEADINGS = wording.group("click_commands.headings")
_LANG = wording("click_commands.lang")
_HELP = wording("click_commands.help")


def language_of(context: click.Context) -> Lang:
    """The language this call speaks."""
    return "zh" if context.find_root().obj == "zh" else "en"


class Option(click.Option):
    """An option that explains itself in both languages; a default worth knowing stands in the words."""

    def __init__(self, names: Sequence[str], words: Message, **settings: Any) -> None:
        super().__init__(names, **settings)
        self.words = words

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        return record and (record[0], self.words.in_(language_of(ctx)))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return _completed(self, ctx, incomplete) or super().shell_complete(ctx, incomplete)


class Argument(click.Argument):
    """An argument that explains itself in both languages."""

    def __init__(self, names: Sequence[str], words: Message, **settings: Any) -> None:
        super().__init__(names, help=words.en, **settings)
        self.words = words

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        return self.make_metavar(ctx), self.words.in_(language_of(ctx))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        return _completed(self, ctx, incomplete) or super().shell_complete(ctx, incomplete)


def _completed(parameter: click.Parameter, context: click.Context, incomplete: str) -> list[CompletionItem]:
    from mianshen_cli.completion import completions

    return completions(parameter, context, incomplete)


class _Help(click.HelpFormatter):
    """Click's help with Chinese headings and columns where they are wanted."""

    lang: Lang = "en"

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        pieces = args.replace("[OPTIONS]", "[选项]").replace("COMMAND [ARGS]...", "命令 [参数]...")
        super().write_usage(prog, pieces if self.lang == "zh" else args, _USAGE.in_(self.lang))

    def write_heading(self, heading: str) -> None:
        known = _HEADINGS.get(heading)
        words, colon = known.in_(self.lang) if known else heading, "：" if self.lang == "zh" else ":"
        self.write(" " * self.current_indent + words + colon + "\n")

    def write_text(self, text: str) -> None:
        for line in output.fold(text, self.width - self.current_indent):
            self.write(" " * self.current_indent + line + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        listed = list(rows)
        margin = min(max(len(term) for term, _ in listed), col_max) + col_spacing
        for term, words in listed:
            lines = output.fold(words, max(self.width - self.current_indent - margin, 20))
            if len(term) + col_spacing > margin:
                lines = ["", *lines]
            for part, line in zip([term, *[""] * len(lines)], lines, strict=False):
                self.write((" " * self.current_indent + part.ljust(margin) + line).rstrip() + "\n")


class _Context(click.Context):
    def make_formatter(self) -> click.HelpFormatter:
        formatter = _Help(width=self.terminal_width, max_width=self.max_content_width or 100)
        formatter.lang = language_of(self)
        return formatter


class Command(click.Command):
    """A command that speaks both languages and takes `--lang` anywhere on its line."""

    context_class = _Context
    allow_extra_args = True  # so as to refuse them in our own words

    def __init__(self, name: str | None, words: Message, **settings: Any) -> None:
        settings.setdefault("params", []).extend(_shared_options())
        super().__init__(name, add_help_option=False, **settings)
        self.words = words

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        parse_args = super().parse_args(ctx, args)
        if parse_args and not ctx.resilient_parsing:
            raise usage.Refused(usage.unexpected_words(parse_args), ctx)
        return parse_args

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_words(self.words, ctx, formatter)


_COMMANDS = wording("click_commands.commands")


class Lazy(click.Group):
    """A group that knows its commands by name and words, and imports one only to run it."""

    context_class = _Context

    def __init__(
        self, name: str, words: Message, package: str, table: Mapping[str, Message],
        groups: Mapping[Message, Mapping[str, Message]] | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        settings.setdefault("params", []).extend(_shared_options())
        known = {item: click.Command(item) for item in table}  # names only, for "did you mean"
        super().__init__(name, commands=known, add_help_option=False, **settings)
        self.words = words
        self.package = package
        self.table = table
        self.groups = groups or {_COMMANDS: table}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        module = cmd_name.replace("-", "_") + "_" * iskeyword(cmd_name)
        command = getattr(import_module(f"{self.package}.{module}"), module)
        assert isinstance(command, Command)
        command.name = cmd_name
        return command

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_words(self.words, ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        lang = language_of(ctx)
        commands = [CompletionItem(name, help=words.in_(lang)) for name, words in self.table.items()]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [item for item in commands if item.value.startswith(incomplete)] + options

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lang = language_of(ctx)
        for heading, commands in self.groups.items():
            with formatter.section(heading.in_(lang)):
                formatter.write_dl([(name, words.in_(lang)) for name, words in commands.items()])


_DAYS = {"today": 0, "今天": 0, "yesterday": 1, "昨天": 1}  # how many days ago


class Day(click.ParamType[dt.date]):
    """A date, written 2026-11-21, or today, yesterday, month-end: the last day of the month before."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        if isinstance(value, dt.date):
            return value
        if value in _DAYS:
            return today() - dt.timedelta(days=_DAYS[value])
        if value in ("month-end", "上月末"):
            return today().replace(day=1) - dt.timedelta(days=1)
        try:
            return dt.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
        except ValueError:
            raise usage.Refused(usage.bad_day(_name(param), str(value)), ctx) from None


class Whole(click.ParamType[int]):
    """A whole number between two others, both included."""

    name = "number"

    def __init__(self, low: int, high: int | None = None) -> None:
        self.low, self.high = low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        written = str(value)
        if not _WHOLE.fullmatch(written) or not self._holds(int(written)):
            raise usage.Refused(usage.outside(_name(param), written, self.low, self.high), ctx)
        return int(written)

    def _holds(self, number: int) -> bool:
        return self.low <= number and (self.high is None or number <= self.high)


def command(function: Callable[..., output.Status | None]) -> Command:
    """A function made the command of its module; it gets the language as `lang` first."""
    parameters = list(reversed(getattr(function, "__click_params__", [])))
    return Command(None, wording(_module(function)), callback=click.pass_obj(function), params=parameters)


def option(
    *names: str, words: Message | None = None, **settings: Any
) -> Callable[[AnyCallable], AnyCallable]:
    """An option of a command, with the words that its module has for it or others; `settings` are click's."""

    def decorate(function: AnyCallable) -> AnyCallable:
        texts = words or wording(f"{_module(function)}.{names[0]}")
        return click.option(*names, cls=Option, words=texts, **settings)(function)

    return decorate


def argument(
    name: str, words: Message | None = None, **settings: Any
) -> Callable[[AnyCallable], AnyCallable]:
    """An argument of a command, with the words that its module has for it or others; `settings` are click's."""

    def decorate(function: AnyCallable) -> AnyCallable:
        texts = words or wording(f"{_module(function)}.<{name}>")
        return click.argument(name, cls=Argument, words=texts, **settings)(function)

    return decorate


def _module(function: Callable[..., Any]) -> str:
    return function.__module__.rpartition(".")[2]


def today() -> dt.date:
    """The calendar's date where this runs."""
    return dt.datetime.now().astimezone().date()


def _shared_options() -> list[click.Parameter]:
    """`--lang`, which `lang.language` has read before, and `--help`."""
    lang = Option(["--lang"], type=click.Choice(LANGUAGES), expose_value=False, words=_LANG)
    settings: dict[str, Any] = {"is_flag": True, "is_eager": True, "expose_value": False}
    return [lang, Option(["-h", "--help"], callback=_show_help, words=_HELP, **settings)]


def _show_help(context: click.Context, _: click.Parameter, requested: bool) -> None:
    if requested and not context.resilient_parsing:
        output.say(context.get_help())
        context.exit()


def _write_words(words: Message, context: click.Context, formatter: click.HelpFormatter) -> None:
    formatter.write_paragraph()
    with formatter.indentation():
        for paragraph in words.in_(language_of(context)).split("\n"):
            formatter.write_text(paragraph)


def _name(param: click.Parameter | None) -> str:
    return max(param.opts, key=len) if param else "?"
