"""The YAML reader's complaints in plain words, at the place to look at.

In: what libyaml says is wrong, and where it noticed. Out: a `Diagnostic` that says what to do.
Invariants: where the reader noticed is often not where the mistake is: an unclosed quote is shown
at the quote, a full-width colon at the colon.
"""

from __future__ import annotations

import re

from mianshen.catalogue import diagnostic
from mianshen.document import diagnostics
from mianshen.document.yaml_source import YamlSource
from mianshen.source import Diagnostic, Message, Span
from mianshen.wording import wording

_FULL_WIDTH_COLON = re.compile(r"\s*(?:- +)*[^\s：:#\"'{\[|>*&!]+(：)")

_FULL_WIDTH_COMMA = re.compile(r"(，)(?=\s*[\w]+\s*:(?:\s|$))|(?<=[\"'\]}])\s*(，)")

_SPACED = re.compile(r"[\[,]\s*-\s+[,\]]")

_QUOTE, _AFTER_QUOTE = wording("yaml.quote"), wording("yaml.after_quote")
_WHAT, _FIX = wording.group("yaml.what"), wording.group("yaml.fix")  # by what the reader of YAML says
_SPACED_DASH = (
    Message("[…] 中的 - 与逗号之间有空格", "there is a space between - and the comma in [...]"),
    Message("写成 `[-, x]`，或给 - 加引号", "Write `[-, x]`, or put the - in quotes"),
)
_NO_YAML = Message("不是有效的 YAML", "this is not valid YAML")


def explained(source: YamlSource, at: int, context_at: int | None, problem: str, context: str) -> Diagnostic:
    """The mistake behind `problem`, noticed at index `at` while reading what began at `context_at`."""
    if colon := _full_width_colon(source, at, context_at):
        return colon
    if comma := _full_width_comma(source, at, context_at, problem):
        return comma
    if "tab" in problem or _begins_with_tab(source, at):
        return diagnostic("E107.tab", _here(source, at))
    if "quoted scalar" in context and context_at is not None:
        if "end of stream" in problem or "document indicator" in problem:
            return diagnostic("E110.unclosed_quote", _here(source, context_at))
        return diagnostic("E109.bad_escape", _here(source, at))
    if problem == "could not find expected ':'" and context_at is not None:
        at = context_at
    if problem == "mapping values are not allowed in this context" and (key := _key_above(source, at)):
        problem, at = "could not find expected ':'", key
    what, fix = _WHAT.get(problem, _NO_YAML), _FIX.get(problem, _QUOTE)
    if _SPACED.search(source.line(source.place(at)[0])) and "node content" in problem:
        what, fix = _SPACED_DASH
    if problem == "did not find expected key" and _follows_quote(source, at):
        what, fix = Message("引号之后还有文字", "there is more text after the closing quote"), _AFTER_QUOTE
    return diagnostics.syntax(_here(source, at), what, fix, _began(source, context_at, problem))


def _here(source: YamlSource, at: int) -> Span:
    return source.span(at, min(at + 1, len(source.text)))


def _began(source: YamlSource, context_at: int | None, problem: str) -> diagnostics.Also:
    if context_at is None or not problem.endswith(("']'", "'}'")):
        return ()
    return ((_here(source, context_at), Message("从这里开始", "it begins here")),)


def full_width_colon(source: YamlSource, line: int) -> Diagnostic | None:
    """The full-width colon after what looks like a key on a line, if there is one."""
    if match := _FULL_WIDTH_COLON.match(source.line(line)):
        at = source.line_starts[line - 1] + match.start(1)
        return diagnostic("E108.full_width", source.span(at, at + 1), char="：", ascii_char="`: `")
    return None


def _full_width_colon(source: YamlSource, at: int, context_at: int | None) -> Diagnostic | None:
    line = source.place(at)[0]
    lines = [line, line - 1]
    if context_at is not None:
        lines.append(source.place(context_at)[0])
    return next((result for part in lines if (result := full_width_colon(source, part))), None)


def _full_width_comma(source: YamlSource, at: int, context_at: int | None, problem: str) -> Diagnostic | None:
    """The full-width comma between two items of {...} or [...], where it keeps them from being read."""
    if context_at is None or not problem.endswith(("']'", "'}'")):
        return None
    matches = list(_FULL_WIDTH_COMMA.finditer(source.text, context_at, at + 1))
    if not matches:
        return None
    comma = matches[-1].start(matches[-1].lastindex or 0)
    return diagnostic("E108.full_width", source.span(comma, comma + 1), char="，", ascii_char="`, `")


def _key_above(source: YamlSource, at: int) -> int | None:
    """The index of a line above that looks like a key without its colon, joined on to this one."""
    number = source.place(at)[0]
    here, above = source.line(number), source.line(number - 1)
    indent = len(above) - len(above.lstrip())
    if not above.strip() or ":" in above or above.lstrip()[0] in "-#" or here[:indent].strip():
        return None
    return source.line_starts[number - 2] + indent if here[indent : indent + 1].strip() else None


def _begins_with_tab(source: YamlSource, at: int) -> bool:
    line, column = source.place(at)
    return "\t" in source.line(line)[:column] and not source.line(line)[: column - 1].strip()


def _follows_quote(source: YamlSource, at: int) -> bool:
    line, column = source.place(at)
    return source.line(line)[: column - 1].rstrip().endswith(('"', "'"))
