"""Whether two conditions can hold together: enough logic to prove what rulebooks really write.

In: core conditions. Out: True only when they are proved never to hold together. Works on values
compared with constants or with each other, code sets, area prefixes and date ranges; what it does
not understand it takes to be possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from mianshen.program import core
from mianshen.program.program import CodeList

LIMIT: Final = 256  # conjunctions looked at before giving up


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a subject may be.

    `only` some values (None: any), values `excluded`, area prefixes, prefixes barred, bounds and whether they are
    closed, and whether it is known (None: either).
    """

    only: frozenset[Any] | None = None
    prefixes: frozenset[str] | None = None
    barred: tuple[frozenset[str], ...] = ()
    low: tuple[Any, bool] | None = None  # (bound, closed)
    high: tuple[Any, bool] | None = None
    known: bool | None = None
    excluded: frozenset[Any] = frozenset()

    def meet(self, other: Allowed) -> Allowed | None:
        """Both at once, or None when that is impossible."""
        if self.known is not None and other.known is not None and self.known != other.known:
            return None
        low = _both(self.low, other.low, lambda a, b: max(a, b, key=lambda end: (end[0], not end[1])))
        high = _both(self.high, other.high, lambda a, b: min(a, b, key=lambda end: (end[0], end[1])))
        met = Allowed(
            _both(self.only, other.only, frozenset.__and__),
            _both(self.prefixes, other.prefixes, _common),
            self.barred + other.barred,
            low,
            high,
            _both(self.known, other.known, lambda known, _: known),
            self.excluded | other.excluded,
        )
        return met.settled()

    def settled(self) -> Allowed | None:
        """The same with `only` cut to what the rest allows, or None when nothing is left."""
        if self.known is False and (
            self.only is not None or self.prefixes is not None or self.low or self.high
        ):
            return None
        if self.low is not None and self.high is not None and _crossed(self.low, self.high):
            return None
        if self.prefixes is not None and not any(self._open(prefix) for prefix in self.prefixes):
            return None
        if self.only is None:
            return self
        remaining = frozenset(value for value in self.only if self._takes(value))
        if not remaining:
            return None
        return replace(self, only=remaining)

    def _open(self, prefix: str) -> bool:
        return not any(prefix.startswith(tuple(bar)) for bar in self.barred)

    def _takes(self, value: Any) -> bool:
        if value in self.excluded:
            return False
        if isinstance(value, bool):
            return True
        if isinstance(value, str):
            within = self.prefixes is None or value.startswith(tuple(self.prefixes))
            return within and self._open(value)
        above = self.low is None or value > self.low[0] or (value == self.low[0] and self.low[1])
        below = self.high is None or value < self.high[0] or (value == self.high[0] and self.high[1])
        return above and below


def _both(a: Any, b: Any, join: Callable[[Any, Any], Any]) -> Any:
    return b if a is None else a if b is None else join(a, b)


def _crossed(low: tuple[Any, bool], high: tuple[Any, bool]) -> bool:
    return bool(low[0] > high[0] or (low[0] == high[0] and not (low[1] and high[1])))


def _common(a: frozenset[str], b: frozenset[str]) -> frozenset[str]:
    narrow = frozenset(x for x in a if x.startswith(tuple(b)))
    return narrow | frozenset(y for y in b if y.startswith(tuple(a)))


Case: TypeAlias = dict[core.Core, Allowed]


