"""What a person types at a question, as a record has it.

In: a line, the fact it is about. Out: the text of the fact: digits of half width, an amount in yuan without marks and units.
Invariants: what is not understood stays as it was typed, so that reading it says what is wrong; nothing is rounded.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final
from unicodedata import normalize

from mianshen.program.core import Date, Numeric, String
from mianshen.program.program import Fact

_AMOUNT: Final = re.compile(
    r"[¥￥]? ?(-?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)((?:\.[0-9]+)?) ?(亿|万|千|百)? ?(?:元|圆|块|yuan|rmb|cny)?整?",
    re.IGNORECASE,
)
_UNITS: Final = {"": 1, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_DAY: Final = re.compile(r"([0-9]{4}) ?[-/.年] ?([0-9]{1,2}) ?[-/.月] ?([0-9]{1,2}) ?日?")
_COUNTED: Final = re.compile(
    r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+) ?(?:个月|个|月|天|日|人|口|岁|小时|次|名|笔|项|months?|days?|hours?)"
)


def as_written(text: str, fact: Fact | None) -> str:
    """The line as a record has it; `fact`: what it is about, None for how many rows there are.

    Texts that mean nothing but themselves, such as a name, stay as they are.
    """
    if fact is not None and isinstance(fact.type, String) and not fact.type.area:
        return text
    plain = normalize("NFKC", text).strip()
    if fact is not None and isinstance(fact.type, Date):
        day = _DAY.fullmatch(plain)
        return plain if day is None else f"{day[1]}-{int(day[2]):02}-{int(day[3]):02}"
    if fact is not None and fact.written.split(" ")[0] == "money":
        return _amount(plain)
    if fact is None or isinstance(fact.type, Numeric):
        counted = _COUNTED.fullmatch(plain) or re.fullmatch(r"([0-9]{1,3}(?:,[0-9]{3})+)", plain)
        return plain if counted is None else counted[1].replace(",", "")
    return plain


def _amount(text: str) -> str:
    """An amount in yuan.

    >>> [_amount(text) for text in ("6万", "60,300元", "1.5万元", "¥1,234.50", "-3千", "6万3", "a lot")]
    ['60000', '60300', '15000', '1234.50', '-3000', '6万3', 'a lot']
    """
    amount = _AMOUNT.fullmatch(text)
    if amount is None:
        return text
    sign, whole, part, unit = amount.groups()
    if not unit:
        return f"{sign}{whole.replace(',', '')}{part}"
    value = Decimal(whole.replace(",", "") + part) * _UNITS[unit]
    return f"{sign}{value.normalize():f}"
