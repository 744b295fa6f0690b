"""A comparison as a whole: all blocks added up, and what `compare.json` holds of them.

In: block after block. Out: `Comparison`. Money is yuan with two decimals as text; counts are numbers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mianshen.batch.totals import Counts, added
from mianshen.impact.comparing import BlockComparison
from mianshen.impact.estimates import Estimates, weighted_yuan, yuan
from mianshen.impact.groups import Dimension, group_title
from mianshen.impact.people import BANDS, Incomes
from mianshen.impact.rule_changes import RuleChange, RuleChanges
from mianshen.program.program import Key, Program
from mianshen.source import Message, listed
from mianshen.wording import wording

AMOUNTS: Final = ("before", "after", "difference", "least", "most")
FUND: Final = Message("付给个人或为个人支付的合计", "paid to people or for them")


@dataclass(slots=True)
class Comparison:
    """Two sides compared. `changed`: cells that differ; `bounds`: what open rows may add to each difference."""

    changes: RuleChanges
    as_of: dt.date
    dimensions: list[Dimension]
    totals: tuple[Counts, Counts] = field(default_factory=lambda: ({}, {}))
    counts: Counts = field(default_factory=dict)
    people: Counts = field(default_factory=dict)
    incomes: Incomes = field(default_factory=Incomes)
    bounds: Counts = field(default_factory=dict)
    spread: Counts = field(default_factory=dict)
    records: Mapping[str, Any] = field(default_factory=dict)
    changed: int = 0
    resettled: dict[str, Any] = field(default_factory=dict)  # owed and overpaid by layer, where asked for

    inputs: Mapping[str, str] = field(default_factory=dict)  # digests of the files, where asked for
    mapping: Mapping[str, Any] = field(default_factory=dict)  # what a mapping made of the files, by entity
    sample_of: int | None = None  # how many people the records are a random sample of

    @property
    def estimates(self) -> Estimates:
        """What people who stand for others come to."""
        return Estimates(self.people.get("all", {}).get("people", 0), self.sample_of)

    def _sample(self, population: int) -> dict[str, Any]:
        """What the people's difference comes to in the population that they are a simple random sample of."""
        counts = self.people.get("all", {})
        size = counts.get("people", 0)
        estimate = self.estimates.people(counts).get("sample", {}) if size else {}
        names = ("difference", "standard_error")
        return {"people": size, "of": population, **{name: estimate.get(name) for name in names}}

    def add(self, block: BlockComparison) -> None:
        """Add a block's counts."""
        one, other = self.totals
        self.totals = added(one, block.totals[0]), added(other, block.totals[1])
        self.counts = added(self.counts, block.counts)
        self.people = added(self.people, block.people)
        self.bounds = added(self.bounds, block.bounds)
        self.spread = added(self.spread, block.spread)
        if block.incomes is not None:
            self.incomes.parts.append(block.incomes)
        self.changed += block.changes.num_rows

    @property
    def program(self) -> Program:
        return self.changes.after

    def content(self) -> dict[str, Any]:
        """What `compare.json` holds."""
        return {
            "as_of": self.as_of.isoformat(),
            "before": _rulebook(self.changes.before),
            "after": _rulebook(self.changes.after),
            "records": dict(self.records),
            **({"rejected": self.rejected} if self.rejected else {}),
            "entry": self.program.entities[self.program.entry].title.plain,
            "decisions": self._decisions(),
            "benefits": self._benefits(),
            "fund": self._fund(),
            "people": self._people(self.people.get("all", {})),
            "bands": {
                band: {"people": n["people"], "difference": yuan(n["gained"] + n["lost"])} | self.estimates.people(n)
                for band in BANDS if (n := self.people.get("bands", {}).get(band)) is not None
            },
            "groups": self._groups(),
            "causes": self._causes(),
            "changed_cells": self.changed,
            **({"mapping": dict(self.mapping)} if self.mapping else {}),
            **({"inputs": dict(self.inputs)} if self.inputs else {}),
            **({"resettlement": self.resettled} if self.resettled else {}),
            **({"sample": self._sample(self.sample_of)} if self.sample_of else {}),
        }  # fmt: skip

    @property
    def rejected(self) -> dict[str, Any]:
        """How many records of each entity a side rejects, and so are not compared."""
        counts = self.counts.get("rejected", {})
        titles = {name: entity.title.plain for name, entity in self.program.entities.items()}
        return {name: {"rows": rows, "title": titles[name]} for name, rows in counts.items() if rows}

    # -- amounts -----------------------------------------------------------------------------

    def _decisions(self) -> dict[str, Any]:
        """Every decision that results show; sums are those of amounts of money."""
        listed: dict[str, Any] = {}
        for decision in {
            d.key: d for d in (*self.changes.after.decisions, *self.changes.before.decisions)
        }.values():
            key = decision.key
            counts = self.counts.get("decisions", {}).get(".".join(key))
            if counts is None:
                continue
            name = decision.name if decision.name not in listed else ".".join(key)
            was, now = (self._amount(side, key) for side in self.totals)
            sums = self._sums(key, was, now, counts)
            if decision.written != "money":
                sums |= dict.fromkeys(AMOUNTS)
            listed[name] = sums | {"title": decision.title.plain}
        return listed

    @staticmethod
    def _amount(side: Counts, key: Key) -> int:
        amount = side.get(key[0], {}).get("amounts", {}).get(key[1], {})
        return int(amount.get("fen", 0))

    def _sums(self, key: Key, was: int, now: int, counts: Counts) -> dict[str, Any]:
        return self._total([key], (was, now), counts.get("known", 0), ".".join(key)) | {
            "left_out": counts["left_out"], "rows": counts["rows"],
        }  # fmt: skip

    def _benefits(self) -> dict[str, Any]:
        listed: dict[str, Any] = {}
        for benefit in {**self.changes.before.benefits, **self.changes.after.benefits}.values():
            counts = self.counts.get("benefits", {}).get(benefit.name)
            if counts is None:
                continue
            sides = [s.get(benefit.entity, {}).get("benefits", {}).get(benefit.name, {}) for s in self.totals]
            due = [side.get("eligible", {}) for side in sides]
            was, now = (int(part.get("fen", 0)) for part in due)
            sums = self._sums((benefit.entity, benefit.name), was, now, counts)
            if benefit.amount is None:
                sums |= dict.fromkeys(AMOUNTS)
            listed[benefit.name] = sums | {
                "eligible_before": due[0].get("rows", 0), "eligible_after": due[1].get("rows", 0),
                "gained": counts["gained"], "lost": counts["lost"], "title": benefit.title.plain,
            }  # fmt: skip
        return listed

    def _fund(self) -> dict[str, Any]:
        """What is paid to people or for them in all; and what rows' outcomes that nobody is paid, the patients' part, come to."""
        paid = [key for key in self.program.paid if self._counted(key)]
        outcomes = [
            (e.name, e.outcome) for e in self.program.entities.values()
            if e.outcome and self._counted((e.name, e.outcome)) and (e.name, e.outcome) not in self.program.paid
        ]  # fmt: skip
        titles = [self.program.decision(*key).title for key in outcomes]
        return {
            name: {"title": wording(f"compare.{name}").filled(title=listed(titles)).plain}
            | self._of_fund(name, keys)
            for name, keys in (("paid", paid), ("patients", outcomes))
            if keys
        }

    def _counted(self, key: Key) -> bool:
        return ".".join(key) in self.counts.get("decisions", {})

    def _of_fund(self, name: str, keys: list[Key]) -> dict[str, Any]:
        was, now = (sum(self._amount(side, key) for key in keys) for side in self.totals)
        known = sum(self.counts["decisions"][".".join(key)].get("known", 0) for key in keys)
        return self._total(keys, (was, now), known, f"fund.{name}")

    def _total(self, keys: list[Key], sides: tuple[int, int], known: int, name: str) -> dict[str, Any]:
        """Sums on either side, of which so much of the difference is certain; `name`: what the estimates are of."""
        was, now = sides
        bounds = [part for key in keys if (part := self.bounds.get(".".join(key))) is not None]
        low, high = self._interval(bounds, "low", known), self._interval(bounds, "high", known)
        sums = {
            "before": yuan(was), "after": yuan(now), "difference": yuan(now - was),
            "least": None if low is None else yuan(low), "most": None if high is None else yuan(high),
        }  # fmt: skip
        unbounded = sorted({fact for part in bounds for fact in part["unbounded"]})
        named = [{"fact": fact, "title": self._title(fact).plain} for fact in unbounded]
        return sums | ({"unbounded_by": named} if named else {}) | self._estimates(name, sums, bounds)

    def _title(self, name: str) -> Message:
        """What a missing fact or figure is called, of either program."""
        for program in (self.changes.after, self.changes.before):
            entity, _, fact = name.partition(".")
            if (entity, fact) in program.facts:
                return program.facts[entity, fact].title
            parameter = program.parameters.get(name.rpartition("parameter ")[2])
            if parameter is not None:
                return parameter.title
        return Message(name, name)

    @staticmethod
    def _interval(bounds: list[Counts], end: str, known: int) -> int | None:
        """The least or the most of a difference, of which `known` is certain; None where nothing bounds it."""
        return (
            None
            if any(part["unbounded"] for part in bounds)
            else known + sum(part.get(end, 0) for part in bounds)
        )

    def _estimates(self, name: str, sums: dict[str, Any], bounds: list[Counts]) -> dict[str, Any]:
        counts = self.spread.get(name)
        weighted: dict[str, str | None] = {}
        if counts is not None and "weighted" in counts:
            known = counts["weighted"]["known"]
            ends = (("least", "weighted_low"), ("most", "weighted_high"))
            for end, part in ends:
                total = self._interval(bounds, part, known)
                weighted[end] = None if total is None else weighted_yuan(total)
        return self.estimates.amounts(counts, sums | {"weighted": weighted})

    # -- people ------------------------------------------------------------------------------

    def _people(self, counts: Counts) -> dict[str, Any]:
        if not counts:
            return {}
        return self.estimates.people(counts) | {
            "people": counts["people"], "changed": counts["changed"], "gain": counts["gain"], "lose": counts["lose"],
            "open": counts["open"], "paid_before": yuan(counts["paid"]), "gained": yuan(counts["gained"]),
            "lost": yuan(counts["lost"]), "difference": yuan(counts["gained"] + counts["lost"]),
        }  # fmt: skip

    def _groups(self) -> list[dict[str, Any]]:
        groups = []
        for number, dimension in enumerate(self.dimensions):
            income = dimension.sort == "income"
            counts = (
                self.incomes.deciles(sampled=self.sample_of is not None)
                if income
                else self.people.get(f"dimension_{number}", {})
            )
            rows = [
                {"group": int(group), "title": group_title(dimension, int(group), self.program).plain} | self._people(n)
                for group, n in sorted(counts.items(), key=lambda item: (item[0] == "-1", int(item[0])))
            ]  # fmt: skip
            if rows:
                groups.append({"by": dimension.key[1], "title": dimension.title.plain, "groups": rows})
        return groups

    def _causes(self) -> list[dict[str, Any]]:
        counts = self.people.get("causes", {})
        return [
            cause_words(change) | {"people": self._people(counts.get(str(number), {}))}
            for number, change in enumerate(self.changes.listed)
        ]


def cause_words(change: RuleChange) -> dict[str, Any]:
    """A change with its wordings and clause."""
    return {
        "name": change.name, "kind": change.kind, "title": change.title.plain, "clause": change.clause,
        "before": change.before, "after": change.after,
    }  # fmt: skip


def _rulebook(program: Program) -> dict[str, Any]:
    overlays = {"overlays": list(program.overlays)} if program.overlays else {}
    return {"name": program.name, "digest": f"sha256:{program.digest}", **overlays}
