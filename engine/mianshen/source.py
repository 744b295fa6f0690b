"""Where a piece of rule text stands, and what to say when it is wrong.

In: file names, positions. Out: `Span`, `Text`, `Diagnostic`, `RuleError`.
Invariants: lines and columns count from 1, columns count characters; a mistake is a value
(`Diagnostic`), collected and reported together; a code, once given out, keeps its meaning.
Imports nothing of ours.
"""

from __future__ import annotations

import errno
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Lang: TypeAlias = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file, first character to one past the last; line and column from 1, 0 where there is none."""

    file: str
    line: int
    column: int
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


NOWHERE = Span("", 0, 0)


def unlined(name: str) -> Span:
    """The place of what has no lines: a folder, an option, a database, a pattern of files."""
    return Span(name, 0, 0)


TYPO = 0.85  # closeness of a name misspelt by a letter or two
_SHORT = 4  # characters of a Chinese word of which a near one may share but half


@dataclass(frozen=True, slots=True)
class Text:
    """A formula as decoded from a file, knowing where each of its characters stands.

    `positions` holds (line, column) for every character of `value` and one more for its end.
    """

    value: str
    file: str
    positions: tuple[tuple[int, int], ...] = field(repr=False)

    def span(self, start: int, end: int) -> Span:
        """The place in the file of `value[start:end]`."""
        last = len(self.positions) - 1
        line, column = self.positions[min(start, last)]
        end_line, end_column = self.positions[min(end, last)]
        return Span(self.file, line, column, end_line, end_column)

    @staticmethod
    def inline(value: str, file: str = "<text>") -> Text:
        """A formula that stands in no file: one line, from column 1."""
        return Text(value, file, tuple((1, i + 1) for i in range(len(value) + 1)))


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence in both languages of the product."""

    zh: str
    en: str

    def in_(self, lang: Lang, /, **values: object) -> str:
        """The sentence in one language; `values` stand where it names them, a Message among them in that language."""
        text = self.zh if lang == "zh" else self.en
        return text.format_map(_worded(values, lang)) if values else text

    @property
    def plain(self) -> dict[str, str]:
        """The sentence as data, by language."""
        return {"zh": self.zh, "en": self.en}

    def filled(self, /, **values: object) -> Message:
        """The sentence with values where it names them, in both languages."""
        return Message(self.zh.format_map(_worded(values, "zh")), self.en.format_map(_worded(values, "en")))


def _worded(values: Mapping[str, object], lang: Lang) -> dict[str, object]:
    return {name: value.in_(lang) if isinstance(value, Message) else value for name, value in values.items()}


def listed(parts: Iterable[Message | str], most: int | None = None) -> Message:
    """Texts one after the other in both languages; of more than `most` only those."""
    texts = [part if isinstance(part, Message) else Message(part, part) for part in parts]
    more = ("等", ", …") if most is not None and len(texts) > most else ("", "")
    zh, en = "、".join(text.zh for text in texts[:most]), ", ".join(text.en for text in texts[:most])
    return Message(zh + more[0], en + more[1])


def suggestion(
    name: str,
    known: Iterable[str],
    label: Message | None = None,
    otherwise: Message | None = None,
    most: int = 20,
) -> Message:
    """What to do about a name that there is not: write the one that is near it, else choose from those there are.

    `label`: what introduces them; `otherwise`: what to do where there are none.
    """
    names = list(dict.fromkeys(known))
    if not names:
        return otherwise or Message("删去它", "Delete it")
    label, names_there = label or Message("可用", "Known are"), listed(names, most)
    return perhaps(name, names, Message(f"{label.zh}：{names_there.zh}", f"{label.en}: {names_there.en}"))


def perhaps(name: str, known: Iterable[str], otherwise: Message) -> Message:
    """The same: write the name that is near it, else something else."""
    close = nearest(name, known)
    return otherwise if close is None else Message(f"也许想写 {close}", f"Perhaps {close} is meant")


_REASONS = {
    errno.ENOENT: Message("没有这个文件或文件夹", "there is no such file or folder"),
    errno.EACCES: Message("没有权限", "it is not permitted"),
    errno.EPERM: Message("没有权限", "it is not permitted"),
    errno.EISDIR: Message("这是文件夹，不是文件", "it is a folder, not a file"),
    errno.ENOTDIR: Message("路径中有一段不是文件夹", "a part of the path is no folder"),
    errno.EEXIST: Message("已经存在", "it is there already"),
    errno.ENAMETOOLONG: Message("名称太长", "the name is too long"),
    errno.ENOSPC: Message("磁盘已满", "the disk is full"),
    errno.EROFS: Message("所在磁盘只能读", "the disk can only be read"),
    errno.EADDRINUSE: Message("地址已被占用", "the address is in use"),
    errno.EADDRNOTAVAIL: Message("这台机器没有这个地址", "this machine does not have the address"),
}


