"""A run file: the options of a command in TOML, for the command that runs every night.

In: a file, the command's options. Out: defaults of the options, which words on the command line replace.
Invariants: a key is an option's long name, and one that is none is refused at its line and column with the nearest; paths
are from the file's folder, names of what travels with the product and addresses of servers stay as they are.

    as-of = "yesterday"                      # a date, today, yesterday, month-end
    residents = "in/{as_of}/residents.csv"   # one or a list
    out = "runs/{as_of}"
    since = "runs/{day_before}"
    input = {visit = "in/visits.csv"}
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from mianshen.batch import diagnostics
from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Message, RuleError, Span, unlined
from mianshen_cli.click_commands import Option
from mianshen_cli.usage_errors import usage_mistake
from mianshen_cli.wording import wording

PATHS: Final = (
    "residents",
    "claims",
    "households",
    "visits",
    "input",
    "out",
    "rules",
    "report",
    "since",
    "csv",
    "into",
)
NAMED: Final = ("overlay", "mapping")  # a path, or the name of what travels with the product
NOT_HERE: Final = ("run-file", "help", "lang")
_KEY: Final = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=.#\[\]]+))\s*[.=]""")
_TABLE: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_AT: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class _RunFile:
    """The file's text and what it says; `places`: (table, key) to where the key stands."""

    path: Path
    content: Mapping[str, Any]
    places: Mapping[tuple[str, str], Span]

    def at(self, key: str, table: str = "") -> Span:
        return self.places.get((table, key), self.places.get(("", table or key), unlined(str(self.path))))


def take_run_file(context: click.Context, _: click.Parameter, value: str | None) -> str | None:
    """Makes what a run file says the defaults of the command's options. Raises RuleError."""
    if value is None or context.resilient_parsing:
        return value
    file = _read(Path(value))
    options = {
        name.removeprefix("--"): option
        for option in context.command.params if isinstance(option, Option)
        for name in option.opts if name.startswith("--")
    }  # fmt: skip
    known = [name for name in options if name not in NOT_HERE]
    wrong: list[Diagnostic] = []
    defaults: dict[str, Any] = {}
    for written, said in file.content.items():
        name = written.replace("_", "-")
        if name not in known:
            wrong.append(diagnostics.unknown_option(file.at(written), written, known))
            continue
        option = options[name]
        try:
            values = _values(file, name, option, said)
            option.type_cast_value(context, values)
        except click.ClickException as error:
            wrong.append(diagnostic("E757.unfit_value", file.at(written), why=usage_mistake(error)))
        except ValueError:
            wrong.append(diagnostic("E757.unfit_value", file.at(written), why=_kind(option)))
        else:
            defaults[option.name or ""] = values
    if wrong:
        raise RuleError(wrong)
    context.default_map = {**(context.default_map or {}), **defaults}
    return value


def dated(text: str, day: dt.date) -> str:
    """A path of a run with the decision date in it.

    >>> dated("runs/{as_of}", dt.date(2026, 3, 1)), dated("runs/{day_before}", dt.date(2026, 3, 1))
    ('runs/2026-03-01', 'runs/2026-02-28')
    """
    before = day - dt.timedelta(days=1)
    return text.replace("{as_of}", day.isoformat()).replace("{day_before}", before.isoformat())


def _read(path: Path) -> _RunFile:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RuleError([diagnostic("E755.not_toml", unlined(str(path)), why="not UTF-8")]) from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        line, column = (int(at[1]), int(at[2])) if at and at[1] else (len(text.splitlines()) or 1, 1)
        why = _AT.sub("", str(error))
        raise RuleError([diagnostic("E755.not_toml", Span(str(path), line, column), why=why)]) from None
    return _RunFile(path, content, _places(str(path), text))


def _places(file: str, text: str) -> dict[tuple[str, str], Span]:
    """Where each key stands, by table."""
    places: dict[tuple[str, str], Span] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if matched := _TABLE.match(line):
            table = matched[1].strip("\"'")
            places.setdefault(("", table), Span(file, number, matched.start(1) + 1))
        elif matched := _KEY.match(line):
            group = matched.lastindex or 3
            places.setdefault((table, matched[group]), Span(file, number, matched.start(group) + 1))
    return places


def _values(file: _RunFile, name: str, option: Option, said: Any) -> Any:
    """What an option takes from its key. Raises ValueError where that is of another kind."""
    if name == "input":
        if not isinstance(said, dict):
            raise ValueError
        return [f"{entity}={_path(file, value)}" for entity, one in said.items() for value in _texts(one)]
    if option.is_flag:
        if not isinstance(said, bool):
            raise ValueError
        return said
    texts = _texts(said)
    if name in PATHS or name in NAMED:
        texts = [_path(file, text, named=name in NAMED) for text in texts]
    if option.multiple:
        return texts
    if len(texts) != 1:
        raise ValueError
    return texts[0]


def _texts(said: Any) -> list[str]:
    """The texts of a value, one or several. Raises ValueError where it is something else."""
    values = said if isinstance(said, list) else [said]
    texts = []
    for value in values:
        if isinstance(value, bool | float | dict | list | dt.datetime | dt.time):
            raise ValueError  # noqa: TRY004  (of the file, not of a caller)
        texts.append(value.isoformat() if isinstance(value, dt.date) else str(value))
    return texts


def _path(file: _RunFile, text: str, named: bool = False) -> str:
    """A path from the file's folder; a name, or the address of a server, as it is."""
    kind, colon, rest = text.partition(":")
    if "://" in text or (named and "/" not in text and not text.endswith((".yaml", ".yml"))):
        return text
    if colon and kind in ("duckdb", "sqlite"):
        return f"{kind}:{_path(file, rest)}"
    return str(file.path.parent / text)


def _kind(option: Option) -> Message:
    """What an option takes."""
    if option.is_flag:
        return wording("run_file.truth")
    if option.name == "inputs":
        return wording("run_file.files")
    return wording("run_file.texts") if option.multiple else wording("run_file.text")
