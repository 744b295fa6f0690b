"""One column of a file as typed values of a fact, with the cells that are refused.

In: an Arrow array as a file holds it, the fact. Out: `TypedColumn`: an array of the fact's own type (`arrow_type`;
codes, areas and lists as a dictionary), in which a cell that is empty or refused is null, and why each is refused.
Numbers and dates are cast by Arrow where its grammar is that of single records; every other cell is read by
`records.facts.spelt_value`, once for each different text.
Invariant: a cell is read as the same cell of a single record is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mianshen.ingest.identity_columns import sound_identity_numbers
from mianshen.program.core import Boolean, Date, Duration, Listing, Numeric, String, Type
from mianshen.program.program import Fact, Program
from mianshen.records import diagnostics
from mianshen.records.diagnostics import REASONS
from mianshen.records.facts import INVISIBLE, is_below_zero, names_a_row, read_items, spelt_value
from mianshen.source import NOWHERE, Diagnostic, Message
from mianshen.values import Known

Array: TypeAlias = np.ndarray[Any, Any]
WORD_DIGITS: Final = 18  # decimal digits that 64 bits hold
TEXT: Final = Message("文本", "text")
NUMBERS: Final = Message("DECIMAL 或文本", "DECIMAL or text")
TRUTHS: Final = Message("BOOLEAN，或文本 true、false", "BOOLEAN, or text: true, false")
DATES: Final = Message("DATE，或文本 2026-01-31", "DATE, or text: 2026-01-31")
TEXTS: Final = Message("文本的列表", "a list of text")
_FIRST_DAY, _LAST_DAY = -719162, 2932896  # 0001-01-01 and 9999-12-31, in days since 1970-01-01
_NUMBER_BYTES: Final = np.isin(np.arange(256), np.frombuffer(b"0123456789+-.", np.uint8))
_SPOILT_BYTES: Final = np.isin(np.arange(256), np.frombuffer(b"+#.", np.uint8))
_SHORT: Final = 20  # characters of a number that Arrow's grammar and ours read alike
_HIDDEN_INSIDE: Final = r"[\p{Cc}\p{Cf}]"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cell or a row is refused: the fact at fault, the reason's code, what to do where that can be said."""

    field: str
    reason: str
    hint: Message | None = None
    voids: bool = False  # the row may void another, and does not say readably which


@dataclass(slots=True)
class TypedColumn:
    """`refused`: rows of the array, from 0, with the reason of each; a row stands in at most one of them.

    `placeholders`: how many cells hold what means unknown; `written`: of a fact with a format, the texts, refused ones too.
    """

    values: pa.Array
    refused: list[tuple[Array, Refusal]] = field(default_factory=list)
    placeholders: int = 0
    written: pa.Array | None = None


def arrow_type(type_: Type) -> pa.DataType:
    """The type that a fact's values have as a column."""
    match type_:
        case Numeric(scale=scale):
            wide = type_.precision > WORD_DIGITS
            return pa.decimal128(38, scale) if wide else pa.decimal64(WORD_DIGITS, scale)
        case Boolean():
            return pa.bool_()
        case Date():
            return pa.date32()
        case Listing():
            return pa.list_(pa.string())
        case _:
            return pa.string()


def wrong_type(fact: Fact, type_: pa.DataType) -> Message | None:
    """What a column should be, where its type cannot give the fact exactly; None where it can."""
    if pa.types.is_null(type_) or is_text(type_):
        return None
    whole = pa.types.is_integer(type_)
    match fact.type:
        case Numeric():
            doubles = fact.written == "integer" and pa.types.is_floating(type_)
            return None if whole or doubles or pa.types.is_decimal(type_) else NUMBERS
        case Boolean():
            return None if pa.types.is_boolean(type_) else TRUTHS
        case Date():
            stamp = pa.types.is_timestamp(type_) and type_.tz is None
            return None if stamp or pa.types.is_date(type_) else DATES
        case Listing():
            return None if _is_list(type_) and is_text(type_.value_type) else TEXTS
        case _:
            return None if whole else TEXT