@dataclass(frozen=True, slots=True)
class Prover:
    """Proves conditions disjoint; `counts` says which subjects to look at."""

    codes: Mapping[str, CodeList]
    counts: Callable[[core.Core], bool] = lambda _: True

    def disjoint(self, a: Iterable[core.Core], b: Iterable[core.Core]) -> bool:
        """True when `a` and `b` (each a conjunction) are proved never to hold together."""
        return self.impossible([*a, *b])

    def impossible(self, conditions: Iterable[core.Core]) -> bool:
        """True when the conditions are proved never to hold together."""
        return not self.conjoined(conditions, True)

    def conjoined(self, nodes: Iterable[core.Core], truth: bool) -> list[Case]:
        """The ways in which every node can be `truth`, those not understood left out."""
        cases: list[Case] = [{}]
        for node in nodes:
            parts = self.cases(node, truth)
            if parts is None:
                continue
            merged = [m for case in cases for right in parts if (m := _merge(case, right)) is not None]
            if len(merged) <= LIMIT:
                cases = merged
        return cases

    def cases(self, node: core.Core, truth: bool) -> list[Case] | None:
        """The ways the node can be `truth`; None when that is not understood."""
        match node:
            case core.Op(op="not", args=(inner,)):
                return self.cases(inner, not truth)
            case core.Op(op="and" | "or" as op, args=args) if (op == "and") == truth:
                return self.conjoined(args, truth)
            case core.Op(op="and" | "or", args=args):
                return self.either(args, truth)
            case core.Const(value=bool() as value):
                return [{}] if value == truth else []
            case _:
                return self.atom(node, truth)

    def either(self, args: tuple[core.Core, ...], truth: bool) -> list[Case] | None:
        ways: list[Case] = []
        for arg in args:
            parts = self.cases(arg, truth)
            if parts is None:
                return None
            ways.extend(parts)
        return ways if len(ways) <= LIMIT else None

    def atom(self, node: core.Core, truth: bool) -> list[Case] | None:
        read = self.read(node, truth)
        if read is None or not self.counts(read[0]):
            return None
        settled = read[1].settled()
        return [] if settled is None else [{read[0]: settled}]

    def read(self, node: core.Core, truth: bool) -> tuple[core.Core, Allowed] | None:
        """What a simple condition says of which subject."""
        match node:
            case core.FactRef() | core.DecisionRef() if isinstance(node.type, core.Boolean):
                return node, Allowed(only=frozenset({truth}), known=True)
            case core.InSet(arg=arg, values=values) if truth:
                return arg, Allowed(only=frozenset(values), known=True)
            case core.InSet(arg=arg, values=values) if isinstance(arg.type, core.Code):
                rest = frozenset(self.codes[arg.type.codes].values) - frozenset(values)
                return arg, Allowed(only=rest, known=True)
            case core.InSet(arg=arg, values=values) if not _is_area(arg):
                return arg, Allowed(known=True, excluded=frozenset(values))
            case core.Within(arg=arg, prefixes=prefixes) if truth:
                return arg, Allowed(prefixes=frozenset(prefixes), known=True)
            case core.Within(arg=arg, prefixes=prefixes):
                return arg, Allowed(barred=(frozenset(prefixes),), known=True)
            case core.IsKnown(arg=arg):
                return arg, Allowed(known=truth)
            case core.SamePlace(one=one, other=other, level=level):
                one, other = sorted((one, other), key=repr)
                return core.SamePlace(one, other, level), Allowed(only=frozenset({truth}), known=True)
            case core.Op(op="eq" | "ne" | "lt" | "le" | "gt" | "ge" as op, args=(left, right)):
                return _compared(op if truth else _OPPOSITE[op], left, right)
            case _:
                return None


_OPPOSITE: Final = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}
_FLIPPED: Final = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
_SIGNS: Final = {
    "eq": frozenset("="), "ne": frozenset("<>"), "lt": frozenset("<"), "gt": frozenset(">"),
    "le": frozenset("<="), "ge": frozenset(">="),
}  # fmt: skip


def _compared(op: str, left: core.Core, right: core.Core) -> tuple[core.Core, Allowed] | None:
    """What a comparison says: of the side that is no constant, or of how the two sides lie."""
    if isinstance(left, core.Const):
        left, right, op = right, left, _FLIPPED[op]
    if not isinstance(right, core.Const):
        if repr(left) > repr(right):
            left, right, op = right, left, _FLIPPED[op]
        return core.Op("eq", (left, right), core.Boolean()), Allowed(only=_SIGNS[op], known=True)
    value = right.value
    match op:
        case "eq":
            return left, Allowed(only=frozenset({value}), known=True)
        case "lt" | "le":
            return left, Allowed(high=(value, op == "le"), known=True)
        case "gt" | "ge":
            return left, Allowed(low=(value, op == "ge"), known=True)
        case "ne" if isinstance(value, bool):
            return left, Allowed(only=frozenset({not value}), known=True)
        case "ne" if not _is_area(left):
            return left, Allowed(known=True, excluded=frozenset({value}))
        case _:
            return None


def _is_area(node: core.Core) -> bool:
    """Whether a value is a place, which is not told from another by its code alone."""
    return isinstance(node.type, core.String) and node.type.area


