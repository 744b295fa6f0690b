"""The value of a figure at which a goal is met: the rows read once, decided again with each value that is tried.

In: a rulebook with the figure, a goal such as `fund<=3200000000`, a range of values. Out: `Found`: the value nearest to
the goal's edge that meets it, and every value tried.
Invariants: rows are in memory a partition at a time; nothing is compiled after the first value; between two neighbouring
steps of the figure's type the goal is met on one side only. What an amount comes to is taken never to turn within the
range: to rise, or to fall, all over it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from mianshen.batch.block_decider import BlockDecider
from mianshen.batch.block_store import BlockTables
from mianshen.batch.request import Request
from mianshen.batch.totals import Counts, added, block_totals
from mianshen.catalogue import diagnostic
from mianshen.document.diagnostics import shown
from mianshen.impact.compare import GOAL, compare
from mianshen.impact.comparison import Comparison
from mianshen.impact.figures import until_next, with_value
from mianshen.impact.rule_changes import RuleChanges
from mianshen.impact.sides import Sides, read_once
from mianshen.program.core import Numeric
from mianshen.program.program import Key, Program
from mianshen.program.slicing import benefit_keys, part_of
from mianshen.rulebook import open_spread
from mianshen.source import Diagnostic, Lang, Message, RuleError, nearest, unlined
from mianshen.values import as_money

FUND: Final = "fund"
STEPS: Final = {"money": Decimal("0.01"), "rate": Decimal("0.0001"), "integer": Decimal(1)}
USUAL: Final = Decimal("0.01")  # the step of other numbers
NUDGE: Final = 20  # the second value tried is a twentieth of the range from the first
OVERSHOT: Final = Decimal("1.1")  # so much beyond where a line would meet the goal
_GOAL: Final = re.compile(r"\s*([^\s<>=]+)\s*(<=|>=)\s*([0-9][0-9,]*(?:\.[0-9]+)?)\s*")
Tried: TypeAlias = tuple[Decimal, Decimal]  # a value, the amount that it comes to


@dataclass(frozen=True, slots=True)
class Goal:
    """An amount that is to be at most, or at least, so many yuan."""

    name: str
    sign: Literal["<=", ">="]
    amount: Decimal

    def met(self, amount: Decimal) -> bool:
        """Whether an amount meets it."""
        return amount <= self.amount if self.sign == "<=" else amount >= self.amount

    def __str__(self) -> str:
        return f"{self.name}{self.sign}{self.amount}"


@dataclass(frozen=True, slots=True)
class Quest:
    """What is sought: a figure's value from a day on, within a range, in steps."""

    parameter: str
    start: dt.date
    low: Decimal
    high: Decimal
    step: Decimal
    goal: Goal
    now: Decimal | None = None  # the value on that day as the rules are


@dataclass(slots=True)
class GoalResult:
    """`value`: the one nearest to the goal's edge that meets it; None: none does. `anything`: the whole range meets it."""

    quest: Quest
    value: Decimal | None
    amount: Decimal | None
    anything: bool
    tried: list[Tried] = field(default_factory=list)


def goal_of(text: str) -> Goal:
    """A goal as people write it. Raises RuleError."""
    matched = _GOAL.fullmatch(text)
    if matched is None:
        raise RuleError([diagnostic("E827.no_goal", unlined("--goal"), text=shown(text))])
    sign: Literal["<=", ">="] = "<=" if matched[2] == "<=" else ">="
    return Goal(matched[1], sign, Decimal(matched[3].replace(",", "")))


def _no_seekable(rulebook: str, name: str, why: Message) -> Diagnostic:
    return diagnostic("E826.no_seekable", unlined(rulebook), name=shown(name), why=why)


def quest_of(
    program: Program, name: str, start: dt.date, between: tuple[Decimal, Decimal] | None, goal: Goal
) -> Quest:
    """What is sought, a range and a step filled in. Raises RuleError where the figure is none that can be sought."""
    parameter = program.parameters.get(name)
    if parameter is None:
        close = nearest(name, program.parameters)
        why = Message(
            f"没有这个参数{f'，也许想写 {close}' if close else ''}",
            f"there is none{f'; perhaps {close} is meant' if close else ''}",
        )
        raise RuleError([_no_seekable(program.name, name, why)])
    if not isinstance(parameter.type, Numeric) or parameter.written == "scale":
        why = Message("它不是一个数", "it is no number")
        raise RuleError([_no_seekable(program.name, name, why)])
    if between is None:
        most = max((d.value for d in parameter.series if isinstance(d.value, Decimal)), default=Decimal(1))
        between = (Decimal(0), Decimal(1)) if parameter.written == "rate" else (Decimal(0), 2 * most)
    step = STEPS.get(parameter.written, USUAL)
    now = next((d.value for d in reversed(parameter.series) if d.start <= start), None)
    return Quest(name, start, between[0], between[1], step, goal, now if isinstance(now, Decimal) else None)


