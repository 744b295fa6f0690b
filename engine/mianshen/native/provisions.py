"""Decisions as C functions: which provision applies, what it pays.

In: decisions of a program. Out: C text. `decide_E_D` fills in a decision's value `v_`, state `s_`, missing names
`m_` and provision `b_` (its place among the decision's, NOBODY, or PERHAPS where several may) of a row, or says
that the row fails. The rule of choosing is that of `program.selection`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Final

from mianshen.native.c_source import NONE, Body, Made, c_integer, c_type, greatest, missing_set, union
from mianshen.native.formula import Formulas
from mianshen.native.layout import Layout, scale_of
from mianshen.program.core import Core, Numeric
from mianshen.program.program import Decision, Provision
from mianshen.program.selection import Selection, Shared, Tier, counts_apart, selection, shared

ROW: Final = "const struct run *run, struct place *at, struct row_{} *row"

LONG: Final = 800  # lines of a function
VERY_LONG: Final = 1500


@dataclass(slots=True)
class ProvisionSource:
    """Writes the functions of one program."""

    layout: Layout

    def function(self, head: str, body: Body, seldom: bool = False) -> list[str]:
        """A function; one that is long, or seldom called, is compiled quickly: the time grows with its square."""
        level = 0 if seldom and len(body.lines) > LONG else 1 if len(body.lines) > VERY_LONG else None
        hints = [
            *(["cold", "noinline"] if seldom else []),
            *([] if level is None else [f'optimize("O{level}")']),
        ]
        attributes = f"__attribute__(({', '.join(hints)})) " if hints else ""
        return [f"{head.replace('static ', f'static {attributes}', 1)} {{", *body.lines, "}", ""]

    def decision(self, decision: Decision) -> Iterator[str]:
        """The functions of a decision's provisions, then its own."""
        for index, provision in enumerate(decision.provisions):
            yield from self._condition(decision, index, provision)
            yield from self._value(decision, index, provision)
        yield from self._missing(decision)
        yield from self._paying(decision)
        yield from self._decide(decision)

    # -- provisions --------------------------------------------------------------------------

    def _condition(self, decision: Decision, index: int, provision: Provision) -> Iterator[str]:
        """Whether a provision applies: 0 no, 1 yes, 2 perhaps, 3 that fails."""
        body = Body()
        formulas = Formulas(self.layout, body)
        logic = formulas.logic(provision.condition, decision.entity, "row", True)
        body.add(f"*miss = {missing_set(logic)};")
        body.add(
            f"return !({logic.state}) ? !!({logic.value}) : ({logic.state}) == 1 ? 2 : ({logic.state}) == 2 ? 0 : 3;"
        )
        yield from self.function(
            f"static byte applies_{decision.entity}_{decision.name}_{index}"
            f"(const struct run *run, struct place *at, struct row_{decision.entity} *row, names *miss)",
            body,
        )

    def _value(self, decision: Decision, index: int, provision: Provision) -> Iterator[str]:
        """What a provision gives: its state; value and missing names by pointer."""
        body, entity = Body(), decision.entity
        formulas = Formulas(self.layout, body)
        stored = self.layout.stored[decision.key]
        out, scale = c_type(stored), scale_of(stored)
        emit = formulas.emit(provision.value, entity, "row")
        scaled = formulas.rescaled(
            emit, provision.value.type, scale, "wide" if self._wide(decision, provision) else out
        )
        if not provision.limits:
            body.add(f"*value = ({out})({scaled}); *miss = {missing_set(emit)}; return {emit.state};")
        else:
            parts, paid = [emit], scaled
            for limit in provision.limits:
                most = formulas.emit(limit.limit, entity, "row")
                name = limit.accumulator
                before = Made(f"row->v_before_{name}", f"row->s_before_{name}", f"row->m_before_{name}")
                room = f"{formulas.rescaled(most, limit.limit.type, scale, 'wide')} - (wide){before.value}"
                parts += [most, before]
                paid = f"min_wide({paid}, {room})"
            self._told(parts, body)
            body.add("*value = 0;")
            body.add(f"if (!told) {{ wide paid = {paid}; *value = ({out})(paid > 0 ? paid : 0); }}")
            body.add("return told;")
            yield from self._apart(
                decision, index, provision.value, *(limit.limit for limit in provision.limits)
            )
        yield from self.function(
            f"static byte pays_{entity}_{decision.name}_{index}"
            f"(const struct run *run, struct place *at, struct row_{entity} *row, {out} *value, names *miss)",
            body,
        )

    def _apart(self, decision: Decision, index: int, *parts: Core) -> Iterator[str]:
        """What a provision under a limit lacks, the balance aside: its state; missing names by pointer."""
        body, entity = Body(), decision.entity
        formulas = Formulas(self.layout, body)
        self._told([formulas.emit(part, entity, "row") for part in parts], body)
        body.add("return told;")
        yield from self.function(
            f"static byte apart_{entity}_{decision.name}_{index}"
            f"(const struct run *run, struct place *at, struct row_{entity} *row, names *miss)",
            body,
            seldom=True,
        )

    def _told(self, parts: Sequence[Made], body: Body) -> None:
        """The state of what needs all of the parts, and the names missing from them."""
        lacks = union([f"(({p.state}) == 1 ? {p.miss} : 0)" if p.state != NONE else NONE for p in parts])
        body.add(f"byte told = {greatest([p.state for p in parts])};")
        body.add(f"*miss = told == 1 ? {lacks} : 0;")

    def _wide(self, decision: Decision, provision: Provision) -> bool:
        """Whether bringing the value to the decision's decimals takes 128 bits."""
        type_ = provision.value.type
        if not isinstance(type_, Numeric):
            return False
        return (
            c_type(type_) == "wide"
            or type_.precision + scale_of(self.layout.stored[decision.key]) - type_.scale > 18
        )

    # -- choosing ----------------------------------------------------------------------------

    def _missing(self, decision: Decision) -> Iterator[str]:
        """What an undetermined decision misses: the open conditions (`open`) and what the candidates would need.

        What that is without the balances is kept in `a_`: for what the row brings they are not asked.
        """
        entity, name, out = decision.entity, decision.name, c_type(self.layout.stored[decision.key])
        yield (f"static names missing_{entity}_{name}({ROW.format(entity)}, const byte *may, names open) {{")
        yield f"  names balances = 0, miss = 0; {out} value; byte told;"
        for index, provision in enumerate(decision.provisions):
            call = f"{entity}_{name}_{index}(run, at, row"
            if not provision.limits:
                yield f"  if (may[{index}] && pays_{call}, &value, &miss) == 1) open |= miss;"
            else:
                yield f"  if (may[{index}]) {{ told = apart_{call}, &miss); if (told == 1) open |= miss;"
                for limit in provision.limits:
                    balance = limit.accumulator
                    yield f"    if (told < 2 && row->s_before_{balance} == 1) balances |= row->m_before_{balance};"
                yield "  }"
        yield "  (void)value; (void)told;"
        if counted(decision):
            yield f"  row->a_{name} = open;"
        yield "  return open | balances;"
        yield "}"
        yield ""

    def _paying(self, decision: Decision) -> Iterator[str]:
        """What the provision of a number gives: its state; value and missing names by pointer."""
        entity, name, out = decision.entity, decision.name, c_type(self.layout.stored[decision.key])
        yield f"static byte pays_{entity}_{name}({ROW.format(entity)}, int by, {out} *value, names *miss) {{"
        yield "  switch (by) {"
        for index in range(len(decision.provisions)):
            yield f"  case {index}: return pays_{entity}_{name}_{index}(run, at, row, value, miss);"
        yield "  }"
        yield "  return 2;"
        yield "}"
        yield ""

    def _decide(self, decision: Decision) -> Iterator[str]:
        """The tiers in turn; then the value of the provision that stands, or what is missing."""
        entity, name, out = decision.entity, decision.name, c_type(self.layout.stored[decision.key])
        tiers = selection(decision)
        competing = any(not tier.exclusive for tier in (tiers.main, tiers.fallbacks))
        if competing:
            yield from self._overriding(decision, tiers)
        yield f"static byte decide_{entity}_{name}({ROW.format(entity)}) {{"
        yield f"  {out} value = 0; byte told = 2; names miss = 0, open = 0; int by = NOBODY;"
        if not decision.provisions:
            yield from self._noted(decision)
            return
        yield f"  byte may[{len(decision.provisions)}] = {{0}};"
        for tier, later in ((tiers.main, tiers.fallbacks), (tiers.fallbacks, Tier(()))):
            if tier.branches:
                yield "  if (by == NOBODY) {"
                yield from (self._exclusive if tier.exclusive else self._competing)(decision, tier)
                for branch in later.branches:
                    yield (
                        f"    if (by == PERHAPS) {{ byte is = applies_{entity}_{name}_{branch.index}(run, at, row, &miss); "
                        f"may[{branch.index}] = is == 1 || is == 2; if (is == 2) open |= miss; }}"
                    )
                yield "  }"
        yield from self._fed(decision)
        if competing:
            yield f"  if (by >= 0 && may[by] && !same_{entity}_{name}(run, at, row, may, by)) by = PERHAPS;"
        if counted(decision):
            yield f"  row->o_{name} = 0;"
        if counted(decision) and competing:
            count = len(decision.provisions)
            yield f"  for (int i = 0; by >= 0 && may[by] && i < {count}; i++)"
            yield f"    if (may[i] && apart_{entity}_{name}[by][i]) {{ row->o_{name} = 1; row->a_{name} = open; }}"
        yield f"  if (by >= 0) told = pays_{entity}_{name}(run, at, row, by, &value, &miss);"
        yield (
            f"  if (by == PERHAPS) {{ told = 1; miss = missing_{entity}_{name}(run, at, row, may, open); }}"
        )
        yield "  if (told == 3) return 3;"
        yield from self._noted(decision)

    def _fed(self, decision: Decision) -> Iterator[str]:
        """Which accumulators may be fed: where no provision stands, those that some of what may decide names."""
        if not counted(decision):
            return
        masks = ", ".join(f"{mask(decision, p.feeds)}ULL" for p in decision.provisions)
        yield f"  static const unsigned long long feeds[] = {{{masks}}};"
        yield f"  row->w_{decision.name} = by == PERHAPS ? 0 : ~0ULL;"
        yield f"  for (int i = 0; by == PERHAPS && i < {len(decision.provisions)}; i++)"
        yield f"    if (may[i]) row->w_{decision.name} |= feeds[i];"

    def _noted(self, decision: Decision) -> Iterator[str]:
        """The end of a decision's function: its value in the row."""
        name = decision.name
        if decision.may_overflow and isinstance(decision.type, Numeric):
            scale = scale_of(self.layout.stored[decision.key])
            low, high = ceil(decision.type.low.scaleb(scale)), floor(decision.type.high.scaleb(scale))
            yield f"  if (!told && (value < {c_integer(low)} || value > {c_integer(high)})) return 3;"
        yield (
            f"  row->v_{name} = told ? 0 : value; row->s_{name} = told; if (told == 1) row->m_{name} = miss; "
            f"row->b_{name} = (short)by;"
        )
        yield "  return 0;"
        yield "}"
        yield ""

    def _exclusive(self, decision: Decision, tier: Tier) -> Iterator[str]:
        """No two branches apply at once: the first that applies decides."""
        body = Body()
        body.add("byte unsure = 0;")
        with body.block("do {", "} while (0);"):
            self._tree(decision, shared(tier.branches), body)
        body.add("if (unsure == 3) return 3;")
        body.add("if (by == NOBODY && unsure) by = PERHAPS;")
        yield from body.lines

    def _tree(self, decision: Decision, tree: tuple[Shared, ...], body: Body) -> None:
        """Conditions tested in order; what several branches share is tested once for them."""
        formulas = Formulas(self.layout, body)
        name = f"{decision.entity}_{decision.name}"
        for alike in tree:
            with body.block("do {", "} while (0);"):
                for part in alike.parts:
                    emit = formulas.emit(part, decision.entity, "row")
                    if emit.state != NONE:
                        with body.block(f"if ({emit.state}) {{"):
                            for branch in alike.branches:
                                body.add(
                                    f"{{ byte is = applies_{name}_{branch.index}(run, at, row, &miss); "
                                    f"if (is == 3) unsure = 3; else if (is == 2) {{ may[{branch.index}] = 1; "
                                    f"open |= miss; if (!unsure) unsure = 1; }} }}"
                                )
                            body.add("break;")
                    body.add(f"if (!({emit.value})) break;")
                if alike.below:
                    self._tree(decision, alike.below, body)
                else:
                    body.add(f"if (by == NOBODY) by = {alike.branches[0].index};")
            body.add("if (by != NOBODY && !unsure) break;")

    def _competing(self, decision: Decision, tier: Tier) -> Iterator[str]:
        """Branches that may override one another, or conflict: all are tested."""
        entity, name, count = decision.entity, decision.name, len(decision.provisions)
        yield f"    byte is[{count}] = {{0}}; names misses[{count}] = {{0}}; int unsure = 0;"
        for branch in tier.branches:
            i = branch.index
            yield (
                f"    is[{i}] = applies_{entity}_{name}_{i}(run, at, row, &misses[{i}]); "
                f"if (is[{i}] == 3) return 3; unsure |= is[{i}] == 2;"
            )
        yield f"    by = unoverridden(is, *over_{entity}_{name}, {count});"
        yield "    if (by == CONFLICT) return 3;"
        yield "    if (by == NOBODY && unsure) by = PERHAPS;"
        yield f"    for (int i = 0; i < {count}; i++)"
        yield f"      if (is[i] == 2 && (by == PERHAPS || (by >= 0 && over_{entity}_{name}[by][i]))) {{"
        yield "        may[i] = 1; open |= misses[i]; if (by >= 0) may[by] = 1; }"

    def _overriding(self, decision: Decision, tiers: Selection) -> Iterator[str]:
        """Which branch overrides which, and whether those that may decide would all pay the same."""
        entity, name, out = decision.entity, decision.name, c_type(self.layout.stored[decision.key])
        count = len(decision.provisions)
        yield from _table(
            f"over_{entity}_{name}", [[i in b.exceptions for i in range(count)] for b in tiers.branches]
        )
        if counted(decision):
            apart = [[counts_apart(one, two) for two in decision.provisions] for one in decision.provisions]
            yield from _table(f"apart_{entity}_{name}", apart)
        yield f"static byte same_{entity}_{name}({ROW.format(entity)}, const byte *may, int by) {{"
        yield f"  {out} one = 0, other = 0; names miss = 0;"
        yield f"  if (pays_{entity}_{name}(run, at, row, by, &one, &miss)) return 0;"
        yield f"  for (int i = 0; i < {count}; i++)"
        yield (
            f"    if (may[i] && (pays_{entity}_{name}(run, at, row, i, &other, &miss) || other != one)) return 0;"
        )
        yield "  return 1;"
        yield "}"
        yield ""


def mask(decision: Decision, accumulators: Iterable[str]) -> int:
    """A bit for each of some accumulators, in the order in which provisions name them; the last for all beyond 64."""
    named = list(dict.fromkeys(name for p in decision.provisions for name in p.feeds))
    bits = {name: 1 << min(place, 63) for place, name in enumerate(named)}
    return sum({bits[name] for name in accumulators})


def counted(decision: Decision) -> bool:
    """Whether what some provision pays of it counts in an accumulator."""
    return any(p.feeds for p in decision.provisions)


def _table(name: str, rows: Sequence[Sequence[bool]]) -> Iterator[str]:
    """A square of truth values."""
    yield f"static const byte {name}[{len(rows)}][{len(rows)}] = {{"
    yield from (f"  {{{','.join(str(int(cell)) for cell in row)}}}," for row in rows)
    yield "};"
