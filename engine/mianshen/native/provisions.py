"""Decisions as C functions: which provision applies, what it pays.

In: decisions of a program. Out: C text. `decide_E_D` fills in a decision's value `v_`, state `s_`, missing names
`m_` and provision `b_` (its place among the decision's, NOBODY, or PERHAPS where several may) of a row, or says
that the row fails. The rules are those of the interpreter's `decide`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor

from mianshen.native.c_source import NONE, Body, Made, c_integer, c_type, greatest, union
from mianshen.native.formula import Formulas
from mianshen.native.layout import Layout, scale_of
from mianshen.program.core import Core, Numeric, Op
from mianshen.program.program import Decision, Provision


@dataclass(slots=True)
class Rulings:
    """Writes the functions of one program."""

    layout: Layout

    def function(self, head: str, body: Body) -> list[str]:
        return [f"{head} {{", *body.lines, "}", ""]

    def decision(self, decision: Decision) -> Iterator[str]:
        """The functions of a decision's provisions, then its own."""
        for index, provision in enumerate(decision.provisions):
            yield from self._condition(decision, index, provision)
            yield from self._value(decision, index, provision)
        yield from self._perhaps(decision)
        yield from self._decide(decision)

    # -- provisions --------------------------------------------------------------------------

    def _condition(self, decision: Decision, index: int, provision: Provision) -> Iterator[str]:
        """Whether a provision applies: 0 no, 1 yes, 2 perhaps, 3 that fails."""
        body = Body()
        formulas = Formulas(self.layout, body)
        made = formulas.logic(provision.condition, decision.entity, "row", True)
        body.add(f"*miss = {made.miss};")
        body.add(
            f"return !({made.state}) ? !!({made.value}) : ({made.state}) == 1 ? 2 : ({made.state}) == 2 ? 0 : 3;"
        )
        yield from self.function(
            f"static byte applies_{decision.entity}_{decision.name}_{index}"
            f"(const struct run *run, struct place *at, struct {decision.entity} *row, names *miss)",
            body,
        )

    def _value(self, decision: Decision, index: int, provision: Provision) -> Iterator[str]:
        """What a provision gives: its state; value and missing names by pointer."""
        body, entity = Body(), decision.entity
        formulas = Formulas(self.layout, body)
        held = self.layout.held[decision.key]
        out, scale = c_type(held), scale_of(held)
        made = formulas.emit(provision.value, entity, "row")
        scaled = formulas.rescaled(
            made, provision.value.type, scale, "wide" if self._wide(decision, provision) else out
        )
        if provision.limit is None:
            body.add(f"*value = ({out})({scaled}); *miss = {made.miss}; return {made.state};")
        else:
            limit = formulas.emit(provision.limit.limit, entity, "row")
            name = provision.limit.accumulator
            before = Made(f"row->v_before_{name}", f"row->s_before_{name}", f"row->m_before_{name}")
            most = formulas.rescaled(limit, provision.limit.limit.type, scale, "wide")
            self._told([made, limit, before], body)
            body.add("*value = 0;")
            body.add(
                f"if (!told) {{ wide left = {most} - (wide){before.value}, paid = min_wide({scaled}, left); "
                f"*value = ({out})(paid > 0 ? paid : 0); }}"
            )
            body.add("return told;")
            yield from self._apart(decision, index, provision.value, provision.limit.limit)
        yield from self.function(
            f"static byte pays_{entity}_{decision.name}_{index}"
            f"(const struct run *run, struct place *at, struct {entity} *row, {out} *value, names *miss)",
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
            f"(const struct run *run, struct place *at, struct {entity} *row, names *miss)",
            body,
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
            or type_.precision + scale_of(self.layout.held[decision.key]) - type_.scale > 18
        )

    # -- choosing ----------------------------------------------------------------------------

    def _perhaps(self, decision: Decision) -> Iterator[str]:
        """Unknown, resting on the open conditions (`part`) and on what the provisions behind them would need.

        What that is without the balances is kept in `a_`: for what the row brings they are not asked.
        """
        entity, name, out = decision.entity, decision.name, c_type(self.layout.held[decision.key])
        yield (
            f"static names perhaps_{entity}_{name}(const struct run *run, struct place *at, struct {entity} *row, "
            f"const byte *maybe, names part) {{"
        )
        yield f"  names balances = 0, miss = 0; {out} value; byte told;"
        for index, provision in enumerate(decision.provisions):
            call, limit = f"{entity}_{name}_{index}(run, at, row", provision.limit
            if limit is None:
                yield f"  if (maybe[{index}] && pays_{call}, &value, &miss) == 1) part |= miss;"
            else:
                held = limit.accumulator
                yield f"  if (maybe[{index}]) {{ told = apart_{call}, &miss); if (told == 1) part |= miss;"
                yield f"    if (told < 2 && row->s_before_{held} == 1) balances |= row->m_before_{held}; }}"
        yield "  (void)value; (void)told;"
        if limited(decision):
            yield f"  row->a_{name} = part;"
        yield "  return part | balances;"
        yield "}"
        yield ""

    def _decide(self, decision: Decision) -> Iterator[str]:
        entity, name, out = decision.entity, decision.name, c_type(self.layout.held[decision.key])
        yield f"static byte decide_{entity}_{name}(const struct run *run, struct place *at, struct {entity} *row) {{"
        main = [i for i, p in enumerate(decision.provisions) if not p.fallback]
        rest = [i for i, p in enumerate(decision.provisions) if p.fallback]
        unrelated = not decision.clashes and not any(decision.provisions[i].exceptions for i in main)
        yield f"  {out} value = 0; byte told = 2; names miss = 0; int by = NOBODY;"
        if main:
            yield from (self._exclusive if unrelated else self._related)(decision, main)
        if rest:
            yield "  if (told == 2 && by == NOBODY) {"
            yield from self._related(decision, rest)
            yield "  }"
        yield "  if (told == 3) return 3;"
        if decision.may_overflow and isinstance(decision.type, Numeric):
            scale = scale_of(self.layout.held[decision.key])
            low, high = ceil(decision.type.low.scaleb(scale)), floor(decision.type.high.scaleb(scale))
            yield f"  if (!told && (value < {c_integer(low)} || value > {c_integer(high)})) return 3;"
        yield (
            f"  row->v_{name} = told ? 0 : value; row->s_{name} = told; if (told == 1) row->m_{name} = miss; "
            f"row->b_{name} = (short)by;"
        )
        yield "  return 0;"
        yield "}"
        yield ""

    def _exclusive(self, decision: Decision, among: list[int]) -> Iterator[str]:
        """Provisions of which no two apply at once: the first that applies decides."""
        entity, name, count = decision.entity, decision.name, len(decision.provisions)
        body = Body()
        body.add(f"byte maybe[{count}] = {{0}}; byte open = 0; names part = 0; int first = NOBODY;")
        with body.block("do {", "} while (0);"):
            tree = branches([(i, tuple(conjuncts(decision.provisions[i].condition))) for i in among])
            self._tree(decision, tree, body)
        body.add("if (open == 3) return 3;")
        body.lines += self._reserve(decision, "first == NOBODY && open")
        with body.block("if (first != NOBODY) {"):
            body.add("by = first;")
            with body.block("switch (by) {"):
                for index in among:
                    body.add(
                        f"case {index}: told = pays_{entity}_{name}_{index}(run, at, row, &value, &miss); break;"
                    )
        body.add(
            f"else if (open) {{ told = 1; by = PERHAPS; "
            f"miss = perhaps_{entity}_{name}(run, at, row, maybe, part); }}"
        )
        yield from body.lines

    def _tree(self, decision: Decision, tree: list[Branch], body: Body) -> None:
        """Conditions tested in order; what several provisions share is tested once for them."""
        formulas = Formulas(self.layout, body)
        name = f"{decision.entity}_{decision.name}"
        for branch in tree:
            with body.block("do {", "} while (0);"):
                for part in branch.shared:
                    made = formulas.emit(part, decision.entity, "row")
                    if made.state != NONE:
                        with body.block(f"if ({made.state}) {{"):
                            for index in branch.rulings:
                                body.add(
                                    f"{{ names lack = 0; byte is = applies_{name}_{index}(run, at, row, &lack); "
                                    f"if (is == 3) open = 3; else if (is == 2) {{ maybe[{index}] = 1; part |= lack; "
                                    f"if (!open) open = 1; }} }}"
                                )
                            body.add("break;")
                    body.add(f"if (!({made.value})) break;")
                if branch.below:
                    self._tree(decision, branch.below, body)
                else:
                    body.add(f"if (first == NOBODY) first = {branch.rulings[0]};")
            body.add("if (first != NOBODY && !open) break;")

    def _related(self, decision: Decision, among: list[int]) -> Iterator[str]:
        """Provisions that may except one another, or clash: all are tested."""
        entity, name, count = decision.entity, decision.name, len(decision.provisions)
        places = {p.name: i for i, p in enumerate(decision.provisions)}
        yield f"  {{ byte is[{count}] = {{0}}, maybe[{count}] = {{0}}; names lacks[{count}]; int standing = NOBODY;"
        yield "  int applied = 0, unsure = 0, stand = 0; names part = 0;"
        for i in among:
            yield (
                f"  lacks[{i}] = 0; is[{i}] = applies_{entity}_{name}_{i}(run, at, row, &lacks[{i}]); "
                f"if (is[{i}] == 3) return 3; applied += is[{i}] == 1; unsure += is[{i}] == 2;"
            )
        if not decision.provisions[among[0]].fallback:
            yield from self._reserve(decision, "!applied && unsure")
        yield "  if (!applied) { if (unsure) { told = 1; by = PERHAPS;"
        for i in among:
            yield f"    if (is[{i}] == 2) {{ maybe[{i}] = 1; part |= lacks[{i}]; }}"
        yield f"    miss = perhaps_{entity}_{name}(run, at, row, maybe, part); }} }}"
        yield "  else {"
        for i in among:
            over = [places[e] for e in decision.provisions[i].exceptions if e in places]
            beaten = " || ".join(f"is[{j}] == 1" for j in over if j in among) or "0"
            yield f"  if (is[{i}] == 1 && !({beaten})) {{ stand++; if (standing == NOBODY) standing = {i}; }}"
        yield "  if (stand != 1) return 3;"
        yield "  switch (standing) {"
        for i in among:
            yield f"  case {i}: {{"
            yield from self._standing(decision, among, i, places)
            yield "  } break;"
        yield "  } } }"

    def _reserve(self, decision: Decision, where: str) -> Iterator[str]:
        """The fallbacks that decide should no other provision turn out to apply."""
        entity, name = decision.entity, decision.name
        for i, provision in enumerate(decision.provisions):
            if provision.fallback:
                yield (
                    f"  if ({where}) {{ names lack = 0; byte may = applies_{entity}_{name}_{i}(run, at, row, &lack); "
                    f"if (may == 1 || may == 2) {{ maybe[{i}] = 1; if (may == 2) part |= lack; }} }}"
                )

    def _standing(
        self, decision: Decision, among: list[int], i: int, places: dict[str, int]
    ) -> Iterator[str]:
        """The provision that stands, if no exception of it is open, or all would pay the same."""
        entity, name, out = decision.entity, decision.name, c_type(self.layout.held[decision.key])
        pending = [places[e] for e in decision.provisions[i].exceptions if e in places and places[e] in among]
        pay = f"told = pays_{entity}_{name}_{i}(run, at, row, &value, &miss); by = {i};"
        if not pending:
            yield f"    {pay}"
            return
        yield f"    int waiting = {' + '.join(f'(is[{j}] == 2)' for j in pending)};"
        yield f"    if (!waiting) {{ {pay} }} else {{ byte same = 1; {out} one = 0, other = 0; names gone = 0;"
        yield f"      maybe[{i}] = 1;"
        for j in pending:
            yield f"      if (is[{j}] == 2) {{ maybe[{j}] = 1; part |= lacks[{j}]; }}"
        if decision.provisions[i].limit is not None:
            yield "      same = 0;"
        yield f"      if (pays_{entity}_{name}_{i}(run, at, row, &one, &gone)) same = 0;"
        for j in pending:
            unlimited = int(decision.provisions[j].limit is None)
            yield (
                f"      if (is[{j}] == 2) {{ if (!{unlimited} || pays_{entity}_{name}_{j}(run, at, row, &other, &gone) "
                f"|| other != one) same = 0; }}"
            )
        yield f"      if (same) {{ told = 0; value = one; by = {i}; }}"
        yield (
            f"      else {{ told = 1; by = PERHAPS; miss = perhaps_{entity}_{name}(run, at, row, maybe, part); }} }}"
        )


