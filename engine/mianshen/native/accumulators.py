"""Accumulators as C: the balances before a row, and what the row adds to them once it is decided.

In: accumulators of a program. Out: C text. Rows come in turn, those without a date first. `sum_A` holds the
ruled (0) and the committed (1) balance of the benefit year at hand, as `interpreter.accumulator_state` has them,
and, in `any_`, what is missing in every year because a row without a date may belong to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mianshen.native.c_source import Body, Made
from mianshen.native.formula import Formulas
from mianshen.native.layout import Layout
from mianshen.native.provisions import mask
from mianshen.native.split_accumulators import SplitSource
from mianshen.program.program import Accumulator


@dataclass(frozen=True, slots=True)
class AccumulatorSource:
    """Writes the functions of one program's accumulators."""

    layout: Layout

    def text(self, accumulator: Accumulator) -> Iterator[str]:
        """`before_A` and `take_A`."""
        name = accumulator.name
        if self.layout.split(accumulator):
            yield from SplitSource(self.layout, accumulator).text()
            yield from self._take(accumulator)
            return
        yield f"struct sum_{name} {{ word year; byte begun, state[2], any_year[2]; wide held[2]; names miss[2], any_miss[2]; }};"
        yield from self._before(accumulator)
        yield from self._take(accumulator)

    def _settled(self, accumulator: Accumulator) -> str | None:
        """The fact that holds what was really paid of what is summed."""
        return self.layout.program.settled_facts(accumulator.entity).get(accumulator.sums)

    def _before(self, accumulator: Accumulator) -> Iterator[str]:
        """The balance that a row is decided on: ruled where something was settled on it, else committed."""
        entity = self.layout.program.entities[accumulator.entity]
        assert entity.parent is not None
        name, (month, day), date = accumulator.name, accumulator.year_start, entity.date
        start, over_time = month * 100 + day, self.layout.program.entities[entity.parent].valid_from
        yield (
            f"static void before_{name}(const struct run *run, struct row_{entity.name} *row, struct sum_{name} *sum) {{"
        )
        yield f"  row->v_before_{name} = 0; row->s_before_{name} = 1;"
        yield f"  if (!row->k_{date}) {{ row->m_before_{name} = BIT({self.layout.bit(str(date))}); return; }}"
        yield f"  word year = benefit_year(row->f_{date}, {start});"
        yield "  if (!sum->begun || sum->year != year) { sum->begun = 1; sum->year = year;"
        yield "    byte state = 0; wide held = 0; names miss = 0;"
        if accumulator.opening is not None:
            fact = accumulator.opening[1]
            person = "row->up->current" if over_time is not None else "row->up"
            yield f"    if (year == benefit_year(run->as_of, {start})) {{"
            yield f"      if ({person}->k_{fact}) held = {person}->f_{fact};"
            yield f"      else {{ state = 1; miss = BIT({self.layout.bit(fact)}); }} }}"
        yield "    for (int i = 0; i < 2; i++) { sum->state[i] = state; sum->held[i] = held; sum->miss[i] = miss; }"
        yield "  }"
        settled = self.layout.program.settled_facts(accumulator.entity).get(accumulator.reader)
        yield f"  int i = {'1' if settled is None else f'!row->k_{settled}'};"
        yield f"  row->v_before_{name} = sum->held[i]; row->s_before_{name} = sum->state[i] | sum->any_year[i];"
        yield f"  row->m_before_{name} = (sum->state[i] ? sum->miss[i] : 0) | (sum->any_year[i] ? sum->any_miss[i] : 0);"
        yield "}"

    def _take(self, accumulator: Accumulator) -> Iterator[str]:
        """Take in a row once it is decided; 3 where that fails."""
        body, sums, name = Body(), accumulator.sums, accumulator.name
        provisions = self.layout.program.decision(accumulator.entity, sums).provisions
        feeding = [f"row->b_{sums} == {i}" for i, p in enumerate(provisions) if name in p.feeds]
        if feeding:
            decision = self.layout.program.decision(accumulator.entity, sums)
            may_be_fed = f"({_open_payment(sums)} && (row->w_{sums} & {mask(decision, [name])}ULL))"
            may_feed = " || ".join([may_be_fed, *feeding])
            settled = self._settled(accumulator)
            body.add(f"if (row->s_{sums} == 2) return 0;")
            body.add(f"byte outside = !({may_feed});")
            if settled is None:
                body.add("if (outside) return 0;")
            else:  # what was settled above a payment outside the accumulator uses up the limit all the same
                above = f"row->k_{settled} && !row->s_{sums} && row->f_{settled} > row->v_{sums}"
                body.add(f"if (outside && !({above})) return 0;")
            member = Made("1")
            if accumulator.over is not None:
                member = Formulas(self.layout, body).emit(accumulator.over, accumulator.entity, "row")
            self._added(accumulator, member, body)
        body.add("return 0;")
        yield (
            f"static byte take_{name}(const struct run *run, struct place *at, struct row_{accumulator.entity} *row, "
            f"struct sum_{name} *sum) {{"
        )
        yield from body.lines
        yield "}"

    def _added(self, accumulator: Accumulator, member: Made, body: Body) -> None:
        sums, date = accumulator.sums, self.layout.program.entities[accumulator.entity].date
        settled = self._settled(accumulator)
        body.add(f"byte member = {member.state}; names lacks[2] = {{0}}; byte open[2] = {{0}};")
        body.add("if (member == 3) { if (!row->rejected) return 3; member = 1; }")
        body.add(f"if (member == 2 || (!member && !({member.value}))) return 0;")
        body.add(f"wide shown = row->v_{sums}, add[2] = {{shown, shown}};")
        body.add("if (row->doubtful) { open[0] = open[1] = 1; lacks[0] = lacks[1] = row->doubt; }")
        body.add(f"else if (member || {_open_payment(sums)}) {{")
        body.add(f"  names part = {_open_payment(sums)} ? row->a_{sums} : row->s_{sums} ? row->m_{sums} : 0;")
        body.add(
            f"  open[0] = open[1] = 1; lacks[0] = lacks[1] = (({member.state}) == 1 ? {member.miss} : 0) | part;"
        )
        if settled is not None:
            body.add(f"  if (row->k_{settled} && !{_open_payment(sums)}) lacks[1] = {member.miss};")
        body.add(
            f"}} else if (row->s_{sums}) {{ open[0] = open[1] = 1; lacks[0] = lacks[1] = row->m_{sums}; }}"
        )
        if settled is not None:
            body.add(f"if (!row->doubtful && !member && !{_open_payment(sums)} && row->k_{settled}) {{")
            body.add(f"  wide paid = row->f_{settled};")
            body.add(f"  add[1] = row->s_{sums} || paid > shown ? paid : shown; open[1] = 0;")
            body.add("}")
            body.add(f"if (outside) {{ add[0] = 0; open[0] = 0; add[1] = row->f_{settled} - shown; }}")
        if self.layout.split(accumulator):
            SplitSource(self.layout, accumulator).added(body)
            return
        with body.block("for (int i = 0; i < 2; i++) {"):
            undated = f"(row->rejected ? 0 : BIT({self.layout.bit(str(date))}))"
            body.add(
                f"if (!row->k_{date}) {{ sum->any_year[i] = 1; sum->any_miss[i] |= (open[i] ? lacks[i] : 0) | {undated}; "
                "continue; }"
            )
            body.add("if (!open[i] && !sum->state[i]) { sum->held[i] += add[i]; continue; }")
            body.add("if (!sum->state[i]) sum->miss[i] = 0;")
            body.add("if (open[i]) sum->miss[i] |= lacks[i];")
            body.add("sum->state[i] = 1; sum->held[i] = 0;")


def _open_payment(sums: str) -> str:
    """It is open which provision pays, and so which accumulators the payment counts in."""
    return f"(row->b_{sums} == PERHAPS || row->o_{sums})"
