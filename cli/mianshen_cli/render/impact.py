"""What a reform does, on one page of a terminal: money, people, causes.

In: the content of `compare.json`. Out: lines of at most 80 columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mianshen.source import Lang, Message
from mianshen_cli import output

COLUMNS: Final = 80
MOST: Final = 12  # lines of a table
_HEAD = Message("{overlays}，核定日 {day}", "{overlays}, decided for {day}")
_NOTHING = Message("没有变化。", "Nothing changes.")
_OF = Message(
    "参保人 {people:,}：受益 {gain:,}，受损 {lose:,}，有变化 {changed:,}，待定 {open:,}",
    "{people:,} insured people: {gain:,} gain, {lose:,} lose, {changed:,} changed, {open:,} open",
)
_SAMPLE = Message(
    "推算到 {of:,} 人：增减 {difference} 元，标准误 {standard_error} 元",
    "of {of:,} people: {difference} yuan more, standard error {standard_error}",
)
_MONEY = tuple(
    Message(*item)
    for item in (
        ("项目", "what"), ("原（元）", "before"), ("增减（元）", "difference"), ("最少", "least"), ("最多", "most"),
    )
)  # fmt: skip
_FUND = {
    "paid": Message("支付合计", "paid in all"),
    "patients": Message("个人负担合计", "patients pay in all"),
}
_BENEFITS = tuple(
    Message(*item)
    for item in (("待遇", "benefit"), ("新增", "gained"), ("失去", "lost"), ("增减（元）", "difference"), ("未计入", "left out"))
)  # fmt: skip
_CAUSES = tuple(
    Message(*item)
    for item in (("起因", "cause"), ("人数", "people"), ("增减（元）", "difference"), ("依据", "clause"))
)
_BANDS = {
    "loses_much": Message("减少超过5%", "lose over 5%"), "loses": Message("减少5%以内", "lose up to 5%"),
    "same": Message("不变", "unchanged"), "gains": Message("增加5%以内", "gain up to 5%"),
    "gains_much": Message("增加超过5%", "gain over 5%"),
}  # fmt: skip
_MORE = Message("另有 {count} 项见报告", "{count} more in the report")


def summary(lang: Lang, content: Mapping[str, Any]) -> str:
    """The page."""
    overlays = " + ".join(content["after"].get("overlays", ())) or content["after"]["name"]
    lines = [_HEAD.in_(lang).format(overlays=overlays, day=content["as_of"])]
    if content["people"]:
        lines.append(_OF.in_(lang).format(**content["people"]))
    if content.get("sample", {}).get("difference") is not None:
        lines.append(_SAMPLE.in_(lang).format(**content["sample"]))
    if not content["changed_cells"]:
        return "\n".join([*lines, _NOTHING.in_(lang)])
    parts = ["\n".join(lines), _money(lang, content), _benefits(lang, content["benefits"])]
    parts += [_bands(lang, content["bands"]), _causes(lang, content["causes"])]
    return "\n\n".join(part for part in parts if part)


def _money(lang: Lang, content: Mapping[str, Any]) -> str:
    listed = [(n["title"][lang], n) for n in content["decisions"].values()
              if n["difference"] is not None and (n["rows"] or n["left_out"])]  # fmt: skip
    listed += [(_FUND[name].in_(lang), n) for name, n in content["fund"].items()]
    rows = [
        (short(title, 24), _amount(n["before"]), _signed(n["difference"]), *_interval(n))
        for title, n in listed
    ]
    return _table(lang, _MONEY, rows, [1, 2, 3, 4])


def _interval(sums: Mapping[str, Any]) -> tuple[str, str]:
    """The bounds, where they say more than the difference does."""
    bounds = sums["least"], sums["most"]
    if bounds == (sums["difference"],) * 2:
        return "", ""
    return tuple("?" if bound is None else _signed(bound) for bound in bounds)  # type: ignore[return-value]  # two


def _benefits(lang: Lang, benefits: Mapping[str, Any]) -> str:
    rows = [
        (short(n["title"][lang], 28), f"{n['gained']:,}", f"{n['lost']:,}",
         "" if n["difference"] is None else _signed(n["difference"]), f"{n['left_out']:,}" if n["left_out"] else "")
        for n in benefits.values()
        if n["gained"] or n["lost"] or n["rows"] or (n["difference"] or "0.00") != "0.00"
    ]  # fmt: skip
    return _table(lang, _BENEFITS, rows, [1, 2, 3, 4])


def _bands(lang: Lang, bands: Mapping[str, Any]) -> str:
    rows = [[_BANDS[name].in_(lang) for name in bands], [f"{n['people']:,}" for n in bands.values()]]
    return output.table(rows[0], rows[1:], right=range(len(bands))) if bands else ""


def _causes(lang: Lang, causes: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (short(cause["title"][lang], 30), f"{cause['people'].get('changed', 0):,}",
         _signed(cause["people"].get("difference", "0.00")), short(cause["clause"], 20))
        for cause in sorted(causes, key=lambda cause: -cause["people"].get("changed", 0))
    ]  # fmt: skip
    return _table(lang, _CAUSES, rows, [1, 2])


def _table(lang: Lang, heads: Sequence[Message], rows: Sequence[Sequence[str]], right: list[int]) -> str:
    if not rows:
        return ""
    text = output.table([head.in_(lang) for head in heads], rows[:MOST], right=right)
    if len(rows) > MOST:
        text += "\n" + _MORE.in_(lang).format(count=len(rows) - MOST)
    return text


def short(text: str, columns: int) -> str:
    """The text, cut to so many columns."""
    if output.width(text) <= columns:
        return text
    while output.width(text) > columns - 1:
        text = text[:-1]
    return text + "…"


def _amount(yuan: str) -> str:
    """With thousands marked; whole yuan where the number is long."""
    shown = _grouped(yuan)
    return shown.rsplit(".", 1)[0] if len(shown) > 13 else shown


def _grouped(yuan: str) -> str:
    whole, _, fen = yuan.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}.{fen}"


def _signed(yuan: str) -> str:
    """With its sign, thousands marked; whole yuan where the number is long."""
    shown = _amount(yuan)
    return shown if yuan.startswith("-") or yuan.strip("0.") == "" else f"+{shown}"