def is_text(type_: pa.DataType) -> bool:
    """Whether a column holds texts, as such or by number."""
    if pa.types.is_dictionary(type_):
        return is_text(type_.value_type)
    return bool(
        pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)
    )


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_))


@dataclass(slots=True)
class ColumnReader:
    """Reads the columns of one fact; what it read of a text is remembered for the next column."""

    fact: Fact
    program: Program
    seen: dict[Hashable, Known | Refusal | None] = field(default_factory=dict)

    def read(self, column: pa.Array) -> TypedColumn:
        """The column's cells, typed, placeholders unknown. Its type must be one that `wrong_type` lets pass."""
        typed = self._read(column)
        if self.fact.placeholders:
            typed.values, typed.placeholders = _without(typed.values, self.fact.placeholders)
        if self.fact.format is not None:
            cells = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            typed.written = pc.utf8_trim(cells.cast(pa.string()), characters=INVISIBLE)
        return typed

    def _read(self, column: pa.Array) -> TypedColumn:
        if pa.types.is_null(column.type) or wrong_type(self.fact, column.type) is not None:  # of nothing
            return TypedColumn(pa.nulls(len(column), arrow_type(self.fact.type)))
        if pa.types.is_dictionary(column.type) or not is_text(column.type):
            match self.fact.type:
                case Numeric() if not pa.types.is_dictionary(column.type):
                    return self._numeric(column, self.fact.type)
                case Boolean() if pa.types.is_boolean(column.type):
                    return TypedColumn(column)
                case Date() if not pa.types.is_dictionary(column.type):
                    return self._date(column)
                case Listing() if _is_list(column.type):
                    return self._by_items(column)
                case _:
                    return self._by_text(_as_dictionary(column))
        return self._texts(column if pa.types.is_string(column.type) else column.cast(pa.string()))

    # -- texts ---------------------------------------------------------------------------------

    def _texts(self, column: pa.StringArray) -> TypedColumn:
        match self.fact.type:
            case Numeric():
                return self._spelt_numbers(column, self.fact.type)
            case Date():
                return self._spelt_dates(column)
            case String(area=False) | Duration():
                return self._plain_texts(column)
            case _:
                return self._by_text(column.dictionary_encode())

    def _plain_texts(self, column: pa.StringArray) -> TypedColumn:
        """Texts and keys: those that hold anything but printable ASCII are looked at for blanks and invisible characters."""
        trimmed = column = without_empty(column)
        odd, is_key = np.zeros(len(column), bool), names_a_row(self.fact, self.program)
        if not is_plain(column):
            trimmed = pc.utf8_trim(column, characters=INVISIBLE)
            odd = _mask(pc.equal(pc.binary_length(trimmed), 0))
            if is_key:
                odd = odd | _mask(pc.match_substring_regex(trimmed, _HIDDEN_INSIDE))
        if is_key and _SPOILT_BYTES[_bytes_of(trimmed)].any():
            odd = odd | _mask(pc.match_substring_regex(trimmed, r"(?i)e\+|[.][0-9]*e[0-9]|^#"))
        if self.fact.format is not None:
            odd = odd | ~sound_identity_numbers(trimmed)
        rows = np.flatnonzero(odd)
        if not len(rows):
            return TypedColumn(trimmed)
        return self._mended(column, trimmed, rows)

    def _spelt_numbers(self, column: pa.StringArray, type_: Numeric) -> TypedColumn:
        column = without_empty(column)
        target = arrow_type(type_)
        if _NUMBER_BYTES[_bytes_of(column)].all() and _longest(column) <= _SHORT:
            try:
                return self._in_range(pc.cast(column, target), type_)
            except pa.ArrowInvalid:
                pass
        whole = min(WORD_DIGITS - type_.scale, _SHORT - 1 - type_.scale) if type_.scale < WORD_DIGITS else 0
        plain = pc.match_substring_regex(
            column, rf"^-?[0-9]{{1,{max(whole, 1)}}}(?:\.[0-9]{{1,{max(type_.scale, 1)}}})?$"
        )
        odd = np.flatnonzero(_mask(pc.and_kleene(pc.is_valid(column), pc.invert(plain))))
        try:
            values = pc.cast(pc.if_else(plain, column, None), target)
        except pa.ArrowInvalid:  # a scale of 0, or as many digits as a word holds
            return self._by_text(column.dictionary_encode())
        ranged = self._in_range(values, type_)
        if not len(odd):
            return ranged
        mended = self._mended(column, ranged.values, odd)
        return TypedColumn(mended.values, [*ranged.refused, *mended.refused])

    def _spelt_dates(self, column: pa.StringArray) -> TypedColumn:
        column = without_empty(column)
        try:
            return self._of_our_years(pc.cast(column, pa.date32()))
        except pa.ArrowInvalid:
            return self._by_text(column.dictionary_encode())

    def _mended(self, column: pa.Array, values: pa.Array, rows: Array) -> TypedColumn:
        """`values` with the cells of some rows read one by one."""
        part = self._by_text(pc.take(column, pa.array(rows)).dictionary_encode())
        cells = part.values.dictionary_decode() if pa.types.is_dictionary(part.values.type) else part.values
        return TypedColumn(
            _replaced(values, rows, cells), [(rows[which], why) for which, why in part.refused]
        )

    def _by_text(self, column: pa.DictionaryArray) -> TypedColumn:
        """Cells read once for each different text."""
        texts = _listed(column.dictionary)
        return self._by_place([self._value_of(text) for text in texts], column.indices)

    def _by_items(self, column: pa.ListArray) -> TypedColumn:
        """Cells of a list column, read once for each different list."""
        places: dict[tuple[str | None, ...], int] = {}
        cells = [None if items is None else tuple(items) for items in column.to_pylist()]
        indices = [None if cell is None else places.setdefault(cell, len(places)) for cell in cells]
        return self._by_place([self._items_of(items) for items in places], pa.array(indices, pa.int32()))

    def _by_place(self, values: list[Known | Refusal | None], indices: pa.Array) -> TypedColumn:
        known = [None if isinstance(value, Refusal) else value for value in values]
        type_ = arrow_type(self.fact.type)
        distinct = pa.array([list(v) if isinstance(v, tuple) else v for v in known], type_)
        refused: list[tuple[Array, Refusal]] = []
        if any(isinstance(value, Refusal) for value in values):
            refused = list(_grouped(np.asarray(pc.fill_null(indices, -1)), values))
        if isinstance(self.fact.type, Numeric | Boolean | Date) or self.fact.type == String():
            return TypedColumn(distinct.take(indices), refused)
        if distinct.null_count:  # so that what is unknown is null by its place, and counted
            places = [None if value is None else place for place, value in enumerate(known)]
            indices = pa.array(places, pa.int32()).take(indices)
        return TypedColumn(pa.DictionaryArray.from_arrays(indices, distinct), refused)

    def _value_of(self, text: object) -> Known | Refusal | None:
        if text is None or text == "":
            return None
        if text not in self.seen:
            value = spelt_value(str(text), self.fact, self.program)
            if isinstance(value, Diagnostic) and self._refundable and is_below_zero(str(text)):
                refund = refusal_of(self.fact.name, diagnostics.bare_negative(value, self._refundable))
                self.seen[text] = replace(refund, voids=True)
            else:
                self.seen[text] = self._refusal(value)
        return self.seen[text]

    def _items_of(self, items: tuple[str | None, ...]) -> Known | Refusal:
        return self._refusal(read_items(items, self.fact, self.program))

    def _refusal(self, value: Known | Diagnostic) -> Known | Refusal:
        if not isinstance(value, Diagnostic):
            return value
        voids = self.program.entities[self.fact.entity].reverses == self.fact.name
        return replace(refusal_of(self.fact.name, value), voids=voids)

    # -- numbers and dates that are no texts -----------------------------------------------------

    def _numeric(self, column: pa.Array, type_: Numeric) -> TypedColumn:
        target = arrow_type(type_)
        if pa.types.is_decimal(column.type):
            own = column.type
            try:
                if (
                    own.scale == type_.scale
                    and own.precision <= WORD_DIGITS
                    and pa.types.is_decimal64(target)
                ):
                    word = pc.cast(
                        column, pa.decimal64(own.precision, own.scale)
                    )  # digits moved, not counted
                    return self._in_range(_as(target, word), type_)
                return self._in_range(pc.cast(column, target), type_)
            except pa.ArrowInvalid:
                return self._by_text(_as_dictionary(column))
        if pa.types.is_floating(column.type):
            return self._by_text(_as_dictionary(column))
        low, high = (int(limit) for limit in (type_.low, type_.high))
        if column.null_count == len(column):
            return TypedColumn(pa.nulls(len(column), target))
        ends = pc.min_max(column)
        if low <= ends["min"].as_py() and ends["max"].as_py() <= high and pa.types.is_decimal64(target):
            scaled = pc.multiply(column.cast(pa.int64()), pa.scalar(10**type_.scale, pa.int64()))
            return TypedColumn(_as(target, scaled))
        return self._by_text(_as_dictionary(column))

    def _in_range(self, values: pa.Array, type_: Numeric) -> TypedColumn:
        if not pa.types.is_decimal64(values.type):
            low, high = (pa.scalar(limit, values.type) for limit in (type_.low, type_.high))
            outside = pc.or_(pc.less(values, low), pc.greater(values, high))
        else:
            numbers = _as(pa.int64(), values)
            low, high = (int(limit.scaleb(type_.scale)) for limit in (type_.low, type_.high))
            ends = pc.min_max(numbers)
            if ends["min"].as_py() is None or (low <= ends["min"].as_py() and ends["max"].as_py() <= high):
                return TypedColumn(values)
            low, high = max(low, -(1 << 63)), min(high, (1 << 63) - 1)
            outside = pc.or_(pc.less(numbers, low), pc.greater(numbers, high))
        finding = diagnostics.out_of_range(NOWHERE, self.fact.name, None, type_.low, type_.high)
        refusal = refusal_of(self.fact.name, finding)
        if self._refundable and type_.low >= 0:
            negative = pc.less(values, pa.scalar(Decimal(0), values.type))
            refund = refusal_of(self.fact.name, diagnostics.bare_negative(finding, self._refundable))
            below = _refusing(values, negative, replace(refund, voids=True))
            above = _refusing(below.values, pc.and_not_kleene(outside, negative), refusal)
            return TypedColumn(above.values, [r for r in (*below.refused, *above.refused) if len(r[0])])
        return _refusing(values, outside, refusal)

    @property
    def _refundable(self) -> str | None:
        """The fact by which a row of this entity says what it cancels, where this one is an amount of it."""
        return self.program.entities[self.fact.entity].reverses if self.fact.written == "money" else None

    def _date(self, column: pa.Array) -> TypedColumn:
        if pa.types.is_date32(column.type):
            return self._of_our_years(column)
        days = pc.cast(pc.floor_temporal(column, unit="day"), pa.date32(), safe=False)
        timed = np.flatnonzero(_mask(pc.not_equal(pc.cast(days, column.type), column)))
        if not len(timed):
            return self._of_our_years(days)
        typed = self._of_our_years(days)
        texts = pc.strftime(pc.take(column, pa.array(timed)), format="%Y-%m-%d %H:%M:%S").dictionary_encode()
        part = self._by_text(texts)
        refused = [(timed[rows], why) for rows, why in part.refused]
        return TypedColumn(_replaced(typed.values, timed, part.values), [*typed.refused, *refused])

    def _of_our_years(self, days: pa.Array) -> TypedColumn:
        numbers = days.cast(pa.int32())
        ends = pc.min_max(numbers)
        low = ends["min"].as_py()
        if low is None or (low >= _FIRST_DAY and ends["max"].as_py() <= _LAST_DAY):
            return TypedColumn(days)
        outside = pc.or_(pc.less(numbers, _FIRST_DAY), pc.greater(numbers, _LAST_DAY))
        finding = diagnostics.bad_date(NOWHERE, self.fact.name, None, None)
        return _refusing(days, outside, refusal_of(self.fact.name, finding))


