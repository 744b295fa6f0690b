"""The open amounts of a block bounded, household by household.

In: a block decided on both sides, the rows of which an amount is not known. Out: bounds in fen, by row and amount.
Invariants: every household is looked at, some at a time, unless its sum is without bounds already. In a block of many
open households unknown codes are not tried one by one: bounds are wider then, and hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from mianshen.batch.block_decider import DecidedBlock
from mianshen.batch.blocks import Array
from mianshen.impact.bounds import MOST_TRIED, Amount
from mianshen.impact.tracing import Family
from mianshen.ingest.entity_cases import cases_of
from mianshen.ingest.entity_rows import EntityRows
from mianshen.interpreter.rows import Case
from mianshen.program.program import Benefit, Key

if TYPE_CHECKING:
    from mianshen.impact.comparing import Comparing

FEW: Final = 2_000  # open households of a block, up to which unknown codes are tried one by one
TOGETHER: Final = 500  # households made into cases at a time
RowName: TypeAlias = "tuple[str, str]"  # entity, key
Open: TypeAlias = "tuple[Key, Benefit | str, Array]"  # the decision, what it is of, rows
Listed: TypeAlias = "tuple[RowName, Key, Benefit | str]"  # the row, decision, what it is of
Bound: TypeAlias = (
    "tuple[RowName, Key, Benefit | str, tuple[int, int] | frozenset[str]]"  # facts: they bound nothing
)
Wanted: TypeAlias = "Mapping[RowName, list[tuple[Key, Benefit | str]]]"


def sum_name(key: Key, subject: Benefit | str) -> str:
    """The name of the sum that an amount adds to."""
    return f"{key[0]}.{subject if isinstance(subject, str) else subject.name}"


def bounds_of(
    comparing: Comparing, before: DecidedBlock, after: DecidedBlock, family: Family, amounts: Sequence[Open]
) -> Iterator[Bound]:
    """The bounds of every open amount; once a sum is without bounds, its other amounts are passed over."""
    unbounded: set[str] = set()
    if comparing.cases is not None:
        yield from _bounded(comparing, comparing.cases(amounts), MOST_TRIED, unbounded) if amounts else ()
        return
    tops: dict[str, set[int]] = {}
    wanted: dict[RowName, list[tuple[Key, Benefit | str]]] = {}
    for key, subject, rows in amounts:
        places = family.ancestor(key[0], family.top_of(key[0]))
        assert places is not None
        tops.setdefault(family.top_of(key[0]), set()).update(places[rows].tolist())
        for name in after.rows[key[0]].rows.key.take(rows).to_pylist():
            wanted.setdefault((key[0], name), []).append((key, subject))
    tried = MOST_TRIED if sum(map(len, tops.values())) <= FEW else 1
    for top, places_of_top in tops.items():
        households = np.array(sorted(places_of_top), np.int64)
        for start in range(0, len(households), TOGETHER):
            chosen = {top: households[start : start + TOGETHER]}
            cases = _cases(comparing, (before, after), family, chosen)
            yield from _bounded(
                comparing, ((pair, _listed(pair[1], wanted)) for pair in cases), tried, unbounded
            )


def _cases(
    comparing: Comparing, blocks: tuple[DecidedBlock, DecidedBlock], family: Family, chosen: dict[str, Array]
) -> Iterator[tuple[Case, Case]]:
    """Some households of a block as cases, a side each."""
    sides = [
        (case for case, _ in cases_of(program, _rows_below(block, family, chosen), comparing.as_of))
        for program, block in zip(comparing.sides.programs, blocks, strict=True)
    ]
    return zip(sides[0], sides[1], strict=True)


def _listed(case: Case, wanted: Wanted) -> list[Listed]:
    """The open amounts of a household."""
    names = {(row.entity, row.key) for row in case.rows() if row.version_of is None}
    return [(name, key, subject) for name in sorted(names & wanted.keys()) for key, subject in wanted[name]]


def _rows_below(block: DecidedBlock, family: Family, chosen: Mapping[str, Array]) -> dict[str, EntityRows]:
    """The rows of households, by entity."""
    rows = {}
    for name, part in block.rows.items():
        top = family.top_of(name)
        at = family.ancestor(name, top)
        assert at is not None
        households = chosen.get(top, np.array([], np.int64))
        rows[name] = part.rows.taken(np.flatnonzero(np.isin(at, households)))
    return rows


def _bounded(
    comparing: Comparing, cases: Iterable[tuple[tuple[Case, Case], list[Listed]]], tried: int, unbounded: set[str]
) -> Iterator[Bound]:  # fmt: skip
    for pair, wanted in cases:
        listed = [part for part in wanted if sum_name(*part[1:]) not in unbounded]
        if not listed:
            continue
        amounts: list[Amount] = [(name, subject) for name, _, subject in listed]
        with comparing.bounding:
            bounds = comparing.bounds.of(pair, amounts, tried)
        for (name, key, subject), bound in zip(listed, bounds, strict=True):
            if isinstance(bound, frozenset):
                unbounded.add(sum_name(key, subject))
                yield name, key, subject, bound
            else:
                yield name, key, subject, (_fen(bound[0]), _fen(bound[1]))


def _fen(yuan: Decimal) -> int:
    return int(yuan.scaleb(2))
