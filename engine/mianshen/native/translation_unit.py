"""The whole C text of a program: rows as structs, figures, decisions, and how a household is decided.

In: a layout and what is to be written. Out: C text. `decide_places` decides the households
from one place to another; it may run on several threads at once, for households share nothing but the sets
of missing names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from itertools import accumulate

from mianshen.native.accumulators import AccumulatorSource
from mianshen.native.c_source import c_integer, c_type
from mianshen.native.figures import figure_functions
from mianshen.native.layout import EPOCH, MOST_FIXED, Layout, scale_of
from mianshen.native.provisions import ProvisionSource, counted
from mianshen.native.row_source import RowSource, c_cell
from mianshen.native.written import Written
from mianshen.program.program import Accumulator, Benefit, Decision, Entity, Key
from mianshen.program.stages import Stage, read_below


@dataclass(frozen=True)
class Unit:
    """A program and what of it is written: benefits and shown decisions, of any entity.

    With `details`, every shown decision says which provision decided it and what it lacks. `quick`: few rows are decided,
    so that compiling takes longer than deciding.
    """

    layout: Layout
    shown: tuple[Key, ...]
    benefits: tuple[Benefit, ...]
    details: bool = False
    quick: bool = False

    @cached_property
    def order(self) -> list[Entity]:
        """The entities, parents first."""
        return [self.layout.program.entities[name] for name in self.layout.entities]

    @property
    def flags(self) -> tuple[str, ...]:
        """How the compiler is to optimise: not at all for few rows, which takes a quarter of the time."""
        return ("-O0",) if self.quick else ("-O2",)

    @property
    def outcomes(self) -> list[Entity]:
        """The entities of which each row has a status."""
        return [e for e in self.order if e.outcome is not None]

    @cached_property
    def written(self) -> list[Written]:
        """The output columns in the order of `out`."""
        columns: list[Written] = []
        for entity, name in self.shown:
            size = 16 if c_type(self.layout.program.decision(entity, name).type) == "wide" else 8
            columns += [Written(entity, name, "value", size), Written(entity, name, "state", 1)]
            if self.details:
                columns += [Written(entity, name, "by", 4), Written(entity, name, "missing", 4)]
        for entity_ in self.outcomes:
            columns += [
                Written(entity_.name, "", "status", 1), Written(entity_.name, "", "reason", 4),
                Written(entity_.name, "", "missing", 4),
            ]  # fmt: skip
        for benefit in self.benefits:
            columns += [
                Written(benefit.entity, benefit.name, "status", 1),
                Written(benefit.entity, benefit.name, "reason", 4),
            ]
            if benefit.amount is not None:
                columns += [
                    Written(benefit.entity, benefit.name, "value", 8),
                    Written(benefit.entity, benefit.name, "known", 1),
                ]
        return columns

    @cached_property
    def rows(self) -> RowSource:
        return RowSource(self.layout, self.order, self.written)

    @cached_property
    def text(self) -> str:
        """All of it, what every program shares first."""
        provisions, balances = ProvisionSource(self.layout), AccumulatorSource(self.layout)
        parts = [
            _shared("runtime.c"),
            *self._names(),
            _shared("rows.c"),
            _shared("run.c"),
            *self.rows.text(),
            *self._here(),
            *self._calendar(),
            *self._lists(),
            *figure_functions(self.layout),
            *(line for d in self.layout.program.decisions for line in provisions.decision(d)),
            *(line for d in self.layout.program.decisions for line in self._make(d)),
            *(line for a in self.layout.accumulators for line in balances.text(a)),
            *self._decide(),
            *self._write(),
            *self._drive(),
        ]
        return "\n".join(parts) + "\n"

    # -- what is shared ----------------------------------------------------------------------

    def _names(self) -> Iterator[str]:
        """Names that have a bit of their own in every household; or every household deals out its bits."""
        count = len(self.layout.names)
        if count <= MOST_FIXED:
            yield f"enum {{ FIXED = {count} }};"
            yield "#define NAME_BIT(n) ((names)1 << (n))"
        else:
            yield "enum { FIXED = 0 };"
            yield "#define NAME_BIT(n) local_bit(here, n)"

    def _here(self) -> Iterator[str]:
        if len(self.layout.names) > MOST_FIXED:
            yield "static _Thread_local local *here;"

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
        yield _shared("calendar.c")

    def _lists(self) -> Iterator[str]:
        """What a code is inside lists."""
        listed = self.layout.listed
        for name, codes in self.layout.program.codes.items():
            if listed:
                places = [str(listed.index(code)) if code in listed else "-1" for code in codes.values]
                yield f"static const int32_t listed_{name}[] = {{{', '.join(places)}}};"

    # -- deciding ----------------------------------------------------------------------------

    def _make(self, decision: Decision) -> Iterator[str]:
        """A decision of a row; 1 where that fails, unless the row is in doubt: then the decision is unknown."""
        entity, name = self.layout.program.entities[decision.entity], decision.name
        number = self.rows.number(entity.name)
        yield f"static int make_{entity.name}_{name}(const struct run *run, struct place *at, struct row_{entity.name} *row) {{"
        if entity.reverses is not None:
            yield "  if (row->doubtful < 2) {"
        yield f"  if (!decide_{entity.name}_{name}(run, at, row)) return 0;"
        yield f"  if (!row->rejected) {{ if (row->number >= 0) run->status[{number}][row->number] = FAILED; return 1; }}"
        if entity.reverses is not None:
            yield "  }"
        yield f"  row->v_{name} = 0; row->s_{name} = 1; row->m_{name} = row->doubt; row->b_{name} = PERHAPS;"
        if counted(decision):
            yield f"  row->a_{name} = row->doubt; row->w_{name} = ~0ULL;"
        yield "  return 0;"
        yield "}"

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
        running = [a for a in self.layout.accumulators if a.entity == entity.name and a.sums in names]
        row = f"struct row_{entity.name} *row = at->rows_{entity.name}"
        if not running:
            yield f"  for ({row}; row < at->rows_{entity.name} + at->count_{entity.name}; row++) {{"
            yield from self._decisions(stage.decisions)
            yield "  }"
            yield from self._at_other_times(stage)
            return
        parent = entity.parent
        number = self.rows.number(entity.name)
        if entity.name in self.layout.joint:
            yield from self._jointly(stage, running)
            return
        yield f"  for (struct row_{parent} *up = at->rows_{parent}; up < at->rows_{parent} + at->count_{parent}; up++) {{"
        for accumulator in running:
            yield f"    struct sum_{accumulator.name} sum_{accumulator.name} = {{0}};"
        yield f"    for ({row} + up->begin_{entity.name}; row < at->rows_{entity.name} + up->end_{entity.name}; row++) {{"
        yield from self._one(stage, running, number)
        yield "    }"
        yield "  }"

    def _jointly(self, stage: Stage, running: list[Accumulator]) -> Iterator[str]:
        """Rows of a household taken in turn, whoever's they are."""
        name, number = stage.entity, self.rows.number(stage.entity)
        yield "  {"
        for accumulator in running:
            yield f"    struct sum_{accumulator.name} sum_{accumulator.name} = {{0}};"
        yield f"    if (!put_{name}_in_turn(run, at)) return 1;"
        yield f"    for (int32_t i = 0; i < at->count_{name}; i++) {{"
        yield f"      struct row_{name} *row = at->turn_{name}[i];"
        yield from self._one(stage, running, number)
        yield "    }"
        yield "  }"

    def _one(self, stage: Stage, running: list[Accumulator], number: int) -> Iterator[str]:
        """One row of those in turn: what was before it, its decisions, what it adds."""
        for accumulator in running:
            place = ", at" if self.layout.split(accumulator) else ""
            yield f"      before_{accumulator.name}(run{place}, row, &sum_{accumulator.name});"
        yield from self._decisions(stage.decisions)
        for accumulator in running:
            yield (
                f"      if (take_{accumulator.name}(run, at, row, &sum_{accumulator.name})) "
                f"{{ run->status[{number}][row->number] = FAILED; return 1; }}"
            )

    def _at_other_times(self, stage: Stage) -> Iterator[str]:
        """The decisions that rows below read, of the rows of other times that some row reads."""
        below = read_below(self.layout.program)
        read = tuple(d for d in stage.decisions if d.key in below)
        if self.rows.over_time(stage.entity) and read:
            yield f"  for (struct row_{stage.entity} *row = at->versions; row < at->versions + at->count_versions; row++) {{"
            yield "    if (!row->read) continue;"
            yield from self._decisions(read)
            yield "  }"

    def _decisions(self, decisions: tuple[Decision, ...]) -> Iterator[str]:
        for decision in decisions:
            yield f"      if (make_{decision.entity}_{decision.name}(run, at, row)) return 1;"

    # -- writing -----------------------------------------------------------------------------

    def _write(self) -> Iterator[str]:
        """What a decided household puts into the output columns; 1 where there is no memory."""
        yield "static int write_place(const struct run *run, struct place *at) {"
        for number, entity in enumerate(self.order):
            lines = [*self._write_shown(entity), *self._write_benefits(entity)]
            if not lines:
                continue
            yield (
                f"  for (struct row_{entity.name} *row = at->rows_{entity.name}; "
                f"row < at->rows_{entity.name} + at->count_{entity.name}; row++) {{"
            )
            yield "    int32_t n = row->number, id;"
            yield "    if (n < 0 || row->rejected) continue;"
            if self.rows.is_packed(entity):
                yield f"    struct out_{entity.name} *to = (struct out_{entity.name} *)run->unpacked[{number}] + n;"
            yield from lines
            yield "  }"
        yield "  return 0;"
        yield "}"

    def _write_shown(self, entity: Entity) -> Iterator[str]:
        for owner, name in self.shown:
            if owner == entity.name:
                scale_stored = scale_of(self.layout.stored[owner, name])
                steps = scale_of(self.layout.program.decision(owner, name).type) - scale_stored
                scaled = (
                    f" * {c_integer(10**steps)}"
                    if steps > 0
                    else f" / {c_integer(10**-steps)}"
                    if steps
                    else ""
                )
                yield f"    {self._slot(entity, name, 'value')} = row->v_{name}{scaled};"
                yield f"    {self._slot(entity, name, 'state')} = row->s_{name};"
                if self.details:
                    yield f"    {self._slot(entity, name, 'by')} = row->s_{name} ? -1 : row->b_{name};"
                    yield from self._write_missing(name, self._slot(entity, name, "missing"))
        if entity.outcome is None:
            return
        status, reason, missing = (self._slot(entity, "", part) for part in ("status", "reason", "missing"))
        yield f"    {status} = row->s_{entity.outcome};"
        by = "NOBODY" if entity.explained_by is None else f"row->b_{entity.explained_by}"
        yield f"    {reason} = row->s_{entity.outcome} ? -1 : {by} < 0 ? -1 : {by};"
        yield from self._write_missing(entity.outcome, missing)

    def _write_missing(self, name: str, slot: str) -> Iterator[str]:
        """The number of the set of names that an unknown decision lacks."""
        yield f"    id = -1; if (row->s_{name} == 1 && row->m_{name} && "
        yield f"      (id = set_id(&at->names, run->missing, row->m_{name})) < 0) return 1;"
        yield f"    {slot} = id;"

    def _slot(self, entity: Entity, name: str, part: str) -> str:
        """Where an output of the row `n` goes."""
        if self.rows.is_packed(entity):
            return f"to->{part}_{name}"
        at = self._places[entity.name, name, part]
        return f"(({c_cell(self.written[at].bytes * 8)} *)run->out[{at}])[n]"

    @cached_property
    def _places(self) -> dict[tuple[str, str, str], int]:
        """By entity, name and part the place of each output column."""
        return {(w.entity, w.name, w.part): at for at, w in enumerate(self.written)}

    def _write_benefits(self, entity: Entity) -> Iterator[str]:
        """What `Written` says of benefits."""
        for benefit in self.benefits:
            if benefit.entity != entity.name:
                continue
            eligible, amount = benefit.eligible, benefit.amount
            at = {
                w.part: self._slot(entity, benefit.name, w.part)
                for w in self.written
                if (w.entity, w.name) == (entity.name, benefit.name)
            }
            yield (
                f"    {{ byte state = row->s_{eligible}, yes = !state && row->v_{eligible}; int32_t why = "
                f"row->b_{eligible} < 0 ? -1 : row->b_{eligible}; names lacks = 0; byte open = state == 1;"
            )
            yield f"      if (state == 1) lacks = row->m_{eligible};"
            if amount is not None:
                yield f"      if (open && row->s_{amount} == 1) lacks |= row->m_{amount};"
                yield f"      if (yes && row->s_{amount} == 1) {{ open = 1; lacks = row->m_{amount}; }}"
                scale_stored = scale_of(self.layout.stored[benefit.entity, amount])
                scale = scale_of(self.layout.program.decision(benefit.entity, amount).type)
                raised = f" * {10 ** (scale - scale_stored)}" if scale > scale_stored else ""
                yield f"      {at['value']} = (word)(row->v_{amount}{raised});"
                yield f"      {at['known']} = yes && !row->s_{amount};"
            yield "      if (state == 2) why = -1;"
            yield "      if (open) { if ((id = set_id(&at->names, run->missing, lacks)) < 0) return 1; why = -2 - id; }"
            yield f"      {at['status']} = yes ? 0 : !state ? 1 : state == 1 ? 2 : 3;"
            yield f"      {at['reason']} = why; }}"

    def _ahead(self) -> Iterator[str]:
        """Rows that a household to come will read and write, fetched into the cache before they are needed."""
        rows, root, entry = self.rows, self.rows.path[0], self.rows.entry
        yield "static void fetch_ahead(const struct run *run, int32_t level, int32_t start) {"
        entry_level = rows.path.index(entry.name)
        if entry_level > 1:
            yield "  return;"
            yield "}"
            return
        number = rows.number(entry.name)
        alone = "1" if entry.name == root else f"level == {entry_level}"
        listed = "0" if entry.name == root else f"run->begin[{number}][start]"
        end = "1" if entry.name == root else f"run->begin[{number}][start + 1]"
        yield f"  if (level >= {len(rows.path)}) return;"
        yield f"  int32_t alone = {alone}, low = alone ? 0 : {listed}, high = alone ? 1 : {end};"
        yield "  for (int32_t i = low; i < high; i++) {"
        yield f"    int32_t first = alone ? start : run->row[{number}][i];"
        for child in self.order:
            if not rows.is_packed(child):
                continue
            at, name = rows.number(child.name), child.name
            yield f"    for (int32_t j = run->begin[{at}][first]; j < run->begin[{at}][first + 1]; j++) {{"
            yield f"      const char *in = run->packed[{at}] + run->row[{at}][j] * sizeof(struct in_{name});"
            yield f"      const char *to = run->unpacked[{at}] + run->row[{at}][j] * sizeof(struct out_{name});"
            yield f"      for (unsigned b = 0; b < sizeof(struct in_{name}); b += 64) __builtin_prefetch(in + b);"
            yield f"      for (unsigned b = 0; b < sizeof(struct out_{name}); b += 64) __builtin_prefetch(to + b, 1);"
            yield "    }"
        yield "  }"
        yield "}"

    def _drive(self) -> Iterator[str]:
        """The households from one place to another; -1 where there is no memory, else how many fall back."""
        yield from self._ahead()
        yield "word decide_places(const struct run *run, word low, word high) {"
        yield "  struct place *at = calloc(1, sizeof *at); word fallen = 0;"
        yield "  if (!at) return -1;"
        yield "  for (int i = 0; i < FIXED; i++) at->names.code[i] = i;"
        if len(self.layout.names) > MOST_FIXED:
            yield "  here = &at->names;"
        yield "  for (word p = low; p < high; p++) {"
        yield "    if (p + AHEAD < high) fetch_ahead(run, run->level[p + AHEAD], run->places[p + AHEAD]);"
        yield "    if (gather(run, at, run->level[p], run->places[p])) { fallen = -1; break; }"
        yield "    int state = decide(run, at);"
        yield "    if (!state && !at->names.full && write_place(run, at)) { fallen = -1; break; }"
        yield "    if (!state && !at->names.full) continue;"
        yield "    fallen++;"
        for number, entity in enumerate(self.order):
            row = f"at->rows_{entity.name}[i].number"
            yield f"    for (int32_t i = 0; i < at->count_{entity.name}; i++)"
            yield f"      if ({row} >= 0) run->fallback[{number}][{row}] = 1;"
        yield "  }"
        for entity in self.order:
            yield f"  free(at->rows_{entity.name});"
        for name in self.layout.joint:
            yield f"  free(at->turn_{name});"
        for accumulator in self.layout.accumulators:
            if self.layout.split(accumulator):
                yield f"  free(at->slots_{accumulator.name});"
        if self.rows.over_time(self.rows.entry.name):
            yield "  free(at->versions);"
        yield "  free(at);"
        yield "  return fallen;"
        yield "}"


def _shared(name: str) -> str:
    return files("mianshen.native").joinpath(name).read_text(encoding="utf-8")
