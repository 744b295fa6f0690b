"""Settled amounts that are not what the rules give, and the one figure, or provision not applied, that explains most of them.

In: a rulebook, files of records with settled amounts. Out: `Drift`: what differs, and `Suspect`s, the best first: a figure
at another value over some days.
Invariants: a suspect is confirmed on every row, with what it leaves unexplained and what it would spoil; the value is
another one of the figure's own series, or the one that most of the differences imply; rows are read once.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from mianshen.batch.block_decider import BlockDecider
from mianshen.batch.blocks import Array
from mianshen.batch.fallback import Fallback
from mianshen.batch.request import Request
from mianshen.batch.row_batches import BlockRows
from mianshen.batch.settled import amounts_of
from mianshen.impact import diagnostics
from mianshen.impact.drift_rules import LOOKED_AT, SHARE, RuleSuspect, without
from mianshen.impact.rule_changes import RuleChanges, figure_text
from mianshen.impact.seeking import DAY, STEPS, USUAL
from mianshen.impact.sides import Sides, read_once
from mianshen.impact.tracing import Family
from mianshen.ingest.entity_rows import EntityRows
from mianshen.native.layout import EPOCH
from mianshen.native.placing import Places
from mianshen.program.core import FigureAt, Numeric, ParameterRef, walk
from mianshen.program.program import Citation, Dated, Key, Parameter, Program
from mianshen.program.slicing import part_of, rests_on
from mianshen.program.stages import nodes_of
from mianshen.rulebook import open_program, open_spread
from mianshen.source import RuleError

TRIED: Final = 10  # values of a figure that are tried, its own aside
ROUND: Final = {  # how round a value may be that people set
    "money": tuple(Decimal(text) for text in ("0.01", "1", "10", "50", "100", "1000", "10000")),
    "rate": tuple(Decimal(text) for text in ("0.0001", "0.001", "0.005", "0.01", "0.05")),
}
CONFIRMED: Final = 5  # suspects that are tried on every row
NOTHING: Final = np.iinfo(np.int32).min


@dataclass(frozen=True, slots=True)
class Suspect:
    """A figure at another value from one day to another (None: to the end of the records).

    `explained`: rows whose settled amount it makes right; `fen`: by how much they differ now, taken together; `spoilt`:
    rows that are right now and would not be.
    """

    parameter: Parameter
    value: Decimal
    first: dt.date
    last: dt.date | None
    own: Dated | None  # the value of the figure's own series that it is
    explained: int
    fen: int
    spoilt: int


@dataclass(slots=True)
class Drift:
    """`rows`: settled amounts compared; `differing`: those that are not what the rules give; `fen`: by how much."""

    as_of: dt.date
    program: Program
    rows: int
    differing: int
    fen: int
    suspects: list[Suspect] = field(default_factory=list)
    rules: list[RuleSuspect] = field(default_factory=list)  # looked for where no figure explains half of it

    def content(self) -> dict[str, Any]:
        """The same as data, money as text."""
        return {
            "as_of": self.as_of.isoformat(), "compared": self.rows, "differing": self.differing,
            "difference": _yuan(self.fen), "suspects": [_plain(suspect) for suspect in self.suspects],
            "not_applied": [suspect.content() for suspect in self.rules],
        }  # fmt: skip


def _plain(suspect: Suspect) -> dict[str, Any]:
    parameter = suspect.parameter
    now = next(
        (
            d
            for d in parameter.series
            if d.start <= suspect.first and (d.end is None or d.end >= suspect.first)
        ),
        None,
    )
    shown = Dated(suspect.first, suspect.last, suspect.value, "provisional", Citation(None, None), None)
    return {
        "name": parameter.name, "title": {"zh": parameter.title.zh, "en": parameter.title.en},
        "rule": figure_text(parameter, now), "used": figure_text(parameter, shown),
        "from": suspect.first.isoformat(), "until": None if suspect.last is None else suspect.last.isoformat(),
        "of": None if suspect.own is None else suspect.own.start.isoformat(),
        "explained": suspect.explained, "difference": _yuan(suspect.fen), "spoilt": suspect.spoilt,
        "clause": "" if now is None else " ".join(p for p in (now.citation.source, now.citation.clause) if p),
    }  # fmt: skip


def _yuan(fen: int) -> str:
    return f"{Decimal(fen).scaleb(-2):.2f}"


def drift(paths: Sequence[Path], overlays: Sequence[Path | str], request: Request) -> Drift:
    """Find what explains the differences. Raises RuleError, MemoryError, OSError."""
    plain = open_program(paths, overlays)
    keys = [(entity, name) for entity in plain.entities for name in plain.settling(entity)]
    if not keys:
        raise RuleError([diagnostics.no_settled(plain.name)])
    figures = _figures(plain, keys)
    spread = {name: _range(plain.parameters[name]) for name in figures}
    part = part_of(open_spread(paths, overlays, spread), keys)
    with read_once(part, part, request, RuleChanges(part, part)) as sides:
        ledger = Ledger(sides, part)
        whole = list(ledger.blocks())
        base = [ledger.compared(part, block) for block in whole]
        if not any(len(block.settled) for block in base):
            raise RuleError([diagnostics.no_settled(plain.name)])
        off = [block.off for block in base]
        result = Drift(
            request.as_of, plain, sum(int(block.decided.sum()) for block in base), sum(int(wrong.sum()) for wrong in off),
            sum(int(np.abs(b.settled - b.ruled)[wrong].sum()) for b, wrong in zip(base, off, strict=True)),
        )  # fmt: skip
        few = [ledger.households(block, compared) for block, compared in zip(whole, base, strict=True)]
        search = Search(ledger, part, figures, whole, base, [b for b in few if b is not None])
        result.suspects = search.suspects()
        if result.differing and 2 * max((s.explained for s in result.suspects), default=0) < result.differing:
            result.rules = search.rules()
    return result


def _figures(program: Program, keys: Sequence[Key]) -> tuple[str, ...]:
    """The numbers that settled decisions rest on."""
    cone = rests_on(program, keys)
    names = {
        node.name if isinstance(node, ParameterRef) else node.parameter
        for decision in program.decisions if decision.key in cone
        for root in nodes_of(decision) for node in walk(root) if isinstance(node, ParameterRef | FigureAt)
    }  # fmt: skip
    numbers = [name for name in names if isinstance(program.parameters[name].type, Numeric)]
    return tuple(sorted(name for name in numbers if program.parameters[name].written in ("money", "rate")))


def _range(parameter: Parameter) -> tuple[Decimal, ...]:
    """Values that a figure may wrongly have had: shares of one, or up to ten times the amount, in steps of its type."""
    step = STEPS.get(parameter.written, USUAL)
    most = max((d.value for d in parameter.series if isinstance(d.value, Decimal)), default=Decimal(1))
    return (Decimal(0), step, max(Decimal(1), most) if parameter.written == "rate" else 10 * most)


def everywhere(program: Program, name: str, value: Decimal) -> Program:
    """The program with a figure of one value on all days."""
    parameter = program.parameters[name]
    start = parameter.series[0].start
    series = (Dated(start, parameter.series[-1].end, value, "provisional", Citation(None, None), None),)
    return replace(program, parameters={**program.parameters, name: replace(parameter, series=series)})


def between(program: Program, name: str, value: Decimal, first: dt.date, last: dt.date | None) -> Program:
    """The program with another value of a figure from one day to another."""
    parameter = program.parameters[name]
    series: list[Dated] = []
    for dated in parameter.series:
        if dated.start < first:
            series.append(
                dated if dated.end is not None and dated.end < first else replace(dated, end=first - DAY)
            )
        if last is not None and (dated.end is None or dated.end > last):
            series.append(replace(dated, start=max(dated.start, last + DAY)))
    series.append(Dated(first, last, value, "provisional", Citation(None, None), None))
    ordered = tuple(sorted(series, key=lambda dated: dated.start))
    return replace(program, parameters={**program.parameters, name: replace(parameter, series=ordered)})


@dataclass(slots=True)
class Compared:
    """The settled amounts of a block in fen, as they are and as the rules give them; of each its row's entity and day."""

    settled: Array
    ruled: Array
    day: Array
    top: Array  # the household's row
    decided: Array  # whether the rules decide the row at all
    right: Array

    @property
    def off(self) -> Array:
        """What the rules give another amount for."""
        off: Array = self.decided & ~self.right
        return off


