"""Expressions as written: text in, surface tree with places out, and a printer that parses back.

Nodes are in `mianshen.syntax.tree`. Nothing here knows what a name means.
"""

from mianshen.syntax.builder import MAX_DEPTH
from mianshen.syntax.parser import MAX_LENGTH, parse_cell, parse_expression
from mianshen.syntax.printer import cell_to_text, to_text
from mianshen.syntax.words import KEYWORDS
from mianshen.values import MAX_DIGITS

__all__ = [
    "KEYWORDS",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_LENGTH",
    "cell_to_text",
    "parse_cell",
    "parse_expression",
    "to_text",
]
