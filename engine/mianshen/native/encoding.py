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
    """`texts`: every text so far; its place is its number."""

    layout: Layout
    texts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.texts = {text: number for number, text in enumerate(self.layout.texts)}

    def column(self, column: Column, values: Iterable[Known | None]) -> pa.Array:
        """A column of facts."""
        cells = [None if value is None else self._cell(column, value) for value in values]
        if column.bits == 128:
            return pa.array([None if c is None else Decimal(c) for c in cells], pa.decimal128(38, 0))
        return pa.array(cells, pa.int64()).cast(CELLS[column.bits])

    def _cell(self, column: Column, value: Known) -> int:
        if isinstance(value, tuple) and column.counts:
            return len(value)
        return self.number(value, column.fact.type)

    def number(self, value: Known, type_: Type) -> int:
        """A value as a number."""
        if is_text(type_):
            return self.texts.setdefault(str(value), len(self.texts))
        match type_:
            case Listing(item=String()):
                assert isinstance(value, tuple)
                return len(set(value))
            case _:
                return encoded(value, type_, self.layout.program)

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
            case Listing(item=Code(codes=name)):
                return tuple(code for at, code in enumerate(program.codes[name].values) if number >> at & 1)
            case _:
                return list(self.texts)[number]
