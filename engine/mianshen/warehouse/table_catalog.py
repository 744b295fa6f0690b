"""Which table of a script holds what. It is filled as steps are written and read by whatever writes the next one."""

from __future__ import annotations

from dataclasses import dataclass, field

from mianshen.program.core import Aggregate
from mianshen.program.program import Key


@dataclass(slots=True)
class TableCatalog:
    """Rows by entity, finished decisions by key."""

    rows: dict[str, str]
    decided: dict[Key, str] = field(default_factory=dict)
    items: dict[Aggregate, tuple[str, str]] = field(default_factory=dict)  # table and column
    before: dict[str, str] = field(
        default_factory=dict
    )  # by accumulator, the table with its balance before each row
