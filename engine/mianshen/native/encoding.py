"""Facts as the compiled program reads them, and its values as facts, one by one.

In: a layout. Out: `Encoding`, which numbers the texts of one run: those that formulas name first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import pyarrow as pa

from mianshen.native.layout import AREA_DIGITS, EPOCH, Column, Layout, encoded, is_text
from mianshen.program.core import Boolean, Code, Date, Listing, Numeric, String, Type
from mianshen.values import EXACT, Known

CELLS: Final = {1: pa.bool_(), 8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}


@dataclass(slots=True)
class Encoding:
    """`texts` and `lists`: every one so far; its place is its number."""

    layout: Layout
    texts: dict[str, int] = field(default_factory=dict)
    lists: dict[tuple[str, ...], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.texts = {text: number for number, text in enumerate(self.layout.texts)}
        self.lists = {items: number for number, items in enumerate(self.layout.lists)}

    def column(self, column: Column, values: Iterable[Known | None]) -> pa.Array:
        """A column of facts."""
        cells = [None if value is None else self._cell(column, value) for value in values]
        if column.bits == 128:
            return pa.array([None if c is None else Decimal(c) for c in cells], pa.decimal128(38, 0))
        return pa.array(cells, pa.int64()).cast(CELLS[column.bits])

    def _cell(self, column: Column, value: Known) -> int:
        if isinstance(value, tuple):
            return self.lists.setdefault(value, len(self.lists))
        if is_text(column.fact.type):
            return self.texts.setdefault(str(value), len(self.texts))
        return encoded(value, column.fact.type, self.layout.program)

    def value(self, number: int, type_: Type) -> Known:
        """The value that a number stands for."""
        program = self.layout.program
        match type_:
            case Boolean():
                return bool(number)
            case Date():
                return EPOCH + dt.timedelta(days=number)
            case Numeric(scale=scale):
                return Decimal(number).scaleb(-scale, EXACT)
            case Code(codes=name):
                return list(program.codes[name].values)[number]
            case String(area=True):
                return str(number // 16).zfill(AREA_DIGITS)[: number % 16]
            case Listing():
                return list(self.lists)[number]
            case _:
                return list(self.texts)[number]
