"""Values of several rows in formulas: aggregates, `for … return`, quantifiers, collections within collections.

In: surface nodes. Out: core nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from typing import Final, TypeAlias

from mianshen.catalogue import diagnostic
from mianshen.closed_sets import AggregateKind
from mianshen.formulas.dates import day_number, day_of_number
from mianshen.formulas.formula import ANY_NUMBER, Local, Months, Quotient, number
from mianshen.formulas.written import WrittenChecks
from mianshen.program import diagnostics
from mianshen.program.core import (
    Aggregate,
    Boolean,
    Code,
    Const,
    Core,
    Date,
    DecisionRef,
    Earlier,
    FactRef,
    Fail,
    If,
    Listing,
    Numeric,
    Op,
    Operator,
    String,
    Type,
    YearToDate,
    walk,
)
from mianshen.program.nodes import added, comparison, constant
from mianshen.program.operators import DATE_PARTS, INTEGER, either, totalled
from mianshen.syntax import tree

# what a call comes to of the rows inside a row: the call at hand, or how many there are
Inner: TypeAlias = Callable[[tree.Function], Core | None]
UNANSWERED: Final = (Aggregate, DecisionRef, Earlier, YearToDate)  # what an earlier row is not asked about
ITEM: Final = "an item"  # no name that can be written
FIRST_USAGE: Final = "some m in first(members[condition]) satisfies m.x > 0"
SHARING_USAGE: Final = "sum(sharing(household.members, a_fact).x)"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that something is made of: own children, or, through `levels`, those below a row above."""

    child: str
    where: Core | None = None
    levels: tuple[str, ...] = ()
    same: tuple[tuple[Core, Core], ...] = ()

    def narrowed(self, where: Core) -> Rows:
        """Those for which a condition holds, too."""
        return replace(self, where=where if self.where is None else Op("and", (self.where, where), Boolean()))

    def aggregate(self, kind: AggregateKind, body: Core | None, type_: Type) -> Aggregate:
        return Aggregate(kind, self.child, self.where, body, type_, self.levels, self.same)


def _comparable(one: Type, other: Type) -> bool:
    """Whether values of two types are equal where they are stored alike."""
    if isinstance(one, Numeric) and isinstance(other, Numeric):
        return one.scale == other.scale
    return one == other and not isinstance(one, Listing)


def _filtered(rows: tree.Expr, filters: list[tree.Expr]) -> tree.Expr:
    """The rows for which every one of the conditions holds, as written."""
    for condition in filters:
        rows = tree.Filter(rows, condition, rows.span)
    return rows


def _taken_apart(node: tree.Expr) -> tuple[tree.Expr, list[tree.Expr]]:
    """Rows as written without their filters; the filters, the first first."""
    filters: list[tree.Expr] = []
    while isinstance(node, tree.Filter):
        filters.insert(0, node.condition)
        node = node.of
    return node, filters


def _unfiltered(node: tree.Expr) -> tree.Expr:
    return _taken_apart(node)[0]


