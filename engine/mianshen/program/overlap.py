"""Whether two conditions can hold together: enough logic to prove what rulebooks really write.

In: core conditions. Out: True only when they are proved never to hold together. Works on facts
and decisions compared with constants, area prefixes and date ranges; what it does not understand
it takes to be possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from mianshen.program.core import (
    AsOf,
    Boolean,
    Code,
    Const,
    Core,
    DecisionRef,
    FactRef,
    InSet,
    IsKnown,
    Op,
    Within,
)
from mianshen.program.program import CodeList

LIMIT: Final = 256  # conjunctions looked at before giving up


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a subject may be: `only` (None: anything), `never`, prefixes, and bounds with closedness."""

    only: frozenset[Any] | None = None
    prefixes: frozenset[str] | None = None
    barred: tuple[frozenset[str], ...] = ()
    low: tuple[Any, bool] | None = None  # (bound, closed)
    high: tuple[Any, bool] | None = None
    known: bool | None = None

    def meet(self, other: Allowed) -> Allowed | None:
        """Both at once, or None when that is impossible."""
        only = _both(self.only, other.only, frozenset.__and__)
        prefixes = _both(self.prefixes, other.prefixes, _common)
        low = _both(self.low, other.low, lambda a, b: max(a, b, key=lambda e: (e[0], not e[1])))
        high = _both(self.high, other.high, lambda a, b: min(a, b, key=lambda e: (e[0], e[1])))
        known = _both(self.known, other.known, lambda a, b: a if a == b else _CLASH)
        barred = self.barred + other.barred
        if known is _CLASH or (only is not None and not only) or (prefixes is not None and not prefixes):
            return None
        if known is False and (only is not None or prefixes is not None or low or high):
            return None
        if low is not None and high is not None and (low[0] > high[0] or (low[0] == high[0] and not (low[1] and high[1]))):
            return None
        if prefixes is not None and any(all(p.startswith(tuple(bar)) for p in prefixes) for bar in barred):
            return None
        if only is not None:
            only = frozenset(v for v in only if _inside(v, low, high))
            if not only:
                return None
        return Allowed(only, prefixes, barred, low, high, known)


_CLASH: Final[Any] = object()


def _both(a: Any, b: Any, join: Callable[[Any, Any], Any]) -> Any:
    return b if a is None else a if b is None else join(a, b)


def _common(a: frozenset[str], b: frozenset[str]) -> frozenset[str]:
    return frozenset(x for x in a if x.startswith(tuple(b))) | frozenset(y for y in b if y.startswith(tuple(a)))


def _inside(value: Any, low: tuple[Any, bool] | None, high: tuple[Any, bool] | None) -> bool:
    if isinstance(value, bool | str):
        return True
    return not (
        (low is not None and (value < low[0] or (value == low[0] and not low[1])))
        or (high is not None and (value > high[0] or (value == high[0] and not high[1])))
    )


Case: TypeAlias = dict[Core, Allowed]


@dataclass(frozen=True, slots=True)
class Prover:
    """Proves conditions disjoint; `counts` says which subjects to look at."""

    codes: dict[str, CodeList]
    counts: Callable[[Core], bool] = lambda _: True

    def disjoint(self, a: Iterable[Core], b: Iterable[Core]) -> bool:
        """True when `a` and `b` (each a conjunction) are proved never to hold together."""
        return self.impossible([*a, *b])

    def impossible(self, conditions: Iterable[Core]) -> bool:
        cases: list[Case] | None = [{}]
        for condition in conditions:
            parts = self.cases(condition, True)
            if parts is None:
                continue
            merged = [m for left in cases or [] for right in parts if (m := _merge(left, right)) is not None]
            if len(merged) > LIMIT:
                continue
            cases = merged
        return not cases

    def cases(self, node: Core, truth: bool) -> list[Case] | None:
        """The ways the node can be `truth`; None when that is not understood."""
        match node:
            case Op(op="not", args=(inner,)):
                return self.cases(inner, not truth)
            case Op(op="and" | "or" as op, args=args):
                if (op == "and") == truth:
                    return self.conjoin(args, truth)
                gathered: list[Case] = []
                for arg in args:
                    found = self.cases(arg, truth)
                    if found is None:
                        return None
                    gathered.extend(found)
                return gathered if len(gathered) <= LIMIT else None
            case Const(value=bool() as value):
                return [{}] if value == truth else []
            case _:
                return self.atom(node, truth)

    def conjoin(self, args: tuple[Core, ...], truth: bool) -> list[Case] | None:
        cases: list[Case] = [{}]
        for arg in args:
            parts = self.cases(arg, truth)
            if parts is None:
                continue
            merged = [m for left in cases for right in parts if (m := _merge(left, right)) is not None]
            if len(merged) <= LIMIT:
                cases = merged
        return cases

    def atom(self, node: Core, truth: bool) -> list[Case] | None:
        subject, allowed = self.read(node, truth)
        if subject is None or allowed is None or not self.counts(subject):
            return None
        return [{subject: allowed}]

    def read(self, node: Core, truth: bool) -> tuple[Core | None, Allowed | None]:
        match node:
            case FactRef() | DecisionRef() if isinstance(node.type, Boolean):
                return node, Allowed(only=frozenset({truth}), known=True)
            case InSet(arg=arg, values=values):
                if truth:
                    return arg, Allowed(only=frozenset(values), known=True)
                if isinstance(arg.type, Code):
                    rest = frozenset(self.codes[arg.type.codes].values) - frozenset(values)
                    return arg, Allowed(only=rest, known=True)
                return None, None
            case Within(arg=arg, prefixes=prefixes):
                if truth:
                    return arg, Allowed(prefixes=frozenset(prefixes), known=True)
                return arg, Allowed(barred=(frozenset(prefixes),), known=True)
            case IsKnown(arg=arg):
                return arg, Allowed(known=truth)
            case Op(op="eq" | "ne" | "lt" | "le" | "gt" | "ge" as op, args=(left, Const(value=value))) if isinstance(
                left, FactRef | DecisionRef | AsOf
            ):
                return left, _bounds(op if truth else _OPPOSITE[op], value)
            case _:
                return None, None


_OPPOSITE: Final = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}


def _bounds(op: str, value: Any) -> Allowed | None:
    match op:
        case "eq":
            return Allowed(only=frozenset({value}), known=True)
        case "lt" | "le":
            return Allowed(high=(value, op == "le"), known=True)
        case "gt" | "ge":
            return Allowed(low=(value, op == "ge"), known=True)
        case _:
            return None


def _merge(a: Case, b: Case) -> Case | None:
    merged = dict(a)
    for subject, allowed in b.items():
        met = allowed if subject not in merged else merged[subject].meet(allowed)
        if met is None:
            return None
        merged[subject] = met
    return merged
