"""A comparison as a page: tables and bars in both languages, self-contained, without scripts.

In: a program, the content of `compare.json`. Out: HTML. Invariants: nobody is named; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2

from mianshen.program.program import Program
from mianshen.source import Lang
from mianshen.templates import templates
from mianshen.wording import wording

FULL: Final = 1000  # widths are thousandths
WORDS: Final = wording.group("compare")
ESTIMATES: Final = wording.group("estimates")


@dataclass(frozen=True, slots=True)
class Page:
    """The page of one comparison; `lang`: the language shown first."""

    program: Program
    content: Mapping[str, Any]
    lang: Lang = "zh"

    def html(self) -> str:
        """The page."""
        content = self.content
        return template("report.html").render(
            words=WORDS, lang=self.lang, content=content, overlays=" + ".join(content["after"].get("overlays", ())),
            fund=[(n["title"], n) for n in content["fund"].values()],
            amounts=list(self._amounts()), benefits=list(self._benefits()), bands=list(self._bands()),
            groups=[g | {"rows": list(_bars(g["groups"]))} for g in content["groups"]],
            estimate=ESTIMATES.get(self._kind or ""), kind=self._kind, unbounded=unbounded_by(content),
            causes=sorted(content["causes"], key=lambda cause: -cause["people"].get("changed", 0)),
        )  # fmt: skip

    @property
    def _kind(self) -> str | None:
        """Which estimates the content holds: of a sample, or weighted."""
        if "sample" in self.content:
            return "sample"
        return "weighted" if "weighted" in self.content["people"] else None

    def _amounts(self) -> Iterator[dict[str, Any]]:
        listed = [(n, s) for n, s in self.content["decisions"].items() if s["difference"] is not None]
        most = max((abs(Decimal(s["difference"])) for _, s in listed), default=Decimal(0))
        for _, sums in listed:
            if sums["rows"] or sums["left_out"]:
                yield dict(sums) | {"bar": _bar(Decimal(sums["difference"]), most)}

    def _benefits(self) -> Iterator[dict[str, Any]]:
        for sums in self.content["benefits"].values():
            if sums["gained"] or sums["lost"] or sums["rows"] or (sums["difference"] or "0.00") != "0.00":
                yield dict(sums)

    def _bands(self) -> Iterator[dict[str, Any]]:
        bands = self.content["bands"]
        most = max((n["people"] for name, n in bands.items() if name != "same"), default=0)
        for name, n in bands.items():
            width = FULL if name == "same" else n["people"] * FULL // max(1, most)
            yield dict(n) | {"name": name, "title": WORDS[name], "width": width if n["people"] else 0}


def _bars(groups: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    most = max((abs(Decimal(group["difference"])) for group in groups), default=Decimal(0))
    for group in groups:
        yield group | {"bar": _bar(Decimal(group["difference"]), most)}


def _bar(value: Decimal, most: Decimal) -> tuple[str, int]:
    """Which way a bar goes, and its width in thousandths of the widest."""
    if not value or not most:
        return "none", 0
    return "up" if value > 0 else "down", max(4, int(abs(value) * FULL / most))


def _yuan(text: str | None) -> str:
    """Thousands marked."""
    if text is None:
        return ""
    return f"{Decimal(text):,}".replace("-", "−")


def _signed(text: str | None) -> str:
    amount = _yuan(text)
    return amount if not amount or amount.startswith("−") or text in ("0.00", None) else f"+{amount}"


def _estimate(sums: Mapping[str, Any], kind: str | None) -> str:
    """An estimate of a difference with its standard error; nothing where there is none."""
    part = sums.get(kind or "")
    if part is None or part.get("difference") is None:
        return ""
    error = part["standard_error"]
    if not f"{part['difference']}{error or ''}".strip("-0."):
        return ""
    return _signed(part["difference"]) + ("" if error is None else f" ± {_yuan(error)}")


def unbounded_by(content: Mapping[str, Any]) -> list[dict[str, str]]:
    """The titles of the facts for want of which some sum is without bounds."""
    sums = [n for part in ("decisions", "benefits", "fund") for n in content[part].values()]
    listed = {named["fact"]: named["title"] for n in sums for named in n.get("unbounded_by", ())}
    return [listed[fact] for fact in sorted(listed)]


def _interval(sums: Mapping[str, Any]) -> str | None:
    """The bounds as text; None where nothing bounds them, empty where they say no more than the difference."""
    low, high = sums["least"], sums["most"]
    if low is None or high is None:
        return None
    return "" if low == high == sums["difference"] else f"{_signed(low)} ～ {_signed(high)}"


@cache
def template(name: str) -> jinja2.Template:
    """A template of this room, with what it writes amounts by."""
    environment = templates(Path(__file__).parent)
    environment.filters |= {
        "yuan": _yuan,
        "signed": _signed,
        "interval": _interval,
        "estimate": _estimate,
    }
    return environment.get_template(name)