def keys_of_goal(program: Program, goal: Goal) -> tuple[Key, ...]:
    """The decisions that the goal's amount is made of. Raises RuleError."""
    if goal.name == FUND:
        return tuple(sorted(program.paid))
    benefit = program.benefits.get(goal.name)
    if benefit is not None and benefit.amount is not None:
        return benefit_keys(benefit)
    keys = tuple(d.key for d in program.decisions if d.name == goal.name and d.written == "money")
    if not keys:
        raise RuleError([diagnostic("E827.no_goal", unlined("--goal"), text=shown(str(goal)))])
    return keys


@dataclass(slots=True)
class Seeking:
    """One search: `part` is what the goal, what is paid and the patients' part rest on, without the value sought."""

    quest: Quest
    part: Program
    keys: tuple[Key, ...]

    def seek(
        self, request: Request, report: Callable[[Decimal, Decimal], None] = lambda _value, _amount: None
    ) -> GoalResult:
        """Find the value. Raises RuleError, MemoryError, OSError."""
        quest = self.quest
        first = self.after(quest.low)
        with read_once(first, first, request, RuleChanges(first, first), again=True) as sides:

            def amount(at: int) -> Decimal:
                value = quest.low + at * quest.step
                result = self._amount(sides, value)
                report(value, result)
                return result

            return _edge(quest, amount)

    def after(self, value: Decimal) -> Program:
        """The program with a value."""
        name, start = self.quest.parameter, self.quest.start
        return with_value(self.part, name, value, start, until_next(self.part, name, start))

    def _amount(self, sides: Sides, value: Decimal) -> Decimal:
        """What the goal's amount comes to with a value of the figure, in yuan."""
        decider = sides.decider_of(self.after(value))
        totals: Counts = {}
        try:
            for counts in sides.outcomes(_Totals(decider)):
                totals = added(totals, counts)
        finally:
            decider.fallback.close()
        return Decimal(sum(self._fen(totals, key) for key in self.keys)).scaleb(-2)

    def _fen(self, totals: Counts, key: Key) -> int:
        """What a decision comes to in fen; of a benefit's amount what is paid of it."""
        entity = totals.get(key[0], {})
        benefit = self.part.benefits.get(self.quest.goal.name)
        if benefit is not None and key == (benefit.entity, benefit.amount):
            return int(entity.get("benefits", {}).get(benefit.name, {}).get("eligible", {}).get("fen", 0))
        return int(entity.get("amounts", {}).get(key[1], {}).get("fen", 0))

    def compare(self, result: GoalResult, request: Request, lang: Lang = "zh") -> Comparison:
        """Who gains and who loses by the value that was found, into the request's folder, with `goal.json`."""
        assert result.value is not None
        text = json.dumps(content_of(result), ensure_ascii=False, indent=2) + "\n"
        return compare(self.part, self.after(result.value), request, lang=lang, also={GOAL: text})


def seeking(paths: Sequence[Path], overlays: Sequence[Path | str], quest: Quest) -> Seeking:
    """A search made ready. Raises RuleError."""
    spread = {quest.parameter: (quest.low, quest.high, quest.low + quest.step)}
    whole = open_spread(paths, overlays, spread)
    keys = keys_of_goal(whole, quest.goal)
    known = {d.key for d in whole.decisions}
    outcomes = {(e.name, e.outcome) for e in whole.entities.values() if e.outcome is not None} & known
    part = part_of(whole, {*keys, *whole.paid, *outcomes})
    money = [key for key in keys if whole.decision(*key).written == "money"]
    outputs = {
        entity: tuple(
            dict.fromkeys([*part.shown.get(entity, ()), *(name for e, name in money if e == entity)])
        )
        for entity in part.entities
    }
    benefit = whole.benefits.get(quest.goal.name)
    return Seeking(quest, part if benefit is not None else replace(part, shown=outputs), keys)


