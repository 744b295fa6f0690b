"""Small rulebooks at random: household over resident over claim, facts of every type, decisions on top.

In: a source of chance. Out: the rulebook as one mapping, to be written as YAML. Every operator,
function, hit policy, kind of exception, figure and limit that the language has turns up in some; each
decision reads only earlier ones, so that there is no circle. Nearly all of them load.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, get_args

from tests.support.formulas import AREAS, CODES, COMPARE, DAYS, WARDS, Formulas, Kind, Named, Num, World

from mianshen.closed_sets import Period

Doc = dict[str, Any]

MONEY: Final = (16, 2)
TITLE: Final = {"zh": "题", "en": "title"}


def fact(kind: str, **more: Any) -> Doc:
    return {"type": kind, "title": TITLE, **more}


FACTS: Final[dict[str, Doc]] = {
    "household": {
        "home_id": fact("text", required="true"),
        "income": fact("money", min="0.00", max="9999999.99"),
        "size": fact("integer", min="0", max="99"),
        "founded": fact("date"),
        "place": fact("area"),
        "standing": fact("code level"),
        "poor": fact("boolean"),
    },
    "resident": {
        "person_id": fact("text", required="true"),
        "born": fact("date"),
        "scheme": fact("code scheme"),
        "insured_area": fact("area"),
        "share": fact("rate", min="-2", max="3"),
        "score": fact("integer", min="-9", max="9"),
        "index": fact("number", min="-1000", max="1000"),
        "opening_one": fact("money", min="0.00", when_absent="0.00"),
        "opening_two": fact("money", when_absent="0.00"),
        "fund": fact("money"),
        "tags": fact("list of code care"),
        "active": fact("boolean"),
        "nick": fact("text"),
    },
    "claim": {
        "claim_id": fact("text", required="true"),
        "day": fact("date", required="true"),
        "cost": fact("money", min="0.00"),
        "extra": fact("money"),
        "small": fact("money", min="0.00", max="9999.99"),
        "care": fact("code care"),
        "level": fact("code level"),
        "days": fact("integer", min="0", max="400"),
        "factor": fact("rate", min="0", max="1"),
        "urgent": fact("boolean"),
        "ward": fact("text"),
        "seen": fact("date"),
        "hospital": fact("area"),
        "items": fact("list of code level"),
    },
}
DIGITS: Final = {
    "income": (7, 2), "size": (2, 0), "share": (1, 6), "score": (1, 0), "index": (4, 6), "opening_one": (14, 2),
    "opening_two": (14, 2), "fund": (14, 2), "cost": (14, 2), "extra": (14, 2), "small": (4, 2), "days": (3, 0),
    "factor": (1, 6),
}  # fmt: skip
DECIDED: Final = {
    "money": ("number", 16, 2), "rate": ("number", 7, 6), "integer": ("number", 16, 0), "number": ("number", 19, 6),
    "boolean": ("boolean", 0, 0), "date": ("date", 0, 0), "text": ("text", 0, 0), "area": ("area", 0, 0),
}  # fmt: skip


def kind_of(written: str) -> Kind:
    """What a fact's type is to a formula."""
    kinds: dict[str, Kind] = {"text": "text", "boolean": "boolean", "date": "date", "area": "area"}
    if written.startswith("code "):
        return "code"
    return "list" if written.startswith("list") else kinds.get(written, "number")


def known_facts() -> dict[str, list[Named]]:
    return {
        entity: [
            Named(name, kind_of(model["type"]), model["type"].rpartition(" ")[2], *DIGITS.get(name, (0, 0)))
            for name, model in facts.items()
            if not name.endswith("_id")
        ]
        for entity, facts in FACTS.items()
    }


