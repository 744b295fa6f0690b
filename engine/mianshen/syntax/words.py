"""The words of the language.

Invariant: `KEYWORDS` are the words `grammar.lark` reads as tokens of their own; they never name
anything. `null` is no value either, and is refused with a word of its own.
"""

from __future__ import annotations

from typing import Final

KEYWORDS: Final = frozenset(
    {
        "and",
        "at",
        "between",
        "else",
        "every",
        "false",
        "for",
        "if",
        "in",
        "is",
        "known",
        "not",
        "or",
        "return",
        "satisfies",
        "some",
        "then",
        "true",
        "unknown",
    }
)

# Functions people forget the brackets of; what a call may name is for the program to say.
CALLED: Final = frozenset({
    "abs", "after", "all", "any", "append", "before", "ceiling", "coincides", "concatenate", "contains", "count",
    "date", "days", "decimal", "duration", "during", "even", "finishes", "first", "flatten", "floor", "includes", "marginal",
    "max", "mean", "median", "meets", "min", "modulo", "months", "number", "odd", "overlaps", "previous", "product",
    "remove", "reverse", "sharing", "split", "starts", "string", "sublist", "substring", "sum", "union", "within",
    "years",
})  # fmt: skip
SPACED: Final = (
    "add working days", "age on", "benefit year", "day of week", "day of year", "days of overlap", "distinct count",
    "distinct values", "ends with", "finished by", "index of", "insert before", "instance of", "inverse marginal",
    "list contains", "lower case", "met by", "month of year", "overlaps after", "overlaps before", "paid layers",
    "pooling area", "round down", "round half down", "round half even", "round half up", "round up", "same city",
    "same pooling area", "same province", "started by", "starts with", "string join", "string length",
    "substring after", "substring before", "upper case", "working day", "working day of month", "year to date",
)  # fmt: skip

# What people write after a number: units and powers of ten.
UNITS: Final = frozenset("元角分百千万亿岁年月天日")