def _merge(a: Case, b: Case) -> Case | None:
    merged = dict(a)
    for subject, allowed in b.items():
        met = allowed if subject not in merged else merged[subject].meet(allowed)
        if met is None:
            return None
        merged[subject] = met
    return merged


# -- many conditions ---------------------------------------------------------------------------------

FEW: Final = 24  # conditions that are held against one another one by one


def together(prover: Prover, conditions: Sequence[Iterable[core.Core]]) -> list[tuple[int, int]]:
    """The pairs, in order, of conditions (each a conjunction) that are not proved never to hold together."""
    cases = [prover.conjoined(condition, True) for condition in conditions]
    pairs = {
        (i, j) for i, j in _near(cases, list(range(len(cases))), frozenset()) if _meet(cases[i], cases[j])
    }
    return sorted(pairs)


def _meet(one: list[Case], two: list[Case]) -> bool:
    """Whether some way in which one condition holds goes with one of the other's."""
    return any(_merge(a, b) is not None for a in one for b in two)


def _near(cases: list[list[Case]], rows: list[int], used: frozenset[core.Core]) -> Iterator[tuple[int, int]]:
    """Pairs that may meet: those apart by the value, or the range, of some subject of most are left out."""
    split = None if len(rows) <= FEW else _dividing(cases, rows, used)
    if split is None:
        yield from ((min(i, j), max(i, j)) for at, i in enumerate(rows) for j in rows[at + 1 :])
        return
    subject, valued = split
    buckets: dict[Any, list[int]] = {}
    others: list[int] = []
    for row in rows:
        values = _values(cases[row], subject) if valued else None
        for value in values or ():
            buckets.setdefault(value, []).append(row)
        if values is None:
            others.append(row)
    for bucket in buckets.values():
        yield from _near(cases, [*bucket, *(others if valued else ())], used | {subject})
    if not valued:
        yield from _near_ranges(cases, rows, subject)
    elif others:
        yield from _near(cases, others, used | {subject})


def _dividing(
    cases: list[list[Case]], rows: list[int], used: frozenset[core.Core]
) -> tuple[core.Core, bool] | None:
    """The subject that most conditions name values of (true), or else that all give ranges to; None: there is none.

    Of several the one of the most values or ranges.
    """
    valued: dict[core.Core, int] = {}
    ranged: dict[core.Core, int] = {}
    for row in rows:
        for subject in set().union(*map(set, cases[row])) - used:
            if _values(cases[row], subject) is not None:
                valued[subject] = valued.get(subject, 0) + 1
            elif all(subject in case for case in cases[row]):
                ranged[subject] = ranged.get(subject, 0) + 1
    often = [subject for subject, count in valued.items() if count > len(rows) / 2]
    if often:
        return max(often, key=lambda subject: len(_told_apart(cases, rows, subject))), True
    whole = [subject for subject, count in ranged.items() if count == len(rows)]
    if not whole:
        return None
    return max(whole, key=lambda subject: len(_told_apart(cases, rows, subject))), False


def _told_apart(cases: list[list[Case]], rows: list[int], subject: core.Core) -> set[Any]:
    """What conditions say of a subject, each once."""
    return {
        (allowed.only, allowed.low, allowed.high)
        for row in rows
        for case in cases[row]
        if (allowed := case.get(subject)) is not None
    }


def _values(cases: list[Case], subject: core.Core) -> set[Any] | None:
    """The values that a condition allows of a subject; None: it does not name them."""
    values: set[Any] = set()
    for case in cases:
        allowed = case.get(subject)
        if allowed is None or allowed.only is None:
            return None
        values |= allowed.only
    return values


def _near_ranges(cases: list[list[Case]], rows: list[int], subject: core.Core) -> Iterator[tuple[int, int]]:
    """Pairs of rows whose ranges of a subject touch, found as they begin one after the other."""
    spans = []
    for row in rows:
        lows = [case[subject].low for case in cases[row]]
        highs = [case[subject].high for case in cases[row]]
        low = None if any(end is None for end in lows) else min(end[0] for end in lows if end)
        high = None if any(end is None for end in highs) else max(end[0] for end in highs if end)
        spans.append((low, high, row))
    spans.sort(key=lambda span: (span[0] is not None, span[0]))
    open_: list[tuple[Any, int]] = []
    for low, high, row in spans:
        open_ = [(end, other) for end, other in open_ if end is None or low is None or end >= low]
        yield from ((min(row, other), max(row, other)) for _, other in open_)
        open_.append((high, row))
