"""Households that the compiled program leaves, decided by the interpreter: here where they are few, else in a pool.

In: the rows of a block, marks on those to decide. Out: `Interpreted`, rows numbered as in the block.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np

from mianshen.batch.blocks import Array
from mianshen.batch.interpreted import EntityOutcome, Interpreted, interpreted
from mianshen.batch.output_files import EntityFile
from mianshen.batch.row_batches import BlockRows
from mianshen.batch.worker import Workers
from mianshen.ingest.entity_cases import Numbers, cases_of
from mianshen.interpreter import Interpreter
from mianshen.interpreter.rows import Case
from mianshen.program.program import Key, Program

FEW: Final = 400  # households that are decided here, in less time than processes take to start
AT_ONCE: Final = 100  # households that a process decides at a time


@dataclass(frozen=True, slots=True)
class Setup:
    """What a process needs to decide cases."""

    program: Program
    files: Mapping[str, EntityFile]
    traced: Collection[Key] = ()

    def ready(self) -> Callable[[list[tuple[Case, Numbers]]], Interpreted]:
        """What decides cases."""
        interpreter = Interpreter(self.program)
        return lambda cases: interpreted(interpreter, self.files, cases, self.traced)


@dataclass
class Fallback:
    """Decides households of one run; safe to use from several threads. `traced`: decisions whose values are wanted too."""

    program: Program
    files: Mapping[str, EntityFile]
    threads: int
    traced: Collection[Key] = ()
    _workers: Workers | None = None
    _here: Callable[[list[tuple[Case, Numbers]]], Interpreted] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def decide(
        self, rows: Mapping[str, BlockRows], marks: Mapping[str, Array], as_of: dt.date
    ) -> Interpreted:
        """Decide the rows with a mark other than 0, by entity; they are whole households. Raises MemoryError."""
        places = {name: np.flatnonzero(marks[name]) for name in rows}
        taken = {name: block.rows.taken(places[name]) for name, block in rows.items()}
        cases = cases_of(self.program, taken, as_of)
        first = list(islice(cases, FEW if self.threads > 1 else None))
        outcomes = [self._decide_here(first)]
        more = list(cases)
        if more:
            chunks = [more[low : low + AT_ONCE] for low in range(0, len(more), AT_ONCE)]
            outcomes += self._pool().map(chunks)
        return _joined(outcomes, places)

    def close(self) -> None:
        """End the processes."""
        if self._workers is not None:
            self._workers.close()

    def _decide_here(self, cases: list[tuple[Case, Numbers]]) -> Interpreted:
        with self._lock:
            if self._here is None:
                self._here = Setup(self.program, self.files, self.traced).ready()
            return self._here(cases)

    def _pool(self) -> Workers:
        with self._lock:
            if self._workers is None:
                self._workers = Workers(Setup(self.program, self.files, self.traced), self.threads)
            return self._workers


def _joined(outcomes: list[Interpreted], places: Mapping[str, Array]) -> Interpreted:
    """All outcomes as one, with the places that rows have in the block."""
    joined: Interpreted = {}
    for name, place in places.items():
        whole = joined[name] = EntityOutcome()
        numbers = place.tolist()
        for outcome in (part[name] for part in outcomes):
            whole.rows += [numbers[row] for row in outcome.rows]
            whole.history += [numbers[row] for row in outcome.history]
            whole.reversed += [(numbers[one], numbers[other]) for one, other in outcome.reversed]
            for why, rows in outcome.rejected.items():
                whole.rejected.setdefault(why, []).extend(numbers[row] for row in rows)
            for column, cells in outcome.cells.items():
                whole.cells.setdefault(column, []).extend(cells)
            for decision, states in outcome.states.items():
                whole.states.setdefault(decision, []).extend(states)
            for decision, traced in outcome.traced.items():
                whole.traced.setdefault(decision, []).extend(traced)
    return joined
