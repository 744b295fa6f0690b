"""What a reform does, on one page of a terminal: money, people, causes.

In: the content of `compare.json`. Out: lines of at most 80 columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mianshen.impact.page import unbounded_by
from mianshen.source import Lang
from mianshen_cli import output
from mianshen_cli.wording import wording

COLUMNS: Final = 80
MOST: Final = 12  # lines of a table
LONG: Final = 13  # characters of an amount beyond which a table leaves the fen out
_OF = wording("impact.of")
_OPEN: Final = wording("impact.open")
_UNBOUNDED: Final = wording("impact.unbounded")
_ESTIMATES: Final = {
    "weighted": wording.group("impact.weighted_sums"),
    "sample": wording.group("impact.sample_sums"),
}
_BANDS = wording.group("impact.bands")
_MORE = wording("impact.more")


def summary(lang: Lang, content: Mapping[str, Any]) -> str:
    """The page."""
    overlays = " + ".join(content["after"].get("overlays", ())) or content["after"]["name"]
    lines = [_heading(lang, overlays, content)]
    if content["people"]:
        lines.append(_OF.in_(lang, title=content["entry"][lang], **content["people"]))
    if content["people"].get("weighted", {}).get("standard_error") is not None:
        lines.append(wording("impact.weighted").in_(lang, **_grouped(content["people"]["weighted"])))
    if content.get("sample", {}).get("difference") is not None:
        lines.append(wording("impact.sample").in_(lang, **_grouped(content["sample"])))
    if "rejected" in content:
        counts = (f"{part['title'][lang]} {part['rows']:,}" for part in content["rejected"].values())
        lines.append(wording("impact.rejected").in_(lang, counts=", ".join(counts)))
    if not content["changed_cells"]:
        return output.folded("\n".join([*lines, wording("impact.nothing").in_(lang)]), output.columns())
    parts = [
        "\n".join(lines),
        _money(lang, content),
        _estimates(lang, content),
        _benefits(lang, content["benefits"]),
    ]
    parts += [_bands(lang, content["bands"]), _causes(lang, content["causes"])]
    return "\n\n".join(part for part in parts if part)


def _grouped(estimate: Mapping[str, Any]) -> dict[str, Any]:
    """An estimate whose amounts have their thousands marked."""
    return {**estimate, **{name: output.grouped(estimate[name]) for name in ("difference", "standard_error")}}


def _heading(lang: Lang, overlays: str, content: Mapping[str, Any]) -> str:
    """What is compared over what: cases, or files of records on a day."""
    counts = content["records"]
    if counts.keys() == {"case"}:
        return wording("impact.over_cases").in_(lang, overlays=overlays, count=counts["case"])
    records = wording("impact.records").in_(lang, count=sum(counts.values()))
    return wording("impact.head").in_(lang, overlays=overlays, records=records, day=content["as_of"])


def _money(lang: Lang, content: Mapping[str, Any]) -> str:
    listed = [(n["title"][lang], n) for n in content["decisions"].values()
              if n["difference"] is not None and (n["rows"] or n["least"] != n["most"])]  # fmt: skip
    listed += [(n["title"][lang], n) for n in content["fund"].values()]
    whole = any(len(output.grouped(n["before"])) > LONG for _, n in listed)
    rows = [
        (title, _amount(n["before"], whole), _signed(n["difference"], whole), *_interval(n, whole))
        for title, n in listed
    ]
    heads = wording.heads("impact.money", lang)
    if not any(least for *_, least, _ in rows):
        return _table(lang, heads[:3], [row[:3] for row in rows], [1, 2])
    table = _table(lang, heads, rows, [1, 2, 3, 4])
    left_out = max(n.get("left_out", 0) for _, n in listed)
    notes = [_OPEN.in_(lang, rows=f"{left_out:,}")]
    if titles := unbounded_by(content):
        joined = ("、" if lang == "zh" else ", ").join(title[lang] for title in titles)
        notes.append(_UNBOUNDED.in_(lang, facts=joined))
    return "\n".join([table, *(output.folded(note, output.columns()) for note in notes)])


def _estimates(lang: Lang, content: Mapping[str, Any]) -> str:
    """What the people come to who stand for others, by decision and benefit, with the standard error."""
    sums = [(n["title"][lang], n) for part in ("decisions", "benefits") for n in content[part].values()]
    sums += [(n["title"][lang], n) for n in content["fund"].values()]
    for kind, heads in _ESTIMATES.items():
        listed = [(title, n[kind]) for title, n in sums if kind in n and n[kind]["difference"].strip("-0.")]
        whole = any(len(output.grouped(part["difference"])) > LONG for _, part in listed)
        rows = [
            (title, _signed(part["difference"], whole), _amount(part["standard_error"] or "0.00", whole))
            for title, part in listed
        ]
        if rows:
            return _table(lang, [head.in_(lang) for head in heads.values()], rows, [1, 2])
    return ""


def _interval(sums: Mapping[str, Any], whole: bool) -> tuple[str, str]:
    """The bounds, where they say more than the difference does."""
    bounds = sums["least"], sums["most"]
    if bounds == (sums["difference"],) * 2:
        return "", ""
    return tuple("?" if bound is None else _signed(bound, whole) for bound in bounds)  # type: ignore[return-value]  # two


def _benefits(lang: Lang, benefits: Mapping[str, Any]) -> str:
    changed = [
        n for n in benefits.values() if n["gained"] or n["lost"] or n["rows"] or (n["difference"] or "0.00") != "0.00"
    ]  # fmt: skip
    whole = any(len(output.grouped(n["difference"] or "0.00")) > LONG for n in changed)
    rows = [
        (n["title"][lang], f"{n['gained']:,}", f"{n['lost']:,}",
         "" if n["difference"] is None else _signed(n["difference"], whole), f"{n['left_out']:,}" if n["left_out"] else "")
        for n in changed
    ]  # fmt: skip
    heads = wording.heads("impact.benefits", lang)
    heads = heads if any(row[-1] for row in rows) else heads[:-1]
    return _table(lang, heads, [row[: len(heads)] for row in rows], list(range(1, len(heads))))


def _bands(lang: Lang, bands: Mapping[str, Any]) -> str:
    rows = [[_BANDS[name].in_(lang) for name in bands], [f"{n['people']:,}" for n in bands.values()]]
    return output.table(rows[0], rows[1:], right=range(len(bands))) if bands else ""


def _causes(lang: Lang, causes: Sequence[Mapping[str, Any]]) -> str:
    whole = any(len(output.grouped(cause["people"].get("difference", "0.00"))) > LONG for cause in causes)
    rows = [
        (cause["title"][lang], f"{cause['people'].get('changed', 0):,}",
         _signed(cause["people"].get("difference", "0.00"), whole), cause["clause"])
        for cause in sorted(causes, key=lambda cause: -cause["people"].get("changed", 0))
    ]  # fmt: skip
    return _table(lang, wording.heads("impact.causes", lang), rows, [1, 2])


def _table(lang: Lang, heads: Sequence[str], rows: Sequence[Sequence[str]], right: list[int]) -> str:
    if not rows:
        return ""
    text = output.table(heads, rows[:MOST], right=right)
    if len(rows) > MOST:
        text += "\n" + _MORE.in_(lang, count=len(rows) - MOST)
    return text


def _amount(yuan: str, whole: bool) -> str:
    """With thousands marked; `whole`: without the fen."""
    text = output.grouped(yuan)
    return text.rsplit(".", 1)[0] if whole else text


def _signed(yuan: str, whole: bool) -> str:
    """With its sign, thousands marked."""
    text = _amount(yuan, whole)
    return text if yuan.startswith("-") or yuan.strip("0.") == "" else f"+{text}"
