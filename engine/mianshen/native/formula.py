"""Core expressions as C statements: what the interpreter's functions compute, over integers.

In: a core node, the C name of the row it is evaluated at. Out: `Made`: C expressions of its value, its state
and what it misses; the statements before them are added to a `Body`.
States are those of `c_source`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from mianshen.native.aggregates import aggregate
from mianshen.native.c_source import NONE, Body, Made, c_integer, c_type, greatest, missing_set, union
from mianshen.native.earlier import earlier
from mianshen.native.keyed import by_code, keyed
from mianshen.native.layout import (
    AREA_DIGITS,
    WORD_DIGITS,
    Layout,
    Unsupported,
    scale_of,
)
from mianshen.program import core
from mianshen.program.lower import lowered
from mianshen.program.place_tests import area_facts, prefix_digits

COMPARED: Final = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


@dataclass(slots=True)
class Formulas:
    """Emits nodes. `row` is a C pointer to the row's struct; `up` leads to the parent's."""

    layout: Layout
    body: Body
    asking: str = "row"  # the row that asks, at the rows that a node ranges over

    def emit(self, node: core.Core, entity: str, row: str) -> Made:
        emitted = self.body.find(node, row)
        if emitted is None:
            emitted = self._emit(node, entity, row)
            self.body.known[-1][node, row] = emitted
        return emitted

    def _emit(self, node: core.Core, entity: str, row: str) -> Made:
        if isinstance(node, core.Leaf):
            return self.leaf(node, entity, row)
        match node:
            case core.Op():
                return self.operation(node, entity, row)
            case core.If():
                return self.conditional(node, entity, row)
            case core.Round():
                return self.rounding(node, entity, row)
            case core.IsKnown(arg=core.FactRef(entity=owner, name=name, asking=asking)):
                at = self.asking if asking else self.above(entity, owner, row)
                return Made(f"{at}->k_{name}", f"{at}->u_{name}", self.missing_set(name))
            case core.IsKnown(arg=arg):
                known = self.emit(arg, entity, row)
                state = f"(({known.state}) == 3 ? 3 : ({known.state}) == 1 && {row}->doubtful ? 1 : 0)"
                return Made(
                    f"(({known.state}) == 0)", state if known.state != NONE else NONE, f"{row}->doubt"
                )
            case core.InForce():
                return self.in_force(node, entity, row)
            case core.Choice() if (subject := by_code(node)) is not None:
                return keyed(self, node, subject, entity, row)
            case core.Aggregate():
                return aggregate(self, node, entity, row)
            case core.Earlier():
                return earlier(self, node, row)
            case _:
                return self.emit(lowered(node, self.layout.program.parameters), entity, row)

    def leaf(self, node: core.Leaf, entity: str, row: str) -> Made:
        match node:
            case core.Const(value=value, type=type_):
                return Made(c_integer(self.layout.encoded(value, type_)))
            case core.FactRef(entity=owner, name=name, asking=asking):
                at = self.asking if asking else self.above(entity, owner, row)
                return Made(f"{at}->f_{name}", f"!{at}->k_{name}", self.missing_set(name))
            case core.DecisionRef(entity=owner, name=name, type=type_):
                at = self.above(entity, owner, row)
                value = self.read_as(f"{at}->v_{name}", self.layout.stored[owner, name], type_)
                return Made(value, f"{at}->s_{name}", f"{at}->m_{name}")
            case core.ParameterRef(name=name, type=type_):
                return self.figure(name, type_, entity, row)
            case core.AsOf():
                return Made("run->as_of")
            case core.NoValue():
                return Made("0", "2")
            case core.Fail():
                return Made("0", "3")
            case core.MissingFigure(parameter=name):
                return Made("0", "1", self.missing_set(f"parameter {name}"))
            case core.YearToDate(accumulator=name):
                return Made(f"{row}->v_before_{name}", f"{row}->s_before_{name}", f"{row}->m_before_{name}")
            case _:
                assert_never(node)

    # -- places ------------------------------------------------------------------------------

    def above(self, entity: str, owner: str, row: str) -> str:
        """The row itself or an ancestor of it."""
        at, here = row, entity
        while here != owner:
            parent = self.layout.program.entities[here].parent
            assert parent is not None, (entity, owner)
            at, here = f"{at}->up", parent
        return at

    def missing_set(self, name: str) -> str:
        return f"BIT({self.layout.bit(name)})"

    def day(self, entity: str, row: str) -> Made:
        """The reference date."""
        date = self.layout.program.entities[entity].date
        if date is None:
            return Made("run->as_of")
        return Made(f"{row}->f_{date}", f"!{row}->k_{date}", self.missing_set(date))

    def in_variables(
        self, value: str, parts: Sequence[Made], type_: str = "word", dear: bool = False
    ) -> Made:
        """A strict operation's result in variables of its own; a `dear` one only where all is known."""
        state, miss = greatest([p.state for p in parts]), union([p.miss for p in parts])
        name = self.body.fresh("v")
        if state == NONE:
            self.body.add(f"{type_} {name} = {value};")
            return Made(name)
        fresh = self.body.fresh("s")
        self.body.add(f"byte {fresh} = {state};")
        if dear:
            self.body.add(f"{type_} {name} = {fresh} ? 0 : ({type_})({value});")
        else:
            self.body.add(f"{type_} {name} = {value};")
        if len(parts) == 1 or miss == NONE:
            return Made(name, fresh, miss)
        single = [p for p in parts if p.miss != NONE]
        if len(single) == 1:
            return Made(name, fresh, miss)
        lack = self.body.fresh("m")
        guarded = union([f"(({p.state}) == 1 ? {p.miss} : 0)" for p in single])
        self.body.add(f"names {lack} = 0; if ({fresh} == 1) {lack} = {guarded};")
        return Made(name, fresh, lack)

    def opened(self, type_: str) -> tuple[str, str, str]:
        """Variables for a value, its state and what it misses, known 0 at first."""
        value, state, miss = (self.body.fresh(letter) for letter in "vsm")
        self.body.add(f"{type_} {value} = 0; byte {state} = 0; names {miss} = 0;")
        return value, state, miss

    # -- operations --------------------------------------------------------------------------

    def rescaled(self, emitted: Made, type_: core.Type, scale: int, to: str) -> str:
        """The value as an integer of more decimals."""
        steps = scale - scale_of(type_)
        if steps < 0:
            raise Unsupported("a value with fewer decimals than it is made of")
        value = emitted.value if to == c_type(type_) == "word" else f"({to})({emitted.value})"
        return value if not steps else f"{value} * {c_integer(10**steps)}"

    def read_as(self, value: str, stored: core.Type, type_: core.Type) -> str:
        """A value as an expression takes it to be, which knows that it has no more decimals and digits."""
        steps = scale_of(stored) - scale_of(type_)
        scaled = value if not steps else f"({value} / {c_integer(10**steps)})"
        return scaled if c_type(stored) == c_type(type_) else f"({c_type(type_)})({scaled})"

    def together(
        self, nodes: Sequence[core.Core], entity: str, row: str
    ) -> tuple[list[Made], list[str], str]:
        """Numbers, each brought to one scale, and the C type that holds them so."""
        emits = [self.emit(n, entity, row) for n in nodes]
        scale = max(scale_of(n.type) for n in nodes)
        digits = [n.type.precision + scale - n.type.scale for n in nodes if isinstance(n.type, core.Numeric)]
        to = "wide" if any(d > WORD_DIGITS for d in digits) else "word"
        return emits, [self.rescaled(m, n.type, scale, to) for m, n in zip(emits, nodes, strict=True)], to

    def operation(self, node: core.Op, entity: str, row: str) -> Made:
        match node.op:
            case "add" | "sub" | "min" | "max":
                return self.combined(node, entity, row)
            case "and" | "or":
                return self.logic(node.args, entity, row, node.op == "and")
            case "add_months" | "add_days":
                return self.shift(node, entity, row)
            case "list_count" | "list_distinct" | "list_contains":
                return self.listing(node, entity, row)
            case "place_prefix":
                return self.place_prefix(node, entity, row)
            case "working_day" | "add_working_days" | "working_day_of_month" | "working_days_between":
                return self.working(node, entity, row)
            case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
                return self.comparison(node, entity, row)
            case _:
                pass
        out, parts = c_type(node.type), [self.emit(arg, entity, row) for arg in node.args]
        first = parts[0]
        match node.op:
            case "mul":
                return self.in_variables(" * ".join(f"({out})({part.value})" for part in parts), parts, out)
            case "neg":
                return self.in_variables(f"-({first.value})", parts, out)
            case "abs":
                return self.in_variables(f"abs_{out}({first.value})", parts, out)
            case "holds" if first.state == NONE:
                return first
            case "holds":
                state = f"(({first.state}) == 2 ? 0 : ({first.state}))"
                return Made(f"(({first.state}) != 2 && ({first.value}))", state, first.miss)
            case "not":
                return self.in_variables(f"!({first.value})", parts)
            case "age" | "days_between" | "year" | "month" | "day":
                return self.in_variables(
                    f"{node.op}_of({', '.join(part.value for part in parts)})", parts, dear=True
                )
            case _:
                assert_never(node.op)

    def combined(self, node: core.Op, entity: str, row: str) -> Made:
        """Numbers added, taken from one another, or the least or the greatest of them."""
        out = c_type(node.type)
        parts, values, to = self.together(node.args, entity, row)
        to = "wide" if out == "wide" else to
        joined = f"({to})({values[0]})"
        for value in values[1:]:
            if node.op in ("add", "sub"):
                joined = f"{joined} {'+' if node.op == 'add' else '-'} ({to})({value})"
            else:
                joined = f"{node.op}_{to}({joined}, {value})"
        return self.in_variables(f"({out})({joined})", parts, out)

    def comparison(self, node: core.Op, entity: str, row: str) -> Made:
        if all(isinstance(arg.type, core.Numeric) for arg in node.args):
            parts, values, _ = self.together(node.args, entity, row)
        else:
            parts = [self.emit(arg, entity, row) for arg in node.args]
            values = [part.value for part in parts]
        return self.in_variables(f"({values[0]}) {COMPARED[node.op]} ({values[1]})", parts)

    def listing(self, node: core.Op, entity: str, row: str) -> Made:
        """Functions of a list, which is the number of one."""
        items = self.emit(node.args[0], entity, row)
        if node.op != "list_contains":
            return self.in_variables(f"{node.op}(run, {items.value})", [items], dear=True)
        type_, item = node.args[1].type, self.emit(node.args[1], entity, row)
        assert isinstance(type_, core.Code)
        called = f"list_contains(run, {items.value}, listed_{type_.codes}[{item.value}])"
        return self.in_variables(called, [items, item], dear=True)

    def working(self, node: core.Op, entity: str, row: str) -> Made:
        """Functions of the working-day calendar; what leaves it is unknown."""
        emits = [self.emit(a, entity, row) for a in node.args]
        value, state, miss = self.opened("word")
        self.body.add(f"{state} = {greatest([m.state for m in emits])};")
        called = ", ".join(m.value for m in emits)
        self.body.add(f"if (!{state}) {value} = {node.op}({called}, &{state}, &{miss});")
        gathered = union([f"(({m.state}) == 1 ? {m.miss} : 0)" for m in emits if m.miss != NONE])
        self.body.add(f"else if ({state} == 1) {miss} = {gathered};")
        return Made(value, state, miss)

    def place_prefix(self, node: core.Op, entity: str, row: str) -> Made:
        """An area cut to so many digits; unknown where its code has fewer, naming the facts it may be."""
        place, digits = self.emit(node.args[0], entity, row), prefix_digits(node)
        value, state, miss = self.opened("word")
        cut = f"{16 * 10 ** (AREA_DIGITS - digits)}LL"
        missing_set = [self.missing_set(fact.name) for fact in area_facts(node.args[0], self.layout.program)]
        self.body.add(f"{state} = {place.state}; if ({state} == 1) {miss} = {place.miss};")
        with self.body.block(f"if (!{state}) {{"):
            self.body.add(
                f"if (({place.value} & 15) < {digits}) {{ {state} = 1; {miss} = {union(missing_set)}; }}"
            )
            self.body.add(f"else {value} = {place.value} - {place.value} % {cut} + {digits};")
        return Made(value, state, miss)

    def shift(self, node: core.Op, entity: str, row: str) -> Made:
        """A day moved; outside the years 1 to 9999 is an error."""
        emits = [self.emit(a, entity, row) for a in node.args]
        moved = self.in_variables(f"{node.op}({', '.join(m.value for m in emits)})", emits, dear=True)
        state = self.body.fresh("s")
        self.body.add(f"byte {state} = {moved.state};")
        self.body.add(f"if (!{state} && {moved.value} == NO_DAY) {state} = 3;")
        return Made(moved.value, state, moved.miss)

    def logic(self, parts: Sequence[core.Core], entity: str, row: str, conjunction: bool) -> Made:
        """Kleene's `and` or `or`, left to right; the first decisive part ends it."""
        body = self.body
        value, state, miss = self.opened("word")
        body.add(f"{value} = {int(conjunction)};")
        with body.block("do {", "} while (0);"):
            for part in parts:
                emit = self.emit(part, entity, row)
                decisive = f"{'!' if conjunction else ''}({emit.value})"
                if emit.state == NONE:
                    body.add(f"if ({decisive}) {{ {value} = {int(not conjunction)}; {state} = 0; break; }}")
                    continue
                body.add(
                    f"if (!({emit.state})) {{ if ({decisive}) {{ {value} = {int(not conjunction)}; {state} = 0; break; }} }}"
                )
                body.add(f"else if (({emit.state}) == 3) {{ {state} = 3; break; }}")
                body.add(
                    f"else if (({emit.state}) == 1) {{ {state} = 1; {miss} |= {emit.miss}; }} "
                    f"else if (!{state}) {state} = 2;"
                )
        body.add(f"if ({state}) {value} = 0;")
        return Made(value, state, miss)

    def conditional(self, node: core.If, entity: str, row: str) -> Made:
        body, out = self.body, c_type(node.type)
        condition = self.emit(node.condition, entity, row)
        value, state, miss = self.opened(out)
        unsure = condition.state
        with body.block(f"if (({unsure}) >= 2) {state} = {unsure}; else {{"):
            for branch, sign in ((node.then, ""), (node.otherwise, "!")):
                with body.block(f"if (({unsure}) == 1 || {sign}({condition.value})) {{"):
                    emit = self.emit(branch, entity, row)
                    scaled = self.rescaled(emit, branch.type, scale_of(node.type), out)
                    body.add(
                        f"if (!({unsure})) {{ {state} = {emit.state}; {value} = {scaled}; {miss} = {missing_set(emit)}; }}"
                    )
                    body.add(f"else if (({emit.state}) == 1) {miss} |= {emit.miss};")
            body.add(f"if (({unsure}) == 1) {{ {state} = 1; {miss} |= {condition.miss}; }}")
        body.add(f"if ({state}) {value} = 0;")
        return Made(value, state, miss)

    def rounding(self, node: core.Round, entity: str, row: str) -> Made:
        top = self.emit(node.numerator, entity, row)
        top_type, out = node.numerator.type, c_type(node.type)
        assert isinstance(top_type, core.Numeric)
        if node.denominator is None:
            steps = top_type.scale - node.digits
            if steps <= 0:
                return top
            kind = c_type(top_type)
            return self.in_variables(
                f"({out}){node.mode}_{kind}({top.value}, {c_integer(10**steps)})", [top], out, dear=True
            )
        bottom, bottom_type = self.emit(node.denominator, entity, row), node.denominator.type
        assert isinstance(bottom_type, core.Numeric)
        shift = max(top_type.scale, bottom_type.scale)
        upper = self.rescaled(top, top_type, shift + node.digits, "wide")
        lower = self.rescaled(bottom, bottom_type, shift, "wide")
        state = self.body.fresh("s")
        self.body.add(f"byte {state} = {greatest([top.state, bottom.state])};")
        self.body.add(f"if (!{state} && !({bottom.value})) {state} = 3;")
        parts = [Made("", state), Made("", top.state, top.miss), Made("", bottom.state, bottom.miss)]
        return self.in_variables(f"({out}){node.mode}_wide({upper}, {lower})", parts, out, dear=True)

    # -- figures -----------------------------------------------------------------------------

    def figure(self, name: str, type_: core.Type, entity: str, row: str) -> Made:
        """A dated figure; none in a gap or past its review is an error."""
        day = self.day(entity, row)
        figures = self.layout.figures[name]
        value, state, miss = self.opened(c_type(figures))
        series = self.layout.program.parameters[name].series
        missing_set = self.missing_set(f"parameter {name}") if any(d.value is None for d in series) else NONE
        call = (
            f"{state} = figure_{name}(run, {day.value}, &{value}); if ({state} == 1) {miss} = {missing_set};"
        )
        if day.state == NONE:
            self.body.add(call)
        else:
            self.body.add(f"if ({day.state}) {{ {state} = 1; {miss} = {day.miss}; }} else {{ {call} }}")
        return Made(self.read_as(value, figures, type_), state, miss)

    def in_force(self, node: core.InForce, entity: str, row: str) -> Made:
        """The case of the value in force; on an unknown date unknown, resting on it and on the cases."""
        day = self.day(entity, row)
        value, state, miss = self.opened(c_type(node.type))
        body, at = self.body, self.body.fresh("w")
        body.add(f"word {at} = -1;")
        body.add(
            f"if ({day.state}) {{ {state} = 1; {miss} = {day.miss}; }} "
            f"else if (figure_{node.parameter}(run, {day.value}, &{at})) {state} = 3;"
        )
        for index, case in enumerate(node.cases):
            with body.block(f"if (({day.state}) || {at} == {index}) {{"):
                emit = self.emit(case, entity, row)
                scaled = self.rescaled(emit, case.type, scale_of(node.type), c_type(node.type))
                body.add(
                    f"if (!({day.state})) {{ {state} = {emit.state}; {miss} = {emit.miss}; "
                    f"{value} = {state} ? 0 : {scaled}; }}"
                )
                body.add(f"else if (({emit.state}) == 1) {miss} |= {emit.miss};")
        return Made(value, state, miss)
