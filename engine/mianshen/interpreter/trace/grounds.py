"""What decisions rest on that is not certain: figures and provisions without a source, facts that were assumed.

In: the readers of the provisions that decided. Out: `Caveats`. Sets of grounds are integers, a bit for each kind and
name, so that a union is one operation.
Invariants: nothing is decided again; only decisions that may be uncertain are followed; each is looked at once a case.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import localcontext
from typing import Final, NamedTuple

from mianshen.interpreter.accumulator_state import period
from mianshen.interpreter.rows import Row, ancestor
from mianshen.interpreter.trace.walk import CERTAIN, BranchReads, Caveats, Step_, Walk
from mianshen.program.program import Dated, Key, Program, Provision
from mianshen.values import EXACT

_MOST_KEPT: Final = 4096


class OwnGrounds(NamedTuple):
    """What a provision reads whatever the row: grounds for certain, and where to look for more."""

    always: int
    facts: tuple[tuple[str, int, int], ...]  # a fact that may be assumed, how many parents up, its bit
    parameters: tuple[str, ...]


class Grounds:
    """Grounds of the cases of one program.

    `readers` gives those of a provision of an entity's decision, `earlier` the row that fed an accumulator before,
    `dated` a parameter's value as a row looks it up.
    """

    def __init__(
        self,
        program: Program,
        readers: Callable[[str, str, Provision], BranchReads],
        earlier: Callable[[Row, str, Walk], list[Step_]],
        dated: Callable[[str, Row], Dated | None],
    ) -> None:
        self.program = program
        self.readers = readers
        self.earlier = earlier
        self.dated = dated
        self._bits: dict[tuple[str, str], int] = {}
        self._known: dict[int, tuple[BranchReads, OwnGrounds]] = {}  # by the provision's identity
        self._needs: dict[tuple[int, frozenset[Key]], tuple[tuple[str, int], ...]] = {}
        self._caveats: dict[int, Caveats] = {0: CERTAIN}

    def of(self, row: Row, decisions: tuple[str, ...], walk: Walk) -> Caveats:
        """What decisions of a row rest on, through all that they read."""
        grounds = 0
        for name in decisions:
            if (row.entity, name) in walk.uncertain:
                known = walk.grounds.get((row, name))
                grounds |= self._through((row, name), walk) if known is None else known
        caveats = self._caveats.get(grounds)
        if caveats is None:
            if len(self._caveats) > _MOST_KEPT:
                self._caveats = {0: CERTAIN}
            caveats = self._caveats[grounds] = self._named(grounds)
        return caveats

    def _named(self, grounds: int) -> Caveats:
        names = [key for key, bit in self._bits.items() if bit & grounds]

        def of(kind: str) -> tuple[str, ...]:
            return tuple(sorted(name for part, name in names if part == kind))

        return Caveats(of("provisional"), of("missing"), of("assumed"))

    def _bit(self, kind: str, name: str) -> int:
        key = kind, name
        bit = self._bits.get(key)
        if bit is None:
            bit = self._bits[key] = 1 << len(self._bits)
        return bit

    def _through(self, root: Step_, walk: Walk) -> int:
        """The grounds of a decision and of all it read; no recursion, for chains can be long."""
        grounds = walk.grounds
        with localcontext(EXACT):
            at, needs = root, self._step(root, walk)
            above: list[tuple[Step_, list[Step_]]] = []
            while True:
                if needs:
                    need = needs.pop()
                    known = grounds.get(need)
                    if known is not None:
                        grounds[at] |= known
                    else:
                        above.append((at, needs))
                        at, needs = need, self._step(need, walk)
                elif above:
                    known = grounds[at]
                    at, needs = above.pop()
                    grounds[at] |= known
                else:
                    return grounds[at]

    def _step(self, at: Step_, walk: Walk) -> list[Step_]:
        """Note what a decision itself rests on; the uncertain decisions that it read."""
        row, decision = at
        grounds, needs = 0, list[Step_]()
        for provision in row.chosen.get(decision, ()):
            known = self._known.get(id(provision))
            if known is None:
                reads = self.readers(row.entity, decision, provision)
                known = self._known[id(provision)] = reads, self._own_grounds(reads)
            reads, own = known
            grounds |= own.always
            if reads.always is None:
                grounds |= self._read(reads, row, walk, needs)
            else:
                for name, steps in self._static_needs(reads, row.entity, walk.uncertain):
                    holder = ancestor(row, steps) if steps else row
                    if name in holder.values:
                        needs.append((holder, name))
            for name, steps, bit in own.facts:
                if name in (ancestor(row, steps) if steps else row).assumed:
                    grounds |= bit
            for name in own.parameters:
                grounds |= self._figure(name, row)
            for name in reads.accumulators:
                needs += self._fed(row, name, walk)
                grounds |= self._opening(name, row)
        walk.grounds[at] = grounds
        return needs

    def _own_grounds(self, reads: BranchReads) -> OwnGrounds:
        """What a provision itself reads; names that depend on the row are left to `_read`."""
        basis, facts, parameters = reads.provision.basis, list[tuple[str, int, int]](), list[str]()
        always = 0 if basis in (None, "cited") else self._bit(str(basis), reads.provision.name)
        for name, steps in reads.uncertain if reads.always is not None else ():
            if name.kind == "fact":
                facts.append((name.name, steps, self._bit("assumed", name.name)))
            elif name.kind == "parameter":
                parameters.append(name.name)
        return OwnGrounds(always, tuple(facts), tuple(parameters))

    def _static_needs(
        self, reads: BranchReads, entity: str, uncertain: frozenset[Key]
    ) -> tuple[tuple[str, int], ...]:
        """The decisions that a provision reads whatever the row, those that may be uncertain."""
        key = id(reads), uncertain
        needs = self._needs.get(key)
        if needs is None:
            if len(self._needs) > _MOST_KEPT:
                self._needs.clear()
            line = [entity, *self.program.ancestors(entity)]
            needs = tuple(part for part in reads.always or () if (line[part[1]], part[0]) in uncertain)
            self._needs[key] = needs
        return needs

    def _read(self, reads: BranchReads, row: Row, walk: Walk, needs: list[Step_]) -> int:
        """The grounds among what a provision read at this row; adds the decisions it read to `needs`."""
        grounds = 0
        for name, holder in reads.names(row, walk):
            match name.kind:
                case "decision":
                    if name.name in holder.values and (holder.entity, name.name) in walk.uncertain:
                        needs.append((holder, name.name))
                case "year_to_date":
                    needs += self._fed(row, name.name, walk)
                    grounds |= self._opening(name.name, row)
                case "fact" if name.uncertain and name.name in holder.assumed:
                    grounds |= self._bit("assumed", name.name)
                case "parameter" if name.uncertain:
                    grounds |= self._figure(name.name, holder)
                case _:
                    pass
        return grounds

    def _fed(self, row: Row, accumulator: str, walk: Walk) -> list[Step_]:
        """The row that last fed an accumulator before this one, where what it fed may be uncertain."""
        fed = self.earlier(row, accumulator, walk)
        return [at for at in fed if at[1] in at[0].values and (at[0].entity, at[1]) in walk.uncertain]

    def _figure(self, parameter: str, row: Row) -> int:
        """The ground that a parameter is where its value at this row has no source."""
        dated = self.dated(parameter, row)
        return 0 if dated is None or dated.basis == "cited" else self._bit(dated.basis, parameter)

    def _opening(self, name: str, row: Row) -> int:
        """The opening balance an accumulator began with, where it was assumed."""
        accumulator = self.program.accumulators[name]
        read_by = accumulator.read_by or self.program.entities[accumulator.entity].date
        date = row.facts.get(read_by or "")
        if accumulator.opening is None or row.parent is None or not isinstance(date, dt.date):
            return 0
        opening = accumulator.opening[1]
        if opening not in row.above(accumulator.holder).assumed:
            return 0
        same = period(accumulator, date) == period(accumulator, row.as_of)
        return self._bit("assumed", opening) if same else 0
