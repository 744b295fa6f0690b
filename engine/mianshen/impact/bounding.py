"""The open amounts of a block bounded, household by household.

In: a block decided on both sides, the rows of which an amount is not known. Out: bounds in fen, by amount and row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from mianshen.batch.block_decider import DecidedBlock
from mianshen.batch.blocks import Array
from mianshen.impact.bounds import Amount
from mianshen.impact.tracing import Family
from mianshen.ingest.entity_cases import cases_of
from mianshen.ingest.entity_rows import EntityRows
from mianshen.interpreter.rows import Case
from mianshen.program.program import Benefit, Key

if TYPE_CHECKING:
    from mianshen.impact.comparing import Comparing

MOST: Final = 2_000  # households of a block; bounds of more are not looked for
Open: TypeAlias = "tuple[Key, Benefit | str, Array]"  # the decision, what it is of, rows
Listed: TypeAlias = (
    "tuple[tuple[str, str], Key, Benefit | str]"  # the row's entity and key, decision, what it is of
)
Bound: TypeAlias = "tuple[Key, Benefit | str, tuple[int, int] | None]"


def bounds_of(
    comparing: Comparing, before: DecidedBlock, after: DecidedBlock, family: Family, amounts: Sequence[Open]
) -> Iterator[Bound]:
    """The bounds of every open amount; None where there are too many households to look at."""
    if not amounts:
        return
    if comparing.cases is not None:
        yield from _bounded(comparing, comparing.cases(amounts))
        return
    households = {
        key: np.unique(family.ancestor(key[0], family.top_of(key[0]))[rows])  # type: ignore[index]  # it is above
        for key, _, rows in amounts
    }
    tops: dict[str, set[int]] = {}
    for key, places in households.items():
        tops.setdefault(family.top_of(key[0]), set()).update(places.tolist())
    if sum(map(len, tops.values())) > MOST:
        for key, subject, rows in amounts:
            yield from ((key, subject, None) for _ in range(len(rows)))
        return
    taken = [_rows_below(block, family, tops) for block in (before, after)]
    pairs = [
        (case for case, _ in cases_of(program, rows, comparing.as_of))
        for program, rows in zip(comparing.sides.programs, taken, strict=True)
    ]
    wanted: dict[tuple[str, str], list[tuple[Key, Benefit | str]]] = {}
    for key, subject, rows in amounts:
        for name in after.rows[key[0]].rows.key.take(rows).to_pylist():
            wanted.setdefault((key[0], name), []).append((key, subject))
    yield from _bounded(comparing, ((pair, _listed(pair[1], wanted)) for pair in zip(*pairs, strict=True)))


def _listed(case: Case, wanted: Mapping[tuple[str, str], list[tuple[Key, Benefit | str]]]) -> list[Listed]:
    """The open amounts of a household."""
    names = {(row.entity, row.key) for row in case.rows() if row.version_of is None}
    return [(name, key, subject) for name in sorted(names & wanted.keys()) for key, subject in wanted[name]]


def _rows_below(block: DecidedBlock, family: Family, tops: dict[str, set[int]]) -> dict[str, EntityRows]:
    """The rows of households, by entity."""
    rows = {}
    for name, part in block.rows.items():
        top = family.top_of(name)
        at = family.ancestor(name, top)
        assert at is not None
        chosen = np.array(sorted(tops.get(top, ())), np.int64)
        rows[name] = part.rows.taken(np.flatnonzero(np.isin(at, chosen)))
    return rows


def _bounded(
    comparing: Comparing, cases: Iterable[tuple[tuple[Case, Case], list[Listed]]]
) -> Iterator[Bound]:
    for pair, listed in cases:
        requested: list[Amount] = [(name, subject) for name, _, subject in listed]
        with comparing.bounding:
            bounds = comparing.bounds.of(pair, requested)
        for (_, key, subject), (low, high) in zip(listed, bounds, strict=True):
            yield key, subject, (_fen(low), _fen(high))


def _fen(yuan: Decimal) -> int:
    return int(yuan.scaleb(2))
