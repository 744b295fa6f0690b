"""Values worth trying for a fact: those a rulebook tells apart.

In: a program. Out: for a fact, values on either side of everything its provisions compare it with, and a
coarse net over the rest of its range; `closest` narrows one that makes a difference down to the smallest.
Invariants: every value is one of the fact's type and range; the order is always the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Final, assert_never

from mianshen.interpreter.evaluate import Compiler
from mianshen.interpreter.operations import Function
from mianshen.interpreter.rows import Case, Row, RowError
from mianshen.places import county_in
from mianshen.program import core
from mianshen.program.program import Fact, Key, Program
from mianshen.program.stages import nodes_of
from mianshen.values import Known, add_months

COMPARING: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "list_contains"})
ELSEWHERE: Final = ("650102", "540102", "640104", "460105")  # one that no rule names stands for any other
GRID: Final = tuple(Decimal(n) * 10**e for e in range(10) for n in (1, 3))
YEARS: Final = (0, 1, 2, 3, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110)
DAY: Final = dt.timedelta(days=1)
MOST_LINES: Final = 6  # between two values tried
Works = Callable[[Known], bool]


class CandidateValues:
    """What the provisions of one program compare its facts with."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.compared: dict[Key, set[core.Constant]] = {}
        self.ages: dict[Key, set[int]] = {}
        self.placed: set[Key] = set()  # facts compared with other places
        for decision in program.decisions:
            self._note(nodes_of(decision))
        self._note(a.over for a in program.accumulators.values() if a.over is not None)

    def _note(self, roots: Iterable[core.Core]) -> None:
        for root in roots:
            for node in core.walk(root):
                match node:
                    case core.InSet(arg=arg, values=values) | core.Within(arg=arg, prefixes=values):
                        self._compared(arg, values)
                    case core.SamePlace(one=one, other=other):
                        self.placed |= {
                            (f.entity, f.name) for f in (one, other) if isinstance(f, core.FactRef)
                        }
                    case core.Op(op=op) if op in COMPARING:
                        self._compared(node, [c for part in core.walk(node) for c in self._constants(part)])
                    case _:
                        pass

    def _compared(self, node: core.Core, constants: Iterable[core.Constant]) -> None:
        """Note the constants with every fact that stands below the node."""
        parts = core.walk(node)
        aged = any(isinstance(part, core.Op) and part.op == "age" for part in parts)
        for ref in (part for part in parts if isinstance(part, core.FactRef)):
            key = ref.entity, ref.name
            self.compared.setdefault(key, set()).update(constants)
            if aged and isinstance(ref.type, core.Date):
                whole = (int(c) for c in constants if isinstance(c, Decimal))
                self.ages.setdefault(key, set()).update(years for years in whole if 0 <= years < 150)

    def _constants(self, node: core.Core) -> Iterator[core.Constant]:
        match node:
            case core.Const(value=value):
                yield value
            case core.ParameterRef(name=name):
                series = self.program.parameters[name].series
                yield from (d.value for d in series if d.value is not None and not isinstance(d.value, tuple))
            case _:
                pass

    # -- values --------------------------------------------------------------------------------

    def of(self, fact: Fact, day: dt.date, current: Known | None = None) -> tuple[Known, ...]:
        """Values to try for a fact on a day, without the one it has."""
        constants = self.compared.get((fact.entity, fact.name), set())
        return tuple(v for v in dict.fromkeys(self._values(fact, constants, day, current)) if v != current)

    def _values(
        self, fact: Fact, constants: set[core.Constant], day: dt.date, current: Known | None
    ) -> Iterator[Known]:
        match fact.type:
            case core.Boolean():
                yield from (True, False)
            case core.Code(codes=name):
                yield from self.program.codes[name].values
            case core.String(area=True):
                named = sorted(c for c in constants if isinstance(c, str))
                yield from (self._place(fact, code, named) for code in named)
                yield next((e for e in ELSEWHERE if not e.startswith(tuple(named))), ELSEWHERE[0])
            case core.String():
                yield from sorted(c for c in constants if isinstance(c, str))
            case core.Numeric():
                yield from _numbers(fact, fact.type, constants, current)
            case core.Date():
                yield from self._dates(fact, constants, day)
            case core.Listing(item=item):
                yield from _lists(self._items(item, constants), current)
            case core.Duration():
                pass  # no fact is one
            case _:
                assert_never(fact.type)

    def _place(self, fact: Fact, code: str, named: list[str]) -> str:
        """A place that rules name, or a county in it where they ask for more."""
        finer = tuple(other for other in named if other != code and other.startswith(code))
        compared = (fact.entity, fact.name) in self.placed
        return county_in(code, finer) if finer or compared else code

    def _items(self, item: core.Code | core.String, constants: set[core.Constant]) -> list[str]:
        if isinstance(item, core.Code):
            return list(self.program.codes[item.codes].values)
        return sorted(c for c in constants if isinstance(c, str))

    def _dates(self, fact: Fact, constants: set[core.Constant], day: dt.date) -> Iterator[dt.date]:
        for constant in sorted(c for c in constants if isinstance(c, dt.date)):
            yield from (constant - DAY, constant, constant + DAY)
        for years in sorted(self.ages.get((fact.entity, fact.name), ())):
            birthday = add_months(day, -12 * years)
            yield from (birthday, birthday + DAY)
        yield from (add_months(day, -12 * years) for years in YEARS)
        if self.program.entities[fact.entity].date != fact.name and not fact.immutable:
            yield from (add_months(day, 12 * years) for years in YEARS[1:6])