@dataclass
class Ledger:
    """Decides blocks by variants of one program that differ in figures alone."""

    sides: Sides
    program: Program

    def blocks(self) -> Iterator[tuple[dict[str, BlockRows], Places | None]]:
        """Every block's rows, in their places."""
        store = self.sides.blocks
        for number in range(store.first, store.first + store.count):
            yield self._placed(self.sides.deciders[0].rows_of(store.take(number)))

    def _placed(self, rows: dict[str, BlockRows]) -> tuple[dict[str, BlockRows], Places | None]:
        decider = self.sides.deciders[0]
        places = (
            None if decider.compiled is None else decider.deciding(decider.compiled, rows).placing().all()
        )
        return rows, places

    def compared(
        self, program: Program, block: tuple[dict[str, BlockRows], Places | None], *, natively: bool = True
    ) -> Compared:
        """The settled amounts of a block beside what a program gives; `natively`: one that differs in figures alone."""
        rows, places = block
        decider = self._decider(program)
        if not natively:
            decider, places = replace(decider, compiled=None), None
        try:
            decided = decider.outcome(rows, None if places is None else places.copy())
        finally:
            decider.fallback.close()
        family = Family(program, decided)
        parts: list[tuple[Array, ...]] = []
        for file in decider.files:
            name = file.entity.name
            top = family.ancestor(name, family.top_of(name))
            if not file.settling or top is None:
                continue
            table = rows[name].rows
            days = _days(table)
            for decision, fact in file.settling.items():
                if fact in table.facts:
                    settled, stated = amounts_of(table.facts[fact])
                    amounts = decided.results[name].ruled[decision]
                    at = np.flatnonzero(stated & (days != NOTHING))
                    known = amounts.known.astype(bool)[at]
                    ruled = np.where(
                        known, amounts.values[at], settled[at]
                    )  # nothing is said of one not known
                    parts.append((settled[at], ruled, days[at], top[at], decided.decided(name)[at]))
        columns = [np.concatenate([part[n] for part in parts] or [np.empty(0, np.int64)]) for n in range(5)]
        shown = columns[4].astype(bool)
        return Compared(
            columns[0], columns[1], columns[2], columns[3], shown, shown & (columns[0] == columns[1])
        )

    def _decider(self, program: Program) -> BlockDecider:
        first = self.sides.deciders[0]
        compiled = None if first.compiled is None else first.compiled.with_figures(program)
        fallback = Fallback(program, {file.entity.name: file for file in first.files}, self.sides.threads)
        return replace(first, program=program, compiled=compiled, fallback=fallback)

    def households(
        self, block: tuple[dict[str, BlockRows], Places | None], compared: Compared, most: int | None = None
    ) -> tuple[dict[str, BlockRows], Places | None] | None:
        """The block's households in which something differs, at most so many."""
        tops = np.unique(compared.top[compared.off])[:most]
        if not len(tops):
            return None
        rows, _ = block
        decider = self.sides.deciders[0]
        family = Family(self.program, decider.outcome(rows, None if block[1] is None else block[1].copy()))
        taken = {}
        for name, part in rows.items():
            at = family.ancestor(name, family.top_of(name))
            assert at is not None
            chosen = np.flatnonzero(np.isin(at, tops))
            taken[name] = BlockRows(part.rows.taken(chosen), part.numbers[chosen])
        return self._placed(taken)


