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

_FULL_WIDTH_COLON = re.compile(r"\s*(?:- +)*[^\s：:#\"'{\[|>*&!]+(：)")

_FULL_WIDTH_COMMA = re.compile(r"(，)(?=\s*[\w]+\s*:(?:\s|$))|(?<=[\"'\]}])\s*(，)")

_SPACED = re.compile(r"[\[,]\s*-\s+[,\]]")

_QUOTE = Message(
    "文字中有 `: ` 或以特殊符号开头时，用引号括起来，或写在 `|` 之后的下一行",
    "Put text that holds `: ` or begins with a special character in quotes, or on the line after a `|`",
)
_INDENT = Message(
    "检查缩进：同一层的键要对齐", "Check the indentation: keys of one level stand in one column"
)
_AFTER_QUOTE = Message(
    "公式以引号开头时，整个公式写在 `|` 之后的下一行，或用单引号括起来",
    "Write a formula that begins with a quote on the line after a `|`, or put all of it in single quotes",
)

# what the reader says -> what we say, and what to do
_KNOWN: dict[str, tuple[Message, Message]] = {
    "mapping values are not allowed in this context": (
        Message("这里不能有冒号", "a colon cannot stand here"),
        Message(
            "上一行若是键，补上它的冒号；文字中有 `: ` 时加引号",
            "If the line above is a key, give it its colon; put text that holds `: ` in quotes",
        ),
    ),
    "could not find expected ':'": (
        Message("这一行的键没有冒号", "this key has no colon"),
        Message("写成 `键: 值`，冒号后空一格", "Write `key: value`, with a space after the colon"),
    ),
    "did not find expected key": (
        Message("这里应是键，或缩进不齐", "a key is expected here, or the indentation is uneven"),
        _INDENT,
    ),
    "did not find expected '-' indicator": (
        Message("列表中的这一行没有 `- `", "this line of a list does not begin with `- `"),
        _INDENT,
    ),
    "did not find expected ',' or ']'": (
        Message("列表 […] 没有闭合，或缺少逗号", "the list [...] is not closed, or a comma is missing"),
        Message("补上 ] 或逗号", "Add the ] or the comma"),
    ),
    "did not find expected ',' or '}'": (
        Message("{…} 没有闭合，或缺少逗号", "the mapping {...} is not closed, or a comma is missing"),
        Message("补上 } 或逗号", "Add the } or the comma"),
    ),
    "found character that cannot start any token": (
        Message("文字不能以这个符号开头", "text cannot begin with this character"),
        _QUOTE,
    ),
    "did not find expected <document start>": (
        Message("文件内容在这里之前已经结束", "the content of the file ends before this line"),
        _INDENT,
    ),
    "did not find expected alphabetic or numeric character": (
        Message("文字不能以这个符号开头", "text cannot begin with this character"),
        _QUOTE,
    ),
    "did not find expected comment or line break": (
        Message("`|` 或 `>` 之后只能换行", "only a line break may follow `|` or `>`"),
        Message("把文字写在下一行", "Write the text on the next line"),
    ),
    "did not find expected node content": (
        Message(
            "这里缺少值，或文字以特殊符号开头",
            "a value is missing here, or text begins with a special character",
        ),
        _QUOTE,
    ),
    "block sequence entries are not allowed in this context": (
        Message("列表不能从这里开始", "a list cannot begin here"),
        Message("把 `- ` 写在下一行", "Write the `- ` on the next line"),
    ),
}
_SPACED_DASH = (
    Message("[…] 中的 - 与逗号之间有空格", "there is a space between - and the comma in [...]"),
    Message("写成 `[-, x]`，或给 - 加引号", "Write `[-, x]`, or put the - in quotes"),
)
_OTHER = (Message("不是有效的 YAML", "this is not valid YAML"), _QUOTE)


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
    what, fix = _KNOWN.get(problem, _OTHER)
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
    finditer = list(_FULL_WIDTH_COMMA.finditer(source.text, context_at, at + 1))
    if not finditer:
        return None
    comma = finditer[-1].start(finditer[-1].lastindex or 0)
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