@dataclass(slots=True)
class Drafting:
    """One rulebook as it grows. `variety`: what this rulebook has more of than others."""

    rng: Random
    world: World = field(default_factory=lambda: World(known_facts()))
    doc: Doc = field(default_factory=dict)
    depth: int = 2
    formulas: Formulas = field(init=False)
    risky: bool = field(init=False)
    limited: float = field(init=False)

    def __post_init__(self) -> None:
        self.risky = self.rng.random() < 0.35  # gaps, reviews, clashes, so that rows are rejected
        self.limited = self.rng.choice((0.3, 0.6, 0.95))  # how many of the claims' payments are limited
        self.formulas = Formulas(self.rng, self.world, self.risky)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    # -- figures -----------------------------------------------------------------------------

    def series(self, values: list[Any]) -> list[Doc]:
        """Dated values, sometimes missing, with gaps or past review."""
        starts = sorted(
            self.rng.sample(
                ("2024-07-01", "2025-01-01", "2025-07-01", "2026-01-01", "2026-07-01"), len(values) - 1
            )
        )
        parts: list[Doc] = []
        for start, value in zip(["2000-01-01", *starts], values, strict=True):
            missing = self.chance(0.06)
            dated: Doc = {"from": start, "basis": "missing" if missing else "provisional"}
            if not missing:
                dated["value"] = value
            if self.risky and self.chance(0.15):
                dated["review_by"] = self.rng.choice(("2025-03-01", "2026-06-30", "2026-11-20"))
            if self.risky and self.chance(0.1):
                dated["until"] = max(start, self.rng.choice(("2025-11-30", "2026-02-01", "2026-10-01")))
            parts.append(dated)
        return [self._closed(one, two) for one, two in zip(parts, [*parts[1:], None], strict=True)]

    def _closed(self, dated: Doc, following: Doc | None) -> Doc:
        """A value that ends before the next begins."""
        if "until" in dated and following is not None and dated["until"] >= following["from"]:
            last = dt.date.fromisoformat(following["from"]) - dt.timedelta(days=40)
            return {**dated, "until": max(dated["from"], last.isoformat())}
        return dated

    def parameter(
        self, name: str, written: str, values: list[Any], kind: Kind, whole: int, scale: int, codes: str = ""
    ) -> None:
        self.doc.setdefault("parameters", {})[name] = {
            "type": written,
            "title": TITLE,
            "values": self.series(values),
        }
        self.world.parameters.append(Named(name, kind, codes, whole, scale))

    def figures(self) -> None:
        rng = self.rng
        some = rng.choice((1, 1, 2, 3))
        self.parameter(
            "p_money",
            "money",
            [rng.choice(("100.00", "1500.50", "8000")) for _ in range(some)],
            "number",
            4,
            2,
        )
        self.parameter(
            "p_rate",
            "rate",
            [rng.choice(("75%", "0.8", "100%", "33.33%")) for _ in range(rng.choice((1, 2)))],
            "number",
            1,
            4,
        )
        self.parameter(
            "p_count",
            "integer",
            [rng.choice(("0", "3", "-2")) for _ in range(rng.choice((1, 2)))],
            "number",
            1,
            0,
        )
        if self.chance(0.3):
            self.parameter("p_day", "date", [rng.choice(DAYS)], "date", 0, 0)
        if self.chance(0.3):
            self.parameter(
                "p_flag",
                "boolean",
                [rng.choice(("true", "false")) for _ in range(rng.choice((1, 2)))],
                "boolean",
                0,
                0,
            )
        if self.chance(0.2):
            self.parameter("p_care", "code care", [rng.choice(CODES["care"])], "code", 0, 0, "care")
        steps = [
            {"over": over, "rate": rng.choice(("30%", "0.4", "55%"))}
            for over in sorted(rng.sample(("0", "100", "3000", "30000.50"), 2), key=float)
        ]
        self.doc["parameters"]["p_scale"] = {
            "type": "scale",
            "title": TITLE,
            "values": self.series([steps, steps[:1]][: rng.choice((1, 2))]),
        }
        self.world.scales.append("p_scale")
        by_level = {level: rng.choice(("10%", "0.25", "75%")) for level in CODES["level"]}
        self.doc["parameters"]["p_keyed"] = {
            "type": "rate",
            "title": TITLE,
            "keys": {"level": "code level", "place": "area"},
            "values": [
                {
                    "from": "2000-01-01",
                    "basis": "provisional",
                    "value": {
                        k: {"31": rate, "310113": "5%", "otherwise": "1%"} for k, rate in by_level.items()
                    },
                }
            ],
        }
        for name, day in (("year_one", "01-01"), ("year_two", "07-01")):
            self.doc["parameters"][name] = {
                "type": "month_day",
                "title": TITLE,
                "values": [{"from": "2000-01-01", "value": day, "basis": "provisional"}],
            }
            self.world.year_starts.append(name)

    # -- provisions --------------------------------------------------------------------------

    def value(self, at: str, written: str) -> Num:
        """A formula of a decision's type."""
        rng, formulas = self.rng, self.formulas
        depth = rng.choice((0, 1, self.depth, self.depth))
        kind, codes = kind_of(written), written.rpartition(" ")[2]
        match kind:
            case "number":
                return self.numeric(at, written, depth)
            case "boolean":
                return Num(formulas.boolean(at, depth), 0, 0)
            case "date":
                return Num(formulas.date(at, depth), 0, 0)
            case "code":
                return Num(formulas.code(at, codes, depth), 0, 0)
            case _:
                return Num(formulas.plain(at, kind), 0, 0)

    def numeric(self, at: str, written: str, depth: int) -> Num:
        formulas = self.formulas
        _, whole, scale = DECIDED[written]
        if written == "money":
            quotient = formulas.quotient(at, depth, 2) if self.chance(0.15) else None
            built = quotient or formulas.number(at, depth, 30)
        else:
            built = formulas.number(at, depth, 24)
            if built.scale > scale:
                built = formulas.rounded(built, scale)
        return Num(built.text, min(built.whole + 1, whole), min(built.scale, scale))

    def condition(self, at: str) -> str:
        return self.formulas.boolean(at, self.rng.choice((0, 1, 1, self.depth)))

    def scope(self, at: str) -> Doc:
        """Jurisdiction and dates."""
        parts: Doc = {}
        if at != "household" and self.chance(0.15):
            parts["area"] = self.rng.sample(AREAS, self.rng.choice((1, 1, 2)))
        if self.chance(0.15):
            parts["from"] = self.rng.choice(("2025-01-01", "2025-07-01", "2026-01-01"))
        if self.chance(0.1):
            parts["until"] = self.rng.choice(("2026-06-30", "2026-10-01"))
        return parts

    def provision(
        self, at: str, decision: str, written: str, others: list[str], limit: Doc | None
    ) -> tuple[Doc, Num]:
        parts: Doc = {"decision": decision, **self.scope(at)}
        if self.chance(0.75):
            parts["when"] = self.condition(at)
        value = self.value(at, written)
        parts["value"] = value.text
        if limit is not None:
            parts["annual_limit"] = limit
        if self.chance(0.12):
            parts["fallback"] = "true"
        elif others and self.chance(0.6 if self.risky else 0.95):
            parts["exception_to"] = (
                others[-1:]
                if not self.risky
                else self.rng.sample(others, 1 if self.chance(0.7) else min(2, len(others)))
            )
        return parts, value

    def provisions(self, at: str, name: str, written: str, limits: list[Doc]) -> list[Num]:
        """One to four provisions; later ones may be exceptions to earlier ones."""
        values: list[Num] = []
        names: list[str] = []
        for index in range(self.rng.choice((1, 1, 2, 2, 3, 4))):
            limit = self.rng.choice(limits) if limits and (index == 0 or self.chance(0.7)) else None
            built, value = self.provision(at, name, written, names, limit)
            label = f"{name}_{index}"
            self.doc.setdefault("provisions", {})[label] = built
            if "fallback" not in built:
                names.append(label)
            values.append(value)
        return values

    # -- tables ------------------------------------------------------------------------------

    def table(self, at: str, name: str, written: str, limits: list[Doc]) -> list[Num]:
        """A decision table under some hit policy."""
        policies = ["unique", "any", "first"]
        if kind_of(written) == "number":
            policies += ["collect sum", "collect min", "collect max", "collect count"]
        policy = "unique" if limits else self.rng.choice(policies)
        inputs, cells = self.unique_cells(at) if policy == "unique" else self.any_cells(at)
        rows, values = [], []
        for index, row in enumerate(cells):
            value = self.value(at, written)
            parts: Doc = {"id": f"r{index}", "cells": row, "value": value.text}
            if limits and self.chance(0.7):
                parts["annual_limit"] = self.rng.choice(limits)
            if policy != "unique" and self.chance(0.1):
                parts |= self.scope(at)
            rows.append(parts)
            values.append(Num(value.text, value.whole + (1 if policy == "collect sum" else 0), value.scale))
        table: Doc = {
            "decision": name,
            "inputs": inputs,
            "hit_policy": policy,
            "rows": rows,
            **self.scope(at),
        }
        if self.chance(0.3):
            table["when"] = self.condition(at)
        self.doc.setdefault("tables", {})[f"{name}_table"] = table
        if self.chance(0.2):
            parts, value = self.provision(at, name, written, [f"{name}_table"], None)
            self.doc.setdefault("provisions", {})[f"{name}_0"] = parts
            values.append(value)
        return values if policy != "collect count" else [Num("", 10, 0)]

    def unique_cells(self, at: str) -> tuple[list[str], list[list[str]]]:
        """Inputs and rows of cells that provably never match together."""
        name = self.rng.choice(self.formulas.named(at, "code"))
        values = CODES[name.codes]
        columns = [
            [f'"{values[0]}"'],
            [f'not("{values[0]}")'] if self.chance(0.5) else [f'"{values[1]}", "{values[2]}"'],
        ]
        if self.chance(0.5):
            return [name.text], columns
        number = (
            self.formulas.number(at, 1, 20).text
            if self.chance(0.3)
            else self.rng.choice(self.bare_numbers(at))
        )
        bound = self.rng.choice(("0", "100", "12"))
        split = [[columns[0][0], f"< {bound}"], [columns[0][0], f">= {bound}"], [columns[1][0], "-"]]
        return [name.text, number], split if number.isidentifier() or "." in number else [split[0], split[2]]

    def bare_numbers(self, at: str) -> list[str]:
        return [n.text for n in self.world.facts[at] if n.kind == "number"]

    def any_cells(self, at: str) -> tuple[list[str], list[list[str]]]:
        known = [
            k
            for k in ("number", "code", "boolean", "date", "text")
            if k == "boolean" or self.formulas.named(at, k)
        ]
        kinds = [self.rng.choice(known) for _ in range(self.rng.choice((1, 2, 2)))]
        inputs, makers = [], []
        for kind in kinds:
            text, codes = self.input(at, kind)
            inputs.append(text)
            makers.append((kind, codes))
        rows = [[self.cell(at, *maker) for maker in makers] for _ in range(self.rng.choice((1, 2, 3, 4)))]
        return inputs, rows

    def input(self, at: str, kind: str) -> tuple[str, str]:
        formulas = self.formulas
        match kind:
            case "number":
                return formulas.number(at, self.rng.choice((0, 1)), 20).text, ""
            case "boolean":
                return formulas.boolean(at, self.rng.choice((0, 1))), ""
            case "date":
                return formulas.date(at, 0), ""
            case "text":
                return self.rng.choice(formulas.named(at, "text")).text, ""
            case _:
                name = self.rng.choice(formulas.named(at, "code"))
                return name.text, name.codes

    def cell(self, at: str, kind: str, codes: str) -> str:
        rng = self.rng
        if self.chance(0.2):
            return "-"
        tests = ", ".join(self.test(at, kind, codes) for _ in range(rng.choice((1, 1, 2))))
        return f"not({tests})" if self.chance(0.2) and (", " in tests or tests[0] in "[(<>") else tests

    def test(self, at: str, kind: str, codes: str) -> str:
        rng = self.rng
        match kind:
            case "number":
                low, high = rng.choice(("0", "1", "10")), rng.choice(("3", "100", "2500.50"))
                ranged = f"{rng.choice('[(')}{low}..{high}{rng.choice('])')}"
                return rng.choice(
                    (
                        ranged,
                        f"{rng.choice(COMPARE)} {low}",
                        high,
                        f"> {self.formulas.number(at, 0, 20).text}",
                    )
                )
            case "boolean":
                return rng.choice(("true", "false"))
            case "date":
                return f'{rng.choice(COMPARE)} date("{rng.choice(DAYS)}")'
            case "text":
                return f'"{rng.choice(WARDS)}"'
            case _:
                return f'"{rng.choice(CODES[codes])}"'

    # -- limits ------------------------------------------------------------------------------

    def limit(self) -> str:
        """What a limit may be: constant, rising, falling, a person's, a claim's."""
        rng = self.rng
        built = rng.choice(("const", "const", "figure", "figure", "person", "claim", "decision", "choice"))
        numbers = [n.text for n in self.world.decisions["claim"] if n.kind == "number" and n.scale <= 2]
        match built:
            case "const":
                return rng.choice(("100.00", "1500", "0", "99999.99", "-5"))
            case "person":
                return rng.choice(("resident.fund", "resident.opening_one", "household.income", "p_money"))
            case "claim":
                return rng.choice(
                    ("small", "cost - extra", "max(small, 100)", "if urgent then 100 else 1000")
                )
            case "decision" if numbers:
                return rng.choice(numbers)
            case "choice":
                return "if resident.active then 500.00 else p_limit"
            case _:
                return rng.choice(("p_limit", "p_limit", "p_money"))

    def limits_of(self, name: str) -> list[Doc]:
        """Accumulators that sum the decision, each with a limit or two."""
        parts: list[Doc] = []
        for index in range(self.rng.choice((1, 1, 2))):
            label = f"{name}_acc_{index}"
            accumulator: Doc = {"title": TITLE, "sums": name}
            if self.chance(0.6):
                accumulator["over"] = self.condition("claim")
            if self.chance(0.5):
                accumulator["opening"] = self.rng.choice(("opening_one", "opening_two"))
            if self.chance(0.5):
                accumulator["year_starts"] = self.rng.choice(self.world.year_starts)
            if self.chance(0.3):
                accumulator["per"] = ["scheme"]
            if self.chance(0.2):
                accumulator |= self.split(accumulator)
            self.doc.setdefault("accumulators", {})[label] = accumulator
            shared = self.limit()
            parts += [
                {"accumulator": label, "limit": shared if self.chance(0.6) else self.limit()}
                for _ in range(2)
            ]
        return parts

    def split(self, accumulator: Doc) -> Doc:
        """What makes an accumulator one of several balances."""
        rng = self.rng
        one: Doc = rng.choice((
            {"period": rng.choice(get_args(Period)[1:])},
            {"per": [rng.choice(("care", "ward", "seen", "hospital", "urgent", "days"))]},
            {"days_before": rng.choice((1, 30, 200))}, {"holder": "household"},
        ))  # fmt: skip
        if "opening" in accumulator and "period" not in one:
            del accumulator["opening"]
        return one

    # -- decisions ---------------------------------------------------------------------------

    def layers(self) -> None:
        """Decisions that are paid, what is left to pay, and how many rows there were."""
        models = self.doc["decisions"].setdefault("claim", {})
        for model in models.values():
            if model["type"] == "money" and self.chance(0.7):
                model["paid"] = "true"
        models |= {
            "paid_too": {"type": "money", "title": TITLE, "paid": "true"},
            "rest": {"type": "money", "title": TITLE},
            "one_part": {"type": "money", "title": TITLE},
            "other_part": {"type": "money", "title": TITLE},
        }
        parts: Doc = {"title": TITLE, "sums": ["one_part", "other_part"]}
        if self.chance(0.5):
            parts["dates"] = {"one_part": "seen"}
        if self.chance(0.3):
            parts["over"] = "not(urgent)"
        parts["period"] = self.rng.choice(("year", "year", "month", "quarter", "lifetime"))
        self.doc.setdefault("accumulators", {})["parts"] = parts
        self.doc.setdefault("accumulators", {})["rows"] = {
            "title": TITLE,
            "over": "urgent",
            "period": "month",
        }
        self.doc.setdefault("provisions", {}).update({
            "paid_too_given": {"decision": "paid_too", "when": "year to date(rows) < 2", "value": "small"},
            "one_part_given": {
                "decision": "one_part", "when": 'care != "inpatient"', "value": "small",
                "annual_limit": {"accumulator": "parts", "limit": "1000"},
            },
            "other_part_given": {
                "decision": "other_part", "value": "cost / 3", "annual_limit": {"accumulator": "parts", "limit": self.limit()},
            },
            "rest_given": {"decision": "rest", "let": {"own": "small * 2"}, "value": "own - paid layers(claim) / 1000"},
        })  # fmt: skip

    def decide(self, index: int) -> None:
        """One more decision at some entity."""
        rng = self.rng
        at = rng.choice(("claim", "claim", "claim", "claim", "resident", "resident", "household"))
        written = rng.choice(
            (
                "money",
                "money",
                "money",
                "money",
                "rate",
                "integer",
                "number",
                "boolean",
                "boolean",
                "date",
                "code care",
                "text",
                "area",
            )
        )
        name = f"d{index}"
        limits: list[Doc] = []
        if at == "claim" and written == "money" and self.chance(self.limited):
            limits = self.limits_of(name)
        table = self.chance(0.3) and kind_of(written) in ("number", "boolean", "code")
        values = (
            self.table(at, name, written, limits) if table else self.provisions(at, name, written, limits)
        )
        self.doc.setdefault("decisions", {}).setdefault(at, {})[name] = {
            "type": written,
            "title": TITLE,
            "output": "true",
        }
        whole = max(v.whole for v in values)
        scale = max(v.scale for v in values)
        if written == "money":
            whole, scale = min(whole + 1, 16), 2
        self.world.decisions[at].append(
            Named(name, kind_of(written), written.rpartition(" ")[2], whole, scale, True)
        )
        self.world.accumulators += sorted({limit["accumulator"] for limit in limits})