@dataclass
class Search:
    """Tries one figure after the other on the households that differ, then the best of them on all."""

    ledger: Ledger
    program: Program
    figures: tuple[str, ...]
    whole: list[tuple[dict[str, BlockRows], Places | None]]
    base: list[Compared]
    few: list[tuple[dict[str, BlockRows], Places | None]]

    def suspects(self) -> list[Suspect]:
        """Those that explain something, the best first."""
        if not self.few:
            return []
        before = [self.ledger.compared(self.program, block) for block in self.few]
        scored: list[tuple[int, str, Decimal]] = []
        for name in self.figures:
            for value in self._values(name, before):
                variant = everywhere(self.program, name, value)
                gain = self._best([self.ledger.compared(variant, block) for block in self.few], before)
                if gain is not None:
                    scored.append((gain[0], name, value))
        scored.sort(key=lambda item: (-item[0], item[1], item[2]))
        best = {
            name: (value, gain) for gain, name, value in reversed(scored)
        }  # of each figure its best value
        ranked = sorted(best.items(), key=lambda item: (-item[1][1], item[0]))[:CONFIRMED]
        confirmed = [self._confirmed(name, value) for name, (value, _) in ranked]
        useful = [
            suspect for suspect in confirmed if suspect is not None and suspect.explained > suspect.spoilt
        ]
        return sorted(useful, key=lambda s: (s.spoilt - s.explained, -s.fen, s.parameter.name))

    def rules(self) -> list[RuleSuspect]:
        """Provisions that seem not to have been applied, the best first."""
        block = self.ledger.households(
            self.few[0], self.ledger.compared(self.program, self.few[0]), LOOKED_AT
        )
        assert block is not None
        before = self.ledger.compared(self.program, block, natively=False)
        looked_at = int(before.off.sum())
        suspects = []
        for decision in self.program.decisions:
            for provision in decision.provisions:
                variant = without(self.program, decision, provision)
                best = self._best([self.ledger.compared(variant, block, natively=False)], [before])
                if best is not None and best[0] * SHARE >= looked_at:
                    first, last = (EPOCH + dt.timedelta(days=day) for day in best[1:])
                    suspects.append(RuleSuspect(provision, first, last, best[0], looked_at))
        return sorted(suspects, key=lambda s: (-s.explained, s.provision.name))[:CONFIRMED]

    def _values(self, name: str, before: list[Compared]) -> list[Decimal]:
        """Other values of the figure's own series, then those that most differences imply."""
        parameter = self.program.parameters[name]
        own = [d.value for d in parameter.series if isinstance(d.value, Decimal)]
        return list(dict.fromkeys([*own, *self._implied(parameter, before)]))

    def _implied(self, parameter: Parameter, before: list[Compared]) -> list[Decimal]:
        """The values at which rows would come to what was settled, were the amount to rise evenly with the figure."""
        step = STEPS.get(parameter.written, USUAL)
        nudges = {
            d.start: max((d.value / 10).quantize(step), step)
            for d in parameter.series
            if isinstance(d.value, Decimal)
        }
        series = tuple(
            replace(d, value=d.value - nudges[d.start]) if isinstance(d.value, Decimal) else d
            for d in parameter.series
        )
        moved = replace(
            self.program,
            parameters={**self.program.parameters, parameter.name: replace(parameter, series=series)},
        )
        implied: Counter[Decimal] = Counter()
        for block, one in zip(self.few, before, strict=True):
            other = self.ledger.compared(moved, block)
            rise, gap = other.ruled - one.ruled, one.settled - one.ruled
            for row in np.flatnonzero((rise != 0) & (gap != 0)).tolist():
                day = EPOCH + dt.timedelta(days=int(one.day[row]))
                own = next(
                    (d for d in parameter.series if d.start <= day and (d.end is None or day <= d.end)), None
                )
                if own is not None and isinstance(own.value, Decimal):
                    value = own.value - nudges[own.start] * int(gap[row]) / int(rise[row])
                    for coarse in ROUND[parameter.written]:
                        implied[(value / coarse).quantize(Decimal(1)) * coarse] += 1
        low, high = _range(parameter)[0], _range(parameter)[2]
        return [value for value, _ in implied.most_common(TRIED) if low <= value <= high]

    @staticmethod
    def _best(tried: list[Compared], before: list[Compared]) -> tuple[int, int, int] | None:
        """The stretch of days over which a variant makes most right: how much more, its first and last day."""
        days = np.concatenate([one.day for one in before])
        gain = np.concatenate(
            [(t.right.astype(np.int64) - b.right) * b.decided for t, b in zip(tried, before, strict=True)]
        )
        order = np.argsort(days, kind="stable")
        days, gain = days[order], gain[order]
        if not (gain > 0).any():
            return None
        distinct, at = np.unique(days, return_index=True)
        sums = np.add.reduceat(gain, at)
        best, running, start, result = 0, 0, 0, (0, 0, 0)
        for number, amount in enumerate(sums.tolist()):
            if running <= 0:
                running, start = 0, number
            running += amount
            if running > best:
                best, result = running, (running, int(distinct[start]), int(distinct[number]))
        return result if best else None

    def _confirmed(self, name: str, value: Decimal) -> Suspect | None:
        """A suspect on every row: its days, then what it makes right over them."""
        everywhere_ = [self.ledger.compared(everywhere(self.program, name, value), b) for b in self.whole]
        best = self._best(everywhere_, self.base)
        if best is None:
            return None
        first, last = self._days(name, value, best, everywhere_)
        variant = between(self.program, name, value, first, last)
        tried = [self.ledger.compared(variant, block) for block in self.whole]
        mended = [t.right & b.off for t, b in zip(tried, self.base, strict=True)]
        spoilt = sum(int((b.right & ~t.right).sum()) for t, b in zip(tried, self.base, strict=True))
        fen = sum(int(np.abs(b.settled - b.ruled)[m].sum()) for b, m in zip(self.base, mended, strict=True))
        parameter = self.program.parameters[name]
        own = next((d for d in parameter.series if d.value == value), None)
        return Suspect(parameter, value, first, last, own, sum(int(m.sum()) for m in mended), fen, spoilt)

    def _days(
        self, name: str, value: Decimal, best: tuple[int, int, int], tried: list[Compared]
    ) -> tuple[dt.date, dt.date | None]:  # fmt: skip
        """The stretch's days, its beginning moved back to a day on which such things begin, where no row speaks against it."""
        del value
        _, first, last = best
        days = np.concatenate([one.day for one in self.base])
        against = np.concatenate([b.right & ~t.right for t, b in zip(tried, self.base, strict=True)])
        earlier = days[against & (days < first)]
        limit = EPOCH + dt.timedelta(days=int(earlier.max())) if len(earlier) else None
        begins = EPOCH + dt.timedelta(days=first)
        starts = [d.start for d in self.program.parameters[name].series if d.start <= begins]
        month = begins.replace(day=1)
        for start in (*reversed(starts), month):
            if (limit is None and start == month) or (limit is not None and start > limit):
                begins = start
                break
        later = days[against & (days > last)]
        return begins, EPOCH + dt.timedelta(days=last) if len(later) else None


def _days(table: EntityRows) -> Array:
    """The days of rows, since 1970-01-01, `NOTHING` for one that does not say; 0 where their entity has none."""
    date = None if table.entity.date is None else table.facts.get(table.entity.date)
    if date is None:
        return np.zeros(table.count, np.int32)
    return np.asarray(date.cast("int32").fill_null(NOTHING))