def reason_of(error: Exception) -> Message:
    """Why the system would not do something with a file or an address; in its own words where it is no common reason."""
    own = getattr(error, "strerror", None) or (str(error).splitlines() or [""])[0]
    return _REASONS.get(getattr(error, "errno", None) or 0, Message(own, own))


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake: code, place, what is wrong, what to do; `also` holds related places."""

    code: str
    span: Span
    what: Message
    fix: Message
    also: tuple[tuple[Span, Message], ...] = ()
    severity: Literal["error", "warning"] = "error"

    def show(self, lang: Lang = "en") -> str:
        """`file:line:column: Ennn: what. What to do.`, related places on lines of their own."""
        place = f"{self.span}: " if self.span.file else ""
        head = f"{place}{self.code}: {self.sentences(lang)}"
        return "\n".join([head, *(f"  {span}: {note.in_(lang)}" for span, note in self.also)])

    def sentences(self, lang: Lang) -> str:
        """What is wrong and what to do about it."""
        stop, gap = ("。", "") if lang == "zh" else (".", " ")
        parts = [part.in_(lang).rstrip("。.") for part in (self.what, self.fix)]
        return gap.join(part if part[-1] in "?？" else part + stop for part in parts if part)

    def __str__(self) -> str:
        return self.show("en")


class RuleError(Exception):
    """A rulebook, case or record that cannot be used; holds every mistake found."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics, key=_place))
        super().__init__("\n".join(map(str, self.diagnostics)))


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    return span.file, span.line, span.column, diagnostic.code


def nearest(name: str, known: Iterable[str], closeness: float = 0.6) -> str | None:
    """The known name most like `name`, or None when none is close; at `closeness` 1 only itself is."""
    from difflib import get_close_matches

    short = len(name) <= _SHORT and not name.isascii()  # of 低宝, one character in two is right
    names = list(known)
    close_matches = get_close_matches(
        name, names, n=1, cutoff=0.5 if short and closeness < TYPO else closeness
    )
    if not close_matches and name.lower() != name:
        close_matches = get_close_matches(name.lower(), names, n=1, cutoff=closeness)
    return close_matches[0] if close_matches else None


_KEY_ENDINGS = (  # of Chinese names of columns, and of no person's
    "号", "码", "日期", "时间", "金额", "费", "费用", "类别", "类型", "备注", "状态", "地区", "标志", "性别", "年龄", "电话",
    "地址", "名称", "单位", "科室", "医院", "医生",
)  # fmt: skip
_LONGEST_KEY = 40
_DIGITS = re.compile(r"[0-9]{4}")
_OF_A_PERSON = re.compile(r"[0-9]{17}|(?<![0-9])[0-9]{15}(?![0-9.])|^[\u4e00-\u9fff·]{2,5}$")
_IDENTITY_NUMBER = re.compile(r"[0-9]{17,}[Xx]?|(?<![0-9.])[0-9]{15}(?![0-9.])")
_BETWEEN_PARTS = re.compile(r"[\s:,;/|、=<>+&-]+")
_RUN_INTO = re.compile(
    r"[\u4e00-\u9fff·]{2}"
)  # Chinese beside something else, as where a blank or a comma is missing


def is_key(text: str, known: Iterable[str]) -> bool:
    """Whether an unknown key or column may be repeated in a message: it looks like a name of data, not of a person.

    What a record says may stand there, alone or behind a known name, where a colon, a blank or a line break is missing.
    """
    text = unicodedata.normalize("NFKC", text).strip().casefold()
    if _DIGITS.search(text) or len(text) > _LONGEST_KEY or any(c in text for c in "\"'\r\n:,;"):
        return False
    if text.isascii():
        return text.replace(" ", "_").replace("-", "_").isidentifier()
    if runs_into_chinese(text):
        return False
    names = [name.casefold() for name in known]
    behind = any(text != name and text.startswith(name) for name in names)
    return not behind and (text.endswith(_KEY_ENDINGS) or nearest(text, names, TYPO) is not None)


def without_identity_numbers(text: str) -> str:
    """A text in which digits that may be an identity number are left out."""
    return _IDENTITY_NUMBER.sub("…", text)


def may_name_a_person(text: str) -> bool:
    """Whether a value may be an identity number, or the name of a person in Chinese."""
    text = unicodedata.normalize("NFKC", text).strip()
    parts = [text, *_BETWEEN_PARTS.split(text)]  # behind a label, as in 姓名：…, or beside another name
    return any(_OF_A_PERSON.search(part) for part in parts) or runs_into_chinese(text)


def runs_into_chinese(text: str) -> bool:
    """Whether Chinese words stand in a value beside what is none: a name may have run into it."""
    return _RUN_INTO.search(text) is not None and any(c.isascii() and c.isalnum() for c in text)