def rulebook(rng: Random, decisions: int | None = None, calendar: bool = False) -> Doc:
    """A rulebook as one mapping, sections as in a rulebook file; with a working-day calendar, if asked."""
    draft = Drafting(rng, depth=rng.choice((1, 2, 2, 3)))
    if calendar:
        draft.world.calendar = True
        draft.doc["calendar"] = years(rng)
    falling = [
        rng.choice(("50.00", "100.00", "1500.00", "99999.99")) for _ in range(rng.choice((1, 2, 2, 3)))
    ]
    draft.doc |= {
        "rulebook": {"name": "random", "title": TITLE},
        "defaults": {"source": "S", "clause": "1"},
        "sources": {"S": {"title": TITLE}},
        "entities": entities(rng),
        "codes": {
            name: {"title": TITLE, "values": {v: {"zh": f"{v}_zh", "en": v} for v in values}}
            for name, values in CODES.items()
        },
        "facts": FACTS,
        "decisions": {},
    }
    draft.parameter(
        "p_limit", "money", falling if rng.random() < 0.6 else sorted(falling, key=float), "number", 5, 2
    )
    draft.figures()
    for index in range(decisions or rng.randint(2, 9)):
        draft.decide(index)
    if rng.random() < 0.1:
        draft.layers()
    return draft.doc


def years(rng: Random) -> Doc:
    """A calendar that begins and ends among the days that occur."""
    parts: Doc = {}
    for year in range(rng.choice((1985, 2024, 2024)), rng.choice((2026, 2026, 2030)) + 1):
        days = [dt.date(year, 1, 1) + dt.timedelta(days=at) for at in rng.sample(range(365), 40)]
        weekdays = sorted(day for day in days if day.weekday() < 5)
        weekend = sorted(day for day in days if day.weekday() >= 5)
        parts[str(year)] = {
            "days_off": [f"{day:%m-%d}" for day in weekdays],
            "worked": [f"{day:%m-%d}" for day in weekend],
        }
    return parts


def entities(rng: Random) -> Doc:
    resident: Doc = {
        "title": TITLE,
        "key": "person_id",
        "parent": "household",
        "children": "members",
        "area": "insured_area",
    }
    if rng.random() < 0.4:
        resident["counted_by"] = "size"
    claim = {"title": TITLE, "key": "claim_id", "parent": "resident", "children": "claims", "date": "day"}
    return {"household": {"title": TITLE, "key": "home_id"}, "resident": resident, "claim": claim}
