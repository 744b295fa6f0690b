"""The `mianshen` script.

In: the words on the command line. Out: the exit status; whatever goes wrong is one line on standard
error, and no traceback.
Invariant: starting costs click and nothing else of weight; a command brings what it needs.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from typing import TextIO

import click

from mianshen.source import Lang, Message, RuleError, reason_of
from mianshen.version import __version__
from mianshen_cli import output
from mianshen_cli.click_commands import COMPLETION, Lazy, Option
from mianshen_cli.lang import language
from mianshen_cli.output import Status
from mianshen_cli.usage_errors import usage_mistake
from mianshen_cli.wording import wording

_GROUPED = {
    "counter": "check ask redetermine notice verify-notice serve",
    "overnight": "columns batch report verify-run replay watch",
    "policy_desk": "lint test compare seek thresholds drift coverage mutate suggest prove diff graph export import docs show",
    "tools": "init sample compile schema lsp explain completion man",
}
GROUPS = {
    wording(f"main.{group}"): {name: wording(f"main.{name}") for name in names.split()}
    for group, names in _GROUPED.items()
}
COMMANDS = {name: words for group in GROUPS.values() for name, words in group.items()}

_WORDS = wording("main.words")
_VERSION = wording("main.version")
_COLLECTING = (
    50_000,
    50,
    50,
)  # programs and records live to the end: Python's own pace costs a quarter of a run
_TRACEBACK = "MIANSHEN_TRACEBACK"  # when set, an internal error shows where it happened


class _WithoutPandas(MetaPathFinder):
    """Keeps pandas out of a process that never uses it: pyarrow imports it with its first value, for 0.6 CPU s."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("no command of mianshen uses pandas", name=fullname)


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status. Without `words` it is the process: those of the command line."""
    gc.set_threshold(*_COLLECTING)
    if words is None:
        sys.meta_path.insert(0, _WithoutPandas())
    argv = list(sys.argv[1:] if words is None else words)
    lang = language(argv, os.environ)
    _forgive(sys.stdout)
    _forgive(sys.stderr)
    try:
        status = group().main(argv, prog_name="mianshen", standalone_mode=False, obj=lang)
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - py4j and pyspark raise several kinds, none of them ours
        return (
            Status.DONE if COMPLETION in os.environ else _explain(error, lang)
        )  # a shell's line stays clean
    return int(status or Status.DONE)


def group() -> Lazy:
    """All commands, under whom they are for."""

    def version(context: click.Context, _: click.Parameter, requested: bool) -> None:
        if requested and not context.resilient_parsing:
            output.say(f"mianshen {__version__}")
            context.exit()

    version_option = Option(
        ["-V", "--version"], is_flag=True, is_eager=True, expose_value=False, callback=version, words=_VERSION
    )
    return Lazy("mianshen", _WORDS, "mianshen_cli.commands", COMMANDS, groups=GROUPS, params=[version_option])


def _explain(error: Exception, lang: Lang) -> int:
    """Says in one line what went wrong; returns the exit status."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            output.complain(error.message)
        case click.ClickException():
            _complain(usage_mistake(error), lang)
        case click.Abort():
            return 130  # as a shell counts an interrupt
        case RuleError():
            output.complain_of(error.diagnostics, lang)
        case BrokenPipeError():  # whoever read our output has gone: nothing more to say
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Status.FOUND
        case OSError():
            _complain(_unusable(error), lang)
        case _:
            _complain(_internal(error), lang)
    return Status.UNUSABLE


def _complain(words: Message, lang: Lang) -> None:
    text = words.in_(lang)
    stop = "" if text.endswith(("。", "？", ".", "?")) else ("。" if lang == "zh" else ".")
    output.complain(f"mianshen: {output.printable(text)}{stop}")


def _unusable(error: OSError) -> Message:
    """What could not be read or written, and why."""
    where = f"{error.filename}: " if error.filename else ""
    return wording("main.unusable").filled(where=where, reason=reason_of(error))


def _internal(error: Exception) -> Message:
    """What an error of our own may say: its kind and place, never a value from a record."""
    if os.environ.get(_TRACEBACK):
        raise error
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "?"
    kind = type(error).__name__
    return wording("main.internal").filled(kind=kind, place=place, variable=_TRACEBACK)


def _forgive(stream: TextIO) -> None:
    """Lets a character the terminal's encoding lacks show as `?` instead of ending the run."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
