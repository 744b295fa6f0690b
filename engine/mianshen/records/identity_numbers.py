"""Resident identity numbers by shape and check digit (GB 11643), and numbers that a spreadsheet has spoilt.

In: texts. Out: whether they can be such numbers. Nothing here says or keeps whose they are.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS: Final = "10X98765432"  # by the weighted sum modulo 11
_SHAPE: Final = re.compile(r"[1-9][0-9]{16}[0-9Xx]", re.ASCII)
_OLD_SHAPE: Final = re.compile(
    r"[1-9][0-9]{14}", re.ASCII
)  # before 1999: a year of two digits, no check digit
SPOILT: Final = re.compile(  # 3.10113E+17, 3.10113e17, #N/A, ####
    r"[0-9](\.[0-9]+)?E\+[0-9]{2,}|[0-9]\.[0-9]+E[0-9]{1,2}|#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!)|#{2,}",
    re.ASCII | re.IGNORECASE,
)


def is_identity_number(text: str) -> bool:
    """Whether a text has the shape of an identity number, a day of birth and the check digit."""
    if _OLD_SHAPE.fullmatch(text):
        return _is_day(f"19{text[6:12]}")
    return bool(_SHAPE.fullmatch(text)) and _is_day(text[6:14]) and check_digit(text) == text[17].upper()


def check_digit(text: str) -> str:
    """The last digit that belongs to the first 17."""
    total = sum(int(digit) * weight for digit, weight in zip(text, WEIGHTS, strict=False))
    return CHECK_DIGITS[total % 11]


def in_full(text: str) -> str:
    """A number of before 1999 as it is written since: with the century and the check digit; any other as it is."""
    if not _OLD_SHAPE.fullmatch(text):
        return text
    digits = f"{text[:6]}19{text[6:]}"
    return digits + check_digit(digits)


def is_spoilt(text: str) -> bool:
    """Whether a spreadsheet has put 3.10113E+17, an error or #### where a number stood: its digits are lost."""
    return bool(SPOILT.fullmatch(text))


def _is_day(digits: str) -> bool:
    try:
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year >= 1800
    except ValueError:
        return False
