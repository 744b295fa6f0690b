"""Settled amounts that are not what the rules give, and the one figure, or provision not applied, that explains most of them.

In: a rulebook, files of records with settled amounts. Out: `Drift`: what differs, and `Suspect`s, the best first: a figure
at another value over some days.
Invariants: a suspect is confirmed on every row, with what it leaves unexplained and what it would spoil; the value is
another one of the figure's own series, or the one that most of the differences imply; rows are read once, and are in
memory a partition at a time.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from mianshen.batch.blocks import Array
from mianshen.batch.request import Request
from mianshen.catalogue import diagnostic
from mianshen.impact.drift_days import ByDay, Stretch, by_day
from mianshen.impact.drift_rules import LOOKED_AT, SHARE, RuleSuspect, without
from mianshen.impact.estimates import yuan
from mianshen.impact.figures import set_value, with_series, with_value
from mianshen.impact.rule_changes import RuleChanges, figure_text
from mianshen.impact.seeking import STEPS, USUAL
from mianshen.impact.settled_ledger import SEARCHED, Compared, Ledger, Rows
from mianshen.impact.sides import read_once
from mianshen.native.layout import EPOCH
from mianshen.program.core import FigureAt, Numeric, ParameterRef, walk
from mianshen.program.program import Dated, Key, Parameter, Program
from mianshen.program.slicing import part_of, rests_on
from mianshen.program.stages import nodes_of
from mianshen.rulebook import open_program, open_spread
from mianshen.source import RuleError, unlined

TRIED: Final = 10  # values of a figure that are tried, its own aside
ROUND: Final = {  # how round a value may be that people set
    "money": tuple(Decimal(text) for text in ("0.01", "1", "10", "50", "100", "1000", "10000")),
    "rate": tuple(Decimal(text) for text in ("0.0001", "0.001", "0.005", "0.01", "0.05")),
}
WORTH_TELLING: Final = 100  # what explains less than a hundredth of what the best does is no suspect
CONFIRMED: Final = 5  # suspects that are tried on every row


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
            "difference": yuan(self.fen), "suspects": [_plain(suspect) for suspect in self.suspects],
            "not_applied": [suspect.content() for suspect in self.rules],
        }  # fmt: skip


def _plain(suspect: Suspect) -> dict[str, Any]:
    parameter = suspect.parameter
    now = parameter.on(suspect.first)
    suspected = set_value(suspect.first, suspect.last, suspect.value)
    return {
        "name": parameter.name, "title": parameter.title.plain,
        "rule": figure_text(parameter, now), "used": figure_text(parameter, suspected),
        "from": suspect.first.isoformat(), "until": None if suspect.last is None else suspect.last.isoformat(),
        "of": None if suspect.own is None else suspect.own.start.isoformat(),
        "explained": suspect.explained, "difference": yuan(suspect.fen), "spoilt": suspect.spoilt,
        "clause": "" if now is None else str(now.citation),
    }  # fmt: skip


def drift(paths: Sequence[Path], overlays: Sequence[Path | str], request: Request) -> Drift:
    """Find what explains the differences. Raises RuleError, MemoryError, OSError."""
    plain = open_program(paths, overlays)
    keys = [(entity, name) for entity in plain.entities for name in plain.settled_facts(entity)]
    if not keys:
        raise RuleError([diagnostic("E828.no_settled", unlined(plain.name))])
    figures = _figures(plain, keys)
    spread = {name: _range(plain.parameters[name]) for name in figures}
    part = part_of(open_spread(paths, overlays, spread), keys)
    with read_once(part, part, request, RuleChanges(part, part), again=True) as sides:
        ledger = Ledger(sides, part)
        totals, few = np.zeros(4, np.int64), list[Rows]()
        searched = 0
        for counts, rows, households in ledger.passed([part], ledger.differing):
            totals += counts
            if rows is not None and searched < SEARCHED:
                few.append(rows)
                searched += households
        stated, compared, differing, fen = totals.tolist()
        if not stated:
            raise RuleError([diagnostic("E828.no_settled", unlined(plain.name))])
        result = Drift(request.as_of, plain, compared, differing, fen)
        if few:
            search = Search(ledger, part, figures, few)
            result.suspects = search.suspects()
            if 2 * max((s.explained for s in result.suspects), default=0) < result.differing:
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


@dataclass
class Search:
    """Tries one figure after the other on the households that differ, then the best of them on all."""

    ledger: Ledger
    program: Program
    figures: tuple[str, ...]
    few: list[Rows]  # of some of the households in which something differs

    def suspects(self) -> list[Suspect]:
        """Those that explain something, the best first."""
        before = [self.ledger.compared([self.program], rows)[0] for rows in self.few]
        best: dict[str, tuple[int, Decimal]] = {}  # of each figure how much its best value makes right
        for name in self.figures:
            values = sorted(self._values(name, before))
            sums = self._tried([self._everywhere(name, value) for value in values], before)
            for value, days in zip(values, sums, strict=True):
                stretch = days.best()
                if stretch is not None and stretch[0] > best.get(name, (0, value))[0]:
                    best[name] = stretch[0], value
        ranked = sorted(best, key=lambda name: (-best[name][0], name))[:CONFIRMED]
        confirmed = self._confirmed([(name, best[name][1]) for name in ranked]) if ranked else []
        least = max((s.explained for s in confirmed), default=0) // WORTH_TELLING
        useful = [s for s in confirmed if s.explained > max(s.spoilt, least)]
        return sorted(useful, key=lambda s: (s.spoilt - s.explained, -s.fen, s.parameter.name))

    def _tried(self, variants: Sequence[Program], before: Sequence[Compared]) -> list[ByDay]:
        """What each variant makes of the few households."""
        sums = [ByDay() for _ in variants]
        for rows, one in zip(self.few, before, strict=True):
            for whole, other in zip(
                sums, self.ledger.compared(variants, rows) if variants else (), strict=True
            ):
                whole.add(by_day(one, other))
        return sums

    def rules(self) -> list[RuleSuspect]:
        """Provisions that seem not to have been applied, the best first."""
        (compared,) = self.ledger.compared([self.program], self.few[0])
        rows = self.ledger.households(self.few[0], compared, LOOKED_AT)
        assert rows is not None
        (before,) = self.ledger.compared([self.program], rows, natively=False)
        looked_at = int(before.off.sum())
        suspects = []
        for decision in self.program.decisions:
            for provision in decision.provisions:
                variant = without(self.program, decision, provision)
                (after,) = self.ledger.compared([variant], rows, natively=False)
                best = by_day(before, after).best()
                if best is not None and best[0] * SHARE >= looked_at:
                    first, last = (EPOCH + dt.timedelta(days=day) for day in best[1:])
                    suspects.append(RuleSuspect(provision, first, last, best[0], looked_at))
        return sorted(suspects, key=lambda s: (-s.explained, s.provision.name))[:CONFIRMED]

    def _everywhere(self, name: str, value: Decimal) -> Program:
        """The program with a figure of one value on all days."""
        series = self.program.parameters[name].series
        return with_series(self.program, name, (set_value(series[0].start, series[-1].end, value),))

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
        moved = with_series(self.program, parameter.name, series)
        implied: Counter[Decimal] = Counter()
        for rows, one in zip(self.few, before, strict=True):
            (other,) = self.ledger.compared([moved], rows)
            rise, gap = other.ruled - one.ruled, one.settled - one.ruled
            for row in np.flatnonzero((rise != 0) & (gap != 0)).tolist():
                day = EPOCH + dt.timedelta(days=int(one.day[row]))
                own = parameter.on(day)
                if own is not None and isinstance(own.value, Decimal):
                    value = own.value - nudges[own.start] * int(gap[row]) / int(rise[row])
                    for coarse in ROUND[parameter.written]:
                        implied[(value / coarse).quantize(Decimal(1)) * coarse] += 1
        low, high = _range(parameter)[0], _range(parameter)[2]
        return [value for value, _ in implied.most_common(TRIED) if low <= value <= high]

    def _confirmed(self, suspected: Sequence[tuple[str, Decimal]]) -> list[Suspect]:
        """Suspects on every row: the days of each, then what it makes right over them."""
        variants = [self._everywhere(name, value) for name, value in suspected]
        sums = [ByDay() for _ in variants]
        for block in self.ledger.passed([self.program, *variants], _days_of):
            for whole, part in zip(sums, block, strict=True):
                whole.add(part)
        stretches = [
            (name, value, *self._days(name, best, days))
            for (name, value), days in zip(suspected, sums, strict=True)
            if (best := days.best()) is not None
        ]
        variants = [with_value(self.program, *stretch) for stretch in stretches]
        counts = np.zeros((len(stretches), 3), np.int64)
        for mended in self.ledger.passed([self.program, *variants], _mended) if stretches else ():
            counts += mended
        return [
            Suspect(self.program.parameters[name], value, first, last, self._own(name, value), *numbers)
            for (name, value, first, last), numbers in zip(stretches, counts.tolist(), strict=True)
        ]

    def _own(self, name: str, value: Decimal) -> Dated | None:
        """The value of the figure's own series that a value is."""
        return next((d for d in self.program.parameters[name].series if d.value == value), None)

    def _days(self, name: str, best: Stretch, days: ByDay) -> tuple[dt.date, dt.date | None]:
        """The stretch's days, its beginning moved back to a day on which such things begin, where no row speaks against it."""
        _, first, last = best
        spoilt = days.last_spoilt_before(first)
        limit = None if spoilt is None else EPOCH + dt.timedelta(days=spoilt)
        begins = EPOCH + dt.timedelta(days=first)
        starts = [d.start for d in self.program.parameters[name].series if d.start <= begins]
        month = begins.replace(day=1)
        for start in (*reversed(starts), month):
            if (limit is None and start == month) or (limit is not None and start > limit):
                begins = start
                break
        return begins, EPOCH + dt.timedelta(days=last) if days.spoils_after(last) else None


def _days_of(_rows: Rows, compared: list[Compared]) -> list[ByDay]:
    """What each variant makes of a block, the rules as they are first."""
    return [by_day(compared[0], other) for other in compared[1:]]


def _mended(_rows: Rows, compared: list[Compared]) -> Array:
    """How many amounts of a block each variant makes right, by how many fen they differ, how many it spoils."""
    base = compared[0]
    counts = np.zeros((len(compared) - 1, 3), np.int64)
    for number, other in enumerate(compared[1:]):
        mended = other.right & base.off
        counts[number] = mended.sum(), base.gap[mended].sum(), (base.right & ~other.right).sum()
    return counts
