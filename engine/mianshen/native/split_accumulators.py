"""Accumulators of several balances as C: by period and facts of the row, or shared by rows of several parents.

In: an accumulator of a program. Out: C text. The balances stand in a table, `slots_A` of the household, one for each
holder, period and facts that rows brought something for, as `interpreter.accumulator_state.SplitState` has them. One
that is `vague` counts for any facts: a row brought it of which a fact was missing; one for `ever` in any period, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from mianshen.native.c_source import Body
from mianshen.native.layout import Layout
from mianshen.program.program import Accumulator


@dataclass(frozen=True, slots=True)
class SplitSource:
    """Writes the functions of one accumulator."""

    layout: Layout
    accumulator: Accumulator

    @property
    def name(self) -> str:
        return self.accumulator.name

    @property
    def read_by(self) -> str:
        """The date that says of which period a row reads the balance."""
        return self.accumulator.read_by or self._own_date

    @property
    def counted_by(self) -> str:
        """The date that says to which period a row counts."""
        return self.accumulator.counted_by or self._own_date

    @property
    def _own_date(self) -> str:
        return str(self.layout.program.entities[self.accumulator.entity].date)

    def text(self) -> Iterator[str]:
        """The table, and `before_A`."""
        facts = "".join(f" word p_{name};" for _, name in self.accumulator.varying)
        yield (
            f"struct slot_{self.name} {{ word period; const void *holder;{facts} byte ever, vague, state[2]; wide held[2]; "
            "names miss[2]; };"
        )
        yield f"struct sum_{self.name} {{ int32_t count; }};"
        yield f"static inline word period_{self.name}(word day) {{ return {self._period()}; }}"
        yield from self._mine()
        yield from self._before()
        yield from self._slot()

    def _period(self) -> str:
        """The number of the period that holds `day`."""
        month, day = self.accumulator.year_start
        span = self.accumulator.span
        match span.unit:
            case "benefit year":
                return f"benefit_year(day, {month * 100 + day})"
            case "months":
                return f"(year_of(day) * 12 + month_of(day) - 1) / {span.months}"
            case "day":
                return "day"
            case "lifetime":
                return "day - day"
            case _ as unreachable:
                assert_never(unreachable)

    def _above(self, entity: str) -> str:
        """The row of an entity above `row`, the person's as it is on the decision date."""
        at, here = "row", self.accumulator.entity
        while here != entity:
            parent = self.layout.program.entities[here].parent
            assert parent is not None
            over_time = self.layout.program.entities[parent].valid_from is not None
            at, here = f"{at}->up->current" if over_time else f"{at}->up", parent
        return at

    def _facts(self) -> list[tuple[str, str]]:
        """The facts that say which balance a row goes to: their name, and the row that has each."""
        return [(name, self._above(entity)) for entity, name in self.accumulator.varying]

    def _lost(self) -> str:
        """What is missing of them."""
        missing = [f"({at}->k_{name} ? 0 : BIT({self.layout.bit(name)}))" for name, at in self._facts()]
        return " | ".join(missing) if missing else "0"

    def _mine(self) -> Iterator[str]:
        """Whether a row goes to a balance, periods aside."""
        same = [f"slot->p_{name} == (word){at}->f_{name}" for name, at in self._facts()]
        facts = f" && (slot->vague || ({' && '.join(same)}))" if same else ""
        yield (
            f"static inline int mine_{self.name}(const struct slot_{self.name} *slot, "
            f"const struct row_{self.accumulator.entity} *row) {{"
        )
        yield f"  return slot->holder == {self._above(self.accumulator.holder)}{facts};"
        yield "}"

    def _before(self) -> Iterator[str]:
        """The balance that a row is decided on: what the table holds of its period, or of the days before it."""
        name, accumulator, entity = self.name, self.accumulator, self.accumulator.entity
        settled = self.layout.program.settled_facts(entity).get(accumulator.reader)
        yield (
            f"static void before_{name}(const struct run *run, struct place *at, struct row_{entity} *row, "
            f"struct sum_{name} *sum) {{"
        )
        yield f"  row->v_before_{name} = 0; row->s_before_{name} = 1;"
        yield f"  if (!row->k_{self.read_by}) {{ row->m_before_{name} = BIT({self.layout.bit(self.read_by)}); return; }}"
        yield f"  names miss = {self._lost()};"
        yield f"  if (miss) {{ row->m_before_{name} = miss; return; }}"
        yield f"  int i = {'1' if settled is None else f'!row->k_{settled}'};"
        back = accumulator.span.back
        yield f"  word last = period_{name}(row->f_{self.read_by}) - {back}, first = last - {accumulator.days or 0};"
        yield "  wide held = 0; byte state = 0;"
        yield f"  const struct slot_{name} *slot = at->slots_{name};"
        yield "  for (int32_t n = 0; n < sum->count; n++, slot++) {"
        yield "    if (!slot->ever && (slot->period < first || slot->period > last)) continue;"
        yield f"    if (!mine_{name}(slot, row)) continue;"
        yield "    held += slot->held[i]; state |= slot->state[i];"
        yield "    if (slot->state[i]) miss |= slot->miss[i];"
        yield "  }"
        if accumulator.opening is not None:
            fact, holder = accumulator.opening[1], self._above(accumulator.holder)
            yield f"  if (last == period_{name}(run->as_of) - {back}) {{"
            yield f"    if ({holder}->k_{fact}) held += {holder}->f_{fact};"
            yield f"    else {{ state = 1; miss |= BIT({self.layout.bit(fact)}); }} }}"
        yield f"  row->v_before_{name} = state ? 0 : held; row->s_before_{name} = state; row->m_before_{name} = miss;"
        yield "}"

    def _slot(self) -> Iterator[str]:
        """The balance that a row brings something to, a new one where there is none; NULL: no memory."""
        name, facts = self.name, self._facts()
        yield (
            f"static struct slot_{name} *slot_of_{name}(struct place *at, const struct row_{self.accumulator.entity} *row, "
            f"struct sum_{name} *sum, byte vague, byte ever) {{"
        )
        yield f"  struct slot_{name} *slot = at->slots_{name};"
        yield f"  word period = ever ? 0 : period_{name}(row->f_{self.counted_by});"
        yield "  for (int32_t n = 0; n < sum->count; n++, slot++)"
        yield (
            "    if (slot->period == period && slot->ever == ever && slot->vague == vague && "
            f"mine_{name}(slot, row)) return slot;"
        )
        yield f"  if (sum->count == at->room_{name}) {{"
        yield f"    int32_t room = at->room_{name} * 2 + 8;"
        yield f"    void *more = realloc(at->slots_{name}, (size_t)room * sizeof *slot);"
        yield "    if (!more) return NULL;"
        yield f"    at->slots_{name} = more; at->room_{name} = room;"
        yield "  }"
        yield f"  slot = (struct slot_{name} *)at->slots_{name} + sum->count++;"
        yield f"  *slot = (struct slot_{name}){{0}};"
        yield "  slot->period = period; slot->ever = ever; slot->vague = vague;"
        yield f"  slot->holder = {self._above(self.accumulator.holder)};"
        for fact, row in facts:
            yield f"  if (!vague) slot->p_{fact} = (word){row}->f_{fact};"
        yield "  return slot;"
        yield "}"

    def added(self, body: Body) -> None:
        """What a row adds to its balances; 3 where there is no memory."""
        bit = f"BIT({self.layout.bit(self.counted_by)})"
        body.add(
            f"byte ever = !row->k_{self.counted_by}; names lost = ever ? {bit} : {self._lost()}; byte vague = !!lost;"
        )
        with body.block("for (int i = 0; i < 2; i++) {"):
            always = "" if self.accumulator.counted_by is not None else "!ever && "
            body.add(f"if ({always}!open[i] && !add[i]) continue;")
            body.add(f"struct slot_{self.name} *slot = slot_of_{self.name}(at, row, sum, vague, ever);")
            body.add("if (!slot) return 3;")
            body.add("if (open[i]) slot->miss[i] |= lacks[i];")
            body.add("if (vague && !row->rejected) slot->miss[i] |= lost;")
            body.add("if (open[i] || vague) slot->state[i] = 1; else slot->held[i] += add[i];")
