"""Core expressions written as Python: what every node means.

In: core nodes at an entity. Out: functions of a row, made of one Python expression a node. Kleene logic,
strict arithmetic; a not-modelled operand makes arithmetic not modelled, for no fact can change that.
Invariants: operands are worked out from left to right, each once, and what fails is the first that fails;
what `and`, `or` and `if` need not look at is not. No text of a rulebook becomes program text: names enter
as string literals, other constants by names bound to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, assert_never, cast

from mianshen.interpreter.operations import (
    CALLED,
    INFIX,
    OPEN,
    Function,
    conjoined,
    disjoined,
    missing_figure,
    quotient,
    strict,
    terms_of,
    undecided,
)
from mianshen.interpreter.places import PlaceComparison, facts_compared
from mianshen.program import core
from mianshen.program.lower import lowered
from mianshen.program.operators import CALENDAR
from mianshen.program.place_tests import area_facts, prefix_digits
from mianshen.program.program import Program
from mianshen.values import NOT_MODELLED, ONE, ZERO, round_quotient, unknown_of

if TYPE_CHECKING:
    from mianshen.interpreter.evaluate import Compiler

DEEPEST: Final = 20  # nodes within one another in one function; what lies deeper gets its own
MOST_KEPT: Final = 2_000  # functions whose code is kept
KNOWN: Final[dict[str, object]] = {  # the names that every function may use
    "OPEN": OPEN,
    "strict": strict,
    "conjoined": conjoined,
    "disjoined": disjoined,
    "undecided": undecided,
    "rounded": round_quotient,
    "unknown_of": unknown_of,
    "NOT_MODELLED": NOT_MODELLED,
    "ZERO": ZERO,
    "ONE": ONE,
}


def distance(program: Program, entity: str, target: str) -> int:
    """How many parents up from `entity` the `target` is."""
    return [entity, *program.ancestors(entity)].index(target)


class FunctionBuilder:
    """One function of a row as it is being written."""

    def __init__(self, compiler: Compiler, entity: str) -> None:
        self.compiler = compiler
        self.entity = entity
        self._bound: dict[str, object] = {}
        self._names: dict[int, str] = {}  # of what is bound, by identity
        self._locals = 0
        self._depth = 0

    def bind(self, value: object) -> str:
        """A name for a value of the program's."""
        name = self._names.setdefault(id(value), f"k{len(self._bound)}")
        self._bound[name] = value
        return name

    def local(self) -> str:
        """A name for a value of the row's."""
        self._locals += 1
        return f"v{self._locals}"

    def function(self, name: str, lines: Iterable[str]) -> Function:
        """The function whose body these lines are; `row`, its `facts` and its `parent` are at hand."""
        body = "".join(f"    {line}\n" for line in lines)
        source = f"def evaluate(row):\n    facts = row.facts\n    parent = row.parent\n{body}"
        names = KNOWN | self._bound
        exec(_code(source, f"<{name}>"), names)  # noqa: S102  (written here, see the invariants)
        return cast("Function", names["evaluate"])

    def text(self, node: core.Core) -> str:
        """The node as an expression."""
        if self._depth >= DEEPEST:
            return f"{self.bind(self.compiler.compile(node, self.entity))}(row)"
        self._depth += 1
        try:
            return self._text(node)
        finally:
            self._depth -= 1

    def _text(self, node: core.Core) -> str:
        if isinstance(node, core.Leaf):
            return self._leaf(node)
        match node:
            case core.Op():
                return self._operation(node)
            case core.Round(denominator=None):
                return self.strict([node.numerator], f"rounded({{}}, ONE, {node.digits}, {node.mode!r})")
            case core.Round(numerator=top, denominator=bottom):
                divide = self.bind(partial(quotient, digits=node.digits, mode=node.mode))
                return self.strict([top, cast("core.Core", bottom)], f"{divide}({{}}, {{}})")
            case core.If(condition=condition, then=then, otherwise=otherwise):
                return self._conditional(condition, then, otherwise)
            case core.IsKnown():
                return self._is_known(node)
            case core.InForce() | core.Aggregate() | core.Earlier():
                return self._apart(node)
            case core.InSet(arg=arg, values=values):
                return self.strict([arg], f"{{}} in {self.bind(frozenset(values))}")
            case core.Within() | core.SamePlace() if (facts := facts_compared(node)) is not None:
                return self._compared_places(node, facts)
            case _:
                return self._text(lowered(node, self.compiler.program.parameters))

    def _leaf(self, node: core.Leaf) -> str:
        match node:
            case core.Const(value=bool() | str() as value):
                return repr(value)
            case core.Const(value=value):
                return self.bind(value)
            case core.AsOf():
                return "row.as_of"
            case core.FactRef(name=name):
                local = self.local()
                return f"({local} if ({local} := {self._looked_up(node)}) is not None else {self._unknown(node)})"
            case core.DecisionRef(entity=owner, name=name):
                local, at = self.local(), self._above(owner)
                ask = self.bind(self.compiler.decide(owner, name))
                return f"({local} if ({local} := {at}.values.get({name!r})) is not None else {ask}({at}))"
            case core.ParameterRef(name=name):
                return self._figure(name)
            case core.YearToDate(accumulator=name):
                return f"row.before[{name!r}]"
            case core.NoValue():
                return "NOT_MODELLED"
            case core.MissingFigure(parameter=name):
                return self.bind(missing_figure(name))
            case core.Fail():
                return self._apart(node)
            case _:
                assert_never(node)

    def _apart(self, node: core.IsKnown | core.InForce | core.Aggregate | core.Earlier | core.Fail) -> str:
        """A node that is more than an expression, called."""
        return f"{self.bind(self.compiler.apart(node, self.entity))}(row)"

    def _is_known(self, node: core.IsKnown) -> str:
        match node.arg:
            case core.FactRef(entity=owner, name=name, asking=False) if owner == self.entity:
                open_ = f"row.told is not None or {name!r} in row.unreadable"
                return f"({name!r} in facts or ({open_}) and {self._apart(node)})"
            case core.DecisionRef():
                value = self.local()
                known = f"({value} := {self.text(node.arg)}).__class__ not in OPEN"
                return f"(True if {known} else {self._apart(node)})"
            case _:
                return self._apart(node)

    def all(self, nodes: Sequence[core.Core]) -> str:
        """Kleene's and of the nodes, left to right."""
        if not nodes:
            return "True"
        return self.text(nodes[0]) if len(nodes) == 1 else self._logic(nodes, False, "conjoined")

    # -- what is read ----------------------------------------------------------------------------

    def _above(self, owner: str) -> str:
        """The row of an entity above this one's, or itself."""
        steps = distance(self.compiler.program, self.entity, owner)
        return ".".join(["parent"] * steps) or "row"

    def _looked_up(self, fact: core.FactRef) -> str:
        """A fact's value, None where it is missing."""
        at = "row.asking" if fact.asking else self._above(fact.entity)
        return f"{'facts' if at == 'row' else f'{at}.facts'}.get({fact.name!r})"

    def _unknown(self, fact: core.FactRef) -> str:
        """The unknown that a missing fact is."""
        at = "row.asking" if fact.asking else self._above(fact.entity)
        return f"{at}.unknown({fact.name!r})"

    def _figure(self, name: str) -> str:
        """The value of a parameter on the row's reference date."""
        date = self.compiler.program.entities[self.entity].date
        day = "row.as_of" if date is None else f"facts.get({date!r})"
        look, known = self.compiler.figure(name, self.entity)
        local = self.local()
        return (
            f"({local} if ({local} := {self.bind(known)}.get({day})) is not None else {self.bind(look)}(row))"
        )

    # -- operations ------------------------------------------------------------------------------

    def strict(self, nodes: Iterable[core.Core], known: str) -> str:
        """`known`, with the operands in its braces, where all are known; else what strictness makes of them."""
        nodes = list(nodes)
        if len(nodes) == 1 and isinstance(nodes[0], core.FactRef):
            name, value, unknown = self.local(), self._looked_up(nodes[0]), self._unknown(nodes[0])
            return f"({known.format(name)} if ({name} := {value}) is not None else {unknown})"
        names: list[str] = []
        instead: list[str] = []
        tests: list[str] = []
        for node in nodes:
            if isinstance(node, core.Const | core.AsOf):
                names.append(self.text(node))
                continue
            name = self.local()
            if isinstance(node, core.FactRef):
                tests.append(f"(({name} := {self._looked_up(node)}) is None)")
                instead.append(f"({self._unknown(node)} if {name} is None else {name})")
            else:
                tests.append(f"(({name} := {self.text(node)}).__class__ in OPEN)")
                instead.append(name)
            names.append(name)
        if not tests:
            return f"({known.format(*names)})"
        unknown = instead[0] if len(instead) == 1 else f"strict(({', '.join(instead)}))"
        return f"({unknown} if {' | '.join(tests)} else {known.format(*names)})"

    def _operation(self, node: core.Op) -> str:
        match node.op:
            case "and":
                return self._logic(node.args, False, "conjoined")
            case "or":
                return self._logic(node.args, True, "disjoined")
            case "add" | "sub":
                added, taken = terms_of(node)
                signs = [*["+"] * len(added), *["-"] * len(taken)]
                return self.strict([*added, *taken], "".join(f" {sign} {{}}" for sign in signs)[3:])
            case "holds":
                truth = self.local()
                return f"(False if ({truth} := {self.text(node.args[0])}) is NOT_MODELLED else {truth})"
            case "eq" | "ne" | "lt" | "le" | "gt" | "ge" if (parts := self._parts_of_days(node)) is not None:
                days = [part.args[0] for part in parts]
                return self.strict(days, f" {INFIX[node.op]} ".join(f"{{}}.{part.op}" for part in parts))
            case "mul" | "eq" | "ne" | "lt" | "le" | "gt" | "ge":
                return self.strict(node.args, f" {INFIX[node.op]} ".join(["{}"] * len(node.args)))
            case "neg" | "not":
                return self.strict(node.args, f"{'-' if node.op == 'neg' else 'not '}{{}}")
            case "year" | "month" | "day":
                return self.strict(node.args, f"{self.bind(Decimal)}({{}}.{node.op})")
            case "age" | "days_between" | "add_months" | "add_days":
                return self._called(node, CALLED[node.op])
            case "abs" | "min" | "max" | "list_count" | "list_distinct" | "list_contains":
                return self._called(node, CALLED[node.op])
            case "working_day" | "add_working_days" | "working_day_of_month" | "working_days_between":
                return self._called(node, partial(CALENDAR[node.op], self.compiler.program.calendar))
            case "place_prefix":
                return self._place_prefix(node)
            case _:
                assert_never(node.op)

    def _parts_of_days(self, node: core.Op) -> list[core.Op] | None:
        """The operands, where each is the year, month or day of a date: compared as integers then."""
        parameters = self.compiler.program.parameters
        args = [lowered(arg, parameters) if isinstance(arg, core.BenefitYear) else arg for arg in node.args]
        parts = [arg for arg in args if isinstance(arg, core.Op) and arg.op in ("year", "month", "day")]
        return parts if len(parts) == len(args) else None

    def _called(self, node: core.Op, function: Callable[..., Any]) -> str:
        """A strict operation that is a function of its operands."""
        return self.strict(node.args, f"{self.bind(function)}({', '.join(['{}'] * len(node.args))})")

    def _place_prefix(self, node: core.Op) -> str:
        """The beginning of a code; unknown where the code is shorter, naming the facts it may be."""
        place, digits = node.args[0], prefix_digits(node)
        facts = area_facts(place, self.compiler.program)
        names = [f"{self._above(fact.entity)}.unknown({fact.name!r})" for fact in facts]
        coarse = names[0] if len(names) == 1 else f"unknown_of(({', '.join(names)}))"
        return self.strict([place], f"({{0}}[:{digits}] if len({{0}}) >= {digits} else {coarse})")

    def _compared_places(self, node: core.Within | core.SamePlace, facts: Sequence[core.FactRef]) -> str:
        """A test of places: what came of it for the same places before, as far as that was known."""
        compare = PlaceComparison(
            self.compiler.lowered(node, self.entity),
            [(fact.name, distance(self.compiler.program, self.entity, fact.entity)) for fact in facts],
        )
        places = ", ".join(self._looked_up(fact) for fact in facts)
        key, truth = self.local(), self.local()
        known = f"({truth} := {self.bind(compare.known)}.get({key} := ({places},)))"
        return f"({truth} if {known} is not None else {self.bind(compare.anew)}(row, {key}))"

    def _logic(self, args: Iterable[core.Core], settles: bool, joined: str) -> str:
        """Kleene's and, which False settles, or his or, which True does; left to right."""
        names = [(self.local(), self.text(arg)) for arg in args]
        settled = " or ".join(f"({name} := {text}) is {settles}" for name, text in names)
        plain = " and ".join(f"{name} is {not settles}" for name, _ in names)
        values = ", ".join(name for name, _ in names)
        return f"({settles} if {settled} else {not settles} if {plain} else {joined}(({values})))"

    def _conditional(self, condition: core.Core, then: core.Core, otherwise: core.Core) -> str:
        truth = self.local()
        test, one, other = self.text(condition), self.text(then), self.text(otherwise)
        both = ", ".join(self.bind(self.compiler.compile(node, self.entity)) for node in (then, otherwise))
        unsure = f"undecided({truth}, ({both}), row)"
        return f"({one} if ({truth} := {test}) is True else {other} if {truth} is False else {unsure})"


@lru_cache(maxsize=MOST_KEPT)
def _code(source: str, name: str) -> CodeType:
    """A function compiled; parts of one program have many in common."""
    return compile(source, name, "exec")