def limited(decision: Decision) -> bool:
    """Whether some provision pays it under an annual limit."""
    return any(p.limit is not None for p in decision.provisions)


@dataclass(slots=True)
class Branch:
    """Provisions whose conditions begin alike; `below` is empty where one condition ends."""

    shared: list[Core]
    rulings: list[int]
    below: list[Branch]


def branches(rulings: Sequence[tuple[int, tuple[Core, ...]]], depth: int = 0) -> list[Branch]:
    """The provisions, in order, as a tree of shared beginnings."""
    made: list[Branch] = []
    for _, alike in groupby(rulings, key=lambda each: each[1][depth : depth + 1]):
        group = list(alike)
        shared = depth
        while len(group) > 1 and len({parts[: shared + 1] for _, parts in group}) == 1:
            if len(group[0][1]) == shared:
                break
            shared += 1
        if len(group) == 1:
            made.append(Branch(list(group[0][1][depth:]), [group[0][0]], []))
        elif shared in (depth, len(group[0][1])):
            made += [Branch(list(parts[depth:]), [index], []) for index, parts in group]
        else:
            below = branches(group, shared)
            made.append(Branch(list(group[0][1][depth:shared]), [index for index, _ in group], below))
    return made


def conjuncts(parts: Sequence[Core]) -> Iterator[Core]:
    """The parts of a conjunction, `and`s taken apart, in order."""
    for part in parts:
        if isinstance(part, Op) and part.op == "and":
            yield from conjuncts(part.args)
        else:
            yield part
