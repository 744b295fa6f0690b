"""What is known before a query is built: what the rows leave out, and which table holds what.

Out: `Data`, `TableCatalog`. Each is filled as steps are made and read by whatever builds the next one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from mianshen.program.core import Aggregate
from mianshen.program.program import Key


@dataclass(frozen=True, slots=True)
class Data:
    """What the rows at hand let a query leave out. `days`: first and last reference date by entity."""

    as_of: dt.date
    days: dict[str, tuple[dt.date, dt.date] | None]
    rejected: frozenset[str] = frozenset()  # entities with rejected rows, or rows that may be void
    undated: bool = False  # a rejected row has no date
    missing: bool = False  # also say which facts each unknown value rests on
    unreadable: frozenset[str] = frozenset()  # entities with `?unreadable`, the facts given and wrong
    over_time: frozenset[str] = frozenset()  # entities whose rows say in `?under` which row they read
    versions: frozenset[str] = frozenset()  # entities with versions, whose `?of` is the row of the person
    voided: frozenset[str] = frozenset()  # entities with `?voider`, the rejected row that would void a row
    settled: frozenset[Key] = frozenset()  # facts with settled amounts that some row holds


@dataclass(slots=True)
class TableCatalog:
    """Which tables hold what: rows by entity, finished decisions by key."""

    rows: dict[str, str]
    made: dict[Key, str] = field(default_factory=dict)
    items: dict[Aggregate, tuple[str, str]] = field(default_factory=dict)  # table and column
    before: dict[str, str] = field(default_factory=dict)  # by accumulator, what it held before each row
