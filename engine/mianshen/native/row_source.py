"""Rows as C structs: how they are read from columns, gathered into households and put back.

In: a layout, what is written. Out: C text. A household is gathered entity by entity, parents first; rows of
a person that hold at other times stand apart (`versions_E`), and a child points to the one that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mianshen.native.c_source import c_integer, c_type
from mianshen.native.layout import Column, Layout
from mianshen.native.provisions import counted
from mianshen.native.written import Written
from mianshen.program.core import AsOf
from mianshen.program.program import Entity, Key


@dataclass(frozen=True)
class RowSource:
    """Writes the text of one program's rows; `order` are the entities, parents first."""

    layout: Layout
    order: Sequence[Entity]
    written: Sequence[Written]

    @cached_property
    def entry(self) -> Entity:
        return self.layout.program.entities[self.layout.program.entry]

    @cached_property
    def path(self) -> list[str]:
        """The entities from the root to the entry: each may come without the one above."""
        names = [self.entry.name]
        while (parent := self.layout.program.entities[names[0]].parent) is not None:
            names.insert(0, parent)
        return names

    @cached_property
    def other_roots(self) -> list[Entity]:
        """The entities without a parent beside the path."""
        return [e for e in self.order if e.parent is None and e.name not in self.path]

    def number(self, name: str) -> int:
        return [e.name for e in self.order].index(name)

    def over_time(self, name: str | None) -> bool:
        """Whether an entity's rows may hold at different times."""
        return name == self.entry.name and self.entry.valid_from is not None

    def children(self, entity: Entity) -> list[Entity]:
        return [e for e in self.order if e.parent == entity.name]

    def is_packed(self, entity: Entity) -> bool:
        """Whether the rows of an entity come in any order, so that one row's cells are kept side by side."""
        return entity.parent == self.entry.name

    @cached_property
    def column_numbers(self) -> dict[Key, int]:
        """The place of each fact among the input columns."""
        columns = [c for e in self.order for c in self.layout.facts[e.name]]
        return {(c.entity, c.name): i for i, c in enumerate(columns)}

    def text(self) -> Iterator[str]:
        """Structs and everything that fills them."""
        for entity in self.order:
            yield from self._struct(entity)
        yield from self._place()
        for entity in self.order:
            yield from self._packed(entity)
            yield from self._load(entity)
        if self.over_time(self.entry.name):
            yield from self._versions()
        yield from self._gather()
        yield from self._turns()

    # -- rows --------------------------------------------------------------------------------

    def _struct(self, entity: Entity) -> Iterator[str]:
        """A row: its number, its parent, where its children are, facts, decisions, balances."""
        yield f"struct row_{entity.name} {{ int32_t number; byte rejected, doubtful, read; names doubt;"
        if entity.parent is not None:
            yield f"  struct row_{entity.parent} *up;"
        if self.over_time(entity.name):
            yield f"  struct row_{entity.name} *current; int32_t begin_versions, end_versions;"
        if entity.name in self.layout.joint:
            yield "  int32_t turn;"
        for child in self.children(entity):
            yield f"  int32_t begin_{child.name}, end_{child.name};"
        for column in self.layout.facts[entity.name]:
            yield f"  {_cell_type(column)} f_{column.name}; byte k_{column.name};"
            if self._is_tested(column):
                yield f"  byte u_{column.name};"
        for decision in self.layout.program.decisions:
            if decision.entity == entity.name:
                yield f"  {c_type(self.layout.stored[decision.key])} v_{decision.name}; names m_{decision.name};"
                if counted(decision):
                    yield f"  names a_{decision.name}; unsigned long long w_{decision.name}; byte o_{decision.name};"
                yield f"  byte s_{decision.name}; short b_{decision.name};"
        for accumulator in self.layout.accumulators:
            if accumulator.entity == entity.name:
                yield f"  wide v_before_{accumulator.name}; names m_before_{accumulator.name};"
                yield f"  byte s_before_{accumulator.name};"
        yield "};"

    def _is_tested(self, column: Column) -> bool:
        """Whether some formula asks if the fact is known, so that it matters whether it was given."""
        return (column.entity, column.fact.name) in self.layout.tested

    def _place(self) -> Iterator[str]:
        """A household: rows by entity, in arrays that grow."""
        yield "struct place {"
        for entity in self.order:
            yield f"  struct row_{entity.name} *rows_{entity.name}; int32_t count_{entity.name}, room_{entity.name};"
            if self.over_time(entity.name):
                yield f"  struct row_{entity.name} *versions; int32_t count_versions, room_versions;"
        for name in self.layout.joint:
            yield f"  struct row_{name} **turn_{name}; int32_t room_turn_{name};"
        for accumulator in self.layout.accumulators:
            if self.layout.split(accumulator):
                yield f"  void *slots_{accumulator.name}; int32_t room_{accumulator.name};"
        yield "  local names;"
        yield "};"
        yield "static names row_name(struct place *at, int entity, int32_t number) {"
        yield "  return number < 0 ? 0 : local_bit(&at->names, (word)(entity + 1) << 32 | number);"
        yield "}"

    def _cell(self, column: Column, number: str) -> str:
        at = self.column_numbers[column.entity, column.name]
        if column.bits == 1:
            return f"bit_at(run->in[{at}], {number})"
        if column.bits == 128:
            return f"wide_at(run->in[{at}], {number})"
        return f"((const int{column.bits}_t *)run->in[{at}])[{number}]"

    # -- side by side ------------------------------------------------------------------------

    def _packed(self, entity: Entity) -> Iterator[str]:
        """A row as it is read and as it is written, its cells side by side."""
        name, columns = entity.name, self.layout.facts[entity.name]
        if not self.is_packed(entity):
            return
        yield f"struct in_{name} {{"
        for column in sorted(columns, key=lambda c: -c.bits):
            yield f"  {c_cell(max(8, column.bits))} f_{column.name};"
        for column in columns:
            yield f"  byte k_{column.name} : 1;"
        yield "};"
        yield f"struct out_{name} {{"
        for written in sorted((w for w in self.written if w.entity == name), key=lambda w: -w.bytes):
            yield f"  {c_cell(written.bytes * 8)} {written.part}_{written.name};"
        yield "};"
        yield f"word size_in_{name}(void) {{ return sizeof(struct in_{name}); }}"
        yield f"word size_out_{name}(void) {{ return sizeof(struct out_{name}); }}"
        yield f"void pack_{name}(const struct run *run, struct in_{name} *to, word low, word high) {{"
        yield f"  for (word i = low; i < high; i++) {{ struct in_{name} *row = to + i;"
        for column in columns:
            at = self.column_numbers[column.entity, column.name]
            yield f"    row->k_{column.name} = known_at(run->valid[{at}], i);"
            yield f"    row->f_{column.name} = {self._cell(column, 'i')};"
        yield "  } }"
        yield f"void unpack_{name}(const struct run *run, const struct out_{name} *from, word low, word high) {{"
        for at, written in enumerate(self.written):
            if written.entity == name:
                yield f"  {c_cell(written.bytes * 8)} *c{at} = run->out[{at}];"
        yield f"  for (word i = low; i < high; i++) {{ const struct out_{name} *row = from + i;"
        for at, written in enumerate(self.written):
            if written.entity == name:
                yield f"    c{at}[i] = row->{written.part}_{written.name};"
        yield "  } }"

    # -- reading -----------------------------------------------------------------------------

    def _load(self, entity: Entity) -> Iterator[str]:
        """The facts of a row; of a `blank` one every fact is unknown, of none (-1) too, save what is assumed.

        A rejected row above the entry is blank, and all its facts are taken as given and wrong.
        """
        name, number = entity.name, self.number(entity.name)
        above = name in self.path[:-1]
        yield f"static void load_{name}(const struct run *run, struct row_{name} *row, int32_t number, int blank) {{"
        yield "  row->number = number; row->read = 0;"
        yield f"  row->rejected = row->doubtful = number >= 0 && run->status[{number}][number] >= REJECTED;"
        if above:
            yield "  blank |= row->rejected;"
        yield "  if (number < 0) blank = 1;"
        if self.is_packed(entity):
            yield f"  const struct in_{name} *from = (const struct in_{name} *)run->packed[{number}] + number;"
        for column in self.layout.facts[name]:
            at = self.column_numbers[column.entity, column.name]
            known = (
                f"from->k_{column.name}" if self.is_packed(entity) else f"known_at(run->valid[{at}], number)"
            )
            cell = f"from->f_{column.name}" if self.is_packed(entity) else self._cell(column, "number")
            yield f"  row->k_{column.name} = !blank && {known};"
            yield f"  row->f_{column.name} = row->k_{column.name} ? {cell} : 0;"
            if self._is_tested(column):
                wrong = f"(run->wrong[{at}] && run->wrong[{at}][number])"
                yield f"  row->u_{column.name} = row->rejected && ({'1' if above else wrong});"
        if above:
            yield from self._assumed(entity)
        yield "}"

    def _assumed(self, entity: Entity) -> Iterator[str]:
        """What is assumed of a row that nobody describes."""
        for column in self.layout.facts[entity.name]:
            value = column.fact.when_absent
            if value is None:
                continue
            constant = (
                "run->as_of"
                if isinstance(value, AsOf)
                else c_integer(self.layout.encoded(value, column.fact.type))
            )
            yield f"  if (number < 0) {{ row->k_{column.name} = 1; row->f_{column.name} = {constant}; }}"

    def _versions(self) -> Iterator[str]:
        """A person's rows of other times, and one for the time before the first. 0: no memory."""
        name = self.entry.name
        yield f"static int add_version(const struct run *run, struct place *at, struct row_{name} *person, int32_t number) {{"
        yield "  if (at->count_versions == at->room_versions) {"
        yield "    int32_t room = at->room_versions * 2 + 8;"
        yield "    void *more = realloc(at->versions, (size_t)room * sizeof *at->versions);"
        yield "    if (!more) return 0;"
        yield "    at->versions = more; at->room_versions = room;"
        yield "  }"
        yield f"  struct row_{name} *row = at->versions + at->count_versions++;"
        yield f"  load_{name}(run, row, number, 0); row->current = person;"
        yield "  if (person->rejected) row->rejected = row->doubtful = 1;"
        yield f"  if (row->rejected) row->doubt = row_name(at, {self.number(name)}, number);"
        if self.entry.parent is not None:
            yield "  row->up = person->up;"
        yield "  return 1;"
        yield "}"
        yield "static int gather_versions(const struct run *run, struct place *at) {"
        yield "  at->count_versions = 0;"
        yield f"  for (int32_t p = 0; p < at->count_{name}; p++) {{"
        yield f"    struct row_{name} *person = at->rows_{name} + p;"
        yield "    person->current = person; person->begin_versions = at->count_versions;"
        yield "    if (run->next && person->number >= 0) {"
        yield "      int32_t first = run->next[person->number];"
        yield "      for (int32_t r = first; r >= 0; r = run->next[r]) if (!add_version(run, at, person, r)) return 0;"
        yield "      if ((first >= 0 || run->start[person->number] > ALWAYS) && !add_version(run, at, person, -1)) return 0;"
        yield "    }"
        yield "    person->end_versions = at->count_versions;"
        yield "  }"
        yield "  return 1;"
        yield "}"
        yield f"static struct row_{name} *version_of(struct place *at, struct row_{name} *person, int32_t number) {{"
        yield f"  struct row_{name} *row = at->versions + person->end_versions - 1;"
        yield "  if (number >= 0) for (row = at->versions + person->begin_versions; row->number != number; row++) {}"
        yield "  row->read = 1;"
        yield "  return row;"
        yield "}"

    # -- gathering ---------------------------------------------------------------------------

    def _gather(self) -> Iterator[str]:
        """The rows of one household from its first row on; 2 where there is no memory.

        A `level` beyond the path's is that of another root: its rows stand by themselves, with what is below them.
        """
        yield "static int gather(const struct run *run, struct place *at, int32_t level, int32_t start) {"
        for entity in self.order:
            yield f"  at->count_{entity.name} = 0;"
        yield "  local_begin(&at->names);"
        yield from self._root(
            self.layout.program.entities[self.path[0]], f"level < {len(self.path)}", "level ? -1 : start"
        )
        if self.over_time(self.path[0]):
            yield "  if (!gather_versions(run, at)) return 2;"
        for number, root in enumerate(self.other_roots):
            yield from self._root(root, f"level == {len(self.path) + number}", "start")
        for entity in self.order:
            if entity.parent is not None:
                yield from self._children(entity)
        if self.over_time(self.entry.name):
            yield "  for (int32_t i = 0; i < at->count_versions; i++) {"
            yield f"    struct row_{self.entry.name} *row = at->versions + i;"
            for child in self.children(self.entry):
                yield f"    row->begin_{child.name} = row->current->begin_{child.name};"
                yield f"    row->end_{child.name} = row->current->end_{child.name};"
            yield "  }"
        yield "  return 0;"
        yield "}"

    def _root(self, root: Entity, where: str, start: str) -> Iterator[str]:
        """The first row of a household."""
        name = root.name
        blank = "run->early && top >= 0 && run->early[top]" if self.over_time(name) else "0"
        yield f"  if ({where}) {{"
        yield f"    int32_t top = {start};"
        yield f"    if (!at->room_{name} && !(at->rows_{name} = malloc(sizeof *at->rows_{name}))) return 2;"
        yield f"    at->room_{name} = at->count_{name} = 1;"
        yield f"    load_{name}(run, at->rows_{name}, top, {blank});"
        yield f"    {self._doubt(root)}"
        yield "  }"

    def _children(self, entity: Entity) -> Iterator[str]:
        name, parent, number = entity.name, entity.parent, self.number(entity.name)
        yield f"  for (int32_t p = 0; p < at->count_{parent}; p++) {{"
        yield f"    struct row_{parent} *above = at->rows_{parent} + p;"
        yield "    int32_t low = 0, high = 0, alone = 0;"
        yield (
            f"    if (above->number >= 0) {{ low = run->begin[{number}][above->number]; "
            f"high = run->begin[{number}][above->number + 1]; }}"
        )
        if name in self.path:
            yield f"    else if (level >= {self.path.index(name)}) {{ alone = 1; high = 1; }}"
        yield from self._room(name)
        yield f"    above->begin_{name} = at->count_{name};"
        yield "    for (int32_t i = low; i < high; i++) {"
        alone = f"alone ? level == {self.path.index(name)} ? start : -1 : " if name in self.path else ""
        yield f"      int32_t n = {alone}run->row[{number}][i];"
        blank = "run->early && n >= 0 && run->early[n]" if self.over_time(name) else "0"
        yield f"      struct row_{name} *row = at->rows_{name} + at->count_{name}++;"
        yield f"      load_{name}(run, row, n, {blank}); row->up = above;"
        if self.over_time(parent):
            yield (
                f"      if (run->under[{number}] && run->under[{number}][n] != above->number) "
                f"row->up = version_of(at, above, run->under[{number}][n]);"
            )
            yield (
                "      if (row->up->rejected && !row->rejected) { row->rejected = row->doubtful = 1; "
                f"run->status[{number}][n] = PARENT_REJECTED; }}"
            )
        yield f"      {self._doubt(entity)}"
        yield "    }"
        yield f"    above->end_{name} = at->count_{name};"
        yield "  }"
        if self.over_time(name):
            yield "  if (!gather_versions(run, at)) return 2;"

    def _room(self, name: str) -> Iterator[str]:
        """Room for so many more rows, twice what is needed. 2: no memory."""
        yield f"    if (at->count_{name} + high - low > at->room_{name}) {{"
        yield f"      int32_t room = (at->count_{name} + high - low) * 2 + 16;"
        yield f"      void *more = realloc(at->rows_{name}, (size_t)room * sizeof *at->rows_{name});"
        yield "      if (!more) return 2;"
        yield f"      at->rows_{name} = more; at->room_{name} = room;"
        yield "    }"

    def _turns(self) -> Iterator[str]:
        """Rows taken in turn beyond a parent's, put in order. 0: no memory."""
        for name in self.layout.joint:
            number = self.number(name)
            yield f"static int by_turn_{name}(const void *a, const void *b) {{"
            yield f"  return (*(struct row_{name} *const *)a)->turn - (*(struct row_{name} *const *)b)->turn;"
            yield "}"
            yield f"static int put_{name}_in_turn(const struct run *run, struct place *at) {{"
            yield f"  int32_t count = at->count_{name};"
            yield f"  if (count > at->room_turn_{name}) {{"
            yield f"    void *more = realloc(at->turn_{name}, (size_t)count * sizeof *at->turn_{name});"
            yield "    if (!more) return 0;"
            yield f"    at->turn_{name} = more; at->room_turn_{name} = count;"
            yield "  }"
            yield "  for (int32_t i = 0; i < count; i++) {"
            yield f"    struct row_{name} *row = at->turn_{name}[i] = at->rows_{name} + i;"
            yield f"    row->turn = run->turn[{number}][row->number];"
            yield "  }"
            yield f"  if (count) qsort(at->turn_{name}, (size_t)count, sizeof *at->turn_{name}, by_turn_{name});"
            yield "  return 1;"
            yield "}"

    def _doubt(self, entity: Entity) -> str:
        """What is missing where the row itself is in doubt: rejected, or perhaps void."""
        number, row = self.number(entity.name), "row"
        if entity.parent is None:
            row = f"at->rows_{entity.name}"
        doubt = f"if ({row}->rejected) {row}->doubt = row_name(at, {number}, {row}->number);"
        if entity.reverses is None:
            return doubt
        voider = f"run->voider[{number}][{row}->number]"
        return (
            f"{doubt} else if (run->voider[{number}] && {row}->number >= 0 && {voider} >= 0) "
            f"{{ {row}->doubtful = 2; {row}->doubt = row_name(at, {number}, {voider}); }}"
        )


def _cell_type(column: Column) -> str:
    return "wide" if column.bits == 128 else "word"


def c_cell(bits: int) -> str:
    """The C type of a signed integer of so many bits."""
    return "wide" if bits == 128 else f"int{bits}_t"
