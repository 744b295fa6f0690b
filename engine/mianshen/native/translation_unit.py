"""The whole C text of a program: rows as structs, figures, decisions, and how a household is decided.

In: a layout and what is to be written. Out: C text after `runtime.c`. `decide_places` decides the households
from one place to another; it may run on several threads at once, for households share nothing but the sets
of missing names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import accumulate

from mianshen.native.c_source import c_integer, c_type
from mianshen.native.layout import EPOCH, Column, Layout, Unsupported, scale_of
from mianshen.native.provisions import Rulings, limited
from mianshen.program.program import Benefit, Decision, Entity, Key, Parameter
from mianshen.program.stages import Stage


@dataclass(frozen=True, slots=True)
class Written:
    """A column that the compiled program fills in: `part` is value, state, known, status, reason or missing."""

    entity: str
    name: str
    part: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A program and what of it is written: benefits of the entry, decisions of the entities below it."""

    layout: Layout
    shown: tuple[Key, ...]
    benefits: tuple[Benefit, ...]

    @property
    def order(self) -> list[Entity]:
        """Entities, parents first; raises Unsupported unless they hang together from one."""
        entities = [self.layout.program.entities[name] for name in self.layout.entities]
        if sum(e.parent is None for e in entities) != 1:
            raise Unsupported("entities without one root")
        return entities

    @property
    def outcomes(self) -> list[Entity]:
        """The entities of which each row has a status."""
        return [e for e in self.order if e.outcome is not None]

    @property
    def written(self) -> list[Written]:
        """The output columns in the order of `out`."""
        found: list[Written] = []
        for entity, name in self.shown:
            held = self.layout.held[entity, name]
            if c_type(held) == "wide" or scale_of(held) != scale_of(
                self.layout.program.decision(entity, name).type
            ):
                raise Unsupported(f"{name}: more digits than 64 bits hold")
            found += [Written(entity, name, "value", 8), Written(entity, name, "state", 1)]
        for each in self.outcomes:
            found += [
                Written(each.name, "", part, size)
                for part, size in (("status", 1), ("reason", 4), ("missing", 4))
            ]
        for benefit in self.benefits:
            parts = [("status", 1), ("reason", 4)]
            if benefit.amount is not None:
                parts += [("value", 8), ("known", 1)]
            found += [Written(benefit.entity, benefit.name, part, size) for part, size in parts]
        return found

    def text(self) -> str:
        """All of it, runtime first. Raises Unsupported."""
        self.layout.check()
        rulings = Rulings(self.layout)
        parts = [
            files("mianshen.native").joinpath("runtime.c").read_text(encoding="utf-8"),
            *(line for e in self.order for line in self._struct(e)),
            *self._place(),
            *self._calendar(),
            *(line for p in self.layout.program.parameters.values() for line in self._figure(p)),
            *(line for d in self.layout.program.decisions for line in rulings.decision(d)),
            *(line for a in self.layout.accumulators for line in rulings.accumulator(a)),
            *(line for e in self.order for line in self._packed(e)),
            *(line for e in self.order for line in self._load(e)),
            *self._gather(),
            *self._decide(),
            *self._write(),
            *self._drive(),
        ]
        return "\n".join(parts) + "\n"

    # -- rows --------------------------------------------------------------------------------

    def children(self, entity: Entity) -> list[Entity]:
        return [e for e in self.order if e.parent == entity.name]

    def _struct(self, entity: Entity) -> Iterator[str]:
        """A row: its number, its parent, where its children are, facts, decisions, balances."""
        yield f"struct {entity.name} {{ int32_t number;"
        if entity.parent is not None:
            yield f"  struct {entity.parent} *up;"
        for child in self.children(entity):
            yield f"  int32_t begin_{child.name}, end_{child.name};"
        for column in self.layout.facts[entity.name]:
            yield f"  word f_{column.name}; byte k_{column.name};"
        for decision in self.layout.program.decisions:
            if decision.entity == entity.name:
                yield f"  {c_type(self.layout.held[decision.key])} v_{decision.name}; names m_{decision.name};"
                if limited(decision):
                    yield f"  names a_{decision.name};"
                yield f"  byte s_{decision.name}; short b_{decision.name};"
        for accumulator in self.layout.accumulators:
            if accumulator.entity == entity.name:
                yield f"  wide v_before_{accumulator.name}; names m_before_{accumulator.name};"
                yield f"  byte s_before_{accumulator.name};"
        yield "};"

    def _place(self) -> Iterator[str]:
        """A household: rows by entity, in arrays that grow."""
        yield "struct place {"
        for entity in self.order:
            yield f"  struct {entity.name} *rows_{entity.name}; int32_t count_{entity.name}, room_{entity.name};"
        yield "};"

    def is_packed(self, entity: Entity) -> bool:
        """Whether the rows of an entity come in any order, so that one row's cells are kept side by side."""
        return entity.parent == self.layout.program.entry

    def _cell(self, column: Column, number: str) -> str:
        at = self.column_numbers()[column.entity, column.name]
        if column.bits == 1:
            return f"bit_at(run->in[{at}], {number})"
        return f"((const int{column.bits}_t *)run->in[{at}])[{number}]"

    def _packed(self, entity: Entity) -> Iterator[str]:
        """A row as it is read and as it is written, its cells side by side."""
        name, columns = entity.name, self.layout.facts[entity.name]
        if not self.is_packed(entity):
            return
        yield f"struct in_{name} {{"
        for column in sorted(columns, key=lambda c: -c.bits):
            yield f"  int{max(8, column.bits)}_t f_{column.name};"
        for column in columns:
            yield f"  byte k_{column.name} : 1;"
        yield "};"
        yield f"struct out_{name} {{"
        for written in sorted((w for w in self.written if w.entity == name), key=lambda w: -w.bytes):
            yield f"  int{written.bytes * 8}_t {written.part}_{written.name};"
        yield "};"
        yield f"word size_in_{name}(void) {{ return sizeof(struct in_{name}); }}"
        yield f"word size_out_{name}(void) {{ return sizeof(struct out_{name}); }}"
        yield f"void pack_{name}(const struct run *run, struct in_{name} *to, word low, word high) {{"
        yield f"  for (word i = low; i < high; i++) {{ struct in_{name} *row = to + i;"
        for column in columns:
            at = self.column_numbers()[column.entity, column.name]
            yield f"    row->k_{column.name} = known_at(run->valid[{at}], i);"
            yield f"    row->f_{column.name} = {self._cell(column, 'i')};"
        yield "  } }"
        yield f"void unpack_{name}(const struct run *run, const struct out_{name} *from, word low, word high) {{"
        for at, written in enumerate(self.written):
            if written.entity == name:
                yield f"  int{written.bytes * 8}_t *c{at} = run->out[{at}];"
        yield f"  for (word i = low; i < high; i++) {{ const struct out_{name} *row = from + i;"
        for at, written in enumerate(self.written):
            if written.entity == name:
                yield f"    c{at}[i] = row->{written.part}_{written.name};"
        yield "  } }"

    def _load(self, entity: Entity) -> Iterator[str]:
        """The facts of a row; of none (-1) every fact is unknown."""
        name, packed = entity.name, self.is_packed(entity)
        yield f"static void load_{name}(const struct run *run, struct {name} *row, int32_t number) {{"
        yield "  row->number = number;"
        if packed:
            yield f"  const struct in_{name} *from = (const struct in_{name} *)run->packed[{self.order.index(entity)}] + number;"
        for column in self.layout.facts[name]:
            at = self.column_numbers()[column.entity, column.name]
            known = (
                f"from->k_{column.name}" if packed else f"number >= 0 && known_at(run->valid[{at}], number)"
            )
            cell = f"from->f_{column.name}" if packed else self._cell(column, "number")
            yield f"  row->k_{column.name} = {known};"
            yield f"  row->f_{column.name} = row->k_{column.name} ? {cell} : 0;"
        yield "}"

    def column_numbers(self) -> dict[Key, int]:
        """The place of each fact among the input columns."""
        columns = [c for e in self.order for c in self.layout.facts[e.name]]
        return {(c.entity, c.name): i for i, c in enumerate(columns)}

    def _gather(self) -> Iterator[str]:
        """The rows of one household; 1 where one of them is wrong, 2 where there is no memory."""
        root = self.order[0]
        yield "static int gather(const struct run *run, struct place *at, int32_t top) {"
        for entity in self.order:
            yield f"  at->count_{entity.name} = 0;"
        yield f"  if (!at->room_{root.name} && !(at->rows_{root.name} = malloc(sizeof *at->rows_{root.name}))) return 2;"
        yield f"  at->room_{root.name} = at->count_{root.name} = 1;"
        yield "  int wrong = 0;"
        yield f"  load_{root.name}(run, at->rows_{root.name}, top);"
        yield "  if (top >= 0) wrong |= run->bad[0][top];"
        for number, entity in enumerate(self.order):
            if entity.parent is None:
                continue
            yield from self._children(entity, number, root)
        yield "  return wrong;"
        yield "}"

    def _children(self, entity: Entity, number: int, root: Entity) -> Iterator[str]:
        name, parent = entity.name, entity.parent
        yield f"  for (int32_t p = 0; p < at->count_{parent}; p++) {{"
        yield f"    struct {parent} *above = at->rows_{parent} + p;"
        yield "    int32_t low = 0, high = 0, alone = 0;"
        yield (
            f"    if (above->number >= 0) {{ low = run->begin[{number}][above->number]; "
            f"high = run->begin[{number}][above->number + 1]; }}"
        )
        if parent == root.name and name == self.layout.program.entry:
            yield "    else { alone = 1; high = 1; }"
        yield f"    if (at->count_{name} + high - low > at->room_{name}) {{"
        yield f"      int32_t room = (at->count_{name} + high - low) * 2 + 16;"
        yield f"      void *more = realloc(at->rows_{name}, (size_t)room * sizeof *at->rows_{name});"
        yield "      if (!more) return 2;"
        yield f"      at->rows_{name} = more; at->room_{name} = room;"
        yield "    }"
        yield f"    above->begin_{name} = at->count_{name};"
        yield "    for (int32_t i = low; i < high; i++) {"
        yield f"      int32_t each = alone ? -1 - top : run->row[{number}][i];"
        yield f"      struct {name} *row = at->rows_{name} + at->count_{name}++;"
        yield f"      load_{name}(run, row, each); row->up = above; wrong |= run->bad[{number}][each];"
        yield "    }"
        yield f"    above->end_{name} = at->count_{name};"
        yield "  }"

    def _calendar(self) -> Iterator[str]:
        """The working-day calendar and its functions."""
        calendar = self.layout.program.calendar
        if calendar is None:
            return
        days, before, after = (
            len(calendar.worked),
            self.layout.bit(calendar.before),
            self.layout.bit(calendar.after),
        )
        nth = [at for at, worked in enumerate(calendar.worked) if worked]
        counted = list(accumulate(calendar.worked, initial=0))
        yield f"enum {{ FIRST_DAY = {(calendar.first - EPOCH).days}, DAYS = {days}, WORKED = {len(nth)} }};"
        yield f"static const byte worked[] = {{{','.join(map(str, calendar.worked))}}};"
        yield f"static const int32_t worked_before[] = {{{','.join(map(str, counted))}}};"
        yield f"static const int32_t nth_worked[] = {{{','.join(map(str, nth or [0]))}}};"
        yield f"enum {{ YEAR_BEFORE = {before}, YEAR_AFTER = {after} }};"
        yield files("mianshen.native").joinpath("calendar.c").read_text(encoding="utf-8")

    # -- figures -----------------------------------------------------------------------------

    def _figure(self, parameter: Parameter) -> Iterator[str]:
        """A figure on a day: 0 known, 1 not known, 3 none; of a scale, which of its values."""
        type_ = self.layout.figures.get(parameter.name, parameter.type)
        scale = parameter.written == "scale"
        out = "word" if scale else c_type(type_)
        try:
            values = [
                str(i) if scale or d.value is None else c_integer(self.layout.encoded(d.value, type_))  # type: ignore[arg-type]
                for i, d in enumerate(parameter.series)
            ]
        except Unsupported:
            return  # a text: whoever reads it is unsupported too
        yield f"static inline byte figure_{parameter.name}(word day, {out} *value) {{"
        for dated, value in zip(parameter.series, values, strict=True):
            tests = [f"day >= {(dated.start - EPOCH).days}"]
            if dated.end is not None:
                tests.append(f"day <= {(dated.end - EPOCH).days}")
            review = (
                "" if dated.review_by is None else f"if (day > {(dated.review_by - EPOCH).days}) return 3; "
            )
            given = "return 1;" if dated.value is None and not scale else f"*value = {value}; return 0;"
            yield f"  if ({' && '.join(tests)}) {{ {review}{given} }}"
        yield "  return 3;"
        yield "}"

    # -- deciding ----------------------------------------------------------------------------

    def _decide(self) -> Iterator[str]:
        """Every decision of a household, stage by stage; 1 where a row fails."""
        yield "static int decide(const struct run *run, struct place *at) {"
        for stage in self.layout.stages:
            yield from self._stage(stage)
        yield "  return 0;"
        yield "}"

    def _stage(self, stage: Stage) -> Iterator[str]:
        entity = self.layout.program.entities[stage.entity]
        names = {d.name for d in stage.decisions}
        kept = [a.name for a in self.layout.accumulators if a.entity == entity.name and a.sums in names]
        row = f"struct {entity.name} *row = at->rows_{entity.name}"
        if not kept:
            yield f"  for ({row}; row < at->rows_{entity.name} + at->count_{entity.name}; row++) {{"
            yield from self._decisions(stage.decisions)
            yield "  }"
            return
        parent = entity.parent
        yield f"  for (struct {parent} *up = at->rows_{parent}; up < at->rows_{parent} + at->count_{parent}; up++) {{"
        for name in kept:
            yield f"    struct sum_{name} sum_{name} = {{0}};"
        yield f"    for ({row} + up->begin_{entity.name}; row < at->rows_{entity.name} + up->end_{entity.name}; row++) {{"
        for name in kept:
            yield f"      before_{name}(run, row, &sum_{name});"
        yield from self._decisions(stage.decisions)
        for name in kept:
            yield f"      if (take_{name}(run, at, row, &sum_{name})) return 1;"
        yield "    }"
        yield "  }"

    def _decisions(self, decisions: tuple[Decision, ...]) -> Iterator[str]:
        for decision in decisions:
            yield f"      if (decide_{decision.entity}_{decision.name}(run, at, row)) return 1;"

    # -- writing -----------------------------------------------------------------------------

    def _write(self) -> Iterator[str]:
        """What a decided household puts into the output columns; 1 where there are too many sets of names."""
        yield "static int write_place(const struct run *run, struct place *at) {"
        for entity in self.order:
            lines = [*self._write_shown(entity), *self._write_benefits(entity)]
            if not lines:
                continue
            yield (
                f"  for (struct {entity.name} *row = at->rows_{entity.name}; "
                f"row < at->rows_{entity.name} + at->count_{entity.name}; row++) {{"
            )
            yield "    int32_t n = row->number, id;"
            if self.is_packed(entity):
                number = self.order.index(entity)
                yield f"    struct out_{entity.name} *to = (struct out_{entity.name} *)run->made[{number}] + n;"
            yield from lines
            yield "  }"
        yield "  return 0;"
        yield "}"

    def _write_shown(self, entity: Entity) -> Iterator[str]:
        for owner, name in self.shown:
            if owner == entity.name:
                out = c_type(self.layout.held[owner, name])
                assert out == "word"
                yield f"    {self._slot(entity, name, 'value')} = row->v_{name};"
                yield f"    {self._slot(entity, name, 'state')} = row->s_{name};"
        if entity.outcome is None:
            return
        status, reason, missing = (self._slot(entity, "", part) for part in ("status", "reason", "missing"))
        yield f"    {status} = row->s_{entity.outcome};"
        by = "NOBODY" if entity.explained_by is None else f"row->b_{entity.explained_by}"
        yield f"    {reason} = row->s_{entity.outcome} ? -1 : {by} < 0 ? -1 : {by};"
        yield f"    id = -1; if (row->s_{entity.outcome} == 1 && row->m_{entity.outcome} && "
        yield f"      (id = set_id(run->missing, row->m_{entity.outcome})) < 0) return 1;"
        yield f"    {missing} = id;"

    def _slot(self, entity: Entity, name: str, part: str) -> str:
        """Where an output of the row `n` goes."""
        at, written = next(
            (i, w)
            for i, w in enumerate(self.written)
            if (w.entity, w.name, w.part) == (entity.name, name, part)
        )
        if self.is_packed(entity):
            return f"to->{part}_{name}"
        return f"((int{written.bytes * 8}_t *)run->out[{at}])[n]"

    def _write_benefits(self, entity: Entity) -> Iterator[str]:
        """Status 0 eligible, 1 ineligible, 2 undetermined, 3 not modelled; reason -1 nobody, below -1 a set."""
        for benefit in self.benefits:
            if benefit.entity != entity.name:
                continue
            eligible, amount = benefit.eligible, benefit.amount
            at = {
                w.part: self._slot(entity, benefit.name, w.part)
                for w in self.written
                if w.name == benefit.name
            }
            yield (
                f"    {{ byte told = row->s_{eligible}, yes = !told && row->v_{eligible}; int32_t why = "
                f"row->b_{eligible} < 0 ? -1 : row->b_{eligible}; names lack = 0; byte asks = told == 1;"
            )
            yield f"      if (told == 1) lack = row->m_{eligible};"
            if amount is not None:
                yield f"      if (asks && row->s_{amount} == 1) lack |= row->m_{amount};"
                yield f"      if (yes && row->s_{amount} == 1) {{ asks = 1; lack = row->m_{amount}; }}"
                yield f"      {at['value']} = (word)row->v_{amount};"
                yield f"      {at['known']} = yes && !row->s_{amount};"
            yield "      if (told == 2) why = -1;"
            yield "      if (asks) { if ((id = set_id(run->missing, lack)) < 0) return 1; why = -2 - id; }"
            yield f"      {at['status']} = yes ? 0 : !told ? 1 : told == 1 ? 2 : 3;"
            yield f"      {at['reason']} = why; }}"

    def _ahead(self) -> Iterator[str]:
        """Rows that a household to come will read and write, asked of memory before they are needed."""
        root, entry = self.order[0], self.layout.program.entities[self.layout.program.entry]
        yield "static void fetch_ahead(const struct run *run, int32_t top) {"
        if entry.name == root.name:
            yield "  int32_t low = top, high = top + 1;"
        else:
            at = self.order.index(entry)
            yield f"  int32_t low = top < 0 ? 0 : run->begin[{at}][top], high = top < 0 ? 1 : run->begin[{at}][top + 1];"
        yield "  for (int32_t i = low; i < high; i++) {"
        one = (
            "i" if entry.name == root.name else f"top < 0 ? -1 - top : run->row[{self.order.index(entry)}][i]"
        )
        yield f"    int32_t each = {one};"
        for number, child in enumerate(self.order):
            if not self.is_packed(child):
                continue
            name = child.name
            yield f"    for (int32_t j = run->begin[{number}][each]; j < run->begin[{number}][each + 1]; j++) {{"
            yield f"      const char *in = run->packed[{number}] + run->row[{number}][j] * sizeof(struct in_{name});"
            yield f"      const char *to = run->made[{number}] + run->row[{number}][j] * sizeof(struct out_{name});"
            yield f"      for (unsigned b = 0; b < sizeof(struct in_{name}); b += 64) __builtin_prefetch(in + b);"
            yield f"      for (unsigned b = 0; b < sizeof(struct out_{name}); b += 64) __builtin_prefetch(to + b, 1);"
            yield "    }"
        yield "  }"
        yield "}"

    def _drive(self) -> Iterator[str]:
        """The households from one place to another; -1 where there is no memory, else how many were left."""
        yield from self._ahead()
        yield "word decide_places(const struct run *run, word low, word high) {"
        yield "  struct place at; memset(&at, 0, sizeof at); word left = 0;"
        yield "  for (word p = low; p < high; p++) {"
        yield "    if (p + AHEAD < high) fetch_ahead(run, run->places[p + AHEAD]);"
        yield "    int state = gather(run, &at, run->places[p]);"
        yield "    if (state == 2) { left = -1; break; }"
        yield "    if (!state) state = decide(run, &at) || write_place(run, &at);"
        yield "    if (!state) continue;"
        yield "    left++;"
        for number, entity in enumerate(self.order):
            yield f"    for (int32_t i = 0; i < at.count_{entity.name}; i++)"
            yield f"      if (at.rows_{entity.name}[i].number >= 0) run->left[{number}][at.rows_{entity.name}[i].number] = 1;"
        yield "  }"
        for entity in self.order:
            yield f"  free(at.rows_{entity.name});"
        yield "  return left;"
        yield "}"
