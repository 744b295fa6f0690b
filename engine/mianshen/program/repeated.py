"""Values of several rows in formulas: aggregates, `for … return`, quantifiers, collections within collections.

In: surface nodes. Out: core nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from mianshen.closed_sets import AggregateKind
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
    Listing,
    Numeric,
    Op,
    Operator,
    String,
    YearToDate,
    walk,
)
from mianshen.program.dates import day_number, day_of_number
from mianshen.program.formula import ANY_NUMBER, FormulaChecks, Local, Months, Quotient, number
from mianshen.program.operators import INTEGER, totalled
from mianshen.source import Span
from mianshen.syntax import tree


class RepeatedChecks(FormulaChecks):
    """The part of the checker that reads what is of several rows."""

    __slots__ = ()

    # -- collections -------------------------------------------------------------------------

    def items(self, node: tree.Expr) -> tuple[str, Core | None] | None:
        """The child entity and the filter of `claims`, `claims[…]` or `m.claims`; None when something is wrong."""
        if isinstance(node, tree.Filter):
            inner = self.items(node.of)
            if inner is None:
                return None
            child, first = inner
            where = self.inside(child, lambda: self.condition(node.condition))
            if where is None:
                return None
            return child, where if first is None else Op("and", (first, where), Boolean())
        child_name = self.child(node)
        return None if child_name is None else (child_name, None)

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
        while isinstance(node, tree.Filter):
            node = node.of
        return self.child(node) is not None

    def outer(self, node: tree.Expr) -> tuple[tree.Expr, str, list[tree.Expr]] | None:
        """`members[…].claims[…]` as its outer collection, the inner one's name, its filters; None: it is no such."""
        filters: list[tree.Expr] = []
        while isinstance(node, tree.Filter):
            filters.insert(0, node.condition)
            node = node.of
        if isinstance(node, tree.Path) and self.child(node) is None and self._reaches(node.of):
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
                    self.report(diagnostics.nothing_below(node.span, node.name, self.entity))
                return None

    def _over(self, node: tree.Function, items: tree.Expr, value: tree.For | tree.Path | None) -> Core | None:
        """What rows come to: of a collection within another, a sum of sums."""
        outer = self.outer(items)
        if outer is None:
            if not self.is_collection(items):
                self._no_items(items, node.name)
                return None
            if isinstance(value, tree.For) and isinstance(value.value, tree.For):
                return self._for_within(node, items, value, value.value)
            result = self.items(items)
            if result is None:
                return None
            child, where = result
            body = None if value is None else self._item_value(child, value, node)
            if value is not None and body is None:
                return None
            return self._total(node, child, where, body)
        if node.name in ("min", "max"):
            self.report(diagnostics.nested_extreme(node.span, node.name))
            return None
        of, name, filters = outer

        def inner() -> Core | None:
            collection: tree.Expr = tree.Name(name, items.span)
            for condition in filters:
                collection = tree.Filter(collection, condition, items.span)
            if isinstance(value, tree.For):
                again: tree.For | tree.Path | None = tree.For(
                    value.variable, collection, value.value, value.span
                )
            else:
                again = None if value is None else tree.Path(collection, value.name, value.span)
            return self._over(node, collection, again)

        return self._summed(node, of, inner)

    def _for_within(
        self, node: tree.Function, items: tree.Expr, value: tree.For, inner: tree.For
    ) -> Core | None:
        """`for` within `for`: the sum of what the inner one comes to at each row."""
        if node.name in ("min", "max"):
            self.report(diagnostics.nested_extreme(node.span, node.name))
            return None
        result = self.items(items)
        if result is None:
            return None
        child, where = result
        call = tree.Function(node.name, (inner,), inner.span)
        body = self.inside(child, lambda: self.aggregate(call), value.variable)
        type_ = None if body is None else self.fitting(node.span, totalled(number(body)))
        return None if type_ is None else Aggregate("sum", child, where, body, type_)

    def _summed(self, node: tree.Function, of: tree.Expr, inner: Callable[[], Core | None]) -> Core | None:
        """The sum of what the rows inside each row of the outer collection come to."""
        result = self.items(of) if self.is_collection(of) else None
        if result is None:
            return self._deeper(node, of, inner)
        child, where = result
        body = self.inside(child, inner)
        type_ = None if body is None else self.fitting(node.span, totalled(number(body)))
        return None if type_ is None else Aggregate("sum", child, where, body, type_)

    def _deeper(self, node: tree.Function, of: tree.Expr, inner: Callable[[], Core | None]) -> Core | None:
        outer = self.outer(of)
        if outer is None:
            self._no_items(of, node.name)
            return None
        above, name, filters = outer

        def between() -> Core | None:
            collection: tree.Expr = tree.Name(name, of.span)
            for condition in filters:
                collection = tree.Filter(collection, condition, of.span)
            return self._summed(node, collection, inner)

        return self._summed(node, above, between)

    def _no_items(self, node: tree.Expr, name: str) -> None:
        usage = f"{name}(for c in claims return c.x)"
        self.report(diagnostics.wrong_arguments(node.span, name, usage))

    def _item_value(self, child: str, value: tree.For | tree.Path, node: tree.Function) -> Core | None:
        """What is added up at each row: its own number, or that of `for … return`."""
        if isinstance(value, tree.Path):
            return self.inside(child, lambda: self._added(node, tree.Name(value.name, name_after_dot(value))))
        if node.name == "count":
            one = self.inside(child, lambda: self.value(value.value), value.variable)
            return None if one is None else Const(Decimal(1), Numeric(0, Decimal(1), Decimal(1)))
        return self.inside(child, lambda: self._added(node, value.value), value.variable)

    def _added(self, node: tree.Function, value: tree.Expr) -> Core | None:
        """A number, or, of which the least or greatest is asked for, a date."""
        if node.name == "sum":
            return self.numeric(value)
        item = self.value(value)
        if item is not None and not isinstance(item.type, Numeric | Date):
            self.wrong(value.span, ANY_NUMBER, item.type)
            return None
        return item

    def _total(self, node: tree.Function, child: str, where: Core | None, body: Core | None) -> Core | None:
        if body is None or node.name == "count":
            return Aggregate("count", child, where, None, INTEGER)
        if isinstance(body.type, Date):
            days = self._total(node, child, where, day_number(body))
            return None if days is None else day_of_number(days)
        type_ = self.fitting(node.span, totalled(number(body)) if node.name == "sum" else number(body))
        if type_ is None:
            return None
        kind: AggregateKind = "sum" if node.name == "sum" else "min" if node.name == "min" else "max"
        return Aggregate(kind, child, where, body, type_)

    # -- earlier rows ------------------------------------------------------------------------

    def earlier(self, node: tree.Function, value: str | None, at: tree.Expr) -> Core | None:
        """`previous(claims[…], hospital).discharge_date`, or how many such rows there are (no `value`)."""
        items, *same = node.arguments
        filters: list[tree.Expr] = []
        while isinstance(items, tree.Filter):
            filters.insert(0, items.condition)
            items = items.of
        entity = self.names.entities[self.entity]
        parent, own = entity.parent, False
        if parent is not None and isinstance(items, tree.Name):
            own = self.names.collection(parent, items.value) == self.entity
        if not own or entity.date is None or self.calling:
            usage = f"previous({entity.children or 'claims'}[condition]).x"
            self.report(diagnostics.wrong_arguments(node.span, node.name, usage))
            return None
        conditions = [self.inside(self.entity, lambda c=c: self.condition(c)) for c in filters]  # type: ignore[misc]
        facts = [self.value(part) for part in same]
        body = None if value is None else self.value(tree.Name(value, at.span))
        known = [condition for condition in conditions if condition is not None]
        if len(known) < len(conditions) or None in facts or (value is not None and body is None):
            return None
        shared = tuple(fact for fact in facts if isinstance(fact, FactRef) and fact.entity == self.entity)
        parts = [part for root in (*known, body) if root is not None for part in walk(root)]
        if len(shared) < len(facts) or any(isinstance(part, UNTOLD) for part in parts):
            self.report(diagnostics.earlier_facts(node.span))
            return None
        where = known[0] if len(known) == 1 else Op("and", tuple(known), Boolean()) if known else None
        type_ = INTEGER if body is None else body.type
        return Earlier(self.entity, where, shared, body, type_)

    # -- quantifiers -------------------------------------------------------------------------

    def quantified(self, node: tree.Quantified) -> Core | None:
        outer = self.outer(node.items)
        if outer is not None:
            of, name, filters = outer
            collection: tree.Expr = tree.Path(tree.Name(ITEM, node.items.span), name, node.items.span)
            for condition in filters:
                collection = tree.Filter(collection, condition, node.items.span)
            inner = tree.Quantified(node.kind, node.variable, collection, node.condition, node.span)
            return self.quantified(tree.Quantified(node.kind, ITEM, of, inner, node.span))
        if not self.is_collection(node.items):
            return self._over_list(node)
        quantified = self.items(node.items)
        if quantified is None:
            return None
        child, where = quantified
        body = self.inside(child, lambda: self.condition(node.condition), node.variable)
        return None if body is None else Aggregate(node.kind, child, where, body, Boolean())

    def _over_list(self, node: tree.Quantified) -> Core | None:
        """Over the codes of a list that a fact holds: each code of its code list, where it is in it."""
        listing = self.visit(node.items, None) if isinstance(node.items, tree.Name | tree.Path) else None
        if isinstance(node.items, tree.Name | tree.Path) and listing is None:
            return None
        type_ = None if isinstance(listing, Quotient | Months | None) else listing.type
        if (
            isinstance(listing, Quotient | Months | None)
            or not isinstance(type_, Listing)
            or not isinstance(type_.item, Code)
        ):
            usage = f"{node.kind} c in claims satisfies c.x > 0"
            self.report(diagnostics.wrong_arguments(node.items.span, node.kind, usage))
            return None
        parts: list[Core] = []
        outer = self.locals
        for code in self.names.codes[type_.item.codes].values:
            item = Const(code, type_.item)
            self.locals = {**outer, node.variable: Local(self.entity, item)}
            holds = self.condition(node.condition)
            self.locals = outer
            if holds is None:
                return None
            contained = Op("list_contains", (listing, item), Boolean())
            if node.kind == "some":
                parts.append(Op("and", (contained, holds), Boolean()))
            else:
                parts.append(Op("or", (Op("not", (contained,), Boolean()), holds), Boolean()))
        op: Operator = "or" if node.kind == "some" else "and"
        return parts[0] if len(parts) == 1 else Op(op, tuple(parts), Boolean())

    def list_size(self, node: tree.Function, op: Operator) -> Core | None:
        arg = self.value(node.arguments[0])
        if arg is not None and not isinstance(arg.type, Listing):
            self.wrong(node.arguments[0].span, Listing(String()), arg.type)
            return None
        return None if arg is None else Op(op, (arg,), INTEGER)


UNTOLD = (Aggregate, DecisionRef, Earlier, YearToDate)  # what an earlier row is not asked about
ITEM = "an item"  # no name that can be written


def name_after_dot(path: tree.Path) -> Span:
    """Where the last name of a path stands."""
    span = path.span
    if span.end_line != span.line or not span.end_column:
        return span
    return Span(span.file, span.end_line, span.end_column - len(path.name), span.end_line, span.end_column)
