"""Formulas at random, well typed by construction: what every back end must read alike.

In: a source of chance, what a formula may name (`World`). Out: formula text. Nothing here knows what a
formula means; it only knows types, and how many digits a number may need, so that nearly every
rulebook made of such formulas loads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["number", "boolean", "date", "code", "area", "text", "list"]

PARENT: Final = {"household": None, "resident": "household", "claim": "resident"}
CHILD: Final = {"household": ("members", "resident"), "resident": ("claims", "claim")}
CODES: Final = {
    "care": ("inpatient", "outpatient", "chronic"),
    "scheme": ("employee", "resident_scheme", "none"),
    "level": ("primary", "secondary", "tertiary"),
}
AREAS: Final = ("31", "11", "3717", "310113", "110101", "37")
WARDS: Final = ("A", "B", "甲", "")
DAYS: Final = (
    *("2024-06-30", "2024-07-01", "2025-01-01", "2025-06-30", "2025-07-01", "2025-11-21", "2025-12-31"),
    *("2026-01-01", "2026-03-02", "2026-06-30", "2026-07-01", "2026-09-15", "2026-11-21"),
)
ROUNDINGS: Final = (
    *("round half up", "round half up", "round half down", "round half even", "round up", "round down"),
)
LITERALS: Final = (
    *("0", "1", "2", "3", "7", "10", "100", "12", "0.01", "0.5", "0.005", "1.5", "99.99", "100.00", "2500"),
    *("75%", "12.5%", "100000", "3000000", "0.3333", "1500.05", "50000000000"),
)


WRITTEN_OUT: Final = {  # functions of lists and texts that are written out, of numbers A and B
    "append": "append([A], B) = [A, B]", "concatenate": "A in concatenate([A], [B])", "union": "B in union([1], [B, 2])",
    "distinct values": "A in distinct values([1, 2, 1])", "reverse": "max(reverse([A, B])) >= B",
    "flatten": "min(flatten([[A], B])) <= A", "sublist": "A in sublist([1, 2, 3], 2)",
    "insert before": "B in insert before([1], 1, B)", "remove": "A in remove([A, B], 1)",
    "index of": "A in index of([5, 6], 6)", "split": '"a" in split("a;b", ";")', "mean": "mean([A, B]) > A",
    "median": "median([1, 3]) < A", "product": "product([A, 2]) > B", "all": "all([A > B, true])", "any": "any([A > B])",
    "list contains": "list contains([A, 1], B)", "string join": 'string join(["a", "b"], "") = "ab"',
    "string length": 'string length("ab") < A', "upper case": 'upper case("a") = "A"', "lower case": 'lower case("X") = "x"',
    "substring": 'substring("abc", 2) = "bc"', "substring before": 'substring before("abc", "c") = "ab"',
    "substring after": 'substring after("abc", "a") = "bc"', "starts with": 'starts with("ab", "a")',
    "ends with": 'ends with("ab", "a")', "string": 'string(1.50) = "1.5"', "number": 'number("12") > A',
    "day of week": 'day of week(date("2026-03-02")) = "Monday"', "month of year": 'month of year(as_of) = "March"',
    "day of year": "day of year(as_of) > A", "instance of": 'instance of(A, "number")',
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """Something a formula may name. `whole`, `scale`: digits before and after the point, at most."""

    text: str
    kind: Kind
    codes: str = ""
    whole: int = 0
    scale: int = 0
    decision: bool = False


@dataclass(frozen=True, slots=True)
class Num:
    """A numeric formula and the digits its value may need."""

    text: str
    whole: int
    scale: int

    @property
    def digits(self) -> int:
        return self.whole + self.scale


@dataclass(slots=True)
class World:
    """What formulas may name: facts and the decisions already made by entity, figures, accumulators."""

    facts: dict[str, list[Named]]
    decisions: dict[str, list[Named]] = field(default_factory=lambda: {e: [] for e in PARENT})
    parameters: list[Named] = field(default_factory=list)
    scales: list[str] = field(default_factory=list)
    year_starts: list[str] = field(default_factory=list)
    accumulators: list[str] = field(default_factory=list)
    calendar: bool = False  # there is a working-day calendar

    def visible(self, at: str) -> list[Named]:
        """Names at an entity: its own bare, its ancestors' through them."""
        results = [*self.facts[at], *self.decisions[at]]
        above = PARENT[at]
        while above is not None:
            results += [
                Named(f"{above}.{name.text}", name.kind, name.codes, name.whole, name.scale, name.decision)
                for name in (*self.facts[above], *self.decisions[above])
            ]
            above = PARENT[above]
        return [*results, *self.parameters]


