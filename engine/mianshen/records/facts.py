"""One fact as a person wrote it: read from its literal text, or refused with the fix.

In: the node that holds it, the fact as the vocabulary declares it. Out: the value, None (unknown), or
the mistake.
Invariants: a number is never read through a float; null is unknown whatever the type.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal
from typing import assert_never

from mianshen.document.yaml_tree import Mapping, Node, Scalar, Sequence
from mianshen.places import read_place
from mianshen.program.core import Boolean, Code, Date, Duration, Listing, Numeric, String, Type
from mianshen.program.literals import TRUTH, read_date, read_number, settle
from mianshen.program.program import Fact, Program
from mianshen.records import diagnostics
from mianshen.source import Diagnostic
from mianshen.values import Known

ONE_VALUE = ("一个值", "a single value")
A_LIST = ("列表", "a list of values")

_DAY_LIKE = re.compile(r"([0-9]{4})\s*[-/.年]?\s*([0-9]{1,2})\s*[-/.月]?\s*([0-9]{1,2})\s*日?", re.ASCII)
_AROUND_NUMBERS = re.compile(r"[\s,_¥$]|元|yuan|CNY|RMB")


def read_fact(node: Node, fact: Fact, program: Program) -> Known | Diagnostic | None:
    """What `node` says of `fact`; a mistake whose code is not in `diagnostics.REASONS` is one of shape."""
    match node:
        case Scalar():
            return None if node.null else _scalar(node, fact, fact.type, program)
        case Sequence() if isinstance(fact.type, Listing):
            return _listing(node, fact, fact.type.item, program)
        case Sequence() | Mapping():
            wanted = A_LIST if isinstance(fact.type, Listing) else ONE_VALUE
            return diagnostics.wrong_shape(node.span, fact.name, wanted)
        case _:
            assert_never(node)


def _listing(node: Sequence, fact: Fact, item: Type, program: Program) -> Known | Diagnostic:
    values = []
    for each in node.items:
        if not isinstance(each, Scalar):
            return diagnostics.wrong_shape(each.span, fact.name, A_LIST)
        value = diagnostics.empty(each.span, fact.name) if each.null else _scalar(each, fact, item, program)
        if isinstance(value, Diagnostic):
            return value
        values.append(str(value))
    return tuple(values)


def _scalar(node: Scalar, fact: Fact, type_: Type, program: Program) -> Known | Diagnostic:
    text = node.text
    if not text.strip():
        return diagnostics.empty(node.span, fact.name)
    echo = None if fact.personal else text
    match type_:
        case Numeric():
            return _number(node, fact, type_, echo)
        case Boolean():
            truth = TRUTH.get(text.lower())
            return diagnostics.bad_boolean(node.span, fact.name, echo) if truth is None else truth
        case Date():
            day = read_date(text)
            better = None if fact.personal else _day_meant(text)
            return diagnostics.bad_date(node.span, fact.name, echo, better) if day is None else day
        case Code(codes=name):
            codes = program.codes[name]
            code = codes.spellings.get(text)
            return diagnostics.bad_code(node.span, fact.name, echo, codes.values) if code is None else code
        case String(area=True):
            place = read_place(text)
            return diagnostics.bad_area(node.span, fact.name, echo) if place is None else place
        case String() | Duration():
            return text
        case Listing(item=item):
            return _written_list(node, fact, item, program)
        case _:
            assert_never(type_)


def _written_list(node: Scalar, fact: Fact, item: Type, program: Program) -> Known | Diagnostic:
    """A list as a table's cell has it: `a; b`."""
    values = []
    for part in filter(None, map(str.strip, node.text.split(";"))):
        piece = Scalar(part, node.style, node.source, node.start, node.end)
        value = _scalar(piece, fact, item, program)
        if isinstance(value, Diagnostic):
            return value
        values.append(str(value))
    return tuple(values)


def _number(node: Scalar, fact: Fact, type_: Numeric, echo: str | None) -> Decimal | Diagnostic:
    percent = fact.written == "rate"
    number = read_number(node.text, percent=percent)
    if number is None:
        better = None if fact.personal else _number_meant(node.text, percent)
        return diagnostics.bad_number(node.span, fact.name, echo, better)
    value = settle(number, type_.scale)
    if value is None and abs(number) < 10**15:
        return diagnostics.too_many_decimals(node.span, fact.name, echo, type_.scale)
    if value is None or not type_.low <= value <= type_.high:
        return diagnostics.out_of_range(node.span, fact.name, echo, type_.low, type_.high)
    return value


def _number_meant(text: str, percent: bool) -> str | None:
    """The number without thousands marks, currency and full-width digits, if it then is one."""
    plain = _AROUND_NUMBERS.sub("", unicodedata.normalize("NFKC", text))
    return plain if read_number(plain, percent) is not None else None


def _day_meant(text: str) -> str | None:
    """`2026/3/2`, `20260302` or `2026年3月2日` as a date, if it is one."""
    found = _DAY_LIKE.fullmatch(unicodedata.normalize("NFKC", text).strip())
    try:
        return None if found is None else dt.date(*map(int, found.groups())).isoformat()
    except ValueError:
        return None