def _grouped(at: Array, values: list[Known | Refusal | None]) -> Iterator[tuple[Array, Refusal]]:
    """The rows of every refused text; `at`: the place of each row's text among `values`."""
    wrong = np.array([isinstance(value, Refusal) for value in values] + [False])
    rows = np.flatnonzero(wrong[at])
    order = rows[np.argsort(at[rows], kind="stable")]
    ends = np.searchsorted(at[order], np.arange(len(values) + 1))
    for place, value in enumerate(values):
        if isinstance(value, Refusal) and ends[place] < ends[place + 1]:
            yield order[ends[place] : ends[place + 1]], value


def refusal_of(name: str, finding: Diagnostic) -> Refusal:
    """A mistake of a single record as the refusal of a cell."""
    return Refusal(name, REASONS[finding.code], finding.fix)


def _refusing(values: pa.Array, outside: pa.BooleanArray, why: Refusal) -> TypedColumn:
    rows = np.flatnonzero(_mask(outside))
    return TypedColumn(_replaced(values, rows, pa.nulls(len(rows), values.type)), [(rows, why)])


def _replaced(values: pa.Array, rows: Array, cells: pa.Array) -> pa.Array:
    """The values with other cells in some rows."""
    places = np.arange(len(values))
    places[rows] = len(values) + np.arange(len(rows))
    return pa.concat_arrays([values, cells]).take(pa.array(places))


