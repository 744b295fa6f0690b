"""Functions of texts that are written out, as FEEL has them: worked out when the rulebook loads.

In: texts and numbers. Out: a text, a number, true or false; None where FEEL gives nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeAlias

from mianshen.values import fits

Written: TypeAlias = str | Decimal | bool | dt.date
_WRITTEN_NUMBER: Final = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)


def _substring(text: str, start: Decimal, length: Decimal | None = None) -> str | None:
    first = int(start)
    if first != start or first == 0 or abs(first) > len(text):
        return None
    if length is not None and (length < 1 or length != int(length)):
        return None
    begin = first - 1 if first > 0 else len(text) + first
    return text[begin:] if length is None else text[begin : begin + int(length)]


def _before(text: str, match: str) -> str:
    return text.partition(match)[0] if match in text else ""


def _after(text: str, match: str) -> str:
    return text.partition(match)[2] if match in text else ""


def in_text(value: Written) -> str:
    """A value as FEEL writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            digits = f"{value:f}"
            return digits.rstrip("0").rstrip(".") if "." in digits else digits
        case _:
            return str(value)


def _number(text: str, grouping: str = "", point: str = ".") -> Decimal | None:
    """The number that a text spells, as a formula may write one; None: it spells none, or has too many digits."""
    plain = (text.replace(grouping, "") if grouping else text).replace(point, ".").strip(" ")
    value = Decimal(plain) if _WRITTEN_NUMBER.fullmatch(plain) else None
    return value if value is not None and fits(value) else None


# Each function: what works it out, what its arguments are called, and their types.
TEXTS: Final[dict[str, tuple[Callable[..., Written | None], tuple[str, ...], tuple[type, ...]]]] = {
    "string length": (lambda text: Decimal(len(text)), ("string",), (str,)),
    "upper case": (str.upper, ("string",), (str,)),
    "lower case": (str.lower, ("string",), (str,)),
    "substring": (_substring, ("string", "start position", "length"), (str, Decimal, Decimal)),
    "substring before": (_before, ("string", "match"), (str, str)),
    "substring after": (_after, ("string", "match"), (str, str)),
    "contains": (lambda text, match: match in text, ("string", "match"), (str, str)),
    "starts with": (lambda text, match: text.startswith(match), ("string", "match"), (str, str)),
    "ends with": (lambda text, match: text.endswith(match), ("string", "match"), (str, str)),
    "string": (in_text, ("from",), (object,)),
    "number": (_number, ("from", "grouping separator", "decimal separator"), (str, str, str)),
}
FEWEST: Final = {"substring": 2, "number": 1}  # arguments of those that may have fewer
DAYS_OF_WEEK: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS_OF_YEAR: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
