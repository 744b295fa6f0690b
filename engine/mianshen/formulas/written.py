"""What is written out in a formula: lists and what FEEL makes of them, functions of texts.

In: surface nodes. Out: the items of a list as surface nodes, or core nodes; None where something was reported.
A list that is written out is never a value of the program: what is made of it is written out, too.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from mianshen.formulas.formula import FormulaChecks, Partial
from mianshen.formulas.texts import DAYS_OF_WEEK, FEWEST, MONTHS_OF_YEAR, TEXTS, Written
from mianshen.program import diagnostics
from mianshen.program.core import Boolean, Const, Core, If, InSet, Numeric, Op, String
from mianshen.program.nodes import constant
from mianshen.source import Message, Span
from mianshen.syntax import tree
from mianshen.values import EXACT

MOST_ITEMS: Final = 1000
ITEM: Final = "item"  # what an item is called in a filter
LISTS: Final = {  # functions that make lists: what their arguments are called
    "append": ("list", "item"),
    "concatenate": (),
    "union": (),
    "distinct values": ("list",),
    "reverse": ("list",),
    "flatten": ("list",),
    "sublist": ("list", "start position", "length"),
    "insert before": ("list", "position", "newItem"),
    "remove": ("list", "position"),
    "index of": ("list", "match"),
    "split": ("string", "delimiter"),
}
ARGUMENTS_OF_LISTS: Final = {  # how many they take, where it is not the list alone
    "append": (1, MOST_ITEMS),
    "concatenate": (1, MOST_ITEMS),
    "union": (1, MOST_ITEMS),
    "sublist": (2, 3),
    "insert before": (3, 3),
    "remove": (2, 2),
    "index of": (2, 2),
    "split": (2, 2),
}
OF_LISTS: Final = {  # functions of lists: what their arguments are called
    "mean": ("list",),
    "median": ("list",),
    "product": ("list",),
    "all": ("list",),
    "any": ("list",),
    "list contains": ("list", "element"),
    "string join": ("list", "delimiter"),
}
T = TypeVar("T")


class WrittenChecks(FormulaChecks):
    """The part of the checker that reads lists and texts that are written out."""

    __slots__ = ()

    # -- lists -------------------------------------------------------------------------------

    def listed(self, node: tree.Expr) -> tuple[tree.Expr, ...] | None:
        """The items of a list that is written out; None: it is no such list."""
        match node:
            case tree.ListOf(items=items):
                return items
            case tree.For(variable=variable, items=rows, value=value):
                return self._returned(variable, rows, value)
            case tree.RangeTest(low_closed=True, high_closed=True):
                return self._stretch(node)
            case tree.Filter(of=of, condition=condition):
                items_of = None if _position(condition) is not None else self.listed(of)
                return None if items_of is None else self._filtered(items_of, condition)
            case tree.Function(name=name) if name in LISTS:
                return self._list_made(node)
            case _:
                return None

    def _returned(self, variable: str, rows: tree.Expr, value: tree.Expr) -> tuple[tree.Expr, ...] | None:
        items = self.listed(rows)
        if items is None:
            return None
        values: list[tree.Expr] = []
        for item in items:
            one = substituted(value, variable, item)
            several = self.listed(one) if isinstance(value, tree.For) else None
            values += (one,) if several is None else several
        return tuple(values)

    def _stretch(self, node: tree.RangeTest) -> tuple[tree.Expr, ...] | None:
        """Whole numbers from one to another, `1..5`; a range in brackets is none."""
        ends = [self.written_value(end) for end in (node.low, node.high)]
        if not all(isinstance(end, Decimal) and end == int(end) for end in ends):
            return None
        first, last = (int(end) for end in ends if isinstance(end, Decimal))
        if abs(last - first) > MOST_ITEMS:
            return None
        step = 1 if last >= first else -1
        return tuple(tree.Number(Decimal(number), node.span) for number in range(first, last + step, step))

    def _filtered(self, items: tuple[tree.Expr, ...], condition: tree.Expr) -> tuple[tree.Expr, ...] | None:
        truths = [self.written_value(substituted(condition, ITEM, item)) for item in items]
        if not all(isinstance(truth, bool) for truth in truths):
            return None
        return tuple(item for item, truth in zip(items, truths, strict=True) if truth)

    def _list_made(self, node: tree.Function) -> tuple[tree.Expr, ...] | None:
        args, (fewest, most) = (
            self.by_place(node, LISTS[node.name]),
            ARGUMENTS_OF_LISTS.get(node.name, (1, 1)),
        )
        if args is None or not fewest <= len(args) <= most:
            return None
        if node.name == "split":
            return self._split(args)
        first, *others = args
        items = self.listed(first)
        if items is None:
            return None
        match node.name:
            case "append":
                return (*items, *others)
            case "concatenate" | "union":
                lists = [self.listed(other) for other in others]
                if None in lists:
                    return None
                joined = (*items, *(item for one in lists if one is not None for item in one))
                return joined if node.name == "concatenate" else self._distinct(joined)
            case "distinct values":
                return self._distinct(items)
            case "reverse":
                return items[::-1]
            case "flatten":
                return tuple(part for item in items for part in self._flat(item))
            case "index of":
                places = (place for place, item in enumerate(items, 1) if self._same(item, others[0]))
                return tuple(tree.Number(Decimal(place), node.span) for place in places)
            case _:
                return self._placed(node.name, items, others)

    def _placed(
        self, name: str, items: tuple[tree.Expr, ...], others: list[tree.Expr]
    ) -> tuple[tree.Expr, ...] | None:
        """A list changed, or cut, at a place: counted from 1, or from the end backwards."""
        place = self.written_value(others[0]) if others else None
        if not isinstance(place, Decimal) or place != int(place) or not 1 <= abs(int(place)) <= len(items):
            return None
        at = int(place) - 1 if place > 0 else len(items) + int(place)
        match name, others[1:]:
            case "remove", []:
                return items[:at] + items[at + 1 :]
            case "insert before", [item]:
                return (*items[:at], item, *items[at:])
            case "sublist", []:
                return items[at:]
            case "sublist", [length]:
                count = self.written_value(length)
                if not isinstance(count, Decimal) or count != int(count) or count < 0:
                    return None
                return items[at : at + int(count)]
            case _:
                return None

    def _split(self, args: tuple[tree.Expr, ...]) -> tuple[tree.Expr, ...] | None:
        values = [self.written_value(arg) for arg in args]
        match values:
            case [str() as text, str() as delimiter] if delimiter and not set(delimiter) & set(
                "\\^$.|?*+()[]{}"
            ):
                return tuple(tree.String(part, args[0].span) for part in text.split(delimiter))
            case _:
                return None

    def _flat(self, item: tree.Expr) -> tuple[tree.Expr, ...]:
        inner = self.listed(item)
        return (item,) if inner is None else tuple(part for one in inner for part in self._flat(one))

    def _distinct(self, items: tuple[tree.Expr, ...]) -> tuple[tree.Expr, ...]:
        distinct: list[tree.Expr] = []
        for item in items:
            if not any(self._same(item, other) for other in distinct):
                distinct.append(item)
        return tuple(distinct)

    def _same(self, one: tree.Expr, other: tree.Expr) -> bool:
        first, second = self.written_value(one), self.written_value(other)
        return first is not None and type(first) is type(second) and first == second

    def item_at(self, node: tree.Filter) -> tree.Expr | None:
        """`[a, b][1]`: the item at a place, counted from 1, or from the end backwards."""
        place, items = _position(node.condition), self.listed(node.of)
        if place is None or items is None or not 1 <= abs(place) <= len(items):
            return None
        return items[place - 1 if place > 0 else place]

    # -- functions of lists ------------------------------------------------------------------

    def of_list(self, node: tree.Function) -> Partial | None:
        """`mean`, `all`, `list contains` and the like, of a list or of values."""
        args = self.by_place(node, OF_LISTS[node.name])
        items = self.listed(args[0]) if args else None
        if items is None and args and OF_LISTS[node.name] == ("list",):
            items = args
        result = None if items is None or args is None else self._list_formula(node, items, args[1:])
        if result is None:
            usage = f"{node.name}({', '.join(['[a, b]', *OF_LISTS[node.name][1:]])})"
            self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
            return None
        return self.visit(result, None)

    def _list_formula(
        self, node: tree.Function, items: tuple[tree.Expr, ...], others: tuple[tree.Expr, ...]
    ) -> tree.Expr | None:
        """A function of a list as a formula of its items."""
        span = node.span
        match node.name:
            case "all" | "any":
                every = node.name == "all"
                return _chain("and" if every else "or", items, span) or tree.Boolean(every, span)
            case "product":
                return _chain("*", items, span)
            case "mean":
                return _mean(items, span)
            case "median":
                values = [self.written_value(item) for item in items]
                numbers = sorted(value for value in values if isinstance(value, Decimal))
                if not numbers or len(numbers) < len(values):
                    return None
                half = (len(numbers) - 1) // 2
                middle = numbers[half : len(numbers) - half]
                return _mean(tuple(tree.Number(number, span) for number in middle), span)
            case "list contains" if len(others) == 1:
                tests = tuple(tree.Binary("=", item, others[0], span) for item in items)
                return _chain("or", tests, span) or tree.Boolean(False, span)
            case "string join" if len(others) <= 1:
                values = [self.written_value(part) for part in (*items, *others)]
                if not all(isinstance(value, str) for value in values):
                    return None
                texts = [str(value) for value in values]
                delimiter = texts.pop() if others else ""
                return tree.String(delimiter.join(texts), span)
            case _:
                return None

    # -- texts -------------------------------------------------------------------------------

    def of_text(self, node: tree.Function) -> Core | None:
        """A function of texts that are written out."""
        function, names, types = TEXTS[node.name]
        args = self.by_place(node, names)
        fewest = FEWEST.get(node.name, len(names))
        if args is None or not fewest <= len(args) <= len(names):
            usage = f"{node.name}({', '.join(names)})"
            self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
            return None
        values: list[Written] = []
        for arg, type_ in zip(args, types, strict=False):
            value = self.written_value(arg)
            if value is None or not isinstance(value, type_):
                wanted = Message("这里的文字或数", "a text or number here")
                self.report(diagnostics.not_constant(arg.span, wanted))
                return None
            values.append(value)
        result = function(*values)
        if result is None:
            usage = f"{node.name}({', '.join(names)})"
            self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
            return None
        return as_const(result)

    def name_of_day(self, node: tree.Function) -> Partial | None:
        """`day of week(d)`, `month of year(d)` as FEEL names them, `day of year(d)`."""
        args = self.by_place(node, ("date",))
        if args is None or len(args) != 1:
            self.report(diagnostics.wrong_arguments(node.span, node.name, f"{node.name}(service_date)"))
            return None
        date, span = args[0], node.span
        if node.name == "day of year":
            one = tree.Number(Decimal(1), span)
            first = tree.Function("date", (tree.Path(date, "year", span), one, one), span)
            since = tree.Function("days between", (first, date), span)
            return self.visit(tree.Binary("+", since, one, span), None)
        part, names = ("weekday", DAYS_OF_WEEK) if node.name == "day of week" else ("month", MONTHS_OF_YEAR)
        result: tree.Expr = tree.String(names[-1], span)
        for number, name in reversed(list(enumerate(names[:-1], 1))):
            is_it = tree.Binary("=", tree.Path(date, part, span), tree.Number(Decimal(number), span), span)
            result = tree.If(is_it, tree.String(name, span), result, span)
        return self.visit(result, None)

    # -- constants ---------------------------------------------------------------------------

    def written_value(self, node: tree.Expr) -> Written | None:
        """The value of what is written out; None where it is no constant. Nothing is reported."""
        outer, self.diagnostics = self.diagnostics, []
        try:
            value = self.visit(node, None)
        finally:
            self.diagnostics = outer
        return None if value is None else value_of(value)

    def by_place(self, node: tree.Function, names: tuple[str, ...]) -> tuple[tree.Expr, ...] | None:
        """The arguments in order, however they are given; None where a name is wrong."""
        if not node.names:
            return node.arguments
        by_name = dict(zip(node.names, node.arguments, strict=True))
        if not set(by_name) <= set(names):
            return None
        return tuple(by_name[name] for name in names if name in by_name)


def value_of(node: Partial) -> Written | None:
    """The value of a node that is made of constants."""
    match node:
        case Const(value=value):
            return value
        case InSet(arg=arg, values=values):
            inner = value_of(arg)
            return None if inner is None else inner in values
        case If(condition=condition, then=then, otherwise=otherwise):
            truth = value_of(condition)
            return value_of(then if truth else otherwise) if isinstance(truth, bool) else None
        case Op(op=op, args=args):
            values_of = [value_of(arg) for arg in args]
            return None if any(value is None for value in values_of) else _worked_out(op, values_of)
        case _:
            return None


def _worked_out(op: str, values: list[Any]) -> Written | None:
    match op, values:
        case "eq" | "ne", [one, other]:
            return (one == other) is (op == "eq")
        case "lt" | "le" | "gt" | "ge", [one, other]:
            return {"lt": one < other, "le": one <= other, "gt": one > other, "ge": one >= other}[op]  # type: ignore[no-any-return]
        case "and", _:
            return all(values)
        case "or", _:
            return any(values)
        case "not", [one]:
            return not one
        case "neg", [one]:
            return -one  # type: ignore[no-any-return]
        case "add", [one, other]:
            return EXACT.add(one, other)
        case "sub", [one, other]:
            return EXACT.subtract(one, other)
        case "mul", [one, other]:
            return EXACT.multiply(one, other)
        case "year" | "month" | "day", [one]:
            return Decimal(getattr(one, op))
        case _:
            return None


def as_const(value: Written) -> Const:
    """A value as a node."""
    match value:
        case bool():
            return Const(value, Boolean())
        case Decimal():
            return constant(value, Numeric(0, value, value))
        case dt.date():
            raise AssertionError(value)  # no function of texts gives a date
        case _:
            return Const(value, String())


def substituted(node: T, name: str, value: tree.Expr) -> T:
    """The tree with a name replaced, but where an inner variable has that name."""
    if isinstance(node, tree.Name) and node.value == name:
        return value  # type: ignore[return-value]  # an expression for an expression
    if isinstance(node, tuple):
        return tuple(substituted(part, name, value) for part in node)  # type: ignore[return-value]
    if not is_dataclass(node) or isinstance(node, Span):
        return node
    hidden = isinstance(node, tree.For | tree.Quantified) and node.variable == name
    changed = {
        field.name: substituted(getattr(node, field.name), name, value)
        for field in fields(node)
        if field.name != "span" and not (hidden and field.name != "items")
    }
    return replace(node, **changed)  # type: ignore[type-var]  # an instance


def _position(condition: tree.Expr) -> int | None:
    """The place that a filter names; None: it is a condition."""
    sign, number = (-1, condition.value) if isinstance(condition, tree.Negate) else (1, condition)
    if isinstance(number, tree.Number) and number.value == int(number.value):
        return sign * int(number.value)
    return None


def _chain(op: tree.BinaryOp, parts: tuple[tree.Expr, ...], span: Span) -> tree.Expr | None:
    """The parts joined, halved again and again so that no tree is deep."""
    if len(parts) <= 1:
        return parts[0] if parts else None
    one, other = _chain(op, parts[: len(parts) // 2], span), _chain(op, parts[len(parts) // 2 :], span)
    return None if one is None or other is None else tree.Binary(op, one, other, span)


def _mean(items: tuple[tree.Expr, ...], span: Span) -> tree.Expr | None:
    total = _chain("+", items, span)
    return None if total is None else tree.Binary("/", total, tree.Number(Decimal(len(items)), span), span)