def _as(type_: pa.DataType, column: pa.Array) -> pa.Array:
    """The same 64 bits a cell taken for another type."""
    return pa.Array.from_buffers(type_, len(column), column.buffers(), column.null_count, column.offset)


def _mask(truths: pa.BooleanArray) -> Array:
    return np.asarray(pc.fill_null(truths, False))


def _bytes_of(column: pa.StringArray) -> Array:
    """The bytes of all of a column's texts, one after the other."""
    _, offsets, data = column.buffers()
    if data is None or offsets is None or not len(column):
        return np.empty(0, np.uint8)
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]


def is_plain(column: pa.StringArray) -> bool:
    """Whether every text is of printable ASCII characters, blanks not among them."""
    data = _bytes_of(column)
    return not len(data) or bool(data.min() > 0x20 and data.max() < 0x7F)


def _lengths(column: pa.StringArray) -> Array:
    offsets = column.buffers()[1]
    if offsets is None or not len(column):
        return np.zeros(len(column), np.int32)
    return np.diff(np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1])


def _longest(column: pa.StringArray) -> int:
    lengths = _lengths(column)
    return int(lengths.max()) if len(lengths) else 0


def without_empty(column: pa.StringArray) -> pa.StringArray:
    """The column with null where a text is empty."""
    empty = _lengths(column) == 0
    if column.null_count and empty.sum() == column.null_count:
        empty &= np.asarray(column.is_valid())
    return pc.if_else(pa.array(empty), pa.scalar(None, pa.string()), column) if empty.any() else column