def _numbers(
    fact: Fact, type_: core.Numeric, constants: set[core.Constant], current: Known | None
) -> Iterator[Decimal]:
    step = Decimal(1).scaleb(-type_.scale)
    low = type_.low if fact.low is None else fact.low
    high = type_.high if fact.high is None else fact.high
    compared = sorted(c for c in constants if isinstance(c, Decimal))
    numbers = [number for c in compared for number in (c - step, c, c + step)]
    numbers += [a * b for a in compared for b in compared]  # whole years of a fact that counts months
    if isinstance(current, Decimal):
        numbers += [current * 2, current / 2, current + step, current - step]
    if low >= 0 and high - low <= 24 * step:
        numbers += [low + step * n for n in range(int((high - low) / step) + 1)]
    else:
        numbers += [low, *GRID, high]
    for number in numbers:
        if low <= number <= high:
            yield number.quantize(step)


def _lists(items: list[str], current: Known | None) -> Iterator[Known]:
    has = current if isinstance(current, tuple) else ()
    yield from ((*has, item) for item in items if item not in has)
    yield from (tuple(other for other in has if other != part) for part in dict.fromkeys(has))
    yield ()
    yield from (tuple(items[:count]) for count in range(2, len(items) + 1))


def closest(fact: Fact, current: Known | None, working: Known, works: Works) -> Known:
    """The value nearest to `current` between it and `working` that works, if one side of a line does.

    Codes and the like are returned as they are. Whatever is returned works.
    """
    match fact.type, current, working:
        case core.Numeric(scale=scale), Decimal(), Decimal():
            step = Decimal(1).scaleb(-scale)
            start, end = int(current / step), int(working / step)
            return bisected(start, end, lambda n: works(step * n)) * step
        case core.Date(), dt.date(), dt.date():
            start, end = current.toordinal(), working.toordinal()
            return dt.date.fromordinal(bisected(start, end, lambda n: works(dt.date.fromordinal(n))))
        case _:
            return working


def bisected(start: int, end: int, works: Callable[[int], bool]) -> int:
    """The first number from `start` (which does not work) towards `end` (which does)."""
    while abs(end - start) > 1:
        middle = (start + end) // 2
        if works(middle):
            end = middle
        else:
            start = middle
    return end


class Conditions:
    """Which way every comparison of a program goes in a decided case; what children are filtered by aside."""

    def __init__(self, program: Program, compiler: Compiler) -> None:
        tests: dict[str, dict[core.Core, None]] = {entity: {} for entity in program.entities}
        for decision in program.decisions:
            nodes = [node for root in nodes_of(decision) for node in core.beside(root)]
            comparisons = [node for node in nodes if isinstance(node, core.Op) and node.op in COMPARING]
            tests[decision.entity].update(dict.fromkeys(comparisons))
        self.tests = {
            entity: [compiler.written(node, entity) for node in nodes] for entity, nodes in tests.items()
        }

    def truths(self, case: Case) -> tuple[object, ...]:
        """One entry a row and comparison; None where it fails."""
        return tuple(
            _truth(test, row)
            for row in case.rows()
            if row.rejection is None
            for test in self.tests[row.entity]
        )


def _truth(test: Function, row: Row) -> object:
    try:
        value = test(row)
    except RowError:
        return None
    return value if isinstance(value, bool) else "open"


def lines(fact: Fact, low: Known, high: Known, look: Callable[[Known], object]) -> None:
    """Look at the values on either side of each line between two, up to a few; `look` gives the side."""
    match fact.type, low, high:
        case core.Numeric(scale=scale), Decimal(), Decimal():
            step = Decimal(1).scaleb(-scale)
            _lines(int(low / step), int(high / step), lambda n: look(n * step))
        case core.Date(), dt.date(), dt.date():
            _lines(low.toordinal(), high.toordinal(), lambda n: look(dt.date.fromordinal(n)))
        case _:
            pass


def _lines(low: int, high: int, look: Callable[[int], object]) -> None:
    for _ in range(MOST_LINES):
        here = look(low)
        if high - low <= 1 or here == look(high):
            return
        low = bisected(low, high, lambda n, here=here: look(n) != here)  # type: ignore[misc]
