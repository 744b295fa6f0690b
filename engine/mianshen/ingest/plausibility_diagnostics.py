"""Doubts about whole files: one constructor a doubt, codes E543 to E549, never reused."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal, TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.source import Diagnostic, Message, Span, unlined

Words = tuple[str, str]  # Chinese, English
Difference: TypeAlias = Literal["blanks", "case", "zeros"]
DIFFERENCES: Final[dict[Difference, str]] = {  # how DuckDB writes a key without the difference
    "blanks": r"regexp_replace({k}, '^[\s\x{{a0}}\x{{3000}}]+|[\s\x{{a0}}\x{{3000}}]+$', '', 'g')",
    "case": r"upper(trim({k}))",
    "zeros": r"ltrim(regexp_replace(trim(upper({k})), '[.]0+$', ''), '0')",
}
_WHY: Final[dict[Difference, Words]] = {
    "blanks": (
        "编号前后有空白，请用 --mapping 的 trim 去掉",
        "they differ by blanks: strip them with trim in a --mapping",
    ),
    "case": ("编号的大小写不同，请统一后再导出", "they differ in case: export them alike"),
    "zeros": (
        "编号前面的 0 不一致，请按文本格式重新导出",
        "they differ by leading zeros: export them as text",
    ),
}
_NO_REASON: Final[Words] = (
    "请确认两个文件出自同一系统、同一批人",
    "Check that both files are of the same people and system",
)
_GO_ON: Final[Words] = ("；确认无误可加 --yes 继续", "; --yes goes on")


def _doubt(code: str, place: str, words: Words, fix: Words) -> Diagnostic:
    span = unlined(place)
    return Diagnostic(
        code, span, Message(*words), Message(fix[0] + _GO_ON[0], fix[1] + _GO_ON[1]), severity="warning"
    )  # fmt: skip


def looks_like(span: Span, wanted: Message, other: Message) -> Diagnostic:
    """A file given for one entity whose header is another's. No run goes on with it."""
    return diagnostic("E543.looks_like", span, wanted=wanted, other=other)


def mostly_late(place: str, entity: Message, percent: int, day: dt.date) -> Diagnostic:
    return _doubt(
        "E544",
        place,
        (
            f"{percent}% 的{entity.zh}记录晚于核定日 {day}",
            f"{percent}% of the rows ({entity.en}) lie after the decision date {day}",
        ),
        ("请检查 --as-of", "Check --as-of"),
    )


def long_ago(place: str, entity: Message, years: int, day: dt.date) -> Diagnostic:
    return _doubt(
        "E545",
        place,
        (
            f"最近一条{entity.zh}记录比核定日 {day} 早 {years} 年",
            f"the last row ({entity.en}) lies {years} years before the decision date {day}",
        ),
        ("请检查 --as-of 和文件", "Check --as-of and the file"),
    )


def strange_day(day: dt.date) -> Diagnostic:
    return _doubt(
        "E546",
        "--as-of",
        (f"核定日 {day} 不合常理", f"the decision date {day} is implausible"),
        ("请检查 --as-of", "Check --as-of"),
    )


def strangers(place: str, child: Message, parent: Message, key: str, why: Difference | None) -> Diagnostic:
    reason = _NO_REASON if why is None else _WHY[why]
    return _doubt(
        "E547",
        place,
        (
            f"几乎没有一条{child.zh}记录能按 {key} 找到对应的{parent.zh}",
            f"hardly any row ({child.en}) finds its {parent.en} by {key}",
        ),
        reason if why is None else (reason[0], reason[1][0].upper() + reason[1][1:]),
    )