def _without(values: pa.Array, placeholders: Iterable[Known]) -> tuple[pa.Array, int]:
    """The cells that are no placeholders, null for the others, and how many those are."""
    cells = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    unknown = pc.is_in(cells, value_set=pa.array(list(placeholders), cells.type))
    count = int(pc.sum(unknown).as_py() or 0)
    return (pc.if_else(unknown, pa.scalar(None, cells.type), cells), count) if count else (values, 0)


def _as_dictionary(column: pa.Array) -> pa.DictionaryArray:
    """A column of any type as texts, each different one once, by places of 32 bits: others may have no place below 0."""
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values = coded.dictionary
    if not is_text(values.type):
        spelt = [None if value is None else _spelt(value) for value in values.to_pylist()]
        values = pa.array(spelt, pa.string())
    elif coded.type.index_type == pa.int32():
        return coded
    return pa.DictionaryArray.from_arrays(coded.indices.cast(pa.int32()), values)


def _spelt(value: object) -> str:
    """A number as text; a float as the shortest decimal that it is the nearest to."""
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if isinstance(value, Decimal) and "." in text else text


def _listed(cells: pa.Array) -> list[Any]:
    """Cells as values; bytes that are no UTF-8 are signs that no fact takes."""
    try:
        return list(cells.to_pylist())
    except UnicodeDecodeError:
        contents = (cell.as_buffer().to_pybytes() if cell.is_valid else None for cell in cells)
        return [None if cell is None else cell.decode("utf-8", "replace") for cell in contents]