class RepeatedChecks(WrittenChecks):
    """The part of the checker that reads what is of several rows."""

    __slots__ = ()

    # -- collections -------------------------------------------------------------------------

    def items(self, node: tree.Expr) -> Rows | None:
        """The rows of `claims`, `claims[…]`, `m.claims`, `household.members`, `sharing(…)`; None when something is wrong."""
        if isinstance(node, tree.Filter):
            inner = self.items(node.of)
            if inner is None:
                return None
            where = self.inside(
                inner.child, lambda: self.condition(node.condition), beside=bool(inner.levels)
            )
            return None if where is None else inner.narrowed(where)
        if isinstance(node, tree.Function):
            return self._sharing(node)
        child_name, levels = self.child(node), self.levels(node)
        if child_name is not None:
            return Rows(child_name)
        return Rows(levels[-1], levels=levels) if levels else None

    def levels(self, node: tree.Expr) -> tuple[str, ...]:
        """The entities that `household.members.claims` leads down through from a row above; none: it is no such."""
        if not isinstance(node, tree.Path) or self.calling:
            return ()
        above, owner = self.levels(node.of), ""
        if isinstance(node.of, tree.Name) and node.of.value in self.names.ancestors(self.entity):
            owner = node.of.value
        child = self.names.collection(above[-1] if above else owner, node.name)
        return () if child is None else (*above, child)

    def _sharing(self, node: tree.Function) -> Rows | None:
        """The rows below one above that share facts with this row."""
        rows, *facts = node.arguments or (None,)
        below = None if rows is None or not self.levels(_unfiltered(rows)) else self.items(rows)
        if below is None:
            self.report(diagnostics.wrong_arguments(node.span, node.name, SHARING_USAGE))
            return None
        pairs: list[tuple[Core, Core]] = []
        for written in facts:
            theirs = self.inside(below.child, lambda one=written: self._shared(one))  # type: ignore[misc]
            mine = self._shared(written)
            if theirs is None or mine is None or not _comparable(theirs.type, mine.type):
                self.report(diagnostic("E308.not_shared", written.span))
                return None
            pairs.append((theirs, mine))
        return replace(below, same=tuple(pairs))

    def _shared(self, written: tree.Expr) -> Core | None:
        """What rows share, at the row at hand: a fact of it or of the nearest row above that has it, or a part of it."""
        if isinstance(written, tree.Path) and isinstance(written.of, tree.Name):
            day, part = self._shared(written.of), DATE_PARTS.get(written.name)
            return Op(part[0], (day,), part[1]) if day is not None and part is not None else None
        if not isinstance(written, tree.Name):
            return None
        for owner in (self.entity, *self.names.ancestors(self.entity)):
            fact = self.names.facts.get((owner, written.value))
            if fact is not None:
                above = fact.instead_of if fact.instead_of is not None else (owner, written.value)
                return self.names.fact(self.entity, *above)
        return None

    def child(self, node: tree.Expr) -> str | None:
        """The entity of the rows that a name stands for: `claims`, or `m.claims` of the row itself."""
        match node:
            case tree.Name(value=name) if not self.calling:
                return self.names.collection(self.entity, name)
            case tree.Path(of=tree.Name(value=base), name=name) if not self.calling:
                own = base == self.entity or self.variables.get(base) == self.entity
                return self.names.collection(self.entity, name) if own else None
            case _:
                return None

    def is_collection(self, node: tree.Expr) -> bool:
        rows = _unfiltered(node)
        if isinstance(rows, tree.Function):
            return rows.name == "sharing"
        return self.child(rows) is not None or bool(self.levels(rows))

    def outer(self, node: tree.Expr) -> tuple[tree.Expr, str, list[tree.Expr]] | None:
        """`members[…].claims[…]` as its outer collection, the inner one's name, its filters; None: it is no such."""
        node, filters = _taken_apart(node)
        if isinstance(node, tree.Path) and not self.is_collection(node) and self._reaches(node.of):
            return node.of, node.name, filters
        return None

    def _reaches(self, node: tree.Expr) -> bool:
        return self.is_collection(node) or self.outer(node) is not None

    # -- aggregates --------------------------------------------------------------------------

    def aggregate(self, node: tree.Function) -> Core | None:
        (arg,) = node.arguments
        match arg:
            case tree.For():
                return self._over(node, arg.items, arg)
            case tree.Function(name="previous") if node.name == "count":
                return self.earlier(arg, None, arg)
            case _ if node.name == "count":
                if not self._reaches(arg):
                    return self.list_size(node, "list_count")
                return self._over(node, arg, None)
            case tree.Path(of=of) if self._reaches(of):
                return self._over(node, of, arg)
            case _:
                collections = self.names.collections(self.entity)
                if collections:
                    usage = f"{node.name}({collections[0]}.x)"
                    self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
                else:
                    self.report(
                        diagnostic("E308.nothing_below", node.span, name=node.name, entity=self.entity)
                    )
                return None

    def _over(self, node: tree.Function, items: tree.Expr, value: tree.For | tree.Path | None) -> Core | None:
        """What rows come to: of a collection within another, a sum of sums."""
        outer = self.outer(items)
        if outer is None:
            if not self.is_collection(items):
                if isinstance(value, tree.For):
                    return self._sum_over_list(node, value)
                self._no_items(items, node.name)
                return None
            if isinstance(value, tree.For) and isinstance(value.value, tree.For):
                return self._for_within(node, items, value, value.value)
            rows = self.items(items)
            if rows is None:
                return None
            body = None if value is None else self._item_value(rows, value, node)
            if value is not None and body is None:
                return None
            return self._total(node, rows, body)
        of, name, filters = outer

        def inner(call: tree.Function) -> Core | None:
            collection = _filtered(tree.Name(name, items.span), filters)
            again: tree.For | tree.Path | None = None
            if isinstance(value, tree.For):
                again = tree.For(value.variable, collection, value.value, value.span)
            elif value is not None:
                again = tree.Path(collection, value.name, value.span)
            return self._over(call, collection, None if call.name == "count" else again)

        return self._summed(node, of, inner)

    def _for_within(
        self, node: tree.Function, items: tree.Expr, value: tree.For, inner: tree.For
    ) -> Core | None:
        """`for` within `for`: the sum of what the inner one comes to at each row."""
        rows = self.items(items)
        if rows is None:
            return None

        def within(call: tree.Function) -> Core | None:
            return self.aggregate(tree.Function(call.name, (inner,), inner.span))

        return self._of_each(node, rows, within, value.variable)

    def _of_each(
        self, node: tree.Function, rows: Rows, inner: Inner, variable: str | None = None
    ) -> Core | None:
        """What the rows inside each of some rows come to: the sum of sums, the least of the least of them.

        Of the least and greatest, those that have no rows inside are left out.
        """
        child = rows.child
        body = self.inside(child, lambda: inner(node), variable)
        if body is None:
            return None
        if node.name in ("min", "max"):
            count = self.inside(child, lambda: inner(tree.Function("count", (), node.span)), variable)
            if count is None:
                return None
            some = comparison("gt", count, constant(Decimal(0), number(count)))
            return self._total(node, rows.narrowed(some), body)
        type_ = self.fitting(node.span, totalled(number(body)))
        return None if type_ is None else rows.aggregate("sum", body, type_)

    def _summed(self, node: tree.Function, of: tree.Expr, inner: Inner) -> Core | None:
        """What the rows inside each row of the outer collection come to."""
        rows = self.items(of) if self.is_collection(of) else None
        return self._deeper(node, of, inner) if rows is None else self._of_each(node, rows, inner)

    def _deeper(self, node: tree.Function, of: tree.Expr, inner: Inner) -> Core | None:
        outer = self.outer(of)
        if outer is None:
            self._no_items(of, node.name)
            return None
        above, name, filters = outer

        def between(call: tree.Function) -> Core | None:
            return self._summed(call, _filtered(tree.Name(name, of.span), filters), inner)

        return self._summed(node, above, between)

    def _no_items(self, node: tree.Expr, name: str) -> None:
        usage = f"{name}(for c in claims return c.x)"
        self.report(diagnostics.wrong_arguments(node.span, name, usage))

    def _item_value(self, rows: Rows, value: tree.For | tree.Path, node: tree.Function) -> Core | None:
        """What is added up at each row: its own number, or that of `for … return`."""
        child, beside = rows.child, bool(rows.levels)
        if isinstance(value, tree.Path):
            return self.inside(child, lambda: self._added(node, tree.Name(value.name, value.name_span)))
        if node.name == "count":
            one = self.inside(child, lambda: self.value(value.value), value.variable, beside)
            return None if one is None else Const(Decimal(1), Numeric(0, Decimal(1), Decimal(1)))
        return self.inside(child, lambda: self._added(node, value.value), value.variable, beside)

    def _added(self, node: tree.Function, value: tree.Expr) -> Core | None:
        """A number, or, of which the least or greatest is asked for, a date."""
        if node.name == "sum":
            return self.numeric(value)
        item = self.value(value)
        if item is not None and not isinstance(item.type, Numeric | Date):
            self.wrong(value.span, ANY_NUMBER, item.type)
            return None
        return item

    def _total(self, node: tree.Function, rows: Rows, body: Core | None) -> Core | None:
        if body is None or node.name == "count":
            return rows.aggregate("count", None, INTEGER)
        if isinstance(body.type, Date):
            days = self._total(node, rows, day_number(body))
            return None if days is None else day_of_number(days)
        type_ = self.fitting(node.span, totalled(number(body)) if node.name == "sum" else number(body))
        if type_ is None:
            return None
        kind: AggregateKind = "sum" if node.name == "sum" else "min" if node.name == "min" else "max"
        return rows.aggregate(kind, body, type_)

    # -- earlier rows ------------------------------------------------------------------------

    def earlier(self, node: tree.Function, value: str | None, at: tree.Expr) -> Core | None:
        """`previous(claims[…], hospital).discharge_date`, or how many such rows there are (no `value`)."""
        items, *same = node.arguments
        items, filters = _taken_apart(items)
        entity = self.names.entities[self.entity]
        parent, own = entity.parent, False
        if parent is not None and isinstance(items, tree.Name):
            own = self.names.collection(parent, items.value) == self.entity
        if not own or entity.date is None or self.calling:
            usage = f"previous({entity.children or 'claims'}[condition]).x"
            self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
            return None
        conditions = [
            self.inside(self.entity, lambda c=c: self.condition(c), beside=True)  # type: ignore[misc]
            for c in filters
        ]
        facts = [self.value(part) for part in same]
        body = None if value is None else self.value(tree.Name(value, at.span))
        known = [condition for condition in conditions if condition is not None]
        if len(known) < len(conditions) or None in facts or (value is not None and body is None):
            return None
        shared = tuple(fact for fact in facts if isinstance(fact, FactRef) and fact.entity == self.entity)
        parts = [part for root in (*known, body) if root is not None for part in walk(root)]
        if len(shared) < len(facts) or any(isinstance(part, UNANSWERED) for part in parts):
            self.report(diagnostic("E367.earlier_facts", node.span))
            return None
        where = known[0] if len(known) == 1 else Op("and", tuple(known), Boolean()) if known else None
        type_ = INTEGER if body is None else body.type
        return Earlier(self.entity, where, shared, body, type_)

    # -- quantifiers -------------------------------------------------------------------------

    def quantified(self, node: tree.Quantified) -> Core | None:
        outer = self.outer(node.items)
        if outer is not None:
            of, name, filters = outer
            span = node.items.span
            collection = _filtered(tree.Path(tree.Name(ITEM, span), name, span), filters)
            inner = tree.Quantified(node.kind, node.variable, collection, node.condition, node.span)
            return self.quantified(tree.Quantified(node.kind, ITEM, of, inner, node.span))
        if isinstance(node.items, tree.Function) and node.items.name == "first":
            return self._of_first(node, node.items)
        if not self.is_collection(node.items):
            return self._over_list(node)
        rows = self.items(node.items)
        if rows is None:
            return None
        body = self.inside(
            rows.child, lambda: self.condition(node.condition), node.variable, bool(rows.levels)
        )
        return None if body is None else rows.aggregate(node.kind, body, Boolean())

    def _of_first(self, node: tree.Quantified, call: tree.Function) -> Core | None:
        """Whether the condition holds of the first of a row's children by key; `every` is true where there is none."""
        items = call.arguments[0] if len(call.arguments) == 1 else call
        rows = self.items(items) if self.child(_unfiltered(items)) is not None else None
        if rows is None or self.names.entities[rows.child].date is not None:
            self.report(diagnostics.wrong_arguments(call.span, call.name, FIRST_USAGE))
            return None
        body = self.inside(rows.child, lambda: self.condition(node.condition), node.variable)
        if body is None:
            return None
        if node.kind == "some":
            return rows.aggregate("first", body, Boolean())
        return Op("not", (rows.aggregate("first", Op("not", (body,), Boolean()), Boolean()),), Boolean())

    def _over_list(self, node: tree.Quantified) -> Core | None:
        """Over the codes of a list that a fact holds: each code of its code list, where it is in it."""
        usage = f"{node.kind} c in claims satisfies c.x > 0"
        codes = self._codes(
            node.variable, node.items, lambda: self.condition(node.condition), node.kind, usage
        )
        if codes is None:
            return None
        if not codes:
            return Const(node.kind == "every", Boolean())
        if node.kind == "some":
            parts: list[Core] = [Op("and", pair, Boolean()) for pair in codes]
        else:
            parts = [
                Op("or", (Op("not", (contained,), Boolean()), holds), Boolean()) for contained, holds in codes
            ]
        op: Operator = "or" if node.kind == "some" else "and"
        return parts[0] if len(parts) == 1 else Op(op, tuple(parts), Boolean())

    def _sum_over_list(self, node: tree.Function, value: tree.For) -> Core | None:
        """The sum, least or greatest of what an expression gives for the codes of a list, each code once."""
        usage = f"{node.name}(for c in claims return c.x)"
        codes = self._codes(value.variable, value.items, lambda: self.numeric(value.value), node.name, usage)
        if codes is None:
            return None
        if not codes:
            self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
            return None
        if node.name == "count":
            return self.list_size(tree.Function("distinct count", (value.items,), node.span), "list_distinct")
        shared = reduce(either, (number(result) for _, result in codes))
        nothing = {"sum": Decimal(0), "min": shared.high, "max": shared.low}[node.name]
        idle = Const(nothing, Numeric(shared.scale, nothing, nothing))
        type_ = either(shared, idle.type) if isinstance(idle.type, Numeric) else shared
        parts = [If(contained, result, idle, type_) for contained, result in codes]
        if node.name == "sum":
            total = self.fitting(node.span, totalled(type_, len(parts)))
            return None if total is None else added(parts)
        op: Operator = "min" if node.name == "min" else "max"
        whole = parts[0] if len(parts) == 1 else Op(op, tuple(parts), type_)
        contained = codes[0][0]
        if not isinstance(contained, Op):  # a list that is written out has items
            return whole
        size = Op("list_count", contained.args[:1], INTEGER)
        return If(comparison("gt", size, constant(Decimal(0), INTEGER)), whole, Fail(type_), type_)

    def _codes(
        self, variable: str, items: tree.Expr, check: Callable[[], Core | None], kind: str, usage: str
    ) -> list[tuple[Core, Core]] | None:
        """Whether a list holds each code that it may, and what is made of the code."""
        written = self.listed(items)
        if written is not None:
            return self._written_items(variable, tree.ListOf(written, items.span), check)
        listing = self.visit(items, None) if isinstance(items, tree.Name | tree.Path) else None
        if isinstance(items, tree.Name | tree.Path) and listing is None:
            return None
        if isinstance(listing, Quotient | Months | None) or not isinstance(listing.type, Listing):
            self.report(diagnostics.wrong_arguments(items.span, kind, usage))
            return None
        type_ = listing.type.item
        if not isinstance(type_, Code):
            self.report(diagnostics.wrong_arguments(items.span, kind, usage))
            return None
        pairs: list[tuple[Core, Core]] = []
        for code in self.names.codes[type_.codes].values:
            item = Const(code, type_)
            condition = self._with_item(variable, item, check)
            if condition is None:
                return None
            pairs.append((Op("list_contains", (listing, item), Boolean()), condition))
        return pairs

    def _with_item(self, variable: str, item: Core, check: Callable[[], Core | None]) -> Core | None:
        """What a check makes where a name stands for an item of a list."""
        outer = self.locals
        self.locals = {**outer, variable: Local(self.entity, item)}
        try:
            return check()
        finally:
            self.locals = outer

    def _written_items(
        self, variable: str, items: tree.ListOf, check: Callable[[], Core | None]
    ) -> list[tuple[Core, Core]] | None:
        """What is made of each item of a list that is written out."""
        pairs: list[tuple[Core, Core]] = []
        for written in items.items:
            item = self.value(written)
            condition = None if item is None else self._with_item(variable, item, check)
            if condition is None:
                return None
            pairs.append((Const(True, Boolean()), condition))
        return pairs

    def list_size(self, node: tree.Function, op: Operator) -> Core | None:
        arg = self.value(node.arguments[0])
        if arg is not None and not isinstance(arg.type, Listing):
            self.wrong(node.arguments[0].span, Listing(String()), arg.type)
            return None
        return None if arg is None else Op(op, (arg,), INTEGER)
