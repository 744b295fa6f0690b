"""What differs between two rulebooks, in the language of rules.

In: two programs. Out: `RuleChange`s: figures value by value with their days and clauses, provisions part by part, and
what rests on each. Invariant: only what can change an answer, or what an answer rests on, is told; titles are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from mianshen.casework.wording import number
from mianshen.policy.catalogue import Catalogue, Item
from mianshen.program.program import (
    Accumulator,
    Benefit,
    Citation,
    Dated,
    Decision,
    Fact,
    Limit,
    Parameter,
    Program,
    Provision,
)
from mianshen.source import Message, Span

ChangeKind: TypeAlias = Literal["figure", "provision", "decision", "accumulator", "benefit", "fact", "codes"]


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One thing changed: `part` of `name`, before and after (empty: not there)."""

    kind: ChangeKind
    name: str
    title: Message
    part: str
    before: str
    after: str
    clause: Citation
    span: Span
    rests: tuple[str, ...]  # decisions and benefits that rest on it, directly or not


def rule_changes(old: Program, new: Program) -> tuple[RuleChange, ...]:
    """Every difference, figures first."""
    return tuple(_Diff(old, new).all())


class _Diff:
    def __init__(self, old: Program, new: Program) -> None:
        self.old, self.new = old, new
        self.catalogues = Catalogue(old), Catalogue(new)

    def all(self) -> Iterator[RuleChange]:
        old, new = self.old, self.new
        for name, one, two in _paired(old.parameters, new.parameters):
            yield from self._figures(name, one, two)
        provisions = _provisions(old), _provisions(new)
        for name, first, second in _paired(*provisions):
            yield from self._parts("provision", name, _provision(first), _provision(second), first or second)
        for kind, before, after, parts in (
            ("decision", {d.name: d for d in old.decisions}, {d.name: d for d in new.decisions}, _decision),
            ("accumulator", old.accumulators, new.accumulators, _accumulator),
            ("benefit", old.benefits, new.benefits, _benefit),
            ("fact", {".".join(k): f for k, f in old.facts.items()}, {".".join(k): f for k, f in new.facts.items()}, _fact),
            ("codes", old.codes, new.codes, _codes),
        ):  # fmt: skip
            for name, left, right in _paired(before, after):
                yield from self._parts(kind, name, parts(left), parts(right), left or right)  # type: ignore[arg-type]

    def _figures(self, name: str, one: Parameter | None, two: Parameter | None) -> Iterator[RuleChange]:
        """The values of a series, matched by the day they begin."""
        some = two or one
        assert some is not None
        before = {} if one is None else {dated.start: dated for dated in one.series}
        after = {} if two is None else {dated.start: dated for dated in two.series}
        for day in sorted({*before, *after}):
            was, now = before.get(day), after.get(day)
            texts = _value(was, some), _value(now, some)
            if texts != ("", "") and texts[0] != texts[1]:
                clause = (now or was).citation  # type: ignore[union-attr]  # one of them is there
                yield self._change("figure", name, some, f"{day}", *texts, clause)

    def _parts(
        self, kind: ChangeKind, name: str, before: Mapping[str, str], after: Mapping[str, str], some: Any
    ) -> Iterator[RuleChange]:
        clause = getattr(some, "citation", Citation(None, None))
        if not before or not after:
            yield self._change(kind, name, some, "", _whole(before), _whole(after), clause)
            return
        for part in dict.fromkeys((*before, *after)):
            if before.get(part, "") != after.get(part, ""):
                yield self._change(kind, name, some, part, before.get(part, ""), after.get(part, ""), clause)

    def _change(
        self, kind: ChangeKind, name: str, some: Any, part: str, before: str, after: str, clause: Citation
    ) -> RuleChange:
        item_kind = "parameter" if kind == "figure" else kind
        rests = dict.fromkeys(
            n for catalogue in self.catalogues for n in _resting(catalogue, item_kind, name)
        )
        span = getattr(some, "span", Span("", 0, 0))
        return RuleChange(kind, name, some.title, part, before, after, clause, span, tuple(rests))


def _paired(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _provisions(program: Program) -> dict[str, Provision]:
    return {p.name: p for d in program.decisions for p in d.provisions}


def _whole(parts: Mapping[str, str]) -> str:
    return "; ".join(f"{part}: {text}" for part, text in parts.items() if text)


# -- what is compared --------------------------------------------------------------------------------


def _value(dated: Dated | None, parameter: Parameter) -> str:
    if dated is None:
        return ""
    if dated.value is None:
        return "missing"
    if dated.brackets is not None:
        text = "; ".join(f"> {over:f}: {rate:%}" for over, rate in dated.brackets)
    elif isinstance(dated.value, tuple):
        text = ", ".join(map(str, dated.value))
    else:
        text = (
            number(dated.value, parameter.written) if isinstance(dated.value, Decimal) else str(dated.value)
        )
    until = "" if dated.end is None else f" until {dated.end}"
    return f"{text}{until} ({dated.basis})"


def _provision(provision: Provision | None) -> dict[str, str]:
    if provision is None:
        return {}
    return {
        "area": ", ".join(provision.areas), "from": str(provision.start or ""), "until": str(provision.end or ""),
        "when": provision.when_text or "", "value": provision.value_text, "limit": "; ".join(map(_limit, provision.limits)),
        "fallback": "true" if provision.fallback else "", "exceptions": ", ".join(provision.exceptions),
        "status": provision.status, "basis": provision.basis or "",
        "clause": " ".join(filter(None, (provision.citation.source, provision.citation.clause))),
    }  # fmt: skip


def _limit(limit: Limit) -> str:
    return f"{limit.accumulator} <= {limit.text}"


def _decision(decision: Decision | None) -> dict[str, str]:
    return {} if decision is None else {"type": decision.written}


def _accumulator(accumulator: Accumulator | None) -> dict[str, str]:
    if accumulator is None:
        return {}
    return {
        "sums": accumulator.sums, "over": "" if accumulator.over is None else repr(accumulator.over),
        "per": ", ".join(name for _, name in accumulator.per), "opening": accumulator.opening[1] if accumulator.opening else "",
        "period": accumulator.period, "year starts": "{:02}-{:02}".format(*accumulator.year_start),
    }  # fmt: skip


def _benefit(benefit: Benefit | None) -> dict[str, str]:
    if benefit is None:
        return {}
    return {
        "eligible": benefit.eligible, "amount": benefit.amount or "", "delivery": benefit.delivery,
        "triggers": ", ".join(benefit.triggers), "once per": benefit.once_per,
    }  # fmt: skip


def _fact(fact: Fact | None) -> dict[str, str]:
    if fact is None:
        return {}
    absent = "" if fact.when_absent is None else str(fact.when_absent)
    return {"type": fact.written, "least": str(fact.low), "most": str(fact.high), "when absent": absent}


def _codes(codes: Any) -> dict[str, str]:
    return {} if codes is None else {"values": ", ".join(codes.values)}


def _resting(catalogue: Catalogue, kind: str, name: str) -> Iterator[str]:
    """The decisions and benefits that rest on something, nearest first."""
    pending = [item for item in catalogue.named(name) if item.kind == kind]
    seen: set[Item] = set(pending)
    while pending:
        item = pending.pop(0)
        if item.kind in ("decision", "benefit") and item.name != name:
            yield str(item)
        above = list(catalogue.readers.get(item, ()))
        if item.kind == "provision":
            decision, _ = catalogue.provisions[item.name]
            above.append(Item("decision", decision.name, decision.entity))
        pending += [one for one in above if one not in seen]
        seen.update(above)
