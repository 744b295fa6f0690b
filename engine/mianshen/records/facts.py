"""One fact as a person wrote it: read from its literal text, or refused with the fix.

In: the text of a cell or the node that holds it, the fact as the vocabulary declares it. Out: the value, None
(unknown), or the mistake. A cell of a table and a value in YAML or JSON are read by the same functions.
Invariants: a number is never read through a float; null is unknown whatever the type; blanks and invisible
characters around a value do not belong to it.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Final, TypeVar, assert_never

from mianshen.catalogue import diagnostic
from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence
from mianshen.places import read_place
from mianshen.program.core import Boolean, Code, Date, Duration, Listing, Numeric, String
from mianshen.program.literals import TRUTH, read_date, read_number, settle
from mianshen.program.program import Fact, Program
from mianshen.records import diagnostics
from mianshen.records.identity_numbers import is_identity_number, is_spoilt
from mianshen.source import NOWHERE, Diagnostic, may_name_a_person
from mianshen.values import Known

Read = TypeVar("Read", bound="Known | Diagnostic | None")
ONE_VALUE = ("一个值", "a single value")
A_LIST = ("列表", "a list of values")
# blanks, control characters, and characters of no width such as the byte-order mark
INVISIBLE: Final = "".join(
    chr(code)
    for code in (*range(0x21), *range(0x7F, 0xA1), 0xAD, 0x34F, 0x61C, *range(0x115F, 0x1161), 0x1680, 0x180E,
                 *range(0x2000, 0x2010), *range(0x2028, 0x2030), *range(0x205F, 0x2070), 0x3000, 0x3164, 0xFE0F,
                 0xFEFF, 0xFFA0)
)  # fmt: skip
_HIDDEN: Final = re.compile(f"[{re.escape(''.join(c for c in INVISIBLE if not c.isspace()))}]")

_MIDNIGHT = re.compile(r"(.+)(?:[T ]|\s+)0?0:00(?::00(?:\.0+)?)?Z?", re.ASCII)
_TIME = r"(?:\s*T?\s*[0-9]{1,2}[:时][0-9]{1,2}(?:[:分][0-9.]*)?秒?(?:\s*[AP]M)?(?:Z|[+-][0-9:]{2,6})?)?"
_DAY_LIKE = re.compile(
    rf"([0-9]{{4}})\s*[-/.年]?\s*([0-9]{{1,2}})\s*[-/.月]?\s*([0-9]{{1,2}})\s*日?{_TIME}", re.ASCII
)
_SERIAL: Final = re.compile(r"([1-9][0-9]{4})(?:\.[0-9]*)?", re.ASCII)  # the decimals are the time of day
_SERIAL_START: Final = dt.date(1899, 12, 30)  # day 0 of a spreadsheet, as counted after February 1900
_AROUND_NUMBERS = re.compile(r"[\s,_¥$]|元|yuan|CNY|RMB")
_MINUS = r"[-\u2010-\u2015\u2212]"
_BELOW_ZERO = re.compile(rf"\(([0-9.]+)\)|{_MINUS}([0-9.]+)|([0-9.]+){_MINUS}")  # as books have it


def read_fact(node: Node, fact: Fact, program: Program) -> Known | Diagnostic | None:
    """What `node` says of `fact`; a mistake whose code is not in `diagnostics.REASONS` is one of shape."""
    match node:
        case Scalar():
            return None if node.null else _placed(read_text(node.text, fact, program), node)
        case Sequence() if isinstance(fact.type, Listing):
            items: list[Known | Diagnostic] = []
            item_fact = replace(fact, type=fact.type.item)
            for item in node.items:
                if not isinstance(item, Scalar):
                    return diagnostics.wrong_shape(item.span, fact.name, A_LIST)
                items.append(_placed(spelt_value("" if item.null else item.text, item_fact, program), item))
            return _listed(items)
        case Sequence() | Mapping():
            wanted = A_LIST if isinstance(fact.type, Listing) else ONE_VALUE
            return diagnostics.wrong_shape(node.span, fact.name, wanted)
        case _:
            assert_never(node)


def _placed(value: Read, node: Scalar) -> Read:
    """What a node's text reads as; a mistake gets the node's place, which is only worked out for it."""
    return replace(value, span=node.span) if isinstance(value, Diagnostic) else value


def read_items(items: Iterable[str | None], fact: Fact, program: Program) -> Known | Diagnostic:
    """A list of texts as a fact of a list type; None among the items is refused as empty."""
    assert isinstance(fact.type, Listing)
    item_fact = replace(fact, type=fact.type.item)
    return _listed(spelt_value(text or "", item_fact, program) for text in items)


def _listed(items: Iterable[Known | Diagnostic]) -> Known | Diagnostic:
    """The items as one value, or the first mistake among them."""
    values = []
    for value in items:
        if isinstance(value, Diagnostic):
            return value
        values.append(str(value))
    return tuple(values)


def read_text(text: str, fact: Fact, program: Program) -> Known | Diagnostic | None:
    """The value that a text spells, None for a placeholder, or the mistake, whose code is in `diagnostics.REASONS`."""
    value = spelt_value(text, fact, program)
    return None if fact.placeholders and value in fact.placeholders else value


def spelt_value(text: str, fact: Fact, program: Program) -> Known | Diagnostic:
    """The value that a text spells, a placeholder or not, or the mistake."""
    text = text.strip(INVISIBLE)
    if not text:
        return diagnostic("E427.empty", NOWHERE, name=fact.name)
    match fact.type:
        case Numeric():
            return _number(text, fact, fact.type)
        case Boolean():
            truth = TRUTH.get(text.lower())
            return diagnostics.bad_boolean(NOWHERE, fact.name, _echo(text, fact)) if truth is None else truth
        case Date():
            day = _day(text)
            return _bad_day(text, fact) if day is None else day
        case Code(codes=name):
            codes = program.codes[name]
            code = codes.spellings.get(text)
            echo = None if fact.personal else text
            return diagnostics.bad_code(NOWHERE, fact.name, echo, codes.values) if code is None else code
        case String(area=True):
            place = read_place(text)
            written = None if fact.personal else text
            return (
                diagnostics.bad_area(NOWHERE, fact.name, _echo(text, fact), written)
                if place is None
                else place
            )
        case String() | Duration():
            return _text_mistake(text, fact, program) or text
        case Listing():
            return read_items((part for part in text.split(";") if part.strip(INVISIBLE)), fact, program)
        case _:
            assert_never(fact.type)


def _echo(text: str, fact: Fact) -> str | None:
    """A wrong value as it may be repeated; None where it is, or may be, something personal."""
    return None if fact.personal or may_name_a_person(text) else text


def _bad_day(text: str, fact: Fact) -> Diagnostic:
    better = None if fact.personal else _day_meant(text)
    return diagnostics.bad_date(NOWHERE, fact.name, _echo(text, fact), better)


def names_a_row(fact: Fact, program: Program) -> bool:
    """Whether a text is a key: of its row, of the row above, or of the row that its row voids."""
    entity = program.entities.get(fact.entity)
    if fact.required or entity is None:
        return fact.required
    owner = None if entity.parent is None else program.entities[entity.parent].key
    return fact.name in (owner, entity.reverses)


def _text_mistake(text: str, fact: Fact, program: Program) -> Diagnostic | None:
    """What is wrong with a text: keys hold nothing invisible, and nothing that a spreadsheet has spoilt."""
    match fact.format:
        case "identity_number":
            if not is_identity_number(text):
                return diagnostic("E446.bad_identity_number", NOWHERE, name=fact.name)
        case None:
            pass
        case _:
            assert_never(fact.format)
    if not names_a_row(fact, program):
        return None
    if is_spoilt(text):
        return diagnostic("E447.spoilt_number", NOWHERE, name=fact.name)
    return diagnostic("E448.invisible", NOWHERE, name=fact.name) if _HIDDEN.search(text) else None


def _number(text: str, fact: Fact, type_: Numeric) -> Decimal | Diagnostic:
    percent = fact.written == "rate"
    number = read_number(text, percent=percent)
    if number is None:
        better = None if fact.personal else _number_meant(text, percent)
        return diagnostics.bad_number(NOWHERE, fact.name, _echo(text, fact), better)
    value = settle(number, type_.scale)
    if value is None and abs(number) < 10**15:
        return diagnostics.too_many_decimals(NOWHERE, fact.name, _echo(text, fact), type_.scale)
    if value is None or not type_.low <= value <= type_.high:
        return diagnostics.out_of_range(NOWHERE, fact.name, _echo(text, fact), type_.low, type_.high)
    return value


def _number_meant(text: str, percent: bool) -> str | None:
    """The number without thousands marks, currency, full-width digits and books' minus signs, if it then is one."""
    plain = _AROUND_NUMBERS.sub("", unicodedata.normalize("NFKC", text))
    booked = _BELOW_ZERO.fullmatch(plain)
    plain = plain if booked is None else f"-{booked[booked.lastindex or 0]}"
    return plain if read_number(plain, percent) is not None else None


def is_below_zero(text: str) -> bool:
    """Whether a text is a number below zero, as programs or as books write it: -100.00, (100.00), 100.00-, −100.00."""
    return (_number_meant(text, percent=False) or "").startswith("-")


def _day(text: str) -> dt.date | None:
    """An ISO date, with the time of midnight or without a time."""
    midnight = _MIDNIGHT.fullmatch(text)
    return read_date(text if midnight is None else midnight[1])


def _day_meant(text: str) -> str | None:
    """A date otherwise written, `2026/3/2`, `2026年3月2日`, with a time, or a spreadsheet's `46083`, in ISO form."""
    normal = unicodedata.normalize("NFKC", text).strip()
    spelt, serial = _DAY_LIKE.fullmatch(normal), _SERIAL.fullmatch(normal)
    try:
        if serial is not None:
            return (_SERIAL_START + dt.timedelta(int(serial[1]))).isoformat()
        return None if spelt is None else dt.date(*map(int, spelt.groups())).isoformat()
    except (ValueError, OverflowError):
        return None