@dataclass(slots=True)
class Formulas:
    """Writes formulas. `depth` bounds how deep they nest."""

    rng: Random
    world: World
    risky: bool = (
        True  # divisors that may be zero, extremes of what may be empty, dates that leave the calendar
    )

    # -- leaves ------------------------------------------------------------------------------

    def named(self, at: str, kind: Kind, codes: str = "") -> list[Named]:
        """The names of a kind; decisions and the entity's own weigh more."""
        results = [n for n in self.world.visible(at) if n.kind == kind and codes in ("", n.codes)]
        return [*results, *(n for n in results if n.decision), *(n for n in results if "." not in n.text)]

    def pick(self, options: Sequence[str]) -> str:
        return self.rng.choice(options)

    def literal(self) -> Num:
        text = self.pick(LITERALS)
        plain = text.rstrip("%")
        whole, _, part = plain.partition(".")
        scale = len(part) + (2 if text.endswith("%") else 0)
        return Num(text, len(whole), scale)

    def number_leaf(self, at: str, room: int) -> Num:
        known = [n for n in self.named(at, "number") if n.whole + n.scale <= room]
        if known and self.rng.random() < 0.8:
            name = self.rng.choice(known)
            return Num(name.text, name.whole, name.scale)
        built = self.literal()
        return built if built.digits <= room else Num("1", 1, 0)

    # -- numbers -----------------------------------------------------------------------------

    def number(self, at: str, depth: int, room: int = 30) -> Num:
        """A numeric formula of at most `room` digits."""
        if depth <= 0 or room < 6 or self.rng.random() < 0.15:
            return self.number_leaf(at, room)
        forms = [
            self._sum, self._sum, self._product, self._product, self._signed, self._extreme, self._choice,
            self._rounded, self._quotient, self._from_dates, self._aggregate, self._aggregate, self._special,
        ]  # fmt: skip
        built = self.rng.choice(forms)(at, depth, room)
        return built if built is not None and built.digits <= room else self.number_leaf(at, room)

    def _sum(self, at: str, depth: int, room: int) -> Num:
        a, b = self.number(at, depth - 1, room - 1), self.number(at, depth - 1, room - 1)
        return Num(f"({a.text} {self.pick('+-')} {b.text})", max(a.whole, b.whole) + 1, max(a.scale, b.scale))

    def _product(self, at: str, depth: int, room: int) -> Num:
        a = self.number(at, depth - 1, room // 2)
        if self.rng.random() < 0.1:
            return Num(f"({a.text}) ** 2", 2 * a.whole, 2 * a.scale)
        b = self.number(at, depth - 1, room - a.digits)
        return Num(f"({a.text}) * ({b.text})", a.whole + b.whole, a.scale + b.scale)

    def _signed(self, at: str, depth: int, room: int) -> Num:
        a = self.number(at, depth - 1, room)
        return Num(f"-({a.text})" if self.rng.random() < 0.5 else f"abs({a.text})", a.whole, a.scale)

    def _extreme(self, at: str, depth: int, room: int) -> Num:
        parts = [self.number(at, depth - 1, room // 2) for _ in range(self.rng.choice((2, 2, 3)))]
        text = f"{self.pick(('min', 'max'))}({', '.join(p.text for p in parts)})"
        return Num(text, max(p.whole for p in parts), max(p.scale for p in parts))

    def _choice(self, at: str, depth: int, room: int) -> Num:
        a, b = self.number(at, depth - 1, room // 2), self.number(at, depth - 1, room // 2)
        text = f"(if {self.boolean(at, depth - 1)} then {a.text} else {b.text})"
        return Num(text, max(a.whole, b.whole), max(a.scale, b.scale))

    def _rounded(self, at: str, depth: int, room: int) -> Num:
        a = self.number(at, depth - 1, room - 1)
        return self.rounded(a, self.rng.choice((0, 0, 1, 2, 2, 4)))

    def rounded(self, a: Num, digits: int) -> Num:
        """`a` rounded to `digits` decimals in some mode."""
        if digits == 0 and self.rng.random() < 0.5:
            return Num(f"{self.pick(('floor', 'ceiling'))}({a.text})", a.whole + 1, 0)
        return Num(f"{self.pick(ROUNDINGS)}({a.text}, {digits})", a.whole + 1, min(a.scale, digits))

    def _quotient(self, at: str, depth: int, room: int) -> Num | None:
        digits = self.rng.choice((0, 1, 2, 2, 4, 6))
        built = self.quotient(at, depth, digits)
        if built is None:
            return None
        text = f"{self.pick(ROUNDINGS)}({built.text}, {digits})"
        return Num(text, built.whole, digits)

    def quotient(self, at: str, depth: int, digits: int) -> Num | None:
        """An unrounded quotient that `digits` decimals of keep within 38; `whole` is the result's."""
        a, b = self.number(at, depth - 1, 16), self.number(at, depth - 1, 10)
        if not self.risky:
            b = Num(self.pick(("3", "0.85", "7", "1.5", "75%")), 1, 2)
        shift = max(a.scale, b.scale)
        forms = [f"({a.text}) / ({b.text})"]
        if a.whole + b.whole + 2 * shift + digits < 30:
            c = self.literal()
            more = c.digits + a.whole + b.whole + 2 * shift + digits < 30
            forms += (
                [f"({a.text}) / ({b.text}) * {c.text}", f"({a.text}) / ({b.text}) + {c.text}"] if more else []
            )
        if a.whole + b.scale + 1 + digits > 34 or a.whole + shift + digits > 34:
            return None
        return Num(self.rng.choice(forms), min(a.whole + b.scale + 14, 38 - digits), digits)

    def _from_dates(self, at: str, depth: int, room: int) -> Num:
        day = self.date(at, depth - 1)
        other = self.date(at, depth - 1)
        if self.world.calendar and self.rng.random() < 0.5:
            return Num(f"working days between({day}, {other})", 5, 0)
        start = self.rng.choice([*self.world.year_starts, ""])
        if self.rng.random() < 0.25:
            between = self.pick(("months between", "years between"))
            third, fourth = self.date(at, 0), self.date(at, 0)
            return self.rng.choice((
                Num(f"{between}({day}, {other})", 6, 0),
                Num(f"years and months duration({day}, {other}).{self.pick(('years', 'months'))}", 6, 0),
                Num(f"(({day}) - ({other})).days", 7, 0),
                Num(f"days of overlap({day}, {other}, {third}, {fourth})", 8, 0),
            ))  # fmt: skip
        return self.rng.choice((
            Num(f"({day}).{self.pick(('year', 'month', 'day'))}", 4, 0),
            Num(f"age on({day}, {other})", 4, 0),
            Num(f"days between({day}, {other})", 7, 0),
            Num(f"benefit year({day}, {start})" if start else f"benefit year({day})", 4, 0),
        ))  # fmt: skip

    def _of_each(self, at: str, depth: int, room: int) -> Num:
        """A sum of a formula over the rows below, or of the rows below those."""
        variable, child = CHILD[at]
        if child in CHILD and self.rng.random() < 0.5:
            return Num(f"sum({variable}.{CHILD[child][0]}.cost)", 28, 2)
        body = self.number(child, min(depth - 1, 1), 12)
        return Num(f"sum(for one in {variable} return {body.text})", body.whole + 7, body.scale)

    def _aggregate(self, at: str, depth: int, room: int) -> Num | None:
        if at in CHILD and self.rng.random() < 0.15:
            return self._of_each(at, depth, room)
        if at not in CHILD:
            return self._list_size(at)
        items, child = self.items(at, depth - 1)
        bare = [n for n in self.named(child, "number") if "." not in n.text]
        name = self.rng.choice(bare)
        kind = self.pick(("sum", "sum", "sum", "count", *(("min", "max") if self.risky else ())))
        if kind == "count":
            return Num(f"count({items})", 10, 0)
        whole = name.whole + (6 if kind == "sum" else 0)
        return Num(f"{kind}({items}.{name.text})", whole, name.scale)

    def _list_size(self, at: str) -> Num | None:
        lists = self.named(at, "list")
        if not lists:
            return None
        return Num(f"{self.pick(('count', 'distinct count'))}({self.rng.choice(lists).text})", 10, 0)

    def _special(self, at: str, depth: int, room: int) -> Num | None:
        if at == "claim" and self.world.accumulators and self.rng.random() < 0.7:
            return Num(f"year to date({self.pick(self.world.accumulators)})", 21, 2)
        if at == "claim" and self.world.scales and self.rng.random() < 0.25:
            return self.rng.choice((
                Num("count(sharing(resident.claims[urgent], care, seen.year))", 6, 0),
                Num("sum(sharing(household.members.claims, hospital).cost)", 15, 2),
                Num("count(sharing(resident.claims[cost > this.small], care))", 6, 0),
                Num("sum(for c in sharing(household.members.claims, level) return c.small - this.small)", 15, 2),
                Num("count(previous(claims[day >= this.day - days(99)], care))", 6, 0),
                Num("count(previous(claims[urgent], care))", 6, 0), Num("previous(claims[cost > 10]).small", 4, 2),
                Num("p_keyed(level, hospital)", 1, 4), Num("p_money at seen", 6, 2),
                Num("p_keyed(place: resident.insured_area, level: level) at seen", 1, 4),
            ))  # fmt: skip
        if self.world.scales:
            base = self.number(at, depth - 1, room - 10)
            scale = self.pick(self.world.scales)
            if self.rng.random() < 0.15:
                return Num(f"inverse marginal({self.number(at, 0, 12).text}, {scale})", 16, 2)
            more = self.pick(("", "", f", from: {self.rng.choice((0, 100, 2500.5))}", ", points: 5%"))
            named = f"base: {base.text}, scale: {scale}{more}" if more else f"{base.text}, {scale}"
            return Num(
                f"marginal({named})",
                base.whole + 1,
                max(base.scale, 2) + 4,
            )
        return None

    def items(self, at: str, depth: int) -> tuple[str, str]:
        """A collection below the entity, perhaps filtered, and the child entity."""
        name, child = CHILD[at]
        for _ in range(self.rng.choice((0, 1, 1, 2))):
            name = f"{name}[{self.boolean(child, depth)}]"
        return name, child

    # -- conditions --------------------------------------------------------------------------

    def boolean(self, at: str, depth: int) -> str:
        """A condition."""
        if depth <= 0 or self.rng.random() < 0.2:
            return self.boolean_leaf(at)
        if self.rng.random() < 0.15:
            return self._lies(at)
        if self.world.calendar and self.rng.random() < 0.1:
            return f"working day({self.date(at, depth - 1)})"
        forms = [
            self._logic, self._logic, self._logic, self._negation, self._compared, self._compared, self._ranged,
            self._compared_dates, self._known, self._quantified, self._chosen, self._listed,
        ]  # fmt: skip
        return self.rng.choice(forms)(at, depth)

    def _lies(self, at: str) -> str:
        """How ranges and numbers lie to one another, and what numbers are."""
        a, b, c = (self.number_leaf(at, 12).text for _ in range(3))
        function = self.pick((
            "before", "after", "meets", "met by", "overlaps", "overlaps before", "overlaps after", "finishes",
            "finished by", "includes", "during", "starts", "started by", "coincides", "odd", "even", "modulo", "is",
            "decimal", *WRITTEN_OUT,
        ))  # fmt: skip
        match function:
            case _ if function in WRITTEN_OUT:
                return WRITTEN_OUT[function].replace("A", a).replace("B", b)
            case "odd" | "even":
                return f"{function}({self.pick(('days', '7', '4')) if at == 'claim' else '3'})"
            case "modulo":
                return f"modulo(7, {self.pick(('2', '2.5'))}) >= {a}"
            case "decimal":
                return f"decimal({a} / 3, 1) > {b}"
            case "is":
                return f"is({a}, {b})"
            case _:
                opening, closing = self.pick("[("), self.pick("])")
                return f"{function}({opening}{a}..{b}{closing}, [{b}..{c}])"

    def boolean_leaf(self, at: str) -> str:
        names = self.named(at, "boolean")
        if names and self.rng.random() < 0.5:
            return self.rng.choice(names).text
        kinds: tuple[tuple[Kind, Callable[[str, int], str]], ...]
        kinds = (
            ("code", self._of_code),
            ("code", self._of_code),
            ("area", self._of_area),
            ("text", self._of_text),
        )
        forms = [form for kind, form in kinds if self.named(at, kind)]
        return self.rng.choice([*forms, self._plain])(at, 0)

    def _plain(self, at: str, depth: int) -> str:
        if self.rng.random() < 0.1:
            return self.pick(("true", "false"))
        a = self.number_leaf(at, 20)
        return f"{a.text} {self.pick(COMPARE)} {self.number_leaf(at, 20).text}"

    def _of_code(self, at: str, depth: int) -> str:
        names = self.named(at, "code")
        name = self.rng.choice(names)
        values = CODES[name.codes]
        chosen = self.rng.sample(values, self.rng.choice((1, 1, 2)))
        quoted = [f'"{v}"' for v in chosen]
        if len(quoted) > 1:
            return f"{name.text} in ({', '.join(quoted)})"
        others = [n.text for n in names if n.codes == name.codes]
        right = quoted[0] if self.rng.random() < 0.8 else self.pick(others)
        return f"{name.text} {self.pick(('=', '=', '!='))} {right}"

    def _of_area(self, at: str, depth: int) -> str:
        name = self.rng.choice(self.named(at, "area")).text
        areas = [f'"{a}"' for a in self.rng.sample(AREAS, self.rng.choice((1, 2)))]
        if self.rng.random() < 0.7:
            return f"within({name}, {', '.join(areas)})"
        other = self.rng.choice((areas[0], self.rng.choice(self.named(at, "area")).text))
        if self.rng.random() < 0.3:
            function = self.pick(
                ("same pooling area", "same pooling area", "same city", "same province", "within")
            )
            wider = f"pooling area({other})" if function == "within" else other
            return f"{function}({name}, {wider})"
        return f"{name} {self.pick(('=', '!='))} {other}"

    def _of_text(self, at: str, depth: int) -> str:
        names = self.named(at, "text")
        name = self.rng.choice(names).text
        right = f'"{self.pick(WARDS)}"' if self.rng.random() < 0.7 else self.rng.choice(names).text
        return f"{name} {self.pick(('=', '!='))} {right}"

    def _logic(self, at: str, depth: int) -> str:
        parts = [self.boolean(at, depth - 1) for _ in range(self.rng.choice((2, 2, 3)))]
        return f"({self.pick((' and ', ' or ')).join(parts)})"

    def _negation(self, at: str, depth: int) -> str:
        return f"not({self.boolean(at, depth - 1)})"

    def _compared(self, at: str, depth: int) -> str:
        a, b = self.number(at, depth - 1, 22), self.number(at, depth - 1, 22)
        return f"({a.text} {self.pick(COMPARE)} {b.text})"

    def _ranged(self, at: str, depth: int) -> str:
        a, low, high = (self.number(at, depth - 1, 20).text for _ in range(3))
        if self.rng.random() < 0.3:
            return f"({a} between {low} and {high})"
        if self.rng.random() < 0.5:
            return f"({a} in {self.pick('[(')}{low}..{high}{self.pick('])')})"
        return f"({a} in ({low}, {self.pick(COMPARE)} {high}))"

    def _compared_dates(self, at: str, depth: int) -> str:
        a, b = self.date(at, depth - 1), self.date(at, depth - 1)
        if self.rng.random() < 0.2:
            return f"({a} in [{b}..{self.date(at, 0)}))"
        return f"({a} {self.pick(COMPARE)} {b})"

    def _known(self, at: str, depth: int) -> str:
        known = self.pick(("known", "known", "unknown"))
        if self.rng.random() < 0.3:
            return f"({self.number(at, depth - 1, 22).text} is {known})"
        return f"({self.rng.choice(self.world.visible(at)).text} is {known})"

    def _quantified(self, at: str, depth: int) -> str:
        if at not in CHILD:
            return self.boolean(at, depth - 1)
        items, child = self.items(at, depth - 1)
        kind = self.pick(("some", "every"))
        if child == "resident" and self.rng.random() < 0.3:
            items = f"first({items})"
        return f"({kind} one in {items} satisfies {self.boolean(child, depth - 1)})"

    def _chosen(self, at: str, depth: int) -> str:
        c, a, b = (self.boolean(at, depth - 1) for _ in range(3))
        return f"(if {c} then {a} else {b})"

    def _listed(self, at: str, depth: int) -> str:
        lists = self.named(at, "list")
        if not lists:
            return self.boolean_leaf(at)
        name = self.rng.choice(lists)
        codes = [n.text for n in self.named(at, "code", name.codes)]
        item = self.pick(codes) if codes and self.rng.random() < 0.4 else f'"{self.pick(CODES[name.codes])}"'
        return f"contains({name.text}, {item})"

    # -- the rest ----------------------------------------------------------------------------

    def date(self, at: str, depth: int) -> str:
        """A date."""
        names = [*(n.text for n in self.named(at, "date")), "as_of"]
        if self.world.calendar and self.rng.random() < 0.3:
            whole = [n.text for n in self.named(at, "number") if not n.scale and n.whole <= 3]
            count = self.pick([*whole, "0", "1", "5", "15", "-3", "(5 - 7)"])
            function = self.pick(("add working days", "working day of month"))
            return f"{function}({self.date(at, depth - 1)}, {count})"
        if depth > 0 and self.rng.random() < 0.3:
            size = self.pick(
                ("P1M", "P12M", "P5D", "P1Y", "P400D", "P13M", "P9Y", "P8000Y" if self.risky else "P2Y")
            )
            if self.rng.random() < 0.1:
                count = self.pick(
                    [n.text for n in self.named(at, "number") if not n.scale and n.whole <= 3] or ["3"]
                )
                moved = f"{self.pick(('days', 'months', 'years', 'years'))}({count})"
                return f"({self.date(at, depth - 1)} {self.pick('+-')} {moved})"
            if self.rng.random() < 0.1:
                return f"{self.pick(('min', 'max'))}({self.date(at, depth - 1)}, {self.date(at, 0)})"
            if self.rng.random() < 0.1:
                return (
                    f"date({self.pick(('2024', '2025'))}, {self.pick(('1', '12'))}, {self.date(at, 0)}.day)"
                )
            return f'({self.date(at, depth - 1)} {self.pick("+-")} duration("{size}"))'
        if depth > 0 and self.rng.random() < 0.15:
            return f"(if {self.boolean(at, depth - 1)} then {self.pick(names)} else {self.pick(names)})"
        return self.pick(names) if self.rng.random() < 0.8 else f'date("{self.pick(DAYS)}")'

    def code(self, at: str, codes: str, depth: int) -> str:
        """A code of a list; a bare literal only where the list is known from elsewhere."""
        names = [n.text for n in self.named(at, "code", codes)]
        plain = self.pick(names) if names and self.rng.random() < 0.5 else f'"{self.pick(CODES[codes])}"'
        if depth > 0 and self.rng.random() < 0.3:
            return f"if {self.boolean(at, depth - 1)} then {plain} else {self.code(at, codes, 0)}"
        return plain

    def plain(self, at: str, kind: Kind) -> str:
        """A text or area: a name or a literal."""
        names = [n.text for n in self.named(at, kind)]
        if names and self.rng.random() < 0.6:
            return self.pick(names)
        return f'"{self.pick(AREAS if kind == "area" else WARDS)}"'


COMPARE: Final = ("=", "!=", "<", "<=", ">", ">=")
