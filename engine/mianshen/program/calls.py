"""Functions, aggregates and quantifiers: the part of the checker that reads calls."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mianshen.program import mistakes
from mianshen.program.core import (
    Aggregate,
    BenefitYear,
    Boolean,
    Code,
    Const,
    Core,
    Date,
    Listing,
    Marginal,
    Numeric,
    Op,
    Operator,
    Round,
    String,
    Within,
    YearToDate,
)
from mianshen.program.names import Names, describe
from mianshen.program.operators import (
    AGGREGATES,
    ALL_FUNCTIONS,
    ARITHMETIC,
    DATE_PARTS,
    FUNCTIONS,
    INTEGER,
    ROUNDINGS,
    absolute,
    rounded,
    totalled,
)
from mianshen.source import Diagnostic, Span
from mianshen.syntax import tree

MONEY_SUM = Numeric(2, Decimal(-(10**20)), Decimal(10**20))


class CallChecks:
    """Mixed into `Checker`, whose fields and basic checks it uses."""

    __slots__ = ()

    if TYPE_CHECKING:
        names: Names
        entity: str
        variables: dict[str, str]
        found: list[Diagnostic]

        def value(self, node: tree.Expr, want: Any = None) -> Core | None: ...
        def condition(self, node: tree.Expr) -> Core | None: ...
        def numeric(self, node: tree.Expr) -> Core | None: ...
        def rational(self, node: tree.Expr) -> tuple[Core, Core | None] | None: ...
        def report(self, mistake: Diagnostic) -> None: ...
        def wrong(self, span: Span, wanted: Any, got: Any) -> None: ...
        def date_literal(self, node: tree.Function) -> Core | None: ...
        def duration_literal(self, node: tree.Function) -> Any: ...

    def call(self, node: tree.Function) -> Any:
        name, args = node.name, node.arguments
        if name in ROUNDINGS:
            return self.rounding(node)
        if name in FUNCTIONS:
            return self.plain(node)
        if name in AGGREGATES and len(args) == 1:
            return self.aggregate(node)
        match name:
            case "min" | "max":
                return self.extreme(node)
            case "abs" if len(args) == 1:
                arg = self.numeric(args[0])
                return None if arg is None else Op("abs", (arg,), absolute(number(arg)))
            case "not" if len(args) == 1:
                inner = self.condition(args[0])
                return None if inner is None else Op("not", (inner,), Boolean())
            case "date":
                return self.date_literal(node)
            case "duration":
                return self.duration_literal(node)
            case "marginal" if len(args) == 2:
                return self.marginal(node)
            case "within" if len(args) >= 2:
                return self.within(node)
            case "benefit year" if 1 <= len(args) <= 2:
                return self.benefit_year(node)
            case "year to date" if len(args) == 1:
                return self.year_to_date(node)
            case "contains" if len(args) == 2:
                return self.contains_call(node)
            case "distinct count" if len(args) == 1:
                return self.list_size(node, "list_distinct")
        if name in ALL_FUNCTIONS:
            return self.report(mistakes.wrong_arguments(node.span, name, USAGE.get(name, f"{name}(x)")))
        return self.report(mistakes.unknown_function(node.span, name, ALL_FUNCTIONS))

    def rounding(self, node: tree.Function) -> Core | None:
        args = node.arguments
        digits = 0
        if node.name in ("floor", "ceiling"):
            if len(args) != 1:
                return self.report(mistakes.wrong_arguments(node.span, node.name, f"{node.name}(x)"))
        else:
            if len(args) != 2:
                return self.report(mistakes.wrong_arguments(node.span, node.name, f"{node.name}(x, 2)"))
            if not isinstance(args[1], tree.Number) or args[1].value not in range(13):
                return self.report(mistakes.not_constant(args[1].span, ("the number of decimals (0 to 12)", "小数位数（0 至 12）")))
            digits = int(args[1].value)
        got = self.rational(args[0])
        return None if got is None else self.round_to(node.span, ROUNDINGS[node.name], digits, *got)

    def round_to(self, span: Span, mode: Any, digits: int, top: Core, bottom: Core | None) -> Core | None:
        """A `Round`, checked to be exact within 38 digits as one integer division."""
        type_ = rounded(number(top), None if bottom is None else number(bottom), digits)
        needed = type_.precision
        if bottom is not None:
            needed = max(needed, quotient_digits(number(top), number(bottom), digits))
        if needed > 38:
            return self.report(mistakes.too_precise(span, needed))
        if bottom is None and number(top).scale <= digits:
            return top
        return Round(mode, digits, top, bottom, type_)

    def plain(self, node: tree.Function) -> Core | None:
        op, kinds, type_ = FUNCTIONS[node.name]
        if len(node.arguments) != len(kinds):
            return self.report(mistakes.wrong_arguments(node.span, node.name, USAGE[node.name]))
        args = [self.value(a) for a in node.arguments]
        for written, arg in zip(node.arguments, args, strict=True):
            if arg is not None and not isinstance(arg.type, Date):
                return self.wrong(written.span, Date(), arg.type)
        return Op(op, tuple(a for a in args if a), type_) if all(args) else None

    def extreme(self, node: tree.Function) -> Core | None:
        if len(node.arguments) < 2:
            return self.report(mistakes.wrong_arguments(node.span, node.name, f"{node.name}(a, b)"))
        args = [self.numeric(a) for a in node.arguments]
        op: Operator = "min" if node.name == "min" else "max"
        known = [a for a in args if a is not None]
        if len(known) < len(args):
            return None
        type_ = number(known[0])
        for arg in known[1:]:
            type_ = ARITHMETIC[op](type_, number(arg))
        return Op(op, tuple(known), type_)

    # -- children ----------------------------------------------------------------------------

    def items(self, node: tree.Expr) -> tuple[str, Core | None] | None:
        """The child entity and the filter of `claims` or `claims[…]`; None when reported or not a collection."""
        if isinstance(node, tree.Filter):
            inner = self.items(node.of)
            if inner is None:
                return None
            child, first = inner
            where = self.inside(child, lambda: self.condition(node.condition))
            if where is None:
                return None
            return child, where if first is None else Op("and", (first, where), Boolean())
        if isinstance(node, tree.Name):
            found = self.names.collection(self.entity, node.value)
            if found:
                return found, None
        return None

    def is_collection(self, node: tree.Expr) -> bool:
        while isinstance(node, tree.Filter):
            node = node.of
        return isinstance(node, tree.Name) and self.names.collection(self.entity, node.value) is not None

    def inside(self, child: str, check: Any, variable: str | None = None) -> Any:
        """Run a check with the child as the row."""
        outer, outer_variables = self.entity, self.variables
        self.entity = child
        self.variables = {**outer_variables, **({variable: child} if variable else {})}
        try:
            return check()
        finally:
            self.entity, self.variables = outer, outer_variables

    def aggregate(self, node: tree.Function) -> Core | None:
        (arg,) = node.arguments
        if node.name == "count":
            if self.is_collection(arg):
                got = self.items(arg)
                return None if got is None else Aggregate("count", got[0], got[1], None, INTEGER)
            return self.list_size(node, "list_count")
        if not isinstance(arg, tree.Path) or not self.is_collection(arg.of):
            collections = [e.children for e in self.names.entities.values() if e.parent == self.entity and e.children]
            example = collections[0] if collections else "claims"
            return self.report(mistakes.wrong_arguments(node.span, node.name, f"{node.name}({example}.x)"))
        got = self.items(arg.of)
        if got is None:
            return None
        child, where = got
        body = self.inside(child, lambda: self.numeric(tree.Name(arg.name, arg.span)))
        if body is None:
            return None
        kind: Any = node.name
        type_ = totalled(number(body)) if kind == "sum" else number(body)
        if not type_.fits:
            return self.report(mistakes.too_precise(node.span, type_.precision))
        return Aggregate(kind, child, where, body, type_)

    def quantified(self, node: tree.Quantified) -> Core | None:
        if not self.is_collection(node.items):
            return self.report(mistakes.wrong_arguments(node.items.span, node.kind, f"{node.kind} c in claims satisfies c.x > 0"))
        got = self.items(node.items)
        if got is None:
            return None
        child, where = got
        body = self.inside(child, lambda: self.condition(node.condition), node.variable)
        return None if body is None else Aggregate(node.kind, child, where, body, Boolean())

    # -- special functions -------------------------------------------------------------------

    def marginal(self, node: tree.Function) -> Core | None:
        base = self.numeric(node.arguments[0])
        name = node.arguments[1]
        parameter = self.names.parameters.get(name.value) if isinstance(name, tree.Name) else None
        if not isinstance(name, tree.Name) or parameter is None or parameter.scale_rates is None:
            if not (isinstance(name, tree.Name) and name.value in self.names.broken):
                self.report(mistakes.wrong_arguments(name.span, "marginal", USAGE["marginal"]))
            return None
        if base is None:
            return None
        rates, top = parameter.scale_rates, number(base)
        high = max(Decimal(0), top.high) * max(Decimal(0), rates.high)
        low = max(Decimal(0), top.high) * min(Decimal(0), rates.low)
        type_ = Numeric(max(top.scale, 2) + rates.scale, low, high)
        return Marginal(base, name.value, type_) if type_.fits else self.report(mistakes.too_precise(node.span, type_.precision))

    def within(self, node: tree.Function) -> Core | None:
        area = self.value(node.arguments[0])
        prefixes = [self.value(a, String(area=True)) for a in node.arguments[1:]]
        if area is None or any(p is None for p in prefixes):
            return None
        if not isinstance(area.type, String) or not area.type.area:
            return self.wrong(node.arguments[0].span, String(area=True), area.type)
        texts = tuple(str(p.value) for p in prefixes if isinstance(p, Const))
        if len(texts) < len(prefixes):
            return self.report(mistakes.not_constant(node.arguments[1].span, ("an area prefix", "地区前缀")))
        return Within(area, texts)

    def benefit_year(self, node: tree.Function) -> Core | None:
        date = self.value(node.arguments[0])
        start = (1, 1)
        if len(node.arguments) == 2:
            name = node.arguments[1]
            parameter = self.names.parameters.get(name.value) if isinstance(name, tree.Name) else None
            if parameter is None or parameter.month_day is None:
                return self.report(mistakes.wrong_arguments(name.span, "benefit year", USAGE["benefit year"]))
            start = parameter.month_day
        if date is None:
            return None
        if not isinstance(date.type, Date):
            return self.wrong(node.arguments[0].span, Date(), date.type)
        return BenefitYear(date, start, DATE_PARTS["year"][1])

    def year_to_date(self, node: tree.Function) -> Core | None:
        name = node.arguments[0]
        if not isinstance(name, tree.Name) or self.names.accumulators.get(name.value) != self.entity:
            if isinstance(name, tree.Name) and name.value in self.names.broken:
                return None
            known = [a for a, entity in self.names.accumulators.items() if entity == self.entity]
            written = name.value if isinstance(name, tree.Name) else "…"
            return self.report(mistakes.unknown_reference(name.span, ("accumulator", "累计"), written, known))
        return YearToDate(name.value, MONEY_SUM)

    def list_size(self, node: tree.Function, op: Operator) -> Core | None:
        arg = self.value(node.arguments[0])
        if arg is None:
            return None
        if not isinstance(arg.type, Listing):
            return self.wrong(node.arguments[0].span, Listing(String()), arg.type)
        return Op(op, (arg,), INTEGER)

    def contains_call(self, node: tree.Function) -> Core | None:
        listing = self.value(node.arguments[0])
        if listing is None:
            return None
        item = self.value(node.arguments[1], listing.type)
        return None if item is None else self.contains(node.span, listing, item)

    def contains(self, span: Span, listing: Core, item: Core) -> Core | None:
        if not isinstance(listing.type, Listing):
            return self.wrong(span, Listing(String()), listing.type)
        alike = isinstance(item.type, type(listing.type.item))
        if isinstance(item.type, Code) and isinstance(listing.type.item, Code):
            alike = item.type.codes == listing.type.item.codes
        if not alike:
            return self.report(mistakes.not_comparable(span, describe(item.type), describe(listing.type)))
        return Op("list_contains", (listing, item), Boolean())


USAGE = {
    "marginal": "marginal(x, a_scale_parameter)",
    "within": 'within(insured_area, "31")',
    "benefit year": "benefit year(service_date) or benefit year(service_date, a_month_day_parameter)",
    "year to date": "year to date(an_accumulator)",
    "contains": 'contains(a_list_fact, "code")',
    "age on": "age on(birth_date, as_of)",
    "days between": "days between(earlier, later)",
    "abs": "abs(x)",
    "not": "not(condition)",
}


def number(node: Core) -> Numeric:
    assert isinstance(node.type, Numeric)
    return node.type


def quotient_digits(top: Numeric, bottom: Numeric, digits: int) -> int:
    """Digits of the integers in `(2 * top * 10^k + bottom) // (2 * bottom)`."""
    shift = max(top.scale, bottom.scale)
    numerator = top.precision + (shift - top.scale) + digits
    denominator = bottom.precision + (shift - bottom.scale)
    return max(numerator, denominator) + 1