def content_of(result: GoalResult) -> dict[str, Any]:
    """What `goal.json` holds."""
    quest = result.quest
    return {
        "parameter": quest.parameter, "from": quest.start.isoformat(), "goal": str(quest.goal), "step": str(quest.step),
        "value": None if result.value is None else str(result.value),
        "amount": None if result.amount is None else as_money(result.amount), "anything": result.anything,
        "tried": [{"value": str(value), "amount": as_money(amount)} for value, amount in sorted(result.tried)],
    }  # fmt: skip


def _edge(quest: Quest, amount: Callable[[int], Decimal]) -> GoalResult:
    """Where the goal's edge lies, by halving and by drawing a line between what was tried."""
    last = int(((quest.high - quest.low) / quest.step).to_integral_value(ROUND_FLOOR))
    known: dict[int, Decimal] = {}
    while (at := _outward(quest, known, last)) is not None:
        known[at] = amount(at)
    met = {at: quest.goal.met(total) for at, total in known.items()}
    if len(set(met.values())) == 1:
        return _at_an_end(quest, known, last)
    ordered = sorted(known)
    good, bad = next(
        (one, other) if met[one] else (other, one)
        for one, other in pairwise(ordered)
        if met[one] != met[other]
    )
    turn = 0
    while abs(good - bad) > 1:
        low, high = sorted((good, bad))
        turn += 1
        at = (low + high) // 2
        rise = known[bad] - known[good]
        if turn % 4 and rise:
            at = good + int(
                ((quest.goal.amount - known[good]) * (bad - good) / rise).to_integral_value(ROUND_FLOOR)
            )
        at = min(max(at, low + 1), high - 1)
        known[at] = amount(at)
        if quest.goal.met(known[at]):
            good = at
        else:
            bad = at
    tried = [(quest.low + at * quest.step, total) for at, total in known.items()]
    return GoalResult(quest, quest.low + good * quest.step, known[good], anything=False, tried=tried)


def _outward(quest: Quest, known: Mapping[int, Decimal], last: int) -> int | None:
    """The next step to try until the goal is met at one step and not at another; None where that is so, or at an end.

    From the value there is now outward, for far off it rules may fail that nobody would ever make.
    """
    if not known:
        now = quest.low + last * quest.step / 2 if quest.now is None else quest.now
        return min(max(int((now - quest.low) / quest.step), 0), last)
    low, high = min(known), max(known)
    if len(known) == 1:
        if not last:
            return None
        nudge = max(1, last // NUDGE)
        return low + nudge if low + nudge <= last else max(0, low - nudge)
    if quest.goal.met(known[low]) != quest.goal.met(known[high]):
        return None
    rise = known[high] - known[low]
    if not rise:
        return 0 if low else last if high < last else None
    crossing = low + (quest.goal.amount - known[low]) * (high - low) / rise
    if crossing <= low:
        return max(0, low - int((low - crossing) * OVERSHOT) - 1) if low else None
    return min(last, high + int((crossing - high) * OVERSHOT) + 1) if high < last else None


def _at_an_end(quest: Quest, known: Mapping[int, Decimal], last: int) -> GoalResult:
    """The goal is met by every value, or by none: the end that is nearer to its edge, or nothing."""
    tried = [(quest.low + at * quest.step, total) for at, total in known.items()]
    ends = [at for at in dict.fromkeys((0, last)) if at in known]
    if not quest.goal.met(known[ends[0]]):
        return GoalResult(quest, None, None, anything=False, tried=tried)
    at = min(ends, key=lambda end: abs(known[end] - quest.goal.amount))
    return GoalResult(quest, quest.low + at * quest.step, known[at], anything=True, tried=tried)


@dataclass(frozen=True)
class _Totals:
    """Decides blocks, and keeps of each what its amounts come to."""

    decider: BlockDecider

    def decide(self, tables: BlockTables) -> Counts:
        """The totals of a block, by entity. Raises MemoryError."""
        block = self.decider.outcome(self.decider.rows_of(tables))
        return {
            file.entity.name: block_totals(block.results[file.entity.name], block.decided(file.entity.name))
            for file in self.decider.files
            if file.entity.name in block.results
        }
