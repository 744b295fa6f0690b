"""What the compiled program writes: its output columns, named.

In: nothing. Out: `Written`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

Part: TypeAlias = Literal["value", "state", "known", "status", "reason", "missing", "by"]


@dataclass(frozen=True, slots=True)
class Written:
    """A column of signed integers of so many bytes: a part of a decision, of a benefit or, unnamed, of a row.

    Of a decision: `value`, as `layout` encodes its type; `state` (0 known, 1 unknown, 2 not
    modelled); where a unit has `details`, `by` (the place of the provision that decided, below 0: none) and
    `missing` (the number of a set, -1: none). Of a row: `status` (0 decided, 1 undetermined, 2 not modelled),
    `reason` (the place of a provision, -1: none) and `missing`. Of a benefit: `status` (0 eligible, 1 ineligible,
    2 undetermined, 3 not modelled), `reason` (the place of a provision, -1: none, -2 and below: set -2 - n), and
    where it has an amount `value` and `known`.
    """

    entity: str
    name: str
    part: Part
    bytes: int

    @staticmethod
    def integer(cell: Any) -> int:
        """A cell of such a column as an integer."""
        return (
            int.from_bytes(cell.tobytes(), "little", signed=True) if isinstance(cell, np.void) else int(cell)
        )
